"""The gate on ``croissant.json``: it says what lies there, and the reference implementation validates and reads it."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.errors import InputError, of_memory
from toolkit.fsio import read_text, write_atomic
from toolkit.parquet import write_table
from toolkit.release import croissant as described
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.layout import canonical_pretty, list_files
from toolkit.release.rows import KEYS
from toolkit.release.shards import part_path

SAYS = "croissant.json describes these files and columns, and its keys of responsible AI are known ones"
READS = (
    "the reference implementation of Croissant validates the description and gives its records, 2,000 of a longer file"
)
# The reference implementation reads some hundred rows a second, and holds all of them: of a larger part, the first.
_READ = 2_000


def read(folder: Folder) -> dict[str, Any]:
    """Return what ``croissant.json`` says; :class:`InputError` where it cannot be read."""
    try:
        found = json.loads(read_text(folder.path / described.FILE))
    except json.JSONDecodeError as error:
        raise InputError(f"{described.FILE}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(found, dict):
        raise InputError(f"{described.FILE} is no object")
    return found


def croissant(folder: Folder) -> list[str]:
    """Hold the description against the release."""
    said = read(folder)
    configs = folder.manifest["configs"]
    named = {*folder.data_files()}
    files = {path: entry for path, entry in folder.manifest["files"].items() if path in named}
    wanted = {
        "@context": described.CONTEXT,
        "conformsTo": described.CONFORMS_TO,
        # Compared before anything is read: a description may name files of other places.
        "distribution": described.distribution(configs, files),
        "recordSet": described.record_sets(configs),
    }
    problems = [
        f"{described.FILE}: {name} is not this release's" for name, value in wanted.items() if said.get(name) != value
    ]
    known = described.RAI_KEYS
    return problems + [
        f"{described.FILE}: {name} is no key of RAI" for name in said if name.startswith("rai:") and name not in known
    ]


def records(folder: Folder) -> list[str]:
    """Validate the description and read every config by it."""
    import mlcroissant

    with _quiet():
        try:
            problems = []
            # Reading and validating the description is most of the work: once for all configs that are read in place.
            validated = cache(lambda path: mlcroissant.Dataset(str(path)).metadata)
            for config, splits in folder.parts.items():
                with _readable(folder, config) as (where, rows):
                    # What it is to do anew each time: after one config the same gives wrong records of the next.
                    dataset = mlcroissant.Dataset.from_metadata(validated(where / described.FILE))
                    problems += _records(
                        dataset, config, {split: rows.get(split, part) for split, part in splits.items()}
                    )
        except Exception as error:
            if of_memory(error):
                raise  # It says nothing of the release.
            return [f"{described.FILE}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"]
    return problems


@contextmanager
def _readable(folder: Folder, config: str) -> Iterator[tuple[Path, Mapping[str, pa.Table]]]:
    """Yield the release, or where a config is too large a copy with its first rows; and the rows that were cut down."""
    cut = {split: rows.slice(0, _READ) for split, rows in folder.parts[config].items() if rows.num_rows > _READ}
    if not cut:
        yield folder.path, {}
        return
    with tempfile.TemporaryDirectory(prefix="docposts-records-") as name:
        beside = Path(name)
        for path, entry in folder.manifest["files"].items():
            if path.endswith(".parquet") and entry:
                (beside / path).parent.mkdir(exist_ok=True)
                (beside / path).symlink_to((folder.path / path).absolute())
        for split, rows in cut.items():
            for path in folder.files_of(config, split):
                (beside / path).unlink()
            write_table(beside / part_path(config, split), rows, release_table(config))
        said = read(folder)
        files = {path: entry for path, entry in list_files(beside).items() if path.endswith(".parquet")}
        said["distribution"] = described.distribution(folder.manifest["configs"], files)
        write_atomic(beside / described.FILE, canonical_pretty(said))
        yield beside, cut


def _records(dataset: Any, config: str, splits: Mapping[str, pa.Table]) -> list[str]:
    key = f"{config}/{KEYS[config]}"
    found = [(record[f"{config}/split"].decode(), record[key].decode()) for record in dataset.records(config)]
    wanted = [(split, name) for split, part in splits.items() for name in part[KEYS[config]].to_pylist()]
    return [] if sorted(found) == sorted(wanted) else [f"{config}: the records read are not the release's rows"]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the reference implementation's advice off stderr."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
