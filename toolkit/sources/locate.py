"""Where the long spans of a recipe stand in a copy of the report.

A span is looked for from the beginning of every line of the copy, and, where it is not found so, from the beginning of
every word: its length says where it would end, its hash whether it is there. Footnote markers are stepped over where the
recipe says that one stands, in whatever form the copy shows it, and where the copy shows one that the recipe has not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from toolkit.fsio import sha256_text
from toolkit.sources.recipe import Anchor, Recipe, Short
from toolkit.sources.stretch import Place, Wanted, match, place_of, whole_words, word_starts
from toolkit.text.fold import Folded, fold, normal

_LABEL = r"(?:[\[(^]{0,2}(?:[\d⁰¹²³⁴-⁹]{1,3}|[*†‡§])[\])]?)"
# What may stand before the first word of a paragraph, and behind its last: bullets, a note's number, a marker, a way back.
_BEFORE = re.compile(rf"[\s>•◦▪●·*\-–—]*(?:{_LABEL}[.:)]?)?\s*")
_BEHIND = re.compile(rf"\s*{_LABEL}?\s*[↩↑^⤴]?\ufe0e?\s*")
_EVIDENT = re.compile(r"[⁰¹²³⁴-⁹]+|\[(?:\^|note |fn)?\d{1,3}\]")
# Behind one or two digits and a point, comma or colon a number is the rest of a number or a time; behind a year it is not.
_GLUED = re.compile(
    r"(?<=[^\W\d_])\d{1,2}(?!\w)"
    r"|(?<=[.,;:!?”\"’')\]])(?<!(?<!\d)\d[.,:])(?<!(?<!\d)\d\d[.,:])\d{1,2}(?=\s|$)"
)
# How many places within lines are tried, over all spans: beyond, a copy is too long to be searched so.
_TRIES = 4_000_000

Places = Mapping[int, Mapping[int, Place]]


@dataclass(frozen=True)
class Located:
    """Places of long spans by their number; those that the order alone decided; those with other words beside them."""

    places: Mapping[int, Place]
    ambiguous: frozenset[int]
    crowded: frozenset[int]


class Copy:
    """A copy of a report, read for its markers in up to three ways; ``anchors`` are (start, end) of linked markers."""

    def __init__(self, text: str, anchors: Iterable[tuple[int, int]] = ()) -> None:
        self.text = text
        evident = _apart([*anchors, *(m.span() for m in _EVIDENT.finditer(text))])
        glued = _apart([*evident, *(m.span() for m in _GLUED.finditer(text))])
        self.readings = [fold(text, out) for out in dict.fromkeys(((), evident, glued))]

    def locate(self, recipe: Recipe) -> Located:
        """Return where the long spans of a recipe stand."""
        found: dict[int, dict[int, Place]] = {}
        seeking = {n: Wanted(a.length, a.sha256, a.markers()) for n, a in enumerate(recipe.spans)}
        lines = self._lines()
        for folded in self.readings:
            self._seek(folded, seeking, lines, found)
        for folded in self.readings:
            covered = [(p.start, p.end) for places in found.values() for p in places.values()]
            words = word_starts(self.text, folded, covered)
            if len(words) * (len(seeking) - len(found)) <= _TRIES:
                self._seek(folded, seeking, words, found)
        free: dict[int, dict[int, Place]] = {}
        for number, places in found.items():
            kept = {at: p for at, p in places.items() if self._stands_free(recipe.spans[number], p, found)}
            if kept:
                free[number] = kept
        located, ambiguous = _in_order(recipe.spans, free)
        return Located(located, frozenset(ambiguous), frozenset(found.keys() - free.keys()))

    def _seek(
        self, folded: Folded, seeking: Mapping[int, Wanted], starts: Iterable[int], found: dict[int, dict[int, Place]]
    ) -> None:
        """Add the places of spans that are not found yet, from these places of the text on."""
        left = {number: want for number, want in seeking.items() if number not in found}
        plain: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, want in left.items():
            if not want.markers:
                plain[want.length][want.sha256].append(number)
        for index in sorted({folded.at(start) for start in starts}) if left else ():
            hits: list[tuple[int, Place]] = []
            for length, hashes in plain.items():
                words = folded.text[index : index + length]
                for number in hashes.get(sha256_text(words), ()) if len(words) == length else ():
                    hits.append((number, place_of(self.text, folded, index, length, [])))
            for number, want in left.items():
                if want.markers and (place := match(self.text, folded, index, want)):
                    hits.append((number, place))
            for number, place in hits:
                if whole_words(self.text, place):
                    found.setdefault(number, {}).setdefault(place.start, place)

    def _lines(self) -> list[int]:
        """Return where a paragraph may begin: at each line, and behind a bullet or a number there."""
        starts = []
        at = 0
        for line in self.text.split("\n"):
            lead = _BEFORE.match(line)
            starts += [at, at + (lead.end() if lead else 0)]
            at += len(line) + 1
        return starts

    def _stands_free(self, top: Anchor | Short, place: Place, found: Places) -> bool:
        """Tell whether a span fills its paragraph as in the report, or shares it with other spans of the recipe.

        A paragraph that has more words than the report's is another text, as one with fewer is.
        """
        text = self.text
        first, last = text.rfind("\n", 0, place.start) + 1, text.find("\n", place.end)
        sides = [
            ("start", _BEFORE, first, place.start),
            ("end", _BEHIND, place.end, last if last >= 0 else len(text)),
        ]
        others = [p for places in found.values() for p in places.values() if p.start != place.start]
        return all(
            side in top.within_line
            or frame.fullmatch(text, low, high)
            or not normal(text[low:high])
            or any(low <= p.start < high or low < p.end <= high for p in others)
            for side, frame, low, high in sides
        )

    def stands_free(self, top: Anchor | Short, place: Place, located: Mapping[int, Place]) -> bool:
        """Tell of a short span whether it fills its paragraph as in the report, or shares it with long ones."""
        return self._stands_free(top, place, {number: {p.start: p} for number, p in located.items()})


def _apart(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ranges in order, those that begin within an earlier one left out."""
    kept: list[tuple[int, int]] = []
    for low, high in sorted(ranges, key=lambda r: (r[0], -r[1])):
        if low < high and (not kept or low >= kept[-1][1]):
            kept.append((low, high))
    return tuple(kept)


