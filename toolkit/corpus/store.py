"""The corpus store: parts by their hash, versions as manifests over them. Written once, never changed.

::

    corpus/parts/<sha256>.parquet                  one block of a source's rows, stored once however many versions hold it
    corpus/<version>/manifest.json                 what the version holds, of what it was made
    corpus/<version>/<table>/<n>-<source>.parquet  links to the parts in row order, for readers of plain Parquet
    corpus/.building/                              what a build is at work on; what a killed one left, the next clears away

The manifest (format :data:`FORMAT`)::

    format        of this manifest
    version       x.y.z; previous: the one before (null: the first); step: major, minor, patch or promote
    input_digest  of the sources' files in order, and of the algorithms: the same digest makes no new version
    inputs        source → digest of all that its parts are made of: where it is equal, they are used again
    links_input   the same of post_links and clusters
    tables        name → rows; row_digest (:mod:`toolkit.rowdigest`); schema: column → type; parts in row order, each:
                  name (of the source; of post_links and clusters: links), sha256 and bytes (of the file), rows, row_digest
    sources       in the order of the rows; unreviewed: those of which nobody accepted the spans
    skipped       reason → sources that were left out
    dropped       source → reason → how many rows of its table (or characters of its text) could not be taken
    alarms        what a person should look at: clusters that are larger than near-duplicates make likely
    made_with     versions of the algorithms, and of the libraries whose answers are in the rows
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpus.parts import write_parts as write_rows
from toolkit.corpus.steps import Version
from toolkit.errors import InputError, WorkspaceError
from toolkit.fsio import canonical_json, fsync_folder, publishing, read_json, sha256_file, write_atomic
from toolkit.parquet import column_names, read_any, read_batches, read_table
from toolkit.rowdigest import fold
from toolkit.schema import table
from toolkit.workspace import Workspace

FORMAT = 2
Parts = Mapping[str, Sequence[tuple[str, pa.Table]]]
"""Table name → (name of the part, rows) in row order."""
Entries = Mapping[str, Sequence[Mapping[str, Any]]]
"""Table → its parts in row order, as the manifest has them."""


@dataclass(frozen=True)
class CorpusVersion:
    """A published version: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]
    staging: Path | None = None
    """Where parts lie that are not in their places yet."""

    @property
    def version(self) -> Version:
        """Its number."""
        return Version.parse(self.manifest["version"])

    def table(self, name: str) -> pa.Table:
        """Return a table's rows in corpus order; :class:`InputError` where a part is missing or not what it was."""
        schema = table(name)
        parts = [read_table(path, schema) for path in self._parts(name)]
        return pa.concat_tables(parts) if parts else schema.empty()

    def stored(self, name: str) -> pa.Table:
        """Return a table's rows with the columns that it was made with, which an earlier release may have declared."""
        parts = [read_any(path) for path in self._parts(name)]
        return pa.concat_tables(parts) if parts else table(name).empty()

    def _parts(self, name: str, source_id: str | None = None) -> Iterator[Path]:
        for part in self.manifest["tables"].get(name, {"parts": []})["parts"]:
            if source_id not in (None, part["name"]):
                continue
            path = self.part_path(part["sha256"])
            if not path.exists() or sha256_file(path) != part["sha256"]:
                raise InputError(
                    f"{path}: the part is missing or damaged", hint="docposts corpus build --repair writes it again"
                )
            yield path

    def rows_of(self, name: str, source_id: str) -> pa.Table:
        """Return a source's rows of a table, with the columns that they were made with."""
        parts = [read_any(path) for path in self._parts(name, source_id)]
        return pa.concat_tables(parts) if parts else table(name).empty()

    def batches_of(self, name: str, source_id: str, rows: int = 10_000) -> Iterator[pa.RecordBatch]:
        """Yield :meth:`rows_of`, at most ``rows`` at a time."""
        for path in self._parts(name, source_id):
            yield from read_batches(path, column_names(path), rows)

    def part_files(self, name: str) -> list[tuple[str, Path]]:
        """Return (SHA-256, path) of a table's parts in corpus order, unchecked; none for a table that it has not."""
        entries = self.manifest["tables"].get(name, {"parts": []})["parts"]
        return [(part["sha256"], self.part_path(part["sha256"])) for part in entries]

    def part_path(self, sha256: str) -> Path:
        """Return the file of a part."""
        staged = self.staging / f"{sha256}.parquet" if self.staging else None
        return staged if staged and staged.exists() else self.folder.parent / "parts" / f"{sha256}.parquet"

    def batches(self, name: str, columns: Sequence[str] | None = None, rows: int = 10_000) -> Iterator[pa.RecordBatch]:
        """Yield a table's rows in corpus order, at most ``rows`` at a time: for tables larger than the memory."""
        names = list(columns) if columns is not None else table(name).arrow.names
        for path in self._parts(name):
            yield from read_batches(path, names, rows)

    def tables(self) -> dict[str, pa.Table]:
        """Return all tables."""
        return {name: self.table(name) for name in self.manifest["tables"]}


