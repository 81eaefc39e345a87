"""Pushing tasks and pulling judgements, against a Label Studio in memory."""

from __future__ import annotations

import copy
import json
import shutil
import uuid
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_studio import SINGLE, FakeStudio, Row, photo_id, post_id, publish, result, task_of, workspace_of
from toolkit.errors import InputError, ServiceError
from toolkit.fsio import canonical_json, read_json, read_jsonl, sha256_text
from toolkit.items import Item
from toolkit.labels.pull import pull
from toolkit.labels.store import Rejected, load_judgements, read_judgements
from toolkit.labelstudio.transport import AnswerLost
from toolkit.provenance import import_number, judgement_id, provenance, simulated_id
from toolkit.rounds import plan as plan_all
from toolkit.rounds import push as push_all
from toolkit.tasks import Plan, projects
from toolkit.tasks.assignment import Assignments
from toolkit.tasks.progress import Progress, Watch
from toolkit.workspace import Workspace

POSTS = {"kites": "No one carries stones.", "soup": "Soup, nets and kites.", "lamps": "Salt lamps are no crime."}
PHOTOS = {"card": "Who judges the judge?"}


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, FakeStudio]:
    workspace, studio = workspace_of(tmp_path_factory.mktemp("labels") / "w"), FakeStudio()
    publish(workspace, POSTS, PHOTOS)
    push(workspace, studio)
    return workspace, studio


@pytest.fixture
def studio(request: pytest.FixtureRequest) -> FakeStudio:
    """An empty server, or that of the workspace which the test labels in."""
    if "labelled" not in request.fixturenames:
        return FakeStudio()
    return copy.deepcopy(request.getfixturevalue("pushed")[1])  # type: ignore[no-any-return]


@pytest.fixture
def labelled(tmp_path: Path, pushed: tuple[Workspace, FakeStudio]) -> Workspace:
    """Three posts and a photo text, pushed to three annotators."""
    shutil.copytree(pushed[0].root, tmp_path / "w", symlinks=True)
    return Workspace.open(tmp_path / "w")


def plan(workspace: Workspace, studio: FakeStudio) -> list[Plan]:
    return plan_all(workspace, studio)[0]


def push(workspace: Workspace, studio: FakeStudio, *only: Any) -> list[Plan]:
    return push_all(workspace, studio, *only)[0]


def status(workspace: Workspace, studio: FakeStudio) -> list[Progress]:
    return Watch(workspace, studio, lambda *_: "").look()


def keys(studio: FakeStudio, project: str) -> list[str]:
    return sorted(task.data["key"] for task in studio.of(f"harbour/{project}"))


def made(plans: list[Plan]) -> dict[str, tuple[int, int, int]]:
    return {p.project.key: (len(p.create), len(p.unchanged), len(p.orphaned)) for p in plans}


def journal(workspace: Workspace, project: str) -> list[Row]:
    return [record for _, record in read_jsonl(workspace.annotations_dir / project / "journal.jsonl")]


def pulls(workspace: Workspace, project: str = "narrative.ann-1") -> list[str]:
    return sorted(path.name for path in (workspace.annotations_dir / project).glob("pull-*"))


# -- push


def test_a_push_twice_makes_each_task_once(tmp_path: Path, studio: FakeStudio) -> None:
    workspace = workspace_of(tmp_path / "w")
    publish(workspace, POSTS, PHOTOS)
    names = {f"{task}.ann-{n}" for task in ("narrative", "photo_text-text") for n in (1, 2, 3)}
    planned = made(plan(workspace, studio))
    assert planned == {name: (3, 0, 0) if name.startswith("narrative") else (1, 0, 0) for name in names}
    assert not studio.projects and not studio.tasks, "a plan does nothing"
    assert made(push(workspace, studio)) == planned
    before = list(studio.tasks)
    again = {name: (0, sum(counts), 0) for name, counts in planned.items()}
    assert made(plan(workspace, studio)) == made(push(workspace, studio)) == again
    assert list(studio.tasks) == before and len(before) == 12 and studio.imports == 6
    assert made(push(workspace, studio, ["photo_text"])).keys() == {name for name in names if "photo" in name}


