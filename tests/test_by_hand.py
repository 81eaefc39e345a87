"""What is changed on the real server by hand is told, kept apart, put right; and the server asks nobody outside."""

from __future__ import annotations

import copy
import uuid
from contextlib import closing
from typing import Any

import httpx

from tests.fake_studio import result
from tests.plugins.campaign import Campaign
from tests.plugins.studio import StudioServer
from tests.test_studio_server import _log_in
from toolkit.labels.store import read_judgements
from toolkit.provenance import import_number

Row = dict[str, Any]


def _marked(start: int, end: int, label: str = "n11") -> list[Row]:
    """Return an answer whose evidence is the words from start to end."""
    entries = result("narrative", label)
    span = {"start": start, "end": end, "labels": [label], "text": "whatever the browser says"}
    return [*entries, {"id": "r", "from_name": "evidence", "to_name": "text", "type": "labels", "value": span}]


def test_edits_by_hand_and_garbage_are_told_and_counted_apart(campaign: Campaign) -> None:
    campaign.grow(7)
    assert campaign.push() is None
    owner, anna = campaign.studio(), campaign.annotator
    sdk, project_id = owner._transport.sdk, owner.require_project(campaign.marker)
    edited, deleted, unknown, outside, garbage, empty, good = owner.annotations(project_id)
    text = good.data["text"]
    start = text.index("𠮷野家")

    def submit(task_id: int, entries: list[Row]) -> int:
        name = str(uuid.uuid4())
        campaign.acknowledged.append(import_number(name))
        return anna.submit(task_id, entries, unique_id=name, lead_time=2.0).annotation_id

    submit(edited.id, result("narrative", "n11"))
    submit(deleted.id, result("narrative", "n11"))
    submit(unknown.id, result("narrative", "n11"))
    submit(outside.id, _marked(3, len(text) + 1))
    submit(garbage.id, [{"from_name": "narrative", "value": {"taxonomy": [["n10", 7], "n11"]}}, {"value": None}])
    submit(empty.id, [])
    submit(good.id, _marked(start, start + 3))
    assert campaign.pull() is None
    # The task's text, the form, the title, a label that nobody has: all by hand.
    sdk.tasks.update(str(edited.id), data=edited.data | {"text": "Edited by hand."})
    config = owner._transport.page(f"api/projects/{project_id}", {})["label_config"]
    sdk.projects.update(project_id, label_config=config.replace("n73", "zz9"), title="by hand")
    owner.delete_task(deleted.id)
    [own] = next(task.annotations for task in owner.annotations(project_id) if task.id == unknown.id)
    strange = copy.deepcopy(own["result"])
    next(entry for entry in strange if entry["from_name"] == "narrative")["value"]["taxonomy"] = [["n70", "zz9"]]
    anna.update_annotation(own["id"], strange)
    assert campaign.pull() is None
    judgements, rejected = read_judgements(campaign.workspace)
    reasons = {each.annotation_id: "; ".join(each.problems) for each in rejected}
    said = sorted(reasons.values())
    assert len(said) == 5, said
    for words in (
        "the task was changed in Label Studio after it was pushed",
        "narrative: unknown label 'zz9'",
        f"span 3 to {len(text) + 1} is not in the text",
        "taxonomy is no list of paths",
        "empty: nothing was answered",
    ):
        assert sum(words in each for each in said) == 1, (words, said)
    kept = {row["item_id"]: row for row in judgements.to_pylist()}
    assert kept.keys() == {good.data["item_id"], deleted.data["item_id"]}, "what was deleted stays on record"
    [span] = kept[good.data["item_id"]]["evidence"]
    assert text[span["start"] : span["end"]] == "𠮷野家"
    assert campaign.push() is None
    project = owner._transport.page(f"api/projects/{project_id}", {})
    assert project["label_config"].strip() == config.strip() and project["title"] != "by hand", "put right"
    campaign.check_tasks()


def test_a_running_server_asks_nobody_outside(studio_server: StudioServer) -> None:
    anna = studio_server.accounts["anna"]
    before = (studio_server.folder / "log.txt").stat().st_size
    with closing(_log_in(studio_server.url, anna.email, anna.password)) as browser:
        assert browser.get("/heidi-tips/").status_code == 404, "it fetches tips from elsewhere, or would"
        project = studio_server.client().ensure_project(
            "outside", title="outside", config='<View><Text name="t" value="$text"/></View>', instruction=""
        )
        headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": studio_server.url}
        # An import by address and a webhook: whoever is logged in can make the server ask for them.
        answer = browser.post(
            f"/api/projects/{project}/import", data={"url": "http://192.0.2.1/tasks.json"}, headers=headers, timeout=30
        )
        assert answer.status_code >= 400
        hook = {"url": "http://192.0.2.1/hook", "project": project, "send_for_all_actions": True, "is_active": True}
        browser.post("/api/webhooks/", json=hook, headers=headers)
    studio_server.client().import_tasks(project, [{"data": {"key": "a", "text": "fictional"}}])
    said = (studio_server.folder / "log.txt").read_bytes()[before:].decode("utf-8", "replace")
    assert httpx.get(f"{studio_server.url}/health", trust_env=False).status_code == 200
    assert said.count("makes no outgoing connections") >= 2, (
        "the import and the webhook were stopped before a packet left"
    )
