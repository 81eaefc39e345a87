"""Calibration, production and repeat on the real server: who stands where, and what an annotator can tell by."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from tests.command import inside
from tests.fake_studio import publish, result
from tests.plugins.studio import StudioServer
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.connect import TOKEN_VARIABLE
from toolkit.rounds import push
from toolkit.workspace import Workspace, new_settings

NAMES = ("anna", "bela")
ROUNDS: list[dict[str, Any]] = [
    {"name": "first", "kind": "calibration", "items": 2, "bar": 0.6, "tasks": ["narrative"]},
    {"name": "main", "kind": "production", "tasks": ["narrative"]},
    {"name": "again", "kind": "repeat", "share": 0.5, "tasks": ["narrative"]},
]


class Lab:
    """Two annotators on the session's server."""

    def __init__(self, folder: Path, server: StudioServer, rounds: list[dict[str, Any]], **tasks: Any) -> None:
        self.name = f"rounds-{uuid.uuid4().hex[:8]}"
        settings = new_settings(
            self.name, tasks={"annotators": list(NAMES)} | tasks, label_studio={"url": server.url}, rounds=rounds
        )
        self.workspace = Workspace.create(folder / self.name, settings)
        publish(self.workspace, {f"p{n}": f"An invented sentence about kites, the {n}th." for n in range(6)})
        self.token = server.accounts["owner"].token
        self.owner = Studio(server.url, self.token)
        self.own = {name: Studio(server.url, server.accounts[name].token) for name in NAMES}

    def push(self) -> list[str]:
        return push(self.workspace, self.owner)[1].waiting

    def tasks(self, project: str, name: str) -> list[dict[str, Any]]:
        """Return the tasks of a project that have no answer yet, as the server gives them to their annotator."""
        server = self.own[name]
        rows = server.annotations(server.require_project(f"{self.name}/{project}.{name}"))
        return [server._transport.page(f"api/tasks/{row.id}/", {}) for row in rows if not row.annotations]

    def answer(self, project: str, name: str, *labels: str) -> None:
        for task in self.tasks(project, name):
            self.own[name].submit(task["id"], result("narrative", *labels), unique_id=str(uuid.uuid4()), lead_time=4.0)
        pull(self.workspace, self.owner)

    def status(self) -> tuple[dict[str, tuple[int, int]], dict[str, bool]]:
        """Return (done, left) by project, and who passed, as the command tells."""
        env = {TOKEN_VARIABLE: self.token}
        found = json.loads(inside("-C", self.workspace.root, "tasks", "status", "--json", env=env).stdout)
        projects = {row["project"]: (row["done"], row["left"]) for row in found["projects"]}
        return projects, {row["annotator"]: row["passed"] for row in found["calibration"]}


def test_from_calibration_to_production_to_repeats(tmp_path: Path, studio_server: StudioServer) -> None:
    lab = Lab(tmp_path, studio_server, ROUNDS)
    assert len(lab.push()) == 2, "both wait for production"
    lab.answer("narrative@first", "anna", "n11")
    lab.answer("narrative@first", "bela", "n11")
    assert lab.push() == []
    before = lab.tasks("narrative", "anna")
    lab.answer("narrative", "anna", "n12")
    projects, passed = lab.status()
    assert passed == dict.fromkeys(NAMES, True)
    assert (projects["narrative.anna"], projects["narrative.bela"]) == ((4, 0), (0, 4))
    lab.push()
    shown = {task["data"]["item_id"]: task for task in before}
    again = lab.tasks("narrative", "anna")
    assert len(again) == 2, "half of four, in the project where she saw them"
    for task in again:
        first = shown[task["data"]["item_id"]]
        keys = {name for name in task if task[name] != first[name]}
        assert task["data"] | {"key": ""} == first["data"] | {"key": ""}
        assert keys <= {"id", "data", "inner_id", "created_at", "updated_at", "last_activity"}, keys
        assert len(task["data"]["key"]) == len(first["data"]["key"])
    lab.answer("narrative", "anna", "n11")
    rounds = [(row["round"], row["round_kind"]) for row in load_judgements(lab.workspace).to_pylist()]
    assert {about: rounds.count(about) for about in rounds} == {
        ("first", "calibration"): 4,
        ("main", "production"): 4,
        ("again", "repeat"): 2,
    }


def test_a_shared_project_gives_each_task_to_one_and_takes_authors_from_accounts(
    tmp_path: Path, studio_server: StudioServer
) -> None:
    lab = Lab(tmp_path, studio_server, [], projects="shared", overlap=1)
    lab.push()
    given: dict[int, str] = {}
    for name in (*NAMES, *NAMES):
        server = lab.own[name]
        task = server._transport.page(f"api/projects/{server.require_project(f'{lab.name}/narrative')}/next", {})
        assert task["id"] not in given, "a task that somebody has answered goes to nobody else"
        given[task["id"]] = name
        server.submit(task["id"], result("narrative", "n11"), unique_id=str(uuid.uuid4()), lead_time=4.0)
    pull(lab.workspace, lab.owner)
    rows = load_judgements(lab.workspace).to_pylist()
    assert sorted(row["annotator"] for row in rows) == ["anna", "anna", "bela", "bela"]
    assert len({row["item_id"] for row in rows}) == 4
