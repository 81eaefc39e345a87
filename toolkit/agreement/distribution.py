"""Soft labels: how the votes on each item fell; beside them what an aggregation model makes of them, by its name.

Columns from end to end, a field at a time: a million judgements have millions of shares.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement.ballots import Ballot, Ints, Submissions, ballots, codes, votes
from toolkit.agreement.models import Model, probabilities

SCHEMA = pa.schema(
    {
        "task": pa.string(),
        "item_id": pa.string(),
        "field": pa.string(),
        "label": pa.string(),
        "yes": pa.int64(),
        "of": pa.int64(),
        "share": pa.float64(),
        "outcome": pa.string(),
        "model": pa.string(),
        "probability": pa.float64(),
    }
)
"""The votes for one label on one item: ``yes`` ``of`` all answers in the field.

``outcome`` is the decision in force (yes, no, contested; of a field with one value: its value), null for none;
``probability`` is the model's that the label holds.
"""


def distribution(judgements: pa.Table, decisions: pa.Table | None = None, model: Model | None = None) -> pa.Table:
    """Return all of :func:`by_field` as one table."""
    return pa.concat_tables([SCHEMA.empty_table(), *by_field(judgements, decisions, model)])


def by_field(judgements: pa.Table, decisions: pa.Table | None = None, model: Model | None = None) -> Iterator[pa.Table]:
    """Yield the shares (:data:`SCHEMA`) of every label that anyone gave, field by field, by item.

    ``decisions`` are those in force (``schemas/decisions.json``). A model needs two annotators or more.
    :class:`InputError` where crowd-kit is not installed.
    """
    found = votes(judgements)
    for ballot in ballots(found):
        if ballot.kind != "ordinal" and len(ballot.unit):
            yield _shares(ballot, found, decisions, model)


def _shares(ballot: Ballot, found: Submissions, decisions: pa.Table | None, model: Model | None) -> pa.Table:
    item, names = codes(found.rows["item_id"].take(pa.array(ballot.row)))
    items, labels = pa.array(names, pa.string()), pa.array(ballot.labels, pa.string())
    size = len(items)
    yes = np.stack([np.bincount(item[given], minlength=size) for given in ballot.given.T], axis=1)
    row, column = np.nonzero(yes)
    given = yes[row, column]
    of = np.bincount(item, minlength=size)[row]
    for place in np.flatnonzero(ballot.silent.any(axis=0)):
        here = column == place
        of[here] -= np.bincount(item[ballot.silent[:, place]], minlength=size)[row[here]]
    likely = probabilities(model, ballot, item) if model else None
    own, where = pa.nulls(len(row), pa.string()), (pa.array(row), pa.array(column))
    if decisions is not None:
        asked = decisions.filter(
            pc.and_(pc.equal(decisions["task"], ballot.task), pc.equal(decisions["field"], ballot.field))
        )
        own = _outcomes(asked, items, labels if ballot.kind == "multi" else None, row, column)
    columns = {
        "task": pa.repeat(pa.scalar(ballot.task), len(row)),
        "item_id": items.take(where[0]),
        "field": pa.repeat(pa.scalar(ballot.field), len(row)),
        "label": labels.take(where[1]),
        "yes": pa.array(given, pa.int64()),
        "of": pa.array(of, pa.int64()),
        "share": pa.array(np.round(given / of, 6)),
        "outcome": own,
        "model": pa.nulls(len(row), pa.string()) if likely is None else pa.repeat(pa.scalar(model), len(row)),
        "probability": pa.nulls(len(row), pa.float64())
        if likely is None
        else pa.array(np.round(likely[row, column], 6)),
    }
    return pa.table(columns, schema=SCHEMA)


def _outcomes(decisions: pa.Table, items: pa.Array, labels: pa.Array | None, row: Ints, column: Ints) -> pa.Array:
    """Return the decision on each place (``row``, ``column``) of items × labels; without ``labels``: on each item."""
    width = len(labels) if labels is not None else 1
    item = pc.index_in(decisions["item_id"], items)
    label = pc.index_in(decisions["label"], labels) if labels is not None else pc.multiply(item, 0)
    cells = pc.add(pc.multiply(item.cast(pa.int64()), width), label.cast(pa.int64())).combine_chunks()
    wanted = pa.array(row * width + (column if labels is not None else 0))
    return decisions["outcome"].combine_chunks().take(pc.index_in(wanted, cells))
