"""``docposts purge``: a post, a source or a person's judgements, layer by layer. See the package for the order of things."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import read_text, sha256_file, sha256_text
from toolkit.purge import raw_table, records, residue, spans, target, versions
from toolkit.purge.rows import Erased
from toolkit.sources import registry, segments
from toolkit.sources.source import Source
from toolkit.tombstones import Kind, Tombstone, annotator_id, tombstones, unfinished
from toolkit.workspace import Workspace

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Purged:
    """What a purge came to: the tombstone, what was erased by layer, what is left and where no command reaches.

    ``alike`` are posts that say the same or nearly so, which stay.
    """

    stone: Tombstone
    again: bool
    erased: dict[str, list[str]]
    left: list[str]
    unreached: list[str]
    alike: list[str] = field(default_factory=list)


def plan(workspace: Workspace, kind: Kind, name: str) -> Tombstone:
    """Return what a purge would erase, without touching anything; that of an earlier one where there was one."""
    if kind == "annotator":
        name = annotator_id(name)
    earlier = [stone for stone in tombstones(workspace.ledger) if (stone.kind, stone.id) == (kind, name)]
    if earlier:
        return earlier[-1]
    if stone := unfinished(workspace.ledger):
        raise InputError(
            f"the purge of {stone.kind} {stone.id} is not ended", hint=f"first: docposts purge {stone.kind} {stone.id}"
        )
    if kind == "post":
        return target.of_post(workspace, name)
    if kind == "source":
        return target.of_source(workspace, name)
    judgements = records.judgements_of(workspace, name)
    if not judgements and not records.projects_of(workspace, name):
        raise InputError("no project under annotations/ is that annotator's", hint="docposts tasks status")
    return Tombstone(0, "annotator", name, releases=target.holding(workspace, (), judgements))


def purge(
    workspace: Workspace,
    kind: Kind,
    name: str,
    *,
    reason: str = "",
    by: str | None = None,
    progress: Progress = lambda _: None,
) -> Purged:
    """Erase a post (or photo text), a source, or an annotator's judgements, and leave a tombstone.

    Run again, it erases again whatever came back, from a backup for example. :class:`InputError` where there is nothing
    of that name; nothing is touched then.
    """
    with workspace.lock():
        stone = plan(workspace, kind, name)
        again = stone.number > 0
        alike = _alike(workspace, stone)
        words = _words(workspace, stone)
        if not again:
            _check_parts(workspace)
            number = 1 + max((other.number for other in tombstones(workspace.ledger)), default=0)
            today = datetime.now(UTC).date().isoformat()
            stone = replace(stone, number=number, by=by or segments.person(), reason=reason, on=today)
            workspace.ledger.append("purge", **stone.record())
        erased, projects = (
            _erase_annotator(workspace, stone, progress)
            if kind == "annotator"
            else _erase_rows(workspace, stone, progress)
        )
        erased["pages"] = _erase_pages(workspace)
        if stone.number not in {record["number"] for record in workspace.ledger.records("purged")}:
            workspace.ledger.append("purged", number=stone.number)
        progress("looking for what is left")
        if kind == "annotator":
            words = {f'"{name}"'}
        left = residue.files_with(workspace, words) if words else []
        unreached = residue.unreached(workspace, stone.releases, projects)
        return Purged(stone, again, {k: v for k, v in erased.items() if v}, left, unreached, alike)


def _check_parts(workspace: Workspace) -> None:
    """Hold every part against its hash before anything is erased: a version that cannot be read cannot be rewritten."""
    for version in store.versions(workspace):
        for name in version.manifest["tables"]:
            for _, path in version.part_files(name):
                if not path.is_file() or sha256_file(path) != path.stem:
                    raise InputError(
                        f"{path}: the part is missing or damaged, so that corpus {version.version} cannot be rewritten",
                        hint="docposts corpus build --repair, or delete that version's folder, then try again",
                    )


def _alike(workspace: Workspace, stone: Tombstone) -> list[str]:
    """Return the posts of other ids that the latest version links to a purged one."""
    found = store.versions(workspace)
    if stone.kind != "post" or not found:
        return []
    own = {stone.id, *stone.items}
    gone = pa.array(sorted(own), pa.string())
    beside: set[str] = set()
    for batch in found[-1].batches("post_links", ["post_id", "other_id"]):
        linked = batch.filter(pc.or_(pc.is_in(batch["post_id"], gone), pc.is_in(batch["other_id"], gone)))
        beside.update(*linked.to_pydict().values())
    return sorted(beside - own)


def _words(workspace: Workspace, stone: Tombstone) -> set[str]:
    """Return what to look for afterwards: the ids, and the words where they are still there to be known."""
    words = {stone.id, *stone.items} if stone.kind == "post" else set()
    path = workspace.sources_dir / str(stone.source_id) / "text.txt"
    if stone.kind == "post" and path.is_file():
        text = read_text(path)
        lines = [line.strip() for start, end in stone.ranges for line in text[start:end].split("\n")]
        words |= {line for line in lines if len(line) >= residue.SHORTEST and spans.BLOCK not in line}
    if stone.rows and (source := registry.get(workspace, str(stone.source_id))):
        words |= {text for text in raw_table.texts(source, stone.id) if len(text) >= residue.SHORTEST}
    return words


def _erase_rows(
    workspace: Workspace, stone: Tombstone, progress: Progress
) -> tuple[dict[str, list[str]], Collection[str]]:
    whole = stone.kind == "source"
    items = target.items_of(workspace, stone.id) if whole else {stone.id, *stone.items}
    erased = {"releases": _erase_releases(workspace, stone)}
    progress("pulls and decisions")
    count, projects = records.erase_items(workspace, items, stone.hashes)
    erased["pulled and decided"] = [f"{count} records"] if count else []
    erased["served images"] = _erase_served(workspace, stone)
    # The versions before the source: its files say what is to be erased of them.
    source = next((s for s in registry.every(workspace) if s.id == stone.source_id), None)
    erased["corpus versions"] = versions.erase(workspace, stone, _as_erased(stone, source), progress)
    progress(f"source {stone.source_id}")
    if whole:
        erased["source"] = _erase_folder(workspace.sources_dir / stone.id)
    elif source is not None:
        _erase_from_source(workspace, source, stone)
        erased["source"] = [source.id]
    erased["same_as of other sources"] = _erase_links(workspace, stone, items)
    return erased, projects


def _as_erased(stone: Tombstone, source: Source | None) -> Erased:
    if source is None or stone.kind == "source":
        return Erased(stone)
    if source.is_table:
        raw_table.erase(source, stone.rows)
        return Erased(stone, raw_sha256=sha256_file(source.folder / "raw" / source.file.name))
    text = spans.redact(read_text(source.folder / "text.txt"), stone.ranges)
    return Erased(stone, text, sha256_text(text))


def _erase_from_source(workspace: Workspace, source: Source, stone: Tombstone) -> None:
    if source.is_table:
        return
    spans.erase(source.folder, stone)
    if source.segments_path.exists():
        fresh = next(s for s in registry.every(workspace) if s.id == source.id)
        segments.save(workspace, fresh, segments.load(fresh.segments_path, fresh.text), "the purged source", stone.by)


def _erase_links(workspace: Workspace, stone: Tombstone, items: Collection[str]) -> list[str]:
    """Take the purged out of what curators of other sources hold to be the same."""
    changed = []
    for source in registry.every(workspace):
        path = source.folder / "facts.toml"
        if path.exists() and source.id != stone.source_id:
            before = path.read_bytes()
            spans.erase_facts(path, items)
            changed += [source.id] if path.read_bytes() != before else []
    return changed


def _erase_releases(workspace: Workspace, stone: Tombstone) -> list[str]:
    """Delete whole releases: their card's numbers and digests are those of all their rows."""
    gone = []
    for version in stone.releases:
        gone += _erase_folder(workspace.releases_dir / version)
    return gone


