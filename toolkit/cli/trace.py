"""``docposts trace``: from a label back to the report."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say


@click.command()
@click.argument("row")
@click.argument("label", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page (default: traces/ROW.html in the workspace).",
)
@json_option
@click.pass_obj
def trace(root: Root, row: str, label: str | None, output: Path | None, as_json: bool) -> None:
    """Write a page that leads from a released label back to the place in the report.

    ROW is the id of a post or photo text (its beginning is enough); LABEL one of its labels, or a field with one value
    (default: all). The page shows the decision and its reason, what was decided before, the votes with the words that they
    rest on, what the codebook said then, and these words in the report. It is one file, works offline and without scripts,
    and holds the report's text and people's names: pass it on as both allow.
    """
    from toolkit.fsio import write_atomic
    from toolkit.report.trace_page import page
    from toolkit.trace.find import trace as find

    workspace = root.tables()
    found = find(workspace, row, label)
    if as_json:
        print_json(found.record())
    else:
        print_table(
            [
                {
                    "field": step.field,
                    "label": step.name if step.label else None,
                    "in force": step.outcome or "–",
                    "how": step.how,
                    "reason": (step.reason or "").replace("_", " ") or None,
                    "votes": ", ".join(f"{vote.annotator} {vote.value}" for vote in step.votes),
                    "released": step.released,
                }
                for step in found.steps
            ]
        )
    if as_json and output is None:
        return
    path = output or workspace.root / "traces" / f"{found.item_id}{f'-{label}' if label else ''}.html"
    write_atomic(path, page(found))
    where = next((layer.where for layer in found.layers if layer.where), f"source {found.source_id}")
    say(f"{found.item_id}: {found.source} ({where})")
    if not found.steps:
        say("  nobody has judged it yet; next: docposts tasks push")
    say(f"the page is {path}")
