"""``docposts corpus show|stats|query|export``: looking into a version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say, visible

if TYPE_CHECKING:
    from toolkit.corpus.export import Format
    from toolkit.corpus.show import Shown

_VERSION = click.option("--version", metavar="X.Y.Z", help="Which version (default: the latest).")


@click.command()
@click.argument("item_id", metavar="POST_ID")
@_VERSION
@json_option
@click.pass_obj
def show(root: Root, item_id: str, version: str | None, as_json: bool) -> None:
    """Show a post or photo text: its row, its text in its place in the report, what is like it, its history.

    POST_ID may be cut short where one row alone begins so.
    """
    from toolkit.corpus.show import record
    from toolkit.corpus.show import show as find

    found = find(root.tables(), item_id, version)
    print_json(record(found)) if as_json else _print(found)


def _print(found: Shown) -> None:
    _lines(found.row)
    for name, rows in found.parts.items():
        for row in rows:
            click.echo(f"\n{name}")
            _lines({key: value for key, value in row.items() if key not in ("source_id", "post_id", "belongs_to")})
    if found.place:
        click.echo(f"\n{visible(found.place.where)}")
        for mark, text in (("  ", found.place.before), ("▌ ", found.place.text), ("  ", found.place.after)):
            for line in text.split("\n"):
                if line.strip():
                    click.echo(mark + visible(line))
    else:
        click.echo("\nits source is not here, or its text is another now")
    if found.alike:
        click.echo("\nlike it")
        print_table([other._asdict() for other in found.alike])
    click.echo(f"\nhistory (shown as of {found.version})")
    print_table([{"version": s.version, "row": s.what, "columns": list(s.columns)} for s in found.history])


def _lines(row: Mapping[str, Any]) -> None:
    """Print a row, a line a column: texts may be long. What is empty is left out."""
    from toolkit.corpus.changes import plain
    from toolkit.fsio import canonical_json

    width = max(len(name) for name in row)
    for name, value in row.items():
        if value not in (None, []):
            shown = value if isinstance(value, str) else canonical_json(plain(value))
            click.echo(f"{name:<{width}}  {visible(shown)}")


@click.command()
@_VERSION
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with charts too.")
@json_option
@click.pass_obj
def stats(root: Root, version: str | None, html: Path | None, as_json: bool) -> None:
    """Count what a version holds: by source, month, language, script, hashtag, size of near-duplicate groups …"""
    from toolkit.corpus import store
    from toolkit.corpus.stats import stats as count

    workspace = root.tables()
    found = store.open_version(workspace, version)
    counted = count(found)
    if html:
        from toolkit.fsio import write_atomic
        from toolkit.report.corpus_page import page

        write_atomic(html, page(workspace.settings.title, str(found.version), counted))
        say(f"the page is {html}")
    if as_json:
        print_json(counted)
        return
    for name, rows in counted.items():
        if rows:
            click.echo(f"{name.replace('_', ' ')}")
            print_table(rows)
            click.echo()


@click.command()
@click.argument("sql")
@_VERSION
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; lists and records as JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the answer as Parquet.")
@json_option
@click.pass_obj
def query(root: Root, sql: str, version: str | None, as_csv: bool, output: Path | None, as_json: bool) -> None:
    """Ask a version's tables a question in SQL (DuckDB's): one SELECT, which reaches those tables and nothing else.

    docposts corpus query "SELECT text_lang, count(*) AS posts FROM posts GROUP BY ALL ORDER BY posts DESC"
    """
    from toolkit.corpus import store
    from toolkit.corpus.changes import plain
    from toolkit.corpus.export import csv_line
    from toolkit.corpus.query import query as ask
    from toolkit.corpus.query import save
    from toolkit.errors import UsageError

    if sum((as_csv, as_json, output is not None)) > 1:
        raise UsageError("--csv, --json and --output: one of them")
    with ask(store.open_version(root.workspace(), version), sql) as answer:
        if output:
            say(f"{save(answer, output)} rows in {output}")
        elif as_csv:
            click.echo(csv_line(answer.schema.names), nl=False)
            for batch in answer:
                for row in batch.to_pylist():
                    click.echo(csv_line(row.values()), nl=False)
        else:
            rows = [row for batch in answer for row in batch.to_pylist()]
            print_json(plain(rows)) if as_json else print_table(rows)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_VERSION
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "jsonl"]),
    default="parquet",
    show_default=True,
    help="What the files are.",
)
@click.option("--table", "tables", multiple=True, help="Only this table; may be given again.")
@click.pass_obj
def export(root: Root, folder: Path, version: str | None, form: Format, tables: tuple[str, ...]) -> None:
    """Write a version's tables to a new FOLDER, one file a table, with datapackage.json (Data Package v2)."""
    from toolkit.corpus import store
    from toolkit.corpus.export import export as write

    found = store.open_version(root.tables(), version)
    files = write(found, folder, form=form, only=tables)
    say(f"corpus {found.version}: {len(files)} files in {folder}")
    if found.table("sources").filter(_restricted(found.table("sources"))).num_rows:
        say("it holds texts of restricted reports: not to be passed on")


def _restricted(sources: Any) -> Any:
    import pyarrow.compute as pc

    return pc.equal(sources["rights"], "restricted")
