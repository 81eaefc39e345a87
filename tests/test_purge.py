"""Purging: nothing of a post, a source or a person's judgements is left, everything else is as it was, and it stays so."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.command import docposts, inside, start
from tests.conftest import EXAMPLES
from tests.fake_studio import FakeStudio, result, workspace_of
from tests.killing import calls_made
from tests.plugins.adjudication import decision_of
from tests.test_corpus import add_examples, add_text, edit, tree
from toolkit import rounds
from toolkit.adjudication import pull as adjudication_pull
from toolkit.adjudication import push as adjudication_push
from toolkit.adjudication.store import history
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.corpus.verify import verify
from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import read_jsonl
from toolkit.labels import pull as labels_pull
from toolkit.labels.store import load_judgements
from toolkit.purge import raw_table
from toolkit.purge.run import Purged, purge
from toolkit.purge.spans import BLOCK
from toolkit.release import build as release_build
from toolkit.release import versions as release_versions
from toolkit.release.verify import verify as verify_release
from toolkit.sources import registry, segments
from toolkit.sources.tabular.add import add_table
from toolkit.tombstones import annotator_id, check_finished, tombstones, unfinished
from toolkit.workspace import Workspace

WHO = "ann-2"
PHOTO = "[Photo text]"
TABLE = "id,words,when,who\n" + "".join(
    f'9000000000000000{n:02},"Lamp {n} is lit\nat the quay of Sarn, says the keeper",2032-01-0{n},keeper{n % 2}\n'
    for n in range(1, 8)
)
COLUMNS = {"platform_object_id": "id", "text": "words", "posted_at": "when", "account": "who"}


class Made:
    """A workspace with everything in it, and the server that it was pulled from."""

    def __init__(self, workspace: Workspace, studio: FakeStudio) -> None:
        self.workspace, self.studio = workspace, studio

    def id_of(self, source_id: str, key: str) -> str:
        source = registry.get(self.workspace, source_id)
        return next(str(s.id) for s in segments.load(source.segments_path, source.text) if s.key == key)

    def words(self, post_id: str, name: str = "posts", column: str = "post_id") -> str:
        rows = store.open_version(self.workspace).table(name).to_pylist()
        return next(str(row["text"]) for row in rows if row[column] == post_id)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two versions, judgements by three, a decision, a release, served images."""
    workspace = workspace_of(tmp_path_factory.mktemp("purge") / "ws")
    add_examples(workspace)
    path = workspace.root / "tweets.csv"
    path.write_text(TABLE, encoding="utf-8")
    add_table(workspace, path, columns=COLUMNS, platform="Chirpyard")
    path.unlink()
    build(workspace)
    other = add_text(workspace, "other", "Soup, nets and kites are mended by the quay.")
    (workspace.root / "other.txt").unlink()
    build(workspace)
    studio = FakeStudio()
    rounds.push(workspace, studio)
    for number, (key, project) in enumerate(sorted(studio.projects.items())):
        task = "photo_text" if "photo_text" in key else "narrative"
        for place, each in enumerate(studio.of(key)):
            label = "n11" if (place + number) % 3 else "n12"
            studio.submit(each.id, result(task, label, comment=f"{key} says so"))
        assert project["id"]
    labels_pull.pull(workspace, studio)
    adjudication_push.push(workspace, studio)
    for key in [key for key in studio.projects if "adjudication" in key]:
        for each in studio.of(key)[:12]:
            studio.submit(each.id, decision_of("yes"))
    adjudication_pull.pull(workspace, studio)
    assert len(history(workspace)) > 10
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_build, "verify", lambda folder: verify_release(folder, load=False))
        release_build.cut(workspace)
    assert other.id == "other"
    return Made(workspace, studio)


@pytest.fixture
def made(everything: Made, tmp_path: Path) -> Made:
    shutil.copytree(everything.workspace.root, tmp_path / "ws", symlinks=True)
    return Made(Workspace.open(tmp_path / "ws"), copy.deepcopy(everything.studio))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def holding(root: Path, *words: str) -> list[str]:
    """Every file that holds one of the words, read independently of what purges: Parquet as rows, the rest as bytes."""
    found = []
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.is_symlink() or path.name == "ledger.jsonl":
            continue
        if path.suffix == ".parquet":
            hit = any(word in text for text in strings(pq.read_table(path).to_pylist()) for word in words)
        else:
            data = path.read_bytes()
            hit = any(w.encode() in data or json.dumps(w)[1:-1].encode() in data for w in words)
        if hit:
            found.append(str(path.relative_to(root)))
    return found


