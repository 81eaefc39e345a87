"""Marked places and the spans they were shown as → the corrected spans, with what the form does not ask. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit.segmentation.attributes import INSIDE, behind_marker, derived, owner
from toolkit.segmentation.lineage import Origin, origins
from toolkit.segmentation.submission import Place
from toolkit.sources.model import Segment

_NUMBERED = {"post": "post", "photo_text": "photo", "narrative": "narrative"}


@dataclass(frozen=True)
class Corrected:
    """The spans by place; how many of each kind of origin; the keys that are gone, which facts may still name."""

    segments: tuple[Segment, ...]
    counts: Mapping[str, int]
    gone: tuple[str, ...]


def correct(
    text: str,
    before: Sequence[Segment],
    places: Iterable[Place],
    *,
    languages: Sequence[str] = (),
    media: Mapping[int, str] | None = None,
) -> Corrected:
    """Return the spans of ``places``, each with the attributes of the span that it goes back to, or with derived ones.

    ``media`` are the hashes of held images by the place in the text before which they stand.
    """
    shown = {(s.role, s.char_start, s.char_end) for s in before}
    trimmed = {p if (p.role, p.start, p.end) in shown else _trimmed(p, text) for p in places}
    found = origins(before, (place for place in trimmed if place.start < place.end))
    held = media or {}
    spans = [_made(origin, text, languages, held.get(origin.place.start)) for origin in found]
    keyed = _with_keys(spans, found, before)
    owned = _with_owners(keyed, found, before)
    keys = {segment.key for segment in owned}
    counts = {kind: sum(o.kind == kind for o in found) for kind in ("kept", "moved", "redrawn", "new")}
    counts["gone"] = len(before) - sum(o.before is not None for o in found)
    return Corrected(tuple(owned), counts, tuple(s.key for s in before if s.key and s.key not in keys))


def _trimmed(place: Place, text: str) -> Place:
    """Return a newly drawn place without the blanks at its ends, which a mouse takes along."""
    words = text[place.start : place.end]
    start = place.start + len(words) - len(words.lstrip())
    return replace(place, start=start, end=max(start, place.start + len(words.rstrip())))


def _made(origin: Origin, text: str, languages: Sequence[str], media: str | None) -> Segment:
    place, before = origin.place, origin.before
    extent = {"char_start": place.start, "char_end": place.end}
    if before is None:
        own = derived(text, place.role, place.start, place.end, languages=languages, media=media)
        return Segment.model_validate({"role": place.role, **extent, **own})
    if origin.kind == "kept":
        return before
    content = before.content_start
    if content is None or not place.start < content < place.end:
        # Where only the end was moved, that the span had no marker stands.
        moved = place.start != before.char_start
        content = behind_marker(text, place.role, place.start, place.end) if moved else content
    changed: dict[str, Any] = {"content_start": content, "rule": None, "confidence": None, "sha256": None}
    if origin.kind == "redrawn":
        changed["id"] = None
    return before.model_copy(update=extent | changed)


def _with_keys(spans: Sequence[Segment], found: Sequence[Origin], before: Sequence[Segment]) -> list[Segment]:
    """Give posts, photo texts and narratives that are new a key that no span has or had."""
    last = dict.fromkeys(_NUMBERED.values(), 0)
    for segment in (*before, *spans):
        match = re.fullmatch(r"([a-z]+)-(\d{1,9})", segment.key or "")
        if match and match[1] in last:
            last[match[1]] = max(last[match[1]], int(match[2]))
    done = list(spans)
    for number, (segment, origin) in enumerate(zip(spans, found, strict=True)):
        prefix = _NUMBERED.get(segment.role)
        if prefix and origin.kind == "new":
            last[prefix] += 1
            done[number] = segment.model_copy(update={"key": f"{prefix}-{last[prefix]}"})
    return done


def _with_owners(spans: list[Segment], found: Sequence[Origin], before: Sequence[Segment]) -> list[Segment]:
    """Set ``belongs_to``: by place for new spans, and where it said nothing but the place; what a curator chose stays."""
    by_key = {segment.key: segment for segment in spans if segment.key}
    done = list(spans)
    for number, (segment, origin) in enumerate(zip(spans, found, strict=True)):
        chosen = origin.before is not None and segment.belongs_to != owner(origin.before, before)
        target = by_key.get(segment.belongs_to) if segment.belongs_to else None
        lost = segment.belongs_to is not None and (
            target is None or (segment.role in INSIDE and not _within(segment, target))
        )
        if not chosen or lost:
            done[number] = segment.model_copy(update={"belongs_to": owner(segment, spans)})
    return done


def _within(inner: Segment, outer: Segment) -> bool:
    return outer.char_start <= inner.char_start and inner.char_end <= outer.char_end
