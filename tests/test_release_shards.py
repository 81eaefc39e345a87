"""A split in several files: where they end, what stays when rows come and go, and that every way of reading them is the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.hub import HubDouble, sha256
from tests.releases import HOLD, by_people, cut_world, failing, workspace_of
from tests.test_release_rows import World, layer, post, some_id, world
from toolkit.fsio import sha256_file
from toolkit.release.diff import diff
from toolkit.release.folder import Folder
from toolkit.release.push import plan, push
from toolkit.release.shards import shards
from toolkit.release.verify import verify

REPO = "lantern-lab/lantern-quay"
SHARD = 0.006
"""Of the tests' releases, in MB: three files or so for the posts of a split."""
FIRST, ADDED = 60, 20


def rows(names: list[str], size: int = 100) -> pa.Table:
    return pa.table({"id": names, "text": [name[:1] * size for name in names], "tags": [[name] for name in names]})


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(150, 20_000), st.integers(1, 60))
def test_pieces_are_the_rows_in_order_and_small_enough(count: int, limit: int, piece: int) -> None:
    names = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(count)]
    whole = rows(names)
    cut = [*shards(whole, "id", limit)]
    assert pa.concat_tables(cut).equals(whole) or not count
    assert all(part.num_rows for part in cut) or not count
    # 4 + 64 (id), 4 + 100 (text), 4 + 4 + 64 (tags).
    assert all(part.num_rows * 244 <= max(limit, 244) for part in cut)
    again = pa.concat_tables([whole.slice(at, piece) for at in range(0, count, piece)] or [whole])
    assert [part["id"].to_pylist() for part in shards(again, "id", limit)] == [part["id"].to_pylist() for part in cut]


def test_files_stay_as_rows_come_and_go() -> None:
    names = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(4000)]
    before = [part["id"].to_pylist() for part in shards(rows(names), "id", 50_000)]
    longer = [part["id"].to_pylist() for part in shards(rows([*names, *(n[::-1] for n in names[:300])]), "id", 50_000)]
    assert longer[: len(before) - 1] == before[:-1] and len(before) > 20
    less = [part["id"].to_pylist() for part in shards(rows(names[:5] + names[6:]), "id", 50_000)]
    kept = [part for part in before if part in less]
    assert len(kept) >= len(before) - 3, "one row less moves the end of a file or two, and no more"


def many(count: int) -> World:
    """The world with further posts of two reports."""
    of = by_people(world())
    for number in range(count):
        name, text = f"m{number}", " ".join(hashlib.sha256(f"{number}-{n}".encode()).hexdigest()[:8] for n in range(16))
        # The later ones are all of one report: one split gets longer, the other stays.
        item, source = some_id("post", name), ("kites", "ferry")[number % 2 if number < FIRST else 0]
        of.tables["posts"].append(post(item, source, text))
        of.tables["text_layers"].append(layer(item, source, "translation", text))
    return of


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Folder]:
    workspace = workspace_of(tmp_path_factory.mktemp("shards") / "w", shard_mb=SHARD)
    first = cut_world(workspace, many(FIRST), "0.1.0").folder
    return Folder(first), Folder(cut_world(workspace, many(FIRST + ADDED), "0.2.0").folder)


def test_a_split_in_several_files(two: tuple[Folder, Folder]) -> None:
    first, second = two
    assert failing(verify(second.path, load=False, before=first.path)) == {} and second.version == "1.1.0"
    files = {
        split: first.files_of("posts", split) for split, rows in first.parts["posts"].items() if rows.num_rows > 25
    }
    assert files and all(len(own) > 2 for own in files.values())
    for own in files.values():
        assert all((first.path / path).is_file() for path in own)
    assert all("shards" not in said for said in first.manifest["configs"]["sources"].values())
    # Whoever was there stays in the same file, by its content, but for the last.
    held = {sha256_file(path) for path in second.path.glob("posts/*.parquet")}
    for split, own in files.items():
        stays = [sha256_file(first.path / path) in held for path in own]
        assert all(stays[:-1]), split
    told = diff(first, second)
    assert (told.step, len(told.configs[0].added), told.configs[0].removed) == ("minor", ADDED, ())


