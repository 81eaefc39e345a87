"""The pull files of a project, ``annotations/<project>/pull-<n>.jsonl``: written once, each with what was new then.

A line is a task as it was found: ``{"task": id, "data": …, "annotations": […]}``, with ``"deleted": true`` once it is gone
from the server. Of a purged task a shell is left, ``"purged": true``, by which the server's count still adds up. What the
project holds is the union of all files: of each task the newest line, of each annotation its
newest state, those deleted on the server included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.fsio import canonical_json, read_json, read_jsonl, sha256_text, write_atomic

PART = "pull.part"
_STATE = "pulled.json"


def pull_files(folder: Path) -> list[Path]:
    """Return a project's pulls, oldest first."""
    return sorted(folder.glob("pull-*.jsonl"))


def up_to(pull: Path) -> list[Path]:
    """Return a pull with the earlier ones beside it, oldest first: what was known when it was written."""
    return [path for path in pull_files(pull.parent) if path.name < pull.name] + [pull]


def lines(paths: Iterable[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Yield (file, line, record) of several pulls, in order."""
    for path in paths:
        for number, record in read_jsonl(path, appended=path.suffix == ".part"):
            yield path, number, record


def line_of(task_id: int, data: Mapping[str, Any], annotations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the line of a task: annotations as they came, by id, but for what counts the time since."""
    kept = [{name: value for name, value in each.items() if name != "created_ago"} for each in annotations]
    return {"task": task_id, "data": dict(data), "annotations": sorted(kept, key=lambda each: int(each["id"]))}


def shell_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of a purged task's line: which annotations there were, nothing of what it was about or they say."""
    kept = [annotation_shell(each) for each in line["annotations"]]
    return {"task": line["task"], "data": {}, "annotations": kept, "purged": True}


def annotation_shell(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of a purged annotation: that there was one."""
    kept = {name: annotation[name] for name in ("id", "created_at", "was_cancelled") if name in annotation}
    return kept | {"purged": True}


Identity = tuple[int, str]
"""An annotation's number and when it was made: SQLite gives the number of a deleted one out again."""


@dataclass(frozen=True)
class Seen:
    """A task's newest line, as far as a pull compares it."""

    digest: str
    annotations: frozenset[Identity]
    skipped: int

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Seen:
        """Return what is compared of a line."""
        annotations = line["annotations"]
        return cls(
            sha256_text(canonical_json(line)),
            frozenset((int(each["id"]), str(each["created_at"])) for each in annotations),
            sum(bool(each.get("was_cancelled")) for each in annotations),
        )


@dataclass
class Known:
    """What all pulls so far say is on the server: tasks with annotations, by id."""

    tasks: dict[int, Seen] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Known:
        """Read it from pull files, the unfinished one included."""
        known = cls()
        for _, _, line in lines(paths):
            known.take(line)
        return known

    def is_new(self, line: Mapping[str, Any]) -> bool:
        """Tell whether a task's line says something that its newest one does not; one without annotations says nothing."""
        there = self.tasks.get(line["task"])
        if there is None:
            return bool(line["annotations"])
        return there.digest != Seen.of(line).digest

    def take(self, line: Mapping[str, Any]) -> int:
        """Take a line as its task's newest; return how many annotations are gone by it."""
        before = self.tasks.pop(line["task"], None)
        seen = Seen.of(line)
        if not line.get("deleted"):
            self.tasks[line["task"]] = seen
        return len(before.annotations - seen.annotations) if before else 0

    @property
    def counts(self) -> tuple[int, int]:
        """Return (submitted annotations, skips) that are on the server by the newest lines."""
        skipped = sum(seen.skipped for seen in self.tasks.values())
        return sum(len(seen.annotations) for seen in self.tasks.values()) - skipped, skipped


@dataclass(frozen=True)
class State:
    """How far pulls of a project got; lost, it costs a full pull.

    ``mark``: all that changed before it, by the server's clock, is in the pull files. ``since`` and ``next_mark`` are those
    of a pull that did not end; None where there is none.
    """

    project_id: int
    mark: str | None = None
    running: bool = False
    since: str | None = None
    next_mark: str | None = None

    @classmethod
    def read(cls, folder: Path, project_id: int) -> State:
        """Return the state, a fresh one where it is missing or of another project."""
        path = folder / _STATE
        record = read_json(path) if path.exists() else {}
        if not isinstance(record, dict) or record.get("project_id") != project_id:
            return cls(project_id)
        return cls(project_id, record["mark"], record["running"], record["since"], record["next_mark"])

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_atomic(folder / _STATE, canonical_json(vars(self)) + "\n")
