"""Building: what is gone through again, the same bytes whatever came before and whoever computes, faults of the disk."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command import data, docposts
from tests.plugins.mounts import Mount
from tests.test_corpus import add_text, hidden, tree
from tests.test_tabular import SIMPLE
from tests.test_tabular import add as add_table
from toolkit.corpus import batch, parts, pool, store
from toolkit.corpus import build as corpus_build
from toolkit.corpus.build import build
from toolkit.corpus.grams import folded, overlap
from toolkit.errors import UsageError, WorkspaceError
from toolkit.purge.run import purge
from toolkit.rowdigest import BlockDigest, block_digest, row_digest
from toolkit.sources.source import Source
from toolkit.sources.tabular.rows import SCHEMAS, post_id_of
from toolkit.workspace import Workspace, new_settings

ROOT = Path(__file__).resolve().parent.parent
WORDS = "Lamps burn on the wall by the harbour every evening and nobody blows them out before"


def csv(*texts: str, first: int = 0) -> str:
    rows = "".join(f'{first + n},"{text}",keeper{n % 3}\n' for n, text in enumerate(texts))
    return f"id,text,account\n{rows}"


def posts_of(built: corpus_build.Built) -> list[str]:
    found: list[str] = built.version.table("posts")["text"].to_pylist()
    return found


def clean(workspace: Workspace, folder: Path) -> dict[str, str]:
    """Return what a build from nothing of the same raw and curated files leaves as its parts and links."""
    shutil.copytree(workspace.root, folder, ignore=shutil.ignore_patterns("corpus"))
    fresh = Workspace.open(folder)
    built = build(fresh)
    return parts_of(built.version)


def parts_of(version: store.CorpusVersion) -> dict[str, str]:
    return {
        f"{name}/{number}": f"{part['name']} {part['sha256']} {part['row_digest']}"
        for name, entry in version.manifest["tables"].items()
        for number, part in enumerate(entry["parts"])
    }


# Incremental


def test_of_a_hundred_sources_the_one_that_changed_is_gone_through(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws", new_settings("many"))
    for number in range(100):
        add_text(workspace, f"report-{number:03}", f"{WORDS} evening number {number}.")
    first = build(workspace)
    assert len(first.processed) == 100
    path = workspace.sources_dir / "report-042" / "source.toml"
    path.write_text(path.read_text().replace('title = "', 'title = "Another ', 1))
    again = build(workspace)
    assert again.processed == ("report-042",)
    assert {name: dict(change.changed) for name, change in again.changes.items() if change.step} == {
        "sources": {"title": 1}
    }
    log = data("-C", str(workspace.root), "corpus", "log")
    assert log[0]["processed"] == "report-042"
    assert build(workspace).processed == ()
    # Changed back: what the first version had made is used again.
    path.write_text(path.read_text().replace('title = "Another ', 'title = "', 1))
    back = build(workspace)
    assert back.processed == ()
    assert parts_of(back.version) == parts_of(first.version)


Step = tuple[str, int, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["report", "table", "edit", "leave", "back"]),
        st.integers(0, 5),
        st.sampled_from(["lamp", "kite", "gull", f"{WORDS} dawn", f"{WORDS} noon"]),
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_bytes_are_those_of_a_build_from_nothing(tmp_path_factory: pytest.TempPathFactory, steps: list[Step]) -> None:
    """Whatever was added, edited, left out and taken back in before, build after build."""
    folder = tmp_path_factory.mktemp("random")
    workspace = Workspace.create(folder / "ws", new_settings("random"))
    reports: list[Source] = [add_text(workspace, "first", f"{WORDS} dusk.", "A gull sat on the roof.")]
    for number, (what, which, word) in enumerate(steps):
        source = reports[which % len(reports)]
        away = source.segments_path.with_suffix(".away")
        if what == "report":
            reports.append(add_text(workspace, f"report-{number}", f"{WORDS} {word}.", f"{word} {number}"))
        elif what == "table":
            add_table(workspace, f"table-{number}.csv", csv(f"{WORDS} {word}", f"{word} {number}", first=number * 10))
        elif what == "edit":
            path = source.folder / "source.toml"
            path.write_text(path.read_text().replace('title = "', f'title = "{word} ', 1))
        elif what == "leave" and source.segments_path.exists() and len(reports) > 1:
            source.segments_path.rename(away)
        elif what == "back" and away.exists():
            away.rename(source.segments_path)
        if any(one.segments_path.exists() for one in reports):
            built = build(workspace)
            assert not list(workspace.corpus_dir.glob(".*"))
    if any(one.segments_path.exists() for one in reports):
        assert parts_of(built.version) == clean(workspace, folder / "clean")


def test_a_damaged_part_is_not_used_again(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    built = build(workspace)
    entry = built.version.manifest["tables"]["posts"]["parts"][0]
    path = built.version.part_path(entry["sha256"])
    path.write_bytes(path.read_bytes()[:-1])
    add_text(workspace, "two", f"{WORDS} two.")
    again = build(workspace, repair=True)
    assert sorted(posts_of(again)) == [f"{WORDS} one.", f"{WORDS} two."]


def test_what_could_not_be_taken_is_in_the_manifest_by_reason(workspace: Workspace) -> None:
    add_table(workspace, "x.csv", "id,text\n1,a\n1,b\n2,\n3,c\n")
    manifest = build(workspace).version.manifest
    assert manifest["dropped"] == {"x": {"id seen before": 1, "text: empty": 1}}


# Blocks, workers


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (corpus_build, parts):
        monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(parts, "PIECE_ROWS", 3)


def test_a_large_table_is_made_block_by_block(workspace: Workspace, small_blocks: None) -> None:
    texts = [f"{WORDS} {n}" for n in range(20)]
    add_table(workspace, "x.csv", csv(*texts), columns=SIMPLE | {"account": "account"})
    built = build(workspace)
    entry = built.version.manifest["tables"]["posts"]
    assert [part["rows"] for part in entry["parts"]] == [7, 7, 6]
    assert posts_of(built) == texts
    accounts = built.version.table("accounts").to_pylist()
    assert [row["handle"] for row in accounts] == ["keeper0", "keeper1", "keeper2"]
    assert sum(rows.num_rows for rows in built.version.batches("posts", ["text"], 3)) == 20
    assert max(rows.num_rows for rows in built.version.batches("posts", rows=3)) == 3


def test_workers_zone_seed_and_folder_make_no_difference(tmp_path: Path) -> None:
    """Two blocks, so that there is something to share; one worker here, two in another process."""
    workspace = Workspace.create(tmp_path / "one", new_settings("same"))
    lines = "".join(f"{n},{WORDS} {n % 900} {'鹽燈' * (n % 3)},k{n % 40}\n" for n in range(50_200))
    (tmp_path / "x.csv").write_text(f"id,text,account\n{lines}", encoding="utf-8")
    mapping = ("--map", "id=platform_object_id", "--map", "text=text", "--map", "account=account", "--platform", "C")
    docposts("-C", str(workspace.root), "source", "add", str(tmp_path / "x.csv"), *mapping)
    shutil.copytree(workspace.root, tmp_path / "deeper" / "two")
    command = [sys.executable, "-m", "toolkit", "-C"]
    for folder, workers, environment in (
        (workspace.root, "1", {"PYTHONHASHSEED": "1", "TZ": "UTC"}),
        (tmp_path / "deeper" / "two", "2", {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"}),
    ):
        subprocess.run(
            [*command, str(folder), "corpus", "build", "--workers", workers],
            cwd=ROOT, env=os.environ | environment, check=True, capture_output=True,
        )  # fmt: skip
    assert tree(workspace.corpus_dir) == tree(tmp_path / "deeper" / "two" / "corpus")


def test_little_memory_takes_fewer_workers_and_too_little_is_refused() -> None:
    assert pool.Pool(8, 1000).workers == 2
    assert pool.Pool(8, 400).workers == 1
    with pytest.raises(UsageError, match="100 MB are too few"):
        pool.Pool(1, 100)


def _rows(count: int) -> pa.RecordBatch:
    made = [
        {
            "row": n + 1, "post_id": post_id_of("C", str(n)), "platform": "C", "platform_object_id": str(n),
            "text": f"#tag{n} {WORDS} @keeper{n} https://quay.example/{n} {'盐灯亮了' * (n % 2)}",
            "account": f"k{n % 3}" if n % 4 else None, "hashtags": ["given"] if n % 5 == 0 else [], "mentions": [],
            "urls": ["https://given.example/a", "short.example/b"] if n % 7 == 0 else [],
        }
        for n in range(count)
    ]  # fmt: skip
    return pa.RecordBatch.from_pylist(made, schema=SCHEMAS["posts"])


def test_rows_of_a_batch_do_not_depend_on_what_stands_around_them() -> None:
    whole = batch.post_rows(_rows(23), batch.About("x", actor="the keepers")).posts
    apart = [
        batch.post_rows(_rows(23).slice(at, 4), batch.About("x", actor="the keepers")).posts for at in range(0, 23, 4)
    ]
    assert pa.Table.from_batches(apart).combine_chunks().to_pylist() == whole.to_pylist()
    first, second = whole.to_pylist()[:2]
    assert first["hashtags"] == ["given"]
    assert second["hashtags"] == ["tag1"]
    assert first["urls"] == ["hxxps://given[.]example/a", "short[.]example/b"]
    assert second["urls"] == ["hxxps://quay[.]example/1"]
    assert first["account_id"] is None
    assert second["account_id"].startswith("account_")


# Digests


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(
        st.tuples(st.none() | st.text(max_size=5), st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3)),
        max_size=12,
    ),
    cut=st.integers(0, 12),
)
def test_a_digest_follows_from_the_values_alone(values: list[tuple[Any, Any]], cut: int) -> None:
    table = pa.table(
        {
            "a": pa.array([v[0] for v in values], pa.string()),
            "b": pa.array([v[1] for v in values], pa.list_(pa.string())),
        }
    )
    cut = min(cut, len(values))
    pieces = BlockDigest(table.schema)
    for piece in (table.slice(0, cut), table.slice(cut)):
        pieces.update(piece)
    if values:
        assert pieces.hexdigest() == block_digest(table)
    assert row_digest(table) == row_digest(pa.concat_tables([table.slice(0, cut), table.slice(cut)]))
    large = table.cast(pa.schema([("a", pa.large_string()), ("b", pa.large_list(pa.large_string()))]))
    assert row_digest(large) == row_digest(table)


# Faults


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    build(workspace)
    before = tree(workspace.root)
    add_text(workspace, "two", f"{WORDS} two.")
    between = tree(workspace.root)
    flush = os.fsync
    left = 3

    def full(handle: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WorkspaceError, match="No space left on device") as caught:
            build(workspace)
    assert caught.value.exit_code == 1
    kept = {path: value for path, value in tree(workspace.root).items() if path in before}
    assert {p: v for p, v in kept.items() if p.startswith("corpus")} == {
        p: v for p, v in before.items() if p.startswith("corpus")
    }
    assert not list(workspace.corpus_dir.glob(".building"))
    assert set(between) <= set(tree(workspace.root)) | {".docposts.lock"}
    assert len(posts_of(build(workspace))) == 2


@pytest.mark.parametrize("says", ["Read-only file system", "No space left on device"])
def test_a_file_system_that_is_read_only_or_full(mount: Mount, says: str) -> None:
    workspace = Workspace.create(mount.folder / "workspace", new_settings("mounted"))
    add_text(workspace, "one", f"{WORDS} one.")
    first = build(workspace)
    add_text(workspace, "two", f"{WORDS} two.")
    before = tree(workspace.root)
    ballast = mount.folder / "ballast"
    if says.startswith("No space"):
        with pytest.raises(OSError, match=says):
            ballast.write_bytes(bytes(2 << 20))
    else:
        mount.change("ro")
    failed = docposts("-C", workspace.root, "corpus", "build", code=1)
    assert re.fullmatch(
        f"docposts: cannot write [^\n]*{mount.folder}[^\n]*{says}[^\n]*\n(  try: [^\n]*\n)?", failed.stderr
    )
    assert tree(workspace.root) == before
    assert parts_of(store.open_version(workspace)) == parts_of(first.version)
    mount.change("rw")
    ballast.unlink(missing_ok=True)
    docposts("-C", workspace.root, "corpus", "build")
    assert len(store.open_version(workspace).table("posts")) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; it mounts what is read-only instead")
def test_a_folder_that_cannot_be_written_is_named(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    workspace.corpus_dir.mkdir()
    workspace.corpus_dir.chmod(0o500)
    try:
        with pytest.raises(WorkspaceError, match="cannot write in"):
            build(workspace)
    finally:
        workspace.corpus_dir.chmod(0o700)


def test_a_file_where_the_corpus_should_be_is_a_clear_error(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    workspace.corpus_dir.write_text("not a folder")
    with pytest.raises(WorkspaceError, match="cannot write in"):
        build(workspace)


def test_a_source_that_vanished_is_named_and_the_version_stays(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    gone = add_text(workspace, "two", f"{WORDS} two.")
    first = build(workspace)
    shutil.rmtree(gone.folder)
    with pytest.raises(WorkspaceError, match="names source 'two', but its folder is gone"):
        build(workspace)
    assert parts_of(store.open_version(workspace)) == parts_of(first.version)


def test_a_second_builder_is_told_at_once(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    hold = "import sys; from pathlib import Path; from toolkit.workspace import Workspace\nwith Workspace.open(Path(sys.argv[1])).lock():\n    print('held', flush=True); sys.stdin.read()"  # noqa: E501
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(workspace.root)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceError, match="another docposts command is at work"):
            build(workspace)
        holder.communicate()
    assert build(workspace).new


def test_a_killed_builds_leavings_go_and_no_part_of_a_version_does(workspace: Workspace) -> None:
    add_text(workspace, "one", f"{WORDS} one.")
    first = build(workspace)
    whole = tree(workspace.corpus_dir)
    left = workspace.corpus_dir / ".building"
    left.mkdir()
    (left / "half.parquet").write_bytes(b"PAR1")
    stray = workspace.corpus_dir / "parts" / f"{'ab' * 32}.parquet"
    stray.write_bytes(b"PAR1")
    add_text(workspace, "two", f"{WORDS} two.")
    second = build(workspace)
    assert not stray.exists()
    assert not left.exists()
    assert {path for path in whole if not hidden(path)} <= set(tree(workspace.corpus_dir))
    assert parts_of(first.version).items() & parts_of(second.version).items()


def test_posts_in_two_parts_are_found_equal_and_nearly_so(
    workspace: Workspace, tmp_path: Path, small_blocks: None
) -> None:
    texts = [f"{WORDS} {n} {'salt lamp ' * (n % 4)}" for n in range(8)] + [WORDS * 2, f"{WORDS} 0 "]
    add_table(workspace, "x.csv", csv(*texts))
    add_text(workspace, "report", WORDS * 2)
    built = build(workspace)
    links = built.version.table("post_links").to_pylist()
    ids = built.version.table("posts")["post_id"].to_pylist()
    order = {post_id: place for place, post_id in enumerate(ids)}
    places = [(order[row["post_id"]], order[row["other_id"]], row["kind"]) for row in links]
    assert places == sorted(places)
    assert (0, 9, "exact") in places
    assert (8, 10, "exact") in places
    clusters = built.version.table("clusters").to_pylist()
    assert [order[row["post_id"]] for row in clusters] == sorted(order[row["post_id"]] for row in clusters)
    for row in clusters:
        members = [other["post_id"] for other in clusters if other["cluster_id"] == row["cluster_id"]]
        assert row["size"] == len(members)
        assert row["cluster_id"] == min(members, key=order.__getitem__)


def test_posts_are_linked_by_their_translations_their_images_and_their_platforms_ids(workspace: Workspace) -> None:
    lamp = "The lamp of Saltmere burns on the wall by the sea every evening, and nobody blows it out."
    other = "Kites over Lantern Quay: bring string, bring bread, bring the children at noon."
    source = add_text(
        workspace, "one", "盐灯每晚在海边的墙上燃烧，没有人吹灭它。", lamp, "Saltmere: no boats today.", other
    )
    spans = [json.loads(line) for line in source.segments_path.read_text().splitlines()]
    spans[1] = {**spans[1], "role": "translation", "belongs_to": "post-1", "key": "t"}
    spans[3] = {**spans[3], "role": "photo_text", "belongs_to": "post-3", "key": "p", "kind": "verbatim"}
    source.segments_path.write_text("".join(json.dumps(span) + "\n" for span in spans))
    fact = '[[post]]\nkey = "{}"\nplatform = "Chirpyard"\nplatform_object_id = "77"\n'
    (source.folder / "facts.toml").write_text(fact.format("post-3"))
    facts = fact.format("post-3") + fact.format("post-4").replace("Chirp", "Peep")
    add_text(
        workspace, "two", lamp.replace("every", "each"), f"{other} ", "Boats? Not today.", "Nor here.", facts=facts
    )
    built = build(workspace)
    posts = {row["post_id"]: row["text"][:5] for row in built.version.table("posts").to_pylist()}
    links = built.version.table("post_links").to_pylist()
    found = [(posts[row["post_id"]], posts[row["other_id"]], row["kind"], row["similarity"]) for row in links]
    share = overlap([folded(lamp)], [folded(lamp.replace("every", "each"))])[0]
    assert found == [
        ("盐灯每晚在", "The l", "translation", round(share, 4)),
        ("Saltm", "Kites", "photo_text", 1.0),
        ("Saltm", "Boats", "same_object", None),
    ]
    sizes = [(posts[row["post_id"]], row["size"]) for row in built.version.table("clusters").to_pylist()]
    assert sizes == [("盐灯每晚在", 2), ("Saltm", 3), ("The l", 2), ("Kites", 3), ("Boats", 3)]
    # Without the image's post, nothing joins the two that it held together.
    (gone,) = (post_id for post_id, text in posts.items() if text == "Saltm")
    purge(workspace, "post", gone)
    links = store.open_version(workspace).table("post_links").to_pylist()
    assert [(posts[row["post_id"]], row["kind"]) for row in links] == [("盐灯每晚在", "translation")]
    assert sorted(row["size"] for row in store.open_version(workspace).table("clusters").to_pylist()) == [2, 2]
