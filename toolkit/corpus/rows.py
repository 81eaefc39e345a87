"""One source's accepted spans and facts → its rows of every table. Pure: the same source gives the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from toolkit.errors import InputError
from toolkit.fsio import read_bytes, sha256_bytes
from toolkit.ids import digest_id
from toolkit.schema import table
from toolkit.sources.model import PostFact, Segment
from toolkit.sources.registry import Source, image_type
from toolkit.sources.segments import Passage, parent_of, passage
from toolkit.text.analysis import analyse

# The tables of a corpus version that are made source by source, in the order of the pipeline.
SOURCE_TABLES = (
    "sources",
    "segments",
    "posts",
    "text_layers",
    "photo_texts",
    "notes",
    "quotations",
    "narratives",
    "accounts",
    "account_events",
    "references",
    "media",
)
_NOTES = ("translator_note", "insertion", "gloss", "footnote", "asset_history")
Row = dict[str, Any]


@dataclass(frozen=True)
class _Read:
    """A source with its spans looked up once."""

    source: Source
    sequence: int
    segments: list[Segment]
    by_key: dict[str, Segment] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.source.id

    def passage(self, segment: Segment) -> Passage:
        return passage(segment, self.segments, self.source.text)

    def of(self, *roles: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.role in roles]

    def parent(self, segment: Segment) -> Segment | None:
        return parent_of(segment, self.segments)

    def parent_id(self, segment: Segment) -> str | None:
        parent = self.parent(segment)
        return parent.id if parent else None

    def children(self, segment: Segment, role: str) -> list[Segment]:
        return [child for child in self.of(role) if self.parent(child) is segment]

    def footnote_id(self, label: str | None) -> str | None:
        return next((note.id for note in self.of("footnote") if label and note.footnote == label), None)

    def key(self, key: str, where: str, *roles: str) -> Segment:
        segment = self.by_key.get(key)
        if segment is None or (roles and segment.role not in roles):
            wanted = " or ".join(roles) or "segment"
            raise InputError(f"{self.source.folder / 'facts.toml'}: {where}: {key!r} is the key of no {wanted}")
        return segment


def source_tables(source: Source, sequence: int, segments: list[Segment]) -> dict[str, pa.Table]:
    """Return the rows of one source for each of :data:`SOURCE_TABLES`, in the order in which they stand in it."""
    read = _Read(source, sequence, segments, {s.key: s for s in segments if s.key})
    makers: dict[str, Callable[[_Read], list[Row]]] = {
        "sources": _source_rows,
        "segments": _segment_rows,
        "posts": _post_rows,
        "text_layers": _layer_rows,
        "photo_texts": _photo_rows,
        "notes": _note_rows,
        "quotations": _quotation_rows,
        "narratives": _narrative_rows,
        "accounts": _account_rows,
        "account_events": _event_rows,
        "references": _reference_rows,
        "media": _media_rows,
    }
    return {name: with_derived(name, makers[name](read)) for name in SOURCE_TABLES}


def with_derived(name: str, rows: list[Row]) -> pa.Table:
    """Return rows as a table, the columns that are computed from ``text`` filled in."""
    rows_table = table(name).from_rows(rows)
    if "text_lang" not in rows_table.column_names:
        return rows_table
    derived = analyse(pa.array([row["text"] for row in rows], pa.string()))
    for position, column in enumerate(rows_table.column_names):
        if column in derived and rows_table[column].null_count == len(rows):
            rows_table = rows_table.set_column(position, rows_table.schema.field(position), derived[column])
    return rows_table


def _source_rows(read: _Read) -> list[Row]:
    meta, file = read.source.meta, read.source.file
    series = meta.series
    same = ("title", "publisher", "published", "url", "archive_url", "licence", "rights", "actor", "campaign")
    lists = ("authors", "languages", "platforms")
    return [
        {name: getattr(meta, name) for name in same}
        | {name: list(getattr(meta, name)) for name in lists}
        | {
            "source_id": read.id,
            "key": file.key,
            "sequence": read.sequence,
            "series": series.name if series else None,
            "series_part": series.part if series else None,
            "series_total": series.total if series else None,
            "attributed_by": meta.attributed_by,
            "selection": meta.selection,
            "fictional": meta.fictional,
            "format": file.format,
            "raw_sha256": file.raw_sha256,
            "text_sha256": file.text_sha256,
            "characters": len(read.source.text),
        }
    ]


def _segment_rows(read: _Read) -> list[Row]:
    same = (
        "role",
        "char_start",
        "char_end",
        "key",
        "belongs_to",
        "footnote",
        "kind",
        "part",
        "total",
        "uncertain_boundary",
    )
    return [
        {name: getattr(segment, name) for name in same}
        | {
            "source_id": read.id,
            "text": read.source.text[segment.char_start : segment.char_end],
            "row_id": segment.id,
            "inferred": list(segment.inferred),
        }
        for segment in read.segments
    ]


def _base(read: _Read, segment: Segment) -> Row:
    own = read.passage(segment)
    return {"source_id": read.id, "place": segment.char_start, "text": own.text, "fragments": own.records()}


def _is_original(read: _Read, post: Segment) -> bool:
    """Whether a post's span gives its own words: a translation stands beside it, or the curator names its language."""
    return bool(read.children(post, "translation")) or post.lang is not None or post.kind == "verbatim"


