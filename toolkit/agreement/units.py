"""Units (items, mostly) as the answers on them, equal ones as one with a weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from toolkit.agreement.ballots import Bools, Ints
from toolkit.agreement.bootstrap import Floats
from toolkit.agreement.distances import Distance


@dataclass(frozen=True)
class Units:
    """Units as the answers on them: ``answers`` (distinct units × places) holds codes of values, -1 for none.

    ``times`` says how many units there are of each; ``values`` how many codes there are.
    """

    answers: Ints
    times: Ints
    values: int

    @cached_property
    def sizes(self) -> Ints:
        """How many answers there are on each."""
        return np.asarray((self.answers >= 0).sum(axis=1), dtype=np.int64)

    @cached_property
    def rated(self) -> Units:
        """Those with two answers or more."""
        kept = self.sizes >= 2
        return Units(self.answers[kept], self.times[kept], self.values)

    @cached_property
    def counts(self) -> Any:
        """How often each value was given (distinct units × values), sparse."""
        from scipy.sparse import csr_array

        row, place = np.nonzero(self.answers >= 0)
        shape = (len(self.times), self.values)
        return csr_array((np.ones(len(row)), (row, self.answers[row, place])), shape=shape)

    @property
    def items(self) -> int:
        """The number of units."""
        return int(self.times.sum())

    @property
    def pairs(self) -> int:
        """The number of pairs of answers within units."""
        return int((self.times * (self.sizes * (self.sizes - 1) // 2)).sum())

    def within(self, distance: Distance) -> Floats:
        """Return the sum of distances over the ordered pairs of answers of each."""
        total = np.zeros(len(self.times))
        for one in range(self.answers.shape[1]):
            for other in range(one + 1, self.answers.shape[1]):
                a, b = self.answers[:, one], self.answers[:, other]
                both = np.flatnonzero((a >= 0) & (b >= 0))
                total[both] += 2 * distance.between(a[both], b[both])
        return total

    def equal_pairs(self) -> Floats:
        """Return the number of unordered pairs of equal answers of each."""
        squares = self.counts.power(2).sum(axis=1)
        return np.asarray((squares - self.sizes) / 2, dtype=np.float64).reshape(-1)


def units(unit: Ints, value: Ints, values: int) -> Units:
    """Return units of answers (unit and value of each, as codes), equal ones as one."""
    if not len(unit):
        return Units(np.zeros((0, 1), dtype=np.int64), np.zeros(0, dtype=np.int64), values)
    order = np.lexsort((value, unit))
    unit, value = unit[order], value[order]
    start = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]])
    size = np.diff(np.r_[start, len(unit)])
    row = np.repeat(np.arange(len(start)), size)
    answers = np.full((len(start), int(size.max())), -1, dtype=np.int64)
    answers[row, np.arange(len(unit)) - start[row]] = value
    code = np.zeros(len(start), dtype=np.int64)
    for place in range(answers.shape[1]):
        code = np.unique(code * (values + 1) + answers[:, place] + 1, return_inverse=True)[1].reshape(-1)
    _, first, times = np.unique(code, return_index=True, return_counts=True)
    return Units(answers[first], times.astype(np.int64), values)


def yes_no(unit: Ints, given: Bools) -> Units:
    """Return units of yes (1) and no (0), as :func:`units` does, by counting instead of sorting."""
    answers = np.bincount(unit)
    yes = np.bincount(unit, weights=given, minlength=len(answers)).astype(np.int64)
    most = int(answers.max(initial=0)) + 1
    times = np.bincount(yes * most + answers, minlength=most * most)
    times[0] = 0  # codes of units without an answer
    kinds = np.flatnonzero(times)
    yeses, sizes = kinds // most, kinds % most
    place = np.arange(max(most - 1, 1))[None, :]
    rows = np.where(place < sizes[:, None], (place >= (sizes - yeses)[:, None]).astype(np.int64), -1)
    return Units(rows, times[kinds], 2)
