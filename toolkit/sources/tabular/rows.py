"""A piece of a table → canonical rows and rejects. Pure but for the ids that have been seen.

A post's id is made of its platform and the platform's id of it, an account's of its platform and handle: the same whatever
the order of the rows and whatever the other columns say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from toolkit.ids import account_id_of, digest_id
from toolkit.sources.tabular.batches import Batch
from toolkit.sources.tabular.model import LISTS, REQUIRED, Holds, TableFile
from toolkit.sources.tabular.seen import Seen
from toolkit.sources.tabular.values import language_code, moment, native_id, values_of

# Raise it whenever the rows made of the same table differ.
VERSION = 1
_LIST = pa.list_(pa.string())
SCHEMAS: dict[Holds, pa.Schema] = {
    "posts": pa.schema(
        [
            ("row", pa.int64()),
            ("post_id", pa.string()),
            ("platform", pa.string()),
            ("platform_object_id", pa.string()),
            ("text", pa.string()),
            ("posted_at", pa.string()),
            ("account", pa.string()),
            ("account_name", pa.string()),
            ("lang", pa.string()),
            ("hashtags", _LIST),
            ("mentions", _LIST),
            ("urls", _LIST),
        ]
    ),
    "accounts": pa.schema(
        [
            ("row", pa.int64()),
            ("account_id", pa.string()),
            ("platform", pa.string()),
            ("account", pa.string()),
            ("account_name", pa.string()),
            ("created_at", pa.string()),
        ]
    ),
}
_READ: dict[str, Callable[[str], Any]] = {
    "platform_object_id": native_id,
    "account": native_id,
    "posted_at": moment,
    "created_at": moment,
    "lang": language_code,
    "platform": str.strip,
    "account_name": str.strip,
}


def post_id_of(platform: str, native: str) -> str:
    """Return the id of a tabular post."""
    return digest_id("post", platform.casefold(), native)


def convert(batch: Batch, table: TableFile, seen: Seen) -> tuple[pa.RecordBatch, list[tuple[int, str]]]:
    """Return a piece's canonical rows (:data:`SCHEMAS`) and its rejects by row number; together they are all its rows."""
    rejects = [*batch.rejects]
    kept: list[dict[str, Any]] = []
    names = list(batch.columns)
    for number, *cells in zip(batch.numbers, *batch.columns.values(), strict=True):
        try:
            kept.append(_row(number, dict(zip(names, cells, strict=True)), table))
        except ValueError as error:
            rejects.append((number, str(error)))
    key = "post_id" if table.holds == "posts" else "account_id"
    if kept:
        again = seen.add([row[key].rpartition("_")[2] for row in kept])
        rejects += [(row["row"], "id seen before") for row, there in zip(kept, again, strict=True) if there]
        kept = [row for row, there in zip(kept, again, strict=True) if not there]
    return pa.RecordBatch.from_pylist(kept, schema=SCHEMAS[table.holds]), sorted(rejects)


def _row(number: int, cells: dict[str, str], table: TableFile) -> dict[str, Any]:
    if not any(cells.values()):
        raise ValueError("blank row")
    row: dict[str, Any] = {"row": number}
    for name, value in cells.items():
        try:
            if name in LISTS:
                row[name] = values_of(value, name)
            else:
                row[name] = _READ[name](value) if name in _READ else value
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    row["platform"] = row.get("platform") or table.platform
    for name in (*REQUIRED[table.holds], "platform"):
        if not (row[name] or "").strip():
            raise ValueError(f"{name}: empty")
    # Cells that say nothing are null; lists stay lists.
    row = {name: None if value == "" else value for name, value in row.items()}
    if table.holds == "posts":
        return row | {"post_id": post_id_of(row["platform"], row["platform_object_id"])}
    return row | {"account_id": account_id_of(row["platform"], row["account"])}
