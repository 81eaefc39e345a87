"""Kill -9 of our process and of the server at each step of a push and a pull: nothing is lost, nothing doubled.

What is counted is Label Studio's SQLite file and the list of what was acknowledged to whoever sent it, never our own pull.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.campaign import Campaign
from tests.plugins.faults import Fault, FaultProxy
from tests.plugins.studio import StudioServer
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.environment import StudioEnvironment
from toolkit.labelstudio.server import EmbeddedStudio

pytestmark = pytest.mark.usefixtures("impatient")


def steps(campaign: Campaign, what: str) -> list[str]:
    """Return the requests that a push or pull makes, each a step."""
    before = len(campaign.proxy.seen)
    assert not campaign.killed(what)
    return campaign.proxy.seen[before:]


def test_a_push_killed_at_each_request_is_run_again(
    tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer
) -> None:
    first = Campaign(tmp_path, faulty, studio_server)
    first.grow(3)
    made = steps(first, "push")
    assert {"POST", "GET"} == {step.split()[0] for step in made} and len(made) >= 6, made
    for number, step in enumerate(made):
        campaign = Campaign(tmp_path, faulty, studio_server)
        campaign.grow(3)
        assert campaign.killed("push", Fault("", "", "after", skip=number)), step
        assert faulty.done[-1] == f"after: {step}" or "/projects/" in step, (faulty.done[-1], step)
        assert campaign.push() is None, step
        campaign.check_tasks()


def test_a_push_killed_at_each_write_to_disk_is_run_again(campaign: Campaign) -> None:
    flush, died = 0, True
    while died:
        flush += 1
        campaign.grow(1)
        died = campaign.killed("push", flush=flush)
        if died:
            assert campaign.push() is None, flush
        campaign.check_tasks()
    assert flush > 5, "assignments, codebook, project, and the journal before and after"


def test_a_pull_killed_at_each_request_and_each_write_is_run_again(campaign: Campaign) -> None:
    campaign.grow(40)
    assert campaign.push() is None
    campaign.annotate(1)
    made = steps(campaign, "pull")
    assert len(made) >= 4, made
    for number in range(len(made)):
        campaign.annotate(1)
        assert campaign.killed("pull", Fault("", "", "after", skip=number)), made[number]
        assert campaign.pull() is None
        campaign.check_judgements()
    flush, died = 0, True
    while died:
        flush += 1
        campaign.annotate(1)
        died = campaign.killed("pull", flush=flush)
        if died:
            assert campaign.pull() is None, flush
        campaign.check_judgements()
    assert flush > 5, "the state, the file under way, the file, and the state again"


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
        for method, path, harm, tasks in (
            ("POST", "/api/projects/$", "after", 4),
            ("POST", "/import$", "during", 1500),
            ("POST", "/import$", "after", 4),
        ):
            campaign.grow(tasks)
            proxy.fault = Fault(method, path, harm, kill)
            assert campaign.push() is not None
            restart()
            assert campaign.push() is None
            campaign.check_tasks()
        # A pull writes nothing there, so that one of its reads is as good as another.
        campaign.annotate(2)
        proxy.fault = Fault("GET", "/api/tasks$", "after", kill)
        assert campaign.pull() is not None
        restart()
        campaign.annotate(1)
        assert campaign.pull() is None
        campaign.check_judgements()
    finally:
        proxy.close()
