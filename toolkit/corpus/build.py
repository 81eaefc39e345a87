"""Sources → the next corpus version.

What did not change is not made again: the parts of a source whose inputs are those of a version that is there
(:mod:`toolkit.corpus.inputs`) are taken from it. A large table is cut into blocks, which workers make into parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from toolkit.corpus import checks, duck, engines, links, store, ties
from toolkit.corpus.batch import About
from toolkit.corpus.difference import difference
from toolkit.corpus.inputs import Known, input_digest, made_with, source_digest
from toolkit.corpus.parts import Accounts, Entry, Job, account_tables, write_parts
from toolkit.corpus.reading import Read
from toolkit.corpus.rows import SOURCE_TABLES, source_rows, source_tables
from toolkit.corpus.steps import Change, Step, Version, largest
from toolkit.errors import ChecksFailed, InputError
from toolkit.fsio import canonical_json, sha256_file, sha256_text
from toolkit.parquet import WRITER
from toolkit.rowdigest import BLOCK
from toolkit.schema import table
from toolkit.sources import registry, segments
from toolkit.sources.entries import sequence
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.sources.tabular import ingest
from toolkit.workspace import Workspace

FIRST = Version(0, 1, 0)
Proposals = Literal["refuse", "take", "leave"]


class _Used:
    """A source that a version is made of, its place in the order of adding, and its parts, once it has them."""

    def __init__(self, source: Source, sequence: int) -> None:
        self.source, self.sequence = source, sequence
        self.unreviewed = segments.has_unreviewed(source)
        self.digest = ""
        self.parts: dict[str, list[Entry]] = {}
        self.spans: list[Segment] | None = None


@dataclass(frozen=True)
class Built:
    """What a build came to: the version, whether it is new, what changed, and what was left out by reason.

    ``processed`` are the sources of which rows were made; of the others the parts that were there are used.
    """

    version: store.CorpusVersion
    new: bool
    changes: dict[str, Change]
    skipped: dict[str, list[str]]
    processed: tuple[str, ...] = ()


def build(
    workspace: Workspace,
    *,
    repair: bool = False,
    proposals: Proposals = "refuse",
    engine: engines.Choice = engines.HERE,
    progress: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build the sources' accepted spans into the next version; where nothing changed, return the one there is.

    Spans that a curator put into ``segments.jsonl`` by hand are accepted first: they get their ids. ``repair`` makes all
    parts again; for those that the sources no longer give, a new version stands. Nothing is published unless every check
    of every table holds. The result is the same on every ``engine``.

    A source with proposals that nobody accepted is refused (:class:`InputError`); ``proposals`` may say to take them,
    their rows marked ``unreviewed``, or to leave the source out. A source without any spans is left out.
    """
    with workspace.lock():
        before = store.versions(workspace)
        latest = before[-1] if before else None
        known = Known([] if repair else before)
        used, skipped = _accepted(workspace, proposals, known)
        if not used:
            raise InputError("no source has accepted spans", hint="docposts source accept ID")
        digest = input_digest([one.source for one in used])
        if latest:
            # A build may have been killed between publishing and this.
            enter(workspace, latest, str(latest.manifest["input_digest"]))
        if latest and not repair and _made_of(workspace, latest, digest):
            return Built(latest, False, {}, skipped)
        with (
            store.staging(workspace) as staging,
            engines.opened(engine, staging) as runs,
        ):
            processed = [one for one in used if not one.parts]
            for number, one in enumerate(processed, start=1):
                progress(f"{one.source.id} ({number} of {len(processed)})")
                _make(one, staging, runs, progress)
            parts = {name: [part for one in used for part in one.parts[name]] for name in SOURCE_TABLES}
            candidate = _candidate(workspace, staging, parts)
            _refuse_collisions(candidate, [one.source.id for one in used if one.source.is_table])
            progress("near-duplicates")
            reports = [one.source for one in used if not one.source.is_table]
            stated = ties.stated(candidate, reports)
            texts = ties.other_texts(candidate, [source.id for source in reports])
            links_input = _links_input(parts["posts"], stated, texts)
            again = known.links(links_input)
            made, alarms = again or links.build(*_posts(candidate), stated, texts, staging, runs)
            parts |= made
            candidate = _candidate(workspace, staging, parts)
            progress("checks")
            check(candidate)
            changes = _changes(latest, candidate, repair) if latest else {}
            step = largest(changes)
            needed = [part["sha256"] for own in parts.values() for part in own]
            if latest and step is None:
                # Another input, such as a comment, and the same rows: known from now on as this version's too.
                store.take_in(staging, workspace.corpus_dir / "parts", _parts_of(latest))
                enter(workspace, latest, digest)
                return Built(latest, False, {}, skipped, tuple(one.source.id for one in processed))
            numbered = _after(latest, step) if latest else _recorded(workspace, digest)
            manifest = numbered | {
                "format": store.FORMAT,
                "input_digest": digest,
                "inputs": {one.source.id: one.digest for one in used},
                "links_input": links_input,
                "tables": candidate.manifest["tables"],
                "sources": [one.source.id for one in used],
                "unreviewed": [one.source.id for one in used if one.unreviewed],
                "skipped": skipped,
                "dropped": {one.source.id: lost for one in used if (lost := _dropped(one.source))},
                "alarms": alarms,
                "made_with": made_with() | {"parquet": WRITER},
            }
            progress("publishing")
            store.take_in(staging, workspace.corpus_dir / "parts", [*needed, *(_parts_of(latest) if latest else ())])
            published = store.publish(workspace.corpus_dir / str(manifest["version"]), manifest)
            enter(workspace, published, digest)
            return Built(published, True, changes, skipped, tuple(one.source.id for one in processed))


