"""The search for equal and nearly equal posts over all parts of a corpus, in processes, through files.

Each part's texts are sketched by a worker (:func:`sketch_part`); of equal texts the corpus's first stands for all. The sketches
lie on disk, bands one after another: workers look at a few bands at a time (:func:`look_at_bands`), and hold the pairs found
against the texts themselves (:func:`verify_pairs`). What stays in memory is 16 bytes a post, and the pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus import near
from toolkit.corpus.pool import Pool
from toolkit.parquet import read_batches

Numbers = NDArray[np.int64]
_ROWS = 5_000
_PAIRS = 100_000
# Bands a job: pairs that several of them give are looked at once, and those of all of them take memory.
_BANDS = 5


class Edges(NamedTuple):
    """Posts by their place in the corpus, the lower first: ``one``, ``other``, and ``share``, 1 where ``exact``."""

    one: Numbers
    other: Numbers
    share: NDArray[np.float64]
    exact: NDArray[np.bool_]


class Found(NamedTuple):
    """What a search came to: ``ids`` (posts, 16) the bytes of their ids, and the :class:`Edges`."""

    ids: NDArray[np.uint8]
    edges: Edges


class _Part(NamedTuple):
    number: int
    path: Path
    work: Path


class _Bands(NamedTuple):
    start: int
    stop: int
    work: Path


class _Pairs(NamedTuple):
    start: int
    stop: int
    work: Path
    parts: tuple[Path, ...]
    begins: tuple[int, ...]


def search(parts: Sequence[Path], rows: Sequence[int], work: Path, pool: Pool, *, small: bool = False) -> Found:
    """Return which posts of these parts (rows: how many each has) are equal or nearly so; ``work`` is an empty folder."""
    begins = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    jobs = [_Part(number, path, work) for number, path in enumerate(parts)]
    counts = list(pool.map(sketch_part, jobs, small=small))
    keys = np.concatenate([np.load(_file(work, number, "keys")) for number in range(len(parts))] or [_no_keys()])
    first = _firsts(keys)
    del keys
    alone = _collected(first, begins, counts, work)
    pairs = _candidates(len(alone), work, pool, small)
    shares = _verified(pairs, alone, parts, begins, work, pool, small)
    close = shares >= near.THRESHOLD
    again = np.flatnonzero(first != np.arange(len(first)))
    one = np.concatenate([first[again], alone[pairs[close, 0]]])
    other = np.concatenate([again, alone[pairs[close, 1]]])
    share = np.concatenate([np.ones(len(again)), np.round(shares[close], 4)])
    exact = np.arange(len(one)) < len(again)
    order = np.lexsort((exact, other, one))
    ids = np.concatenate([np.load(_file(work, n, "ids")) for n in range(len(parts))] or [np.empty((0, 16), np.uint8)])
    return Found(ids, Edges(one[order], other[order], share[order], exact[order]))


def sketch_part(job: _Part) -> int:
    """Write a part's ids, keys and sketches, each different text once; return how many different texts it has."""
    ids, keys, places = [], [], []
    seen: set[bytes] = set()
    bands, low = [], []
    at = 0
    for batch in read_batches(job.path, ["post_id", "exact_hash", "text"], _ROWS):
        hashes = batch["exact_hash"].to_pylist()
        ids.append(id_bytes(batch["post_id"].to_pylist()))
        keys.append(_bytes([value[:32] for value in hashes]))
        fresh = []
        for place, value in enumerate(hashes):
            if (key := bytes.fromhex(value[:32])) not in seen:
                seen.add(key)
                fresh.append(place)
        texts = batch["text"].take(pa.array(fresh, pa.int64())).to_pylist()
        sketches = near.sketch([near.folded(text) for text in texts])
        bands.append(sketches.bands)
        low.append(sketches.low)
        places.append(np.array(fresh, np.int64) + at)
        at += batch.num_rows
    _save(job, "ids", np.concatenate(ids))
    _save(job, "keys", np.concatenate(keys).view(">u8"))
    _save(job, "places", np.concatenate(places))
    _save(job, "bands", np.concatenate(bands, axis=1))
    _save(job, "low", np.concatenate(low))
    return len(seen)


def look_at_bands(job: _Bands) -> Numbers:
    """Return the pairs that some bands give, as first × texts + second, in order."""
    bands = np.load(job.work / "bands.npy", mmap_mode="r")
    low = np.load(job.work / "low.npy", mmap_mode="r")
    pairs = near.candidates((np.array(bands[number]) for number in range(job.start, job.stop)), low)
    found: Numbers = pairs[:, 0] * len(low) + pairs[:, 1]
    return found


