"""Rows of a split in several files, where they are too many for one: the Hub's advice is 500 MB before compression.

A file ends behind a row that its id chooses, among those with which it would be nearly full. So files but the last stay as
they are while rows are appended, and most do when a row goes: the next ends fall on the same rows as before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.parquet import write_table
from toolkit.release.features import release_table

Sizes = npt.NDArray[np.int64]
_FROM = 0.75
"""How full a file is where the rows begin that it may end with."""


def part_path(config: str, split: str, number: int = 0, count: int = 1) -> str:
    """Return the path of a file within the folder."""
    return f"{config}/{split}-{number:05}-of-{count:05}.parquet"


def part_paths(config: str, split: str, count: int = 1) -> list[str]:
    """Return the paths of a split's files, in the order of its rows."""
    return [part_path(config, split, number, count) for number in range(count)]


def of_split(paths: Collection[str], config: str, split: str) -> list[str]:
    """Return which of some paths are a split's files, in order."""
    form = re.compile(rf"{re.escape(config)}/{re.escape(split)}-\d{{5}}-of-\d{{5}}\.parquet")
    return sorted(path for path in paths if form.fullmatch(path))


def write_split(folder: Path, config: str, split: str, rows: pa.Table, limit: int) -> int:
    """Write a split's rows in files of at most ``limit`` bytes before compression, in place of those there; return how many."""
    schema = release_table(config)
    pieces = [*shards(rows, schema.primary_key[0], limit)]
    for old in (folder / config).glob(f"{split}-*-of-*.parquet"):
        old.unlink()
    for path, piece in zip(part_paths(config, split, len(pieces)), pieces, strict=True):
        write_table(folder / path, piece, schema)
    return len(pieces)


def shards(rows: pa.Table, key: str, limit: int) -> Iterator[pa.Table]:
    """Yield the rows in pieces of at most ``limit`` bytes, or of one row that is larger."""
    if rows.nbytes <= limit // 2 or not rows.num_rows:
        # Buffers hold at least what is counted below, twice where every value is a bit.
        yield rows
        return
    ends = np.cumsum(_bytes_of_rows(rows))
    start = 0
    while start < rows.num_rows:
        before = int(ends[start - 1]) if start else 0
        if ends[-1] - before <= limit:
            yield rows.slice(start)
            return
        last = max(int(np.searchsorted(ends, before + limit, side="right")), start + 1)
        first = min(max(int(np.searchsorted(ends, before + int(limit * _FROM))), start), last - 1)
        names = rows[key].slice(first, last - first).to_pylist()
        chosen = min(range(len(names)), key=lambda place: sha256(names[place].encode()).digest())
        yield rows.slice(start, first + chosen + 1 - start)
        start = first + chosen + 1


def _bytes_of_rows(rows: pa.Table) -> Sizes:
    """Return what each row's values take, however they are cut and whether or not there are marks for nulls."""
    total = np.zeros(rows.num_rows, dtype=np.int64)
    for column in rows.columns:
        at = 0
        for chunk in column.chunks:
            total[at : at + len(chunk)] += _bytes_of(chunk)
            at += len(chunk)
    return total


def _bytes_of(values: Any) -> Sizes:
    kind = values.type
    if pa.types.is_struct(kind):
        return sum((_bytes_of(part) for part in values.flatten()), np.zeros(len(values), dtype=np.int64))
    if pa.types.is_list(kind):
        many = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        inner = np.r_[0, np.cumsum(_bytes_of(values.flatten()))]
        ends = np.r_[0, np.cumsum(many)]
        return np.asarray(4 + inner[ends[1:]] - inner[ends[:-1]], dtype=np.int64)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return np.asarray(pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False), dtype=np.int64) + 4
    return np.full(len(values), max(kind.bit_width // 8, 1), dtype=np.int64)
