"""Real Apache Spark Connect servers for tests: Spark in a folder of its own, Java from the system.

Spark's wheel (its jars with it) is installed once into ``.spark`` (``DOCPOSTS_SPARK_HOME`` names another folder), without its
dependencies: the workers' Python is the one that runs the tests. Java 17 or later comes from ``JAVA_HOME``, the path or
``/usr/lib/jvm``; ``.ci/system-packages`` installs Debian's. Where there is none the tests are skipped, and fail where CI=true.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT

_START = 120


@dataclass(frozen=True)
class SparkServer:
    """A server that is up: where it answers, what it says, the process that all of it descends from."""

    url: str
    log: Path
    pid: int
    folder: Path

    def said(self, start: int = 0) -> str:
        """What the server has logged, and its executors have, from a place on."""
        logs = [self.log, *sorted(self.folder.rglob("stderr"))]
        return "".join(path.read_text(errors="replace") for path in logs)[start:]

    def processes(self) -> dict[int, tuple[int, str, float]]:
        """The server's processes: number → (parent, command, seconds of processor time)."""
        every = dict(_processes())
        found = {self.pid}
        while more := {pid for pid, (parent, _, _) in every.items() if parent in found} - found:
            found |= more
        return {pid: every[pid] for pid in found if pid in every}

    def python_workers(self) -> dict[int, tuple[int, float]]:
        """Python workers, children of daemons of Spark's: number → (the daemon's parent, seconds of processor time)."""
        own = self.processes()
        daemons = {pid: parent for pid, (parent, command, _) in own.items() if "pyspark.daemon" in command}
        return {pid: (daemons[parent], cpu) for pid, (parent, _, cpu) in own.items() if parent in daemons}

    def at_work(self, least: float = 0.15) -> Callable[[], dict[int, int]]:
        """Give what finds workers that have worked so many seconds since now, with the daemon's parent; idle ones wait."""
        begun = {pid: cpu for pid, (_, cpu) in self.python_workers().items()}
        return lambda: {
            pid: parent for pid, (parent, cpu) in self.python_workers().items() if cpu - begun.get(pid, 0) >= least
        }

    def executors(self) -> list[int]:
        """The processes of the executors (of a local-cluster)."""
        return [pid for pid, (_, command, _) in self.processes().items() if "CoarseGrainedExecutorBackend" in command]


def _processes() -> Iterator[tuple[int, tuple[int, str, float]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                command = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
            except OSError:
                continue
            ticks = int(fields[11]) + int(fields[12])
            yield int(entry.name), (int(fields[1]), command, ticks / os.sysconf("SC_CLK_TCK"))


@cache
def java_home() -> Path | None:
    """The oldest Java that Spark 4 runs on, 17 or later."""
    on_path = shutil.which("java")
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [Path(on_path).resolve().parent.parent] if on_path else []
    homes += sorted(Path("/usr/lib/jvm").glob("*")) if Path("/usr/lib/jvm").is_dir() else []
    found: dict[int, Path] = {}
    for home in homes:
        if (home / "bin" / "java").is_file():
            said = subprocess.run(
                [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
            ).stderr
            if (number := re.search(r'version "(\d+)', said)) and int(number[1]) >= 17:
                found.setdefault(int(number[1]), home)
    return found[min(found)] if found else None


def install() -> Path:
    """Return Spark's own folder, of the client's version, installed where it is missing."""
    home = Path(os.environ.get("DOCPOSTS_SPARK_HOME", ROOT / ".spark")).resolve()
    number = version("pyspark-client")
    folder = home / number
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".lock"):
        if not folder.exists():
            unfinished = home / f".{number}.part"
            shutil.rmtree(unfinished, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(unfinished)]
            done = subprocess.run([*pip, f"pyspark=={number}"], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"Spark {number} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
            unfinished.rename(folder)
    return folder / "pyspark"


@pytest.fixture(scope="session")
def spark_home() -> Path:
    """Spark's own folder; skipped where it or Java cannot be had, a failure where CI=true."""
    try:
        if java_home() is None:
            raise RuntimeError("Spark needs Java 17 or later (make system, or .ci/system-packages as root)")
        return install()
    except RuntimeError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@contextmanager
def spark_server(home: Path, master: str, folder: Path, **conf: object) -> Iterator[SparkServer]:
    """A Spark Connect server with a master and further settings, which ends with the block."""
    java = java_home()
    if java is None:
        raise RuntimeError("Spark needs Java 17 or later")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.local.dir": folder / "local",
        "spark.sql.warehouse.dir": folder / "warehouse",
    } | conf
    command = [str(home / "bin" / "spark-submit"), "--master", master]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(java),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    server = SparkServer(f"sc://127.0.0.1:{port}", log, process.pid, folder)
    try:
        _await(process, port, log)
        yield server
    finally:
        for pid in [*server.processes(), process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            # That it takes a connection is what tells that it is up.
            time.sleep(0.2)
    raise RuntimeError(f"the Spark server did not come up:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def killing(find: Callable[[], Iterable[int]], times: int) -> Iterator[list[int]]:
    """Kill processes as they are found, so many; give the list of those that were."""
    killed: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02) and len(killed) < times:
            for pid in [pid for pid in find() if pid not in killed][: times - len(killed)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.append(pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
