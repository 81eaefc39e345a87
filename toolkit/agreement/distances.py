"""Distances between answers: nominal, and between sets of labels by Jaccard and by MASI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from toolkit.agreement.ballots import Bools, Ints

Floats = NDArray[np.float64]
Counts = NDArray[np.int16]
# Crossing sets, one within the other, equal ones.
_MONOTONICITY = np.array([1 / 3, 2 / 3, 1.0])


class Distance(Protocol):
    """Distances between values, given as codes."""

    def between(self, one: Ints, other: Ints) -> Floats: ...  # noqa: D102
    def rows(self, of: Ints, to: Ints | None = None) -> Floats:
        """Return the distances of some values to some others, to all if not said."""
        ...


@dataclass(frozen=True)
class Nominal:
    """Values that are equal (0) or not (1)."""

    values: int

    def between(self, one: Ints, other: Ints) -> Floats:
        """Return the distance of each pair."""
        return np.asarray(one != other, dtype=np.float64)

    def rows(self, of: Ints, to: Ints | None = None) -> Floats:
        """Return the distances of some values to some others, to all if not said."""
        to = np.arange(self.values) if to is None else to
        return np.asarray(of[:, None] != to[None, :], dtype=np.float64)


@dataclass(frozen=True)
class Sets:
    """Sets of labels (codes × labels); two empty ones are equal.

    ``jaccard``: 1 - common by all. ``masi`` (Passonneau 2006): 1 - common by all × monotonicity, which is 1 for equal sets, 2/3
    for one within the other, 1/3 for crossing ones, 0 for disjoint ones.
    """

    sets: Bools
    kind: Literal["masi", "jaccard"]

    def between(self, one: Ints, other: Ints) -> Floats:
        """Return the distance of each pair."""
        common = _members(self._words[one] & self._words[other])
        return self._distance(common, self._sizes[one], self._sizes[other])

    def rows(self, of: Ints, to: Ints | None = None) -> Floats:
        """Return the distances of some values to some others, to all if not said."""
        others, sizes = (self._words, self._sizes) if to is None else (self._words[to], self._sizes[to])
        common = _members(self._words[of][:, None] & others[None, :])
        return self._distance(common, self._sizes[of][:, None], sizes[None, :])

    @cached_property
    def _words(self) -> NDArray[np.uint64]:
        """The sets as bits, in as many words as the labels need."""
        packed = np.packbits(self.sets, axis=1)
        words = np.zeros((len(packed), -(-max(packed.shape[1], 1) // 8) * 8), dtype=np.uint8)
        words[:, : packed.shape[1]] = packed
        return words.view(np.uint64)

    @cached_property
    def _sizes(self) -> Counts:
        return _members(self._words)

    def _distance(self, common: Counts, one: Counts, other: Counts) -> Floats:
        union = one + other - common
        # Of two empty sets, all is common.
        index = np.divide(common, union, out=np.ones(common.shape), where=union > 0, dtype=np.float64)
        if self.kind == "masi":
            within = (common == np.minimum(one, other)).view(np.uint8)
            index *= _MONOTONICITY[within + (common == union).view(np.uint8)]
        return np.asarray(np.subtract(1, index, out=index), dtype=np.float64)


def _members(words: NDArray[np.uint64]) -> Counts:
    counts = np.bitwise_count(words)
    return np.asarray(counts[..., 0] if counts.shape[-1] == 1 else counts.sum(axis=-1), dtype=np.int16)
