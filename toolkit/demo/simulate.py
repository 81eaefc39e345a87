"""Simulated annotators: each submits the example judgements through Label Studio, under their own account's token."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from toolkit.corpus import store
from toolkit.demo import examples
from toolkit.demo.examples import Key, Simulated
from toolkit.errors import InputError
from toolkit.labelresult import Result
from toolkit.labelstudio.client import RawTask, Studio
from toolkit.labelstudio.connect import connect
from toolkit.provenance import import_number, simulated_id
from toolkit.tasks import LABEL_TASKS, projects
from toolkit.workspace import Workspace


def item_keys(workspace: Workspace) -> dict[str, Key]:
    """Return the (source, curator's key) of each item of the latest corpus version, by its id."""
    rows = store.open_version(workspace).table("segments").to_pylist()
    return {row["row_id"]: (row["source_id"], row["key"]) for row in rows if row["row_id"] and row["key"]}


def annotate(workspace: Workspace, folder: Path) -> int:
    """Submit the example judgements; return how many submissions were made or changed."""
    keys = item_keys(workspace)
    done = 0
    for record in (r for r in projects(workspace) if r["task"] in LABEL_TASKS):
        studio, codebook = connect(workspace, record["annotator"]), workspace.codebooks(record["task"])
        answers = {s.key: s for s in examples.judgements(folder, record["task"], record["annotator"])}
        _check_known(answers.values(), keys)
        for task in studio.annotations(studio.require_project(record["marker"])):
            simulated = answers.get(keys.get(task.data["item_id"], ("", "")))
            if simulated:
                result = examples.answer_result(simulated, codebook, record["form"], task.data["text"])
                done += _submit(studio, task, record, simulated, result)
    return done


def decide(workspace: Workspace, folder: Path) -> int:
    """Submit the example decisions on the questions that are open; return how many were made or changed."""
    keys = item_keys(workspace)
    decisions = examples.decisions(folder)
    _check_known(decisions, keys)
    answers = {(s.key, s.record["task"], s.record["field"], s.record["label"]): s for s in decisions}
    done = 0
    for record in (r for r in projects(workspace) if r["task"] == "adjudication"):
        studio = connect(workspace, record["annotator"])
        for task in studio.annotations(studio.require_project(record["marker"])):
            data = task.data
            about = (keys.get(data["item_id"], ("", "")), data["task"], data["field"], data["label"] or None)
            if simulated := answers.get(about):
                done += _submit(studio, task, record, simulated, examples.decision_result(simulated))
    return done


def _check_known(simulated: Iterable[Simulated], keys: dict[str, Key]) -> None:
    known = set(keys.values())
    for each in simulated:
        if each.key not in known:
            raise InputError(f"{each.where}: no post or photo text {each.key[1]!r} in source {each.key[0]!r}")


def _submit(studio: Studio, task: RawTask, record: dict[str, Any], simulated: Simulated, result: Result) -> bool:
    """Submit once; where an earlier run submitted something else, change it to what the examples say now."""
    unique_id = simulated_id(record["marker"], task.data["key"])
    there = next((a for a in task.annotations if a["import_id"] == import_number(unique_id)), None)
    if there is None:
        studio.submit(task.id, result, unique_id=unique_id, lead_time=simulated.seconds, skipped=simulated.skipped)
        return True
    if _plain(there["result"]) == _plain(result) and bool(there["was_cancelled"]) == simulated.skipped:
        return False
    studio.update_annotation(int(there["id"]), result, lead_time=simulated.seconds, skipped=simulated.skipped)
    return True


def _plain(result: Result) -> list[tuple[Any, Any, Any]]:
    return sorted((str(r.get("id")), str(r.get("from_name")), str(r.get("value"))) for r in result)
