"""Rows of what stands around the posts: notes, narratives, references, and the curator's facts."""

from __future__ import annotations

from functools import partial

from toolkit.codebooks import Codebooks
from toolkit.corpus.reading import Read, Row, unbracketed
from toolkit.errors import InputError
from toolkit.fsio import read_bytes, sha256_bytes
from toolkit.ids import account_id_of
from toolkit.sources.images import image_type
from toolkit.sources.model import NarrativeFact

_NOTES = ("translator_note", "insertion", "gloss", "footnote", "asset_history")


def note_rows(read: Read) -> list[Row]:
    """Return the rows of ``notes``: what author and translator add."""
    return [
        {
            "note_id": note.id,
            "source_id": read.id,
            "place": note.char_start,
            "kind": note.role,
            "text": unbracketed(read.passage(note).text),
            "belongs_to": read.parent_id(note),
            "label": note.footnote,
            "inferred": "footnote" in note.inferred,
        }
        for note in read.of(*_NOTES)
    ]


def quotation_rows(read: Read) -> list[Row]:
    """Return the rows of ``quotations``: who is quoted."""
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


def narrative_rows(read: Read) -> list[Row]:
    """Return the rows of ``narratives``: the narratives as the report names them."""
    codes = {read.key(f.key, "narrative", "narrative").key: _known(read, f) for f in read.source.facts.narrative}
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


def _known(read: Read, fact: NarrativeFact) -> list[str]:
    """Return a narrative's codes; :class:`InputError` where the codebook has no such narrative."""
    unknown = sorted(set(fact.codes) - _codes(read))
    if unknown:
        raise InputError(
            f"{read.source.facts_path}: narrative {fact.key}: {unknown[0]!r} is no narrative of the codebook"
        )
    return list(fact.codes)


def _codes(read: Read) -> frozenset[str]:
    # The workspace that the source lies in may have a codebook of its own.
    codebook = Codebooks(read.source.folder.parents[1] / "codebooks")("narrative")
    return frozenset(label.id for label in codebook.labels if label.field == "narrative")


def account_rows(read: Read) -> list[Row]:
    """Return the rows of ``accounts``: the accounts of facts.toml."""
    return [
        {
            "account_id": account_id_of(account.platform, account.handle),
            "source_id": read.id,
            "platform": account.platform,
            "handle": account.handle,
            "names": list(account.names),
            "public_figure": account.public_figure,
            "state_outlet": account.state_outlet,
        }
        for account in read.source.facts.account
    ]


def event_rows(read: Read) -> list[Row]:
    """Return the rows of ``account_events``: what happened to them."""
    find = partial(read.key, where="account.event")
    return [
        {
            "account_id": account_id_of(account.platform, account.handle),
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


def reference_rows(read: Read) -> list[Row]:
    """Return the rows of ``references``: footnote markers, series links and cited sources, by place."""
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
    labels = {row["label"] for row in rows}
    for cited in read.source.facts.reference:
        note = next((n for n in read.of("footnote") if cited.footnote and n.footnote == cited.footnote), None)
        if cited.footnote and not note and cited.footnote not in labels:
            raise InputError(
                f"{read.source.facts_path}: reference {cited.title!r}: there is no footnote {cited.footnote!r}"
            )
        at, note_id = (note.char_start, note.id) if note else (0, None)
        row = {"source_id": read.id, "place": at, "kind": "cited_source", "text": cited.title}
        rows.append(row | {"label": cited.footnote, "note_id": note_id, "belongs_to": note_id})
    return sorted(rows, key=lambda row: (row["place"], row["kind"], row["text"]))


def media_rows(read: Read) -> list[Row]:
    """Return the rows of ``media``: the images held."""
    names = {block["media"]: block["image"] for block in reversed(read.source.blocks) if "media" in block}
    rows: list[Row] = []
    for sha256, path in read.source.media.items():
        data = read_bytes(path)
        if sha256_bytes(data) != sha256:
            raise InputError(f"{path} is not the image that was added (its hash differs)", hint="restore the file")
        held = {"mime_type": image_type(data)[1], "bytes": len(data)}
        rows.append({"source_id": read.id, "sha256": sha256, "file_name": names.get(sha256, path.name), **held})
    return rows
