"""What was purged and must not come back: read from the ledger by whatever could bring it back.

A tombstone is two records: ``purge`` before anything is erased, ``purged`` when all is. Between them lies a purge that was
cut off, which any command but ``purge`` itself refuses to work on. It holds ids, places and hashes, no words; an
annotator's name only as a hash.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from toolkit.errors import ConflictError, WorkspaceError
from toolkit.ids import digest_id
from toolkit.ledger import Ledger

Kind = Literal["post", "source", "annotator"]


@dataclass(frozen=True)
class Tombstone:
    """One purge. Of a post: ``items`` (its id, those of its photo texts, notes and earlier states), and where it stood.
    Of a source: ``items`` are its posts and photo texts (of a long table, those that were judged).

    ``ranges`` are places of text.txt, ``rows`` numbers of a table's rows, ``keys`` those of its spans, ``media`` hashes of
    images that nothing else shows, ``hashes`` those of the files that held it, ``releases`` those on disk that did.
    """

    number: int
    kind: Kind
    id: str
    source_id: str | None = None
    items: tuple[str, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    rows: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""
    on: str = ""

    def record(self) -> dict[str, Any]:
        """Return it as the ledger holds it: what says nothing left out."""
        return {name: value for name, value in asdict(self).items() if value not in ("", (), None)}


def tombstones(ledger: Ledger) -> list[Tombstone]:
    """Return all tombstones, oldest first."""
    found = []
    for record in ledger.records("purge"):
        values = {name: _tuples(value) for name, value in record.items() if name != "event"}
        found.append(Tombstone(**values))
    return found


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def unfinished(ledger: Ledger) -> Tombstone | None:
    """Return the purge that was begun and not ended, if there is one."""
    ended = {record["number"] for record in ledger.records("purged")}
    return next((stone for stone in tombstones(ledger) if stone.number not in ended), None)


def check_finished(ledger: Ledger) -> None:
    """Refuse to work on a workspace of which a part is erased and a part is not (:class:`WorkspaceError`)."""
    # Most ledgers hold no purge, and a long one takes its time to read.
    if not ledger.path.exists() or b'"purge"' not in ledger.path.read_bytes():
        return
    if stone := unfinished(ledger):
        what = "an annotator" if stone.kind == "annotator" else f"{stone.kind} {stone.id}"
        again = "NAME" if stone.kind == "annotator" else stone.id
        raise WorkspaceError(
            f"a purge of {what} was cut off before everything was erased",
            hint=f"run it again, which ends it: docposts purge {stone.kind} {again}",
        )


def annotator_id(name: str) -> str:
    """Return what a tombstone calls an annotator: whoever knows the name can look it up, nobody can read it."""
    return digest_id("annotator", name)


def purged_sources(ledger: Ledger) -> dict[str, Tombstone]:
    """Return the ids of sources that were purged."""
    return {stone.id: stone for stone in tombstones(ledger) if stone.kind == "source"}


def purged_items(ledger: Ledger) -> set[str]:
    """Return the ids of the rows that were purged, one by one or with their source."""
    return {item for stone in tombstones(ledger) for item in stone.items}


def purged_annotators(ledger: Ledger) -> set[str]:
    """Return what the tombstones of annotators call them (:func:`annotator_id`)."""
    return {stone.id for stone in tombstones(ledger) if stone.kind == "annotator"}


def refuse_source(ledger: Ledger, source_id: str, hashes: Collection[str | None]) -> None:
    """Refuse to add what was purged: a source's id, its text or its file (:class:`ConflictError`)."""
    for stone in purged_sources(ledger).values():
        if stone.id == source_id:
            raise ConflictError(
                f"source {source_id} was purged: its id stays taken", hint="add another report by another id: --id ID"
            )
        if same := set(stone.hashes) & {value for value in hashes if value}:
            raise ConflictError(
                f"this file was purged as source {stone.id} ({sorted(same)[0][:12]}…), and does not come back"
            )


def refuse_items(ledger: Ledger, items: Collection[str], where: str) -> None:
    """Refuse rows that were purged (:class:`ConflictError`)."""
    if again := sorted(purged_items(ledger) & set(items)):
        raise ConflictError(
            f"{where}: {again[0]} was purged, and does not come back"
            + (f" (and {len(again) - 1} more)" if again[1:] else ""),
            hint="take out its span, or its row of the table",
        )


@dataclass(frozen=True)
class Purged:
    """What no pull brings back: tasks about these items, showing a text with one of these hashes, or by these annotators."""

    items: frozenset[str]
    hashes: frozenset[str]
    annotators: frozenset[str]

    @classmethod
    def of(cls, ledger: Ledger) -> Purged:
        """Read the tombstones of a ledger."""
        hashes = {value for stone in tombstones(ledger) for value in stone.hashes}
        return cls(frozenset(purged_items(ledger)), frozenset(hashes), frozenset(purged_annotators(ledger)))

    def covers(self, data: Mapping[str, Any], annotator: str) -> bool:
        """Tell whether a task's data, answered by an annotator, are about what was purged."""
        if not (self.items or self.hashes or self.annotators):
            return False
        shown = {data.get("item_id"), data.get("text_sha256")}
        return bool(shown & self.items or shown & self.hashes) or annotator_id(annotator) in self.annotators
