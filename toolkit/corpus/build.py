"""Sources → the next corpus version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as library_version
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from toolkit import ids
from toolkit.corpus import links, store
from toolkit.corpus.rows import SOURCE_TABLES, source_tables
from toolkit.corpus.steps import Change, Step, Version, compare, largest
from toolkit.corpus.table_rows import NEAR_LIMIT, table_source_tables, too_many_for_links
from toolkit.errors import ChecksFailed, InputError
from toolkit.fsio import canonical_json, sha256_file, sha256_text
from toolkit.parquet import WRITER, row_digest
from toolkit.schema import table
from toolkit.sources import registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.registry import Source
from toolkit.sources.tabular.ingest import refuse_purged
from toolkit.sources.tabular.rows import VERSION as table_rows_version
from toolkit.text import analysis
from toolkit.workspace import Workspace

FIRST = Version(0, 1, 0)
# Raise it whenever the rows made of the same source differ.
ROWS_VERSION = 2
Proposals = Literal["refuse", "take", "leave"]
NOT_SEARCHED = f"of the search for near-duplicates, being tables of more than {NEAR_LIMIT} posts"
_Used = tuple[int, Source, list[Segment]]
"""A source with its place in the order of adding and its spans: the accepted ones, or the proposals that were taken."""


@dataclass(frozen=True)
class Built:
    """What a build came to: the version, whether it is new, what changed, and what was left out by reason."""

    version: store.CorpusVersion
    new: bool
    changes: dict[str, Change]
    skipped: dict[str, list[str]]


def build(
    workspace: Workspace,
    *,
    repair: bool = False,
    proposals: Proposals = "refuse",
    progress: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build the sources' accepted spans into the next version; where nothing changed, return the one there is.

    Spans that a curator put into ``segments.jsonl`` by hand are accepted first: they get their ids. ``repair`` writes
    missing parts of the latest version again; for those that the sources no longer give, a new version stands. Nothing
    is published unless every check of every table holds.

    A source with proposals that nobody accepted is refused (:class:`InputError`); ``proposals`` may say to take them,
    their rows marked ``unreviewed``, or to leave the source out. A source without any spans is left out.
    """
    with workspace.lock():
        used, skipped = _accepted(workspace, proposals)
        if not used:
            raise InputError("no source has accepted spans", hint="docposts source accept ID")
        digest = input_digest([source for _, source, _ in used])
        before = store.versions(workspace)
        latest = before[-1] if before else None
        if latest:
            # A build may have been killed between publishing and this.
            enter(workspace, latest, str(latest.manifest["input_digest"]))
        if latest and not repair and _made_of(workspace, latest, digest):
            return Built(latest, False, {}, skipped)
        parts = _parts(used, skipped.get(NOT_SEARCHED, []), progress)
        tables = {name: pa.concat_tables([rows for _, rows in pieces]) for name, pieces in parts.items()}
        check(tables)
        account = store.write_parts(workspace.corpus_dir / "parts", parts)
        changes = {n: _changed(latest, n, rows, repair) for n, rows in tables.items()} if latest else {}
        step = largest(changes)
        if latest and step is None:
            # Another input, such as a comment, and the same rows: known from now on as this version's too.
            enter(workspace, latest, digest)
            return Built(latest, False, {}, skipped)
        numbered = _after(latest, step) if latest else _recorded(workspace, digest)
        manifest = numbered | {
            "format": 1,
            "input_digest": digest,
            "tables": account,
            "sources": [source.id for _, source, _ in used],
            "unreviewed": [source.id for _, source, _ in used if segments.has_unreviewed(source)],
            "skipped": skipped,
            "made_with": made_with() | {"parquet": WRITER},
        }
        published = store.publish(workspace.corpus_dir / str(manifest["version"]), manifest)
        enter(workspace, published, digest)
        return Built(published, True, changes, skipped)


