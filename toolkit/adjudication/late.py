"""Judgements that came after an adjudicator had decided: noticed, and what they changed said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.records import Record, place_of
from toolkit.adjudication.store import Standing, place_numbers
from toolkit.labels.store import moment


@dataclass(frozen=True)
class Late:
    """A judgement on something that was settled before it.

    ``how``: it is ``new``, or was ``changed`` since. ``was``: what had been decided, by whom and when (of a release: its
    version). ``now``: the outcome in force, ``open`` where there is none, None where the release alone is concerned.
    """

    item_id: str
    field: str | None
    label: str | None
    judgement_id: str
    annotator: str
    at: str
    how: str
    was: str
    now: str | None


def late(found: Standing, judgements: pa.Table) -> list[Late]:
    """Return the judgements that changed the votes on something decided, in the order of the decisions."""
    numbers = place_numbers(found.found, found.outdated)
    in_force = {
        (row["task"], row["item_id"], row["field"], row["label"]): row["outcome"]
        for row in _about(found.decisions, {record["item_id"] for record in found.outdated}).to_pylist()
    }
    rows = {row["judgement_id"]: row for row in _about(judgements, {r["item_id"] for r in found.outdated}).to_pylist()}
    listed = []
    for record in found.outdated:
        number = numbers.get(place_of(record))
        for judgement_id in found.found.question(number).judgement_ids if number is not None else ():
            how = _how(record, rows[judgement_id])
            if how:
                listed.append(_late(record, rows[judgement_id], how, in_force.get(place_of(record), "open")))
    return listed


def _how(record: Record, row: dict[str, Any]) -> str:
    """Return how a judgement came in after a decision; empty where the decision weighed it as it stands."""
    decided = moment(record["decided_at"])
    weighed = row["judgement_id"] in record.get("judgement_ids", ())
    if not weighed and (record.get("judgement_ids") or row["created_at"] > decided):
        return "new"
    return "changed" if row["updated_at"] > decided else ""


def _late(record: Record, row: dict[str, Any], how: str, now: str) -> Late:
    was = f"{record['outcome']}, {record['decided_by']}, {record['decided_at'][:10]}"
    at = row["updated_at" if how == "changed" else "created_at"].isoformat(timespec="seconds")
    about = (record["item_id"], record["field"], record["label"])
    return Late(*about, row["judgement_id"], row["annotator"], at, how, was, now)


def _about(rows: pa.Table, items: Collection[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows["item_id"], pa.array(sorted(items), pa.string())))
