"""One project's tasks: a plan, then a push that can be stopped anywhere and run again.

Tasks are found again by the content key in their data, so that a second push, or one after a lost answer, ends with each
task once. The project's journal says what was sent: key, hash of the data, round, predictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from toolkit.codebook import Codebook
from toolkit.corpus import store
from toolkit.errors import ServiceError
from toolkit.formchange import take_codebook
from toolkit.fsio import append_jsonl, canonical_json, read_jsonl, sha256_text, write_atomic
from toolkit.labelconfig import guide_sha256, render_config, render_guide
from toolkit.precedents import load as load_precedents
from toolkit.tasks.projects import Project, from_record, marker, projects
from toolkit.workspace import Workspace

JOURNAL = "journal.jsonl"


class Server(Protocol):
    """What a push needs of Label Studio (:class:`toolkit.labelstudio.client.Studio`)."""

    @property
    def url(self) -> str: ...  # noqa: D102

    def find_project(self, key: str) -> int | None: ...  # noqa: D102
    def ensure_project(  # noqa: D102
        self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1, predictions: bool = False
    ) -> int: ...
    def show_predictions(self, project_id: int, model_version: str) -> None: ...  # noqa: D102
    def ensure_prediction(self, task_id: int, result: Sequence[Any], model_version: str) -> bool: ...  # noqa: D102
    def ensure_image_storage(self, project_id: int, path: Path) -> int: ...  # noqa: D102
    def task_keys(self, project_id: int) -> dict[str, list[int]]: ...  # noqa: D102
    def import_tasks(self, project_id: int, tasks: Sequence[dict[str, Any]], *, batch: int = 1000) -> int: ...  # noqa: D102
    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterable[Any]: ...  # noqa: D102
    def delete_unjudged(self, task_id: int) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Plan:
    """What a push would do to one project: keys to create, there already, and there without an item behind them."""

    project: Project
    create: tuple[str, ...]
    unchanged: tuple[str, ...]
    orphaned: tuple[str, ...]


def plan_project(workspace: Workspace, server: Server, project: Project, wanted: Sequence[str]) -> Plan:
    """Return what a push of the tasks with these keys would do to a project, without doing it."""
    project_id = server.find_project(marker(workspace, project))
    there = server.task_keys(project_id) if project_id is not None else {}
    return Plan(
        project,
        create=tuple(key for key in wanted if key not in there),
        unchanged=tuple(key for key in wanted if key in there),
        orphaned=tuple(sorted(there.keys() - set(wanted))),
    )


def orphans_only(workspace: Workspace, server: Server, tasks: Sequence[str], pushed: Iterable[Project]) -> list[Plan]:
    """Return the plans of projects pushed earlier to which no item goes any more: all that they hold is orphaned."""
    keys = {project.key for project in pushed}
    found = []
    for project in map(from_record, projects(workspace)):
        if project.task in tasks and project.key not in keys:
            plan = plan_project(workspace, server, project, ())
            found += [plan] if plan.orphaned else []
    return found


def push_project(  # noqa: PLR0913  # one call a project, each argument named
    workspace: Workspace,
    server: Server,
    project: Project,
    codebook: Codebook,
    tasks: Sequence[dict[str, Any]],
    *,
    images: Path | None = None,
    predictions: str = "",
    overlap: int = 1,
    about: Mapping[str, Mapping[str, Any]] | None = None,
    precedents_of: str | None = None,
) -> Plan:
    """Make or update one project and add the tasks that it lacks; duplicates of an earlier, cut-off push are removed.

    ``predictions`` is the model version of the tasks' predictions that annotators start from; ``about`` says more of a task,
    by its key, for the journal: its round where that is not the project's, and what was predicted. The guide tells the
    precedents of the codebook's task, or of ``precedents_of``.
    """
    language = workspace.settings.tasks.language
    blur = workspace.settings.tasks.blur_images
    config = render_config(codebook, form=project.form, language=language, blur=blur)
    ruled = load_precedents(workspace.decisions_dir, precedents_of or codebook.task)
    name, guide = marker(workspace, project), render_guide(codebook, language, precedents=ruled)
    hashes = sha256_text(config), guide_sha256(codebook, ruled)
    by_key = {task["data"]["key"]: task for task in tasks}
    earlier = take_codebook(workspace, server, project.key, name, codebook, hashes)
    project_id = server.ensure_project(
        name, title=project.title, config=config, instruction=guide, overlap=overlap, predictions=bool(predictions)
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
        "round": project.round,
        "round_kind": project.round_kind,
        "corpus": next((str(found.version) for found in reversed(store.versions(workspace))), None),
        "language": language,
        "codebook_version": codebook.version,
        "config_sha256": hashes[0],
        "guide_sha256": hashes[1],
        "earlier": earlier,
    }
    write_atomic(folder / "project.json", canonical_json(record) + "\n")
    there = server.task_keys(project_id)
    create = [key for key in by_key if key not in there]
    if create:
        _announce(folder / JOURNAL, project_id, [by_key[key] for key in create], about or {})
        server.import_tasks(project_id, [by_key[key] for key in create])
        there = server.task_keys(project_id)
        append_jsonl(folder / JOURNAL, {"event": "sent", "project_id": project_id, "keys": create})
    if missing := [key for key in by_key if key not in there]:
        raise ServiceError(
            f"{server.url} took the tasks of {project.key} but {len(missing)} are not there", hint="push again"
        )
    _remove_duplicates(server, project_id, {key: ids for key, ids in there.items() if len(ids) > 1})
    if predictions:
        server.show_predictions(project_id, predictions)
    unchanged = tuple(key for key in by_key if key not in create)
    return Plan(project, tuple(create), unchanged, tuple(sorted(there.keys() - by_key.keys())))


def _announce(
    journal: Path, project_id: int, tasks: Sequence[Mapping[str, Any]], about: Mapping[str, Mapping[str, Any]]
) -> None:
    """Say in the journal what is about to be sent, a record for all of which the same is to be said."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for task in tasks:
        groups.setdefault(canonical_json(dict(about.get(task["data"]["key"], {}))), []).append(task["data"])
    for data in groups.values():
        # A record for each task, so that what is purged later can go one by one.
        keyed = [{"key": each["key"], "data_sha256": data_sha256(each)} for each in data]
        append_jsonl(
            journal, {"event": "send", "project_id": project_id, **about.get(data[0]["key"], {}), "tasks": keyed}
        )


def data_sha256(data: Mapping[str, Any]) -> str:
    """Return the digest of a task's data: what is shown, as it was sent."""
    return sha256_text(canonical_json(dict(data)))


def sent(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a project's journal says of each task sent, by key: ``data_sha256`` and whatever else was said."""
    found: dict[str, dict[str, Any]] = {}
    if (folder / JOURNAL).exists():
        for _, record in read_jsonl(folder / JOURNAL, appended=True):
            if record["event"] == "send":
                about = {name: value for name, value in record.items() if name not in ("event", "tasks")}
                found.update({task["key"]: about | {"data_sha256": task["data_sha256"]} for task in record["tasks"]})
    return found


def _remove_duplicates(server: Server, project_id: int, repeated: dict[str, list[int]]) -> None:
    """Delete copies that nobody has judged; one of each key stays, judged ones always."""
    if not repeated:
        return
    judged = {task.id for task in server.annotations(project_id) if task.annotations}
    for ids in repeated.values():
        keep = next((task_id for task_id in ids if task_id in judged), ids[0])
        for task_id in ids:
            if task_id != keep and task_id not in judged:
                server.delete_unjudged(task_id)
