"""A version as a folder of plain files for other tools: a Data Package (v2), one file a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from toolkit.corpus import duck
from toolkit.corpus.changes import plain
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import canonical_json, json_line, publishing, replacing, sha256_file, write_atomic
from toolkit.parquet import writing_batches
from toolkit.resources import resource

Format = Literal["parquet", "csv", "jsonl"]
_MEDIA = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "jsonl": "application/jsonl"}
_BATCH = 10_000


def export(version: CorpusVersion, folder: Path, *, form: Format = "parquet", only: Sequence[str] = ()) -> list[Path]:
    """Write tables (default: all) to a new folder, with ``datapackage.json``; return the files.

    In CSV lists and records are JSON, and an empty cell is null. :class:`ConflictError` where the folder is there.
    """
    there = version.manifest["tables"]
    if unknown := [name for name in only if name not in there]:
        raise InputError(f"corpus {version.version} has no table {unknown[0]!r}", hint=f"tables: {', '.join(there)}")
    if folder.exists():
        raise ConflictError(f"{folder} is there already", hint="name a folder that is not")
    write = {"parquet": _parquet, "csv": write_csv, "jsonl": write_lines}[form]
    resources = []
    with publishing(folder) as new:
        for name in only or there:
            path = new / f"{name}.{form}"
            rows = duck.lazy([part for _, part in version.part_files(name)], name)
            write(path, rows)
            resources.append(_resource(name, path, form, there[name]["rows"]))
        about = {
            "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
            "name": "corpus",
            "version": str(version.version),
            "resources": resources,
        }
        write_atomic(new / "datapackage.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    return sorted(folder.iterdir())


def _resource(name: str, path: Path, form: str, rows: int) -> dict[str, Any]:
    declared = json.loads(resource("schemas", f"{name}.json").read_text(encoding="utf-8"))
    return {
        "name": name,
        "title": declared["title"],
        "description": declared["description"],
        "path": path.name,
        "mediatype": _MEDIA[form],
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_file(path)}",
        "rows": rows,
        "schema": declared,
    }


def _batches(rows: Any) -> Any:
    # One thread: the rows come in the order of the corpus.
    return rows.to_batches() if isinstance(rows, pa.Table) else rows.scanner(use_threads=False).to_batches()


def _parquet(path: Path, rows: Any) -> None:
    with writing_batches(path, rows.schema) as out:
        for batch in _batches(rows):
            out.write(batch)


def _lines(path: Path, rows: Any, head: str, line: Callable[[dict[str, Any]], str]) -> None:
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as out:
        out.write(head)
        for batch in _batches(rows):
            for start in range(0, batch.num_rows, _BATCH):
                for row in batch.slice(start, _BATCH).to_pylist():
                    out.write(line(row))


def write_lines(path: Path, rows: Any) -> None:
    """Write a table or an Arrow dataset as JSON lines, atomically."""
    _lines(path, rows, "", lambda row: json_line(plain(row)))


def write_csv(path: Path, rows: Any) -> None:
    """Write a table or an Arrow dataset as CSV, atomically: lists and records as JSON, null as nothing."""
    _lines(path, rows, csv_line(rows.schema.names), lambda row: csv_line(row.values()))


def csv_line(cells: Any) -> str:
    """Return cells as a line of CSV: lists and records as JSON, null as nothing."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return canonical_json(plain(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value)
