"""Versions of the corpus without what was purged: their numbers stay, their parts and manifests are written anew.

A version is never changed otherwise. Its manifest then says ``purged`` with the tombstones' numbers, holds the digests of
what is left, and the ledger gets its hash; the parts that held more are deleted. New parts come first, then the version's
folder is exchanged, then old parts go: killed anywhere, the next run finds the old folder or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import build, links, store, ties
from toolkit.corpus.store import CorpusVersion
from toolkit.fsio import sha256_file
from toolkit.purge.rows import Erased, erased_rows
from toolkit.schema import table
from toolkit.tombstones import Tombstone
from toolkit.workspace import Workspace


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
    parts: dict[str, list[tuple[str, pa.Table]]] = {}
    different = False
    gone: set[str] = set()
    context = {name: version.rows_of(name, str(stone.source_id)) for name in ("segments", "posts")}
    for name, entry in version.manifest["tables"].items():
        parts[name] = []
        for part, (_, path) in zip(entry["parts"], version.part_files(name), strict=True):
            rows = store.read_part(path)
            left = rows
            if part["name"] == stone.source_id:
                left = rows.slice(0, 0) if stone.kind == "source" else erased_rows(name, rows, erased, context)
                if name == "posts":
                    gone |= {*rows["post_id"].to_pylist()} - {*left["post_id"].to_pylist()}
            different |= not left.equals(rows)
            parts[name].append((part["name"], left))
    if not different:
        return False
    posts, layers, photos = (
        pa.concat_tables([rows for _, rows in parts[name]] or [table(name).empty()])
        for name in ("posts", "text_layers", "photo_texts")
    )
    if parts.get("post_links"):
        edges = _links(pa.concat_tables([rows for _, rows in parts["post_links"]]), posts, layers, photos, gone)
        parts["post_links"] = [(links.PART, edges)]
        if "clusters" in parts:
            parts["clusters"] = [(links.PART, links.clusters(edges, posts["post_id"].to_pylist()))]
    account = store.write_parts(workspace.corpus_dir / "parts", parts)
    sources = [name for name in version.manifest["sources"] if (stone.kind, stone.id) != ("source", name)]
    purged = [*version.manifest.get("purged", []), stone.number]
    manifest = dict(version.manifest) | {"tables": account, "sources": sources, "purged": purged}
    manifest["unreviewed"] = [name for name in manifest["unreviewed"] if name in sources]
    manifest["skipped"] = {
        reason: kept for reason, names in manifest["skipped"].items() if (kept := [n for n in names if n != stone.id])
    }
    _exchange(version, manifest)
    return True


def _links(rows: pa.Table, posts: pa.Table, layers: pa.Table, photos: pa.Table, gone: set[str]) -> pa.Table:
    """Return links without the posts that are gone; what else was linked through them is looked for anew."""
    edges = rows.to_pylist()
    if not any({edge["post_id"], edge["other_id"]} & gone for edge in edges):
        return rows
    members = list(dict.fromkeys(edge[name] for edge in edges for name in ("post_id", "other_id")))
    cluster = links.components(members, [(edge["post_id"], edge["other_id"]) for edge in edges])
    lost = {cluster[member] for member in members if member in gone}
    again = {member for member in members if cluster[member] in lost} - gone
    # What is stated of posts stands as pairs with the first of them, which may be what is gone.
    groups: dict[tuple[str, str], set[str]] = {}
    for edge in edges:
        if edge["kind"] in ("same_as", "same_object") and cluster[edge["post_id"]] in lost:
            groups.setdefault((edge["kind"], edge["post_id"]), {edge["post_id"]}).add(edge["other_id"])
    stated: dict[str, list[list[str]]] = {}
    for (kind, _), group in groups.items():
        stated.setdefault(kind, []).append(sorted(group - gone))
    linked = pa.array(sorted(again), pa.string())
    some, beside, shown = (own.filter(pc.is_in(own["post_id"], linked)) for own in (posts, layers, photos))
    joined = {kind: [group for group in own if len(group) > 1] for kind, own in stated.items()}
    fresh = links.post_links(some, joined, ties.texts_of(some, beside, shown))
    kept = [edge for edge in edges if cluster[edge["post_id"]] not in lost]
    place = {post_id: number for number, post_id in enumerate(posts["post_id"].to_pylist())}

    def order(edge: dict[str, Any]) -> tuple[int, int, int]:
        return place[edge["post_id"]], place[edge["other_id"]], links.KINDS.index(edge["kind"])

    both = sorted([*kept, *fresh.to_pylist()], key=order)
    return pa.Table.from_pylist(both, schema=rows.schema)


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
