"""What the form does not ask of a span, read off the text around it: whose it is, its marker, its number. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.sources.model import Segment
from toolkit.sources.read_text import SERIES_LINE
from toolkit.text.detecting import UNDETERMINED
from toolkit.text.language import language
from toolkit.text.script import letter_counts

# What a span of a role inside another belongs to, and what one behind another belongs to.
_CONTAINED = ("hashtag", "insertion", "footnote_marker", "gloss", "narrative_name", "translator_note", "image")
_FOLLOWING: Mapping[str, tuple[str, ...]] = {
    "photo_text": ("post",),
    "translation": ("post",),
    "translator_note": ("post", "photo_text"),
    "image": ("post", "photo_text"),
}
INSIDE = ("hashtag", "insertion", "footnote_marker", "narrative_name")
_MARKERS = {
    "photo_text": re.compile(
        r"\[(?:photo|image|picture)s?(?: text)?\]:?\s*|(?:photo|image|picture)s?(?: text)?:\s*|caption:\s*",
        re.IGNORECASE,
    ),
    "translation": re.compile(r"\[translation\]:?\s*|translation:\s*", re.IGNORECASE),
    "post": re.compile(r"post(?: text)?:\s*", re.IGNORECASE),
}
# Characters from which on the language of a text is told by its words.
_TELLING = 120
_LINK_PART = re.compile(r"\bPart ([1-9]\d{0,2})\b", re.IGNORECASE)


def owner(segment: Segment, segments: Iterable[Segment]) -> str | None:
    """Return the key that a span's ``belongs_to`` is by its place: the span around it, else the nearest in front."""
    others = [s for s in segments if s.key and s is not segment and s.role != segment.role]
    if segment.role == "narrative_name":
        others = [s for s in others if s.role == "narrative"]
    if segment.role in _CONTAINED:
        # The text around a photo text's image is that photo text, its caption.
        around = [s for s in others if s.char_start <= segment.char_start and segment.char_end <= s.char_end]
        if around:
            return min(around, key=lambda s: (s.char_end - s.char_start, s.char_start)).key
    owners = _FOLLOWING.get(segment.role, ())
    before = [s for s in others if s.role in owners and s.char_start <= segment.char_start]
    return max(before, key=lambda s: (s.char_start, -s.char_end)).key if before else None


def behind_marker(text: str, role: str, start: int, end: int) -> int | None:
    """Return where a span's own words begin, where it begins with the marker that announces it."""
    pattern = _MARKERS.get(role)
    match = pattern.match(text, start, end) if pattern else None
    return match.end() if match and match.end() < end else None


def derived(
    text: str, role: str, start: int, end: int, *, languages: Sequence[str], media: str | None
) -> dict[str, Any]:
    """Return the attributes of a span that no earlier one says anything about."""
    words = text[start:end]
    content = behind_marker(text, role, start, end)
    found: dict[str, Any] = {"content_start": content}
    if role == "photo_text":
        own = text[start if content is None else content : end]
        found["kind"] = "translation" if _reads_like(own, text, languages) else "verbatim"
    elif role in ("footnote", "footnote_marker"):
        found["footnote"] = footnote_label(words, whole=role == "footnote_marker")
    elif role == "series" and (match := SERIES_LINE.match(words)):
        found |= {"series": match["name"], "part": int(match["part"])}
        found["total"] = int(match["total"]) if match["total"] else None
    elif role == "series_link" and (match := _LINK_PART.search(words)):
        found["part"] = int(match[1])
    elif role == "image":
        found["media"] = media
    return {name: value for name, value in found.items() if value is not None}


def footnote_label(words: str, *, whole: bool) -> str | None:
    """Return the number of a footnote or its marker, plain digits; of a marker without one, its sign."""
    digits = ""
    for character in words.lstrip(" [(^"):
        value = unicodedata.digit(character, None)
        if value is None:
            break
        digits += str(value)
    return digits or (words.strip(" []()^") or None if whole else None)


def report_languages(declared: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the languages that a report is in: as its metadata say, else as its text shows."""
    return tuple(declared) or (language(text[:20_000]),)


def _reads_like(words: str, report: str, languages: Sequence[str]) -> bool:
    """Tell whether words are in the report's own language, its author's rendering then; in doubt they are.

    A few words of the same script, capitals above all, are too little for a language to be told by.
    """
    if _letters(words) != _letters(report[:20_000]):
        return False
    return len(words) < _TELLING or language(words.casefold()) in (*languages, UNDETERMINED)


def _letters(text: str) -> str | None:
    counts = letter_counts(text)
    return max(sorted(counts), key=counts.__getitem__) if counts else None
