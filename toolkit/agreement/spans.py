"""How far annotators agree on the words that a label rests on: span F1, and Krippendorff's α for unitizing.

α_U compares where units begin and end (Krippendorff 1995; Content Analysis, 2nd ed., ch. 11): two units that overlap
disagree by the squares of the distances between their ends, a unit in the other's gap by the square of its length; what
chance would bring comes from the lengths of all units and gaps. Here the continuum is cut between items, so that no unit
or gap reaches from one to the next, and each item counts with its own number of annotators; with one item, or all items
judged by the same annotators, the formula is the published one.

Spans are those of answers that count, on the same text; an annotator who answered and marked nothing has one long gap.
Spans of one label that touch or overlap are one for α_U and for characters, and stand as drawn for the exact F1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array, hstack

from toolkit.agreement import coefficients as co
from toolkit.agreement.ballots import ballots, votes
from toolkit.codebooks import named_by
from toolkit.settings import AgreementSettings

Span = tuple[int, int]
Strip = Sequence[Span]
"""One annotator's spans in one text, sorted, as drawn."""


@dataclass(frozen=True)
class SpanFigure:
    """Span agreement on one label's evidence, or (label None) on all of a field's.

    ``items`` are texts that two annotators or more answered and on which one of them marked something; ``spans`` are all
    that were marked there. ``exact`` is F1 over equal spans, ``chars`` over characters, both over pairs of annotators.
    """

    task: str
    field: str
    label: str | None
    items: int
    pairs: int
    spans: int
    exact: float | None
    chars: float | None
    chars_low: float | None
    chars_high: float | None
    alpha: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Continuum:
    """One item: the length of its text and each annotator's spans of one label."""

    length: int
    strips: tuple[Strip, ...]


def span_agreement(judgements: pa.Table, lengths: Mapping[str, int], settings: AgreementSettings) -> list[SpanFigure]:
    """Return span agreement for each field with evidence: the whole, then the labels that anyone marked.

    ``lengths`` gives the characters of a text by its hash; what was judged on a text that it does not know is left out.
    """
    found, codebooks = votes(judgements), named_by(judgements)
    evidence, hashes = found.rows["evidence"].to_pylist(), found.rows["text_sha256"].to_pylist()
    figures: list[SpanFigure] = []
    for ballot in ballots(found):
        if ballot.kind == "ordinal" or not codebooks(ballot.task).field(ballot.field).evidence:
            continue
        groups: dict[tuple[int, str], list[dict[str, list[Span]]]] = {}
        for unit, row in zip(ballot.unit.tolist(), ballot.row.tolist(), strict=True):
            if hashes[row] in lengths:
                marked: dict[str, list[Span]] = {}
                for span in evidence[row]:
                    if span["field"] == ballot.field:
                        marked.setdefault(span["label"], []).append((span["start"], span["end"]))
                groups.setdefault((unit, hashes[row]), []).append(marked)
        texts = [(lengths[key[1]], own) for key, own in sorted(groups.items()) if len(own) > 1]
        used = {label for _, own in texts for marked in own for label in marked}
        labels = [label for label in ballot.labels if label in used]
        continua = {
            label: [
                Continuum(length, tuple(tuple(sorted(set(m.get(label, ())))) for m in own)) for length, own in texts
            ]
            for label in labels
        }
        if labels:
            figures.append(_figure(ballot.task, ballot.field, None, list(continua.values()), settings))
        figures += [_figure(ballot.task, ballot.field, label, [continua[label]], settings) for label in labels]
    return figures


