"""A workspace of format 1, as the first docposts made it, brought up to today's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.command import inside
from tests.killing import calls_made
from tests.test_corpus import add_text, tree
from toolkit import migrate as migrations
from toolkit.corpus.build import build
from toolkit.corpus.verify import verify
from toolkit.errors import WorkspaceError
from toolkit.fsio import read_text, write_atomic
from toolkit.workspace import SETTINGS_FILE, Workspace


@pytest.fixture
def old(workspace: Workspace) -> Path:
    """Two versions; the ledger and the settings as format 1 had them, with a comment of the curator's."""
    add_text(workspace, "one", "The first post")
    build(workspace)
    add_text(workspace, "two", "The second post")
    build(workspace)
    records = [json.loads(line) for line in read_text(workspace.ledger.path).splitlines()]
    for record in records:
        record.pop("manifest", None)
    write_atomic(workspace.ledger.path, "".join(json.dumps(record) + "\n" for record in records))
    settings = read_text(workspace.root / SETTINGS_FILE).replace("format = 2", "format = 1  # as it was made")
    write_atomic(workspace.root / SETTINGS_FILE, settings)
    write_atomic(workspace.root / ".gitignore", "corpus/\n")
    return workspace.root


def test_an_earlier_format_is_refused_then_migrated_with_a_backup(old: Path) -> None:
    before = {name: (old / name).read_bytes() for name in (SETTINGS_FILE, "ledger.jsonl", ".gitignore")}
    refused = inside("-C", old, "corpus", "log", code=1)
    assert "docposts -C" in refused.stderr
    assert "migrate" in refused.stderr
    said = inside("-C", old, "migrate").stderr
    assert "2 corpus versions" in said
    assert "format 1 → 2" in said
    assert {name: (old / "backup" / "format-1" / name).read_bytes() for name in before} == before
    assert (old / "ledger.jsonl").read_bytes().startswith(before["ledger.jsonl"]), "the ledger is appended to"
    assert "# as it was made" in read_text(old / SETTINGS_FILE)
    assert "backup/" in read_text(old / ".gitignore").splitlines()
    workspace = Workspace.open(old)
    assert [check for check in verify(workspace) if check.ok is False] == []
    assert not build(workspace).new
    again = tree(old)
    assert "nothing to do" in inside("-C", old, "migrate").stderr
    assert tree(old) == again


def test_after_it_an_edited_manifest_is_found(old: Path) -> None:
    migrations.migrate(old)
    path = old / "corpus" / "0.1.1" / "manifest.json"
    write_atomic(path, read_text(path).replace('"unreviewed":[]', '"unreviewed":["two"]'))
    found = [(c.version, c.name) for c in verify(Workspace.open(old), again=False) if c.ok is False]
    assert found == [("0.1.1", "ledger")]


def test_a_migration_that_was_cut_off_is_made_anew(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (old / "ledger.jsonl").read_bytes()

    def broken(workspace: Workspace) -> str:
        migrations._manifests_on_record(workspace)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(migrations._STEPS, 1, broken)
        with pytest.raises(KeyboardInterrupt):
            migrations.migrate(old)
    with pytest.raises(WorkspaceError, match="earlier format"):
        Workspace.open(old)
    done = migrations.migrate(old)
    assert (done.before, done.after) == (1, 2)
    assert (old / "backup" / "format-1" / "ledger.jsonl").read_bytes() == before
    records = [r for r in Workspace.open(old).ledger.records("corpus") if "manifest" in r]
    assert [record["version"] for record in records] == ["0.1.0", "0.1.1"]


CALLS = ("fsync", "rename", "replace")


def test_killed_at_any_moment_it_is_made_anew(old: Path, tmp_path: Path) -> None:
    """Killed before each of the calls by which a migration changes the disk."""
    whole, before = tmp_path / "whole", tree(old)
    shutil.copytree(old, whole, symlinks=True)
    calls = calls_made(CALLS, migrations.migrate, whole)
    assert calls
    assert calls > 10
    expected = visible(whole)
    for moment in range(1, calls + 1):
        root = tmp_path / f"killed-{moment}"
        shutil.copytree(old, root, symlinks=True)
        assert calls_made(CALLS, migrations.migrate, root, kill=moment) is None, moment
        kept = root / "backup" / "format-1"
        if "format = 1" in read_text(root / SETTINGS_FILE):
            migrations.migrate(root)
        assert {name: (kept / name).read_bytes() for name in ("ledger.jsonl", SETTINGS_FILE, ".gitignore")} == {
            name: (old / name).read_bytes() for name in ("ledger.jsonl", SETTINGS_FILE, ".gitignore")
        }
        assert visible(root) == expected, moment
    assert tree(old) == before


def visible(root: Path) -> dict[str, object]:
    """What a workspace holds, without what a killed write left hidden and the times of the ledger's records."""
    found: dict[str, object] = {name: value for name, value in tree(root).items() if "/." not in f"/{name}"}
    records = [json.loads(line) for line in read_text(root / "ledger.jsonl").splitlines()]
    return found | {
        ".gitignore": read_text(root / ".gitignore"),
        "ledger.jsonl": [{name: value for name, value in record.items() if name != "at"} for record in records],
    }


def test_a_format_that_nobody_knows_is_left_alone(old: Path) -> None:
    settings = read_text(old / SETTINGS_FILE).replace("format = 1", "format = 7")
    write_atomic(old / SETTINGS_FILE, settings)
    before = tree(old)
    with pytest.raises(WorkspaceError, match="format 7"):
        migrations.migrate(old)
    assert tree(old) == before
