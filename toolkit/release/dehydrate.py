"""Rows of restricted reports without their words: ids, hashes, places and labels stay, third parties' text does not.

What is taken out can be put back by whoever has the report (:mod:`toolkit.release.hydrate`): the hash is that of the text as the
corpus holds it, and evidence counts characters in that text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

Row = dict[str, Any]
# Config → the columns that hold words, and what stands in their place.
WORDS: dict[str, dict[str, Any]] = {
    "posts": {"text": None, "text_simplified": None, "translation": None}
    | {name: [] for name in ("hashtags", "mentions", "urls", "insertions")},
    "photo_texts": {"text": None, "text_simplified": None},
}


def restricted(sources: pa.Table) -> frozenset[str]:
    """Return the ids of the sources whose text may not be passed on."""
    rows = zip(sources["source_id"].to_pylist(), sources["rights"].to_pylist(), strict=True)
    return frozenset(source for source, rights in rows if rights == "restricted")


def holds_words(config: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a row still holds words of its text."""
    return any(row[name] for name in WORDS[config])
