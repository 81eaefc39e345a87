"""The only Parquet reader and writer: declared schema, declared order, the same bytes for the same rows, atomic.

The bytes depend on how the rows are sliced on the way in, so a table is made one chunk a column first; dictionary columns
are never written (theirs depend on more than the values). Content-defined chunking keeps pages equal where rows are, so
that a store which deduplicates by content uploads little of a new version.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.errors import InputError
from toolkit.fsio import canonical_json, replacing, sha256_bytes
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


def row_digest(rows: pa.Table) -> str:
    """Return the SHA-256 over the rows' values in order: the same for the same rows, whatever wrote the file."""
    body = "\n".join(canonical_json(_plain(row)) for row in rows.to_pylist())
    return sha256_bytes(f"{','.join(rows.schema.names)}\n{body}".encode())


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
