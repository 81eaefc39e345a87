"""Work in several processes: jobs are small (a path, a few numbers), results come in the order of the jobs.

Workers are forked from a server that has read the libraries, not from this process, so that none of them begins with a
copy of what this one holds. Where one worker is asked for, or there is one job, nothing is started.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from toolkit.errors import UsageError, WorkspaceError

J = TypeVar("J")
R = TypeVar("R")
MEMORY = 1000
"""MB that a build may take, all processes together, where nobody says."""
# What the building process and each worker take, whatever the number of rows: measured in benchmarks/.
_OWN, _WORKER = 350, 250
_PRELOAD = ["toolkit.corpus.parts", "toolkit.corpus.near", "toolkit.kernels.detecting"]


class Pool:
    """``workers`` processes at most (0: as many as this process may use cores), within ``memory`` MB."""

    def __init__(self, workers: int = 0, memory: int = MEMORY) -> None:
        if memory < _OWN:
            raise UsageError(f"{memory} MB are too few: a build takes {_OWN} MB, and {_WORKER} more for each worker")
        wanted = workers or len(os.sched_getaffinity(0))
        self.workers = max(1, min(wanted, (memory - _OWN) // _WORKER))
        self.memory = memory
        self._executor: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[J], R], jobs: Iterable[J], *, small: bool = False) -> Iterator[R]:
        """Yield ``function(job)`` for each job, in order; the first error ends it. ``small`` work is done right here."""
        jobs = list(jobs)
        if small or self.workers == 1 or len(jobs) < 2:
            yield from map(function, jobs)
            return
        waiting = iter(jobs)
        running: deque[Future[R]] = deque()
        executor = self._started()
        try:
            # A few ahead, so that results which nobody has taken yet do not pile up.
            for job in waiting:
                running.append(executor.submit(function, job))
                if len(running) > 2 * self.workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise WorkspaceError(
                "a worker process was killed: most likely the machine has too little memory",
                hint="fewer of them: --workers 1",
            ) from error
        finally:
            for future in running:
                future.cancel()

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(self.workers, _server(), initializer=_follow)
        return self._executor

    def close(self) -> None:
        """End the workers."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None


def prepare() -> None:
    """Have the server read the libraries while this process does: for a build that is likely to need workers."""
    _server()
    forkserver.ensure_running()


def _server() -> BaseContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


@contextmanager
def pool(workers: int = 0, memory: int = MEMORY) -> Iterator[Pool]:
    """Give a pool whose workers end with the block."""
    made = Pool(workers, memory)
    try:
        yield made
    finally:
        made.close()


def _follow() -> None:
    """Set a worker up: one thread of its own for each library, memory that it uses again, and an end when the building process
    has ended."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    # Arrow's own pool gives memory back to the system between pieces, and has each page of it made zero again.
    pa.set_memory_pool(pa.system_memory_pool())
    parent: Any = multiprocessing.parent_process()

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