def _make(one: _Used, staging: Path, runs: engines.Engine, progress: Callable[[str], None]) -> None:
    """Make a source's parts."""
    source = one.source
    if not source.is_table:
        spans = one.spans or []
        tables = source_tables(source, one.sequence, spans, unreviewed=one.unreviewed)
        one.parts = {name: write_parts(staging, name, source.id, rows) for name, rows in tables.items()}
        return
    rows = ingest.counts(source).accepted
    meta = source.meta
    about = About(source.id, meta.actor, meta.campaign, meta.attributed_by)
    path = source.folder / ingest.ROWS_FILE
    blocks = [(at, min(at + BLOCK, rows)) for at in range(0, rows, BLOCK)]
    jobs = [Job(path, start, stop, about, staging, source.table.holds) for start, stop in blocks]
    one.parts = {name: [] for name in SOURCE_TABLES}
    accounts = Accounts()
    for done, made in enumerate(runs.make(jobs), start=1):
        progress(f"{source.id}: {done} of {len(jobs)} blocks")
        accounts.add(made.accounts)
        for name, entry in made.parts.items():
            one.parts[name].append(entry)
    tables = {"sources": table("sources").from_rows(source_rows(Read(source, one.sequence, [])))}
    tables |= account_tables(accounts.all(), source.id)
    for name, own in tables.items():
        one.parts[name] = write_parts(staging, name, source.id, own)


def _candidate(workspace: Workspace, staging: Path, parts: Mapping[str, Sequence[Entry]]) -> store.CorpusVersion:
    """Return what would be published, to be looked at before."""
    return store.CorpusVersion(workspace.corpus_dir / "candidate", {"tables": store.account(parts)}, staging)


def _posts(candidate: store.CorpusVersion) -> tuple[list[Path], list[int]]:
    entries = candidate.manifest["tables"]["posts"]["parts"]
    return [path for _, path in candidate.part_files("posts")], [part["rows"] for part in entries]


def _links_input(posts: Sequence[Entry], stated: ties.Stated, texts: pa.Table) -> str:
    about = {"posts": [part["sha256"] for part in posts], "stated": stated, "texts": texts.to_pylist()}
    return sha256_text(canonical_json(about | {"made_with": made_with() | {"parquet": WRITER}}))


