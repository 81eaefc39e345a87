"""Which post follows which, and whether its judgements carry over: decided by a person, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.ledger import Ledger


@dataclass(frozen=True)
class Lineage:
    """What supersedes what. ``decided``: old id → the latest record on it (``new``, ``carries``, ``by``, ``reason``)."""

    decided: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, ledger: Ledger) -> Lineage:
        """Read the ``supersede`` records of a ledger; of several on one item the last holds.

        What another is said to follow *to* is there again: that it was superseded once is over.
        """
        decided: dict[str, Mapping[str, Any]] = {}
        for record in ledger.records("supersede"):
            decided.pop(str(record["new"]), None)
            decided[str(record["old"])] = record
        return cls(decided)

    def today(self, item_id: str) -> str:
        """Return the item that an item's judgements count for: itself, unless another follows and they carry over."""
        seen = {item_id}
        while (record := self.decided.get(item_id)) and record["carries"] and record["new"] not in seen:
            item_id = str(record["new"])
            seen.add(item_id)
        return item_id

    def before(self, item_id: str, *, carried: bool = False) -> Iterator[str]:
        """Yield the items that one supersedes, nearest first; only those whose judgements ``carried`` over, where asked."""
        waiting, seen = [item_id], {item_id}
        while waiting:
            new = waiting.pop(0)
            for old, record in self.decided.items():
                if record["new"] == new and old not in seen and (record["carries"] or not carried):
                    seen.add(old)
                    waiting.append(old)
                    yield old

    def splits(self, known: Mapping[str, str], items: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the ``split`` records of items that supersede one with a split: nearly the same words stay in it.

        ``known`` is item → split by the ledger. Whether judgements carried over is no matter here.
        """
        for item in items if self.decided else ():
            old = None if item in known else next((old for old in self.before(item) if old in known), None)
            if old is not None:
                yield {"group": item, "split": known[old], "members": []}
