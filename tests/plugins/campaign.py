"""One annotator's tasks on the real server behind a proxy, pushed and pulled here or in a process that can be killed."""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fake_studio import publish, result
from tests.killing import PROCESSES
from tests.plugins.faults import Database, Fault, FaultProxy
from tests.plugins.studio import StudioServer
from toolkit.errors import DocpostsError
from toolkit.fsio import read_jsonl
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio import transport
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.connect import TOKEN_VARIABLE
from toolkit.provenance import import_number
from toolkit.rounds import push
from toolkit.workspace import Workspace, new_settings

# Invented; what breaks naive code: an astral ideograph, a joined emoji, CRLF, a right-to-left override.
HARD = "虚构的风筝 𠮷野家 👩‍🔬 \u202eabc\u202c\r\n第二行\u00a0．"
PROJECT = "narrative.anna"


def work(what: str, root: Path, url: str, token: str, flush: int) -> None:
    """Push or pull; kill this process at the ``flush``-th time that something is written for good (0: never)."""
    real, count = os.fsync, 0

    def deadly(file: int) -> None:
        nonlocal count
        count += 1
        if count == flush:
            os.kill(os.getpid(), signal.SIGKILL)
        real(file)

    os.fsync = deadly  # type: ignore[assignment]
    {"push": push, "pull": pull}[what](Workspace.open(root), Studio(url, token))  # type: ignore[operator]


def _error(command: Callable[[], object]) -> DocpostsError | None:
    try:
        command()
    except DocpostsError as error:
        return error
    return None


class Campaign:
    """One annotator's workspace whose corpus grows by two posts at a time, and its server behind a proxy."""

    def __init__(self, root: Path, proxy: FaultProxy, server: StudioServer, *, predictions: str = "off") -> None:
        self.name = f"w{uuid.uuid4().hex[:10]}"
        tasks = {"annotators": ["anna"], "adjudicator": "bela", "predictions": predictions}
        settings = new_settings(self.name, tasks=tasks, label_studio={"url": proxy.url})
        self.workspace = Workspace.create(root / self.name, settings)
        self.proxy = proxy
        self.token = server.accounts["owner"].token
        self.env = {TOKEN_VARIABLE: self.token}
        self.annotator = Studio(server.url, server.accounts["anna"].token)
        self.marker = f"{self.name}/{PROJECT}"
        self.database = Database(server.folder)
        self.posts: dict[str, str] = {}
        self.acknowledged: list[int] = []
        self._studio: Studio | None = None
        self._waiting: list[int] = []

    def grow(self, by: int = 2) -> None:
        for _ in range(by):
            self.posts[f"p{len(self.posts)}"] = f"{HARD} {len(self.posts)}"
        publish(self.workspace, self.posts)

    def studio(self) -> Studio:
        """The owner's client, through the proxy; made once, since a client takes longer than most requests."""
        if self._studio is None or self._studio.url != self.proxy.url:
            self._studio = Studio(self.proxy.url, self.token)
        return self._studio

    def forget(self) -> None:
        """Let the next command make a client of its own, which asks for a passing token first."""
        self._studio = None

    def push(self) -> DocpostsError | None:
        return _error(lambda: push(self.workspace, self.studio()))

    def pull(self) -> DocpostsError | None:
        return _error(lambda: pull(self.workspace, self.studio()))

    def killed(self, what: str, fault: Fault | None = None, *, flush: int = 0) -> bool:
        """Push or pull in a process of its own, which is killed by the fault or when it writes for the ``flush``-th time.

        Return whether it was killed, and not done before.
        """
        if fault:
            self.proxy.fault = replace(fault, hook=lambda: process.kill())  # noqa: PLW0108  # made below
        process = PROCESSES.Process(target=work, args=(what, self.workspace.root, self.proxy.url, self.token, flush))
        process.start()
        process.join(120)
        self.proxy.fault = None
        assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
        return process.exitcode != 0

    def annotate(self, count: int) -> None:
        """Submit on tasks that have nothing yet, at the server itself; note what was acknowledged."""
        if len(self._waiting) < count:
            project_id = self.annotator.require_project(self.marker)
            self._waiting = [task.id for task in self.annotator.annotations(project_id) if not task.annotations]
        for _ in range(count):
            name = str(uuid.uuid4())
            self.annotator.submit(self._waiting.pop(0), result("narrative", "n11"), unique_id=name, lead_time=2.0)
            self.acknowledged.append(import_number(name))

    def sent(self) -> set[str]:
        """The keys that the journal says were acknowledged."""
        journal = self.workspace.annotations_dir / PROJECT / "journal.jsonl"
        return {key for _, record in read_jsonl(journal) if record["event"] == "sent" for key in record["keys"]}

    def check_tasks(self) -> None:
        there = self.database.tasks(self.marker)
        assert self.database.projects(self.marker) == 1
        assert set(there.values()) <= {1} and len(there) == len(self.posts), there
        assert self.sent() <= there.keys()

    def check_judgements(self) -> None:
        there = self.database.annotations(self.marker)
        assert there == Counter(self.acknowledged), "none lost, none doubled, on the server"
        files = self.workspace.annotations_dir / PROJECT
        pulled = {
            annotation["import_id"]
            for path in files.glob("pull-*.jsonl")
            for _, line in read_jsonl(path)
            for annotation in line["annotations"]
        }
        assert pulled == set(there) and load_judgements(self.workspace).num_rows == len(there)


@pytest.fixture
def campaign(tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer) -> Campaign:
    """A campaign on the session's server."""
    return Campaign(tmp_path, faulty, studio_server)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No read is repeated by itself, so that each fault is met."""
    monkeypatch.setitem(transport.READ, "max_retries", 0)
