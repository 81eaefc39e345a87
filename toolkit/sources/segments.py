"""Curated spans: reading and checking them, accepting them, the text that a span stands for."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError
from toolkit.fsio import read_jsonl, sha256_file, sha256_text, write_jsonl
from toolkit.ids import mint
from toolkit.settings import check_record
from toolkit.sources import bracketed
from toolkit.sources.marks import is_marks, resolve
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.tombstones import refuse_items
from toolkit.workspace import Workspace

# What becomes a row with an id of its own, and the id's kind.
MINTED = {
    "post": "post",
    "photo_text": "photo",
    "narrative": "narrative",
    "translator_note": "note",
    "insertion": "note",
    "gloss": "note",
    "footnote": "note",
    "asset_history": "note",
}
_INSIDE = ("hashtag", "insertion", "footnote_marker", "narrative_name")


@dataclass(frozen=True)
class Piece:
    """One piece of a row's text: text[start:end] is the source's text[source_start:source_end]."""

    start: int
    end: int
    source_start: int
    source_end: int


@dataclass(frozen=True)
class Passage:
    """A text made of pieces of a source: every one of its characters maps back."""

    text: str
    pieces: tuple[Piece, ...]

    def place(self, source_at: int) -> int:
        """Return where a place of the source lies in the text; what was left out lies where it would have stood."""
        for piece in self.pieces:
            if source_at <= piece.source_end:
                return piece.start + max(0, source_at - piece.source_start)
        return len(self.text)

    def records(self) -> list[dict[str, int]]:
        """Return the pieces as the ``fragments`` column holds them."""
        return [vars(piece).copy() for piece in self.pieces]


def load(path: Path, text: str) -> list[Segment]:
    """Return the spans of a file, by place, checked against the text; :class:`InputError` names the line that is wrong."""
    records = ((f"{path}:{line}", record) for line, record in read_jsonl(path))
    return checked([(where, check_record(record, Segment, where)) for where, record in records], text)


def read_spans(path: Path, source: Source) -> list[Segment]:
    """Return the checked spans of a file: by offsets, by quotation (:mod:`toolkit.sources.marks`), or the text itself
    with its spans in brackets (:mod:`toolkit.sources.bracketed`)."""
    if bracketed.is_bracketed(path):
        return checked(bracketed.read(path, source.text), source.text)
    if is_marks(path):
        return checked([(f"{path}:{line}", segment) for line, segment in resolve(path, source)], source.text)
    return load(path, source.text)


def checked(named: Iterable[tuple[str, Segment]], text: str) -> list[Segment]:
    """Return spans by place, each and all together held against the text; each comes with its name for errors."""
    named = list(named)
    for where, segment in named:
        _check_span(segment, text, where)
    named.sort(key=lambda entry: (entry[1].char_start, -entry[1].char_end, entry[1].role))
    segments = [segment for _, segment in named]
    _check_together(segments, [where for where, _ in named])
    return segments


def _check_span(segment: Segment, text: str, where: str) -> None:
    start, end = segment.char_start, segment.char_end
    if not start < end <= len(text):
        raise InputError(
            f"{where}: the {segment.role} spans {start} to {end}, outside the text's {len(text)} characters"
        )
    if segment.sha256 and segment.sha256 != sha256_text(text[start:end]):
        raise InputError(
            f"{where}: the {segment.role} at {start} to {end} is not the text that was accepted (its hash differs)",
            hint="restore the line, or delete its id and sha256 and accept the span anew",
        )
    if segment.role == "photo_text" and segment.kind is None:
        raise InputError(f"{where}: a photo_text needs a kind: verbatim, translation or description")
    kind = MINTED.get(segment.role)
    if segment.id and not (kind and re.fullmatch(rf"{kind}_[0-9a-f]{{32}}", segment.id)):
        raise InputError(
            f"{where}: {segment.id!r} is no id of a {segment.role}", hint="delete it: accepting the spans mints ids"
        )
    if segment.content_start is not None and not start <= segment.content_start < end:
        raise InputError(f"{where}: content_start {segment.content_start} is outside the span")


def _check_together(segments: Sequence[Segment], where: Sequence[str]) -> None:
    """Hold spans in their order against each other; ``where`` names the place of each in errors."""
    named = list(zip(segments, where, strict=True))
    keys = [(segment.key, at) for segment, at in named if segment.key]
    ids = [(segment.id, at) for segment, at in named if segment.id]
    spans = [(f"{s.role} {s.char_start} to {s.char_end}", at) for s, at in named]
    for what, values in (("key", keys), ("id", ids), ("span", spans)):
        seen: dict[str, str] = {}
        for value, at in values:
            if value in seen:
                raise InputError(f"{at}: the {what} {value} is that of another segment as well ({seen[value]})")
            seen[value] = at
    by_key = {segment.key: segment for segment in segments if segment.key}
    for segment, at in named:
        parent = by_key.get(segment.belongs_to) if segment.belongs_to else None
        if segment.belongs_to and parent is None:
            raise InputError(f"{at}: {_named(segment)} belongs to {segment.belongs_to!r}, which is no segment's key")
        if parent and segment.role in _INSIDE and not _within(segment, parent):
            raise InputError(f"{at}: {_named(segment)} lies outside {segment.belongs_to!r}, to which it belongs")
    last: Segment | None = None
    for segment, at in named:
        if segment.role != "post":
            continue
        if last and segment.char_start < last.char_end:
            raise InputError(f"{at}: {_named(segment)} overlaps {_named(last)}")
        last = segment


def _within(inner: Segment, outer: Segment) -> bool:
    return outer.char_start <= inner.char_start and inner.char_end <= outer.char_end


def _named(segment: Segment) -> str:
    return f"the {segment.role} {segment.key or ''} at {segment.char_start} to {segment.char_end}".replace("  ", " ")


def passage(segment: Segment, segments: Iterable[Segment], text: str) -> Passage:
    """Return what a span stands for: its text without its marker, and without the footnote markers within it."""
    at = segment.char_start if segment.content_start is None else segment.content_start
    inner = [s for s in segments if s.role == "footnote_marker" and s is not segment and _within(s, segment)]
    pieces: list[Piece] = []
    parts: list[str] = []
    length = 0
    behind = segment.char_end
    if segment.content_start is not None and text[segment.char_start] == "[" and text[behind - 1] == "]":
        # "[Image text: …]": the bracket that opens before the marker closes behind the words.
        behind -= "]" not in text[segment.char_start : segment.content_start]
    for start, end in [*((m.char_start, m.char_end) for m in inner), (behind, behind)]:
        if start > at:
            pieces.append(Piece(length, length + start - at, at, start))
            parts.append(text[at:start])
            length += start - at
        at = max(at, end)
    return Passage("".join(parts), tuple(pieces))


def parent_of(segment: Segment, segments: Sequence[Segment]) -> Segment | None:
    """Return the span that one belongs to: as the curator says, else the smallest row-making span around it."""
    if segment.belongs_to:
        return next(s for s in segments if s.key == segment.belongs_to)
    around = [s for s in segments if s.role in MINTED and s is not segment and _within(segment, s)]
    return min(around, key=lambda s: s.char_end - s.char_start, default=None)


def accept(workspace: Workspace, source: Source, path: Path | None = None, *, by: str | None = None) -> list[Segment]:
    """Take the spans of ``path`` (default: the curated ones, else the proposals) as this source's, and mint missing ids.

    Ids that spans have are kept, also those of spans that the curated file already holds; nothing is written unless
    every span holds. ``by`` (default: who runs the command) is entered into the ledger as the one who accepted them.
    """
    with workspace.lock():
        curated = source.segments_path
        path = path or (curated if curated.exists() else source.proposals_path)
        if not path.exists():
            raise InputError(
                f"source {source.id} has no spans to accept", hint=f"propose some: docposts source segment {source.id}"
            )
        segments = read_spans(path, source)
        if path != curated and curated.exists():
            kept = {(s.role, s.char_start, s.char_end): s for s in load(curated, source.text) if s.id}
            segments = [_keep_id(s, kept.get((s.role, s.char_start, s.char_end))) for s in segments]
        return save(workspace, source, segments, str(path), by)


def save(
    workspace: Workspace, source: Source, segments: Sequence[Segment], where: str, by: str | None
) -> list[Segment]:
    """Write checked spans as the curated ones, ids minted, and who accepted them to the ledger; unchanged ones are not."""
    curated = source.segments_path
    accepted = mint_ids(source, segments)
    refuse_items(workspace.ledger, [segment.id for segment in accepted if segment.id], where)
    _check_together(accepted, [where] * len(accepted))
    if not curated.exists() or accepted != load(curated, source.text):
        write_jsonl(curated, (segment.record() for segment in accepted))
    digest = sha256_file(curated)
    events = [entry for entry in workspace.ledger.records("accept") if entry["source_id"] == source.id]
    if not events or events[-1]["sha256"] != digest:
        as_proposed = sum(segment.rule is not None for segment in accepted)
        account = {"source_id": source.id, "by": by or person(), "spans": len(accepted), "as_proposed": as_proposed}
        workspace.ledger.append("accept", **account, sha256=digest)
    return accepted


def person() -> str:
    """Return the name that the operating system knows the user by; the user's number where it knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"uid {os.getuid()}"


def has_unreviewed(source: Source) -> bool:
    """Tell whether a source has proposals that nobody has accepted or corrected."""
    return source.proposals_path.exists() and not source.segments_path.exists()


def proposed(source: Source) -> list[Segment]:
    """Return a source's proposals with the ids that accepting them as they are would mint; nothing is written."""
    return mint_ids(source, load(source.proposals_path, source.text))


def _keep_id(segment: Segment, before: Segment | None) -> Segment:
    return (
        segment
        if segment.id or before is None
        else segment.model_copy(update={"id": before.id, "sha256": before.sha256})
    )


def mint_ids(source: Source, segments: Sequence[Segment]) -> list[Segment]:
    """Return the spans, those that become rows with an id and the hash of their text."""
    taken = {segment.id for segment in segments if segment.id}
    done = []
    for segment in segments:
        if segment.role not in MINTED or (segment.id and segment.sha256):
            done.append(segment)
            continue
        minted = segment.id
        if not minted:
            text = passage(segment, segments, source.text).text
            minted = mint(MINTED[segment.role], source.file.key, text, taken)
            taken.add(minted)
        digest = sha256_text(source.text[segment.char_start : segment.char_end])
        done.append(segment.model_copy(update={"id": minted, "sha256": digest}))
    return done