def test_tasks_show_the_item_and_nothing_of_the_report(labelled: Workspace, studio: FakeStudio) -> None:
    (task,) = [task for task in studio.of("harbour/narrative.ann-1") if task.data["item_id"] == post_id("soup")]
    assert task.data == {
        "key": Item(post_id("soup"), "post", "default", POSTS["soup"], "original").key,
        "item_id": post_id("soup"),
        "item_type": "post",
        "text": POSTS["soup"],
        "text_layer": "original",
        "image_seen": False,
    }
    project = studio.projects["harbour/narrative.ann-1"]
    assert project["title"] == "narrative · ann-1" and project["overlap"] == 1 and project["images"] == []


def test_the_journal_says_what_was_sent_and_what_arrived(labelled: Workspace, studio: FakeStudio) -> None:
    project_id = studio.require_project("harbour/narrative.ann-2")
    send, sent = journal(labelled, "narrative.ann-2")
    there = studio.of("harbour/narrative.ann-2")
    assert send == {
        "event": "send",
        "project_id": project_id,
        "round": "main",
        "round_kind": "production",
        "predictions_shown": False,
        "prediction_version": None,
        "tasks": [{"key": t.data["key"], "data_sha256": sha256_text(canonical_json(t.data))} for t in there],
    }
    assert sent == {"event": "sent", "project_id": project_id, "keys": [t.data["key"] for t in there]}
    push(labelled, studio)
    assert len(journal(labelled, "narrative.ann-2")) == 2, "nothing was sent"
    record = read_json(labelled.annotations_dir / "narrative.ann-2" / "project.json")
    assert {name: record[name] for name in ("project", "marker", "task", "form", "annotator")} == {
        "project": "narrative.ann-2",
        "marker": "harbour/narrative.ann-2",
        "task": "narrative",
        "form": "default",
        "annotator": "ann-2",
    }


@pytest.mark.parametrize("lose", ["answer", "request", "late"])
def test_after_a_lost_answer_another_push_ends_with_each_task_once(
    tmp_path: Path, studio: FakeStudio, lose: Any
) -> None:
    workspace = workspace_of(tmp_path / "w")
    publish(workspace, POSTS)
    studio.lose = lose
    with pytest.raises(AnswerLost):
        push(workspace, studio)
    assert [record["event"] for record in journal(workspace, "narrative.ann-1")] == ["send"]
    push(workspace, studio)
    assert {name: keys(studio, name) for name in ("narrative.ann-1", "narrative.ann-2", "narrative.ann-3")} == {
        f"narrative.ann-{n}": sorted(
            Item(post_id(name), "post", "default", text, "original").key for name, text in POSTS.items()
        )
        for n in (1, 2, 3)
    }
    events = [record["event"] for record in journal(workspace, "narrative.ann-1")]
    assert events == (["send"] if lose == "answer" else ["send", "send", "sent"])
    assert made(push(workspace, studio)) == {f"narrative.ann-{n}": (0, 3, 0) for n in (1, 2, 3)}


def test_copies_without_judgements_are_removed_and_judged_ones_kept(labelled: Workspace, studio: FakeStudio) -> None:
    project_id = studio.require_project("harbour/narrative.ann-1")
    kites, soup, lamps = studio.of("harbour/narrative.ann-1")
    kites_copies = [studio.add(project_id, kites.data) for _ in range(2)]
    soup_copies = [studio.add(project_id, soup.data) for _ in range(3)]
    studio.submit(kites_copies[1], result("narrative", "n11"))
    studio.submit(soup.id, result("narrative", "n11"))
    studio.submit(soup_copies[1], [], skipped=True)
    lamps_copy = studio.add(project_id, lamps.data)
    foreign = studio.add(project_id, {"text": "not one of ours"})
    push(labelled, studio)
    left = {task.id for task in studio.of("harbour/narrative.ann-1")}
    assert left == {kites_copies[1], soup.id, soup_copies[1], lamps.id, foreign}, lamps_copy


