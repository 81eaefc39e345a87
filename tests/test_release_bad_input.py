"""What goes wrong around a release, by its commands: each ends with a message, its exit code, and nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.command import data, docposts, inside
from tests.releases import publish, workspace_of
from tests.test_release_rows import World, world
from toolkit.fsio import read_text
from toolkit.parquet import write_table
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in a folder of an unusual name: one report, no narratives, and nobody has judged anything yet."""
    of = world()
    for name in ("posts", "text_layers", "photo_texts"):
        of.tables[name] = [row | {"source_id": "kites"} for row in of.tables[name]]
    tables = of.tables | {"sources": of.tables["sources"][:1], "narratives": []}
    workspace = workspace_of(tmp_path_factory.mktemp("bad") / "灯笼 码头 é")
    publish(workspace, World(tables), "0.1.0")
    said = data("-C", workspace.root, "release", "cut")
    assert (said["version"], said["new"], said["private"]) == ("1.0.0", True, [])
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made.root, tmp_path / made.root.name)
    return Workspace.open(tmp_path / made.root.name)


def test_no_decisions_no_rows_no_second_split(made: Workspace) -> None:
    """What has no rows is in no file and in no YAML; labels are empty, and the card says that nobody has judged."""
    folder = Folder(made.releases_dir / "1.0.0")
    assert {config: [*splits] for config, splits in folder.parts.items()} == {
        "posts": ["train"],
        "photo_texts": ["train"],
        "sources": ["train"],
        "accounts": ["train"],
    }
    named = [info["config_name"] for info in folder.front["dataset_info"]]
    assert named == ["posts", "photo_texts", "sources", "accounts"]
    assert {"judgements", "narratives"}.isdisjoint(path.name for path in folder.path.iterdir())
    posts = folder.rows("posts")
    assert posts["narrative"].null_count == posts.num_rows == 5 and posts["narrative_dist"].to_pylist() == [[]] * 5
    card = read_text(folder.path / "README.md")
    assert "Nobody has judged the items yet" in card and "no test set could be set apart" in card


def test_a_folder_edited_by_hand(workspace: Workspace) -> None:
    folder = workspace.releases_dir / "1.0.0"
    card = folder / "README.md"
    card.write_text(read_text(card).replace("5 posts", "500 posts"), encoding="utf-8")
    out = docposts("-C", workspace.root, "release", "verify", "--json", code=3)
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert [name for name, row in gates.items() if row["state"] == "fails"] == ["manifest"]
    assert gates["manifest"]["detail"] == "README.md was changed"
    assert gates["again"] == {"gate": "again", "state": "not run", "detail": "manifest does not hold"}
    assert "checks do not hold: manifest" in out.stderr
    # Nothing is cut over it, and nothing is lost: deleted, it is made again as it was.
    out = docposts("-C", workspace.root, "release", "cut", code=3)
    assert "was changed since: manifest: README.md was changed" in out.stderr and "delete that folder" in out.stderr
    shutil.rmtree(folder)
    assert data("-C", workspace.root, "release", "cut")["new"] is True
    assert "500 posts" not in read_text(card)


def test_a_corpus_version_that_vanished(workspace: Workspace) -> None:
    shutil.rmtree(workspace.corpus_dir / "0.1.0")
    out = docposts("-C", workspace.root, "release", "cut", "--corpus", "0.1.0", code=1)
    assert "there is no corpus version" in out.stderr and "docposts corpus build" in out.stderr
    out = docposts("-C", workspace.root, "release", "verify", "--json")
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert gates["again"]["state"] == "not run" and "no corpus version" in gates["again"]["detail"]
    assert "not run: step, again" in out.stderr


def test_a_template_with_an_unknown_placeholder(workspace: Workspace) -> None:
    path = workspace.root / "DATASET_CARD.md"
    path.write_text("# {{ title }}\n\n{{ rumours }}\n", encoding="utf-8")
    out = inside("-C", workspace.root, "release", "cut", code=1)
    assert "DATASET_CARD.md" in out.stderr and "'rumours' is undefined" in out.stderr
    path.write_text("# {{ title }}\n\n{% if %}\n", encoding="utf-8")
    out = inside("-C", workspace.root, "release", "cut", code=1)
    assert "DATASET_CARD.md:3" in out.stderr
    assert [path.name for path in workspace.releases_dir.iterdir()] == ["1.0.0"]


def test_a_label_that_the_codebook_does_not_have(workspace: Workspace) -> None:
    folder = Folder(workspace.releases_dir / "1.0.0")
    path = folder.path / folder.files_of("posts", "train")[0]
    rows = folder.rows("posts").to_pylist()
    rows[0]["narrative"] = ["n00"]
    write_table(path, release_table("posts").from_rows(rows), release_table("posts"))
    out = inside("-C", workspace.root, "release", "verify", "--json", code=3)
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert gates["labels"]["state"] == "fails" and "posts.narrative: n00 is no label" in gates["labels"]["detail"]
    assert gates["load"]["state"] == "not run" and "labels" in gates["load"]["detail"]
    assert folder.path.is_dir() and path.is_file()


def test_words_that_are_none(workspace: Workspace) -> None:
    for words in (("release", "cut", "--version", "one"), ("release", "cut", "--version", "1.0")):
        assert "is no version" in inside("-C", workspace.root, *words, code=2).stderr
    out = inside("-C", workspace.root, "release", "cut", "--version", "2.0.0", code=1)
    assert "release 1.0.0 says the same: there is nothing to call 2.0.0" in out.stderr
    out = inside("-C", workspace.root, "release", "verify", "9.9.9", code=1)
    assert "9.9.9 is no release folder" in out.stderr
    path = workspace.root / "docposts.toml"
    path.write_text(read_text(path).replace("languages = []", 'languages = ["klingon"]'), encoding="utf-8")
    out = inside("-C", workspace.root, "release", "cut", code=3)
    assert "release 1.0.1 was not published" in out.stderr and "language" in out.stderr
    assert [path.name for path in workspace.releases_dir.iterdir()] == ["1.0.0"]
