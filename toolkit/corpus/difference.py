"""What differs between two versions: rows by primary key, columns one by one. Parts that both share are not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from toolkit.corpus import checks, duck
from toolkit.corpus.steps import Step
from toolkit.corpus.store import CorpusVersion
from toolkit.fsio import canonical_json
from toolkit.parquet import writing_batches
from toolkit.schema import table, table_names

Kind = Literal["added", "removed", "changed"]
_BATCH = 10_000
ROWS_A_PASS = 200_000
"""Rows of both sides that are compared together: whole rows are held, texts and all."""


class Cell(NamedTuple):
    """One value before and after; None on the side where the row is not."""

    column: str
    column_class: str
    before: Any
    after: Any


class RowChange(NamedTuple):
    """One row that differs: its key, and the columns that do (of a row added or removed: those that are not empty)."""

    table: str
    key: dict[str, Any]
    kind: Kind
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class TableDifference:
    """What differs in one table. Rows are found when asked for, by source, place and key."""

    name: str
    before: Any
    after: Any

    @property
    def columns_added(self) -> list[str]:
        """Columns that only the later version has."""
        return [name for name in self.after.schema.names if name not in self.before.schema.names]

    @property
    def columns_removed(self) -> list[str]:
        """Columns that only the earlier version has."""
        return [name for name in self.before.schema.names if name not in self.after.schema.names]

    @property
    def columns_retyped(self) -> dict[str, tuple[str, str]]:
        """Column → (type before, type after); their values are not compared."""
        pairs = {name: (self.before.schema.field(name).type, self.after.schema.field(name).type) for name in self._both}
        return {name: (str(one), str(other)) for name, (one, other) in pairs.items() if one != other}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows added, removed and changed."""
        found = dict.fromkeys(("added", "removed", "changed"), 0)
        with duck.connect({"earlier": self.before, "later": self.after}) as connection:
            for share in self._shares:
                sql = f"SELECT kind, count(*) FROM ({self._sql(where=share)}) GROUP BY kind"
                for kind, count in connection.execute(sql).fetchall():
                    found[kind] += count
        return found

    @cached_property
    def changed_columns(self) -> dict[str, int]:
        """Column → rows of which it changed, in declared order."""
        sums = ", ".join(f"count(*) FILTER (WHERE {_differs(name)})" for name in self._compared)
        if not sums:
            return {}
        found = [0] * len(self._compared)
        with duck.connect({"earlier": self.before, "later": self.after}) as connection:
            for share in self._shares:
                one, other = (f"(SELECT * FROM {side} WHERE {share})" for side in ("earlier", "later"))
                counts = connection.execute(f"SELECT {sums} FROM {one} b JOIN {other} a ON {self._on}").fetchone() or ()
                found = [sum(both) for both in zip(found, counts, strict=True)]
        return {name: count for name, count in zip(self._compared, found, strict=True) if count}

    @property
    def _shares(self) -> list[str]:
        """Conditions that cut the rows of both sides by their key, so that no comparison holds too many of them."""
        rows = sum(
            side.count_rows() if hasattr(side, "count_rows") else side.num_rows for side in (self.before, self.after)
        )
        return checks.shares(", ".join(map(duck.quoted, self.key)), rows, ROWS_A_PASS)

    @property
    def step(self) -> Step | None:
        """The step of the version number that these differences call for (:mod:`toolkit.corpus.steps`)."""
        content = {c.column_class for c in self._declared if c.name in self.changed_columns} & {"identity", "content"}
        if self.columns_removed or self.columns_retyped or self.counts["removed"] or content:
            return "major"
        if self.counts["added"] or self.columns_added:
            return "minor"
        return "patch" if self.counts["changed"] else None

    def rows(self, limit: int | None = None) -> Iterator[RowChange]:
        """Yield the rows that differ, at most ``limit``."""
        classes = {column.name: column.column_class for column in self._declared}
        order = [name for name in ("source_id", "place") if name in self._both]
        by = ", ".join(f"coalesce(a.{duck.quoted(n)}, b.{duck.quoted(n)})" for n in (*order, *self.key))
        sql = self._sql(f"row_number() OVER (ORDER BY {by}) AS number, b AS before, a AS after")
        sql = f"SELECT kind, before, after FROM ({sql}) ORDER BY number" + (f" LIMIT {limit}" if limit else "")
        with duck.connect({"earlier": self.before, "later": self.after}) as connection:
            for batch in duck.ask(connection, sql):
                for row in batch.to_pylist():
                    yield self._change(row["kind"], row["before"], row["after"], classes)

    def _change(self, kind: Kind, before: Any, after: Any, classes: dict[str, str]) -> RowChange:
        old, new = (before if kind != "added" else {}), (after if kind != "removed" else {})
        names = (
            self._compared if kind == "changed" else [n for n in {**old, **new} if n != "here" and n not in self.key]
        )
        cells = tuple(
            Cell(name, classes.get(name, ""), old.get(name), new.get(name))
            for name in names
            if old.get(name) != new.get(name) and (kind == "changed" or [old.get(name), new.get(name)] != [None, []])
        )
        return RowChange(self.name, {name: (new or old)[name] for name in self.key}, kind, cells)

    def _sql(self, also: str = "1 AS one", where: str = "true") -> str:
        differs = " OR ".join(_differs(name) for name in self._compared) or "false"
        return (
            "SELECT CASE WHEN b.here IS NULL THEN 'added' WHEN a.here IS NULL THEN 'removed' ELSE 'changed' END AS kind, "
            f"{also} FROM (SELECT *, true AS here FROM earlier WHERE {where}) b "
            f"FULL OUTER JOIN (SELECT *, true AS here FROM later WHERE {where}) a "
            f"ON {self._on} WHERE b.here IS NULL OR a.here IS NULL OR {differs}"
        )

    @property
    def key(self) -> list[str]:
        """The columns that rows are matched by."""
        return list(table(self.name).primary_key) if self.name in table_names() else self._both

    @property
    def _declared(self) -> Any:
        return table(self.name).columns if self.name in table_names() else ()

    @property
    def _both(self) -> list[str]:
        return [name for name in self.after.schema.names if name in self.before.schema.names]

    @property
    def _compared(self) -> list[str]:
        return [name for name in self._both if name not in self.key and name not in self.columns_retyped]

    @property
    def _on(self) -> str:
        return " AND ".join(f"b.{duck.quoted(n)} IS NOT DISTINCT FROM a.{duck.quoted(n)}" for n in self.key)