def _figure(
    task: str, field: str, label: str | None, layers: Sequence[Sequence[Continuum]], settings: AgreementSettings
) -> SpanFigure:
    """Return the figure of layers: for each label the same items in the same order."""
    marked = [any(strip for layer in layers for strip in layer[item].strips) for item in range(len(layers[0]))]
    layers = [[item for item, kept in zip(layer, marked, strict=True) if kept] for layer in layers]
    items = len(layers[0])
    pairs = sum(len(item.strips) * (len(item.strips) - 1) // 2 for item in layers[0])
    spans = sum(len(strip) for layer in layers for item in layer for strip in item.strips)
    times = np.ones(items, dtype=np.int64)
    exact, chars, alpha = exact_f1(layers), char_f1(layers), unitizing_alpha(layers)
    told = items >= settings.minimum_items and spans >= settings.minimum_positives
    ends = (times, settings.bootstrap, settings.seed)
    return SpanFigure(
        *(task, field, label, items, pairs, spans, co.value(exact, times), co.value(chars, times)),
        *(co.interval(chars, *ends) if told else (None, None)),
        *((co.value(alpha, times), *co.interval(alpha, *ends)) if told else (None, None, None)),
    )


def exact_f1(layers: Sequence[Sequence[Continuum]]) -> co.Statistic:
    """Return F1 over spans with equal ends: twice the common ones by all, over pairs of annotators."""
    return _f1(layers, lambda a, b: (len(set(a) & set(b)), len(a) + len(b)))


def char_f1(layers: Sequence[Sequence[Continuum]]) -> co.Statistic:
    """Return F1 over characters."""

    def count(a: Strip, b: Strip) -> tuple[int, int]:
        common = sum(max(0, min(x[1], y[1]) - max(x[0], y[0])) for x in a for y in b)
        return common, sum(end - start for start, end in (*a, *b))

    return _f1([[Continuum(c.length, tuple(map(merged, c.strips))) for c in layer] for layer in layers], count)


def _f1(layers: Sequence[Sequence[Continuum]], count: object) -> co.Statistic:
    assert callable(count)
    common, both = np.zeros(len(layers[0])), np.zeros(len(layers[0]))
    for layer in layers:
        for place, item in enumerate(layer):
            for a, b in combinations(item.strips, 2):
                one, two = count(a, b)
                common[place] += one
                both[place] += two
    return co.statistic((2 * common, both), lambda sums: co.ratio(sums[:, 0], sums[:, 1]))


def merged(strip: Strip) -> Strip:
    """Return spans with those that touch or overlap as one."""
    found: list[Span] = []
    for start, end in sorted(strip):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return tuple(found)


def gaps(strip: Strip, length: int) -> Iterator[int]:
    """Yield the lengths of what lies between and around spans that do not touch."""
    ends = [0, *(place for span in strip for place in span), length]
    for start, end in list(pairwise(ends))[::2]:
        if end > start:
            yield end - start


def distance(one: Strip, other: Strip) -> int:
    """Return Krippendorff's sum of squared differences between two annotators' units in one text."""
    total = 0
    for left, right in ((one, other), (other, one)):
        for start, end in left:
            met = [(a, b) for a, b in right if a < end and start < b]
            # Units that meet are found from both sides and count once.
            total += sum((start - a) ** 2 + (end - b) ** 2 for a, b in met) if left is one else 0
            total += 0 if met else (end - start) ** 2
    return total


def disagreements(layer: Sequence[Continuum]) -> tuple[co.Statistic, co.Statistic]:
    """Return the observed and the expected disagreement of one label's spans, of the same sums.

    Both are L times Krippendorff's D_o and D_e, where L is the length of the continuum.
    """
    observed, lengths = np.zeros(len(layer)), np.zeros(len(layer))
    units: list[tuple[int, int]] = []
    blanks: list[tuple[int, int]] = []
    for place, item in enumerate(layer):
        strips = [merged(strip) for strip in item.strips]
        lengths[place] = item.length * len(strips)
        observed[place] = sum(2 * distance(a, b) for a, b in combinations(strips, 2)) / max(1, len(strips) - 1)
        units += [(place, end - start) for strip in strips for start, end in strip]
        blanks += [(place, gap) for strip in strips for gap in gaps(strip, item.length)]
    longest = max((size for _, size in (*units, *blanks)), default=0) + 1
    size = np.arange(longest, dtype=np.float64)

    def expected(sums: co.Floats) -> co.Floats:
        total, unit, blank = sums[:, 1], sums[:, 2 : 2 + longest], sums[:, 2 + longest :]
        # A unit of length l fits into a gap of length g in g - l + 1 places: sums from the far end, twice.
        room = np.cumsum(np.cumsum(blank[:, ::-1], axis=1), axis=1)[:, ::-1]
        number = unit.sum(axis=1)[:, None]
        within = (number - 1) / 3 * (2 * size**3 - 3 * size**2 + size)
        chances = total * (total - 1) - (unit * size * (size - 1)).sum(axis=1)
        return co.ratio(2 * (unit * (within + size**2 * room)).sum(axis=1), chances)

    histograms = [_histogram(found, len(layer), longest) for found in (units, blanks)]
    sums = hstack([csr_array(np.stack([observed, lengths], axis=1)), *histograms]).tocsr()
    return co.Statistic(sums, lambda sums: co.ratio(sums[:, 0], sums[:, 1])), co.Statistic(sums, expected)


def _histogram(found: Sequence[tuple[int, int]], items: int, longest: int) -> csr_array:
    rows = [place for place, _ in found]
    return csr_array((np.ones(len(found)), (rows, [size for _, size in found])), shape=(items, longest))


def unitizing_alpha(layers: Sequence[Sequence[Continuum]]) -> co.Statistic:
    """Return α_U of the labels together, each with the same items: 1 - ΣD_o / ΣD_e."""
    parts = [disagreements(layer) for layer in layers]
    ends = np.cumsum([0, *(observed.sums.shape[1] for observed, _ in parts)])

    def of(sums: co.Floats) -> co.Floats:
        own = [sums[:, start:end] for start, end in pairwise(ends)]
        observed = np.nan_to_num(np.array([o.of(each) for (o, _), each in zip(parts, own, strict=True)])).sum(axis=0)
        expected = np.nan_to_num(np.array([e.of(each) for (_, e), each in zip(parts, own, strict=True)])).sum(axis=0)
        return 1 - co.ratio(observed, expected)

    return co.Statistic(hstack([observed.sums for observed, _ in parts]).tocsr(), of)
