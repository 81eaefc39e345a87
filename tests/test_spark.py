"""Real Spark Connect servers: one process, and a local cluster whose executors are processes of their own.

What is built is the same byte for byte as here, whatever becomes of the workers meanwhile. The sources are skewed: one table has
most posts, and a template that thousands of them share makes one bucket of the search the largest by far.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import inside
from tests.plugins.mounts import Mount
from tests.plugins.objects import ObjectStore
from tests.plugins.spark import SparkServer, killing, spark_server
from tests.test_build import csv
from tests.test_corpus import tree
from tests.test_tabular import SIMPLE
from tests.test_tabular import add as add_rows
from toolkit import storage
from toolkit.corpus import build as corpus_build
from toolkit.corpus import links, store
from toolkit.corpus.build import build
from toolkit.corpus.engines import Choice, blobs, session, spark
from toolkit.errors import ServiceError
from toolkit.fsio import sha256_text
from toolkit.sources.tabular import ingest
from toolkit.sources.tabular.add import add_table
from toolkit.workspace import Workspace, new_settings

TABLES, ALIKE, BLOCK = (5_000, 800, 200), 1_200, 2_000
TEMPLATE = "the evening ferry turns at the old quay and the lamps are lit before it lands again"
TOKEN = "salt-and-lamps"
# Java that does not live long has no use for what makes it fast later.
BRIEF = {f"spark.{who}.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" for who in ("driver", "executor")}


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    """Tables of several blocks without many rows, each of which is a task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark, "_SPREAD", 2)
        for module in (corpus_build, links):
            patch.setattr(module, "BLOCK", BLOCK)
        yield


@pytest.fixture(scope="module")
def built(small_blocks: None, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with tables of unlike size, and what is built of it here."""
    folder = tmp_path_factory.mktemp("here")
    workspace = Workspace.create(folder / "ws", new_settings("same"))
    syllables = [one + two for one in "bdfgklmnprst" for two in ("a", "ei", "o", "u")]
    for number, rows in enumerate(TABLES):
        path = folder / f"table-{number}.csv"
        lines = []
        begin = sum(TABLES[:number])
        for n in range(begin, begin + rows):
            rng = random.Random(n % 3_000)
            words = ["".join(rng.choices(syllables, k=3)) for _ in range(6)]
            text = f"{TEMPLATE} for boat {n}" if n < ALIKE else f"{' '.join(words)} {'鹽燈' * rng.randrange(3)}"
            lines.append(f"{n},{text},keeper{n % 50}\n")
        path.write_text("id,text,account\n" + "".join(lines), encoding="utf-8")
        columns = {"platform_object_id": "id", "text": "text", "account": "account"}
        add_table(workspace, path, columns=columns, platform="Chirpyard")
    version = build(workspace).version
    kinds = version.table("post_links")["kind"].to_pylist()
    assert kinds.count("exact") > 1000
    assert len(version.manifest["tables"]["posts"]["parts"]) == 5
    assert kinds.count("near_duplicate") > ALIKE
    return workspace


@pytest.fixture
def copy(built: Workspace, tmp_path: Path) -> Workspace:
    """The same workspace, of which nothing is built."""
    shutil.copytree(built.root, tmp_path / "ws", ignore=shutil.ignore_patterns("corpus"))
    return Workspace.open(tmp_path / "ws")


@pytest.fixture(scope="module")
def one(spark_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkServer]:
    """A server that is one process, asks for a token, and whose shuffles spill at every other record."""
    spilling = {"spark.shuffle.sort.bypassMergeThreshold": 0, "spark.shuffle.spill.numElementsForceSpillThreshold": 2}
    settings = BRIEF | spilling | {"spark.connect.authenticate.token": TOKEN}
    with spark_server(spark_home, "local[2]", tmp_path_factory.mktemp("one"), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(spark_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkServer]:
    """A server with two executors, processes of their own."""
    with spark_server(spark_home, "local-cluster[2,1,1024]", tmp_path_factory.mktemp("cluster"), **BRIEF) as server:
        yield server


def address(server: SparkServer) -> str:
    return server.url.replace("127.0.0.1", "localhost") + f"/;token={TOKEN}"


@pytest.mark.parametrize("token", ["", "/;token=another"])
def test_a_server_that_refuses(one: SparkServer, copy: Workspace, token: str) -> None:
    url = one.url.replace("127.0.0.1", "localhost") + token
    failed = inside("-C", copy.root, "corpus", "build", "--engine", url, code=4)
    assert "refused the token" in failed.stderr
    assert "another" not in failed.stderr
    assert not store.versions(copy)


LACKING = """
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "toolkit":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Lacking())
"""
ANOTHER = """
import sys
if "pyspark.daemon" in sys.orig_argv:
    sys.version_info = type("V", (tuple,), {"major": 3, "minor": 9})((3, 9, 1))