def versions(workspace: Workspace) -> list[CorpusVersion]:
    """Return the published versions, oldest first."""
    folders = [
        path.parent for path in workspace.corpus_dir.glob("*/manifest.json") if not path.parent.name.startswith(".")
    ]
    found = [CorpusVersion(folder, read_json(folder / "manifest.json")) for folder in folders]
    return sorted(found, key=lambda version: version.version)


def open_version(workspace: Workspace, version: str | None = None) -> CorpusVersion:
    """Open a version (default: the latest); :class:`InputError` where it is not there."""
    found = versions(workspace)
    if not found:
        raise InputError("there is no corpus version yet", hint="docposts corpus build")
    if version is None:
        return found[-1]
    for candidate in found:
        if str(candidate.version) == version:
            return candidate
    raise InputError(
        f"no corpus version {version} (there: {', '.join(str(f.version) for f in found)})", hint="docposts corpus log"
    )


def pair(workspace: Workspace, before: str | None, after: str | None) -> tuple[CorpusVersion, CorpusVersion]:
    """Return two versions to compare: those named; ``after`` is the latest by default, ``before`` the one it came after."""
    later = open_version(workspace, after)
    if before is None:
        before = later.manifest["previous"]
        if before is None:
            raise InputError(f"corpus {later.version} is the first: there is none to compare it with")
    return open_version(workspace, before), later


def account(parts: Entries) -> dict[str, Any]:
    """Return the manifest's account of the tables."""
    return {
        name: {
            "rows": sum(part["rows"] for part in own),
            "row_digest": fold(table(name).arrow.names, (part["row_digest"] for part in own)),
            "schema": {field.name: str(field.type) for field in table(name).arrow},
            "parts": [dict(part) for part in own],
        }
        for name, own in parts.items()
    }


def is_whole(version: CorpusVersion, path: Path) -> bool:
    """Tell whether a part is there and what its name says, in its place or among those being made."""
    return any(p.is_file() and sha256_file(p) == path.stem for p in dict.fromkeys([path, version.part_path(path.stem)]))


def write_parts(folder: Path, parts: Parts) -> dict[str, Any]:
    """Write rows as parts into a folder; return the manifest's account of the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    return account(
        {
            name: [part for own, rows in pieces for part in write_rows(folder, name, own, rows)]
            for name, pieces in parts.items()
        }
    )


def read_part(path: Path) -> pa.Table:
    """Return the rows of a part; :class:`InputError` where it is missing or not what its name says."""
    if not path.exists() or sha256_file(path) != path.stem:
        raise InputError(
            f"{path}: the part is missing or damaged", hint="docposts corpus build --repair writes it again"
        )
    return read_any(path)


def take_in(staging: Path, parts: Path, needed: Iterable[str]) -> None:
    """Give staged parts their places; a part that is there already is written over, lest it is damaged."""
    try:
        parts.mkdir(parents=True, exist_ok=True)
        for sha256 in needed:
            if (staging / f"{sha256}.parquet").exists():
                (staging / f"{sha256}.parquet").replace(parts / f"{sha256}.parquet")
        fsync_folder(parts)
    except OSError as error:
        raise WorkspaceError(f"cannot write in {parts}: {error.strerror or error}") from error


@contextmanager
def staging(workspace: Workspace) -> Iterator[Path]:
    """Give a folder for parts that are being made. The workspace is locked: what lies there is a killed build's, and goes,
    and so do the parts that it may have given their places, where no version has them."""
    folder = workspace.corpus_dir / ".building"
    try:
        if folder.exists():
            clear(workspace)
        folder.mkdir(parents=True)
    except OSError as error:
        raise WorkspaceError(
            f"cannot write in {workspace.corpus_dir}: {error.strerror or error}",
            hint="check the folder's space and permissions",
        ) from error
    try:
        yield folder
    except OSError as error:
        own = error.filename is None or Path(str(error.filename)).is_relative_to(workspace.corpus_dir)
        where = f"write in {folder}" if own else f"read {error.filename}"
        raise WorkspaceError(
            f"cannot {where}: {error.strerror or error}", hint="check the folder's space and permissions"
        ) from error
    finally:
        clear(workspace)


def clear(workspace: Workspace) -> None:
    """Remove what a build left: its folder, and the parts that no version has."""
    needed = {
        part["sha256"]
        for version in versions(workspace)
        for entry in version.manifest["tables"].values()
        for part in entry["parts"]
    }
    folder = workspace.corpus_dir / "parts"
    for path in folder.iterdir() if folder.is_dir() else ():
        unneeded = re.fullmatch(r"[0-9a-f]{64}\.parquet", path.name) and path.stem not in needed
        if unneeded or path.name.startswith("."):
            path.unlink()
    shutil.rmtree(workspace.corpus_dir / ".building", ignore_errors=True)


def publish(folder: Path, manifest: Mapping[str, Any]) -> CorpusVersion:
    """Publish a version whose parts are written: links and manifest appear together or not at all."""
    with publishing(folder) as new:
        for name, entry in manifest["tables"].items():
            for number, part in enumerate(entry["parts"], start=1):
                link = new / name / f"{number:04}-{part['name']}.parquet"
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(os.path.join("..", "..", "parts", f"{part['sha256']}.parquet"))  # noqa: PTH118
        write_atomic(new / "manifest.json", canonical_json(manifest) + "\n")
    return CorpusVersion(folder, manifest)