_LOAD = """
import json, sys
from pathlib import Path
from toolkit.release.loading import main
repo, cache, first, second = sys.argv[1:]
found = {f"tag {tag}": main(Path(of), f"{cache}/{tag}", repo, tag) for of, tag in ((first, "v1.0.0"), (second, "v1.1.0"))}
# The last one shuts the network.
print(json.dumps(found | {"folder": main(Path(second), f"{cache}/folder")}))
"""


def test_they_are_pushed_and_load_as_one_from_a_folder_and_by_tag(
    two: tuple[Folder, Folder], online: HubDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])
    first, second = two
    push(first, plan(first, REPO, HOLD))
    held, uploaded = online.repos[REPO].commits[online.repos[REPO].main].files, online.uploaded
    planned = plan(second, REPO, HOLD)
    longer, same = (split for split in ("train", "test") if second.rows("posts").num_rows)
    if len(second.files_of("posts", same)) > len(second.files_of("posts", longer)):
        longer, same = same, longer
    was, now = first.files_of("posts", longer), second.files_of("posts", longer)
    # The split that got longer is in more files, each of which has another name: what it holds stays, but for the last.
    assert len(now) > len(was) > 2
    assert planned.moved == dict(zip(now, was[:-1], strict=False))
    assert {*planned.delete} == {*was} and {*first.files_of("posts", same)} < {*planned.unchanged}
    documents = {path for path in planned.send if not path.endswith(".parquet")}
    assert documents == {
        "CHANGELOG.md",
        "CITATION.cff",
        "LICENSE.md",
        "MANIFEST.json",
        "README.md",
        "croissant.json",
        "folds/source.csv",
    }
    assert {*planned.send} - documents == {*now[len(was) - 1 :]}
    assert planned.bytes == sum((second.path / path).stat().st_size for path in planned.send)
    push(second, planned)
    rows = [second.path / path for path in {*planned.send} - documents]
    assert online.uploaded - uploaded == sum(path.stat().st_size for path in rows)
    repo = online.repos[REPO]
    assert [commit.title for commit in repo.history()] == ["Release 1.1.0", "Release 1.0.0", "initial commit"]
    for of, tag in ((first, "v1.0.0"), (second, "v1.1.0")):
        there = {path: sha256(data) for path, data in repo.commits[repo.tags[tag]].files.items()}
        here = {
            path.relative_to(of.path).as_posix(): sha256_file(path) for path in of.path.rglob("*") if path.is_file()
        }
        assert {path: digest for path, digest in there.items() if path != ".gitattributes"} == here
    assert held == repo.commits[repo.tags["v1.0.0"]].files
    words = [sys.executable, "-c", _LOAD, REPO, tmp_path, first.path, second.path]
    env = os.environ | online.environment | {"HF_HOME": str(tmp_path / "hf"), "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    out = subprocess.run([*map(str, words)], env=env, capture_output=True, text=True, check=True).stdout
    for name, loaded in json.loads(out.splitlines()[-1]).items():
        of = first if name == "tag v1.0.0" else second
        for config, splits in of.manifest["configs"].items():
            wanted = {split: said["row_digest"] for split, said in splits.items()}
            assert (loaded[config]["batch"], loaded[config]["stream"]) == (wanted, wanted), (name, config)
            assert loaded[config]["versions"] == [of.version]


def test_a_file_that_is_missing_or_of_another_form(two: tuple[Folder, Folder], tmp_path: Path) -> None:
    split = next(split for split, rows in two[0].parts["posts"].items() if rows.num_rows > 25)
    *_, last = two[0].files_of("posts", split)
    shutil.copytree(two[0].path, tmp_path / "a")
    (tmp_path / "a" / last).unlink()
    found = failing(verify(tmp_path / "a", load=False))
    assert last in found["manifest"] and last in found["parts"] and split in found["globs"]
    shutil.copytree(two[0].path, tmp_path / "b")
    own = pq.read_table(tmp_path / "b" / last)
    pq.write_table(own.append_column("more", pa.nulls(own.num_rows)), tmp_path / "b" / last)
    assert "columns are not those of" in failing(verify(tmp_path / "b", load=False))["parts"]
