"""Other engines: the same rows, digests and files as this machine's own processes. Sail runs always; clusters: test_spark.py."""

from __future__ import annotations

import errno
import random
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command import docposts, inside, told
from tests.plugins.required import required
from tests.test_build import WORDS, csv
from tests.test_corpus import add_examples, tree
from tests.test_tabular import SIMPLE
from tests.test_tabular import add as add_table
from toolkit.corpus import build as corpus_build
from toolkit.corpus import near, parts, store
from toolkit.corpus.build import build
from toolkit.corpus.engines import Choice, Engine, blobs, opened, session, spark, steps, worker
from toolkit.corpus.grams import folded
from toolkit.corpus.pool import pool
from toolkit.corpus.search import Found, search
from toolkit.errors import ChecksFailed, ServiceError, UsageError
from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.text import detecting
from toolkit.workspace import Workspace, new_settings

with session._named_program():
    grpc, proto = required("grpc"), required("pyspark.sql.connect.proto")
    services: Any = required("pyspark.sql.connect.proto.base_pb2_grpc")


@pytest.fixture(scope="module")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One Sail for the module."""
    with opened(Choice("sail"), tmp_path_factory.mktemp("staging")) as engine:
        yield engine


def both(workspace: Workspace, folder: Path, engine: str = "sail") -> tuple[store.CorpusVersion, dict[str, str]]:
    """Build here and, from a copy, on another engine; return the one and the other's files, which must be the same."""
    shutil.copytree(workspace.root, folder, ignore=shutil.ignore_patterns("corpus"))
    here = build(workspace).version
    there = Workspace.open(folder)
    build(there, engine=Choice(engine))
    files = tree(there.corpus_dir)
    assert files == tree(workspace.corpus_dir)
    return here, files


def test_the_examples_are_built_the_same_on_sail(workspace: Workspace, tmp_path: Path) -> None:
    add_examples(workspace)
    version, _ = both(workspace, tmp_path / "sail")
    assert version.manifest["tables"]["posts"]["rows"] > 10
    assert version.manifest["tables"]["post_links"]["rows"] > 0


def test_blocks_duplicates_and_accounts_are_the_same_on_sail(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (corpus_build, parts):
        monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(parts, "PIECE_ROWS", 3)
    texts = [f"{WORDS} {n % 11} {'鹽燈' * (n % 3)}" for n in range(40)]
    add_table(workspace, "x.csv", csv(*texts), columns=SIMPLE | {"account": "account"})
    add_examples(workspace)
    version, _ = both(workspace, tmp_path / "sail")
    assert len(version.manifest["tables"]["posts"]["parts"]) > 6
    links = version.table("post_links").to_pylist()
    assert {row["kind"] for row in links} >= {"exact", "near_duplicate"}


def test_the_command_takes_an_engine(workspace: Workspace, tmp_path: Path) -> None:
    add_examples(workspace)
    shutil.copytree(workspace.root, tmp_path / "other")
    here = told("-C", workspace.root, "corpus", "build")
    there = docposts("-C", tmp_path / "other", "corpus", "build", "--engine", "sail")
    assert "INFO" not in there.stderr
    again = told("-C", tmp_path / "other", "corpus", "build")
    assert not again["new"]
    assert {n: t["row_digest"] for n, t in again["tables"].items()} == {
        n: t["row_digest"] for n, t in here["tables"].items()
    }


# The search, against the embedded one


def posts(folder: Path, texts: list[list[str]]) -> tuple[list[Path], list[int]]:
    """Write parts with these texts, as much of them as a search reads."""
    files = []
    number = 0
    for part, own in enumerate(texts):
        ids = [f"post_{number + n:032x}" for n in range(len(own))]
        number += len(own)
        rows = pa.table({"post_id": ids, "exact_hash": [sha256_text(normalise(text)) for text in own], "text": own})
        files.append(folder / f"{part}.parquet")
        pq.write_table(rows, files[-1])
    return files, [len(own) for own in texts]


def assert_same(one: Found, other: Found) -> None:
    assert one.ids.tobytes() == other.ids.tobytes()
    for mine, theirs in zip(one.edges, other.edges, strict=True):
        assert mine.tolist() == theirs.tolist()


VOCABULARY = [*WORDS.split(), "灯亮了", "今晚", "渡轮", "𠮷野家", "فانوس"]


def _text(seed: int, drop: int) -> str:
    words = random.Random(seed).choices(VOCABULARY, k=14)
    return " ".join(word for place, word in enumerate(words) if place != drop)


TEXTS = st.lists(
    st.lists(st.builds(_text, st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=30),
    min_size=1,
    max_size=4,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS, bucket=st.sampled_from([5, 60, 4_000_000]))
def test_the_search_finds_what_the_embedded_one_finds(
    tmp_path_factory: pytest.TempPathFactory, sail: Engine, texts: list[list[str]], bucket: int
) -> None:
    folder = tmp_path_factory.mktemp("search")
    files, rows = posts(folder, texts)
    (folder / "work").mkdir()
    with pool(1) as one, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark, "_IN_A_BUCKET", bucket)
        patch.setattr(spark, "_PAIRS", 3)
        assert_same(sail.search(files, rows, folder), search(files, rows, folder / "work", one, small=True))


def test_a_template_that_a_thousand_posts_share_is_skew_and_found_the_same(tmp_path: Path, sail: Engine) -> None:
    """Most of a source in one band's bucket: one task has nearly all the work."""
    rng = random.Random(3)
    template = [f"{WORDS} {WORDS[::-1]} number {n}" for n in range(1200)]
    rest = [" ".join(rng.choices(VOCABULARY, k=12)) for _ in range(200)]
    files, rows = posts(tmp_path, [template[:700], rest, template[700:]])
    (tmp_path / "work").mkdir()
    with pool(1) as one:
        expected = search(files, rows, tmp_path / "work", one, small=True)
    assert len(expected.edges.one) > 1200
    assert_same(sail.search(files, rows, tmp_path), expected)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS, at_once=st.sampled_from([1, 7, 40]))
