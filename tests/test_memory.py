"""Too little memory: one clear message, exit code 1, no traceback, and every file as it was. Limits are those of the system."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from tests.command import inside
from tests.conftest import EXAMPLES, ROOT
from tests.test_cli_errors import state
from toolkit.corpus.pool import Pool
from toolkit.corpus.store import versions
from toolkit.errors import ServiceError, WorkspaceError, of_memory
from toolkit.release import loading
from toolkit.workspace import Workspace

# All libraries of the command are there before the limit: what is tried is its work.
LIMITED = """
import resource, sys
from toolkit.cli import run
import duckdb, pyarrow.dataset, pyarrow.parquet, toolkit.corpus.build, toolkit.corpus.query, toolkit.labels.store
from toolkit.corpus import links

def short(megabytes):
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

def grown(*given):
    short(3000)
    return bytearray(5 << 30)

{before}
sys.argv[0] = "docposts"
run()
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    report = EXAMPLES / "reports" / "lantern-quay-3.txt"
    inside("init", tmp_path / "w", "--name", "kites")
    inside("-C", tmp_path / "w", "source", "add", report, "--spans", report.with_suffix(".segments.jsonl"))
    return Workspace.open(tmp_path / "w")


def limited(workspace: Workspace, *words: object, before: str = "short(3000)") -> subprocess.CompletedProcess[str]:
    """Run a command that is short of memory, from its start or from where ``before`` says."""
    return subprocess.run(
        [sys.executable, "-B", "-c", LIMITED.format(before=before), "-C", str(workspace.root), *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def refused(workspace: Workspace, *words: object, before: str = "short(3000)") -> None:
    """The command says that memory was too little, once, and leaves every file as it was."""
    was = state(workspace.root)
    done = limited(workspace, *words, before=before)
    assert done.returncode == 1, done.stderr
    said = done.stderr.splitlines()
    assert [line for line in said if line.startswith("docposts: ")] == [
        line for line in said if "out of memory" in line
    ]
    assert len([line for line in said if line.startswith("docposts: ")]) == 1
    assert "Traceback" not in done.stderr
    assert state(workspace.root) == was


def test_a_build_that_runs_out_of_memory_leaves_the_store_as_it_was(workspace: Workspace) -> None:
    refused(workspace, "corpus", "build", before="links.build = grown")
    assert not versions(workspace)
    inside("-C", workspace.root, "corpus", "build")
    assert len(versions(workspace)) == 1


def test_a_question_that_asks_for_too_much(workspace: Workspace) -> None:
    inside("-C", workspace.root, "corpus", "build")
    refused(workspace, "corpus", "query", "SELECT length(repeat('x', 4000000000))")
    asked = limited(workspace, "--debug", "corpus", "query", "SELECT length(repeat('x', 4000000000))")
    assert "Traceback" in asked.stderr


def test_a_file_larger_than_memory(workspace: Workspace, tmp_path: Path) -> None:
    inside("-C", workspace.root, "corpus", "build")
    path = tmp_path / "judgements.json"
    path.touch()
    os.truncate(path, 8 << 30)
    refused(workspace, "labels", "import", path)


def killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def greedy(_: int) -> bytearray:
    resource.setrlimit(resource.RLIMIT_AS, (3000 << 20, 3000 << 20))
    return bytearray(5 << 30)


def test_a_worker_that_is_killed_is_a_clear_error() -> None:
    pool = Pool(2)
    try:
        with pytest.raises(WorkspaceError, match="too little memory"):
            list(pool.map(killed, range(4)))
    finally:
        pool.close()


def test_a_worker_that_runs_out_of_memory_says_so() -> None:
    pool = Pool(2)
    try:
        with pytest.raises(MemoryError) as found:
            list(pool.map(greedy, range(4)))
    finally:
        pool.close()
    assert of_memory(found.value)


@pytest.mark.parametrize("end", [{"returncode": -signal.SIGKILL}, {"returncode": 1, "stderr": "x\nMemoryError"}])
def test_a_release_is_not_said_to_fail_where_memory_did(end: dict[str, Any], tmp_path: Path) -> None:
    ended = subprocess.CompletedProcess([], **{"stdout": "", "stderr": "", **end})
    with (
        mock.patch("subprocess.run", return_value=ended),
        pytest.raises(WorkspaceError, match="memory"),
    ):
        loading.load(SimpleNamespace(path=tmp_path))  # type: ignore[arg-type]


def test_what_is_of_memory() -> None:
    class OutOfMemoryException(Exception):
        """As DuckDB calls it."""

    try:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("cleared up badly") from error
    except ValueError as error:
        assert of_memory(error)
    assert of_memory(OutOfMemoryException())
    assert of_memory(OSError(12, "Cannot allocate memory"))
    assert of_memory(ImportError("lib.so: failed to map segment from shared object"))
    assert of_memory(RuntimeError("can't start new thread"))
    assert not of_memory(RuntimeError("dictionary changed size during iteration"))
    assert not of_memory(BlockingIOError(11, "Resource temporarily unavailable"))
    assert not of_memory(ServiceError("storage: Resource temporarily unavailable"))
