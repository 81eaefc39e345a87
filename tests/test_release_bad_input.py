"""What goes wrong around a release, by its commands: each ends with a message, its exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.command import inside, told
from tests.conftest import EXAMPLES
from tests.plugins.hub import HubDouble, Repo
from tests.releases import HOLD, publish, workspace_of
from tests.test_release_rows import World, world
from toolkit.fsio import read_text
from toolkit.parquet import write_table
from toolkit.release import build, checks
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.images import cleaned
from toolkit.release.loading import load_from_hub
from toolkit.release.verify import verify
from toolkit.resources import resource
from toolkit.workspace import Workspace

REPO = "lantern-lab/lantern-quay"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in a folder of an unusual name: one report, no narratives, and nobody has judged anything yet."""
    of = world()
    for name in ("posts", "text_layers", "photo_texts"):
        of.tables[name] = [row | {"source_id": "kites"} for row in of.tables[name]]
    tables = of.tables | {"sources": of.tables["sources"][:1], "narratives": []}
    workspace = workspace_of(tmp_path_factory.mktemp("bad") / "灯笼 码头 é")
    publish(workspace, World(tables), "0.1.0")
    said = told("-C", workspace.root, "release", "cut")
    assert (said["version"], said["new"], said["private"]) == ("1.0.0", True, [])
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made.root, tmp_path / made.root.name)
    return Workspace.open(tmp_path / made.root.name)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long by other libraries is left out, as other tests show it."""
    for module in (build, checks):
        monkeypatch.setattr(module, "verify", lambda folder, **options: verify(folder, **options | {"load": False}))


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


@pytest.mark.usefixtures("unread")
def test_a_folder_edited_by_hand(workspace: Workspace) -> None:
    folder = workspace.releases_dir / "1.0.0"
    card = folder / "README.md"
    card.write_text(read_text(card).replace("5 posts", "500 posts"), encoding="utf-8")
    out = inside("-C", workspace.root, "release", "verify", "--json", code=3)
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert [name for name, row in gates.items() if row["state"] == "fails"] == ["manifest"]
    assert gates["manifest"]["detail"] == "README.md was changed"
    assert gates["again"] == {"gate": "again", "state": "not run", "detail": "manifest does not hold"}
    assert "checks do not hold: manifest" in out.stderr
    # Nothing is cut over it, and nothing is lost: deleted, it is made again as it was.
    out = inside("-C", workspace.root, "release", "cut", code=3)
    assert "was changed since: manifest: README.md was changed" in out.stderr and "delete that folder" in out.stderr
    shutil.rmtree(folder)
    assert told("-C", workspace.root, "release", "cut")["new"] is True
    assert "500 posts" not in read_text(card)


@pytest.mark.usefixtures("unread")
def test_a_corpus_version_that_vanished(workspace: Workspace) -> None:
    shutil.rmtree(workspace.corpus_dir / "0.1.0")
    out = inside("-C", workspace.root, "release", "cut", "--corpus", "0.1.0", code=1)
    assert "there is no corpus version" in out.stderr and "docposts corpus build" in out.stderr
    out = inside("-C", workspace.root, "release", "verify", "--json")
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert gates["again"]["state"] == "not run" and "no corpus version" in gates["again"]["detail"]
    assert "not run: records, load, step, again" in out.stderr


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


@pytest.mark.usefixtures("unread")
def test_a_version_already_there_and_already_tagged(
    workspace: Workspace, made: Workspace, online: HubDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version is cut once and published once: another that calls itself so is refused, here and there."""
    monkeypatch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])
    monkeypatch.setattr(checks, "checked", lambda *_, **__: HOLD)
    at = ("-C", workspace.root, "release")
    inside(*at, "push", REPO, "--yes")
    # Somebody else's copy of the workspace, from before there was a release: theirs is a 1.0.0 too, and says something else.
    others = tmp_path / "theirs"
    shutil.copytree(made.root, others, ignore=shutil.ignore_patterns("1.0.0"))
    ledger = others / "ledger.jsonl"
    lines = read_text(ledger).splitlines(keepends=True)
    ledger.write_text("".join(line for line in lines if '"event": "release"' not in line), encoding="utf-8")
    for root in (others, workspace.root):
        path = root / "docposts.toml"
        path.write_text(read_text(path).replace("Lantern | Quay", "Lantern Pier"), encoding="utf-8")
    inside("-C", others, "release", "cut")
    repo, held = online.repos[REPO], {path: path.read_bytes() for path in others.rglob("*") if path.is_file()}
    history, tags = repo.history(), dict(repo.tags)
    for words in ((), ("--plan",), ("--pr",)):
        out = inside("-C", others, "release", "push", REPO, "--yes", *words, code=1)
        assert f"{REPO} has a tag v1.0.0 that holds other files than {others}" in out.stderr
        assert "a version is published once" in out.stderr and not out.stdout
    assert (repo.history(), repo.tags, repo.pulls) == (history, tags, [])
    assert {path: path.read_bytes() for path in others.rglob("*") if path.is_file()} == held
    # The one that is tagged may be pushed again: nothing is left to do, and nothing is asked.
    out = inside(*at, "push", REPO)
    assert "tagged v1.0.0 already" in out.stderr and repo.history() == history
    # Nor is a number given twice here.
    out = inside(*at, "cut", "--version", "1.0.0", code=1)
    assert "1.0.0" in out.stderr and "1.0.1" in out.stderr, "the number that is too low, and the least that will do"
    assert [path.name for path in workspace.releases_dir.iterdir()] == ["1.0.0"]


