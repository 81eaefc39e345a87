"""Recipes: a source's curated spans without its words, for whoever has a copy of the report.

A recipe holds metadata, hashes and lengths of the normal form (:mod:`toolkit.text.fold`) of spans that are long enough,
everything else as places inside or beside those, attributes and ids. Its schema is closed, and no value of it repeats five
consecutive words of the report beyond the title (:mod:`toolkit.sources.recipe_make`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from toolkit.errors import InputError
from toolkit.fsio import read_json
from toolkit.settings import Strict, check_record
from toolkit.sources.model import CuratedMeta, Role
from toolkit.sources.segments import MINTED

FORMAT = 1
# Characters of the normal form: some seven words. What is shorter could be guessed from its hash alone.
SHORTEST = 40

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Place = Annotated[int, Field(ge=0, lt=1 << 40)]
Side = Literal["start", "end"]
# The attributes of a segment that a recipe repeats as they are.
ATTRIBUTES = (
    "role",
    "key",
    "belongs_to",
    "footnote",
    "kind",
    "part",
    "total",
    "series",
    "lang",
    "translator",
    "media",
    "inferred",
    "uncertain_boundary",
    "rule",
    "confidence",
    "id",
)


class Attributes(Strict):
    """What is said of a span besides its place, as in ``segments.jsonl``."""

    role: Role = Field(description="What the span is.")
    key: str | None = Field(default=None, description="Its name within the source.")
    belongs_to: str | None = Field(default=None, description="The key of the span that it belongs to.")
    footnote: str | None = Field(default=None, description="The label of a footnote or of a marker.")
    kind: Literal["verbatim", "translation", "description"] | None = Field(
        default=None, description="What a photo text is."
    )
    part: int | None = Field(default=None, description="Part of a series.")
    total: int | None = Field(default=None, description="Parts of a series.")
    series: str | None = Field(default=None, description="Name of a series.")
    lang: str | None = Field(default=None, description="The language of a post whose own words are given.")
    translator: str | None = Field(default=None, description="Who translated.")
    media: Sha256 | None = Field(default=None, description="Hash of an image file.")
    inferred: tuple[str, ...] = Field(default=(), description="Attributes that the curator inferred.")
    uncertain_boundary: bool = Field(default=False, description="The report does not show where the span ends.")
    rule: str | None = Field(default=None, description="The rule that proposed the span; absent: set by the curator.")
    confidence: float | None = Field(default=None, ge=0, le=1, description="How sure that rule was.")
    id: str | None = Field(
        default=None, pattern=r"^[a-z]+_[0-9a-f]{32}$", description="The id of the row that the span becomes."
    )
    at: Place = Field(
        description="Where it starts: characters of the normal form, footnote markers left out; "
        "counted from the report's start, in `inside` from the start of the span around."
    )
    length: Place = Field(description="Characters of its normal form; a footnote marker has none.")
    content_at: Place | None = Field(
        default=None, description="Where a photo text starts behind its marker, from the span's own start."
    )
    dashes: tuple[Side, ...] = Field(default=(), description="Sides on which it has a dash, which is not in `length`.")


class Inside(Attributes):
    """A span inside another one: the fields of every span, no others."""


class _Top(Attributes):
    """A span that is in no other one."""

    within_line: tuple[Side, ...] = Field(default=(), description="Sides on which other words stand in its paragraph.")
    inside: tuple[Inside, ...] = Field(default=(), description="The spans inside it.")

    def markers(self) -> tuple[tuple[int, str | None], ...]:
        """Return (place, label) of the footnote markers inside it."""
        return tuple((inner.at, inner.footnote) for inner in self.inside if inner.role == "footnote_marker")


class Anchor(_Top):
    """A span that is long enough to be known by its hash: the fields of every span, and these."""

    sha256: Sha256 = Field(description="SHA-256 of its normal form in UTF-8, footnote markers left out.")


class Beside(Strict):
    """How a short span is known: together with a long one near it."""

    span: Place = Field(description="Number of the long span in `spans`, from 0.")
    sha256: Sha256 = Field(description="SHA-256 of the stretch that holds both.")


class Short(_Top):
    """A span that is too short to be known by its hash and stands beside a long one: the fields of every span, and these."""

    beside: tuple[Beside, ...] = Field(min_length=1, description="The long spans before and behind it.")


class RecipeSource(CuratedMeta):
    """What the report is: the fields of ``source.toml``."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    title: str = Field(min_length=1)


