"""Rows of every config → the parts of a release: each item in its split, what is held out left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from toolkit.release import rows as release_rows
from toolkit.release.accounts import with_posts
from toolkit.release.coded import TASK_OF
from toolkit.release.features import release_table
from toolkit.release.splits import TRAIN, Splits

ORDER = ("train", "validation", "test")


def split_rows(rows: Mapping[str, list[dict[str, Any]]], splits: Splits) -> tuple[dict[str, dict[str, pa.Table]], int]:
    """Return config → split → rows, empty ones left out; and the number of judgements left out with their items."""
    parts: dict[str, dict[str, list[dict[str, Any]]]] = {}
    lost = 0
    first: dict[str, str] = {}
    for config in release_rows.CONFIGS:
        for made in rows[config]:
            row = dict(made)
            item = row["item_id"] if config == "judgements" else row[release_rows.KEYS[config]]
            split = splits.split.get(item) if config in release_rows.SPLIT_CONFIGS else TRAIN
            if split is None:
                lost += config == "judgements"
                continue
            if config in TASK_OF:
                row["split_group"] = splits.group[item]
            if config == "posts":
                # Named by the first of its posts that is released.
                row["cluster_id"] = first.setdefault(row["cluster_id"], item)
            parts.setdefault(config, {}).setdefault(split, []).append(row)
    released = [post for own in parts.get("posts", {}).values() for post in own]
    if named_by := with_posts(rows["accounts"], released):
        parts["accounts"] = {TRAIN: named_by}
    else:
        parts.pop("accounts", None)
    order = {split: place for place, split in enumerate(ORDER)}
    return {
        config: {
            split: release_table(config).from_rows(own[split])
            for split in sorted(own, key=lambda name: order.get(name, 9))
        }
        for config, own in parts.items()
    }, lost
