"""Whose answer had which letter: what adjudicators were shown, known on this side alone.

``decisions/<task>/alternatives.jsonl`` has a line for each task put: its ``key``, the ``question_id``, the ``alternatives``
(letter → annotator) and the ``judgement_ids`` weighed. Of a purged annotator the letter is gone from the line, and what
bore it is taken out of whatever was pulled, or is pulled later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.fsio import read_jsonl, write_jsonl
from toolkit.tombstones import annotator_id

Record = dict[str, Any]
NAME = "alternatives.jsonl"


def put(decisions: Path) -> dict[str, Record]:
    """Return what was asked, by the key of its task."""
    return {_key(record): record for path in _files(decisions) for _, record in read_jsonl(path, appended=True)}


def note_put(decisions: Path, task: str, asked: Iterable[Record]) -> None:
    """Note what is about to be asked, beside what was asked earlier."""
    path = decisions / task / NAME
    known = {_key(record): record for _, record in read_jsonl(path, appended=True)} if path.exists() else {}
    after = known | {record["key"]: record for record in asked}
    if after != known:
        write_jsonl(path, after.values())


def forget(decisions: Path, annotator: str, judgements: Collection[str]) -> None:
    """Take the letter and the judgements of an annotator (as tombstones call them) out of all lines."""
    for path in _files(decisions):
        known = [record for _, record in read_jsonl(path, appended=True)]
        left = [
            record
            | {
                "alternatives": {k: v for k, v in record["alternatives"].items() if annotator_id(v) != annotator},
                "judgement_ids": [each for each in record.get("judgement_ids", ()) if each not in judgements],
            }
            for record in known
        ]
        if left != known:
            write_jsonl(path, left)


def without_forgotten(data: Mapping[str, Any], known: Mapping[str, Record]) -> dict[str, Any]:
    """Return a task's data with those answers and marked words alone whose letter somebody is known to have.

    Where anything goes it says so (``purged``). Of a task that no line knows, nobody can tell: all go.
    """
    letters = known.get(str(data.get("key")), {}).get("alternatives", {})
    left = {}
    if isinstance(data.get("alternatives"), list):
        left["alternatives"] = [each for each in data["alternatives"] if each.get("alternative") in letters]
    if isinstance(data.get("spans"), list):
        by = [[letter for letter in span.get("by", ()) if letter in letters] for span in data["spans"]]
        left["spans"] = [span | {"by": names} for span, names in zip(data["spans"], by, strict=True) if names]
    changed = any(data[name] != value for name, value in left.items())
    return {**data, **left, "purged": True} if changed else dict(data)


def _files(decisions: Path) -> list[Path]:
    return sorted(decisions.glob(f"*/{NAME}"))


def _key(record: Record) -> str:
    # A question that was put again has a key of its own, and other letters.
    return str(record.get("key", record["question_id"]))
