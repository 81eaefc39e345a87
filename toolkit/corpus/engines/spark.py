"""The engine of a cluster: every step is ``mapInArrow`` over (number, data) rows, its shuffles are of packed arrays.

A block of rows is a query of its own, some at a time, so that what fails is small and what is done is kept. The search is five
queries over all parts (:mod:`.steps`): what they come to (copies, company, pairs, overlaps) is all that this process holds.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit import storage
from toolkit.corpus import near
from toolkit.corpus.engines import blobs, worker
from toolkit.corpus.engines.blobs import octets, pack, unpack
from toolkit.corpus.parts import Job, Made
from toolkit.corpus.search import Edges, Found, joined
from toolkit.corpus.sketching import id_bytes
from toolkit.errors import ServiceError
from toolkit.fsio import sha256_bytes
from toolkit.parquet import read_batches, rows_bytes

Numbers = NDArray[np.int64]
_SCHEMA = "number long, data binary"
_AT_ONCE = 16
_IN_A_BUCKET = 4_000_000
"""Records that one task gathers: about 64 MB."""
_PAIRS = 100_000
_SPREAD = 8
"""Of more rows each is a task of its own."""


class Spark:
    """Runs steps on a session's cluster.

    ``shared`` is a folder that this process and the workers reach, in which a run has a folder of its own until it ends; none:
    everything travels, there as files that the session sends the workers (a data frame's own cells would lie in the memory of
    the server's driver, several times over), back as answers. ``same_disk``: workers read this process's files where they are.
    """

    def __init__(
        self, session: Any, staging: Path, *, workers: int = 0, shared: str | None = None, same_disk: bool = False
    ) -> None:
        self._session = session
        self._staging = staging
        # Blocks of one process take its memory and wait for each other.
        self._at_once = workers or (len(os.sched_getaffinity(0)) if same_disk else _AT_ONCE)
        self._same_disk = same_disk
        base = str(staging) if same_disk else shared
        self.folder = storage.join(base, f"docposts-{secrets.token_hex(8)}") if base else None
        # Sail shuffles in memory: what is large goes by way of the disk.
        self.shuffles = self.folder if same_disk else None
        self._here = worker.software()
        self._sent: dict[Path, str] = {}

    def close(self) -> None:
        """Remove what the run left in the shared folder; :class:`ServiceError` where that cannot be done."""
        if not self.folder:
            return
        try:
            storage.remove(self.folder)
        except ServiceError as error:
            message = f"the build is done, but what it left in the shared folder stays there: {error.message}"
            raise ServiceError(message, hint=f"remove {self.folder}") from error

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Yield what became of each block of a table, in order."""
        waiting = iter(enumerate(jobs))
        running: deque[Future[Made]] = deque()
        with ThreadPoolExecutor(self._at_once) as threads:
            try:
                for number, job in waiting:
                    running.append(threads.submit(self._made, number, job))
                    if len(running) > self._at_once:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                for future in running:
                    future.cancel()

    def _made(self, number: int, job: Job) -> Made:
        about = {"start": job.start, "stop": job.stop, "about": asdict(job.about), "holds": job.holds, "rows": ""}
        if self.folder:
            blob = pack(about | {"rows": self.reached(job.rows)})
        else:
            rows = rows_bytes(job.rows, job.start, job.stop)
            blob = pack(about | {"start": 0, "stop": job.stop - job.start}, rows=octets(rows))
        folder = str(self._staging) if self._same_disk else self.folder
        [(_, answer)] = self.envelopes(self.step([(number, self.enclosed(blob))], "parts", folder=folder))
        entries, files = unpack(blobs.opened(answer))
        accounts = pa.ipc.open_stream(files.pop("accounts").tobytes()).read_all()
        for name, data in files.items():
            (self._staging / name).write_bytes(data.tobytes())
        if self.folder and not self._same_disk:
            for entry in entries.values():
                name = f"{entry['sha256']}.parquet"
                storage.download(storage.join(self.folder, name), self._staging / name)
                self._sent[self._staging / name] = storage.join(self.folder, name)
        return Made(entries, accounts)

    def search(self, parts: Sequence[Path], rows: Sequence[int], work: Path) -> Found:
        """Return which posts are equal or nearly so."""
        del work
        begins = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        ids = _ids(parts)
        if not len(ids):
            nothing = np.empty(0, np.int64)
            return Found(ids, Edges(nothing, nothing, np.empty(0), np.empty(0, np.bool_)))
        sketched = _Sketched(self, parts, begins)
        buckets = max(1, -(-len(ids) // _IN_A_BUCKET))
        again = _pairs(self._gathered(sketched.step("keys", buckets=buckets), "firsts", buckets))
        again = again[np.argsort(again[:, 1])]
        buckets = max(1, -(-(len(ids) - len(again)) * near.BANDS // _IN_A_BUCKET))
        copies = [pack(places=again[start:end, 1]) for start, end in _cuts(again[:, 1], begins)]
        found = self._gathered(sketched.step("bands", copies, buckets=buckets), "company", buckets)
        company = _company(len(ids), found)
        buckets = max(1, -(-int(np.bitwise_count(company).sum(dtype=np.int64)) * 7 // _IN_A_BUCKET))
        sides = [pack(company=company[begin:end]) for begin, end in pairwise(begins.tolist())]
        pairs = _pairs(self._gathered(sketched.step("neighbours", sides, buckets=buckets), "candidates", buckets))
        pairs = np.unique(pairs, axis=0)
        shares = self._overlaps(sketched, pairs, begins)
        close = shares >= near.THRESHOLD
        return Found(ids, joined(again, pairs[close], shares[close]))

    def _overlaps(self, sketched: _Sketched, pairs: Numbers, begins: Numbers) -> NDArray[np.float64]:
        shares = np.empty(len(pairs), np.float64)
        if not len(pairs):
            return shares
        places = pairs.reshape(-1)
        order = np.argsort(places, kind="stable")
        wanted = []
        for start, end in _cuts(places[order], begins):
            own = order[start:end]
            pair = own // 2
            wanted.append(pack(place=places[own], pair=pair, side=own % 2, bucket=pair // _PAIRS))
        for blob in self._gathered(sketched.step("texts", wanted), "overlaps", -(-len(pairs) // _PAIRS)):
            found = unpack(blob)[1]
            shares[found["pair"]] = found["shares"]
        return shares

    def _gathered(self, frame: Any, step: str, buckets: int) -> Iterator[bytes]:
        """Yield what a step makes of a frame's rows, those of one number together."""
        together = frame.repartition(buckets, "number")
        for _, envelope in self.envelopes(self.step(together, step, keep=self.folder)):
            yield blobs.opened(envelope)

    def step(self, rows: Any, step: str, *, keep: str | None = None, **arguments: Any) -> Any:
        """Return the frame of a step's answers to rows, or to a frame's."""
        frame = self.frame(rows) if isinstance(rows, list) else rows
        run = partial(worker.run, step=step, here=self._here, keep=keep, arguments=arguments)
        return frame.mapInArrow(run, _SCHEMA)

    def frame(self, rows: Sequence[tuple[int, bytes] | tuple[int, bytes, bytes]]) -> Any:
        """Return rows as a data frame, spread over the workers."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        arrays = [pa.array(columns[0], pa.int64()), *(pa.array(column, pa.binary()) for column in columns[1:])]
        frame = self._session.createDataFrame(pa.Table.from_arrays(arrays, ["number", "data", "side"][: len(arrays)]))
        # A frame that came in one piece goes to one worker (Sail), or to as many as there are cores, however many rows it has.
        if len(rows) > (1 if self._same_disk else _SPREAD):
            frame = frame.repartition(min(len(rows), 64 if self._same_disk else 1000), "number")
        return frame

    def envelopes(self, frame: Any) -> list[tuple[int, bytes]]:
        """Return a frame's rows as they are; an expected error among them is raised."""
        found = frame.toArrow()
        rows = list(zip(found["number"].to_pylist(), found["data"].to_pylist(), strict=True))
        for number, envelope in rows:
            if number == worker.ERROR:
                raise worker.raised(envelope)
        return rows

    def enclosed(self, blob: bytes) -> bytes:
        """Return an envelope with what workers are given: a large blob goes ahead, into the shared folder or by the session."""
        if self.folder or len(blob) <= blobs.INLINE:
            return blobs.enclosed(blob, self.folder)
        name = f"{sha256_bytes(blob)}.blob"
        with tempfile.TemporaryDirectory(dir=self._staging) as folder:
            path = Path(folder, name)
            path.write_bytes(blob)
            self._session.addArtifacts(str(path), file=True)
        return blobs.ahead(name)

    def reached(self, path: Path | str) -> str:
        """Return where the workers find a file of this machine, after bringing it there."""
        if self._same_disk:
            return str(path)
        if not isinstance(path, Path):
            return path
        if path not in self._sent:
            assert self.folder
            address = storage.join(self.folder, f"{secrets.token_hex(8)}.parquet")
            storage.upload(path, address)
            self._sent[path] = address
        return self._sent[path]


class _Sketched:
    """All parts' sketches, made once: in files of the shared folder, else in the cluster's own memory and disks."""

    def __init__(self, spark: Spark, parts: Sequence[Path], begins: Numbers) -> None:
        self._spark = spark
        columns = ["exact_hash", "text"]
        rows: list[tuple[int, bytes]] = []
        for number, path in enumerate(parts):
            begin, end = int(begins[number]), int(begins[number + 1])
            if spark.folder:
                blob = pack({"begin": begin, "part": spark.reached(path)})
            else:
                blob = pack({"begin": begin}, part=octets(rows_bytes(path, 0, end - begin, columns)))
            rows.append((number, spark.enclosed(blob)))
        frame = spark.step(rows, "sketches", keep=spark.folder)
        if spark.folder:
            self._there = sorted(spark.envelopes(frame))
        else:
            self._frame = frame.persist()
            spark.envelopes(self._frame.filter(f"number = {worker.ERROR}"))

    def step(self, name: str, sides: Sequence[bytes] | None = None, **arguments: Any) -> Any:
        """Return the frame of a step's answers to each part's sketches, with ``sides`` a blob for each part beside."""
        beside = [] if sides is None else [self._spark.enclosed(side) for side in sides]
        if self._spark.folder:
            rows: list[Any] = (
                [(*row, side) for row, side in zip(self._there, beside, strict=True)] if beside else list(self._there)
            )
            return self._spark.step(rows, name, keep=self._spark.shuffles, **arguments)
        if not beside:
            return self._spark.step(self._frame, name, **arguments)
        numbered = [(number, side) for number, side in enumerate(beside)]
        other = self._spark.frame(numbered).withColumnRenamed("data", "side")
        return self._spark.step(self._frame.join(other, "number"), name, **arguments)


def _ids(parts: Sequence[Path]) -> NDArray[np.uint8]:
    """Return the bytes of the posts' ids (posts, 16)."""
    found: list[NDArray[np.uint8]] = [np.empty((0, 16), np.uint8)]
    for path in parts:
        for batch in read_batches(path, ["post_id"], 50_000):
            found.append(id_bytes(batch["post_id"].to_pylist()))
    return np.concatenate(found)


def _company(posts: int, found: Iterable[bytes]) -> NDArray[np.uint32]:
    """Return for each post the bands that it shares with another, a bit each."""
    company = np.zeros(posts, np.uint32)
    for blob in found:
        members = unpack(blob)[1]["members"]
        for band in range(near.BANDS):
            company[members["place"][members["band"] == band]] |= np.uint32(1 << band)
    return company


def _pairs(found: Iterable[bytes]) -> Numbers:
    return np.concatenate([unpack(blob)[1]["pairs"] for blob in found] + [np.empty((0, 2), np.int64)])


def _cuts(places: Numbers, begins: Numbers) -> list[tuple[int, int]]:
    """Return for each part where its places begin and end among places that go up."""
    at = np.searchsorted(places, begins).tolist()
    return list(pairwise(at))
