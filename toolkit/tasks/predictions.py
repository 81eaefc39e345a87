"""The predictions of tasks that are on the server already, brought to what the settings say today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from toolkit.tasks.journal import About, predicted, renewed, sent


class Server(Protocol):
    """What this needs of Label Studio."""

    def annotations(self, project_id: int, *, since: str | None = None, after: int = 0) -> Iterable[Any]: ...  # noqa: D102
    def replace_predictions(self, project_id: int, wanted: Mapping[int, Sequence[Any]]) -> None: ...  # noqa: D102


def renew(
    server: Server,
    folder: Path,
    project_id: int,
    tasks: Sequence[Mapping[str, Any]],
    there: Mapping[str, Sequence[int]],
    about: About,
) -> None:
    """Give tasks that nobody has judged today's predictions, or take away those that are to be seen no longer.

    What was judged keeps what it was judged with. ``there``: the ids of each key. The journal comes last, so that it
    never says that something was shown which was not.
    """
    by_key = {task["data"]["key"]: task for task in tasks if task["data"]["key"] in about}
    known = sent(folder)
    before = {key: predicted(known.get(key, {})) for key in by_key}
    stale = [key for key in by_key if before[key] != predicted(about[key])]
    if not stale:
        return
    judged = {task.id for task in server.annotations(project_id) if task.annotations}
    stale = [key for key in stale if not judged.intersection(there[key])]
    seen = [key for key in stale if before[key]["predictions_shown"] or about[key]["predictions_shown"]]
    if seen:
        wanted = {task_id: by_key[key].get("predictions", ()) for key in seen for task_id in there[key]}
        server.replace_predictions(project_id, wanted)
    renewed(folder, project_id, stale, {key: predicted(about[key]) for key in stale})
