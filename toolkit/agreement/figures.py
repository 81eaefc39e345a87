"""The table of agreement: for each field, level and label how many items and pairs there are, and what the answers come to.

A figure stands for all votes, or for one part of them (:mod:`toolkit.agreement.parts`). What is compared:

- a field with several labels: the sets of labels, by MASI and by Jaccard distances; each label by itself, yes or no;
- the same at the first level of a field whose labels have two: a heading holds where one of its labels does;
- a field with one value: which;
- confidence: its value, by ordinal distances.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from toolkit.agreement import bootstrap as bs
from toolkit.agreement import coefficients as co
from toolkit.agreement.ballots import Ballot, Ints, answers, ballots, votes
from toolkit.agreement.distances import Distance, Nominal, Sets
from toolkit.agreement.units import Units, units, yes_no
from toolkit.settings import AgreementSettings


@dataclass(frozen=True)
class Figure:
    """One row of the agreement table; a coefficient below the declared minimum, or undefined, is None.

    ``label`` None is the whole field; ``level`` 1 or 2 where labels have headings, else None. ``items`` have two answers or
    more, ``pairs`` are pairs of answers within them, ``positives`` the answers that gave the label (of a whole field: any).
    ``low`` and ``high`` bound α, ``ac1_low`` and ``ac1_high`` Gwet's AC1. ``by`` and ``part`` say which votes: None for all.
    """

    task: str
    field: str
    label: str | None
    level: int | None
    metric: str
    items: int
    pairs: int
    positives: int
    percent: float | None
    alpha: float | None
    low: float | None
    high: float | None
    ac1: float | None
    ac1_low: float | None
    ac1_high: float | None
    by: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class PairFigure:
    """Cohen's κ of two annotators on one label (or a single-choice field) over the items that both answered."""

    task: str
    field: str
    label: str | None
    level: int | None
    annotators: tuple[str, str]
    items: int
    positives: int
    percent: float
    kappa: float | None


def agreement(judgements: pa.Table, settings: AgreementSettings) -> list[Figure]:
    """Return the agreement table between annotators: fields in the codebook's order, the whole first, then its labels.

    Labels that nobody gave are left out. The same judgements and settings give the same figures.
    """
    return [figure for ballot in ballots(votes(answers(judgements))) for figure in of_ballot(ballot, settings)]


def of_ballot(ballot: Ballot, settings: AgreementSettings) -> Iterator[Figure]:
    """Yield the figures of one field."""
    if not len(ballot.unit) and ballot.kind == "ordinal":
        return
    if ballot.kind != "multi":
        codes = ballot.given.argmax(axis=1).astype(np.int64)
        found = units(ballot.unit, codes, len(ballot.labels))
        metric = "ordinal" if ballot.kind == "ordinal" else "nominal"
        positives = int(found.rated.sizes @ found.rated.times)
        yield _figure(ballot, None, None, metric, found, positives, settings)
        return
    leveled = ballot.parents != ballot.labels
    for level, at in ((2, ballot), (1, ballot.at_level_one())) if leveled else ((None, ballot),):
        yield from _sets(at.comparable(), level, settings)
        for place, label in enumerate(at.labels):
            # At the first level only headings: a label without one is the same at both.
            if at.given[:, place].any() and (level != 1 or label not in ballot.labels):
                said = ~at.silent[:, place]
                found = yes_no(at.unit[said], at.given[said, place])
                positives = int(found.rated.counts[:, [1]].toarray()[:, 0] @ found.rated.times) if found.items else 0
                yield _figure(ballot, label, level, "nominal", found, positives, settings)


def _sets(ballot: Ballot, level: int | None, settings: AgreementSettings) -> Iterator[Figure]:
    codes, sets = ballot.sets()
    found = units(ballot.unit, codes, len(sets))
    rated = found.rated
    filled = sets.any(axis=1).astype(np.float64)
    positives = int(np.asarray(rated.counts @ filled) @ rated.times) if rated.items else 0
    kinds: tuple[Literal["masi", "jaccard"], ...] = ("masi", "jaccard")
    for kind in kinds:
        yield _figure(ballot, None, level, kind, found, positives, settings, Sets(sets, kind))


def _figure(
    ballot: Ballot,
    label: str | None,
    level: int | None,
    metric: str,
    found: Units,
    positives: int,
    settings: AgreementSettings,
    distance: Distance | None = None,
) -> Figure:
    rated = found.rated
    figure = Figure(
        *(ballot.task, ballot.field, label, level, metric, rated.items, rated.pairs, positives),
        *(bs.value(co.percent(rated), rated.times), None, None, None, None, None, None),
    )
    if rated.items < settings.minimum_items or positives < settings.minimum_positives:
        return figure
    statistic = co.ordinal_alpha(rated) if metric == "ordinal" else co.alpha(rated, distance or Nominal(found.values))
    alpha = bs.value(statistic, rated.times)
    ends = (settings.bootstrap, settings.seed)
    low, high = bs.interval(statistic, rated.times, *ends) if alpha is not None else (None, None)
    figure = replace(figure, alpha=alpha, low=low, high=high)
    if metric == "nominal":
        ac1 = co.gwet_ac1(found)
        lower, upper = bs.interval(ac1, found.times, *ends)
        figure = replace(figure, ac1=bs.value(ac1, found.times), ac1_low=lower, ac1_high=upper)
    return figure


