"""How far annotators agree: percent, Krippendorff's α with bootstrap intervals, Cohen's κ by pair.

α = 1 - D_o / D_e, with the observed disagreement D_o averaged over the pairs of answers within items and the expected D_e
over all pairs of answers (Krippendorff, Content Analysis, ch. 12); an item with fewer than two answers is left out, so that
partial overlap needs no rule of its own. Written in closed form over counts, because the bootstrap asks for it a thousand
times a label; the tests hold it against nltk's coefficient and a published example. Labels are nominal; the set of a field's
labels is compared by the MASI distance (nltk).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.codebook import Codebook, load_codebook
from toolkit.codebooks import Lookup
from toolkit.settings import AgreementSettings
from toolkit.votes import YES, Answer, answers

Floats = NDArray[np.float64]
_UNDEFINED = 0.05


@dataclass(frozen=True)
class Figure:
    """One row of the agreement table; a coefficient below the declared minimum, or undefined, is None.

    ``label`` None is the whole field: the set of labels (MASI) or the one value (nominal). ``items`` have two answers or
    more, ``pairs`` are pairs of answers within them, ``positives`` the answers that gave the label (of a whole field: any).
    """

    task: str
    field: str
    label: str | None
    metric: str
    items: int
    pairs: int
    positives: int
    percent: float | None
    alpha: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairFigure:
    """Cohen's κ of two annotators on one label (or a single-choice field) over the items that both answered."""

    task: str
    field: str
    label: str | None
    annotators: tuple[str, str]
    items: int
    percent: float
    kappa: float | None


def agreement(judgements: pa.Table, settings: AgreementSettings, codebooks: Lookup = load_codebook) -> list[Figure]:
    """Return the agreement table: for each field the whole first, then its labels in the codebook's order.

    Labels that nobody gave are left out. The same judgements and settings give the same figures.
    """
    figures: list[Figure] = []
    for (task, field, multi), group in _by_field(judgements, codebooks).items():
        values = [list(answer.comparable().values()) for answer in group]
        figures.append(_figure((task, field, None), values, settings, masi if multi else nominal))
        if multi:
            for label in _given(codebooks(task), field, group):
                given = [answer.votes(label).values() for answer in group]
                votes = [[(label,) if vote == YES else () for vote in each] for each in given]
                figures.append(_figure((task, field, label), votes, settings, nominal))
    return figures


def pairwise(judgements: pa.Table, codebooks: Lookup = load_codebook) -> list[PairFigure]:
    """Return Cohen's κ for each pair of annotators, label by label."""
    figures: list[PairFigure] = []
    for (task, field, multi), group in _by_field(judgements, codebooks).items():
        names = sorted({name for answer in group for name in answer.by})
        for label in _given(codebooks(task), field, group) if multi else [None]:
            votes = [a.votes(label) if label else {n: "".join(v) for n, v in a.by.items()} for a in group]
            for pair in combinations(names, 2):
                both = [[each[name] for name in pair] for each in votes if set(pair) <= each.keys()]
                if both:
                    same = sum(one == other for one, other in both) / len(both)
                    figures.append(PairFigure(task, field, label, pair, len(both), same, cohen_kappa(both)))
    return figures


def _by_field(judgements: pa.Table, codebooks: Lookup) -> dict[tuple[str, str, bool], list[Answer]]:
    fields: dict[tuple[str, str, bool], list[Answer]] = {}
    for answer in answers(judgements, codebooks):
        fields.setdefault((answer.task, answer.field, answer.multi), []).append(answer)
    return fields


def _given(codebook: Codebook, field: str, group: Sequence[Answer]) -> list[str]:
    given = {label for answer in group for labels in answer.by.values() for label in labels}
    return [leaf.id for leaf in codebook.leaves(field) if leaf.id in given]


Value = tuple[str, ...]
Distance = Callable[[Value, Value], float]


def nominal(one: Value, other: Value) -> float:
    """Return 0 for equal values, else 1."""
    return float(one != other)


