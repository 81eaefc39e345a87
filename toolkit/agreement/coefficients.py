"""Percent agreement, Krippendorff's α and Gwet's AC1 over units of answers.

α = 1 - D_o / D_e (Krippendorff, Content Analysis, ch. 12): the observed disagreement over the pairs of answers within
units, the expected one over all pairs; units with one answer are left out. AC1 (Gwet 2008; Handbook of Inter-Rater
Reliability, 2014) takes chance from the mean share of each value over all units; it stays near the raw agreement where one
value prevails, where α and κ fall.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.agreement.bootstrap import Floats, Statistic, ratio, statistic
from toolkit.agreement.distances import Distance, Nominal
from toolkit.agreement.units import Units

_DENSE = 1000
_BLOCK = 2**17


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
