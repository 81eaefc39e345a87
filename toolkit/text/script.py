"""The script of a text, by ISO 15924 code; Chinese as Hans, Hant or Hani by OpenCC's conversions.

A character is simplified-only where OpenCC turns it into a traditional one and Big5, the traditional standard, does not
have it; traditional-only the other way round with GB 2312. The standards are asked because forms such as 台, 里 or 后
belong to both ways of writing, which a conversion alone does not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, Protocol

import numpy as np

from toolkit.text import letters

Variant = Literal["simplified", "traditional"]
_WEIGHTS = np.array([2 if code == "Hani" else 1 for code in letters.CODES])
# A character for private use: no dictionary has it, so that nothing is converted across it.
_BETWEEN = "\ue000"
_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2A6E0))
# Quoting a word in the other variant does not change what a text is written in.
_MAJORITY = 5


def letter_counts(text: str) -> dict[str, int]:
    """Return how many letters of each known script a text holds, scripts without any left out."""
    return letters.of(text)


def script(text: str) -> str:
    """Return the script of one text (:func:`scripts`)."""
    return scripts([text], letters.survey([text]).counts)[0]


def scripts(texts: Sequence[str], counts: letters.Counts) -> list[str]:
    """Return of each text the ISO 15924 code of the script that most letters belong to, Zyyy where there are none.

    Han characters weigh double: one stands for about two letters of an alphabet. Any kana makes a text Japanese (Jpan).
    Chinese is Hans, Hant, ``mixed`` or Hani (:func:`chinese_variant`). ``counts``: of the texts' letters.
    """
    most = (counts * _WEIGHTS).argmax(axis=1)
    found = [letters.CODES[number] for number in most]
    for place in np.flatnonzero(counts.sum(axis=1) == 0):
        found[place] = "Zyyy"
    for place in np.flatnonzero(counts[:, letters.CODES.index("Kana")]):
        found[place] = "Jpan"
    return [chinese_variant(text) if code == "Hani" else code for text, code in zip(texts, found, strict=True)]


def chinese_variant(text: str) -> str:
    """Return Hans or Hant where characters of one kind outnumber the other five to one; ``mixed`` where both stand
    nearer to each other; Hani where there is none of either, as in a name: undecided."""
    plain, traditional = _tellers()
    ones, others = len(text) - len(text.translate(plain)), len(text) - len(text.translate(traditional))
    if ones > _MAJORITY * others:
        return "Hans"
    if others > _MAJORITY * ones:
        return "Hant"
    return "mixed" if ones or others else "Hani"


@cache
def _tellers() -> tuple[dict[int, None], dict[int, None]]:
    """Return what deletes the characters that only one way of writing uses: simplified, traditional."""
    simplified = {ord(char): None for char, kind in variants().items() if kind == "simplified"}
    traditional = {ord(char): None for char, kind in variants().items() if kind == "traditional"}
    return simplified, traditional


@cache
def variants() -> dict[str, Variant]:
    """Return the characters that only one way of writing Chinese uses."""
    han = [chr(point) for first, end in _HAN_BLOCKS for point in range(first, end)]
    joined = "\n".join(han)
    table: dict[str, Variant] = {}
    kinds: tuple[tuple[Variant, str, str], ...] = (("simplified", "s2t", "big5"), ("traditional", "t2s", "gb2312"))
    for kind, conversion, standard in kinds:
        for char, other in zip(han, _converter(conversion).convert(joined).split("\n"), strict=True):
            if char != other and not _encodable(char, standard):
                # What both conversions would change tells nothing.
                if char in table:
                    del table[char]
                else:
                    table[char] = kind
    return table


def simplify(text: str) -> str:
    """Return Chinese text in simplified characters (OpenCC's t2s)."""
    return _converter("t2s").convert(text)


def simplified(texts: Sequence[str]) -> list[str]:
    """Return Chinese texts in simplified characters: those of :func:`simplify`, all in one call."""
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) >= len(texts):
        return [simplify(text) for text in texts]
    return _converter("t2s").convert(joined).split(_BETWEEN) if texts else []


@cache
def _converter(conversion: str) -> _Converter:
    import opencc

    return opencc.OpenCC(conversion)


class _Converter(Protocol):
    """What this module uses of ``opencc.OpenCC``."""

    def convert(self, text: str) -> str: ...


def _encodable(char: str, standard: str) -> bool:
    try:
        char.encode(standard)
    except UnicodeEncodeError:
        return False
    return True
