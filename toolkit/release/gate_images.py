"""The gate on images: of reports that may be redistributed alone, without metadata, readable, and what their names say."""

from __future__ import annotations

import pyarrow.compute as pc

from toolkit.release.folder import Folder
from toolkit.release.images import cleaned, name_of

SAYS = "images are of reports that may be redistributed, hold no metadata, decode, and are what their names say"
_ROWS = 50


def check(folder: Folder) -> list[str]:
    """Look at every image."""
    rows = folder.rows("photo_texts").select(["photo_id", "source_id", "image_status", "dehydrated", "image"])
    may = dict(zip(*(folder.rows("sources")[name].to_pylist() for name in ("source_id", "rights")), strict=True))
    problems = []
    for batch in rows.filter(pc.is_valid(rows["image"])).to_batches(max_chunksize=_ROWS):
        for row in batch.to_pylist():
            name, data = row["photo_id"], row["image"]["bytes"]
            if may.get(row["source_id"]) != "redistributable" or row["dehydrated"]:
                problems.append(f"{name}: an image of {row['source_id']}, which may not be redistributed")
            if row["image_status"] != "held":
                problems.append(f"{name}: an image that is called {row['image_status']}")
            if data is None or row["image"]["path"] != name_of(data):
                problems.append(f"{name}: the image is not the one that its name says")
                continue
            try:
                if cleaned(data) != data:
                    problems.append(f"{name}: the image holds metadata")
            except ValueError as error:
                problems.append(f"{name}: the image is refused: {error}")
    return problems
