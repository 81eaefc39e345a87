"""Judgements and outcomes → the coded columns of items, in whole columns: a million judgements in seconds.

What a vote and a question is, :mod:`toolkit.votes` says; the arrays of votes are those of :mod:`toolkit.agreement.ballots`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.questions import questions
from toolkit.agreement.ballots import Ballot, Bools, Ints, ballots, votes
from toolkit.codebook import Codebook
from toolkit.codebook import Field as CodedField
from toolkit.release.coded import coded_fields
from toolkit.schema import table
from toolkit.votes import CONTESTED, YES

Place = tuple[str, str | None]
"""(field, label): what a question about an item is, label None where the field has one value."""


@dataclass(frozen=True)
class Outcomes:
    """What was decided of each question, by its id. ``asked`` are the ids of the questions that votes were found on."""

    of: Mapping[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


def coded(
    judgements: pa.Table, items: pa.Array, config: str, codebook: Codebook, outcomes: Outcomes | None = None
) -> pa.Table:
    """Return the coded columns of a config's items, and their numbers of judgements, in the order of ``items``.

    ``judgements`` (``schemas/judgements.json``; the table names the codebooks that it is read by) are all that those items
    have. Without ``outcomes`` nothing is taken for decided.
    """
    found = votes(judgements)
    place = _places(found.rows["item_id"], items)
    decided = _decided(judgements, items, codebook.task, outcomes) if outcomes else {}
    given = {ballot.field: ballot for ballot in ballots(found) if ballot.task == codebook.task}
    kinds = {column.name: column.arrow for column in table(f"release_{config}").columns}
    columns: dict[str, Any] = {}
    for one in coded_fields(codebook):
        leaves = [leaf.id for leaf in codebook.leaves(one.name)]
        counted = _Counted.counted(given.get(one.name), place, len(items), leaves)
        make = _multi if one.kind == "multi" else _single
        columns |= make(one, leaves, counted, decided, kinds)
    count = np.bincount(place[place >= 0], minlength=len(items))
    return pa.table(columns | {"judgements": pa.array(count, kinds["judgements"])})


def spread(made: pa.Table, known: pa.Array, wanted: pa.Array, config: str, codebook: Codebook) -> pa.Table:
    """Return the coded columns of all ``wanted`` items: ``made`` of those ``known``, of the others what nobody judged."""
    nothing = coded(table("judgements").empty(), pa.array(["-"]), config, codebook)
    at = pc.fill_null(pc.index_in(wanted, value_set=known), len(known))
    return pa.concat_tables([made, nothing]).combine_chunks().take(at)


@dataclass(frozen=True)
class _Counted:
    """Votes on items (rows) and labels of a field (columns), and which items anybody answered at all.

    ``total`` are the answers of each item, those with a label that is no leaf of today's codebook among them.
    """

    yes: Ints
    votes: Ints
    there: Bools
    total: Ints

    @classmethod
    def counted(cls, ballot: Ballot | None, place: Ints, items: int, leaves: list[str]) -> _Counted:
        """Count a field's answers; None: there are none."""
        shape = (items, len(leaves))
        yes, votes_on = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        there = np.zeros(shape, dtype=np.bool_)
        if ballot is None:
            return cls(yes, votes_on, there, np.zeros(items, dtype=np.int64))
        at = place[ballot.row]
        for column in range(len(leaves)):
            given, said = ballot.given[:, column], ~ballot.silent[:, column]
            yes[:, column] = np.bincount(at[given & said], minlength=items)
            votes_on[:, column] = np.bincount(at[said], minlength=items)
            there[:, column] = np.bincount(at[given], minlength=items) > 0
        return cls(yes, votes_on, there & (votes_on > 0), np.bincount(at, minlength=items).astype(np.int64))


def _places(ids: pa.ChunkedArray, items: pa.Array) -> Ints:
    found = pc.fill_null(pc.index_in(ids, value_set=items), -1)
    return np.asarray(found.combine_chunks().to_numpy(zero_copy_only=False)).astype(np.int64)


