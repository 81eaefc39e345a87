"""A post whose text was corrected is another row: a person decides whether its judgements carry over."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from tests.command import inside, told
from tests.fake_studio import FakeStudio, result, workspace_of
from tests.plugins.adjudication import decision_of
from tests.test_corpus import add_text
from toolkit import rounds
from toolkit.adjudication import pull as adjudication_pull
from toolkit.adjudication import push as adjudication_push
from toolkit.adjudication.store import standing
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.corpus.lineage import left, supersede
from toolkit.errors import ConflictError, InputError
from toolkit.labels import pull as labels_pull
from toolkit.labels.store import load_judgements
from toolkit.purge.run import purge
from toolkit.release import build as release_build
from toolkit.release import versions as release_versions
from toolkit.release.folder import Folder
from toolkit.release.verify import verify as verify_release
from toolkit.sources import registry
from toolkit.sources.editing import Quote, mark
from toolkit.trace.find import trace
from toolkit.workspace import Workspace

POSTS = (
    "The lamps of Sarn burn on the quay tonight. Aand tomorrow",
    "Soup, nets and kites are mended by the quay",
    "Nobody is forced to carry a single stone",
)
PEOPLE = ("ann-1", "ann-2", "ann-3")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, FakeStudio]:
    """Three judged posts, one decision, one release; then the first post's span loses its last words."""
    workspace, studio = workspace_of(tmp_path_factory.mktemp("lineage") / "ws"), FakeStudio()
    add_text(workspace, "one", *POSTS)
    add_text(workspace, "two", "Another report has one post of its own")
    build(workspace)
    rounds.push(workspace, studio)
    for who, labels in zip(PEOPLE, ("n11", "n11", "n12"), strict=True):
        for task in studio.of(f"harbour/narrative.{who}"):
            studio.submit(task.id, result("narrative", labels))
    labels_pull.pull(workspace, studio)
    adjudication_push.push(workspace, studio)
    for task in studio.of("harbour/adjudication.narrative"):
        studio.submit(task.id, decision_of("yes" if task.data["label"] == "n11" else "no"))
    adjudication_pull.pull(workspace, studio)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_build, "verify", lambda folder: verify_release(folder, load=False))
        release_build.cut(workspace)
    quote = Quote("The lamps of Sarn burn on the quay tonight.")
    mark(workspace, registry.get(workspace, "one"), quote, {"role": "post", "key": "post-1"}, move=True)
    build(workspace)
    return workspace, studio


@pytest.fixture
def workspace(judged: tuple[Workspace, FakeStudio], tmp_path: Path) -> Workspace:
    shutil.copytree(judged[0].root, tmp_path / "ws", symlinks=True)
    return Workspace.open(tmp_path / "ws")


def ids(workspace: Workspace) -> tuple[str, str]:
    """The first post's id before and after."""
    old, new = (store.open_version(workspace, version).table("posts")["post_id"][0] for version in ("0.1.0", "0.2.0"))
    return str(old), str(new)


def votes(workspace: Workspace, item: str) -> list[str]:
    return sorted(row["annotator"] for row in load_judgements(workspace).to_pylist() if row["item_id"] == item)


def settled(workspace: Workspace, item: str) -> set[tuple[str | None, str, str]]:
    rows = standing(workspace).decisions.to_pylist()
    return {(row["label"], row["outcome"], row["method"]) for row in rows if row["item_id"] == item}


def test_what_left_is_listed_with_what_seems_to_follow(workspace: Workspace) -> None:
    old, new = ids(workspace)
    (found,) = left(workspace)
    assert (found.old, found.new, found.last, found.how, found.carries) == (old, new, "0.1.0", "place", None)
    assert found.similarity == pytest.approx(0.86, abs=0.02)
    assert (found.text, found.new_text) == (POSTS[0], "The lamps of Sarn burn on the quay tonight.")
    said = inside("-C", workspace.root, "corpus", "lineage")
    assert f"docposts corpus supersede {old} {new}" in said.stderr


def test_undecided_judgements_do_not_count_and_carried_ones_do(workspace: Workspace) -> None:
    old, new = ids(workspace)
    assert (votes(workspace, old), votes(workspace, new)) == ([*PEOPLE], [])
    assert settled(workspace, new) == set()
    assert len(standing(workspace).outdated) == 2
    inside("-C", workspace.root, "corpus", "supersede", old, new, "--carry", "--reason", "a typo", "--by", "curator")
    assert (votes(workspace, old), votes(workspace, new)) == ([], [*PEOPLE])
    assert {row["judged_item_id"] for row in load_judgements(workspace).to_pylist()} == {old, None}
    # The adjudicator's decisions on the old text stand on the new one as well: the votes are the same.
    assert settled(workspace, new) == {("n11", "yes", "adjudicated"), ("n12", "no", "adjudicated")}
    assert standing(workspace).outdated == []
    (found,) = told("-C", workspace.root, "corpus", "lineage")
    assert (found["how"], found["carries"], found["new"]) == ("decided", True, new)
    record = next(workspace.ledger.records("supersede"))
    assert (record["by"], record["reason"]) == ("curator", "a typo")


