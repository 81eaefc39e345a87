"""A workspace's own codebooks: decisions hold over a rename, own reasons and roles are read, what cannot be is told."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import inside, told
from tests.fake_studio import FakeStudio, publish, result, workspace_of
from tests.test_codebook_changes import changed, label, merge, new_label, rename, split
from toolkit.adjudication import pull as decisions_pull
from toolkit.adjudication import push as decisions_push
from toolkit.adjudication.store import load_decisions, standing
from toolkit.decisionresult import DecisionAnswer, build_decision_result
from toolkit.labels.change import put_in_force
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements
from toolkit.release.coded import coded_fields
from toolkit.resources import resource
from toolkit.rounds.push import push
from toolkit.workspace import Workspace

Raw = dict[str, Any]
NAMES = ("ann-1", "ann-2", "ann-3")


def shipped(task: str) -> Raw:
    found: Raw = yaml.safe_load((resource("annotation_configs") / task / "codebook.yaml").read_text("utf-8"))
    return found


def also(of: Raw, like: str, label_id: str, **other: str) -> None:
    """Add a label like another one, new in 9.0.0."""
    new = copy.deepcopy(label(of, like)) | {"id": label_id, "since": "9.0.0", "name": {"en": label_id, "zh": label_id}}
    of["labels"].append({name: value for name, value in (new | other).items() if name != "hotkey"})


def put(workspace: Workspace, task: str, content: Raw) -> None:
    path = workspace.root.parent / f"{task}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    put_in_force(workspace, task, path)


class Lab:
    """Three annotators who differ, and an adjudicator."""

    def __init__(self, folder: Path, photos: dict[str, str] | None = None) -> None:
        self.workspace, self.studio = workspace_of(folder / "w"), FakeStudio()
        publish(self.workspace, {"kites": "No one carries stones."}, photos)

    def vote(self, project: str, *results: list[Raw]) -> None:
        push(self.workspace, self.studio)
        for name, given in zip(NAMES, results, strict=True):
            (task,) = self.studio.of(f"harbour/{project}.{name}")
            self.studio.submit(task.id, given)
        pull(self.workspace, self.studio)

    def decide(self, task: str, decision: str, reason: str = "slip", **about: str) -> None:
        decisions_push.push(self.workspace, self.studio)
        (found,) = [t for t in self.studio.of(f"harbour/adjudication.{task}") if about.items() <= t.data.items()]
        self.studio.submit(found.id, build_decision_result(DecisionAnswer(decision, reason)))
        assert decisions_pull.pull(self.workspace, self.studio).rejected == ()

    def decided(self) -> dict[str | None, str]:
        rows = load_decisions(self.workspace).to_pylist()
        return {row["label"]: row["outcome"] for row in rows if row["method"] == "adjudicated"}


@pytest.mark.parametrize("outcome", ["yes", "no", "contested"])
def test_a_decision_holds_over_a_rename(tmp_path: Path, outcome: str) -> None:
    lab = Lab(tmp_path)
    lab.vote("narrative", result("narrative", "n33"), result("narrative", "n33"), result("narrative", "n11"))
    lab.decide("narrative", outcome, label="n33")
    assert lab.decided() == {"n33": outcome}
    put(lab.workspace, "narrative", changed(rename))
    assert lab.decided() == {"n34": outcome}
    found = standing(lab.workspace)
    assert found.outdated == [] and [q.label for q in found.open] == ["n11"]
    before = len(lab.studio.of("harbour/adjudication.narrative"))
    decisions_push.push(lab.workspace, lab.studio)
    assert len(lab.studio.of("harbour/adjudication.narrative")) == before, "it is not asked again"


@pytest.mark.parametrize(("outcome", "after"), [("yes", {"n33": "yes"}), ("no", {})])
def test_a_yes_to_a_label_is_a_yes_to_what_it_was_merged_into_and_a_no_is_none(
    tmp_path: Path, outcome: str, after: dict[str, str]
) -> None:
    lab = Lab(tmp_path)
    lab.vote("narrative", result("narrative", "n32"), result("narrative", "n32"), result("narrative", "n11"))
    lab.decide("narrative", outcome, label="n32")
    put(lab.workspace, "narrative", changed(merge))
    assert lab.decided() == after
    assert [q.label for q in standing(lab.workspace).open] == (["n11"] if after else ["n11", "n33"])


def carrier_renamed(lab: Lab) -> None:
    """Let a value be voted on and decided, and then be called something else."""
    given = [result("photo_text", "n98", chosen={"carrier": [name]}) for name in ("poster", "poster", "photo")]
    lab.vote("photo_text-text", *given)
    lab.decide("photo_text", "poster", field="carrier")
    own = shipped("photo_text")
    own["version"] = "9.0.0"
    also(own, "poster", "placard")
    label(own, "poster").update(retired="9.0.0", merged_into="placard")
    put(lab.workspace, "photo_text", own)


def test_a_decided_value_is_called_as_the_codebook_calls_it_today(tmp_path: Path) -> None:
    lab = Lab(tmp_path, {"card": "Who judges the judge?"})
    carrier_renamed(lab)
    rows = [row for row in load_decisions(lab.workspace).to_pylist() if row["field"] == "carrier"]
    assert [(row["outcome"], row["method"]) for row in rows] == [("placard", "adjudicated")]
    assert standing(lab.workspace).outdated == []


def test_reasons_are_those_of_the_workspace_s_own_codebook(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    own = shipped("adjudication")
    own["version"] = "9.0.0"
    also(own, "slip", "haste")
    put(lab.workspace, "adjudication", own)
    lab.vote("narrative", result("narrative", "n33"), result("narrative", "n33"), result("narrative", "n11"))
    lab.decide("narrative", "yes", "haste", label="n33")
    assert {row["reason"] for row in load_decisions(lab.workspace).to_pylist() if row["label"] == "n33"} == {"haste"}


def test_check_tells_what_no_release_and_no_command_can_hold(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    own = changed(lambda of: new_label(of, "n64", "n63"), "9.0.0")
    own["fields"] = [field for field in own["fields"] if field["name"] != "voice"]
    own["fields"].append({"name": "mood", "kind": "single", "question": {"en": "Mood?", "zh": "语气？"}})
    own["labels"] = [one for one in own["labels"] if one["field"] != "voice"]
    also(own, "n71", "glad", field="mood")
    own["labels"][-1].pop("parent")
    put(workspace, "narrative", own)
    spans = shipped("segmentation")
    spans["version"] = "9.0.0"
    also(spans, "post", "poem")
    put(workspace, "segmentation", spans)
    done = inside("-C", workspace.root, "codebook", "check", "--json", code=3)
    rows = {row["task"]: row for row in json.loads(done.stdout)}
    assert rows["narrative"]["notes"] == [
        "field mood (single): a release has no columns for it; its answers are in judgements alone",
        "field voice is not asked: its columns stay empty",
    ]
    fields = coded_fields(workspace.codebooks("narrative"))
    assert [one.name for one in fields] == ["narrative", "technique", "target"], "those that a release shows as columns"
    assert rows["segmentation"]["problems"] == ["label poem: no role that segments.jsonl knows"]
    assert rows["photo_text"]["notes"] == rows["adjudication"]["notes"] == []
    assert [row["notes"] for row in told("codebook", "check", cwd=workspace_of(tmp_path / "plain").root)] == [[]] * 4


def traced(lab: Lab, *words: str) -> tuple[Any, str]:
    """Return the only step of a trace as the command gives it, and its page's words."""
    (item,) = set(load_judgements(lab.workspace)["item_id"].to_pylist())
    path = lab.workspace.root / "trace.html"
    (step,) = json.loads(inside("-C", lab.workspace.root, "trace", item, *words, "--json", "-o", path).stdout)["steps"]
    return step, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", path.read_text("utf-8")))


