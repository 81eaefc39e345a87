"""Items, assignments and judgements → each project with its tasks. Reads, assigns, sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.items import Item, items
from toolkit.labels.store import load_judgements
from toolkit.rounds.standing import Standing, gate, standings
from toolkit.settings import RoundSettings
from toolkit.tasks import LABEL_TASKS, Project
from toolkit.tasks.assignment import Assignments
from toolkit.tasks.projects import MAIN
from toolkit.tombstones import annotator_id, purged_annotators
from toolkit.votes import latest
from toolkit.workspace import Workspace

Predict = Callable[[Workspace, Sequence[Item]], Mapping[str, Sequence[dict[str, Any]]]]
"""Returns the predictions of items, by item id: each with ``model_version`` and ``result``."""
_ONLY = (RoundSettings(name=MAIN, kind="production"),)


@dataclass(frozen=True)
class Given:
    """An item that goes to a project, under a key, in a round."""

    key: str
    item: Item
    round: str
    round_kind: str


@dataclass
class Work:
    """What is to be in Label Studio: each project's tasks; who stands where; what was assigned anew; what is not due yet."""

    shares: dict[Project, list[Given]] = field(default_factory=dict)
    standings: list[Standing] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def declared(workspace: Workspace) -> tuple[RoundSettings, ...]:
    """Return the rounds of the settings; without any, one of production."""
    return workspace.settings.rounds or _ONLY


def annotators(workspace: Workspace) -> tuple[str, ...]:
    """Return the annotators of the settings; :class:`InputError` where there are none."""
    names = workspace.settings.tasks.annotators
    if not names:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.annotators is empty",
            hint="name them: docposts studio user add NAME --role annotator",
        )
    if gone := [name for name in names if annotator_id(name) in purged_annotators(workspace.ledger)]:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.annotators names {gone[0]}, whose judgements were purged",
            hint="take the name out; another person needs another name",
        )
    return names


def work(workspace: Workspace, assignments: Assignments, only: Sequence[str] = LABEL_TASKS) -> Work:
    """Return what is to be in Label Studio for the latest corpus version; assigns what is not assigned yet."""
    tables = store.open_version(workspace).tables()
    found = items(tables, workspace.settings.tasks.layer)
    judgements = load_judgements(workspace)
    made = Work()
    for task in only:
        of_task = [item for item in found if item.task == task]
        for each in declared(workspace):
            if task in each.tasks:
                _Round(workspace, each, task, of_task, judgements, assignments, made).add()
    place = {name: number for number, name in enumerate(workspace.settings.tasks.annotators)}
    order = {each.name: number for number, each in enumerate(declared(workspace))}
    made.shares = dict(
        sorted(
            made.shares.items(),
            key=lambda pair: (
                only.index(pair[0].task),
                order[pair[0].round],
                pair[0].form,
                place.get(pair[0].annotator, -1),
            ),
        )
    )
    return made


