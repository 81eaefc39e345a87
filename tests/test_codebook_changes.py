"""A codebook changes under judgements: what carries over, what must be labelled again, what is refused."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.command import inside, told
from tests.fake_studio import FakeStudio, post_id, publish, result, task_of, workspace_of
from toolkit.codebook import Codebook, load_codebook
from toolkit.codebook_changes import carry, diff
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_json
from toolkit.labelresult import Span, Submission, Vote
from toolkit.labels.change import plan_change, put_in_force
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements, read_judgements
from toolkit.resources import resource
from toolkit.rounds.push import push
from toolkit.votes import questions
from toolkit.workspace import Workspace

Raw = dict[str, Any]
SHIPPED = resource("annotation_configs")
POSTS = {"kites": "No one carries stones.", "soup": "Soup, nets and kites.", "lamps": "Salt lamps are no crime."}


NARRATIVE_RAW: Raw = yaml.safe_load((SHIPPED / "narrative" / "codebook.yaml").read_text("utf-8"))


def label(of: Raw, label_id: str) -> Raw:
    found: Raw = next(one for one in of["labels"] if one["id"] == label_id)
    return found


def new_label(of: Raw, label_id: str, like: str) -> None:
    of["labels"].append(
        {**label(of, like), "id": label_id, "name": {"en": label_id, "zh": label_id}, "since": "1.1.0"}
        | {"examples": [{"text": "The dyke hums."}]}
    )
    for name in ("merged_into", "split_into", "retired", "redefined"):
        of["labels"][-1].pop(name, None)


def changed(change: Callable[[Raw], Any], version: str = "1.1.0") -> Raw:
    content = copy.deepcopy(NARRATIVE_RAW) | {"version": version}
    change(content)
    return content


def book(change: Callable[[Raw], Any]) -> Codebook:
    return Codebook.model_validate(changed(change))


def rename(of: Raw) -> None:
    new_label(of, "n34", "n33")
    label(of, "n33").update(retired="1.1.0", merged_into="n34")


def merge(of: Raw) -> None:
    label(of, "n32").update(retired="1.1.0", merged_into="n33")


def split(of: Raw) -> None:
    new_label(of, "n35", "n31")
    new_label(of, "n36", "n31")
    label(of, "n31").update(retired="1.1.0", split_into=["n35", "n36"])


def redefine(of: Raw) -> None:
    label(of, "n71").update(redefined="1.1.0")


def retire(of: Raw) -> None:
    label(of, "n73").update(retired="1.1.0")


def drop(of: Raw) -> None:
    of["labels"] = [one for one in of["labels"] if one["id"] != "n11"]


NARRATIVE = load_codebook("narrative")


def said(*labels: str) -> Submission:
    votes = tuple(Vote("narrative", one) for one in labels)
    return Submission(labels=votes, evidence=tuple(Span("narrative", one, 0, 4) for one in labels), confidence=2)


@pytest.mark.parametrize(
    ("change", "given", "becomes", "unanswered"),
    [
        (rename, ["n33", "n11"], {"n34", "n11"}, ()),
        (rename, ["n11"], {"n11"}, ()),
        (merge, ["n32", "n33"], {"n33"}, ()),
        (merge, ["n32"], {"n33"}, ()),
        (split, ["n31", "n11"], {"n11"}, ("n35", "n36")),
        (split, ["n11"], {"n11"}, ()),
        (redefine, ["n71", "n11"], {"n11"}, ("n71",)),
        (redefine, ["n11"], {"n11"}, ("n71",)),
        (retire, ["n73", "n11"], {"n11"}, ()),
        (lambda of: new_label(of, "n64", "n63"), ["n11"], {"n11"}, ("n64",)),
        (lambda of: label(of, "n11")["definition"].update(en="Words."), ["n11"], {"n11"}, ()),
    ],
)
def test_a_label_is_carried_over_as_declared(
    change: Callable[[Raw], Any], given: list[str], becomes: set[str], unanswered: tuple[str, ...]
) -> None:
    found = carry(NARRATIVE, book(change), said(*given))
    assert {vote.label for vote in found.submission.labels} == becomes
    assert {span.label for span in found.submission.evidence} == becomes
    assert (found.unanswered, found.orphans) == (unanswered, ())
    assert found.submission.confidence == 2


def test_what_is_not_declared_is_an_orphan() -> None:
    found = carry(NARRATIVE, book(drop), said("n11", "n12"))
    assert found.orphans == ("narrative: n11 is no longer there, and nothing says what became of it",)
    gone = book(lambda of: of.update(fields=[f for f in of["fields"] if f["name"] != "technique"], labels=[
        one for one in of["labels"] if one["field"] != "technique"
    ]))  # fmt: skip
    vote = Submission(labels=(Vote("technique", "t01"), Vote("narrative", "n11")))
    assert carry(NARRATIVE, gone, vote).orphans == ("technique: the field is no longer there",)


leaves = [leaf.id for leaf in NARRATIVE.leaves("narrative") if not leaf.exclusive]


@settings(deadline=None, max_examples=25, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(
    given_labels=st.sets(st.sampled_from(leaves), min_size=1),
    first=st.sampled_from(["n31", "n32", "n11"]),
    middle=st.sampled_from(["n61", "n62", "n21"]),
    target=st.sampled_from(["n33", "n63", "n90", "n71"]),
)
def test_merges_lose_nothing_and_two_steps_come_to_what_one_does(
    given_labels: set[str], first: str, middle: str, target: str
) -> None:
    def one_merge(of: Raw) -> None:
        label(of, first).update(retired="1.1.0", merged_into=middle)

    def both(of: Raw) -> None:
        one_merge(of)
        label(of, middle).update(retired="1.1.0", merged_into=target)

    submission = said(*sorted(given_labels))
    at_once = carry(NARRATIVE, book(both), submission)
    step = carry(NARRATIVE, book(one_merge), submission).submission
    in_steps = carry(book(one_merge), book(both), step)
    assert set(at_once.submission.labels) == set(in_steps.submission.labels)
    expected = {target if one in (first, middle) else one for one in given_labels}
    assert {vote.label for vote in at_once.submission.labels} == expected and not at_once.unanswered
    assert carry(NARRATIVE, NARRATIVE, submission).submission == submission


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda of: label(of, "n32").update(merged_into="n33"), "give the version, retired"),
        (lambda of: label(of, "n32").update(retired="1.1.0", merged_into="t01"), "no label of its field"),
        (lambda of: label(of, "n32").update(retired="1.2.0"), "later than the codebook's version"),
        (lambda of: label(of, "n32").update(retired="1.1.0", split_into=["n33"]), "that is merged_into"),
        (lambda of: label(of, "n30").update(retired="1.1.0"), "its parent n30 is retired"),
        (
            lambda of: (
                label(of, "n32").update(retired="1.1.0", merged_into="n33"),
                label(of, "n33").update(retired="1.1.0", merged_into="n32"),
            ),
            "is merged into itself",
        ),
    ],
)
def test_a_change_that_contradicts_itself_is_named(change: Callable[[Raw], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        book(change)


def test_a_diff_names_each_difference() -> None:
    def all_of_it(of: Raw) -> None:
        split(of)
        merge(of)
        label(of, "n11")["definition"].update(en="Other words.")
        of["fields"] = [field for field in of["fields"] if field["name"] != "voice"]
        of["labels"] = [one for one in of["labels"] if one["field"] != "voice" and one["id"] != "n12"]

    words = {change.what: change.change for change in diff(NARRATIVE, book(all_of_it))}
    assert words["codebook"] == "version 1.0.0 → 1.1.0"
    assert words["label n31"] == "retired, split into n35, n36" and words["label n32"] == "retired, merged into n33"
    assert words["label n35"] == "new" and words["label n12"].startswith("gone")
    assert words["label n11"] == "definition: Names forced labour and rejects it. → Other words."
    assert words["field voice"].startswith("gone") and "label t01" not in words


# -- in a workspace


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Workspace, FakeStudio]:
    """Three posts judged by two annotators."""
    workspace, studio = workspace_of(tmp_path / "w", annotators=("ann-1", "ann-2")), FakeStudio()
    publish(workspace, POSTS)
    push(workspace, studio)
    given = {"ann-1": [["n31"], ["n32"], ["n11"]], "ann-2": [["n31"], ["n33"], ["n11"]]}
    for name, answers in given.items():
        for post, narratives in zip(POSTS, answers, strict=True):
            studio.submit(task_of(studio, f"narrative.{name}", post_id(post)).id, result("narrative", *narratives))
    pull(workspace, studio)
    return workspace, studio


def draft(folder: Path, change: Callable[[Raw], Any], version: str = "1.1.0") -> Path:
    path = folder / "draft.yaml"
    path.write_text(yaml.safe_dump(changed(change, version), allow_unicode=True, sort_keys=False), "utf-8")
    return path


def labels_of(workspace: Workspace) -> dict[tuple[str, str], list[str]]:
    rows = load_judgements(workspace).to_pylist()
    return {(r["annotator"], r["item_id"]): [one["label"] for one in r["labels"]] for r in rows}


def test_a_merge_carries_every_judgement_and_raises_agreement(
    labelled: tuple[Workspace, FakeStudio], tmp_path: Path
) -> None:
    workspace, studio = labelled
    path = draft(tmp_path, merge)
    plan = plan_change(workspace, "narrative", path)
    assert (plan.judgements, plan.carried, plan.relabel, plan.orphaned) == (6, 6, {}, [])
    assert plan.versions == {"narrative": ("1.0.0", "1.1.0"), "photo_text": ("1.1.0", "1.1.1")}
    whole = next(row for row in plan.figures if row["label"] is None)
    assert whole["percent"] == pytest.approx(2 / 3, abs=1e-6) and whole["percent_after"] == 1.0
    assert not (workspace.root / "codebooks" / "narrative" / "codebook.yaml").exists(), "a plan does nothing"
    put_in_force(workspace, "narrative", path)
    assert labels_of(workspace)["ann-1", post_id("soup")] == ["n33"]
    assert {row["codebook_version"] for row in load_judgements(workspace).to_pylist()} == {"1.0.0"}
    assert workspace.codebooks("photo_text").version == "1.1.1"
    push(workspace, studio)
    record = read_json(workspace.annotations_dir / "narrative.ann-1" / "project.json")
    assert record["codebook_version"] == "1.1.0"
    assert [one["codebook_version"] for one in record["earlier"]] == ["1.0.0"]
    assert "n32" not in studio.projects["harbour/narrative.ann-1"]["config"]
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    studio.submit(task.id, result("narrative", "n33"))
    pull(workspace, studio)
    made = {(row["codebook_version"], row["created_at"].minute) for row in load_judgements(workspace).to_pylist()}
    assert {version for version, _ in made} == {"1.0.0", "1.1.0"}
    assert read_judgements(workspace)[1] == []


def test_a_split_leaves_out_those_who_gave_it_and_their_items_are_named(
    labelled: tuple[Workspace, FakeStudio], tmp_path: Path
) -> None:
    workspace, _ = labelled
    plan = put_in_force(workspace, "narrative", draft(tmp_path, split))
    assert (plan.judgements, plan.carried) == (6, 4)
    assert plan.relabel == {post_id("kites"): ("n35", "n36")}
    row = next(r for r in load_judgements(workspace).to_pylist() if r["item_id"] == post_id("kites"))
    assert (row["labels"], row["unanswered"]) == ([], ["n35", "n36"])
    asked = {(q.item_id, q.label) for q in questions(load_judgements(workspace), workspace.codebooks)}
    assert {label for item, label in asked if item == post_id("kites")} == set()


def test_of_a_new_label_earlier_judgements_say_nothing(labelled: tuple[Workspace, FakeStudio], tmp_path: Path) -> None:
    workspace, studio = labelled
    put_in_force(workspace, "narrative", draft(tmp_path, lambda of: new_label(of, "n64", "n63")))
    push(workspace, studio)
    task = task_of(studio, "narrative.ann-1", post_id("lamps"))
    answers = result("narrative", "n11")
    answers[0]["value"]["taxonomy"].append(["n60", "n64"])
    studio.submit(task.id, answers)
    pull(workspace, studio)
    asked = questions(load_judgements(workspace), workspace.codebooks)
    found = {q.label: q.votes for q in asked if q.item_id == post_id("lamps")}
    assert found == {"n11": {"ann-1": "yes", "ann-2": "yes"}, "n64": {"ann-1": "yes"}}


def test_what_would_be_orphaned_is_refused_with_the_list(
    labelled: tuple[Workspace, FakeStudio], tmp_path: Path
) -> None:
    workspace, studio = labelled
    path = draft(tmp_path, drop)
    assert len(plan_change(workspace, "narrative", path).orphaned) == 2
    with pytest.raises(ConflictError, match="orphan 2 judgements") as caught:
        put_in_force(workspace, "narrative", path)
    assert post_id("lamps") in caught.value.message and "ann-1" in caught.value.message
    own = workspace.root / "codebooks" / "narrative"
    (own / "codebook.yaml").write_text(path.read_text("utf-8"), "utf-8")
    before = studio.projects["harbour/narrative.ann-1"]["config"]
    with pytest.raises(ConflictError, match=f"narrative n11 on {post_id('lamps')}"):
        push(workspace, studio)
    assert studio.projects["harbour/narrative.ann-1"]["config"] == before, "nothing was pushed"
    _, rejected = read_judgements(workspace)
    assert len(rejected) == 2 and all("n11 is no longer there" in each.problems[0] for each in rejected)


def test_other_words_under_the_same_version_are_refused(labelled: tuple[Workspace, FakeStudio], tmp_path: Path) -> None:
    workspace, studio = labelled
    path = draft(tmp_path, lambda of: label(of, "n11")["definition"].update(en="Other words."), version="1.0.0")
    with pytest.raises(InputError, match=r"version 1\.0\.0 is not later"):
        put_in_force(workspace, "narrative", path)
    own = workspace.root / "codebooks" / "narrative"
    own.mkdir(parents=True, exist_ok=True)
    (own / "codebook.yaml").write_text(path.read_text("utf-8"), "utf-8")
    with pytest.raises(ConflictError, match="is not what it was"):
        push(workspace, studio)


def test_every_shipped_codebook_is_kept_as_it_is() -> None:
    for task in ("segmentation", "narrative", "photo_text", "adjudication"):
        current = load_codebook(task)
        kept = SHIPPED / task / "versions" / f"{current.version}.json"
        assert Codebook.model_validate(read_json(kept)).sha256 == current.sha256, (
            f"{task} says something else than its version {current.version} did: give it a new one and keep it too"
        )


# -- the commands


def test_the_commands(tmp_path: Path) -> None:
    root = tmp_path / "w"
    inside("init", root, "--annotator", "mia", "--adjudicator", "kit")
    assert [row["task"] for row in told("-C", root, "codebook", "check")][1] == "narrative"
    inside("-C", root, "codebook", "change", "narrative", cwd=tmp_path)
    path = tmp_path / "narrative.codebook.yaml"
    assert "is there already" in inside("-C", root, "codebook", "change", "narrative", cwd=tmp_path, code=2).stderr
    text = path.read_text("utf-8").replace('version: "1.0.0"', 'version: "1.1.0"', 1)
    path.write_text(text.replace("Names forced labour and rejects it.", "Rejects that labour is forced."), "utf-8")
    plan = told("-C", root, "codebook", "change", "narrative", path, "--plan")
    assert plan["changes"][1]["what"] == "label n11" and not (root / "codebooks").exists()
    inside("-C", root, "codebook", "change", "narrative", path)
    assert "Rejects that labour is forced." in inside("-C", root, "codebook", "render", "narrative").stdout
    assert "叙事" in inside("-C", root, "codebook", "render", "narrative", "--language", "zh").stdout
    config = inside("-C", root, "codebook", "render", "photo_text", "--what", "config", "--form", "image").stdout
    assert "Rejects that labour is forced." in config and "<Image" in config
    assert [row["what"] for row in told("-C", root, "codebook", "diff", "narrative", "1.0.0")] == [
        "codebook",
        "label n11",
    ]
    assert told("-C", root, "codebook", "check")[1] | {"labels": 0} == {
        "task": "narrative", "of": "workspace", "version": "1.1.0", "labels": 0, "problems": [], "notes": []
    }  # fmt: skip
