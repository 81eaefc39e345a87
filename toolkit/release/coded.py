"""The coded columns of an item: what was settled, what is contested, what is open, and how the votes fell."""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.codebook import Field as CodedField
from toolkit.schema import table

# The config of each item type, and the task whose fields it carries.
TASK_OF = {"posts": "narrative", "photo_texts": "photo_text"}


def coded_fields(codebook: Codebook) -> list[CodedField]:
    """Return the fields that become columns: those with labels, where the tables declare columns of their kind.

    The answers to others are in ``judgements`` alone.
    """
    return [one for one in codebook.fields if one.coded and _kind_of_columns(codebook.task, one.name) == one.kind]


def columns_of(one: CodedField) -> list[str]:
    """Return the names of the columns of a field."""
    return [one.name, *(f"{one.name}_{suffix}" for suffix in ("contested", "undecided", "dist"))]


def without_columns(codebook: Codebook) -> list[str]:
    """Return what of a codebook no release shows as columns, and what columns it leaves empty, in words."""
    found = []
    for one in codebook.fields:
        kind = _kind_of_columns(codebook.task, one.name)
        if one.coded and kind != one.kind and codebook.task in TASK_OF.values():
            why = f"its columns hold {kind} answers" if kind else "a release has no columns for it"
            found.append(f"field {one.name} ({one.kind}): {why}; its answers are in judgements alone")
    asked = {one.name for one in codebook.fields}
    for config, task in TASK_OF.items():
        if task == codebook.task:
            names = [name.removesuffix("_dist") for name in _columns(config) if name.endswith("_dist")]
            found += [f"field {name} is not asked: its columns stay empty" for name in names if name not in asked]
    return found


def _columns(config: str) -> dict[str, pa.DataType]:
    return {column.name: column.arrow for column in table(f"release_{config}").columns}


@cache
def _kind_of_columns(task: str, name: str) -> str | None:
    """Return which kind of answers the columns of a field hold; None where there are none."""
    config = next((config for config, of in TASK_OF.items() if of == task), None)
    contested = _columns(config).get(f"{name}_contested") if config else None
    return None if contested is None else "multi" if pa.types.is_list(contested) else "single"
