"""``docposts release export``: a release as CSV or JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from toolkit.cli.common import Root, say
from toolkit.cli.release_folder import release_folder, release_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@release_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV (lists as JSON in their cells) or JSON lines.",
)
@click.pass_obj
def export(root: Root, folder: Path, release: str | None, form: Literal["csv", "jsonl"]) -> None:
    """Write a release to a new FOLDER as plain files, one for each config and split. Labels are words."""
    from toolkit.release.export import export as write

    chosen = release_folder(root, release)
    files = write(chosen, folder, form)
    say(f"release {chosen.version}: {len(files)} files in {folder}")
