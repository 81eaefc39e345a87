"""From votes to decisions, against a Label Studio in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_studio import Row, post_id, publish, result
from tests.plugins.adjudication import PEOPLE, PHOTOS, POSTS, Case, decision_of
from toolkit.adjudication import pull
from toolkit.adjudication.store import history, load_decisions, record_path, standing
from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.labelresult import Result
from toolkit.labels import pull as labels_pull
from toolkit.labelstudio.transport import AnswerLost
from toolkit.provenance import simulated_id
from toolkit.tasks import Plan
from toolkit.tasks.progress import Watch
from toolkit.workspace import SETTINGS_FILE, Workspace


def counts(plans: list[Plan]) -> list[tuple[int, int, int]]:
    return [(len(plan.create), len(plan.unchanged), len(plan.orphaned)) for plan in plans]


def test_what_is_unanimous_settles_itself_and_nothing_is_asked(case: Case) -> None:
    case.narratives("soup", "n11 n12", "n12 n11", "n99")
    assert case.outcomes() == {("narrative", "n11"): ("yes", "unanimous"), ("narrative", "n12"): ("yes", "unanimous")}
    assert (
        case.open() == [] and case.push() == [] and case.studio.find_project("harbour/adjudication.narrative") is None
    )
    rows = load_decisions(case.workspace).to_pylist()
    votes = Watch(case.workspace, case.studio, lambda *_: "").look()
    assert sum(progress.done for progress in votes) == 3
    for row in rows:
        assert (row["item_id"], row["item_type"], row["task"]) == (post_id("soup"), "post", "narrative")
        assert (row["reason"], row["decided_by"], row["decided_at"], row["provenance"]) == (None, None, None, "human")
        assert len(row["judgement_ids"]) == 2, "who abstained was not weighed"


def test_one_simulated_vote_makes_what_it_settles_simulated(case: Case) -> None:
    task = case.task(PEOPLE[0], "soup")
    unique_id = simulated_id(f"harbour/narrative.{PEOPLE[0]}", task.data["key"])
    case.studio.submit(task.id, result("narrative", "n11"), unique_id=unique_id)
    case.narratives("soup", None, "n11", "n11")
    case.narratives("kites", "n12", "n12", "n12")
    found = dict(load_decisions(case.workspace).select(["label", "provenance"]).to_pandas().itertuples(index=False))
    assert found == {"n11": "simulated", "n12": "human"}


def test_conflicts_are_asked_once(case: Case) -> None:
    case.narratives("soup", "n11 n12", "n11", "n31")
    case.narratives("kites", "n11", "n11", "n11")
    assert case.open() == [("narrative", "n11"), ("narrative", "n12"), ("narrative", "n31")]
    assert counts(case.push()) == [(3, 0, 0)]
    assert counts(case.push()) == [(0, 3, 0)]
    assert [task.data["label"] for task in case.asked()] == ["n11", "n12", "n31"]
    assert case.outcomes() == {("narrative", "n11"): ("yes", "unanimous")}, "that of the other post"
    assert {q.item_id for q in standing(case.workspace).open} == {post_id("soup")}


def test_a_push_whose_answer_was_lost_asks_once(case: Case) -> None:
    case.narratives("soup", "n11", "n12", "n12")
    case.studio.lose = "answer"
    with pytest.raises(AnswerLost):
        case.push()
    assert counts(case.push()) == [(0, 2, 0)] and len(case.asked()) == 2


def test_the_adjudicator_sees_no_names_and_no_counts_of_people(case: Case) -> None:
    case.narratives("soup", "n11 n12", "n12", "n12")
    case.vote("card", *(result("photo_text", "n11", chosen={"carrier": [c]}) for c in ("poster", "cartoon", "poster")))
    case.push()
    everything = [*case.asked("narrative"), *case.asked("photo_text")]
    assert len(everything) == 2
    for task in everything:
        told = json.dumps(task.data, ensure_ascii=False)
        assert not [
            name for name in (*PEOPLE, "brim", "ansel", "mira", "simulated", "judgement") if name in told.casefold()
        ]
        project = json.dumps([p for key, p in case.studio.projects.items() if "adjudication" in key], default=str)
        assert not [name for name in PEOPLE if name in project]
        assert [alternative["alternative"] for alternative in task.data["alternatives"]] == ["A", "B", "C"]
    yes, no = "yes: the label holds", "no: it does not hold"
    assert sorted(a["answer"] for a in everything[0].data["alternatives"]) == [no, no, yes]
    assert sorted(a["answer"] for a in everything[1].data["alternatives"]) == ["cartoon", "poster", "poster"]


def test_the_letters_are_resolved_on_this_side_only(case: Case) -> None:
    case.narratives("soup", "n11 n12", "n12", "n12")
    case.narratives("kites", "n12", "n11 n12", "n12")
    case.narratives("lamps", "n12", "n12", "n11 n12")
    case.push()
    kept = {
        r["question_id"]: r["alternatives"]
        for _, r in read_jsonl(case.workspace.decisions_dir / "narrative" / "alternatives.jsonl")
    }
    who_said_yes = dict(zip((post_id("soup"), post_id("kites"), post_id("lamps")), PEOPLE, strict=True))
    orders = set()
    for task in case.asked():
        letters = kept.pop(task.data["key"])
        (yes,) = [a["alternative"] for a in task.data["alternatives"] if a["answer"].startswith("yes")]
        assert letters[yes] == who_said_yes[task.data["item_id"]] and set(letters.values()) == set(PEOPLE)
        orders.add(tuple(letters.values()))
    assert not kept
    assert len(orders) > 1, "the order of the letters is not the order of the names"


def test_the_places_an_answer_rests_on_are_shown_beside_it(case: Case) -> None:
    span = {"start": 6, "end": 10, "labels": ["n11"]}
    marked: Result = [{"id": "s", "from_name": "evidence", "to_name": "text", "type": "labels", "value": span}]
    marked.append(
        {
            "id": "s",
            "from_name": "mode",
            "to_name": "text",
            "type": "choices",
            "value": {**span, "choices": ["implied"]},
        }
    )
    case.vote("soup", [*result("narrative", "n11"), *marked], result("narrative", "n12"), result("narrative", "n12"))
    case.push()
    (task,) = [task for task in case.asked() if task.data["label"] == "n11"]
    assert sorted(a["evidence"] for a in task.data["alternatives"]) == ["", "", "“nets” (implied)"]
    (other,) = [task for task in case.asked() if task.data["label"] == "n12"]
    assert {a["evidence"] for a in other.data["alternatives"]} == {""}
    assert task.data["text"] == POSTS["soup"] and "n11" in task.data["question"] and task.data["definition"]


def test_a_decision_is_pulled_once(case: Case) -> None:
    case.narratives("soup", "n11", "n12", "n12")
    case.push()
    assert case.pull() == (0, 0, 0)
    case.decide("no", reason="rule_gap", label="n11")
    case.decide("contested", reason="both_valid", label="n12")
    assert case.pull() == (2, 0, 0)
    lines = record_path(case.workspace, "narrative").read_bytes()
    assert case.pull() == (0, 2, 0) and record_path(case.workspace, "narrative").read_bytes() == lines
    assert case.open() == []
    assert case.outcomes() == {
        ("narrative", "n11"): ("no", "adjudicated"),
        ("narrative", "n12"): ("contested", "adjudicated"),
    }
    row = load_decisions(case.workspace).to_pylist()[0]
    assert (row["decided_by"], row["reason"], row["provenance"], len(row["judgement_ids"])) == (
        "adj-1",
        "rule_gap",
        "human",
        3,
    )
    assert row["decided_at"].isoformat().startswith("2032-05-03T12:")
    assert counts(case.push()) == [(0, 2, 0)], "what is decided is no orphan"


def test_a_changed_decision_is_appended_and_in_force(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    number = case.decide("no")
    case.pull()
    case.studio.update_annotation(number, decision_of("yes", "both_valid", "On second thoughts."))
    assert case.pull() == (1, 0, 0)
    first, second = history(case.workspace)
    assert (first["outcome"], second["outcome"], second["comment"]) == ("no", "yes", "On second thoughts.")
    assert first["annotation"] == second["annotation"] and first["question_id"] == second["question_id"]
    assert case.outcomes()["narrative", "n12"] == ("yes", "adjudicated")
    assert case.pull() == (0, 1, 0)
    case.studio.update_annotation(number, decision_of("no"))
    assert case.pull() == (1, 0, 0) and len(history(case.workspace)) == 3, "back again is a third line"
    assert case.outcomes()["narrative", "n12"] == ("no", "adjudicated")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (decision_of("maybe"), "decision: unknown answer 'maybe'"),
        (decision_of("n11"), "decision: unknown answer 'n11'"),
        (decision_of("yes", "whim"), "reason: unknown answer 'whim'"),
        (decision_of("yes")[:1], "reason: no answer"),
        ([*decision_of("yes"), *decision_of("no")[:1]], "decision: more than one answer"),
        ([], "decision: no answer"),
    ],
)
def test_an_answer_that_was_not_offered_is_no_decision(case: Case, answer: Result, problem: str) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    (task,) = case.asked()
    number = case.studio.submit(task.id, answer).annotation_id
    found = pull.pull(case.workspace, case.studio)
    assert (found.recorded, found.known) == (0, 0)
    (rejected,) = found.rejected
    assert (rejected.project, rejected.annotation_id) == ("adjudication.narrative", number)
    assert (rejected.item_id, rejected.annotator) == (post_id("soup"), "adj-1")
    assert problem in rejected.problems
    assert case.open() == [("narrative", "n12")] and history(case.workspace) == []


def test_a_task_put_there_by_hand_is_no_question(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    added = case.studio.add(case.studio.require_project("harbour/adjudication.narrative"), {"text": "by hand"})
    case.studio.submit(added, decision_of("yes"))
    found = pull.pull(case.workspace, case.studio)
    assert found.rejected[0].problems == ("the task lacks field, item_id, key, label, options, task",)


def test_a_skipped_question_stays_open(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    case.studio.submit(case.asked()[0].id, decision_of("yes"), skipped=True)
    assert case.pull() == (0, 0, 0) and case.open() == [("narrative", "n12")]


def test_a_later_vote_outdates_a_decision_and_reopens_the_question(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", None)
    case.push()
    case.decide("no")
    case.pull()
    assert case.open() == []
    case.narratives("soup", None, None, "n11")
    found = standing(case.workspace)
    assert case.open() == [("narrative", "n12")] and [record["outcome"] for record in found.outdated] == ["no"]
    assert len(history(case.workspace)) == 1, "it stays on record"
    assert counts(case.push()) == [(1, 0, 1)]
    assert case.pull() == (0, 1, 0), "the old answer is known, and does not answer the new question"
    (task,) = [t for t in case.asked() if not t.annotations]
    case.studio.submit(task.id, decision_of("yes"))
    case.pull()
    assert case.outcomes()["narrative", "n12"] == ("yes", "adjudicated")


def test_a_vote_changed_and_changed_back_brings_its_decision_back(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    case.decide("no")
    case.pull()
    (annotation,) = case.task(PEOPLE[1], "soup").annotations
    case.studio.update_annotation(annotation["id"], result("narrative", "n11"))
    labels_pull.pull(case.workspace, case.studio)
    assert (
        case.outcomes() == {("narrative", "n11"): ("yes", "unanimous")} and len(standing(case.workspace).outdated) == 1
    )
    case.studio.update_annotation(annotation["id"], result("narrative", "n12", "n11"))
    labels_pull.pull(case.workspace, case.studio)
    assert case.outcomes()["narrative", "n12"] == ("no", "adjudicated") and standing(case.workspace).outdated == []


def test_a_question_with_one_vote_waits_and_is_not_asked(case: Case) -> None:
    case.narratives("soup", "n11", "n99", None)
    (waiting,) = standing(case.workspace).waiting
    assert (waiting.field, waiting.label) == ("narrative", "n11")
    assert case.open() == [] and case.outcomes() == {} and case.push() == []


def test_the_declared_number_of_votes_settles(case: Case) -> None:
    case.narratives("soup", "n11", "n11", None)
    case.narratives("kites", "n12", None, None)
    path = case.workspace.root / SETTINGS_FILE
    settings = path.read_text()
    for minimum, settled in ((1, {"n11", "n12"}), (2, {"n11"}), (3, set())):
        path.write_text(settings.replace("minimum_votes = 2", f"minimum_votes = {minimum}"))
        case.workspace = Workspace.open(path.parent)
        assert {label for _, label in case.outcomes()} == settled
    assert counts(case.push()) == [(1, 0, 0)], "two alike are asked where three are wanted, one alone is not"


def test_a_single_choice_is_one_question_with_its_values_as_options(case: Case) -> None:
    case.vote("card", *(result("photo_text", "n11", chosen={"carrier": [c]}) for c in ("poster", "cartoon", "poster")))
    assert case.open() == [("carrier", None)]
    assert case.outcomes()["device", None] == ("no_device", "unanimous")
    case.push()
    (task,) = case.asked("photo_text")
    options = [option["alias"] for option in task.data["options"]]
    assert options == [
        "quote_card",
        "cartoon",
        "poster",
        "photo",
        "screenshot",
        "infographic",
        "video_frame",
        "carrier_unknown",
        "contested",
    ]
    assert task.data["label"] == "" and "yes" not in options
    number = case.decide("photo", task="photo_text", field="carrier")
    case.pull()
    assert case.outcomes()["carrier", None] == ("photo", "adjudicated"), "the adjudicator may choose what nobody did"
    case.studio.update_annotation(number, decision_of("contested"))
    case.pull()
    assert case.outcomes()["carrier", None] == ("contested", "adjudicated")
    case.studio.update_annotation(number, decision_of("yes"))
    assert case.pull() == (0, 0, 1)
    assert record_path(case.workspace, "photo_text").is_file() and not record_path(case.workspace, "narrative").exists()


def test_an_item_that_the_corpus_holds_no_more_is_not_asked(case: Case) -> None:
    case.narratives("soup", "n11", "n12", "n11")
    case.narratives("kites", "n11", "n11", "n31")
    publish(case.workspace, {name: text for name, text in POSTS.items() if name != "soup"}, PHOTOS)
    case.push()
    assert {task.data["item_id"] for task in case.asked()} == {post_id("kites")}


def test_without_an_adjudicator_nothing_can_be_asked(case: Case) -> None:
    case.narratives("soup", "n11", "n12", "n11")
    path = case.workspace.root / SETTINGS_FILE
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("adjudicator")))
    case.workspace = Workspace.open(path.parent)
    with pytest.raises(InputError, match="adjudicator is not set"):
        case.push()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": None}, ":2: None is no outcome of its question"),
        ({"outcome": "maybe"}, ":2: 'maybe' is no outcome of its question"),
        ({"outcome": "poster"}, ":2: 'poster' is no outcome of its question"),
        ({"decided_at": "last week"}, ":2: decided_at is 'last week', no time"),
        ({"decided_at": None}, ":2: decided_at is None, no time"),
    ],
)
def test_a_wrong_line_of_the_record_is_named(case: Case, change: Row, message: str) -> None:
    path = one_decision(case)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record) + "\n" + json.dumps(record | change) + "\n")
    with pytest.raises(InputError) as caught:
        standing(case.workspace)
    assert caught.value.message == f"{path}{message}"


def test_a_line_that_lacks_a_field_or_is_no_json_is_named(case: Case) -> None:
    path = one_decision(case)
    good = path.read_text()
    record = json.loads(good)
    del record["reason"], record["decided_by"]
    path.write_text(good + json.dumps(record) + "\n")
    with pytest.raises(InputError) as caught:
        history(case.workspace)
    assert caught.value.message == f"{path}:2: the decision lacks reason, decided_by"
    path.write_text("{]\n" + good)
    with pytest.raises(InputError, match=r"adjudicated\.jsonl:1: not JSON"):
        history(case.workspace)
    path.write_text(good + '{"question_id": "que')
    assert len(history(case.workspace)) == 1, "a line that a killed writer left unfinished never happened"


def one_decision(case: Case) -> Path:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    case.decide("no")
    case.pull()
    return record_path(case.workspace, "narrative")
