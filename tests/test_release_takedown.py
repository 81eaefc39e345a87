"""The takedown list: honoured by every later release, enforced by verify."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import data, docposts
from tests.releases import cut_folder as cut
from tests.releases import failing, publish, workspace_of
from tests.test_release_rows import P1, PHOTO, World, world
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.release.folder import Folder
from toolkit.release.people import load_key
from toolkit.release.takedown import Takedowns, enter, public_name, without
from toolkit.release.verify import verify
from toolkit.workspace import Workspace


def held(folder: Folder) -> set[str]:
    """Every value in the release's rows and files, as text."""
    return {path.name for path in folder.path.rglob("*") if path.is_file() and P1.encode() in path.read_bytes()}


def listed(workspace: Workspace, kind: str, name: str) -> bool:
    tables = store.open_version(workspace).tables()
    return enter(workspace, tables, kind, name, reason="asked", by="kit")  # type: ignore[arg-type]


@pytest.fixture
def released(tmp_path: Path) -> tuple[Workspace, World, Folder]:
    workspace, of = workspace_of(tmp_path / "w"), world()
    return workspace, of, cut(workspace, of, "0.1.0")


def test_a_post_is_taken_down(released: tuple[Workspace, World, Folder]) -> None:
    workspace, of, first = released
    judged = {row["judgement_id"] for row in of.judgements if row["item_id"] == P1}
    photos = {row["photo_id"] for row in of.tables["photo_texts"] if row["post_id"] == P1}
    assert judged and held(first)
    docposts("-C", workspace.root, "release", "takedown", P1, "--reason", "asked for", "--by", "kit")
    assert data("-C", workspace.root, "release", "takedown") == [
        {"kind": "post", "id": P1, "reason": "asked for", "by": "kit"}
    ]
    second = cut(workspace, of, "0.2.0")
    assert second.version == "2.0.0" and P1 in first.rows("posts")["post_id"].to_pylist()
    # It is named as taken down, and in nothing else.
    assert held(second) == {"MANIFEST.json"}
    assert second.manifest["taken_down"] == [P1] and second.manifest["dropped"]["post that was taken down"] == 1
    assert not judged & {*second.rows("judgements")["judgement_id"].to_pylist()}
    assert not photos & {*second.rows("photo_texts")["photo_id"].to_pylist()}
    assert second.rows("posts").num_rows == first.rows("posts").num_rows - 1
    assert failing(verify(second.path, load=False)) == {}
    # The earlier one does not hold any more, in its own workspace.
    out = docposts("-C", workspace.root, "release", "verify", "1.0.0", code=3)
    assert f"{P1} was taken down" in out.stdout.replace("\n", " ")
    again = docposts("-C", workspace.root, "release", "takedown", P1)
    assert "already" in again.stderr


def test_an_account_is_taken_down_by_its_handle(released: tuple[Workspace, World, Folder]) -> None:
    workspace, of, first = released
    account = of.tables["accounts"][0]
    theirs = {row["post_id"] for row in of.tables["posts"] if row.get("account_id") == account["account_id"]}
    assert theirs
    out = docposts(
        "-C", workspace.root, "release", "takedown", "--account", f"{account['platform']}/{account['handle'].upper()}"
    )
    assert account["handle"] not in out.stderr + (workspace.root / "ledger.jsonl").read_text()
    second = cut(workspace, of, "0.2.0")
    assert {*first.rows("posts")["post_id"].to_pylist()} - {*second.rows("posts")["post_id"].to_pylist()} == theirs
    (name,) = second.manifest["taken_down"]
    assert name.startswith("account_") and account["account_id"] != name
    assert load_key(workspace).hex() not in (second.path / "MANIFEST.json").read_text()
    assert name not in second.rows("posts")["account"].to_pylist()
    assert name in first.rows("accounts")["account"].to_pylist()
    assert name not in second.rows("accounts")["account"].to_pylist()
    assert [*failing(verify(first.path, load=False, taken_down=[name]))] == ["takedowns"]


def test_a_public_account_is_taken_down_too(released: tuple[Workspace, World, Folder]) -> None:
    """Releases name it by its handle: the list names the handle's hash, and the gate finds it by that."""
    workspace, of, first = released
    outlet = next(row for row in of.tables["accounts"] if row["state_outlet"])
    of.tables["posts"][3]["text"] += " Read @LampDaily."
    docposts("-C", workspace.root, "release", "takedown", "--account", f"{outlet['platform']}/{outlet['handle']}")
    second = cut(workspace, of, "0.2.0")
    pseudonym, public = second.manifest["taken_down"]
    assert (public, outlet["handle"] in first.rows("posts")["account"].to_pylist()) == (public_name("LAMPDAILY"), True)
    said = {path.name: path.read_bytes() for path in second.path.rglob("*") if path.is_file()}
    assert [name for name, data in said.items() if outlet["handle"].encode() in data] == []
    assert pseudonym not in second.rows("posts")["account"].to_pylist() and second.manifest["public_handles"] == []
    out = docposts("-C", workspace.root, "release", "verify", "1.0.0", code=3)
    assert public in out.stdout.replace("\n", "").replace(" ", "")


def test_a_photo_text_alone(released: tuple[Workspace, World, Folder]) -> None:
    _, of, _ = released
    left, gone = without(of.corpus(), Takedowns(posts=(PHOTO,)))
    assert gone == 0 and PHOTO not in left["photo_texts"]["photo_id"].to_pylist()
    assert left["posts"].num_rows == len(of.tables["posts"])


def test_what_the_corpus_does_not_know(released: tuple[Workspace, World, Folder]) -> None:
    workspace, of, _ = released
    for kind, name in (("post", "post_none"), ("account", "Chirp/nobody")):
        with pytest.raises(InputError, match=f"the corpus has no {kind} {name}"):
            listed(workspace, kind, name)
    assert not list(workspace.ledger.records("takedown"))
    publish(workspace, of, "0.3.0")
    assert listed(workspace, "post", P1) and not listed(workspace, "post", P1)
