"""Push of N tasks and pull of N × 2 judgements, held against the SDK's simplest way, on a real Label Studio of its own.

    python -m benchmarks.labelling 20000 [FOLDER]

Starts the embedded server in FOLDER (default: a passing one) and runs each step in a process of its own, so that each has its own
peak memory. Prints seconds, rows a second and peak MB for each, and ours as a ratio of the SDK's.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("pushed", "judged")
STEPS = ("push", "sdk-push", "pull", "pull-again", "sdk-pull")
_WORDS = "the ferry to Lantern Quay runs twice a day and the baker sells salt lamps 鹽燈 beside the old harbour clock".split()


def prepare(folder: Path, count: int) -> None:
    """Start the server and make two workspaces of ``count`` fictional posts; the second one's tasks are judged twice."""
    from tests.fake_studio import whole
    from toolkit.codebook import load_codebook
    from toolkit.corpus import store
    from toolkit.labelconfig import render_config
    from toolkit.labelresult import Submission, Vote, build_result
    from toolkit.labelstudio.connect import connect, embedded
    from toolkit.rounds.plan import work
    from toolkit.rounds.push import _task
    from toolkit.schema import table
    from toolkit.tasks import marker
    from toolkit.tasks.assignment import Assignments
    from toolkit.workspace import Workspace, new_settings

    rows = []
    for place in range(count):
        name = hashlib.sha256(f"post {place}".encode()).hexdigest()
        words = " ".join(_WORDS[int(name[i], 16) % len(_WORDS)] for i in range(24))
        rows.append({"post_id": f"post_{name[:32]}", "source_id": "bench", "place": place, "text": f"{words} {place}"})
    layers = [row | {"layer": "original"} for row in rows]
    own: dict[str, list[dict[str, Any]]] = {"posts": rows, "text_layers": layers, "photo_texts": [], "segments": []}
    for name in NAMES:
        settings = new_settings(name, tasks={"annotators": ["anna"]})
        workspace = Workspace.create(folder / name, settings)
        parts = {
            each: [("all", table(each).from_rows(whole(each, row) for row in values))] for each, values in own.items()
        }
        tables = store.write_parts(workspace.corpus_dir / "parts", parts)
        store.publish(workspace.corpus_dir / "0.1.0", {"version": "0.1.0", "tables": tables})
    first, second = (Workspace.open(folder / name) for name in NAMES)
    server = embedded(first)
    server.accounts(["anna"])
    url = server.up().url
    # The second workspace uses the first one's server, as another one.
    text = (second.root / "docposts.toml").read_text().replace('url = ""', f'url = "{url}"', 1)
    token = server.accounts(["owner"])["owner"].token
    (second.root / "token").write_text(token)
    (second.root / "token").chmod(0o600)
    (second.root / "docposts.toml").write_text(text.replace('token_file = ""', 'token_file = "token"', 1))
    second = Workspace.open(second.root)
    studio = connect(second)
    ((project, share),) = work(second, Assignments(second)).shares.items()
    codebook = load_codebook("narrative")
    project_id = studio.ensure_project(
        marker(second, project),
        title="judged",
        config=render_config(codebook, form="default", language="en"),
        instruction="",
    )
    answers = [
        build_result(codebook, Submission(labels=(Vote("narrative", label),), confidence=2), form="default")
        for label in ("n11", "n98")
    ]
    annotations = [{"result": result, "ground_truth": False, "lead_time": 9.0} for result in answers]
    tasks = [_task(given, project, {}, ()) | {"annotations": annotations} for given in share]
    studio.import_tasks(project_id, tasks, batch=1000)


def step(folder: Path, name: str) -> Callable[[], int]:
    """Return what a step does, and which gives how many rows it was about; all that it needs is loaded."""
    from toolkit.labels.pull import _MARGIN, pull
    from toolkit.labelstudio.connect import connect
    from toolkit.rounds import push
    from toolkit.workspace import Workspace

    first, second = (Workspace.open(folder / each) for each in NAMES)
    studio = connect(second)
    sdk = studio._transport.sdk
    studio.version()
    if name == "push":
        return lambda: len(push(first, connect(first))[0][0].create)
    if name == "pull":
        push(second, studio)  # finds all there: writes the project's record
    if name == "pull-again":
        # What changed shortly before the newest change is asked for again: let that be one annotation, by itself.
        time.sleep(_MARGIN.total_seconds())
        last = max(task.id for task in studio.annotations(studio.require_project("judged/narrative.anna")))
        studio.submit(last, [], unique_id=str(uuid.uuid4()), lead_time=1.0, skipped=True)
        pull(second, studio)
    if name in ("pull", "pull-again"):
        return lambda: sum(each.annotations for each in pull(second, studio))
    project_id = studio.require_project("judged/narrative.anna")
    if name == "sdk-pull":
        return lambda: sum(len(task.annotations or ()) for task in sdk.tasks.list(project=project_id, fields="all"))

    def simplest() -> int:
        project = sdk.projects.create(title="simplest", label_config='<View><Text name="text" value="$text"/></View>')
        tasks = _data(second)
        sdk.projects.import_tasks(project.id, request=tasks)
        return len(tasks)

    return simplest


def _data(workspace: Any) -> list[dict[str, Any]]:
    from toolkit.corpus import store
    from toolkit.items import items

    return [
        {"data": {"key": item.key, "item_id": item.item_id, "text": item.text}}
        for item in items(store.open_version(workspace).tables(), "original")
    ]


def main() -> None:
    """Prepare, run each step by itself, print."""
    if sys.argv[1] == "step":
        run = step(Path(sys.argv[2]), sys.argv[3])
        started = time.perf_counter()
        rows = run()
        seconds = time.perf_counter() - started
        # Not getrusage, whose peak a new process takes over from its parent.
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(json.dumps({"rows": rows, "seconds": seconds, "peak": int(peak.split()[1]) / 1024}))
        return
    from toolkit.labelstudio.connect import embedded
    from toolkit.workspace import Workspace

    with tempfile.TemporaryDirectory() as passing:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else passing)
        prepare(folder, int(sys.argv[1]))
        try:
            found = {}
            for name in STEPS:
                command = [sys.executable, "-m", "benchmarks.labelling", "step", str(folder), name]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[name] = json.loads(done.stdout.splitlines()[-1])
                print("{:<11} {rows:>7} rows {seconds:8.1f} s {peak:6.0f} MB".format(name, **found[name]))
        finally:
            embedded(Workspace.open(folder / NAMES[0])).down()
    for ours, theirs in (("push", "sdk-push"), ("pull", "sdk-pull"), ("pull-again", "sdk-pull")):
        time_, memory = (found[ours][what] / found[theirs][what] for what in ("seconds", "peak"))
        print(f"{ours} / {theirs}: {time_:.2f} of its time, {memory:.2f} of its memory")


if __name__ == "__main__":
    main()
