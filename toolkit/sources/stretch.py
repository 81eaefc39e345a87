"""Holding one stretch of a copy against a hash, footnote markers stepped over."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from toolkit.fsio import sha256_text
from toolkit.text.fold import Folded, normal

# How many ways of reading markers are tried at one place.
_WAYS = 32
_BLANKS = " \t\u00a0\u202f"
# (place in the stretch, first index in the normal form, index behind the last)
Step = tuple[int, int, int]


@dataclass(frozen=True)
class Wanted:
    """A stretch to look for: its length, its hash, and the footnote markers within it as (place, label), by place."""

    length: int
    sha256: str
    markers: tuple[tuple[int, str | None], ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a stretch stands in the copy. ``kept[i]`` is the place of character ``i`` of its normal form.

    ``marks`` are (index in ``kept`` before which it stands, start, end) of the footnote markers that were stepped over,
    by place; ``folded`` is the reading of the copy in which it was found.
    """

    kept: tuple[int, ...]
    marks: tuple[tuple[int, int, int], ...]
    folded: Folded

    @property
    def start(self) -> int:
        """Where its first character stands."""
        return self.kept[0]

    @property
    def end(self) -> int:
        """Where it ends, with a marker at its end."""
        return max([self.kept[-1] + 1, *(high for at, _, high in self.marks if at == len(self.kept))])

    def part(self, at: int, length: int) -> Place:
        """Return a part of a stretch, with the markers before, in and behind it."""
        marks = tuple((m - at, low, high) for m, low, high in self.marks if at <= m <= at + length)
        return Place(self.kept[at : at + length], marks, self.folded)


def match(text: str, folded: Folded, index: int, want: Wanted) -> Place | None:
    """Return the stretch that begins at an index of the normal form; None where it is not there."""
    if index < 0 or index + want.length > len(folded.text):
        return None
    for tries, steps in enumerate(_ways(text, folded, index, want)):
        if tries == _WAYS:
            return None
        if sha256_text("".join(folded.text[low:high] for low, high in _kept(index, want.length, steps))) == want.sha256:
            return place_of(text, folded, index, want.length, steps)
    return None


def place_of(text: str, folded: Folded, index: int, length: int, steps: Sequence[Step]) -> Place:
    """Return a match as places of the copy, with the markers that the reading leaves out inside it and right behind it."""
    indices = [i for low, high in _kept(index, length, steps) for i in range(low, high)]
    marks = [(at, folded.origin[low], folded.origin[high - 1] + 1) for at, low, high in steps]
    start, end = folded.origin[indices[0]], folded.origin[indices[-1]] + 1
    end = max([end, *(high for _, _, high in marks)])
    for low, high in folded.left_out[bisect_right(folded.left_out, (start, 0)) :]:
        if low >= end and text[end:low].strip(_BLANKS):
            break
        end = max(end, high)
        marks.append((bisect_left(indices, folded.at(low)), low, high))
    return Place(tuple(folded.origin[i] for i in indices), tuple(sorted(marks, key=lambda mark: mark[1:])), folded)


def _kept(index: int, length: int, steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield the pieces of the normal form that a stretch is made of."""
    taken = 0
    for at, low, high in steps:
        yield index, low
        taken += low - index
        index = high
        assert taken == at
    yield index, index + length - taken


def _ways(text: str, folded: Folded, index: int, want: Wanted) -> Iterator[list[Step]]:
    """Yield each reading of the markers from an index on: those that are stepped over."""

    def walk(index: int, taken: int, number: int) -> Iterator[list[Step]]:
        if number == len(want.markers):
            if index + want.length - taken <= len(folded.text):
                yield []
            return
        offset, label = want.markers[number]
        here = index + offset - taken
        for behind in (*_markers(text, folded, here, label, last=offset == want.length), here):
            for rest in walk(behind, offset, number + 1):
                yield [(offset, here, behind), *rest] if behind > here else rest

    yield from walk(index, 0, 0)


def _markers(text: str, folded: Folded, here: int, label: str | None, *, last: bool) -> list[int]:
    """Return where a marker ends that begins at an index, the likeliest first; nothing where none stands there."""
    ends: list[int] = []
    for form, own, bare in _forms(label):
        if not (shown := form.match(folded.text, here)) or shown.end() in ends:
            continue
        low, high = folded.origin[here], folded.origin[shown.end() - 1] + 1
        before = folded.origin[here - 1] + 1 if here else low
        apart = before < low
        # Behind the last word no hash tells a marker from the next sentence's number.
        number_next = bare and text[high : high + 1].isalnum()
        loose = bare and apart and not (own and not text[high : high + 1].strip())
        if "\n" in text[before:high] or (last and (number_next or loose)):
            continue
        ends.append(shown.end())
    return ends


@cache
def _forms(label: str | None) -> tuple[tuple[re.Pattern[str], bool, bool], ...]:
    """Return (shape, whether it is the label's own, whether it is without brackets) of the forms of a marker."""
    known = re.escape(normal(label)) if label else ""
    shapes = ((r"[\[(]\^?(?:note|fn)?(?:{})[\])]", False), (r"\^?(?:{})", True))
    return tuple(
        (re.compile(shape.format(one), re.IGNORECASE), one == known, bare)
        for one in (known, r"\d{1,3}|[*†‡§]")
        if one
        for shape, bare in shapes
    )


def whole_words(text: str, place: Place) -> bool:
    """Tell whether a stretch neither begins nor ends within a word; digits behind a word may be a marker's."""
    end = place.end
    digits = re.compile(r"(?<!\d)\d{1,2}(?!\w)").match(text, end)
    return _boundary(text, place.start) and _boundary(text, digits.end() if digits else end)


def _boundary(text: str, at: int) -> bool:
    if at in (0, len(text)):
        return True
    before, after = text[at - 1], text[at]
    # Scripts from here on are written without blanks.
    return not (before.isalnum() and after.isalnum() and max(before, after) < "\u2e80")


def word_starts(text: str, folded: Folded, covered: Iterable[tuple[int, int]]) -> list[int]:
    """Return where words begin outside of the stretches that are covered."""
    starts = []
    ranges = iter(sorted(covered))
    low, high = next(ranges, (len(text), 0))
    behind = 0
    for at in folded.origin:
        while at >= low:
            behind = max(behind, high)
            low, high = next(ranges, (len(text), 0))
        if at >= behind and _boundary(text, at):
            starts.append(at)
    return starts
