"""Labels: the declared and the usual markers as one matcher of how lines begin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from toolkit.sources.markers import DEFAULTS, MarkerKind, Markers

# Platforms that a label may name before its word ("Telegram post 3:"); a source's own ones are added.
PLATFORMS = (
    *("Facebook", "Twitter", "X", "Instagram", "YouTube", "TikTok", "Telegram", "VK", "VKontakte", "Weibo", "Reddit"),
    *(
        "Medium",
        "Threads",
        "Mastodon",
        "Bluesky",
        "Gab",
        "Parler",
        "Pinterest",
        "LinkedIn",
        "WeChat",
        "Douyin",
        "Quora",
    ),
)
_NUMBER = r"(?:\s*(?:#|no\.?|№)?\s*[0-9]{1,3}|\s+[a-z])"
_REMARK = r"(?:\s*[(\[][^()\[\]\n]{1,60}[)\]])"
_ASIDE = r"(?:\s*[,–—-]\s*[^:：\n]{1,50})"
_NUMBERED_ONLY = ("Example:", "Sample:", "Quote:", "Comment:", "Excerpt:", "Exhibit:")
_BEFORE = r"[\s*_•‣>-]{0,8}"
_HANDLE = re.compile(r"@[\w.]{2,40}[^:：\n“\"]{0,60}[:：]\s+")


@dataclass(frozen=True)
class Label:
    """What a line begins with: its kind, where the words begin behind it, whether it is all there is, what closes it."""

    kind: MarkerKind
    end: int
    alone: bool
    numbered: bool
    bracketed: bool = False


class Labels:
    """Finds the label that a line begins with."""

    def __init__(self, markers: Markers, platforms: Iterable[str] = ()) -> None:
        named = sorted({*PLATFORMS, *(name for name in platforms if name.strip())}, key=lambda name: (-len(name), name))
        self._platforms = "|".join(_literal(name) for name in named)
        self._patterns = tuple((kind, self._compiled(kind, markers)) for kind in get_args(MarkerKind))
        everywhere: tuple[MarkerKind, ...] = ("post", "photo_text", "caption", "translation", "original")
        self._further = self._joined(markers, everywhere, re.compile(""))
        self._unmistakable = self._joined(markers, everywhere, _UNMISTAKABLE)
        self._alone = re.compile(
            rf"{_BEFORE}(?:(?:{self._platforms})\s+)?(?:post|tweet|message|example|reply|comment){_NUMBER}{_REMARK}?[\s.:：*_]*",
            re.IGNORECASE,
        )

    def _joined(self, markers: Markers, kinds: Sequence[MarkerKind], words: re.Pattern[str]) -> re.Pattern[str]:
        """Return a pattern for labels anywhere: of the usual ones those that ``words`` finds something in, and all own ones."""
        chosen = [
            marker
            for kind in kinds
            for marker in markers.of(kind)
            if marker[-1] in ":：]" and (words.search(marker) or marker in getattr(markers, kind))
        ]
        ordered = sorted(set(chosen), key=lambda marker: (-len(marker), marker))
        body = "|".join(_pattern(marker) for marker in ordered) or r"(?!)"
        return re.compile(rf"(?:(?<=[\s|*_])|(?<=[。！？」』）]))(?:{body})(?=\s*\S)", re.IGNORECASE)

    def _compiled(self, kind: MarkerKind, markers: Markers) -> re.Pattern[str]:
        own = sorted(set(markers.of(kind)), key=lambda marker: (-len(marker), marker))
        parts = [_pattern(marker) for marker in own]
        if kind == "post" and markers.defaults:
            parts += [rf"{_literal(marker[:-1])}{_NUMBER}(?:{_REMARK}|{_ASIDE})?\s*[:：]" for marker in _NUMBERED_ONLY]
            parts.append(
                rf"(?:{self._platforms})\s+(?:post|message|tweet|comment|status)(?:\s+text)?{_NUMBER}?(?:{_REMARK}|{_ASIDE})?\s*[:：]"
            )
        if kind == "post" and markers.defaults:
            about = r"(?:@|user\b|account\b|page\b|channel\b|the (?:user|account|page|channel)\b)[^:：“\"\n]{0,60}"
            parts.append(rf"(?:post|tweet|comment|reply|message) (?:by|from) {about}{_REMARK}?\s*[:：]")
        if kind == "translation" and markers.defaults:
            parts.append(
                rf"(?:machine )?translat(?:ion|ed) from (?:the )?[^\W\d_]+(?:[ -][^\W\d_]+)?{_REMARK}?\s*[:：]"
            )
        # No marker at all matches nothing.
        body = "|".join(parts) or r"(?!)"
        return re.compile(rf"{_BEFORE}(?:{body})[*_]{{0,3}}\s*", re.IGNORECASE)

    def match(self, line: str) -> Label | None:
        """Return the label that a line begins with; of several kinds' labels the longest."""
        head = line[:240]
        best: Label | None = None
        for kind, pattern in self._patterns:
            found = pattern.match(head)
            if found and (best is None or found.end() > best.end):
                numbered = any(char.isdigit() for char in found[0])
                bracketed = head.lstrip("*_ ").startswith("[") and "]" not in found[0]
                best = Label(kind, found.end(), not line[found.end() :].strip("*_ "), numbered, bracketed)
        if best is None and (found := _HANDLE.match(head)):
            best = Label("post", found.end(), not line[found.end() :].strip(), False)
        return best

    def within(self, text: str) -> list[int]:
        """Return where in a paragraph further labels stand: behind the end of a sentence, beginning with a capital.

        A paragraph that begins with a label may hold any other one; prose only what nobody writes but as a label.
        """
        pattern = self._further if self.match(text) else self._unmistakable
        return [match.start() for match in pattern.finditer(text) if _stands_free(text, match)]

    def alone(self, line: str) -> bool:
        """Tell whether a line is a numbered post's label and nothing else, with or without a colon ("Post 3")."""
        return len(line) < 120 and bool(self._alone.fullmatch(line))

    def names(self, words: str) -> MarkerKind | None:
        """Return what a table's heading announces ("Original", "Translation")."""
        bare = words.strip().rstrip(":：")
        if len(bare) > 60:
            return None
        found = self.match(f"{bare}:") or self.match(f"[{bare}]")
        if found and found.alone:
            return found.kind
        words = bare.casefold()
        return next((kind for kind, pattern in _COLUMNS if pattern.search(words)), None)


