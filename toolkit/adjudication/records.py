"""What adjudicators decided, on disk: curated and append-only, so that nothing that was ever decided goes away.

::

    decisions/<task>/adjudicated.jsonl    a line a decision as it was pulled; a changed one is a further line
    decisions/<task>/reopened.jsonl       a line for each time that a question was put again, by whom and why

Beside them lie what was asked (:mod:`toolkit.alternatives`) and the precedents (:mod:`toolkit.precedents`).

A decision names its question, and a question its votes: a vote that comes later or changes makes another question. It also
says in which asking it was made: 0, or how often what it is about had been reopened.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from toolkit.adjudication.questions import Place
from toolkit.codebooks import Lookup
from toolkit.errors import InputError
from toolkit.fsio import append_jsonl, read_jsonl
from toolkit.labels.store import moment
from toolkit.votes import CONTESTED, NO, YES
from toolkit.workspace import Workspace

Record = dict[str, Any]
_DECISION = (
    *("question_id", "item_id", "task", "field", "label", "outcome", "reason"),
    *("decided_by", "decided_at", "provenance", "evidence"),
)
_REOPENED = ("item_id", "task", "field", "label", "because", "by", "at")


def record_path(workspace: Workspace, task: str) -> Path:
    """Return where a task's adjudicated decisions stand."""
    return workspace.decisions_dir / task / "adjudicated.jsonl"


def place_of(record: Record) -> Place:
    """Return what a record is about."""
    return record["task"], record["item_id"], record["field"], record["label"]


def history(workspace: Workspace) -> list[Record]:
    """Return every recorded decision, oldest first; :class:`InputError` names a line that does not hold."""
    records = []
    for path, line, record in _lines(workspace, "adjudicated.jsonl"):
        if missing := [name for name in _DECISION if name not in record]:
            raise InputError(f"{path}:{line}: the decision lacks {', '.join(missing)}")
        # A label that was retired since was an outcome at its time.
        known = {label.id for label in workspace.codebooks(record["task"]).labels if label.field == record["field"]}
        if record["outcome"] not in (({YES, NO} if record["label"] else known) | {CONTESTED}):
            raise InputError(f"{path}:{line}: {record['outcome']!r} is no outcome of its question")
        _check_time(path, line, record, "decided_at")
        records.append(record)
    return records


def reopenings(workspace: Workspace) -> list[Record]:
    """Return every reopening, oldest first; :class:`InputError` names a line that does not hold."""
    records = []
    for path, line, record in _lines(workspace, "reopened.jsonl"):
        if missing := [name for name in _REOPENED if name not in record]:
            raise InputError(f"{path}:{line}: the reopening lacks {', '.join(missing)}")
        _check_time(path, line, record, "at")
        records.append(record)
    return records


def times(records: Iterable[Record]) -> Counter[Place]:
    """Return how often each question was reopened."""
    return Counter(place_of(record) for record in records)


def reopen(workspace: Workspace, places: Iterable[Place], *, because: str, by: str, at: dt.datetime) -> int:
    """Put questions again; return how many. What was decided on them stays on record and is in force no longer."""
    count = 0
    with workspace.lock():
        for task, item, field, label in places:
            about = {"item_id": item, "task": task, "field": field, "label": label}
            about |= {"because": because, "by": by, "at": at.isoformat(timespec="seconds")}
            append_jsonl(workspace.decisions_dir / task / "reopened.jsonl", about)
            count += 1
    return count


def outcomes(task: str, field: str, label: str | None, codebooks: Lookup) -> list[str]:
    """Return what a question may be decided to: yes or no, or a value of its field; or contested."""
    if label:
        return [YES, NO, CONTESTED]
    return [*(leaf.id for leaf in codebooks(task).leaves(field)), CONTESTED]


def _lines(workspace: Workspace, name: str) -> Iterator[tuple[Path, int, Record]]:
    for path in sorted(workspace.decisions_dir.glob(f"*/{name}")):
        for line, record in read_jsonl(path, appended=True):
            yield path, line, record


def _check_time(path: Path, line: int, record: Record, name: str) -> None:
    try:
        moment(record[name])
    except (TypeError, ValueError):
        raise InputError(f"{path}:{line}: {name} is {record[name]!r}, no time") from None
