"""How far each annotator is, counted from the annotations themselves: the server's own counters drift."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.tasks.projects import MAIN, projects
from toolkit.workspace import Workspace


class Server(Protocol):
    """What counting needs of Label Studio."""

    def find_project(self, key: str) -> int | None: ...  # noqa: D102
    def newest_change(self, project_id: int) -> str | None: ...  # noqa: D102
    def counts(self, project_id: int) -> Any: ...  # noqa: D102
    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterable[Any]: ...  # noqa: D102


@dataclass(frozen=True)
class Progress:
    """How far one annotator is in a project: tasks, done, skipped, left, and the median seconds that a submission took."""

    project: str
    round: str
    annotator: str
    tasks: int
    done: int
    skipped: int
    seconds: float | None = None

    @property
    def left(self) -> int:
        """Tasks that the annotator has not come to."""
        return self.tasks - self.done - self.skipped


@dataclass(frozen=True)
class _Task:
    """What of a task's annotations counts: who submitted it in how long, who skipped it."""

    done: Mapping[str, float | None]
    skipped: frozenset[str]


class Watch:
    """Progress of all projects; the second look asks only for what changed since the first.

    ``author`` says whose an annotation in a shared project is.
    """

    def __init__(self, workspace: Workspace, server: Server, author: Callable[[Mapping[str, Any], Any], str]) -> None:
        self._workspace = workspace
        self._server = server
        self._author = author
        self._tasks: dict[int, dict[int, _Task]] = defaultdict(dict)
        self._mark: dict[int, str | None] = {}

    def look(self) -> list[Progress]:
        """Return how far everyone is now."""
        found: list[Progress] = []
        for record in projects(self._workspace):
            project_id = self._server.find_project(record["marker"])
            tasks = self._refresh(project_id, record) if project_id is not None else []
            found += _progress(record, tasks, self._workspace)
        return found

    def _refresh(self, project_id: int, record: Mapping[str, Any]) -> list[_Task]:
        since, known = self._mark.get(project_id), self._tasks[project_id]
        self._mark[project_id] = self._server.newest_change(project_id)
        self._read(project_id, record, since)
        if since is not None and self._server.counts(project_id).tasks != len(known):
            known.clear()
            self._read(project_id, record, None)
        return list(known.values())

    def _read(self, project_id: int, record: Mapping[str, Any], since: str | None) -> None:
        for task in self._server.annotations(project_id, since=since):
            done: dict[str, float | None] = {}
            skipped: set[str] = set()
            for annotation in task.annotations:
                name = record["annotator"] or self._author(record, annotation)
                if annotation.get("was_cancelled"):
                    skipped.add(name)
                else:
                    done[name] = annotation.get("lead_time")
            self._tasks[project_id][task.id] = _Task(done, frozenset(skipped - done.keys()))


def _progress(record: Mapping[str, Any], tasks: list[_Task], workspace: Workspace) -> list[Progress]:
    named = {name for task in tasks for name in (*task.done, *task.skipped)}
    names = [record["annotator"]] if record["annotator"] else sorted(named | {*workspace.settings.tasks.annotators})
    found = []
    for name in names:
        times = [float(t.done[name] or 0) for t in tasks if name in t.done and t.done[name] is not None]
        done, skipped = sum(name in task.done for task in tasks), sum(name in task.skipped for task in tasks)
        median = round(statistics.median(times), 1) if times else None
        found.append(Progress(record["project"], record.get("round", MAIN), name, len(tasks), done, skipped, median))
    return found
