"""What a table is: its kind, packing, encoding and delimiter, and its column names. By content, not by file name."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError
from toolkit.parquet import column_names
from toolkit.sources.tabular.model import Kind
from toolkit.sources.tabular.streams import encoding_of, is_gzip, opened

# A header, or the first JSON lines, must fit; columns are looked for no further.
_HEAD = 1 << 20
_DELIMITERS = ",\t;|"
_NAMES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Format:
    """How a table is to be read. ``header`` are its column names as they stand, JSON keys in order of appearance."""

    kind: Kind
    gzip: bool
    encoding: str
    delimiter: str | None
    header: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, without the blanks that some files have around them."""
        return tuple(name.strip() for name in self.header)


def looks_tabular(path: Path) -> bool:
    """Tell whether a file's name says that it is a table."""
    return path.name.lower().removesuffix(".gz").endswith(_NAMES)


def detect(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Format:
    """Return what a table is; :class:`InputError` where it is none, or empty."""
    try:
        packed = is_gzip(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    with opened(path, packed=packed) as file:
        start = file.read(8)
    if not start:
        raise InputError(f"{path} is empty")
    if start.startswith(b"PAR1"):
        if packed:
            raise InputError(f"{path}: a packed Parquet file", hint=f"unpack it first: gunzip {path.name}")
        return Format("parquet", False, "utf-8", None, tuple(column_names(path)))
    found = encoding_of(start, encoding, str(path))
    with opened(path, packed=packed, encoding=found) as file:
        head = file.read(_HEAD)
    # The last character of the piece may be cut in two; the rows are read strictly later.
    text = head.decode("utf-8", errors="replace")
    if not text.strip():
        raise InputError(f"{path} is empty")
    if text.lstrip().startswith("["):
        raise InputError(f"{path}: a JSON array, not JSON lines", hint=f"jq -c '.[]' {path.name} > rows.jsonl")
    if text.lstrip().startswith("{"):
        return Format("jsonl", packed, found, None, _keys(text, path))
    delimiter = delimiter or max(_DELIMITERS, key=lambda sign: len(_header(text, sign, path)))
    return Format("csv", packed, found, delimiter, tuple(_header(text, delimiter, path)))


def _header(text: str, delimiter: str, path: Path) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(f"{path}: its first row is no header: {error}") from error


def _keys(text: str, path: Path) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for line in text.split("\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            # Cut off by the end of the piece, or a row to be rejected.
            continue
        if isinstance(record, dict):
            keys |= dict.fromkeys(record)
    if not keys:
        raise InputError(f"{path}: its first lines hold no JSON object")
    return tuple(keys)