def _post_rows(read: _Read) -> list[Row]:
    meta = read.source.meta
    facts = {fact.key: fact for fact in read.source.facts.post}
    for key in facts:
        read.key(key, "post", "post")
    rows = []
    for post in read.of("post"):
        own, fact = read.passage(post), facts.get(post.key or "")
        platform = (fact.platform if fact else None) or (meta.platforms[0] if len(meta.platforms) == 1 else None)
        rows.append(
            _base(read, post)
            | {
                "post_id": post.id,
                "platform": platform,
                "platform_object_id": fact.platform_object_id if fact else None,
                "posted_at": fact.posted_at if fact else None,
                "account_id": _account_of(read, fact) if fact and fact.account else None,
                "actor": meta.actor,
                "campaign": meta.campaign,
                "attributed_by": meta.attributed_by,
                "is_translation": not _is_original(read, post),
                "hashtags": _hashtags(read, post, own),
                "insertions": [_insertion(child, own) for child in read.children(post, "insertion")],
                "footnotes": [
                    {
                        "at": own.place(mark.char_start),
                        "label": mark.footnote or read.source.text[mark.char_start : mark.char_end],
                        "note_id": read.footnote_id(mark.footnote),
                    }
                    for mark in read.children(post, "footnote_marker")
                ],
                "media": _images(read, post),
                "uncertain_boundary": post.uncertain_boundary,
            }
        )
    return rows


def _account_of(read: _Read, fact: PostFact) -> str:
    """Return the id of a post's account; where the handle is used on several platforms, that of the post's."""
    named = [account for account in read.source.facts.account if account.handle == fact.account]
    if len(named) > 1:
        named = [account for account in named if account.platform == fact.platform]
    if len(named) != 1:
        raise InputError(
            f"{read.source.folder / 'facts.toml'}: post {fact.key}: "
            f"{'no' if not named else 'more than one'} account {fact.account!r} is declared"
        )
    return _account_id(named[0].platform, named[0].handle)


def _images(read: _Read, post: Segment) -> list[str]:
    """Return the held images of a post: its own and those of its photo texts, in order, each once."""
    owners = [post, *read.children(post, "photo_text")]
    images = [child.media for owner in owners for child in read.children(owner, "image")]
    return [media for media in dict.fromkeys(images) if media and media in read.source.media]


def _hashtags(read: _Read, post: Segment, own: Passage) -> list[str]:
    """Return the curated hashtags of a post and those found elsewhere in its text, in order."""
    from toolkit.text.entities import hashtags

    curated = [
        (
            own.place(tag.char_start),
            own.place(tag.char_end),
            read.source.text[tag.char_start : tag.char_end].lstrip("#＃"),
        )
        for tag in read.children(post, "hashtag")
    ]
    found = [(tag.start, tag.end, tag.value) for tag in hashtags(own.text)]
    apart = [tag for tag in found if not any(tag[0] < end and start < tag[1] for start, end, _ in curated)]
    return [value for _, _, value in sorted([*curated, *apart])]


def _insertion(child: Segment, own: Passage) -> Row:
    start, end = own.place(child.char_start), own.place(child.char_end)
    return {"start": start, "end": end, "text": _unbracketed(own.text[start:end])}


def _unbracketed(text: str) -> str:
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _layer_rows(read: _Read) -> list[Row]:
    rows = []
    for post in read.of("post"):
        layers = [(post, "original" if _is_original(read, post) else "translation")]
        layers += [(child, "translation") for child in read.children(post, "translation")[:1]]
        for segment, layer in layers:
            translator = (segment.translator or read.source.meta.translator) if layer == "translation" else None
            rows.append(_base(read, segment) | {"post_id": post.id, "layer": layer, "translator": translator})
    return rows


