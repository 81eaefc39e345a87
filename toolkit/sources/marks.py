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
from typing import Any

from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.settings import check_record
from toolkit.sources.model import Segment
from toolkit.sources.registry import Source

_OWN = ("quote", "within", "after", "nth", "content_quote", "image")
_GAP = " … "


def is_marks(path: Path) -> bool:
    """Tell whether a file gives its spans by quotation."""
    return any("quote" in record for _, record in read_jsonl(path))


def resolve(path: Path, source: Source) -> list[Segment]:
    """Return the spans that a file of marks stands for; :class:`InputError` names the line whose words are not found."""
    images = {block["image"]: block.get("media") for block in source.blocks if "image" in block}
    spans: dict[str, tuple[int, int]] = {}
    found: list[Segment] = []
    behind = 0
    for line, mark in read_jsonl(path):
        where = f"{path}:{line}"
        low, high = _room(mark, spans, behind, len(source.text), where)
        start, end = _find(source.text, mark, low, high, where)
        if "within" not in mark:
            behind = end
        if "key" in mark:
            spans[mark["key"]] = (start, end)
        record = {name: value for name, value in mark.items() if name not in _OWN}
        record |= {"char_start": start, "char_end": end}
        if content := mark.get("content_quote"):
            record["content_start"] = source.text.find(content, start, end)
            if record["content_start"] < 0:
                raise InputError(f"{where}: {content!r} is not in the span")
        if image := mark.get("image"):
            if not images.get(image):
                raise InputError(f"{where}: the source holds no image {image!r}")
            record["media"] = images[image]
        found.append(check_record(record, Segment, where))
    return found


def _room(
    mark: dict[str, Any], spans: dict[str, tuple[int, int]], behind: int, length: int, where: str
) -> tuple[int, int]:
    if "within" not in mark:
        return behind, length
    if mark["within"] not in spans:
        raise InputError(f"{where}: within {mark['within']!r}, which is the key of no mark above")
    return spans[mark["within"]]


def _find(text: str, mark: dict[str, Any], low: int, high: int, where: str) -> tuple[int, int]:
    quote = mark.get("quote")
    if not isinstance(quote, str) or not quote.strip():
        raise InputError(f"{where}: a quote is missing")
    first, _, last = quote.partition(_GAP)
    before = str(mark.get("after", ""))
    start = low - 1
    for _ in range(int(mark.get("nth", 1))):
        start = text.find(before + first, start + 1, high)
        if start < 0:
            raise InputError(f"{where}: {before + first!r} is not in the text from character {low} to {high}")
    start += len(before)
    end = start + len(first)
    if last:
        end = text.find(last, end, high)
        if end < 0:
            raise InputError(f"{where}: {last!r} does not follow {first!r}")
        end += len(last)
    return start, end
