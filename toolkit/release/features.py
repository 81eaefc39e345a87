"""A release's tables as the Hub's YAML declares them: types from the schema, label names from the codebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Codebook
from toolkit.release.coded import TASK_OF, coded_fields
from toolkit.schema import Table, table

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How datasets stores an image."""
Labels = Mapping[str, list[str]]
"""Column, or column.part for a part of its structs → the labels that it may hold, in the codebook's order."""
_NAMES = {"bool": "bool", "double": "float64", "string": "string", "int8": "int8", "int32": "int32", "int64": "int64"}


def release_table(config: str) -> Table:
    """Return the declaration of a config's table."""
    return table(f"release_{config}")


def labels(config: str, codebooks: Mapping[str, Codebook]) -> dict[str, list[str]]:
    """Return the label columns of a config."""
    if config == "narratives":
        # Curators map to headings as well as to leaves.
        return {"codes": [label.id for label in codebooks["narrative"].labels if label.field == "narrative"]}
    if config == "judgements":
        every = [
            leaf.id for book in codebooks.values() for one in book.fields if one.coded for leaf in book.leaves(one.name)
        ]
        names = list(dict.fromkeys(every))
        return {"labels.label": names, "evidence.label": names}
    if config not in TASK_OF:
        return {}
    book = codebooks[TASK_OF[config]]
    found: dict[str, list[str]] = {}
    for one in coded_fields(book):
        names = [leaf.id for leaf in book.leaves(one.name)]
        found |= {one.name: names, f"{one.name}_dist.label": names}
        if one.kind == "multi":
            found |= {f"{one.name}_contested": names, f"{one.name}_undecided": names}
    return found


def features(config: str, names: Labels) -> list[dict[str, Any]]:
    """Return the ``features`` of a config as ``dataset_info`` holds them."""
    return [_feature(column.name, column.arrow, column.name, names) for column in release_table(config).columns]


def _feature(name: str, kind: pa.DataType, path: str, names: Labels) -> dict[str, Any]:
    if kind == IMAGE:
        return {"name": name, "dtype": "image"}
    if not pa.types.is_list(kind):
        return {"name": name, "dtype": _scalar(kind, path, names)}
    inner = kind.value_type
    if pa.types.is_struct(inner):
        return {"name": name, "list": [_feature(part.name, part.type, f"{path}.{part.name}", names) for part in inner]}
    return {"name": name, "list": _scalar(inner, path, names)}


def _scalar(kind: pa.DataType, path: str, names: Labels) -> Any:
    if path in names:
        return {"class_label": {"names": {str(place): label for place, label in enumerate(names[path])}}}
    return _NAMES[str(kind)]


def label_values(rows: pa.Table, path: str) -> set[str]:
    """Return the labels that a column, or a part of its structs, holds."""
    column, _, part = path.partition(".")
    values = rows[column]
    if pa.types.is_list(values.type):
        values = pc.list_flatten(values)
    if part:
        values = pc.struct_field(values, part)
    return {*values.unique().to_pylist()} - {None}
