"""The normal form under which two copies of one text are equal, however each was typeset; every character maps back.

Version 1. Gone: white space, hyphens and dashes (a line may be broken at either), control and format characters
(soft hyphens, zero-width characters, bidi controls), variation selectors. Quote marks become ``'`` or ``"``. The rest is
decomposed (NFKD): ligatures, full-width forms, superscripts, composed accents.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

VERSION = 1
_SINGLE = "'‘’‚‛′‵`´ʹʻʼ‹›＇"
_DOUBLE = '"“”„‟″‶«»〝〞〟＂'
_MINUS = "\u2212\u2043"
_DROPPED = ("Cc", "Cf", "Pd")


@dataclass(frozen=True)
class Folded:
    """A normal form; ``origin[i]`` is the place in the folded text of its character ``i``, never falling.

    ``left_out`` are the places (start, end) of that text that were not to be looked at, by place.
    """

    text: str
    origin: tuple[int, ...]
    left_out: tuple[tuple[int, int], ...] = ()

    def at(self, place: int) -> int:
        """Return the index of the first character that stems from ``place`` or behind it."""
        return bisect_left(self.origin, place)


def fold(text: str, leave_out: Iterable[tuple[int, int]] = ()) -> Folded:
    """Return the normal form of a text without the stretches (start, end) to leave out."""
    characters: list[str] = []
    origin: list[int] = []
    place = 0
    ranges = tuple(sorted(leave_out))
    for start, end in (*ranges, (len(text), len(text))):
        for at in range(place, start):
            for character in _folded(text[at]):
                characters.append(character)
                origin.append(at)
        place = max(place, end)
    _order_marks(characters)
    return Folded("".join(characters), tuple(origin), ranges)


def normal(text: str) -> str:
    """Return the normal form alone."""
    return fold(text).text


def is_dash(character: str) -> bool:
    """Tell whether a character is one of the hyphens and dashes that the normal form drops."""
    return unicodedata.category(character) == "Pd" or character in _MINUS


@cache
def _folded(character: str) -> str:
    if character in _SINGLE:
        return "'"
    if character in _DOUBLE:
        return '"'
    if (
        character.isspace()
        or character in _MINUS
        or unicodedata.category(character) in _DROPPED
        or is_selector(character)
    ):
        return ""
    return "".join(c for c in unicodedata.normalize("NFKD", character) if not c.isspace() and not is_dash(c))


def is_selector(character: str) -> bool:
    """Tell whether a character is a variation selector, which says how the one before it is drawn."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _order_marks(characters: list[str]) -> None:
    """Put each run of combining marks in canonical order. Their origins stay as they are: in order, and of one cluster."""
    start = 0
    while start < len(characters):
        end = start
        while end < len(characters) and unicodedata.combining(characters[end]):
            end += 1
        if end - start > 1:
            characters[start:end] = sorted(characters[start:end], key=unicodedata.combining)
        start = max(end, start + 1)
