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

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import (
    publishing,
    read_bytes,
    read_jsonl,
    read_text,
    sha256_bytes,
    sha256_file,
    sha256_text,
    write_atomic,
    write_jsonl,
)
from toolkit.settings import check_record, parse_toml
from toolkit.sources import read_html, read_pdf
from toolkit.sources import read_text as plain
from toolkit.sources.document import Document
from toolkit.sources.model import CuratedMeta, Facts, SourceFile, SourceMeta
from toolkit.sources.tabular.model import TableFile
from toolkit.tombstones import purged_sources, refuse_source
from toolkit.workspace import Workspace

Format = Literal["text", "html", "pdf"]
# Text, page or PDF: more than any report, so that what is larger was not meant.
MAX_BYTES = 100 * 2**20
_IMAGE_TYPES = {
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"GIF8": ("gif", "image/gif"),
    b"RIFF": ("webp", "image/webp"),
}


@dataclass(frozen=True)
class Source:
    """An added source. ``text`` is read once and held against its recorded hash."""

    folder: Path
    meta: SourceMeta

    @property
    def id(self) -> str:
        """The curator's short name."""
        return self.meta.id

    @property
    def file(self) -> SourceFile:
        """What was added."""
        return self.meta.file

    @property
    def is_table(self) -> bool:
        """Whether the source is a table, whose rows are accepted as they are."""
        return self.meta.table is not None

    @property
    def table(self) -> TableFile:
        """How the table was read; :class:`InputError` where the source is none."""
        if self.meta.table is None:
            raise InputError(f"source {self.id} is no table")
        return self.meta.table

    @property
    def accepted(self) -> bool:
        """Whether the corpus can be built of it."""
        return self.is_table or self.segments_path.exists()

    @property
    def segments_path(self) -> Path:
        """The curated spans."""
        return self.folder / "segments.jsonl"

    @property
    def proposals_path(self) -> Path:
        """The proposed spans."""
        return self.folder / "proposals.jsonl"

    @property
    def facts_path(self) -> Path:
        """The curated facts."""
        return self.folder / "facts.toml"

    @property
    def review_path(self) -> Path:
        """The review page."""
        return self.folder / "review.html"

    @cached_property
    def text(self) -> str:
        """The canonical text; :class:`InputError` where text.txt is no longer what was frozen."""
        if self.is_table:
            raise InputError(
                f"source {self.id} is a table: it has no text and needs no spans, its rows are posts as they stand",
                hint="docposts corpus build",
            )
        text = read_text(self.folder / "text.txt")
        if sha256_text(text) != self.file.text_sha256:
            raise InputError(
                f"{self.folder / 'text.txt'} was changed after it was frozen: every span counts characters in it",
                hint="restore the file; another edition of a report is another source",
            )
        return text

    def check_raw(self) -> None:
        """Hold the file as obtained against its recorded hash; :class:`InputError` where it is another or gone."""
        if self.file.raw == "erased":
            return
        path = self.folder / "raw" / self.file.name
        if not path.is_file() or sha256_file(path) != self.file.raw_sha256:
            raise InputError(
                f"{path} is {'no longer the file that was added' if path.is_file() else 'gone'}: its hash is on record",
                hint="restore the file; another edition of a report is another source",
            )

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """Where each line of the text came from (see :class:`toolkit.sources.document.Block`)."""
        return [record for _, record in read_jsonl(self.folder / "blocks.jsonl")]

    @cached_property
    def facts(self) -> Facts:
        """The curated facts; none where there is no file."""
        return parse_toml(self.facts_path, Facts) if self.facts_path.exists() else Facts()

    @cached_property
    def media(self) -> dict[str, Path]:
        """The held images by hash."""
        folder = self.folder / "media"
        return {path.stem: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}


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
    curated = parse_toml(meta, CuratedMeta) if isinstance(meta, Path) else meta
    if facts:
        parse_toml(facts, Facts)
    data, form, document = read(path, form)
    with workspace.lock():
        record = _describe(document, path, data, form, source_id, curated)
        folder = workspace.sources_dir / record.id
        if folder.exists():
            return complete(workspace, folder, record)
        refuse_source(workspace.ledger, record.id, (record.file.text_sha256, record.file.raw_sha256))
        for entry in workspace.ledger.records("source"):
            # Ids are made of the text, so that the same one twice would be two rows with one id.
            if entry["text_sha256"] == record.file.text_sha256 and entry["source_id"] != record.id:
                raise ConflictError(f"{path} has the text of source {entry['source_id']}, which is there already")
        with publishing(folder) as new:
            write_atomic(new / "raw" / path.name, data)
            write_atomic(new / "text.txt", document.text)
            write_jsonl(new / "blocks.jsonl", (_hashed(block.record(), document) for block in document.blocks))
            for image in document.images.values():
                if image is not None:
                    write_atomic(new / "media" / f"{sha256_bytes(image)}.{image_type(image)[0]}", image)
            if facts:
                write_atomic(new / "facts.toml", read_bytes(facts))
            write_atomic(new / "source.toml", render_meta(record))
        return complete(workspace, folder, record)


