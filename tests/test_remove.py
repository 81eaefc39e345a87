"""``source rm``: what was added by mistake goes, what something was made of stays, killed anywhere it can be run again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.command import inside
from tests.conftest import EXAMPLES
from tests.fake_studio import FakeStudio
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.corpus.rebuild import rebuild
from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import read_jsonl
from toolkit.purge.remove import remove
from toolkit.segmentation.push import push
from toolkit.sources import propose, registry, segments
from toolkit.sources.entries import sequence
from toolkit.sources.source import Source
from toolkit.workspace import Workspace, new_settings

REPORT = EXAMPLES / "reports" / "lantern-quay-3.txt"
SPANS = EXAMPLES / "reports" / "lantern-quay-3.segments.jsonl"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w", new_settings("harbour", "Harbour", tasks={"adjudicator": "cura"}))


def add(workspace: Workspace, name: str) -> Source:
    path = workspace.root.parent / f"{name}.txt"
    path.write_text(f"A fictional report on {name}\n\nPost: The dyke of {name} holds, and the sea knows it.\n")
    return registry.add(workspace, path)


def files(workspace: Workspace) -> dict[str, str]:
    paths = (p for p in sorted(workspace.root.rglob("*")) if p.is_file() and p.name != ".docposts.lock")
    return {str(p.relative_to(workspace.root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_a_source_of_which_nothing_was_made_goes_and_may_come_back(workspace: Workspace) -> None:
    inside("-C", workspace.root, "source", "add", REPORT, "--id", "wrong")
    inside("-C", workspace.root, "source", "segment", "wrong")
    done = inside("-C", workspace.root, "source", "rm", "wrong", "--by", "mia")
    assert "source wrong is removed" in done.stderr
    assert registry.sources(workspace) == [] and not list(workspace.sources_dir.iterdir())
    assert [dict(record) for _, record in read_jsonl(workspace.ledger.path)][-1] == {
        "event": "removed",
        "source_id": "wrong",
        "by": "mia",
    }
    # Neither the id nor the text is taken.
    again = registry.add(workspace, REPORT, source_id="right")
    assert [source.id for source in registry.sources(workspace)] == [again.id]
    remove(workspace, "right")
    assert registry.add(workspace, REPORT, source_id="wrong").id == "wrong"
    assert "no source" in inside("-C", workspace.root, "source", "rm", "nowhere", code=1).stderr


def test_places_stay_and_what_comes_back_comes_last(workspace: Workspace) -> None:
    for name in ("one", "two", "three"):
        segments.accept(workspace, _proposed(workspace, add(workspace, name)))
    remove(workspace, "one", with_spans=True)
    assert sequence(workspace) == {"two": 2, "three": 3}
    version = build(workspace).version
    segments.accept(workspace, _proposed(workspace, add(workspace, "one")))
    assert sequence(workspace) == {"two": 2, "three": 3, "one": 4}
    # The version is made again the same from what the ledger says now.
    assert rebuild(workspace, version)[0]
    assert build(workspace).new
    posts = store.versions(workspace)[-1].table("posts")
    assert posts["source_id"].to_pylist() == ["two", "three", "one"]


def _proposed(workspace: Workspace, source: Source) -> Source:
    propose.propose(workspace, source)
    return source


def test_what_something_was_made_of_is_refused_and_nothing_changes(workspace: Workspace) -> None:
    built, curated, pushed = (_proposed(workspace, add(workspace, name)) for name in ("built", "curated", "pushed"))
    segments.accept(workspace, built)
    build(workspace, proposals="leave")
    segments.accept(workspace, curated)
    push(workspace, FakeStudio(), source_id=pushed.id)
    before = files(workspace)
    for source, says, hint in (
        (built, r"in corpus 0\.1\.0", "purge source built"),
        (curated, r"were accepted \(segments\.jsonl\)", "--with-spans"),
        (pushed, "went to Label Studio", "purge source pushed"),
    ):
        with pytest.raises(ConflictError, match=says) as caught:
            remove(workspace, source.id)
        assert hint in str(caught.value.hint)
    with pytest.raises(InputError, match="no source"):
        remove(workspace, "../sources/built")
    assert files(workspace) == before
    remove(workspace, curated.id, with_spans=True)
    assert not curated.folder.exists()


@pytest.mark.parametrize("step", ["append", "rmtree"])
def test_killed_at_any_step_it_is_run_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    add(workspace, "one")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr({"append": "toolkit.ledger.Ledger.append", "rmtree": "shutil.rmtree"}[step], killed)
        with pytest.raises(KeyboardInterrupt):
            remove(workspace, "one")
    if step == "append":
        with pytest.raises(WorkspaceError) as caught:
            registry.sources(workspace)
        assert "docposts source rm one" in str(caught.value.hint)
    else:
        assert registry.sources(workspace) == []
    remove(workspace, "one")
    assert registry.sources(workspace) == [] and not list(workspace.sources_dir.iterdir())
    assert len(list(workspace.ledger.records("removed"))) == 1
