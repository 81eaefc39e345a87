"""The only Parquet reader and writer: declared schema, declared order, the same bytes for the same rows, atomic.

The bytes depend on how the rows are sliced on the way in, so a table is made one chunk a column first; dictionary columns
are never written (theirs depend on more than the values). Content-defined chunking keeps pages equal where rows are, so
that a store which deduplicates by content uploads little of a new version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit import storage
from toolkit.errors import InputError
from toolkit.fsio import replacing
from toolkit.rowdigest import BlockDigest
from toolkit.rowdigest import row_digest as row_digest  # noqa: PLC0414 (others read it from here)
from toolkit.schema import Table

ROWS_PER_GROUP = 100_000
ROWS_PER_IMAGES = 100
"""Rows of a group where they hold images: the Hub reads a group to show a row of it."""
BYTES_PER_GROUP = 32 << 20
"""A part's row group ends with the piece that makes it as large as this, in memory, or fills it with rows."""
# Of the 64 KiB that the Hub's store keeps things in, not of the megabyte that is the default: less is sent again (benchmarks).
_CHUNKS = {"min_chunk_size": 32 << 10, "max_chunk_size": 128 << 10, "norm_level": 0}
# Images are larger than that, and each is a page by itself: otherwise where pages end would be another from the first change on.
_CHUNKS_OF_IMAGES = {"min_chunk_size": 4 << 10, "max_chunk_size": 8 << 10, "norm_level": 0}
# Recorded in manifests: another pyarrow may write other bytes for the same rows.
WRITER = f"pyarrow {pa.__version__}"


# Columns whose values hardly repeat. A dictionary of such is one page that every change makes another.
_SELDOM = frozenset(
    (
        "text text_simplified translation exact_hash image image_hash post_id photo_id judgement_id item_id cluster_id annotator "
        "text_sha256"
    ).split()
)


def _leaves(field: pa.Field, above: str = "") -> Iterator[str]:
    """Yield the paths of a column's leaves, as Parquet names them."""
    path, kind = f"{above}{field.name}", field.type
    if pa.types.is_list(kind):
        yield from _leaves(kind.value_field.with_name("element"), f"{path}.list.")
    elif pa.types.is_struct(kind):
        for part in kind:
            yield from _leaves(part, f"{path}.")
    else:
        yield path


def _holds_bytes(field: pa.Field) -> bool:
    kind = field.type
    return pa.types.is_binary(kind) or (pa.types.is_struct(kind) and any(map(_holds_bytes, kind)))


def write_table(path: Path, rows: pa.Table, schema: Table) -> None:
    """Write rows, whose columns must be those declared, atomically."""
    if not rows.schema.equals(schema.arrow, check_metadata=False):
        raise ValueError(f"{path.name}: columns are not those that table {schema.name} declares")
    rows = rows.replace_schema_metadata(None).combine_chunks()
    images = any(map(_holds_bytes, rows.schema))
    with replacing(path) as beside:
        pq.write_table(
            rows,
            beside,
            row_group_size=ROWS_PER_IMAGES if images else ROWS_PER_GROUP,
            compression="zstd",
            compression_level=3,
            use_dictionary=[path for field in rows.schema if field.name not in _SELDOM for path in _leaves(field)],
            write_page_index=True,
            use_content_defined_chunking=_CHUNKS_OF_IMAGES if images else _CHUNKS,
            store_schema=True,
        )


def read_table(
    path: Path, schema: Table, *, hint: str = "docposts corpus build makes a version that has them"
) -> pa.Table:
    """Read a file's rows; :class:`InputError`, with a ``hint``, where it is not a Parquet file of that table."""
    rows = read_any(path)
    if rows.schema.names != schema.arrow.names or rows.schema.types != schema.arrow.types:
        raise InputError(
            f"{path}: columns are not those that table {schema.name} declares",
            hint=hint,
        )
    return rows


def read_any(path: Path) -> pa.Table:
    """Return a file's rows whatever its columns; :class:`InputError` where it is not a Parquet file."""
    try:
        return pq.read_table(path, memory_map=False, partitioning=None)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"cannot read {path} as Parquet: {error}") from error


def scan(paths: Sequence[Path], schema: pa.Schema | None = None) -> Any:
    """Return Parquet files of one schema as a dataset that is read as it is asked for (a ``pyarrow.dataset.Dataset``)."""
    import pyarrow.dataset

    try:
        return pyarrow.dataset.dataset([str(path) for path in paths], schema=schema, format="parquet")
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {paths[0]} as Parquet: {error}") from error