def read(path: Path, form: Format | None = None) -> tuple[bytes, Format, Document]:
    """Return a file's bytes, what it is, and what its reader makes of it; nothing is added."""
    _check_size(path)
    data = read_bytes(path)
    found = _format(data, path, form)
    return data, found, _read(data, path, found)


def complete(workspace: Workspace, folder: Path, record: SourceMeta) -> Source:
    """Enter a source's folder into the ledger, unless a killed or an earlier command did."""
    source = _open(folder)
    if source.file.raw_sha256 != record.file.raw_sha256:
        raise ConflictError(
            f"source {record.id} is there already, made of another file ({source.file.name})",
            hint="give this one another name: docposts source add FILE --id ID",
        )
    if record.id not in {entry["source_id"] for entry in workspace.ledger.records("source")}:
        content = source.file.text_sha256 or source.file.raw_sha256
        workspace.ledger.append("source", source_id=record.id, key=source.file.key, text_sha256=content)
    return source


def sources(workspace: Workspace) -> list[Source]:
    """Return the sources in the order they were added; :class:`WorkspaceError` where a folder is gone."""
    seen: dict[str, Source] = {}
    purged = purged_sources(workspace.ledger)
    for record in workspace.ledger.records("source"):
        if record["source_id"] in purged:
            continue
        if not (workspace.sources_dir / record["source_id"] / "source.toml").is_file():
            raise WorkspaceError(
                f"{workspace.ledger.path} names source {record['source_id']!r}, but its folder is gone",
                hint=f"restore {workspace.sources_dir / record['source_id']}",
            )
        if record["source_id"] not in seen:
            seen[record["source_id"]] = _open(workspace.sources_dir / record["source_id"])
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
    return [_open(folder) for folder in found if folder.name[0] != "."]


def sequence(workspace: Workspace) -> dict[str, int]:
    """Return source id → its place in the order of adding, from 1; one that was purged keeps its place, empty."""
    ids = dict.fromkeys(record["source_id"] for record in workspace.ledger.records("source"))
    return {source_id: place for place, source_id in enumerate(ids, start=1)}


def get(workspace: Workspace, source_id: str) -> Source:
    """Open one source; :class:`InputError` where there is none of that name, or its raw file is another now."""
    folder = workspace.sources_dir / source_id
    if not (folder / "source.toml").is_file():
        known = ", ".join(r["source_id"] for r in workspace.ledger.records("source")) or "none yet"
        raise InputError(
            f"no source {source_id!r} in {workspace.sources_dir} (there: {known})", hint="docposts source list"
        )
    source = _open(folder)
    source.check_raw()
    return source


def _open(folder: Path) -> Source:
    meta = parse_toml(folder / "source.toml", SourceMeta)
    if meta.id != folder.name:
        raise WorkspaceError(
            f"{folder / 'source.toml'}: id is {meta.id!r}, the folder is {folder.name!r}", hint="make them equal"
        )
    return Source(folder, meta)


