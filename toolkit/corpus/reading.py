"""One source as the row makers read it: its spans looked up once, by role, key and parent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolkit.errors import InputError
from toolkit.sources.model import Segment
from toolkit.sources.segments import Passage, parent_of, passage
from toolkit.sources.source import Source

Row = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """A source with its spans looked up once."""

    source: Source
    sequence: int
    segments: list[Segment]
    by_key: dict[str, Segment] = field(default_factory=dict)
    unreviewed: bool = False

    @property
    def id(self) -> str:
        """The source's id."""
        return self.source.id

    def passage(self, segment: Segment) -> Passage:
        """Return what a span stands for."""
        return passage(segment, self.segments, self.source.text)

    def of(self, *roles: str) -> list[Segment]:
        """Return the spans of these roles, by place."""
        return [segment for segment in self.segments if segment.role in roles]

    def parent(self, segment: Segment) -> Segment | None:
        """Return the span that one belongs to."""
        return self._parents[id(segment)]

    @cached_property
    def _parents(self) -> dict[int, Segment | None]:
        # Looked up once: a report of thousands of spans asks for each again and again.
        named = {s.key: s for s in self.segments if s.key}
        return {id(s): named[s.belongs_to] if s.belongs_to else parent_of(s, self.segments) for s in self.segments}

    @cached_property
    def _children(self) -> dict[tuple[int, str], list[Segment]]:
        found: dict[tuple[int, str], list[Segment]] = {}
        for child in self.segments:
            if parent := self.parent(child):
                found.setdefault((id(parent), child.role), []).append(child)
        return found

    def parent_id(self, segment: Segment) -> str | None:
        """Return the id of the span that one belongs to."""
        parent = self.parent(segment)
        return parent.id if parent else None

    def children(self, segment: Segment, role: str) -> list[Segment]:
        """Return the spans of a role that belong to one, by place."""
        return self._children.get((id(segment), role), [])

    def footnote_id(self, label: str | None) -> str | None:
        """Return the id of the footnote with a label, None where the report has none."""
        return next((note.id for note in self.of("footnote") if label and note.footnote == label), None)

    def key(self, key: str, where: str, *roles: str) -> Segment:
        """Return the span that facts.toml names by its key; :class:`InputError` where there is none of these roles."""
        segment = self.by_key.get(key)
        if segment is None or (roles and segment.role not in roles):
            wanted = " or ".join(roles) or "segment"
            raise InputError(f"{self.source.folder / 'facts.toml'}: {where}: {key!r} is the key of no {wanted}")
        return segment


def base(read: Read, segment: Segment) -> Row:
    """Return the columns that every row made of a text has."""
    own = read.passage(segment)
    return {"source_id": read.id, "place": segment.char_start, "text": own.text, "fragments": own.records()}


def unbracketed(text: str) -> str:
    """Return a bracketed note or insertion without its square brackets."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text
