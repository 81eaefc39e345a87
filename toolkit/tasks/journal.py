"""A project's push journal, ``annotations/<project>/journal.jsonl``: what was sent, with what, and what was acknowledged.

Events: ``send`` (before an import: key and hash of each task's data, its round, what was predicted), ``sent`` (after it),
``predictions`` (tasks that nobody had judged were given others).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.fsio import append_jsonl, canonical_json, read_jsonl, sha256_text

JOURNAL = "journal.jsonl"
About = Mapping[str, Mapping[str, Any]]
"""What more is to be said of tasks, by key."""
_SHOWN, _VERSION = "predictions_shown", "prediction_version"


def data_sha256(data: Mapping[str, Any]) -> str:
    """Return the digest of a task's data: what is shown, as it was sent."""
    return sha256_text(canonical_json(dict(data)))


def predicted(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says of a task's predictions: whether annotators start from them, and by what they were made."""
    return {_SHOWN: bool(about.get(_SHOWN)), _VERSION: about.get(_VERSION)}


def announce(folder: Path, project_id: int, tasks: Iterable[Mapping[str, Any]], about: About) -> None:
    """Say what is about to be sent, a record for all tasks of which the same is to be said."""
    # A record for each task, so that what is purged later can go one by one.
    keyed = [{"key": task["data"]["key"], "data_sha256": data_sha256(task["data"])} for task in tasks]
    _append(folder, "send", project_id, keyed, about)


def renewed(folder: Path, project_id: int, keys: Iterable[str], about: About) -> None:
    """Say that tasks were given the predictions that ``about`` tells."""
    _append(folder, "predictions", project_id, [{"key": key} for key in keys], about)


def _append(folder: Path, event: str, project_id: int, tasks: Iterable[Mapping[str, Any]], about: About) -> None:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for task in tasks:
        groups.setdefault(canonical_json(dict(about.get(task["key"], {}))), []).append(task)
    for own in groups.values():
        said = about.get(own[0]["key"], {})
        append_jsonl(folder / JOURNAL, {"event": event, "project_id": project_id, **said, "tasks": own})


def acknowledged(folder: Path, project_id: int, keys: Sequence[str]) -> None:
    """Say that all of these are on the server."""
    append_jsonl(folder / JOURNAL, {"event": "sent", "project_id": project_id, "keys": list(keys)})


def sent(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the journal says of each task sent, by key: ``data_sha256`` and whatever else was said."""
    found: dict[str, dict[str, Any]] = {}
    if (folder / JOURNAL).exists():
        for _, record in read_jsonl(folder / JOURNAL, appended=True):
            about = {name: value for name, value in record.items() if name not in ("event", "tasks")}
            if record["event"] == "send":
                found.update({task["key"]: about | {"data_sha256": task["data_sha256"]} for task in record["tasks"]})
            elif record["event"] == "predictions":
                for task in record["tasks"]:
                    found[task["key"]] = found.get(task["key"], {}) | predicted(about)
    return found
