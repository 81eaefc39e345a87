"""Predictions off, hidden and shown, on the real server: what an annotator can find there, and what is compared later."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.command import inside
from tests.fake_studio import post_id, publish, result
from tests.plugins.studio import StudioServer
from toolkit.fsio import read_json
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.connect import TOKEN_VARIABLE
from toolkit.rounds import push
from toolkit.workspace import Workspace, new_settings

# Invented; the first two hold words of the lexicon, the third none.
POSTS = {
    "one": "Nobody on Lantern Quay is forced to work; they sow discord.",
    "two": "They sow discord, and they will fail.",
    "three": "Soup and nets.",
}


class Lab:
    """A workspace on the session's server, its commands, and what its annotator can find there."""

    def __init__(self, folder: Path, server: StudioServer) -> None:
        self.name = f"lab-{uuid.uuid4().hex[:8]}"
        settings = new_settings(
            self.name, tasks={"annotators": ["anna"], "predictions": "off"}, label_studio={"url": server.url}
        )
        self.workspace = Workspace.create(folder / self.name, settings)
        publish(self.workspace, POSTS)
        self.token = server.accounts["owner"].token
        self.owner = Studio(server.url, self.token)
        self.anna = Studio(server.url, server.accounts["anna"].token)

    def mode(self, name: str, *, by_command: bool = False) -> None:
        """Set how predictions are used, and push."""
        path = self.workspace.root / "docposts.toml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("predictions = ")]
        lines.insert(lines.index("[tasks]") + 1, f'predictions = "{name}"')
        path.write_text("\n".join(lines) + "\n")
        self.workspace = Workspace.open(self.workspace.root)
        if by_command:
            env = {TOKEN_VARIABLE: self.token}
            inside("-C", self.workspace.root, "tasks", "push", env=env)
        else:
            push(self.workspace, self.owner)

    @property
    def project(self) -> int:
        return self.anna.require_project(f"{self.name}/narrative.anna")

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return what the server answers anna of each task, by item, as her browser asks it."""
        rows = self.anna.annotations(self.project)
        found = [self.anna._transport.page(f"api/tasks/{row.id}/", {}) for row in rows]
        return {task["data"]["item_id"]: task for task in found}

    def seen(self) -> dict[str, list[str]]:
        """Return the versions of the predictions that anna can find, by item."""
        every = self.anna._transport.page("api/predictions", {"project": self.project})
        found = {
            item: sorted(each["model_version"] for each in task["predictions"]) for item, task in self.tasks().items()
        }
        assert len(every) == sum(map(len, found.values()))
        return found

    def next(self) -> dict[str, Any]:
        task: dict[str, Any] = self.anna._transport.page(f"api/projects/{self.project}/next", {})
        return task

    def answer(self, name: str, *labels: str) -> None:
        task = self.tasks()[post_id(name)]
        self.anna.submit(task["id"], result("narrative", *labels), unique_id=str(uuid.uuid4()), lead_time=4.0)


@pytest.fixture
def lab(tmp_path: Path, studio_server: StudioServer) -> Lab:
    return Lab(tmp_path, studio_server)


def test_what_is_hidden_is_nowhere_on_the_server_and_compared_later(lab: Lab) -> None:
    one, two, three = map(post_id, POSTS)
    lab.mode("off")
    assert lab.seen() == {one: [], two: [], three: []}
    lab.mode("hidden", by_command=True)
    assert lab.seen() == {one: [], two: [], three: []}
    assert lab.next()["predictions"] == []
    lab.answer("one", "n11")
    lab.answer("three", "n11")
    lab.mode("shown")
    version = lab.next()["predictions"][0]["model_version"]
    assert version.startswith("cues-")
    assert lab.seen() == {one: [], two: [version], three: []}, "what was judged stays as it was judged"
    assert lab.next()["data"]["item_id"] == two
    before = lab.seen()
    lab.mode("shown")
    assert lab.seen() == before, "once"
    lab.answer("two", "n32", "n82")
    pull(lab.workspace, lab.owner)
    rows = {row["item_id"]: row for row in load_judgements(lab.workspace).to_pylist()}
    assert {item: (row["predictions_shown"], row["prediction_version"]) for item, row in rows.items()} == {
        one: (False, version),
        two: (True, version),
        three: (False, version),
    }
    printed = inside("-C", lab.workspace.root, "labels", "predictions", "--json").stdout
    about = {
        (row["label"], row["shown"]): tuple(row[n] for n in ("predicted", "accepted", "changed", "rejected", "added"))
        for row in json.loads(printed)
    }
    assert about == {
        ("n11", False): (1, 0, 1, 0, 1),
        ("n32", False): (1, 0, 0, 1, 0),
        ("n32", True): (1, 0, 1, 0, 0),
        ("n82", True): (1, 0, 1, 0, 0),
    }, "a label without the words that were foreseen is changed; one that the lexicon missed is added"


def test_what_is_shown_no_longer_is_taken_away(lab: Lab) -> None:
    one, two, three = map(post_id, POSTS)
    lab.mode("shown")
    version = lab.next()["predictions"][0]["model_version"]
    assert lab.seen() == {one: [version], two: [version], three: []}
    lab.answer("one", "n11")
    own = lab.workspace.codebooks.folder / "narrative" / "cues.yaml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text('version: "9.0.0"\ncues:\n  n72: ["soup"]\n', "utf-8")
    lab.mode("shown")
    assert lab.seen() == {one: [version], two: [], three: ["cues-9.0.0"]}, "another lexicon"
    lab.mode("off")
    assert lab.seen() == {one: [version], two: [], three: []}
    assert read_json(lab.workspace.annotations_dir / "narrative.anna" / "project.json")["annotator"] == "anna"
    lab.answer("three", "n98")
    pull(lab.workspace, lab.owner)
    rows = {row["item_id"]: row for row in load_judgements(lab.workspace).to_pylist()}
    assert (rows[one]["predictions_shown"], rows[one]["prediction_version"]) == (True, version)
    assert (rows[three]["predictions_shown"], rows[three]["prediction_version"]) == (False, None)