def holds(workspace: Workspace) -> None:
    """Everything verifies, and a build finds nothing new."""
    assert [check for check in verify(workspace) if check.ok is False] == []
    before = tree(workspace.corpus_dir)
    built = build(workspace)
    assert not built.new, built.changes
    assert tree(workspace.corpus_dir) == before
    last = str(store.versions(workspace)[-1].version)
    checks = verify(workspace, last)
    assert [check for check in checks if check.ok is False] == []
    # What is left of the sources gives what is left of the version.
    assert [check.ok for check in checks if (check.version, check.name) == (last, "again")] == [True]


# A post


def test_a_post_goes_from_every_layer_and_nothing_else_does(made: Made) -> None:
    workspace = made.workspace
    post = made.id_of("lantern-quay-3", "post-2")
    words = made.words(post)
    pieces = [words[:40], words[-40:]]
    before = {str(v.version): v.tables() for v in store.versions(workspace)}
    text_before = registry.get(workspace, "lantern-quay-3").text
    photos = [r for r in before["0.1.1"]["photo_texts"].to_pylist() if r["post_id"] == post]
    assert photos
    assert holding(workspace.root, *pieces, photos[0]["text"])
    done = purge(workspace, "post", post, reason="asked for", by="curator")
    assert not done.left
    gone = {post, *(photo["photo_id"] for photo in photos)}
    assert gone <= {*done.stone.items}
    assert holding(workspace.root, *pieces, photos[0]["text"], *gone) == []
    source = registry.get(workspace, "lantern-quay-3")
    assert len(source.text) == len(text_before)
    changed = [n for n, (one, other) in enumerate(zip(text_before, source.text, strict=True)) if one != other]
    assert {source.text[n] for n in changed} == {BLOCK}
    assert all(any(low <= n < high for low, high in done.stone.ranges) for n in changed)
    # Every other row of every version is what it was, but for the hash of the source's text.
    for version in store.versions(workspace):
        for name, old in before[str(version.version)].items():
            kept = version.table(name).to_pylist()
            expected = [row for row in old.to_pylist() if not ({*strings(row)} & gone)]
            if name == "segments":
                expected = [
                    r
                    for r in expected
                    if not any(s <= r["char_start"] < e for s, e in done.stone.ranges)
                    or r["source_id"] != "lantern-quay-3"
                ]
            if name == "references":
                expected = [
                    r
                    for r in expected
                    if not any(s <= r["place"] < e for s, e in done.stone.ranges) or r["source_id"] != "lantern-quay-3"
                ]
            for row in (*kept, *expected):
                row.pop("text_sha256", None)
            assert kept == expected, (str(version.version), name)
        assert version.manifest["purged"] == [1]
    holds(workspace)
    assert made.id_of("lantern-quay-3", "post-3") in before["0.1.1"]["posts"]["post_id"].to_pylist()
    assert {row["item_id"] for row in load_judgements(workspace).to_pylist()}.isdisjoint(gone)
    assert {record["item_id"] for record in history(workspace)}.isdisjoint(gone)
    assert release_versions.releases(workspace) == []
    (stone,) = tombstones(workspace.ledger)
    assert (stone.kind, stone.id, stone.by, stone.reason) == ("post", post, "curator", "asked for")


