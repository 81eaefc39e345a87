"""Rounds: what goes to whom and when, who is let into production, and what of it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fake_studio import FakeStudio, photo_id, publish, result, task_of
from toolkit.errors import InputError
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements, read_judgements
from toolkit.rounds import plan, push
from toolkit.rounds.push import standing_rows
from toolkit.settings import check_record
from toolkit.tasks.assignment import Assignments
from toolkit.votes import answers
from toolkit.workspace import Workspace, new_settings

NAMES = ("ann-1", "ann-2", "ann-3")
POSTS = {f"p{n}": f"An invented sentence about kites, the {n}th." for n in range(24)}
TRAINING = {"name": "practice", "kind": "training", "items": 3, "tasks": ["narrative"]}
CALIBRATION = {"name": "first", "kind": "calibration", "items": 4, "bar": 0.6, "tasks": ["narrative"]}
MAIN = {"name": "main", "kind": "production"}
AGAIN = {"name": "again", "kind": "repeat", "share": 0.5, "tasks": ["narrative"]}


def made(folder: Path, *rounds: dict[str, Any], **tasks: Any) -> Workspace:
    people = {"annotators": list(NAMES), "adjudicator": "adj-1", "overlap": 1} | tasks
    workspace = Workspace.create(folder, new_settings("harbour", tasks=people, rounds=list(rounds)))
    publish(workspace, POSTS, {"card": "Who judges the judge?"})
    return workspace


def sizes(studio: FakeStudio) -> dict[str, int]:
    return {name.removeprefix("harbour/"): len(studio.of(name)) for name in studio.projects}


def answer(studio: FakeStudio, project: str, label: str = "n11", **how: Any) -> None:
    for task in studio.of(f"harbour/{project}"):
        if not task.annotations:
            studio.submit(task.id, result("narrative", label), **how)


def test_rounds_are_written_and_read_as_they_were_given(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w", TRAINING, CALIBRATION, MAIN, AGAIN)
    assert [each.kind for each in Workspace.open(workspace.root).settings.rounds] == [
        "training",
        "calibration",
        "production",
        "repeat",
    ]
    assert Workspace.open(workspace.root).settings == workspace.settings


@pytest.mark.parametrize(
    ("rounds", "message"),
    [
        ([MAIN, MAIN], "two are called main"),
        ([TRAINING | {"items": 0}], "practice needs items"),
        ([{"name": "c", "kind": "calibration", "items": 4}], "c needs a bar"),
        ([AGAIN], "repeats items of a production round that stands before it"),
        ([MAIN, AGAIN | {"of": "other"}], "repeats items of a production round"),
        ([MAIN | {"name": "a.b"}], "rounds.0.name"),
        ([MAIN | {"size": 3}], "rounds.0.size: unknown key"),
    ],
)
def test_rounds_that_do_not_hold(tmp_path: Path, rounds: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(tmp_path / "w", *rounds)


def test_a_shared_project_cannot_gate(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a project for each annotator"):
        made(tmp_path / "w", CALIBRATION, MAIN, projects="shared")


def test_training_waits_for_the_answers_and_shows_them_after_the_submission(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", TRAINING), FakeStudio()
    _, work = push(workspace, studio)
    assert sizes(studio) == {"narrative@practice.adj-1": 3}
    assert work.waiting == ["practice (narrative): adj-1 answers first, 0 of 3 so far"]
    answer(studio, "narrative@practice.adj-1", "n12")
    pull(workspace, studio)
    assert push(workspace, studio)[1].waiting == []
    assert sizes(studio) == {f"narrative@practice.{name}": 3 for name in ("adj-1", *NAMES)}
    first, *others = studio.of("harbour/narrative@practice.ann-1")
    studio.submit(first.id, result("narrative", "n11"))
    push(workspace, studio)
    assert not studio.predictions[first.id], "nothing is shown of what was not pulled"
    pull(workspace, studio)
    push(workspace, studio)
    push(workspace, studio)
    (shown,) = studio.predictions[first.id]
    assert shown == {"model_version": "answer", "result": result("narrative", "n12")}
    assert not any(studio.predictions[task.id] for task in others), "nor before the submission"
    rows = load_judgements(workspace).to_pylist()
    assert {(row["round"], row["round_kind"]) for row in rows} == {("practice", "training")} and len(rows) == 4
    assert answers(load_judgements(workspace)) == [], "training is no vote"


def test_calibration_gives_all_the_same_and_lets_in_who_agrees(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", CALIBRATION, MAIN, predictions="shown"), FakeStudio()
    predicted: list[int] = []

    def predict(_: Workspace, items: Any) -> dict[str, Any]:
        predicted.append(len(items))
        return {item.item_id: [{"model_version": "cues-1", "result": result("narrative", "n11")}] for item in items}

    _, work = push(workspace, studio, predict=predict)
    projects = [f"narrative@first.{name}" for name in NAMES]
    assert {name: n for name, n in sizes(studio).items() if "photo" not in name} == dict.fromkeys(projects, 4)
    items = [{task.data["item_id"] for task in studio.of(f"harbour/{name}")} for name in projects]
    assert items[0] == items[1] == items[2], "the same items to all"
    assert len(work.waiting) == 3 and "ann-1 waits for main (narrative): first 0 of 4 judged" in work.waiting[0]
    assert predicted == [1], "of the photo text alone: no predictions where annotators are compared"
    for name in projects:
        tasks = studio.of(f"harbour/{name}")
        assert not any(studio.predictions[task.id] for task in tasks)
        for number, task in enumerate(tasks):
            labels = ("n11", "n12") if name.endswith("ann-3") else ("n11", "n21", "n72", "n98")[number : number + 1]
            studio.submit(task.id, result("narrative", *labels))
    pull(workspace, studio)
    stand = {row["annotator"]: (row["judged"], row["passed"]) for row in standing_rows(workspace)}
    assert stand == {"ann-1": (4, False), "ann-2": (4, False), "ann-3": (4, False)}, "who disagrees pulls all down"
    for name in projects[2:]:
        for task, label in zip(studio.of(f"harbour/{name}"), ("n11", "n21", "n72", "n98"), strict=True):
            studio.update_annotation(task.annotations[0]["id"], result("narrative", label))
    pull(workspace, studio)
    assert all(row["passed"] and row["agreement"] == 1.0 for row in standing_rows(workspace))
    _, work = push(workspace, studio, predict=predict)
    assert work.waiting == []
    counts = {name: count for name, count in sizes(studio).items() if name.startswith("narrative.")}
    assert sorted(counts.values()) == [6, 7, 7], "what calibration left, one reader each"
    for task in studio.of("harbour/narrative.ann-1"):
        studio.submit(task.id, result("narrative", "n11"))
    pull(workspace, studio)
    rows = [row for row in load_judgements(workspace).to_pylist() if row["round"] == "main"]
    assert {(row["predictions_shown"], row["prediction_version"]) for row in rows} == {(True, "cues-1")}
    calibrated = [row for row in load_judgements(workspace).to_pylist() if row["round"] == "first"]
    assert len(calibrated) == 12 and {row["round_kind"] for row in calibrated} == {"calibration"}
    assert {row["predictions_shown"] for row in calibrated} == {False}


def test_who_passed_goes_on_and_who_comes_later_calibrates_first(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", CALIBRATION, MAIN, annotators=["ann-1", "ann-2"], overlap=2), FakeStudio()
    push(workspace, studio)
    for name in ("ann-1", "ann-2"):
        answer(studio, f"narrative@first.{name}")
    pull(workspace, studio)
    push(workspace, studio)
    assert sizes(studio)["narrative.ann-1"] == sizes(studio)["narrative.ann-2"] == 20
    text = (workspace.root / "docposts.toml").read_text().replace('"ann-2"]', '"ann-2", "ann-3"]')
    (workspace.root / "docposts.toml").write_text(text)
    workspace = Workspace.open(workspace.root)
    push(workspace, studio)
    assert sizes(studio)["narrative@first.ann-3"] == 4 and "narrative.ann-3" not in sizes(studio)
    answer(studio, "narrative@first.ann-3", "n72")
    pull(workspace, studio)
    _, work = push(workspace, studio)
    assert sizes(studio)["narrative.ann-1"] == 20 and "narrative.ann-3" not in sizes(studio)
    assert [line.split(":")[0] for line in work.waiting] == ["ann-3 waits for main (narrative)"]


def test_repeats_come_later_unmarked_in_the_same_project_and_are_no_votes(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", MAIN, AGAIN), FakeStudio()
    push(workspace, studio)
    before = sizes(studio)
    tasks = studio.of("harbour/narrative.ann-1")
    for task in tasks[:4]:
        studio.submit(task.id, result("narrative", "n11"))
    studio.submit(tasks[4].id, [], skipped=True)
    pull(workspace, studio)
    push(workspace, studio)
    push(workspace, studio)
    assert sizes(studio) == before | {"narrative.ann-1": before["narrative.ann-1"] + 2}, "half of four, once"
    new = studio.of("harbour/narrative.ann-1")[-2:]
    old = {task.data["item_id"]: task.data for task in tasks[:4]}
    for task in new:
        first = old[task.data["item_id"]]
        assert task.data | {"key": ""} == first | {"key": ""} and task.data["key"] != first["key"]
        studio.submit(task.id, result("narrative", "n12"))
    pull(workspace, studio)
    rows = load_judgements(workspace).to_pylist()
    kinds = [row["round_kind"] for row in rows]
    assert (kinds.count("production"), kinds.count("repeat")) == (5, 2)
    assert {row["round"] for row in rows if row["round_kind"] == "repeat"} == {"again"}
    narrative = [a for a in answers(load_judgements(workspace)) if a.field == "narrative"]
    assert {labels for each in narrative for labels in each.by.values()} == {("n11",)}
    push(workspace, studio)
    assert len(studio.of("harbour/narrative.ann-1")) == before["narrative.ann-1"] + 2, "a repeat is not repeated"


def test_one_shared_project_takes_its_authors_from_the_accounts(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", projects="shared", overlap=2), FakeStudio()
    push(workspace, studio)
    assert sizes(studio) == {"narrative": 24, "photo_text-text": 1}
    assert studio.projects["harbour/narrative"]["overlap"] == 2
    card = task_of(studio, "photo_text-text", photo_id("card"))
    one, two, three, *_ = studio.of("harbour/narrative")
    for number, (task, who) in enumerate([(one, "ann-1"), (one, "ann-2"), (two, "ann-2"), (three, "stranger")]):
        studio.submit(task.id, result("narrative", "n11"))
        account = who if who == "stranger" else f"{who}@docposts.invalid"
        name = f"x {account}, {number}" if "@" in account else ""
        task.annotations[-1].update(created_username=name, completed_by=number, updated_by=number)
    two.annotations[0]["updated_by"] = 99
    assert card.data["item_id"] == photo_id("card")
    pull(workspace, studio)
    judgements, rejected = read_judgements(workspace)
    assert judgements["annotator"].to_pylist() == ["ann-1", "ann-2"]
    assert [each.problems for each in rejected] == [
        ("changed by another account (user 99) than its maker's (user 2)",),
        ("made by nobody known, who is none of label_studio.people",),
    ]


def test_an_annotation_by_another_in_ones_own_project_is_kept_apart(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w"), FakeStudio()
    push(workspace, studio)
    task = studio.of("harbour/narrative.ann-1")[0]
    studio.submit(task.id, result("narrative", "n11"))
    task.annotations[0]["created_username"] = "ann-2 ann-2@docposts.invalid, 7"
    pull(workspace, studio)
    judgements, (found,) = read_judgements(workspace)
    assert judgements.num_rows == 0 and found.problems == ("made by ann-2, in the project of ann-1",)


def test_a_task_edited_by_hand_is_told(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w"), FakeStudio()
    push(workspace, studio)
    task = studio.of("harbour/narrative.ann-1")[0]
    studio.submit(task.id, result("narrative", "n11"))
    task.data["text"] = "Edited."
    pull(workspace, studio)
    judgements, (found,) = read_judgements(workspace)
    assert judgements.num_rows == 0
    assert found.problems == ("the task was changed in Label Studio after it was pushed",)


def test_a_plan_assigns_nothing(tmp_path: Path) -> None:
    workspace, studio = made(tmp_path / "w", CALIBRATION, MAIN), FakeStudio()
    plans, work = plan(workspace, studio)
    assert sum(len(each.create) for each in plans) == 13 and len(work.waiting) == 3
    assert not Assignments(workspace).items("first", "narrative") and not studio.tasks
    assert push(workspace, studio)[0] == plans


def test_unknown_keys_of_a_round_are_errors() -> None:
    from toolkit.settings import RoundSettings

    with pytest.raises(InputError, match="bars: unknown key"):
        check_record(CALIBRATION | {"bars": 1}, RoundSettings, "here")
