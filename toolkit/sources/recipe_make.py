"""Making a recipe of a source's accepted spans; none is made that would give away words of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.settings import check_record
from toolkit.sources.model import Segment
from toolkit.sources.recipe import ATTRIBUTES, SHORTEST, Anchor, Beside, Inside, Recipe, RecipeSource, Short, Side
from toolkit.sources.segments import MINTED, load
from toolkit.sources.source import Source
from toolkit.text import fold

WORDS = 5
_HAN = 10


def make(source: Source) -> Recipe:
    """Return the recipe of a source's accepted spans; :class:`InputError` where a value of it would give the text away."""
    path = source.segments_path
    spans = load(path, source.text) if path.exists() else []
    if not spans or any(span.role in MINTED and not span.id for span in spans):
        raise InputError(
            f"source {source.id} has no accepted spans to make a recipe of", hint=f"docposts source accept {source.id}"
        )
    recipe = _Maker(source.text, spans).recipe(source)
    title = source.meta.title
    for where, value in strings(recipe.model_dump(mode="json", exclude={"source": {"title"}})):
        if repeated := repeats(value, source.text, title):
            raise InputError(
                f"{source.folder}: the recipe's {where} would repeat the report: “{repeated}”",
                hint="shorten that value in source.toml or segments.jsonl",
            )
    return recipe


class _Maker:
    def __init__(self, text: str, spans: Sequence[Segment]) -> None:
        self.text = text
        self.spans = spans
        self.folded = fold.fold(text, ((s.char_start, s.char_end) for s in spans if s.role == "footnote_marker"))

    def recipe(self, source: Source) -> Recipe:
        anchors: list[Anchor] = []
        shorts: list[tuple[int, int, dict[str, Any]]] = []
        for top, inner in _nested(_without_frames(self.spans)):
            start, end = self.place(top)
            if end == start and top.role != "footnote_marker":
                continue
            record = self.entry(top, 0) | {
                "within_line": self.within_line(top),
                "inside": tuple(Inside.model_validate(self.entry(child, start)) for child in inner),
            }
            if end - start >= SHORTEST:
                anchors.append(Anchor.model_validate(record | {"sha256": self.digest(start, end)}))
            else:
                shorts.append((start, end, record))
        if not anchors:
            raise InputError(f"source {source.id}: no span is long enough to be found by its hash")
        return Recipe(
            format=1,
            normal_form=1,
            shortest=SHORTEST,
            source=_metadata(source),
            spans=tuple(anchors),
            short=tuple(
                Short.model_validate(record | {"beside": self.beside(start, end, anchors)})
                for start, end, record in shorts
            ),
        )

    def place(self, span: Segment) -> tuple[int, int]:
        return self.folded.at(span.char_start), self.folded.at(span.char_end)

    def digest(self, start: int, end: int) -> str:
        return sha256_text(self.folded.text[start:end])

    def entry(self, span: Segment, base: int) -> dict[str, Any]:
        start, end = self.place(span)
        place: dict[str, Any] = {"at": start - base, "length": end - start}
        if span.content_start is not None:
            place["content_at"] = self.folded.at(span.content_start) - start
        if end > start:
            first, last = self.folded.origin[start], self.folded.origin[end - 1] + 1
            lead, trail = self.text[span.char_start : first], self.text[last : span.char_end]
            place["dashes"] = tuple(
                s for s, left in (("start", lead), ("end", trail)) if any(fold.is_dash(c) for c in left)
            )
        return {name: getattr(span, name) for name in ATTRIBUTES} | place

    def within_line(self, span: Segment) -> tuple[Side, ...]:
        before = self.text[self.text.rfind("\n", 0, span.char_start) + 1 : span.char_start]
        end = self.text.find("\n", span.char_end)
        after = self.text[span.char_end : end if end >= 0 else len(self.text)]
        sides: tuple[tuple[Side, str], ...] = (("start", before), ("end", after))
        return tuple(side for side, words in sides if words.strip())

    def beside(self, start: int, end: int, anchors: Sequence[Anchor]) -> tuple[Beside, ...]:
        before = [n for n, anchor in enumerate(anchors) if anchor.at + anchor.length <= start]
        behind = [n for n, anchor in enumerate(anchors) if anchor.at >= end]
        near = [*before[-1:], *behind[:1]] or [0]
        stretches = [
            (min(start, a.at), max(end, a.at + a.length), number) for number in near for a in [anchors[number]]
        ]
        return tuple(Beside(span=number, sha256=self.digest(low, high)) for low, high, number in stretches)


def _without_frames(spans: Sequence[Segment]) -> list[Segment]:
    """Return the spans but for prose that holds a post: each post is known by its own hash then, whatever is around it."""
    rows = [span for span in spans if span.role == "post"]
    return [
        span
        for span in spans
        if span.role in MINTED
        or not any(span.char_start <= row.char_start and row.char_end <= span.char_end for row in rows)
    ]


def _nested(spans: Sequence[Segment]) -> Iterator[tuple[Segment, list[Segment]]]:
    """Yield each span that is in no other one with those that are in it; spans stand by place, longer ones first."""
    tops: list[tuple[Segment, list[Segment]]] = []
    for span in spans:
        around = next((inner for top, inner in tops if span.char_end <= top.char_end), None)
        if around is None:
            tops.append((span, []))
        else:
            around.append(span)
    yield from tops


def _metadata(source: Source) -> RecipeSource:
    # Nor the source's key: whoever had it could try out what an id of a short note was made of.
    values = source.meta.model_dump(mode="json", exclude={"file"}, exclude_defaults=True)
    return check_record(values, RecipeSource, str(source.folder / "source.toml"))


def strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field, text) for every text in a JSON value, names of fields included."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from strings(item, f"{where}.{number}".lstrip("."))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from strings(item, f"{where}.{name}".lstrip("."))


def repeats(value: str, report: str, title: str) -> str | None:
    """Return the first words of a value that the report has in the same order, beyond its title; None where there are none.

    Five words, or, of a script without blanks, ten characters.
    """
    for unit, size in ((r"\w+", WORDS), (r"[^\W\d_a-zA-Z\u00c0-\u2dff]", _HAN)):
        mine = re.findall(unit, value.casefold())
        runs = [tuple(mine[at : at + size]) for at in range(len(mine) - size + 1)]
        if not runs:
            continue
        theirs, free = (
            {tuple(w[at : at + size]) for at in range(len(w) - size + 1)}
            for text in (report, title)
            for w in [re.findall(unit, text.casefold())]
        )
        for run in runs:
            if run in theirs and run not in free:
                return " ".join(run)
    return None
