"""Push and pull through faults, on the real server: at the end its own database holds everything once.

What is counted is Label Studio's SQLite file and the list of what was acknowledged to whoever sent it, never our own pull.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.command import docposts
from tests.fake_studio import result
from tests.plugins.campaign import PROJECT, Campaign
from tests.plugins.faults import HARM, Fault, FaultProxy
from tests.plugins.studio import StudioServer
from toolkit.errors import DocpostsError, ServiceError
from toolkit.labels.store import load_judgements
from toolkit.labelstudio.client import Studio
from toolkit.provenance import import_number
from toolkit.rounds import push
from toolkit.tasks.journal import sent
from toolkit.workspace import Workspace

pytestmark = pytest.mark.usefixtures("impatient")
WRITTEN = ("before", "request cut", "after", "answer cut")
"""Harm to a write: before it is asked for, in the middle of its body, after it was done, in the middle of the answer."""


def test_each_harm_to_an_import_ends_with_each_task_once(campaign: Campaign) -> None:
    for harm in HARM:
        campaign.grow(1)
        campaign.proxy.fault = Fault("POST", "/import$", harm)
        error = campaign.push()
        assert campaign.proxy.done[-1].startswith(f"{harm}: POST")
        assert (error is None) == (harm in ("delayed", "doubled")), harm
        assert error is None or (isinstance(error, ServiceError) and campaign.token not in error.message + error.hint)
        assert campaign.push() is None, harm
        campaign.check_tasks()
    assert len(campaign.posts) == len(HARM)


@pytest.mark.parametrize("harm", ["before", "request cut", "after", "answer cut", "doubled", "html", "500"])
def test_harm_to_the_making_of_a_project_ends_with_one(campaign: Campaign, harm: str) -> None:
    campaign.grow()
    campaign.proxy.fault = Fault("POST", "/api/projects/$", harm)
    campaign.push()
    assert campaign.proxy.done
    assert campaign.push() is None
    campaign.check_tasks()


@pytest.mark.parametrize("harm", ["before", "request cut", "after", "answer cut", "doubled", "403", "409"])
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
    campaign.grow(len(HARM))
    assert campaign.push() is None
    reads = ("/api/tasks$", r"/api/projects/\d+$", "/api/projects$")
    for number, harm in enumerate(HARM):
        campaign.annotate(1)
        campaign.proxy.fault = Fault("GET", reads[number % 3], harm)
        error = campaign.pull()
        assert campaign.proxy.done[-1].startswith(f"{harm}: GET")
        assert (error is None) == (harm in ("delayed", "doubled")), harm
        assert campaign.pull() is None
        campaign.check_judgements()
    assert len(campaign.acknowledged) == len(HARM)


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
        held = docposts("-C", campaign.workspace.root, "tasks", "push", code=1, env=campaign.env)
    assert "another docposts command is at work" in held.stderr, "one writer in a workspace"


def _quiet(workspace: Workspace, studio: Studio) -> None:
    try:
        push(workspace, studio)
    except DocpostsError:
        return


def cues(workspace: Workspace, number: int) -> None:
    """Give the workspace its next lexicon: another version of the predictions."""
    path = workspace.codebooks.folder / "narrative" / "cues.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'version: "{number}.0.0"\ncues:\n  n72: ["风筝"]\n', "utf-8")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/dm/actions"), ("POST", "/import/predictions$"), ("PATCH", r"/api/projects/\d+")],
)
def test_harm_to_new_predictions_ends_with_each_once(
    tmp_path: Path, faulty: FaultProxy, studio_server: StudioServer, method: str, path: str
) -> None:
    campaign = Campaign(tmp_path, faulty, studio_server, predictions="shown")
    campaign.grow()
    cues(campaign.workspace, 1)
    assert campaign.push() is None
    for number, harm in enumerate(WRITTEN, start=2):
        cues(campaign.workspace, number)
        faulty.fault = Fault(method, path, harm)
        assert campaign.push() is not None, harm
        assert campaign.push() is None, harm
        there = campaign.database.predictions(campaign.marker)
        assert len(there) == 2 and set(map(tuple, there.values())) == {(f"cues-{number}.0.0",)}, harm
        record = sent(campaign.workspace.annotations_dir / PROJECT)
        assert {each["prediction_version"] for each in record.values()} == {f"cues-{number}.0.0"}
    campaign.check_tasks()


def test_harm_to_every_other_write_ends_with_one(campaign: Campaign, studio_server: StudioServer) -> None:
    campaign.grow(1)
    assert campaign.push() is None
    owner, anna = campaign.studio(), Studio(campaign.proxy.url, studio_server.accounts["anna"].token)
    project_id = owner.require_project(campaign.marker)
    [task] = owner.annotations(project_id)
    name = str(uuid.uuid4())
    own = campaign.annotator.submit(task.id, result("narrative", "n11"), unique_id=name, lead_time=2.0)
    campaign.acknowledged.append(import_number(name))
    images = studio_server.media_root / "images"
    writes: list[tuple[str, str, Callable[[], object]]] = [
        ("POST", "/api/predictions/", lambda: owner.ensure_prediction(task.id, result("narrative", "n12"), "answer")),
        ("POST", "/api/storages/localfiles", lambda: owner.ensure_image_storage(project_id, images)),
        ("PATCH", "/api/annotations/", lambda: anna.update_annotation(own.annotation_id, result("narrative", "n21"))),
    ]
    for method, path, write in writes:
        for harm in WRITTEN:
            campaign.proxy.fault = Fault(method, path, harm)
            for _ in range(2):
                with contextlib.suppress(ServiceError):
                    write()
            assert campaign.proxy.fault is None or harm != "before", f"{method} {path} was not made"
            campaign.proxy.fault = None
    assert campaign.database.predictions(campaign.marker) == {task.data["key"]: ["answer"]}
    assert campaign.database.storages(campaign.marker) == 1
    assert campaign.pull() is None
    campaign.check_judgements()
    [row] = load_judgements(campaign.workspace).to_pylist()
    assert [one["label"] for one in row["labels"] if one["field"] == "narrative"] == ["n21"]


@pytest.mark.parametrize("harm", ["before", "after", "answer cut", "html", "401", "403", "429", "500"])
def test_harm_to_the_exchange_of_the_token_is_told_and_nothing_is_sent(campaign: Campaign, harm: str) -> None:
    campaign.grow(1)
    campaign.forget()
    campaign.proxy.fault = Fault("POST", "/api/token/refresh", harm)
    error = campaign.push()
    assert isinstance(error, ServiceError) and campaign.token not in error.message + error.hint
    assert campaign.database.projects(campaign.marker) == 0
    assert campaign.push() is None
    campaign.check_tasks()
