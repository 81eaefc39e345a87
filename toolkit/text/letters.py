"""The letters of many texts, counted by script at once: a table of all characters, looked up in whole arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex

from toolkit.kernels import code_points, compiled
from toolkit.text import telling

SCRIPTS = {
    "Arab": "Arabic",
    "Armn": "Armenian",
    "Beng": "Bengali",
    "Cyrl": "Cyrillic",
    "Deva": "Devanagari",
    "Ethi": "Ethiopic",
    "Geor": "Georgian",
    "Grek": "Greek",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Hang": "Hangul",
    "Hani": "Han",
    "Hebr": "Hebrew",
    "Kana": r"Hiragana}\p{Script=Katakana",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Laoo": "Lao",
    "Latn": "Latin",
    "Mlym": "Malayalam",
    "Mong": "Mongolian",
    "Mymr": "Myanmar",
    "Orya": "Oriya",
    "Sinh": "Sinhala",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Thai": "Thai",
    "Tibt": "Tibetan",
}
CODES = tuple(SCRIPTS)
"""The scripts told apart, sorted: column ``i`` of the counts is ``CODES[i]``."""
# Behind the last ideographs that Unicode has; what lies further (tags, private use) is no letter.
_END = 0x33480
# Characters looked up together: as many as stay in the processor's cache.
_A_TIME = 1 << 17
HIDDEN, EMOJI, TAG, AT, COLON, MEETING = 1, 2, 4, 8, 16, 32
"""Marks: the text holds a character that a reader may not see; one that may be drawn as a picture; a sign that may begin a
hashtag, a mention, the ``//`` of a URL; a Latin letter beside a Cyrillic or Greek one. Those of letters that settle a language
are :data:`toolkit.text.telling.LETTERS`."""
Counts = npt.NDArray[np.int64]


# By number of a script: Latin letters meet those of two others, accents aside.
_SIDES = np.array([0, *({"Latn": 1, "Cyrl": 2, "Grek": 2}.get(code, 0) for code in CODES), 3], np.uint8)


class Survey(NamedTuple):
    """What texts hold: ``counts`` (texts, scripts) of the letters of each of :data:`CODES`, ``marks`` (texts) of bits."""

    counts: Counts
    marks: npt.NDArray[np.uint32]


def survey(texts: Sequence[str]) -> Survey:
    """Count the letters of texts by script, and see what else they hold."""
    kinds = len(CODES) + 2
    counts = np.zeros((len(texts), kinds), np.int64)
    marks = np.zeros(len(texts), np.uint32)
    scripts, marked = tables()
    if loops := compiled(len(texts)):
        loops.survey(*code_points(texts), scripts, marked, _SIDES, MEETING, counts, marks)
        return Survey(counts[:, 1:-1], marks)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    at = 0
    while at < len(texts):
        before = int(ends[at - 1]) if at else 0
        end = max(at + 1, int(np.searchsorted(ends, before + _A_TIME, "right")))
        points = np.frombuffer("".join(texts[at:end]).encode("utf-32-le", "surrogatepass"), np.uint32)
        points = np.minimum(points, _END - 1)
        owner = np.repeat(np.arange(end - at), lengths[at:end])
        written = scripts[points]
        own = np.bincount(owner * kinds + written, minlength=(end - at) * kinds)
        counts[at:end] = own.reshape(end - at, kinds)
        held = marked[points]
        some = np.flatnonzero(held)
        if len(some):
            # Each text's together, so that they are joined run by run.
            whose, begins = np.unique(owner[some], return_index=True)
            marks[at + whose] = np.bitwise_or.reduceat(held[some], begins)
        marks[at + _meetings(written, owner)] |= MEETING
        at = end
    return Survey(counts[:, 1:-1], marks)


def _meetings(written: npt.NDArray[np.uint8], owner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the texts in which a Latin letter stands before a Cyrillic or Greek one, or behind it, accents aside."""
    if (accents := written == len(CODES) + 1).any():
        written, owner = written[~accents], owner[~accents]
    latin = written == 1 + CODES.index("Latn")
    other = (written == 1 + CODES.index("Cyrl")) | (written == 1 + CODES.index("Grek"))
    met = np.flatnonzero((latin[:-1] & other[1:] | other[:-1] & latin[1:]) & (owner[:-1] == owner[1:]))
    return owner[met]


def of(text: str) -> dict[str, int]:
    """Return how many letters of each script one text holds, scripts without any left out."""
    return {code: int(count) for code, count in zip(CODES, survey([text]).counts[0], strict=True) if count}


@cache
def tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Return for each code point the number of its script (from 1; 0: a letter of none of them; behind the last: an accent of
    none), and its marks."""
    points = np.arange(_END, dtype=np.uint32)
    points[0xD800:0xE000] = ord(" ")  # surrogates are no characters
    every = points.tobytes().decode("utf-32-le")
    scripts, marks = np.zeros(_END, np.uint8), np.zeros(_END, np.uint32)
    for number, name in enumerate(SCRIPTS.values(), start=1):
        for run in regex.finditer(rf"[\p{{Script={name}}}]+", every):
            scripts[run.start() : run.end()] = number
    for run in regex.finditer(r"\p{M}+", every):
        own = scripts[run.start() : run.end()]
        own[own == 0] = len(SCRIPTS) + 1
    for mark, pattern in ((HIDDEN, r"[\p{Cc}\p{Cf}--[\t\n\r]]+"), (EMOJI, r"[\p{Extended_Pictographic}\p{RI}\u20e3]+")):
        for run in regex.finditer(pattern, every, regex.VERSION1):
            marks[run.start() : run.end()] |= mark
    signs = {"#＃": TAG, "@＠": AT, ":": COLON} | telling.LETTERS
    for characters, mark in signs.items():
        marks[[*map(ord, characters)]] |= mark
    return scripts, marks
