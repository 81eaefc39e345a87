"""``source.toml``: what a report says of itself, what a curator says, what nobody has said yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import InputError
from toolkit.fsio import sha256_bytes, sha256_text
from toolkit.settings import check_record
from toolkit.sources.document import Document
from toolkit.sources.model import CuratedMeta, SourceMeta

if TYPE_CHECKING:
    from toolkit.sources.readers import Format


def describe(
    document: Document, path: Path, data: bytes, form: Format, source_id: str | None, curated: CuratedMeta | None
) -> SourceMeta:
    """Return a new source's metadata: what the curator says before what the file says; checked."""
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