def _changed(latest: store.CorpusVersion, name: str, rows: pa.Table, repair: bool) -> Change:
    try:
        return compare(latest.stored(name), rows, table(name))
    except InputError:
        if not repair:
            raise
    # A part is lost for good, since today's sources or writer make another: only its digest can be compared.
    recorded = latest.manifest["tables"][name]
    same = recorded["row_digest"] == row_digest(rows)
    return Change(0, 0, {}, "patch") if same else Change(rows.num_rows, recorded["rows"], {}, "major")


def _accepted(workspace: Workspace, proposals: Proposals) -> tuple[list[_Used], dict[str, list[str]]]:
    used: list[_Used] = []
    skipped: dict[str, list[str]] = {}
    added = registry.sources(workspace)
    waiting = [source.id for source in added if segments.has_unreviewed(source)]
    if waiting and proposals == "refuse":
        raise InputError(
            f"nobody has accepted the proposed spans of {', '.join(waiting)}",
            hint=f"docposts source review {waiting[0]}, then docposts source accept {waiting[0]}; "
            "or docposts corpus build --with-proposals (marks their rows) or --without-proposals (leaves them out)",
        )
    places = registry.sequence(workspace)
    for source in added:
        sequence = places[source.id]
        if source.is_table:
            refuse_purged(workspace, source)
            used.append((sequence, source, []))
            if too_many_for_links(source):
                skipped.setdefault(NOT_SEARCHED, []).append(source.id)
        elif source.segments_path.exists():
            source.check_raw()
            used.append((sequence, source, segments.accept(workspace, source)))
        elif source.id in waiting and proposals == "take":
            used.append((sequence, source, segments.proposed(source)))
        else:
            reason = "proposals that nobody accepted" if source.id in waiting else "no accepted spans"
            skipped.setdefault(reason, []).append(source.id)
    return used, skipped


def input_digest(used: list[Source]) -> str:
    """Return the SHA-256 of all that a version is made of: the sources' files in order, and what computes on them."""
    files = ("source.toml", "text.txt", "blocks.jsonl", "facts.toml")
    data = [
        {"id": source.id}
        | {
            name: sha256_file(source.folder / name)
            for name in (*files, _spans_of(source))
            if (source.folder / name).exists()
        }
        | {"media": sorted(source.media)}
        | ({"table": table_rows_version} if source.is_table else {})
        for source in used
    ]
    return sha256_text(canonical_json({"sources": data, "made_with": made_with()}))


def _spans_of(source: Source) -> str:
    return (source.proposals_path if segments.has_unreviewed(source) else source.segments_path).name


def made_with() -> dict[str, Any]:
    """Return the versions of the algorithms and of the libraries whose answers go into derived columns."""
    algorithms = {"ids": ids.VERSION, "rows": ROWS_VERSION, "text": analysis.VERSION, "links": links.VERSION}
    return algorithms | {name: library_version(name) for name in ("langdetect", "opencc")}


def _parts(used: list[_Used], exact_only: list[str], progress: Callable[[str], None]) -> store.Parts:
    parts: dict[str, list[tuple[str, pa.Table]]] = {name: [] for name in SOURCE_TABLES}
    for sequence, source, spans in used:
        progress(source.id)
        if source.is_table:
            tables = table_source_tables(source, sequence)
        else:
            tables = source_tables(source, sequence, spans, unreviewed=segments.has_unreviewed(source))
        for name, rows in tables.items():
            parts[name].append((source.id, rows))
    posts = pa.concat_tables([rows for _, rows in parts["posts"]])
    _refuse_collisions(posts, [source.id for _, source, _ in used if source.is_table])
    parts["post_links"] = [("links", links.post_links(posts, _same_as(used), exact_only=exact_only))]
    return parts


