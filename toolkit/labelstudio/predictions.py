"""Predictions on a server's tasks: what annotators start from, or are shown after they have submitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.errors import ServiceError
from toolkit.labelstudio.transport import BULK_WRITE, WRITE, Transport, check_text

if TYPE_CHECKING:
    from label_studio_sdk import PredictionRequest
_BATCH = 500

Predictions = Sequence[Mapping[str, Any]]
"""Each with ``model_version`` and ``result``."""


def ensure(transport: Transport, task_id: int, result: Predictions, model_version: str) -> bool:
    """Give a task the prediction of this version where it has none; return whether it was made."""
    check_text(list(result), f"prediction for task {task_id}")
    there = transport.page("api/predictions", {"task": task_id})
    try:
        if any(each["model_version"] == model_version for each in there):
            return False
    except (KeyError, TypeError):
        raise ServiceError(f"{transport.url} answered the predictions of task {task_id} unreadably") from None
    with transport.translated():
        transport.sdk.predictions.create(
            task=task_id,
            result=[dict(region) for region in result],
            model_version=model_version,
            request_options=WRITE,
        )
    return True


def replace(transport: Transport, project_id: int, wanted: Mapping[int, Predictions]) -> None:
    """Give tasks these predictions in place of those that they have; killed and run again, they have them once."""
    check_text([list(each) for each in wanted.values()], f"predictions for project {project_id}")
    ids = list(wanted)
    for some in (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)):
        with transport.translated():
            # What is there goes first: an answer that was lost leaves no copy behind.
            transport.sdk.actions.create(
                id="delete_tasks_predictions",
                project=project_id,
                selected_items={"all": False, "included": some},
                request_options=BULK_WRITE,
            )
            if made := list(_requests(some, wanted)):
                transport.sdk.projects.import_predictions(project_id, request=made, request_options=BULK_WRITE)


def _requests(some: Sequence[int], wanted: Mapping[int, Predictions]) -> Iterator[PredictionRequest]:
    from label_studio_sdk import PredictionRequest

    for task_id in some:
        for each in wanted[task_id]:
            result = [dict(region) for region in each["result"]]
            yield PredictionRequest(task=task_id, result=result, model_version=each["model_version"])
