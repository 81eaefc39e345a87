"""A Label Studio server's projects, tasks and annotations. Only this folder imports the SDK.

Writes are never repeated by themselves. What makes that safe is that everything made here can be found again: a project
by the marker in its description, a task by its ``data.key``, an annotation by its ``unique_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, InputError, ServiceError
from toolkit.labelstudio.transport import BULK_WRITE, READ, WRITE, AnswerLost, Transport, check_text

__all__ = ["AnswerLost", "RawTask", "Studio", "Submission", "marker"]

_TITLE_MIN, _TITLE_MAX = 3, 50  # characters, the server's rule
_PROJECT_PAGE = 100
_BATCH_CHARACTERS = 50_000_000  # the server takes 250 MB a request


@dataclass(frozen=True)
class RawTask:
    """A task as the server has it: ``data`` as pushed, ``annotations`` untouched, skips (``was_cancelled``) included."""

    id: int
    data: dict[str, Any]
    annotations: list[dict[str, Any]]


@dataclass(frozen=True)
class Submission:
    """An annotation on the server; ``created`` is False where an earlier, equal submission was found."""

    annotation_id: int
    created: bool


def marker(key: str) -> str:
    """Return what a project's description says of the project it is to us."""
    return f"docposts:{key}"


class Studio:
    """A server at ``url``, entered with a person's access token. Nothing is asked before the first call."""

    def __init__(self, url: str, token: str) -> None:
        self._transport = Transport(url, token)

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._transport.url

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"Studio({self.url!r})"

    def version(self) -> str:
        """Return the server's release, such as ``1.23.2``."""
        answer = self._transport.page("api/version", {})
        release = answer.get("release") if isinstance(answer, dict) else None
        if not isinstance(release, str):
            raise ServiceError(f"{self.url} does not say its version: is it a Label Studio?")
        return release

    def whoami(self) -> str:
        """Return the e-mail address of the token's account."""
        with self._transport.translated():
            email = getattr(self._transport.sdk.users.whoami(request_options=READ), "email", None)
        if not isinstance(email, str):
            raise ServiceError(f"{self.url} does not say whose token it is: is it a Label Studio?")
        return email

    # -- projects

    def project_url(self, project_id: int) -> str:
        """Return the address where a person labels the project's tasks."""
        return f"{self.url}/projects/{project_id}/data"

    def find_project(self, key: str) -> int | None:
        """Return the id of the project marked with ``key``; :class:`ConflictError` where several are."""
        project = self._marked(key)
        return None if project is None else int(project["id"])

    def ensure_project(self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1) -> int:
        """Return the id of the one project marked with ``key``, made or brought up to date where needed.

        :class:`ConflictError` where its labelling configuration differs and annotations were made with it.
        """
        wanted: dict[str, Any] = {
            "title": _clip_title(title),
            "label_config": config,
            "expert_instruction": instruction,
            "show_instruction": True,
            "show_skip_button": True,
            "enable_empty_annotation": True,
            "show_collab_predictions": False,
            "maximum_annotations": overlap,
        }
        check_text({"key": key, **wanted}, f"project {key}")
        project = self._marked(key)
        if project is None:
            return self._create_project(key, wanted)
        project_id = int(project["id"])
        changed = {name: value for name, value in wanted.items() if project.get(name) != value}
        if "label_config" in changed and str(project.get("label_config", "")).strip() == config.strip():
            del changed["label_config"]
        if "label_config" in changed and any(task.annotations for task in self.annotations(project_id)):
            raise ConflictError(
                f"project {project_id} ({key}) has annotations made with another labelling configuration",
                hint="push to a new round, so that earlier answers keep the questions they were given to",
            )
        if changed:
            with self._transport.translated():
                self._transport.sdk.projects.update(project_id, **changed, request_options=WRITE)
        return project_id

    def _create_project(self, key: str, wanted: Mapping[str, Any]) -> int:
        try:
            with self._transport.translated():
                made = self._transport.sdk.projects.create(**wanted, description=marker(key), request_options=WRITE)
        except AnswerLost:
            found = self.find_project(key)
            if found is None:
                raise
            return found
        if not isinstance(made.id, int):
            raise ServiceError(f"{self.url} did not say which project it made for {key}")
        return made.id

    def _marked(self, key: str) -> dict[str, Any] | None:
        found = [project for project in self._projects() if (project.get("description") or "").strip() == marker(key)]
        if len(found) > 1:
            ids = ", ".join(str(project["id"]) for project in found)
            raise ConflictError(
                f"projects {ids} on {self.url} are all marked {marker(key)}",
                hint="delete those that are empty in Label Studio, or take the marker out of their description",
            )
        return found[0] if found else None

    def _projects(self) -> list[dict[str, Any]]:
        projects: dict[int, dict[str, Any]] = {}
        page = 1
        while True:
            answer = self._transport.page("api/projects", {"page": page, "page_size": _PROJECT_PAGE, "ordering": "id"})
            try:
                count, results = int(answer["count"]), answer["results"]
                projects.update({int(project["id"]): project for project in results})
            except (KeyError, TypeError, ValueError):
                raise ServiceError(f"{self.url} answered a list of projects that cannot be read") from None
            if page * _PROJECT_PAGE >= count:
                return list(projects.values())
            if not results:
                raise ServiceError(f"{self.url} answered {len(projects)} of {count} projects: the list is not whole")
            page += 1

    def ensure_image_storage(self, project_id: int, path: Path) -> int:
        """Let the project show images from a folder below the server's media root; return the storage's id.

        A task's image is then ``/data/local-files/?d=<path below the media root>``, for those logged in.
        """
        found = self._storage(project_id, path)
        if found is not None:
            return found
        try:
            with self._transport.translated():
                made = self._transport.sdk.import_storage.local.create(
                    project=project_id, path=str(path), title="images", use_blob_urls=True, request_options=WRITE
                )
        except AnswerLost:
            found = self._storage(project_id, path)
            if found is None:
                raise
            return found
        if not isinstance(made.id, int):
            raise ServiceError(f"{self.url} did not say which storage it made for {path}")
        return made.id

    def _storage(self, project_id: int, path: Path) -> int | None:
        with self._transport.translated():
            storages = self._transport.sdk.import_storage.local.list(project=project_id, request_options=READ)
        return next((s.id for s in storages if s.path == str(path) and s.use_blob_urls and s.id is not None), None)

    # -- tasks

    def task_keys(self, project_id: int) -> dict[str, list[int]]:
        """Return the ids of the tasks with each ``data.key``, in order; more than one id where a push was repeated.

        Tasks that carry no key of ours are left out.
        """
        keys: dict[str, list[int]] = {}
        for task in self._transport.tasks(project_id, "id,data"):
            key = (task.get("data") or {}).get("key")
            if isinstance(key, str):
                keys.setdefault(key, []).append(int(task["id"]))
        return keys

    def import_tasks(self, project_id: int, tasks: Sequence[Mapping[str, Any]], *, batch: int = 500) -> int:
        """Add tasks, ``{"data": {"key": …, …}}`` each, a batch a transaction; return how many were added.

        All are checked before the first is sent. On :class:`AnswerLost` the batch under way may be there or not:
        compare :meth:`task_keys`.
        """
        for number, task in enumerate(tasks):
            data = task.get("data")
            if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
                raise InputError(f"task {number + 1} of {len(tasks)} has no data with a key")
            check_text(task, f"task {number + 1} of {len(tasks)}, key {data['key']!a}")
        added = 0
        for some in _batches(tasks, batch):
            with self._transport.translated():
                answer = self._transport.sdk.projects.import_tasks(
                    project_id,
                    request=some,  # type: ignore[arg-type]  # its model types the data we send as it is
                    return_task_ids=True,
                    request_options=BULK_WRITE,  # type: ignore[arg-type]
                )
            count = getattr(answer, "task_count", None)
            if count != len(some):
                raise ServiceError(f"{self.url} took {count} of {len(some)} tasks into project {project_id}")
            added += len(some)
        return added

    def delete_task(self, task_id: int) -> None:
        """Delete a task with its annotations; :class:`ServiceError` where there is none."""
        with self._transport.translated():
            self._transport.sdk.tasks.delete(str(task_id), request_options=WRITE)

    # -- annotations

    def annotations(self, project_id: int) -> Iterator[RawTask]:
        """Yield every task of the project by id with all its annotations, none included."""
        for task in self._transport.tasks(project_id, "id,data,annotations"):
            data, annotations = task.get("data"), task.get("annotations")
            if not isinstance(data, dict) or not isinstance(annotations, list):
                raise ServiceError(f"{self.url} answered task {task['id']} without its data or its annotations")
            yield RawTask(int(task["id"]), data, annotations)

    def submit(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        unique_id: str,
        lead_time: float,
        skipped: bool = False,
    ) -> Submission:
        """Add an annotation by the token's account: one for each ``unique_id`` (a UUID), however often it is called."""
        check_text(list(result), f"annotation {unique_id}")
        try:
            with self._transport.translated():
                made = self._transport.sdk.annotations.create(
                    task_id,
                    result=[dict(region) for region in result],
                    unique_id=unique_id,
                    lead_time=lead_time,
                    was_cancelled=skipped,
                    request_options=WRITE,
                )
        except ServiceError as error:
            # Refused as a repeat (409), or made and its answer lost: both are told by looking.
            if not isinstance(error, AnswerLost) and "status 409" not in error.message:
                raise
            found = self._annotation(task_id, unique_id)
            if found is None and not isinstance(error, AnswerLost):
                raise ConflictError(f"annotation {unique_id} is on another task than {task_id}") from error
            if found is None:
                raise
            return Submission(found, created=False)
        return Submission(_annotation_id(made, self.url), created=True)

    def update_annotation(
        self, annotation_id: int, result: Sequence[Mapping[str, Any]], *, lead_time: float | None = None
    ) -> None:
        """Replace an annotation's result."""
        check_text(list(result), f"annotation {annotation_id}")
        given: dict[str, Any] = {} if lead_time is None else {"lead_time": lead_time}
        with self._transport.translated():
            self._transport.sdk.annotations.update(
                annotation_id, result=[dict(region) for region in result], **given, request_options=WRITE
            )

    def _annotation(self, task_id: int, unique_id: str) -> int | None:
        found = self._transport.page(f"api/tasks/{task_id}/annotations/", {})
        if not isinstance(found, list):
            raise ServiceError(f"{self.url} answered a list of annotations that cannot be read")
        return next((int(each["id"]) for each in found if each.get("unique_id") == unique_id), None)


def _annotation_id(made: Any, url: str) -> int:
    if not isinstance(made.id, int):
        raise ServiceError(f"{url} did not say which annotation it made")
    return made.id


def _clip_title(title: str) -> str:
    title = " ".join(title.split())
    if len(title) > _TITLE_MAX:
        title = title[: _TITLE_MAX - 1].rstrip() + "…"
    return title.ljust(_TITLE_MIN, "·")


def _batches(tasks: Sequence[Mapping[str, Any]], batch: int) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    size = 0
    for task in tasks:
        characters = len(str(task))
        if some and (len(some) >= batch or size + characters > _BATCH_CHARACTERS):
            yield some
            some, size = [], 0
        some.append(dict(task))
        size += characters
    if some:
        yield some
