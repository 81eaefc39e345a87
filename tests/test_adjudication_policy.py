"""Each policy on votes made by hand: what settles itself, what is asked, and nothing is both or neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_votes import Row, judgement, judgements
from toolkit.adjudication import policy
from toolkit.adjudication.ask import to_put
from toolkit.adjudication.planned import planned
from toolkit.adjudication.review import counts
from toolkit.adjudication.store import Standing, decisions_of, standing_of
from toolkit.codebook import load_codebook
from toolkit.settings import AdjudicationSettings
from toolkit.votes import questions

PEOPLE = ("ann-1", "ann-2", "ann-3", "ann-4")
ARTICLE = "5" * 64


def rows(votes: Mapping[str, Sequence[str | None]]) -> list[Row]:
    """Rows of judgements: item → what each of :data:`PEOPLE` gave, several labels with a blank between; None: nothing."""
    found: list[Row] = []
    for item, answers in votes.items():
        for who, answer in zip(PEOPLE, answers, strict=False):
            if answer is not None:
                found.append(judgement(len(found), who, item, {"narrative": answer.split()}))
    return found


def stand(own: Sequence[Row], **declared: Any) -> Standing:
    return standing_of(judgements(*own), AdjudicationSettings(**declared), load_codebook)


def settled(found: Standing) -> dict[str, str]:
    """What settles itself: ``item label`` → outcome and method."""
    return {
        f"{row['item_id']} {row['label']}": f"{row['outcome']} {row['method']}" for row in found.decisions.to_pylist()
    }


def names(some: Any) -> list[str]:
    return [f"{question.item_id} {question.label}" for question in some]


VOTES = {
    "all": ("n11", "n11", "n11", "n11"),
    "three": ("n12", "n12", "n12", "n31"),
    "two": ("n12", "n12", "n31", "n31"),
    "pair": ("n21", "n21", None, None),
    "split": ("n21", "n31", None, None),
    "one": ("n11", None, None, None),
    "one_cannot_tell": ("n11", "n99", None, None),
}
"""Four people; n12 and n31 on ``three`` are questions with three votes to one, on ``two`` with two to two."""
UNANIMOUS = {"all n11": "yes unanimous", "pair n21": "yes unanimous"}


def test_unanimous_settles_what_all_say() -> None:
    found = stand(rows(VOTES), policy="unanimous")
    assert settled(found) == UNANIMOUS
    assert names(found.open) == ["three n12", "three n31", "two n12", "two n31", "split n21", "split n31"]
    assert names(found.waiting) == ["one n11", "one_cannot_tell n11"]


@pytest.mark.parametrize(
    ("margin", "by_majority"),
    [
        (1, {"three n12": "yes majority", "three n31": "no majority"}),
        (2, {"three n12": "yes majority", "three n31": "no majority"}),
        (3, {}),
        (9, {}),
    ],
)
def test_majority_settles_what_enough_more_say(margin: int, by_majority: dict[str, str]) -> None:
    found = stand(rows(VOTES), policy="majority", margin=margin)
    assert settled(found) == UNANIMOUS | by_majority, "what all say is unanimous by whatever margin"
    assert len(found.open) == 6 - len(by_majority) and names(found.waiting) == ["one n11", "one_cannot_tell n11"]


def test_a_tie_has_no_majority_by_any_margin() -> None:
    found = stand(rows({"tie": ("n11", "n12", "n31", "n98")}), policy="majority", margin=1)
    assert settled(found) == {f"tie {label}": "no majority" for label in ("n11", "n12", "n31", "n98")}
    carriers = [
        judgement(n, who, "photo-1", {"carrier": [c]}) for n, (who, c) in enumerate(zip(PEOPLE, CARRIERS, strict=True))
    ]
    (open_,) = stand(carriers, policy="majority", margin=1).open
    assert (open_.field, dict(open_.votes)) == ("carrier", dict(zip(PEOPLE, CARRIERS, strict=True)))
    changed = [*carriers[:3], judgement(9, PEOPLE[3], "photo-1", {"carrier": ["poster"]})]
    (row,) = stand(changed, policy="majority", margin=1).decisions.to_pylist()
    assert (row["outcome"], row["method"], row["label"]) == ("poster", "majority", None)
    assert stand(changed, policy="majority", margin=3).decisions.num_rows == 0


CARRIERS = ("poster", "poster", "cartoon", "cartoon")


@pytest.mark.parametrize(
    ("minimum", "expected"), [(1, {"all", "pair", "one", "one_cannot_tell"}), (3, {"all"}), (5, set())]
)
def test_below_the_declared_number_of_votes_nothing_settles_itself(minimum: int, expected: set[str]) -> None:
    found = stand(rows(VOTES), policy="unanimous", minimum_votes=minimum)
    assert {name.split()[0] for name in settled(found)} == expected
    assert len(found.open) + len(found.waiting) + len(settled(found)) == len(found.found) == 10


def marked(number: int, who: str, item: str, label: str, *spans: tuple[int, int], text: str = ARTICLE) -> Row:
    evidence = [{"field": "narrative", "label": label, "start": s, "end": e, "mode": "explicit"} for s, e in spans]
    return judgement(number, who, item, {"narrative": [label]}, evidence=evidence, text_sha256=text)


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ([(0, 5)], [(3, 9)], False),
        ([(0, 5)], [(5, 9)], True),
        ([(0, 5)], [(6, 9)], True),
        ([(0, 5)], [], False),
        ([], [], False),
        ([(0, 5), (20, 25)], [(10, 12)], False),
        ([(10, 12)], [(10, 12)], False),
    ],
)
def test_conflicts_takes_words_that_do_not_touch_for_one(first: Any, second: Any, conflict: bool) -> None:
    own = [marked(0, "ann-1", "post-1", "n11", *first), marked(1, "ann-2", "post-1", "n11", *second)]
    found = stand(own, policy="conflicts")
    assert (names(found.open) == ["post-1 n11"]) == conflict and (settled(found) == {}) == conflict
    assert settled(stand(own, policy="unanimous")) == {"post-1 n11": "yes unanimous"}, "which looks at votes alone"


def test_words_marked_on_two_texts_are_not_compared() -> None:
    own = [
        marked(0, "ann-1", "post-1", "n11", (0, 5)),
        marked(1, "ann-2", "post-1", "n11", (30, 40), text="6" * 64),
        marked(2, "ann-3", "post-1", "n11", (2, 8)),
    ]
    assert names(stand(own, policy="conflicts").open) == []
    own[2] = marked(2, "ann-3", "post-1", "n11", (7, 8))
    assert names(stand(own, policy="conflicts").open) == ["post-1 n11"]


def test_words_marked_for_another_label_are_no_conflict() -> None:
    one = marked(0, "ann-1", "post-1", "n11", (0, 5)) | {
        "labels": [{"field": "narrative", "label": label} for label in ("n11", "n12")]
    }
    other = marked(1, "ann-2", "post-1", "n12", (20, 30)) | {"labels": one["labels"]}
    assert settled(stand([one, other], policy="conflicts")) == {
        "post-1 n11": "yes unanimous",
        "post-1 n12": "yes unanimous",
    }


def test_words_marked_where_all_cannot_tell_are_no_vote() -> None:
    found = stand([marked(0, "ann-1", "post-1", "n99", (0, 4))], policy="conflicts")
    assert settled(found) == {}
    assert not found.open


def test_what_all_deny_is_asked_of_nobody_and_conflicts_of_votes_are_asked_under_every_policy() -> None:
    own = rows({"split": ("n11", "n12", None, None)})
    for name in ("unanimous", "majority", "conflicts"):
        assert names(stand(own, policy=name).open) == ["split n11", "split n12"]


def test_a_sample_of_what_settles_itself_is_asked_and_stands_meanwhile() -> None:
    own = rows({f"post-{n}": ("n11", "n11", None, None) for n in range(400)})
    none, some, every = (stand(own, sample=share) for share in (0, 0.25, 1))
    assert names(none.sampled) == [] and len(every.sampled) == 400
    assert 70 <= len(some.sampled) <= 130
    assert set(names(some.sampled)) < set(names(every.sampled))
    assert settled(some) == settled(none), "what is sampled stands until somebody decides otherwise"
    assert [put.question for put in to_put(some, {})] == list(some.sampled)
    again, other = stand(own, sample=0.25), stand(own, sample=0.25, seed=1)
    assert names(again.sampled) == names(some.sampled) != names(other.sampled)
    larger = stand(own, sample=0.5)
    assert set(names(some.sampled)) < set(names(larger.sampled)), "a larger share keeps what was asked"
    more = stand([*own, *rows({"post-x": ("n11", "n11", None, None)})], sample=0.25)
    assert set(names(some.sampled)) <= set(names(more.sampled)), "items that come later change nobody's draw"


def test_shares_of_two_purposes_are_not_the_same_questions() -> None:
    places = [("narrative", f"post-{n}", "narrative", "n11") for n in range(2000)]
    sample, twice = ({p for p in places if policy.drawn(p, 0.5, kind, 0)} for kind in ("sample", "twice"))
    assert 900 < len(sample) < 1100 and 900 < len(twice) < 1100
    assert 400 < len(sample & twice) < 600


def test_a_settled_question_decided_otherwise_is_overturned() -> None:
    own = rows({"post-1": ("n11", "n11", None, None), "post-2": ("n11", "n11", None, None)})
    before = stand(own, sample=1)
    decisions = [decided(question, "no") for question in before.sampled if question.item_id == "post-1"]
    found = standing_of(judgements(*own), AdjudicationSettings(sample=1), load_codebook, decisions)
    assert settled(found) == {"post-1 n11": "no adjudicated", "post-2 n11": "yes unanimous"}
    (line,) = [each for each in counts(found) if each.field == "narrative"]
    assert (line.questions, line.itself, line.adjudicated, line.sampled, line.overturned) == (2, 1, 1, 1, 1)


def decided(question: Any, outcome: str, *, by: str = "adj-1", number: int = 1, asking: int = 0) -> Row:
    """A line of the record as a pull writes it."""
    return {
        **{"question_id": question.id, "item_id": question.item_id, "task": question.task, "field": question.field},
        **{"label": question.label, "outcome": outcome, "reason": "slip", "comment": None, "evidence": []},
        **{"decided_by": by, "decided_at": "2032-06-01T09:00:00+00:00", "provenance": "human", "pass": number},
        **{"asking": asking, "judgement_ids": list(question.judgement_ids), "codebook_version": "1.0.0"},
    }


def test_no_judgements_settle_nothing() -> None:
    found = stand([])
    assert (len(found.found), len(found.open), len(found.waiting), found.decisions.num_rows) == (0, 0, 0, 0)
    skipped = stand([judgement(0, "ann-1", "post-1", {}, skipped=True)], policy="conflicts", sample=1, twice=1)
    assert (len(skipped.found), skipped.decisions.num_rows, to_put(skipped, {})) == (0, 0, [])


@pytest.mark.parametrize(
    "votes",
    [
        {"one": ("n11", None, None, None), "two": ("n12", None, None, None)},
        {"one": ("n11", None, None, None), "two": (None, "n12", None, None)},
        {"one": ("n11", "n99", "n99", None), "two": ("n99", "n99", "n99", "n99")},
    ],
    ids=["one annotator", "no overlap", "cannot tell"],
)
def test_where_nobody_can_differ_nothing_is_asked_and_nothing_settles(votes: dict[str, Any]) -> None:
    for name in ("unanimous", "majority", "conflicts"):
        found = stand(rows(votes), policy=name, margin=1, sample=1, twice=1, second="adj-2")
        assert settled(found) == {} and to_put(found, {}) == [] and why(found) == []
        assert len(found.waiting) == len(found.found) > 0


def test_of_a_label_that_a_codebook_did_not_have_a_judgement_made_under_it_is_no_vote() -> None:
    early = judgement(0, "ann-1", "post-1", {"narrative": ["n11"]}, codebook_version="0.9.0", unanswered=["n12"])
    late = [judgement(n, f"ann-{n + 1}", "post-1", {"narrative": ["n11", "n12"]}) for n in (1, 2)]
    assert settled(stand([early, *late])) == {"post-1 n11": "yes unanimous", "post-1 n12": "yes unanimous"}
    alone = stand([early, late[0]])
    assert settled(alone) == {"post-1 n11": "yes unanimous"} and names(alone.waiting) == ["post-1 n12"]


LABELS = ("n11", "n12", "n31", "n98", "n99")
SINGLE = {"carrier": ("poster", "cartoon"), "device": ("no_device",)}


@st.composite
def designs(draw: st.DrawFn) -> list[Row]:
    """Submissions on a few items: several labels, abstentions, skips, repeats, words marked."""
    found: list[Row] = []
    for _ in range(draw(st.integers(0, 14))):
        item = draw(st.sampled_from(["post-1", "post-2", "photo-1"]))
        labels = {"narrative": draw(st.lists(st.sampled_from(LABELS), max_size=3, unique=True))}
        if item.startswith("photo"):
            labels |= {name: [draw(st.sampled_from(values))] for name, values in SINGLE.items()}
        spans = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=2))
        evidence = [
            {"field": "narrative", "label": label, "start": start, "end": start + size, "mode": "explicit"}
            for label in labels["narrative"][:1]
            for start, size in spans
        ]
        kind = draw(st.sampled_from(["production"] * 6 + ["training", "repeat"]))
        silent = sorted({*draw(st.lists(st.sampled_from(LABELS), max_size=2))} - {*labels["narrative"]})
        change = {"skipped": draw(st.sampled_from([False] * 7 + [True])), "round_kind": kind, "evidence": evidence}
        change["unanswered"] = silent
        found.append(judgement(len(found), draw(st.sampled_from(PEOPLE)), item, labels, **change))
    return found


@settings(max_examples=80, deadline=None)
@given(
    designs(),
    st.sampled_from(["unanimous", "majority", "conflicts"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.data(),
)
def test_settled_and_asked_are_every_label_of_every_item_and_none_is_both(
    own: list[Row], name: str, minimum: int, margin: int, sample: float, data: st.DataObject
) -> None:
    declared: Row = {"policy": name, "minimum_votes": minimum, "margin": margin, "sample": sample}
    every = questions(judgements(*own))
    some = data.draw(st.lists(st.sampled_from(every), max_size=3, unique_by=lambda q: q.id) if every else st.just([]))
    decisions = [decided(q, "contested") for q in some]
    found = standing_of(judgements(*own), AdjudicationSettings(**declared), load_codebook, decisions)
    kinds = {
        "itself": [found.found.question(int(n)) for n in found.itself],
        "adjudicated": list(found.adjudicated),
        "open": list(found.open),
        "waiting": list(found.waiting),
    }
    listed = [question.id for own_kind in kinds.values() for question in own_kind]
    assert len(listed) == len(set(listed)), "none is two of these"
    assert {q.id: q for kind in kinds.values() for q in kind} == {q.id: q for q in every}
    assert {row["question_id"] for row in found.decisions.to_pylist()} == {
        q.id for kind in ("itself", "adjudicated") for q in kinds[kind]
    }
    assert {q.id for q in found.sampled} <= {q.id for q in kinds["itself"]}
    assert {q.id for q in kinds["adjudicated"]} == {q.id for q in some}
    assert {put.question.id for put in to_put(found, {})} == {
        *(q.id for q in kinds["open"]),
        *(q.id for q in kinds["adjudicated"]),
        *(q.id for q in found.sampled),
    }
    for question in kinds["itself"]:
        votes = sorted(question.votes.values())
        leading = max(set(votes), key=votes.count)
        others = [votes.count(value) for value in set(votes) - {leading}]
        assert len(votes) >= minimum
        assert not others or (name == "majority" and votes.count(leading) - max(others) >= margin)
    for question in kinds["waiting"]:
        assert len(question.votes) == 1 < minimum, "what two answered can be asked"
    apart = decisions_of(judgements(*own), AdjudicationSettings(**declared), load_codebook, decisions, piece=1)
    assert apart.equals(found.decisions), "an item at a time"
    totals = [(each.itself + each.adjudicated + each.open + each.waiting, each.questions) for each in counts(found)]
    assert all(parts == whole for parts, whole in totals) and sum(whole for _, whole in totals) == len(every)


def why(found: Standing, because: dict[Any, str] | None = None) -> list[tuple[str, str, int, str, str | None]]:
    return [
        (f"{each.item_id} {each.label}", each.tally, each.number, each.why, each.decided)
        for each in planned(found, because or {})
    ]


def test_the_plan_says_of_each_question_why_it_is_asked() -> None:
    own = rows({"split": ("n11", "n12", "n11", None), "pair": ("n21", "n21", None, None)})
    assert why(stand(own)) == [
        ("split n11", "yes 2, no 1", 1, "votes differ", None),
        ("split n12", "no 2, yes 1", 1, "votes differ", None),
    ]
    assert why(stand(own, policy="majority", margin=2))[0][3] == "no majority by 2"
    assert why(stand(own, policy="majority", margin=1)) == []
    few = why(stand(own, minimum_votes=3))
    assert few[2:] == [("pair n21", "yes 2", 1, "fewer than 3 votes", None)]
    assert why(stand(own, sample=1))[2:] == [("pair n21", "yes 2", 1, "sample", None)]
    apart = [marked(0, "ann-1", "post-1", "n11", (0, 5)), marked(1, "ann-2", "post-1", "n11", (7, 9))]
    assert why(stand(apart, policy="conflicts")) == [("post-1 n11", "yes 2", 1, "marked words do not touch", None)]


def test_the_plan_lists_second_passes_reopenings_and_what_is_decided() -> None:
    own = rows({"split": ("n11", "n12", "n11", None), "pair": ("n21", "n21", None, None)})
    before = stand(own)
    (first, other) = before.open
    places = [("narrative", item, "narrative", label) for item, label in (("split", "n12"), ("pair", "n21"))]
    decisions = [decided(first, "contested"), decided(other, "no")]
    found = standing_of(judgements(*own), AdjudicationSettings(twice=1), load_codebook, decisions, Counter(places))
    assert why(found, {places[0]: "Read again.", places[1]: "All too fast."}) == [
        ("split n11", "yes 2, no 1", 1, "votes differ", "contested"),
        ("split n12", "no 2, yes 1", 1, "reopened: Read again.", None),
        ("pair n21", "yes 2", 1, "reopened: All too fast.", None),
        ("split n11", "yes 2, no 1", 2, "decided twice", "contested"),
    ]