def verify_pairs(job: _Pairs) -> NDArray[np.float64]:
    """Return the overlap of the texts of some of the pairs, which are read from their parts."""
    pairs = np.load(job.work / "pairs.npy", mmap_mode="r")[job.start : job.stop]
    alone = np.load(job.work / "alone.npy", mmap_mode="r")
    wanted, places = np.unique(np.asarray(alone[pairs.reshape(-1)]), return_inverse=True)
    texts = _texts(wanted, job.parts, job.begins)
    shares = np.empty(len(pairs), np.float64)
    for start in range(0, len(pairs), _ROWS):
        own = places.reshape(-1, 2)[start : start + _ROWS]
        sides = (texts.take(pa.array(own[:, side])).to_pylist() for side in (0, 1))
        shares[start : start + _ROWS] = near.overlap(*([near.folded(text) for text in side] for side in sides))
    return shares


def _texts(wanted: Numbers, parts: Sequence[Path], begins: Sequence[int]) -> pa.ChunkedArray:
    """Return the texts at these places of the corpus, which go up."""
    found = []
    for path, begin, end in zip(parts, begins[:-1], begins[1:], strict=True):
        start, stop = np.searchsorted(wanted, [begin, end])
        at = begin
        if start == stop:
            continue
        for batch in read_batches(path, ["text"], 50_000):
            start, stop = np.searchsorted(wanted, [at, at + batch.num_rows])
            if start < stop:
                found.append(batch["text"].take(pa.array(wanted[start:stop] - at)))
            at += batch.num_rows
    return pa.chunked_array(found, pa.string()).combine_chunks()


def _firsts(keys: NDArray[np.uint64]) -> Numbers:
    """Return for each post the first one with its key."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    same = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    starts = np.flatnonzero(np.concatenate([[True], ~same])) if len(keys) else np.empty(0, np.int64)
    first = np.empty(len(keys), np.int64)
    # The sort is stable: of equal keys the first stands first.
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, len(keys))))
    return first


def _collected(first: Numbers, begins: Numbers, counts: Sequence[int], work: Path) -> Numbers:
    """Put the sketches of the texts that stand for all into one file each; return these texts' places."""
    kept = []
    for number in range(len(counts)):
        places = np.load(_file(work, number, "places"))
        kept.append(np.flatnonzero(first[places + begins[number]] == places + begins[number]))
    size = sum(map(len, kept))
    alone = np.empty(size, np.int64)
    bands = _mapped(work / "bands.npy", np.uint64, (near.BANDS, size))
    low = _mapped(work / "low.npy", np.uint8, (size, near.BANDS * near.ROWS))
    at = 0
    for number, own in enumerate(kept):
        alone[at : at + len(own)] = np.load(_file(work, number, "places"))[own] + begins[number]
        bands[:, at : at + len(own)] = np.load(_file(work, number, "bands"), mmap_mode="r")[:, own]
        low[at : at + len(own)] = np.load(_file(work, number, "low"), mmap_mode="r")[own]
        at += len(own)
        for name in ("bands", "low", "places", "keys"):
            _file(work, number, name).unlink()
    np.save(work / "alone.npy", alone)
    return alone


def _candidates(size: int, work: Path, pool: Pool, small: bool) -> Numbers:
    starts = range(0, near.BANDS if size > 1 else 0, _BANDS)
    jobs = [_Bands(start, min(start + _BANDS, near.BANDS), work) for start in starts]
    found = near.united(pool.map(look_at_bands, jobs, small=small))
    return np.stack(np.divmod(found, max(size, 1)), axis=1) if len(found) else np.empty((0, 2), np.int64)


def _verified(
    pairs: Numbers, alone: Numbers, parts: Sequence[Path], begins: Numbers, work: Path, pool: Pool, small: bool
) -> NDArray[np.float64]:
    np.save(work / "pairs.npy", pairs)
    where = tuple(parts), tuple(begins.tolist())
    jobs = [_Pairs(at, min(at + _PAIRS, len(pairs)), work, *where) for at in range(0, len(pairs), _PAIRS)]
    shares = list(pool.map(verify_pairs, jobs, small=small))
    return np.concatenate([*shares, np.empty(0)])


def _mapped(path: Path, kind: type[np.generic], shape: tuple[int, int]) -> NDArray[Any]:
    mapped: NDArray[Any] = np.lib.format.open_memmap(path, "w+", kind, shape)  # type: ignore[no-untyped-call]
    return mapped


def id_bytes(ids: Iterable[str]) -> NDArray[np.uint8]:
    """Return ids as the bytes of their digits (ids, 16)."""
    return _bytes([value[-32:] for value in ids])


def _bytes(digits: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(digits)), np.uint8).reshape(-1, 16)


def _no_keys() -> NDArray[np.uint64]:
    return np.empty((0, 2), np.uint64)


def _file(work: Path, number: int, name: str) -> Path:
    return work / f"{number}-{name}.npy"


def _save(job: _Part, name: str, values: NDArray[np.generic]) -> None:
    np.save(_file(job.work, job.number, name), values)
