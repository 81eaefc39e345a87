"""Decided twice, reopened, ruled on, noticed late: against a Label Studio in memory; and pushes and pulls that are killed."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.command import inside
from tests.fake_studio import post_id, result
from tests.plugins.adjudication import PEOPLE, Case, decision_of
from toolkit import precedents, rounds
from toolkit.adjudication import pull
from toolkit.adjudication.ask import to_put
from toolkit.adjudication.late import late
from toolkit.adjudication.review import recheck, twice
from toolkit.adjudication.store import history, load_decisions, standing
from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.labels import pull as labels_pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio.transport import AnswerLost
from toolkit.workspace import Workspace

NARRATIVE = "harbour/adjudication.narrative"


def docposts(case: Case, *words: str) -> Any:
    """Run a command in the case's workspace; return what it gave as JSON, or its words."""
    done = inside("-C", case.workspace.root, *words)
    return json.loads(done.stdout) if "--json" in words else done.stderr


def decide(case: Case, project: str, outcome: str, **about: Any) -> int:
    """Decide the one task of a project that is about this."""
    (task,) = [task for task in case.studio.of(project) if about.items() <= task.data.items() and not task.annotations]
    return case.studio.submit(task.id, decision_of(outcome)).annotation_id


def decision(case: Case, **about: Any) -> dict[str, Any]:
    (row,) = [row for row in load_decisions(case.workspace).to_pylist() if about.items() <= row.items()]
    found: dict[str, Any] = row
    return found


def test_two_adjudicators_decide_apart_and_the_declared_rule_holds(case: Case) -> None:
    case.declare(twice=1.0, second="adj-2")
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.narratives("kites", "n11", "n11", "n11 n31")
    assert [(plan.project.annotator, len(plan.create)) for plan in case.push()] == [("adj-1", 2), ("adj-2", 2)]
    first, second = case.asked(), case.studio.of(f"{NARRATIVE}.adj-2")
    assert {task.data["question_id"] for task in first} == {task.data["question_id"] for task in second}
    assert not {task.data["key"] for task in first} & {task.data["key"] for task in second}
    assert {task.data["pass"] for task in first} == {1} and {task.data["pass"] for task in second} == {2}
    for outcome, project in (("yes", NARRATIVE), ("no", f"{NARRATIVE}.adj-2")):
        decide(case, project, outcome, label="n12")
    decide(case, NARRATIVE, "yes", label="n31")
    assert case.pull() == (3, 0, 0)
    for rule, expected in (("contested", "contested"), ("first", "yes"), ("second", "no")):
        case.declare(differ=rule)
        row = decision(case, label="n12")
        by = {row["decided_by"]: None, row["second_by"]: row["second_outcome"]}
        assert (row["outcome"], set(by)) == (expected, {"adj-1", "adj-2"})
        assert by[row["second_by"]] == ("yes" if rule == "second" else "no")
        assert decision(case, label="n31")["outcome"] == "yes", "which one decided"
        assert len(standing(case.workspace).differing) == 1
    (pair,) = twice(standing(case.workspace))
    assert (pair.first, pair.second, pair.questions, pair.same, pair.percent) == ("adj-1", "adj-2", 1, 0, 0.0)
    (row,) = docposts(case, "adjudicate", "status", "--differing", "--json")
    assert row["item_id"] == post_id("soup") and row["in_force"] == "no"
    assert row["decisions"] == ["adj-1: yes (slip)", "adj-2: no (slip)"]
    decide(case, f"{NARRATIVE}.adj-2", "yes", label="n31")
    case.pull()
    (pair,) = twice(standing(case.workspace))
    assert (pair.questions, pair.same, pair.percent) == (2, 1, 0.5)
    told = docposts(case, "adjudicate", "status")
    assert (
        "decided twice, adj-1 and adj-2: 1 of 2 alike" in told and "1 decided differently; in force is: second" in told
    )


