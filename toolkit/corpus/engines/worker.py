"""What runs in a cluster's worker: record batches of (number, data) in, record batches of (number, data) out.

The worker's software must give the bytes that the building process's would: :func:`software` of both is compared in every task.
An expected error travels back as an answer of its own, so that it reads as it would have here and is not tried again.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

import toolkit
from toolkit import errors
from toolkit.corpus.engines import blobs, steps
from toolkit.corpus.engines.steps import Blob

SCHEMA = pa.schema([("number", pa.int64()), ("data", pa.binary())])
ERROR = -1
"""The number of an answer that is an error."""
_BATCH = 4 << 20
_TURNS = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))
"""Where all tasks are threads of one process (Sail starts them together), as many compute at a time as there are cores: what one
of them holds meanwhile is a hundred megabytes and more."""


def software() -> dict[str, Any]:
    """Return the versions of all that the bytes of rows and parts follow from."""
    from toolkit.corpus.inputs import made_with
    from toolkit.parquet import WRITER

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, "documented-posts": toolkit.__version__} | made_with() | {"parquet": WRITER}


def run(
    batches: Iterable[pa.RecordBatch],
    *,
    step: str,
    here: Mapping[str, Any],
    keep: str | None,
    arguments: dict[str, Any],
) -> Iterator[pa.RecordBatch]:
    """Take a step (:mod:`.steps`) on what a task is given; ``here`` is the building process's :func:`software`.

    ``keep``: the folder into whose files large results go, none where they are to travel.
    """
    try:
        if differ := {name: (value, there) for name, value in here.items() if (there := software().get(name)) != value}:
            name, (value, there) = next(iter(differ.items()))
            raise errors.ServiceError(
                f"the cluster's workers have another {name}: {there}, here it is {value}",
                hint="install the same versions there, or send them along: docs/scale.md",
            )
        yield from _batched(_answers(batches, step, keep, arguments))
    except errors.DocpostsError as error:
        about = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        yield _batch([(ERROR, blobs.enclosed(blobs.pack(about)))])


def raised(envelope: bytes) -> errors.DocpostsError:
    """Return the error that came back as an answer."""
    about, _ = blobs.unpack(blobs.opened(envelope))
    kind = getattr(errors, about["kind"])
    error: errors.DocpostsError = kind(about["message"], hint=about["hint"])
    return error


def _answers(
    batches: Iterable[pa.RecordBatch], step: str, keep: str | None, arguments: dict[str, Any]
) -> Iterator[Blob]:
    """Yield a step's answers, in envelopes."""
    if step in steps.MAPS:
        for number, *data in _rows(batches):
            # Whole before any of it goes on: nobody waits for another task while it has its turn.
            with _TURNS:
                made = steps.MAPS[step](number, *map(blobs.opened, data), **arguments)
                answers = [(to, blobs.enclosed(blob, keep)) for to, blob in made]
            yield from answers
        return
    together: dict[int, list[bytes]] = defaultdict(list)
    for number, data in _rows(batches):
        if number == ERROR:
            raise raised(data)
        together[number].append(data)
    for number in sorted(together):
        with _TURNS:
            made = steps.GATHERS[step](number, _one_by_one(together.pop(number)), **arguments)
            answers = [(to, blobs.enclosed(blob, keep)) for to, blob in made]
        yield from answers


def _one_by_one(envelopes: list[bytes]) -> Iterator[bytes]:
    """Open envelopes when their turn comes, and let go of them."""
    while envelopes:
        yield blobs.opened(envelopes.pop())


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        for row in range(batch.num_rows):
            # One at a time: what a cell holds may be large.
            yield tuple(column[row].as_py() for column in batch.columns)


def _batched(answers: Iterable[Blob]) -> Iterator[pa.RecordBatch]:
    held: list[Blob] = []
    size = 0
    for number, envelope in answers:
        held.append((number, envelope))
        size += len(envelope)
        if size >= _BATCH:
            yield _batch(held)
            held, size = [], 0
    if held:
        yield _batch(held)


def _batch(rows: list[Blob]) -> pa.RecordBatch:
    numbers, data = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(numbers, pa.int64()), pa.array(data, pa.binary())], schema=SCHEMA)
