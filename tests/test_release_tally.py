"""Coded columns, made in whole columns, held against the rules for votes as :mod:`toolkit.votes` says them, one by one."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_release_rows import judgement, some_id
from toolkit.codebook import load_codebook
from toolkit.release.coded import coded_fields
from toolkit.release.tally import Outcomes, coded, spread
from toolkit.schema import table
from toolkit.votes import CONTESTED, NO, YES, answers, questions

BOOKS = {"narrative": ("posts", "post"), "photo_text": ("photo_texts", "photo")}
CHOICES = {
    task: {field.name: [leaf.id for leaf in book.leaves(field.name)][:3] for field in coded_fields(book)}
    for task, book in ((task, load_codebook(task)) for task in BOOKS)
}


@st.composite
def submissions(draw: st.DrawFn, task: str) -> list[dict[str, Any]]:
    rows = []
    for number in range(draw(st.integers(0, 9))):
        item = some_id(BOOKS[task][1], f"i{draw(st.integers(0, 2))}")
        chosen: dict[str, list[str]] = {}
        for name, leaves in CHOICES[task].items():
            many = 1 if load_codebook(task).field(name).kind == "single" else 2
            chosen[name] = draw(st.lists(st.sampled_from(leaves), max_size=many, unique=True))
        change: dict[str, Any] = {"task": task, "skipped": draw(st.booleans()) and draw(st.booleans())}
        change["created_at"] = dt.datetime(2032, 5, 3, 12, draw(st.integers(0, 3)), tzinfo=dt.UTC)
        change["round_kind"] = draw(st.sampled_from(["production", "production", "calibration", "training"]))
        given = {label for own in chosen.values() for label in own}
        change["unanswered"] = sorted({leaf for own in CHOICES[task].values() for leaf in own[:1]} - given)
        rows.append(judgement(number, item, draw(st.sampled_from(["ann-1", "ann-2", "ann-3"])), chosen, **change))
    return rows


def one_by_one(rows: pa.Table, item: str, task: str, outcomes: dict[str, str]) -> dict[str, Any]:
    book = load_codebook(task)
    found = {answer.field: answer for answer in answers(rows) if answer.item_id == item}
    asked = [question for question in questions(rows) if question.item_id == item]
    row: dict[str, Any] = {}
    for one in coded_fields(book):
        own = {question.label: question for question in asked if question.field == one.name}
        outcome = {label: outcomes.get(question.id) for label, question in own.items()}
        if one.kind == "multi":
            answered = one.name in found and found[one.name].by
            row[one.name] = [label for label, value in outcome.items() if value == YES] if answered else None
            row[f"{one.name}_contested"] = [label for label, value in outcome.items() if value == CONTESTED]
            row[f"{one.name}_undecided"] = [label for label, value in outcome.items() if value is None]
            row[f"{one.name}_dist"] = [
                {"label": label, "yes": [*q.votes.values()].count(YES), "of": len(q.votes)} for label, q in own.items()
            ]
        else:
            votes = Counter(own[None].votes.values()) if own else Counter()
            value = outcome.get(None)
            row[one.name] = None if value == CONTESTED else value
            row[f"{one.name}_contested"] = value == CONTESTED
            row[f"{one.name}_undecided"] = bool(own) and value is None
            row[f"{one.name}_dist"] = [
                {"label": leaf.id, "votes": votes[leaf.id], "of": votes.total()}
                for leaf in book.leaves(one.name)
                if votes[leaf.id]
            ]
    return row


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from([*BOOKS]))
def test_columns_are_what_the_rules_say_of_each_item(data: st.DataObject, task: str) -> None:
    rows = table("judgements").from_rows(data.draw(submissions(task)))
    config, kind = BOOKS[task]
    every = pa.array([some_id(kind, f"i{number}") for number in range(4)])
    judged = rows["item_id"].unique()
    decided = {
        question.id: data.draw(st.sampled_from([YES, NO, CONTESTED] if question.label else [question_value, CONTESTED]))
        for question in questions(rows)
        for question_value in [next(iter(question.votes.values()))]
        if data.draw(st.booleans())
    }
    outcomes = Outcomes(decided)
    book = load_codebook(task)
    made = spread(coded(rows, judged, config, book, outcomes), judged, every, config, book)
    assert outcomes.asked == {question.id for question in questions(rows)}
    for item, row in zip(every.to_pylist(), made.to_pylist(), strict=True):
        row.pop("judgements")
        assert row == one_by_one(rows, item, task, decided)