def _erase_folder(folder: Path) -> list[str]:
    """Delete a folder so that it is there whole or not at all, and what a killed run left of it."""
    aside = folder.with_name(f".{folder.name}.purged")
    there = folder.exists()
    if aside.exists():
        shutil.rmtree(aside)
    if there:
        folder.rename(aside)
        shutil.rmtree(aside)
    return [folder.name] if there else []


def _erase_pages(workspace: Workspace) -> list[str]:
    """Delete what ``trace`` and ``report`` wrote: it shows texts and names, and is written again by a command."""
    page = workspace.root / "report.html"
    there = page.exists()
    page.unlink(missing_ok=True)
    return [*_erase_folder(workspace.root / "traces"), *([page.name] if there else [])]


def _erase_served(workspace: Workspace, stone: Tombstone) -> list[str]:
    paths = [path for media in stone.media for path in sorted(workspace.served_dir.rglob(f"{media}.*"))]
    for path in paths:
        path.unlink()
    return [path.name for path in paths]


def _erase_annotator(
    workspace: Workspace, stone: Tombstone, progress: Progress
) -> tuple[dict[str, list[str]], Collection[str]]:
    erased = {"releases": _erase_releases(workspace, stone)}
    progress("pulls and decisions")
    count, projects = records.erase_annotator(workspace, stone.id)
    erased["pulled and decided"] = [f"{count} records"] if count else []
    erased["projects"] = list(projects)
    return erased, projects
