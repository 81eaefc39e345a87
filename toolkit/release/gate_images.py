"""The gate on images: of reports that may be redistributed alone, without metadata, readable, and what their names say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from toolkit.fsio import sha256_bytes
from toolkit.release.folder import Folder
from toolkit.release.images import cleaned, name_of

SAYS = "images are of reports that may be redistributed, hold no metadata, decode, and are what their hashes say"
_ROWS = 50


def check(folder: Folder) -> list[str]:
    """Look at every image. Those of a hydrated release were put back, and are for private use as its texts are."""
    names = ["photo_id", "source_id", "image_status", "image_hash", "dehydrated", "image"]
    may = dict(zip(*(folder.rows("sources")[name].to_pylist() for name in ("source_id", "rights")), strict=True))
    back = bool(folder.manifest.get("hydrated"))
    rows = folder.rows("photo_texts").select(names)
    told = pc.or_(pc.is_valid(rows["image"]), pc.is_valid(rows["image_hash"]))
    problems = []
    for batch in rows.filter(told).to_batches(max_chunksize=_ROWS):
        for row in batch.to_pylist():
            own = may.get(row["source_id"]) == "redistributable" and not row["dehydrated"]
            problems += [f"{row['photo_id']}: {problem}" for problem in _wrong(row, own=own, back=back)]
    return problems


def _wrong(row: Mapping[str, Any], *, own: bool, back: bool) -> Iterator[str]:
    if row["image_status"] != "held":
        yield f"an image that is called {row['image_status']}"
    if row["image"] is None:
        if own:
            yield "its image is told by a hash, may be redistributed, and is not there"
        return
    if not own and not back:
        yield f"an image of {row['source_id']}, which may not be redistributed"
    data = row["image"]["bytes"]
    if data is None or row["image"]["path"] != name_of(data) or row["image_hash"] != sha256_bytes(data):
        yield "the image is not the one that its name and its hash say"
        return
    try:
        if cleaned(data) != data:
            yield "the image holds metadata"
    except ValueError as error:
        yield f"the image is refused: {error}"
