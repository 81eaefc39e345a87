"""The script of a text, by ISO 15924 code; Chinese as Hans, Hant or Hani by OpenCC's conversions.

A character is simplified-only where OpenCC turns it into a traditional one and Big5, the traditional standard, does not
have it; traditional-only the other way round with GB 2312. The standards are asked because forms such as 台, 里 or 后
belong to both ways of writing, which a conversion alone does not show.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, Protocol

import regex

Variant = Literal["simplified", "traditional"]
_SCRIPTS = {
    "Latn": "Latin",
    "Cyrl": "Cyrillic",
    "Arab": "Arabic",
    "Hani": "Han",
    "Kana": r"Hiragana}\p{Script=Katakana",
    "Hang": "Hangul",
    "Tibt": "Tibetan",
    "Mong": "Mongolian",
    "Grek": "Greek",
    "Hebr": "Hebrew",
    "Deva": "Devanagari",
    "Thai": "Thai",
}
_LETTERS = {code: regex.compile(rf"[\p{{Script={name}}}]") for code, name in _SCRIPTS.items()}
_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2A6E0))
# Quoting a word in the other variant does not change what a text is written in.
_MAJORITY = 5


def letter_counts(text: str) -> dict[str, int]:
    """Return how many letters of each known script a text holds, scripts without any left out."""
    counts = {code: len(pattern.findall(text)) for code, pattern in _LETTERS.items()}
    return {code: count for code, count in counts.items() if count}


def script(text: str) -> str:
    """Return the ISO 15924 code of the script that most letters belong to, Zyyy where there are none.

    Han characters weigh double: one stands for about two letters of an alphabet. Any kana makes a text Japanese (Jpan).
    """
    counts = letter_counts(text)
    if not counts:
        return "Zyyy"
    if "Kana" in counts:
        return "Jpan"
    weighed = {code: count * (2 if code == "Hani" else 1) for code, count in counts.items()}
    most = max(sorted(weighed), key=weighed.__getitem__)
    return chinese_variant(text) if most == "Hani" else most


def chinese_variant(text: str) -> str:
    """Return Hans or Hant where characters of one kind outnumber the other five to one, else Hani (undecided)."""
    table = variants()
    kinds = [table[char] for char in text if char in table]
    simplified = kinds.count("simplified")
    traditional = len(kinds) - simplified
    if simplified > _MAJORITY * traditional:
        return "Hans"
    if traditional > _MAJORITY * simplified:
        return "Hant"
    return "Hani"


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
