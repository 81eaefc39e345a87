"""The judgements table → every question and the votes on it, as arrays: a million judgements in seconds.

What a question and a vote is, :mod:`toolkit.votes` says; here the same rules are applied to whole columns (a test holds the
two together). Single questions are made into objects only where somebody is to be asked, or told, about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from toolkit.agreement.ballots import Ballot, Bools, Ints, ballots, codes, votes
from toolkit.codebooks import named_by
from toolkit.votes import NO, YES, Question, question_id

Place = tuple[str, str, str, str | None]
"""(task, item, field, label): what a question is about, whoever voted on it."""


@dataclass(frozen=True)
class Questions:
    """All questions, items as they come, fields and labels in the codebook's order.

    Question i is about item ``items[item[i]]`` and ``asked[about[i]]``, a (task, field, label); its votes are those from
    ``begin[i]`` to ``begin[i + 1]``, by the annotators' names: ``rater`` and ``value`` are codes of ``raters`` and
    ``values``, ``row`` is the submission's place in ``rows``.
    """

    rows: pa.Table
    items: tuple[str, ...]
    asked: tuple[tuple[str, str, str | None], ...]
    raters: tuple[str, ...]
    values: tuple[str, ...]
    item: Ints
    about: Ints
    begin: Ints
    rater: Ints
    value: Ints
    row: Ints

    def __len__(self) -> int:
        """Count the questions."""
        return len(self.item)

    @cached_property
    def size(self) -> Ints:
        """The number of votes on each."""
        return np.diff(self.begin)

    @cached_property
    def of_vote(self) -> Ints:
        """The question that each vote is on."""
        return np.repeat(np.arange(len(self)), self.size)

    @cached_property
    def tally(self) -> tuple[Ints, Ints, Ints]:
        """The value with most votes on each question (as a code), its votes, and those of the next value."""
        leading, first, second = (np.zeros(len(self), dtype=np.int64) for _ in range(3))
        width = max(len(self.values), 1)
        cells, counts = np.unique(self.of_vote * width + self.value, return_counts=True)
        question = cells // width
        order = np.lexsort((cells % width, -counts, question))
        question, counts, value = question[order], counts[order], (cells % width)[order]
        starts = np.flatnonzero(np.r_[True, question[1:] != question[:-1]]) if len(question) else np.zeros(0, np.int64)
        leading[question[starts]], first[question[starts]] = value[starts], counts[starts]
        behind = starts[np.r_[starts[1:], len(question)] - starts > 1] + 1 if len(starts) else starts
        second[question[behind]] = counts[behind]
        return leading, first, second

    def place(self, number: int) -> Place:
        """Return what a question is about."""
        task, field, label = self.asked[self.about[number]]
        return task, self.items[self.item[number]], field, label

    def question(self, number: int) -> Question:
        """Return a question as an object."""
        task, item, field, label = self.place(number)
        own = slice(self.begin[number], self.begin[number + 1])
        given = dict(self.votes_of(number))
        rows = self.rows.select(["judgement_id", "item_type"]).take(pa.array(self.row[own]))
        ids = tuple(rows["judgement_id"].to_pylist())
        return Question(task, item, rows["item_type"][0].as_py(), field, label, given, ids)

    def question_id(self, number: int) -> str:
        """Return the id of a question, as the object has it."""
        task, item, field, label = self.place(number)
        return question_id(task, item, field, label, self.votes_of(number))

    def votes_of(self, number: int) -> list[tuple[str, str]]:
        """Return (annotator, value) of each vote on a question, by the annotators' names."""
        own = slice(self.begin[number], self.begin[number + 1])
        # Annotators are sorted, and so are their codes.
        pairs = zip(self.rater[own].tolist(), self.value[own].tolist(), strict=True)
        return [(self.raters[rater], self.values[value]) for rater, value in pairs]

    def on_items(self, wanted: set[str]) -> Ints:
        """Return the numbers of the questions about some items."""
        known = np.array([item in wanted for item in self.items], dtype=np.bool_)
        return np.flatnonzero(known[self.item]) if len(self) else np.zeros(0, dtype=np.int64)

    def votes_on(self, numbers: Ints) -> Ints:
        """Return the places of the votes on some questions, in their order."""
        size = self.size[numbers]
        return np.repeat(self.begin[:-1][numbers] - np.r_[0, np.cumsum(size)[:-1]], size) + np.arange(size.sum())


