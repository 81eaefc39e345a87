"""Writes ``docs/cli.md``, ``docs/tables.md`` and ``docs/recipe.md`` from what they describe itself (`make docs`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

from toolkit.cli import docposts
from toolkit.schema import table, table_names
from toolkit.sources.recipe import Anchor, Attributes, Beside, Inside, Recipe, RecipeSource, Short

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
    for path, _ in commands(docposts):
        # Asked for as users do; so wide is it on a terminal of a hundred columns or more.
        shown = CliRunner().invoke(docposts, [*path[1:], "--help"], prog_name=path[0], terminal_width=98)
        assert shown.exit_code == 0, shown.output
        parts.append(f"## {' '.join(path)}\n\n```\n{shown.output.rstrip()}\n```\n")
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


def recipe_page() -> str:
    """Return every field of a recipe, record by record."""
    parts = [
        "# Recipes, field by field\n\nWritten by `make docs` from `toolkit/sources/recipe.py`. "
        "No other field is taken; what says nothing is left out.\n"
    ]
    for title, record in RECORDS.items():
        meaning = (record.__doc__ or "").strip().replace("``", "`")
        parts.append(f"## {title}\n\n{meaning}\n")
        parts.append("| field | type | needed | meaning |\n|---|---|---|---|")
        said = set(Attributes.model_fields) if record is not Attributes and issubclass(record, Attributes) else set()
        for name, field in ((name, field) for name, field in record.model_fields.items() if name not in said):
            kind = _kind(record.model_json_schema()["properties"][name])
            needed = "yes" if field.is_required() else ""
            parts.append(f"| `{name}` | {kind} | {needed} | {field.description or 'as in `source.toml`'} |")
        parts.append("")
    return "\n".join(parts)


def _kind(declared: dict[str, Any]) -> str:
    """Return a JSON Schema type in words."""
    options = [option for option in declared.get("anyOf", [declared]) if option.get("type") != "null"]
    shown = options[0]
    if "enum" in shown or "const" in shown:
        return ", ".join(f"`{value}`" for value in shown.get("enum", [shown.get("const")]))
    if shown.get("type") == "array":
        return f"list of {_kind(shown['items'])}"
    return str(shown["$ref"]).rpartition("/")[2] if "$ref" in shown else str(shown["type"])


RECORDS = {
    "The file": Recipe,
    "source": RecipeSource,
    "Every span": Attributes,
    "spans": Anchor,
    "short": Short,
    "inside": Inside,
    "beside": Beside,
}
PAGES = {"cli.md": cli_page, "tables.md": tables_page, "recipe.md": recipe_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
