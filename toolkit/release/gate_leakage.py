"""Gates on leakage between splits: by group, and by the texts themselves."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS


def groups(folder: Folder) -> list[str]:
    """Look for a group, a source or a cluster in two splits, and for rows that do not stand with their item."""
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    split_of: dict[str, str] = {}
    for config, columns in (
        ("posts", ("split_group", "source_id", "cluster_id")),
        ("photo_texts", ("split_group", "source_id")),
    ):
        for split, rows in folder.parts.get(config, {}).items():
            for row in rows.select([KEYS[config], *columns]).to_pylist():
                split_of[row[KEYS[config]]] = split
                for column in columns:
                    places[column, row[column]].add(split)
    if folder.manifest.get("campaigns_whole"):
        for split, rows in folder.parts.get("posts", {}).items():
            for campaign in rows["campaign"].unique().drop_null().to_pylist():
                places["campaign", campaign].add(split)
    problems = [f"{what} {name} is in {', '.join(sorted(s))}" for (what, name), s in places.items() if len(s) > 1]
    items, splits = pa.array([*split_of], pa.string()), pa.array([*split_of.values()], pa.string())
    for config, key, of in (("judgements", "judgement_id", "item_id"), ("photo_texts", "photo_id", "post_id")):
        for split, rows in folder.parts.get(config, {}).items():
            there = splits.take(pc.index_in(rows[of], value_set=items).combine_chunks())
            apart = pc.fill_null(pc.not_equal(there, split), False)
            problems += [
                f"{row[key]} is in {split}, its {of} {row[of]} in {split_of[row[of]]}"
                for row in rows.filter(apart).select([key, of]).to_pylist()
            ]
    return problems


def texts(folder: Folder) -> list[str]:
    """Compare all texts and translations of one split with those of the others."""
    return [
        f"{one.item} ({one.split}) and {other.item} ({other.split}) have {score:.2f} of their 4-grams in common"
        for one, other, score in folder.alike
        if one.split != other.split
    ]
