"""Judgements made elsewhere: a CSV, and Label Studio's own export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import inside
from tests.fake_studio import FakeStudio, photo_id, post_id, publish, result, task_of, workspace_of
from toolkit.errors import ConflictError, InputError
from toolkit.labels.importing import take
from toolkit.labels.pull import pull
from toolkit.labels.store import load_judgements, read_judgements
from toolkit.rounds import push
from toolkit.votes import answers
from toolkit.workspace import Workspace

POSTS = {"kites": "No one carries stones.", "soup": "Soup, nets and kites 𠮷."}
PHOTOS = {"card": "Who judges the judge?"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = workspace_of(tmp_path / "w")
    publish(made, POSTS, PHOTOS)
    return made


def table(folder: Path, *rows: str, header: str = "item,annotator,label") -> Path:
    path = folder / "elsewhere.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def test_a_table_becomes_judgements_marked_as_imported(workspace: Workspace, tmp_path: Path) -> None:
    kites, card = post_id("kites"), photo_id("card")
    path = table(
        tmp_path,
        f"{kites},mia,n11,0,6,implied,2026-01-02T03:04:05+01:00",
        f"{kites},mia,n21,,,,",
        f"{kites},tam,n98,,,,2026-01-03",
        f"{card},tam,n51,,,,2026-01-03",
        header="item,annotator,label,start,end,mode,created_at",
    )
    done = inside("-C", workspace.root, "labels", "import", path)
    assert "narrative: 2 submissions" in done.stderr and "photo_text: 1 submissions" in done.stderr
    rows = {(row["item_id"], row["annotator"]): row for row in load_judgements(workspace).to_pylist()}
    assert rows.keys() == {(kites, "mia"), (kites, "tam"), (card, "tam")}
    mia = rows[kites, "mia"]
    assert [label["label"] for label in mia["labels"]] == ["n11", "n21"]
    assert mia["evidence"] == [{"field": "narrative", "label": "n11", "start": 0, "end": 6, "mode": "implied"}]
    assert mia["created_at"].isoformat() == "2026-01-02T02:04:05+00:00"
    assert {row["provenance"] for row in rows.values()} == {"imported"}
    voted = [answer for answer in answers(load_judgements(workspace)) if answer.field == "narrative"]
    assert {answer.item_id: answer.by for answer in voted} == {
        kites: {"mia": ("n11", "n21"), "tam": ("n98",)},
        card: {"tam": ("n51",)},
    }
    before = load_judgements(workspace)
    assert "narrative: taken in before" in inside("-C", workspace.root, "labels", "import", path).stderr
    assert load_judgements(workspace).equals(before)
    path.write_text(path.read_text() + f"{kites},lou,n11,,,,\n")
    with pytest.raises(ConflictError, match="another file"):
        take(workspace, path)
    assert load_judgements(workspace).equals(before)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["x"], "item", "1: the columns annotator, label are missing"),
        (["a,b,n11,x"], "item,annotator,label,mood", "unknown columns: mood"),
        (["{id},mia"], "item,annotator,label", "2: 3 columns are expected"),
        (["{id},mia,n10"], "item,annotator,label", "2: 'n10' is no label of narrative"),
        (["{id},mia,n11", "{id},mia,nope"], "item,annotator,label", "3: 'nope' is no label"),
        (["{id},mia,n11,0,99"], "item,annotator,label,start,end", "2: 0 to 99 is not in the text, which has 22"),
        (["{id},mia,n11,a,9"], "item,annotator,label,start,end", "2: start is 'a', not a number"),
        (["{id},Mia Li,n11"], "item,annotator,label", "'Mia Li' is no annotator's name"),
        (["post_0,mia,n11"], "item,annotator,label", "not in the corpus: .*csv:2: post_0"),
        (["{id},mia,n11,yesterday"], "item,annotator,label,created_at", "'yesterday' is not a time"),
    ],
)
def test_a_table_that_does_not_hold_imports_nothing(
    workspace: Workspace, tmp_path: Path, rows: list[str], header: str, message: str
) -> None:
    path = table(tmp_path, *(row.replace("{id}", post_id("kites")) for row in rows), header=header)
    with pytest.raises(InputError, match=message):
        take(workspace, path)
    assert load_judgements(workspace).num_rows == 0 and not list(workspace.annotations_dir.glob("*"))


def test_what_the_corpus_lacks_can_be_left_out(workspace: Workspace, tmp_path: Path) -> None:
    done = take(workspace, table(tmp_path, "post_0,mia,n11", f"{post_id('soup')},mia,n11"), partial=True)
    assert done.taken == {"narrative": 1} and len(done.unmatched) == 1 and "post_0" in done.unmatched[0]


def exported(task: Any, email: str, answers_: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    by = {"id": 4, "email": email}
    annotation = {"id": 9, "completed_by": by, "result": answers_, "created_at": "2026-02-03T04:05:06.7Z", **more}
    return {"id": 5, "data": task, "annotations": [annotation]}


def test_an_export_becomes_the_judgements_that_a_pull_would_give(workspace: Workspace, tmp_path: Path) -> None:
    studio = FakeStudio()
    push(workspace, studio)
    answer = result("narrative", "n11", "n21", comment="A remark.")
    task = task_of(studio, "narrative.ann-1", post_id("soup"))
    studio.submit(task.id, answer)
    pull(workspace, studio)
    (pulled,) = load_judgements(workspace).to_pylist()
    path = tmp_path / "export.json"
    by_text = exported({"text": POSTS["kites"]}, "x@lab.example", result("narrative", "n98"), was_cancelled=False)
    path.write_text(json.dumps([exported(task.data, "mia@docposts.invalid", answer), by_text]))
    with pytest.raises(InputError, match=r"whose account x@lab\.example is") as caught:
        take(workspace, path)
    assert caught.value.hint == "say it: --person x@lab.example=NAME"
    inside("-C", workspace.root, "labels", "import", path, "--person", "x@lab.example=lou")
    rows = {row["annotator"]: row for row in load_judgements(workspace).to_pylist()}
    same = ("item_id", "labels", "evidence", "confidence", "comment", "text_sha256", "text_layer", "codebook_version")
    assert [rows["mia"][name] for name in same] == [pulled[name] for name in same]
    assert rows["lou"]["item_id"] == post_id("kites") and rows["lou"]["provenance"] == "imported"
    assert rows["ann-1"] == pulled
    assert [each.project for each in pull(workspace, studio)] == [f"{t}.ann-{n}" for t, n in _projects()], "pulls go on"


def _projects() -> list[tuple[str, int]]:
    return [(task, number) for task in ("narrative", "photo_text-text") for number in (1, 2, 3)]


def test_garbage_in_an_export_is_told_and_what_is_invalid_kept_apart(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    for content, message in (
        ("{}", "expected a list"),
        ("[3]", "task 1: without data"),
        ("not json", "not JSON"),
        ('[{"data": {}, "annotations": [{"result": 5}]}]', "an annotation without a result"),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            take(workspace, path)
    odd = [{"id": "a", "from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": ["glad"]}}]
    path.write_text(json.dumps([exported({"text": POSTS["kites"]}, "mia@docposts.invalid", odd)]))
    take(workspace, path)
    judgements, (found,) = read_judgements(workspace)
    assert judgements.num_rows == 0 and found.problems == ("unknown control 'mood'",)
    assert "unknown control 'mood'" in inside("-C", workspace.root, "labels", "rejected").stdout
