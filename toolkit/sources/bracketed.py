"""A source's text with its spans in brackets, to be corrected in any text editor and read back.

::

    ⟦# a comment, dropped with the line end behind it⟧
    ⟦post key=post-1⟧⟦hashtag belongs_to=post-1⟧#Lamps⟦/hashtag⟧ burn.⟦/post⟧
    ⟦photo_text key=photo-1 kind=verbatim⟧[Photo text] ⟦content⟧A lamp.⟦/photo_text⟧

- ``⟦role name=value …⟧`` opens a span, ``⟦/role⟧`` closes the one opened last. A value is a plain word, or JSON:
  ``footnote="1"``, ``part=3``, ``uncertain_boundary=true``.
- ``⟦content⟧`` stands where the content of the span opened last begins, behind its marker (``content_start``).
- Spans that cross have a number: ``⟦post#1⟧ … ⟦hashtag⟧ … ⟦/post#1⟧ … ⟦/hashtag⟧``; so has one whose ``⟦content#1⟧``
  stands inside another span.
- ``⟦`` of the text itself is written twice.

The text between must be the source's, character for character. Ids and hashes are not written: accepting the file keeps
those of spans whose role and place did not change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from toolkit.errors import InputError
from toolkit.fsio import read_text
from toolkit.settings import check_record
from toolkit.sources.model import Segment

_OPEN, _CLOSE = "⟦", "⟧"
_COMMENT = f"{_OPEN}# "
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HEAD = re.compile(r"(/?)([a-z_]+)(?:#(\d+))?")
_LITERALS = {"true": True, "false": False, "null": None}
_ATTRIBUTES = tuple(
    name
    for name in Segment.model_fields
    if name not in ("role", "char_start", "char_end", "content_start", "id", "sha256")
)
# Where a number given without quotes is meant as a text, as in footnote=1.
_TEXTS = frozenset(name for name in _ATTRIBUTES if str in get_args(Segment.model_fields[name].annotation))


def is_bracketed(path: Path) -> bool:
    """Tell whether a file is a bracketed text: it begins with a comment, or at least not as JSON lines do."""
    content = read_text(path)
    return content.startswith(_COMMENT) or (_OPEN in content and not content.lstrip().startswith("{"))


def render(text: str, segments: Iterable[Segment], comment: str = "") -> str:
    """Return a text with its spans in brackets; no two of them may have both role and place in common."""
    spans = sorted(segments, key=lambda s: (s.char_start, -s.char_end, s.role))
    numbers = {place: number for number, place in enumerate(_numbered(spans), start=1)}
    parts = [f"{_COMMENT}{_escaped(comment)}{_CLOSE}\n"]
    tokens: dict[int, list[str]] = {}

    def put(at: int, kind: str, place: int, attributes: str = "") -> None:
        number = f"#{numbers[place]}" if place in numbers else ""
        tokens.setdefault(at, []).append(f"{_OPEN}{kind}{number}{attributes}{_CLOSE}")

    # At one place: what ends there, inner before outer; where contents begin; what starts there, outer before inner.
    for place, span in sorted(enumerate(spans), key=lambda entry: -entry[0]):
        put(span.char_end, f"/{span.role}", place)
    for place, span in enumerate(spans):
        if span.content_start is not None and span.content_start > span.char_start:
            put(span.content_start, "content", place)
    for place, span in enumerate(spans):
        put(span.char_start, span.role, place, _attributes(span))
        if span.content_start == span.char_start:
            put(span.char_start, "content", place)
    at = 0
    for place in sorted(tokens):
        parts += [text[at:place].replace(_OPEN, _OPEN * 2), *tokens[place]]
        at = place
    return "".join([*parts, text[at:].replace(_OPEN, _OPEN * 2)])


def _numbered(spans: Sequence[Segment]) -> list[int]:
    """Return the places, in the list, of the spans that need a number: a later one crosses their end or holds their content."""
    found = []
    for place, span in enumerate(spans):
        content = span.content_start
        for later in spans[place + 1 :]:
            if later.char_start >= span.char_end:
                break
            crossed = later.char_start > span.char_start and later.char_end > span.char_end
            if crossed or (content is not None and later.char_start < content < later.char_end):
                found.append(place)
                break
    return found


def _attributes(span: Segment) -> str:
    record = span.record()
    return "".join(f" {name}={_value(record[name])}" for name in _ATTRIBUTES if name in record)


def _value(value: Any) -> str:
    if isinstance(value, str) and _WORD.fullmatch(value) and value not in _LITERALS:
        return value
    return _escaped(json.dumps(value, ensure_ascii=False))


def _escaped(text: str) -> str:
    return text.replace(_OPEN, "\\u27e6").replace(_CLOSE, "\\u27e7")


def read(path: Path, text: str) -> list[tuple[str, Segment]]:
    """Return (``file:line``, span) for each span of a bracketed file, in the order in which they begin.

    :class:`InputError` names the line of a tag that does not hold, or the first place where the file's text is not the
    source's.
    """
    content = read_text(path)
    found, spans = parse(content, str(path))
    if found != text:
        at = next((i for i, (a, b) in enumerate(zip(found, text, strict=False)) if a != b), min(len(found), len(text)))
        raise InputError(
            f"{path}: the text is not the source's from character {at} (line {text.count(chr(10), 0, at) + 1} of text.txt): "
            f"{_excerpt(found, at)}, where the source has {_excerpt(text, at)}",
            hint="change the brackets only; write the file anew: docposts source export",
        )
    return [(where, check_record(record, Segment, where)) for where, record in spans]


def _excerpt(text: str, at: int) -> str:
    return repr(text[at : at + 30]) if at < len(text) else "the end"


@dataclass
class _Open:
    role: str
    number: str | None
    where: str
    record: dict[str, Any] = field(default_factory=dict)


def parse(content: str, name: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Return the text of a bracketed file, and for each span ``name:line`` and its attributes, in order of opening."""
    parts: list[str] = []
    length, at = 0, 0
    spans: list[_Open] = []
    unclosed: list[_Open] = []
    while at < len(content):
        tag = content.find(_OPEN, at)
        plain = content[at : tag if tag >= 0 else len(content)]
        parts.append(plain)
        length += len(plain)
        if tag < 0:
            break
        at = tag + 1
        if content.startswith(_OPEN, at):
            parts.append(_OPEN)
            length, at = length + 1, at + 1
            continue
        where = f"{name}:{content.count(chr(10), 0, tag) + 1}"
        end = content.find(_CLOSE, at)
        if end < 0:
            raise InputError(f"{where}: {_excerpt(content, tag)}: a tag that does not end", hint=_DOUBLE)
        inner, at = content[at:end], end + 1
        if inner.startswith("#"):
            at += content.startswith("\n", at)
            continue
        _tag(inner, where, length, spans, unclosed)
    if unclosed:
        last = unclosed[-1]
        raise InputError(f"{last.where}: {_OPEN}{_tagname(last)}{_CLOSE} is never closed", hint=_DOUBLE)
    return "".join(parts), [(span.where, {"role": span.role, **span.record}) for span in spans]


