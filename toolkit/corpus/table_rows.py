"""A table's canonical rows → its rows of every table of the corpus: the hook that :mod:`toolkit.corpus.build` calls for it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from toolkit.corpus.reading import Read, Row
from toolkit.corpus.rows import SOURCE_TABLES, source_rows
from toolkit.ids import account_id_of
from toolkit.schema import table
from toolkit.sources.registry import Source
from toolkit.sources.tabular import ingest
from toolkit.text.analysis import analyse
from toolkit.text.entities import defang

NEAR_LIMIT = 10_000
"""Tables with more posts than this are left out of the search for near-duplicates: MinHash in Python takes hours there."""


def too_many_for_links(source: Source) -> bool:
    """Tell whether a table has more posts than :data:`NEAR_LIMIT`."""
    return source.is_table and source.table.holds == "posts" and ingest.counts(source).accepted > NEAR_LIMIT


def table_source_tables(source: Source, sequence: int) -> dict[str, pa.Table]:
    """Return a table's rows for each of :data:`SOURCE_TABLES`, in the table's order.

    Of the canonical rows a piece at a time is in Python; the result is held as Arrow.
    """
    made: dict[str, list[pa.Table]] = {name: [] for name in SOURCE_TABLES}
    made["sources"].append(table("sources").from_rows(source_rows(Read(source, sequence, []))))
    accounts: dict[str, Row] = {}
    events: list[Row] = []
    for batch in ingest.rows(source):
        rows = batch.to_pylist()
        for row in rows:
            _account(row, source.id, accounts, events)
        if source.table.holds == "posts":
            made["posts"].append(_posts(rows, source))
            made["text_layers"].append(_layers(made["posts"][-1]))
    made["accounts"].append(table("accounts").from_rows(accounts.values()))
    made["account_events"].append(table("account_events").from_rows(events))
    return {name: pa.concat_tables(pieces or [table(name).empty()]) for name, pieces in made.items()}


def _account(row: dict[str, Any], source_id: str, accounts: dict[str, Row], events: list[Row]) -> None:
    if row["account"] is None:
        return
    account_id = account_id_of(row["platform"], row["account"])
    known = accounts.setdefault(
        account_id,
        {
            "account_id": account_id,
            "source_id": source_id,
            "platform": row["platform"],
            "handle": row["account"],
            "names": [],
            "public_figure": False,
            "state_outlet": False,
        },
    )
    # Where an archive hides an account, its name is the hash that its id is.
    if row["account_name"] not in (None, row["account"], *known["names"]):
        known["names"].append(row["account_name"])
    if created := row.get("created_at"):
        events.append(
            {"account_id": account_id, "number": 1, "source_id": source_id, "kind": "created", "date": created}
        )


def _posts(rows: list[dict[str, Any]], source: Source) -> pa.Table:
    meta, schema = source.meta, table("posts")
    derived = analyse(pa.array([row["text"] for row in rows], pa.string()), [row["lang"] for row in rows])
    found = {name: values.to_pylist() for name, values in derived.items()}
    posts = []
    for i, row in enumerate(rows):
        post = {name: values[i] for name, values in found.items() if name in schema.arrow.names}
        post |= {name: row[name] for name in ("post_id", "platform", "platform_object_id", "posted_at", "text")}
        # What the table lists counts for more than what is found in a text that may have been cut.
        post |= {name: row[name] for name in ("hashtags", "mentions") if row[name]}
        if row["urls"]:
            post["urls"] = [defang(url) if "://" in url else url.replace(".", "[.]") for url in row["urls"]]
        posts.append(
            post
            | {
                "source_id": source.id,
                "place": row["row"],
                "account_id": account_id_of(row["platform"], row["account"]) if row["account"] else None,
                "actor": meta.actor,
                "campaign": meta.campaign,
                "attributed_by": meta.attributed_by,
                # No text.txt to point into: the place, a row number, is where the post came from.
                "fragments": [],
                "is_translation": False,
                "insertions": [],
                "footnotes": [],
                "media": [],
                "uncertain_boundary": False,
                "unreviewed": False,
            }
        )
    return schema.from_rows(posts)


def _layers(posts: pa.Table) -> pa.Table:
    """Return the one layer that each post of a table has: the original."""
    schema = table("text_layers").arrow
    constant = {"layer": pa.repeat("original", posts.num_rows), "translator": pa.nulls(posts.num_rows, pa.string())}
    columns = [constant[name] if name in constant else posts[name] for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)
