"""Rows of restricted reports leave without words, and get them back from a user's own copy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import docposts
from tests.releases import by_people, failing, publish, workspace_of
from tests.releases import cut_folder as cut
from tests.test_release_rows import World, world
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_text, sha256_text
from toolkit.ids import normalise
from toolkit.parquet import row_digest
from toolkit.release.folder import Folder
from toolkit.release.hydrate import hydrate
from toolkit.release.verify import verify

CLOSED = "kites"


def closed_world() -> World:
    of = by_people(world())
    next(row for row in of.tables["sources"] if row["source_id"] == CLOSED)["rights"] = "restricted"
    return of


def words(of: World) -> list[str]:
    """Every text of the closed report, and each of its words' runs of five."""
    rows = [*of.tables["posts"], *of.tables["text_layers"], *of.tables["photo_texts"], *of.tables["narratives"]]
    return [row["text"] for row in rows if row["source_id"] == CLOSED]


def everything(folder: Folder) -> str:
    """All that a reader of the release finds, Parquet as JSON."""
    tables = json.dumps([rows.to_pylist() for rows in folder.tables().values()], ensure_ascii=False, default=str)
    texts = [read_text(p) for p in sorted(folder.path.rglob("*")) if p.is_file() and p.suffix != ".parquet"]
    return "\n".join([tables, *texts])


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Folder]:
    of = closed_world()
    return of, cut(workspace_of(tmp_path_factory.mktemp("dry") / "w"), of, "0.1.0")


def test_no_words_of_a_restricted_report_leave(released: tuple[World, Folder]) -> None:
    of, folder = released
    said = everything(folder)
    assert len(words(of)) >= 3
    for text in words(of):
        assert text not in said
        parts = text.split()
        for at in range(len(parts) - 4):
            assert " ".join(parts[at : at + 5]) not in said
    rows = {row["post_id"]: row for row in folder.rows("posts").to_pylist()}
    for row in of.tables["posts"]:
        own = rows[row["post_id"]]
        assert own["dehydrated"] == (row["source_id"] == CLOSED) == (own["text"] is None)
        assert own["exact_hash"] == sha256_text(normalise(row["text"])) or row["source_id"] != CLOSED
    # Labels stay, and so does where each judgement's evidence lies.
    labelled = [row for row in rows.values() if row["dehydrated"] and row["judgements"]]
    assert labelled and any(row["narrative"] for row in labelled)
    manifest = folder.manifest
    assert (manifest["dehydrated"], manifest["restricted"], manifest["publishable"]) == ([CLOSED], False, True)
    assert failing(verify(folder.path)) == {}


def test_the_words_come_back_from_a_copy(released: tuple[World, Folder], tmp_path: Path) -> None:
    of, folder = released
    workspace = workspace_of(tmp_path / "own")
    publish(workspace, of, "0.1.0")
    out = docposts("-C", workspace.root, "release", "hydrate", folder.path, tmp_path / "wet", "--json")
    wet = Folder(tmp_path / "wet")
    dry_rows = sum(
        rows["dehydrated"].to_pylist().count(True) for rows in (folder.rows("posts"), folder.rows("photo_texts"))
    )
    assert json.loads(out.stdout) == {"folder": str(tmp_path / "wet"), "filled": dry_rows, "missing": {}}
    texts = {row["post_id"]: row["text"] for row in of.tables["posts"] if row["source_id"] == CLOSED}
    found = {row["post_id"]: row["text"] for row in wet.rows("posts").to_pylist() if row["post_id"] in texts}
    assert found == texts
    for config in ("judgements", "sources"):
        assert row_digest(wet.rows(config)) == row_digest(folder.rows(config))
    shown = {(row["post_id"], row["layer"]): row["text"] for row in of.tables["text_layers"]}
    marked = {row["judgement_id"]: row for row in of.judgements}
    for row in wet.rows("judgements").to_pylist():
        if row["item_id"] in texts:
            text = shown[row["item_id"], row["text_layer"]]
            was = marked[row["judgement_id"]]["evidence"]
            assert [text[s["start"] : s["end"]] for s in row["evidence"]] == [text[s["start"] : s["end"]] for s in was]
    assert failing(verify(wet.path)) == {}
    assert (wet.manifest["publishable"], wet.manifest["hydrated"]) == (False, True)
    assert "FOR PRIVATE USE ONLY" in read_text(wet.path / "README.md")
    assert wet.manifest["digest"] != folder.manifest["digest"], "a cache must not take one for the other"


def test_a_text_that_differs_is_named(released: tuple[World, Folder], tmp_path: Path) -> None:
    _, folder = released
    mine = closed_world()
    ours = [row for row in mine.tables["posts"] if row["source_id"] == CLOSED]
    ours[0] |= {"text": ours[0]["text"] + "!", "exact_hash": sha256_text(normalise(ours[0]["text"] + "!"))}
    workspace = workspace_of(tmp_path / "own")
    publish(workspace, mine, "0.1.0")
    words_of: tuple[Any, ...] = ("-C", workspace.root, "release", "hydrate", folder.path)
    out = docposts(*words_of, tmp_path / "a", code=3)
    assert f"{ours[0]['post_id']}: another text" in out.stderr
    docposts(*words_of, tmp_path / "b", "--partial")
    left = [row["post_id"] for row in Folder(tmp_path / "b").rows("posts").to_pylist() if row["dehydrated"]]
    assert left == [ours[0]["post_id"]]
    assert failing(verify(tmp_path / "b", load=False)) == {}
    out = docposts(*words_of, tmp_path / "b", code=1)
    assert "is there already" in out.stderr


def test_nothing_to_hydrate_and_nothing_to_hydrate_from(released: tuple[World, Folder], tmp_path: Path) -> None:
    of, folder = released
    empty = {name: rows.slice(0, 0) for name, rows in of.corpus().items()}
    with pytest.raises(InputError, match="none of the"):
        hydrate(folder, empty, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    whole = cut(workspace_of(tmp_path / "w"), world(), "0.1.0")
    with pytest.raises(InputError, match="nothing to hydrate"):
        hydrate(whole, of.corpus(), tmp_path / "none")
    with pytest.raises(ConflictError):
        hydrate(folder, of.corpus(), tmp_path)