def test_the_last_decision_holds(workspace: Workspace) -> None:
    old, new = ids(workspace)
    supersede(workspace, old, new, carries=True, reason="a typo")
    supersede(workspace, old, new, carries=False, reason="the sense is another")
    assert (votes(workspace, old), votes(workspace, new)) == ([*PEOPLE], [])
    before = workspace.ledger.path.read_bytes()
    supersede(workspace, old, new, carries=False, reason="the sense is another")
    assert workspace.ledger.path.read_bytes() == before, "said again, it is one decision"


def test_a_vote_on_the_new_text_counts_for_more_than_the_carried_one(
    workspace: Workspace, judged: tuple[Workspace, FakeStudio]
) -> None:
    old, new = ids(workspace)
    supersede(workspace, old, new, carries=True, reason="a typo")
    studio = copy.deepcopy(judged[1])
    rounds.push(workspace, studio)
    (task,) = [t for t in studio.of("harbour/narrative.ann-3") if t.data["item_id"] == new]
    studio.submit(task.id, result("narrative", "n11"))
    labels_pull.pull(workspace, studio)
    assert settled(workspace, new) == {("n11", "yes", "unanimous")}


@pytest.mark.parametrize("carries", [True, False])
def test_a_release_keeps_the_new_text_in_the_old_ones_split(
    workspace: Workspace, carries: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_build, "verify", lambda folder: verify_release(folder, load=False))
    old, new = ids(workspace)
    supersede(workspace, old, new, carries=carries, reason="compared")
    release_build.cut(workspace)
    first, second = release_versions.releases(workspace)

    def split_of(folder: Folder, item: str) -> str:
        parts = folder.parts["posts"]
        return next(split for split, rows in parts.items() if item in rows["post_id"].to_pylist())

    assert split_of(first, old) == split_of(second, new)
    rows = [row for rows in second.parts["posts"].values() for row in rows.to_pylist() if row["post_id"] == new]
    assert bool(rows[0]["narrative"]) is carries


def test_a_chain_carries_over_from_end_to_end(workspace: Workspace) -> None:
    old, new = ids(workspace)
    quote = Quote("The lamps of Sarn burn on the quay")
    mark(workspace, registry.get(workspace, "one"), quote, {"role": "post", "key": "post-1"}, move=True)
    newest = build(workspace).version.table("posts")["post_id"][0].as_py()
    with pytest.raises(InputError, match="is not in corpus"):
        supersede(workspace, old, new, carries=True, reason="too late")
    supersede(workspace, old, newest, carries=True, reason="a typo")
    assert votes(workspace, newest) == [*PEOPLE]
    # Back to the first text: its id is the first again, so that nothing has to be carried.
    mark(workspace, registry.get(workspace, "one"), Quote(POSTS[0]), {"role": "post", "key": "post-1"}, move=True)
    assert build(workspace).version.table("posts")["post_id"][0].as_py() == old
    assert votes(workspace, old) == []
    supersede(workspace, newest, old, carries=True, reason="back")
    assert votes(workspace, old) == [*PEOPLE]


def test_what_cannot_supersede_is_refused(workspace: Workspace) -> None:
    old, new = ids(workspace)
    other = store.open_version(workspace).table("posts")["post_id"][1].as_py()
    before = workspace.ledger.path.read_bytes()
    for one, two, error in (
        (other, new, ConflictError),
        ("post_" + "0" * 32, new, InputError),
        (old, "post_" + "0" * 32, InputError),
        (old, "photo_" + new.removeprefix("post_"), InputError),
    ):
        with pytest.raises(error):
            supersede(workspace, one, two, carries=True, reason="no")
    assert workspace.ledger.path.read_bytes() == before


def test_a_purge_takes_what_a_post_supersedes_with_it(workspace: Workspace) -> None:
    old, new = ids(workspace)
    supersede(workspace, old, new, carries=True, reason="a typo")
    done = purge(workspace, "post", new)
    assert {old, new} <= {*done.stone.items}
    assert not {old, new} & {*load_judgements(workspace)["item_id"].to_pylist()}


def test_a_trace_says_where_a_row_went_and_leads_back_from_what_follows_it(workspace: Workspace) -> None:
    (old,) = [item for item in left(workspace) if item.text == POSTS[0]]
    assert old.new
    (now,) = [str(version.version) for version in store.versions(workspace)][-1:]

    def refused(row: str) -> str:
        return inside("-C", workspace.root, "trace", row, code=1).stderr

    assert f"{old.old} was last in corpus {old.last}; {now} does not hold it; release 1.0.0 holds it, split" in refused(
        old.old
    )
    assert "docposts corpus lineage" in refused(old.old[:20])
    supersede(workspace, old.old, old.new, carries=True, reason="A slip of the span.", by="nell")
    told = refused(old.old[:20])
    assert f"{old.old} was superseded by {old.new}: its judgements count there" in told
    assert f"docposts trace {old.new}" in told
    found = trace(workspace, old.new, "n11")
    (step,) = found.steps
    assert (found.release, found.released_as, step.released, step.outcome) == ("1.0.0", old.old, "yes", "yes")
    assert [vote.value for vote in step.votes] == ["yes", "yes", "no"]
    supersede(workspace, old.old, old.new, carries=False, reason="It means something else.", by="nell")
    assert "its judgements do not carry over" in refused(old.old)
    found = trace(workspace, old.new)
    assert (found.steps, found.released_as, found.split) == ((), None, None)