def test_keys_looked_at_in_shares_find_the_same(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], at_once: int
) -> None:
    folder = tmp_path_factory.mktemp("search")
    files, rows = posts(folder, texts)
    (folder / "whole").mkdir()
    (folder / "shares").mkdir()
    with pool(1) as one, pytest.MonkeyPatch.context() as patch:
        whole = search(files, rows, folder / "whole", one, small=True)
        patch.setattr("toolkit.corpus.search._AT_ONCE", at_once)
        patch.setattr("toolkit.corpus.search._PAIRS", at_once)
        assert_same(search(files, rows, folder / "shares", one, small=True), whole)


def test_no_order_of_arrival_shows() -> None:
    """A shuffle brings blobs in any order, and a task that ran twice brings the same ones."""
    rng = np.random.default_rng(5)
    found = near.sketch([folded(f"{WORDS} {n // 3}") for n in range(60)])
    records = np.empty(60, steps.SKETCHED)
    records["key"], records["place"], records["low"] = found.bands[0], rng.permutation(60), found.low
    answers = set()
    for _ in range(5):
        pieces = [blobs.pack(records=own) for own in np.array_split(rng.permutation(records), 4)]
        answers |= {blob for _, blob in steps.candidates(0, pieces)}
    assert len(answers) == 1
    assert len(blobs.unpack(answers.pop())[1]["pairs"]) > 10


def test_workers_that_are_threads_of_one_process_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of texts is forgotten by one thread while another is at work."""
    known, unknown = f"{WORDS} at dawn", f"{WORDS} at dusk"
    assert detecting.detect([known], "Latn") == ["en"]
    answers = detecting._answers

    def meanwhile(texts: list[str], script: str) -> list[str]:
        detecting._remembered.clear()
        return answers(texts, script)

    monkeypatch.setattr(detecting, "_answers", meanwhile)
    assert detecting.detect([known, unknown], "Latn") == ["en", "en"]


# What goes wrong


def test_another_release_on_the_workers_is_said() -> None:
    here = worker.software() | {"parquet": "pyarrow 0.1"}
    batch = pa.RecordBatch.from_arrays([pa.array([0]), pa.array([b"="], pa.binary())], schema=worker.SCHEMA)
    [answer] = worker.run([batch], step="keys", here=here, keep=None, arguments={})
    assert answer["number"].to_pylist() == [worker.ERROR]
    error = worker.raised(answer["data"][0].as_py())
    assert isinstance(error, ServiceError)
    assert "the cluster's workers have another parquet: pyarrow" in error.message
    assert "here it is pyarrow 0.1" in error.message


def test_an_error_of_the_rows_reads_as_it_does_here(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that fails in a worker ends the build with its own exit code, and nothing is published."""
    add_table(workspace, "x.csv", csv("one", "two"))

    def refuse(*_: object) -> list[str]:
        return ["posts.text: row 1 does not hold"]

    monkeypatch.setattr("toolkit.schema.Table.check_values", refuse)
    with pytest.raises(ChecksFailed, match="row 1 does not hold"):
        build(workspace, engine=Choice("sail"))
    assert not store.versions(workspace)
    assert [path.name for path in workspace.corpus_dir.iterdir()] in ([], ["parts"])


