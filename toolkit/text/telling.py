"""Letters that settle a language: what langdetect lacks (Uyghur, Kazakh and their neighbours), and what it need not be asked.

Each group of letters is a mark of :mod:`toolkit.text.letters`, so that whole batches are settled by a few operations on bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex

Marks = npt.NDArray[np.uint32]
Hits = npt.NDArray[np.bool_]

_GROUPS = {
    "kurdish": "ێڵڕ",
    "pashto": "ښځڅډړږڼ",
    "uyghur": "ۇۈۋڭ",
    "hamza": "ئ",
    "urdu": "ٹڈڑںے",
    "persian": "پچژگ",
    "tajik": "ҷӯӣҶӮӢ",
    "ha": "ҳҲ",
    "short u": "ўЎ",
    "qa": "қғҚҒ",
    "je": "җҖ",
    "kazakh": "әұһӘҰҺ",
    "i": "іІ",
    "eng": "ңҢ",
    "round": "өүӨҮ",
    "kha": "хХ",
    "ukrainian": "їєґЇЄҐ",
    "yeru": "ыэёЫЭЁ",
    "serbian": "ђћЂЋ",
    "macedonian": "ќѓЌЃ",
    "schwa": "əƏ",
    "turned comma": "ʻ‘",
    "assamese": "ৰৱ",
    "tigrinya": "ኣቐኸኻ",
}
FIRST_BIT = 8
LETTERS = {letters: 1 << bit for bit, letters in enumerate(_GROUPS.values(), start=FIRST_BIT)}
"""Letters → the mark that a text gets where it holds one of them."""
_BIT = {name: np.uint32(LETTERS[letters]) for name, letters in _GROUPS.items()}


class _Rule(NamedTuple):
    """A language, and what a text's letters say for it; ``where`` is looked for where letters alone do not tell."""

    code: str
    test: Callable[[Marks], Hits]
    where: regex.Pattern[str] | None = None


def _has(marks: Marks, name: str) -> Hits:
    found: Hits = (marks & _BIT[name]) != 0
    return found


def _any(*names: str) -> Callable[[Marks], Hits]:
    bits = np.bitwise_or.reduce([_BIT[name] for name in names])
    return lambda marks: (marks & bits) != 0


def _always(marks: Marks) -> Hits:
    return np.ones(len(marks), np.bool_)


# By script, the first that holds: Kurdish and Pashto share letters with Uyghur and Persian, and have some that those lack; the
# languages written in Cyrillic by Turkic and Mongolian peoples likewise. Words that begin with ئ are Uyghur where the text is
# not Kurdish; within a word Arabic has it too. Kazakh has і beside ө and ү, Kyrgyz ң without it, Mongolian neither, and х in
# most sentences, which Kyrgyz has in loans alone. Of the Slavic languages only Belarusian has both ы and і; ђ and ћ are
# Serbian, which langdetect lacks; ы, э and ё are Russian in a text that none of the others has claimed.
_RULES: dict[str, tuple[_Rule, ...]] = {
    "Beng": (_Rule("as", _any("assamese")), _Rule("bn", _always)),
    "Ethi": (_Rule("ti", _any("tigrinya")), _Rule("am", _always)),
    "Arab": (
        _Rule("ku", _any("kurdish")),
        _Rule("ps", _any("pashto")),
        _Rule("ug", _any("uyghur")),
        _Rule("ug", _any("hamza"), regex.compile(r"(?<!\p{L})ئ")),
        _Rule("ur", _any("urdu")),
        _Rule("fa", _any("persian")),
    ),
    "Cyrl": (
        _Rule("tg", _any("tajik")),
        _Rule("uz", lambda marks: _has(marks, "ha") | _has(marks, "qa") & _has(marks, "short u")),
        _Rule("be", _any("short u")),
        _Rule("tt", _any("je")),
        _Rule("kk", lambda m: _any("kazakh", "qa")(m) | _any("eng", "round")(m) & _has(m, "i")),
        _Rule("ky", lambda marks: _has(marks, "eng") | _has(marks, "round") & ~_has(marks, "kha")),
        _Rule("mn", _any("round")),
        _Rule("uk", _any("ukrainian")),
        _Rule("be", lambda marks: _has(marks, "yeru") & _has(marks, "i")),
        _Rule("sr", _any("serbian")),
        _Rule("mk", _any("macedonian")),
        _Rule("ru", _any("yeru")),
    ),
    "Latn": (
        _Rule("az", _any("schwa")),
        _Rule("uz", _any("turned comma"), regex.compile(r"[oOgG][ʻ‘](?=\p{L})")),
    ),
}


def settle(script: str, marks: Marks, passages: Sequence[int], words: Callable[[int], str]) -> Sequence[str | None]:
    """Return for each passage in a script (ISO 15924) the language that its letters settle, None where none do.

    ``marks`` are the passages' (:class:`toolkit.text.letters.Survey`); ``words`` gives one's text by its number.
    """
    found = np.full(len(marks), None, object)
    for rule in _RULES.get(script, ()):
        hits = np.flatnonzero(rule.test(marks) & (found == None))  # noqa: E711 (element by element)
        if rule.where is not None:
            hits = np.array([place for place in hits.tolist() if rule.where.search(words(passages[place]))], np.int64)
        found[hits] = rule.code
    settled: list[str | None] = found.tolist()
    return settled
