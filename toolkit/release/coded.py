"""The coded columns of an item: what was settled, what is contested, what is open, and how the votes fell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.codebook import Field as CodedField
from toolkit.schema import table
from toolkit.votes import CONTESTED, YES, Answer, Question, asked, given, latest

# The columns that answers are made of: the others are no votes.
_ANSWERS = [
    *("judgement_id", "item_id", "item_type", "task", "annotator", "created_at", "round_kind"),
    *("skipped", "labels", "unanswered"),
]
# The config of each item type, and the task whose fields it carries.
TASK_OF = {"posts": "narrative", "photo_texts": "photo_text"}


def coded_fields(codebook: Codebook) -> list[CodedField]:
    """Return the fields that become columns: those with labels, where the tables declare columns of their kind.

    The answers to others are in ``judgements`` alone.
    """
    return [one for one in codebook.fields if one.coded and _kind_of_columns(codebook.task, one.name) == one.kind]


def without_columns(codebook: Codebook) -> list[str]:
    """Return what of a codebook no release shows as columns, and what columns it leaves empty, in words."""
    found = []
    for one in codebook.fields:
        kind = _kind_of_columns(codebook.task, one.name)
        if one.coded and kind != one.kind and codebook.task in TASK_OF.values():
            why = f"its columns hold {kind} answers" if kind else "a release has no columns for it"
            found.append(f"field {one.name} ({one.kind}): {why}; its answers are in judgements alone")
    asked = {one.name for one in codebook.fields}
    for config, task in TASK_OF.items():
        if task == codebook.task:
            names = [name.removesuffix("_dist") for name in _columns(config) if name.endswith("_dist")]
            found += [f"field {name} is not asked: its columns stay empty" for name in names if name not in asked]
    return found


def _columns(config: str) -> dict[str, pa.DataType]:
    return {column.name: column.arrow for column in table(f"release_{config}").columns}


@cache
def _kind_of_columns(task: str, name: str) -> str | None:
    """Return which kind of answers the columns of a field hold; None where there are none."""
    config = next((config for config, of in TASK_OF.items() if of == task), None)
    contested = _columns(config).get(f"{name}_contested") if config else None
    return None if contested is None else "multi" if pa.types.is_list(contested) else "single"


@dataclass(frozen=True)
class Votes:
    """All votes and outcomes of a corpus, by item and field."""

    answers: Mapping[tuple[str, str], Answer] = field(default_factory=dict)
    questions: Mapping[tuple[str, str], list[Question]] = field(default_factory=dict)
    judged: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    """Question → outcome, of the decisions in force."""

    @classmethod
    def of(
        cls, judgements: pa.Table, codebooks: Mapping[str, Codebook], outcomes: Mapping[str, str] | None = None
    ) -> Votes:
        """Count the votes of judgements (``schemas/judgements.json``)."""
        submissions = latest(judgements.select(_ANSWERS))
        found = given(submissions, codebooks.__getitem__)
        by_item: dict[tuple[str, str], list[Question]] = {}
        for question in asked(found, codebooks.__getitem__):
            by_item.setdefault((question.item_id, question.field), []).append(question)
        judged = Counter(row["item_id"] for row in submissions if not row["skipped"])
        return cls({(answer.item_id, answer.field): answer for answer in found}, by_item, judged, outcomes or {})

    def columns(self, item_id: str, codebook: Codebook) -> dict[str, Any]:
        """Return an item's coded columns and its number of judgements."""
        row: dict[str, Any] = {"judgements": self.judged.get(item_id, 0)}
        for one in coded_fields(codebook):
            make = self._multi if one.kind == "multi" else self._single
            row |= {f"{one.name}{suffix}": value for suffix, value in make(item_id, one.name, codebook).items()}
        return row

    def _multi(self, item_id: str, name: str, codebook: Codebook) -> dict[str, Any]:
        answer = self.answers.get((item_id, name))
        by_label = {question.label: question for question in self.questions.get((item_id, name), ())}
        ordered = [(leaf.id, by_label[leaf.id]) for leaf in codebook.leaves(name) if leaf.id in by_label]
        outcome = {label: self.outcomes.get(question.id) for label, question in ordered}
        return {
            "": [label for label, value in outcome.items() if value == YES] if answer and answer.by else None,
            "_contested": [label for label, value in outcome.items() if value == CONTESTED],
            "_undecided": [label for label, value in outcome.items() if value is None],
            "_dist": [
                {"label": label, "yes": sum(vote == YES for vote in question.votes.values()), "of": len(question.votes)}
                for label, question in ordered
            ],
        }

    def _single(self, item_id: str, name: str, codebook: Codebook) -> dict[str, Any]:
        question = next(iter(self.questions.get((item_id, name), ())), None)
        outcome = self.outcomes.get(question.id) if question else None
        votes = Counter(question.votes.values()) if question else Counter()
        order = [leaf.id for leaf in codebook.leaves(name)]
        return {
            "": outcome if outcome != CONTESTED else None,
            "_contested": outcome == CONTESTED,
            "_undecided": question is not None and outcome is None,
            "_dist": [{"label": label, "votes": votes[label], "of": votes.total()} for label in order if votes[label]],
        }
