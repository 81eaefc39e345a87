"""Numbers that follow from sums over units, and their bootstrap intervals.

An interval asks for its number a thousand times, so that it is written over counts: units with the same answers are one row
with a weight, and the cost is that of the distinct ones.

Intervals are the bootstrap's BCa (Efron 1987) over units drawn with replacement: of the kinds tried, the one that covers the
true value as often as it says also where a label is rare (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.agreement.ballots import Ints

Floats = NDArray[np.float64]
Interval = tuple[float | None, float | None]
_UNDEFINED = 0.05
_CELLS = 4_000_000
_JACKKNIFE = 3000
_GROUPS = 5_000


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
