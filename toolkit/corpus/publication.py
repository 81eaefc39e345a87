"""Versions on shared storage: published from a workspace, fetched into another of the same ledger.

::

    URL/parts/<sha256>.parquet     once, however many versions hold it
    URL/<version>/manifest.json    written last, and only where there is none: a version is there whole or not at all

A version that another workspace was faster to publish is either the same, byte for byte, or an error; nothing is overwritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from toolkit import storage
from toolkit.corpus import store
from toolkit.corpus.steps import Version
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import sha256_bytes, sha256_file
from toolkit.schema import table_names
from toolkit.workspace import Workspace

_AT_ONCE = 8
_HASH = re.compile(r"[0-9a-f]{64}")


class Published(NamedTuple):
    """A version that is on the storage: where its manifest lies, how many parts were copied, and whether it was new."""

    address: str
    copied: int
    parts: int
    new: bool


def publish(version: store.CorpusVersion, url: str, progress: Callable[[str], None] = lambda _: None) -> Published:
    """Copy a version's parts, then its manifest; parts that are there are not copied again.

    :class:`ConflictError` where another version has its number there; :class:`InputError` where a part of it is damaged.
    """
    address = storage.join(url, str(version.version), "manifest.json")
    manifest = (version.folder / "manifest.json").read_bytes()
    parts = {sha256: path for name in version.manifest["tables"] for sha256, path in version.part_files(name)}
    if _is_there(url, version.version, manifest):
        return Published(address, 0, len(parts), False)
    there = storage.names(storage.join(url, "parts"))
    lacking = [path for sha256, path in parts.items() if f"{sha256}.parquet" not in there]

    def copy(path: Path) -> None:
        if not store.is_whole(version, path):
            raise InputError(
                f"{path}: the part is missing or damaged", hint="docposts corpus build --repair writes it again"
            )
        storage.upload(path, storage.join(url, "parts", path.name))

    _all(copy, lacking, progress)
    try:
        storage.write(address, manifest, new=True)
    except ConflictError:
        if not _is_there(url, version.version, manifest):
            raise
        return Published(address, len(lacking), len(parts), False)
    return Published(address, len(lacking), len(parts), True)


def fetch(
    workspace: Workspace, url: str, version: Version, progress: Callable[[str], None] = lambda _: None
) -> store.CorpusVersion:
    """Bring a published version into a workspace whose ledger knows it, such as one that was cloned without its corpus.

    Every file is held against the hash that the ledger or the manifest has for it; :class:`InputError` where one differs.
    """
    address = storage.join(url, str(version), "manifest.json")
    data = storage.read(address)
    known = {r.get("manifest") for r in workspace.ledger.records("corpus") if r["version"] == str(version)}
    if sha256_bytes(data) not in known:
        why = f"is not the {version} that this workspace's ledger knows" if known else f"{version} is not in the ledger"
        raise InputError(f"{address}: {why}", hint="a version is fetched into a workspace that it was built from")
    manifest = json.loads(data)
    with workspace.lock():
        folder = workspace.corpus_dir / str(version)
        if folder.exists():
            raise ConflictError(f"corpus {version} is here already")
        with store.staging(workspace) as staging:
            parts = workspace.corpus_dir / "parts"
            needed = list(dict.fromkeys(_parts_of(manifest, address)))
            lacking = [sha256 for sha256 in needed if not _is(parts / f"{sha256}.parquet", sha256)]

            def copy(sha256: str) -> None:
                path = staging / f"{sha256}.parquet"
                storage.download(storage.join(url, "parts", path.name), path)
                if not _is(path, sha256):
                    raise InputError(f"{storage.join(url, 'parts', path.name)} is not what its name says")

            _all(copy, lacking, progress)
            store.take_in(staging, parts, needed)
            return store.publish(folder, manifest)


def versions(url: str) -> list[Version]:
    """Return the versions that are published there, oldest first."""
    found = [name for name in storage.names(url) if re.fullmatch(r"\d+\.\d+\.\d+", name)]
    return sorted(Version.parse(name) for name in found if "manifest.json" in storage.names(storage.join(url, name)))


def _is_there(url: str, version: Version, manifest: bytes) -> bool:
    """Tell whether a version is there with this manifest; :class:`ConflictError` where it is there with another."""
    if "manifest.json" not in storage.names(storage.join(url, str(version))):
        return False
    address = storage.join(url, str(version), "manifest.json")
    if storage.read(address) != manifest:
        raise ConflictError(
            f"{address} is there already, of another build of {version}",
            hint="publish to another folder, or the next version",
        )
    return True


def _parts_of(manifest: dict[str, Any], address: str) -> Iterable[str]:
    for name, entry in manifest["tables"].items():
        for part in entry["parts"]:
            # What is fetched becomes names of files here.
            if name not in table_names() or not _HASH.fullmatch(part["sha256"]) or "/" in part["name"]:
                raise InputError(f"{address}: names a part of {name!r} that no build names so")
            yield part["sha256"]


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256


def _all(copy: Callable[[Any], None], what: list[Any], progress: Callable[[str], None]) -> None:
    """Copy everything, some at a time; the first error ends it."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        futures = [threads.submit(copy, one) for one in what]
        try:
            for done, future in enumerate(futures, start=1):
                future.result()
                progress(f"{done} of {len(what)} parts")
        finally:
            for future in futures:
                future.cancel()