NAMES = {
    "page": unicodedata.normalize("NFD", "Соляные лампы é (灯)\u200f.html"),
    "folder": unicodedata.normalize("NFD", "Bilder für é_files"),
    "poster-lamps-burn.png": unicodedata.normalize("NFD", "плакат й ё.png"),
    "card-no-one.png": unicodedata.normalize("NFC", "卡 é ガ.png"),
    "poster-no-crime.png": "card\u202egnp.exe\u202c.png",
}


@pytest.mark.usefixtures("unread")
def test_unicode_in_names(tmp_path: Path, online: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of files in two normal forms and in both directions, from the saved page to what is loaded from the Hub."""
    own = tmp_path / unicodedata.normalize("NFD", "Отчёты \u200fعربي é")
    shutil.copytree(EXAMPLES / "reports" / "salt-lamps" / "salt-lamps_files", own / NAMES["folder"])
    page = read_text(EXAMPLES / "reports" / "salt-lamps" / "salt-lamps.html")
    for name, told_by in NAMES.items():
        if name.endswith(".png"):
            (own / NAMES["folder"] / name).rename(own / NAMES["folder"] / told_by)
            # Pages call a file by its composed name, percent-encoded or not, however the disk spells it.
            there = unicodedata.normalize("NFC", f"{NAMES['folder']}/{told_by}")
            page = page.replace(f"salt-lamps_files/{name}", quote(there) if name != "card-no-one.png" else there)
    page = page.replace("salt-lamps_files", quote(unicodedata.normalize("NFC", NAMES["folder"])))
    (own / NAMES["page"]).write_text(page, encoding="utf-8")
    meta = own / "о докладе é.toml"
    shutil.copy(EXAMPLES / "reports" / "salt-lamps" / "salt-lamps.source.toml", meta)
    meta.write_text(read_text(meta).replace('rights = "quotable"', 'rights = "redistributable"'), encoding="utf-8")
    workspace = workspace_of(tmp_path / "码头 \u202ezc é")
    books = workspace.root / "codebooks"
    shutil.copytree(resource("annotation_configs", "narrative"), books / "narrative")
    at = ("-C", workspace.root)
    inside(*at, "source", "add", own / NAMES["page"], "--id", "lamps", "--meta", meta)
    inside(*at, "source", "segment", "lamps")
    inside(*at, "source", "accept", "lamps")
    inside(*at, "corpus", "build")
    inside(*at, "release", "cut")
    folder = Folder(workspace.releases_dir / "1.0.0")
    photos = folder.rows("photo_texts").to_pylist()
    held = {row["image"]["bytes"] for row in photos if row["image"]}
    files = {cleaned(path.read_bytes()) for path in (own / NAMES["folder"]).iterdir()}
    assert held == files and len(held) == 5, "each image that the page shows was found, whatever it is called"
    assert all(path.relative_to(folder.path).as_posix().isascii() for path in folder.path.rglob("*"))
    assert "25 checks hold; not run: records, load, step" in inside(*at, "release", "verify").stderr
    # Strays of such names, in the folder and on the Hub, are named, do not turn what is printed, and go.
    strays = ("заметки \u200fعربي.txt", unicodedata.normalize("NFD", "é.txt"), "card\u202egnp.exe")
    repo = online.repos.setdefault(REPO, Repo(private=True))
    repo.commit(repo.main, "by hand", repo.commits[repo.main].files | dict.fromkeys(strays, b"x"))
    with monkeypatch.context() as patch:
        patch.setattr(checks, "checked", lambda *_, **__: HOLD)
        patch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])
        assert json.loads(inside(*at, "release", "push", REPO, "--plan", "--json").stdout)["delete"] == sorted(strays)
        out = inside(*at, "release", "push", REPO, "--yes")
    assert "card·gnp.exe" in out.stdout and "\u202e" not in out.stdout
    assert {*repo.commits[repo.main].files} == {*folder.manifest["files"], "MANIFEST.json", ".gitattributes"}
    assert load_from_hub(folder, REPO, "v1.0.0") == []
    for name in (*strays, os.fsdecode(b"no utf-8 \xff")):
        (folder.path / name).write_bytes(b"x")
    found = [inside(*at, "release", "verify", *words, code=3) for words in ((), ("--json",))]
    assert "card·gnp.exe is not in the manifest" in found[0].stdout and "\u202e" not in found[0].stdout
    (detail,) = (row["detail"] for row in json.loads(found[1].stdout) if row["state"] == "fails")
    assert all(f"{name} is not in the manifest" in detail for name in strays)
