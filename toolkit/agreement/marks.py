"""The spans that annotators marked for a label, as arrays: one row a span, whatever number of texts they are in.

A *strip* is one annotator's answer on one text; what they marked there are the spans of the strip. Strips are numbered over
all texts, those of a text together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement.ballots import Ballot, Ints, Submissions, codes

_PAIRS = 2_000_000


@dataclass(frozen=True)
class Texts:
    """Texts that several annotators answered: text t is ``length[t]`` characters long and has ``strips[t]`` strips."""

    length: Ints
    strips: Ints

    @cached_property
    def of_strip(self) -> Ints:
        """The text that each strip is on."""
        return np.repeat(np.arange(len(self.strips)), self.strips)

    def total(self, text: Ints, weights: Ints) -> Ints:
        """Return the sum of whole numbers by text."""
        return np.bincount(text, weights=weights, minlength=len(self.length)).astype(np.int64)


@dataclass(frozen=True)
class Marks:
    """Spans of one label: span i is from ``start[i]`` to ``end[i]`` of strip ``strip[i]``, each there once."""

    texts: Texts
    strip: Ints
    start: Ints
    end: Ints

    @property
    def text(self) -> Ints:
        """The text that each span is in."""
        return self.texts.of_strip[self.strip]

    @property
    def size(self) -> Ints:
        """How long each span is."""
        return self.end - self.start

    def merged(self) -> Marks:
        """Return the spans with those of a strip that touch or overlap as one, by strip and place; empty ones left out."""
        kept = self.end > self.start
        strip, start, end = self.strip[kept], self.start[kept], self.end[kept]
        order = np.lexsort((end, start, strip))
        strip, start, end = strip[order], start[order], end[order]
        if not len(strip):
            return Marks(self.texts, strip, start, end)
        # The farthest end so far, in each strip by itself: strips are laid end to end.
        apart = strip * (int(end.max()) + 1)
        farthest = np.maximum.accumulate(end + apart)
        first = np.r_[True, (start + apart)[1:] > farthest[:-1]]
        first[1:] |= strip[1:] != strip[:-1]
        begins = np.flatnonzero(first)
        return Marks(self.texts, strip[begins], start[begins], np.maximum.reduceat(end, begins))

    def meeting(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield the pairs of spans (as their places) of two strips of a text that overlap, all of a text at once.

        For merged ones: those of a strip never meet.
        """
        order = np.lexsort((self.strip, self.start, self.text))
        text, start, end = self.text[order], self.start[order], self.end[order]
        width = int(max(start.max(initial=0), end.max(initial=0))) + 1
        stop = np.searchsorted(text * width + start, text * width + end)
        place = np.arange(len(order))
        number = np.maximum(stop - place - 1, 0)
        total = np.cumsum(self.texts.total(text, number))
        for part in np.unique(total // _PAIRS):
            here = np.flatnonzero(total[text] // _PAIRS == part)
            one = np.repeat(here, number[here])
            run = np.arange(len(one)) - np.repeat(np.cumsum(number[here]) - number[here], number[here])
            yield order[one], order[one + 1 + run]

    def gaps(self) -> tuple[Ints, Ints]:
        """Return what lies between and around merged spans: the text of each gap, and its length."""
        of_strip = self.texts.of_strip
        last = np.zeros(len(of_strip), dtype=np.int64)
        last[self.strip] = self.end
        before = np.zeros(len(self.strip), dtype=np.int64)
        before[1:] = np.where(self.strip[1:] == self.strip[:-1], self.end[:-1], 0)
        text = np.r_[self.text, of_strip]
        length = np.r_[self.start - before, self.texts.length[of_strip] - last]
        return text[length > 0], length[length > 0]


def on_marked_texts(layers: Sequence[Marks]) -> list[Marks]:
    """Return layers of the same texts without the texts on which there is nothing in any of them."""
    texts = layers[0].texts
    there = np.zeros(len(texts.length), dtype=np.bool_)
    for layer in layers:
        there[layer.text] = True
    number = np.cumsum(there[texts.of_strip]) - 1
    kept = Texts(texts.length[there], texts.strips[there])
    return [Marks(kept, number[layer.strip], layer.start, layer.end) for layer in layers]


def marked(found: Submissions, ballot: Ballot, lengths: Mapping[str, int]) -> dict[str, Marks]:
    """Return what was marked in a field: label → spans on the texts that two annotators or more answered.

    All labels have the same texts, by unit and hash; labels come in the ballot's order, those that nobody marked left out.
    ``lengths`` gives the characters of a text by its hash; what was judged on a text that it does not know is left out.
    """
    text, names = codes(found.rows["text_sha256"])
    length = np.array([lengths.get(name, -1) for name in names] or [-1], dtype=np.int64)
    known = length[text[ballot.row]] >= 0
    unit, row = ballot.unit[known], ballot.row[known]
    order = np.lexsort((text[row], unit))
    unit, row = unit[order], row[order]
    first = np.r_[True, (unit[1:] != unit[:-1]) | (text[row][1:] != text[row][:-1])][: len(unit)]
    size = np.diff(np.r_[np.flatnonzero(first), len(unit)])
    several = np.repeat(size, size) > 1
    row, first, size = row[several], first[several], size[size > 1]
    strip = np.full(found.rows.num_rows, -1, dtype=np.int64)
    strip[row] = np.arange(len(row))

    listed = found.rows["evidence"].combine_chunks()
    if isinstance(listed, pa.ChunkedArray):
        listed = pa.concat_arrays(listed.chunks) if listed.num_chunks else pa.array([], listed.type)
    spans = pc.list_flatten(listed)
    of = strip[pc.list_parent_indices(listed).to_numpy().astype(np.int64)]
    here = (of >= 0) & pc.equal(spans.field("field"), ballot.field).to_numpy(zero_copy_only=False).astype(np.bool_)
    label, labels = codes(pa.chunked_array([spans.field("label")]))
    place = {name: number for number, name in enumerate(labels)}
    ends = [spans.field(name).to_numpy(zero_copy_only=False).astype(np.int64) for name in ("start", "end")]
    texts, result = Texts(length[text[row[first]]], size), {}
    for name in ballot.labels:
        own = np.flatnonzero(here & (label == place[name])) if name in place else np.zeros(0, dtype=np.int64)
        if len(own):
            result[name] = Marks(texts, *_once(of[own], ends[0][own], ends[1][own]))
    return result


def _once(*columns: Ints) -> tuple[Ints, ...]:
    """Return rows in order, equal ones as one."""
    order = np.lexsort(columns[::-1])
    found = [column[order] for column in columns]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in found])
    return tuple(column[new] for column in found)
