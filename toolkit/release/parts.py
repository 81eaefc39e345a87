"""Rows of every config → the parts of a release: each item in its split, what is held out left out."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release import rows as release_rows
from toolkit.release.accounts import with_posts
from toolkit.release.coded import TASK_OF
from toolkit.release.features import release_table
from toolkit.release.splits import TRAIN, Splits

ORDER = ("train", "validation", "test")


def split_rows(made: release_rows.Rows, splits: Splits) -> tuple[dict[str, dict[str, pa.Table]], int]:
    """Return config → split → rows, empty ones left out; and the number of judgements left out with their items."""
    parts: dict[str, dict[str, list[dict[str, Any]]]] = {}
    first: dict[str, str] = {}
    for config, rows in made.rows.items():
        for row in map(dict, rows):
            key = row[release_rows.KEYS[config]]
            split = splits.split.get(key) if config in TASK_OF else TRAIN
            if split is None:
                continue
            if config in TASK_OF:
                row["split_group"] = splits.group[key]
            if config == "posts":
                # Named by the first of its posts that is released.
                row["cluster_id"] = first.setdefault(row["cluster_id"], key)
            parts.setdefault(config, {}).setdefault(split, []).append(row)
    released = [post for own in parts.get("posts", {}).values() for post in own]
    if named_by := with_posts(made.rows["accounts"], released):
        parts["accounts"] = {TRAIN: named_by}
    else:
        parts.pop("accounts", None)
    judgements, lost = _judgements(made.judgements, splits)
    tables = {
        config: {split: release_table(config).from_rows(own[split]) for split in ORDER if split in own}
        for config, own in parts.items()
    } | ({"judgements": judgements} if judgements else {})
    return {config: tables[config] for config in release_rows.CONFIGS if config in tables}, lost


def _judgements(rows: pa.Table, splits: Splits) -> tuple[dict[str, pa.Table], int]:
    """Return split → judgements of its items, and how many are of items that are in none."""
    of = pc.index_in(rows["item_id"], value_set=pa.array([*splits.split], pa.string()))
    split = pa.array([*splits.split.values()], pa.string()).take(of.combine_chunks())
    found = {name: rows.filter(pc.equal(split, name)) for name in ORDER}
    return {name: own for name, own in found.items() if own.num_rows}, of.null_count
