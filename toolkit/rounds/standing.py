"""Who passed a calibration: an annotator's mean pairwise agreement with the others on its items, against a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement.figures import alpha_of
from toolkit.codebooks import Lookup
from toolkit.settings import RoundSettings, Settings
from toolkit.votes import answers


@dataclass(frozen=True)
class Standing:
    """Where an annotator stands in a calibration of a task.

    ``judged`` of ``items`` were submitted or skipped; ``agreement`` is the mean α with each of the others (None: nobody to
    compare with yet); ``passed``: all are judged and the agreement reaches the bar.
    """

    annotator: str
    round: str
    task: str
    judged: int
    items: int
    agreement: float | None
    bar: float
    passed: bool


def gate(settings: Settings, round_name: str) -> RoundSettings | None:
    """Return the calibration that lets annotators into a production round: the last before it; None for none."""
    found = None
    for each in settings.rounds:
        if each.name == round_name:
            return found
        found = each if each.kind == "calibration" else found
    return None


def standings(
    judgements: pa.Table,
    calibration: RoundSettings,
    task: str,
    items: Sequence[str],
    annotators: Sequence[str],
    codebooks: Lookup,
) -> list[Standing]:
    """Return where each annotator stands in a calibration, whose items of the task are given."""
    own = judgements.filter(
        pc.and_(pc.equal(judgements["round"], calibration.name), pc.equal(judgements["task"], task))
    )
    judged: dict[str, set[str]] = {name: set() for name in annotators}
    for row in own.select(["annotator", "item_id"]).to_pylist():
        judged.setdefault(row["annotator"], set()).add(row["item_id"])
    given: list[dict[str, tuple[str, ...]]] = []
    multi = False
    for answer in answers(own, codebooks):
        if answer.field == calibration.field:
            given.append(answer.comparable())
            multi = answer.multi
    found = []
    for name in annotators:
        done = len(judged[name] & set(items))
        agreement = _mean_alpha(given, name, [other for other in annotators if other != name], multi=multi)
        passed = bool(items) and done == len(items) and agreement is not None and agreement >= (calibration.bar or 0)
        found.append(
            Standing(name, calibration.name, task, done, len(items), agreement, calibration.bar or 0.0, passed)
        )
    return found


def _mean_alpha(given: Sequence[dict[str, Any]], name: str, others: Sequence[str], *, multi: bool) -> float | None:
    figures = []
    for other in others:
        both = [[by[name], by[other]] for by in given if name in by and other in by]
        if not both:
            continue
        if all(one == two for one, two in both):
            figures.append(1.0)  # also where both always gave one and the same, which leaves α undefined
            continue
        alpha = alpha_of(both, multi=multi)
        figures.append(0.0 if alpha is None else alpha)
    return round(sum(figures) / len(figures), 6) if figures else None
