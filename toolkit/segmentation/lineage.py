"""Which span a marked place goes back to: the same one, one whose bounds were moved, or none."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from toolkit.segmentation.submission import Place
from toolkit.sources.model import Segment

# From here on a span whose bounds were moved is the same post with the same id: an edit, not another post.
SAME = 0.8
# Below this much of the shorter one in common, two spans merely touch.
_AKIN = 0.5

Kind = Literal["kept", "moved", "redrawn", "new"]


class Origin(NamedTuple):
    """A marked place, the span it goes back to, and how: ``redrawn`` keeps the attributes, but not the id."""

    place: Place
    before: Segment | None
    kind: Kind


def origins(before: Sequence[Segment], places: Iterable[Place]) -> list[Origin]:
    """Return each place with its origin, by place; a span is the origin of one place at most. Pure."""
    exact: dict[tuple[str, int, int], Segment] = {(s.role, s.char_start, s.char_end): s for s in before}
    found: list[Origin] = []
    open_places: list[Place] = []
    for place in places:
        same = exact.pop((place.role, place.start, place.end), None)
        if same:
            found.append(Origin(place, same, "kept"))
        else:
            open_places.append(place)
    pairs = sorted(_pairs(exact.values(), open_places), key=lambda p: (-p[0], p[2].char_start, p[1].start, p[1].end))
    heirs: dict[Place, Segment] = {}
    given: set[tuple[str, int, int]] = set()
    for share, place, segment in pairs:
        identity = (segment.role, segment.char_start, segment.char_end)
        if place not in heirs and identity not in given:
            heirs[place] = segment
            given.add(identity)
            found.append(Origin(place, segment, "moved" if share >= SAME else "redrawn"))
    found += [Origin(place, None, "new") for place in open_places if place not in heirs]
    return sorted(found, key=lambda o: (o.place.start, -o.place.end, o.place.role))


def _pairs(before: Iterable[Segment], places: Iterable[Place]) -> Iterator[tuple[float, Place, Segment]]:
    """Yield (common share of both, place, span) for those of one role that are mostly the same."""
    by_role: dict[str, list[Segment]] = defaultdict(list)
    for segment in before:
        by_role[segment.role].append(segment)
    for segments in by_role.values():
        segments.sort(key=lambda s: s.char_start)
    for place in places:
        segments = by_role[place.role]
        for segment in segments[: bisect_left(segments, place.end, key=lambda s: s.char_start)]:
            common = min(place.end, segment.char_end) - max(place.start, segment.char_start)
            sizes = place.end - place.start, segment.char_end - segment.char_start
            if common > 0 and common >= _AKIN * min(sizes):
                yield common / (sum(sizes) - common), place, segment
