"""Push and pull through faults, on the real server: at the end its own database holds everything once.

What is counted is Label Studio's SQLite file and the list of what was acknowledged to whoever sent it, never our own pull.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fake_studio import publish, result
from tests.plugins.faults import HARM, Database, Fault, FaultProxy
from tests.plugins.studio import StudioServer
from toolkit.errors import DocpostsError, ServiceError
from toolkit.fsio import read_jsonl
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio import transport
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.environment import StudioEnvironment
from toolkit.labelstudio.server import EmbeddedStudio
from toolkit.provenance import import_number
from toolkit.rounds import push
from toolkit.workspace import Workspace, new_settings

# Invented; what breaks naive code: an astral ideograph, a joined emoji, CRLF, a right-to-left override.
HARD = "虚构的风筝 𠮷野家 👩‍🔬 \u202eabc\u202c\r\n第二行\u00a0．"
PROJECT = "narrative.anna"


class Campaign:
    """One annotator's workspace whose corpus grows by two posts at a time, and its server behind a proxy."""

    def __init__(self, root: Path, proxy: FaultProxy, server: StudioServer, *, url: str = "") -> None:
        self.name = f"w{uuid.uuid4().hex[:10]}"
        people = {"annotators": ["anna"], "adjudicator": "bela"}
        settings = new_settings(self.name, tasks=people, label_studio={"url": url})
        self.workspace = Workspace.create(root / self.name, settings)
        self.proxy = proxy
        self.token = server.accounts["owner"].token
        self.annotator = Studio(server.url, server.accounts["anna"].token)
        self.marker = f"{self.name}/{PROJECT}"
        self.database = Database(server.folder)
        self.posts: dict[str, str] = {}
        self.acknowledged: list[int] = []

    def grow(self, by: int = 2) -> None:
        for _ in range(by):
            self.posts[f"p{len(self.posts)}"] = f"{HARD} {len(self.posts)}"
        publish(self.workspace, self.posts)

    def studio(self) -> Studio:
        return Studio(self.proxy.url, self.token)

    def push(self) -> DocpostsError | None:
        try:
            push(self.workspace, self.studio())
        except DocpostsError as error:
            return error
        return None

    def pull(self) -> DocpostsError | None:
        try:
            pull(self.workspace, self.studio())
        except DocpostsError as error:
            return error
        return None

    def annotate(self, count: int) -> None:
        """Submit on tasks that have nothing yet, through the proxy's server itself; note what was acknowledged."""
        tasks = [
            t for t in self.annotator.annotations(self.annotator.require_project(self.marker)) if not t.annotations
        ]
        for task in tasks[:count]:
            name = str(uuid.uuid4())
            self.annotator.submit(task.id, result("narrative", "n11"), unique_id=name, lead_time=2.0)
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
    return Campaign(tmp_path, faulty, studio_server)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No read is repeated by itself here, so that each fault is met."""
    monkeypatch.setitem(transport.READ, "max_retries", 0)


def test_each_harm_to_an_import_ends_with_each_task_once(campaign: Campaign) -> None:
    for harm in HARM:
        campaign.grow()
        campaign.proxy.fault = Fault("POST", "/import$", harm)
        error = campaign.push()
        assert campaign.proxy.done[-1].startswith(f"{harm}: POST")
        assert (error is None) == (harm in ("delayed", "doubled")), harm
        assert error is None or (isinstance(error, ServiceError) and campaign.token not in error.message + error.hint)
        assert campaign.push() is None, harm
        campaign.check_tasks()
    assert len(campaign.posts) == 2 * len(HARM)


@pytest.mark.parametrize("harm", ["before", "after", "answer cut", "doubled", "html", "500"])
def test_harm_to_the_making_of_a_project_ends_with_one(campaign: Campaign, harm: str) -> None:
    campaign.grow()
    campaign.proxy.fault = Fault("POST", "/api/projects/$", harm)
    campaign.push()
    assert campaign.proxy.done
    assert campaign.push() is None
    campaign.check_tasks()


@pytest.mark.parametrize("harm", ["before", "after", "answer cut", "doubled", "403", "409"])
def test_harm_to_changing_and_clearing_a_project(campaign: Campaign, harm: str) -> None:
    campaign.grow()
    assert campaign.push() is None
    owner, project_id = campaign.studio(), campaign.studio().require_project(campaign.marker)
    owner._transport.sdk.projects.update(project_id, title="changed by hand", show_skip_button=False)
    campaign.proxy.fault = Fault("PATCH", f"/api/projects/{project_id}", harm)
    campaign.push()
    assert len(campaign.proxy.done) == 1
    owner.import_tasks(project_id, [{"data": t.data} for t in owner.annotations(project_id)])
    campaign.proxy.fault = Fault("DELETE", "/api/tasks/", harm)
    campaign.push()
    assert len(campaign.proxy.done) == 2
    assert campaign.push() is None
    campaign.check_tasks()
    assert owner._transport.page(f"api/projects/{project_id}", {})["show_skip_button"]


def test_each_harm_to_a_pull_ends_with_each_judgement_once(campaign: Campaign) -> None:
    campaign.grow(2 * len(HARM) + 2)
    assert campaign.push() is None
    reads = ("/api/tasks$", r"/api/projects/\d+$", "/api/projects$")
    for number, harm in enumerate(HARM):
        campaign.annotate(2)
        campaign.proxy.fault = Fault("GET", reads[number % 3], harm)
        error = campaign.pull()
        assert campaign.proxy.done[-1].startswith(f"{harm}: GET")
        assert (error is None) == (harm in ("delayed", "doubled")), harm
        assert campaign.pull() is None
        campaign.check_judgements()
    assert len(campaign.acknowledged) == 2 * len(HARM)


@pytest.mark.parametrize("harm", ["before", "request cut", "after", "answer cut", "doubled", "500", "html"])
def test_harm_to_a_submission_ends_with_one(campaign: Campaign, studio_server: StudioServer, harm: str) -> None:
    campaign.grow(1)
    assert campaign.push() is None
    [task] = campaign.studio().annotations(campaign.studio().require_project(campaign.marker))
    name = str(uuid.uuid4())
    through = Studio(campaign.proxy.url, studio_server.accounts["anna"].token)
    campaign.proxy.fault = Fault("POST", "/annotations/", harm)
    for _ in range(2):
        try:
            through.submit(task.id, result("narrative", "n11"), unique_id=name, lead_time=1.0)
        except ServiceError:
            continue
    campaign.acknowledged.append(import_number(name))
    assert campaign.pull() is None
    campaign.check_judgements()


def test_two_pushes_at_once_end_with_each_task_once(campaign: Campaign, tmp_path: Path) -> None:
    campaign.grow(60)
    other = tmp_path / "clone"
    shutil.copytree(campaign.workspace.root, other)
    with ThreadPoolExecutor() as pool:
        clones = [campaign.workspace, Workspace.open(other)]
        list(pool.map(lambda w: _quiet(w, campaign.studio()), clones))
    assert campaign.push() is None
    campaign.check_tasks()
    with campaign.workspace.lock():
        held = subprocess.run(
            [sys.executable, "-m", "toolkit", "-C", str(campaign.workspace.root), "tasks", "push"],
            cwd=ROOT,
            env=_environment(campaign),
            capture_output=True,
            text=True,
            check=False,
        )
    assert held.returncode in (1, 4), "one writer in a workspace"


def _quiet(workspace: Workspace, studio: Studio) -> None:
    try:
        push(workspace, studio)
    except DocpostsError:
        return


def _environment(campaign: Campaign) -> dict[str, str]:
    return os.environ | {"DOCPOSTS_LABEL_STUDIO_TOKEN": campaign.token, "PYTHONPATH": str(ROOT)}


def _command(campaign: Campaign, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "toolkit", "-C", str(campaign.workspace.root), *words]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, env=_environment(campaign), stdout=nowhere, stderr=nowhere)


@pytest.mark.parametrize(
    ("method", "path", "harm"),
    [
        ("POST", "/api/projects/$", "after"),
        ("POST", "/import$", "before"),
        ("POST", "/import$", "after"),
        ("GET", "/api/tasks$", "after"),
    ],
)
def test_a_push_that_was_killed_is_run_again(
    tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer, method: str, path: str, harm: str
) -> None:
    campaign = Campaign(tmp_path, faulty, studio_server, url=faulty.url)
    campaign.grow(20)
    command = _command(campaign, "tasks", "push")  # it takes a second before it asks anything
    faulty.fault = Fault(method, path, harm, command.kill)
    assert command.wait(120) == -signal.SIGKILL, faulty.seen
    again = _command(campaign, "tasks", "push")
    assert again.wait(120) == 0
    campaign.check_tasks()


def test_a_pull_that_was_killed_is_run_again(tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer) -> None:
    campaign = Campaign(tmp_path, faulty, studio_server, url=faulty.url)
    campaign.grow(6)
    assert campaign.push() is None
    for path, harm in (("/api/tasks$", "before"), ("/api/tasks$", "after"), (r"/api/projects/\d+$", "after")):
        campaign.annotate(2)
        command = _command(campaign, "labels", "pull")
        faulty.fault = Fault("GET", path, harm, command.kill)
        assert command.wait(120) == -signal.SIGKILL
    assert _command(campaign, "labels", "pull").wait(120) == 0
    campaign.check_judgements()


@pytest.fixture
def own_server(tmp_path: Path, studio_environment: StudioEnvironment) -> Iterator[EmbeddedStudio]:
    (tmp_path / "media").mkdir()
    studio = EmbeddedStudio(tmp_path / "studio", tmp_path / "media")
    yield studio
    studio.down()


def test_a_server_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, own_server: EmbeddedStudio) -> None:
    accounts = own_server.accounts(["owner", "anna", "bela"])
    address = own_server.up()
    proxy = FaultProxy(address.url)
    server = StudioServer(own_server, tmp_path / "studio", tmp_path / "media", address.url, address.pid, accounts)
    campaign = Campaign(tmp_path, proxy, server)

    def restart() -> None:
        again = own_server.up()
        proxy.target = again.url
        campaign.annotator = Studio(again.url, accounts["anna"].token)

    def kill() -> None:
        os.kill(own_server.status().pid or 0, signal.SIGKILL)

    try:
        for method, path, harm in (("POST", "/import$", "before"), ("POST", "/import$", "after")):
            campaign.grow(40)
            proxy.fault = Fault(method, path, harm, kill)
            assert campaign.push() is not None
            restart()
            assert campaign.push() is None
            campaign.check_tasks()
        campaign.annotate(3)
        proxy.fault = Fault("GET", "/api/tasks$", "after", kill)
        assert campaign.pull() is not None
        restart()
        campaign.annotate(2)
        assert campaign.pull() is None
        campaign.check_judgements()
    finally:
        proxy.close()
