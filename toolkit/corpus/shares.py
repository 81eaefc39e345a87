"""Rows of two sides that may differ, a share of them at a time, each with the parts in which they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus import duck
from toolkit.corpus.bits import Bits, bits, held
from toolkit.parquet import scan

Side = Any
"""An Arrow table or dataset."""
_Places = NDArray[np.int64]


class Share(NamedTuple):
    """``suspects``, the bits of the keys of some rows (all rows where there are none), and what of each side has these rows."""

    suspects: pa.Table | None
    before: Side
    after: Side


def shares(before: Side, after: Side, row: str, key: str, most: int) -> list[Share]:
    """Return all rows that differ, ``most`` rows of both sides at a time, so that no comparison holds more.

    ``row`` and ``key`` give a row's bits and its key's in DuckDB (:mod:`toolkit.corpus.bits`): a row differs whose bits the other
    side has not. Rows of a share stand together in the later version, and mostly in the earlier one too: where all rows differ
    a part is read for a share or two, and not for all.
    """
    if _rows(before) + _rows(after) <= most:
        return [Share(None, before, after)]
    with duck.connect({"earlier": before, "later": after}) as connection:
        sides = [bits(connection, f"SELECT {row}, {key} FROM {name}") for name in ("earlier", "later")]
    differ = [np.flatnonzero(~held(own, np.sort(others))) for (own, _), (others, _) in (sides, sides[::-1])]
    one, other = (_Suspects(keys[places], places) for (_, keys), places in zip(sides, differ, strict=True))
    del sides, differ
    every = np.concatenate([other.keys, one.keys[~held(one.keys, np.sort(other.keys))]])
    # Where two rows of a side have the same bits a row is not where its bits are.
    told = one.told and other.told
    if not told:
        every = np.unique(every)
    found = []
    for at in range(0, max(1, len(every)), max(1, most // 2)):
        own = every[at : at + max(1, most // 2)]
        parts = (_parts(before, one.of(own)), _parts(after, other.of(own))) if told else (before, after)
        found.append(Share(pa.table({"bits": own}), *parts))
    return found


class _Suspects:
    """Rows of one side: the bits of their keys, and where they stand among all rows of the side."""

    def __init__(self, keys: Bits, places: _Places) -> None:
        self.keys = keys
        order = np.argsort(keys)
        self._keys, self._places = keys[order], places[order]
        self.told = not (self._keys[1:] == self._keys[:-1]).any()

    def of(self, some: Bits) -> _Places:
        """Return where the rows with these keys stand, those left out that this side has not."""
        at = np.searchsorted(self._keys, some)
        there = at < len(self._keys)
        there[there] = self._keys[at[there]] == some[there]
        return self._places[at[there]]


def _parts(side: Side, places: _Places) -> Side:
    """Return the parts of a side, in order, in which rows with these numbers stand."""
    if isinstance(side, pa.Table):
        return side
    fragments = list(side.get_fragments())
    ends = np.cumsum([fragment.count_rows() for fragment in fragments])
    wanted = np.unique(np.searchsorted(ends, places, side="right")).tolist()
    return scan([Path(fragments[number].path) for number in wanted]) if wanted else side.schema.empty_table()


def _rows(side: Side) -> int:
    """Return how many rows a side has."""
    return int(side.num_rows if isinstance(side, pa.Table) else side.count_rows())
