"""What ties posts beside their own texts: what curators and platforms say, a report's translations, text in images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.sources.source import Source

Stated = Mapping[str, Sequence[Sequence[str]]]
"""Kind of a link (``same_as``, ``same_object``) → groups of the ids of posts that somebody says are one."""
TEXTS = pa.schema([("post_id", pa.string()), ("exact_hash", pa.string()), ("text", pa.string()), ("kind", pa.string())])
"""Texts of posts beside their own: ``kind`` is ``translation`` or ``photo_text``."""


def stated(candidate: CorpusVersion, reports: Sequence[Source]) -> dict[str, list[list[str]]]:
    """Return what the curators of reports say is one post, and what a platform's own id says is one."""
    return {
        "same_as": _same_as(candidate, [report for report in reports if report.facts.same_as]),
        "same_object": same_objects(_named(candidate, [report.id for report in reports])),
    }


def _same_as(candidate: CorpusVersion, reports: Sequence[Source]) -> list[list[str]]:
    """Return the curators' groups as post ids: names are keys of their own source, or ids of any."""
    if not reports:
        return []
    own: dict[str, dict[str, str]] = {}
    posts: set[str] = set()
    for batch in candidate.batches("segments", ["source_id", "role", "key", "row_id"]):
        for row in batch.filter(pc.equal(batch["role"], "post")).to_pylist():
            posts.add(row["row_id"])
            if row["key"]:
                own.setdefault(row["source_id"], {})[row["key"]] = row["row_id"]
    groups = []
    for report in reports:
        for link in report.facts.same_as:
            group = [own.get(report.id, {}).get(name, name) for name in link.posts]
            if unknown := [name for name in group if name not in posts]:
                raise InputError(f"{report.folder / 'facts.toml'}: same_as: {unknown[0]!r} is no post's key or id")
            groups.append(group)
    return groups


_OBJECT = ["post_id", "platform", "platform_object_id"]


def _named(candidate: CorpusVersion, reports: Sequence[str]) -> pa.Table:
    """Return id, platform and object of all posts that have an object which a post of a report has too."""
    empty = pa.schema([(name, pa.string()) for name in _OBJECT]).empty_table()
    told = [candidate.rows_of("posts", report).select(_OBJECT) for report in reports]
    objects = pa.concat_tables([empty, *told])["platform_object_id"].drop_null().combine_chunks()
    if not len(objects):
        return empty
    found = [empty]
    for batch in candidate.batches("posts", _OBJECT):
        found.append(pa.Table.from_batches([batch.filter(pc.is_in(batch["platform_object_id"], objects))]))
    return pa.concat_tables(found)


def same_objects(posts: pa.Table) -> list[list[str]]:
    """Return groups of the posts that one platform has under one id; posts without one are in none."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in posts.select(_OBJECT).to_pylist():
        if row["platform"] and row["platform_object_id"]:
            groups.setdefault((row["platform"].casefold(), row["platform_object_id"]), []).append(row["post_id"])
    return [group for group in groups.values() if len(group) > 1]


def other_texts(candidate: CorpusVersion, reports: Iterable[str]) -> pa.Table:
    """Return the texts (:data:`TEXTS`) of reports' posts beside their own, in the order of the corpus."""
    found = []
    for report in reports:
        layers, photos = (candidate.rows_of(name, report) for name in ("text_layers", "photo_texts"))
        found.append(texts_of(candidate.rows_of("posts", report), layers, photos))
    return pa.concat_tables([TEXTS.empty_table(), *found]).combine_chunks()


def texts_of(posts: pa.Table, layers: pa.Table, photos: pa.Table) -> pa.Table:
    """Return the translations that stand beside posts' own texts, and what is written in their images.

    A description of an image is nobody's text.
    """
    own = set(_places(posts))
    beside = layers.filter(pa.array([place not in own for place in _places(layers)], pa.bool_()))
    held = photos.filter(pc.and_(photos["post_id"].is_valid(), pc.not_equal(photos["kind"], "description")))
    found = []
    for kind, rows in (("translation", beside), ("photo_text", held)):
        keys = [sha256_text(normalise(text)) for text in rows["text"].to_pylist()]
        columns = [rows["post_id"], pa.array(keys, pa.string()), rows["text"], pa.repeat(kind, rows.num_rows)]
        found.append(pa.Table.from_arrays(columns, names=TEXTS.names).cast(TEXTS))
    return pa.concat_tables(found)


def _places(rows: pa.Table) -> list[tuple[str, int]]:
    return list(zip(rows["post_id"].to_pylist(), rows["place"].to_pylist(), strict=True))
