"""Gates on the rows: schema, keys, references, hashes, places in texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.release.features import features, labels, release_table
from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS

_ROWS = 500_000
"""Judgements whose spans are looked at together."""


def schema(folder: Folder) -> list[str]:
    """Hold every part against its table's declaration, and the YAML's features against both."""
    problems = []
    said = folder.features()
    for config, splits in folder.parts.items():
        wanted = release_table(config).arrow
        for split, rows in splits.items():
            if rows.schema.names != wanted.names or rows.schema.types != wanted.types:
                problems.append(f"{config}/{split}: the columns are not those declared")
        if said.get(config) != features(config, labels(config, folder.codebooks)):
            problems.append(f"{config}: the YAML's features are not those of the declaration and the codebooks")
    return problems


def declared(folder: Folder) -> list[str]:
    """Hold the rows against their declarations: keys, references, required and allowed values; one type of items."""
    tables = folder.tables()
    others = {f"release_{config}": rows for config, rows in tables.items()}
    problems = [problem for config, rows in tables.items() for problem in release_table(config).check(rows, others)]
    for config, rows in tables.items():
        lists = [name for name in rows.column_names if pa.types.is_list(rows.schema.field(name).type)]
        holes = [name for name in lists if _holes(pc.list_flatten(rows[name]))]
        problems += [f"release_{config}.{name}: a list holds an empty value" for name in holes]
    problems += _of_items(tables)
    posts = Counter(tables["posts"]["account"].to_pylist())
    for row in tables["accounts"].select(["account", "posts"]).to_pylist():
        if row["posts"] != posts[row["account"]] or not row["posts"]:
            problems.append(f"account {row['account']}: posts is {row['posts']}, {posts[row['account']]} name it")
    return problems


def _of_items(tables: Mapping[str, pa.Table]) -> list[str]:
    """Look for judgements of an item that is not there, or of another type."""
    rows, held = tables["judgements"], pa.scalar(False)
    for kind, ids in (("post", tables["posts"]["post_id"]), ("photo_text", tables["photo_texts"]["photo_id"])):
        of = pc.and_(pc.equal(rows["item_type"], kind), pc.is_in(rows["item_id"], value_set=ids.combine_chunks()))
        held = pc.or_(of, held)
    return [
        f"judgement {row['judgement_id']}: {row['item_id']} is no {row['item_type']} of the release"
        for row in rows.filter(pc.invert(held)).select(["judgement_id", "item_id", "item_type"]).to_pylist()
    ]


def _holes(values: pa.ChunkedArray) -> bool:
    if not pa.types.is_struct(values.type):
        return bool(values.null_count)
    parts = range(values.type.num_fields)
    return bool(values.null_count) or any(pc.struct_field(values, [part]).null_count for part in parts)


def hashes(folder: Folder) -> list[str]:
    """Compute every exact_hash again."""
    return [
        f"{row[KEYS[config]]}: exact_hash is not that of the text"
        for config in ("posts", "photo_texts")
        for row in folder.each(config, [KEYS[config], "text", "exact_hash"])
        if row["text"] is not None and row["exact_hash"] != sha256_text(normalise(row["text"]))
    ]


def shown_texts(folder: Folder) -> dict[str, dict[str, str | None]]:
    """Return item → text layer → the text that annotators were shown; None of a dehydrated one."""
    texts: dict[str, dict[str, str | None]] = {}
    for row in folder.each("posts", ["post_id", "text", "translation", "is_translation"]):
        layer = {True: "translation", False: "original", None: "documented"}[row["is_translation"]]
        own = {layer: row["text"]}
        texts[row["post_id"]] = own | ({"translation": row["translation"]} if row["translation"] else {})
    for row in folder.each("photo_texts", ["photo_id", "kind", "text"]):
        texts[row["photo_id"]] = {row["kind"]: row["text"]}
    return texts


def evidence(folder: Folder) -> list[str]:
    """Look for every span in its text."""
    problems = _outside(folder.rows("judgements"), shown_texts(folder))
    for row in folder.each("posts", ["post_id", "text", "insertions"]):
        if any(not _inside(span, len(row["text"] or "")) for span in row["insertions"]):
            problems.append(f"{row['post_id']}: an insertion lies outside the text")
    return problems


def _outside(rows: pa.Table, texts: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    # Without the text there is no end to lie behind.
    wet = {item: own for item, own in texts.items() if None not in own.values()}
    sizes = {f"{item}\n{layer}": len(text or "") for item, own in wet.items() for layer, text in own.items()}
    dry = pa.array([item for item in texts if item not in wet], pa.string())
    layers, ends = pa.array([*sizes], pa.string()), pa.array([*sizes.values()], pa.int64())
    problems = []
    rows = rows.select(["judgement_id", "item_id", "text_layer", "evidence"])
    for start in range(0, rows.num_rows, _ROWS):
        part = rows.slice(start, _ROWS)
        problems += _outside_of(part.filter(pc.invert(pc.is_in(part["item_id"], value_set=dry))), layers, ends)
    return problems


def _outside_of(rows: pa.Table, layers: pa.Array, ends: pa.Array) -> list[str]:
    shown = pc.binary_join_element_wise(rows["item_id"], rows["text_layer"], "\n")
    place = pc.index_in(shown, value_set=layers)
    size = pc.fill_null(ends.take(place.combine_chunks()), 0)
    of, spans = pc.list_parent_indices(rows["evidence"]).combine_chunks(), pc.list_flatten(rows["evidence"])
    start, end = (pc.fill_null(pc.struct_field(spans, side), -1) for side in ("start", "end"))
    length = size.take(of)
    lies = pc.and_(pc.and_(pc.greater_equal(start, 0), pc.less(start, end)), pc.less_equal(end, length))
    found = pa.table({"name": rows["judgement_id"].take(of), "start": start, "end": end, "length": length})
    return [
        f"judgement {row['name']}: evidence at {row['start']} to {row['end']} of {row['length']}"
        for row in found.filter(pc.invert(lies)).to_pylist()
    ]


def _inside(span: dict[str, Any], length: int) -> bool:
    return span["start"] is not None and span["end"] is not None and 0 <= span["start"] < span["end"] <= length
