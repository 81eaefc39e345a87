"""Adjudication on the real server, its commands killed on the way and run again: each question and decision once."""

from __future__ import annotations

import signal
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.command import inside, start
from tests.fake_studio import post_id, publish, result
from tests.plugins.adjudication import decision_of
from tests.plugins.faults import Database, Fault, FaultProxy
from tests.plugins.studio import StudioServer
from toolkit import rounds
from toolkit.adjudication.store import history, standing
from toolkit.labels import pull as labels_pull
from toolkit.workspace import Workspace, new_settings


def test_a_push_and_a_pull_that_were_killed_are_run_again(
    tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"w{uuid.uuid4().hex[:10]}"
    people = {"annotators": ["anna", "bela"], "adjudicator": "owner"}
    workspace = Workspace.create(tmp_path / name, new_settings(name, tasks=people, label_studio={"url": faulty.url}))
    publish(workspace, {post: f"An invented post of the {post}" for post in ("soup", "kites", "lamps")})
    owner = studio_server.client("owner")
    rounds.push(workspace, owner)
    for who, label in (("anna", "n11"), ("bela", "n12")):
        own = studio_server.client(who)
        for task in own.annotations(own.require_project(f"{name}/narrative.{who}")):
            own.submit(task.id, result("narrative", label), unique_id=str(uuid.uuid4()), lead_time=1.0)
    labels_pull.pull(workspace, owner)
    asked = {question.id for question in standing(workspace).open}
    assert len(asked) == 6
    monkeypatch.setenv("DOCPOSTS_LABEL_STUDIO_TOKEN", studio_server.accounts["owner"].token)
    words = ("-C", workspace.root, "adjudicate")

    def killed(command: str, method: str, path: str) -> None:
        process = start(*words, command)
        faulty.fault = Fault(method, path, "after", process.kill)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, faulty.seen

    killed("push", "POST", "/import$")
    inside(*words, "push")
    marker = f"{name}/adjudication.narrative"
    assert Database(studio_server.folder).tasks(marker) == Counter(asked), "each once"
    for task in owner.annotations(owner.require_project(marker)):
        outcome = "yes" if task.data["label"] == "n11" else "contested"
        owner.submit(task.id, decision_of(outcome, "rule_gap", "One gap."), unique_id=str(uuid.uuid4()), lead_time=1.0)
    killed("pull", "GET", "/api/tasks$")
    inside(*words, "pull")
    assert Counter(record["question_id"] for record in history(workspace)) == Counter(asked)
    rows = standing(workspace).decisions.to_pylist()
    told = {(row["item_id"], row["label"]): (row["outcome"], row["decided_by"]) for row in rows}
    assert told == {
        (post_id(post), label): (outcome, "owner")
        for post in ("soup", "kites", "lamps")
        for label, outcome in (("n11", "yes"), ("n12", "contested"))
    }
