"""Correcting curated spans by their words: one more, one elsewhere, one less. What is not named stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, InputError
from toolkit.settings import check_record
from toolkit.sources import bracketed, segments
from toolkit.sources.marks import occurrences
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

_SHOWN = 10


@dataclass(frozen=True)
class Quote:
    """Where a span is, in words: ``quote`` is its exact text or ``first words … last words``.

    ``within`` is the key of a curated span to look in, ``after`` words right before the span, ``nth`` which of several
    places (from 1); without it a quote that several places hold is refused.
    """

    quote: str
    within: str | None = None
    after: str = ""
    nth: int | None = None


def mark(
    workspace: Workspace,
    source: Source,
    where: Quote,
    attributes: Mapping[str, Any],
    *,
    content_quote: str | None = None,
    move: bool = False,
    by: str | None = None,
) -> Segment:
    """Add a span to the curated ones and return it as accepted.

    ``attributes`` are those of a :class:`Segment`, ``role`` among them; ``content_quote`` are the words that a photo
    text's content begins with. With ``move``, the span of this role and key is put where the quote says, keeping its
    other attributes; as its text is another, its id is minted anew. Nothing is written unless all spans hold together.
    """
    with workspace.lock():
        spans = _curated(source)
        given = {name: value for name, value in attributes.items() if value is not None}
        start, end = _place(source.text, where, spans)
        given |= {"char_start": start, "char_end": end}
        if content_quote:
            given["content_start"] = source.text.find(content_quote, start, end)
            if given["content_start"] < 0:
                raise InputError(f"{content_quote!r} is not in the span")
        if move:
            moved = _of(spans, given["role"], given.get("key"))
            spans = [span for span in spans if span is not moved]
            kept = moved.model_dump(exclude={"id", "sha256", "rule", "confidence"}, exclude_defaults=True)
            if not start <= kept.get("content_start", start) < end:
                del kept["content_start"]
            given = kept | given
        what = f"the {given['role']} at {start} to {end}"
        added = check_record(given, Segment, what)
        _check_free(added, spans, source)
        saved = _save(workspace, source, spans, (what, added), by)
        return next(s for s in saved if (s.role, s.char_start, s.char_end) == (added.role, start, end))


def unmark(
    workspace: Workspace,
    source: Source,
    *,
    key: str | None = None,
    role: str | None = None,
    where: Quote | None = None,
    with_children: bool = False,
    by: str | None = None,
) -> list[Segment]:
    """Take a span, named by its key or by its role and words, out of the curated ones; return what was taken out.

    A span to which others belong is refused (:class:`ConflictError`) unless they go with it.
    """
    with workspace.lock():
        spans = _curated(source)
        if where is None:
            gone = [_of(spans, role, key)]
        else:
            gone = [_quoted(source.text, where, [span for span in spans if role in (None, span.role)], spans)]
        while children := [s for s in spans if s not in gone and s.belongs_to in {g.key for g in gone if g.key}]:
            if not with_children:
                named = ", ".join(f"{s.role} at {s.char_start} to {s.char_end}" for s in children[:_SHOWN])
                raise ConflictError(
                    f"{len(children)} spans belong to {gone[0].key!r}: {named}{' …' if len(children) > _SHOWN else ''}",
                    hint="take them out too: --with-children",
                )
            gone += children
        _save(workspace, source, [span for span in spans if span not in gone], None, by)
        return gone


def export(source: Source) -> str:
    """Return a source's text with its curated spans (else the proposed ones) in brackets, for an editor."""
    curated = source.segments_path.exists()
    path = source.segments_path if curated else source.proposals_path
    spans = segments.load(path, source.text) if path.exists() else []
    kind = "accepted" if curated else "proposed" if spans else "no"
    comment = (
        f"{source.id}: {kind} spans. Change the brackets only, then: docposts source accept {source.id} --from FILE"
    )
    return bracketed.render(source.text, spans, comment)


