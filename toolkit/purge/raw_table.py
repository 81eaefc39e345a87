"""Rows of a raw table made blank, each where it stood: the others keep their numbers and every column that they have."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import tomlkit

from toolkit.errors import InputError
from toolkit.fsio import read_text, replacing, sha256_file, write_atomic
from toolkit.parquet import blank_rows, read_batches
from toolkit.sources.source import Source
from toolkit.sources.tabular import ingest
from toolkit.sources.tabular.batches import batches
from toolkit.sources.tabular.formats import Format, detect
from toolkit.sources.tabular.rows import SCHEMAS, post_id_of
from toolkit.sources.tabular.streams import opened
from toolkit.sources.tabular.values import native_id

_ROWS = 10_000  # compared at a time


def numbers(source: Source, post_id: str) -> tuple[int, ...]:
    """Return the numbers of a post's rows in its raw table: the one that was taken, and others with its id."""
    raw, table = _raw(source), source.table
    found = []
    for batch in batches(raw, _format(source), table.columns):
        platforms = batch.columns.get("platform", [""] * len(batch.numbers))
        for number, native, platform in zip(batch.numbers, batch.columns["platform_object_id"], platforms, strict=True):
            try:
                if post_id_of(platform.strip() or table.platform or "", native_id(native)) == post_id:
                    found.append(number)
            except ValueError:
                continue
    return tuple(found)


def texts(source: Source, post_id: str) -> list[str]:
    """Return the texts that the table's canonical rows have for a post; none where it was blanked."""
    found: list[str] = []
    for batch in ingest.rows(source):
        found += [row["text"] for row in batch.to_pylist() if row["post_id"] == post_id]
    return found


def check(source: Source, rows: Collection[int]) -> None:
    """Try, beside, that blanking the rows leaves all others as they are; :class:`InputError` where it does not."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        raw = folder / source.file.name
        _blank(_raw(source), raw, _format(source), rows)
        ingest.ingest(raw, sha256_file(raw), source.table, folder)
        columns, blank = SCHEMAS[source.table.holds].names, pa.array(sorted(rows), pa.int64())
        kept = read_batches(folder / ingest.ROWS_FILE, columns, _ROWS)
        expected = (batch.filter(pc.invert(pc.is_in(batch["row"], blank))) for batch in ingest.rows(source))
        if not _same(kept, expected):
            raise InputError(
                f"{_raw(source)}: its rows cannot be told apart well enough to blank {len(rows)} of them",
                hint=f"write the table without them, then: docposts purge source {source.id}, and add the new file",
            )


def _same(one: Iterator[pa.RecordBatch], other: Iterator[pa.RecordBatch]) -> bool:
    """Tell whether pieces hold the same rows, wherever they were cut."""
    left = right = pa.RecordBatch.from_pylist([])
    while True:
        left = left if left.num_rows else next((batch for batch in one if batch.num_rows), None)
        right = right if right.num_rows else next((batch for batch in other if batch.num_rows), None)
        if left is None or right is None:
            return left is right
        rows = min(left.num_rows, right.num_rows)
        if not left.slice(0, rows).equals(right.slice(0, rows)):
            return False
        left, right = left.slice(rows), right.slice(rows)


def erase(source: Source, rows: Collection[int]) -> None:
    """Blank rows of a raw table, and enter the hash of what it is now; derived files are made again from it."""
    raw = _raw(source)
    with replacing(raw) as beside:
        _blank(raw, beside, _format(source), rows)
    for name in (ingest.ROWS_FILE, ingest.REJECTS_FILE):
        (source.folder / name).unlink(missing_ok=True)
    path = source.folder / "source.toml"
    document: Any = tomlkit.parse(read_text(path))
    if document["file"]["raw_sha256"] != sha256_file(raw):
        document["file"]["raw_sha256"] = sha256_file(raw)
        write_atomic(path, tomlkit.dumps(document))


def _raw(source: Source) -> Path:
    return source.folder / "raw" / source.file.name


def _format(source: Source) -> Format:
    return detect(_raw(source), source.table.encoding.removesuffix("-sig"), source.table.delimiter)


def _blank(raw: Path, out: Path, form: Format, rows: Collection[int]) -> None:
    if form.kind == "parquet":
        blank_rows(raw, out, rows)
        return
    with ExitStack() as stack:
        file = stack.enter_context(opened(raw, packed=form.gzip, encoding=form.encoding))
        target: Any = stack.enter_context(out.open("wb"))
        if form.gzip:
            target = stack.enter_context(gzip.GzipFile(fileobj=target, mode="wb", mtime=0, filename=""))
        # Bytes that are no UTF-8 pass through as they are.
        text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
        written = io.TextIOWrapper(
            target,
            form.encoding,
            errors="surrogateescape" if form.encoding.startswith("utf-8") else "strict",
            newline="",
        )
        records = _lines(text) if form.kind == "jsonl" else _records(text, str(form.delimiter))
        for number, record in records:
            written.write(record[len(record.rstrip("\r\n")) :] or "\n" if number in rows else record)
        written.flush()
        written.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line); a line of JSON ends at a line feed alone."""
    number, held = 0, ""
    for piece in text:
        held += piece
        if held.endswith("\n"):
            number += 1
            yield number, held
            held = ""
    if held:
        yield number + 1, held


def _records(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, str]]:
    """Yield (number, the record as it stands); the header is number 0."""
    csv.field_size_limit(sys.maxsize)
    held: list[str] = []

    def lines() -> Iterator[str]:
        for line in text:
            held.append(line)
            yield line

    for number, _ in enumerate(csv.reader(lines(), delimiter=delimiter)):
        yield number, "".join(held)
        held.clear()
