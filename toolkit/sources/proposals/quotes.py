"""Quotations: where they open and close, in the quote marks of many languages."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Opening mark → its closing ones. Book titles (《》) are quoted paragraphs at most, never words within a sentence.
_PAIRS = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "「": "」",
    "『": "』",
    "‘": "’",
    '"': '"',
    "‹": "›",
    "《": "》",
    "＂": "＂",
    "'": "'",
}
_INLINE = frozenset(_PAIRS) - {"《"}
_CLOSERS = frozenset('”“»«」』’"›》＂')
_STRAIGHT = frozenset('"＂')
# Behind the closing mark: a footnote number or nothing.
_BEHIND = re.compile(r"[.,]?\s*(?:\[?[0-9]{1,3}\]?|[⁰¹²³⁴-⁹]+)?\s*")
_ENDS = frozenset(".,!?…;:。！？，、")
# What an item of a plain text's list begins with.
BULLET = re.compile(r"(?:[•‣▪●◦*–—-]|\(?[0-9]{1,2}[.)]|\(?[a-z]\))\s+")
_LONGEST = 20_000
# Quotations that a paragraph is looked through for, and opening marks that nothing closes.
_MOST, _UNCLOSED = 10_000, 200


@dataclass(frozen=True)
class Quoted:
    """A quotation: its marks at text[start] and text[end - 1]; what they hold is text[inner:inner_end]."""

    start: int
    end: int

    @property
    def inner(self) -> int:
        """Where its words begin."""
        return self.start + 1

    @property
    def inner_end(self) -> int:
        """Where its words end."""
        return self.end - 1


def is_quoted(text: str) -> bool:
    """Tell whether a paragraph is one quotation from its first character to its last, and long enough to be a text."""
    text = text.strip()
    if text[:1] not in _PAIRS or text[:1] == "'" or len(text) > _LONGEST or not is_long(text):
        return False
    last = _closing(text, 0)
    return last > 0 and bool(_BEHIND.fullmatch(text[last + 1 :]))


def _closing(text: str, start: int) -> int:
    """Return the place of the mark that closes the quotation which opens at ``start``; -1 where none does."""
    opener, depth = text[start], 0
    closers = _PAIRS[opener]
    for at in range(start, min(len(text), start + _LONGEST)):
        char = text[at]
        if opener in _STRAIGHT:
            if char == opener:
                opens = at == start or (
                    (text[at - 1].isspace() or text[at - 1] in "([") and text[at + 1 : at + 2].strip() != ""
                )
                depth += 1 if opens else -1
            else:
                continue
        elif char == opener and not (depth and char in closers):
            depth += 1
        elif char in closers and not (char == "’" and text[at + 1 : at + 2].isalnum()):
            depth -= 1
        else:
            continue
        if depth <= 0:
            return at
    return -1


def _closing_single(text: str, start: int) -> int:
    """Return where a quotation in straight single marks closes: apostrophes look the same, so that a stop must be near."""
    for at in range(start + 2, min(len(text), start + _LONGEST)):
        if text[at] == "'" and not text[at + 1 : at + 2].isalnum() and text[at - 1] in _ENDS:
            return at
        if text[at] == "\n":
            return -1
    return -1


def quotation_at(text: str, start: int) -> Quoted | None:
    """Return the quotation that opens at a place; None where none does."""
    end = _closing_single(text, start) if text[start] == "'" else _closing(text, start)
    return Quoted(start, end + 1) if end > start + 1 else None


def quotations(text: str) -> list[Quoted]:
    """Return the outermost quotations of a paragraph in order; marks that nothing closes are none."""
    found: list[Quoted] = []
    at = unclosed = 0
    while at < len(text) and len(found) < _MOST and unclosed < _UNCLOSED:
        char = text[at]
        if char in _INLINE and _opens(text, at):
            if quote := quotation_at(text, at):
                found.append(quote)
                at = quote.end
                continue
            unclosed += 1
        at += 1
    return found


def _opens(text: str, at: int) -> bool:
    char, before, behind = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if not behind:
        return False
    if char in "“„「『":
        return True
    # A straight mark, a guillemet or an apostrophe opens behind a blank or a bracket, before a word.
    opens = not before or before.isspace() or before in "([（—–-:：，。" or ("\u2e80" <= before <= "\uffdc")
    return opens and (not behind.isspace() or char == "«")


def is_long(text: str) -> bool:
    """Tell whether a text has as many words, or letters, as a post's: a word or two in quote marks are none."""
    letters = sum(char.isalpha() for char in text[:400])
    wide = sum("\u2e80" <= char <= "\uffdc" for char in text[:400])
    return len(text.split(maxsplit=6)) >= 5 or letters >= 40 or wide >= 10
