"""A text with typed spans, as steps that nest: what a page needs to show spans in place, also those that cross."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toolkit.fsio import read_bytes
from toolkit.report.visible import Piece, pieces
from toolkit.sources.images import image_type
from toolkit.sources.model import Segment
from toolkit.sources.source import Source

ROLES: dict[str, str] = {
    "title": "title of the report",
    "series": "series that the report is part of",
    "heading": "heading",
    "analysis": "the report's own prose",
    "narrative": "narrative, as the report names it",
    "narrative_name": "name of a narrative",
    "post": "post",
    "translation": "translation of a post",
    "photo_text": "text of a photo",
    "translator_note": "translator's note",
    "insertion": "insertion in a text",
    "gloss": "gloss of a word",
    "footnote_marker": "footnote marker",
    "footnote": "footnote",
    "hashtag": "hashtag",
    "asset_history": "history of an account",
    "series_link": "link to a part of the series",
    "image": "image",
}
_INLINE = frozenset({"insertion", "footnote_marker", "hashtag", "narrative_name", "gloss"})
# Shown as an image: what a browser draws and cannot run. A larger one is named.
_DRAWN = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_LARGEST_IMAGE = 8 * 2**20


@dataclass(frozen=True)
class View:
    """A span as the page shows it."""

    number: int
    segment: Segment
    accepted: bool
    row: str | None
    lang: str | None

    @property
    def label(self) -> str:
        """What the span is, in words: for its title and for screen readers."""
        segment = self.segment
        parts = [ROLES[segment.role], segment.key, segment.kind, segment.lang]
        parts += [f"footnote {segment.footnote}"] if segment.footnote else []
        parts += [f"belongs to {segment.belongs_to}"] if segment.belongs_to else []
        parts += ["uncertain boundary"] if segment.uncertain_boundary else []
        parts += [self.origin, segment.id if self.accepted else None]
        return " · ".join(part for part in parts if part)

    @property
    def origin(self) -> str:
        """How the span came about."""
        rule, confidence = self.segment.rule, self.segment.confidence
        made = f" by the rule “{rule}”" if rule else ""
        sure = f", confidence {confidence:g}" if confidence is not None else ""
        if self.accepted:
            return f"accepted; proposed{made}{sure}" if rule else "accepted"
        return f"proposed{made}{sure}, not accepted"


@dataclass(frozen=True)
class Token:
    """A step of the page's text: a block, line or span begins or ends, or a piece of text stands there."""

    kind: str
    view: View | None = None
    pieces: tuple[Piece, ...] = ()
    number: int = 0
    again: bool = False
    image: Image | None = None


@dataclass(frozen=True)
class Image:
    """An image: its data URI, or why it is not shown."""

    data: str | None
    note: str


def tokens(source: Source, views: Sequence[View]) -> Iterator[Token]:
    """Yield the text as steps that nest: blocks of whole lines, lines, spans within a line.

    A span that ends inside another one ends there and goes on behind it (``again``), so that spans that cross, which
    HTML elements cannot, stay in place.
    """
    text = source.text
    blocks = _blocks(text, views)
    taken = {view.number for view in blocks}
    inline = [view for view in views if view.number not in taken]
    waiting, started = 0, 0
    open_blocks: list[View] = []
    begun: set[int] = set()
    at = 0
    for number, line in enumerate(text.split("\n"), start=1):
        end = at + len(line)
        while waiting < len(blocks) and blocks[waiting].segment.char_start <= at < blocks[waiting].segment.char_end:
            yield Token("block", blocks[waiting], image=_image(source, blocks[waiting].segment))
            open_blocks.append(blocks[waiting])
            waiting += 1
        while started < len(inline) and inline[started].segment.char_start < end:
            started += 1
        here = [v for v in inline[:started] if v.segment.char_end > at and v.segment.char_start < end]
        if line.strip() or here:
            yield Token("line", number=number)
            yield from _line(source, at, end, here, bool(open_blocks), begun)
            yield Token("/line")
        inline = [v for v in inline[:started] if v.segment.char_end > end] + inline[started:]
        started = 0
        # A block may hold the line end that it ends with.
        while open_blocks and open_blocks[-1].segment.char_end <= end + 1:
            yield Token("/block", open_blocks.pop())
        at = end + 1
    for view in reversed(open_blocks):
        yield Token("/block", view)


def _blocks(text: str, views: Sequence[View]) -> list[View]:
    """Return the spans that are shown as blocks: of whole lines, none crossing another."""
    blocks: list[View] = []
    around: list[int] = []
    for view in views:
        start, end = view.segment.char_start, view.segment.char_end
        whole = (start == 0 or text[start - 1] == "\n") and (end == len(text) or "\n" in (text[end], text[end - 1]))
        if view.segment.role in _INLINE or not whole or not text[start:end].strip():
            continue
        while around and around[-1] <= start:
            around.pop()
        if not around or end <= around[-1]:
            blocks.append(view)
            around.append(end)
    return blocks


def _line(source: Source, low: int, high: int, views: list[View], covered: bool, begun: set[int]) -> Iterator[Token]:
    text = source.text
    cuts = {low, high}
    for view in views:
        cuts |= {max(low, view.segment.char_start), min(high, view.segment.char_end)}
        if view.segment.content_start and low < view.segment.content_start < high:
            cuts.add(view.segment.content_start)
    places = sorted(cuts)
    current: list[View] = []
    for start, end in pairwise(places):
        ending = [v for v in current if v.segment.char_end <= start]
        if ending:
            # What was opened inside an ending span ends with it, and goes on behind it.
            keep = min(current.index(view) for view in ending)
            yield from (Token("/span", view) for view in reversed(current[keep:]))
            current, reopened = current[:keep], [v for v in current[keep:] if v not in ending]
        else:
            reopened = []
        fresh = [v for v in views if max(low, v.segment.char_start) == start and v not in current and v not in reopened]
        for view in [*reopened, *fresh]:
            if view.segment.char_end > start:
                image = None if view.number in begun else _image(source, view.segment)
                yield Token("span", view, again=view.number in begun, image=image)
                begun.add(view.number)
                current.append(view)
        kind = "text" if current or covered or not text[start:end].strip() else "gap"
        yield Token(kind, pieces=tuple(pieces(text[start:end])))
    yield from (Token("/span", view) for view in reversed(current))


def _image(source: Source, segment: Segment) -> Image | None:
    if segment.role != "image":
        return None
    path = source.media.get(segment.media or "")
    if path is None:
        return Image(None, "the image is not held")
    data = read_bytes(path)
    kind = image_type(data)[1]
    if kind not in _DRAWN or len(data) > _LARGEST_IMAGE:
        return Image(None, f"image of {len(data)} bytes ({kind}), not shown here: media/{path.name}")
    return Image(f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}", path.name)
