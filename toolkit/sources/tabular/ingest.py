"""A raw table → ``rows.parquet`` and ``rejects.jsonl``: derived, bounded in memory, made again from the raw file at need."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from toolkit.errors import InputError
from toolkit.fsio import canonical_json, sha256_file, sha256_text, writing_jsonl
from toolkit.parquet import file_metadata, read_batches, writing_batches
from toolkit.sources.source import Source
from toolkit.sources.tabular.batches import batches
from toolkit.sources.tabular.formats import detect
from toolkit.sources.tabular.model import TableFile
from toolkit.sources.tabular.rows import SCHEMAS, VERSION, convert
from toolkit.sources.tabular.seen import Seen
from toolkit.tombstones import purged_items, refuse_items
from toolkit.workspace import Workspace

ROWS_FILE = "rows.parquet"
REJECTS_FILE = "rejects.jsonl"


@dataclass(frozen=True)
class Counts:
    """What became of a table's rows: ``rows`` = ``accepted`` + all of ``rejected`` (reason → rows)."""

    rows: int
    accepted: int
    rejected: dict[str, int]
    first: dict[str, int]
    """Reason → the first row that it holds of."""
    note: str = ""


def ingest(raw: Path, raw_sha256: str, table: TableFile, folder: Path) -> Counts:
    """Write a table's canonical rows and its rejects to a folder; :class:`InputError` where no row fits."""
    form = detect(raw, table.encoding.removesuffix("-sig"), table.delimiter)
    seen, rejected, first = Seen(), Counter[str](), dict[str, int]()
    accepted, note = 0, ""
    with (
        writing_batches(folder / ROWS_FILE, SCHEMAS[table.holds]) as rows_out,
        writing_jsonl(folder / REJECTS_FILE) as rejects_out,
    ):
        for batch in batches(raw, form, table.columns):
            rows, rejects = convert(batch, table, seen)
            for number, reason in rejects:
                rejects_out({"row": number, "reason": reason})
                first.setdefault(reason, number)
            rejected.update(reason for _, reason in rejects)
            accepted += rows.num_rows
            rows_out.write(rows)
            note = batch.note or note
        counts = Counts(accepted + rejected.total(), accepted, dict(sorted(rejected.items())), first, note)
        if not accepted:
            raise InputError(f"{raw.name}: {_why(counts)}", hint="see which column holds what: --map COLUMN=FIELD")
        rows_out.describe({"docposts.made_of": made_of(raw_sha256, table), "docposts.counts": _json(counts)})
    return counts


def made_of(raw_sha256: str, table: TableFile) -> str:
    """Return the digest of all that canonical rows are made of."""
    return sha256_text(canonical_json([VERSION, raw_sha256, table.model_dump(mode="json")]))


def counts(source: Source) -> Counts:
    """Return what became of a source's rows, which are made again where they are not there, or of something else."""
    path, table = source.folder / ROWS_FILE, source.table
    found = file_metadata(path) if path.exists() else {}
    if found.get("docposts.made_of") == made_of(source.file.raw_sha256, table):
        return Counts(**json.loads(found["docposts.counts"]))
    raw = source.folder / "raw" / source.file.name
    if not raw.is_file() or sha256_file(raw) != source.file.raw_sha256:
        raise InputError(f"{raw} is missing, or was changed after it was added", hint="restore the file")
    return ingest(raw, source.file.raw_sha256, table, source.folder)


def rows(source: Source) -> Iterator[pa.RecordBatch]:
    """Yield a source's canonical rows in the order of the table."""
    counts(source)
    yield from read_batches(source.folder / ROWS_FILE, SCHEMAS[source.table.holds].names, 10_000)


def refuse_purged(workspace: Workspace, source: Source) -> None:
    """Refuse a table that brings a purged post back (:class:`toolkit.errors.ConflictError`)."""
    if source.table.holds == "posts" and purged_items(workspace.ledger):
        counts(source)
        for batch in read_batches(source.folder / ROWS_FILE, ["post_id"], 100_000):
            refuse_items(workspace.ledger, batch["post_id"].to_pylist(), f"table {source.id}")


def summary(source: Source) -> list[str]:
    """Return, for people, how a table was read and what became of its rows."""
    table, found = source.table, counts(source)
    how = f"{table.kind}{', gzip' if table.gzip else ''}, {table.encoding}"
    if table.delimiter:
        how += f", columns set apart by {table.delimiter!r}"
    rejected = found.rows - found.accepted
    lines = [
        f"source {source.id}: {table.holds} ({how})",
        f"  {found.rows} rows: {found.accepted} accepted, {rejected} rejected",
    ]
    lines += [f"    {n} × {reason} (first: row {found.first[reason]})" for reason, n in found.rejected.items()]
    if found.note:
        lines.append(f"  beware: {found.note}")
    if rejected:
        lines.append(f"  every rejected row: {source.folder / REJECTS_FILE}")
    return lines


def _why(found: Counts) -> str:
    if not found.rows:
        return "the table has no rows"
    reasons = [f"{n} × {reason} (first: row {found.first[reason]})" for reason, n in found.rejected.items()]
    return f"none of the {found.rows} rows fits: {'; '.join(reasons)}"


def _json(found: Counts) -> str:
    return canonical_json({n: getattr(found, n) for n in ("rows", "accepted", "rejected", "first", "note")})
