"""Engines: who computes a build. The same functions on the same pieces, so that rows, digests and files are the same.

::

    local           processes of this machine (toolkit.corpus.pool); what a build uses where nobody says
    sail            Sail, a Spark-compatible engine from one wheel, started inside the building process
    sc://HOST:PORT  any Apache Spark 4 cluster, through Spark Connect

An engine makes the parts of tables block by block, and searches all posts for equal and nearly equal ones. Everything else
(reading the workspace, components, order, checks, manifest, publication) is the building process's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from toolkit.corpus.engines.local import Local
from toolkit.corpus.parts import Job, Made
from toolkit.corpus.pool import MEMORY, pool
from toolkit.corpus.search import Found
from toolkit.errors import DocpostsError, UsageError

LOCAL, SAIL, CONNECT = "local", "sail", "sc://"


class Engine(Protocol):
    """What makes parts and finds near-duplicates."""

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Yield what became of each job, in order; the parts lie in the jobs' staging folder."""
        ...

    def search(self, parts: Sequence[Path], rows: Sequence[int], work: Path) -> Found:
        """Return which posts of these parts (rows: how many each has) are equal or nearly so; ``work`` is a folder for it, in
        which what :meth:`make` has left for it may lie."""
        ...


@dataclass(frozen=True)
class Choice:
    """Which engine, and how: ``workers`` processes (0: as many as there are cores) that take ``memory`` MB together; of a
    cluster the blocks that it is given at a time (0: 16).

    ``shared`` is the address of a folder that this process and a cluster's workers reach: files go through it. Without one they
    travel through the connection. ``environment`` is an archive of a Python environment that the workers are to run.
    """

    name: str = LOCAL
    workers: int = 0
    memory: int = MEMORY
    shared: str | None = None
    environment: Path | None = None


HERE = Choice()


@contextmanager
def opened(choice: Choice, staging: Path) -> Iterator[Engine]:
    """Give the engine, which ends with the block; :class:`UsageError` where there is none of that name."""
    if (choice.shared or choice.environment) and not choice.name.startswith(CONNECT):
        raise UsageError("--shared and --environment are for a cluster: --engine sc://HOST:PORT")
    if choice.name == LOCAL:
        with pool(choice.workers, choice.memory) as processes:
            yield Local(processes)
        return
    if choice.name != SAIL and not choice.name.startswith(CONNECT):
        raise UsageError(f"no engine {choice.name!r}", hint="local, sail, or sc://HOST:PORT")
    from toolkit.corpus.engines.session import connected, embedded
    from toolkit.corpus.engines.spark import Spark

    sail = choice.name == SAIL
    with embedded() if sail else connected(choice.name, choice.environment) as session:
        spark = Spark(session, staging, workers=choice.workers, shared=choice.shared, same_disk=sail)
        try:
            yield spark
        except BaseException:
            # What went wrong is said, and not that what it went wrong with cannot be cleared either.
            with suppress(DocpostsError):
                spark.close()
            raise
        spark.close()
