"""What a cluster's workers do, step by step: pure functions from blobs to (number, blob) pairs.

The numbers of a step that *maps* are those of blocks or parts; a step that *gathers* is given all blobs of one number
together, whoever made them and in whatever order they come: records are sorted before they are looked at::

    parts       a block of a table's rows           → its parts and its accounts
    sketches    a part                              → keys, sketches and texts of its posts
    keys        a part's sketches                   → (key, place), by the key
    firsts      all of some keys                    → (first, again): which posts say what an earlier one says
    bands       a part's sketches, less the copies  → (band and key, place), by it
    company     all of some bands' keys             → (place, band): what somebody shares a band with
    neighbours  a part's sketches, its company      → (band and key, place, low), by the key
    candidates  all of some keys                    → pairs that agree enough
    texts       a part's sketches, wanted places    → (pair, side, text), by pairs
    overlaps    both texts of some pairs            → their overlap
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit import storage
from toolkit.corpus import grams, near
from toolkit.corpus.batch import About
from toolkit.corpus.engines.blobs import octets, pack, strings, texts_of, unpack
from toolkit.corpus.parts import Job, make_table_parts
from toolkit.corpus.sketching import Sketching
from toolkit.ids import normalise
from toolkit.parquet import read_batches

Blob = tuple[int, bytes]
KEYED = np.dtype([("key", ">u8", 2), ("place", "<i8")])
BANDED = np.dtype([("key", "<u8"), ("place", "<i8")])
SKETCHED = np.dtype([("key", "<u8"), ("place", "<i8"), ("low", "<u8", near.WORDS)])
MEMBER = np.dtype([("place", "<i8"), ("band", "u1")])
_ROWS = 5_000


def parts(number: int, blob: bytes, *, folder: str | None) -> Iterator[Blob]:
    """Make the parts of a block: its files go into the folder, or along with the answer."""
    about, arrays = unpack(blob)
    with tempfile.TemporaryDirectory(prefix="docposts-") as scratch:
        rows: Path | str = about["rows"]
        if "rows" in arrays:
            rows = Path(scratch) / "rows.parquet"
            rows.write_bytes(arrays["rows"].tobytes())
        out = Path(scratch) / "parts"
        out.mkdir()
        made = make_table_parts(Job(rows, about["start"], about["stop"], About(**about["about"]), out, about["holds"]))
        files = {}
        for path in sorted(out.iterdir()):
            if folder is None:
                files[path.name] = octets(path.read_bytes())
            else:
                storage.upload(path, storage.join(folder, path.name))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, made.accounts.schema) as writer:
            writer.write_table(made.accounts)
        yield number, pack(made.parts, accounts=octets(sink.getvalue().to_pybytes()), **files)


def sketches(number: int, blob: bytes) -> Iterator[Blob]:
    """Sketch a part's posts, each different text once."""
    about, arrays = unpack(blob)
    with tempfile.TemporaryDirectory(prefix="docposts-") as scratch:
        path: Path | str = about.get("part", "")
        if "part" in arrays:
            path = Path(scratch) / "part.parquet"
            path.write_bytes(arrays["part"].tobytes())
        sketching, texts = Sketching(), []
        for batch in read_batches(path, ["exact_hash", "text"], _ROWS):
            texts += sketching.add(batch["exact_hash"], [normalise(text) for text in batch["text"].to_pylist()])
    arrays = sketching.arrays()
    arrays["places"] += about["begin"]
    yield number, pack(about["begin"], **arrays, **texts_of(pa.array(texts, pa.string())))


def keys(number: int, blob: bytes, *, buckets: int) -> Iterator[Blob]:
    """Give each post's key and place to the bucket of its key."""
    begin, arrays = unpack(blob)
    found = arrays["keys"]
    records = np.empty(len(found), KEYED)
    records["key"], records["place"] = found, np.arange(len(found)) + begin
    yield from _dealt(records, found[:, 1] % np.uint64(buckets))


def firsts(number: int, blobs: Iterable[bytes]) -> Iterator[Blob]:
    """Return (first, again): the posts whose text an earlier post has, with the earliest."""
    records = _gathered(blobs)
    order = np.lexsort((records["place"], records["key"][:, 1], records["key"][:, 0]))
    records = records[order]
    same = (records["key"][1:] == records["key"][:-1]).all(axis=1)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    first = np.repeat(records["place"][starts], np.diff(np.append(starts, len(records))))
    again = np.concatenate([[False], same])
    yield number, pack(pairs=np.stack([first[again], records["place"][again]], axis=1))


