"""Versions of the corpus without what was purged: their numbers stay, their parts and manifests are written anew.

A version is never changed otherwise. Its manifest then says ``purged`` with the tombstones' numbers, holds the digests of
what is left, and the ledger gets its hash; the parts that held more are deleted. New parts come first, then the version's
folder is exchanged, then old parts go: killed anywhere, the next run finds the old folder or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import build, links, store
from toolkit.corpus.parts import Entry
from toolkit.corpus.parts import write_parts as write_rows
from toolkit.corpus.store import CorpusVersion
from toolkit.fsio import sha256_file
from toolkit.parquet import column_names, read_batches
from toolkit.purge.links import without
from toolkit.purge.rows import Erased, erased_rows
from toolkit.schema import table
from toolkit.tombstones import Tombstone
from toolkit.workspace import Workspace

_ROWS = 10_000  # looked through at a time


def erase(workspace: Workspace, stone: Tombstone, erased: Erased, progress: Callable[[str], None]) -> list[str]:
    """Rewrite every version that holds what was purged; return their numbers."""
    _finish_exchange(workspace)
    changed = []
    for version in store.versions(workspace):
        progress(f"corpus {version.version}")
        if _rewrite(workspace, version, stone, erased):
            changed.append(str(version.version))
        _enter(workspace, store.open_version(workspace, str(version.version)))
    _drop_parts(workspace)
    return changed


def _rewrite(workspace: Workspace, version: CorpusVersion, stone: Tombstone, erased: Erased) -> bool:
    """Write the source's parts anew where they held something, one in memory at a time; all other parts stay as they are."""
    parts: dict[str, list[Entry]] = {}
    gone: set[str] = set()
    context = _context(version, stone)
    folder = workspace.corpus_dir / "parts"
    for name, entry in version.manifest["tables"].items():
        parts[name] = []
        for part in entry["parts"]:
            if part["name"] != stone.source_id:
                parts[name].append(part)
                continue
            rows = store.read_part(version.part_path(part["sha256"]))
            left = rows.slice(0, 0) if stone.kind == "source" else erased_rows(name, rows, erased, context)
            if name == "posts":
                gone |= {*rows["post_id"].to_pylist()} - {*left["post_id"].to_pylist()}
            parts[name] += [part] if left.equals(rows) else write_rows(folder, name, part["name"], left)
    if all(own == version.manifest["tables"][name]["parts"] for name, own in parts.items()):
        return False
    if parts.get("post_links"):
        found = [store.read_part(version.part_path(part["sha256"])) for part in parts["post_links"]]
        posts = _read(folder, parts["posts"], ["post_id"])["post_id"]
        edges = without(pa.concat_tables(found), posts, gone, lambda name, ids: _rows_of(folder, parts, name, ids))
        parts["post_links"] = write_rows(folder, "post_links", links.PART, edges)
        if "clusters" in parts:
            parts["clusters"] = write_rows(folder, "clusters", links.PART, links.clusters(edges, posts.to_pylist()))
    account = store.account(parts)
    sources = [name for name in version.manifest["sources"] if (stone.kind, stone.id) != ("source", name)]
    purged = [*version.manifest.get("purged", []), stone.number]
    manifest = dict(version.manifest) | {"tables": account, "sources": sources, "purged": purged}
    manifest["unreviewed"] = [name for name in manifest["unreviewed"] if name in sources]
    manifest["skipped"] = {
        reason: kept for reason, names in manifest["skipped"].items() if (kept := [n for n in names if n != stone.id])
    }
    _exchange(version, manifest)
    return True


def _context(version: CorpusVersion, stone: Tombstone) -> dict[str, pa.Table]:
    """Return what rows are held against: a report's spans, and whose account each of a table's posts is by."""
    source_id = str(stone.source_id)
    if stone.kind == "source":
        return {}
    owners = [
        pa.Table.from_batches([batch]).select(["post_id", "account_id"])
        for batch in version.batches_of("posts", source_id)
    ]
    empty = table("posts").empty().select(["post_id", "account_id"])
    return {"segments": version.rows_of("segments", source_id), "posts": pa.concat_tables([empty, *owners])}


def _read(folder: Path, parts: Sequence[Entry], columns: Sequence[str]) -> pa.Table:
    paths = [folder / f"{part['sha256']}.parquet" for part in parts]
    batches = [batch for path in paths for batch in read_batches(path, columns, _ROWS)]
    return pa.Table.from_batches(batches) if batches else table("posts").empty().select(columns)


def _rows_of(folder: Path, parts: Mapping[str, Sequence[Entry]], name: str, post_ids: pa.Array) -> pa.Table:
    """Return the rows of these posts, read a piece at a time."""
    paths = [folder / f"{part['sha256']}.parquet" for part in parts[name]]
    found = [
        pa.Table.from_batches([batch]).filter(pc.is_in(batch["post_id"], post_ids))
        for path in paths
        for batch in read_batches(path, column_names(path), _ROWS)
    ]
    return pa.concat_tables(found) if found else table(name).empty()


def _exchange(version: CorpusVersion, manifest: dict[str, Any]) -> None:
    folder = version.folder
    fresh, old = folder.with_name(f".{folder.name}.purged"), folder.with_name(f".{folder.name}.old")
    if fresh.exists():
        shutil.rmtree(fresh)
    store.publish(fresh, manifest)
    folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old)


def _finish_exchange(workspace: Workspace) -> None:
    """Bring back, or forward, the folders that a killed purge left between two names."""
    for old in sorted(workspace.corpus_dir.glob(".*.old")):
        folder = old.with_name(old.name[1 : -len(".old")])
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.rename(folder)
    for fresh in sorted(workspace.corpus_dir.glob(".*.purged")):
        shutil.rmtree(fresh)


def _enter(workspace: Workspace, version: CorpusVersion) -> None:
    """Enter the hash of a rewritten manifest, unless it is there."""
    if version.manifest.get("purged"):
        digest = sha256_file(version.folder / "manifest.json")
        known = {r.get("manifest") for r in workspace.ledger.records("corpus") if r["version"] == str(version.version)}
        if digest not in known:
            build.enter(workspace, version, str(version.manifest["input_digest"]))


def _drop_parts(workspace: Workspace) -> None:
    needed = {
        sha256
        for version in store.versions(workspace)
        for name in version.manifest["tables"]
        for sha256, _ in version.part_files(name)
    }
    folder = workspace.corpus_dir / "parts"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.stem not in needed or path.name.startswith("."):
            path.unlink()
