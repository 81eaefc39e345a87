"""Items → Label Studio tasks: a plan, then a push that can be stopped anywhere and run again.

Each annotator has a project of their own for each task and form, since open-source Label Studio shows everyone's labels
to whoever looks. That is advisory: it knows no roles. Tasks are found again by the content key in their data, so that a
second push, or one after a lost answer, ends with each task once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from toolkit.codebook import Codebook, load_codebook
from toolkit.corpus import store
from toolkit.errors import InputError, ServiceError
from toolkit.fsio import append_jsonl, canonical_json, read_json, replacing, sha256_text, write_atomic
from toolkit.items import Item, items
from toolkit.labelconfig import render_config, render_guide
from toolkit.sources import registry
from toolkit.tombstones import annotator_id, purged_annotators
from toolkit.workspace import Workspace

LABEL_TASKS = ("narrative", "photo_text")
_IMAGES = "images"


class Server(Protocol):
    """What a push needs of Label Studio (:class:`toolkit.labelstudio.client.Studio`)."""

    @property
    def url(self) -> str: ...  # noqa: D102

    def find_project(self, key: str) -> int | None: ...  # noqa: D102
    def ensure_project(  # noqa: D102
        self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1, predictions: bool = False
    ) -> int: ...
    def show_predictions(self, project_id: int, model_version: str) -> None: ...  # noqa: D102
    def ensure_image_storage(self, project_id: int, path: Path) -> int: ...  # noqa: D102
    def task_keys(self, project_id: int) -> dict[str, list[int]]: ...  # noqa: D102
    def import_tasks(self, project_id: int, tasks: Sequence[dict[str, Any]], *, batch: int = 500) -> int: ...  # noqa: D102
    def annotations(self, project_id: int) -> Iterable[Any]: ...  # noqa: D102
    def delete_task(self, task_id: int) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Project:
    """One annotator's project for a form of a task; for adjudication, ``task`` is ``adjudication``."""

    key: str
    task: str
    form: str
    annotator: str
    about: str = ""

    @property
    def title(self) -> str:
        """What annotators see it called."""
        named = self.about or self.task
        return f"{named.replace('_', ' ')}{'' if self.form == 'default' else f' ({self.form})'} · {self.annotator}"


@dataclass(frozen=True)
class Plan:
    """What a push would do to one project: keys to create, there already, and there without an item behind them."""

    project: Project
    create: tuple[str, ...]
    unchanged: tuple[str, ...]
    orphaned: tuple[str, ...]


def assigned(workspace: Workspace, found: Sequence[Item]) -> dict[Project, list[Item]]:
    """Return each annotator's items, in corpus order: all, or ``overlap`` annotators an item.

    Who gets an item depends on the item and the names alone (rendezvous hashing): items that come later move nobody's.
    """
    names = workspace.settings.tasks.annotators
    if not names:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.annotators is empty",
            hint='name them: annotators = ["ann-1", …]',
        )
    if gone := [name for name in names if annotator_id(name) in purged_annotators(workspace.ledger)]:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.annotators names {gone[0]}, whose judgements were purged",
            hint="take the name out; another person needs another name",
        )
    overlap = workspace.settings.tasks.overlap or len(names)
    shares: dict[Project, list[Item]] = {}
    for item in found:
        chosen = sorted(names, key=lambda name, item=item: sha256_text(f"{name}\n{item.item_id}"))[:overlap]  # type: ignore[misc]
        for name in names:
            if name in chosen:
                form = "" if item.form == "default" else f"-{item.form}"
                project = Project(f"{item.task}{form}.{name}", item.task, item.form, name)
                shares.setdefault(project, []).append(item)
    return shares


def work(workspace: Workspace, only: Sequence[str] = LABEL_TASKS) -> dict[Project, list[Item]]:
    """Return each project with its items, of the latest corpus version."""
    tables = store.open_version(workspace).tables()
    return assigned(workspace, [i for i in items(tables, workspace.settings.tasks.layer) if i.task in only])


def marker(workspace: Workspace, project: Project) -> str:
    """Return the key by which a project is found on a server that other workspaces may share."""
    return f"{workspace.settings.name}/{project.key}"


def plan(workspace: Workspace, server: Server, only: Sequence[str] = LABEL_TASKS) -> list[Plan]:
    """Return what a push would do, project by project, without doing it."""
    shares = work(workspace, only)
    plans = [_plan(workspace, server, project, share) for project, share in shares.items()]
    return [*plans, *_left_over(workspace, server, only, shares)]


def _left_over(workspace: Workspace, server: Server, only: Sequence[str], shares: Container[Project]) -> Iterator[Plan]:
    """Yield the plans of projects pushed earlier to which no item goes any more: all that they hold is orphaned."""
    for record in projects(workspace):
        project = Project(*(record[name] for name in ("project", "task", "form", "annotator", "about")))
        if project.task in only and project not in shares:
            found = _plan(workspace, server, project, ())
            if found.orphaned:
                yield found


def _plan(workspace: Workspace, server: Server, project: Project, share: Sequence[Item]) -> Plan:
    project_id = server.find_project(marker(workspace, project))
    there = server.task_keys(project_id) if project_id is not None else {}
    wanted = [item.key for item in share]
    return Plan(
        project,
        create=tuple(key for key in wanted if key not in there),
        unchanged=tuple(key for key in wanted if key in there),
        orphaned=tuple(sorted(there.keys() - set(wanted))),
    )


