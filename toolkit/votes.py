"""From judgements to votes: the rules by which an annotator's submission answers questions. Pure.

- An annotator's latest submission on an item counts; earlier ones are repeats, kept for intra-annotator agreement.
  What was made in a training or a repeat round is no vote: the one was for learning, the other for measuring.
- A skip answers nothing. A field left empty answers nothing where an answer is required.
- A label that abstains (n99, cannot tell), given alone, answers nothing in its field.
- Where several labels may hold, each label that anyone gave on an item is a question of its own: yes or no. A field
  with one value is one question: which.
- Of a label that a judgement says nothing of (``unanswered``: its codebook did not have the label, or meant something
  else by it), it is no vote, neither yes nor no.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.codebooks import Lookup, named_by
from toolkit.ids import digest_id

YES, NO, CONTESTED = "yes", "no", "contested"
NO_VOTE = ("training", "repeat")
"""Kinds of rounds whose judgements count as no votes."""


@dataclass(frozen=True)
class Answer:
    """All that was answered on one item in one field: each annotator's labels, abstentions and skips left out.

    ``unanswered``: the labels of the field that an annotator's judgement says nothing of.
    """

    task: str
    field: str
    multi: bool
    item_id: str
    item_type: str
    by: Mapping[str, tuple[str, ...]]
    judgement_ids: Mapping[str, str]
    unanswered: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def votes(self, label: str) -> dict[str, str]:
        """Return each annotator's yes or no to a label, those left out who say nothing of it."""
        return {
            name: YES if label in labels else NO
            for name, labels in self.by.items()
            if label not in self.unanswered.get(name, ())
        }

    def comparable(self) -> dict[str, tuple[str, ...]]:
        """Return each annotator's labels, those left out who say nothing of a label that another one gave here."""
        given = {label for labels in self.by.values() for label in labels}
        return {name: labels for name, labels in self.by.items() if not given & self.unanswered.get(name, frozenset())}


def question_id(task: str, item_id: str, field: str, label: str | None, votes: Sequence[tuple[str, str]]) -> str:
    """Return the id of a question with ``votes`` (annotator, value) on it, by the annotators' names."""
    return digest_id("question", task, item_id, field, label, votes)


@dataclass(frozen=True)
class Question:
    """One thing to settle: does ``label`` hold for the item, or (label None) which value does the field have?"""

    task: str
    item_id: str
    item_type: str
    field: str
    label: str | None
    votes: Mapping[str, str]
    judgement_ids: tuple[str, ...]

    @property
    def id(self) -> str:
        """Names the question with the votes on it: another vote makes it another question."""
        return question_id(self.task, self.item_id, self.field, self.label, sorted(self.votes.items()))

    @property
    def unanimous(self) -> str | None:
        """The value that all votes have, None where they differ."""
        values = set(self.votes.values())
        return next(iter(values)) if len(values) == 1 else None


def latest(judgements: pa.Table) -> list[dict[str, Any]]:
    """Return each annotator's latest submission on each item, skips included, in the table's order."""
    rows = [row for row in judgements.to_pylist() if row["round_kind"] not in NO_VOTE]
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["created_at"], row["judgement_id"])):
        newest[row["task"], row["item_id"], row["annotator"]] = row
    kept = {row["judgement_id"] for row in newest.values()}
    return [row for row in rows if row["judgement_id"] in kept]


def answers(judgements: pa.Table, codebooks: Lookup | None = None) -> list[Answer]:
    """Return the answers to every field with labels, for every item with a submission that is no skip.

    ``codebooks``: those that the judgements are read by (None: those that the table names).
    """
    return given(latest(judgements), codebooks or named_by(judgements))


def given(submissions: Iterable[dict[str, Any]], codebooks: Lookup) -> list[Answer]:
    """Return the answers that submissions give, each annotator's :func:`latest` on each item."""
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in submissions:
        if not row["skipped"]:
            grouped.setdefault((row["task"], row["item_id"], row["item_type"]), []).append(row)
    found: list[Answer] = []
    for (task, item_id, item_type), rows in grouped.items():
        codebook = codebooks(task)
        for asked in codebook.fields:
            if not asked.coded:
                continue
            given = {row["annotator"]: _labels(codebook, asked.name, row) for row in rows}
            by = {name: labels for name, labels in sorted(given.items()) if labels is not None}
            ids = {row["annotator"]: row["judgement_id"] for row in rows if row["annotator"] in by}
            silent = {row["annotator"]: frozenset(row["unanswered"]) for row in rows if row["unanswered"]}
            found.append(Answer(task, asked.name, asked.kind == "multi", item_id, item_type, by, ids, silent))
    return found


def _labels(codebook: Codebook, name: str, row: dict[str, Any]) -> tuple[str, ...] | None:
    # A set: two annotators who gave the same labels in another order agree.
    given = tuple(sorted({label["label"] for label in row["labels"] if label["field"] == name}))
    field = codebook.field(name)
    if not given and (field.required or field.kind == "single"):
        return None
    if len(given) == 1 and codebook.label(given[0]).abstains:
        return None
    return given


def questions(judgements: pa.Table, codebooks: Lookup | None = None) -> list[Question]:
    """Return every question with at least one vote: items as they come, fields and labels in the codebook's order."""
    codebooks = codebooks or named_by(judgements)
    return asked(answers(judgements, codebooks), codebooks)


def asked(given: Iterable[Answer], codebooks: Lookup) -> list[Question]:
    """Return the questions that answers were given to, as :func:`questions`."""
    found: list[Question] = []
    for answer in given:
        if not answer.by:
            continue
        each: list[tuple[str | None, dict[str, str]]] = []
        if answer.multi:
            said = {label for labels in answer.by.values() for label in labels}
            leaves = codebooks(answer.task).leaves(answer.field)
            each = [(leaf.id, answer.votes(leaf.id)) for leaf in leaves if leaf.id in said]
        else:
            each = [(None, {name: labels[0] for name, labels in answer.by.items()})]
        for label, votes in each:
            ids = tuple(answer.judgement_ids[name] for name in sorted(votes))
            found.append(Question(answer.task, answer.item_id, answer.item_type, answer.field, label, votes, ids))
    return found
