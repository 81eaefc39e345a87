"""One source's accepted spans and facts → its rows of every table. Pure: the same source gives the same rows."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from toolkit.corpus.fact_rows import (
    account_rows,
    event_rows,
    media_rows,
    narrative_rows,
    note_rows,
    quotation_rows,
    reference_rows,
)
from toolkit.corpus.reading import Read, Row, base, unbracketed
from toolkit.errors import InputError
from toolkit.ids import account_id_of
from toolkit.schema import table
from toolkit.sources.model import PostFact, Segment
from toolkit.sources.segments import Passage
from toolkit.sources.source import Source
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


def source_tables(
    source: Source, sequence: int, segments: list[Segment], *, unreviewed: bool = False
) -> dict[str, pa.Table]:
    """Return the rows of one source for each of :data:`SOURCE_TABLES`, in the order in which they stand in it."""
    read = Read(source, sequence, segments, {s.key: s for s in segments if s.key}, unreviewed)
    makers: dict[str, Callable[[Read], list[Row]]] = {
        "sources": source_rows,
        "segments": _segment_rows,
        "posts": _post_rows,
        "text_layers": _layer_rows,
        "photo_texts": _photo_rows,
        "notes": note_rows,
        "quotations": quotation_rows,
        "narratives": narrative_rows,
        "accounts": account_rows,
        "account_events": event_rows,
        "references": reference_rows,
        "media": media_rows,
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


def source_rows(read: Read) -> list[Row]:
    """Return the row of ``sources``."""
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
            "characters": None if read.source.is_table else len(read.source.text),
        }
    ]


def _segment_rows(read: Read) -> list[Row]:
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


def _layer(read: Read, post: Segment) -> str:
    """Return the layer that a post's span gives: its own words, the report's translation, or one of the two.

    Its own words where a translation stands beside it or the curator names its language; else as the source says.
    """
    if read.children(post, "translation") or post.lang is not None or post.kind == "verbatim":
        return "original"
    return {True: "translation", False: "original", None: "documented"}[read.source.meta.translated]


def _post_rows(read: Read) -> list[Row]:
    meta = read.source.meta
    facts = {fact.key: fact for fact in read.source.facts.post}
    for key in facts:
        read.key(key, "post", "post")
    rows = []
    for post in read.of("post"):
        own, fact = read.passage(post), facts.get(post.key or "")
        platform = (fact.platform if fact else None) or (meta.platforms[0] if len(meta.platforms) == 1 else None)
        rows.append(
            base(read, post)
            | {
                "post_id": post.id,
                "platform": platform,
                "platform_object_id": fact.platform_object_id if fact else None,
                "posted_at": fact.posted_at if fact else None,
                "account_id": _account_of(read, fact) if fact and fact.account else None,
                "actor": meta.actor,
                "campaign": meta.campaign,
                "attributed_by": meta.attributed_by,
                "is_translation": {"translation": True, "original": False}.get(_layer(read, post)),
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
                "unreviewed": read.unreviewed,
            }
        )
    return rows


def _account_of(read: Read, fact: PostFact) -> str:
    """Return the id of a post's account; where the handle is used on several platforms, that of the post's."""
    named = [account for account in read.source.facts.account if account.handle == fact.account]
    if len(named) > 1:
        named = [account for account in named if account.platform == fact.platform]
    if len(named) != 1:
        raise InputError(
            f"{read.source.folder / 'facts.toml'}: post {fact.key}: "
            f"{'no' if not named else 'more than one'} account {fact.account!r} is declared"
        )
    return account_id_of(named[0].platform, named[0].handle)


def _images(read: Read, post: Segment) -> list[str]:
    """Return the held images of a post: its own and those of its photo texts, in order, each once."""
    owners = [post, *read.children(post, "photo_text")]
    images = [child.media for owner in owners for child in read.children(owner, "image")]
    return [media for media in dict.fromkeys(images) if media and media in read.source.media]


def _hashtags(read: Read, post: Segment, own: Passage) -> list[str]:
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
    return {"start": start, "end": end, "text": unbracketed(own.text[start:end])}


def _layer_rows(read: Read) -> list[Row]:
    rows = []
    for post in read.of("post"):
        layers = [(post, _layer(read, post))]
        layers += [(child, "translation") for child in read.children(post, "translation")[:1]]
        for segment, layer in layers:
            translator = (segment.translator or read.source.meta.translator) if layer == "translation" else None
            rows.append(base(read, segment) | {"post_id": post.id, "layer": layer, "translator": translator})
    return rows


def _photo_rows(read: Read) -> list[Row]:
    rows = []
    for photo in read.of("photo_text"):
        image = next(iter(read.children(photo, "image")), None)
        post = read.parent(photo)
        held = image is not None and image.media in read.source.media
        rows.append(
            base(read, photo)
            | {
                "photo_id": photo.id,
                "post_id": post.id if post and post.role == "post" else None,
                "kind": photo.kind,
                "image": "held" if held else "lost",
                "media": image.media if image and held else None,
                "unreviewed": read.unreviewed,
            }
        )
    return rows