_DOUBLE = f"a {_OPEN} of the text itself is written twice"


def _tag(inner: str, where: str, at: int, spans: list[_Open], unclosed: list[_Open]) -> None:
    head = _HEAD.match(inner)
    if not head:
        raise InputError(f"{where}: {_OPEN}{inner[:30]!r}{_CLOSE} is no tag", hint=_DOUBLE)
    slash, role, number = head.groups()
    rest = inner[head.end() :]
    if not slash and role != "content":
        span = _Open(role, number, where)
        span.record = _read_attributes(rest, where) | {"char_start": at}
        spans.append(span)
        unclosed.append(span)
        return
    if rest.strip():
        raise InputError(f"{where}: {_OPEN}{inner[:30]}{_CLOSE} takes no attributes")
    span = _meant(role if slash else None, number, where, unclosed)
    span.record["char_end" if slash else "content_start"] = at
    if slash:
        unclosed.remove(span)


def _meant(role: str | None, number: str | None, where: str, unclosed: list[_Open]) -> _Open:
    """Return the open span that a closing or content tag is about."""
    if number is not None:
        named = [span for span in unclosed if span.number == number and role in (None, span.role)]
    else:
        named = [span for span in unclosed if span.number is None][-1:]
    tag = f"{_OPEN}{'/' + role if role else 'content'}{'#' + number if number else ''}{_CLOSE}"
    if not named:
        raise InputError(f"{where}: {tag}: no such span is open here")
    if role is not None and named[-1].role != role:
        last = named[-1]
        raise InputError(
            f"{where}: {tag} comes before the end of {_OPEN}{_tagname(last)}{_CLOSE} ({last.where})",
            hint=f"close spans in turn; those that cross have a number: {_OPEN}{role}#1{_CLOSE} … {_OPEN}/{role}#1{_CLOSE}",
        )
    return named[-1]


def _tagname(span: _Open) -> str:
    return span.role + (f"#{span.number}" if span.number else "")


def _read_attributes(rest: str, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while rest[at:].strip():
        named = re.compile(r"\s+([a-z_]+)=").match(rest, at)
        if not named or named[1] in found or named[1] not in _ATTRIBUTES:
            wrong = rest[at:].strip()[:40]
            raise InputError(
                f"{where}: {wrong!r} is no attribute, or is given twice",
                hint=f"name=value, of: {', '.join(_ATTRIBUTES)}",
            )
        name, at = named[1], named.end()
        word = _WORD.match(rest, at)
        if word and word[0] not in _LITERALS:
            found[name], at = word[0], word.end()
            continue
        try:
            value, end = json.JSONDecoder().raw_decode(rest, at)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: {name}={rest[at : at + 30]!r} is neither a word nor JSON") from error
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found[name] = rest[at:end] if name in _TEXTS and is_number else value
        at = end
    return found