def test_the_second_who_decides_first_alone_is_in_force_until_the_first_does(case: Case) -> None:
    case.declare(twice=1.0, second="adj-2", differ="first")
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    decide(case, f"{NARRATIVE}.adj-2", "no")
    case.pull()
    assert (decision(case, label="n12")["outcome"], decision(case, label="n12")["second_by"]) == ("no", None)
    decide(case, NARRATIVE, "yes")
    case.pull()
    assert (decision(case, label="n12")["outcome"], decision(case, label="n12")["second_by"]) == ("yes", "adj-2")


def test_who_decides_alone_sees_a_share_again_once_it_was_decided(case: Case) -> None:
    case.declare(twice=1.0)
    case.narratives("soup", "n11", "n11 n12", "n11")
    assert [len(plan.create) for plan in case.push()] == [1]
    assert [len(plan.create) for plan in case.push()] == [0], "not before it was decided"
    decide(case, NARRATIVE, "yes")
    case.pull()
    assert [(len(plan.create), len(plan.unchanged)) for plan in case.push()] == [(1, 1)]
    (again,) = [task for task in case.asked() if task.data["pass"] == 2]
    kept = {r["key"]: r for _, r in read_jsonl(case.workspace.decisions_dir / "narrative" / "alternatives.jsonl")}
    assert len(kept) == 2 and set(kept[again.data["key"]]["alternatives"].values()) == set(PEOPLE)
    assert decision(case, label="n12")["second_by"] is None
    decide(case, NARRATIVE, "contested", **{"pass": 2})
    assert case.pull() == (1, 1, 0)
    row = decision(case, label="n12")
    assert (row["outcome"], row["decided_by"], row["second_by"]) == ("contested", "adj-1", "adj-1")
    assert [record["pass"] for record in history(case.workspace)] == [1, 2]
    (pair,) = twice(standing(case.workspace))
    assert (pair.first, pair.second, pair.questions, pair.same) == ("adj-1", "adj-1", 1, 0)
    assert [(len(plan.create), len(plan.unchanged)) for plan in case.push()] == [(0, 2)], "twice is enough"


def test_of_a_share_that_is_decided_twice_no_more_and_no_less_is_asked(case: Case) -> None:
    names = ("soup", "kites", "lamps")
    for name in names:
        case.narratives(name, "n11 n12", "n21 n22", "n31 n41")
    for share in (0.0, 0.5, 1.0):
        case.declare(twice=share, second="adj-2")
        drawn = {p.question.id for p in to_put(standing(case.workspace), {}) if p.number == 2}
        (first, *second) = case.push()
        assert len(first.create) + len(first.unchanged) == 18
        assert sum(len(plan.create) + len(plan.unchanged) for plan in second) == len(drawn)
        assert (len(drawn) in (0, 18)) == (share in (0.0, 1.0))


