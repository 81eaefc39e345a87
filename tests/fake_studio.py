"""A Label Studio in memory, as pushes and pulls see one, and small workspaces to push from.

It keeps what the real server keeps where the toolkit depends on it: every read says anew how long ago an annotation was
made, ids of deleted annotations are given out again, results are stored unread.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from toolkit.codebook import load_codebook
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.labelresult import Submission as Answers
from toolkit.labelresult import Vote, build_result
from toolkit.labelstudio.client import Counts, RawTask, Submission
from toolkit.labelstudio.transport import AnswerLost
from toolkit.provenance import import_number
from toolkit.schema import table
from toolkit.workspace import Workspace, new_settings

Row = dict[str, Any]
START = dt.datetime(2032, 5, 3, 12, tzinfo=dt.UTC)


@dataclass
class FakeStudio:
    """A server with its ``projects`` (by key), tasks and annotations.

    ``lose`` breaks the next import's answer: ``answer`` after the tasks are in, ``late`` so that they are in only when
    the following import has begun, ``request`` before anything is in.
    """

    url: str = "http://studio.example"
    projects: dict[str, Row] = field(default_factory=dict)
    tasks: dict[int, RawTask] = field(default_factory=dict)
    project_of: dict[int, int] = field(default_factory=dict)
    predictions: dict[int, list[Row]] = field(default_factory=dict)
    lose: Literal["", "answer", "late", "request"] = ""
    imports: int = 0
    changed: dict[int, str] = field(default_factory=dict)
    _late: list[tuple[int, Row]] = field(default_factory=list)
    _reads: int = 0
    _ticks: int = 0
    _last_task: int = 0

    # -- projects

    def find_project(self, key: str) -> int | None:
        return self.projects[key]["id"] if key in self.projects else None

    def require_project(self, key: str) -> int:
        if key not in self.projects:
            raise InputError(f"{self.url} has no project {key}")
        return int(self.projects[key]["id"])

    def ensure_project(
        self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1, predictions: bool = False
    ) -> int:
        project = self.projects.setdefault(key, {"id": len(self.projects) + 1, "images": [], "model_version": ""})
        project.update(title=title, config=config, instruction=instruction, overlap=overlap, predictions=predictions)
        return int(project["id"])

    def show_predictions(self, project_id: int, model_version: str) -> None:
        versions = {p["model_version"] for task in self.predictions.values() for p in task}
        assert model_version in versions, "the server refuses a version that no prediction has"
        next(p for p in self.projects.values() if p["id"] == project_id)["model_version"] = model_version

    def ensure_image_storage(self, project_id: int, path: Path) -> int:
        project = next(each for each in self.projects.values() if each["id"] == project_id)
        if path not in project["images"]:
            project["images"].append(path)
        return 1

    # -- tasks

    def of(self, key: str) -> list[RawTask]:
        """The tasks of a project, as they are now; to be looked at or changed by a test."""
        return [task for task in self.tasks.values() if self.project_of[task.id] == self.projects[key]["id"]]

    def task_keys(self, project_id: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for task in self.annotations(project_id):
            if isinstance(task.data.get("key"), str):
                found.setdefault(task.data["key"], []).append(task.id)
        return found

    def import_tasks(self, project_id: int, tasks: Sequence[Mapping[str, Any]], *, batch: int = 5000) -> list[int]:
        self.imports += 1
        lose, self.lose = self.lose, ""
        late, self._late = self._late, []
        ids: list[int] = []
        for owner, each in late:
            self._import(owner, each)
        if lose == "late":
            self._late = [(project_id, dict(task)) for task in tasks]
        elif lose != "request":
            ids = [self._import(project_id, task) for task in tasks]
        if lose:
            raise AnswerLost("the connection broke")
        return ids

    def _import(self, project_id: int, task: Mapping[str, Any]) -> int:
        number = self.add(project_id, dict(task["data"]))
        self.predictions[number] = copy.deepcopy(list(task.get("predictions", ())))
        return number

    def add(self, project_id: int, data: Row) -> int:
        self._last_task += 1
        task = RawTask(self._last_task, copy.deepcopy(data), [])
        self.tasks[task.id] = task
        self.project_of[task.id] = project_id
        self.changed[task.id] = self._now()
        return task.id

    def delete_unjudged(self, task_id: int) -> bool:
        if self.tasks[task_id].annotations:
            return False
        self.delete_task(task_id)
        return True

    def ensure_prediction(self, task_id: int, result: Sequence[Mapping[str, Any]], model_version: str) -> bool:
        own = self.predictions.setdefault(task_id, [])
        if any(each["model_version"] == model_version for each in own):
            return False
        own.append({"model_version": model_version, "result": copy.deepcopy(list(result))})
        self.changed[task_id] = self._now()
        return True

    def replace_predictions(self, project_id: int, wanted: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
        for task_id, predictions in wanted.items():
            assert self.project_of[task_id] == project_id
            self.predictions[task_id] = copy.deepcopy(list(predictions))  # type: ignore[arg-type]

    def delete_task(self, task_id: int) -> None:
        del self.tasks[task_id], self.project_of[task_id]

    # -- annotations

    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterator[RawTask]:
        self._reads += 1
        for number in sorted(self.tasks):
            gone = self.project_of.get(number) != project_id
            if gone or number <= after or (since is not None and self.changed[number] < since):
                continue
            task = copy.deepcopy(self.tasks[number])
            for annotation in task.annotations:
                annotation["created_ago"] = f"{self._reads} minutes"
            yield task

    def newest_change(self, project_id: int) -> str | None:
        return max(
            (at for number, at in self.changed.items() if self.project_of.get(number) == project_id), default=None
        )

    def counts(self, project_id: int) -> Counts:
        tasks = [task for number, task in self.tasks.items() if self.project_of[number] == project_id]
        cancelled = [bool(each["was_cancelled"]) for task in tasks for each in task.annotations]
        return Counts(len(tasks), cancelled.count(False), cancelled.count(True))

    def _now(self) -> str:
        self._ticks += 1
        return f"{START + dt.timedelta(minutes=self._ticks):%Y-%m-%dT%H:%M:%S.%f}Z"

    def submit(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        unique_id: str = "",
        lead_time: float = 30.0,
        skipped: bool = False,
    ) -> Submission:
        """Annotate; without a ``unique_id`` as a person in a browser does."""
        ids = [annotation["id"] for task in self.tasks.values() for annotation in task.annotations]
        now = self._now()
        annotation: Row = {
            "id": max(ids, default=0) + 1,
            "result": copy.deepcopy(list(result)),
            "was_cancelled": skipped,
            "lead_time": lead_time,
            "import_id": import_number(unique_id) if unique_id else None,
            "created_at": now,
            "updated_at": now,
        }
        self.tasks[task_id].annotations.append(annotation)
        self.changed[task_id] = self._now()
        return Submission(int(annotation["id"]), created=True)

    def update_annotation(
        self,
        annotation_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        lead_time: float | None = None,
        skipped: bool | None = None,
    ) -> None:
        annotation = self._annotation(annotation_id)
        annotation.update(result=copy.deepcopy(list(result)), updated_at=self._now())
        annotation.update({} if lead_time is None else {"lead_time": lead_time})
        annotation.update({} if skipped is None else {"was_cancelled": skipped})
        self._touch(annotation_id)

    def delete_annotation(self, annotation_id: int) -> None:
        gone = self._annotation(annotation_id)
        self._touch(annotation_id)
        for task in self.tasks.values():
            task.annotations[:] = [annotation for annotation in task.annotations if annotation is not gone]

    def _touch(self, annotation_id: int) -> None:
        for task in self.tasks.values():
            if any(each["id"] == annotation_id for each in task.annotations):
                self.changed[task.id] = self._now()

    def _annotation(self, annotation_id: int) -> Row:
        return next(a for task in self.tasks.values() for a in task.annotations if a["id"] == annotation_id)


def workspace_of(folder: Path, *, annotators: Sequence[str] = ("ann-1", "ann-2", "ann-3"), **tasks: Any) -> Workspace:
    people = {"annotators": list(annotators), "adjudicator": "adj-1"} | tasks
    return Workspace.create(folder, new_settings("harbour", "Harbour", tasks=people))


def post_id(name: str) -> str:
    return f"post_{sha256_text(name)[:32]}"


def photo_id(name: str) -> str:
    return f"photo_{sha256_text(name)[:32]}"


def whole(name: str, row: Row) -> Row:
    """Return a row with something in every column that its table requires."""
    blank: Row = {"text_lang": "en", "script": "Latn", "exact_hash": sha256_text(row["text"]), "image": "lost"}
    for column in table(name).columns:
        if column.constraints.get("required") and column.name not in row:
            empty: Any = [] if pa.types.is_list(column.arrow) else False
            row = row | {column.name: blank.get(column.name, empty)}
    return row


def publish(workspace: Workspace, posts: Mapping[str, str], photos: Mapping[str, str] | None = None) -> None:
    """Publish the next corpus version: posts and photo texts (without images) by name."""
    rows: dict[str, list[Row]] = {"posts": [], "text_layers": [], "photo_texts": []}
    for place, (name, text) in enumerate(posts.items()):
        row = {"post_id": post_id(name), "source_id": "kites", "place": place, "text": text}
        rows["posts"].append(row)
        rows["text_layers"].append(row | {"layer": "original"})
    for place, (name, text) in enumerate((photos or {}).items()):
        row = {"photo_id": photo_id(name), "source_id": "kites", "place": place, "text": text, "kind": "translation"}
        rows["photo_texts"].append(row)
    parts = {name: [("all", table(name).from_rows(whole(name, row) for row in own))] for name, own in rows.items()}
    manifest: Row = {
        "version": f"0.{len(store.versions(workspace)) + 1}.0",
        "tables": store.write_parts(workspace.corpus_dir / "parts", parts),
    }
    store.publish(workspace.corpus_dir / manifest["version"], manifest)


SINGLE = {"text_kind": "translation", "carrier": "poster", "function": "slogan", "device": "no_device"}


Chosen = Mapping[str, Sequence[str]]
"""Field → labels."""


def result(task: str, *narratives: str, comment: str = "", chosen: Chosen | None = None) -> list[Row]:
    """A browser's result: narratives, further fields by name, photo texts' single choices filled in where not named."""
    single = {name: [label] for name, label in SINGLE.items()} if task == "photo_text" else {}
    votes = [Vote("narrative", label) for label in narratives]
    votes += [Vote(name, label) for name, given in {**single, **(chosen or {})}.items() for label in given]
    answers = Answers(labels=tuple(votes), confidence=2, comment=comment or None)
    return build_result(load_codebook(task), answers, form="text" if task == "photo_text" else "default")


def task_of(studio: FakeStudio, project: str, item_id: str) -> RawTask:
    """The one task of a project about an item."""
    (task,) = [task for task in studio.of(f"harbour/{project}") if task.data["item_id"] == item_id]
    return task
