"""Glosses: a few words in another script within the report's own."""

from __future__ import annotations

from collections.abc import Iterator

import regex

_HAN = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々]+(?:·[\p{Script=Han}]+)*"
)
_NAMES = {"Cyrl": "Cyrillic", "Arab": "Arabic", "Grek": "Greek", "Hebr": "Hebrew", "Deva": "Devanagari", "Thai": "Thai"}
_SPACED = {
    code: regex.compile(rf"[\p{{Script={name}}}\p{{M}}]++(?:[ ’'-][\p{{Script={name}}}\p{{M}}]++){{0,11}}")
    for code, name in (_NAMES | {"Tibt": "Tibetan", "Mong": "Mongolian"}).items()
}
_LATIN = regex.compile(r"(?<=[(（])[\p{Script=Latin}\p{M}][\p{Script=Latin}\p{M}\p{N} .,’'&-]{0,80}(?=[)）])")
_LONGEST_GLOSS = 60


def glosses(text: str, script: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the words that a text in one script has in others, none of them longer than a name or a phrase."""
    patterns = [_HAN] if script not in ("Hani", "Kana", "Hang") else []
    patterns += [pattern for code, pattern in _SPACED.items() if code != script]
    if script != "Latn":
        patterns.append(_LATIN)
    for pattern in patterns:
        for match in pattern.finditer(text):
            if match.end() - match.start() <= _LONGEST_GLOSS:
                yield match.span()