def questions(judgements: pa.Table) -> Questions:
    """Return every question with at least one vote (``judgements``: ``schemas/judgements.json``)."""
    found = votes(judgements)
    codebooks = named_by(judgements)
    item, items = _by_appearance(found.rows["item_id"])
    asked: list[tuple[str, str, str | None]] = []
    values: list[str] = [NO, YES]
    parts: list[tuple[Ints, ...]] = []
    for ballot in ballots(found):
        if ballot.kind == "ordinal":
            continue
        leaves = {leaf.id for leaf in codebooks(ballot.task).leaves(ballot.field)}
        if ballot.kind == "multi":
            asked_here: list[str | None] = [*ballot.labels]
            split = _multi(ballot, np.array([label in leaves for label in ballot.labels], dtype=np.bool_))
        else:
            asked_here = [None]
            split = _single(ballot, len(values))
            values += ballot.labels
        label, size, answer, value = split
        parts.append((label + len(asked), size, ballot.rater[answer], value, ballot.row[answer]))
        asked += [(ballot.task, ballot.field, label_id) for label_id in asked_here]
    about, size, rater, value, row = (
        np.concatenate([part[n] for part in parts]) if parts else np.zeros(0, dtype=np.int64) for n in range(5)
    )
    begin = np.r_[0, np.cumsum(size)].astype(np.int64)
    head = row[begin[:-1]]
    # Fields and labels were gone through in the codebook's order: ``about`` counts in it.
    order = np.lexsort((about, item[head]))
    unsorted = Questions(
        found.rows, items, tuple(asked), found.raters, tuple(values), item[head], about, begin, rater, value, row
    )
    votes_in_order = unsorted.votes_on(order)
    return Questions(
        *(found.rows, items, tuple(asked), found.raters, tuple(values), item[head][order], about[order]),
        np.r_[0, np.cumsum(size[order])].astype(np.int64),
        *(rater[votes_in_order], value[votes_in_order], row[votes_in_order]),
    )


def _by_appearance(column: pa.ChunkedArray) -> tuple[Ints, tuple[str, ...]]:
    sorted_codes, names = codes(column)
    used, first, places = np.unique(sorted_codes, return_index=True, return_inverse=True)
    rank = np.empty(len(used), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(used))
    return rank[places.reshape(-1)], tuple(names[used[place]] for place in np.argsort(first))


def _groups(ballot: Ballot) -> tuple[Ints, Ints, Ints]:
    """Return the answers by unit and annotator, and where each unit's begin and how many they are."""
    order = np.lexsort((ballot.rater, ballot.unit))
    unit = ballot.unit[order]
    starts = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]]) if len(unit) else np.zeros(0, dtype=np.int64)
    return order, starts, np.diff(np.r_[starts, len(unit)])


def _multi(ballot: Ballot, leaf: Bools) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the questions of a field with several labels: label, number of votes; and each vote's answer and value."""
    order, starts, sizes = _groups(ballot)
    given, silent = ballot.given[order], ballot.silent[order]
    there = np.logical_or.reduceat(given, starts, axis=0) if len(starts) else given
    group, label = np.nonzero(there & leaf)
    size = sizes[group]
    answer = np.repeat(starts[group] - np.r_[0, np.cumsum(size)[:-1]][: len(size)], size) + np.arange(size.sum())
    of_label = np.repeat(label, size)
    said = ~silent[answer, of_label]
    left = np.bincount(np.repeat(np.arange(len(size)), size)[said], minlength=len(size)).astype(np.int64)
    value = given[answer, of_label].astype(np.int64)
    return label[left > 0], left[left > 0], order[answer[said]], value[said]


def _single(ballot: Ballot, offset: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the questions of a field with one value, as :func:`_multi`."""
    order, _, sizes = _groups(ballot)
    value = ballot.given[order].argmax(axis=1).astype(np.int64) + offset
    return np.zeros(len(sizes), dtype=np.int64), sizes, order, value
