"""Judgements, some items at a time: as they are released, and as votes.

A corpus has far more judgements than reports: they stay in Arrow's columns, and only those of a few items are rows of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release.coded import TASK_OF
from toolkit.release.people import LINKABLE, Cleaned, Pseudonyms
from toolkit.schema import table

Row = dict[str, Any]
_START = 946_684_800_000_000
"""Some time, in microseconds: the first second of 2000."""


@dataclass(frozen=True)
class Layers:
    """An item's texts as released, by the layer that annotators were shown, and the hash of each as it was shown."""

    by_layer: Mapping[str, Cleaned]
    hashes: Mapping[str, str]


def known(judgements: pa.Table, items: Sequence[str]) -> tuple[pa.Array, int]:
    """Return the places of the judgements of these items in the items' order, an item's in the table's; and how many are left."""
    of = pc.index_in(judgements["item_id"], value_set=pa.array(items, pa.string())).combine_chunks()
    asked = pc.is_in(judgements["task"], value_set=pa.array([*TASK_OF.values()])).combine_chunks()
    held = pc.and_(pc.is_valid(of), asked)
    places = np.flatnonzero(held.to_numpy(zero_copy_only=False))
    order = np.argsort(pc.fill_null(of, 0).to_numpy()[places], kind="stable")
    return pa.array(places[order]), judgements.num_rows - len(places)


def released(
    judgements: pa.Table, people: Pseudonyms, layers: Mapping[str, Layers], items: pa.Array
) -> tuple[pa.Table, int]:
    """Return judgements of known items as they are released, and the number of lost spans.

    In the order of ``items``, an annotator's by time.
    """
    names = [
        people.annotator(name, item)
        for name, item in zip(judgements["annotator"].to_pylist(), judgements["item_id"].to_pylist(), strict=True)
    ]
    keyed = pa.table(
        {
            "place": pc.index_in(judgements["item_id"], value_set=items),
            "name": pa.array(names, pa.string()),
            "at": judgements["created_at"],
            "id": judgements["judgement_id"],
        }
    )
    order = pc.sort_indices(keyed, sort_keys=[(name, "ascending") for name in keyed.column_names])
    rows, schema = judgements.take(order), table("release_judgements").arrow
    evidence, lost = _evidence(rows, layers)
    made = {
        "annotator": keyed["name"].take(order),
        "month": pc.strftime(rows["created_at"], format="%Y-%m"),
        "evidence": evidence,
        "regions": _regions(rows["regions"].combine_chunks(), schema.field("regions").type),
    }
    columns = [made.get(field.name, rows[field.name] if field.name in rows.column_names else None) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema), lost


def _evidence(rows: pa.Table, layers: Mapping[str, Layers]) -> tuple[Any, int]:
    """Return the spans of judgements by their places in the released texts, and how many have none there."""
    shown = {
        f"{item}\n{layer}": (digest, own.by_layer[layer].cuts)
        for item, own in layers.items()
        for layer, digest in own.hashes.items()
    }
    key = pc.binary_join_element_wise(rows["item_id"], rows["text_layer"], "\n")
    place = pc.index_in(key, value_set=pa.array([*shown], pa.string())).combine_chunks()
    digests = pa.array([digest for digest, _ in shown.values()], pa.string()).take(place)
    # Places count characters of the text that was shown: in another edition of it they would mark other words.
    fits = pc.fill_null(pc.equal(digests, rows["text_sha256"].combine_chunks()), False)
    whole = pa.array([not cuts for _, cuts in shown.values()], pa.bool_()).take(place)
    marked = pc.greater(pc.list_value_length(rows["evidence"].combine_chunks()), 0)
    moving = np.flatnonzero(pc.and_(marked, pc.invert(pc.and_(fits, pc.fill_null(whole, False)))).to_numpy(False))
    if not len(moving):
        return rows["evidence"], 0
    moved, lost = [], 0
    some = rows.select(["item_id", "text_layer", "evidence"]).take(pa.array(moving)).to_pylist()
    for row, fit in zip(some, fits.take(pa.array(moving)).to_pylist(), strict=True):
        lost += 0 if fit else len(row["evidence"])
        text = layers[row["item_id"]].by_layer.get(row["text_layer"]) if fit else None
        spans = [(span, text.span(span["start"], span["end"])) for span in row["evidence"]] if text else []
        moved.append([span | {"start": start, "end": end} for span, (start, end) in spans])
    at = np.arange(rows.num_rows)
    at[moving] = rows.num_rows + np.arange(len(moving))
    both = [*rows["evidence"].chunks, pa.array(moved, rows.schema.field("evidence").type)]
    return pa.chunked_array(both).combine_chunks().take(pa.array(at)), lost


def _regions(regions: pa.Array, kind: pa.DataType) -> pa.Array:
    ends = np.r_[0, np.cumsum(pc.list_value_length(regions).to_numpy(zero_copy_only=False))].astype(np.int32)
    flat, fields = pc.list_flatten(regions), [*kind.value_type]
    sides = pa.StructArray.from_arrays([pc.struct_field(flat, one.name) for one in fields], fields=fields)
    return pa.ListArray.from_arrays(pa.array(ends), sides, kind)


def linkable(rows: pa.Table) -> tuple[str, ...]:
    """Return the pseudonyms of released judgements that hold for all of an annotator's items."""
    names = rows["annotator"].unique()
    return tuple(sorted(names.filter(pc.starts_with(names, LINKABLE)).to_pylist()))


def as_judgements(rows: pa.Table) -> pa.Table:
    """Return released judgements as a table of ``schemas/judgements.json``: their order stands for their times."""
    schema, count = table("judgements").arrow, rows.num_rows
    at = pa.array(_START + np.arange(count) * 1_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    made: dict[str, Callable[[pa.Field], Any]] = {
        "created_at": lambda _: at,
        "updated_at": lambda _: at,
        "regions": lambda field: pa.array([[]] * count, field.type),
        "free": lambda field: pa.array([[]] * count, field.type),
    }
    columns = [
        made[field.name](field)
        if field.name in made
        else rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
