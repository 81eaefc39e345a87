"""Judgements some items at a time: what is made of an item's follows from those alone, and all of them are many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

PIECE = 100_000
"""Judgements of a piece, but for an item's that has more."""


def whole_items(judgements: pa.Table, places: pa.Array, size: int = PIECE) -> Iterator[pa.Table]:
    """Yield the judgements at these places, in which an item's stand together, in pieces of whole items."""
    items = judgements["item_id"].take(places).combine_chunks().dictionary_encode().indices.to_numpy()
    ends = [*(np.flatnonzero(items[1:] != items[:-1]) + 1).tolist(), len(items)] if len(items) else []
    start = 0
    for at, end in enumerate(ends):
        if end - start >= size or at == len(ends) - 1:
            yield judgements.take(places.slice(start, end - start))
            start = end
