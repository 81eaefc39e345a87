"""The corpus store: parts by their hash, versions as manifests over them. Written once, never changed.

::

    corpus/parts/<sha256>.parquet                  one part per source and table, stored once however many versions hold it
    corpus/<version>/manifest.json                 what the version holds, of what it was made
    corpus/<version>/<table>/<n>-<source>.parquet  links to the parts in row order, for readers of plain Parquet
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpus.steps import Version
from toolkit.errors import InputError
from toolkit.fsio import canonical_json, publishing, read_json, replacing, sha256_file, write_atomic
from toolkit.parquet import read_any, read_table, row_digest, write_table
from toolkit.schema import table
from toolkit.workspace import Workspace

Parts = Mapping[str, Sequence[tuple[str, pa.Table]]]
"""Table name → (name of the part, rows) in row order."""


@dataclass(frozen=True)
class CorpusVersion:
    """A published version: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

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

    def _parts(self, name: str) -> Iterator[Path]:
        for part in self.manifest["tables"].get(name, {"parts": []})["parts"]:
            path = self.folder.parent / "parts" / f"{part['sha256']}.parquet"
            if not path.exists() or sha256_file(path) != part["sha256"]:
                raise InputError(
                    f"{path}: the part is missing or damaged", hint="docposts corpus build --repair writes it again"
                )
            yield path

    def rows_of(self, name: str, source_id: str) -> pa.Table:
        """Return a source's rows of a table, with the columns that they were made with."""
        wanted = {
            p["sha256"] for p in self.manifest["tables"].get(name, {"parts": []})["parts"] if p["name"] == source_id
        }
        parts = [read_any(path) for path in self._parts(name) if path.stem in wanted]
        return pa.concat_tables(parts) if parts else table(name).empty()

    def part_files(self, name: str) -> list[tuple[str, Path]]:
        """Return (SHA-256, path) of a table's parts in corpus order, unchecked; none for a table that it has not."""
        entries = self.manifest["tables"].get(name, {"parts": []})["parts"]
        return [(part["sha256"], self.folder.parent / "parts" / f"{part['sha256']}.parquet") for part in entries]

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


def read_part(path: Path) -> pa.Table:
    """Return the rows of a part; :class:`InputError` where it is missing or not what its name says."""
    if not path.exists() or sha256_file(path) != path.stem:
        raise InputError(
            f"{path}: the part is missing or damaged", hint="docposts corpus build --repair writes it again"
        )
    return read_any(path)


def write_parts(folder: Path, parts: Parts) -> dict[str, Any]:
    """Write the parts that are not there yet; return the manifest's account of the tables."""
    account: dict[str, Any] = {}
    for name, pieces in parts.items():
        schema = table(name)
        entries = []
        for part_name, rows in pieces:
            if rows.num_rows:
                entries.append({"name": part_name, "sha256": _write_part(folder, rows, name), "rows": rows.num_rows})
        whole = pa.concat_tables([rows for _, rows in pieces]) if pieces else schema.empty()
        account[name] = {"rows": whole.num_rows, "row_digest": row_digest(whole), "parts": entries}
    return account


def _write_part(folder: Path, rows: pa.Table, name: str) -> str:
    # The hash is known only of the finished file: written beside, then given its name.
    unnamed = folder / f".{name}.parquet"
    write_table(unnamed, rows, table(name))
    sha256 = sha256_file(unnamed)
    with replacing(folder / f"{sha256}.parquet") as beside:
        unnamed.replace(beside)
    return sha256


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
