"""The ledger's entries of sources: which are in force, and the place of each in the order of adding."""

from __future__ import annotations

from typing import Any

from toolkit.ledger import Ledger
from toolkit.workspace import Workspace


def entries(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the entry of each source in the order added, purged ones included; a removed one is none any more."""
    found: dict[str, dict[str, Any]] = {}
    for record in ledger.records("source", "removed"):
        if record["event"] == "removed":
            found.pop(record["source_id"], None)
        else:
            found.setdefault(record["source_id"], record)
    return found


def sequence(workspace: Workspace) -> dict[str, int]:
    """Return source id → its place in the order of adding, from 1; one that was purged or removed keeps its place, empty."""
    places: dict[str, int] = {}
    count = 0
    for record in workspace.ledger.records("source", "removed"):
        if record["event"] == "removed":
            places.pop(record["source_id"], None)
        elif record["source_id"] not in places:
            count += 1
            places[record["source_id"]] = count
    return places
