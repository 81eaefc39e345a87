"""Posts that left the corpus, what seems to follow them, and a person's decision on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from toolkit.corpus import store
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import ConflictError, InputError
from toolkit.lineage import Lineage
from toolkit.sources.segments import person
from toolkit.tombstones import purged_items
from toolkit.workspace import Workspace

_TABLES = {"posts": "post_id", "photo_texts": "photo_id"}
Rows = dict[str, dict[str, Any]]


class Left(NamedTuple):
    """An item that the latest version has no longer.

    ``last`` is the version that had it last; ``new`` the item that follows it, as decided, else as it seems (by ``how``:
    the place in the report or the key of its span), None where nothing does. ``similarity`` of the two texts is 0 to 1.
    ``carries``: None while nobody has decided.
    """

    old: str
    last: str
    new: str | None
    how: str
    similarity: float | None
    carries: bool | None
    text: str
    new_text: str | None


@dataclass(frozen=True)
class _Items:
    """A version's items by id, and the ids by key of their span."""

    rows: Rows
    keys: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, version: CorpusVersion) -> _Items:
        rows: Rows = {}
        for name, column in _TABLES.items():
            wanted = [column, "source_id", "text", "fragments"]
            rows |= {row[column]: row for row in version.stored(name).select(wanted).to_pylist()}
        spans = version.stored("segments").select(["source_id", "key", "row_id"]).to_pylist()
        keys = {(span["source_id"], span["key"]): span["row_id"] for span in spans if span["key"] and span["row_id"]}
        return cls(rows, keys)


def left(workspace: Workspace) -> list[Left]:
    """Return the items that left the corpus, those of the oldest version first; purged ones are not among them."""
    versions = store.versions(workspace)
    if not versions:
        raise InputError("there is no corpus version yet", hint="docposts corpus build")
    lineage, gone = Lineage.of(workspace.ledger), purged_items(workspace.ledger)
    today = _Items.of(versions[-1])
    found: dict[str, Left] = {}
    shared: set[str] = set()
    for version in reversed(versions[:-1]):
        parts = {sha256 for name in _TABLES for sha256, _ in version.part_files(name)}
        if not parts - shared:
            continue
        shared |= parts
        own = _Items.of(version)
        for old, row in own.rows.items():
            if old not in today.rows and old not in found and old not in gone:
                found[old] = _left(old, row, own, today, str(version.version), lineage)
    return list(reversed(found.values()))


def _left(old: str, row: dict[str, Any], own: _Items, today: _Items, version: str, lineage: Lineage) -> Left:
    decided = lineage.decided.get(old)
    seems: tuple[str | None, str] = next(_following(old, row, own, today), (None, ""))
    new, how = seems if decided is None else (str(decided["new"]), "decided")
    text = today.rows[new]["text"] if new in today.rows else None
    similarity = None if text is None else round(SequenceMatcher(None, row["text"], text, autojunk=False).ratio(), 3)
    return Left(old, version, new, how, similarity, bool(decided["carries"]) if decided else None, row["text"], text)


def _following(old: str, row: dict[str, Any], own: _Items, today: _Items) -> Iterator[tuple[str, str]]:
    """Yield what may follow an item: what stands in its place, of its kind, then what has its key."""
    kind = old.partition("_")[0]
    best, most = "", 0
    for new, other in today.rows.items():
        if new.startswith(f"{kind}_") and other["source_id"] == row["source_id"]:
            common = _common(row["fragments"], other["fragments"])
            if common > most:
                best, most = new, common
    if best and 2 * most >= min(len(row["text"]), len(today.rows[best]["text"])):
        yield best, "place"
    for key, row_id in own.keys.items():
        if row_id == old and (named := today.keys.get(key)) and named.startswith(f"{kind}_"):
            yield named, "key"


def _common(one: list[dict[str, int]], other: list[dict[str, int]]) -> int:
    return sum(
        max(0, min(a["source_end"], b["source_end"]) - max(a["source_start"], b["source_start"]))
        for a in one
        for b in other
    )


def supersede(
    workspace: Workspace, old: str, new: str, *, carries: bool, reason: str, by: str | None = None
) -> dict[str, Any]:
    """Enter that an item follows another, and whether its judgements carry over; return the record.

    The last decision on an item holds. :class:`InputError` where the two are not of one kind, or nobody knows them;
    :class:`ConflictError` where the old one is still there.
    """
    with workspace.lock():
        versions = store.versions(workspace)
        if not versions:
            raise InputError("there is no corpus version yet", hint="docposts corpus build")
        if old.partition("_")[0] != new.partition("_")[0]:
            raise InputError(f"{old} and {new} are not of one kind")
        today = _Items.of(versions[-1])
        if new not in today.rows:
            raise InputError(
                f"{new} is not in corpus {versions[-1].version}", hint="docposts corpus lineage lists what may follow"
            )
        if old in today.rows:
            raise ConflictError(f"{old} is still in corpus {versions[-1].version}: nothing supersedes it")
        if not any(old in _Items.of(version).rows for version in versions[:-1]):
            raise InputError(f"no corpus version on disk has {old}", hint="docposts corpus lineage")
        lineage = Lineage.of(workspace.ledger)
        known = lineage.decided.get(old)
        said = {"old": old, "new": new, "carries": carries, "reason": reason}
        if known and said.items() <= known.items():
            return dict(known)
        record = said | {"by": by or person(), "on": datetime.now(UTC).date().isoformat()}
        workspace.ledger.append("supersede", **record)
        return record
