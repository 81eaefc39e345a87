"""`docposts demo`, and the commands one by one, on a real Label Studio: the whole loop, stopped, run again, changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.command import data, docposts, start
from tests.conftest import EXAMPLES
from toolkit.labelresult import Span, Submission, Vote, build_result
from toolkit.labelstudio.connect import connect
from toolkit.workspace import Workspace

pytestmark = pytest.mark.usefixtures("studio_environment")
DERIVED = ("corpus", "releases", "sources", "decisions", "annotations")


def state(folder: Path) -> dict[str, str]:
    files = [path for part in DERIVED for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def load(release: Path, config: str, cache: Path) -> dict[str, list[dict[str, Any]]]:
    """Load a config as a model builder does: another process, a fresh cache."""
    code = (
        "import datasets, json, sys\n"
        "loaded = datasets.load_dataset(sys.argv[1], sys.argv[2], cache_dir=sys.argv[3])\n"
        "print(json.dumps({split: part.to_list() for split, part in loaded.items()}))"
    )
    words = [sys.executable, "-c", code, str(release), config, str(cache)]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, studio_environment: object) -> Path:
    """A workspace in which the demo ran."""
    folder = tmp_path_factory.mktemp("demo") / "w"
    done = docposts("demo", "--dir", folder)
    assert "90 judgements, 0 not counted" in done.stderr
    assert "posts: 11 train + 9 test" in done.stderr
    return folder


def test_the_votes_of_a_release_are_those_that_were_counted(demo: Path) -> None:
    counted = data("-C", demo, "labels", "distribution")
    release = demo / "releases" / "1.0.0"
    released: dict[tuple[str, str, str], tuple[int, int]] = {}
    for config, key in (("posts", "post_id"), ("photo_texts", "photo_id")):
        for path in sorted((release / config).rglob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                for name in [name for name in row if name.endswith("_dist")]:
                    for vote in row[name]:
                        yes = vote.get("yes", vote.get("votes"))
                        released[row[key], name.removesuffix("_dist"), vote["label"]] = (yes, vote["of"])
    assert released == {(s["item_id"], s["field"], s["label"]): (s["yes"], s["of"]) for s in counted}
    single = sum(pq.read_table(path).num_rows for path in (release / "judgements").rglob("*.parquet"))
    assert single == 90, "every judgement by itself"


def test_what_the_demo_leaves(demo: Path, tmp_path: Path) -> None:
    assert (demo / "releases" / "1.0.0" / "README.md").is_file()
    posts = load(demo / "releases" / "1.0.0", "posts", tmp_path)
    assert {split: len(rows) for split, rows in posts.items()} == {"train": 11, "test": 9}
    assert data("-C", demo, "studio", "status")["running"] is False
    secrets = [path for path in (demo / "studio").rglob("*") if path.name in ("accounts.json", ".env")]
    assert secrets
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}


def test_run_again_changes_nothing(demo: Path) -> None:
    before = state(demo)
    docposts("demo", "--dir", demo)
    assert state(demo) == before


def test_stopped_anywhere_and_run_again(demo: Path, tmp_path: Path) -> None:
    """Killed at the start of steps 2, 3, 5, 6, … in turn; at the end the same posts and labels as in one go."""
    folder = tmp_path / "w"
    for step in (2, 3, 5, 6, 7, 8, 9, 10, 11, 12):
        process = start("demo", "--dir", folder)
        assert process.stderr
        for line in process.stderr:
            if line.lstrip().startswith(f"{step}. "):
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    docposts("demo", "--dir", folder)
    assert [path.name for path in sorted((folder / "releases").iterdir())] == ["1.0.0"]
    for config in ("posts", "photo_texts"):
        ours = load(folder / "releases" / "1.0.0", config, tmp_path / "a")
        theirs = load(demo / "releases" / "1.0.0", config, tmp_path / "b")
        for row in (row for rows in (*ours.values(), *theirs.values()) for row in rows):
            row.pop("account", None)  # a pseudonym by the workspace's own key
        assert ours == theirs
    assert len(load(folder / "releases" / "1.0.0", "judgements", tmp_path / "a")["train"]) == 45


def test_one_vote_flipped(demo: Path, tmp_path: Path) -> None:
    """A vote taken back makes a unanimous label a conflict: agreement, the open questions and the released row follow."""
    folder, examples = tmp_path / "w", tmp_path / "examples"
    shutil.copytree(demo, folder, symlinks=True)
    shutil.copytree(EXAMPLES, examples)
    before = data("-C", folder, "labels", "agreement")
    path = examples / "simulated" / "narrative.ann-1.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    vote = next(line for line in lines if (line["source"], line["key"]) == ("lantern-quay-3", "post-1"))
    vote["labels"]["narrative"].remove("n11")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    docposts("demo", "--dir", folder, "--examples", examples)
    after = data("-C", folder, "labels", "agreement")
    changed = {(f["field"], f["label"]) for f in after if f not in before}
    assert changed == {("narrative", None), ("narrative", "n10"), ("narrative", "n11")}
    figure = next(f for f in after if (f["task"], f["label"]) == ("narrative", "n11"))
    # Two answers of three differ from the third, on one of the items with two answers or more.
    assert figure["positives"] == 8
    assert figure["percent"] == pytest.approx(1 - 2 / figure["pairs"], abs=1e-6)
    status = {row["stage"]: row["state"] for row in data("-C", folder, "status")["stages"]}
    assert status["adjudicate"] == "185 settled, 1 open, 0 waiting for votes, 0 outdated, 8 precedents to rule on"
    old, new = (
        load(folder / "releases" / version, "posts", tmp_path / version)["train"] for version in ("1.0.0", "2.0.0")
    )
    assert [row["post_id"] for row in old] == [row["post_id"] for row in new]
    differing = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    assert len(differing) == 1
    ((one, other),) = differing
    assert {name for name in one if one[name] != other[name]} == {"narrative", "narrative_undecided", "narrative_dist"}
    n11 = 0
    assert n11 in one["narrative"]
    assert other["narrative"] == [label for label in one["narrative"] if label != n11]
    assert other["narrative_undecided"] == [n11]
    assert {"label": n11, "yes": 2, "of": 3} in other["narrative_dist"]


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


def rest_of_the_loop(folder: Path, posts: int, photos: int, tmp_path: Path) -> None:
    """Take a workspace with a corpus version through the rest, command by command."""
    ws = ("-C", folder)
    docposts(*ws, "studio", "up")
    try:
        pushed = data(*ws, "tasks", "push")
        assert sum(row["created"] for row in pushed) == 2 * (posts + photos)
        plan = data(*ws, "tasks", "plan")
        assert {row["create"] for row in plan} == {0}
        assert annotate(folder, lambda name, text: ["n11"] if len(text) % 2 or name == "mia" else ["n98"]) == 2 * (
            posts + photos
        )
        assert sum(row["done"] for row in data(*ws, "tasks", "status")["projects"]) == 2 * (posts + photos)
        pulled = data(*ws, "labels", "pull")
        assert (pulled["judgements"], pulled["rejected"]) == (2 * (posts + photos), [])
        figures = data(*ws, "labels", "agreement")
        assert {f["items"] for f in figures if f["task"] == "narrative" and f["field"] == "voice"} == {posts}
        asked = sum(row["created"] for row in data(*ws, "adjudicate", "push"))
        assert decide(folder) == asked > 0
        decided = data(*ws, "adjudicate", "pull")
        assert (decided["recorded"], decided["known"], decided["rejected"]) == (asked, 0, [])
    finally:
        docposts(*ws, "studio", "down")
    made = data(*ws, "release", "cut")
    assert made["version"] == "1.0.0"
    gates = data(*ws, "release", "verify")
    assert {gate["gate"]: gate["state"] for gate in gates if gate["state"] != "holds"} == {"step": "not run"}
    loaded = load(Path(made["folder"]), "posts", tmp_path / "cache")
    assert sum(len(rows) for rows in loaded.values()) == posts
    assert all(row["narrative"] for rows in loaded.values() for row in rows)


def test_ones_own_report(tmp_path: Path) -> None:
    """A renamed, longer report through the same commands, from the proposals."""
    report, folder = tmp_path / "quay-of-lanterns.txt", tmp_path / "w"
    text = (EXAMPLES / "reports" / "lantern-quay-3.txt").read_text(encoding="utf-8")
    first = "#SarnHaven The tale"
    more = "#Lamps A fictional post more: every lamp on the quay of Sarn Haven was lit by somebody who wanted to.\n"
    report.write_text(
        text.replace(first, more + first, 1).replace("Lantern Quay", "Quay of Lanterns"), encoding="utf-8"
    )
    docposts("init", folder, "--annotator", "mia", "--annotator", "tam", "--adjudicator", "kit")
    docposts("-C", folder, "source", "add", report)
    docposts("-C", folder, "source", "segment", "quay-of-lanterns")
    docposts("-C", folder, "source", "accept", "quay-of-lanterns")
    built = data("-C", folder, "corpus", "build")
    assert built["tables"]["posts"]["rows"] == 12
    photos = built["tables"]["photo_texts"]["rows"]
    rest_of_the_loop(folder, 12, photos, tmp_path)


def test_the_real_report(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    docposts("init", folder, "--annotator", "mia", "--annotator", "tam", "--adjudicator", "kit")
    docposts("-C", folder, "source", "add", shared / "sources" / "cotton-the-act.txt")
    spans = folder / "sources" / "cotton-the-act" / "segments.jsonl"
    shutil.copy(shared / "gold" / "cotton-the-act.segments.jsonl", spans)
    built = data("-C", folder, "corpus", "build")
    assert built["tables"]["posts"]["rows"] == 8
    rest_of_the_loop(folder, 8, 3, tmp_path)