def push(
    workspace: Workspace,
    server: Server,
    only: Sequence[str] = LABEL_TASKS,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Plan]:
    """Bring each annotator's projects up to the latest corpus version; return what was done, project by project.

    Orphaned tasks are left where they are: judgements may hang on them.
    """
    with workspace.lock():
        done = []
        shares = work(workspace, only)
        for project, share in shares.items():
            progress(project.title)
            folder, addresses = serve_images(workspace, share)
            codebook = load_codebook(project.task)
            tasks = [_task(item, project, addresses) for item in share]
            done.append(push_project(workspace, server, project, codebook, tasks, images=folder))
        return [*done, *_left_over(workspace, server, only, shares)]


def push_project(
    workspace: Workspace,
    server: Server,
    project: Project,
    codebook: Codebook,
    tasks: Sequence[dict[str, Any]],
    *,
    images: Path | None = None,
    predictions: str = "",
) -> Plan:
    """Make or update one project and add the tasks that it lacks; duplicates of an earlier, cut-off push are removed.

    ``predictions`` is the model version of the tasks' predictions that annotators start from.
    """
    language = workspace.settings.tasks.language
    config = render_config(codebook, form=project.form, language=language)
    name, guide = marker(workspace, project), render_guide(codebook, language)
    project_id = server.ensure_project(
        name, title=project.title, config=config, instruction=guide, predictions=bool(predictions)
    )
    if images is not None:
        server.ensure_image_storage(project_id, images)
    folder = workspace.annotations_dir / project.key
    record = {
        "project": project.key,
        "marker": name,
        "task": project.task,
        "form": project.form,
        "about": project.about,
        "annotator": project.annotator,
        "corpus": next((str(found.version) for found in reversed(store.versions(workspace))), None),
        "language": language,
        "codebook_version": codebook.version,
        "config_sha256": sha256_text(config),
        "guide_sha256": codebook.guide_sha256,
    }
    write_atomic(folder / "project.json", canonical_json(record) + "\n")
    by_key = {task["data"]["key"]: task for task in tasks}
    there = server.task_keys(project_id)
    create = [key for key in by_key if key not in there]
    if create:
        append_jsonl(folder / "journal.jsonl", {"event": "send", "project_id": project_id, "keys": create})
        server.import_tasks(project_id, [by_key[key] for key in create])
        there = server.task_keys(project_id)
        append_jsonl(folder / "journal.jsonl", {"event": "sent", "project_id": project_id, "keys": create})
    if missing := [key for key in by_key if key not in there]:
        raise ServiceError(
            f"{server.url} took the tasks of {project.key} but {len(missing)} are not there", hint="push again"
        )
    _remove_duplicates(server, project_id, {key: ids for key, ids in there.items() if len(ids) > 1})
    if predictions:
        server.show_predictions(project_id, predictions)
    unchanged = tuple(key for key in by_key if key not in create)
    return Plan(project, tuple(create), unchanged, tuple(sorted(there.keys() - by_key.keys())))


def _remove_duplicates(server: Server, project_id: int, repeated: dict[str, list[int]]) -> None:
    """Delete copies that nobody has judged; one of each key stays, judged ones always."""
    if not repeated:
        return
    judged = {task.id for task in server.annotations(project_id) if task.annotations}
    for ids in repeated.values():
        keep = next((task_id for task_id in ids if task_id in judged), ids[0])
        for task_id in ids:
            if task_id != keep and task_id not in judged:
                server.delete_task(task_id)


def _task(item: Item, project: Project, addresses: dict[str, str]) -> dict[str, Any]:
    data = {
        "key": item.key,
        "item_id": item.item_id,
        "item_type": item.item_type,
        "text": item.text,
        "text_layer": item.layer,
        "image_seen": item.image is not None and project.form == "image",
    }
    if item.image:
        data["image"] = addresses[item.image]
    return {"data": data}


def serve_images(workspace: Workspace, shown: Iterable[Item]) -> tuple[Path | None, dict[str, str]]:
    """Copy the images of items into the one folder that the server serves; return it, and each hash's address in tasks."""
    wanted = {item.image for item in shown if item.image}
    if not wanted:
        return None, {}
    files = {sha256: path for source in registry.sources(workspace) for sha256, path in source.media.items()}
    folder = workspace.served_dir / _IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for sha256 in sorted(wanted):
        if not (folder / files[sha256].name).exists():
            with replacing(folder / files[sha256].name) as beside:
                shutil.copyfile(files[sha256], beside)
    return folder, {sha256: f"/data/local-files/?d={_IMAGES}/{files[sha256].name}" for sha256 in wanted}


@dataclass(frozen=True)
class Progress:
    """How far one project is: tasks, submitted, skipped, left."""

    project: str
    annotator: str
    tasks: int
    done: int
    skipped: int

    @property
    def left(self) -> int:
        """Tasks that the annotator has not come to."""
        return self.tasks - self.done - self.skipped


def projects(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the records of all projects that were pushed, by name."""
    return [read_json(path) for path in sorted(workspace.annotations_dir.glob("*/project.json"))]


def status(workspace: Workspace, server: Server) -> list[Progress]:
    """Return how far each pushed project is, counted from the annotations themselves."""
    found = []
    for record in projects(workspace):
        project_id = server.find_project(record["marker"])
        tasks = list(server.annotations(project_id)) if project_id is not None else []
        skipped = sum(1 for t in tasks if t.annotations and all(a.get("was_cancelled") for a in t.annotations))
        done = sum(1 for task in tasks if task.annotations) - skipped
        found.append(Progress(record["project"], record["annotator"], len(tasks), done, skipped))
    return found
