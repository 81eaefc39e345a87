"""A source's rows without a post: rows that are it go, words of it in rows that stay become blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus.reading import unbracketed
from toolkit.purge.spans import Ranges, redact, touches, within
from toolkit.sources.model import Segment
from toolkit.sources.segments import passage
from toolkit.text.analysis import analyse
from toolkit.tombstones import Tombstone

Row = dict[str, Any]
_TEXTS = {"posts": "post_id", "text_layers": "post_id", "photo_texts": "photo_id"}


@dataclass(frozen=True)
class Erased:
    """What is purged, and what its source is from then on: ``text`` is the redacted one of a report, None of a table."""

    stone: Tombstone
    text: str | None = None
    text_sha256: str | None = None
    raw_sha256: str | None = None

    @property
    def items(self) -> set[str]:
        """The ids of all that goes."""
        return {self.stone.id, *self.stone.items}

    @property
    def ranges(self) -> Ranges:
        """Where it stood in text.txt."""
        return self.stone.ranges


def erased_rows(name: str, rows: pa.Table, erased: Erased, context: Mapping[str, pa.Table]) -> pa.Table:
    """Return the rows of the post's source without it; ``context`` are the version's ``segments`` and ``posts`` of it."""
    if erased.text is None:
        return _table_rows(name, rows, erased, context)
    if name not in _KEEP:
        return rows
    kept = [left for row in rows.to_pylist() if (left := _KEEP[name](row, erased, context)) is not None]
    return pa.Table.from_pylist(kept, schema=rows.schema)


def _table_rows(name: str, rows: pa.Table, erased: Erased, context: Mapping[str, pa.Table]) -> pa.Table:
    ids = pa.array(sorted(erased.items), pa.string())
    if name in ("posts", "text_layers"):
        return rows.filter(pc.invert(pc.is_in(rows["post_id"], ids)))
    if name in ("accounts", "account_events"):
        # An account that the table names for this post alone is known no longer.
        before = context["posts"]
        after = before.filter(pc.invert(pc.is_in(before["post_id"], ids)))
        lost = {*before["account_id"].to_pylist()} - {*after["account_id"].to_pylist(), None}
        return rows.filter(pc.invert(pc.is_in(rows["account_id"], pa.array(sorted(lost - {None}), pa.string()))))
    if name == "sources":
        place = rows.column_names.index("raw_sha256")
        hashes = pa.array([erased.raw_sha256] * rows.num_rows, pa.string())
        return rows.set_column(place, rows.schema.field(place), hashes)
    return rows


def _source(row: Row, erased: Erased, _: Any) -> Row | None:
    return row | {"text_sha256": erased.text_sha256}


def _segment(row: Row, erased: Erased, _: Any) -> Row | None:
    start, end = row["char_start"], row["char_end"]
    if row["row_id"] in erased.items or within(start, end, erased.ranges):
        return None
    return row | {"text": str(erased.text)[start:end]} if touches(start, end, erased.ranges) else row


def _text(name: str) -> Callable[[Row, Erased, Any], Row | None]:
    def keep(row: Row, erased: Erased, _: Any) -> Row | None:
        if {row[_TEXTS[name]], row.get("post_id")} & erased.items:
            return None
        pieces = row["fragments"]
        kept = dict(row)
        if "media" in row and isinstance(row["media"], list):
            kept["media"] = [media for media in row["media"] if media not in erased.stone.media]
        for note in kept.get("footnotes", ()):
            if note["note_id"] in erased.items:
                note["note_id"] = None
        if any(touches(piece["source_start"], piece["source_end"], erased.ranges) for piece in pieces):
            words = "".join(str(erased.text)[piece["source_start"] : piece["source_end"]] for piece in pieces)
            derived = {key: values[0].as_py() for key, values in analyse(pa.array([words], pa.string())).items()}
            kept |= {"text": words} | {key: value for key, value in derived.items() if key in row}
        return kept

    return keep


def _note(row: Row, erased: Erased, context: Mapping[str, pa.Table]) -> Row | None:
    if {row["note_id"], row["belongs_to"]} & erased.items:
        return None
    words = _words(row["note_id"], erased, context)
    return row if words is None else row | {"text": unbracketed(words)}


def _narrative(row: Row, erased: Erased, context: Mapping[str, pa.Table]) -> Row | None:
    words = _words(row["narrative_id"], erased, context)
    if words is None:
        return row
    # The name is the text itself, or a stretch of it, which blocks of its length stand for where it is gone.
    named = row["text"].find(row["name"])
    name = words[named : named + len(row["name"])] if named >= 0 else row["name"]
    return row | {"text": words, "name": name}


def _words(row_id: str, erased: Erased, context: Mapping[str, pa.Table]) -> str | None:
    """Return what a span that has words of the purged stands for now; None where it has none."""
    spans = [
        Segment.model_construct(role=s["role"], char_start=s["char_start"], char_end=s["char_end"], id=s["row_id"])
        for s in context["segments"].to_pylist()
    ]
    own = next((span for span in spans if span.id == row_id), None)
    if own is None or not touches(own.char_start, own.char_end, erased.ranges):
        return None
    return passage(own, spans, str(erased.text)).text


def _quotation(row: Row, erased: Erased, _: Any) -> Row | None:
    return None if row["item_id"] in erased.items else row


def _reference(row: Row, erased: Erased, _: Any) -> Row | None:
    if row["kind"] != "cited_source" and within(row["place"], row["place"] + len(row["text"]), erased.ranges):
        return None
    return row | {name: None for name in ("note_id", "belongs_to") if row[name] in erased.items}


def _event(row: Row, erased: Erased, _: Any) -> Row | None:
    return row | {"note_id": None} if row["note_id"] in erased.items else row


def _media(row: Row, erased: Erased, _: Any) -> Row | None:
    return None if row["sha256"] in erased.stone.media else row


_KEEP: dict[str, Callable[[Row, Erased, Any], Row | None]] = {
    "sources": _source,
    "segments": _segment,
    "posts": _text("posts"),
    "text_layers": _text("text_layers"),
    "photo_texts": _text("photo_texts"),
    "notes": _note,
    "narratives": _narrative,
    "quotations": _quotation,
    "references": _reference,
    "account_events": _event,
    "media": _media,
}


def redacted(text: str, erased: Erased) -> Erased:
    """Return what is purged together with the text as it is from then on."""
    return replace(erased, text=redact(text, erased.ranges))
