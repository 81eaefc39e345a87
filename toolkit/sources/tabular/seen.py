"""Which ids have been seen: 16 bytes an id, for tables of many millions of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]


class Seen:
    """A growing set of 128-bit ids, kept as sorted runs that are merged when they come to be of a size."""

    def __init__(self) -> None:
        self._runs: list[tuple[Words, Words]] = []

    def add(self, ids: list[str]) -> npt.NDArray[np.bool_]:
        """Add ids (32 hex digits each); return for each whether it was there, or stands earlier in the list."""
        words = np.frombuffer(bytes.fromhex("".join(ids)), ">u8").astype(np.uint64).reshape(-1, 2)
        high, low = words[:, 0], words[:, 1]
        there = np.zeros(len(ids), np.bool_)
        for run_high, run_low in self._runs:
            # Two ids with equal first halves would be found by the second look of the corpus build alone: 1 in 2^64.
            place = np.minimum(np.searchsorted(run_high, high), len(run_high) - 1)
            there |= (run_high[place] == high) & (run_low[place] == low)
        order = np.lexsort((low, high))
        same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
        # The sort is stable: of equal ids the first stands first.
        there[order[1:][same]] = True
        fresh = order[~there[order]]
        if len(fresh):
            self._runs.append((high[fresh], low[fresh]))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            (one, one_low), (two, two_low) = self._runs.pop(), self._runs.pop()
            both, both_low = np.concatenate([two, one]), np.concatenate([two_low, one_low])
            order = np.argsort(both, kind="stable")
            self._runs.append((both[order], both_low[order]))
        return there
