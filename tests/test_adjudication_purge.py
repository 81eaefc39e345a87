"""What adjudicators saw and said of a purged person or post goes, and comes back by no pull; what stands on it still reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.command import inside
from tests.fake_studio import Row, post_id, result
from tests.plugins.adjudication import PEOPLE, Case, decision_of
from toolkit import precedents
from toolkit.adjudication.store import history, load_decisions, standing
from toolkit.alternatives import put
from toolkit.decisionresult import DecisionAnswer, build_decision_result
from toolkit.fsio import read_jsonl
from toolkit.labels import pull as labels_pull
from toolkit.purge.run import purge

WHO = PEOPLE[0]


def marked(labels: str, *places: tuple[int, int]) -> list[Row]:
    """Narratives with a blank between, and words marked for the last of them."""
    given = labels.split()
    spans = [{"start": start, "end": end, "labels": given[-1:]} for start, end in places]
    head = {"from_name": "evidence", "to_name": "text", "type": "labels"}
    return [*result("narrative", *given), *({"id": f"s{n}", **head, "value": span} for n, span in enumerate(spans))]


def pulled(case: Case) -> dict[str, Row]:
    """The newest data of each pulled question, by its key."""
    found: dict[str, Row] = {}
    for path in sorted(case.workspace.annotations_dir.glob("adjudication*/pull-*.jsonl")):
        found |= {line["data"]["key"]: line["data"] for _, line in read_jsonl(path)}
    return found


def everything(case: Case) -> str:
    return "".join(
        path.read_text(encoding="utf-8")
        for folder in (case.workspace.annotations_dir, case.workspace.decisions_dir)
        for path in sorted(folder.rglob("*.jsonl"))
    )


@pytest.fixture
def decided(case: Case) -> Case:
    """On ``soup``, which reads “Soup, nets and kites.”: two say n11, for other words in part; the third says n12."""
    case.vote("soup", marked("n11", (6, 10), (0, 4)), marked("n11", (0, 4)), marked("n12", (15, 20)))
    case.push()
    (task,) = [task for task in case.asked() if task.data["label"] == "n11"]
    assert [(span["value"], len(span["by"])) for span in task.data["spans"]] == [("“Soup”", 2), ("“nets”", 1)]
    case.studio.submit(task.id, build_decision_result(DecisionAnswer("yes", "boundary", chosen=((6, 10),))))
    case.pull()
    return case


def test_the_answers_and_marked_words_of_a_purged_annotator_go_from_pulled_questions(decided: Case) -> None:
    (before,) = pulled(decided).values()
    letter = next(k for k, v in put(decided.workspace.decisions_dir)[before["key"]]["alternatives"].items() if v == WHO)
    purge(decided.workspace, "annotator", WHO)
    (data,) = pulled(decided).values()
    assert [each["alternative"] for each in data["alternatives"]] == [x for x in "ABC" if x != letter]
    (span,) = data["spans"]
    assert span["value"] == "“Soup”" and letter not in span["by"] and len(span["by"]) == 1
    known = put(decided.workspace.decisions_dir)[before["key"]]
    assert sorted(known["alternatives"].values()) == sorted(PEOPLE[1:]) and len(known["judgement_ids"]) == 2
    assert WHO not in everything(decided)
    assert [record["evidence"] for record in history(decided.workspace)] == [[{"start": 6, "end": 10}]]


@pytest.mark.parametrize("full", [False, True])
def test_no_pull_brings_them_back_and_the_decision_is_known(decided: Case, full: bool) -> None:
    purge(decided.workspace, "annotator", WHO)
    before, record = pulled(decided), everything(decided)
    labels_pull.pull(decided.workspace, decided.studio, full=full)
    assert pulled(decided) == before and everything(decided) == record
    assert decided.pull() == (0, 1, 0), "words that only the purged marked were offered then: no wrong answer"
    (task,) = [task for task in decided.asked() if task.annotations]
    answer = build_decision_result(DecisionAnswer("no", "boundary", chosen=((6, 10),)))
    decided.studio.update_annotation(task.annotations[0]["id"], answer)
    assert decided.pull() == (1, 0, 0)
    (after,) = pulled(decided).values()
    assert (after["alternatives"], after["spans"]) == (
        before[after["key"]]["alternatives"],
        before[after["key"]]["spans"],
    )


def test_where_nobody_knows_whose_letter_it_was_all_answers_go(decided: Case) -> None:
    (decided.workspace.decisions_dir / "narrative" / "alternatives.jsonl").unlink()
    purge(decided.workspace, "annotator", WHO)
    (data,) = pulled(decided).values()
    assert (data["alternatives"], data["spans"]) == ([], [])


def gap(case: Case, name: str, words: str) -> str:
    """A decision on a conflict about n12 whose reason is a rule gap; return the precedent that it raises."""
    case.push()
    (task,) = [t for t in case.asked() if (t.data["item_id"], t.data["label"]) == (post_id(name), "n12")]
    case.studio.submit(task.id, decision_of("no", "rule_gap", words))
    case.pull()
    (found,) = [each.id for each in precedents.load(case.workspace.decisions_dir) if each.question == words]
    return found


def docposts(case: Case, *words: str) -> Any:
    return inside("-C", case.workspace.root, *words)


def test_a_ruling_stays_when_the_post_that_raised_it_is_purged(case: Case) -> None:
    for name in ("soup", "kites"):
        case.narratives(name, "n11", "n11 n12", "n11")
    ruled = gap(case, "soup", "Is “Soup, nets and kites” one thing?")
    unruled = gap(case, "kites", "Are stones meant?")
    docposts(
        case, "adjudicate", "precedents", "rule", ruled, "--ruling", "It is three.", "--paragraph", "Count things."
    )
    docposts(case, "adjudicate", "precedents", "items", ruled, "--done", post_id("soup"))
    for name in ("soup", "kites"):
        # As a purge of a post does, whose words this small corpus lays out in no report.
        records_of(case, name)
    (left,) = precedents.load(case.workspace.decisions_dir)
    assert (left.id, left.state, left.question, left.raised_on, left.rechecked) == (ruled, "ruled", "█", (), ())
    assert left.words("en") == "Count things." and unruled not in everything(case)
    assert "Soup" not in everything(case) and post_id("soup") not in everything(case)


def records_of(case: Case, name: str) -> None:
    from toolkit.purge.records import erase_items

    erase_items(case.workspace, [post_id(name)], [])


def test_a_question_that_another_post_raised_too_stays_as_it_is(case: Case) -> None:
    for name in ("soup", "kites"):
        case.narratives(name, "n11", "n11 n12", "n11")
    case.push()
    for task in case.asked():
        case.studio.submit(task.id, decision_of("no", "rule_gap", "Are stones meant?"))
    case.pull()
    (both,) = precedents.load(case.workspace.decisions_dir)
    assert len(both.raised_on) == 2
    records_of(case, "soup")
    (left,) = precedents.load(case.workspace.decisions_dir)
    assert left.question == "Are stones meant?" and [item for item, _ in left.raised_on] == [post_id("kites")]


def test_what_a_purged_annotator_reopened_or_ruled_on_stays_unnamed(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    name = gap(case, "soup", "Are stones meant?")
    by = ("--by", WHO)
    docposts(case, "adjudicate", "precedents", "rule", name, "--ruling", "Yes.", "--paragraph", "Stones.", *by)
    docposts(case, "adjudicate", "reopen", "--label", "n12", "--because", "Read again.", *by)
    case.push()
    (again,) = [task for task in case.asked() if task.data["asking"] == 1]
    case.studio.submit(again.id, decision_of("yes"))
    case.pull()
    purge(case.workspace, "annotator", WHO)
    assert WHO not in everything(case)
    assert sum(standing(case.workspace).reopened.values()) == 1, "the first decision is not in force again"
    (left,) = precedents.load(case.workspace.decisions_dir)
    assert (left.state, left.ruled_by, left.by) == ("ruled", "█", "adj-1")
    outcomes = [row["outcome"] for row in load_decisions(case.workspace).to_pylist() if row["label"] == "n12"]
    assert outcomes == [], "other votes make it another question, and it is open"
    assert ("narrative", "n12") in case.open()


def test_a_file_of_events_without_the_purged() -> None:
    base = {"task": "narrative", "field": "narrative", "label": "n11", "by": "adj-1", "at": "2032-01-01T00:00:00+00:00"}
    raised: Row = {"event": "raised", "id": "p-1", "question": "Why?", **base}
    on = raised | {"item_id": "post_x", "question_id": "question_x"}
    withdrawn: Row = {"event": "withdrawn", "id": "p-1", "because": "-", "by": "adj-1", "at": base["at"]}
    ruled: Row = {
        "event": "ruled",
        "id": "p-1",
        "ruling": "r",
        "paragraph": {"en": "p"},
        "by": "nell",
        "at": base["at"],
    }

    def without(*events: Row) -> list[Any]:
        before = json.dumps(events)
        left = precedents.without(events, lambda value: value in ("post_x", "nell"))
        assert json.dumps(events) == before
        return left

    assert without(on) == [None] and without(on, withdrawn) == [None, None]
    assert without(raised, on) == [raised, None]
    assert without(on, ruled) == [raised | {"question": "█"}, ruled | {"by": "█"}]
    assert without(on, on, ruled) == [raised | {"question": "█"}, None, ruled | {"by": "█"}]
    assert without(raised) == [raised]


def test_of_a_purged_adjudicator_no_decision_is_left_and_a_ruling_stays(case: Case) -> None:
    case.narratives("soup", "n11", "n11 n12", "n11")
    name = gap(case, "soup", "Are stones meant?")
    docposts(
        case, "adjudicate", "precedents", "rule", name, "--ruling", "Yes.", "--paragraph", "Stones.", "--by", "nell"
    )
    assert case.open() == []
    purge(case.workspace, "annotator", "adj-1")
    assert history(case.workspace) == [] and case.open() == [("narrative", "n12")]
    (left,) = precedents.load(case.workspace.decisions_dir)
    assert (left.state, left.by, left.question, left.words("en")) == ("ruled", "█", "Are stones meant?", "Stones.")
    assert "adj-1" not in everything(case)
