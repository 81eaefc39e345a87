"""What differs between two versions, as data: rows of ``schemas/changes.json``, and values as JSON can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpus.difference import RowChange, TableDifference
from toolkit.fsio import canonical_json
from toolkit.parquet import writing_batches
from toolkit.schema import table

_BATCH = 10_000


def write(path: Path, differences: Sequence[TableDifference]) -> int:
    """Write the changes to a Parquet file (``schemas/changes.json``), one row a changed value; return how many."""
    written = 0
    with writing_batches(path, table("changes").arrow) as out:
        pending: list[dict[str, Any]] = []
        for part in differences:
            for row in part.rows():
                pending += records(row)
                if len(pending) >= _BATCH:
                    written += len(pending)
                    out.write(_batch(pending))
                    pending = []
        out.write(_batch(pending))
        return written + len(pending)


def _batch(records: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(records, schema=table("changes").arrow)


def records(row: RowChange) -> list[dict[str, Any]]:
    """Return a changed row as rows of ``schemas/changes.json``: values as JSON, so that one column holds them all."""
    about = {"table": row.table, "key": canonical_json(row.key), "change": row.kind}
    return [
        about
        | {
            "column": cell.column,
            "column_class": cell.column_class or None,
            "before": None if cell.before is None else canonical_json(plain(cell.before)),
            "after": None if cell.after is None else canonical_json(plain(cell.after)),
        }
        for cell in row.cells
    ]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as text."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
