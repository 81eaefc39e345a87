"""A release as plain files for tools that read no Parquet: a file for each config and split, and its images."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa

from toolkit.corpus.export import write_csv, write_lines
from toolkit.errors import ConflictError
from toolkit.fsio import publishing, write_atomic
from toolkit.release.features import IMAGE
from toolkit.release.folder import Folder
from toolkit.release.images import name_of

Format = Literal["csv", "jsonl"]
IMAGES = "images"


def export(release: Folder, folder: Path, form: Format) -> list[Path]:
    """Write every config and split to a new folder as ``<config>/<split>.<form>``; return the files.

    Labels are words; in CSV lists and records are JSON and an empty cell is null. A column of images holds their names, and they
    lie in ``images/``. :class:`ConflictError` where the folder is there.
    """
    if folder.exists():
        raise ConflictError(f"{folder} is there already", hint="name a folder that is not")
    write = {"csv": write_csv, "jsonl": write_lines}[form]
    with publishing(folder) as new:
        for config, splits in release.parts.items():
            for split, rows in splits.items():
                write(new / config / f"{split}.{form}", _by_name(rows, new / IMAGES))
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _by_name(rows: pa.Table, images: Path) -> pa.Table:
    """Write the images of some rows; return the rows with their names."""
    for place, field in enumerate(rows.schema):
        if field.type == IMAGE:
            names: list[str | None] = []
            for value in rows[field.name]:
                data = value.as_py()["bytes"] if value.is_valid else None
                # Named here: a release of somebody else's may name a file that lies elsewhere.
                names.append(name_of(data) if data else None)
                if data:
                    write_atomic(images / name_of(data), data)
            rows = rows.set_column(place, field.name, pa.array(names, pa.string()))
    return rows
