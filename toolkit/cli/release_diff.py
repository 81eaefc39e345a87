"""``docposts release diff``: what changed between two releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say
from toolkit.cli.release_folder import release_folder

if TYPE_CHECKING:
    from toolkit.release.diff import ReleaseDiff


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B", required=False)
@click.option("--html", type=click.Path(path_type=Path), help="Write a page to this file too.")
@json_option
@click.pass_obj
def diff(root: Root, before: str, after: str | None, html: Path | None, as_json: bool) -> None:
    """Show what release B (default: the latest) holds that A does not; each a version of this workspace or a folder.

    Rows added and removed, values changed by column, labels with both their values, items in another split, declarations,
    and the step of the version that follows.
    """
    from toolkit.release.diff import diff as compare

    found = compare(release_folder(root, before), release_folder(root, after))
    if html is not None:
        from toolkit.fsio import write_atomic
        from toolkit.report.release_diff import page

        write_atomic(html, page(found))
    if as_json:
        print_json(found.record())
        return
    _print(found)
    if html is not None:
        say(f"written: {html}")


def _print(found: ReleaseDiff) -> None:
    print_table(
        [
            {
                "config": one.config,
                "before": one.rows_before,
                "after": one.rows_after,
                "added": len(one.added),
                "removed": len(one.removed),
                "values changed": ", ".join(f"{column} {count}" for column, count in one.changed.items()),
            }
            for one in found.configs
        ]
    )
    for title, rows in (
        ("labels that stand otherwise", found.flips),
        ("items in another split", found.moves),
    ):
        if rows:
            click.echo(f"\n{title}")
            print_table([vars(row) for row in rows])
    for line in (*found.schema, *found.codebooks):
        click.echo(line)
    step = f"{found.step}: at least {found.expected} may follow {found.before}" if found.step else "nothing changed"
    say(f"{found.before} → {found.after}: {step}")