def test_the_way_back_of_a_merged_label_tells_what_was_said_of_which_part(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.vote("narrative", result("narrative", "n32"), result("narrative", "n33"), result("narrative", "n11"))
    lab.decide("narrative", "no", label="n32")
    put(lab.workspace, "narrative", changed(merge))
    step, page = traced(lab, "n33")
    assert [(v["value"], v["given"]) for v in step["votes"]] == [("yes", ["n32"]), ("yes", []), ("no", [])]
    (said,) = step["decisions"]
    assert (said["label"], said["outcome"], said["in_force"]) == ("n32", "no", False)
    assert said["standing"] == "of n32 alone, which was merged since"
    assert step["renames"] == [{"old": "n32", "new": "n33", "version": "1.1.0", "merged": True}]
    assert {(r["version"], r["label"]) for r in step["rules"]} == {("1.0.0", "n33"), ("1.0.0", "n32")}
    assert "n32 was merged into n33, in codebook narrative 1.1.0." in page


def test_the_way_back_of_a_value_and_of_a_label_that_was_split(tmp_path: Path) -> None:
    lab = Lab(tmp_path, {"card": "Who judges the judge?"})
    lab.vote("narrative", *[result("narrative", "n31")] * 3)
    carrier_renamed(lab)
    put(lab.workspace, "narrative", changed(split))
    rows = load_judgements(lab.workspace).to_pylist()
    (photo,) = {row["item_id"] for row in rows if row["task"] == "photo_text"}
    (post,) = {row["item_id"] for row in rows if row["task"] == "narrative"}
    (step,) = json.loads(inside("-C", lab.workspace.root, "trace", photo, "carrier", "--json").stdout)["steps"]
    assert (step["outcome"], [v["given"] for v in step["votes"]]) == ("placard", [["poster"], ["poster"], []])
    assert [(s["outcome"], s["standing"]) for s in step["decisions"]] == [("poster", "in force")]
    assert step["renames"] == [{"old": "poster", "new": "placard", "version": "9.0.0", "merged": False}]
    told = inside("-C", lab.workspace.root, "trace", post, "n31", code=1).stderr
    assert "n31 was split into n35, n36 in narrative 1.1.0" in told