def test_a_purged_post_does_not_come_back(made: Made, tmp_path: Path) -> None:
    workspace = made.workspace
    post = made.id_of("salt-lamps", "post-4")
    saved = tmp_path / "saved"
    shutil.copytree(workspace.root, saved, symlinks=True)
    purge(workspace, "post", post)
    # By a pull: the server has its tasks still.
    labels_pull.pull(workspace, made.studio)
    assert post not in load_judgements(workspace)["item_id"].to_pylist()
    assert holding(workspace.annotations_dir, post) == []
    # By the source's folder from a backup.
    shutil.rmtree(workspace.sources_dir / "salt-lamps")
    shutil.copytree(saved / "sources" / "salt-lamps", workspace.sources_dir / "salt-lamps")
    with pytest.raises(ConflictError, match="was purged"):
        build(workspace)
    # By old pulls from a git history.
    shutil.copytree(saved / "annotations", workspace.annotations_dir, dirs_exist_ok=True)
    assert post not in load_judgements(workspace)["item_id"].to_pylist()
    # Purged again, it is gone again.
    done = purge(workspace, "post", post)
    assert done.again
    assert holding(workspace.root, post) == []
    holds(workspace)


def test_the_next_release_after_a_purge_is_a_major_one(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_build, "verify", lambda folder: verify_release(folder, load=False))
    purge(made.workspace, "post", made.id_of("salt-lamps", "post-1"))
    build(made.workspace)
    assert release_build.cut(made.workspace).version == "2.0.0"


def test_links_that_went_through_a_purged_post_are_found_anew(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "ws")
    same = "Salt from behind the dyke is clean salt, and a good lamp is no crime."
    source = add_text(workspace, "one", same, same, f"{same} So say we all.", same)
    build(workspace)
    posts = store.open_version(workspace).table("posts")["post_id"].to_pylist()
    assert {row["post_id"] for row in store.open_version(workspace).table("post_links").to_pylist()} == {posts[0]}
    done = purge(workspace, "post", posts[0])
    assert done.alike == sorted(posts[1:])
    links = store.open_version(workspace).table("post_links").to_pylist()
    assert {(row["post_id"], row["other_id"]) for row in links} == {(posts[1], posts[2]), (posts[1], posts[3])}
    assert {row["cluster_id"] for row in links} == {posts[1]}
    holds(workspace)
    assert registry.get(workspace, source.id).text.count(same) == 3


def test_an_earlier_state_of_a_post_goes_with_it(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "ws")
    source = add_text(workspace, "one", "The lamps burn on the quay tonight", "Another post stands here")
    (workspace.root / "one.txt").unlink()
    build(workspace)
    (old, other) = store.open_version(workspace).table("posts")["post_id"].to_pylist()
    # Its span is taken out and set anew, a word shorter: another id.
    spans = segments.load(source.segments_path, source.text)
    shorter = spans[0].model_copy(update={"char_end": spans[0].char_end - len(" tonight"), "id": None, "sha256": None})
    segments.save(workspace, source, [shorter, spans[1]], "test", None)
    build(workspace)
    new = store.open_version(workspace).table("posts")["post_id"].to_pylist()[0]
    assert new != old
    with pytest.raises(InputError, match=f"earlier state of {new}"):
        purge(workspace, "post", old)
    done = purge(workspace, "post", new)
    assert {*done.stone.items} == {old, new}
    for version in store.versions(workspace):
        assert version.table("posts")["post_id"].to_pylist() == [other]
    assert holding(workspace.root, "The lamps burn on the quay", old, new) == []
    holds(workspace)


def test_a_post_of_a_table_goes_and_the_others_keep_their_rows(made: Made) -> None:
    workspace = made.workspace
    rows = [r for r in store.open_version(workspace).table("posts").to_pylist() if r["source_id"] == "tweets"]
    purge(workspace, "post", rows[3]["post_id"])
    assert holding(workspace.root, "Lamp 4 is lit", rows[3]["post_id"], "900000000000000004") == []
    left = [r for r in store.open_version(workspace).table("posts").to_pylist() if r["source_id"] == "tweets"]
    assert left == rows[:3] + rows[4:]
    holds(workspace)
    source = registry.get(workspace, "tweets")
    assert (source.folder / "raw" / "tweets.csv").read_text(encoding="utf-8").count("Lamp") == 6
    again = workspace.root / "again.csv"
    again.write_text(TABLE + '900000000000000077,"Another",2032-01-09,keeper1\n', encoding="utf-8")
    with pytest.raises(ConflictError, match="was purged"):
        add_table(workspace, again, columns=COLUMNS, platform="Chirpyard", source_id="again")
    assert not (workspace.sources_dir / "again").exists()