@dataclass
class _Round:
    """One round of one task."""

    workspace: Workspace
    settings: RoundSettings
    task: str
    found: Sequence[Item]
    judgements: pa.Table
    assignments: Assignments
    made: Work

    def add(self) -> None:
        names, name = annotators(self.workspace), self.settings.name
        if self.settings.kind == "repeat":
            self._repeat(names)
            return
        others = [each.name for each in declared(self.workspace) if each.name != name and each.kind != "repeat"]
        taken = {item for other in others for item in self.assignments.items(other, self.task)}
        free = [item for item in self.found if item.item_id not in taken]
        chosen = self.assignments.choose(name, self.task, free, self.settings.items)
        if len(chosen) < self.settings.items:
            self.made.waiting.append(
                f"{name} ({self.task}) has {len(chosen)} of {self.settings.items} items: the others are in other rounds"
            )
        if self.settings.kind == "production":
            readers = self._let_in(names)
            overlap = self.workspace.settings.tasks.overlap or len(names)
            self.assignments.deal(name, self.task, chosen, readers, overlap)
        elif self.settings.kind == "calibration":
            self.assignments.deal(name, self.task, chosen, names, len(names))
            self._stand(self.settings, names)
        else:
            self._training(chosen, names)
        self._share(chosen, names)

    def _stand(self, calibration: RoundSettings, names: Sequence[str]) -> list[Standing]:
        has = list(self.assignments.items(calibration.name, self.task))
        stand = standings(self.judgements, calibration, self.task, has, names, self.workspace.codebooks)
        self.made.standings += [each for each in stand if each not in self.made.standings]
        return stand

    def _let_in(self, names: Sequence[str]) -> list[str]:
        """Return who may begin: all, or those that passed the calibration; who has begun goes on."""
        calibration = gate(self.workspace.settings, self.settings.name)
        if calibration is None or self.task not in calibration.tasks:
            return list(names)
        begun = {name for own in self.assignments.items(self.settings.name, self.task).values() for name in own}
        let_in = []
        for each in self._stand(calibration, names):
            if each.passed or each.annotator in begun:
                let_in.append(each.annotator)
            else:
                self.made.waiting.append(
                    f"{each.annotator} waits for {self.settings.name} ({self.task}): {calibration.name} {_say(each)}"
                )
        return let_in

    def _training(self, chosen: Sequence[Item], names: Sequence[str]) -> None:
        """Give all to whose answers are shown, and to the annotators what that person has answered."""
        expert = self.settings.answers_by or self.workspace.settings.tasks.adjudicator or ""
        self.assignments.deal(self.settings.name, self.task, chosen, [expert], 1)
        rows = self.judgements.to_pylist()
        done = {
            row["item_id"]
            for row in rows
            if (row["round"], row["task"], row["annotator"], row["skipped"])
            == (self.settings.name, self.task, expert, False)
        }
        learners = [name for name in names if name != expert]
        ready = [item for item in chosen if item.item_id in done]
        self.assignments.deal(self.settings.name, self.task, ready, learners, len(learners))
        if len(ready) < len(chosen):
            self.made.waiting.append(
                f"{self.settings.name} ({self.task}): {expert} answers first, {len(ready)} of {len(chosen)} so far"
            )

    def _share(self, chosen: Sequence[Item], names: Sequence[str]) -> None:
        has = self.assignments.items(self.settings.name, self.task)
        shared = self.workspace.settings.tasks.projects == "shared" and self.settings.kind == "production"
        for item in chosen:
            # Whoever is no annotator any more is given nothing; an expert need not be one.
            mine = [n for n in has.get(item.item_id, ()) if n in names or self.settings.kind == "training"]
            for name in [""] if shared else mine:
                self._give(Given(item.key, item, self.settings.name, self.settings.kind), name)

    def _give(self, given: Given, name: str, home: RoundSettings | None = None) -> None:
        where = home or self.settings
        project = Project.of(self.task, given.item.form, name, where.name, where.kind)
        self.made.shares.setdefault(project, []).append(given)

    def _repeat(self, names: Sequence[str]) -> None:
        """Give each annotator a share of what they have judged once more, in the project where they saw it, unmarked."""
        rounds = {each.name: each for each in declared(self.workspace)}
        before = [each.name for each in rounds.values() if each.kind == "production"]
        home = rounds[self.settings.of or before[-1]]
        by_id = {item.item_id: item for item in self.found}
        rows = [row for row in latest(self.judgements) if (row["round"], row["task"]) == (home.name, self.task)]
        for name in names:
            judged = [
                r["item_id"] for r in rows if r["annotator"] == name and not r["skipped"] and r["item_id"] in by_id
            ]
            wanted = self._drawn(name, judged)
            for item_id in wanted:
                self.assignments.add(self.settings.name, self.task, item_id, name)
                item = by_id[item_id]
                key = sha256_text(f"{self.settings.name}\n{item.key}")[:32]
                self._give(Given(key, item, self.settings.name, "repeat"), name, home)

    def _drawn(self, name: str, judged: Sequence[str]) -> list[str]:
        """Return the items that an annotator sees again: those drawn before, and more while the share is not reached."""
        has = self.assignments.items(self.settings.name, self.task)
        kept = [item_id for item_id in judged if name in has.get(item_id, ())]
        seed = self.workspace.settings.tasks.seed
        free = sorted(set(judged) - set(kept), key=lambda i: sha256_text(f"{seed}\n{self.settings.name}\n{name}\n{i}"))
        return [*kept, *free[: max(int(len(judged) * self.settings.share) - len(kept), 0)]]


def _say(standing: Standing) -> str:
    figure = "nobody to compare with yet" if standing.agreement is None else f"agreement {standing.agreement:.2f}"
    return f"{standing.judged} of {standing.items} judged, {figure}, bar {standing.bar:.2f}"
