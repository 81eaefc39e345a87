"""Distances between answers: nominal, and between sets of labels by Jaccard and by MASI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from toolkit.agreement.ballots import Bools, Ints

Floats = NDArray[np.float64]


class Distance(Protocol):
    """Distances between values, given as codes."""

    def between(self, one: Ints, other: Ints) -> Floats: ...  # noqa: D102
    def rows(self, of: Ints) -> Floats:
        """Return the distances of some values to all."""
        ...


@dataclass(frozen=True)
class Nominal:
    """Values that are equal (0) or not (1)."""

    values: int

    def between(self, one: Ints, other: Ints) -> Floats:
        """Return the distance of each pair."""
        return np.asarray(one != other, dtype=np.float64)

    def rows(self, of: Ints) -> Floats:
        """Return the distances of some values to all."""
        return np.asarray(of[:, None] != np.arange(self.values)[None, :], dtype=np.float64)


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
        return self._distance(self._words[one], self._words[other])

    def rows(self, of: Ints) -> Floats:
        """Return the distances of some values to all."""
        return self._distance(self._words[of][:, None], self._words[None, :])

    @cached_property
    def _words(self) -> NDArray[np.uint64]:
        """The sets as bits, in as many words as the labels need."""
        packed = np.packbits(self.sets, axis=1)
        words = np.zeros((len(packed), -(-max(packed.shape[1], 1) // 8) * 8), dtype=np.uint8)
        words[:, : packed.shape[1]] = packed
        return words.view(np.uint64)

    def _distance(self, one: NDArray[np.uint64], other: NDArray[np.uint64]) -> Floats:
        common, union = _members(one & other), _members(one | other)
        # Of two empty sets, all is common.
        index = np.where(union > 0, common, 1) / np.maximum(union, 1)
        if self.kind == "masi":
            least = np.minimum(_members(one), _members(other))
            index *= np.where(common == union, 1, np.where(common == least, 2 / 3, 1 / 3))
        return np.asarray(1 - index, dtype=np.float64)


def _members(words: NDArray[np.uint64]) -> Ints:
    counts = np.bitwise_count(words)
    return np.asarray(counts[..., 0] if counts.shape[-1] == 1 else counts.sum(axis=-1), dtype=np.int64)
