"""``docposts corpus diff|verify|promote``: versions against each other, against their sources, and the first of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_json_pieces, print_table, progress, say, visible

if TYPE_CHECKING:
    from toolkit.corpus.difference import TableDifference

_SHOWN = 60


@click.command()
@click.argument("before", required=False)
@click.argument("after", required=False)
@click.option("--table", "only", multiple=True, help="Only this table; may be given again.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Rows shown of each table.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write every change as Parquet.")
@json_option
@click.pass_obj
def diff(
    root: Root,
    before: str | None,
    after: str | None,
    only: tuple[str, ...],
    limit: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show what differs between two versions, row by row and column by column.

    Without versions: what the latest changed. With BEFORE alone: all that changed since. --json holds every row.
    """
    from toolkit.corpus import changes, difference, store

    one, other = store.pair(root.tables(), before, after)
    parts = [part for part in difference.difference(one, other) if not only or part.name in only]
    if output:
        say(f"{changes.write(output, parts)} changed values in {output}")
    if as_json:
        print_json_pieces({"before": str(one.version), "after": str(other.version), "tables": map(_record, parts)})
        return
    rows = [{"table": part.name, **part.counts, "step": part.step, "columns": _columns(part)} for part in parts]
    print_table(rows)
    for part in parts if limit else ():
        click.echo(f"\n{part.name}")
        for row in part.rows(limit):
            click.echo(_line(row))
        if sum(part.counts.values()) > limit:
            click.echo(f"  … {sum(part.counts.values()) - limit} more: --limit, --json or --output has them")
    say(f"corpus {one.version} → {other.version}: {'no row differs' if not parts else f'{len(parts)} tables differ'}")


def _columns(part: TableDifference) -> list[str]:
    found = [f"{name} ({count})" for name, count in part.changed_columns.items()]
    found += [f"+{name}" for name in part.columns_added] + [f"-{name}" for name in part.columns_removed]
    return found + [f"{name}: {one} → {other}" for name, (one, other) in part.columns_retyped.items()]


def _line(row: Any) -> str:
    from toolkit.corpus.changes import plain
    from toolkit.fsio import canonical_json

    key = " ".join(str(value) for value in row.key.values())
    values = {cell.column: cell for cell in row.cells}
    if row.kind == "changed":
        sides = {n: [_cut(canonical_json(plain(side))) for side in (c.before, c.after)] for n, c in values.items()}
        return "\n".join([visible(f"  ~ {key}"), *(visible(f"      {n}: {a} → {b}") for n, (a, b) in sides.items())])
    side = "after" if row.kind == "added" else "before"
    text = next((getattr(values[n], side) for n in ("text", "title", "name", "handle") if n in values), "")
    return visible(f"  {'+' if row.kind == 'added' else '-'} {key}  {_cut(str(text))}")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _record(part: TableDifference) -> dict[str, Any]:
    from toolkit.corpus.changes import plain

    rows = (
        {
            "key": plain(row.key),
            "change": row.kind,
            "columns": {c.column: {"before": plain(c.before), "after": plain(c.after)} for c in row.cells},
        }
        for row in part.rows()
    )
    return {
        "table": part.name,
        "step": part.step,
        **part.counts,
        "columns_added": part.columns_added,
        "columns_removed": part.columns_removed,
        "columns_retyped": part.columns_retyped,
        "columns_changed": part.changed_columns,
        "rows": rows,
    }


@click.command()
@click.pass_obj
def promote(root: Root) -> None:
    """Make 1.0.0 of the latest version, once it verifies: the same rows; from then on a step moves its own place."""
    from toolkit.corpus.promote import promote as make

    with progress("verifying"):
        made = make(root.tables())
    say(f"corpus {made.version}: the rows of {made.manifest['previous']}, in {made.folder}")
    say("  next: docposts tasks push")


@click.command()
@click.argument("version", required=False)
@click.option(
    "--again/--not-again", default=True, help="Build versions again from their inputs and compare (default: do)."
)
@json_option
@click.pass_obj
def verify(root: Root, version: str | None, again: bool, as_json: bool) -> None:
    """Check versions (default: all): files, digests, keys, and contents against what they were made of.

    Spans are held against the reports' texts, ids and derived columns are computed again, and a version whose inputs are
    still those on record is built again, so that an edit is found also where somebody wrote the digests anew. A dash
    says that a check could not be made. Exit code 3 where one fails.
    """
    from toolkit.corpus.verify import verify as check_versions
    from toolkit.errors import ChecksFailed

    with progress("verifying") as show:
        checks = check_versions(root.tables(), version, again=again, progress=show)
    rows = [check._asdict() for check in checks]
    print_json(rows) if as_json else print_table(rows)
    if failed := [check for check in checks if check.ok is False]:
        raise ChecksFailed(
            f"{len(failed)} of {len(checks)} checks failed",
            hint="docposts corpus build --repair writes missing or damaged parts of the latest version again",
        )
    say(f"{len(checks)} checks, none failed")