def sniff(data: bytes, path: Path) -> Format:
    """Return what a file holds, by its content, not its name; :class:`InputError` for what no reader takes."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in head:
        return "html"
    if head.startswith(b"%pdf"):
        return "pdf"
    if head.startswith((b"pk\x03\x04", b"\x1f\x8b", b"\x89png", b"\xff\xd8\xff")):
        raise InputError(
            f"{path}: no reader takes this kind of file",
            hint="save the report as UTF-8 text, as an HTML page or as a PDF",
        )
    return "text"


def _format(data: bytes, path: Path, given: Format | None) -> Format:
    """Return the format to read a file in; :class:`InputError` where it cannot be what it is said to be."""
    found = "pdf" if data.lstrip().startswith(b"%PDF-") else None
    if given and given != (found or given):
        raise InputError(f"{path} is a PDF, whatever its name says", hint="leave out --format")
    return given or sniff(data, path)


def _read(data: bytes, path: Path, form: Format) -> Document:
    if form == "pdf":
        return read_pdf.read(data, path.name)
    return plain.read(data, path.name) if form == "text" else read_html.read(data, path)


def _check_size(path: Path) -> None:
    """Refuse what is larger than any report, before it is read."""
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise InputError(
            f"{path} is larger than {MAX_BYTES // 2**20} MB ({path.stat().st_size / 2**20:.0f} MB)",
            hint="add the part that holds the report as a file of its own",
        )


def image_type(data: bytes) -> tuple[str, str]:
    """Return (file ending, media type) of an image by its first bytes."""
    for magic, kind in _IMAGE_TYPES.items():
        if data.startswith(magic):
            return kind
    return ("bin", "application/octet-stream")


def _hashed(block: dict[str, Any], document: Document) -> dict[str, Any]:
    image = document.images.get(block.get("image", ""))
    if str(block.get("image", "")).startswith("data:"):
        block["image"] = "data:"
    return block | ({"media": sha256_bytes(image)} if image is not None else {})


def _describe(
    document: Document, path: Path, data: bytes, form: Format, source_id: str | None, curated: CuratedMeta | None
) -> SourceMeta:
    said = curated.model_dump(exclude_unset=True, mode="json") if curated else {}
    values = {**document.metadata, **said}
    values["id"] = source_id or said.get("id") or default_id(path)
    values.setdefault("title", path.stem)
    text_sha256 = sha256_text(document.text)
    values["file"] = {
        # Part of every id: kept when the source is renamed, equal for everyone who reads the same text.
        "key": text_sha256[:16],
        "name": path.name,
        "format": form,
        "raw_sha256": sha256_bytes(data),
        "text_sha256": text_sha256,
        "replaced": document.replaced,
    }
    return check_record(values, SourceMeta, f"metadata of {path.name}")


def default_id(path: Path) -> str:
    """Return a source id made of a file's name."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:63]
    if not name:
        raise InputError(f"no source id can be made of {path.name}", hint="give one: docposts source add FILE --id ID")
    return name


def unknown_fields(meta: SourceMeta) -> list[str]:
    """Return the fields that nobody has said anything of, neither the page nor the curator, in the schema's order."""
    values = meta.model_dump(exclude_none=True, mode="json")
    said = {
        "selection": meta.selection != "unknown",
        **{n: bool(values.get(n)) for n in ("authors", "languages", "platforms")},
    }
    fields = (n for n in SourceMeta.model_fields if n not in ("file", "table"))
    return [name for name in fields if not said.get(name, name in values)]


def render_meta(meta: SourceMeta) -> str:
    """Return ``source.toml``: what is known, and a comment for each field that a curator should fill."""
    import tomlkit

    values = meta.model_dump(exclude_none=True, mode="json")
    document = tomlkit.document()
    document.add(tomlkit.comment("What this report is. rights: redistributable, quotable or restricted;"))
    document.add(
        tomlkit.comment("selection (how the report chose its posts): illustrative, exhaustive, sampled, unknown.")
    )
    if missing := unknown_fields(meta):
        document.add(tomlkit.comment(f"Not known yet: {', '.join(missing)}"))
    for name in SourceMeta.model_fields:
        if name in values and name not in ("series", "file", "table"):
            document.add(name, values[name])
    for name in ("series", "file", "table"):
        if name in values:
            document.add(name, values[name])
    return tomlkit.dumps(document)