def _refuse_collisions(posts: pa.Table, tables: list[str]) -> None:
    """Refuse two posts of tables with one id: the same post of a platform stands in both."""
    posts = posts.filter(pc.is_in(posts["source_id"], pa.array(tables, pa.string())))
    counts = posts.group_by("post_id").aggregate([("source_id", "count")])
    again = counts.filter(pc.greater(counts["source_id_count"], 1))["post_id"]
    if len(again):
        where = posts.filter(pc.equal(posts["post_id"], again[0])).select(["source_id", "place"]).to_pylist()
        raise InputError(
            f"{len(again)} posts stand in two tables, such as {again[0].as_py()}: "
            + ", ".join(f"{row['source_id']} row {row['place']}" for row in where),
            hint="a post of a platform has one id: leave its rows out of one of the tables",
        )


def _same_as(used: list[_Used]) -> list[list[str]]:
    """Return the curators' same-as groups as post ids: names are keys of their own source, or ids of any."""
    known = {span.id for _, _, spans in used for span in spans if span.role == "post"}
    groups = []
    for _, source, spans in used:
        own = {span.key: span.id for span in spans if span.role == "post" and span.key}
        for link in source.facts.same_as:
            group = [own.get(name, name) for name in link.posts]
            if unknown := [name for name in group if name not in known]:
                raise InputError(f"{source.folder / 'facts.toml'}: same_as: {unknown[0]!r} is no post's key or id")
            groups.append([str(post_id) for post_id in group])
    return groups


def check(tables: dict[str, pa.Table]) -> None:
    """Hold every table against its declaration and the others; :class:`ChecksFailed` lists what does not hold."""
    problems = [problem for name, rows in tables.items() for problem in table(name).check(rows, tables)]
    if problems:
        raise ChecksFailed("the corpus was not built:\n  " + "\n  ".join(problems))


def is_current(workspace: Workspace, latest: store.CorpusVersion) -> bool:
    """Tell whether a build would find nothing new, proposals taken or left as the version did."""
    taken = latest.manifest.get("unreviewed", [])
    added = registry.sources(workspace)
    used = [s for s in added if s.accepted or (s.id in taken and segments.has_unreviewed(s))]
    return _made_of(workspace, latest, input_digest(used))


def _made_of(workspace: Workspace, version: store.CorpusVersion, digest: str) -> bool:
    inputs = (r["input_digest"] for r in workspace.ledger.records("corpus") if r["version"] == str(version.version))
    return digest in (version.manifest["input_digest"], *inputs)


def _after(latest: store.CorpusVersion, step: Step | None) -> dict[str, Any]:
    return {"version": str(latest.version.after(step or "major")), "previous": str(latest.version), "step": step}


def _recorded(workspace: Workspace, digest: str) -> dict[str, Any]:
    """Return the number of a version of which no earlier one is on disk.

    The first is :data:`FIRST`. A workspace cloned without its derived files gets the version that the ledger says its
    input made; where the input is another, what changed since can no longer be told, so that it counts as all.
    """
    entered = list(workspace.ledger.records("corpus"))
    # Two versions may be of one input: one that was changed and changed back, one that was promoted.
    for record in reversed(entered):
        if record["input_digest"] == digest:
            return {name: record.get(name) for name in ("version", "previous", "step")}
    if not entered:
        return {"version": str(FIRST), "previous": None, "step": None}
    last = str(entered[-1]["version"])
    return {"version": str(Version.parse(last).after("major")), "previous": last, "step": "major"}


def enter(workspace: Workspace, version: store.CorpusVersion, digest: str) -> None:
    """Enter what a published version was made of, and the hash of its manifest, into the ledger, unless they are there."""
    number, manifest = str(version.version), sha256_file(version.folder / "manifest.json")
    entered = {(r["version"], r["input_digest"], r.get("manifest")) for r in workspace.ledger.records("corpus")}
    if (number, digest, manifest) not in entered:
        about = {name: version.manifest[name] for name in ("previous", "step")}
        workspace.ledger.append("corpus", version=number, input_digest=digest, **about, manifest=manifest)
