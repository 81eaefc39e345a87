"""Each annotator against a second opinion: the other annotators, the decisions, predictions of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.agreement.ballots import Ballot, Ints, Submissions, ballots, votes
from toolkit.agreement.ballots import codes as coded
from toolkit.agreement.figures import cohen_kappa, questions
from toolkit.settings import AgreementSettings
from toolkit.votes import CONTESTED, YES


@dataclass(frozen=True)
class Against:
    """One annotator on one label (or a field with one value) against ``other``.

    ``pairs`` are their answers beside the other's on the same item; ``positives`` those of the annotator that gave the label.
    ``precision`` and ``recall`` take the other for right: of the annotator's yes, and of the other's. None where there is
    nothing to divide by.
    """

    task: str
    field: str
    label: str | None
    level: int | None
    annotator: str
    other: str
    items: int
    pairs: int
    positives: int
    percent: float
    kappa: float | None
    precision: float | None
    recall: float | None


Outcomes = Mapping[tuple[str, str, str | None], Mapping[str, str]]
"""(task, field, label or None) → item id → yes or no, or the value of the field."""


def others(judgements: pa.Table, settings: AgreementSettings) -> list[Against]:
    """Return each annotator against all others on the same items, every pair of answers counted once."""
    found = votes(judgements)
    rows: list[Against] = []
    for ballot in ballots(found):
        if ballot.kind == "ordinal" or not len(ballot.unit):
            continue
        for label, level, codes in questions(ballot):
            values = 2 if ballot.kind == "multi" else len(ballot.labels)
            unit = np.unique(ballot.unit, return_inverse=True)[1].reshape(-1)
            said = codes >= 0
            cells = unit[said] * values + codes[said]
            totals = np.bincount(cells, minlength=(int(unit.max()) + 1) * values).reshape(-1, values)
            rest = totals[unit]
            rest[np.flatnonzero(said), codes[said]] -= 1
            rest[~said] = 0
            rows += _each(ballot, label, level, codes, rest, found, "others", settings)
    return rows


def outcomes_of(decisions: pa.Table | None, *, adjudicated: bool = False, contested: bool = False) -> Outcomes:
    """Return decisions (``schemas/decisions.json``) as outcomes; contested ones only where asked for."""
    found: dict[tuple[str, str, str | None], dict[str, str]] = {}
    if decisions is None:
        return found
    for row in decisions.select(["task", "field", "label", "item_id", "outcome", "method"]).to_pylist():
        if (contested or row["outcome"] != CONTESTED) and (row["method"] == "adjudicated" or not adjudicated):
            found.setdefault((row["task"], row["field"], row["label"]), {})[row["item_id"]] = row["outcome"]
    return found


def predicted(records: list[dict[str, Any]], judgements: pa.Table) -> Outcomes:
    """Return predictions to measure against: of each record's fields every label is yes or no.

    A record holds ``item_id`` and ``labels``: field → list of labels.
    """
    found: dict[tuple[str, str, str | None], dict[str, str]] = {}
    given = {record["item_id"]: record["labels"] for record in records}
    for ballot in ballots(votes(judgements)):
        for item, fields in given.items():
            if ballot.field not in fields:
                continue
            labels = fields[ballot.field]
            if ballot.kind == "multi":
                for label in ballot.labels:
                    asked = found.setdefault((ballot.task, ballot.field, label), {})
                    asked[item] = YES if label in labels else "no"
            elif ballot.kind == "single" and labels:
                found.setdefault((ballot.task, ballot.field, None), {})[item] = labels[0]
    return found


def outcomes(judgements: pa.Table, known: Outcomes, other: str, settings: AgreementSettings) -> list[Against]:
    """Return each annotator against outcomes, label by label; ``other`` names them."""
    found = votes(judgements)
    item, items = coded(found.rows["item_id"])
    places = {name: place for place, name in enumerate(items)}
    rows: list[Against] = []
    for ballot in ballots(found):
        for label, level, codes in questions(ballot) if ballot.kind != "ordinal" and len(ballot.unit) else ():
            settled = known.get((ballot.task, ballot.field, label), {})
            if level == 1 or not settled:
                continue
            scale = {"no": 0, YES: 1} if label else {name: place for place, name in enumerate(ballot.labels)}
            said = np.full(len(items), -1, dtype=np.int64)
            for name, outcome in settled.items():
                if name in places:
                    said[places[name]] = scale.get(outcome, -1)
            value = said[item[ballot.row]]
            told = np.flatnonzero((value >= 0) & (codes >= 0))
            against = np.zeros((len(codes), len(scale)), dtype=np.int64)
            against[told, value[told]] = 1
            rows += _each(ballot, label, level, codes, against, found, other, settings)
    return rows


def _each(
    ballot: Ballot,
    label: str | None,
    level: int | None,
    codes: Ints,
    against: Ints,
    found: Submissions,
    other: str,
    settings: AgreementSettings,
) -> Iterator[Against]:
    """Yield a row for each annotator; ``against`` counts, for each answer, the other's answers by value."""
    for rater in np.unique(ballot.rater):
        own = (ballot.rater == rater) & (against.sum(axis=1) > 0)
        if not own.any():
            continue
        table = np.zeros((against.shape[1],) * 2, dtype=np.int64)
        np.add.at(table, codes[own], against[own])
        told = own.sum() >= settings.minimum_items
        yield Against(
            *(ballot.task, ballot.field, label, level, found.raters[rater], other),
            *(int(own.sum()), int(table.sum()), int(codes[own].sum()) if label else int(own.sum())),
            *(round(float(np.trace(table) / table.sum()), 6), cohen_kappa(table) if told else None),
            *((_share(table[1, 1], table[1].sum()), _share(table[1, 1], table[:, 1].sum())) if label else (None, None)),
        )


def _share(part: int, whole: int) -> float | None:
    return round(float(part / whole), 6) if whole else None