def _curated(source: Source) -> list[Segment]:
    if segments.has_unreviewed(source):
        raise InputError(
            f"source {source.id} has proposals, but no accepted spans to correct",
            hint=f"take them over first, then correct: docposts source accept {source.id}",
        )
    return segments.load(source.segments_path, source.text) if source.segments_path.exists() else []


def _save(
    workspace: Workspace, source: Source, spans: list[Segment], added: tuple[str, Segment] | None, by: str | None
) -> list[Segment]:
    path: Path = source.segments_path
    named = [(f"{path}: {span.role} at {span.char_start}", span) for span in spans]
    return segments.save(
        workspace, source, segments.checked([*named, *([added] if added else [])], source.text), str(path), by
    )


def _of(spans: list[Segment], role: str | None, key: str | None) -> Segment:
    if key is None:
        raise InputError(
            "which span? it needs its key, or its role and words", hint="--key KEY, or --role ROLE --quote WORDS"
        )
    found = next((span for span in spans if span.key == key and role in (None, span.role)), None)
    if found is None:
        raise InputError(
            f"no accepted {role or 'span'} has the key {key!r}", hint="docposts source review ID shows them"
        )
    return found


def _check_free(added: Segment, spans: list[Segment], source: Source) -> None:
    for span in spans:
        if (span.role, span.char_start, span.char_end) == (added.role, added.char_start, added.char_end):
            raise ConflictError(f"the {added.role} at {_at(source.text, added.char_start)} is marked already")
        if added.key and span.key == added.key:
            raise ConflictError(
                f"the key {added.key!r} is that of the {span.role} at {_at(source.text, span.char_start)}",
                hint="choose another, or move that span here: --move" if span.role == added.role else "choose another",
            )


def _place(text: str, where: Quote, spans: list[Segment]) -> tuple[int, int]:
    return _one(text, where, _places(text, where, spans))


def _places(text: str, where: Quote, spans: list[Segment]) -> list[tuple[int, int]]:
    low, high = 0, len(text)
    if where.within is not None:
        around = _of(spans, None, where.within)
        low, high = around.char_start, around.char_end
    found = occurrences(text, where.quote, low, high, where.after)
    if not found:
        inside = f"the span {where.within!r}" if where.within else "the text"
        behind = f" behind {where.after!r}" if where.after else ""
        raise InputError(
            f"{where.quote!r}{behind} is not in {inside}",
            hint="--quote 'first words … last words', as text.txt has them",
        )
    return found


def _one(text: str, where: Quote, places: list[tuple[int, int]]) -> tuple[int, int]:
    if where.nth is not None:
        if where.nth > len(places):
            raise InputError(f"{where.quote!r} is there {len(places)} times, not {where.nth}")
        return places[where.nth - 1]
    if len(places) > 1:
        shown = [
            f"{n}. {_at(text, start)}: {_around(text, start)}" for n, (start, _) in enumerate(places[:_SHOWN], start=1)
        ]
        more = [f"… and {len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
        raise InputError(
            f"{where.quote!r} is in {len(places)} places:\n  " + "\n  ".join([*shown, *more]),
            hint="say which: --nth N, --within KEY, or --after 'words before'",
        )
    return places[0]


def _quoted(text: str, where: Quote, wanted: list[Segment], spans: list[Segment]) -> Segment:
    places = _places(text, where, spans)
    at = {(span.char_start, span.char_end): span for span in wanted}
    marked = [place for place in places if place in at]
    if not marked:
        raise InputError(
            f"no accepted span of that role is {where.quote!r}", hint="docposts source review ID shows them"
        )
    return at[_one(text, where, marked)]


def _at(text: str, place: int) -> str:
    return f"line {text.count(chr(10), 0, place) + 1}, character {place}"


def _around(text: str, start: int) -> str:
    return repr(text[max(0, start - 20) : start + 30])
