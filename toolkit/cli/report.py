"""``docposts report``: agreement as one page."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, progress, say
from toolkit.cli.labels_agreement import judgements_option, read_judgements, tables_option


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page (default: report.html in the workspace).",
)
@judgements_option
@tables_option
@json_option
@click.pass_obj
def report(root: Root, output: Path | None, file: Path | None, folder: Path | None, as_json: bool) -> None:
    """Write a page that shows how far annotators agree: one file, offline, without scripts.

    Agreement per label with intervals, what is taken for what, pairs of annotators, labels by source, campaign and month,
    progress, and the most contested items with the votes side by side and the text in its place. The page holds the report's
    text and annotators' names: pass it on as both allow.
    """
    from toolkit.fsio import write_atomic
    from toolkit.report import agreement_page, agreement_tables

    workspace = root.workspace()
    with progress("measuring"):
        tables = agreement_tables.collect(workspace, read_judgements(workspace, file) if file else None)
    if folder:
        for path in agreement_tables.write(folder, tables.rows):
            say(f"written: {path}")
    if as_json:
        print_json(tables.rows)
        return
    with progress("drawing"):
        path = output or workspace.root / "report.html"
        write_atomic(path, agreement_page.page(workspace, tables))
    say(f"the page is {path}")
    if not tables.judgements.num_rows:
        say("  no judgements yet; next: docposts labels pull")
