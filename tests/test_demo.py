"""`docposts demo` on a real Label Studio: the whole loop, stopped, run again, changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.command import docposts, inside, told
from tests.conftest import EXAMPLES
from tests.killing import PROCESSES
from tests.loading import load
from toolkit.demo.run import run

pytestmark = pytest.mark.usefixtures("studio_environment")
DERIVED = ("corpus", "releases", "sources", "decisions", "annotations")


def state(folder: Path) -> dict[str, str]:
    files = [path for part in DERIVED for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, studio_environment: object) -> Path:
    """A workspace in which the demo ran."""
    folder = tmp_path_factory.mktemp("demo") / "w"
    done = docposts("demo", "--dir", folder)
    assert "90 judgements, 0 not counted" in done.stderr
    assert "posts: 11 train + 9 test" in done.stderr
    return folder


def test_the_votes_of_a_release_are_those_that_were_counted(demo: Path) -> None:
    counted = told("-C", demo, "labels", "distribution")
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
    (posts,) = load((demo / "releases" / "1.0.0", "posts"), cache=tmp_path / "cache")
    assert {split: len(rows) for split, rows in posts.items()} == {"train": 11, "test": 9}
    assert told("-C", demo, "studio", "status")["running"] is False
    assert told("-C", demo, "release", "cut")["new"] is False, "the command makes of it what the demo did"
    secrets = [path for path in (demo / "studio").rglob("*") if path.name in ("accounts.json", ".env")]
    assert secrets
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}


def demo_told_to(said: Connection, folder: Path) -> None:
    """Run the demo; what it says goes through the connection, line by line."""
    run(folder, say=said.send)
    said.close()


def demo_killed_at(step: int, folder: Path) -> bool:
    """Run the demo in a process of its own, killed when it says that it begins this step; return whether it was."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=demo_told_to, args=(theirs, folder))
    process.start()
    theirs.close()
    try:
        while not ours.recv().lstrip().startswith(f"{step}. "):
            pass
        process.kill()
    except EOFError:
        pass
    process.join(120)
    return process.exitcode == -signal.SIGKILL


def test_stopped_anywhere_and_run_again(demo: Path, tmp_path: Path) -> None:
    """Killed at the start of ten steps in turn: at the end the same posts and labels as in one go.

    Each finds another state: nothing is made in 4 and from 12 on. What runs last finds everything made, and changes nothing.
    """
    folder = tmp_path / "w"
    for step in (2, 3, 5, 6, 7, 8, 9, 10, 11, 12):
        assert demo_killed_at(step, folder), step
    before = state(folder)
    assert before
    said = docposts("demo", "--dir", folder)
    assert state(folder) == before
    assert "hold, still" in said.stderr
    # The server that the killed ones left behind is taken for one that annotators use.
    inside("-C", folder, "studio", "down")
    assert [path.name for path in sorted((folder / "releases").iterdir())] == ["1.0.0"]
    releases = [workspace / "releases" / "1.0.0" for workspace in (folder, demo)]
    configs = ("posts", "photo_texts")
    loaded = load(
        *((release, config) for config in configs for release in releases),
        (releases[0], "judgements"),
        cache=tmp_path / "cache",
    )
    judgements = loaded.pop()
    for splits in loaded:
        for row in (row for rows in splits.values() for row in rows):
            row.pop("account", None)  # a pseudonym by the workspace's own key
    assert loaded[0::2] == loaded[1::2]
    assert len(judgements["train"]) == 45


def test_one_vote_flipped(demo: Path, tmp_path: Path) -> None:
    """A vote taken back makes a unanimous label a conflict: agreement, the open questions and the released row follow."""
    folder, examples = tmp_path / "w", tmp_path / "examples"
    shutil.copytree(demo, folder, symlinks=True)
    shutil.copytree(EXAMPLES, examples)
    before = told("-C", folder, "labels", "agreement")
    path = examples / "simulated" / "narrative.ann-1.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    vote = next(line for line in lines if (line["source"], line["key"]) == ("lantern-quay-3", "post-1"))
    vote["labels"]["narrative"].remove("n11")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    docposts("demo", "--dir", folder, "--examples", examples)
    after = told("-C", folder, "labels", "agreement")
    changed = {(f["field"], f["label"]) for f in after if f not in before}
    assert changed == {("narrative", None), ("narrative", "n10"), ("narrative", "n11")}
    figure = next(f for f in after if (f["task"], f["label"]) == ("narrative", "n11"))
    # Two answers of three differ from the third, on one of the items with two answers or more.
    assert figure["positives"] == 8
    assert figure["percent"] == pytest.approx(1 - 2 / figure["pairs"], abs=1e-6)
    status = {row["stage"]: row["state"] for row in told("-C", folder, "status")["stages"]}
    assert status["adjudicate"] == "185 settled, 1 open, 0 waiting for votes, 0 outdated, 8 precedents to rule on"
    both = [(folder / "releases" / version, "posts") for version in ("1.0.0", "2.0.0")]
    old, new = (splits["train"] for splits in load(*both, cache=tmp_path / "cache"))
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
