"""What a reader cannot see in a text, made visible: controls, bidi controls, characters without width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import regex

# Letters, marks and blanks that show nothing, which no general category gives away.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
# A noncharacter stands for nothing, and not every reader of HTML lets it pass.
_HIDDEN = regex.compile(
    rf"[\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Zl}}\p{{Zp}}\p{{Noncharacter_Code_Point}}{_BLANK}--\t\n]", regex.V1
)
_SHORT = {
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\u2060": "WJ",
    "\ufeff": "BOM",
    "\u00ad": "SHY",
    "\x00": "NUL",
    "\r": "CR",
}


class Piece(NamedTuple):
    """A piece of a text: as it stands, or a sign (``short``, ``name``) in place of one hidden character."""

    text: str
    short: str = ""
    name: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """Yield a text in pieces; those with ``short`` stand for a character that would not be seen, which is left out."""
    at = 0
    for match in _HIDDEN.finditer(text):
        if match.start() > at:
            yield Piece(text[at : match.start()])
        at = match.end()
        code = f"U+{ord(match[0]):04X}"
        yield Piece("", _SHORT.get(match[0], code), f"{code} {unicodedata.name(match[0], 'control character')}")
    if at < len(text):
        yield Piece(text[at:])


def plain(text: str) -> str:
    """Return a text with its hidden characters named in brackets, for places that hold no markup."""
    return "".join(piece.text or f"[{piece.short}]" for piece in pieces(text))
