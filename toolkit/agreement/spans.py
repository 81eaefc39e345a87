"""How far annotators agree on the words that a label rests on: F1 of spans and of characters, and α for unitizing.

Spans are those of answers that count, on the same text; an annotator who answered and marked nothing has one long gap.
Spans of one label that touch or overlap are one for α_U and for characters, and stand as drawn for the exact F1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from toolkit.agreement import bootstrap as bs
from toolkit.agreement.ballots import Ints, ballots, votes
from toolkit.agreement.marks import Marks, marked, on_marked_texts
from toolkit.agreement.unitizing import unitizing_alpha
from toolkit.codebooks import named_by
from toolkit.settings import AgreementSettings


@dataclass(frozen=True)
class SpanFigure:
    """Span agreement on one label's evidence, or (label None) on all of a field's.

    ``items`` are texts that two annotators or more answered and on which one of them marked something; ``spans`` are all
    that were marked there. ``exact`` is F1 over equal spans, ``chars`` over characters, both over pairs of annotators;
    ``alpha`` is α_U in its form of 1995 and 2004 (:mod:`toolkit.agreement.unitizing`).
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


def span_agreement(judgements: pa.Table, lengths: Mapping[str, int], settings: AgreementSettings) -> list[SpanFigure]:
    """Return span agreement for each field with evidence: the whole, then the labels that anyone marked.

    ``lengths`` gives the characters of a text by its hash; what was judged on a text that it does not know is left out.
    """
    found, codebooks = votes(judgements), named_by(judgements)
    figures: list[SpanFigure] = []
    for ballot in ballots(found):
        if ballot.kind == "ordinal" or not codebooks(ballot.task).field(ballot.field).evidence:
            continue
        layers = marked(found, ballot, lengths)
        asked = [(None, [*layers.values()]), *((label, [own]) for label, own in layers.items())] if layers else []
        figures += [_figure(ballot.task, ballot.field, label, own, settings) for label, own in asked]
    return figures


def _figure(
    task: str, field: str, label: str | None, layers: Sequence[Marks], settings: AgreementSettings
) -> SpanFigure:
    """Return the figure of layers: for each label the same texts."""
    layers = on_marked_texts(layers)
    strips = layers[0].texts.strips
    items, pairs = len(strips), int((strips * (strips - 1) // 2).sum())
    spans = sum(len(layer.strip) for layer in layers)
    times = np.ones(items, dtype=np.int64)
    exact, chars = exact_f1(layers), char_f1(layers)
    told = items >= settings.minimum_items and spans >= settings.minimum_positives
    ends = (times, settings.bootstrap, settings.seed)
    alpha = unitizing_alpha(layers) if told else None
    return SpanFigure(
        *(task, field, label, items, pairs, spans, bs.value(exact, times), bs.value(chars, times)),
        *(bs.interval(chars, *ends) if told else (None, None)),
        *((bs.value(alpha, times), *bs.interval(alpha, *ends)) if alpha else (None, None, None)),
    )


def exact_f1(layers: Sequence[Marks]) -> bs.Statistic:
    """Return F1 over spans with equal ends: twice the common ones by all, over pairs of annotators."""

    def common(marks: Marks) -> Ints:
        order = np.lexsort((marks.end, marks.start, marks.text))
        text, start, end = marks.text[order], marks.start[order], marks.end[order]
        same = (text[1:] == text[:-1]) & (start[1:] == start[:-1]) & (end[1:] == end[:-1])
        first = np.flatnonzero(np.r_[True, ~same][: len(text)])
        times = np.diff(np.r_[first, len(text)])
        return marks.texts.total(text[first], times * (times - 1) // 2)

    return _f1((common(layer), layer, np.ones_like(layer.strip)) for layer in layers)


def char_f1(layers: Sequence[Marks]) -> bs.Statistic:
    """Return F1 over characters."""

    def common(marks: Marks) -> Ints:
        # From each place where a span begins or ends to the next: as many pairs as those who have marked it make.
        text, place = np.tile(marks.text, 2), np.r_[marks.start, marks.end]
        step = np.repeat([1, -1], len(marks.strip))
        order = np.lexsort((step, place, text))
        text, place, deep = text[order], place[order], np.cumsum(step[order])
        # Behind the last end in a text nobody has marked anything.
        length = np.diff(place, append=place[-1:])
        return marks.texts.total(text, deep * (deep - 1) // 2 * length)

    return _f1((common(layer), layer, layer.size) for layer in (each.merged() for each in layers))


def _f1(parts: Iterable[tuple[Ints, Marks, Ints]]) -> bs.Statistic:
    """Return F1 over layers: what is common, by text, and of what spans of which sizes it is."""
    counts = [(2 * common, (own.texts.strips - 1) * own.texts.total(own.text, size)) for common, own, size in parts]
    columns = [np.asarray(np.sum(column, axis=0), dtype=np.float64) for column in zip(*counts, strict=True)]
    return bs.statistic(columns, lambda sums: bs.ratio(sums[:, 0], sums[:, 1]))