class PartWriter:
    """Writes one file of a declared table piece by piece. The bytes follow from the rows and where the pieces were cut.

    ``rows`` and ``digest`` (:mod:`toolkit.rowdigest`) are those of what was written.
    """

    def __init__(self, path: Path, schema: Table) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(
            path,
            schema.arrow,
            compression="zstd",
            compression_level=1,
            # What hardly ever repeats is not looked up in a dictionary first.
            use_dictionary=[
                name for name in schema.arrow.names if name not in ("text", "text_simplified", *_keys(schema))
            ],
            write_page_index=True,
        )
        self._pending: list[pa.RecordBatch] = []
        self._digest = BlockDigest(schema.arrow)
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a piece in, whose columns must be those declared."""
        if not batch.schema.equals(self._schema.arrow, check_metadata=False):
            raise ValueError(f"columns are not those that table {self._schema.name} declares")
        self._pending.append(batch)
        held = sum(piece.num_rows for piece in self._pending)
        if held >= ROWS_PER_GROUP or sum(piece.nbytes for piece in self._pending) >= BYTES_PER_GROUP:
            self._flush()

    def close(self) -> str:
        """Write what is left; return the digest of all rows."""
        self._flush()
        self._writer.close()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        if self._pending:
            rows = pa.Table.from_batches(self._pending, self._schema.arrow).combine_chunks()
            self._digest.update(rows)
            self.rows += rows.num_rows
            self._writer.write_table(rows, row_group_size=max(1, rows.num_rows))
            self._pending = []


def _keys(schema: Table) -> list[str]:
    """Return the columns of ids and hashes: those that are unique, and those with a pattern that says so."""
    return [
        column.name
        for column in schema.columns
        if column.constraints.get("unique") or column.name in (*schema.primary_key, "platform_object_id", "exact_hash")
        if column.name not in ("source_id", "layer", "kind", "other_layer", "role")
    ]


class BatchWriter:
    """Writes one Parquet file piece by piece, each a row group."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a piece; one without rows leaves nothing."""
        if batch.num_rows:
            self._writer.write_batch(batch)

    def describe(self, metadata: Mapping[str, str]) -> None:
        """Add key-value metadata to the file."""
        self._writer.add_key_value_metadata(metadata)


@contextmanager
def writing_batches(path: Path, schema: pa.Schema) -> Iterator[BatchWriter]:
    """Give a writer of pieces with this schema; the file appears when all are written. Pages carry checksums."""
    with (
        replacing(path) as beside,
        pq.ParquetWriter(
            beside, schema, compression="zstd", compression_level=3, use_dictionary=True, write_page_checksum=True
        ) as writer,
    ):
        yield BatchWriter(writer)


@contextmanager
def _opened(place: Path | str) -> Iterator[pq.ParquetFile]:
    """Give the Parquet file at a path or an address (:mod:`toolkit.storage`)."""
    if isinstance(place, str) and storage.is_address(place):
        with storage.reading(place) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
            yield file
    else:
        with pq.ParquetFile(place, page_checksum_verification=True) as file:
            yield file


def read_batches(path: Path | str, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of any Parquet file in pieces of at most ``rows``; :class:`InputError` where it is damaged."""
    try:
        with _opened(path) as file:
            yield from file.iter_batches(batch_size=rows, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} as Parquet: {error}") from error


def read_rows(
    path: Path | str, start: int, stop: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows from ``start`` up to ``stop`` of a Parquet file, a row group's at a time, so few others are read."""
    try:
        with _opened(path) as file:
            at = 0
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if at < stop and start < at + rows:
                    read = file.read_row_group(group, columns=list(columns) if columns else None, use_threads=False)
                    first = max(0, start - at)
                    yield from read.slice(first, min(rows, stop - at) - first).combine_chunks().to_batches()
                at += rows
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} as Parquet: {error}") from error


def rows_bytes(path: Path | str, start: int, stop: int, columns: Sequence[str] | None = None) -> bytes:
    """Return some rows of a Parquet file as the bytes of another."""
    sink = pa.BufferOutputStream()
    rows = pa.Table.from_batches(read_rows(path, start, stop, columns))
    pq.write_table(rows, sink, compression="zstd", compression_level=1, write_page_checksum=True)
    return bytes(sink.getvalue())


def blank_rows(path: Path, out: Path, rows: Collection[int]) -> None:
    """Write a Parquet file of any columns to ``out`` with all values of some rows (numbers from 1) null."""
    number = 0
    with (
        pq.ParquetFile(path) as file,
        pq.ParquetWriter(out, file.schema_arrow, compression="zstd", write_page_checksum=True) as writer,
    ):
        for group in range(file.num_row_groups):
            batch = file.read_row_group(group, use_threads=False)
            places = [None if number + i + 1 in rows else i for i in range(batch.num_rows)]
            number += batch.num_rows
            # Taking no place gives no value, whatever the column's type.
            writer.write_table(batch.take(pa.array(places, pa.int64())) if None in places else batch)


def column_names(path: Path) -> list[str]:
    """Return the names of a Parquet file's top-level columns."""
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} as Parquet: {error}") from error


def file_metadata(path: Path) -> dict[str, str]:
    """Return a Parquet file's key-value metadata, none where it is no Parquet file."""
    try:
        found = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowException):
        return {}
    return {k.decode(): v.decode("utf-8", errors="replace") for k, v in found.items()}