"""


def environment(folder: Path, customised: str) -> Path:
    """An archive of an environment: this Python, with something that it runs first."""
    (folder / "bin").mkdir(parents=True)
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(customised)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/site:$PYTHONPATH" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with tarfile.open(folder / "environment.tar.gz", "w:gz") as archive:
        archive.add(python, "bin/python")
    return folder / "environment.tar.gz"


@pytest.mark.parametrize(
    ("customised", "means"),
    [(LACKING, "lack the package documented-posts"), (ANOTHER, "have Python 3.9, here it is 3.")],
)
def test_workers_without_the_package_or_with_another_python(
    one: SparkServer, copy: Workspace, tmp_path: Path, customised: str, means: str
) -> None:
    sent = environment(tmp_path / "environment", customised)
    options = ("--engine", address(one), "--environment", sent)
    failed = inside("-C", copy.root, "corpus", "build", *options, code=4)
    assert means in failed.stderr
    assert not store.versions(copy)


def test_through_an_object_store_with_an_environment_that_is_sent_along(
    one: SparkServer, built: Workspace, copy: Workspace, tmp_path: Path, objects: ObjectStore
) -> None:
    """Blocks and parts go through a bucket; workers take credentials from their own environment, which is what runs."""
    mark = tmp_path / "ran"
    sets = "".join(f"os.environ[{name!r}] = {value!r}\n" for name, value in objects.environment.items())
    sent = environment(tmp_path / "environment", f"import os\n{sets}open({str(mark)!r}, 'a').close()\n")
    shared = f"{objects.url}/{tmp_path.name}"
    build(copy, engine=Choice(address(one), environment=sent, shared=shared))
    assert tree(copy.corpus_dir) == tree(built.corpus_dir)
    assert mark.exists()
    assert storage.names(shared) == set()
    with pytest.raises(ServiceError) as caught:
        build(copy, engine=Choice(address(one), environment=sent, shared="s3://no-such-bucket/x"), repair=True)
    assert "NoSuchBucket" in caught.value.message
    assert len(store.versions(copy)) == 1


def test_a_shared_folder_that_is_read_only_or_full(
    one: SparkServer, workspace: Workspace, tmp_path: Path, mount: Mount
) -> None:
    """Said alike by this machine, which writes rows there, and by a worker, which writes parts."""
    add_rows(workspace, "x.csv", csv(*(f"{TEMPLATE} {n} {sha256_text(str(n))}" for n in range(60))), columns=SIMPLE)
    [rows] = workspace.root.rglob(ingest.ROWS_FILE)
    pages = -(-rows.stat().st_size // 4096)
    assert pages > 1
    command = ("-C", workspace.root, "corpus", "build", "--engine", address(one), "--shared", mount.folder)
    for options, written, says in (
        ("ro", r"docposts-\w+/\w{16}\.parquet", "Read-only file system"),
        (f"rw,size={4 * (pages - 1)}k", r"docposts-\w+/\w{16}\.parquet", "No space left on device"),
        (f"rw,size={4 * pages}k", r"docposts-\w+/\w{64}\.parquet", "No space left on device"),
    ):
        mount.change(options)
        failed = inside(*command, code=4)
        assert re.search(f"cannot write {mount.folder}/{written}: {says}", failed.stderr), failed.stderr
        assert not store.versions(workspace)
        assert not (workspace.corpus_dir / ".building").exists()
        assert not list(mount.folder.iterdir())
    mount.change("size=1m")
    inside(*command)
    assert len(store.versions(workspace)) == 1
    assert not list(mount.folder.iterdir())


def test_a_worker_that_is_lost_where_nothing_is_tried_again(
    one: SparkServer, built: Workspace, copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process tries no task twice: one clear message, nothing published; the next run, whose shuffles spill, is right."""
    monkeypatch.setattr(spark, "_IN_A_BUCKET", 8_000)
    command = ("-C", copy.root, "corpus", "build", "--engine", address(one))
    with killing(one.at_work(), 1) as killed:
        failed = inside(*command, code=4)
    assert len(killed) == 1
    assert "was lost" in failed.stderr
    assert not store.versions(copy)
    assert not (copy.corpus_dir / ".building").exists()
    inside(*command)
    assert tree(copy.corpus_dir) == tree(built.corpus_dir)
    assert "Spilling data because number of" in one.said()


def test_a_worker_and_an_executor_killed_in_mid_build_are_replaced(
    cluster: SparkServer, built: Workspace, copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker while it makes parts, and an executor with sketches, that nothing but the cluster has: no folder is shared."""
    step, lost = spark._Sketched.step, cluster.executors()[:1]
    enclosed, sent = spark.Spark.enclosed, list[bytes]()

    def noted(engine: spark.Spark, blob: bytes) -> bytes:
        sent.append(enclosed(engine, blob))
        return sent[-1]

    def losing(sketched: spark._Sketched, name: str, *given: Any, **arguments: Any) -> Any:
        if name == "bands":
            os.kill(lost[0], signal.SIGKILL)
        return step(sketched, name, *given, **arguments)

    monkeypatch.setattr(spark._Sketched, "step", losing)
    monkeypatch.setattr(spark.Spark, "enclosed", noted)
    with killing(cluster.at_work(), 1) as killed:
        build(copy, engine=Choice(cluster.url))
    assert len(killed) == len(lost) == 1
    assert "Lost task" in cluster.said()
    assert lost[0] not in cluster.executors()
    files = [envelope for envelope in sent if envelope.startswith(blobs.ahead(""))]
    # Rows and texts of five blocks, less what is small enough for a cell.
    assert len(files) > 5
    assert tree(copy.corpus_dir) == tree(built.corpus_dir)


def test_an_executor_killed_in_mid_build_through_a_shared_folder(
    cluster: SparkServer, built: Workspace, copy: Workspace, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    at_work = cluster.at_work()
    with killing(lambda: set(at_work().values()) & set(cluster.executors()), 1) as killed:
        build(copy, engine=Choice(cluster.url, shared=str(shared)))
    assert len(killed) == 1
    assert "ExecutorLostFailure" in cluster.said()
    assert tree(copy.corpus_dir) == tree(built.corpus_dir)
    assert not list(shared.iterdir())


def test_a_server_that_goes_away_in_mid_build(
    one: SparkServer, copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_TRIES", 2)

    at_work = one.at_work()
    with killing(lambda: one.processes() if at_work() else (), 50), pytest.raises(ServiceError) as caught:
        build(copy, engine=Choice(address(one)))
    assert "has gone away" in caught.value.message
    assert not store.versions(copy)
    assert not (copy.corpus_dir / ".building").exists()
