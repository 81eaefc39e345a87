"""The search for equal and nearly equal posts over all parts of a corpus, in processes, through files.

Each part's texts are sketched by a worker (:mod:`toolkit.corpus.sketching`), unless they were as the part was made; of equal
texts the corpus's first stands for all. The sketches lie on disk, bands one after another: workers look at a few bands at a
time (:func:`look_at_bands`), and hold the pairs found against the texts themselves (:func:`verify_pairs`). What stays in memory
are ids, places and pairs: some forty bytes a post.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus import grams, near
from toolkit.corpus.pool import Pool
from toolkit.corpus.sketching import array_file, is_sketched, sketch_part, texts_file
from toolkit.kernels import compiled

Numbers = NDArray[np.int64]
_ROWS = 5_000
# Pairs a job, where there are many: each goes through the texts of all parts.
_PAIRS = 200_000
# Texts whose keys of a band are put in order together: 8 MB of them, several times over.
_AT_ONCE = 1_000_000
# Shares of all keys at least; and bits by which keys are put in order: two of a million begin alike in one corpus of thirty.
_BOTH, _KEY_BITS = 2, 44
# Bands a job: pairs that several of them give are looked at once, and those of all of them take memory.
_BANDS = 4
# Sketches mapped at a time: 7 MB.
_MAPPED = 1 << 16


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


class _Keys(NamedTuple):
    """Those of all posts' keys that are one of ``shares`` of them; ``begins`` are where parts begin."""

    share: int
    shares: int
    work: Path
    parts: Sequence[str]
    begins: Numbers


class _Kept(NamedTuple):
    """What of a part's sketches stands for all: those of posts that are no ``copies``, to be put behind ``at`` of ``size``."""

    part: str
    work: Path
    copies: NDArray[np.bool_]
    at: int
    size: int


class _Bands(NamedTuple):
    start: int
    stop: int
    work: Path
    texts: int


class _Pairs(NamedTuple):
    start: int
    stop: int
    work: Path
    parts: Sequence[str]


def search(parts: Sequence[Path], rows: Sequence[int], work: Path, pool: Pool, *, small: bool = False) -> Found:
    """Return which posts of these parts (rows: how many each has) are equal or nearly so.

    ``work`` is a folder in which no more lies than what :mod:`toolkit.corpus.sketching` has written there of some of the parts.
    """
    begins = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    names = [path.stem for path in parts]
    left = [path for path in parts if not is_sketched(work, path.stem)]
    deque(pool.map(partial(sketch_part, work), left, small=small), maxlen=0)
    copies = _copies(names, begins, work, pool, small)
    alone = _collected(copies[:, 1], names, begins, work, pool, small)
    pairs = _candidates(len(alone), work, pool, small)
    shares = _verified(pairs, names, work, pool, small)
    # Nothing more is asked for: what its processes hold is room for what follows.
    pool.close()
    close = shares >= near.THRESHOLD
    edges = joined(copies, alone[near.unpacked(pairs[close])], shares[close])
    ids = np.empty((begins[-1], 16), np.uint8)
    for name, begin, end in zip(names, begins, begins[1:], strict=False):
        ids[begin:end] = np.load(array_file(work, name, "ids"))
    return Found(ids, edges)


def joined(copies: Numbers, pairs: Numbers, shares: NDArray[np.float64]) -> Edges:
    """Return edges in order: (first, copy) of equal texts (m, 2), and pairs of different ones (n, 2) with their shares."""
    one, other = np.concatenate([copies, pairs]).T
    share = np.concatenate([np.ones(len(copies)), np.round(shares, 4)])
    order = np.lexsort((other, one))
    return Edges(one[order], other[order], share[order], order < len(copies))


def look_at_bands(job: _Bands) -> grams.Words:
    """Return the pairs that some bands give (:func:`toolkit.corpus.near.candidates`)."""
    bands = (band for number in range(job.start, job.stop) for band in _band(job, number))
    return near.candidates(bands, lambda places: _low(job, places))


def _low(job: _Bands, places: Numbers) -> grams.Words:
    """Return the last bytes of the sketches of the texts at these places."""
    found = np.empty((len(places), near.WORDS), np.uint64)
    for start in range(0, job.texts, _MAPPED):
        # A piece at a time: pages that are mapped count as this process's memory.
        shape = min(_MAPPED, job.texts - start), near.WORDS
        piece = np.memmap(job.work / "low", np.uint64, "r", 8 * near.WORDS * start, shape)
        if loops := compiled(0):
            loops.take(piece, start, places, found)
        else:
            own = np.flatnonzero((places >= start) & (places < start + len(piece)))
            found[own] = piece[places[own] - start]
    return found


