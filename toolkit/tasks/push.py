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
from toolkit.fsio import canonical_json, sha256_text, write_atomic
from toolkit.labelconfig import guide_sha256, render_config, render_guide
from toolkit.precedents import load as load_precedents
from toolkit.tasks import journal
from toolkit.tasks.predictions import renew
from toolkit.tasks.projects import Project, from_record, marker, projects
from toolkit.workspace import Workspace


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
    def replace_predictions(self, project_id: int, wanted: Mapping[int, Sequence[Any]]) -> None: ...  # noqa: D102
    def ensure_image_storage(self, project_id: int, path: Path) -> int: ...  # noqa: D102
    def task_keys(self, project_id: int) -> dict[str, list[int]]: ...  # noqa: D102
    def import_tasks(self, project_id: int, tasks: Sequence[dict[str, Any]], *, batch: int = 5000) -> list[int]: ...  # noqa: D102
    def counts(self, project_id: int) -> Any: ...  # noqa: D102
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
        journal.announce(folder, project_id, [by_key[key] for key in create], about or {})
        ids = server.import_tasks(project_id, [by_key[key] for key in create])
        there |= {key: [task_id] for key, task_id in zip(create, ids, strict=True)}
        if server.counts(project_id).tasks != sum(map(len, there.values())):
            # Somebody else writes there too, or a request was taken twice: look at what there is.
            there = server.task_keys(project_id)
        journal.acknowledged(folder, project_id, create)
    if missing := [key for key in by_key if key not in there]:
        raise ServiceError(
            f"{server.url} took the tasks of {project.key} but {len(missing)} are not there", hint="push again"
        )
    _remove_duplicates(server, project_id, {key: ids for key, ids in there.items() if len(ids) > 1})
    unchanged = tuple(key for key in by_key if key not in create)
    renew(server, folder, project_id, [by_key[key] for key in unchanged], there, about or {})
    if predictions:
        server.show_predictions(project_id, predictions)
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
                server.delete_unjudged(task_id)
