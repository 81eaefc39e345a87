"""Predictions beside what people answered: how often accepted, changed, rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from toolkit.labelresult import IMAGE, Region, Submission, parse_result
from toolkit.labels.store import load_judgements
from toolkit.predict import known
from toolkit.text.script import simplify
from toolkit.votes import latest
from toolkit.workspace import Workspace

_SAME, _OVERLAP = 0.9, 0.3


@dataclass(frozen=True)
class Predicted:
    """What became of predictions of one kind: a label of a field, or (label None) the regions of images.

    Of ``predicted``: ``accepted`` as they were, ``changed`` (the label with other places; a region with another box or
    text), ``rejected``. ``added``: what people gave that was not predicted. ``shown``: whether annotators started from the
    predictions. ``judgements`` are those in which it was predicted or given.
    """

    task: str
    field: str
    label: str | None
    version: str
    shown: bool
    judgements: int
    predicted: int
    accepted: int
    changed: int
    rejected: int
    added: int


def compare(workspace: Workspace) -> list[Predicted]:
    """Return what became of every prediction on an item that somebody judged, by task, field, label, version."""
    counts: dict[tuple[str, str, str | None, str, bool], Counter[str]] = {}
    results: dict[str, dict[tuple[str, str], Any]] = {}
    covered: dict[str, set[str]] = {}
    for row in latest(load_judgements(workspace)):
        version = row["prediction_version"]
        if row["skipped"] or not version:
            continue
        if version not in results:
            results[version] = known(workspace, version)
            covered[version] = {entry["from_name"] for result in results[version].values() for entry in result}
        # Of an item that was shown in several texts, the prediction on the one that was judged.
        result = results[version].get((row["item_id"], row["text_sha256"]), [])
        for field, label, outcome in _outcomes(workspace, row, result, covered[version]):
            about = (row["task"], field, label, version, row["predictions_shown"])
            counts.setdefault(about, Counter())[outcome] += 1
    return [
        Predicted(
            *about,
            judgements=found["judgements"],
            predicted=found["accepted"] + found["changed"] + found["rejected"],
            accepted=found["accepted"],
            changed=found["changed"],
            rejected=found["rejected"],
            added=found["added"],
        )
        for about, found in sorted(counts.items(), key=lambda pair: (*pair[0][:2], pair[0][2] or "", *pair[0][3:]))
    ]


def told(workspace: Workspace, judgements: pa.Table) -> Iterator[tuple[str, pa.Table, list[dict[str, Any]]]]:
    """Yield each version of predictions, the judgements of what it predicted on the text judged, and what it said of each item.

    That is ``item_id`` and ``labels``: field → labels, an empty list where it looked and found nothing.
    """
    rows = judgements.select(["item_id", "task", "text_sha256", "prediction_version"]).to_pylist()
    for version in sorted({row["prediction_version"] for row in rows if row["prediction_version"]}):
        results = known(workspace, version)
        covered = {entry["from_name"] for result in results.values() for entry in result}
        own = [row["prediction_version"] == version and (row["item_id"], row["text_sha256"]) in results for row in rows]
        said: dict[str, dict[str, Any]] = {}
        for row, held in zip(rows, own, strict=True):
            if held:
                prediction = _read(workspace, row["task"], results[row["item_id"], row["text_sha256"]])
                fields = [field.name for field in workspace.codebooks(row["task"]).fields if field.name in covered]
                labels = {name: [vote.label for vote in prediction.labels if vote.field == name] for name in fields}
                said.setdefault(row["item_id"], {"item_id": row["item_id"], "labels": labels})
        yield version, judgements.filter(pa.array(own, pa.bool_())), list(said.values())


def _read(workspace: Workspace, task: str, result: Any) -> Submission:
    # Places were checked when the prediction was made: here only what was predicted is read.
    end = max((r["value"].get("end", 0) for r in result), default=0)
    return parse_result(workspace.codebooks(task), result, text="x" * end)[0]


def _outcomes(
    workspace: Workspace, row: dict[str, Any], result: Any, covered: set[str]
) -> Iterator[tuple[str, str | None, str]]:
    prediction = _read(workspace, row["task"], result)
    yield from _labels(prediction, row, covered)
    if row["image_seen"]:
        yield from _regions(prediction.regions, [Region(**region) for region in row["regions"]])


def _labels(prediction: Submission, row: dict[str, Any], covered: set[str]) -> Iterator[tuple[str, str, str]]:
    given = {(one["field"], one["label"]) for one in row["labels"]}
    marked = {(one["field"], one["label"], one["start"], one["end"]) for one in row["evidence"]}
    foreseen = {(span.field, span.label, span.start, span.end) for span in prediction.evidence}
    for vote in prediction.labels:
        about = (vote.field, vote.label)
        own, theirs = ({place for place in places if place[:2] == about} for places in (foreseen, marked))
        yield *about, "judgements"
        yield *about, "rejected" if about not in given else "accepted" if own == theirs else "changed"
    for field, label in sorted(given - {(vote.field, vote.label) for vote in prediction.labels}):
        # A field of which nothing is ever predicted says nothing about predictions.
        if field in covered:
            yield field, label, "judgements"
            yield field, label, "added"


def _regions(foreseen: tuple[Region, ...], drawn: list[Region]) -> Iterator[tuple[str, None, str]]:
    if foreseen or drawn:
        yield IMAGE, None, "judgements"
    left = list(drawn)
    for region in foreseen:
        best = max(left, key=lambda other: overlap(region, other), default=None)
        if best is None or overlap(region, best) < _OVERLAP:
            yield IMAGE, None, "rejected"
            continue
        left.remove(best)
        same = overlap(region, best) >= _SAME and _folded(region.text) == _folded(best.text)
        yield IMAGE, None, "accepted" if same else "changed"
    for _ in left:
        yield IMAGE, None, "added"


def overlap(one: Region, other: Region) -> float:
    """Return intersection over union of two regions' areas."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(width, 0.0) * max(height, 0.0)
    either = one.width * one.height + other.width * other.height - both
    return both / either if either else 0.0


def _folded(text: str) -> str:
    """Return a text without blanks, Chinese as simplified: the reader mixes the two ways of writing."""
    return "".join(simplify(text).split()).casefold()
