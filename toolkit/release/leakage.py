"""Texts that are the same or nearly so, found by comparing the texts themselves: no sketches, so no pair is missed.

A prefix-filtered set join. Two sets of 4-grams that overlap enough share several of their rarest ones and are nearly of
one size, so that only pairs which do and are get compared, and each of those in full.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GRAM = 4
THRESHOLD = 0.65
# How many of their rarest grams a pair must share to be compared: more prunes more, and makes longer prefixes.
_SHARED = 8
_BLOCK = 1000
_WORK = 16_000_000
"""Grams that two texts share, of those looked at together: about four bytes are held for each."""
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
    if not len(grams.column):
        return
    names = np.unique(np.array(apart), return_inverse=True)[1].reshape(-1) if apart else np.arange(len(grams.size))
    pairs = [_compared(grams, *candidates, threshold) for candidates in _candidates(grams, names, threshold)]
    earlier, later, scores = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    order = np.lexsort((earlier, later))
    yield from zip(earlier[order].tolist(), later[order].tolist(), scores[order].tolist(), strict=True)


def _candidates(grams: _Grams, names: Places, threshold: float) -> Iterator[tuple[Places, Places]]:
    """Yield (place, later place) of the pairs that share enough of their rarest grams to be compared.

    Texts are taken by size, each against those no larger, as two near texts are nearly of one size. Of two that are near,
    the larger shares at least ``threshold`` of its grams, and the smaller more than that of its own: so few need be looked at.
    """
    by_size = np.argsort(grams.size, kind="stable")
    size = grams.size[by_size]
    of_larger, of_smaller = (
        np.ceil(share * size - 1e-9).astype(np.int64) for share in (threshold, 2 * threshold / (1 + threshold))
    )
    larger, smaller = (
        grams.rarest(by_size, size - least + np.minimum(_SHARED, least)) for least in (of_larger, of_smaller)
    )
    in_smaller = np.bincount(smaller.indices, minlength=smaller.shape[1])
    work = np.r_[0, np.cumsum(in_smaller[larger.indices])][larger.indptr]
    start = 0
    while start < len(size):
        end = max(int(np.searchsorted(work, work[start] + _WORK, side="right")) - 1, start + 1)
        first = int(np.searchsorted(size, threshold * size[start] - 1e-9))
        # What a pair must share is least where both are smallest.
        floor = min(_SHARED, of_larger[start], of_smaller[first])
        found = larger[start:end] @ smaller[first:end].T.tocsr()
        kept = np.flatnonzero(found.data >= floor)
        one = np.searchsorted(found.indptr, kept, side="right") - 1 + start
        other, shared = found.indices[kept] + first, found.data[kept]
        near = (other < one) & (names[by_size[one]] != names[by_size[other]])
        near &= shared >= np.minimum(_SHARED, np.minimum(of_larger[one], of_smaller[other]))
        near &= size[other] >= threshold * size[one] - 1e-9
        ends = by_size[one[near]], by_size[other[near]]
        yield np.minimum(*ends), np.maximum(*ends)
        start = end


def _compared(
    grams: _Grams, earlier: Places, later: Places, threshold: float
) -> tuple[Places, Places, npt.NDArray[np.float64]]:
    """Return the pairs that are near, and how near they are, of some that may be."""
    found = [np.zeros(0)]
    for start in range(0, len(later), _BLOCK):
        one, other = earlier[start : start + _BLOCK], later[start : start + _BLOCK]
        common = np.asarray(grams.common[one].multiply(grams.common[other]).sum(axis=1)).ravel()
        found.append(common / (grams.size[one] + grams.size[other] - common))
    scores = np.concatenate(found)
    near = scores >= threshold
    return earlier[near], later[near], scores[near]


@dataclass(frozen=True)
class _Grams:
    """The 4-grams of texts as columns, rarest first: those of text i, ``size[i]`` of them, stand together in ``column``.

    ``count`` is the number of texts that each column is in.
    """

    size: Places
    column: npt.NDArray[np.int32]
    count: Places

    @cached_property
    def common(self) -> csr_array:
        """The grams of each text (texts × grams), but for those that stand in no other."""
        return self.rarest(np.arange(len(self.size)), self.size)

    def rarest(self, texts: Places, many: Places) -> csr_array:
        """Return so many of the rarest grams of some texts (those texts × grams), but for those that stand in no other."""
        from scipy.sparse import csr_array

        ends = np.cumsum(many)
        begin = (np.cumsum(self.size) - self.size)[texts]
        column = self.column[np.arange(many.sum()) + np.repeat(begin - ends + many, many)]
        kept = self.count[column] > 1
        held = np.r_[0, np.cumsum(kept)][np.r_[0, ends]]
        shape = (len(texts), len(self.count))
        return csr_array((np.ones(held[-1], dtype=np.int32), column[kept], held), shape=shape)

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