def _in_order(anchors: Sequence[Anchor], found: Places) -> tuple[dict[int, Place], set[int]]:
    """Give each span one place, equal spans in the order of the report; tell those that the order alone decides."""
    equal: dict[str, list[int]] = defaultdict(list)
    for number in sorted(found):
        equal[anchors[number].sha256].append(number)
    settled = {
        number: next(iter(found[number].values()))
        for numbers in equal.values()
        for number in numbers
        if len(numbers) == 1 and len(found[number]) == 1
    }
    places, unsure = dict(settled), set()
    for numbers in equal.values():
        if numbers[0] in settled:
            continue
        free = sorted({at for number in numbers for at in found[number]})
        between: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number in numbers:
            low = max((p.end for n, p in settled.items() if n < number), default=0)
            high = min((p.start for n, p in settled.items() if n > number), default=free[-1] + 1)
            between[low, high].append(number)
        # What lies between the same neighbours first; then, for a copy in another order, whatever is left.
        astray: list[int] = []
        for (low, high), group in between.items():
            options = [at for at in free if low <= at < high]
            if len(options) != len(group):
                unsure |= set(group)
            for number, at in zip(group, options, strict=False):
                places[number] = found[number].get(at) or next(iter(found[number].values()))
                free.remove(at)
            astray += group[len(options) :]
        for number, at in zip(astray, free, strict=False):
            places[number] = found[number].get(at) or next(iter(found[number].values()))
    return places, unsure
