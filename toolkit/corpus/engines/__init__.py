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
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from toolkit.corpus.engines.local import Local
from toolkit.corpus.parts import Job, Made
from toolkit.corpus.pool import MEMORY, pool
from toolkit.corpus.search import Found
from toolkit.errors import UsageError

LOCAL, SAIL, CONNECT = "local", "sail", "sc://"


class Engine(Protocol):
    """What makes parts and finds near-duplicates."""

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Yield what became of each job, in order; the parts lie in the jobs' staging folder."""
        ...

    def search(self, parts: Sequence[Path], rows: Sequence[int], work: Path) -> Found:
        """Return which posts of these parts (rows: how many each has) are equal or nearly so; ``work`` is an empty folder."""
        ...


@contextmanager
def opened(
    name: str = LOCAL, *, staging: Path, workers: int = 0, memory: int = MEMORY, shared: str | None = None
) -> Iterator[Engine]:
    """Give the engine of that name, which ends with the block; :class:`UsageError` where there is none of it.

    ``shared`` is the URL of a folder that this process and a cluster's workers reach: files go through it. Without one they
    travel through the connection.
    """
    if name == LOCAL:
        if shared:
            raise UsageError("--shared is for a cluster: --engine sc://HOST:PORT")
        with pool(workers, memory) as processes:
            yield Local(processes)
        return
    if name != SAIL and not name.startswith(CONNECT):
        raise UsageError(f"no engine {name!r}", hint="local, sail, or sc://HOST:PORT")
    from toolkit.corpus.engines.session import connected, embedded
    from toolkit.corpus.engines.spark import Spark

    if name == SAIL:
        if shared:
            raise UsageError("--shared is for a cluster: Sail works in this process")
        with embedded() as session, closing(Spark(session, staging, workers=workers, same_disk=True)) as sail:
            yield sail
        return
    with connected(name) as session, closing(Spark(session, staging, workers=workers, shared=shared)) as spark:
        yield spark
