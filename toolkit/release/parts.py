"""Rows of every config → the parts of a release: each item in its split, what is held out left out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release import rows as release_rows
from toolkit.release.accounts import with_posts
from toolkit.release.coded import TASK_OF
from toolkit.release.splits import TRAIN, Splits

ORDER = ("train", "validation", "test")
_STRETCHES = 1_000
"""Beyond so many, rows are copied: a table in many pieces is slow to work with."""


def split_rows(made: release_rows.Rows, splits: Splits) -> tuple[dict[str, dict[str, pa.Table]], int]:
    """Return config → split → rows, empty ones left out; and the number of judgements left out with their items."""
    items, split = (pa.array([*values], pa.string()) for values in (splits.split.keys(), splits.split.values()))
    group = pa.array([splits.group[item] for item in splits.split], pa.string())
    parts: dict[str, dict[str, pa.Table]] = {}
    posts = made.rows["posts"].slice(0, 0)
    for config, task_rows in ((config, made.rows[config]) for config in TASK_OF):
        at = pc.index_in(task_rows[release_rows.KEYS[config]], value_set=items)
        rows, at = task_rows.filter(pc.is_valid(at)), at.drop_null()
        rows = _with(rows, "split_group", group.take(at.combine_chunks()))
        if config == "posts":
            rows = posts = _with(rows, "cluster_id", _first(rows["cluster_id"], rows["post_id"]))
        parts[config] = _dealt(rows, split.take(at.combine_chunks()))
    at = pc.index_in(made.judgements["item_id"], value_set=items)
    parts["judgements"] = _dealt(made.judgements, split.take(at.combine_chunks()))
    for config in ("sources", "narratives"):
        parts[config] = {TRAIN: made.rows[config]}
    parts["accounts"] = {TRAIN: with_posts(made.rows["accounts"], posts)}
    there = {
        config: {name: rows for name, rows in parts[config].items() if rows.num_rows} for config in release_rows.CONFIGS
    }
    return {config: own for config, own in there.items() if own}, at.null_count


def _dealt(rows: pa.Table, split: pa.Array) -> dict[str, pa.Table]:
    """Return the rows of each split: stretches of the table, not copies, as a report's rows stand together."""
    of = pc.fill_null(pc.index_in(split, value_set=pa.array(ORDER)), -1).to_numpy()
    cuts = [0, *(np.flatnonzero(of[1:] != of[:-1]) + 1).tolist(), len(of)] if len(of) else [0]
    if len(cuts) > _STRETCHES:
        return {name: rows.filter(pa.array(of == number)) for number, name in enumerate(ORDER)}
    stretches: dict[int, list[pa.Table]] = {}
    for start, end in pairwise(cuts):
        stretches.setdefault(int(of[start]), []).append(rows.slice(start, end - start))
    return {name: pa.concat_tables(stretches.get(number, [rows.slice(0, 0)])) for number, name in enumerate(ORDER)}


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(place), values)


def _first(clusters: pa.ChunkedArray, ids: pa.ChunkedArray) -> pa.Array:
    """Return each cluster's name: the first of its posts that is released."""
    codes = np.asarray(clusters.combine_chunks().dictionary_encode().indices)
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    return ids.combine_chunks().take(pa.array(first[place.reshape(-1)]))
