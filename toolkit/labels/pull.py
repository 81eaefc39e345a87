"""Label Studio → ``annotations/<project>/pull-<n>.jsonl``: every task with its annotations, untouched, written once.

A pull that finds nothing new writes nothing. Earlier pulls are never changed, so that an annotation deleted on the server
stays on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from toolkit.errors import InputError
from toolkit.fsio import read_jsonl, write_jsonl
from toolkit.tasks import projects
from toolkit.tombstones import Purged
from toolkit.workspace import Workspace


class Server(Protocol):
    """What a pull needs of Label Studio."""

    @property
    def url(self) -> str: ...  # noqa: D102

    def annotations(self, project_id: int) -> Iterable[Any]: ...  # noqa: D102
    def require_project(self, key: str) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Pulled:
    """What a pull of one project found: annotations on the server, and the file written, if anything was new."""

    project: str
    annotations: int
    file: Path | None


def pull(
    workspace: Workspace, server: Server, *, task: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> list[Pulled]:
    """Pull every pushed project (of one task, where given)."""
    with workspace.lock():
        records = [record for record in projects(workspace) if task in (None, record["task"])]
        if not records:
            raise InputError("nothing was pushed yet", hint="docposts tasks push")
        done = []
        for record in records:
            progress(record["project"])
            done.append(_pull_project(workspace, server, record))
        return done


def _pull_project(workspace: Workspace, server: Server, record: dict[str, Any]) -> Pulled:
    folder = workspace.annotations_dir / record["project"]
    project_id = server.require_project(record["marker"])
    purged = Purged.of(workspace.ledger)
    lines = [
        {"task": task.id, "data": task.data, "annotations": [_kept(a) for a in sorted(task.annotations, key=_number)]}
        for task in server.annotations(project_id)
        if task.annotations and not purged.covers(task.data, record["annotator"])
    ]
    count = sum(len(line["annotations"]) for line in lines)
    earlier = pull_files(folder)
    if earlier and [line for _, line in read_jsonl(earlier[-1])] == lines:
        return Pulled(record["project"], count, None)
    if not lines and not earlier:
        return Pulled(record["project"], 0, None)
    path = folder / f"pull-{len(earlier) + 1:04}.jsonl"
    write_jsonl(path, lines)
    return Pulled(record["project"], count, path)


def _kept(annotation: dict[str, Any]) -> dict[str, Any]:
    """Return an annotation as it came, but for what counts the time since: it would make every pull another."""
    return {name: value for name, value in annotation.items() if name != "created_ago"}


def _number(annotation: dict[str, Any]) -> int:
    return int(annotation["id"])


def pull_files(folder: Path) -> list[Path]:
    """Return a project's pulls, oldest first."""
    return sorted(folder.glob("pull-*.jsonl"))
