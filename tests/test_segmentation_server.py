"""A report corrected on the real server: the prediction is stored and shown, the correction becomes the corpus."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.plugins.studio import StudioServer
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.labels.pull import pull
from toolkit.segmentation.push import MODEL_VERSION, push
from toolkit.segmentation.take import take
from toolkit.sources import propose, registry, segments
from toolkit.tasks import marker
from toolkit.workspace import Workspace, new_settings

REPORTS = EXAMPLES / "reports"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose projects no other test's are mistaken for."""
    name = f"seg-{uuid.uuid4().hex[:8]}"
    return Workspace.create(tmp_path / "w", new_settings(name, "A test", tasks={"adjudicator": "anna"}))


def test_a_report_is_corrected(workspace: Workspace, studio_server: StudioServer) -> None:
    source = registry.add(
        workspace, REPORTS / "lantern-quay-3.txt", meta=REPORTS / "lantern-quay-3.source.toml", source_id="quay"
    )
    proposed = propose.propose(workspace, source)
    owner, anna = studio_server.client("owner"), studio_server.client("anna")
    done = push(workspace, owner)
    assert push(workspace, owner).unchanged == done.create

    project_id = anna.require_project(marker(workspace, done.project))
    project = anna._transport.page(f"api/projects/{project_id}", {})
    assert (project["model_version"], project["show_collab_predictions"]) == (MODEL_VERSION, True)
    task = anna._transport.page(f"api/projects/{project_id}/next", {})
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == MODEL_VERSION
    shown = prediction["result"]
    assert {(r["value"]["labels"][0], r["value"]["start"], r["value"]["end"]) for r in shown} == {
        (s.role, s.char_start, s.char_end) for s in proposed
    }
    assert task["data"]["text"] == source.text

    # The curator draws one post again, its last word left out.
    post = next(r for r in shown if r["value"]["labels"] == ["post"])
    end = source.text.rindex(" ", 0, post["value"]["end"])
    corrected = [r for r in shown if r is not post]
    corrected.append(post | {"value": post["value"] | {"end": end}})
    anna.submit(task["id"], corrected, unique_id=str(uuid.uuid4()), lead_time=60.0)
    (pulled,) = pull(workspace, owner, task="segmentation")
    assert pulled.annotations == 1 and pulled.file

    taken = take(workspace, source, Path("studio"))
    assert taken and taken.pull == pulled.file
    assert (taken.counts["kept"], taken.counts["moved"]) == (len(proposed) - 1, 1)
    accepted = segments.accept(workspace, source, taken.path)
    moved = next(s for s in accepted if s.role == "post" and s.char_end == end)
    assert moved.key and moved.rule is None and moved.id
    build(workspace)
    rows = store.open_version(workspace).table("posts").to_pylist()
    assert moved.id in {row["post_id"] for row in rows}
    assert len(rows) == sum(s.role == "post" for s in proposed)