def test_reopening_puts_a_question_again_with_the_reason_and_keeps_what_was_decided(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    decide(case, NARRATIVE, "no")
    case.pull()
    before = (case.workspace.decisions_dir / "narrative" / "adjudicated.jsonl").read_bytes()
    (old,) = case.asked()
    words = ("adjudicate", "reopen", "--label", "n12", "--because", "The second line was read over.", "--by", "nell")
    listed = docposts(case, *words, "--dry-run", "--json")
    assert listed == [{"task": "narrative", "item_id": post_id("soup"), "field": "narrative", "label": "n12"}]
    assert case.open() == []
    assert docposts(case, *words, "--json") == listed
    assert case.open() == [("narrative", "n12")] and ("narrative", "n12") not in case.outcomes()
    assert (case.workspace.decisions_dir / "narrative" / "adjudicated.jsonl").read_bytes() == before
    (line,) = [r for _, r in read_jsonl(case.workspace.decisions_dir / "narrative" / "reopened.jsonl")]
    assert (line["by"], line["because"], line["label"]) == ("nell", "The second line was read over.", "n12")
    assert [(len(plan.create), len(plan.orphaned)) for plan in case.push()] == [(1, 1)]
    (new,) = [task for task in case.asked() if task.id != old.id]
    assert new.data["question"].endswith("Asked again, because: The second line was read over.")
    assert (new.data["asking"], new.data["question_id"]) == (1, old.data["question_id"])
    assert case.pull() == (0, 1, 0) and case.open() == [("narrative", "n12")], "the old answer is to the old asking"
    case.studio.update_annotation(old.annotations[0]["id"], decision_of("contested", "both_valid"))
    assert case.pull() == (1, 0, 0) and case.open() == [("narrative", "n12")], "a correction of it likewise"
    decide(case, NARRATIVE, "yes")
    case.pull()
    assert case.outcomes()["narrative", "n12"] == ("yes", "adjudicated")
    assert [(r["outcome"], r["asking"]) for r in history(case.workspace)] == [("no", 0), ("contested", 0), ("yes", 1)]
    docposts(case, *words)
    assert case.open() == [("narrative", "n12")]
    case.push()
    assert {task.data["asking"] for task in case.asked()} == {0, 1, 2}


def test_what_settled_itself_can_be_reopened_and_is_asked_until_it_is_decided(case: Case) -> None:
    case.narratives("soup", "n11", "n11", "n11")
    assert case.push() == []
    told = docposts(
        case, "adjudicate", "reopen", "--item", post_id("soup")[:12], "--because", "All three read too fast."
    )
    assert "1 questions reopened" in told
    assert case.open() == [("narrative", "n11")] and case.outcomes() == {}
    assert [len(plan.create) for plan in case.push()] == [1]
    decide(case, NARRATIVE, "no")
    case.pull()
    assert case.outcomes() == {("narrative", "n11"): ("no", "adjudicated")}


def test_reopening_nothing_or_what_is_not_there(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    root = case.workspace.root
    assert "say what" in inside("-C", root, "adjudicate", "reopen", "--because", "x", code=2).stderr
    assert "say why" in inside("-C", root, "adjudicate", "reopen", "--label", "n11", "--because", " ", code=2).stderr
    for words in (["question_ffff"], ["--label", "n77"], ["--label", "n12"], ["--field", "voice"]):
        done = inside("-C", root, "adjudicate", "reopen", *words, "--because", "x", code=1)
        assert "nothing settled is that" in done.stderr, words
    unknown = inside("-C", root, "adjudicate", "reopen", "--precedent", "p-none", "--because", "x", code=1)
    assert "no precedent p-none" in unknown.stderr
    assert not (case.workspace.decisions_dir / "narrative" / "reopened.jsonl").exists()


@pytest.fixture
def server_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rulings are made by the clock of the server in memory, as decisions are."""
    clock = SimpleNamespace(now=lambda _: dt.datetime.fromisoformat(case.studio._now()))
    monkeypatch.setattr(precedents, "dt", SimpleNamespace(datetime=clock, UTC=dt.UTC))


@pytest.mark.usefixtures("server_time")
def test_a_rule_gap_becomes_a_precedent_a_paragraph_and_items_to_look_at_again(case: Case) -> None:
    case.narratives("kites", "n11", "n11", "n11")
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.narratives("lamps", "n12", "n12", "n12")
    case.push()
    question = "Does <b>a lamp</b> count as a stone?"
    case.decide("no", reason="rule_gap", comment=question, label="n12")
    found = pull.pull(case.workspace, case.studio)
    (name,) = found.raised
    assert pull.pull(case.workspace, case.studio).raised == (), "once"
    (listed,) = docposts(case, "adjudicate", "precedents", "--json")
    assert (listed["id"], listed["state"], listed["question"], listed["by"]) == (name, "open", question, "adj-1")
    assert (listed["task"], listed["field"], listed["label"]) == ("narrative", "narrative", "n12")
    assert listed["raised_on"] == [[post_id("soup"), history(case.workspace)[0]["question_id"]]]
    assert "1 precedents to rule on" in docposts(case, "adjudicate", "status")
    paragraph = "A lamp counts as a stone when somebody throws it. <script>no</script>"
    told = docposts(
        case,
        *("adjudicate", "precedents", "rule", name, "--ruling", "Thrown things are stones."),
        "--paragraph",
        paragraph,
    )
    assert "to look at again: 2 of 2" in told
    assert f"{name} was ruled on, 2 items to look at again" in docposts(case, "adjudicate", "status")
    assert docposts(case, "adjudicate", "status", "--json")["to_look_at_again"] == {name: 2}
    items = docposts(case, "adjudicate", "precedents", "items", name, "--json")
    assert {(row["item_id"], row["outcome"], row["done"]) for row in items} == {
        (post_id("soup"), "no", ""),
        (post_id("lamps"), "yes", ""),
    }, "those settled about n12, kites not among them"
    rounds.push(case.workspace, case.studio)
    case.push()
    guides = {key: project["instruction"] for key, project in case.studio.projects.items()}
    told_to = {key for key, guide in guides.items() if "A lamp counts as a stone" in guide}
    assert told_to == {f"harbour/narrative.{who}" for who in PEOPLE} | {NARRATIVE}
    assert all("<script>" not in guide for guide in guides.values())
    definition = [task.data["definition"] for task in case.asked()]
    assert len(definition) == 1 and "Ruled since" not in definition[0], "what was asked stays as it was"
    docposts(case, "adjudicate", "precedents", "items", name, "--done", post_id("lamps"), "--by", "nell")
    reopened = docposts(case, "adjudicate", "reopen", "--precedent", name, "--because", "Ruled on since.", "--json")
    assert [row["item_id"] for row in reopened] == [post_id("soup")]
    case.push()
    (again,) = [task for task in case.asked() if task.data["asking"] == 1]
    assert f"Ruled since: {paragraph}" in again.data["definition"]
    decide(case, NARRATIVE, "yes", asking=1)
    case.pull()
    (rule,) = precedents.load(case.workspace.decisions_dir)
    done = {row.item_id: row.done for row in recheck(standing(case.workspace), rule)}
    assert done == {post_id("soup"): "adj-1, 2032-05-03", post_id("lamps"): "nell, 2032-05-03"}
    assert docposts(case, "adjudicate", "status", "--json")["to_look_at_again"] == {}


def test_a_decision_after_the_ruling_was_made_under_it(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    case.decide("no", reason="rule_gap", label="n12")
    (name,) = pull.pull(case.workspace, case.studio).raised
    rule = precedents.find(precedents.load(case.workspace.decisions_dir), name)
    assert rule.question == case.asked()[0].data["question"], (
        "without words of the adjudicator's, those of the question"
    )
    early = {"ruling": "r", "paragraph": {"en": "p"}, "by": "nell", "at": "2032-05-03T12:00:00+00:00"}
    late_ = early | {"at": "2033-01-01T00:00:00+00:00"}
    path = precedents.path_of(case.workspace.decisions_dir, "narrative")
    kept = path.read_text()
    for ruled, done in ((early, True), (late_, False)):
        path.write_text(kept + json.dumps({"event": "ruled", "id": name, **ruled}) + "\n")
        (row,) = recheck(standing(case.workspace), precedents.find(precedents.load(case.workspace.decisions_dir), name))
        assert bool(row.done) == done


def test_a_ruling_in_two_languages_and_a_withdrawal(case: Case) -> None:
    name = docposts_id(
        case, "adjudicate", "precedents", "add", "--label", "n11", "--question", "May a  kite be a stone?"
    )
    assert (
        docposts_id(case, "adjudicate", "precedents", "add", "--label", "n11", "--question", "may a kite be a stone?")
        == name
    )
    rule = ("adjudicate", "precedents", "rule", name, "--ruling", "Never.")
    docposts(case, *rule, "--paragraph", "A kite is no stone.")
    docposts(case, *rule, "--paragraph", "风筝不是石头。", "--language", "zh")
    (each,) = precedents.load(case.workspace.decisions_dir)
    assert each.paragraph == {"en": "A kite is no stone.", "zh": "风筝不是石头。"} and each.state == "ruled"
    docposts(case, "adjudicate", "precedents", "withdraw", name, "--because", "Nobody asked.")
    (each,) = precedents.load(case.workspace.decisions_dir)
    assert each.state == "withdrawn" and list(precedents.in_guide([each])) == []
    rounds.push(case.workspace, case.studio)
    assert not [p for p in case.studio.projects.values() if "A kite is no stone" in p["instruction"]]


def docposts_id(case: Case, *words: str) -> str:
    return inside("-C", case.workspace.root, *words).stdout.strip()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "--label", "n77", "--question", "?"], "n77 is no label of narrative in the codebook narrative"),
        (["add", "--field", "mood", "--question", "?"], "mood"),
        (["add", "--question", "  "], "the question has no words"),
        (["rule", "p-none", "--ruling", "r", "--paragraph", "p"], "no precedent p-none"),
        (["items", "p-none"], "no precedent p-none"),
        (["withdraw", "p-none", "--because", "x"], "no precedent p-none"),
    ],
)
def test_a_precedent_that_cannot_be(case: Case, words: list[str], message: str) -> None:
    done = inside("-C", case.workspace.root, "adjudicate", "precedents", *words, code=1)
    assert message in done.stderr
    assert precedents.load(case.workspace.decisions_dir) == []


def test_a_wrong_line_among_the_precedents_is_named(case: Case) -> None:
    path = precedents.path_of(case.workspace.decisions_dir, "narrative")
    path.parent.mkdir(parents=True, exist_ok=True)
    for line in (
        '{"event": "raised", "id": "p-1"}',
        '{"event": "sung", "id": "p-1"}',
        '{"event": "ruled", "id": "p-9"}',
    ):
        path.write_text(line + "\n")
        with pytest.raises(InputError, match=r"precedents\.jsonl:1: "):
            precedents.load(case.workspace.decisions_dir)


def test_late_judgements_are_listed_with_what_they_changed(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", None)
    case.narratives("kites", "n11", "n12", None)
    case.push()
    for task in case.asked():
        case.studio.submit(task.id, decision_of("no"))
    case.pull()
    assert late(standing(case.workspace), load_judgements(case.workspace)) == []
    case.narratives("soup", None, None, "n11")
    (changed,) = case.task(PEOPLE[1], "kites").annotations
    case.studio.update_annotation(changed["id"], result("narrative", "n11"))
    labels_pull.pull(case.workspace, case.studio)
    rows = late(standing(case.workspace), load_judgements(case.workspace))
    told = {(row.item_id, row.label, row.annotator, row.how, row.was[:9], row.now) for row in rows}
    assert told == {
        (post_id("soup"), "n12", PEOPLE[2], "new", "no, adj-1", "open"),
        (post_id("kites"), "n11", PEOPLE[1], "changed", "no, adj-1", "yes"),
    }, "n12 on the kites is a question no more"
    listed = docposts(case, "adjudicate", "status", "--late", "--json")
    assert {(row["item_id"], row["annotator"], row["how"]) for row in listed} == {
        (i, a, h) for i, _, a, h, _, _ in told
    }
    assert "2 judgements came after a decision or release" in docposts(case, "adjudicate", "status")


def test_an_adjudicator_who_also_annotated_is_told_apart(case: Case) -> None:
    case.declare(adjudicator=PEOPLE[2])
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.narratives("kites", "n11", "n11 n12", None)
    case.studio.submit(case.task(PEOPLE[2], "kites").id, result("narrative"), skipped=True)
    labels_pull.pull(case.workspace, case.studio)
    case.push()
    for task in case.asked():
        case.studio.submit(task.id, decision_of("yes"))
    case.pull()
    told = {
        row["item_id"]: row["decided_by_annotator"]
        for row in load_decisions(case.workspace).to_pylist()
        if row["decided_by"]
    }
    assert told == {post_id("soup"): True, post_id("kites"): False}, "who skipped an item judged nothing"
    itself = [row for row in load_decisions(case.workspace).to_pylist() if not row["decided_by"]]
    assert itself and all(row["decided_by_annotator"] is None for row in itself)
    assert docposts(case, "adjudicate", "status", "--json")["decided_by_annotators"] == 1
    assert "1 decisions are by somebody who had judged the item" in docposts(case, "adjudicate", "status")


def test_the_plan_lists_questions_and_tries_out_another_policy(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.narratives("kites", "n11", "n11", "n11")
    plan = docposts(case, "adjudicate", "plan", "--json")
    assert (plan["asked"], plan["second"], plan["policy"]["policy"]) == (1, 0, "unanimous")
    (asked,) = plan["questions"]
    (question,) = standing(case.workspace).open
    votes = {PEOPLE[0]: "no", PEOPLE[1]: "yes", PEOPLE[2]: "no"}
    assert (asked["question_id"], asked["item_id"], asked["label"]) == (question.id, post_id("soup"), "n12")
    assert (asked["votes"], asked["why"], asked["decided"]) == (votes, "votes differ", None)
    told = inside("-C", case.workspace.root, "adjudicate", "plan")
    assert "no 2, yes 1" in told.stdout and "votes differ" in told.stdout and "asked: 1, of them 0" in told.stderr
    tried = docposts(case, "adjudicate", "plan", "--policy", "majority", "--margin", "1", "--sample", "1", "--json")
    assert (tried["asked"], [each["why"] for each in tried["questions"]]) == (3, ["sample"] * 3)
    cut = inside("-C", case.workspace.root, "adjudicate", "plan", "--sample", "1", "--limit", "1")
    assert "and 2 questions more (--limit 0 lists all)" in cut.stderr
    assert len(docposts(case, "adjudicate", "plan", "--sample", "1", "--limit", "2", "--json")["questions"]) == 2
    assert case.workspace.settings.adjudication.policy == "unanimous" and case.push()[0].create


class Killed(BaseException):
    """The command is no more."""


def killed_at(monkeypatch: pytest.MonkeyPatch, flush: int, command: Callable[[], Any]) -> bool:
    """Run a command that dies at a flush to disk, numbered from 1; tell whether it came so far."""
    real, count = os.fsync, 0

    def dying(handle: int) -> None:
        nonlocal count
        count += 1
        if count == flush:
            raise Killed
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying)
        try:
            command()
        except Killed:
            return True
    return False


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("what", ["push", "pull"])
def test_killed_at_any_flush_and_run_again_it_ends_as_if_nothing_had_been(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    case.declare(twice=1.0, second="adj-2")
    case.narratives("soup", "n11", "n11 n12", "n11")
    if what == "pull":
        case.push()
        for project in (NARRATIVE, f"{NARRATIVE}.adj-2"):
            for task in case.studio.of(project):
                case.studio.submit(task.id, decision_of("yes", "rule_gap", f"What of pass {task.data['pass']}?"))
    start = (case.workspace.root, case.studio)

    def again(name: str) -> Case:
        shutil.copytree(start[0], tmp_path / name, symlinks=True)
        return Case(Workspace.open(tmp_path / name), copy.deepcopy(start[1]))

    def command(of: Case) -> Callable[[], Any]:
        return of.push if what == "push" else of.pull

    whole = again("whole")
    command(whole)()
    wanted = {key: sorted(t.data["key"] for t in whole.studio.of(key)) for key in whole.studio.projects}
    records = contents(whole.workspace.decisions_dir)
    assert records
    flush = 0
    while True:
        flush += 1
        tried = again(f"killed-{flush}")
        died = killed_at(monkeypatch, flush, command(tried))
        if not died:
            break
        command(tried)()
        assert {key: sorted(t.data["key"] for t in tried.studio.of(key)) for key in tried.studio.projects} == wanted
        assert contents(tried.workspace.decisions_dir) == records
        assert not list(tried.workspace.root.rglob("*.part"))
        shutil.rmtree(tried.workspace.root)
    assert flush > 6


@pytest.mark.parametrize("lose", ["answer", "late", "request"])
def test_answers_lost_on_the_way_leave_each_question_once(case: Case, lose: Any) -> None:
    case.declare(twice=1.0, second="adj-2")
    case.narratives("soup", "n11", "n11 n12", "n11")
    case.push()
    case.narratives("kites", "n12", "n12", "n31")
    case.studio.lose = lose
    with pytest.raises(AnswerLost):
        case.push()
    case.push()
    case.push()
    for project in (NARRATIVE, f"{NARRATIVE}.adj-2"):
        keys = [task.data["key"] for task in case.studio.of(project)]
        assert len(keys) == len(set(keys)) == 3
