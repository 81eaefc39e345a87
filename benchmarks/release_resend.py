"""How much of a release's files is sent again after 50 posts were taken down, where a store keeps content-defined chunks.

    python -m benchmarks.release_resend [POSTS]

Rows like those of a release's posts (words by Zipf's law, ids and hashes that never repeat), written as releases are and as
Parquet comes by default, before and after 50 scattered rows went. Both files are cut into chunks of 8 to 128 KiB, 64 KiB on
average, by a rolling hash, as the Hub's store does; sent again is what stands in no chunk of the file before.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.parquet import write_table
from toolkit.release.features import release_table

TAKEN_DOWN = 50
LEAST, MOST, AVERAGE_BITS = 8 << 10, 128 << 10, 16
_GEAR = np.random.default_rng(7).integers(0, 1 << 63, 256, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def chunks(data: bytes) -> Iterator[bytes]:
    """Cut bytes where a rolling hash of the last 64 says so."""
    gears = _GEAR[np.frombuffer(data, np.uint8)]
    rolling = gears.copy()
    for back in range(1, 64):
        rolling[back:] += gears[:-back] << np.uint64(back)
    cuts = np.flatnonzero(rolling >> np.uint64(64 - AVERAGE_BITS) == 0) + 1
    start = 0
    while start < len(data):
        at = np.searchsorted(cuts, start + LEAST)
        end = min(int(cuts[at]) if at < len(cuts) else len(data), start + MOST, len(data))
        yield data[start:end]
        start = end


def resent(before: bytes, after: bytes) -> float:
    """Return the share of ``after`` that stands in no chunk of ``before``."""
    held = {hashlib.sha256(chunk).digest() for chunk in chunks(before)}
    new = sum(len(chunk) for chunk in chunks(after) if hashlib.sha256(chunk).digest() not in held)
    return new / len(after)


def posts(count: int) -> pa.Table:
    """Return the rows of a release's posts, by a seed; what nobody judged is empty."""
    draw = np.random.default_rng(0)
    vocabulary = ["".join(draw.choice([*"bdfgklmnprstvaeiou"], draw.integers(3, 9))) for _ in range(5000)]
    drawn = np.array(vocabulary)[draw.zipf(1.3, (count, 18)) % len(vocabulary)]
    ids = [f"post_{draw.bytes(16).hex()}" for _ in range(count)]
    sources = [f"quay-{40 * number // count:02}" for number in range(count)]
    made = {
        "post_id": ids,
        "source_id": sources,
        "report_title": [f"On {name}" for name in sources],
        "text": [" ".join(words) for words in drawn],
        "exact_hash": [draw.bytes(32).hex() for _ in range(count)],
        "cluster_id": ids,
        "split_group": sources,
    }
    schema = release_table("posts").arrow
    columns = [pa.array(made[f.name], f.type) if f.name in made else pa.nulls(count, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def written(rows: pa.Table, folder: Path) -> tuple[bytes, bytes]:
    """Return a release's file of these rows, and one by the default of the library."""
    write_table(folder / "released.parquet", rows, release_table("posts"))
    pq.write_table(rows, folder / "plain.parquet", compression="zstd", row_group_size=100_000)
    return (folder / "released.parquet").read_bytes(), (folder / "plain.parquet").read_bytes()


def without(rows: pa.Table, count: int) -> pa.Table:
    """Return the rows without some that the seed draws."""
    gone = np.random.default_rng(3).choice(rows.num_rows, count, replace=False)
    return rows.take(pa.array(np.setdiff1d(np.arange(rows.num_rows), gone)))


def main(count: int) -> dict[str, Any]:
    """Return the bytes of the file, and the share sent again by how it is written."""
    rows = posts(count)
    with tempfile.TemporaryDirectory(prefix="docposts-bench-") as name:
        before, after = (written(table, Path(name)) for table in (rows, without(rows, TAKEN_DOWN)))
    found: dict[str, Any] = {"posts": count, "taken_down": TAKEN_DOWN, "bytes": len(after[0])}
    return found | {"released": round(resent(before[0], after[0]), 3), "plain": round(resent(before[1], after[1]), 3)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), indent=1))
