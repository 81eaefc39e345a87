"""Decisions: the adjudicator's record on disk, and which decisions are in force.

``decisions/<task>/adjudicated.jsonl`` is curated and append-only: one line a decision as it was pulled, a changed one a
further line. A decision names its question, and a question its votes, so that a vote that comes later or changes makes
another question: the earlier decision stays on record and is in force no longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.renames import former, today
from toolkit.codebooks import Lookup
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.labels.store import load_judgements, moment
from toolkit.lineage import Lineage
from toolkit.schema import table
from toolkit.votes import CONTESTED, NO, YES, Question, questions
from toolkit.workspace import Workspace

_FIELDS = (
    *("question_id", "task", "field", "label", "outcome", "reason"),
    *("decided_by", "decided_at", "provenance", "evidence"),
)


@dataclass(frozen=True)
class Standing:
    """Where every question stands: settled (rows of the decisions table), open, and decisions in force no longer.

    ``open`` are those that an adjudicator can decide, ``waiting`` those with too few votes, ``adjudicated`` those that an
    adjudicator's decision settles.
    """

    decisions: pa.Table
    open: list[Question]
    waiting: list[Question]
    adjudicated: list[Question]
    outdated: list[dict[str, Any]]


def load_decisions(workspace: Workspace) -> pa.Table:
    """Return the decisions in force (``schemas/decisions.json``), in the order of the judgements' items."""
    return standing(workspace).decisions


def standing(workspace: Workspace) -> Standing:
    """Settle what is unanimous, look up what was adjudicated, and return the rest as open."""
    judgements = _of_the_corpus(workspace, load_judgements(workspace))
    kinds = {
        row["judgement_id"]: row["provenance"] for row in judgements.select(["judgement_id", "provenance"]).to_pylist()
    }
    adjudicated = {record["question_id"]: record for record in history(workspace)}
    minimum = workspace.settings.adjudication.minimum_votes
    rows: list[dict[str, Any]] = []
    still_open: list[Question] = []
    waiting: list[Question] = []
    decided: list[Question] = []
    asked: set[str] = set()
    lineage = Lineage.of(workspace.ledger)
    for question in questions(judgements, workspace.codebooks):
        codebook = workspace.codebooks(question.task)
        # A decision on an item that this one supersedes, with the same votes on it, is a decision on this one.
        before = [question.item_id, *lineage.before(question.item_id, carried=True)]
        record = None
        for one, same in [(question, True), *former(question, codebook)]:
            ids = {replace(one, item_id=item_id).id: item_id for item_id in before}
            asked |= ids.keys()
            found = next((adjudicated[name] for name in ids if name in adjudicated), None)
            if found and record is None and (same or found["outcome"] == YES):
                outcome = today(found["outcome"], codebook)
                # On another text its places are elsewhere.
                evidence = found["evidence"] if ids[found["question_id"]] == question.item_id else []
                record = found | {"outcome": outcome, "evidence": evidence} if outcome else None
        version = codebook.version
        if question.unanimous is not None and len(question.votes) >= minimum:
            weighed = {kinds[judgement_id] for judgement_id in question.judgement_ids}
            # A row is as good as its weakest vote: one simulated judgement makes it simulated.
            origin = next(kind for kind in ("simulated", "imported", "human") if kind in weighed)
            rows.append(_row(question, question.unanimous, "unanimous", {"provenance": origin}, version))
        elif record:
            rows.append(_row(question, record["outcome"], "adjudicated", record, version))
            # One that was asked under another label, or on an earlier text, is not put to the adjudicator again.
            decided += [question] if record["question_id"] == question.id else []
        else:
            (still_open if len(question.votes) > 1 else waiting).append(question)
    outdated = [record for question_id, record in adjudicated.items() if question_id not in asked]
    return Standing(table("decisions").from_rows(rows), still_open, waiting, decided, outdated)


def _of_the_corpus(workspace: Workspace, judgements: pa.Table) -> pa.Table:
    """Leave out what was judged and is in the corpus no longer: nobody can be asked about it."""
    if not store.versions(workspace):
        return judgements
    latest = store.open_version(workspace)
    known = [*latest.table("posts")["post_id"].to_pylist(), *latest.table("photo_texts")["photo_id"].to_pylist()]
    return judgements.filter(pc.is_in(judgements["item_id"], pa.array(known, pa.string())))


def _row(question: Question, outcome: str, method: str, record: dict[str, Any], version: str) -> dict[str, Any]:
    return {
        "question_id": question.id,
        "item_id": question.item_id,
        "item_type": question.item_type,
        "task": question.task,
        "field": question.field,
        "label": question.label,
        "outcome": outcome,
        "method": method,
        "reason": record.get("reason"),
        "comment": record.get("comment"),
        "evidence": record.get("evidence", []),
        "judgement_ids": list(question.judgement_ids),
        "decided_by": record.get("decided_by"),
        "decided_at": moment(record["decided_at"]) if "decided_at" in record else None,
        "codebook_version": version,
        "provenance": record["provenance"],
    }


def record_path(workspace: Workspace, task: str) -> Path:
    """Return where a task's adjudicated decisions stand."""
    return workspace.decisions_dir / task / "adjudicated.jsonl"


def history(workspace: Workspace) -> list[dict[str, Any]]:
    """Return every recorded decision, oldest first; :class:`InputError` names a line that does not hold."""
    records = []
    for path in sorted(workspace.decisions_dir.glob("*/adjudicated.jsonl")):
        for line, record in read_jsonl(path, appended=True):
            if missing := [name for name in _FIELDS if name not in record]:
                raise InputError(f"{path}:{line}: the decision lacks {', '.join(missing)}")
            # A label that was retired since was an outcome at its time.
            known = {label.id for label in workspace.codebooks(record["task"]).labels if label.field == record["field"]}
            if record["outcome"] not in (({YES, NO} if record["label"] else known) | {CONTESTED}):
                raise InputError(f"{path}:{line}: {record['outcome']!r} is no outcome of its question")
            try:
                moment(record["decided_at"])
            except (TypeError, ValueError):
                raise InputError(f"{path}:{line}: decided_at is {record['decided_at']!r}, no time") from None
            records.append(record)
    return records


def outcomes(task: str, field: str, label: str | None, codebooks: Lookup) -> list[str]:
    """Return what a question may be decided to: yes or no, or a value of its field; or contested."""
    if label:
        return [YES, NO, CONTESTED]
    return [*(leaf.id for leaf in codebooks(task).leaves(field)), CONTESTED]
