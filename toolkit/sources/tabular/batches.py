"""A table in pieces: the mapped columns as strings, each row with its number, and the rows that cannot be read.

Row numbers count the table's rows from 1, blank ones included, not the lines that they stand on.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv

from toolkit.errors import InputError
from toolkit.parquet import read_batches
from toolkit.sources.tabular.formats import Format
from toolkit.sources.tabular.model import LISTS
from toolkit.sources.tabular.streams import opened

BLOCK = 8 << 20
"""Bytes of a CSV that are read at a time; no row may be longer. JSON lines likewise."""
ROWS = 20_000
_SURROGATE = re.compile("[\ud800-\udfff]")
# A field that is never closed takes the rows behind it in, to the end of the file.
_UNCLOSED = "an odd number of quotation marks: where one is never closed, several rows are read as one"
_NOT_UTF8 = "not UTF-8"


@dataclass
class Batch:
    """Rows by column: ``numbers`` and each of ``columns`` (field → values) are of one length. ``rejects``: (row, reason).

    ``note`` says what is to be feared of the whole file.
    """

    numbers: list[int]
    columns: dict[str, list[str]]
    rejects: list[tuple[int, str]] = field(default_factory=list)
    note: str = ""


def batches(path: Path, form: Format, columns: dict[str, str]) -> Iterator[Batch]:
    """Yield a table's rows; ``columns`` maps fields to column names. Memory: a few pieces, whatever the file's length.

    :class:`InputError` where the file as a whole cannot be read; what is wrong with one row is that row's.
    """
    raw = {name.strip(): name for name in form.header}
    if form.kind == "parquet":
        yield from _parquet(path, {name: raw[column] for name, column in columns.items()})
        return
    with opened(path, packed=form.gzip, encoding=form.encoding) as file:
        if form.kind == "jsonl":
            yield from _jsonl(file, path, columns)
        else:
            yield from _csv(file, path, form, {name: raw[column] for name, column in columns.items()})


def _csv(file: IO[bytes], path: Path, form: Format, columns: dict[str, str]) -> Iterator[Batch]:
    wrong: list[int] = []
    counting = _Quotes(file)

    def skip(row: Any) -> str:
        # The header is pyarrow's first row.
        wrong.append(row.number - 1)
        return "skip"

    try:
        reader = csv.open_csv(
            counting,
            # One thread, since only then does pyarrow know the rows' numbers.
            read_options=csv.ReadOptions(use_threads=False, block_size=BLOCK),
            parse_options=csv.ParseOptions(
                delimiter=form.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            convert_options=csv.ConvertOptions(
                include_columns=[*dict.fromkeys(columns.values())],
                # Bytes, so that neither an id becomes a number nor one wrong byte stops the reading.
                column_types={column: pa.binary() for column in columns.values()},
                strings_can_be_null=False,
            ),
        )
        number = 0
        for rows in reader:
            batch = Batch([], {})
            # What was skipped so far stands among these rows or before them: its numbers are taken.
            while len(batch.numbers) < rows.num_rows:
                number += 1
                if wrong and wrong[0] == number:
                    batch.rejects.append((wrong.pop(0), "wrong number of columns"))
                else:
                    batch.numbers.append(number)
            yield _decoded(batch, {name: rows[column] for name, column in columns.items()})
        last = Batch([], {name: [] for name in columns}, [(row, "wrong number of columns") for row in wrong])
        last.note = _UNCLOSED if counting.count % 2 else ""
        yield last
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        longer = "straddl" in str(error)
        raise InputError(
            f"{path}: a row is longer than {BLOCK >> 20} MB" if longer else f"{path}: cannot be read as CSV: {error}",
            hint="look for a quotation mark that is opened and never closed" if longer else "",
        ) from error
    except (pa.ArrowKeyError, KeyError) as error:
        raise InputError(f"{path}: its header cannot be read: {error}") from error


class _Quotes(io.RawIOBase):
    """A stream of which the quotation marks are counted."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.count += piece.count(b'"')
        return piece


def _decoded(batch: Batch, columns: dict[str, pa.Array]) -> Batch:
    wrong: set[int] = set()
    for name, values in columns.items():
        try:
            batch.columns[name] = values.cast(pa.string()).to_pylist()
        except pa.ArrowInvalid:
            found = values.to_pylist()
            batch.columns[name] = [value.decode("utf-8", errors="replace") for value in found]
            wrong |= {i for i, value in enumerate(found) if not _is_utf8(value)}
    if wrong:
        batch.rejects += [(batch.numbers[i], _NOT_UTF8) for i in sorted(wrong)]
        kept = [i for i in range(len(batch.numbers)) if i not in wrong]
        batch.numbers = [batch.numbers[i] for i in kept]
        batch.columns = {name: [values[i] for i in kept] for name, values in batch.columns.items()}
    return batch


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _jsonl(file: IO[bytes], path: Path, columns: dict[str, str]) -> Iterator[Batch]:
    number, size = 0, 0
    batch = Batch([], {name: [] for name in columns})
    while line := file.readline(BLOCK + 1):
        if len(line) > BLOCK:
            raise InputError(f"{path}:{number + 1}: a line is longer than {BLOCK >> 20} MB")
        number, size = number + 1, size + len(line)
        try:
            cells = _cells(line, columns)
        except ValueError as error:
            batch.rejects.append((number, str(error)))
        else:
            batch.numbers.append(number)
            for name, value in cells.items():
                batch.columns[name].append(value)
        if len(batch.numbers) + len(batch.rejects) >= ROWS or size >= BLOCK:
            yield batch
            batch, size = Batch([], {name: [] for name in columns}), 0
    yield batch


def _cells(line: bytes, columns: dict[str, str]) -> dict[str, str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(_NOT_UTF8) from None
    if not text.strip():
        raise ValueError("blank row")
    try:
        # Numbers as they are written: an id does not fit a float.
        record = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(record, dict):
        raise ValueError("no JSON object")
    return {name: _cell(name, record.get(column)) for name, column in columns.items()}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        if name not in LISTS or isinstance(value, dict):
            raise ValueError(f"{name}: no plain value")
        value = json.dumps(value, ensure_ascii=False)
    # UTF-8 cannot hold half a pair; the raw file keeps it.
    return _SURROGATE.sub("\ufffd", value)


def _parquet(path: Path, columns: dict[str, str]) -> Iterator[Batch]:
    number = 0
    for rows in read_batches(path, [*dict.fromkeys(columns.values())], ROWS):
        found = {name: rows[column] for name, column in columns.items()}
        for name, values in found.items():
            if pa.types.is_floating(values.type) and name in ("platform_object_id", "account"):
                raise InputError(
                    f"{path}: column {columns[name]!r} holds ids as floating-point numbers, which lose digits"
                )
        batch = Batch([*range(number + 1, number + rows.num_rows + 1)], {})
        number += rows.num_rows
        yield _decoded(batch, {name: _strings(name, values, path) for name, values in found.items()})


def _strings(name: str, values: pa.Array, path: Path) -> pa.Array:
    if pa.types.is_nested(values.type):
        if name not in LISTS or not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
            raise InputError(f"{path}: the column of {name} is of type {values.type}, not plain text")
        lists = [json.dumps([str(item) for item in value or ()], ensure_ascii=False) for value in values.to_pylist()]
        return pa.array([value.encode() for value in lists], pa.binary())
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return values.cast(pa.binary()).fill_null(b"")
    try:
        return values.cast(pa.string()).fill_null("")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: the column of {name} cannot be read as text: {error}") from error
