"""The texts of an item in their report, cut where somebody marked words: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

AROUND = 400
"""Characters of the report that are shown on either side of a text."""


@dataclass(frozen=True)
class Mark:
    """Words that somebody marked: text[start:end] of a layer, in code points; ``about`` is the question they are for."""

    start: int
    end: int
    by: str
    about: str


@dataclass(frozen=True)
class Stretch:
    """A piece of the report: whether it is of the text or around it, and who marked it for what."""

    text: str
    inside: bool
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One text of an item (``original``, ``translation``, ``documented``, …) as it stands in its report.

    ``where`` says where that is; ``missing`` why the report's own words are not shown, in which case ``stretches`` are the
    text alone. ``judged`` tells whether anybody judged it.
    """

    name: str
    lang: str
    where: str
    stretches: tuple[Stretch, ...]
    judged: bool
    missing: str = ""


def in_report(text: str, report: str, fragments: Sequence[Mapping[str, int]], marks: Iterable[Mark]) -> list[Stretch]:
    """Return a text and the report around it in stretches; places of marks count in ``text``.

    ``fragments``: text[start:end] is report[source_start:source_end]. :class:`ValueError` where that does not hold.
    """
    if not fragments or any(
        text[p["start"] : p["end"]] != report[p["source_start"] : p["source_end"]] for p in fragments
    ):
        raise ValueError("the text is not made of these pieces of the report")
    own = list(marks)
    places = [(p["source_start"], p["source_end"]) for p in fragments]
    moved = [(start, end, mark) for mark in own for start, end in _moved(mark, fragments)]
    low, high = max(0, places[0][0] - AROUND), min(len(report), places[-1][1] + AROUND)
    cuts = {low, high} | {cut for place in places for cut in place} | {cut for s, e, _ in moved for cut in (s, e)}
    found = []
    for start, end in pairwise(sorted(cuts)):
        inside = any(s <= start and end <= e for s, e in places)
        found.append(Stretch(report[start:end], inside, tuple(m for s, e, m in moved if s <= start and end <= e)))
    return found


def alone(text: str, marks: Iterable[Mark]) -> list[Stretch]:
    """Return a text without its report, in stretches."""
    own = list(marks)
    cuts = {0, len(text)} | {min(cut, len(text)) for mark in own for cut in (mark.start, mark.end)}
    return [
        Stretch(text[start:end], inside=True, marks=tuple(m for m in own if m.start <= start and end <= m.end))
        for start, end in pairwise(sorted(cuts))
    ]


def _moved(mark: Mark, fragments: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield where marked words stand in the report: in as many pieces as the text has there."""
    for piece in fragments:
        start, end = max(mark.start, piece["start"]), min(mark.end, piece["end"])
        if start < end:
            offset = piece["source_start"] - piece["start"]
            yield start + offset, end + offset