def _decided(judgements: pa.Table, items: pa.Array, task: str, outcomes: Outcomes) -> dict[Place, dict[int, str]]:
    """Return (field, label) → place of the item → outcome, of the questions with these very votes."""
    found = questions(judgements)
    place = {item: at for at, item in enumerate(items.to_pylist())}
    decided: dict[Place, dict[int, str]] = {}
    for number in range(len(found)):
        asked = found.question_id(number)
        outcomes.asked.add(asked)
        about, item, name, label = found.place(number)
        if about == task and (outcome := outcomes.of.get(asked)) is not None:
            decided.setdefault((name, label), {})[place[item]] = outcome
    return decided


def _multi(
    one: CodedField,
    leaves: list[str],
    counted: _Counted,
    decided: Mapping[Place, Mapping[int, str]],
    kinds: Mapping[str, pa.DataType],
) -> dict[str, Any]:
    settled, yes, contested = (np.zeros(counted.there.shape, dtype=np.bool_) for _ in range(3))
    for column, leaf in enumerate(leaves):
        for at, outcome in decided.get((one.name, leaf), {}).items():
            settled[at, column] = True
            yes[at, column], contested[at, column] = outcome == YES, outcome == CONTESTED
    names, there = pa.array(leaves, pa.string()), counted.there
    unanswered = pa.array(counted.total == 0)
    _, label = np.nonzero(there)
    dist = {
        "label": names.take(pa.array(label)),
        "yes": pa.array(counted.yes[there], pa.int32()),
        "of": pa.array(counted.votes[there], pa.int32()),
    }
    return {
        one.name: _names(names, there & yes, kinds[one.name], unanswered),
        f"{one.name}_contested": _names(names, there & contested, kinds[f"{one.name}_contested"]),
        f"{one.name}_undecided": _names(names, there & ~settled, kinds[f"{one.name}_undecided"]),
        f"{one.name}_dist": _lists(there, _structs(dist, kinds[f"{one.name}_dist"]), kinds[f"{one.name}_dist"]),
    }


def _single(
    one: CodedField,
    leaves: list[str],
    counted: _Counted,
    decided: Mapping[Place, Mapping[int, str]],
    kinds: Mapping[str, pa.DataType],
) -> dict[str, Any]:
    outcomes: list[str | None] = [None] * len(counted.total)
    for at, outcome in decided.get((one.name, None), {}).items():
        outcomes[at] = outcome
    value = pa.array(outcomes, pa.string())
    contested = pc.fill_null(pc.equal(value, CONTESTED), False)
    asked = pa.array(counted.total > 0)
    rows, label = np.nonzero(counted.yes)
    dist = {
        "label": pa.array(leaves, pa.string()).take(pa.array(label)),
        "votes": pa.array(counted.yes[rows, label], pa.int32()),
        "of": pa.array(counted.total[rows], pa.int32()),
    }
    return {
        one.name: pc.if_else(contested, pa.scalar(None, pa.string()), value),
        f"{one.name}_contested": contested,
        f"{one.name}_undecided": pc.and_(asked, pc.is_null(value)),
        f"{one.name}_dist": _lists(
            counted.yes > 0, _structs(dist, kinds[f"{one.name}_dist"]), kinds[f"{one.name}_dist"]
        ),
    }


def _names(names: pa.Array, held: Bools, kind: pa.DataType, null: pa.Array | None = None) -> pa.Array:
    return _lists(held, names.take(pa.array(np.nonzero(held)[1])), kind, null)


def _lists(held: Bools, values: pa.Array, kind: pa.DataType, null: pa.Array | None = None) -> pa.Array:
    """Return a list for each row of ``held``, of the values of its cells, which come row by row."""
    ends = np.r_[0, np.cumsum(held.sum(axis=1))].astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values, kind, mask=null)


def _structs(parts: Mapping[str, pa.Array], kind: pa.DataType) -> pa.Array:
    fields = [*kind.value_type]
    return pa.StructArray.from_arrays([parts[one.name].cast(one.type) for one in fields], fields=fields)
