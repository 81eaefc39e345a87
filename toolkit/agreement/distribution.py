"""Soft labels: how the votes on each item fell; beside them what an aggregation model makes of them, by its name.

A model (Dawid-Skene 1979; MACE, Hovy et al. 2013; both from crowd-kit) weighs annotators by how well they agree with the
rest. It decides nothing: decisions are people's, and the release carries every vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from toolkit.agreement.ballots import Ints, ballots, votes
from toolkit.errors import InputError

Model = Literal["dawid-skene", "mace"]
MODELS: tuple[Model, ...] = ("dawid-skene", "mace")


@dataclass(frozen=True)
class Share:
    """The votes for one label on one item: ``yes`` ``of`` all answers in the field.

    ``outcome`` is the decision in force (yes, no, contested; of a field with one value: its value), None for none;
    ``probability`` is the model's that the label holds.
    """

    task: str
    item_id: str
    field: str
    label: str
    yes: int
    of: int
    share: float
    outcome: str | None = None
    model: str | None = None
    probability: float | None = None


def distribution(
    judgements: pa.Table,
    decided: Mapping[tuple[str, str, str | None], Mapping[str, str]] | None = None,
    model: Model | None = None,
) -> list[Share]:
    """Return the shares of every label that anyone gave, by item; a model needs two annotators or more.

    ``decided`` is (task, field, label or None) → item id → outcome. :class:`InputError` where crowd-kit is not installed.
    """
    found = votes(judgements)
    items = found.rows["item_id"].to_pylist()
    rows: list[Share] = []
    for ballot in ballots(found):
        if ballot.kind == "ordinal" or not len(ballot.unit):
            continue
        _, first, unit = np.unique(ballot.unit, return_index=True, return_inverse=True)
        unit = unit.reshape(-1)
        names = [items[ballot.row[place]] for place in first]
        of = np.stack([np.bincount(unit, weights=~column) for column in ballot.silent.T], axis=1).astype(np.int64)
        yes = np.stack([np.bincount(unit, weights=column) for column in ballot.given.T], axis=1).astype(np.int64)
        likely = _likely(model, ballot.kind == "multi", unit, ballot.rater, ballot.given) if model else None
        for item in np.argsort(np.array(names)):
            for place in np.flatnonzero(yes[item]):
                label = ballot.labels[place]
                asked = (ballot.task, ballot.field, label if ballot.kind == "multi" else None)
                rows.append(
                    Share(
                        *(ballot.task, names[item], ballot.field, label, int(yes[item, place]), int(of[item, place])),
                        *(
                            round(float(yes[item, place] / of[item, place]), 6),
                            (decided or {}).get(asked, {}).get(names[item]),
                        ),
                        *((model, round(float(likely[item, place]), 6)) if likely is not None else (None, None)),
                    )
                )
    return rows


def _likely(model: Model, several: bool, unit: Ints, rater: Ints, given: Any) -> Any:
    """Return the model's probabilities, items × labels; None where there is but one annotator."""
    if len(np.unique(rater)) < 2:
        return None
    found = np.zeros((int(unit.max()) + 1, given.shape[1]))
    if several:
        # Each label is a question of its own, yes or no.
        for place in range(given.shape[1]):
            column = given[:, place].astype(np.int64)
            found[:, place] = 0.0 if not column.any() else _fit(model, unit, rater, column, (0, 1))[:, 1]
        return found
    return _fit(model, unit, rater, given.argmax(axis=1), range(given.shape[1]))


def _fit(model: Model, unit: Ints, rater: Ints, value: Any, values: Sequence[int]) -> Any:
    import pandas as pd

    try:
        from crowdkit.aggregation.classification import MACE, DawidSkene
    except ImportError as error:
        raise InputError(
            "crowd-kit is not installed, and the aggregation models are its",
            hint="pip install 'documented-posts[aggregate]'",
        ) from error
    fitted = DawidSkene(n_iter=100) if model == "dawid-skene" else MACE(n_restarts=10, random_state=0)
    votes_ = pd.DataFrame({"task": unit, "worker": rater, "label": value})
    probabilities = fitted.fit_predict_proba(votes_)
    return probabilities.reindex(index=range(int(unit.max()) + 1), columns=list(values)).fillna(0.0).to_numpy()
