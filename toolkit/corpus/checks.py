"""Keys and references of a version, over all its parts: each key once, each reference to a row that is there.

DuckDB reads the columns concerned and gives 64 bits for each key: eight bytes a row in memory, put in order once, instead of all
keys. Keys with the same bits are then held against each other as they are. A reference whose bits no key has leads nowhere for
certain; that a wrong one has the bits of some key happens once in 10^12 of them where there are ten million keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from toolkit.corpus import duck
from toolkit.corpus.bits import HASH, Bits, bits, pieces
from toolkit.schema import Table, table, table_names

Files = Mapping[str, Sequence[Path]]
"""Table → its parts in order."""
# Keys that are looked at as they are at one time.
_NAMED = 1000


def problems(files: Files, rows: Mapping[str, int]) -> list[str]:
    """Return what does not hold, a sentence each, in the tables' order; ``rows`` is how many each table has."""
    names = [name for name in files if name in table_names()]
    every = {name: duck.lazy(files[name], name) for name in names}
    # The keys of one table at a time, whichever others refer to it.
    refer: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for number, name in enumerate(names):
        for place, (column, other, there) in enumerate(table(name).foreign_keys, start=1):
            if rows[name] and other in files:
                refer.setdefault((other, there), []).append((number, place, column))

    def unique() -> list[tuple[int, int, str]]:
        with duck.connect(every) as connection:
            own = [(number, _keys(connection, table(name))) for number, name in enumerate(names) if rows[name]]
            return [(number, 0, said) for number, all_said in own for said in all_said]

    def referring() -> list[tuple[int, int, str]]:
        lost = []
        with duck.connect(every) as connection:
            for (other, there), columns in refer.items():
                value = f"{duck.quoted(there)}::VARCHAR"
                (keys,) = bits(connection, f"SELECT {HASH.format(value)} FROM {duck.quoted(other)}")
                keys.sort()
                for number, place, column in columns:
                    if (one := _lost(connection, table(names[number]), column, keys)) is not None:
                        lost.append((number, place, f"{names[number]}.{column}: {one!r} is not in {other}"))
        return lost

    # Side by side: neither leaves two processors enough to do.
    with ThreadPoolExecutor(2) as threads:
        looks = [threads.submit(look) for look in (unique, referring)]
        found = [one for look in looks for one in look.result()]
    return [said for *_, said in sorted(found, key=lambda one: one[:2])]


def repeated(connection: duckdb.DuckDBPyConnection, name: str, columns: str, where: str = "true") -> Iterator[str]:
    """Yield conditions that hold for all rows of a table in DuckDB whose ``columns`` may have the values of another's.

    They hold for few others: rows that they hold for are grouped by the columns to tell.
    """
    (every,) = bits(connection, f"SELECT {HASH.format(columns)} FROM {duck.quoted(name)} WHERE {where}")
    every.sort()
    again = np.unique(every[1:][every[1:] == every[:-1]])
    for start in range(0, len(again), _NAMED):
        yield f"{where} AND {_among(columns, again[start : start + _NAMED])}"


def _keys(connection: duckdb.DuckDBPyConnection, schema: Table) -> Iterator[str]:
    unique = [(c.name,) for c in schema.columns if c.constraints.get("unique")]
    for key in dict.fromkeys([*unique, schema.primary_key]):
        columns = ", ".join(map(duck.quoted, key))
        for some in repeated(connection, schema.name, columns):
            sql = (
                f"SELECT 1 FROM {duck.quoted(schema.name)} WHERE {some} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
            )
            if connection.execute(sql).fetchall():
                if key in unique:
                    yield f"{schema.name}.{key[0]}: values are not unique"
                if key == schema.primary_key:
                    yield f"{schema.name}: two rows have the same {', '.join(key)}"
                break


def _lost(connection: duckdb.DuckDBPyConnection, schema: Table, column: str, keys: Bits) -> str | None:
    """Return a value of a column, the least of those found, whose bits are not among the keys' (in order); None if none is."""
    own = duck.quoted(column)
    value = f"unnest({own})" if pa.types.is_list(schema.arrow.field(column).type) else own
    values = f"(SELECT {value}::VARCHAR AS value FROM {duck.quoted(schema.name)})"
    lost: list[Bits] = []
    for (some,) in pieces(connection, f"SELECT {HASH.format('value')} FROM {values} WHERE value IS NOT NULL"):
        # In order, as the keys are: looked up so many times faster.
        some.sort()
        nowhere = some[keys.take(np.searchsorted(keys, some), mode="clip") != some] if len(keys) else some
        if len(nowhere) and sum(map(len, lost)) < _NAMED:
            lost.append(np.unique(nowhere)[:_NAMED])
    if not lost:
        return None
    named = _among("value", np.unique(np.concatenate(lost))[:_NAMED])
    return str(connection.execute(f"SELECT min(value) FROM {values} WHERE {named}").fetchall()[0][0])


def _among(columns: str, some: Bits) -> str:
    return f"{HASH.format(columns)} IN ({', '.join(map(str, some.tolist()))})"