def _parts_of(version: store.CorpusVersion) -> list[str]:
    return [sha256 for name in version.manifest["tables"] for sha256, _ in version.part_files(name)]


def _dropped(source: Source) -> dict[str, int]:
    if source.is_table:
        return ingest.counts(source).rejected
    return {"characters that UTF-8 cannot hold": source.file.replaced} if source.file.replaced else {}


def _changes(latest: store.CorpusVersion, candidate: store.CorpusVersion, repair: bool) -> dict[str, Change]:
    """Return what changed, table by table."""
    changes = {name: Change(0, 0, {}, None) for name in candidate.manifest["tables"]}
    old, new = latest.manifest["tables"], candidate.manifest["tables"]
    lost = [name for name in old for _, path in latest.part_files(name) if not store.is_whole(candidate, path)]
    if lost and not repair:
        store.read_part(next(p for _, p in latest.part_files(lost[0]) if not store.is_whole(candidate, p)))
    for name in dict.fromkeys(lost):
        # A part is lost for good, since today's sources or writer make another: only its digest can be compared.
        same = name in new and old[name]["row_digest"] == new[name]["row_digest"]
        rows = new[name]["rows"] if name in new else 0
        changes[name] = Change(0, 0, {}, "patch") if same else Change(rows, old[name]["rows"], {}, "major")
    for part in difference(latest, candidate, leave_out=lost):
        counts = part.counts
        changes[part.name] = Change(counts["added"], counts["removed"], part.changed_columns, part.step)
    return changes


def _accepted(workspace: Workspace, proposals: Proposals, known: Known) -> tuple[list[_Used], dict[str, list[str]]]:
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
    places = sequence(workspace)
    for source in added:
        one = _Used(source, places[source.id])
        if source.is_table:
            ingest.refuse_purged(workspace, source)
        elif source.segments_path.exists():
            source.check_raw()
        elif not (source.id in waiting and proposals == "take"):
            reason = "proposals that nobody accepted" if source.id in waiting else "no accepted spans"
            skipped.setdefault(reason, []).append(source.id)
            continue
        one.digest = source_digest(source, one.sequence)
        one.parts = known.parts(one.digest) or {}
        if not one.parts and not source.is_table:
            one.spans = segments.proposed(source) if one.unreviewed else segments.accept(workspace, source)
            # Accepting may have given spans their ids.
            one.digest = source_digest(source, one.sequence)
        used.append(one)
    return used, skipped


def _refuse_collisions(candidate: store.CorpusVersion, tables: list[str]) -> None:
    """Refuse two posts of tables with one id: the same post of a platform stands in both."""
    if len(tables) < 2:
        # A table refuses a second row of one id when it is added.
        return
    files = [path for _, path in candidate.part_files("posts")]
    own = "source_id IN (" + ", ".join(map(duck.text, tables)) + ")"
    again: list[tuple[str, list[str]]] = []
    with duck.connect({"posts": duck.lazy(files, "posts")}) as connection:
        for some in checks.repeated(connection, "posts", "post_id", own):
            again += connection.execute(
                "SELECT post_id, list(source_id || ' row ' || place ORDER BY source_id, place) FROM posts "
                f"WHERE {some} GROUP BY post_id HAVING count(*) > 1"
            ).fetchall()
    if again:
        first, where = min(again)
        raise InputError(
            f"{len(again)} posts stand in two tables, such as {first}: " + ", ".join(where),
            hint="a post of a platform has one id: leave its rows out of one of the tables",
        )


def check(candidate: store.CorpusVersion) -> None:
    """Hold keys and references of all tables; :class:`ChecksFailed` lists what does not hold."""
    tables = candidate.manifest["tables"]
    files = {name: [path for _, path in candidate.part_files(name)] for name in tables}
    if problems := checks.problems(files, {name: entry["rows"] for name, entry in tables.items()}):
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
