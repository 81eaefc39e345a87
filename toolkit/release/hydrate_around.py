"""What a release leaves out of the reports beside the posts' words, put back from a user's own corpus: narratives, and names.

A narrative's id is made of its words (:func:`toolkit.ids.mint`), so that the id tells whether they are those of the release; its
name is told by standing in them. Where an id was kept over a correction, the report's whole text tells: its hash is among the
release's sources. Display names of public accounts have neither hash nor place; they are taken as the corpus has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from toolkit.ids import digest_id, normalise
from toolkit.release import accounts

Row = dict[str, Any]
NO_ROW, NO_COPY, ANOTHER = "not in the corpus", "no copy of it", "another text"
_OCCURRENCES = 100


class Narratives:
    """A user's own narratives, to be put back into a release's."""

    def __init__(self, corpus: Mapping[str, pa.Table], released: pa.Table) -> None:
        self._rows = {row["narrative_id"]: row for row in corpus["narratives"].to_pylist()}
        self._sources = {row["source_id"]: row for row in corpus["sources"].to_pylist()}
        self._hashes = dict(zip(*(released[n].to_pylist() for n in ("source_id", "text_sha256")), strict=True))
        self.back = 0
        self.missing: dict[str, str] = {}
        """Id → why, of those that stay as they are; :data:`NO_COPY` where the report's prose alone was kept back."""

    def fill(self, row: Row) -> Row:
        """Return a narrative with what was left out of it, or as it is."""
        if row["name"] is not None and row["text"] is not None:
            return row
        own = self._rows.get(row["narrative_id"])
        if own is None:
            self.missing[row["narrative_id"]] = NO_ROW if row["name"] is None else NO_COPY
            return row
        if not self._same(row, own):
            self.missing[row["narrative_id"]] = ANOTHER
            return row
        self.back += 1
        return row | {name: own[name] for name in ("name", "text") if row[name] is None}

    def _same(self, row: Row, own: Row) -> bool:
        source, wanted = self._sources[own["source_id"]], self._hashes.get(row["source_id"])
        if wanted and source["text_sha256"] == wanted:
            return True
        words = normalise(own["text"])
        made = (digest_id("narrative", source["key"], words, number) for number in range(_OCCURRENCES))
        return normalise(own["name"]) in words and row["narrative_id"] in made


class Names:
    """The display names that the reports of ``dry`` give public accounts."""

    def __init__(self, corpus: Mapping[str, pa.Table], dry: frozenset[str]) -> None:
        self._names: dict[str, list[str]] = {}
        self.back = 0
        for row in corpus["accounts"].to_pylist():
            if row["source_id"] in dry and accounts.is_public(row):
                self._names.setdefault(row["handle"], []).extend(row["names"])

    def fill(self, row: Row) -> Row:
        """Return an account with its names: first those that the release has, then those that it left out."""
        known = self._names.get(row["handle"], []) if row["handle"] is not None else []
        names = list(dict.fromkeys([*row["names"], *known]))
        self.back += names != row["names"]
        return row | {"names": names}
