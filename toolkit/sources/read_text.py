"""Plain text reports: the file's own characters, a line a block."""

from __future__ import annotations

import re
from typing import Any

from toolkit.errors import InputError
from toolkit.sources import surrogates
from toolkit.sources.document import Block, Document

SERIES_LINE = re.compile(
    r"^(?P<name>.{1,120}?)[\s:,–—-]*\bPart (?P<part>[1-9]\d{0,2})(?:\s*(?:/|of)\s*(?P<total>[1-9]\d{0,2}))?\s*$"
)

_LONGEST_TITLE = 300
_LONE = re.compile("[\ud800-\udfff]")
_MARKDOWN = re.compile(r"\A#{1,6}\s+(?=\S)")


def read(data: bytes, name: str) -> Document:
    """Return a UTF-8 text; a BOM goes, CRLF and CR become LF, lone surrogates U+FFFD, nothing else changes."""
    text, replaced = _LONE.subn("\ufffd", surrogates.decode(data, name).removeprefix("\ufeff"))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\0")) >= 0:
        raise InputError(
            f"{name} is no text: line {text.count(chr(10), 0, at) + 1} holds a NUL character",
            hint="a binary file, or text in UTF-16: save it as UTF-8, then try again",
        )
    if not text.strip():
        raise InputError(f"{name} holds no text")
    blocks: list[Block] = []
    place = 0
    for words in text.split("\n"):
        if words.strip():
            blocks.append(Block("paragraph", place, place + len(words), "line"))
        place += len(words) + 1
    return Document(text, tuple(blocks), metadata=describe(text), replaced=replaced)


def is_title(line: str) -> bool:
    """Tell whether a report's first line may be its title: a paragraph is none."""
    return 0 < len(line) <= _LONGEST_TITLE


def describe(text: str) -> dict[str, Any]:
    """Return what the first lines say of the report: its title, and its place in a series where one is given."""
    lines = [line.strip() for line in text.split("\n") if line.strip()][:5]
    metadata: dict[str, Any] = {"title": _MARKDOWN.sub("", lines[0])} if is_title(lines[0] if lines else "") else {}
    for line in lines[1:]:
        if match := SERIES_LINE.match(line):
            total = match["total"]
            series = {"name": match["name"], "part": int(match["part"])} | ({"total": int(total)} if total else {})
            return metadata | {"series": series}
    return metadata
