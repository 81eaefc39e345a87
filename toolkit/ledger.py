"""The workspace's ledger: curated, append-only, one JSON record a line, safe to keep in git and to merge by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import InputError
from toolkit.fsio import append_jsonl, read_jsonl

Event = Literal["source", "removed", "accept", "corpus", "split", "release", "purge", "purged", "supersede", "takedown"]
_FIELDS: dict[str, frozenset[str]] = {
    "source": frozenset({"source_id", "key", "text_sha256"}),
    "removed": frozenset({"source_id", "by"}),
    "accept": frozenset({"source_id", "by", "spans", "as_proposed", "sha256"}),
    "corpus": frozenset({"version", "input_digest"}),
    "split": frozenset({"group", "split", "members"}),
    "release": frozenset({"version", "corpus", "digest"}),
    "purge": frozenset({"number", "kind", "id"}),
    "purged": frozenset({"number"}),
    "takedown": frozenset({"kind", "id"}),
    "supersede": frozenset({"old", "new", "carries"}),
}


@dataclass(frozen=True)
class Ledger:
    """The ledger file. Events and their fields:

    - ``source``: source_id, key, text_sha256 (of a table's file), in the order added, which the rows of every version follow
    - ``removed``: source_id, by (who): it was added by mistake, and nothing was made of it; it may be added again
    - ``accept``: source_id, by (who), spans (how many), as_proposed (how many of them a rule made), sha256 of segments.jsonl
    - ``corpus``: version, input_digest (of an input that makes it; there may be several), previous, step, manifest (its SHA-256)
    - ``split``: group (a post id), split, members (its posts and photo texts); an item's first record holds for ever
    - ``release``: version, corpus (its version), digest (of its data), edition (digest of all that it says;
      one entered by an earlier docposts has none)
    - ``supersede``: old, new (item ids), carries (whether judgements do), reason, by, on; of several on one item the last holds
    - ``purge``: what is erased, entered before it is (:class:`toolkit.tombstones.Tombstone`); ``purged``: number, when it is
    - ``takedown``: kind (post or account), id, reason, by: what no later release holds; public (hashes of public handles)
    """

    path: Path

    def records(self, *events: Event) -> Iterator[dict[str, Any]]:
        """Yield the records of some events, oldest first; :class:`InputError` names a line that does not hold."""
        if not self.path.exists():
            return
        for line, record in read_jsonl(self.path, appended=True):
            fields = _FIELDS.get(str(record.get("event")))
            if fields is None:
                raise InputError(f"{self.path}:{line}: unknown event {record.get('event')!r}")
            if missing := fields - record.keys():
                raise InputError(f"{self.path}:{line}: the {record['event']} record lacks {', '.join(sorted(missing))}")
            if record["event"] in events:
                yield record

    def append(self, event: Event, **fields: Any) -> None:
        """Append one record and flush it to disk."""
        append_jsonl(self.path, {"event": event, **fields})
