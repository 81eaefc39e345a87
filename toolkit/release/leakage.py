"""Texts that are the same or nearly so, found by comparing the texts themselves: no sketches, so no pair is missed.

A prefix-filtered set join. Two sets of 4-grams that overlap enough share several of their rarest ones, so that only
pairs which do are compared, and each of those in full.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

GRAM = 4
THRESHOLD = 0.65
# How many of their rarest grams a pair must share to be compared: more prunes more, and makes longer prefixes.
_SHARED = 8
_BLOCK = 1000
Places = npt.NDArray[np.int64]


def fold(text: str) -> str:
    """Return the text that is compared: compatibility forms, case and white space folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets of grams."""
    return len(one & other) / len(one | other)


def gram_set(text: str) -> frozenset[str]:
    """Return the character 4-grams of the folded text; of a shorter one, the text itself; none of an empty one."""
    folded = fold(text)
    if len(folded) <= GRAM:
        return frozenset({folded} if folded else ())
    return frozenset(folded[i : i + GRAM] for i in range(len(folded) - GRAM + 1))


def near_pairs(
    texts: Sequence[str], threshold: float = THRESHOLD, *, apart: Sequence[str] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yield (place, later place, similarity) for texts whose 4-grams overlap at least ``threshold``, by the later place.

    With ``apart``, a name for each text, only pairs of different names are compared.
    """
    sets = [gram_set(text) for text in texts]
    rarity = Counter(gram for grams in sets for gram in grams)
    if not rarity:
        return
    column = {gram: place for place, gram in enumerate(sorted(rarity, key=lambda gram: (rarity[gram], gram)))}
    rows = [sorted(column[gram] for gram in grams) for grams in sets]
    size = np.array([len(row) for row in rows])
    # A pair that is near shares at least this much of either text.
    least = [math.ceil(threshold * len(row) - 1e-9) for row in rows]
    shared = np.array([min(_SHARED, n) for n in least])
    whole = _matrix(rows, len(column))
    rare = _matrix([r[: len(r) - n + s] for r, n, s in zip(rows, least, shared.tolist(), strict=True)], len(column))
    names = np.unique(np.array(apart), return_inverse=True)[1] if apart else np.arange(len(rows))
    for start in range(0, len(rows), _BLOCK):
        found = (rare[start : start + _BLOCK] @ rare.T).tocoo()
        later, earlier = found.coords[0] + start, found.coords[1]
        keep = (earlier < later) & (names[earlier] != names[later])
        keep &= found.data >= np.minimum(shared[earlier], shared[later])
        keep &= np.minimum(size[earlier], size[later]) >= threshold * np.maximum(size[earlier], size[later]) - 1e-9
        order = np.lexsort((earlier[keep], later[keep]))
        yield from _compared(whole, size, earlier[keep][order], later[keep][order], threshold)


def _matrix(rows: Sequence[Sequence[int]], width: int) -> csr_array:
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((gram for row in rows for gram in row), dtype=np.int64, count=int(ends[-1]))
    return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=(len(rows), width))


def _compared(
    whole: csr_array, size: Places, earlier: Places, later: Places, threshold: float
) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(later), _BLOCK):
        one, other = earlier[start : start + _BLOCK], later[start : start + _BLOCK]
        common = np.asarray(whole[one].multiply(whole[other]).sum(axis=1)).ravel()
        scores = common / (size[one] + size[other] - common)
        for place in np.flatnonzero(scores >= threshold):
            yield int(one[place]), int(other[place]), float(scores[place])
