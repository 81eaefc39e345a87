"""One vote of the examples changed: what follows, through the whole loop, is what ``independent.py`` says from the files.

The loop runs against a Label Studio in memory: push, annotate, pull, agreement, push of conflicts, decide, pull, rows of
a release. Each change is made to a workspace that has been through the loop with the examples as they are.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.conftest import EXAMPLES
from tests.fake_studio import FakeStudio
from tests.independent import Gold
from toolkit import rounds
from toolkit.adjudication import pull as decisions_pull
from toolkit.adjudication import push as decisions_push
from toolkit.adjudication.store import load_decisions, standing
from toolkit.agreement.figures import agreement
from toolkit.codebook import load_codebook
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.demo import examples, simulate
from toolkit.fsio import read_jsonl, write_jsonl
from toolkit.labels import pull
from toolkit.labels.store import read_judgements
from toolkit.release import rows as release_rows
from toolkit.settings import AgreementSettings
from toolkit.sources import registry, segments
from toolkit.workspace import Workspace, new_settings

Record = dict[str, Any]
CONFIG = {"narrative": "posts", "photo_text": "photo_texts"}
WITHOUT_BOOTSTRAP = AgreementSettings(bootstrap=0)


@dataclass
class Loop:
    """A workspace, its server, and an examples folder whose judgements may be changed."""

    workspace: Workspace
    studio: FakeStudio
    examples: Path

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(simulate, "connect", lambda *_: self.studio)
        simulated = self.examples / "simulated"
        simulate.annotate(self.workspace, simulated)
        pull.pull(self.workspace, self.studio)
        decisions_push.push(self.workspace, self.studio)
        simulate.decide(self.workspace, simulated)
        decisions_pull.pull(self.workspace, self.studio)

    def records(self, task: str, annotator: str) -> list[Record]:
        return independent.lines(self.file(task, annotator))

    def file(self, task: str, annotator: str) -> Path:
        return self.examples / "simulated" / f"{task}.{annotator}.jsonl"

    def copied(self, folder: Path) -> Loop:
        shutil.copytree(self.workspace.root, folder / "w", symlinks=True)
        shutil.copytree(self.examples, folder / "examples")
        return Loop(Workspace.open(folder / "w"), copy.deepcopy(self.studio), folder / "examples")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """The loop with the examples as they are."""
    folder = tmp_path_factory.mktemp("flip")
    shutil.copytree(EXAMPLES, folder / "examples")
    annotators, adjudicator = examples.people(EXAMPLES / "simulated")
    people = {"annotators": annotators, "adjudicator": adjudicator}
    loop = Loop(Workspace.create(folder / "w", new_settings("flip", tasks=people)), FakeStudio(), folder / "examples")
    for report in examples.reports(loop.examples / "reports"):
        source = registry.add(loop.workspace, report.path, meta=report.meta, facts=report.facts)
        segments.accept(loop.workspace, source, report.spans)
    build(loop.workspace)
    rounds.push(loop.workspace, loop.studio)
    with pytest.MonkeyPatch.context() as monkeypatch:
        loop.run(monkeypatch)
        yield loop


def conflict_list(loop: Loop) -> set[independent.Question]:
    keys = simulate.item_keys(loop.workspace)
    found = standing(loop.workspace)
    asked = [*found.open, *found.adjudicated]
    pushed = {
        record["question_id"]
        for path in loop.workspace.decisions_dir.glob("*/alternatives.jsonl")
        for _, record in read_jsonl(path)
    }
    today = {question.id for question in asked}
    assert today <= pushed, "what stands in conflict is asked; what was asked earlier stays on record"
    on_server = {
        key
        for task in ("adjudication.narrative", "adjudication.photo_text", "adjudication-image.photo_text")
        for key in loop.studio.task_keys(loop.studio.find_project(f"flip/{task}") or 0)
    }
    assert pushed <= on_server
    return {(*keys[q.item_id], q.task, q.field, q.label) for q in asked}


def released(loop: Loop) -> dict[tuple[str, str, str, str], Gold]:
    """The coded cells of a release's rows, by source, key, task and field."""
    keys, codebooks = simulate.item_keys(loop.workspace), {task: load_codebook(task) for task in CONFIG}
    judgements, _ = read_judgements(loop.workspace)
    corpus = store.open_version(loop.workspace).tables()
    made = release_rows.make(corpus, judgements, load_decisions(loop.workspace), codebooks, bytes(32))
    assert made.dropped == {}
    cells = {}
    for task, config in CONFIG.items():
        for row in made.rows[config].to_pylist():
            for field in (*independent.MULTI[task], *independent.SINGLE[task]):
                value, contested, undecided = (row[f"{field}{suffix}"] for suffix in ("", "_contested", "_undecided"))
                if field in independent.MULTI[task]:
                    order = [leaf.id for leaf in codebooks[task].leaves(field)]
                    for labels in (value or [], contested, undecided):
                        assert labels == sorted(set(labels), key=order.index), "each once, in the codebook's order"
                    value = None if value is None else frozenset(value)
                    contested, undecided = frozenset(contested), frozenset(undecided)
                count = "yes" if field in independent.MULTI[task] else "votes"
                dist = {cell["label"]: (cell[count], cell["of"]) for cell in row[f"{field}_dist"]}
                cells[*keys[row[release_rows.KEYS[config]]], task, field] = Gold(value, contested, undecided, dist)
    return cells


