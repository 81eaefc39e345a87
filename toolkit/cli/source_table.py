"""``docposts source add`` for tables: its options, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import F, Root, progress, say

if TYPE_CHECKING:
    from toolkit.sources.source import Source


def table_options(function: F) -> F:
    """Add the options that tables take."""
    for option in (
        click.option("--platform", metavar="NAME", help="Tables: the platform, where no column says it."),
        click.option(
            "--encoding", metavar="NAME", help="Tables: the encoding (default: by byte order mark, else UTF-8)."
        ),
        click.option(
            "--map",
            "mapping",
            multiple=True,
            metavar="COLUMN=FIELD",
            help="Tables: a column and what it gives (platform_object_id, text, posted_at, account, …); again for each.",
        ),
        click.option("--preset", metavar="NAME", help="Tables: a known format, takedown-tweets or takedown-users."),
    ):
        function = option(function)
    return function


def is_table(path: Path, form: str | None, options: Mapping[str, Any]) -> bool:
    """Tell whether a file is to be added as a table; a table without its columns' meaning is refused."""
    from toolkit.errors import InputError
    from toolkit.sources.tabular.formats import detect, looks_tabular
    from toolkit.sources.tabular.mapping import fitting_preset

    if any(options.values()):
        return True
    if form or not looks_tabular(path):
        return False
    names = detect(path).names
    preset = fitting_preset(names)
    raise InputError(
        f"{path} is a table: which of its columns is what? It has: {', '.join(names)}",
        hint=f"--preset {preset}" if preset else "--map COLUMN=platform_object_id --map COLUMN=text --platform NAME",
    )


def add_table(root: Root, path: Path, *, mapping: tuple[str, ...], **options: Any) -> None:
    """Add a table and say what became of its rows."""
    from toolkit.sources.tabular import add, ingest
    from toolkit.sources.tabular.mapping import parse_map

    columns = parse_map(mapping)
    with progress(f"reading {path.name}"):
        added = add.add_table(root.workspace(), path, columns=columns, **options)
    for line in ingest.summary(added):
        say(line)
    say(f"  next: docposts corpus build (its metadata: {added.folder / 'source.toml'})")


def table_line(source: Source) -> dict[str, Any]:
    """Return a table's line of ``source list``."""
    from toolkit.sources.tabular.ingest import counts

    return {
        "source": source.id,
        "title": source.meta.title,
        "format": source.file.format,
        "rights": source.meta.rights,
        "characters": None,
        "posts": counts(source).accepted if source.table.holds == "posts" else 0,
        "photo_texts": 0,
        "state": "accepted",
    }
