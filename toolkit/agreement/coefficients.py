"""Percent agreement, Krippendorff's α and Gwet's AC1 over units of answers, with bootstrap intervals.

α = 1 - D_o / D_e (Krippendorff, Content Analysis, ch. 12): the observed disagreement over the pairs of answers within
units, the expected one over all pairs; units with one answer are left out. AC1 (Gwet 2008; Handbook of Inter-Rater
Reliability, 2014) takes chance from the mean share of each value over all units; it stays near the raw agreement where one
value prevails, where α and κ fall. Both are written over counts, because an interval asks for them a thousand times: units
with the same answers are one row with a weight, so that the cost is that of the distinct ones.

Intervals are the bootstrap's BCa (Efron 1987) over units drawn with replacement: of the kinds tried, the one that covers the
true value as often as it says also where a label is rare (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.agreement.ballots import Bools, Ints
from toolkit.agreement.distances import Distance, Nominal

Floats = NDArray[np.float64]
Interval = tuple[float | None, float | None]
_UNDEFINED = 0.05
_CELLS = 4_000_000
_JACKKNIFE = 3000
_GROUPS = 5_000
_DENSE = 1000
_BLOCK = 2**17


@dataclass(frozen=True)
class Statistic:
    """A number that follows from sums over units: ``sums`` (distinct units × sums, sparse) and what to make of them.

    ``of`` takes weighted sums (draws × sums) and gives one number a draw, nan where it is not defined.
    """

    sums: Any
    of: Callable[[Floats], Floats]

    def at(self, weights: Floats) -> Floats:
        """Return the number for weights of units (draws × distinct units)."""
        return self.of(np.asarray((self.sums.T @ weights.T).T, dtype=np.float64))


def statistic(columns: Sequence[Floats], of: Callable[[Floats], Floats]) -> Statistic:
    """Return a statistic of a few sums, given as what each unit adds to them."""
    from scipy.sparse import csr_array

    return Statistic(csr_array(np.stack(columns, axis=1)), of)


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


def percent(found: Units) -> Statistic:
    """Return the share of equal pairs among the pairs of answers."""
    pairs = (found.sizes * (found.sizes - 1) / 2).astype(np.float64)
    return statistic((found.equal_pairs(), pairs), lambda sums: ratio(sums[:, 0], sums[:, 1]))


def alpha(found: Units, distance: Distance) -> Statistic:
    """Return Krippendorff's α of units with two answers or more; nan where no disagreement can be expected.

    Beyond a thousand sets of labels the disagreement to expect is taken for linear around that of all units, in the draws
    alone: there are then so many units that the rest is far below the interval's own noise.
    """
    from scipy.sparse import csr_array, hstack

    sizes, counts = found.sizes.astype(np.float64), found.counts
    within = found.within(distance) / (sizes - 1)

    def of(sums: Floats, expected: Callable[[Floats, Floats], Floats]) -> Floats:
        n = sums[:, 1]
        return 1 - ratio(sums[:, 0], ratio(expected(sums[:, 2:], n), n - 1))

    own = csr_array(np.stack([within, sizes], axis=1))
    if isinstance(distance, Nominal):
        return Statistic(
            hstack([own, counts]).tocsr(), lambda sums: of(sums, lambda totals, n: n**2 - (totals**2).sum(axis=1))
        )
    if found.values <= _DENSE:
        matrix = distance.rows(np.arange(found.values))
        return Statistic(
            hstack([own, counts]).tocsr(),
            lambda sums: of(sums, lambda totals, _: ((totals @ matrix) * totals).sum(axis=1)),
        )
    shares = np.asarray(counts.T @ found.times, dtype=np.float64)
    shares /= max(shares.sum(), 1)
    far = _mean_distances(distance, shares)
    mean = float(shares @ far)
    each = csr_array(np.asarray(counts @ far, dtype=np.float64)[:, None])
    return Statistic(
        hstack([own, each]).tocsr(), lambda sums: of(sums, lambda totals, n: 2 * n * totals[:, 0] - n**2 * mean)
    )


def _mean_distances(distance: Distance, shares: Floats) -> Floats:
    """Return the mean distance of each value to all, by their shares; of two values it is computed once."""
    values = len(shares)
    # Blocks that a processor's cache holds.
    side = int(_BLOCK**0.5)
    blocks = [np.arange(start, min(start + side, values)) for start in range(0, values, side)]
    far = np.zeros(values)
    for place, block in enumerate(blocks):
        for other in blocks[place:]:
            apart = distance.rows(block, other)
            far[block] += apart @ shares[other]
            if other is not block:
                far[other] += shares[block] @ apart
    return far


def ordinal_alpha(found: Units) -> Statistic:
    """Return α with Krippendorff's ordinal distances: squares of the number of answers between two values.

    They depend on the answers themselves: each value stands at the middle of its own answers in rank.
    """
    from scipy.sparse import csr_array, hstack

    v = found.values
    coincidences = np.zeros((len(found.times), v, v))
    for one in range(found.answers.shape[1]):
        for other in range(found.answers.shape[1]):
            a, b = found.answers[:, one], found.answers[:, other]
            both = np.flatnonzero((a >= 0) & (b >= 0)) if one != other else np.zeros(0, dtype=np.int64)
            np.add.at(coincidences, (both, a[both], b[both]), 1 / (found.sizes[both] - 1))

    def of(sums: Floats) -> Floats:
        totals, met = sums[:, :v], sums[:, v:].reshape(-1, v, v)
        middle = np.cumsum(totals, axis=1) - totals / 2
        distances = (middle[:, :, None] - middle[:, None, :]) ** 2
        overall = (totals[:, :, None] * totals[:, None, :] * distances).sum(axis=(1, 2))
        return 1 - ratio((met * distances).sum(axis=(1, 2)), ratio(overall, totals.sum(axis=1) - 1))

    return Statistic(hstack([found.counts, csr_array(coincidences.reshape(-1, v * v))]).tocsr(), of)


def gwet_ac1(found: Units) -> Statistic:
    """Return Gwet's AC1 over units with one answer or more, of which those with two or more give the raw agreement."""
    from scipy.sparse import csr_array, hstack

    sizes = found.sizes.astype(np.float64)
    several = (sizes >= 2).astype(np.float64)
    same = np.divide(2 * found.equal_pairs(), sizes * (sizes - 1), out=np.zeros_like(sizes), where=sizes >= 2)
    own = csr_array(np.stack([same, several, np.ones_like(sizes)], axis=1))

    def of(sums: Floats) -> Floats:
        raw, mean = ratio(sums[:, 0], sums[:, 1]), sums[:, 3:] / sums[:, [2]]
        chance = (mean * (1 - mean)).sum(axis=1) / (found.values - 1) if found.values > 1 else np.ones(len(sums))
        return ratio(raw - chance, 1 - chance)

    return Statistic(hstack([own, found.counts.multiply(1 / sizes[:, None])]).tocsr(), of)


