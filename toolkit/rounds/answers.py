"""The answers of a training round, given to those who have submitted theirs, beside their own.

Label Studio shows a prediction beside an annotation when a task is opened again. It is made only after the submission was
pulled, so that nobody sees it before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.labels.store import newest
from toolkit.rounds.plan import declared
from toolkit.tasks import LABEL_TASKS, Server, projects
from toolkit.workspace import Workspace

ANSWER = "answer"


def show_answers(workspace: Workspace, server: Server, only: Sequence[str] = LABEL_TASKS) -> int:
    """Show each annotator the answers to the training items that they have submitted; return how many were new."""
    shown = 0
    for each in declared(workspace):
        if each.kind != "training":
            continue
        expert = each.answers_by or workspace.settings.tasks.adjudicator
        own = [p for p in projects(workspace) if p.get("round") == each.name and p["task"] in only]
        answers: dict[str, Any] = {}
        for project in own:
            if project["annotator"] == expert:
                answers.update(_submitted(workspace, project))
        for project in own:
            if project["annotator"] != expert:
                wanted = {key: answers[key] for key in _submitted(workspace, project) if key in answers}
                shown += _show(server, project, wanted)
    return shown


def _submitted(workspace: Workspace, project: dict[str, Any]) -> Mapping[str, Any]:
    """Return the newest result of each task of a project that was submitted and not skipped, by key."""
    return {
        str(data["key"]): annotation["result"]
        for data, annotation in newest(workspace, project)
        if "key" in data and not annotation.get("was_cancelled")
    }


def _show(server: Server, project: dict[str, Any], wanted: Mapping[str, Any]) -> int:
    project_id = server.find_project(project["marker"]) if wanted else None
    if project_id is None:
        return 0
    there = server.task_keys(project_id)
    return sum(
        server.ensure_prediction(task_id, result, ANSWER)
        for key, result in wanted.items()
        for task_id in there.get(key, ())
    )
