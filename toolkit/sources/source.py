"""One source of a workspace: its folder's files, its text read once and held against its hash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from toolkit.errors import InputError, WorkspaceError
from toolkit.fsio import read_jsonl, read_text, sha256_file, sha256_text
from toolkit.settings import parse_toml
from toolkit.sources.model import Facts, SourceFile, SourceMeta
from toolkit.sources.tabular.model import TableFile


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


def open_folder(folder: Path) -> Source:
    """Return the source that a folder holds; :class:`WorkspaceError` where its metadata name another."""
    meta = parse_toml(folder / "source.toml", SourceMeta)
    if meta.id != folder.name:
        raise WorkspaceError(
            f"{folder / 'source.toml'}: id is {meta.id!r}, the folder is {folder.name!r}", hint="make them equal"
        )
    return Source(folder, meta)
