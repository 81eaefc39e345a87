"""A report as tasks show it: whole, or cut between paragraphs where it is too long for a browser."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.sources.model import Segment

PART_CHARACTERS = 30_000


@dataclass(frozen=True)
class Part:
    """The source's text[offset : offset + len(text)], code points; ``number`` counts from 1."""

    number: int
    offset: int
    text: str

    @property
    def end(self) -> int:
        """Where it ends in the source's text."""
        return self.offset + len(self.text)

    def holds(self, segment: Segment) -> bool:
        """Tell whether a span lies in it."""
        return self.offset <= segment.char_start and segment.char_end <= self.end


def parts(text: str, segments: Sequence[Segment], size: int = PART_CHARACTERS) -> list[Part]:
    """Return a text's parts, each of ``size`` characters at most where line ends outside the spans allow it.

    Every span lies in exactly one of them; what lies between two is line ends only. Pure.
    """
    bounds = _bounds(text, segments)
    found: list[Part] = []
    start = 0
    while len(text) - start > size:
        # The last bound that keeps the part small enough, else the first one after it.
        after = bisect_right(bounds, start + size)
        place = after - 1 if after and bounds[after - 1] > start else after
        if place == len(bounds):
            break
        cut = bounds[place]
        following = cut + 1
        while place + 1 < len(bounds) and bounds[place + 1] == following:
            place, following = place + 1, following + 1
        if following == len(text):
            break
        found.append(Part(len(found) + 1, start, text[start:cut]))
        start = following
    return [*found, Part(len(found) + 1, start, text[start:])]


def _bounds(text: str, segments: Sequence[Segment]) -> list[int]:
    """Return the places of the line ends that lie in no span."""
    ends = [place for place, character in enumerate(text) if character == "\n"]
    held: set[int] = set()
    for segment in segments:
        held.update(ends[bisect_left(ends, segment.char_start) : bisect_left(ends, segment.char_end)])
    return [place for place in ends if place not in held]
