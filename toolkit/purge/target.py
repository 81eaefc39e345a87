"""What a purge is about, found before anything is touched: all that goes with a post or a source, and where it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import store
from toolkit.corpus.reading import Read
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.lineage import Lineage
from toolkit.parquet import column_names, read_batches
from toolkit.purge import raw_table
from toolkit.purge.records import judged
from toolkit.purge.spans import Ranges, touches, within
from toolkit.release.versions import releases
from toolkit.sources import registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.tombstones import Tombstone
from toolkit.workspace import Workspace

LISTED = 10_000
"""Items that a source's tombstone lists; of a longer table only those that were judged."""
_ROWS = 10_000  # looked through at a time
_ROOTS = ("post", "photo_text")


def of_post(workspace: Workspace, item_id: str) -> Tombstone:
    """Return the tombstone of a post or photo text, not yet numbered; :class:`InputError` where nobody knows it."""
    for source in registry.sources(workspace):
        if source.is_table:
            if rows := _rows(source, item_id):
                raw_table.check(source, rows)
                hashes = (str(source.file.raw_sha256),)
                return _stone(workspace, item_id, source, items=(item_id,), rows=rows, hashes=hashes)
            continue
        spans = spans_of(source)
        if root := next((span for span in spans if span.id == item_id and span.role in _ROOTS), None):
            return _of_spans(workspace, item_id, source, spans, _tree(source, spans, root))
    return _of_an_earlier_version(workspace, item_id)


def spans_of(source: Source) -> list[Segment]:
    """Return a report's curated spans; else its proposals, as accepting them would name them."""
    if source.segments_path.exists():
        return segments.mint_ids(source, segments.load(source.segments_path, source.text))
    return segments.proposed(source) if source.proposals_path.exists() else []


def _rows(source: Source, item_id: str) -> tuple[int, ...]:
    if source.table.holds != "posts":
        return ()
    return raw_table.numbers(source, item_id)


def _tree(source: Source, spans: list[Segment], root: Segment) -> list[Segment]:
    """Return a span with all that belongs to it, and all that lies in these."""
    read = Read(source, 0, spans, {span.key: span for span in spans if span.key})
    tree = [root]
    while True:
        held = [(span.char_start, span.char_end) for span in tree]
        more = [
            span
            for span in spans
            if span not in tree and (read.parent(span) in tree or within(span.char_start, span.char_end, held))
        ]
        if not more:
            return tree
        tree += more


def _of_spans(
    workspace: Workspace, item_id: str, source: Source, spans: list[Segment], tree: list[Segment]
) -> Tombstone:
    ranges = _merged([(span.char_start, span.char_end) for span in tree])
    shown_elsewhere = {span.media for span in spans if span not in tree}
    current = {span.id for span in spans if span.id}
    own = [span.id for span in tree if span.id]
    lineage = Lineage.of(workspace.ledger)
    return _stone(
        workspace,
        item_id,
        source,
        items=(
            *own,
            *(old for item in own for old in lineage.before(item)),
            *_earlier(workspace, source, current, ranges),
        ),
        ranges=ranges,
        keys=tuple(span.key for span in tree if span.key),
        media=tuple(sorted({span.media for span in tree if span.media and span.media not in shown_elsewhere})),
        hashes=(str(source.file.text_sha256), source.file.raw_sha256),
    )


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _earlier(workspace: Workspace, source: Source, current: Collection[str], ranges: Ranges) -> Iterator[str]:
    """Yield the ids that the same words had in versions, in spans that are no longer."""
    for version in store.versions(workspace):
        for row in version.rows_of("segments", source.id).to_pylist():
            if row["row_id"] and row["row_id"] not in current:
                place = (row["char_start"], row["char_end"], ranges)
                if within(*place) or (row["role"] in _ROOTS and touches(*place)):
                    yield row["row_id"]


