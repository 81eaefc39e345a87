"""What travels between a build and its workers: arrays as bytes, here or in a file of the shared folder.

A *blob* is a NumPy archive (no pickle). An *envelope* is what a cell of a data frame holds: a blob itself, the address of a
file with it, or the name of a file that the session sent ahead to the workers. Files are named by their hash, so that a task
which runs twice leaves one.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit import storage
from toolkit.errors import ServiceError
from toolkit.fsio import canonical_json, sha256_bytes

Arrays = dict[str, NDArray[Any]]
_HERE, _THERE, _AHEAD = b"=", b"@", b">"
INLINE = 32 << 10
"""What has more bytes goes into a file, where there is a shared folder; so does what is sent ahead."""


def pack(about: Any = None, /, **arrays: NDArray[Any]) -> bytes:
    """Return a JSON value and arrays as a blob."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, about=np.frombuffer(canonical_json(about).encode(), np.uint8), **arrays)
    return out.getvalue()


def unpack(blob: bytes) -> tuple[Any, Arrays]:
    """Return what was packed."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    return json.loads(arrays.pop("about").tobytes()), arrays


def octets(data: bytes) -> NDArray[np.uint8]:
    """Return bytes as an array, to be packed."""
    return np.frombuffer(data, np.uint8)


def enclosed(blob: bytes, folder: str | None = None, *, least: int = INLINE) -> bytes:
    """Return an envelope with a blob: of more than ``least`` bytes it goes into a file of the folder."""
    if folder is None or len(blob) <= least:
        return _HERE + blob
    path = storage.join(folder, f"{sha256_bytes(blob)}.blob")
    storage.write(path, blob, lasting=False)
    return _THERE + path.encode()


def address(path: str) -> bytes:
    """Return an envelope that leads to a file."""
    return _THERE + path.encode()


def ahead(name: str) -> bytes:
    """Return an envelope that names a file which a session sends its workers."""
    return _AHEAD + name.encode()


def opened(envelope: bytes) -> bytes:
    """Return an envelope's blob."""
    kind, rest = envelope[:1], envelope[1:]
    if kind == _THERE:
        return storage.read(rest.decode())
    return _sent(rest.decode()) if kind == _AHEAD else rest


def _sent(name: str) -> bytes:
    # Spark has the folder of what a session sent on the workers' path.
    for folder in sys.path:
        if (file := Path(folder, name)).is_file():
            return file.read_bytes()
    raise ServiceError(f"the cluster did not bring {name} to a worker")


def texts_of(texts: pa.Array) -> Arrays:
    """Return strings as two arrays, to be packed: where each ends, and their UTF-8."""
    data = [text.encode("utf-8", "surrogatepass") for text in texts.to_pylist()]
    return {"ends": np.cumsum([len(one) for one in data], dtype=np.int64), "utf8": octets(b"".join(data))}


def strings(ends: NDArray[np.int64], utf8: NDArray[np.uint8]) -> list[str]:
    """Return the strings of :func:`texts_of`."""
    data = utf8.tobytes()
    starts = np.concatenate([[0], ends[:-1]]).tolist() if len(ends) else []
    return [data[start:end].decode("utf-8", "surrogatepass") for start, end in zip(starts, ends.tolist(), strict=True)]
