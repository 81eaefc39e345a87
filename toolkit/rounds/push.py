"""All projects of all rounds: a plan, and the push."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from toolkit.labels.store import load_judgements
from toolkit.predict import predict
from toolkit.rounds.answers import show_answers
from toolkit.rounds.plan import Given, Predict, Work, annotators, declared, work
from toolkit.rounds.standing import standings
from toolkit.tasks import LABEL_TASKS, Plan, Project, Server, orphans_only, plan_project, push_project, serve_images
from toolkit.tasks.assignment import Assignments
from toolkit.workspace import Workspace


def plan(workspace: Workspace, server: Server, only: Sequence[str] = LABEL_TASKS) -> tuple[list[Plan], Work]:
    """Return what a push would do, project by project, and who waits for what, without doing it."""
    made = work(workspace, Assignments(workspace), only)
    plans = [
        plan_project(workspace, server, project, [given.key for given in share])
        for project, share in made.shares.items()
    ]
    return [*plans, *orphans_only(workspace, server, only, made.shares)], made


def push(
    workspace: Workspace,
    server: Server,
    only: Sequence[str] = LABEL_TASKS,
    *,
    predict: Predict = predict,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[list[Plan], Work]:
    """Bring all projects up to the latest corpus version; return what was done, project by project, and who waits.

    ``predict`` makes the predictions of a production round's tasks, as the settings have it. Those that are hidden are not
    sent at all, since whoever looks could find them there. Orphaned tasks are left where they are: judgements may hang on
    them.
    """
    with workspace.lock():
        assignments = Assignments(workspace)
        made = work(workspace, assignments, only)
        assignments.write()
        done = []
        for project, share in made.shares.items():
            progress(project.title)
            done.append(_push(workspace, server, project, share, predict))
        show_answers(workspace, server, only)
        return [*done, *orphans_only(workspace, server, only, made.shares)], made


def _push(
    workspace: Workspace,
    server: Server,
    project: Project,
    share: Sequence[Given],
    predict: Predict,
) -> Plan:
    shown = workspace.settings.tasks.predictions == "shown"
    folder, addresses = serve_images(workspace, [given.item for given in share])
    predictions = _predictions(workspace, project, share, predict)
    sent = predictions if shown else {}
    tasks = [_task(given, project, addresses, sent.get(given.key, ())) for given in share]
    about = {given.key: _about(given, predictions.get(given.key, ()), shown=shown) for given in share}
    versions = {each["model_version"] for own in sent.values() for each in own if each["result"]}
    names = workspace.settings.tasks.annotators
    return push_project(
        workspace,
        server,
        project,
        workspace.codebooks(project.task),
        tasks,
        images=folder,
        predictions=max(versions, default=""),
        overlap=1 if project.annotator else workspace.settings.tasks.overlap or len(names),
        about=about,
    )


def _predictions(
    workspace: Workspace, project: Project, share: Sequence[Given], predict: Predict
) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return the predictions by key: of production alone, never where annotators learn or are compared."""
    if workspace.settings.tasks.predictions == "off" or project.round_kind != "production":
        return {}
    found = predict(workspace, [given.item for given in share])
    return {g.key: found[g.item.item_id] for g in share if g.round_kind == "production" and found.get(g.item.item_id)}


def _about(given: Given, predictions: Iterable[dict[str, Any]], *, shown: bool) -> dict[str, Any]:
    versions = sorted({each["model_version"] for each in predictions})
    return {
        "round": given.round,
        "round_kind": given.round_kind,
        "predictions_shown": bool(versions) and shown,  # also where nothing was found
        "prediction_version": ", ".join(versions) or None,
    }


def _task(
    given: Given, project: Project, addresses: Mapping[str, str], predictions: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    item = given.item
    data = {
        "key": given.key,
        "item_id": item.item_id,
        "item_type": item.item_type,
        "text": item.text,
        "text_layer": item.layer,
        "image_seen": item.image is not None and project.form == "image",
    }
    if item.image:
        data["image"] = addresses[item.image]
    found = [each for each in predictions if each["result"]]
    return {"data": data, "predictions": found} if found else {"data": data}


def standing_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Return where each annotator stands in each calibration, as records, by the judgements that were pulled."""
    calibrations = [each for each in declared(workspace) if each.kind == "calibration"]
    if not calibrations:
        return []
    judgements, assignments = load_judgements(workspace), Assignments(workspace)
    names = annotators(workspace)
    return [
        asdict(standing)
        for each in calibrations
        for task in each.tasks
        if assignments.items(each.name, task)
        for standing in standings(
            judgements, each, task, list(assignments.items(each.name, task)), names, workspace.codebooks
        )
    ]