def _of_an_earlier_version(workspace: Workspace, item_id: str) -> Tombstone:
    for version in reversed(store.versions(workspace)):
        row = _find(version, item_id)
        if row is None:
            continue
        sources = {source.id: source for source in registry.sources(workspace)}
        source = sources.get(row["source_id"])
        if source is None or source.is_table:
            raise InputError(
                f"{item_id} is in corpus {version.version} alone, and no longer in its source {row['source_id']}",
                hint=f"docposts purge source {row['source_id']}",
            )
        ranges = _merged([(piece["source_start"], piece["source_end"]) for piece in row["fragments"]])
        spans = spans_of(source)
        today = [s for s in spans if s.role in _ROOTS and touches(s.char_start, s.char_end, ranges)]
        if today:
            raise InputError(
                f"{item_id} is an earlier state of {today[0].id}, whose words are the same or overlap",
                hint=f"docposts purge post {today[0].id} erases both",
            )
        tree = [span for span in spans if within(span.char_start, span.char_end, ranges)]
        stone = _of_spans(workspace, item_id, source, spans, tree)
        items = dict.fromkeys(
            (item_id, *stone.items, *_earlier(workspace, source, {s.id or "" for s in spans}, ranges))
        )
        return _stone(
            workspace,
            item_id,
            source,
            items=tuple(items),
            ranges=ranges,
            keys=stone.keys,
            media=stone.media,
            hashes=stone.hashes,
        )
    raise InputError(
        f"no source and no corpus version has {item_id!r}",
        hint="docposts corpus query \"SELECT post_id, text FROM posts WHERE text LIKE '%words%'\"",
    )


def _find(version: CorpusVersion, item_id: str) -> dict[str, Any] | None:
    for name, column in (("posts", "post_id"), ("photo_texts", "photo_id")):
        for _, path in version.part_files(name):
            for batch in read_batches(path, column_names(path), _ROWS):
                if hits := batch.filter(pc.equal(batch[column], item_id)).to_pylist():
                    return dict(hits[0])
    return None


def _stone(workspace: Workspace, item_id: str, source: Source, *, items: tuple[str, ...], **found: Any) -> Tombstone:
    kept = tuple(dict.fromkeys(items))
    return Tombstone(0, "post", item_id, source.id, kept, releases=holding(workspace, {item_id, *kept}), **found)


def of_source(workspace: Workspace, source_id: str) -> Tombstone:
    """Return the tombstone of a source, not yet numbered; :class:`InputError` where there is none of that name."""
    known = {source.id: source for source in registry.sources(workspace)}
    if source_id not in known:
        raise InputError(f"no source {source_id!r} (there: {', '.join(known) or 'none'})", hint="docposts source list")
    source = known[source_id]
    hashes = tuple(value for value in (source.file.text_sha256, source.file.raw_sha256) if value)
    media = {path.stem for path in (source.folder / "media").glob("*")}
    items = items_of(workspace, source_id)
    listed = items if len(items) <= LISTED else items & judged(workspace)
    others = {sha256 for other in known.values() if other.id != source_id for sha256 in other.media}
    return Tombstone(
        0,
        "source",
        source_id,
        source_id,
        items=tuple(sorted(listed)),
        media=tuple(sorted(media - others)),
        hashes=hashes,
        releases=holding(workspace, items),
    )


def items_of(workspace: Workspace, source_id: str) -> set[str]:
    """Return the ids of all posts and photo texts that a source gives, or gave to any version on disk."""
    found: set[str] = set()
    for version in store.versions(workspace):
        for name, column in (("posts", "post_id"), ("photo_texts", "photo_id")):
            for batch in version.batches_of(name, source_id):
                found.update(batch[column].to_pylist())
    path = workspace.sources_dir / source_id / "source.toml"
    if path.is_file():
        source = next((s for s in registry.every(workspace) if s.id == source_id), None)
        if source and not source.is_table:
            found |= {span.id for span in spans_of(source) if span.id and span.role in _ROOTS}
    return found


def holding(workspace: Workspace, items: Collection[str], judgements: Collection[str] = ()) -> tuple[str, ...]:
    """Return the releases on disk that hold items or judgements, oldest first; one that cannot be read counts as well."""
    wanted = pa.array(sorted({*items, *judgements}), pa.string())
    found = []
    for release in releases(workspace):
        columns = ("post_id", "photo_id", "item_id", "judgement_id")
        try:
            tables = [rows for parts in release.parts.values() for rows in parts.values()]
        except InputError:
            found.append(release.version)
            continue
        held = (rows[name] for rows in tables for name in columns if name in rows.column_names)
        if any(pc.any(pc.is_in(values, wanted)).as_py() for values in held):
            found.append(release.version)
    return tuple(found)
