"""Texts that are the same or nearly so, found by comparing the texts themselves: no sketches, so no pair is missed.

A prefix-filtered set join. Two sets of 4-grams that overlap enough share several of their rarest ones, so that only
pairs which do are compared, and each of those in full.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

GRAM = 4
THRESHOLD = 0.65
# How many of their rarest grams a pair must share to be compared: more prunes more, and makes longer prefixes.
_SHARED = 8
_BLOCK = 1000
_LETTERS = 0xFFFF
_NOTHING = 0x10FFFF
Places = npt.NDArray[np.int64]


def fold(text: str) -> str:
    """Return the text that is compared: compatibility forms, case and white space folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def near_pairs(
    texts: Sequence[str], threshold: float = THRESHOLD, *, apart: Sequence[str] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yield (place, later place, similarity) for texts whose 4-grams overlap at least ``threshold``, by the later place.

    With ``apart``, a name for each text, only pairs of different names are compared.
    """
    grams = _Grams.of(texts)
    size, row = grams.size, np.repeat(np.arange(len(texts)), grams.size)
    if not len(row):
        return
    # A pair that is near shares at least this much of either text.
    least = np.ceil(threshold * size - 1e-9).astype(np.int64)
    shared = np.minimum(_SHARED, least)
    # What stands in one text alone is shared by none.
    common = grams.count[grams.column] > 1
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    first = common & (place < (size - least + shared)[row])
    shape = (len(texts), len(grams.count))
    whole, rare = (_matrix(row[kept], grams.column[kept], shape) for kept in (common, first))
    del row, place, common, first, grams
    names = np.unique(np.array(apart), return_inverse=True)[1] if apart else np.arange(len(size))
    turned = rare.T.tocsr()
    for start in range(0, len(size), _BLOCK):
        found = (rare[start : start + _BLOCK] @ turned).tocoo()
        later, earlier = found.coords[0] + start, found.coords[1]
        keep = (earlier < later) & (names[earlier] != names[later])
        keep &= found.data >= np.minimum(shared[earlier], shared[later])
        keep &= np.minimum(size[earlier], size[later]) >= threshold * np.maximum(size[earlier], size[later]) - 1e-9
        order = np.lexsort((earlier[keep], later[keep]))
        yield from _compared(whole, size, earlier[keep][order], later[keep][order], threshold)


@dataclass(frozen=True)
class _Grams:
    """The 4-grams of texts as columns, rarest first: those of text i, ``size[i]`` of them, stand together in ``column``.

    ``count`` is the number of texts that each column is in.
    """

    size: Places
    column: npt.NDArray[np.int32]
    count: Places

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Grams:
        """Find the 4-grams of the folded texts, some texts at a time, so that none of them is an object.

        Of a text that is shorter there is one, the text itself; of an empty one none.
        """
        letters = Counter(char for text in texts for char in fold(text))
        # Sixteen bits a letter, four a gram; should there ever be more letters, the rarest are taken for one.
        code = np.full(0x110000, _LETTERS, dtype=np.uint64)
        for number, (char, _) in enumerate(letters.most_common(_LETTERS - 1)):
            code[ord(char)] = number + 1
        code[_NOTHING] = 0
        parts = [_codes(texts[start : start + _BLOCK], code) for start in range(0, len(texts), _BLOCK)]
        size = np.concatenate([sizes for sizes, _ in parts]) if parts else np.zeros(0, np.int64)
        known, count = np.unique(np.concatenate([codes for _, codes in parts] or [code[:0]]), return_counts=True)
        rank = np.empty(len(known), dtype=np.int32)
        order = np.argsort(count, kind="stable")
        rank[order] = np.arange(len(known), dtype=np.int32)
        columns = [np.zeros(0, np.int32)]
        for sizes, codes in parts:
            column, row = rank[np.searchsorted(known, codes)], np.repeat(np.arange(len(sizes)), sizes)
            columns.append(column[np.lexsort((column, row))])
        return cls(size, np.concatenate(columns), count[order].astype(np.int64))


def _codes(texts: Sequence[str], code: npt.NDArray[np.uint64]) -> tuple[Places, npt.NDArray[np.uint64]]:
    """Return how many different grams each text has, and their codes, a text's together."""
    # A text that is shorter than a gram is filled up to be one, of a letter that is none.
    folded = [text.ljust(GRAM, chr(_NOTHING)) if text else text for text in map(fold, texts)]
    letters = code[np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), dtype="<u4")]
    length = np.array([len(text) for text in folded], dtype=np.int64)
    many = np.maximum(length - GRAM + 1, 0)
    row = np.repeat(np.arange(len(folded)), many)
    at = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(np.cumsum(length) - length, many)
    codes = np.zeros(len(row), dtype=np.uint64)
    for step in range(GRAM):
        codes = codes << np.uint64(16) | letters[at + step]
    order = np.lexsort((codes, row))
    codes, row = codes[order], row[order]
    new = np.ones(len(row), dtype=np.bool_)
    new[1:] = (codes[1:] != codes[:-1]) | (row[1:] != row[:-1])
    return np.bincount(row[new], minlength=len(folded)).astype(np.int64), codes[new]


def _matrix(row: Places, column: npt.NDArray[np.int32], shape: tuple[int, int]) -> csr_array:
    ends = np.r_[0, np.cumsum(np.bincount(row, minlength=shape[0]))]
    return csr_array((np.ones(len(column), dtype=np.int32), column, ends), shape=shape)


def _compared(
    whole: csr_array, size: Places, earlier: Places, later: Places, threshold: float
) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(later), _BLOCK):
        one, other = earlier[start : start + _BLOCK], later[start : start + _BLOCK]
        common = np.asarray(whole[one].multiply(whole[other]).sum(axis=1)).ravel()
        scores = common / (size[one] + size[other] - common)
        for place in np.flatnonzero(scores >= threshold):
            yield int(one[place]), int(other[place]), float(scores[place])