@pytest.mark.parametrize("form", ["csv", "crlf.csv", "utf-16.csv", "csv.gz", "jsonl", "parquet"])
def test_every_kind_of_table_loses_its_row(tmp_path: Path, form: str) -> None:
    import gzip

    import pyarrow as pa

    path = tmp_path / f"tweets.{form}"
    rows = [
        {"id": f"90000000000000{n:02}", "words": f"Lamp {n}\n“at” the, quay", "when": f"2032-01-0{n}", "who": "k"}
        for n in range(1, 6)
    ]
    lines = ["id,words,when,who"] + [f'{r["id"]},"{r["words"]}",{r["when"]},{r["who"]}' for r in rows]
    # A second row with the same id, which was never taken, and one that is no row.
    lines += [lines[2].replace("Lamp 2", "Lamp 2 once more"), "x,y", ""]
    text = "\n".join(lines) + "\n"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist([row | {"n": 1, "more": ["a"]} for row in rows]), path, row_group_size=2)
    elif form == "csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(
            text.replace("\n", "\r\n" if "crlf" in form else "\n").encode("utf-16" if "16" in form else "utf-8")
        )
    workspace = workspace_of(tmp_path / "ws")
    source = add_table(workspace, path, columns=COLUMNS, platform="Chirpyard", source_id="t")
    build(workspace)
    before = store.open_version(workspace).table("posts").to_pylist()
    assert raw_table.numbers(source, before[1]["post_id"])[0] == 2
    done = purge(workspace, "post", before[1]["post_id"])
    assert not done.left
    assert store.open_version(workspace).table("posts").to_pylist() == [before[0], *before[2:]]
    holds(workspace)


def test_what_nobody_knows_is_an_error_and_nothing_is_touched(made: Made) -> None:
    before = tree(made.workspace.root)
    for kind, name in (("post", "post_" + "0" * 32), ("source", "nobody"), ("annotator", "nobody")):
        with pytest.raises(InputError):
            purge(made.workspace, kind, name)  # type: ignore[arg-type]
    assert tree(made.workspace.root) == before


def test_a_damaged_part_stops_a_purge_before_anything_is_erased(made: Made) -> None:
    post = made.id_of("salt-lamps", "post-4")
    _, part = store.open_version(made.workspace).part_files("posts")[0]
    part.write_bytes(b"x")
    before = tree(made.workspace.root)
    with pytest.raises(InputError, match="damaged"):
        purge(made.workspace, "post", post)
    assert tree(made.workspace.root) == before


# A source


@pytest.mark.parametrize("source_id", ["lantern-quay-3", "tweets"])
def test_a_source_goes_from_every_layer(made: Made, source_id: str) -> None:
    workspace = made.workspace
    version = store.open_version(workspace)
    own = [row for row in version.table("posts").to_pylist() if row["source_id"] == source_id]
    others = [row for row in version.table("posts").to_pylist() if row["source_id"] != source_id]
    before = tree(workspace.root)
    kept = {str(v.version): v.rows_of("posts", "salt-lamps") for v in store.versions(workspace)}
    done = purge(workspace, "source", source_id)
    assert {*done.stone.items} >= {row["post_id"] for row in own}
    assert not (workspace.sources_dir / source_id).exists()
    assert holding(workspace.root, *(row["post_id"] for row in own), *(row["text"][:30] for row in own)) == []
    assert store.open_version(workspace).table("posts").to_pylist() == others
    for version in store.versions(workspace):
        assert version.rows_of("posts", "salt-lamps").equals(kept[str(version.version)])
        assert source_id not in version.manifest["sources"]
    assert [source.id for source in registry.sources(workspace)] == [
        name for name in ("lantern-quay-3", "salt-lamps", "tweets", "other") if name != source_id
    ]
    holds(workspace)
    untouched = [path for path in before if path.startswith(("sources/salt-lamps/", "sources/other/"))]
    assert {path: tree(workspace.root)[path] for path in untouched} == {path: before[path] for path in untouched}