def check(loop: Loop) -> independent.Answers:
    """Compare all figures, conflicts and released cells with the second calculation from the folder's files."""
    cast = independent.ballots(loop.examples)
    found = independent.answers(cast)
    judgements, rejected = read_judgements(loop.workspace)
    assert (judgements.num_rows, len(rejected)) == (sum(b.valid for b in cast), sum(not b.valid for b in cast))
    assert set(judgements["provenance"].to_pylist()) == {"simulated"}

    expected = independent.agreement(found)
    table = agreement(judgements, WITHOUT_BOOTSTRAP)
    # One whole a field, by MASI; levels and other distances have tests of their own. Confidence is no vote.
    figures = {(f.task, f.field, f.label): f for f in table if f.level != 1 and f.metric not in ("jaccard", "ordinal")}
    assert figures.keys() == expected.keys()
    for about, figure in figures.items():
        wanted = expected[about]
        assert (figure.items, figure.pairs, figure.positives) == (wanted.items, wanted.pairs, wanted.positives), about
        assert figure.percent == (None if wanted.percent is None else pytest.approx(float(wanted.percent), abs=1e-6)), (
            about
        )
        told = wanted.alpha is not None and wanted.items >= 5 and wanted.positives >= 1
        assert figure.alpha == (pytest.approx(float(wanted.alpha or 0), abs=1e-6) if told else None), about

    assert conflict_list(loop) == independent.conflicts(found)

    gold = independent.gold(found, independent.decisions(loop.examples))
    empty = {True: Gold(None, frozenset(), frozenset(), {}), False: Gold(None, False, False, {})}
    every = {
        (*item, task, field): gold.get((*item, task, field), empty[field in independent.MULTI[task]])
        for task, items in independent.items(loop.examples).items()
        for item in items
        for field in (*independent.MULTI[task], *independent.SINGLE[task])
    }
    assert released(loop) == every
    return found


def test_the_examples_as_they_are(done: Loop) -> None:
    found = check(done)
    assert len(independent.conflicts(found)) == len(independent.decisions(EXAMPLES)) == 28
    assert standing(done.workspace).open == [] or {len(q.votes) for q in standing(done.workspace).open} == {1}


# -- flips: each changes one record in place, chosen by a seed, and says whether it could


def add(rng: random.Random, task: str, field: str, record: Record) -> bool:
    given = record["labels"].get(field)
    leaves = load_codebook(task).leaves(field)
    free = [leaf.id for leaf in leaves if not leaf.exclusive and not leaf.write_in and leaf.id not in (given or ())]
    if given is None or independent.ALONE & set(given):
        return False
    given.append(rng.choice(free))
    return True


def remove(rng: random.Random, task: str, field: str, record: Record) -> bool:
    given = record["labels"].get(field) or []
    if len(given) <= (field == "narrative"):
        return False
    given.remove(rng.choice(given))
    return True


def change(rng: random.Random, task: str, field: str, record: Record) -> bool:
    given = record["labels"].get(field)
    if given is None:
        return False
    given[:] = [rng.choice([leaf.id for leaf in load_codebook(task).leaves(field) if leaf.id not in given])]
    return True


def abstain(rng: random.Random, task: str, field: str, record: Record) -> bool:
    if record["labels"].get(field) in (None, ["n99"]):
        return False
    record["labels"][field] = ["n99"]
    return True


def tell(rng: random.Random, task: str, field: str, record: Record) -> bool:
    if record["labels"].get(field) != ["n99"]:
        return False
    record["labels"][field] = ["n11"]
    return True


def skip(rng: random.Random, task: str, field: str, record: Record) -> bool:
    if record.get("skipped"):
        return False
    record.update(skipped=True, labels={}, evidence=[])
    return True


def unskip(rng: random.Random, task: str, field: str, record: Record) -> bool:
    if not record.pop("skipped", False):
        return False
    record.update(labels={"narrative": ["n71"], "technique": ["t01"], "target": [], "voice": ["asserts"]}, confidence=1)
    return True


