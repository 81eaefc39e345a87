"""Footnote markers told from ordinary numbers.

Three things speak for a marker: the page links it, it is written in superscript characters or brackets, or it is glued
to a word or to closing punctuation. Numbers that are glued to something can be other things (``G20``, ``B2B``, ``2.5``),
so that the running sequence decides: markers count 1, 2, 3 … through a report. Where a report shows such a sequence,
what does not fit it is no marker; where there is too little to see one, only the plain shapes count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.sources.proposals.paragraphs import Paragraph
from toolkit.text.entities import find_urls, hashtags, mentions

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SHAPES = re.compile(
    r"(?P<super>[⁰¹²³⁴-⁹]{1,3})"
    r"|\[\^?(?P<bracket>[0-9]{1,3})\]"
    r"|(?<=[^\W\d_])(?P<word>[0-9]{1,2})(?![\w%]|[.,:][0-9])"
    r"|(?<=[.,;:!?”“\"'’‘»«)\]。！？，；」』…])(?P<point>[0-9]{1,2})(?=[\s”\"'’»)\],;]|$)"
)
_TOKEN = re.compile(r"[\w’'&.-]{1,40}\Z")
# A point after these, or after a single letter, ends no sentence: "No.5", "p.12".
_SHORT = re.compile(
    r"(?:^|[^\w])(?:no|nos|nr|fig|figs|p|pp|vol|art|arts|ch|sec|v|ver|para|op|st|pt|eq|tab|ca|approx)\.\Z", re.I
)
_YEAR = re.compile(r"(?<![0-9])(?:1[5-9]|2[01])[0-9]{2}[.,;:]\Z")
_AFTER_DIGIT = re.compile(r"[0-9][.,:]\Z")
_UNIT = re.compile(r"(?:^|[^\w])(?:k|c|d)?m\Z")
_CJK = re.compile(r"[\u2e80-\uffdc]")
_CHAIN = 3
_FEW = 30
_DECIMAL = 0.25
_GAPS = {1: 0.0, 0: -1.0, 2: -1.5, 3: -2.5, 4: -4.0}


@dataclass(frozen=True)
class Number:
    """A number that may be a marker: text[start:end], its value, and how much its shape says so (0 to 4)."""

    start: int
    end: int
    value: int
    weight: float
    rule: str
    label: str = ""
    ends: bool = False


def footnote_markers(found: Sequence[Paragraph], labels: frozenset[str] = frozenset()) -> list[Number]:
    """Return a report's footnote markers in order. ``labels``: those of its footnotes, where they are numbered."""
    anchored = [
        Number(at, at + length, 0, 4.0, "footnote anchor", label)
        for paragraph in found
        for at, length, label in paragraph.anchors
    ]
    numbers = [number for paragraph in found if not paragraph.anchors for number in candidates(paragraph)]
    if anchored:
        # A page that links its notes glues no other numbers to words.
        numbers = [number for number in numbers if number.weight >= 3]
        return sorted(anchored + _plain(numbers), key=lambda number: number.start)
    if labels:
        numbers = [number for number in numbers if str(number.value) in labels]
        # "At 10:30.3": like the rest of a number, and a marker only of a note that no other number points to.
        shown = {number.value for number in numbers if number.weight > _DECIMAL}
        numbers = [n for n in numbers if n.weight > _DECIMAL or (n.value not in shown and n.ends)]
    else:
        numbers = [number for number in numbers if number.weight > _DECIMAL]
    chain = _chain(numbers)
    if len({number.value for number in chain}) >= _CHAIN:
        low, high = min(n.value for n in chain), max(n.value for n in chain)
        kept = set(chain) | {n for n in numbers if n.weight >= 3 and low <= n.value <= high + 1}
        return sorted(kept, key=lambda number: number.start)
    return _plain(numbers)


def _plain(numbers: Sequence[Number]) -> list[Number]:
    # A name may end in a number too ("Lampist99"): where no sequence is seen, a report has few notes.
    return [n for n in numbers if n.weight >= 3 or (n.weight >= 1.5 and n.value <= _FEW)]