def masi(one: Value, other: Value) -> float:
    """Return the MASI distance of two sets of labels; two empty ones are equal."""
    from nltk.metrics.distance import masi_distance

    return float(masi_distance(frozenset(one), frozenset(other))) if one or other else 0.0


def _figure(
    about: tuple[str, str, str | None],
    values: Sequence[Sequence[Value]],
    settings: AgreementSettings,
    distance: Distance,
) -> Figure:
    rated = [given for given in values if len(given) >= 2]
    counts, distances = tabulate(rated, distance)
    sizes = [len(given) for given in rated]
    pairs = sum(n * (n - 1) // 2 for n in sizes)
    agreeing = sum(one == other for given in rated for one, other in combinations(given, 2))
    positives = sum(bool(value) for given in rated for value in given)
    percent = agreeing / pairs if pairs else None
    alpha = low = high = None
    if len(rated) >= settings.minimum_items and positives >= settings.minimum_positives:
        alpha = _round(krippendorff_alpha(counts, distances))
        if alpha is not None and settings.bootstrap:
            low, high = bootstrap_interval(counts, distances, settings.bootstrap, settings.seed)
    metric = "masi" if distance is masi else "nominal"
    return Figure(*about, metric, len(rated), pairs, positives, _round(percent), alpha, low, high)


def tabulate(values: Sequence[Sequence[Value]], distance: Distance) -> tuple[Floats, Floats]:
    """Return (items × values counts, values × values distances) of items' answers."""
    distinct = sorted({value for given in values for value in given})
    index = {value: i for i, value in enumerate(distinct)}
    counts = np.zeros((len(values), len(distinct)))
    for row, given in enumerate(values):
        for value in given:
            counts[row, index[value]] += 1
    distances = np.array([[distance(one, other) for other in distinct] for one in distinct])
    return counts, distances.reshape(len(distinct), len(distinct))


def krippendorff_alpha(counts: Floats, distances: Floats, weights: Floats | None = None) -> float | None:
    """Return α for items × values counts (two answers an item or more); None where no disagreement can be expected."""
    weights = np.ones((1, len(counts))) if weights is None else weights
    return _none(float(_alphas(counts, distances, weights)[0]))


def _alphas(counts: Floats, distances: Floats, weights: Floats) -> Floats:
    """Return α for each row of item weights (how often each item was drawn)."""
    sizes = counts.sum(axis=1)
    within = np.einsum("uc,cd,ud->u", counts, distances, counts) / (sizes - 1)
    totals = weights @ counts
    n = weights @ sizes
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.einsum("bc,cd,bd->b", totals, distances, totals) / (n - 1)
        found: Floats = np.where(expected > 0, 1 - (weights @ within) / expected, np.nan)
    return found


def bootstrap_interval(counts: Floats, distances: Floats, draws: int, seed: int) -> tuple[float | None, float | None]:
    """Return the 95 % percentile interval of α over seeded draws of items with replacement.

    No interval where α is undefined (one value only) in more than one draw of twenty: a rare label whose few votes stand
    on few items would get an interval of the draws that happen to hold them, far too narrow.
    """
    items = len(counts)
    weights = np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), size=draws).astype(np.float64)
    found = _alphas(counts, distances, weights)
    found = found[~np.isnan(found)]
    if len(found) < draws * (1 - _UNDEFINED):
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    return _round(float(low)), _round(float(high))


def cohen_kappa(pairs: Sequence[Sequence[str]]) -> float | None:
    """Return κ of two annotators' answers, None where both always gave one and the same."""
    values = sorted({value for pair in pairs for value in pair})
    n = len(pairs)
    observed = sum(one == other for one, other in pairs) / n
    expected = sum(sum(p[0] == v for p in pairs) * sum(p[1] == v for p in pairs) for v in values) / n**2
    return None if expected == 1 else _round((observed - expected) / (1 - expected))


def _none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _round(value: float | None) -> float | None:
    """Round for printing and storing: the last bits of a sum differ between processors, six places do not."""
    return None if value is None else round(value, 6) + 0.0


def records(figures: Sequence[Figure | PairFigure]) -> list[dict[str, Any]]:
    """Return figures as plain records."""
    return [asdict(figure) for figure in figures]