def empty(rng: random.Random, task: str, field: str, record: Record) -> bool:
    """Not a flip of a vote: the submission is none any more."""
    return bool(record["labels"].get(field)) and not record["labels"][field].clear()


@cache
def as_they_are() -> independent.Answers:
    return independent.answers(independent.ballots(EXAMPLES))


Flip = Callable[[random.Random, str, str, Record], bool]
FIELDS = [(task, field) for task in CONFIG for field in independent.MULTI[task]]
FLIPS: list[tuple[Flip, str, str]] = [
    *((flip, task, field) for flip in (add, remove) for task, field in FIELDS),
    *((change, "photo_text", field) for field in independent.SINGLE["photo_text"]),
    *((flip, task, "narrative") for flip in (abstain, tell, skip, empty) for task in CONFIG),
    (unskip, "narrative", "narrative"),
]


@pytest.mark.parametrize(
    ("number", "flip", "task", "field"),
    [pytest.param(n, *one, id=f"{one[0].__name__}-{one[1]}-{one[2]}") for n, one in enumerate(FLIPS)],
)
def test_one_vote_changed(
    number: int, flip: Flip, task: str, field: str, done: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = done.copied(tmp_path)
    rng = random.Random(20320503 + number)
    people = examples.people(loop.examples / "simulated")[0]
    places = [(who, place) for who in people for place in range(len(loop.records(task, who)))]
    for who, place in rng.sample(places, len(places)):
        records = loop.records(task, who)
        if flip(rng, task, field, records[place]):
            write_jsonl(loop.file(task, who), records)
            break
    else:
        pytest.fail("the examples hold no record that this flip fits")
    loop.run(monkeypatch)
    before, after, decided = as_they_are(), check(loop), independent.decisions(EXAMPLES)
    assert independent.agreement(after) != independent.agreement(before)
    was, now = independent.gold(before, decided), independent.gold(after, decided)
    changed = {cell for cell in was.keys() | now.keys() if was.get(cell) != now.get(cell)}
    about = (records[place]["source"], records[place]["key"], task)
    assert {cell[:3] for cell in changed} == {about}, "that item's cells, and no other's"
    loop.run(monkeypatch)
    assert check(loop) == after, "a second run changes nothing"


def test_a_vote_changed_and_changed_back(done: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = done.copied(tmp_path)
    as_it_was = loop.file("narrative", "ann-2").read_text(encoding="utf-8")
    records = loop.records("narrative", "ann-2")
    assert records[0]["labels"]["narrative"] and add(random.Random(0), "narrative", "narrative", records[0])
    write_jsonl(loop.file("narrative", "ann-2"), records)
    loop.run(monkeypatch)
    assert released(loop) != released(done)
    loop.file("narrative", "ann-2").write_text(as_it_was, encoding="utf-8")
    loop.run(monkeypatch)
    check(loop)
    assert released(loop) == released(done)


@pytest.mark.parametrize("place", [0, 14, 22])
def test_one_decision_changed(place: int, done: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = done.copied(tmp_path)
    path = loop.examples / "simulated" / "decisions.jsonl"
    records = independent.lines(path)
    records[place]["decision"] = "contested" if records[place]["decision"] != "contested" else "yes"
    write_jsonl(path, records)
    loop.run(monkeypatch)
    check(loop)
    before, after = released(done), released(loop)
    differing = {cell for cell in before if after[cell] != before[cell]}
    assert differing == {tuple(records[place][name] for name in ("source", "key", "task", "field"))}


def test_a_folder_with_one_line_less_has_one_vote_less(
    done: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a new server: a submission once made stays on one that is there."""
    loop = done.copied(tmp_path)
    records = loop.records("photo_text", "ann-3")
    write_jsonl(loop.file("photo_text", "ann-3"), records[1:])
    shutil.rmtree(loop.workspace.annotations_dir)
    shutil.rmtree(loop.workspace.decisions_dir)
    loop.studio = FakeStudio()
    rounds.push(loop.workspace, loop.studio)
    loop.run(monkeypatch)
    check(loop)


def test_the_files_are_read_by_their_last_line_on_an_item(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    path = tmp_path / "examples" / "simulated" / "narrative.ann-1.jsonl"
    (first, *_) = independent.lines(path)
    first["labels"] = first["labels"] | {"narrative": ["n98"]}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(first) + "\n")
    found = independent.answers(independent.ballots(tmp_path / "examples"))
    assert found["narrative", "narrative"][first["source"], first["key"]]["ann-1"] == {"n98"}
