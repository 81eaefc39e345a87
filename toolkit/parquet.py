"""The only Parquet reader and writer: declared schema, declared order, the same bytes for the same rows, atomic.

The bytes depend on how the rows are sliced on the way in, so a table is made one chunk a column first; dictionary columns
are never written (theirs depend on more than the values). Content-defined chunking keeps pages equal where rows are, so
that a store which deduplicates by content uploads little of a new version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.errors import InputError
from toolkit.fsio import canonical_json, replacing
from toolkit.schema import Table

ROWS_PER_GROUP = 100_000
# Recorded in manifests: another pyarrow may write other bytes for the same rows.
WRITER = f"pyarrow {pa.__version__}"


def write_table(path: Path, rows: pa.Table, schema: Table) -> None:
    """Write rows, whose columns must be those declared, atomically."""
    if not rows.schema.equals(schema.arrow, check_metadata=False):
        raise ValueError(f"{path.name}: columns are not those that table {schema.name} declares")
    rows = rows.replace_schema_metadata(None).combine_chunks()
    with replacing(path) as beside:
        pq.write_table(
            rows,
            beside,
            row_group_size=ROWS_PER_GROUP,
            compression="zstd",
            compression_level=3,
            use_dictionary=True,
            write_page_index=True,
            use_content_defined_chunking=True,
            store_schema=True,
        )


def read_table(path: Path, schema: Table) -> pa.Table:
    """Read a file's rows; :class:`InputError` where it is not a Parquet file of that table."""
    rows = read_any(path)
    if rows.schema.names != schema.arrow.names or rows.schema.types != schema.arrow.types:
        raise InputError(
            f"{path}: columns are not those that table {schema.name} declares",
            hint="docposts corpus build makes a version that has them",
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


def row_digest(rows: pa.Table) -> str:
    """Return the SHA-256 over the rows' values in order: the same for the same rows, whatever wrote the file."""
    digest = hashlib.sha256(",".join(rows.schema.names).encode())
    # In slices: as Python objects a million rows would fill the memory.
    for batch in rows.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            digest.update(f"\n{canonical_json(_plain(row))}".encode())
    if not rows.num_rows:
        digest.update(b"\n")
    return digest.hexdigest()


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


def read_batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of any Parquet file in pieces of at most ``rows``; :class:`InputError` where it is damaged."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(batch_size=rows, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} as Parquet: {error}") from error


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


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
