"""The workspace's sources: adding them, listing them, opening them.

::

    sources/<id>/source.toml     curated; its [file] table is the registry's own
                 raw/<name>      the bytes as obtained
                 text.txt        the canonical text, frozen
                 blocks.jsonl    where each line of it came from
                 media/<sha256>.<ext>
                 facts.toml      curated, optional
                 proposals.jsonl derived
                 segments.jsonl  curated
                 review.html     derived: the page of source review

A table has ``raw/`` and ``source.toml``, and of the rest only what :mod:`toolkit.sources.tabular.ingest` derives.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import publishing, read_bytes, sha256_bytes, write_atomic, write_jsonl
from toolkit.settings import parse_toml
from toolkit.sources.entries import entries
from toolkit.sources.images import hashed, image_type
from toolkit.sources.metadata import describe, render_meta
from toolkit.sources.model import CuratedMeta, Facts, SourceMeta
from toolkit.sources.source import Source, open_folder
from toolkit.tombstones import purged_sources, refuse_source
from toolkit.workspace import Workspace

if TYPE_CHECKING:
    from toolkit.sources.readers import Format


def add(
    workspace: Workspace,
    path: Path,
    *,
    source_id: str | None = None,
    form: Format | None = None,
    meta: Path | CuratedMeta | None = None,
    facts: Path | None = None,
) -> Source:
    """Add a report: keep its bytes, freeze its text, write what it says of itself to ``source.toml``.

    The same file added again is the source that is there already; another file under its id is a
    :class:`ConflictError`. ``meta`` and ``facts`` are TOML files to take the curated part from.
    """
    from toolkit.sources.readers import read

    curated = parse_toml(meta, CuratedMeta) if isinstance(meta, Path) else meta
    if facts:
        parse_toml(facts, Facts)
    data, form, document = read(path, form)
    with workspace.lock():
        record = describe(document, path, data, form, source_id, curated)
        folder = workspace.sources_dir / record.id
        if folder.exists():
            return complete(workspace, folder, record)
        refuse_source(workspace.ledger, record.id, (record.file.text_sha256, record.file.raw_sha256))
        for entry in entries(workspace.ledger).values():
            # Ids are made of the text, so that the same one twice would be two rows with one id.
            if entry["text_sha256"] == record.file.text_sha256 and entry["source_id"] != record.id:
                raise ConflictError(f"{path} has the text of source {entry['source_id']}, which is there already")
        with publishing(folder) as new:
            write_atomic(new / "raw" / path.name, data)
            write_atomic(new / "text.txt", document.text)
            write_jsonl(new / "blocks.jsonl", (hashed(block.record(), document) for block in document.blocks))
            for image in document.images.values():
                if image is not None:
                    write_atomic(new / "media" / f"{sha256_bytes(image)}.{image_type(image)[0]}", image)
            if facts:
                write_atomic(new / "facts.toml", read_bytes(facts))
            write_atomic(new / "source.toml", render_meta(record))
        return complete(workspace, folder, record)


def complete(workspace: Workspace, folder: Path, record: SourceMeta) -> Source:
    """Enter a source's folder into the ledger, unless a killed or an earlier command did."""
    source = open_folder(folder)
    if source.file.raw_sha256 != record.file.raw_sha256:
        raise ConflictError(
            f"source {record.id} is there already, made of another file ({source.file.name})",
            hint="give this one another name: docposts source add FILE --id ID",
        )
    if record.id not in entries(workspace.ledger):
        content = source.file.text_sha256 or source.file.raw_sha256
        workspace.ledger.append("source", source_id=record.id, key=source.file.key, text_sha256=content)
    return source


def sources(workspace: Workspace) -> list[Source]:
    """Return the sources in the order they were added; :class:`WorkspaceError` where a folder is gone."""
    seen: dict[str, Source] = {}
    purged = purged_sources(workspace.ledger)
    for source_id in entries(workspace.ledger):
        if source_id in purged:
            continue
        folder = workspace.sources_dir / source_id
        if not (folder / "source.toml").is_file():
            aside = removed_folder(folder)
            raise WorkspaceError(
                f"{workspace.ledger.path} names source {source_id!r}, but its folder is gone",
                hint=f"docposts source rm {source_id}, which was cut off" if aside.exists() else f"restore {folder}",
            )
        seen[source_id] = open_folder(folder)
    folders = {path.parent.name for path in workspace.sources_dir.glob("*/source.toml") if path.parent.name[0] != "."}
    if unknown := sorted(folders - seen.keys()):
        raise WorkspaceError(
            f"{workspace.sources_dir} holds {', '.join(unknown)}, which {workspace.ledger.path.name} does not name",
            hint="restore the ledger, or add the report again: docposts source add FILE --id ID",
        )
    return list(seen.values())


def every(workspace: Workspace) -> list[Source]:
    """Return the sources whose folders are there, whatever the ledger says and whatever else is wrong with them."""
    found = sorted(path.parent for path in workspace.sources_dir.glob("*/source.toml"))
    return [open_folder(folder) for folder in found if folder.name[0] != "."]


def get(workspace: Workspace, source_id: str) -> Source:
    """Open one source; :class:`InputError` where there is none of that name, or its raw file is another now."""
    folder = workspace.sources_dir / source_id
    if not (folder / "source.toml").is_file():
        known = ", ".join(entries(workspace.ledger)) or "none yet"
        raise InputError(
            f"no source {source_id!r} in {workspace.sources_dir} (there: {known})", hint="docposts source list"
        )
    source = open_folder(folder)
    source.check_raw()
    return source


def removed_folder(folder: Path) -> Path:
    """Return where a source's folder lies while it is being removed."""
    return folder.with_name(f".{folder.name}.removed.part")
