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
import numpy.typing as npt

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
    Chinese is Hans, Hant, ``mixed`` or Hani (:func:`chinese_variants`). ``counts``: of the texts' letters.
    """
    most = (counts * _WEIGHTS).argmax(axis=1)
    found = [letters.CODES[number] for number in most]
    for place in np.flatnonzero(counts.sum(axis=1) == 0):
        found[place] = "Zyyy"
    for place in np.flatnonzero(counts[:, letters.CODES.index("Kana")]):
        found[place] = "Jpan"
    chinese = [place for place, code in enumerate(found) if code == "Hani"]
    for place, code in zip(chinese, chinese_variants([texts[place] for place in chinese]), strict=True):
        found[place] = code
    return found


def chinese_variant(text: str) -> str:
    """Return the variant of one text (:func:`chinese_variants`)."""
    return chinese_variants([text])[0]


def chinese_variants(texts: Sequence[str]) -> list[str]:
    """Return of each Chinese text Hans or Hant where characters of one kind outnumber the other five to one; ``mixed`` where
    both stand nearer to each other; Hani where there is none of either, as in a name: undecided."""
    if not texts:
        return []
    kinds = _tellers()
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    owner = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), np.int64, len(texts)))
    kind = kinds[np.minimum(points, len(kinds) - 1)]
    plain = np.bincount(owner[kind == 1], minlength=len(texts))
    traditional = np.bincount(owner[kind == 2], minlength=len(texts))
    found = np.where((plain > 0) | (traditional > 0), "mixed", "Hani").astype(object)
    found[plain > _MAJORITY * traditional] = "Hans"
    found[traditional > _MAJORITY * plain] = "Hant"
    named: list[str] = found.tolist()
    return named


@cache
def _tellers() -> npt.NDArray[np.uint8]:
    """Return for each code point 1 where only simplified writing uses the character, 2 where only traditional does."""
    kinds = np.zeros(_HAN_BLOCKS[-1][1] + 1, np.uint8)
    for char, kind in variants().items():
        kinds[ord(char)] = 1 if kind == "simplified" else 2
    return kinds


@cache
def variants() -> dict[str, Variant]:
    """Return the characters that only one way of writing Chinese uses."""
    han = np.concatenate([np.arange(first, end, dtype=np.uint32) for first, end in _HAN_BLOCKS])
    # A character a line, and looked at in whole arrays: of 70,000 characters a tenth becomes another.
    joined = np.stack([han, np.full_like(han, ord("\n"))], axis=1).tobytes().decode("utf-32-le")
    table: dict[str, Variant] = {}
    kinds: tuple[tuple[Variant, str, str], ...] = (("simplified", "s2t", "big5"), ("traditional", "t2s", "gb2312"))
    for kind, conversion, standard in kinds:
        points = np.frombuffer(_converter(conversion).convert(joined).encode("utf-32-le"), np.uint32)
        ends = np.flatnonzero(points == ord("\n"))
        same = (np.diff(ends, prepend=-1) == 2) & (points[ends - 1] == han)
        for char in map(chr, han[~same].tolist()):
            if not _encodable(char, standard):
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
