"""Several decisions on one question → the one in force, by a stated rule; and the table of all that are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.adjudication.questions import Questions
from toolkit.adjudication.records import Record
from toolkit.agreement.ballots import Ints
from toolkit.codebooks import Lookup
from toolkit.labels.store import moment
from toolkit.schema import table
from toolkit.settings import AdjudicationSettings
from toolkit.votes import CONTESTED

Opinions = Sequence[Record]
"""The decisions in force on one question, a person's in each pass once: the first, then the second."""
_WEAKEST = ("simulated", "imported", "human")


@dataclass(frozen=True)
class Resolved:
    """What holds of several decisions: ``outcome``, the record that it rests on, and the other one, where there is one."""

    outcome: str
    of: Record
    other: Record | None

    @property
    def differ(self) -> bool:
        """Tell whether the two decisions differ."""
        return self.other is not None and self.other["outcome"] != self.of["outcome"]


def by_opinion(records: Sequence[Record]) -> Opinions:
    """Return each person's latest decision in each pass, first passes first, in the order in which they were first made.

    A correction takes the place of what it corrects.
    """
    latest: dict[tuple[int, str], Record] = {}
    for record in records:
        latest[record.get("pass", 1), record["decided_by"]] = record
    return [latest[key] for key in sorted(latest, key=lambda key: key[0])]


def resolve(given: Opinions, settings: AdjudicationSettings) -> Resolved:
    """Return what holds: what all say; where they differ, contested, or the first or the second decision, as declared."""
    first = given[0]
    other = next((record for record in given[1:] if record["outcome"] != first["outcome"]), None)
    if other is None:
        return Resolved(first["outcome"], first, given[1] if len(given) > 1 else None)
    if settings.differ == "second":
        return Resolved(other["outcome"], other, first)
    return Resolved(CONTESTED if settings.differ == "contested" else first["outcome"], first, other)


def decisions_table(
    found: Questions,
    itself: Ints,
    opinions: Mapping[int, Opinions],
    settings: AdjudicationSettings,
    codebooks: Lookup,
    annotated: frozenset[tuple[str, str]],
) -> pa.Table:
    """Return the decisions in force (``schemas/decisions.json``), in the order of the questions."""
    numbers = np.array(sorted(opinions), dtype=np.int64)
    rows = [_adjudicated(found, int(n), resolve(opinions[int(n)], settings), codebooks, annotated) for n in numbers]
    both = pa.concat_tables([_settled(found, itself, codebooks), table("decisions").from_rows(rows)])
    return both.take(pa.array(np.argsort(np.r_[itself, numbers], kind="stable")))


def _settled(found: Questions, itself: Ints, codebooks: Lookup) -> pa.Table:
    """Return the rows of the questions that settle themselves, column by column."""
    schema, count = table("decisions").arrow, len(itself)
    head = found.rows.select(["item_type", "item_id"]).take(pa.array(found.row[found.begin[:-1][itself]]))
    votes = found.votes_on(itself)
    offsets = pa.array(np.r_[0, np.cumsum(found.size[itself])].astype(np.int32))
    judged = found.rows["judgement_id"].take(pa.array(found.row[votes])).combine_chunks()
    about = pa.array(found.about[itself])
    names = [pa.array([asked[n] for asked in found.asked], pa.string()).take(about) for n in range(3)]
    versions = pa.array([codebooks(task).version for task, _, _ in found.asked], pa.string()).take(about)
    leading = pa.array(found.values, pa.string()).take(pa.array(found.tally[0][itself]))
    columns: dict[str, Any] = {
        "question_id": pa.array([found.question_id(int(n)) for n in itself], pa.string()),
        "item_id": head["item_id"],
        "item_type": head["item_type"],
        "task": names[0],
        "field": names[1],
        "label": names[2],
        "outcome": leading,
        "method": pa.array(np.where(found.tally[2][itself] > 0, "majority", "unanimous").tolist(), pa.string()),
        "judgement_ids": pa.ListArray.from_arrays(offsets, _flat(judged)),
        "evidence": pa.array([[]] * count, schema.field("evidence").type),
        "codebook_version": versions,
        "provenance": _provenance(found, itself, votes),
    }
    return pa.table(
        {name: columns[name] if name in columns else pa.nulls(count, schema.field(name).type) for name in schema.names},
        schema=schema,
    )


def _flat(column: Any) -> pa.Array:
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def _provenance(found: Questions, itself: Ints, votes: Ints) -> pa.Array:
    """Return where each row comes from: it is as good as its weakest vote, so that one simulated makes it simulated."""
    rank = np.array([_WEAKEST.index(kind) for kind in found.rows["provenance"].to_pylist()] or [0], dtype=np.int64)
    size = found.size[itself]
    weakest = np.full(len(itself), len(_WEAKEST) - 1, dtype=np.int64)
    np.minimum.at(weakest, np.repeat(np.arange(len(itself)), size), rank[found.row[votes]])
    return pa.array(_WEAKEST, pa.string()).take(pa.array(weakest))


def _adjudicated(
    found: Questions, number: int, held: Resolved, codebooks: Lookup, annotated: frozenset[tuple[str, str]]
) -> dict[str, Any]:
    question, record = found.question(number), held.of
    return {
        "question_id": question.id,
        "item_id": question.item_id,
        "item_type": question.item_type,
        "task": question.task,
        "field": question.field,
        "label": question.label,
        "outcome": held.outcome,
        "method": "adjudicated",
        "reason": record.get("reason"),
        "comment": record.get("comment"),
        "evidence": record["evidence"],
        "judgement_ids": list(question.judgement_ids),
        "decided_by": record["decided_by"],
        "decided_at": moment(record["decided_at"]),
        "decided_by_annotator": (record["decided_by"], question.item_id) in annotated,
        "second_by": held.other["decided_by"] if held.other else None,
        "second_outcome": held.other["outcome"] if held.other else None,
        "codebook_version": record.get("codebook_version") or codebooks(question.task).version,
        "provenance": min((r["provenance"] for r in (record, held.other) if r), key=_WEAKEST.index),
    }
