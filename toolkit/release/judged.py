"""Judgements, in whole items and a batch of items at a time: as they are released, and as votes.

A corpus has far more judgements than reports: they stay in Arrow's columns, and only those of one batch are rows of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release.coded import TASK_OF
from toolkit.release.people import LINKABLE, Cleaned, Pseudonyms
from toolkit.schema import table

Row = dict[str, Any]
BATCH = 20_000
"""Judgements of a batch, but for an item's that has more."""
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


def batches(judgements: pa.Table, places: pa.Array, size: int = BATCH) -> Iterator[pa.Table]:
    """Yield the judgements at these places, in which an item's stand together, in batches of whole items."""
    items = judgements["item_id"].take(places).combine_chunks().dictionary_encode().indices.to_numpy()
    ends = [*(np.flatnonzero(items[1:] != items[:-1]) + 1).tolist(), len(items)] if len(items) else []
    start = 0
    for at, end in enumerate(ends):
        if end - start >= size or at == len(ends) - 1:
            yield judgements.take(places.slice(start, end - start))
            start = end


def released(
    judgements: pa.Table, people: Pseudonyms, layers: Mapping[str, Layers], places: Mapping[str, int]
) -> tuple[pa.Table, int]:
    """Return judgements of known items as they are released, and the number of lost spans.

    In corpus order, an annotator's by time.
    """
    said = judgements.select(["item_id", "annotator", "created_at", "judgement_id"]).to_pylist()
    keyed = [
        (
            places[row["item_id"]],
            people.annotator(row["annotator"], row["item_id"]),
            row["created_at"],
            row["judgement_id"],
        )
        for row in said
    ]
    order = sorted(range(len(keyed)), key=keyed.__getitem__)
    rows, schema = judgements.take(pa.array(order, pa.int64())), table("release_judgements").arrow
    evidence, lost = _evidence(rows, layers)
    made = {
        "annotator": pa.array([keyed[place][1] for place in order], pa.string()),
        "month": pc.strftime(rows["created_at"], format="%Y-%m"),
        "evidence": evidence,
        "regions": _regions(rows["regions"], schema.field("regions").type),
    }
    columns = [made.get(field.name, rows[field.name] if field.name in rows.column_names else None) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema), lost


def _evidence(rows: pa.Table, layers: Mapping[str, Layers]) -> tuple[Any, int]:
    """Return the spans of judgements by their places in the released texts, and how many have none there."""
    shown = [*zip(*(rows[name].to_pylist() for name in ("item_id", "text_layer", "text_sha256")), strict=True)]
    # Places count characters of the text that was shown: in another edition of it they would mark other words.
    fits = [layers[item].hashes.get(layer) == digest for item, layer, digest in shown]
    texts = [layers[item].by_layer.get(layer) for item, layer, _ in shown]
    if all(fit and text and not text.cuts for fit, text in zip(fits, texts, strict=True)):
        return rows["evidence"], 0
    moved, lost = [], 0
    for spans, fit, text in zip(rows["evidence"].to_pylist(), fits, texts, strict=True):
        lost += 0 if fit else len(spans)
        places = [text.span(span["start"], span["end"]) if text else (0, 0) for span in spans] if fit else []
        kept = spans if fit else []
        moved.append([span | {"start": s, "end": e} for span, (s, e) in zip(kept, places, strict=True)])
    return pa.array(moved, rows.schema.field("evidence").type), lost


def _regions(regions: pa.ChunkedArray, kind: pa.DataType) -> Any:
    sides = [part.name for part in kind.value_type]
    return pa.array([[{s: region[s] for s in sides} for region in own] for own in regions.to_pylist()], kind)


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
