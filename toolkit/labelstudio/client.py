"""A Label Studio server's projects, tasks and annotations. Only this folder imports the SDK.

Writes are never repeated by themselves. What makes that safe is that everything made here can be found again: a project
by the marker in its description, a task by its ``data.key``, an annotation of ours by its ``import_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, InputError, ServiceError
from toolkit.labelstudio import predictions
from toolkit.labelstudio.invite import sign_up
from toolkit.labelstudio.projects import Projects, marker
from toolkit.labelstudio.transport import BULK_WRITE, WRITE, AnswerLost, Refused, Transport, check_text
from toolkit.provenance import import_number

__all__ = ["AnswerLost", "Counts", "RawTask", "Refused", "Studio", "Submission", "import_number", "marker"]

_BATCH_CHARACTERS = 50_000_000  # the server takes 250 MB a request


@dataclass(frozen=True)
class RawTask:
    """A task as the server has it: ``data`` as pushed, ``annotations`` untouched, with skips (``was_cancelled``)."""

    id: int
    data: dict[str, Any]
    annotations: list[dict[str, Any]]


@dataclass(frozen=True)
class Counts:
    """What a server counts in a project, by itself: tasks, submitted annotations, skips."""

    tasks: int
    annotations: int
    skipped: int


@dataclass(frozen=True)
class Submission:
    """An annotation on the server; ``created`` is False where an earlier, equal submission was found."""

    annotation_id: int
    created: bool


class Studio:
    """A server at ``url``, entered with a person's access token. Nothing is asked before the first call."""

    def __init__(self, url: str, token: str) -> None:
        self._transport = Transport(url, token)
        self._projects = Projects(self._transport)

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

    def sign_up(self, email: str, password: str) -> str:
        """Make an account through the server's invitation; return a token of it (see :func:`invite.sign_up`)."""
        return sign_up(self._transport, email, password)

    def whoami(self) -> str:
        """Return the e-mail address of the token's account."""
        answer = self._transport.page("api/current-user/whoami", {})
        email = answer.get("email") if isinstance(answer, dict) else None
        if not isinstance(email, str):
            raise ServiceError(f"{self.url} does not say whose token it is: is it a Label Studio?")
        return email

    # -- projects

    def project_url(self, project_id: int) -> str:
        """Return the address where a person labels the project's tasks."""
        return f"{self.url}/projects/{project_id}/data"

    def find_project(self, key: str) -> int | None:
        """Return the id of the project marked with ``key``; :class:`ConflictError` where several are."""
        return self._projects.find(key)

    def require_project(self, key: str) -> int:
        """Return the id of the project marked with ``key``; :class:`InputError` where there is none."""
        project_id = self.find_project(key)
        if project_id is None:
            raise InputError(f"{self.url} has no project {key}", hint="docposts tasks push")
        return project_id

    def ensure_project(
        self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1, predictions: bool = False
    ) -> int:
        """Return the id of the one project marked with ``key``, made or brought up to date where needed.

        ``predictions``: annotators start from the tasks' predictions (see :meth:`show_predictions`).
        """
        return self._projects.ensure(
            key, title=title, config=config, instruction=instruction, overlap=overlap, predictions=predictions
        )

    def show_predictions(self, project_id: int, model_version: str) -> None:
        """Show annotators the predictions of this version, which must be there already: those of others stay hidden."""
        self._projects.show_predictions(project_id, model_version)

    def ensure_image_storage(self, project_id: int, path: Path) -> int:
        """Let the project show images from a folder below the server's media root; return the storage's id.

        A task's image is then ``/data/local-files/?d=<path below the media root>``, for those logged in.
        """
        return self._projects.ensure_image_storage(project_id, path)

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

    def import_tasks(self, project_id: int, tasks: Sequence[Mapping[str, Any]], *, batch: int = 5000) -> list[int]:
        """Add tasks, ``{"data": {"key": …, …}, "predictions": […]}`` each, a batch a transaction; return their ids, in order.

        All are checked before the first is sent. On :class:`AnswerLost` the batch under way may be there or not:
        compare :meth:`task_keys`.
        """
        for number, task in enumerate(tasks):
            data = task.get("data")
            if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
                raise InputError(f"task {number + 1} of {len(tasks)} has no data with a key")
            check_text(task, f"task {number + 1} of {len(tasks)}, key {data['key']!a}")
        added: list[int] = []
        for some in _batches(tasks, batch):
            with self._transport.translated():
                answer = self._transport.sdk.projects.import_tasks(
                    project_id,
                    request=some,  # type: ignore[arg-type]  # models, by its types; sent as they are
                    return_task_ids=True,
                    request_options=BULK_WRITE,
                )
            count, ids = getattr(answer, "task_count", None), getattr(answer, "task_ids", None)
            if count != len(some) or not isinstance(ids, list) or len(set(ids)) != len(some):
                raise ServiceError(f"{self.url} took {count} of {len(some)} tasks into project {project_id}")
            added += map(int, ids)
        return added

    def delete_task(self, task_id: int) -> None:
        """Delete a task with its annotations; :class:`ServiceError` where there is none."""
        with self._transport.translated():
            self._transport.sdk.tasks.delete(str(task_id), request_options=WRITE)

    def delete_unjudged(self, task_id: int) -> bool:
        """Delete a task unless someone has judged it in the meantime; return whether it is gone."""
        try:
            task = self._transport.page(f"api/tasks/{task_id}/", {})
            if task["annotations"]:
                return False
            self.delete_task(task_id)
        except Refused as error:
            # Another writer that found the same copies was there first.
            if error.status != 404:
                raise
        except (KeyError, TypeError):
            raise ServiceError(f"{self.url} answered task {task_id} without its annotations") from None
        return True

    def ensure_prediction(self, task_id: int, result: Sequence[Mapping[str, Any]], model_version: str) -> bool:
        """Give a task the prediction of this version where it has none; return whether it was made."""
        return predictions.ensure(self._transport, task_id, result, model_version)

    def replace_predictions(self, project_id: int, wanted: Mapping[int, predictions.Predictions]) -> None:
        """Give tasks of a project, by id, these predictions in place of those that they have."""
        predictions.replace(self._transport, project_id, wanted)

    # -- annotations

    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterator[RawTask]:
        """Yield the tasks of the project by id with all their annotations, none included; drafts are left out.

        ``since``: only tasks changed at that time (as the server writes it) or later; ``after``: only ids above it.
        """
        for task in self._transport.tasks(project_id, "id,data,annotations", since=since, after=after):
            data, annotations = task.get("data"), task.get("annotations")
            if not isinstance(data, dict) or not isinstance(annotations, list):
                raise ServiceError(f"{self.url} answered task {task['id']} without its data or its annotations")
            yield RawTask(int(task["id"]), data, annotations)

    def newest_change(self, project_id: int) -> str | None:
        """Return when a task of the project changed last, by the server's clock; None where it has no tasks."""
        return self._transport.newest_change(project_id)

    def counts(self, project_id: int) -> Counts:
        """Return the server's own count of a project, made in its database and not from the lists that it answers."""
        answer = self._transport.page(f"api/projects/{project_id}", {})
        names = ("task_number", "total_annotations_number", "skipped_annotations_number")
        try:
            return Counts(*(int(answer[name]) for name in names))
        except (KeyError, TypeError, ValueError):
            raise ServiceError(f"{self.url} does not count the annotations of project {project_id}") from None

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
        number = import_number(unique_id)
        check_text(list(result), f"annotation {unique_id}")
        try:
            with self._transport.translated():
                made = self._transport.sdk.annotations.create(
                    task_id,
                    result=[dict(region) for region in result],
                    unique_id=unique_id,
                    import_id=number,
                    lead_time=lead_time,
                    was_cancelled=skipped,
                    request_options=WRITE,
                )
        except AnswerLost:
            found = self._annotation(task_id, number)
            if found is None:
                raise
            return Submission(found, created=False)
        except Refused as error:
            if error.status != 409:
                raise
            found = self._annotation(task_id, number)
            if found is None:
                raise ConflictError(f"annotation {unique_id} is on another task than {task_id}") from error
            return Submission(found, created=False)
        return Submission(_annotation_id(made, self.url), created=True)

    def update_annotation(
        self,
        annotation_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        lead_time: float | None = None,
        skipped: bool | None = None,
    ) -> None:
        """Replace an annotation's result; what is None stays as it is."""
        check_text(list(result), f"annotation {annotation_id}")
        told = {"lead_time": lead_time, "was_cancelled": skipped}
        given: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        with self._transport.translated():
            self._transport.sdk.annotations.update(
                annotation_id, result=[dict(region) for region in result], **given, request_options=WRITE
            )

    def _annotation(self, task_id: int, number: int) -> int | None:
        # The task itself: the list of its annotations leaves skips out.
        task = self._transport.page(f"api/tasks/{task_id}/", {})
        try:
            return next((int(each["id"]) for each in task["annotations"] if each["import_id"] == number), None)
        except (KeyError, TypeError):
            raise ServiceError(f"{self.url} answered task {task_id} without its annotations") from None


def _annotation_id(made: Any, url: str) -> int:
    if not isinstance(made.id, int):
        raise ServiceError(f"{url} did not say which annotation it made")
    return made.id


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
