"""Shared storage: a real S3-compatible server and folders; versions published whole or not at all, and fetched."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import docposts, inside, told
from tests.conftest import ROOT
from tests.killing import calls_made
from tests.plugins.mounts import Mount
from tests.plugins.objects import ObjectStore
from tests.test_build import WORDS, csv
from tests.test_corpus import add_text, tree
from tests.test_tabular import add as add_table
from toolkit import storage
from toolkit.corpus import publication, store
from toolkit.corpus.build import build
from toolkit.corpus.steps import Version
from toolkit.errors import ConflictError, InputError, ServiceError, UsageError
from toolkit.sources import registry
from toolkit.workspace import Workspace


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place to publish to, of either kind."""
    if request.param == "folder":
        return str(tmp_path / "published")
    objects: ObjectStore = request.getfixturevalue("objects")
    return storage.join(objects.url, tmp_path.name)


@pytest.fixture
def built(workspace: Workspace) -> Workspace:
    """A workspace with two versions, which have a part in common."""
    add_text(workspace, "one", f"{WORDS} one.", f"{WORDS} two.")
    build(workspace)
    add_table(workspace, "x.csv", csv("A gull sat.", f"{WORDS} one."))
    build(workspace)
    return workspace


def clone(workspace: Workspace, folder: Path) -> Workspace:
    """The workspace as somebody else has it: without what is derived."""
    shutil.copytree(workspace.root, folder, ignore=shutil.ignore_patterns("corpus"))
    return Workspace.open(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be an ordinary user for as long, where this is root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


# Files


def test_files_are_written_read_listed_and_removed(url: str, tmp_path: Path) -> None:
    name = storage.join(url, "a", "b.txt")
    storage.write(name, b"lamps")
    storage.write(name, b"gulls")
    assert storage.read(name) == b"gulls"
    with pytest.raises(ConflictError, match="is there already"):
        storage.write(name, b"another", new=True)
    storage.write(storage.join(url, "a", "c.txt"), b"", new=True)
    assert storage.names(storage.join(url, "a")) == {"b.txt", "c.txt"}
    storage.download(name, tmp_path / "here")
    storage.upload(tmp_path / "here", storage.join(url, "d"))
    with storage.reading(storage.join(url, "d")) as file:
        file.seek(1)
        assert file.read(2) == b"ul"
    storage.remove(storage.join(url, "a"))
    assert storage.names(storage.join(url, "a")) == set()
    storage.remove(storage.join(url, "a"))
    with pytest.raises(InputError, match="it is not there"):
        storage.read(name)


def test_of_many_that_write_a_new_file_at_once_one_does(url: str) -> None:
    name = storage.join(url, "manifest.json")

    def write(number: int) -> int | None:
        try:
            storage.write(name, f"{number}".encode(), new=True)
        except ConflictError:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        wrote = [number for number in threads.map(write, range(16)) if number is not None]
    assert len(wrote) == 1
    assert storage.read(name) == f"{wrote[0]}".encode()


def test_what_a_storage_refuses_is_one_line(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=r"cannot write s3://no-such-bucket/x: .*NoSuchBucket") as caught:
        storage.write("s3://no-such-bucket/x", b"")
    assert "\n" not in caught.value.message
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    storage._object_store.cache_clear()
    with pytest.raises(ServiceError, match="cannot read s3://corpora/x") as caught:
        storage.read("s3://corpora/x")
    assert "\n" not in caught.value.message
    assert "fictional" not in caught.value.message
    with pytest.raises(UsageError, match="lamp://x"):
        storage.read("lamp://x")


# Versions


def test_a_version_is_published_and_fetched_into_a_clone(built: Workspace, url: str, tmp_path: Path) -> None:
    first = docposts("-C", built.root, "corpus", "publish", url, "--version", "0.1.0")
    assert "new" in first.stderr
    before = storage.names(storage.join(url, "parts"))
    second = told("-C", built.root, "corpus", "publish", url)
    assert second["new"]
    assert second["copied"] == len(storage.names(storage.join(url, "parts")) - before) < second["parts"]
    assert told("-C", built.root, "corpus", "publish", url)["copied"] == 0
    other = clone(built, tmp_path / "clone")
    docposts("-C", other.root, "corpus", "fetch", url)
    inside("-C", other.root, "corpus", "fetch", url, "--version", "0.1.0")
    assert tree(other.corpus_dir) == tree(built.corpus_dir)
    inside("-C", other.root, "corpus", "verify")
    assert not build(other).new
    again = inside("-C", other.root, "corpus", "fetch", url, code=1)
    assert "is here already" in again.stderr


def test_a_number_that_is_taken_by_another_build_is_refused(built: Workspace, url: str, tmp_path: Path) -> None:
    publication.publish(build(built).version, url)
    manifest = storage.join(url, "0.1.1", "manifest.json")
    kept = storage.read(manifest)
    storage.write(manifest, kept.replace(b"gull", b"kite") + b" ")
    with pytest.raises(ConflictError, match=r"another build of 0\.1\.1"):
        publication.publish(build(built).version, url)
    with pytest.raises(InputError, match=r"is not the 0\.1\.1 that this workspace's ledger knows"):
        publication.fetch(clone(built, tmp_path / "clone"), url, Version(0, 1, 1))


def test_a_publication_that_breaks_off_leaves_no_version(
    built: Workspace, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = build(built).version
    upload, left = storage.upload, [3]

    def full(path: Path, address: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ServiceError(f"cannot write {address}: No space left on device")
        upload(path, address)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "upload", full)
        with pytest.raises(ServiceError, match="No space left"):
            publication.publish(version, url)
    assert publication.versions(url) == []
    assert publication.publish(version, url).new
    assert publication.versions(url) == [Version(0, 1, 1)]


def publish_there(root: Path, url: str) -> None:
    publication.publish(store.open_version(Workspace.open(root)), url)


def fetch_here(root: Path, url: str) -> None:
    publication.fetch(Workspace.open(root), url, Version(0, 1, 1))


def whole(folder: Path) -> dict[str, str]:
    """What a folder holds, but for what was being written when somebody was killed."""
    return {name: held for name, held in tree(folder).items() if not name.endswith(".part")}


def test_publishing_and_fetching_killed_before_each_write_are_run_again(built: Workspace, tmp_path: Path) -> None:
    """Each file that takes its place, in either direction: there is no version, or all of it, and afterwards all of it."""
    calls, there, version = ("replace", "link", "fsync"), tmp_path / "there", store.open_version(built)
    made = calls_made(calls, publish_there, built.root, str(there))
    assert made and made > 8, "a version's parts, its manifest flushed, and the manifest"
    expected = whole(there)
    for kill in range(1, made + 1):
        url = tmp_path / f"killed-{kill}"
        assert calls_made(calls, publish_there, built.root, str(url), kill=kill) is None
        assert publication.versions(str(url)) == [], kill
        assert publication.publish(version, str(url)).new
        assert whole(url) == expected, kill
    fetched = calls_made(calls, fetch_here, clone(built, tmp_path / "clone").root, str(there))
    assert fetched and fetched > 8
    # The parts come one as the other: the first, one among them, and what follows the last.
    for kill in (1, 4, *range(fetched - 3, fetched + 1)):
        other = clone(built, tmp_path / f"clone-{kill}")
        assert calls_made(calls, fetch_here, other.root, str(there), kill=kill) is None
        try:
            fetch_here(other.root, str(there))
        except ConflictError:
            assert kill == fetched, "only its folder was to be flushed yet"
        assert tree(other.corpus_dir) == tree(tmp_path / "clone" / "corpus"), kill


@pytest.mark.parametrize(("options", "says"), [("ro", "Read-only file system"), ("size=8k", "No space left on device")])
def test_storage_that_is_read_only_or_full(built: Workspace, mount: Mount, options: str, says: str) -> None:
    mount.change(options)
    failed = inside("-C", built.root, "corpus", "publish", mount.folder, code=4)
    assert re.search(f"cannot write {mount.folder}/parts/.*: {says}", failed.stderr), failed.stderr
    assert publication.versions(str(mount.folder)) == []
    assert not list(mount.folder.rglob("*.part"))
    mount.change("rw,size=1m")
    assert told("-C", built.root, "corpus", "publish", mount.folder)["new"]


def test_storage_without_permission_to_write(built: Workspace, tmp_path: Path) -> None:
    """As an ordinary user: root may write anywhere."""
    own = tempfile.mkdtemp() if os.geteuid() == 0 else str(tmp_path / "closed")
    folder = Path(own)
    folder.mkdir(exist_ok=True)
    try:
        folder.chmod(0o555)
        assert storage.names(own) == set()
        with as_nobody(), pytest.raises(ServiceError) as caught:
            storage.upload(ROOT / "README.md", storage.join(own, "parts", "x.parquet"))
        assert re.fullmatch(f"cannot write {own}/parts/x.parquet: Permission denied", caught.value.message)
        assert caught.value.exit_code == 4
        folder.chmod(0o755)
        assert publication.publish(build(built).version, own).new
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_part_that_was_changed_there_is_not_taken(built: Workspace, url: str, tmp_path: Path) -> None:
    version = build(built).version
    publication.publish(version, url)
    sha256, _ = version.part_files("posts")[0]
    storage.write(storage.join(url, "parts", f"{sha256}.parquet"), b"another")
    other = clone(built, tmp_path / "clone")
    with pytest.raises(InputError, match="is not what its name says"):
        publication.fetch(other, url, version.version)
    assert not list(other.corpus_dir.glob("0.*"))
    assert not (other.corpus_dir / ".building").exists()


def test_a_workspace_that_never_built_it_does_not_take_it(built: Workspace, url: str, tmp_path: Path) -> None:
    publication.publish(build(built).version, url)
    stranger = Workspace.create(tmp_path / "stranger", built.settings)
    failed = inside("-C", stranger.root, "corpus", "fetch", url, code=1)
    assert "0.1.1 is not in the ledger" in failed.stderr
    nothing = inside("-C", stranger.root, "corpus", "fetch", storage.join(url, "empty"), code=1)
    assert "no version is published" in nothing.stderr


def test_a_damaged_part_is_not_published(built: Workspace, tmp_path: Path) -> None:
    version = build(built).version
    _, path = version.part_files("posts")[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="missing or damaged"):
        publication.publish(version, str(tmp_path / "published"))
    assert publication.versions(str(tmp_path / "published")) == []


def test_a_source_is_added_from_storage(workspace: Workspace, url: str) -> None:
    storage.write(storage.join(url, "archive.csv"), csv("One lamp.", "Two lamps.").encode())
    mapping = ("--map", "id=platform_object_id", "--map", "text=text", "--platform", "Chirpyard")
    address = url if storage.is_address(url) else f"file://{url}"
    inside("-C", workspace.root, "source", "add", storage.join(address, "archive.csv"), *mapping)
    [source] = registry.sources(workspace)
    assert source.id == "archive"
    assert build(workspace).version.table("posts")["text"].to_pylist() == ["One lamp.", "Two lamps."]
    gone = inside("-C", workspace.root, "source", "add", storage.join(address, "gone.csv"), *mapping, code=1)
    assert "it is not there" in gone.stderr
