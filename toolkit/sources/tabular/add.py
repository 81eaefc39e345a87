"""Adding a table: its bytes kept, its columns mapped, its rows made canonical or rejected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import copy_file, publishing, sha256_file, write_atomic
from toolkit.settings import check_record, parse_toml
from toolkit.sources import registry
from toolkit.sources.metadata import default_id, render_meta
from toolkit.sources.model import CuratedMeta, SourceMeta
from toolkit.sources.source import Source
from toolkit.sources.tabular.formats import detect
from toolkit.sources.tabular.ingest import ingest, refuse_purged
from toolkit.sources.tabular.mapping import resolve
from toolkit.sources.tabular.model import TableFile
from toolkit.tombstones import refuse_source
from toolkit.workspace import Workspace


def add_table(
    workspace: Workspace,
    path: Path,
    *,
    preset: str | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    platform: str | None = None,
    source_id: str | None = None,
    meta: Path | None = None,
) -> Source:
    """Add a table: keep its bytes in ``raw/``, write its rows and its rejects (see :mod:`toolkit.sources.tabular.ingest`).

    ``columns`` maps fields to column names, beside or in place of a ``preset``'s. The same file added again in the same
    way is the source that is there already; :class:`ConflictError` where its id is another's, or it was read otherwise.
    """
    curated = parse_toml(meta, CuratedMeta) if meta else None
    form = detect(path, encoding)
    mapped = resolve(form.names, str(path), preset=preset, mapped=columns or {}, platform=platform)
    table = TableFile(
        kind=form.kind,
        holds=mapped.holds,
        gzip=form.gzip,
        encoding=form.encoding,
        delimiter=form.delimiter,
        preset=preset,
        platform=mapped.platform,
        columns=mapped.columns,
    )
    with workspace.lock():
        record = _describe(path, table, sha256_file(path), source_id, curated)
        folder = workspace.sources_dir / record.id
        if not folder.exists():
            refuse_source(workspace.ledger, record.id, (record.file.raw_sha256,))
            for entry in workspace.ledger.records("source"):
                # Of the same file read otherwise the same posts would come twice.
                if entry["text_sha256"] == record.file.raw_sha256 and entry["source_id"] != record.id:
                    raise ConflictError(f"{path} is the table of source {entry['source_id']}, which is there already")
            with publishing(folder) as new:
                raw = new / "raw" / path.name
                copy_file(path, raw)
                if sha256_file(raw) != record.file.raw_sha256:
                    raise InputError(f"{path} was changed while it was read", hint="add it again")
                try:
                    ingest(raw, record.file.raw_sha256, table, new)
                except InputError as error:
                    # The copy's name is nothing that its user knows.
                    raise InputError(error.message.replace(str(raw), str(path)), hint=error.hint) from error
                refuse_purged(workspace, Source(new, record))
                write_atomic(new / "source.toml", render_meta(record))
        source = registry.complete(workspace, folder, record)
        if source.table != table:
            raise ConflictError(
                f"source {record.id} is there already, its columns read otherwise",
                hint=f"change [table] in {folder / 'source.toml'}, and the next build reads it so",
            )
        return source


def _describe(
    path: Path, table: TableFile, sha256: str, source_id: str | None, curated: CuratedMeta | None
) -> SourceMeta:
    said = curated.model_dump(exclude_unset=True, mode="json") if curated else {}
    values = {"title": path.name, "platforms": [table.platform] if table.platform else [], **said}
    values["id"] = source_id or said.get("id") or default_id(Path(path.name.removesuffix(".gz")))
    values["file"] = {"key": sha256[:16], "name": path.name, "format": "table", "raw_sha256": sha256}
    values["table"] = table.model_dump(mode="json", exclude_none=True)
    return check_record(values, SourceMeta, f"metadata of {path.name}")
