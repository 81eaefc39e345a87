"""Questions → the adjudicators' projects, one question a task, blind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.adjudication.ask import Put, Shown, evidence_of, task_data, to_put
from toolkit.adjudication.records import place_of, reopenings
from toolkit.adjudication.store import standing
from toolkit.alternatives import note_put
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.items import Item, items
from toolkit.labels.store import load_judgements
from toolkit.precedents import load as load_precedents
from toolkit.tasks import LABEL_TASKS, Plan, Project, Server, push_project, serve_images
from toolkit.workspace import Workspace


def project(workspace: Workspace, task: str, form: str, number: int = 1) -> Project:
    """Return the project for a task and form, of the adjudicator or (pass 2) of whoever decides a second time.

    :class:`InputError` where the settings name no adjudicator.
    """
    name, second = workspace.settings.tasks.adjudicator, workspace.settings.adjudication.second
    if name is None:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.adjudicator is not set", hint='name one: adjudicator = "adj-1"'
        )
    key = f"adjudication{'' if form == 'default' else f'-{form}'}.{task}"
    if number == 2 and second:
        key, name = f"{key}.{second}", second
    return Project(key, "adjudication", form, name, about=f"adjudication {task}")


def push(workspace: Workspace, server: Server) -> list[Plan]:
    """Push every question that is to be decided, those about a held image with the image.

    Those decided are there already; those whose votes have changed since are told as orphaned.
    """
    with workspace.lock():
        codebook = workspace.codebooks("adjudication")
        tables = store.open_version(workspace).tables()
        shown = {i.item_id: i for i in items(tables, workspace.settings.tasks.layer)}
        because = {place_of(record): record["because"] for record in reopenings(workspace)}
        every = [put for put in to_put(standing(workspace), because) if put.question.item_id in shown]
        weighed = {judgement_id for put in every for judgement_id in put.question.judgement_ids}
        beside = Shown(
            items=shown,
            others=_others(tables, shown),
            evidence=evidence_of(load_judgements(workspace), shown, weighed) if every else {},
            precedents={task: load_precedents(workspace.decisions_dir, task) for task in LABEL_TASKS},
            codebooks=workspace.codebooks,
            language=workspace.settings.tasks.language,
        )
        done = []
        for task in LABEL_TASKS:
            puts = [put for put in every if put.question.task == task]
            if puts:
                note_put(workspace.decisions_dir, task, (put.record() for put in puts))
            for form in codebook.forms:
                own = [put for put in puts if (shown[put.question.item_id].image is not None) == (form == "image")]
                for of, theirs in _by_project(workspace, task, form, own).items():
                    images, addresses = serve_images(workspace, [shown[put.question.item_id] for put in theirs])
                    with_images = Shown(**{**vars(beside), "addresses": addresses})
                    tasks = [{"data": task_data(put, with_images)} for put in theirs]
                    plan = push_project(workspace, server, of, codebook, tasks, images=images, precedents_of=task)
                    done.append(plan)
        return done


def _by_project(workspace: Workspace, task: str, form: str, puts: list[Put]) -> Mapping[Project, list[Put]]:
    """Return what goes to each project; one that was pushed and to which nothing goes any more has none."""
    found: dict[Project, list[Put]] = {}
    for number in (1, 2) if puts or any(workspace.annotations_dir.glob("adjudication*")) else ():
        of = project(workspace, task, form, number)
        own = [put for put in puts if put.number == number]
        if own or (workspace.annotations_dir / of.key).exists():
            found.setdefault(of, []).extend(own)
    return found


def _others(tables: Mapping[str, Any], shown: Mapping[str, Item]) -> dict[str, tuple[str, str]]:
    """Return the layer of each post that is not the one shown: an ambiguity of translation is told by both."""
    found: dict[str, tuple[str, str]] = {}
    for row in tables["text_layers"].select(["post_id", "layer", "text"]).to_pylist():
        item = shown.get(row["post_id"])
        if item and row["layer"] != item.layer and row["text"] != item.text:
            found.setdefault(item.item_id, (row["layer"], row["text"]))
    return found