def candidates(paragraph: Paragraph) -> list[Number]:
    """Return the numbers of a paragraph that its characters allow to be markers."""
    text = paragraph.text
    if not re.search(r"[0-9⁰¹²³⁴-⁹]", text):
        return []
    taken = sorted((e.start, e.end) for e in (*hashtags(text), *mentions(text), *find_urls(text)))
    numbers = []
    at = 0
    for match in _SHAPES.finditer(text):
        while at < len(taken) and taken[at][1] < match.start():
            at += 1
        # A number right behind a tag or an address belongs to it.
        if at < len(taken) and taken[at][0] <= match.start() <= taken[at][1] and match.lastgroup in ("word", "super"):
            if match.lastgroup == "word" or match.start() < taken[at][1]:
                continue
        elif at < len(taken) and taken[at][0] < match.start() < taken[at][1]:
            continue
        shape = str(match.lastgroup)
        value = int(match[shape].translate(_SUPERSCRIPT))
        weight = _weight(text, match, shape, value)
        if weight:
            start = paragraph.start + match.start()
            # Behind it a sentence may begin.
            behind = text[match.end() : match.end() + 3].lstrip()
            ends = not behind or behind[0].isupper() or behind[0] in '#＃“"«['
            numbers.append(Number(start, start + len(match[0]), value, weight, _RULES[shape], str(value), ends))
    return numbers


_RULES = {
    "super": "superscript number",
    "bracket": "number in brackets",
    "word": "number glued to a word",
    "point": "number glued to punctuation",
}


def _weight(text: str, match: re.Match[str], shape: str, value: int) -> float:
    """Return how much a number's shape speaks for a marker: 0 never, under 1.5 only within a running sequence."""
    before = text[max(0, match.start() - 40) : match.start()]
    if not before.strip() or not value:
        return 0.0
    if shape == "super":
        # Square and cubic metres are no notes.
        return 0.0 if _UNIT.search(before) and value in (2, 3) else 3.0
    if shape == "bracket":
        return 0.0 if before[-1:].isspace() and value > 99 else 3.0
    if match[shape].startswith("0"):
        return 0.0
    if shape == "word":
        token = _TOKEN.search(before)
        word = token[0] if token else ""
        letters = re.sub(r"[\W\d_]", "", word)
        if _CJK.search(before[-1:]):
            return 0.75
        if any(char.isdigit() for char in word) or "-" in word[-3:]:
            return 0.5
        # G20, F16, MH17, PM2, iOS16, Covid19: capitals within or before, or one letter, make a name of letters and digits.
        if len(letters) < 2 or letters.isupper():
            return 0.5
        return 2.0 if letters[1:].islower() or not letters.isascii() else 1.0
    if _SHORT.search(before) or (
        re.search(r"(?:^|[^\w])[A-Za-z]\.\Z", before) and not re.search(r"\b[A-Z]\.[A-Z]\.\Z", before)
    ):
        return 0.5
    if _AFTER_DIGIT.search(before):
        return 2.0 if _YEAR.search(before) else _DECIMAL
    # A quotation that begins with a number, an apostrophe before a year.
    if before[-1] in "“”\"'’‘«»" and not before[-2:-1].strip():
        return 0.0
    return 2.0


def _chain(numbers: Sequence[Number]) -> list[Number]:
    """Return the best running sequence: each value one more than the last, few skipped or repeated, from about 1."""
    best: dict[int, tuple[float, int]] = {}
    scores: list[float] = []
    back: list[int] = []
    for number_at, number in enumerate(numbers):
        start = number.weight - (0.0 if number.value == 1 else 1.0 + min(number.value, 40) / 4)
        score, parent = start, -1
        for gap, cost in _GAPS.items():
            earlier = best.get(number.value - gap)
            # Only what is plain may repeat a number.
            if earlier and (gap or number.weight >= 2) and earlier[0] + number.weight + cost > score:
                score, parent = earlier[0] + number.weight + cost, earlier[1]
        scores.append(score)
        back.append(parent)
        if number.value not in best or score > best[number.value][0]:
            best[number.value] = (score, number_at)
    at = max(range(len(scores)), key=scores.__getitem__, default=-1)
    chain = []
    while at >= 0:
        chain.append(numbers[at])
        at = back[at]
    return chain[::-1]
