"""Judgements that came, or were changed, after the last release had settled something on their item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.late import Late
from toolkit.release.coded import TASK_OF, coded_fields, columns_of
from toolkit.release.diff import states
from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS


def since(judgements: pa.Table, release: Folder) -> list[Late]:
    """Return the judgements by which the next release may say something else, in the order of the table.

    ``new`` are those that the release does not hold, ``changed`` those that give other labels in it. Of one under another
    codebook that cannot be told.
    """
    settled = pa.array(sorted({item for config in TASK_OF for item in _settled(release, config)}), pa.string())
    own = judgements.filter(pc.and_(pc.is_in(judgements["item_id"], settled), pc.invert(judgements["skipped"])))
    columns = ["judgement_id", "labels", "codebook_version", "skipped"]
    known = {row["judgement_id"]: row for row in release.rows("judgements").select(columns).to_pylist()}
    found = []
    for row in own.to_pylist():
        before = known.get(row["judgement_id"])
        how = "new" if before is None else "changed" if _changed(before, row) else ""
        if how:
            at = row["created_at" if how == "new" else "updated_at"].isoformat(timespec="seconds")
            about = (row["item_id"], None, None, row["judgement_id"], row["annotator"])
            found.append(Late(*about, at, how, f"release {release.version}", None))
    return found


def _settled(release: Folder, config: str) -> Iterator[str]:
    """Yield the items of a config on which a release says anything."""
    rows, book = release.rows(config), release.codebooks.get(TASK_OF[config])
    fields = [field for field in coded_fields(book) if field.name in rows.column_names] if book else []
    for row in rows.select([KEYS[config], *(n for f in fields for n in columns_of(f))]).to_pylist():
        if any(state != "undecided" for field in fields for state in states(row, field).values()):
            yield row[KEYS[config]]


def _changed(before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    if before["codebook_version"] != row["codebook_version"]:
        return False
    return before["skipped"] or _labels(before) != _labels(row)


def _labels(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(label["field"], label["label"]) for label in row["labels"]}
