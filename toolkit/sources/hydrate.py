"""Hydration: a recipe and the user's own copy of the report → the same source, the same spans, the same ids.

The copy is read by the reader of its format; offsets are those of the copy's own text. What is not found is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import json_line, read_bytes, read_jsonl, write_jsonl
from toolkit.sources import registry
from toolkit.sources.locate import Copy, Located
from toolkit.sources.model import CuratedMeta, Segment
from toolkit.sources.readers import read as read_file
from toolkit.sources.recipe import ATTRIBUTES, Anchor, Inside, Recipe, Short, read
from toolkit.sources.segments import mint_ids
from toolkit.sources.source import Source
from toolkit.sources.stretch import Place, Wanted, match
from toolkit.text.fold import is_dash, is_selector, normal
from toolkit.workspace import Workspace

_BLANKS = " \t\u00a0\u202f"
# How far before a long span the markers may push what stands beside it.
_PUSHED = 24


@dataclass(frozen=True)
class Missing:
    """A span that the copy does not show."""

    role: str
    key: str | None
    id: str | None
    reason: str


@dataclass
class Found:
    """What of a recipe stands in a copy. ``notes`` are what a user should know of what was found."""

    segments: list[Segment] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hydrated:
    """A source made of a copy, and what of the recipe stands in it."""

    source: Source
    found: Found


def hydrate(workspace: Workspace, recipe_path: Path, copy: Path, *, source_id: str | None = None) -> Hydrated:
    """Add a copy of a report as a source with the recipe's spans and ids; what the copy lacks is in ``found.missing``.

    :class:`InputError` where the copy has none of the rows: nothing is added then. :class:`ConflictError` where the
    workspace holds the recipe's report already, under another id or with other spans.
    """
    recipe = read(recipe_path)
    source_id = source_id or recipe.source.id
    _, _, document = read_file(copy)
    found = find(recipe, document.text, ((at, at + size) for b in document.blocks for at, size, _ in b.anchors))
    if not any(segment.id for segment in found.segments):
        raise InputError(
            f"{copy}: no post, photo text, note or narrative of {recipe_path} stands in it",
            hint=f"is it a copy of “{recipe.source.title}”?",
        )
    ids = {segment.id for segment in found.segments if segment.id}
    for other in registry.sources(workspace):
        held = other.segments_path.exists() and other.id != source_id
        if held and any(record.get("id") in ids for _, record in read_jsonl(other.segments_path)):
            raise ConflictError(
                f"source {other.id} is this report already: each of its posts would be there twice",
                hint=f"docposts source hydrate {recipe_path} {copy} --id {other.id}",
            )
    meta = CuratedMeta.model_validate(recipe.source.model_dump(exclude_unset=True) | {"id": source_id})
    source = registry.add(workspace, copy, source_id=source_id, meta=meta)
    with workspace.lock():
        segments = mint_ids(source, found.segments)
        records = [segment.record() for segment in segments]
        path = source.segments_path
        if not path.exists():
            write_jsonl(path, records)
        elif read_bytes(path) != "".join(json_line(record) for record in records).encode("utf-8"):
            raise ConflictError(
                f"source {source.id} has other spans already: {path}", hint="move that file away to take the recipe's"
            )
    return Hydrated(source, Found(segments, found.missing, found.notes))


def find(recipe: Recipe, text: str, anchors: Iterable[tuple[int, int]] = ()) -> Found:
    """Return the recipe's spans over a copy's text; ``anchors`` are (start, end) of the markers that it links. Pure."""
    copy = Copy(text, anchors)
    return _Builder(recipe, copy, copy.locate(recipe)).found()


class _Builder:
    def __init__(self, recipe: Recipe, copy: Copy, located: Located) -> None:
        self.recipe = recipe
        self.copy = copy
        self.text = copy.text
        self.located = located
        self.markers = recipe.markers()
        self.result = Found()
        self.unmarked = 0

    def found(self) -> Found:
        for number, anchor in enumerate(self.recipe.spans):
            place = self.located.places.get(number)
            if place is None:
                crowded = number in self.located.crowded
                self.missing(anchor, "its paragraph has other words beside it" if crowded else "not in the copy")
                continue
            if number in self.located.ambiguous:
                self.note(f"{named(anchor)}: the copy has its words more or less often; taken in their order")
            self.span(anchor, place)
        for short in self.recipe.short:
            self.short(short)
        if self.unmarked:
            self.note(f"{self.unmarked} footnote markers of the recipe are not in the copy; the words around them are")
        self.detach()
        self.result.segments.sort(key=lambda s: (s.char_start, -s.char_end, s.role))
        return self.result

    def note(self, words: str) -> None:
        self.result.notes.append(words)

    def missing(self, top: Anchor | Short, reason: str) -> None:
        self.result.missing.append(Missing(top.role, top.key, top.id, reason))
        for child in top.inside:
            self.result.missing.append(Missing(child.role, child.key, child.id, f"inside {named(top)}"))

    def short(self, short: Short) -> None:
        """Add a short span where one of the long ones beside it stands, with all that lies between as in the report."""
        for beside in short.beside:
            anchor, known = self.recipe.spans[beside.span], self.located.places.get(beside.span)
            stretch = self.stretch(short, anchor, known, beside.sha256) if known else None
            if stretch is None:
                continue
            place = stretch.part(short.at - min(short.at, anchor.at), short.length)
            if not short.length and place.marks:
                _, low, high = place.marks[0]
                self.result.segments.append(self.segment(short, *self.with_blank(low, high)))
                return
            if short.length and self.copy.stands_free(short, place, self.located.places):
                self.span(short, place)
                return
        if short.length:
            self.missing(short, "not in the copy beside the long spans that it stands beside")
        else:
            self.unmarked += 1

    def stretch(self, short: Short, anchor: Anchor, known: Place, sha256: str) -> Place | None:
        low = min(short.at, anchor.at)
        high = max(short.at + short.length, anchor.at + anchor.length)
        markers = tuple((at - low, label) for at, label in self.markers if low < at <= high)
        want = Wanted(high - low, sha256, markers)
        index = known.folded.at(known.start) - (anchor.at - low)
        pushed = range(_PUSHED) if low < anchor.at else range(1)
        tried = (match(self.text, known.folded, index - push, want) for push in pushed)
        return next((place for place in tried if place), None)

    def span(self, top: Anchor | Short, place: Place) -> None:
        """Add a span and those inside it."""
        markers = list(self.marks(top, place))
        low, high = self.bounds(top, 0, place)
        low = min([low, *(marker.char_start for marker in markers)])
        high = max([high, *(marker.char_end for marker in markers)])
        self.result.segments += [self.segment(top, low, high, place), *markers]
        for child in top.inside:
            if child.length:
                start, end = self.bounds(child, child.at, place)
                own = [m for m in markers if child.key and m.belongs_to == child.key]
                start = min([start, *(m.char_start for m in own)])
                end = max([end, *(m.char_end for m in own)])
                self.result.segments.append(self.segment(child, max(start, low), min(end, high), place, child.at))

    def marks(self, top: Anchor | Short, place: Place) -> Iterable[Segment]:
        """Yield the footnote markers inside a span, also those that the copy has and the recipe has not."""
        left = list(place.marks)
        for child in top.inside:
            if child.role != "footnote_marker":
                continue
            mark = next((mark for mark in left if mark[0] == child.at), None)
            if mark is None:
                self.unmarked += 1
            else:
                left.remove(mark)
                yield self.segment(child, *self.with_blank(mark[1], mark[2]))
        for at, low, high in left:
            if 0 < at < top.length:
                label = normal(self.text[low:high]).strip("[](){}^") or None
                start, end = self.with_blank(low, high)
                yield Segment(
                    role="footnote_marker", char_start=start, char_end=end, footnote=label, belongs_to=top.key
                )

    def bounds(self, entry: Anchor | Short | Inside, at: int, place: Place) -> tuple[int, int]:
        """Return where a span stands in the copy, with the dashes at its sides that its normal form is without."""
        text = self.text
        low, high = place.kept[at], place.kept[at + entry.length - 1] + 1
        while high < len(text) and is_selector(text[high]):
            high += 1
        if "start" in entry.dashes:
            edge = low
            while edge and (is_dash(text[edge - 1]) or text[edge - 1] in _BLANKS):
                edge -= 1
                low = edge if is_dash(text[edge]) else low
        if "end" in entry.dashes:
            edge = high
            while edge < len(text) and (is_dash(text[edge]) or text[edge] in _BLANKS):
                edge += 1
                high = edge if is_dash(text[edge - 1]) else high
        return low, high

    def with_blank(self, low: int, high: int) -> tuple[int, int]:
        """Return a marker with the blank before it, where the words would be left with one too many without it."""
        behind = self.text[high : high + 1]
        if not behind or behind.isspace() or behind in ".,;:!?)]”’\"'":
            while low and self.text[low - 1] in _BLANKS:
                low -= 1
        return low, high

    def segment(
        self, entry: Anchor | Short | Inside, low: int, high: int, place: Place | None = None, base: int = 0
    ) -> Segment:
        values: dict[str, Any] = {name: getattr(entry, name) for name in ATTRIBUTES}
        if place and entry.content_at is not None:
            values["content_start"] = place.kept[base + entry.content_at]
        return Segment.model_validate(values | {"char_start": low, "char_end": high})

    def detach(self) -> None:
        """Loosen what belongs to a span that is missing."""
        keys = {segment.key for segment in self.result.segments}
        loose = [s for s in self.result.segments if s.belongs_to and s.belongs_to not in keys]
        for segment in loose:
            if segment.role != "footnote_marker":
                self.note(f"{named(segment)} is there, but {segment.belongs_to}, to which it belongs, is not")
        self.result.segments = [
            s.model_copy(update={"belongs_to": None}) if s in loose else s for s in self.result.segments
        ]


def named(span: Segment | Anchor | Short | Inside | Missing) -> str:
    """Return how messages call a span: its role, its key, its id."""
    return " ".join(filter(None, [span.role, span.key, f"({span.id})" if span.id else ""]))


def counts(found: Found) -> list[dict[str, Any]]:
    """Return, for each role, how many spans were found and how many are missing."""
    there: Sequence[Counter[str]] = [Counter(s.role for s in found.segments), Counter(m.role for m in found.missing)]
    return [{"role": r, "found": there[0][r], "missing": there[1][r]} for r in sorted({*there[0], *there[1]})]
