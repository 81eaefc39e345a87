"""What a version is made of, as digests: of each source, so that one that did not change is not made again, and of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version as library_version
from typing import Any

from toolkit import ids, rowdigest
from toolkit.corpus import links, store
from toolkit.fsio import canonical_json, sha256_file, sha256_text
from toolkit.parquet import WRITER
from toolkit.sources import segments
from toolkit.sources.source import Source
from toolkit.sources.tabular.rows import VERSION as table_rows_version
from toolkit.text import analysis

# Raise it whenever the rows made of the same source differ.
ROWS_VERSION = 3
_FILES = ("source.toml", "text.txt", "blocks.jsonl", "facts.toml")


def made_with() -> dict[str, Any]:
    """Return the versions of the algorithms and of the libraries whose answers go into derived columns."""
    algorithms = {"ids": ids.VERSION, "rows": ROWS_VERSION, "text": analysis.VERSION, "links": links.VERSION}
    return algorithms | {name: _library_version(name) for name in ("langdetect", "opencc")}


# Each time, the library's whole description would be read and parsed.
_library_version = cache(library_version)


def input_digest(used: list[Source]) -> str:
    """Return the SHA-256 of all that a version is made of: the sources' files in order, and what computes on them."""
    data = [source_files(source) for source in used]
    return sha256_text(canonical_json({"sources": data, "made_with": made_with()}))


def source_digest(source: Source, sequence: int) -> str:
    """Return the SHA-256 of all that a source's parts are made of: its files, its place, what computes and what writes."""
    about = {"sequence": sequence, "made_with": made_with() | {"parquet": WRITER, "digest": rowdigest.VERSION}}
    return sha256_text(canonical_json(source_files(source) | about))


def source_files(source: Source) -> dict[str, Any]:
    """Return the hashes of a source's files that rows are made of."""
    spans = source.proposals_path if segments.has_unreviewed(source) else source.segments_path
    found = {name: sha256_file(path) for name in _FILES if (path := source.folder / name).exists()}
    found |= {spans.name: sha256_file(spans)} if spans.exists() else {}
    return (
        {"id": source.id}
        | found
        | {"media": sorted(source.media)}
        | ({"table": table_rows_version} if source.is_table else {})
    )


class Known:
    """The parts of versions that are there, by what they were made of."""

    def __init__(self, versions: Iterable[store.CorpusVersion]) -> None:
        self._tables: dict[str, tuple[store.CorpusVersion, str]] = {}
        self._links: dict[str, store.CorpusVersion] = {}
        self._whole: dict[str, bool] = {}
        for version in versions:
            if version.manifest.get("format", 1) < store.FORMAT or version.manifest.get("purged"):
                continue
            for source_id, digest in version.manifest["inputs"].items():
                self._tables[digest] = (version, source_id)
            self._links[version.manifest["links_input"]] = version

    def parts(self, digest: str) -> dict[str, list[dict[str, Any]]] | None:
        """Return the parts of a source, table by table, where all of them are there and whole."""
        if digest not in self._tables:
            return None
        version, source_id = self._tables[digest]
        found = {
            name: [part for part in entry["parts"] if part["name"] == source_id]
            for name, entry in version.manifest["tables"].items()
            if name not in links.TABLES
        }
        return found if self._all_whole(version, found) else None

    def links(self, digest: str) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]] | None:
        """Return the parts of links and clusters, and the alarms, where all of them are there and whole."""
        version = self._links.get(digest)
        if version is None:
            return None
        found = {name: list(version.manifest["tables"][name]["parts"]) for name in links.TABLES}
        return (found, list(version.manifest["alarms"])) if self._all_whole(version, found) else None

    def _all_whole(self, version: store.CorpusVersion, found: Mapping[str, list[dict[str, Any]]]) -> bool:
        return all(self._is_whole(version, part["sha256"]) for parts in found.values() for part in parts)

    def _is_whole(self, version: store.CorpusVersion, sha256: str) -> bool:
        if sha256 not in self._whole:
            path = version.part_path(sha256)
            self._whole[sha256] = path.is_file() and sha256_file(path) == sha256
        return self._whole[sha256]