def pairwise(judgements: pa.Table, settings: AgreementSettings) -> list[PairFigure]:
    """Return Cohen's κ for each pair of annotators, label by label, headings too; None below ``minimum_items``."""
    found = votes(answers(judgements))
    figures: list[PairFigure] = []
    for ballot in ballots(found):
        if ballot.kind != "ordinal":
            for about, pair, one, other in _pairs(ballot, found.raters):
                table = contingency(one, other)
                positives = int(table[1].sum() + table[:, 1].sum()) if about[0] else 2 * int(table.sum())
                enough = table.sum() >= settings.minimum_items
                figures.append(
                    PairFigure(
                        *(ballot.task, ballot.field, *about, pair, int(table.sum()), positives),
                        *(
                            float(np.trace(table) / table.sum()),
                            cohen_kappa(table) if enough else None,
                        ),
                    )
                )
    return figures


def _pairs(
    ballot: Ballot, raters: Sequence[str]
) -> Iterator[tuple[tuple[str | None, int | None], tuple[str, str], Ints, Ints]]:
    """Yield label and level, two annotators, and their answers (codes) on the items that both answered."""
    own = {int(rater): np.flatnonzero(ballot.rater == rater) for rater in np.unique(ballot.rater)}
    shared = {
        (one, other): both
        for one, other in combinations(own, 2)
        if len((both := np.intersect1d(ballot.unit[own[one]], ballot.unit[own[other]], return_indices=True))[0])
    }
    for label, level, codes in questions(ballot):
        for (one, other), (_, left, right) in shared.items():
            names = (raters[one], raters[other])
            mine, theirs = codes[own[one][left]], codes[own[other][right]]
            said = (mine >= 0) & (theirs >= 0)
            if said.any():
                yield (label, level), names, mine[said], theirs[said]


def questions(ballot: Ballot) -> Iterator[tuple[str | None, int | None, Ints]]:
    """Yield each question that a field's answers can be compared by: label, level, and the answers as codes.

    Of a label: 1 where it was given, else 0, -1 where the answer says nothing of it, for labels that anyone gave; of a
    field with one value: its place.
    """
    if ballot.kind != "multi":
        yield None, None, ballot.given.argmax(axis=1).astype(np.int64)
        return
    leveled = ballot.parents != ballot.labels
    for level, at in ((2, ballot), (1, ballot.at_level_one())) if leveled else ((None, ballot),):
        for place, label in enumerate(at.labels):
            if at.given[:, place].any() and (level != 1 or label not in ballot.labels):
                yield label, level, np.where(at.silent[:, place], -1, at.given[:, place].astype(np.int64))


def contingency(one: Ints, other: Ints, values: int = 0) -> Ints:
    """Return how often code i of the one met code j of the other."""
    values = values or max(int(one.max(initial=0)), int(other.max(initial=0)), 1) + 1
    counts = np.bincount(one * values + other, minlength=values * values)
    return counts.reshape(values, values).astype(np.int64)


def cohen_kappa(table: Ints) -> float | None:
    """Return κ of a contingency table (scikit-learn's), None where both always gave one and the same."""
    from sklearn.metrics import cohen_kappa_score

    one, other = np.nonzero(table)
    if len(one) == 0 or (len(one) == 1 and one[0] == other[0]):
        return None
    return bs.rounded(float(cohen_kappa_score(one, other, sample_weight=table[one, other])))


def alpha_of(given: Sequence[Sequence[Sequence[str]]], *, multi: bool) -> float | None:
    """Return α of items' answers, each the labels given: by MASI for a field with several labels, else nominal."""
    known = sorted({tuple(sorted(labels)) for own in given for labels in own})
    cells = [(item, known.index(tuple(sorted(labels)))) for item, own in enumerate(given) for labels in own]
    item, code = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    rated = units(item, code, len(known)).rated
    names = sorted({label for labels in known for label in labels})
    sets = np.array([[name in labels for name in names] for labels in known], dtype=np.bool_)
    distance: Distance = Nominal(len(known))
    if multi:
        distance = Sets(sets.reshape(len(known), len(names)), "masi")
    return bs.value(co.alpha(rated, distance), rated.times)


def headline(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures that a summary shows: labels as chosen, sets by MASI; confidence, which is no vote, left out."""
    return [f for f in figures if f.level != 1 and f.metric in ("masi", "nominal")]


def records(figures: Sequence[Any]) -> list[dict[str, Any]]:
    """Return figures as plain records."""
    return [asdict(figure) for figure in figures]
