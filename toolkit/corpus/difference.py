"""What differs between two versions: rows by primary key, columns one by one. Parts that both share are not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from toolkit.corpus import duck
from toolkit.corpus.bits import HASH
from toolkit.corpus.shares import Share, shares
from toolkit.corpus.steps import Step
from toolkit.corpus.store import CorpusVersion
from toolkit.schema import table, table_names

Kind = Literal["added", "removed", "changed"]
_BATCH = 10_000
ROWS_A_PASS = 200_000
"""Rows of both sides that are compared together: whole rows are held, texts and all."""
ROWS_AT_ONCE = 50_000
"""Rows that differ, of which both states are read together."""


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

    @cached_property
    def columns_retyped(self) -> dict[str, tuple[str, str]]:
        """Column → (type before, type after); their values are not compared."""
        pairs = {name: (self.before.schema.field(name).type, self.after.schema.field(name).type) for name in self._both}
        return {name: (str(one), str(other)) for name, (one, other) in pairs.items() if one != other}

    @property
    def counts(self) -> dict[str, int]:
        """Rows added, removed and changed."""
        return {kind: found[0] for kind, found in self._tally.items()}

    @property
    def changed_columns(self) -> dict[str, int]:
        """Column → rows of which it changed, in declared order."""
        found = zip(self._compared, self._tally["changed"][1:], strict=True)
        return {name: count for name, count in found if count}

    @cached_property
    def _tally(self) -> dict[str, list[int]]:
        """What became of rows → how many, and in how many of them each column differs."""
        kinds: tuple[Kind, ...] = ("added", "removed", "changed")
        found = {str(kind): [0] * (1 + len(self._compared)) for kind in kinds}
        sums = [f"count(*) FILTER (WHERE {_differs(name)})" for name in self._compared]
        with duck.connect(self._tables, as_written=True) as connection:
            for share in range(len(self._shares)):
                sql = f"{self._differing(', '.join(['count(*)', *sums]), share)} GROUP BY 1"
                for kind, *counts in connection.execute(sql).fetchall():
                    found[kind] = [sum(both) for both in zip(found[kind], counts, strict=True)]
        return found

    @cached_property
    def _shares(self) -> list[Share]:
        """All rows that differ, :data:`ROWS_A_PASS` at a time."""
        row, key = (HASH.format(", ".join(map(duck.quoted, of))) for of in (self.key + self._compared, self.key))
        return shares(self.before, self.after, row, key, ROWS_A_PASS)

    @property
    def _tables(self) -> dict[str, Any]:
        tables = {"earlier": self.before, "later": self.after}
        for number, share in enumerate(self._shares):
            tables |= {f"earlier{number}": share.before, f"later{number}": share.after}
            if share.suspects is not None:
                tables[f"suspects{number}"] = share.suspects
        return tables

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
        """Yield the rows that differ, at most ``limit``.

        First the keys of all of them are put in order, then the rows of :data:`ROWS_AT_ONCE` keys are read at a time.
        """
        classes = {column.name: column.column_class for column in self._declared}
        keys, places = [duck.quoted(name) for name in self.key], [duck.quoted(name) for name in self._order]
        first = [f"coalesce(a.{name}, b.{name}) AS k{n}" for n, name in enumerate((*places, *keys))]
        sides = [f"{side}.{name} AS {side}{n}" for side in "ba" for n, name in enumerate(places)]
        by = ", ".join(f"k{n}" for n in range(len(places) + len(keys)))
        with duck.connect(self._tables, as_written=True) as connection:
            for share in range(len(self._shares)):
                into = "INSERT INTO found" if share else "CREATE TABLE found AS"
                connection.execute(f"{into} {self._differing(', '.join([*first, *sides]), share)}")
            most = f" LIMIT {limit}" if limit else ""
            connection.execute(
                f"CREATE TABLE wanted AS SELECT row_number() OVER (ORDER BY {by}) AS number, * "
                f"FROM (SELECT DISTINCT * FROM found ORDER BY {by}{most})"
            )
            connection.execute("DROP TABLE found")
            [(count,)] = connection.execute("SELECT count(*) FROM wanted").fetchall()
            for start in range(0, count, ROWS_AT_ONCE):
                for row in self._read(connection, f"number > {start} AND number <= {start + ROWS_AT_ONCE}"):
                    yield self._change(row["kind"], row["before"], row["after"], classes)

    def _read(self, connection: Any, wanted: str) -> Iterator[dict[str, Any]]:
        """Yield some of the wanted rows, in their order; of parts that hold none of them little is read."""
        sides = []
        for side, name in (("b", "earlier"), ("a", "later")):
            within = "true"
            if self._order:
                ends = ", ".join(f"min({side}{n}), max({side}{n})" for n in range(len(self._order)))
                [found] = connection.execute(f"SELECT {ends} FROM wanted WHERE {wanted}").fetchall()
                within = _within(self._order, found)
            on = " AND ".join(
                f"{side}.{duck.quoted(key)} {self._equals} w.k{n}" for n, key in enumerate(self.key, len(self._order))
            )
            # The wanted keys are held while a version's rows go by; those that are found, and no others, are held then.
            rows = f"SELECT {side}.* FROM {name} {side} SEMI JOIN (SELECT * FROM wanted WHERE {wanted}) w ON {on} WHERE {within}"
            sides.append(f"LEFT JOIN ({rows}) {side} ON {on}")
        sql = (
            f"SELECT w.kind, b AS before, a AS after FROM (SELECT * FROM wanted WHERE {wanted}) w "
            f"{' '.join(sides)} ORDER BY w.number"
        )
        for batch in duck.ask(connection, sql, _BATCH):
            yield from batch.to_pylist()

    def _change(self, kind: Kind, before: Any, after: Any, classes: dict[str, str]) -> RowChange:
        old, new = (before if kind != "added" else {}), (after if kind != "removed" else {})
        names = self._compared if kind == "changed" else [n for n in {**old, **new} if n not in self.key]
        cells = tuple(
            Cell(name, classes.get(name, ""), old.get(name), new.get(name))
            for name in names
            if old.get(name) != new.get(name) and (kind == "changed" or [old.get(name), new.get(name)] != [None, []])
        )
        return RowChange(self.name, {name: (new or old)[name] for name in self.key}, kind, cells)

    def _differing(self, columns: str, share: int) -> str:
        """Return the query for what became of the rows of a share that differ, and these columns of both sides."""
        key = HASH.format(", ".join(map(duck.quoted, self.key)))
        where = "true" if self._shares[share].suspects is None else f"{key} IN (SELECT bits FROM suspects{share})"
        differs = " OR ".join(_differs(name) for name in self._compared) or "false"
        on = " AND ".join(f"b.{duck.quoted(n)} {self._equals} a.{duck.quoted(n)}" for n in self.key)
        return (
            "SELECT CASE WHEN b.here IS NULL THEN 'added' WHEN a.here IS NULL THEN 'removed' ELSE 'changed' END AS kind, "
            f"{columns} FROM (SELECT *, true AS here FROM earlier{share} WHERE {where}) b "
            f"FULL OUTER JOIN (SELECT *, true AS here FROM later{share} WHERE {where}) a "
            f"ON {on} WHERE b.here IS NULL OR a.here IS NULL OR {differs}"
        )

    @cached_property
    def key(self) -> list[str]:
        """The columns that rows are matched by."""
        return list(table(self.name).primary_key) if self.name in table_names() else self._both

    @cached_property
    def _declared(self) -> Any:
        return table(self.name).columns if self.name in table_names() else ()

    @cached_property
    def _both(self) -> list[str]:
        return [name for name in self.after.schema.names if name in self.before.schema.names]

    @cached_property
    def _compared(self) -> list[str]:
        return [name for name in self._both if name not in self.key and name not in self.columns_retyped]

    @cached_property
    def _equals(self) -> str:
        """How keys are compared: those of a declared table are never null, and the plain comparison is much the faster."""
        return "=" if self.name in table_names() else "IS NOT DISTINCT FROM"

    @cached_property
    def _order(self) -> list[str]:
        """The columns that rows are in order of, before their keys."""
        return [name for name in ("source_id", "place") if name in self._both]


def _within(columns: Sequence[str], ends: Sequence[Any]) -> str:
    """Return a condition that holds of rows from the first to the last of some places (source, place in it)."""
    conditions = []
    for name, low, high in zip(columns, ends[::2], ends[1::2], strict=True):
        if low is None:
            return "false"
        values = [duck.text(end) if isinstance(end, str) else str(end) for end in (low, high)]
        conditions.append(f"{duck.quoted(name)} BETWEEN {values[0]} AND {values[1]}")
        if low != high:
            break  # places of one source say nothing of another's
    return " AND ".join(conditions)


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
