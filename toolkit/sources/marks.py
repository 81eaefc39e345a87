"""Spans by quotation, for curators who do not count characters.

One JSON object a line: the attributes of a segment, with words in place of offsets.

- ``quote``: the exact text of the span, or ``first words … last words``, to the nearest last words after the first.
- ``within``: the ``key`` of an earlier mark, inside whose span the quote is looked for; marks without it stand in the
  order of the text, each looked for behind the end of the one before.
- ``after``: words right before the span that are not part of it; ``nth``: which occurrence, from 1.
- ``content_quote``: the first words of a photo text behind its marker.
- ``image``: on the role ``image``, the image's file as the page names it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.settings import Strict, check_record
from toolkit.sources.model import Segment
from toolkit.sources.source import Source

_GAP = " … "


class _Mark(Strict):
    """The attributes of a mark that a segment does not have."""

    quote: str = Field(min_length=1)
    within: str | None = None
    after: str = ""
    nth: int = Field(default=1, ge=1)
    content_quote: str | None = Field(default=None, min_length=1)
    image: str | None = None


def is_marks(path: Path) -> bool:
    """Tell whether a file gives its spans by quotation."""
    return any("quote" in record for _, record in read_jsonl(path))


def resolve(path: Path, source: Source) -> list[tuple[int, Segment]]:
    """Return (line, span) for each mark of a file, in its order; :class:`InputError` names the line whose words are not found."""
    images = {block["image"]: block.get("media") for block in source.blocks if "image" in block}
    spans: dict[str, tuple[int, int]] = {}
    found: list[tuple[int, Segment]] = []
    behind = 0
    for line, given in read_jsonl(path):
        where = f"{path}:{line}"
        mark = check_record({name: value for name, value in given.items() if name in _Mark.model_fields}, _Mark, where)
        low, high = _room(mark, spans, behind, len(source.text), where)
        start, end = _find(source.text, mark, low, high, where)
        if mark.within is None:
            behind = end
        record = {name: value for name, value in given.items() if name not in _Mark.model_fields}
        record |= {"char_start": start, "char_end": end}
        if mark.content_quote:
            record["content_start"] = source.text.find(mark.content_quote, start, end)
            if record["content_start"] < 0:
                raise InputError(f"{where}: {mark.content_quote!r} is not in the span")
        if mark.image:
            if not images.get(mark.image):
                raise InputError(f"{where}: the source holds no image {mark.image!r}")
            record["media"] = images[mark.image]
        segment = check_record(record, Segment, where)
        if segment.key:
            spans[segment.key] = (start, end)
        found.append((line, segment))
    return found


def occurrences(text: str, quote: str, low: int, high: int, after: str = "") -> list[tuple[int, int]]:
    """Return the places (start, end) within text[low:high] that a quote may mean, in order.

    A quote is exact words, or ``first words … last words``; three full stops do for the ellipsis where the text does
    not have them. :class:`InputError` for a quote without words.
    """
    first, gap, last = quote.partition(_GAP)
    if not gap and text.find(quote, low, high) < 0:
        first, gap, last = quote.partition(" ... ")
    if not first.strip() or (gap and not last.strip()):
        raise InputError(f"the quote {quote!r} lacks its words", hint="--quote 'first words … last words'")
    found = []
    start = low - 1
    while (start := text.find(after + first, start + 1, high)) >= 0:
        begin = start + len(after)
        end = begin + len(first)
        if gap:
            end = text.find(last, end, high) + len(last)
            if end < begin + len(first) + len(last):
                break
        found.append((begin, end))
    return found


def _room(mark: _Mark, spans: dict[str, tuple[int, int]], behind: int, length: int, where: str) -> tuple[int, int]:
    if mark.within is None:
        return behind, length
    if mark.within not in spans:
        raise InputError(f"{where}: within {mark.within!r}, which is the key of no mark above")
    return spans[mark.within]


def _find(text: str, mark: _Mark, low: int, high: int, where: str) -> tuple[int, int]:
    first, gap, last = mark.quote.partition(_GAP)
    if not first.strip() or (gap and not last.strip()):
        raise InputError(f"{where}: the quote {mark.quote!r} lacks its words")
    start = low - 1
    for _ in range(mark.nth):
        start = text.find(mark.after + first, start + 1, high)
        if start < 0:
            raise InputError(f"{where}: {mark.after + first!r} is not in the text from character {low} to {high}")
    start += len(mark.after)
    end = start + len(first)
    if last:
        end = text.find(last, end, high)
        if end < 0:
            raise InputError(f"{where}: {last!r} does not follow {first!r}")
        end += len(last)
    return start, end