def _band(job: _Bands, number: int) -> Iterator[near.Band]:
    """Yield a band's keys and their places: of many texts those of one share of all keys at a time."""
    shares = -(-job.texts // _AT_ONCE)
    for share in range(shares):
        keys, places = [], []
        for at in range(0, job.texts, _AT_ONCE):
            size, skipped = min(_AT_ONCE, job.texts - at), 8 * (number * job.texts + at)
            piece = np.fromfile(job.work / "bands", np.uint64, size, offset=skipped)
            own = np.flatnonzero(piece * np.uint64(shares) >> np.uint64(near.KEY_BITS) == share)
            keys.append(piece[own])
            places.append(own + at)
        yield np.concatenate(keys), np.concatenate(places)


def verify_pairs(job: _Pairs) -> NDArray[np.float64]:
    """Return the overlap of the texts of some of the pairs, 0 for those that are not near."""
    pairs = near.unpacked(np.load(job.work / "pairs.npy", mmap_mode="r")[job.start : job.stop])
    wanted, places = np.unique(pairs, return_inverse=True)
    texts = _texts(wanted, job)
    shares = np.empty(len(pairs), np.float64)
    for start in range(0, len(pairs), _ROWS):
        own = places.reshape(-1, 2)[start : start + _ROWS]
        one, other = (texts.take(pa.array(own[:, side])).to_pylist() for side in (0, 1))
        shares[start : start + _ROWS] = grams.overlap(one, other, near.THRESHOLD)
    return shares


def _texts(wanted: Numbers, job: _Pairs) -> pa.ChunkedArray:
    """Return the folded texts with these numbers, which go up, of those that stand for all."""
    ends = np.load(job.work / "ends.npy")
    rows = np.memmap(job.work / "rows", np.int64, "r") if len(wanted) else wanted
    cuts = np.searchsorted(wanted, ends).tolist()
    found = []
    for number, part in enumerate(job.parts):
        own = rows[wanted[cuts[number - 1] if number else 0 : cuts[number]]]
        if not len(own):
            continue
        with pa.memory_map(str(texts_file(job.work, part))) as file:
            reader = pa.ipc.open_file(file)
            at = 0
            for batch in map(reader.get_batch, range(reader.num_record_batches)):
                start, stop = np.searchsorted(own, [at, at + batch.num_rows])
                if start < stop:
                    found.append(batch["text"].take(pa.array(own[start:stop] - at)))
                at += batch.num_rows
    return pa.chunked_array(found, pa.string()).combine_chunks()


def _copies(parts: Sequence[str], begins: Numbers, work: Path, pool: Pool, small: bool) -> Numbers:
    """Return (first, copy) of posts with equal keys (m, 2)."""
    shares = 1 if small else max(_BOTH, -(-int(begins[-1]) // _AT_ONCE))
    jobs = [_Keys(share, shares, work, parts, begins) for share in range(shares)]
    return np.concatenate(list(pool.map(find_copies, jobs, small=small)))


def find_copies(job: _Keys) -> Numbers:
    """Return (first, copy) of posts with equal keys, among some of the keys (m, 2)."""
    found, places = [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)]
    for part, begin in zip(job.parts, job.begins.tolist(), strict=False):
        keys = np.load(array_file(job.work, part, "keys"))
        own = np.flatnonzero(keys[:, 0] % np.uint64(job.shares) == job.share)
        found.append(keys[own])
        places.append(own + begin)
    keys, place = np.concatenate(found), np.concatenate(places)
    # In the order of their first bits, equal ones as they stood: of equal keys the first stands first.
    order, beginnings = near.ordered(keys[:, 0] >> np.uint64(64 - _KEY_BITS), _KEY_BITS)
    same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    if not np.array_equal(same, beginnings[1:] == beginnings[:-1]):
        # Different keys that begin alike may stand among each other: their beginnings are enough for nearly all corpora.
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    place = place[order]
    starts = np.flatnonzero(np.concatenate([[True], ~same])) if len(keys) else order
    first = np.repeat(place[starts], np.diff(np.append(starts, len(keys))))
    again = first != place
    return np.stack([first[again], place[again]], axis=1)


def _collected(again: Numbers, parts: Sequence[str], begins: Numbers, work: Path, pool: Pool, small: bool) -> Numbers:
    """Put the sketches of all texts but those that are there ``again`` into one file each; return these texts' places."""
    copies = np.zeros(begins[-1], np.bool_)
    copies[again] = True
    alone = np.flatnonzero(~copies)
    starts = np.searchsorted(alone, begins)
    np.save(work / "ends.npy", starts[1:])
    sizes = {"rows": 8, "low": 8 * near.WORDS, "bands": 8 * near.BANDS}
    for name, size in sizes.items():
        with (work / name).open("wb") as file:
            file.truncate(size * len(alone))
    cuts = zip(parts, begins.tolist(), begins[1:].tolist(), starts.tolist(), strict=False)
    jobs = [_Kept(part, work, copies[begin:end], at, len(alone)) for part, begin, end, at in cuts]
    deque(pool.map(collect_part, jobs, small=small), maxlen=0)
    return alone


def collect_part(job: _Kept) -> None:
    """Put what of a part's sketches stands for all into its place in the files of all, and remove the part's own."""

    def own(name: str) -> NDArray[Any]:
        found: NDArray[Any] = np.load(array_file(job.work, job.part, name))
        return found

    rows = np.flatnonzero(~job.copies[own("places")])
    # Written and not mapped: pages that are mapped count as this process's memory.
    for name, values in (("rows", rows), ("low", own("low")[rows])):
        with (job.work / name).open("rb+") as file:
            file.seek(values[:1].nbytes * job.at)
            values.tofile(file)
    with (job.work / "bands").open("rb+") as file:
        for number, values in enumerate(own("bands")[:, rows]):
            file.seek(values.itemsize * (number * job.size + job.at))
            values.tofile(file)
    for name in ("bands", "low", "places", "keys"):
        array_file(job.work, job.part, name).unlink()


def _candidates(size: int, work: Path, pool: Pool, small: bool) -> grams.Words:
    starts = range(0, near.BANDS if size > 1 else 0, _BANDS)
    jobs = [_Bands(start, min(start + _BANDS, near.BANDS), work, size) for start in starts]
    return near.united(pool.map(look_at_bands, jobs, small=small))


def _verified(pairs: grams.Words, parts: Sequence[str], work: Path, pool: Pool, small: bool) -> NDArray[np.float64]:
    np.save(work / "pairs.npy", pairs)
    size = min(_PAIRS, max(_ROWS, len(pairs) // 8))
    jobs = [_Pairs(at, min(at + size, len(pairs)), work, parts) for at in range(0, len(pairs), size)]
    shares = list(pool.map(verify_pairs, jobs, small=small))
    return np.concatenate([*shares, np.empty(0)])