def test_tasks_that_do_not_arrive_are_missed(
    tmp_path: Path, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_of(tmp_path / "w")
    publish(workspace, POSTS)
    monkeypatch.setattr(studio, "import_tasks", lambda _, tasks: [*range(901, 901 + len(tasks))])
    with pytest.raises(ServiceError, match="3 are not there"):
        push(workspace, studio)


def test_a_changed_text_leaves_an_orphan_and_makes_a_task(labelled: Workspace, studio: FakeStudio) -> None:
    old = task_of(studio, "narrative.ann-1", post_id("soup"))
    publish(labelled, POSTS | {"soup": "Soup and nets."}, PHOTOS)
    found = made(plan(labelled, studio))
    assert found == made(push(labelled, studio))
    assert {found[f"narrative.ann-{n}"] for n in (1, 2, 3)} == {(1, 2, 1)}
    assert {found[f"photo_text-text.ann-{n}"] for n in (1, 2, 3)} == {(0, 1, 0)}
    (first, *_) = plan(labelled, studio)
    assert first.orphaned == (old.data["key"],) and old.id in studio.tasks, "left where it is"


def test_a_project_without_items_any_more_is_told_as_orphaned(labelled: Workspace, studio: FakeStudio) -> None:
    publish(labelled, POSTS)
    found = made(plan(labelled, studio))
    assert {name: found[name] for name in found if "photo" in name} == {
        f"photo_text-text.ann-{n}": (0, 0, 1) for n in (1, 2, 3)
    }
    assert made(push(labelled, studio)) == found
    assert made(push(labelled, studio, ["narrative"])) == {f"narrative.ann-{n}": (0, 3, 0) for n in (1, 2, 3)}


def dealt(workspace: Workspace, found: list[Item], names: list[str], overlap: int) -> dict[str, tuple[str, ...]]:
    assignments = Assignments(workspace)
    assignments.deal("main", "narrative", found, names, overlap)
    assignments.write()
    return dict(Assignments(workspace).items("main", "narrative"))


def of_items(count: int) -> list[Item]:
    return [Item(post_id(f"p{n}"), "post", "default", f"text {n}", "original") for n in range(count)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(0, 25), min_size=1, max_size=4), people=st.integers(1, 5), overlap=st.integers(1, 5))
def test_dealing_is_balanced_whole_and_stays(tmp_path: Path, counts: list[int], people: int, overlap: int) -> None:
    workspace = workspace_of(tmp_path / uuid.uuid4().hex)
    names, total, before = [f"ann-{n}" for n in range(people)], 0, dict[str, tuple[str, ...]]()
    for count in counts:  # items come in several pushes
        total += count
        after = dealt(workspace, of_items(total), names, overlap)
        assert all(after[item] == own for item, own in before.items()), "what someone has stays theirs"
        before = after
    assert len(before) == total and all(len(set(own)) == min(overlap, people) for own in before.values())
    load = Counter(dict.fromkeys(names, 0))
    load.update(name for own in before.values() for name in own)
    assert max(load.values()) - min(load.values()) <= 1


def test_pairs_are_mixed_and_the_seed_decides(tmp_path: Path) -> None:
    names = ["ann-1", "ann-2", "ann-3"]
    workspaces = [workspace_of(tmp_path / str(n), seed=seed) for n, seed in enumerate([0, 0, 7])]
    one, same, other = (dealt(workspace, of_items(300), names, 2) for workspace in workspaces)
    assert one == same != other
    pairs = Counter(tuple(sorted(own)) for own in one.values())
    assert pairs.keys() == set(combinations(names, 2)) and min(pairs.values()) >= 80, pairs


