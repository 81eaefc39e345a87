"""The commands one by one, on a real Label Studio: the whole loop on a report of one's own, and on the real one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.command import inside, told
from tests.conftest import EXAMPLES
from tests.loading import load
from toolkit.labelresult import Span, Submission, Vote, build_result
from toolkit.labelstudio.connect import connect
from toolkit.release.verify import LOADING, verify
from toolkit.workspace import Workspace

pytestmark = pytest.mark.usefixtures("studio_environment")


def annotate(folder: Path, choose: Callable[[str, str], list[str]]) -> int:
    """Answer every task of every annotator, under their own token; ``choose`` gives the narratives by name and text."""
    from uuid import uuid4

    from toolkit.codebook import load_codebook
    from toolkit.tasks import projects

    workspace, count = Workspace.open(folder), 0
    for record in projects(workspace):
        if record["task"] == "adjudication":
            continue
        studio = connect(workspace, record["annotator"])
        codebook = load_codebook(record["task"])
        for task in studio.annotations(studio.require_project(record["marker"])):
            narratives = choose(record["annotator"], task.data["text"])
            votes = [Vote("narrative", label) for label in narratives]
            single = {
                "text_kind": "translation",
                "carrier": "carrier_unknown",
                "function": "slogan",
                "device": "image_not_seen",
            }
            if record["form"] == "image":
                single["adequacy"] = "adequate"
            if record["task"] == "photo_text":
                votes += [Vote(field, label) for field, label in single.items()]
            else:
                votes.append(Vote("voice", "asserts"))
            spans = () if "n98" in narratives else (Span("narrative", narratives[0], 0, 5),)
            answers = Submission(labels=tuple(votes), evidence=spans, confidence=2)
            result = build_result(codebook, answers, form=record["form"])
            studio.submit(task.id, result, unique_id=str(uuid4()), lead_time=10.0)
            count += 1
    return count


def decide(folder: Path) -> int:
    """Decide every open question: yes, or the first value that is offered."""
    from uuid import uuid4

    from toolkit.decisionresult import DecisionAnswer, build_decision_result
    from toolkit.tasks import projects

    workspace, count = Workspace.open(folder), 0
    for record in (r for r in projects(workspace) if r["task"] == "adjudication"):
        studio = connect(workspace, record["annotator"])
        for task in studio.annotations(studio.require_project(record["marker"])):
            answer = DecisionAnswer(task.data["options"][0]["alias"], "slip", None)
            studio.submit(task.id, build_decision_result(answer), unique_id=str(uuid4()), lead_time=5.0)
            count += 1
    return count


def rest_of_the_loop(folder: Path, posts: int, photos: int) -> Path:
    """Take a workspace with a corpus version through the rest, command by command; return the release."""
    ws = ("-C", folder)
    inside(*ws, "studio", "up")
    try:
        pushed = told(*ws, "tasks", "push")
        assert sum(row["created"] for row in pushed) == 2 * (posts + photos)
        plan = told(*ws, "tasks", "plan")
        assert {row["create"] for row in plan} == {0}
        assert annotate(folder, lambda name, text: ["n11"] if len(text) % 2 or name == "mia" else ["n98"]) == 2 * (
            posts + photos
        )
        assert sum(row["done"] for row in told(*ws, "tasks", "status")["projects"]) == 2 * (posts + photos)
        pulled = told(*ws, "labels", "pull")
        assert (pulled["judgements"], pulled["rejected"]) == (2 * (posts + photos), [])
        figures = told(*ws, "labels", "agreement")
        assert {f["items"] for f in figures if f["task"] == "narrative" and f["field"] == "voice"} == {posts}
        asked = sum(row["created"] for row in told(*ws, "adjudicate", "push"))
        assert decide(folder) == asked > 0
        decided = told(*ws, "adjudicate", "pull")
        assert (decided["recorded"], decided["known"], decided["rejected"]) == (asked, 0, [])
    finally:
        inside(*ws, "studio", "down")
    made = told(*ws, "release", "cut")
    assert made["version"] == "1.0.0"
    return Path(made["folder"])


def states(gates: list[dict[str, str]]) -> dict[str, str]:
    return {gate["gate"]: gate["state"] for gate in gates if gate["state"] != "holds"}


def test_ones_own_report(tmp_path: Path) -> None:
    """A renamed, longer report through the same commands, from the proposals."""
    report, folder = tmp_path / "quay-of-lanterns.txt", tmp_path / "w"
    text = (EXAMPLES / "reports" / "lantern-quay-3.txt").read_text(encoding="utf-8")
    first = "#SarnHaven The tale"
    more = "#Lamps A fictional post more: every lamp on the quay of Sarn Haven was lit by somebody who wanted to.\n"
    report.write_text(
        text.replace(first, more + first, 1).replace("Lantern Quay", "Quay of Lanterns"), encoding="utf-8"
    )
    inside("init", folder, "--annotator", "mia", "--annotator", "tam", "--adjudicator", "kit")
    inside("-C", folder, "source", "add", report)
    inside("-C", folder, "source", "segment", "quay-of-lanterns")
    inside("-C", folder, "source", "accept", "quay-of-lanterns")
    built = told("-C", folder, "corpus", "build")
    assert built["tables"]["posts"]["rows"] == 12
    photos = built["tables"]["photo_texts"]["rows"]
    release = rest_of_the_loop(folder, 12, photos)
    assert states(told("-C", folder, "release", "verify")) == {"step": "not run"}
    (loaded,) = load((release, "posts"), cache=tmp_path / "cache")
    assert sum(len(rows) for rows in loaded.values()) == 12
    assert all(row["narrative"] for rows in loaded.values() for row in rows)


def test_the_real_report(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    inside("init", folder, "--annotator", "mia", "--annotator", "tam", "--adjudicator", "kit")
    inside("-C", folder, "source", "add", shared / "sources" / "cotton-the-act.txt")
    spans = folder / "sources" / "cotton-the-act" / "segments.jsonl"
    shutil.copy(shared / "gold" / "cotton-the-act.segments.jsonl", spans)
    built = told("-C", folder, "corpus", "build")
    assert built["tables"]["posts"]["rows"] == 8
    release = rest_of_the_loop(folder, 8, 3)
    # What loads it was run as it was cut.
    gates = [{"gate": gate.name, "state": gate.state} for gate in verify(release, load=False)]
    assert states(gates) == dict.fromkeys(LOADING, "not run")
    rows = [row for path in (release / "posts").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 8
    assert all(row["narrative"] for row in rows)
