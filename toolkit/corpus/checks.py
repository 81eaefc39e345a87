"""Keys and references of a version, over all its parts: each key once, each reference to a row that is there.

DuckDB reads the columns concerned. A table of many rows is gone through in several passes, each over the rows whose key
falls into one share of all keys, so that no pass holds more than :data:`ROWS_A_PASS` of them for each 1,000 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from toolkit.corpus import duck
from toolkit.schema import Table, table, table_names

ROWS_A_PASS = 1_500_000
Files = Mapping[str, Sequence[Path]]
"""Table → its parts in order."""


def problems(files: Files, rows: Mapping[str, int], memory: int = 1000) -> list[str]:
    """Return what does not hold, a sentence each, in the tables' order; ``rows`` is how many each table has.

    ``memory`` (MB) is what it may take: more of it, fewer passes.
    """
    at_once = ROWS_A_PASS * max(1, memory // 1000)
    names = [name for name in files if name in table_names()]
    with duck.connect({name: duck.lazy(files[name], name) for name in names}) as connection:
        found = []
        for name in names:
            if rows[name]:
                found += list(_keys(connection, table(name), rows[name], at_once))
                found += list(_references(connection, table(name), rows, files, at_once))
        return found


def _keys(connection: duckdb.DuckDBPyConnection, schema: Table, rows: int, at_once: int) -> Iterator[str]:
    unique = [(c.name,) for c in schema.columns if c.constraints.get("unique")]
    for key in dict.fromkeys([*unique, schema.primary_key]):
        columns = ", ".join(map(duck.quoted, key))
        for share in shares(columns, rows, at_once):
            sql = (
                f"SELECT 1 FROM {duck.quoted(schema.name)} WHERE {share} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
            )
            if connection.execute(sql).fetchone():
                if key in unique:
                    yield f"{schema.name}.{key[0]}: values are not unique"
                if key == schema.primary_key:
                    yield f"{schema.name}: two rows have the same {', '.join(key)}"
                break


def _references(
    connection: duckdb.DuckDBPyConnection, schema: Table, rows: Mapping[str, int], files: Files, at_once: int
) -> Iterator[str]:
    for column, other, there in schema.foreign_keys:
        if other not in files:
            continue
        own, leads = duck.quoted(column), duck.quoted(there)
        value = f"unnest({own})" if pa.types.is_list(schema.arrow.field(column).type) else own
        for share in shares("value", rows[other], at_once):
            sql = (
                f"SELECT min(value) FROM (SELECT DISTINCT {value} AS value FROM {duck.quoted(schema.name)}) "
                f"WHERE value IS NOT NULL AND {share} "
                f"AND value NOT IN (SELECT {leads} FROM (SELECT {leads}, {leads} AS value FROM {duck.quoted(other)}) "
                f"WHERE {share} AND {leads} IS NOT NULL)"
            )
            (lost,) = connection.execute(sql).fetchone() or (None,)
            if lost is not None:
                yield f"{schema.name}.{column}: {lost!r} is not in {other}"
                break


def shares(columns: str, rows: int, at_once: int = ROWS_A_PASS) -> list[str]:
    """Return conditions that cut rows into shares by their key, each of about ``at_once`` rows."""
    passes = -(-rows // at_once)
    return [f"hash({columns}) % {passes} = {number}" for number in range(passes)] if passes > 1 else ["true"]
