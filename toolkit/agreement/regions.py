"""How far annotators agree on the text in images: where it stands (IoU) and how it reads (edit distance).

Two annotators' regions on an image are matched one to one so that the sum of their IoU (common area by joint area) is
largest. Readings are compared where matched regions have half of their area in common, after NFKC, without white space and in
simplified characters (OpenCC): the script that a reader types is no disagreement.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement import bootstrap as bs
from toolkit.agreement.ballots import votes
from toolkit.settings import AgreementSettings
from toolkit.text.script import simplify

MATCH = 0.5
Region = Mapping[str, Any]


@dataclass(frozen=True)
class RegionFigure:
    """Agreement on the regions of images that two annotators or more saw and one of them marked.

    ``iou`` is the mean over pairs of annotators of the matched regions' IoU, unmatched ones counting 0; ``f1`` takes
    regions with an IoU of a half for the same; ``distance`` is the mean over those of edits per character of the longer
    reading (0: the same), over ``read`` pairs of readings.
    """

    task: str
    items: int
    pairs: int
    regions: int
    iou: float | None
    iou_low: float | None
    iou_high: float | None
    f1: float | None
    read: int
    distance: float | None
    distance_low: float | None
    distance_high: float | None


def region_agreement(judgements: pa.Table, settings: AgreementSettings) -> list[RegionFigure]:
    """Return one figure for each task with regions; none where nobody marked any."""
    found = votes(judgements.filter(judgements["image_seen"]))
    groups: dict[tuple[str, int], list[list[Region]]] = {}
    columns = (found.rows["task"].to_pylist(), found.unit.tolist(), found.rows["regions"].to_pylist())
    for task, unit, regions in zip(*columns, strict=True):
        groups.setdefault((task, unit), []).append(regions)
    figures = []
    for task in sorted(pc.unique(found.rows["task"]).to_pylist()):
        items = [own for (of, _), own in sorted(groups.items()) if of == task and len(own) > 1 and any(own)]
        if items:
            figures.append(_figure(task, items, settings))
    return figures


def _figure(task: str, items: Sequence[Sequence[Sequence[Region]]], settings: AgreementSettings) -> RegionFigure:
    sums = np.array([np.sum([_pair(a, b) for a, b in combinations(own, 2)], axis=0) for own in items])
    iou, pairs, same, marked, edits, read = sums.T
    times = np.ones(len(items), dtype=np.int64)
    ends = (times, settings.bootstrap if len(items) >= settings.minimum_items else 0, settings.seed)

    mean = bs.statistic((iou, pairs), lambda sums: bs.ratio(sums[:, 0], sums[:, 1]))
    far = bs.statistic((edits, read), lambda sums: bs.ratio(sums[:, 0], sums[:, 1]))
    return RegionFigure(
        *(task, len(items), int(pairs.sum()), sum(len(regions) for own in items for regions in own)),
        *(bs.value(mean, times), *bs.interval(mean, *ends), bs.rounded(float(2 * same.sum() / marked.sum()))),
        *(int(read.sum()), bs.value(far, times), *bs.interval(far, *ends)),
    )


def _pair(one: Sequence[Region], other: Sequence[Region]) -> tuple[float, ...]:
    """Return mean IoU, 1, regions that are the same, regions, sum of reading distances, readings compared."""
    from scipy.optimize import linear_sum_assignment

    if not one and not other:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # neither saw text: nothing to compare
    common = np.array([[overlap(a, b) for b in other] for a in one]).reshape(len(one), len(other))
    left, right = linear_sum_assignment(common, maximize=True)
    matched = [(i, j) for i, j in zip(left, right, strict=True) if common[i, j] >= MATCH]
    distances = [reading_distance(one[i]["text"] or "", other[j]["text"] or "") for i, j in matched]
    mean = float(common[left, right].sum()) / max(len(one), len(other))
    return mean, 1.0, float(len(matched)), float(len(one) + len(other)), sum(distances), float(len(matched))


def overlap(one: Region, other: Region) -> float:
    """Return the IoU of two rectangles."""
    width = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    common = max(0.0, width) * max(0.0, height)
    joint = one["width"] * one["height"] + other["width"] * other["height"] - common
    return float(common / joint) if joint > 0 else 0.0


def reading(text: str) -> str:
    """Return a transcription as it is compared."""
    return simplify("".join(unicodedata.normalize("NFKC", text).split()))


def reading_distance(one: str, other: str) -> float:
    """Return the edits (Levenshtein) that part two transcriptions, by the length of the longer; 0 for two empty ones."""
    from nltk.metrics.distance import edit_distance

    a, b = reading(one), reading(other)
    return float(edit_distance(a, b)) / max(len(a), len(b)) if a or b else 0.0
