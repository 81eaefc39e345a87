"""A table's canonical rows → rows of the corpus: pure functions from record batch to record batch, which know no engine.

:func:`post_rows` is what the process pool runs on pieces of a file and a Spark cluster on pieces of a partition: it needs no
workspace, holds nothing between two calls, and gives each row the same values whatever stands around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.ids import account_id_of, normalise
from toolkit.schema import table
from toolkit.text.analysis import derived
from toolkit.text.entities import defang

_LISTS = pa.list_(pa.string())


@dataclass(frozen=True)
class About:
    """What all posts of a table share: its source, and what that says of who posted them."""

    source_id: str
    actor: str | None = None
    campaign: str | None = None
    attributed_by: str | None = None


class Rows(NamedTuple):
    """Rows of ``posts``, and their texts' normal forms (:func:`toolkit.ids.normalise`), which more than a column is made of."""

    posts: pa.RecordBatch
    normal: list[str]


def post_rows(batch: pa.RecordBatch, about: About) -> Rows:
    """Return the rows of ``posts`` for canonical rows of a table (``toolkit.sources.tabular.rows.SCHEMAS``), one for one."""
    rows = batch.num_rows
    known = table("posts").arrow
    texts = batch["text"].to_pylist()
    normal = [normalise(text) for text in texts]
    found = derived(texts, normal, batch["lang"])
    columns = {name: values for name, values in found.items() if name in known.names}
    columns |= {name: batch[name] for name in ("post_id", "platform", "platform_object_id", "posted_at", "text")}
    # What the table lists counts for more than what is found in a text that may have been cut.
    for name in ("hashtags", "mentions"):
        columns[name] = _listed(batch[name], columns[name])
    columns["urls"] = _listed(_defanged(batch["urls"]), columns["urls"])
    columns["place"] = batch["row"].cast(pa.int32())
    columns["account_id"] = account_ids(batch)
    for name in ("source_id", "actor", "campaign", "attributed_by"):
        columns[name] = _same(getattr(about, name), rows)
    for name in ("is_translation", "uncertain_boundary", "unreviewed"):
        columns[name] = pa.repeat(pa.scalar(False), rows)
    # No text.txt to point into: the place, a row number, is where the post came from.
    for name in ("fragments", "insertions", "footnotes", "media"):
        columns[name] = _empty(known.field(name).type, rows)
    return Rows(pa.RecordBatch.from_arrays([columns[name] for name in known.names], schema=known), normal)


def layer_rows(posts: pa.RecordBatch) -> pa.RecordBatch:
    """Return the one layer (``text_layers``) that each post of a table has: the original."""
    schema = table("text_layers").arrow
    constant = {"layer": _same("original", posts.num_rows), "translator": _same(None, posts.num_rows)}
    columns = [constant[name] if name in constant else posts[name] for name in schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def account_ids(batch: pa.RecordBatch) -> pa.Array:
    """Return each row's ``account_id``, null where it names no account."""
    pair = pc.binary_join_element_wise(batch["platform"], batch["account"], "\0").dictionary_encode()
    ids = [_account_id(both) for both in pair.dictionary.to_pylist()]
    return pa.array(ids, pa.string()).take(pair.indices)


@lru_cache(maxsize=50_000)
def _account_id(both: str) -> str:
    platform, handle = both.rsplit("\0", 1)
    return account_id_of(platform, handle)


def _listed(given: pa.Array, found: pa.Array) -> pa.Array:
    """Return the given list where it names anything, else the one that was found."""
    named = pc.greater(pc.fill_null(pc.list_value_length(given), 0), 0)
    if not pc.any(named).as_py():
        return found
    rows = len(given)
    places = pc.add(pa.array(range(rows), pa.int64()), pc.if_else(named, 0, rows))
    return pa.concat_arrays([given, found]).take(places)


def _defanged(urls: pa.Array) -> pa.Array:
    if not len(urls.flatten()):
        return urls
    safe = [defang(url) if "://" in url else url.replace(".", "[.]") for url in urls.flatten().to_pylist()]
    lengths = pc.fill_null(pc.list_value_length(urls), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, pa.array(safe, pa.string()))


def _same(value: str | None, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def _empty(kind: pa.DataType, rows: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows + 1), pa.array([], kind.value_type), kind)
