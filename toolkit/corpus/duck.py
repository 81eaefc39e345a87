"""Tables of a version in DuckDB, which reads them as a query asks for them: the only importer of it.

The database lives in memory and reaches nothing else: no file, no network, no extension, no variable of this process,
and none of that can be switched on again by a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.parquet import scan
from toolkit.schema import table, table_names

_SHUT: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    # Nothing is spilled to a disk.
    "temp_directory": "",
}


def connect(tables: Mapping[str, Any], *, as_written: bool = False) -> duckdb.DuckDBPyConnection:
    """Return a shut database that holds these tables (Arrow tables or datasets) and no others.

    Of two sides that are joined one is held. DuckDB holds what it takes for the smaller, and takes a dataset for one row;
    ``as_written`` holds the right side.
    """
    settings = dict(_SHUT)
    if as_written:
        settings["disabled_optimizers"] = "build_side_probe_side"
    connection = duckdb.connect(":memory:", config=settings)
    for name, rows in tables.items():
        connection.register(name, rows)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def lazy(files: Sequence[Path], name: str) -> Any:
    """Return a table's parts as one table that is read on demand; the declared columns without rows where there are none."""
    for path in files:
        if not path.exists():
            raise InputError(f"{path}: the part is missing", hint="docposts corpus build --repair writes it again")
    if not files:
        return table(name).empty() if name in table_names() else pa.table({})
    return scan(files)


def open_tables(version: CorpusVersion) -> duckdb.DuckDBPyConnection:
    """Return a shut database over all tables of a version."""
    return connect({name: lazy(_files(version, name), name) for name in version.manifest["tables"]})


def _files(version: CorpusVersion, name: str) -> list[Path]:
    return [path for _, path in version.part_files(name)]


def ask(connection: duckdb.DuckDBPyConnection, sql: Any, rows: int = 10_000) -> pa.RecordBatchReader:
    """Return the answer to a query in pieces of at most ``rows``."""
    found: Any = connection.sql(sql)
    return found.to_arrow_reader(rows)


def text(value: str) -> str:
    """Return a string as SQL."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a column's or table's name as SQL."""
    return '"' + name.replace('"', '""') + '"'