_COLUMNS: tuple[tuple[MarkerKind, re.Pattern[str]], ...] = (
    ("translation", re.compile(r"\btranslat|\bin english\b|^english$")),
    ("photo_text", re.compile(r"\b(?:image|photo|picture) text\b")),
    ("original", re.compile(r"\boriginal\b")),
    (
        "post",
        re.compile(r"^(?:the )?(?:post|tweet|message|text)(?: text| content)?$|^(?:text|content) of (?:the )?post$"),
    ),
)


# What prose does not begin a sentence with: of "Status:", "Message:", "Reply:", "Caption:" it might.
_UNMISTAKABLE = re.compile(
    r"post|tweet|toot|text|translat|transl?|original|^\[|帖|推|文|译|翻|Пост|Перев|Übers|Trad", re.I
)
_FREE = re.compile(
    r"[.!?…:;|—–)\]}”’»\"'。！？；」』）*_]\Z|[\U0001f000-\U0001ffff\ufe0f]\Z|[#＃]\w+\Z|[0-9⁰¹²³⁴-⁹]\Z|[\u2e80-\uffdc]\Z"
)


def _stands_free(text: str, match: re.Match[str]) -> bool:
    """Tell whether a label in a paragraph begins something: it has a capital, and a sentence ends before it."""
    first, before = match[0].lstrip("[")[:1], text[max(0, match.start() - 60) : match.start()].rstrip()
    return not first.islower() and bool(_FREE.search(before)) and any(map(str.isalnum, text[: match.start()]))


def _literal(words: str) -> str:
    """Return a pattern for words as they are, whatever white space stands between them."""
    return r"\s+".join(re.escape(word) for word in words.split())


def _pattern(marker: str) -> str:
    bare, closing = marker.rstrip(":："), marker[-1]
    if closing in ":：" and bare:
        opening = r"\[?" if marker in _IN_BRACKETS else ""
        return rf"{opening}{_literal(bare)}(?:{_NUMBER}{_ASIDE}?)?{_REMARK}?\s*[:：]"
    if marker.startswith("[") and marker.endswith("]") and len(marker) > 2:
        # Also "[Image text: …]", a whole line in brackets.
        return rf"\[{_literal(marker[1:-1])}{_NUMBER}?\s*(?:\]\s*[:：]?|[:：])"
    edge = r"(?!\w)" if closing.isalnum() else ""
    return _literal(marker) + edge


# "[Text on image: …]": a whole line in brackets.
_IN_BRACKETS = frozenset(marker for marker in DEFAULTS["photo_text"] if marker.endswith(":"))


@lru_cache(maxsize=16)
def labels(markers: Markers, platforms: tuple[str, ...] = ()) -> Labels:
    """Return the matcher of a source's markers."""
    return Labels(markers, platforms)