def ratio(one: Floats, other: Floats) -> Floats:
    """Return one by other, nan where there is nothing to divide by."""
    # What is too small to be told from nothing is nothing: sums of counts, which floats hold exactly, or nearly.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(other) > 1e-12, one / other, np.nan)


def value(found: Statistic, times: Ints) -> float | None:
    """Return a statistic of units, there as often as ``times`` says; None where it is not defined."""
    return rounded(float(found.at(times[None, :].astype(np.float64))[0])) if times.sum() else None


def interval(found: Statistic, times: Ints, draws: int, seed: int) -> Interval:
    """Return the 95 % BCa interval over seeded draws of units; (None, None) where it would say what is not known.

    That is where the statistic is not defined (one value only) in more than one draw of twenty: a rare label whose few votes
    stand on few units would get an interval of the draws that happen to hold them, far too narrow. Beyond 5,000 distinct
    units, that many equal groups of them, dealt out by the seed, are drawn instead. Beyond 3,000 the acceleration, which falls
    with the root of their number, is taken for 0.
    """
    n = int(times.sum())
    if n < 2 or not draws:
        return None, None
    here = float(found.at(times[None, :].astype(np.float64))[0])
    if np.isnan(here):
        return None, None
    rng = np.random.default_rng(seed)
    sums, weights = _grouped(found.sums, times, rng)
    grouped = Statistic(sums, found.of)
    n = int(weights.sum())
    at_once = max(1, _CELLS // max(len(weights), sums.shape[1]))
    parts = [
        grouped.at(rng.multinomial(n, weights / n, size=min(at_once, draws - done)).astype(np.float64))
        for done in range(0, draws, at_once)
    ]
    drawn = np.concatenate(parts)
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < draws * (1 - _UNDEFINED):
        return None, None
    normal = NormalDist()
    # Sums in another order differ in the last bits; what is equal is neither below nor above.
    below = float((drawn < here - 1e-9).sum() + (np.abs(drawn - here) <= 1e-9).sum() / 2) / len(drawn)
    bias = normal.inv_cdf(min(max(below, 1 / len(drawn)), 1 - 1 / len(drawn)))
    speed = _acceleration(grouped, weights)

    def shifted(level: float) -> float:
        z = bias + normal.inv_cdf(level)
        return normal.cdf(bias + z / (1 - speed * z)) if 1 - speed * z > 0 else float(z > 0)

    low, high = np.quantile(drawn, [shifted(0.025), shifted(0.975)])
    return rounded(float(low)), rounded(float(high))


def _grouped(sums: Any, times: Ints, rng: np.random.Generator) -> tuple[Any, Floats]:
    """Return the sums of units, or of groups of them where there are many, and how often each is there."""
    if len(times) <= _GROUPS:
        return sums, times.astype(np.float64)
    from scipy.sparse import csr_array

    each = rng.permutation(np.repeat(np.arange(len(times)), times))
    dealt = (np.ones(len(each)), (np.arange(len(each)) % _GROUPS, each))
    return (csr_array(dealt, shape=(_GROUPS, len(times))) @ sums).tocsr(), np.ones(_GROUPS)


def _acceleration(found: Statistic, times: Floats) -> float:
    """Return the skewness of what each unit adds, by leaving it out."""
    if len(times) > _JACKKNIFE:
        return 0.0
    total = np.asarray(found.sums.T @ times, dtype=np.float64)
    at_once = max(1, _CELLS // len(total))
    left_out = np.concatenate(
        [
            found.of(total[None, :] - found.sums[start : start + at_once].toarray())
            for start in range(0, len(times), at_once)
        ]
    )
    known = ~np.isnan(left_out)
    weight, left_out = times[known], left_out[known]
    if not len(weight):
        return 0.0
    away = (weight * left_out).sum() / weight.sum() - left_out
    spread = (weight * away**2).sum()
    return float((weight * away**3).sum() / (6 * spread**1.5)) if spread > 1e-18 else 0.0


def rounded(number: float | None) -> float | None:
    """Round for printing and storing: the last bits of a sum differ between processors, six places do not."""
    return None if number is None or np.isnan(number) else round(number, 6) + 0.0
