"""A release as plain files for tools that read no Parquet: a file for each config and split."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa

from toolkit.corpus.export import write_csv, write_lines
from toolkit.errors import ConflictError
from toolkit.fsio import publishing
from toolkit.release.folder import Folder

Format = Literal["csv", "jsonl"]


def export(release: Folder, folder: Path, form: Format) -> list[Path]:
    """Write every config and split to a new folder as ``<config>/<split>.<form>``; return the files.

    Labels are words; in CSV lists and records are JSON and an empty cell is null. Columns of bytes (images) are left out:
    they are in the release. :class:`ConflictError` where the folder is there.
    """
    if folder.exists():
        raise ConflictError(f"{folder} is there already", hint="name a folder that is not")
    write = {"csv": write_csv, "jsonl": write_lines}[form]
    with publishing(folder) as new:
        for config, splits in release.parts.items():
            for split, rows in splits.items():
                kept = [field.name for field in rows.schema if not _holds_bytes(field.type)]
                write(new / config / f"{split}.{form}", rows.select(kept))
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(part.type) for part in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
