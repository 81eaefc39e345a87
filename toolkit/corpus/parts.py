"""Parts: the files that the tables of a version are made of, one block of rows each (:data:`toolkit.rowdigest.BLOCK`).

They are written into a staging folder and take their places in ``corpus/parts/`` when all of a build has held. What a part
holds is checked as it is written, row by row; keys and references by :mod:`toolkit.corpus.checks`, over all parts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus.batch import About, account_ids, layer_rows, post_rows
from toolkit.corpus.sketching import PartFiles
from toolkit.errors import ChecksFailed
from toolkit.fsio import sha256_file
from toolkit.parquet import PartWriter, read_rows
from toolkit.rowdigest import BLOCK, blocks
from toolkit.schema import Table, table

Entry = dict[str, Any]
"""A part in the manifest: name (of its source), sha256, bytes, rows, row_digest."""
WORK = "work"
"""The folder within staging where what a search works on lies."""
PIECE_ROWS = 5_000
PIECE_BYTES = 8 << 20
ACCOUNT = pa.schema([(n, pa.string()) for n in ("account_id", "platform", "handle", "name", "created_at")])


class Job(NamedTuple):
    """One block of a table's canonical rows to be made into parts.

    ``sketches`` is a folder for what a search works on, where it is to be made along with them.
    """

    rows: Path | str
    start: int
    stop: int
    about: About
    staging: Path
    holds: str
    sketches: Path | None = None


class Made(NamedTuple):
    """What became of a :class:`Job`: the parts by table, and the accounts that its rows name (:data:`ACCOUNT`)."""

    parts: dict[str, Entry]
    accounts: pa.Table


def make_table_parts(job: Job) -> Made:
    """Write the parts of ``posts`` and ``text_layers`` for one block of a table."""
    if job.holds != "posts":
        return Made(
            {}, _together([_accounts(p, account_ids(p)) for p in pieces(read_rows(job.rows, job.start, job.stop))])
        )
    seen = []
    files = PartFiles(job.sketches) if job.sketches else None
    source = job.about.source_id
    with writing(job.staging, "posts", source) as posts, writing(job.staging, "text_layers", source) as layers:
        for piece in pieces(read_rows(job.rows, job.start, job.stop)):
            made, normal = post_rows(piece, job.about)
            posts.write(made)
            layers.write(layer_rows(made))
            seen.append(_accounts(piece, made["account_id"]))
            if files:
                files.add(made["post_id"], made["exact_hash"], normal)
    if files:
        files.close(posts.entry["sha256"])
    return Made({"posts": posts.entry, "text_layers": layers.entry}, _together(seen))


class Accounts:
    """The accounts that rows name (:data:`ACCOUNT`), each with each of its names once, in the order in which they come.

    What waits to be put together is never more rows than there are, so that a table of millions of posts holds its accounts
    and not those of all its blocks.
    """

    def __init__(self) -> None:
        self._known, self._waiting = ACCOUNT.empty_table(), [ACCOUNT.empty_table()]

    def add(self, seen: pa.Table) -> None:
        """Take in those of a block."""
        self._waiting.append(seen)
        if sum(table.num_rows for table in self._waiting) > self._known.num_rows:
            self.all()

    def all(self) -> pa.Table:
        """Return them."""
        self._known, self._waiting = _together([self._known, *self._waiting]), []
        return self._known


def _together(seen: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(seen).group_by(ACCOUNT.names, use_threads=False).aggregate([]).select(ACCOUNT.names)


def _accounts(piece: pa.RecordBatch, ids: pa.Array) -> pa.Table:
    nothing = pa.nulls(piece.num_rows, pa.string())
    columns = {
        "account_id": ids,
        "platform": piece["platform"],
        "handle": piece["account"],
        # Where an archive hides an account, its name is the hash that its id is.
        "name": pc.if_else(pc.equal(piece["account_name"], piece["account"]), None, piece["account_name"]),
        "created_at": piece["created_at"] if "created_at" in piece.schema.names else nothing,
    }
    found = pa.Table.from_arrays([columns[name].cast(pa.string()) for name in ACCOUNT.names], schema=ACCOUNT)
    return found.filter(found["account_id"].is_valid())


def pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut rows into pieces of at most :data:`PIECE_ROWS` rows and about :data:`PIECE_BYTES`: the same whoever runs them."""
    for block in rechunked(batches, PIECE_ROWS):
        rows = max(1, min(block.num_rows, PIECE_BYTES * block.num_rows // max(1, block.nbytes)))
        for at in range(0, block.num_rows, rows):
            yield block.slice(at, rows)


def rechunked(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in pieces of ``rows``, the last one shorter: however they came."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            taken = batch.slice(at, rows - count)
            held.append(taken)
            at, count = at + taken.num_rows, count + taken.num_rows
            if count == rows:
                yield _joined(held)
                held, count = [], 0
    if held:
        yield _joined(held)


def _joined(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(held).combine_chunks().to_batches()[0]


class Part:
    """A part that is being written; ``entry`` describes it when it is done."""

    entry: Entry

    def __init__(self, path: Path, schema: Table) -> None:
        self._schema = schema
        self.writer = PartWriter(path, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a piece; :class:`ChecksFailed` where a row of it does not hold."""
        if problems := self._schema.check_values(pa.Table.from_batches([batch])):
            raise ChecksFailed("the corpus was not built:\n  " + "\n  ".join(problems))
        self.writer.write(batch)


@contextmanager
def writing(folder: Path, name: str, part: str) -> Iterator[Part]:
    """Give a part of a table to write; it is in the folder, under its hash, once the block has ended."""
    # The folder is a build's own: what it holds is flushed, and where it ends up is when that is known.
    unnamed = folder / f".{name}-{os.getpid()}.parquet"
    out = Part(unnamed, table(name))
    yield out
    digest = out.writer.close()
    with unnamed.open("rb+") as file:
        os.fsync(file.fileno())
    sha256, size = sha256_file(unnamed), unnamed.stat().st_size
    unnamed.replace(folder / f"{sha256}.parquet")
    out.entry = {"name": part, "sha256": sha256, "bytes": size, "rows": out.writer.rows, "row_digest": digest}


def write_parts(folder: Path, name: str, part: str, rows: pa.Table) -> list[Entry]:
    """Write rows that are all here as parts; return their entries, none where there are no rows."""
    entries = []
    for block in blocks(rows) if rows.num_rows else ():
        with writing(folder, name, part) as out:
            for batch in rechunked(block.to_batches(), BLOCK):
                out.write(batch)
        entries.append(out.entry)
    return entries


def account_tables(seen: pa.Table, source_id: str) -> dict[str, pa.Table]:
    """Return a table source's rows of ``accounts`` and ``account_events``, in the order in which its rows name them."""
    codes = seen["account_id"].combine_chunks().dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    _, first = np.unique(codes.indices.to_numpy(), return_index=True)
    one = seen.take(pa.array(np.sort(first)))
    accounts = {
        "account_id": one["account_id"],
        "platform": one["platform"],
        "handle": one["handle"],
        "names": _names(seen["name"].combine_chunks(), codes.indices, one.num_rows),
    }
    created = one.filter(one["created_at"].is_valid())
    events = {
        "account_id": created["account_id"],
        "number": pa.repeat(pa.scalar(1), created.num_rows),
        "kind": pa.repeat(pa.scalar("created"), created.num_rows),
        "date": created["created_at"],
    }
    return {
        "accounts": _filled("accounts", accounts, source_id),
        "account_events": _filled("account_events", events, source_id),
    }


def _names(names: pa.Array, codes: pa.Array, accounts: int) -> pa.Array:
    """Return the names of each account: each once, in the order in which they come."""
    pairs = pa.table({"code": codes, "name": names}).filter(names.is_valid())
    pairs = pairs.group_by(["code", "name"], use_threads=False).aggregate([]) if pairs.num_rows else pairs
    places = pairs["code"].to_numpy()
    order = np.argsort(places, kind="stable")
    offsets = np.searchsorted(places[order], np.arange(accounts + 1))
    values = pairs["name"].take(pa.array(order)).combine_chunks()
    values = pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _filled(name: str, columns: dict[str, Any], source_id: str) -> pa.Table:
    """Return columns as a declared table: what is missing is false, the source, or null."""
    schema = table(name).arrow
    rows = len(columns["account_id"])
    default = {"source_id": pa.repeat(pa.scalar(source_id), rows)}
    arrays = []
    for field in schema:
        values = columns.get(field.name, default.get(field.name))
        if values is None:
            values = (
                pa.repeat(pa.scalar(False), rows) if pa.types.is_boolean(field.type) else pa.nulls(rows, field.type)
            )
        arrays.append(values.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
