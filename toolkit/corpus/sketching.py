"""What a search works on, of one part: its posts' ids, keys, sketches and folded texts, in files beside one another.

They are made along with the part, when its texts are at hand, or from it. ``ids`` and ``keys`` (posts, 16 bytes) are of all its
posts; of equal texts the part's first stands for all: its place is in ``places`` (texts), its sketch in ``bands`` (25, texts) and
``low`` (texts, 13), and itself, folded, in a file of batches.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus import near
from toolkit.ids import normalise
from toolkit.parquet import read_batches

_TEXTS = pa.schema([("text", pa.string())])
_ROWS = 5_000


class Sketching:
    """The sketches of a part, whose posts come some at a time."""

    def __init__(self) -> None:
        self._arrays: dict[str, list[NDArray[Any]]] = {name: [] for name in ("keys", "places", "bands", "low")}
        self._seen: set[str] = set()
        self._posts = 0

    def add(self, hashes: pa.Array, normal: Sequence[str]) -> list[str]:
        """Take posts in: ``exact_hash``, and their texts' normal forms (:func:`toolkit.ids.normalise`).

        Return the folded texts of those that say what none before them says.
        """
        keys = [value[:32] for value in hashes.to_pylist()]
        fresh = []
        for place, key in enumerate(keys):
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(place)
        folded = [normal[place].casefold() for place in fresh]
        sketches = near.sketch(folded)
        own = {
            "keys": _bytes(keys).view(">u8"),
            "places": np.array(fresh, np.int64) + self._posts,
            "bands": sketches.bands,
            "low": sketches.low,
        }
        for name, values in own.items():
            self._arrays[name].append(values)
        self._posts += len(keys)
        return folded

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return ``keys``, ``places``, ``bands`` and ``low`` of all posts so far."""
        return {name: np.concatenate(own, axis=1 if name == "bands" else 0) for name, own in self._arrays.items()}


class PartFiles:
    """Writes the files of a part in a folder; its posts come some at a time, and its name at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._unnamed = folder, f".{os.getpid()}"
        self._ids: list[NDArray[np.uint8]] = []
        self._sketching = Sketching()
        # Not held until the end, as what else there is of a post is: a text may be long.
        self._texts = pa.ipc.new_file(texts_file(folder, self._unnamed), _TEXTS)

    def add(self, ids: pa.Array, hashes: pa.Array, normal: Sequence[str]) -> None:
        """Take posts in: ``post_id``, and what :class:`Sketching` takes."""
        self._ids.append(id_bytes(ids.to_pylist()))
        folded = self._sketching.add(hashes, normal)
        self._texts.write_batch(pa.record_batch([pa.array(folded, pa.string())], schema=_TEXTS))

    def close(self, part: str) -> None:
        """Write what is left; the files are those of the part of this name."""
        self._texts.close()
        texts_file(self._folder, self._unnamed).rename(texts_file(self._folder, part))
        for name, values in ({"ids": np.concatenate(self._ids)} | self._sketching.arrays()).items():
            np.save(array_file(self._folder, part, name), values)


def sketch_part(folder: Path, path: Path) -> None:
    """Write the files of a part of ``posts`` that lies here; its name is the file's."""
    files = PartFiles(folder)
    for batch in read_batches(path, ["post_id", "exact_hash", "text"], _ROWS):
        files.add(batch["post_id"], batch["exact_hash"], [normalise(text) for text in batch["text"].to_pylist()])
    files.close(path.stem)


def array_file(folder: Path, part: str, name: str) -> Path:
    """Return where an array of a part lies."""
    return folder / f"{part}-{name}.npy"


def texts_file(folder: Path, part: str) -> Path:
    """Return where the texts of a part lie."""
    return folder / f"{part}-texts.arrow"


def is_sketched(folder: Path, part: str) -> bool:
    """Tell whether a part's files are there."""
    return array_file(folder, part, "low").exists()


def id_bytes(ids: Iterable[str]) -> NDArray[np.uint8]:
    """Return ids as the bytes of their digits (ids, 16)."""
    return _bytes([value[-32:] for value in ids])


def _bytes(digits: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(digits)), np.uint8).reshape(-1, 16)
