"""How much of a release's files is sent again after 50 rows were taken down, where a store keeps content-defined chunks.

    python -m benchmarks.release_resend [POSTS [PHOTO_TEXTS]]

Rows like those of a release's posts (words by Zipf's law, ids and hashes that never repeat), and of its photo texts with their
images (30 to 120 KB that do not compress, as JPEGs do not), each written as releases are and as Parquet comes by default,
before and after 50 scattered rows went. Both files are cut into chunks of 8 to 128 KiB, 64 KiB on
average, by a rolling hash, as the Hub's store does; sent again is what stands in no chunk of the file before.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.parquet import write_table
from toolkit.release.features import release_table

TAKEN_DOWN = 50
LEAST, MOST, AVERAGE_BITS = 8 << 10, 128 << 10, 16
WINDOW = 8 << 20
_GEAR = np.random.default_rng(7).integers(0, 1 << 63, 256, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def chunks(data: bytes) -> Iterator[bytes]:
    """Cut bytes where a rolling hash of the last 64 says so."""
    cuts = np.concatenate([_cuts(data, start) for start in range(0, len(data), WINDOW)])
    start = 0
    while start < len(data):
        at = np.searchsorted(cuts, start + LEAST)
        end = min(int(cuts[at]) if at < len(cuts) else len(data), start + MOST, len(data))
        yield data[start:end]
        start = end


def _cuts(data: bytes, start: int) -> npt.NDArray[np.int64]:
    """Return the places within a window of some bytes where the hash says so."""
    before = min(start, 63)
    gears = _GEAR[np.frombuffer(data, np.uint8)[start - before : start + WINDOW]]
    rolling = gears.copy()
    for back in range(1, 64):
        rolling[back:] += gears[:-back] << np.uint64(back)
    found = np.flatnonzero(rolling[before:] >> np.uint64(64 - AVERAGE_BITS) == 0)
    return (found + start + 1).astype(np.int64)


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
    return _rows("posts", made, count)


def photo_texts(count: int) -> pa.Table:
    """Return the rows of a release's photo texts with their images, by a seed; the words are those of :func:`posts`."""
    draw, texts = np.random.default_rng(1), posts(count)
    images = [draw.bytes(int(size)) for size in draw.integers(30_000, 120_000, count)]
    hashes = [hashlib.sha256(data).hexdigest() for data in images]
    made: dict[str, Any] = {name: texts[name] for name in ("source_id", "report_title", "text", "exact_hash")}
    made |= {"split_group": texts["split_group"], "image_status": ["held"] * count, "image_hash": hashes}
    made["photo_id"] = [f"photo_{draw.bytes(16).hex()}" for _ in range(count)]
    made["post_id"] = [f"post_{draw.bytes(16).hex()}" for _ in range(count)]
    made["image"] = [{"bytes": data, "path": f"{name}.jpg"} for data, name in zip(images, hashes, strict=True)]
    return _rows("photo_texts", made, count)


def _rows(config: str, made: Mapping[str, Any], count: int) -> pa.Table:
    schema = release_table(config).arrow
    columns = [_column(made[f.name], f.type) if f.name in made else pa.nulls(count, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: Any, kind: pa.DataType) -> Any:
    return values if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)


def written(config: str, rows: pa.Table, folder: Path) -> tuple[bytes, bytes]:
    """Return a release's file of these rows, and one by the default of the library."""
    write_table(folder / "released.parquet", rows, release_table(config))
    pq.write_table(rows, folder / "plain.parquet", compression="zstd", row_group_size=100_000)
    return (folder / "released.parquet").read_bytes(), (folder / "plain.parquet").read_bytes()


def without(rows: pa.Table, count: int) -> pa.Table:
    """Return the rows without some that the seed draws."""
    gone = np.random.default_rng(3).choice(rows.num_rows, count, replace=False)
    return rows.take(pa.array(np.setdiff1d(np.arange(rows.num_rows), gone)))


def main(count: int, photos: int) -> list[dict[str, Any]]:
    """Return for each config the bytes of its file, and the share sent again by how it is written."""
    found = []
    for config, rows in (("posts", posts(count)), ("photo_texts", photo_texts(photos))):
        with tempfile.TemporaryDirectory(prefix="docposts-bench-") as name:
            before, after = (written(config, table, Path(name)) for table in (rows, without(rows, TAKEN_DOWN)))
        said: dict[str, Any] = {
            "config": config,
            "rows": rows.num_rows,
            "taken_down": TAKEN_DOWN,
            "bytes": len(after[0]),
        }
        shares = {way: round(resent(before[n], after[n]), 3) for n, way in enumerate(("released", "plain"))}
        found.append(said | shares)
    return found


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:]]
    print(json.dumps(main(*(counts + [200_000, 2_000][len(counts) :])), indent=1))
