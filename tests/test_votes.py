"""The rules by which submissions become votes, and votes questions."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from toolkit.ids import digest_id
from toolkit.schema import table
from toolkit.votes import Question, answers, latest, questions

Row = dict[str, Any]
_IDS = uuid.UUID(int=7)  # ids that say nothing about the time
START = dt.datetime(2032, 5, 3, 12, tzinfo=dt.UTC)


def judgement(number: int, who: str, item: str, labels: Mapping[str, Sequence[str]], **change: Any) -> Row:
    """A row of the judgements table, made ``number`` seconds after the first; items named ``photo…`` are photo texts."""
    photo = item.startswith("photo")
    at = START + dt.timedelta(seconds=number)
    row: Row = {
        "judgement_id": str(uuid.uuid5(_IDS, str(number))),
        "item_id": item,
        "annotator": who,
        "project": f"p.{who}",
    }
    row |= {"item_type": "photo_text" if photo else "post", "task": "photo_text" if photo else "narrative"}
    row |= {"created_at": at, "updated_at": at, "skipped": False, "text_layer": "original", "image_seen": False}
    row |= {"text_sha256": "2" * 64, "round": "main", "round_kind": "production", "predictions_shown": False}
    row |= {"codebook_version": "1.0.0", "config_sha256": "0" * 64, "guide_sha256": "1" * 64, "provenance": "human"}
    row |= {"labels": [{"field": field, "label": label} for field, own in labels.items() for label in own]}
    return row | {"evidence": [], "free": [], "regions": [], "unanswered": []} | change


def judgements(*rows: Row) -> Any:
    return table("judgements").from_rows(rows)


def given(*rows: Row, field: str = "narrative", item: str = "post-1") -> dict[str, tuple[str, ...]]:
    (answer,) = [a for a in answers(judgements(*rows)) if (a.item_id, a.field) == (item, field)]
    return dict(answer.by)


def asked(*rows: Row) -> dict[tuple[str, str | None], dict[str, str]]:
    return {(q.field, q.label): dict(q.votes) for q in questions(judgements(*rows))}


def test_the_latest_submission_counts_and_earlier_ones_stay_in_the_table() -> None:
    first = judgement(1, "ann-1", "post-1", {"narrative": ["n11"]})
    again = judgement(5, "ann-1", "post-1", {"narrative": ["n12"]})
    other = judgement(3, "ann-2", "post-1", {"narrative": ["n11"]})
    for rows in ([first, again, other], [again, other, first], [other, first, again]):
        assert [row["judgement_id"] for row in latest(judgements(*rows))] == [
            row["judgement_id"] for row in rows if row is not first
        ]
        assert given(*rows) == {"ann-1": ("n12",), "ann-2": ("n11",)}


def test_of_two_submissions_at_one_time_the_choice_does_not_depend_on_their_order() -> None:
    one, two = (judgement(n, "ann-1", "post-1", {"narrative": [f"n1{n}"]}, created_at=START) for n in (1, 2))
    assert latest(judgements(one, two)) == latest(judgements(two, one))


@pytest.mark.parametrize("kind", ["training", "repeat"])
def test_what_was_learnt_or_measured_by_is_no_vote(kind: str) -> None:
    vote = judgement(1, "ann-1", "post-1", {"narrative": ["n11"]})
    other = judgement(2, "ann-2", "post-1", {"narrative": ["n11"]}, round="first", round_kind="calibration")
    later = judgement(3, "ann-1", "post-1", {"narrative": ["n12"]}, round="again", round_kind=kind)
    assert given(vote, other, later) == {"ann-1": ("n11",), "ann-2": ("n11",)}
    assert answers(judgements(later)) == []


def test_the_same_item_in_two_tasks_or_by_two_people_is_no_repeat() -> None:
    rows = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n11"]}),
        judgement(2, "ann-1", "post-1", {"narrative": ["n11"]}, task="photo_text"),
        judgement(3, "ann-2", "post-1", {"narrative": ["n11"]}),
        judgement(4, "ann-1", "post-2", {"narrative": ["n11"]}),
    ]
    assert len(latest(judgements(*rows))) == 4


def test_a_skip_answers_nothing_and_takes_an_earlier_answer_back() -> None:
    answer = judgement(1, "ann-1", "post-1", {"narrative": ["n11"]})
    other = judgement(2, "ann-2", "post-1", {"narrative": ["n11"]})
    skip = judgement(3, "ann-1", "post-1", {}, skipped=True)
    assert given(answer, other, skip) == {"ann-2": ("n11",)}
    assert answers(judgements(skip)) == [] and questions(judgements(skip)) == []
    back = judgement(4, "ann-1", "post-1", {"narrative": ["n12"]})
    assert given(answer, other, skip, back) == {"ann-1": ("n12",), "ann-2": ("n11",)}


def test_cannot_tell_alone_abstains_in_its_field_only() -> None:
    rows = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n99"], "technique": ["t01"]}),
        judgement(2, "ann-2", "post-1", {"narrative": ["n11"]}),
    ]
    assert given(*rows) == {"ann-2": ("n11",)}
    assert given(*rows, field="technique") == {"ann-1": ("t01",), "ann-2": ()}
    assert asked(*rows) == {
        ("narrative", "n11"): {"ann-2": "yes"},
        ("technique", "t01"): {"ann-1": "yes", "ann-2": "no"},
    }


def test_no_narrative_is_an_answer() -> None:
    rows = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n98"]}),
        judgement(2, "ann-2", "post-1", {"narrative": ["n11"]}),
    ]
    assert asked(*rows) == {
        ("narrative", "n11"): {"ann-1": "no", "ann-2": "yes"},
        ("narrative", "n98"): {"ann-1": "yes", "ann-2": "no"},
    }


def test_an_empty_field_answers_none_of_the_labels_unless_an_answer_is_required() -> None:
    rows = [
        judgement(1, "ann-1", "photo-1", {"carrier": ["poster"]}),
        judgement(2, "ann-2", "photo-1", {"carrier": ["cartoon"], "narrative": ["n11"]}),
    ]
    assert given(*rows, item="photo-1") == {"ann-2": ("n11",)}
    assert given(*rows, item="photo-1", field="device") == {}
    posts = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n11"]}),
        judgement(2, "ann-2", "post-1", {"voice": ["mocks"]}),
    ]
    assert given(*posts) == {"ann-1": ("n11",)}
    assert given(*posts, field="voice") == {"ann-1": (), "ann-2": ("mocks",)}
    assert given(*posts, field="target") == {"ann-1": (), "ann-2": ()}


def test_the_order_in_which_labels_were_given_says_nothing() -> None:
    rows = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n31", "n11"]}),
        judgement(2, "ann-2", "post-1", {"narrative": ["n11", "n31", "n11"]}),
    ]
    assert given(*rows) == {"ann-1": ("n11", "n31"), "ann-2": ("n11", "n31")}


def test_every_label_anyone_gave_is_a_question_and_a_single_choice_is_one() -> None:
    rows = [
        judgement(1, "ann-1", "photo-1", {"carrier": ["poster"], "narrative": ["n31", "n11"]}),
        judgement(2, "ann-2", "photo-1", {"carrier": ["cartoon"], "narrative": ["n11"]}),
        judgement(3, "ann-3", "photo-1", {"carrier": ["poster"], "narrative": ["n99"]}),
    ]
    assert list(asked(*rows)) == [("carrier", None), ("narrative", "n11"), ("narrative", "n31")]
    assert asked(*rows) == {
        ("carrier", None): {"ann-1": "poster", "ann-2": "cartoon", "ann-3": "poster"},
        ("narrative", "n11"): {"ann-1": "yes", "ann-2": "yes"},
        ("narrative", "n31"): {"ann-1": "yes", "ann-2": "no"},
    }
    found = {(q.field, q.label): q for q in questions(judgements(*rows))}
    assert found["carrier", None].unanimous is None
    assert found["narrative", "n11"].unanimous == "yes"
    assert found["narrative", "n31"].unanimous is None
    ids = [row["judgement_id"] for row in rows]
    assert found["carrier", None].judgement_ids == tuple(ids)
    assert found["narrative", "n31"].judgement_ids == tuple(ids[:2]), "who abstained was not weighed"


def test_question_ids_change_with_a_vote_and_not_with_order_or_time() -> None:
    rows = [
        judgement(1, "ann-1", "post-1", {"narrative": ["n11", "n12"]}),
        judgement(2, "ann-2", "post-1", {"narrative": ["n11"]}),
        judgement(3, "ann-3", "post-1", {"narrative": ["n12"]}),
    ]

    def ids(*changed: Row) -> dict[str | None, str]:
        return {q.label: q.id for q in questions(judgements(*changed))}

    before = ids(*rows)
    assert before == ids(*reversed(rows)) == ids(rows[1], rows[0], rows[2])
    later = judgement(9, "ann-1", "post-1", {"narrative": ["n12", "n11"]})
    assert ids(*rows, later) == before, "the same answer given again"
    changed = ids(rows[0], rows[1], judgement(3, "ann-3", "post-1", {"narrative": ["n12", "n31"]}))
    assert changed == before | {"n31": changed["n31"]}, "a label more is a question more, the others stay"
    flipped = ids(rows[0], rows[1], judgement(3, "ann-3", "post-1", {"narrative": ["n11"]}))
    assert flipped["n11"] != before["n11"] and flipped["n12"] != before["n12"]
    assert ids(*rows[:2])["n11"] != before["n11"], "a vote less"
    assert len({*before.values(), *changed.values(), *flipped.values()}) == 5


@pytest.mark.parametrize(
    "change", [{"task": "photo_text"}, {"item_id": "post-2"}, {"field": "voice"}, {"label": "n12"}]
)
def test_question_ids_are_of_task_item_field_and_label(change: dict[str, Any]) -> None:
    about: dict[str, Any] = {"task": "narrative", "item_id": "post-1", "field": "narrative", "label": "n11"}
    rest: dict[str, Any] = {"item_type": "post", "votes": {"ann-2": "no", "ann-1": "yes"}, "judgement_ids": ()}
    question = Question(**about, **rest)
    votes = [["ann-1", "yes"], ["ann-2", "no"]]
    assert question.id == digest_id("question", "narrative", "post-1", "narrative", "n11", votes)
    assert Question(**about | change, **rest).id != question.id