class Recipe(Strict):
    """One JSON object."""

    format: Literal[1] = Field(description="Version of this schema.")
    normal_form: Literal[1] = Field(description="Version of the normal form.")
    shortest: int = Field(ge=SHORTEST, description="Spans whose normal form is shorter have no hash of their own.")
    source: RecipeSource = Field(description="What the report is.")
    spans: tuple[Anchor, ...] = Field(min_length=1, description="Spans in no other one, by place.")
    short: tuple[Short, ...] = Field(default=(), description="Short spans in no other one, by place.")

    def markers(self) -> list[tuple[int, str | None]]:
        """Return (place in the report, label) of every footnote marker, by place."""
        inner = [(top.at + at, label) for top in (*self.spans, *self.short) for at, label in top.markers()]
        alone = [(short.at, short.footnote) for short in self.short if not short.length]
        return sorted([*inner, *alone], key=lambda marker: marker[0])

    def dumps(self) -> str:
        """Return the file's text: what says nothing left out, one span a line."""
        head = self.model_dump(mode="json", exclude_defaults=True, exclude={"spans", "short"})
        lines = [f'"{name}": {_json(value)}' for name, value in head.items()]
        for name, tops in (("spans", self.spans), ("short", self.short)):
            if tops:
                rows = ",\n".join(_json(top.model_dump(mode="json", exclude_defaults=True)) for top in tops)
                lines.append(f'"{name}": [\n{rows}\n]')
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read(path: Path) -> Recipe:
    """Return a checked recipe; :class:`InputError` names the file and what does not hold."""
    values = read_json(path)
    version = values.get("format") if isinstance(values, dict) else None
    if isinstance(version, int) and version != FORMAT:
        raise InputError(f"{path} is a recipe of format {version}; this docposts reads format {FORMAT}")
    recipe = check_record(values, Recipe, str(path))
    for where, problem in _problems(recipe):
        raise InputError(f"{path}: {where}: {problem}")
    return recipe


def _problems(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield what no field alone shows: places outside their span, names that lead nowhere."""
    named = [(f"spans.{number}", anchor) for number, anchor in enumerate(recipe.spans)]
    both: list[tuple[str, Anchor | Short]] = [*named, *((f"short.{n}", s) for n, s in enumerate(recipe.short))]
    entries: list[tuple[str, Anchor | Short | Inside]] = []
    for where, top in both:
        entries.append((where, top))
        for number, inner in enumerate(top.inside):
            entries.append((f"{where}.inside.{number}", inner))
            if inner.at + inner.length > top.length:
                yield f"{where}.inside.{number}", "lies outside the span around it"
    for where, entry in entries:
        if entry.content_at is not None and entry.content_at >= entry.length:
            yield where, "content_at lies outside the span"
    for where, anchor in named:
        if anchor.length < recipe.shortest:
            yield where, f"has a hash, though it is shorter than {recipe.shortest} characters"
    for number, short in enumerate(recipe.short):
        if any(beside.span >= len(recipe.spans) for beside in short.beside):
            yield f"short.{number}.beside", f"there are {len(recipe.spans)} spans"
    keys = {entry.key for _, entry in entries if entry.key}
    for name in ("key", "id"):
        values = [value for _, entry in entries if (value := getattr(entry, name))]
        for twice in sorted({value for value in values if values.count(value) > 1}):
            yield name, f"{twice} is that of two spans"
    for where, entry in entries:
        if entry.belongs_to and entry.belongs_to not in keys:
            yield where, f"belongs to {entry.belongs_to!r}, which is no span's key"
        if entry.id and not entry.id.startswith(f"{MINTED.get(entry.role, '')}_"):
            yield where, f"{entry.id} is no id of a {entry.role}"
        if entry.length == 0 and entry.role != "footnote_marker":
            yield where, f"a {entry.role} without a character"
