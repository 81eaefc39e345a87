"""Killing a command of ours at the n-th time that it asks the system for something, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

# Forked from one that has loaded everything: a process for each kill, without the seconds that loading takes.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["tests.plugins.campaign", "toolkit.demo.run", "toolkit.purge.run", "label_studio_sdk", "httpx"]
)


def _work(said: Connection, calls: Sequence[str], kill: int, command: Callable[..., object], given: object) -> None:
    count = 0

    def deadly(real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **more: object) -> object:
            nonlocal count
            count += 1
            if count == kill:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **more)

        return call

    for name in calls:
        setattr(os, name, deadly(getattr(os, name)))
    command(*given)  # type: ignore[misc]
    said.send(count)


def calls_made(calls: Sequence[str], command: Callable[..., object], *given: object, kill: int = 0) -> int | None:
    """Run a function of a module, which is killed before the ``kill``-th of these calls of :mod:`os` (0: never).

    Return how many there were, or None where it was killed.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(theirs, calls, kill, command, given))
    process.start()
    theirs.close()
    process.join(300)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return ours.recv() if process.exitcode == 0 else None
