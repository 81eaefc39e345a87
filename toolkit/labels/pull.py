"""Label Studio → ``annotations/<project>/pull-<n>.jsonl``: each task that changed with its annotations, untouched.

A pull asks for what changed since the last one and holds what it then knows against the server's own count, which it makes
by another way. Where the two differ, as they do when a task was deleted, everything is swept. A pull that finds nothing new
writes nothing; one that was killed goes on from the last task it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from toolkit.alternatives import put, without_forgotten
from toolkit.errors import InputError, ServiceError
from toolkit.fsio import appending_jsonl, finish, read_jsonl
from toolkit.labels.authors import without_purged
from toolkit.labels.pullfiles import PART, Known, State, line_of, pull_files, shell_of
from toolkit.settings import Settings
from toolkit.tasks import projects
from toolkit.tombstones import Purged
from toolkit.workspace import Workspace

__all__ = ["Pulled", "Server", "pull", "pull_files"]

_MARGIN = timedelta(minutes=2)  # a change may be committed later than the time that it carries
_SWEEPS = 3


Hide = Callable[[dict[str, Any]], dict[str, Any]]


class Server(Protocol):
    """What a pull needs of Label Studio."""

    @property
    def url(self) -> str: ...  # noqa: D102

    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterable[Any]: ...  # noqa: D102
    def newest_change(self, project_id: int) -> str | None: ...  # noqa: D102
    def counts(self, project_id: int) -> Any: ...  # noqa: D102
    def require_project(self, key: str) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Pulled:
    """What a pull of one project found.

    ``annotations`` are on the server now, skips included; ``changed`` tasks were written to ``file`` (None: nothing was new);
    ``deleted`` annotations are gone from the server since the last pull and stay on record here.
    """

    project: str
    annotations: int
    file: Path | None
    changed: int = 0
    deleted: int = 0


def pull(
    workspace: Workspace,
    server: Server,
    *,
    task: str | None = None,
    full: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Pulled]:
    """Pull every pushed project (of one task, where given); ``full`` sweeps all instead of asking what changed.

    :class:`ServiceError` where the server counts other annotations than it gives.
    """
    with workspace.lock():
        purged = Purged.of(workspace.ledger)
        records = [record for record in projects(workspace) if task in (None, record["task"])]
        records = [record for record in records if not purged.covers({}, record["annotator"])]
        if not records:
            raise InputError("nothing was pushed yet", hint="docposts tasks push")
        asked = put(workspace.decisions_dir) if purged.annotators else {}
        done = []
        for record in records:
            progress(record["project"])
            folder = workspace.annotations_dir / record["project"]
            project_id = server.require_project(record["marker"])
            hide = partial(_hidden, workspace.settings, record, purged, asked)
            done.append(_Pull(server, record["project"], folder, project_id, hide).run(full=full))
        return done


def _hidden(
    settings: Settings, record: dict[str, Any], purged: Purged, asked: Mapping[str, Any], line: dict[str, Any]
) -> dict[str, Any]:
    """Return a task's line without what was purged: the task, or the answers of a person in a shared project.

    ``asked`` are the questions put to adjudicators (:func:`toolkit.alternatives.put`).
    """
    if purged.covers(line["data"], ""):
        return shell_of(line)
    if purged.annotators and record["task"] == "adjudication":
        line = line | {"data": without_forgotten(line["data"], asked)}
    return without_purged(settings, record, line, purged.annotators)


class _Pull:
    """The pull of one project."""

    def __init__(self, server: Server, name: str, folder: Path, project_id: int, hide: Hide) -> None:
        self.server = server
        self.hide = hide
        self.name = name
        self.folder = folder
        self.project_id = project_id
        self.part = folder / PART
        self.known = Known.read([*pull_files(folder), *([self.part] if self._resumable() else [])])
        self.file: Path | None = None
        self.changed = 0
        self.deleted = 0

    def run(self, *, full: bool) -> Pulled:
        state = State.read(self.folder, self.project_id)
        self._fetch(state, since=None if full or state.mark is None else _before(state.mark))
        for _ in range(_SWEEPS):
            counted = self.server.counts(self.project_id)
            if self.known.counts == (counted.annotations, counted.skipped):
                return Pulled(self.name, sum(self.known.counts), self.file, self.changed, self.deleted)
            # Something was deleted, or came in between: look at all that is there.
            self._fetch(State.read(self.folder, self.project_id), since=None)
        counted = self.server.counts(self.project_id)
        if self.known.counts != (counted.annotations, counted.skipped):
            raise ServiceError(
                f"{self.server.url} counts {counted.annotations} annotations and {counted.skipped} skips in {self.name},"
                f" but gave {self.known.counts[0]} and {self.known.counts[1]}",
                hint="pull again; where many are at work just now, a little later",
            )
        return Pulled(self.name, sum(self.known.counts), self.file, self.changed, self.deleted)

    def _resumable(self) -> bool:
        """Tell whether the unfinished file belongs to a pull that can go on; drop it where it does not."""
        if self.part.exists() and not State.read(self.folder, self.project_id).running:
            self.part.unlink()
        return self.part.exists()

    def _fetch(self, state: State, since: str | None) -> None:
        """Write the tasks that changed ``since`` (None: all) and differ from what is known; a sweep sees what is gone."""
        after = 0
        if self.part.exists():
            since, mark = state.since, state.next_mark
            after = max((line["task"] for _, line in read_jsonl(self.part, appended=True)), default=0)
        else:
            # What changes from here on is for the next pull, even where its page was read before.
            mark = self.server.newest_change(self.project_id)
            state = replace(state, running=True, since=since, next_mark=mark)
            state.write(self.folder)
        seen: set[int] = set()
        with appending_jsonl(self.part) as write:
            for task in self.server.annotations(self.project_id, since=since, after=after):
                seen.add(task.id)
                line = line_of(task.id, task.data, task.annotations)
                self._take(self.hide(line), write)
            if since is None and after == 0:
                for task_id in sorted(self.known.tasks.keys() - seen):
                    self._take({"task": task_id, "data": {}, "annotations": [], "deleted": True}, write)
        if self.part.stat().st_size:
            self.file = self.folder / f"pull-{len(pull_files(self.folder)) + 1:04}.jsonl"
            finish(self.part, self.file)
        else:
            self.part.unlink()
        State(self.project_id, mark=mark).write(self.folder)

    def _take(self, line: dict[str, Any], write: Callable[[dict[str, Any]], None]) -> None:
        if line.get("deleted") or self.known.is_new(line):
            write(line)
            self.changed += 1
            self.deleted += self.known.take(line)


def _before(mark: str) -> str:
    return (datetime.fromisoformat(mark) - _MARGIN).isoformat().replace("+00:00", "Z")