def _photo_rows(read: _Read) -> list[Row]:
    rows = []
    for photo in read.of("photo_text"):
        image = next(iter(read.children(photo, "image")), None)
        post = read.parent(photo)
        held = image is not None and image.media in read.source.media
        rows.append(
            _base(read, photo)
            | {
                "photo_id": photo.id,
                "post_id": post.id if post and post.role == "post" else None,
                "kind": photo.kind,
                "image": "held" if held else "lost",
                "media": image.media if image and held else None,
            }
        )
    return rows


def _note_rows(read: _Read) -> list[Row]:
    return [
        {
            "note_id": note.id,
            "source_id": read.id,
            "place": note.char_start,
            "kind": note.role,
            "text": _unbracketed(read.passage(note).text),
            "belongs_to": read.parent_id(note),
            "label": note.footnote,
            "inferred": "footnote" in note.inferred,
        }
        for note in read.of(*_NOTES)
    ]


def _quotation_rows(read: _Read) -> list[Row]:
    return [
        {
            "item_id": read.key(fact.key, "quotation", "post", "photo_text").id,
            "speaker": fact.speaker,
            "source_id": read.id,
            "role": fact.role,
            "manner": fact.manner,
        }
        for fact in read.source.facts.quotation
    ]


def _narrative_rows(read: _Read) -> list[Row]:
    codes = {read.key(f.key, "narrative", "narrative").key: list(f.codes) for f in read.source.facts.narrative}
    rows = []
    for narrative in read.of("narrative"):
        own = read.passage(narrative)
        names = read.children(narrative, "narrative_name")
        name = read.passage(names[0]).text if names else own.text
        place = {"source_id": read.id, "place": narrative.char_start}
        rows.append(
            {
                "narrative_id": narrative.id,
                **place,
                "name": name,
                "text": own.text,
                "codes": codes.get(narrative.key, []),
            }
        )
    return rows


def _account_id(platform: str, handle: str) -> str:
    return digest_id("account", platform.casefold(), handle.casefold())


def _account_rows(read: _Read) -> list[Row]:
    return [
        {
            "account_id": _account_id(account.platform, account.handle),
            "source_id": read.id,
            "platform": account.platform,
            "handle": account.handle,
            "names": list(account.names),
            "public_figure": account.public_figure,
            "state_outlet": account.state_outlet,
        }
        for account in read.source.facts.account
    ]


def _event_rows(read: _Read) -> list[Row]:
    find = partial(read.key, where="account.event")
    return [
        {
            "account_id": _account_id(account.platform, account.handle),
            "number": number,
            "source_id": read.id,
            "kind": event.kind,
            "date": event.date,
            "detail": event.detail,
            "note_id": find(event.segment).id if event.segment else None,
        }
        for account in read.source.facts.account
        for number, event in enumerate(account.event, start=1)
    ]


def _reference_rows(read: _Read) -> list[Row]:
    rows: list[Row] = []
    for segment in read.of("footnote_marker", "series_link"):
        text = read.source.text[segment.char_start : segment.char_end]
        label = (segment.footnote or text) if segment.role == "footnote_marker" else None
        rows.append(
            {
                "source_id": read.id,
                "place": segment.char_start,
                "kind": segment.role,
                "text": text,
                "label": label,
                "note_id": read.footnote_id(label),
                "part": segment.part,
                "belongs_to": read.parent_id(segment),
            }
        )
    for cited in read.source.facts.reference:
        note = next((n for n in read.of("footnote") if cited.footnote and n.footnote == cited.footnote), None)
        at, note_id = (note.char_start, note.id) if note else (0, None)
        row = {"source_id": read.id, "place": at, "kind": "cited_source", "text": cited.title}
        rows.append(row | {"label": cited.footnote, "note_id": note_id, "belongs_to": note_id})
    return sorted(rows, key=lambda row: (row["place"], row["kind"], row["text"]))


def _media_rows(read: _Read) -> list[Row]:
    names = {block["media"]: block["image"] for block in reversed(read.source.blocks) if "media" in block}
    rows: list[Row] = []
    for sha256, path in read.source.media.items():
        data = read_bytes(path)
        if sha256_bytes(data) != sha256:
            raise InputError(f"{path} is not the image that was added (its hash differs)", hint="restore the file")
        held = {"mime_type": image_type(data)[1], "bytes": len(data)}
        rows.append({"source_id": read.id, "sha256": sha256, "file_name": names.get(sha256, path.name), **held})
    return rows
