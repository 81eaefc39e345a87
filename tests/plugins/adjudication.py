"""Adjudication against a Label Studio in memory: a workspace pushed to three annotators, and the moves of a test."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.fake_studio import FakeStudio, photo_id, post_id, publish, result, task_of, workspace_of
from toolkit import rounds
from toolkit.adjudication import pull, push
from toolkit.adjudication.store import load_decisions, standing
from toolkit.decisionresult import DecisionAnswer, build_decision_result
from toolkit.labelresult import Result
from toolkit.labels import pull as labels_pull
from toolkit.tasks import Plan
from toolkit.workspace import SETTINGS_FILE, Workspace, render_settings

PEOPLE = ("brim-tolly", "ansel-quill", "mira-oster")
POSTS = {"kites": "No one carries stones.", "soup": "Soup, nets and kites.", "lamps": "Salt lamps are no crime."}
PHOTOS = {"card": "Who judges the judge?"}


@pytest.fixture(scope="session")
def pushed_for_adjudication(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, FakeStudio]:
    workspace = workspace_of(tmp_path_factory.mktemp("adjudication") / "w", annotators=PEOPLE)
    studio = FakeStudio()
    publish(workspace, POSTS, PHOTOS)
    rounds.push(workspace, studio)
    return workspace, studio


class Case:
    """A workspace with its server, and the moves of a test."""

    def __init__(self, workspace: Workspace, studio: FakeStudio) -> None:
        self.workspace, self.studio = workspace, studio

    def declare(self, *, adjudicator: str | None = None, **adjudication: Any) -> None:
        """Change the settings of ``[adjudication]``, or who adjudicates."""
        settings = self.workspace.settings
        tasks = settings.tasks.model_copy(update={"adjudicator": adjudicator} if adjudicator else {})
        own = settings.adjudication.model_copy(update=adjudication)
        changed = settings.model_copy(update={"tasks": tasks, "adjudication": own})
        (self.workspace.root / SETTINGS_FILE).write_text(render_settings(changed))
        self.workspace = Workspace.open(self.workspace.root)

    def vote(self, name: str, *answers: Result | None) -> None:
        """Each annotator's answer on a post or photo text, in the order of :data:`PEOPLE`; None: none."""
        for who, answer in zip(PEOPLE, answers, strict=False):
            if answer is not None:
                self.studio.submit(self.task(who, name).id, answer)
        labels_pull.pull(self.workspace, self.studio)

    def task(self, who: str, name: str) -> Any:
        photo = name in PHOTOS
        project = f"{'photo_text-text' if photo else 'narrative'}.{who}"
        return task_of(self.studio, project, photo_id(name) if photo else post_id(name))

    def narratives(self, name: str, *labels: str | None) -> None:
        """Each annotator's narratives on a post, several with a blank between."""
        self.vote(name, *(None if given is None else result("narrative", *given.split()) for given in labels))

    def asked(self, task: str = "narrative") -> list[Any]:
        """The tasks of an adjudication project."""
        return self.studio.of(f"harbour/adjudication.{task}")

    def decide(
        self, decision: str, *, reason: str = "slip", task: str = "narrative", comment: str | None = None, **about: Any
    ) -> int:
        (found,) = [t for t in self.asked(task) if about.items() <= t.data.items()]
        return self.studio.submit(found.id, decision_of(decision, reason, comment)).annotation_id

    def pull(self) -> tuple[int, int, int]:
        found = pull.pull(self.workspace, self.studio)
        return found.recorded, found.known, len(found.rejected)

    def push(self) -> list[Plan]:
        return push.push(self.workspace, self.studio)

    def outcomes(self) -> dict[tuple[str, str | None], tuple[str, str]]:
        """(Field, label) → outcome and method, of the decisions in force."""
        rows = load_decisions(self.workspace).to_pylist()
        return {(row["field"], row["label"]): (row["outcome"], row["method"]) for row in rows}

    def open(self) -> list[tuple[str, str | None]]:
        return [(question.field, question.label) for question in standing(self.workspace).open]


@pytest.fixture
def case(tmp_path: Path, pushed_for_adjudication: tuple[Workspace, FakeStudio]) -> Case:
    shutil.copytree(pushed_for_adjudication[0].root, tmp_path / "w", symlinks=True)
    return Case(Workspace.open(tmp_path / "w"), copy.deepcopy(pushed_for_adjudication[1]))


def decision_of(decision: str, reason: str = "slip", comment: str | None = None) -> Result:
    return build_decision_result(DecisionAnswer(decision, reason, comment))
