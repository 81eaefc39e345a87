"""Writes ``docs/cli.md`` and ``docs/tables.md`` from the commands and the schemas themselves (`make docs`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from toolkit.cli import docposts
from toolkit.schema import table, table_names

DOCS = Path(__file__).resolve().parent


def commands(
    group: click.Command, path: tuple[str, ...] = ("docposts",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words, groups before what is in them."""
    yield path, group
    if isinstance(group, click.Group):
        for name in group.list_commands(click.Context(group)):
            yield from commands(group.commands[name], (*path, name))


def cli_page() -> str:
    """Return every command's help."""
    parts = ["# Commands\n\nWritten by `make docs` from the commands' own help.\n"]
    for path, command in commands(docposts):
        context: click.Context | None = None
        for depth in range(len(path)):
            context = click.Context(
                docposts if depth == 0 else command, parent=context, info_name=path[depth], terminal_width=100
            )
        assert context is not None
        parts.append(f"## {' '.join(path)}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def tables_page() -> str:
    """Return every table with its columns."""
    parts = ["# Tables\n\nWritten by `make docs` from `schemas/`.\n"]
    for name in table_names():
        declared = table(name)
        parts.append(f"## {name}\n\n{declared.description}\n")
        parts.append("| column | type | class | meaning |\n|---|---|---|---|")
        for column in declared.columns:
            key = " 🔑" if column.name in declared.primary_key else ""
            parts.append(f"| `{column.name}`{key} | {column.arrow} | {column.column_class} | {column.description} |")
        parts.append("")
    return "\n".join(parts)


PAGES = {"cli.md": cli_page, "tables.md": tables_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