def test_a_purged_source_is_not_added_again(made: Made) -> None:
    workspace = made.workspace
    purge(workspace, "source", "lantern-quay-3")
    report = EXAMPLES / "reports" / "lantern-quay-3.txt"
    with pytest.raises(ConflictError, match="was purged"):
        registry.add(workspace, report, source_id="another-name")
    with pytest.raises(ConflictError, match="id stays taken"):
        add_text(workspace, "lantern-quay-3", "Another report altogether")
    labels_pull.pull(workspace, made.studio)
    shown = {row["item_id"] for row in load_judgements(workspace).to_pylist()}
    assert shown
    assert shown.isdisjoint(tombstones(workspace.ledger)[0].items)


# A person


def test_a_persons_judgements_go_and_the_others_stay(made: Made) -> None:
    workspace = made.workspace
    before = load_judgements(workspace).to_pylist()
    own = [row for row in before if row["annotator"] == WHO]
    assert own
    done = purge(workspace, "annotator", WHO)
    after = load_judgements(workspace).to_pylist()
    assert after == [row for row in before if row["annotator"] != WHO]
    assert holding(workspace.annotations_dir, f'"{WHO}"', f".{WHO} says so") == []
    assert holding(workspace.decisions_dir, f'"{WHO}"', *(row["judgement_id"] for row in own)) == []
    # The adjudicator was shown three answers to a question, of which one is gone.
    pulled = [
        line
        for path in sorted(workspace.annotations_dir.glob("adjudication*/pull-*.jsonl"))
        for _, line in read_jsonl(path)
    ]
    assert pulled
    assert {len(line["data"]["alternatives"]) for line in pulled} == {2}
    assert done.left == ["docposts.toml"]
    assert release_versions.releases(workspace) == []
    assert WHO not in (workspace.root / "ledger.jsonl").read_text(encoding="utf-8")
    assert tombstones(workspace.ledger)[0].id == annotator_id(WHO)
    # Neither a pull nor a push brings them back.
    labels_pull.pull(workspace, made.studio)
    assert load_judgements(workspace).to_pylist() == after
    with pytest.raises(InputError, match="names ann-2, whose judgements were purged"):
        rounds.push(workspace, made.studio)
    edit(workspace.root / "docposts.toml", '"ann-1", "ann-2", "ann-3"', '"ann-1", "ann-3"')
    reopened = Workspace.open(workspace.root)
    rounds.push(reopened, made.studio)
    assert purge(reopened, "annotator", WHO).left == []


def test_a_persons_answers_in_a_shared_project_and_in_an_import_go(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "ws", annotators=("ann-1", "ann-2"), projects="shared")
    add_text(workspace, "one", "The lamps burn on the quay", "Soup and nets")
    build(workspace)
    studio = FakeStudio()
    rounds.push(workspace, studio)
    (key,) = studio.projects
    for each in studio.of(key):
        for number, who in enumerate(("ann-1", "ann-2"), start=1):
            studio.submit(each.id, result("narrative", "n11", comment=f"{who} says so"))
            each.annotations[-1] |= {"created_username": f" {who}@docposts.invalid, {number}", "completed_by": number}
    labels_pull.pull(workspace, studio)
    path = tmp_path / "elsewhere.csv"
    post = store.open_version(workspace).table("posts")["post_id"][0].as_py()
    path.write_text(f"item,annotator,label\n{post},ann-1,n12\n{post},ann-2,n11\n", encoding="utf-8")
    inside("-C", workspace.root, "labels", "import", path)
    before = load_judgements(workspace).to_pylist()
    assert sorted(row["annotator"] for row in before) == ["ann-1"] * 3 + ["ann-2"] * 3
    done = purge(workspace, "annotator", WHO)
    after = load_judgements(workspace).to_pylist()
    assert after == [row for row in before if row["annotator"] != WHO]
    assert holding(workspace.annotations_dir, "ann-2") == []
    assert done.left == ["docposts.toml"]
    # The server's count adds up without them, and what it gives of them again is left out.
    for full in (False, True):
        labels_pull.pull(workspace, studio, full=full)
        assert load_judgements(workspace).to_pylist() == after
    assert holding(workspace.annotations_dir, "ann-2") == []
    state_before = state(workspace.root)
    purge(workspace, "annotator", WHO)
    assert state(workspace.root) == state_before


# Killed


CALLS = ("fsync", "unlink", "rename", "replace", "rmdir")
"""What changes the disk for good: a purge may die before any of them."""