def bands(number: int, blob: bytes, side: bytes, *, buckets: int) -> Iterator[Blob]:
    """Give each band's key and place, of the posts that are the first with their text, to its bucket."""
    _, arrays = unpack(blob)
    copies = unpack(side)[1]["places"]
    kept = np.flatnonzero(~np.isin(arrays["places"], copies))
    records = np.empty(near.BANDS * len(kept), BANDED)
    records["key"] = _banded(arrays["bands"][:, kept]).reshape(-1)
    records["place"] = np.tile(arrays["places"][kept], near.BANDS)
    yield from _dealt(records, _bucket(records["key"], buckets))


def company(number: int, blobs: Iterable[bytes]) -> Iterator[Blob]:
    """Return (place, band) of the posts that share a band with another."""
    records = _gathered(blobs)
    records = records[np.argsort(records["key"], kind="stable")]
    same = records["key"][1:] == records["key"][:-1]
    among = records[np.concatenate([[False], same]) | np.concatenate([same, [False]])]
    members = np.empty(len(among), MEMBER)
    members["place"], members["band"] = among["place"], among["key"] >> np.uint64(near.KEY_BITS)
    yield number, pack(members=members)


def neighbours(number: int, blob: bytes, side: bytes, *, buckets: int) -> Iterator[Blob]:
    """Give the sketches of those that have company in a band (a bit each) to that band's bucket."""
    begin, arrays = unpack(blob)
    company = unpack(side)[1]["company"][arrays["places"] - begin]
    band, at = np.nonzero(company >> np.arange(near.BANDS, dtype=np.uint32)[:, None] & np.uint32(1))
    records = np.empty(len(at), SKETCHED)
    records["key"] = _banded(arrays["bands"])[band, at]
    records["place"], records["low"] = arrays["places"][at], arrays["low"][at]
    yield from _dealt(records, _bucket(records["key"], buckets))


def candidates(number: int, blobs: Iterable[bytes]) -> Iterator[Blob]:
    """Return the pairs of places that share a band and agree enough, the lower first, each once."""
    records = _gathered(blobs)
    # Within a group the order of the places decides who is held against whom.
    records = records[np.argsort(records["place"], kind="stable")]
    band = np.ascontiguousarray(records["key"]), np.arange(len(records))
    found = near.unpacked(near.candidates([band], records["low"].__getitem__))
    pairs = records["place"][found]
    yield number, pack(pairs=np.unique(pairs, axis=0) if len(pairs) else pairs)


def texts(number: int, blob: bytes, side: bytes) -> Iterator[Blob]:
    """Give the texts that pairs are made of to the pairs' buckets: ``side`` names bucket, pair, side and place."""
    _, arrays = unpack(blob)
    wanted = unpack(side)[1]
    every = strings(arrays["ends"], arrays["utf8"])
    at = np.searchsorted(arrays["places"], wanted["place"])
    for bucket in np.unique(wanted["bucket"]):
        own = np.flatnonzero(wanted["bucket"] == bucket)
        named = {name: wanted[name][own] for name in ("pair", "side")}
        chosen = pa.array([every[place] for place in at[own].tolist()], pa.string())
        yield int(bucket), pack(**named, **texts_of(chosen))


def overlaps(number: int, blobs: Iterable[bytes]) -> Iterator[Blob]:
    """Return the overlap of each pair whose two texts are here."""
    pair, side, text = [], [], []
    for blob in blobs:
        arrays = unpack(blob)[1]
        pair.append(arrays["pair"])
        side.append(arrays["side"])
        text += strings(arrays["ends"], arrays["utf8"])
    order = np.lexsort((np.concatenate(side), np.concatenate(pair)))
    one, other = ([text[at] for at in order[half::2].tolist()] for half in (0, 1))
    shares = grams.overlap(one, other, near.THRESHOLD)
    yield number, pack(pair=np.concatenate(pair)[order[::2]], shares=shares)


MAPS: dict[str, Any] = {f.__name__: f for f in (parts, sketches, keys, bands, neighbours, texts)}
GATHERS: dict[str, Any] = {f.__name__: f for f in (firsts, company, candidates, overlaps)}


def _gathered(blobs: Iterable[bytes]) -> NDArray[Any]:
    return np.concatenate([unpack(blob)[1]["records"] for blob in blobs])


def _dealt(records: NDArray[Any], bucket: NDArray[Any]) -> Iterator[Blob]:
    """Yield the records of each bucket that has any, in their order."""
    order = np.argsort(bucket, kind="stable")
    ordered = bucket[order]
    cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(ordered)]
    for start, end in pairwise(cuts) if len(ordered) else ():
        yield int(ordered[start]), pack(records=records[order[start:end]])


def _banded(bands_of: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return keys (bands, n) with the band's number before each."""
    number = np.arange(near.BANDS, dtype=np.uint64)[:, None]
    banded: NDArray[np.uint64] = number << np.uint64(near.KEY_BITS) | bands_of
    return banded


def _bucket(key: NDArray[np.uint64], buckets: int) -> NDArray[np.uint64]:
    return key % np.uint64(buckets)
