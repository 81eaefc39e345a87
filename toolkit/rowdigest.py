"""What rows a table holds, as one SHA-256: the same for the same rows in the same order, whatever wrote, cut or sent them.

Rows are taken in *blocks*: consecutive rows of one source (column ``source_id``, where there is one), at most
:data:`BLOCK` of them. A corpus writes one part file a block, so that a table's digest follows from those of its parts.

A block's digest is the SHA-256 of the number of its rows, and of, column by column, the column's name (and those of the
fields within it) and the SHA-256 of each of its streams. A stream is what the column's values are made of, one after
another, little-endian, so that it does not matter how they were cut:

- *validity*: a byte a value, 1 or 0 where it is null; a null is followed by what an empty value (0, "", []) would be;
- numbers, booleans, dates and times: 64 bits each (times: microseconds from 1970, dates: days; floating point as IEEE 754);
- strings: their lengths in bytes, 64 bits each; and, a stream of its own, their UTF-8; bytes likewise;
- lists: their lengths, 64 bits each; and the streams of all their items together;
- structs: the streams of each field, in order.

A table's digest is the SHA-256 of its columns' names and of its blocks' digests in order. Version 2; version 1 was made
of JSON, row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

VERSION = 2
BLOCK = 50_000


def row_digest(rows: pa.Table) -> str:
    """Return the digest of a table's rows."""
    return fold(rows.schema.names, (block_digest(block) for block in blocks(rows)))


def batches_digest(names: Iterable[str], batches: Iterable[pa.Table]) -> str:
    """Return :func:`row_digest` of rows that come some at a time, without holding more than a block of them."""
    return fold(names, _digests(batches))


def _digests(batches: Iterable[pa.Table]) -> Iterator[str]:
    left: pa.Table | None = None
    for rows in batches:
        # What stands last may go on: it begins where a block begins, and so is cut as it would have been.
        *whole, left = blocks(rows if left is None else pa.concat_tables([left, rows])) if rows.num_rows else [left]
        yield from map(block_digest, whole)
    if left is not None:
        yield block_digest(left)


def fold(names: Iterable[str], digests: Iterable[str]) -> str:
    """Return a table's digest: its columns' names, and its blocks' digests in order."""
    whole = hashlib.sha256(f"docposts-rows-v{VERSION}\n{','.join(names)}".encode())
    for digest in digests:
        whole.update(bytes.fromhex(digest))
    return whole.hexdigest()


def blocks(rows: pa.Table) -> Iterator[pa.Table]:
    """Yield a table's blocks, in order."""
    for start, end in _runs(rows):
        for at in range(start, end, BLOCK):
            yield rows.slice(at, min(BLOCK, end - at))


def _runs(rows: pa.Table) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the rows that stand together and have one source."""
    if "source_id" not in rows.schema.names or not rows.num_rows:
        yield 0, rows.num_rows
        return
    codes = pc.fill_null(rows["source_id"].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    cuts = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), rows.num_rows]
    yield from pairwise(cuts)


def block_digest(block: pa.Table) -> str:
    """Return the digest of one block."""
    digest = BlockDigest(block.schema)
    digest.update(block)
    return digest.hexdigest()


class BlockDigest:
    """The digest of one block that comes in pieces, cut anyhow."""

    def __init__(self, schema: pa.Schema) -> None:
        self._names = schema.names
        self._rows = 0
        self._shapes = [_shape(field) for field in schema]
        self._streams: list[list[Any]] = [[] for _ in schema]

    def update(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Take rows in, after those before."""
        self._rows += rows.num_rows
        for hashers, column in zip(self._streams, rows.columns, strict=True):
            for values in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
                for number, stream in enumerate(_streams(values)):
                    if number == len(hashers):
                        hashers.append(hashlib.sha256())
                    hashers[number].update(stream)

    def hexdigest(self) -> str:
        """Return the digest of the rows so far."""
        whole = hashlib.sha256(f"{self._rows}\n".encode())
        for shape, hashers in zip(self._shapes, self._streams, strict=True):
            whole.update(shape.encode())
            for hasher in hashers:
                whole.update(hasher.digest())
        return whole.hexdigest()


def _shape(field: pa.Field) -> str:
    """Return a column's name, and those of the fields that it is made of."""
    kind = field.type
    if pa.types.is_struct(kind):
        return f"{field.name}\n{{\n{''.join(_shape(inner) for inner in kind)}}}\n"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _shape(kind.value_field.with_name(""))
        return f"{field.name}\n[\n{inner}]\n"
    return f"{field.name}\n"


def _streams(values: pa.Array) -> Iterator[bytes | memoryview]:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.dictionary_decode()
        kind = values.type
    yield np.ascontiguousarray(values.is_valid().to_numpy(zero_copy_only=False)).tobytes()
    if pa.types.is_null(kind):
        return
    if pa.types.is_binary(kind):
        # As strings are; a null is an empty one.
        values = pc.fill_null(values, b"")
        yield _numbers(pc.binary_length(values).cast(pa.int64()).to_numpy(zero_copy_only=False))
        yield b"".join(value.as_buffer() for value in values)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = pc.fill_null(values, "").cast(pa.large_string())
        if not len(values):
            yield from (b"", b"")
            return
        offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
        yield _numbers(np.diff(offsets))
        data = values.buffers()[2]
        yield memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else b""
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield _numbers(pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False))
        yield from _streams(values.flatten())
    elif pa.types.is_struct(kind):
        # Flattened, so that a field of a null struct is null.
        for child in values.flatten():
            yield from _streams(child)
    else:
        yield _numbers(_plain(values))


def _plain(values: pa.Array) -> npt.NDArray[np.int64]:
    kind = values.type
    if pa.types.is_floating(kind):
        return np.asarray(pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)).view(np.int64)
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
    elif pa.types.is_date32(kind):
        values = values.cast(pa.int32())
    return np.asarray(pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False))


def _numbers(values: npt.NDArray[np.int64]) -> bytes:
    return np.ascontiguousarray(values, "<i8").tobytes()