def test_storage_that_is_full_is_said_by_whoever_met_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_table(workspace, "x.csv", csv("one", "two"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(ServiceError, match=r"cannot write .*: No space left on device"):
            build(workspace, engine=Choice("sail"))
    assert not store.versions(workspace)
    assert build(workspace, engine=Choice("sail")).new


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (
            "[PYTHON_VERSION_MISMATCH] worker (3, 12) 3.12 than that in driver: 3.11,",
            "have Python 3.12, here it is 3.11",
        ),
        ("ModuleNotFoundError: No module named 'toolkit'", "lack the package documented-posts"),
        ("ModuleNotFoundError: No module named 'opencc'", "lack the library opencc"),
        ("status = StatusCode.UNAUTHENTICATED", "refused the token"),
        ("UNAVAILABLE: failed to connect to all addresses", "has gone away"),
        ("Job aborted: ExecutorLostFailure (executor 1 exited)", "a worker of sc://c:1 was lost"),
        ("Total size (1024.2 MiB) is bigger than spark.driver.maxResultSize", "gives back no more at once than its"),
        ("java.io.IOException: No space left on device", "a disk of sc://c:1 is full"),
        ("Traceback:\n  File x\nOSError: the lamp is out\n", "sc://c:1: OSError: the lamp is out"),
        ("", "an error without a message"),
    ],
)
def test_what_spark_says_is_put_plainly(said: str, means: str) -> None:
    message, _ = session.explained(said, "sc://c:1")
    assert means in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("engine", "shared", "code", "says"),
    [
        ("ray", None, 2, "no engine 'ray'"),
        ("local", "/tmp/x", 2, "--shared and --environment are for a cluster"),
        ("sail", "/tmp/x", 2, "--shared and --environment are for a cluster"),
        ("sc://", None, 2, "is no address of a cluster"),
        ("sc://cluster:port/;token=hush", None, 2, "is no address of a cluster"),
        ("sc://127.0.0.1:9", None, 4, "no cluster at sc://127.0.0.1:9"),
    ],
)
def test_an_engine_that_is_not_there(
    workspace: Workspace, engine: str, shared: str | None, code: int, says: str
) -> None:
    add_table(workspace, "x.csv", csv("one", "two"))
    options = ["--engine", engine, *(["--shared", shared] if shared else [])]
    failed = inside("-C", workspace.root, "corpus", "build", *options, code=code)
    assert says in failed.stderr
    assert "hush" not in failed.stderr
    assert not store.versions(workspace)
    assert not (workspace.corpus_dir / ".building").exists()


def test_a_port_where_something_else_listens(workspace: Workspace) -> None:
    """Whatever is asked there, the answer is a web server's."""
    add_table(workspace, "x.csv", csv("one", "two"))
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answer() -> None:
            while True:
                try:
                    taken, _ = server.accept()
                except OSError:
                    return
                taken.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                taken.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(ServiceError, match="does not speak Spark Connect"):
            build(workspace, engine=Choice(f"sc://127.0.0.1:{server.getsockname()[1]}"))
    assert not store.versions(workspace)


@pytest.mark.parametrize("number", ["3.5.6", "5.0.0-preview1"])
def test_a_cluster_of_another_spark(workspace: Workspace, number: str) -> None:
    """A server of the protocol that answers what it is asked first: its version."""
    add_table(workspace, "x.csv", csv("one", "two"))
    asked: list[str] = []

    class Another(services.SparkConnectServiceServicer):  # type: ignore[misc]
        def AnalyzePlan(self, request: Any, context: Any) -> Any:
            asked.append(request.WhichOneof("analyze"))
            about = {"session_id": request.session_id, "server_side_session_id": "harbour"}
            answer = proto.AnalyzePlanResponse
            return answer(spark_version=answer.SparkVersion(version=number), **about)

    server = grpc.server(ThreadPoolExecutor(2))
    services.add_SparkConnectServiceServicer_to_server(Another(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        failed = inside("-C", workspace.root, "corpus", "build", "--engine", f"sc://127.0.0.1:{port}", code=4)
    finally:
        server.stop(None)
    assert f"sc://127.0.0.1:{port} is Spark {number}: Spark 4 is needed" in failed.stderr
    assert asked == ["spark_version"]
    assert not store.versions(workspace)
    assert not (workspace.corpus_dir / ".building").exists()


def test_an_engine_that_is_not_installed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_table(workspace, "x.csv", csv("one", "two"))
    monkeypatch.setitem(sys.modules, "pysail.spark", None)
    with pytest.raises(UsageError, match="needs the extra 'sail'"):
        build(workspace, engine=Choice("sail"))


def test_a_workspace_that_other_engines_built_is_unchanged_for_this_one(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws", new_settings("w"))
    add_examples(workspace)
    assert build(workspace, engine=Choice("sail")).new
    assert not build(workspace).new
    again = build(workspace, repair=True)
    assert not again.new
    assert not any(change.step for change in again.changes.values())