def _differs(name: str) -> str:
    return f"b.{duck.quoted(name)} IS DISTINCT FROM a.{duck.quoted(name)}"


def difference(before: CorpusVersion, after: CorpusVersion, *, leave_out: Sequence[str] = ()) -> list[TableDifference]:
    """Return what differs between two versions, table by table; tables whose parts are the same are left out."""
    found = []
    for name in dict.fromkeys([*after.manifest["tables"], *before.manifest["tables"]]):
        if name in leave_out:
            continue
        old, new = before.part_files(name), after.part_files(name)
        shared = {sha256 for sha256, _ in old} & {sha256 for sha256, _ in new}
        files = [[path for sha256, path in side if sha256 not in shared] for side in (old, new)]
        one, other = (duck.lazy(side, name) if side else None for side in files)
        if one is not None or other is not None:
            there: Any = other if one is None else one
            empty = there.schema.empty_table()
            found.append(TableDifference(name, empty if one is None else one, empty if other is None else other))
    return [part for part in found if part.step]


def write(path: Path, differences: list[TableDifference]) -> int:
    """Write the changes to a Parquet file (``schemas/changes.json``), one row a changed value; return how many."""
    written = 0
    with writing_batches(path, table("changes").arrow) as out:
        pending: list[dict[str, Any]] = []
        for part in differences:
            for row in part.rows():
                pending += records(row)
                if len(pending) >= _BATCH:
                    written += len(pending)
                    out.write(_batch(pending))
                    pending = []
        out.write(_batch(pending))
        return written + len(pending)


def _batch(records: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(records, schema=table("changes").arrow)


def records(row: RowChange) -> list[dict[str, Any]]:
    """Return a changed row as rows of ``schemas/changes.json``: values as JSON, so that one column holds them all."""
    about = {"table": row.table, "key": canonical_json(row.key), "change": row.kind}
    return [
        about
        | {
            "column": cell.column,
            "column_class": cell.column_class or None,
            "before": None if cell.before is None else canonical_json(plain(cell.before)),
            "after": None if cell.after is None else canonical_json(plain(cell.after)),
        }
        for cell in row.cells
    ]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as text."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
