"""64 bits for each row of a table in DuckDB: what many rows are told apart by where they are too many to be held.

Rows of the same values have the same bits. Different ones have other bits, but for one pair in 10^19: what has to be certain
looks at the rows themselves where bits are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
from numpy.typing import NDArray

from toolkit.corpus import duck

Bits = NDArray[np.uint64]
HASH = "hash({})"
"""The bits of columns, in DuckDB's words."""
_ROWS = 1 << 18


def bits(connection: duckdb.DuckDBPyConnection, sql: str) -> Bits:
    """Return the answers to a query for bits (columns asked for, rows), in the order of the rows."""
    return np.concatenate(list(pieces(connection, sql)), axis=1)


def pieces(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Bits]:
    """Yield the answers to a query for bits (columns asked for, rows), some rows at a time."""
    answers = duck.ask(connection, sql, _ROWS)
    yield np.empty((len(answers.schema), 0), np.uint64)
    for batch in answers:
        yield np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns])


def held(some: Bits, among: Bits) -> NDArray[np.bool_]:
    """Tell of each of some bits whether they are among others, which are in order (``numpy.isin`` would order them anew)."""
    order = np.argsort(some)
    places = np.searchsorted(among, some[order])
    there = places < len(among)
    there[there] = among[places[there]] == some[order[there]]
    found = np.empty(len(some), np.bool_)
    found[order] = there
    return found
