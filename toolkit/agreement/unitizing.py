"""Krippendorff's α for unitizing: how far annotators agree where the words begin and end that a label rests on.

α_U = 1 - D_o / D_e in the form of Krippendorff 1995 (Sociological Methodology 25) and 2004 (Content Analysis, 2nd ed., ch. 11):
two units that overlap disagree by the squares of the distances between their ends, a unit in the other's gap by the square
of its length; what chance would bring comes from the lengths of all units and gaps. Here the continuum is cut between texts, so
that no unit or gap reaches from one to the next, and each text counts with its own number of annotators; with one text, or all
texts judged by the same annotators, the formula is the published one.

Krippendorff, Mathet, Bouvry and Widlöcher (2016, Quality & Quantity 50) replace it by a family of coefficients (u-α) over
lengths of intersections, because this form "behaves not as expected" for more than two observers. That family is not what is
computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array, hstack

from toolkit.agreement import bootstrap as bs
from toolkit.agreement.ballots import Ints
from toolkit.agreement.marks import Marks


def distances(units: Marks) -> Ints:
    """Return, for each text, Krippendorff's sum of squared differences between the merged spans of every two strips."""
    texts, text = units.texts, units.text
    total, width = np.zeros(len(texts.length), dtype=np.int64), len(texts.of_strip)
    alone = texts.strips[text] - 1
    for one, other in units.meeting():
        square = (units.start[one] - units.start[other]) ** 2 + (units.end[one] - units.end[other]) ** 2
        total += texts.total(text[one], square)
        # How many strips each unit meets: of one that it meets twice, once.
        met = np.unique(np.r_[one * width + units.strip[other], other * width + units.strip[one]])
        alone -= np.bincount(met // width, minlength=len(alone))
    return total + texts.total(text, alone * units.size**2)


def disagreements(marks: Marks) -> tuple[bs.Statistic, bs.Statistic]:
    """Return the observed and the expected disagreement of one label's spans, of the same sums by text.

    Both are L times Krippendorff's D_o and D_e, where L is the length of the continuum.
    """
    units, texts = marks.merged(), marks.texts
    observed, gaps = 2 * distances(units) / np.maximum(texts.strips - 1, 1), units.gaps()
    unit_sizes, gap_sizes = np.unique(units.size), np.unique(gaps[1])
    size, gap = unit_sizes.astype(np.float64), gap_sizes.astype(np.float64)
    wider = np.searchsorted(gap_sizes, unit_sizes)

    def expected(sums: bs.Floats) -> bs.Floats:
        total, unit, blank = sums[:, 1], sums[:, 2 : 2 + len(size)], sums[:, 2 + len(size) :]
        # A unit of length l fits into a gap of length g in g - l + 1 places.
        room = _from(blank * gap)[:, wider] - (size - 1) * _from(blank)[:, wider]
        number = unit.sum(axis=1)[:, None]
        within = (number - 1) / 3 * (2 * size**3 - 3 * size**2 + size)
        chances = total * (total - 1) - (unit * size * (size - 1)).sum(axis=1)
        return bs.ratio(2 * (unit * (within + size**2 * room)).sum(axis=1), chances)

    own = csr_array(np.stack([observed, texts.length * texts.strips], axis=1))
    units_of = _histogram(units.text, units.size, unit_sizes, len(texts.length))
    gaps_of = _histogram(*gaps, gap_sizes, len(texts.length))
    sums = hstack([own, units_of, gaps_of]).tocsr()
    return bs.Statistic(sums, lambda sums: bs.ratio(sums[:, 0], sums[:, 1])), bs.Statistic(sums, expected)


def _from(columns: bs.Floats) -> bs.Floats:
    """Return, for each column, the sum of it and all behind it, and nothing behind the last."""
    behind = np.cumsum(columns[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([behind, np.zeros((len(columns), 1))], axis=1)


def _histogram(text: Ints, size: Ints, sizes: Ints, texts: int) -> csr_array:
    return csr_array((np.ones(len(text)), (text, np.searchsorted(sizes, size))), shape=(texts, len(sizes)))


def unitizing_alpha(layers: Sequence[Marks]) -> bs.Statistic:
    """Return α_U of labels together, each with the same texts: 1 - ΣD_o / ΣD_e."""
    parts = [disagreements(layer) for layer in layers]
    sums = hstack([observed.sums for observed, _ in parts]).tocsr()
    ends = np.cumsum([0, *(observed.sums.shape[1] for observed, _ in parts)])
    of_parts = [(observed.of, expected.of) for observed, expected in parts]

    def of(sums: bs.Floats) -> bs.Floats:
        own = [sums[:, start:end] for start, end in pairwise(ends)]
        both = [(observed(each), expected(each)) for (observed, expected), each in zip(of_parts, own, strict=True)]
        # A label without a chance of disagreement adds none.
        observed, expected = np.nan_to_num(np.array(both)).sum(axis=0)
        return 1 - bs.ratio(observed, expected)

    return bs.Statistic(sums, of)