def test_an_annotator_more_gets_what_is_new_and_one_who_left_is_replaced(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    first = dealt(workspace, of_items(60), ["ann-1", "ann-2"], 1)
    more = dealt(workspace, of_items(90), ["ann-1", "ann-2", "ann-3"], 1)
    assert {item: more[item] for item in first} == first
    assert Counter(name for own in more.values() for name in own) == {"ann-1": 30, "ann-2": 30, "ann-3": 30}
    left = dealt(workspace, of_items(90), ["ann-1", "ann-3"], 1)
    for item, own in more.items():
        assert (left[item] == own) if own != ("ann-2",) else left[item][1] in ("ann-1", "ann-3")


def test_nobody_to_deal_out_to(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w", annotators=())
    publish(workspace, POSTS)
    with pytest.raises(InputError, match="annotators is empty"):
        plan(workspace, FakeStudio())


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"overlap": 4}, "overlap is 4"), ({"annotators": ("a", "b", "a")}, "a name stands twice")],
)
def test_settings_that_contradict_themselves(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        workspace_of(tmp_path / "w", **settings)


# -- pull


def test_a_pull_is_written_once(labelled: Workspace, studio: FakeStudio) -> None:
    assert {done.file for done in pull(labelled, studio)} == {None}, "nobody has answered"
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    studio.submit(task.id, result("narrative", "n11"))
    first, *rest = pull(labelled, studio)
    assert (first.project, first.annotations, [done.file for done in rest]) == ("narrative.ann-1", 1, [None] * 5)
    assert first.file is not None and first.file.name == "pull-0001.jsonl"
    content = first.file.read_bytes()
    assert {done.file for done in pull(labelled, studio)} == {None} and pulls(labelled) == ["pull-0001.jsonl"]
    studio.update_annotation(task.annotations[0]["id"], result("narrative", "n12"))
    assert pull(labelled, studio, task="photo_text")[0].project == "photo_text-text.ann-1"
    assert pulls(labelled) == ["pull-0001.jsonl"]
    pull(labelled, studio, task="narrative")
    assert pulls(labelled) == ["pull-0001.jsonl", "pull-0002.jsonl"] and first.file.read_bytes() == content
    (row,) = load_judgements(labelled).to_pylist()
    assert row["labels"] == [{"field": "narrative", "label": "n12"}], (
        "a changed annotation is one judgement, as it is now"
    )
    assert row["updated_at"] > row["created_at"]


def test_a_deleted_annotation_stays_on_record_and_its_number_makes_another(
    labelled: Workspace, studio: FakeStudio
) -> None:
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    number = studio.submit(task.id, result("narrative", "n11")).annotation_id
    pull(labelled, studio)
    studio.delete_annotation(number)
    assert pull(labelled, studio)[0].annotations == 0
    assert [row["labels"][0]["label"] for row in load_judgements(labelled).to_pylist()] == ["n11"]
    assert studio.submit(task.id, result("narrative", "n12")).annotation_id == number
    pull(labelled, studio)
    rows = load_judgements(labelled).to_pylist()
    assert [row["labels"][0]["label"] for row in rows] == ["n11", "n12"] and len(
        {row["judgement_id"] for row in rows}
    ) == 2


def test_a_pull_holds_what_changed_and_no_more(labelled: Workspace, studio: FakeStudio) -> None:
    kites, soup, lamps = studio.of("harbour/narrative.ann-1")
    for task in (kites, soup):
        studio.submit(task.id, result("narrative", "n11"))
    first = pull(labelled, studio)[0]
    assert (first.annotations, first.changed, first.deleted) == (2, 2, 0)
    studio.submit(lamps.id, [], skipped=True)
    second = pull(labelled, studio)[0]
    assert second.file is not None and [line["task"] for _, line in read_jsonl(second.file)] == [lamps.id]
    assert (second.annotations, second.changed, second.deleted) == (3, 1, 0)
    assert pull(labelled, studio, full=True)[0].file is None, "a sweep that finds nothing new writes nothing"
    assert load_judgements(labelled).num_rows == 3


def test_a_task_deleted_by_hand_is_noticed_and_its_judgement_kept(labelled: Workspace, studio: FakeStudio) -> None:
    kites, soup, _ = studio.of("harbour/narrative.ann-1")
    for task in (kites, soup):
        studio.submit(task.id, result("narrative", "n11"))
    pull(labelled, studio)
    studio.delete_task(soup.id)
    found = pull(labelled, studio)[0]
    assert (found.annotations, found.changed, found.deleted) == (1, 1, 1)
    assert found.file is not None
    assert [line for _, line in read_jsonl(found.file)] == [
        {"task": soup.id, "data": {}, "annotations": [], "deleted": True}
    ]
    assert load_judgements(labelled).num_rows == 2
    assert pull(labelled, studio)[0].file is None


def test_a_pull_that_was_killed_goes_on_from_where_it_was(
    labelled: Workspace, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = studio.of("harbour/narrative.ann-1")
    for task in tasks:
        studio.submit(task.id, result("narrative", "n11"))
    asked: list[int] = []
    whole = studio.annotations

    def broken(project_id: int, *, since: str | None = None, after: int = 0) -> Any:
        asked.append(after)
        for number, task in enumerate(whole(project_id, since=since, after=after)):
            if number == 2 and len(asked) == 1:
                raise AnswerLost("the connection broke")
            yield task

    monkeypatch.setattr(studio, "annotations", broken)
    with pytest.raises(AnswerLost):
        pull(labelled, studio)
    folder = labelled.annotations_dir / "narrative.ann-1"
    with (folder / "pull.part").open("ab") as part:
        part.write(b'{"task": 3, "da')  # as a kill in the middle of a line leaves it
    assert pulls(labelled) == []
    studio.submit(tasks[0].id, result("narrative", "n12"))  # on a page that was read before
    found = pull(labelled, studio)[0]
    assert asked[:2] == [0, tasks[1].id], "what was written is not asked for again"
    assert found.annotations == 4 and not (folder / "pull.part").exists()
    assert sorted(row["labels"][0]["label"] for row in load_judgements(labelled).to_pylist()) == ["n11"] * 3 + ["n12"]


def test_a_server_that_gives_less_than_it_counts_is_not_believed(
    labelled: Workspace, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in studio.of("harbour/narrative.ann-1"):
        studio.submit(task.id, result("narrative", "n11"))
    whole = studio.annotations
    monkeypatch.setattr(studio, "annotations", lambda p, **how: list(whole(p, **how))[:2])
    with pytest.raises(ServiceError, match=r"counts 3 annotations and 0 skips in narrative\.ann-1, but gave 2 and 0"):
        pull(labelled, studio)
    monkeypatch.undo()
    assert pull(labelled, studio)[0].annotations == 3


def test_what_a_judgement_keeps(labelled: Workspace, studio: FakeStudio) -> None:
    task = task_of(studio, "photo_text-text.ann-3", photo_id("card"))
    studio.submit(task.id, result("photo_text", "n51", comment="A joke."), lead_time=12.5)
    pull(labelled, studio)
    (row,) = load_judgements(labelled).to_pylist()
    record = read_json(labelled.annotations_dir / "photo_text-text.ann-3" / "project.json")
    assert row["judgement_id"] == judgement_id(task.annotations[0], "harbour/photo_text-text.ann-3")
    assert {
        name: row[name] for name in ("item_id", "item_type", "task", "project", "annotator", "seconds", "skipped")
    } == {
        "item_id": photo_id("card"),
        "item_type": "photo_text",
        "task": "photo_text",
        "project": "photo_text-text.ann-3",
        "annotator": "ann-3",
        "seconds": 12.5,
        "skipped": False,
    }
    assert (row["text_layer"], row["image_seen"], row["provenance"]) == ("translation", False, "human")
    assert all(row[name] == record[name] for name in ("codebook_version", "config_sha256", "guide_sha256"))
    assert {label["field"]: label["label"] for label in row["labels"]} == SINGLE | {"narrative": "n51"}
    assert (row["confidence"], row["comment"]) == (2, "A joke.")


SPAN = {"start": 0, "end": 4, "labels": ["n11"]}
GOOD = result("narrative", "n11")


def entry(control: str, kind: str, value: dict[str, Any]) -> Row:
    return {"id": "x", "from_name": control, "to_name": "text", "type": kind, "value": value}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([*GOOD, entry("narrative", "taxonomy", {"taxonomy": [["n10", "n17"]]})], "narrative: unknown label 'n17'"),
        ([*GOOD, entry("narrative", "taxonomy", {"taxonomy": [["n10"]]})], "narrative: unknown label 'n10'"),
        (
            [*GOOD, entry("evidence", "labels", SPAN | {"end": 999})],
            "evidence: span 0 to 999 is not in the text, which has 21",
        ),
        (
            [*GOOD, entry("evidence", "labels", SPAN | {"start": -1})],
            "evidence: span -1 to 4 is not in the text, which has 21",
        ),
        (
            [*GOOD, entry("evidence", "labels", SPAN | {"end": 0})],
            "evidence: span 0 to 0 is not in the text, which has 21",
        ),
        ([*GOOD, entry("mood", "choices", {"choices": ["glad"]})], "unknown control 'mood'"),
        (result("narrative", "n98", "n11"), "narrative: n98 stands alone, but is beside others: n11, n98"),
        (result("narrative", "n99", "n98"), "narrative: n98 stands alone, but is beside others: n98, n99"),
        (result("narrative", "n90"), "narrative: n90 needs its claim written in the comment"),
        (result("narrative", chosen={"technique": ["t01"]}), "narrative: no answer"),
        ([], "narrative: no answer"),
        (GOOD[:1], "confidence: no answer"),
    ],
)
def test_an_invalid_annotation_is_kept_apart_with_its_reason(
    labelled: Workspace, studio: FakeStudio, answers: list[Row], reason: str
) -> None:
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    assert len(POSTS["soup"]) == 21
    number = studio.submit(task.id, answers).annotation_id
    fine = task_of(studio, "narrative.ann-2", post_id("soup"))
    studio.submit(fine.id, GOOD)
    pull(labelled, studio)
    table, rejected = read_judgements(labelled)
    assert table["annotator"].to_pylist() == ["ann-2"]
    (found,) = rejected
    assert (found.project, found.annotation_id, found.item_id, found.annotator) == (
        "narrative.ann-1",
        number,
        post_id("soup"),
        "ann-1",
    )
    assert reason in found.problems
    assert (
        answers
        == json.loads((labelled.annotations_dir / "narrative.ann-1" / "pull-0001.jsonl").read_text())["annotations"][0][
            "result"
        ]
    )


@pytest.mark.parametrize("field", ["text_kind", "carrier", "function", "device"])
def test_a_single_choice_has_one_answer(labelled: Workspace, studio: FakeStudio, field: str) -> None:
    task = task_of(studio, "photo_text-text.ann-1", photo_id("card"))
    other = {"text_kind": "verbatim", "carrier": "photo", "function": "label", "device": "pun"}[field]
    studio.submit(task.id, result("photo_text", "n11", chosen={field: [SINGLE[field], other]}))
    missing = task_of(studio, "photo_text-text.ann-2", photo_id("card"))
    studio.submit(missing.id, result("photo_text", "n11", chosen={field: []}))
    pull(labelled, studio)
    table, rejected = read_judgements(labelled)
    assert table.num_rows == 0
    many, none = rejected
    assert many.problems[0].startswith(f"{field}: more than one answer") and none.problems == (f"{field}: no answer",)


def test_an_annotation_that_turns_invalid_counts_no_more(labelled: Workspace, studio: FakeStudio) -> None:
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    number = studio.submit(task.id, GOOD).annotation_id
    pull(labelled, studio)
    studio.update_annotation(number, [])
    pull(labelled, studio)
    table, rejected = read_judgements(labelled)
    assert table.num_rows == 0 and [found.annotation_id for found in rejected] == [number]


def test_a_task_that_is_not_ours_is_no_judgement(labelled: Workspace, studio: FakeStudio) -> None:
    added = studio.add(studio.require_project("harbour/narrative.ann-1"), {"text": "by hand"})
    number = studio.submit(added, GOOD).annotation_id
    pull(labelled, studio)
    problem = "the task lacks image_seen, item_id, item_type, key, text_layer"
    assert read_judgements(labelled)[1] == [Rejected("narrative.ann-1", number, "None", "ann-1", (problem,))]


def test_skips_and_repeats_are_judgements(labelled: Workspace, studio: FakeStudio) -> None:
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    studio.submit(task.id, result("narrative", "n98", "n11", comment="Cannot read it."), skipped=True)
    studio.submit(task.id, result("narrative", "n11"))
    studio.submit(task.id, result("narrative", "n12"))
    pull(labelled, studio)
    table, rejected = read_judgements(labelled)
    assert rejected == []
    rows = [(row["skipped"], [label["label"] for label in row["labels"]]) for row in table.to_pylist()]
    assert rows == [(True, []), (False, ["n11"]), (False, ["n12"])]
    assert table["comment"].to_pylist() == ["Cannot read it.", None, None], "why, is worth keeping"
    studio.submit(task_of(studio, "narrative.ann-1", post_id("lamps")).id, [], skipped=True)
    assert [p for p in status(labelled, studio) if p.project == "narrative.ann-1"] == [
        Progress("narrative.ann-1", "main", "ann-1", tasks=3, done=1, skipped=1, seconds=30.0)
    ]


def test_a_skip_may_say_why_and_distress_leaves_no_time(labelled: Workspace, studio: FakeStudio) -> None:
    reasons = ["distressing", "not_readable", None]
    for reason, name in zip(reasons, POSTS, strict=True):
        answers = [entry("unable", "choices", {"choices": [reason]})] if reason else []
        studio.submit(task_of(studio, "narrative.ann-1", post_id(name)).id, answers, skipped=True, lead_time=9.0)
    pull(labelled, studio)
    rows = load_judgements(labelled).to_pylist()
    assert [(row["unable"], row["seconds"]) for row in rows] == [
        ("distressing", None),
        ("not_readable", 9.0),
        (None, 9.0),
    ]
    assert {(row["round"], row["round_kind"], row["predictions_shown"], row["prediction_version"]) for row in rows} == {
        ("main", "production", False, None)
    }


def test_another_codebook_is_said_not_guessed(labelled: Workspace, studio: FakeStudio) -> None:
    studio.submit(task_of(studio, "narrative.ann-1", post_id("soup")).id, GOOD)
    pull(labelled, studio)
    path = labelled.annotations_dir / "narrative.ann-1" / "project.json"
    path.write_text(json.dumps(read_json(path) | {"codebook_version": "0.9.0"}))
    table, (found,) = read_judgements(labelled)
    assert table.num_rows == 0 and "made under codebook 0.9.0, which is not kept" in found.problems[0]


def test_simulated_submissions_are_told_from_peoples(labelled: Workspace, studio: FakeStudio) -> None:
    key = "harbour/narrative.ann-1"
    simulated, human, other = studio.of(key)
    studio.submit(simulated.id, GOOD, unique_id=simulated_id(key, simulated.data["key"]))
    studio.submit(human.id, GOOD)
    elsewhere = simulated_id("harbour/narrative.ann-2", other.data["key"])
    studio.submit(other.id, GOOD, unique_id=elsewhere)
    pull(labelled, studio)
    assert load_judgements(labelled)["provenance"].to_pylist() == ["simulated", "human", "human"]
    assert 0 <= import_number(elsewhere) < 2**53
    assert provenance({}, key, other.data["key"]) == "human"
    with pytest.raises(InputError, match="no UUID"):
        import_number("seventeen")


def test_pulling_before_a_push_says_what_to_do(tmp_path: Path, studio: FakeStudio) -> None:
    workspace = workspace_of(tmp_path / "w")
    with pytest.raises(InputError) as caught:
        pull(workspace, studio)
    assert caught.value.hint == "docposts tasks push" and projects(workspace) == []


def test_a_project_gone_from_the_server_stops_the_pull(labelled: Workspace) -> None:
    with pytest.raises(InputError, match=r"has no project harbour/narrative\.ann-1"):
        pull(labelled, FakeStudio())
