"""Sessions of Spark Connect: a cluster's, or Sail's inside this process. The only importer of pyspark and pysail.

What goes wrong is said in one message: a cluster that is not there, refuses, or is of another version; workers without the
package or with another Python; a worker that was lost more often than the cluster tries.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toolkit.errors import DocpostsError, InputError, ServiceError, UsageError

_REACH = 5.0
"""Seconds in which a cluster must take a connection."""
_GREETING, _TRIES = 4, 6
"""How often a request is tried again: for four seconds, and for about a minute once the cluster has answered."""
_PORT = 15002


@contextmanager
def embedded() -> Iterator[Any]:
    """Give a session of Sail, which runs inside this process."""
    # What it tells of its own doings is nobody's here; its errors come back as answers.
    os.environ.setdefault("RUST_LOG", "off")
    try:
        with _quiet():
            from pysail.spark import SparkConnectServer
    except ImportError as error:
        raise UsageError("--engine sail needs the extra 'sail'", hint="pip install 'documented-posts[sail]'") from error
    server = SparkConnectServer(port=0)
    server.start(background=True)
    try:
        _, port = server.listening_address
        with _session(f"sc://127.0.0.1:{port}", "Sail") as session:
            _prepare(session)
            yield session
    finally:
        server.stop()


@contextmanager
def connected(url: str, environment: Path | None = None) -> Iterator[Any]:
    """Give a session of the cluster at ``sc://host:port``; the word after ``token=`` in it is never shown.

    ``environment``: an archive of a Python environment (``bin/python`` in it), which is sent to the workers and runs there.
    """
    parts = urlsplit(url.partition(";")[0])
    try:
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, 0
    shown = f"sc://{host}:{port}"
    if not host or parts.path not in ("", "/") or parts.query or parts.username:
        raise UsageError(
            f"{_shown(url)} is no address of a cluster", hint="sc://HOST:PORT, options after it: /;token=…"
        )
    try:
        socket.create_connection((host, port), timeout=_REACH).close()
    except OSError as error:
        raise ServiceError(
            f"no cluster at {shown}: {error.strerror or error}",
            hint="is the Spark Connect server up, and its port open to this machine? docs/scale.md says how it is started",
        ) from error
    with _session(url, shown) as session:
        major = str(session.version).partition(".")[0]
        if major != "4":
            raise ServiceError(f"{shown} is Spark {session.version}: Spark 4 is needed")
        _prepare(session)
        if environment:
            if not environment.is_file():
                raise InputError(f"{environment} is not there", hint="venv-pack -o environment.tar.gz")
            session.addArtifacts(f"{environment}#environment", archive=True)
            session.conf.set("spark.sql.execution.pyspark.python", "environment/bin/python")
        yield session


@contextmanager
def _session(url: str, shown: str) -> Iterator[Any]:
    try:
        with _quiet(), _named_program():
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise UsageError(
            "a Spark cluster needs the extra 'spark'", hint="pip install 'documented-posts[spark]'"
        ) from error
    with faults(shown), _quiet():
        session = SparkSession.builder.remote(url).create()
        # A session is made without a word to the server, which is asked first whether it is one, for seconds and not minutes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=_GREETING)])
    try:
        with faults(shown), _quiet():
            session.version  # noqa: B018
            session.client.set_retry_policies([DefaultPolicy(max_retries=_TRIES)])
            yield session
    finally:
        # Also one that was refused: the client takes the first session that was not stopped for the one to ask. A cluster that
        # has gone away meanwhile cannot be told that this is over, and is told once.
        with _quiet(), suppress(Exception):
            session.client.set_retry_policies([DefaultPolicy(max_retries=0)])
            session.stop()


def _prepare(session: Any) -> None:
    # Cells are large: a few of them are a batch.
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "8")


@contextmanager
def faults(shown: str) -> Iterator[None]:
    """Say of Spark's errors what they mean here."""
    try:
        yield
    except DocpostsError:
        raise
    except Exception as error:
        if not _foreign(error):
            raise
        message, hint = explained(str(error), shown)
        raise ServiceError(message, hint=hint) from error


def explained(said: str, shown: str) -> tuple[str, str]:
    """Return what an error of Spark's means, and what to do; ``said`` is all that it says."""
    nothing = "nothing was published; run the command again (docposts --debug … shows all that was said)"
    if found := re.search(r"PYTHON_VERSION_MISMATCH.*?(\d+\.\d+).*?(\d+\.\d+)", said, re.S):
        return (
            f"the workers of {shown} have Python {found[1]}, here it is {found[2]}",
            "set PYSPARK_PYTHON of the cluster to the same Python: docs/scale.md",
        )
    if found := re.search(r"No module named '?([\w.]+)", said):
        lacking = "the package documented-posts" if found[1].startswith("toolkit") else f"the library {found[1]}"
        return f"the workers of {shown} lack {lacking}", "docs/scale.md says how it gets there"
    if re.search(r"UNAUTHENTICATED|PERMISSION_DENIED|Unauthenticated|Invalid authentication token", said):
        return f"{shown} refused the token", "its address takes it: 'sc://HOST:PORT/;token=…'"
    if re.search(
        r"UNAVAILABLE|failed to connect|Connection refused|Socket closed|SESSION_CLOSED|SESSION_NOT_FOUND", said
    ):
        return f"{shown} has gone away, or does not speak Spark Connect", nothing
    if re.search(r"DEADLINE_EXCEEDED|UNIMPLEMENTED|Unimplemented", said):
        return f"{shown} does not answer as a Spark Connect server does", "is that its Spark Connect port?"
    if re.search(r"Python worker exited unexpectedly|ExecutorLostFailure|Lost executor|worker.*crashed", said):
        return f"a worker of {shown} was lost, more often than the cluster tries", f"too little memory there? {nothing}"
    if "spark.driver.maxResultSize" in said:
        return (
            f"{shown} gives back no more at once than its spark.driver.maxResultSize",
            "--shared URL (a folder that this machine and the workers reach), or a server with more of it",
        )
    if re.search(r"No space left on device|DISK_FULL", said):
        return f"a disk of {shown} is full", nothing
    return f"{shown}: {_last(said)}", nothing


def _last(said: str) -> str:
    """Return the line of an error that says most: the last one of a worker's traceback, else the first."""
    found = re.findall(r"^\s*((?:[\w.]+(?:Error|Exception)): .+)$", said, re.M)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (found[-1] if found else lines[0] if lines else "an error without a message")[:300]


def _foreign(error: Exception) -> bool:
    return any(kind.__module__.split(".")[0] in ("pyspark", "grpc") for kind in type(error).__mro__)


def _shown(url: str) -> str:
    return re.sub(r"(?i)(token=)[^;]*", r"\1…", url)


@contextmanager
def _named_program() -> Iterator[None]:
    """Give the running program a file's name: without one (``python -c``, a worker of a test run) the client takes itself for
    its own doctests and ends the process.
    """
    main: Any = sys.modules["__main__"]
    nameless = not hasattr(main, "__file__")
    if nameless:
        main.__file__ = "docposts"
    try:
        yield
    finally:
        if nameless:
            del main.__file__


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