def purge_in(root: Path, kind: Any, name: str) -> None:
    purge(Workspace.open(root), kind, name)


def run(root: Path, moment: int, kind: str, name: str) -> int | None:
    """Purge in a process that dies at a moment (0: never); return how many there are, None where it died."""
    return calls_made(CALLS, purge_in, root, kind, name, kill=moment)


def state(root: Path) -> dict[str, str]:
    found = {path: digest for path, digest in tree(root).items() if not any(p.startswith(".") for p in path.split("/"))}
    # A purge that was killed enters what its second run finds as the ledger stands then; the words are compared below.
    return {path: digest for path, digest in found.items() if path != "ledger.jsonl"}


@pytest.mark.parametrize(("kind", "count"), [("post", 7), ("source", 5), ("annotator", 5)])
def test_killed_at_any_moment_and_run_again_it_ends_the_same(made: Made, tmp_path: Path, kind: str, count: int) -> None:
    """Of a post at 7 moments, of a source and of a person at 5 each: the first, the last, and some between."""
    name = {"post": made.id_of("salt-lamps", "post-2"), "source": "salt-lamps", "annotator": WHO}[kind]
    origin = made.workspace.root
    whole = tmp_path / "whole"
    shutil.copytree(origin, whole, symlinks=True)
    moments = run(whole, 0, kind, name)
    assert moments
    chosen = [1, 2, *random.Random(5).sample(range(3, moments - 2), count - 4), moments - 1, moments]
    for moment in chosen:
        root = tmp_path / f"killed-{moment}"
        shutil.copytree(origin, root, symlinks=True)
        assert run(root, moment, kind, name) is None, moment
        workspace = Workspace.open(root)
        begun = bool(tombstones(workspace.ledger))
        if begun and unfinished(workspace.ledger):
            with pytest.raises(WorkspaceError, match="cut off"):
                check_finished(workspace.ledger)
        purge(workspace, kind, name)  # type: ignore[arg-type]
        assert unfinished(workspace.ledger) is None
        assert state(root) == state(whole), moment
        assert not [p for p in root.rglob(".*") if p.name.endswith((".purged", ".old"))]
        shutil.rmtree(root)
    if kind != "annotator":
        holds(Workspace.open(whole))


# The command


def test_the_command_asks_first_tells_what_it_did_and_where_it_does_not_reach(made: Made) -> None:
    root, post = made.workspace.root, made.id_of("salt-lamps", "post-3")
    (root / ".git").mkdir()
    before = tree(root)
    assert "--yes" in inside("-C", root, "purge", "post", post, code=2).stderr
    planned = json.loads(inside("-C", root, "purge", "post", post, "--dry-run").stdout)
    assert planned["id"] == post
    assert planned["releases"] == ["1.0.0"]
    assert tree(root) == before
    said = docposts("-C", root, "purge", "post", post, "--yes", "--reason", "a takedown").stderr
    assert "erased, releases: 1.0.0" in said
    assert "erased, corpus versions: 0.1.0, 0.1.1" in said
    assert f"says the same or nearly so, and stays: {made.id_of('salt-lamps', 'post-2')}" in said
    for place in ("Label Studio itself", "copies of releases 1.0.0", "history of the git repository", "backups"):
        assert place in said
    assert "STILL THERE" not in said


def test_other_commands_wait_for_a_purge_that_was_cut_off(made: Made) -> None:
    root, post = made.workspace.root, made.id_of("salt-lamps", "post-3")
    assert run(root, 12, "post", post) is None
    refused = inside("-C", root, "corpus", "log", code=1)
    assert f"docposts purge post {post}" in refused.stderr
    assert start("-C", root, "purge", "post", post).wait(120) == 0
    inside("-C", root, "corpus", "verify")


def test_two_purges_one_after_the_other(made: Made) -> None:
    first, second = (made.id_of("lantern-quay-3", key) for key in ("post-2", "post-5"))
    done: list[Purged] = [purge(made.workspace, "post", post) for post in (first, second)]
    assert [each.stone.number for each in done] == [1, 2]
    assert {tuple(v.manifest["purged"]) for v in store.versions(made.workspace)} == {(1, 2)}
    holds(made.workspace)
