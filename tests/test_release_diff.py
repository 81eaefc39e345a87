"""What changed between two releases, held against changes that the test made itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import docposts
from tests.releases import cut_folder as cut
from tests.releases import workspace_of
from tests.test_release_rows import P1, world
from toolkit.release.diff import Cell, Flip, Move, diff
from toolkit.release.folder import Folder
from toolkit.report.release_diff import page
from toolkit.workspace import Workspace


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Folder]:
    workspace = workspace_of(tmp_path_factory.mktemp("diff") / "w")
    return workspace, cut(workspace, world(), "0.1.0")


def test_nothing_changed(first: tuple[Workspace, Folder]) -> None:
    found = diff(first[1], first[1])
    assert (found.step, found.expected, found.lines) == (None, "1.0.0", ())
    assert not (found.flips or found.moves or found.cells or found.schema or found.codebooks)
    assert all(not one.added and not one.removed and not one.changed for one in found.configs)
    assert "hold the same data" in page(found)


def test_flips_cells_and_rows(first: tuple[Workspace, Folder], tmp_path: Path) -> None:
    workspace, before = first
    of = world()
    gone = of.tables["narratives"].pop()
    of.tables["sources"][0]["authors"] = ["Mira <script>alert(1)</script> Tern"]
    settled = [row for row in of.decisions if row["item_id"] == P1 and row["field"] == "narrative"]
    assert settled[0]["outcome"] == "yes"
    settled[0]["outcome"] = "contested"
    of.decisions[:] = [row for row in of.decisions if not (row["item_id"] == P1 and row["field"] == "voice")]
    after = cut(workspace, of, "0.2.0")
    found = diff(before, after)
    assert (found.before, found.after, found.step, found.expected) == ("1.0.0", "2.0.0", "major", "2.0.0")
    narratives = next(one for one in found.configs if one.config == "narratives")
    assert (narratives.added, narratives.removed) == ((), (gone["narrative_id"],))
    assert Flip("posts", P1, "narrative", settled[0]["label"], "yes", "contested") in found.flips
    assert Flip("posts", P1, "voice", "asserts", "yes", "undecided") in found.flips
    assert len(found.flips) == 2
    source_id = of.tables["sources"][0]["source_id"]
    authors = Cell("sources", source_id, "authors", ["Ansel Quill"], ["Mira <script>alert(1)</script> Tern"])
    assert authors in found.cells
    assert {cell.column for cell in found.cells if cell.config == "sources"} == {"authors"}
    assert "narratives: 1 removed" in found.lines
    # The same by the command: text, JSON and a page on which nothing runs.
    html = tmp_path / "diff.html"
    out = docposts("release", "diff", before.path, after.path, "--html", html, "--json")
    said = json.loads(out.stdout)
    assert said["flips"] == [vars(flip) for flip in found.flips] and said["step"] == "major"
    assert "<script>" not in html.read_text() and "&lt;script&gt;" in html.read_text()
    shown = docposts("-C", workspace.root, "release", "diff", "1.0.0")
    assert "at least 2.0.0 may follow 1.0.0" in shown.stderr and "contested" in shown.stdout
    other = diff(after, before)
    assert {(f.id, f.label, f.after, f.before) for f in other.flips} == {
        (f.id, f.label, f.before, f.after) for f in found.flips
    }


def test_moves_between_splits(first: tuple[Workspace, Folder], tmp_path: Path) -> None:
    """Nobody is moved by a cut, so a folder made by hand shows it: train and test changed places."""
    import shutil

    from toolkit.fsio import read_json, write_atomic
    from toolkit.release.layout import canonical_pretty

    folder = tmp_path / "moved"
    shutil.copytree(first[1].path, folder)
    train, test = (next((folder / "posts").glob(f"{split}-*.parquet")) for split in ("train", "test"))
    names = {train: test, test: train}
    content = {path: path.read_bytes() for path in names}
    for path, other in names.items():
        other.write_bytes(content[path])
    manifest = read_json(folder / "MANIFEST.json")
    posts = manifest["configs"]["posts"]
    posts["train"], posts["test"] = posts["test"], posts["train"]
    write_atomic(folder / "MANIFEST.json", canonical_pretty(manifest))
    found = diff(first[1], Folder(folder))
    was = {name: split for split, rows in first[1].parts["posts"].items() for name in rows["post_id"].to_pylist()}
    swap = {"train": "test", "test": "train"}
    assert set(found.moves) == {Move("posts", name, split, swap[split]) for name, split in was.items()}
    assert found.step == "major" and not found.cells


def test_a_folder_that_is_none(tmp_path: Path, first: tuple[Workspace, Folder]) -> None:
    out = docposts("release", "diff", first[1].path, tmp_path, code=1)
    assert "MANIFEST.json" in out.stderr
    out = docposts("-C", first[0].root, "release", "diff", "9.9.9", code=1)
    assert "9.9.9 is no release folder, nor a release of this workspace (1.0.0" in out.stderr
