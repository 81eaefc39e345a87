"""The tables, each declared once in ``schemas/<name>.json``.

A declaration is a Table Schema (Data Package v2) with two more keys on each field:

- ``class``: *identity* (what the row is), *content* (what the report says), *derived* (computed from those) or
  *provenance* (where it came from). The step of a corpus version follows from the classes of the columns that changed.
- ``arrow``: the Arrow type where the field's ``type`` does not settle it: a type's name, ``{"list": T}`` or
  ``{"struct": {name: T}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.resources import resource

ColumnClass = Literal["identity", "content", "derived", "provenance"]
_ARROW: dict[str, Any] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "int8": pa.int8(),
    "int32": pa.int32(),
    "binary": pa.binary(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, meaning, Arrow type, class and constraints (``required``, ``unique``, ``enum``, ``pattern``)."""

    name: str
    title: str
    description: str
    arrow: pa.DataType
    column_class: ColumnClass
    constraints: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One declared table."""

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[tuple[str, str, str], ...]
    """(column, table, column there) for each reference that must lead somewhere."""

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, columns in declared order."""
        return pa.schema([(column.name, column.arrow) for column in self.columns])

    def empty(self) -> pa.Table:
        """Return the table without rows."""
        return self.arrow.empty_table()

    def from_rows(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Return rows as a table; a column that a row lacks is null, one that is not declared is a defect (KeyError)."""
        rows = list(rows)
        names = set(self.arrow.names)
        for row in rows:
            if unknown := row.keys() - names:
                raise KeyError(f"table {self.name} declares no column {', '.join(sorted(unknown))}")
        return pa.Table.from_pylist(rows, schema=self.arrow)

    def names(self, *classes: ColumnClass) -> list[str]:
        """Return the names of the columns of these classes, in declared order."""
        return [column.name for column in self.columns if column.column_class in classes]

    def check(self, table: pa.Table, others: Mapping[str, pa.Table] | None = None) -> list[str]:
        """Return what does not hold of a table's rows, a sentence each: types, nulls, keys, allowed values.

        Foreign keys are held against ``others`` (table name → rows), those of tables not given are passed over.
        """
        problems = self.check_values(table)
        if table.schema.names != self.arrow.names or table.schema.types != self.arrow.types:
            return problems
        for unique in [column.name for column in self.columns if column.constraints.get("unique")]:
            values = table[unique]
            if pc.count_distinct(values).as_py() != len(values) - values.null_count:
                problems.append(f"{self.name}.{unique}: values are not unique")
        key = table.select(list(self.primary_key))
        if key.num_rows != key.group_by(list(self.primary_key)).aggregate([]).num_rows:
            problems.append(f"{self.name}: two rows have the same {', '.join(self.primary_key)}")
        for column, other, there in self.foreign_keys:
            if others is not None and other in others:
                problems += self._check_reference(table, column, other, others[other][there])
        return problems

    def check_values(self, table: pa.Table) -> list[str]:
        """Return what does not hold of rows that may be a part of a table's: types, nulls, allowed values."""
        if table.schema.names != self.arrow.names or table.schema.types != self.arrow.types:
            return [f"{self.name}: columns are not those of its schema: {_difference(table.schema, self.arrow)}"]
        return [problem for column in self.columns for problem in self._check_column(table, column)]

    def _check_column(self, table: pa.Table, column: Column) -> Iterable[str]:
        values = table[column.name]
        if column.constraints.get("required") and values.null_count:
            yield f"{self.name}.{column.name}: {values.null_count} empty values where one is required"
        if pa.types.is_list(column.arrow):
            values = pc.list_flatten(values)
        if allowed := column.constraints.get("enum"):
            wrong = values.filter(pc.invert(pc.is_in(values, pa.array(allowed, values.type)))).drop_null()
            if len(wrong):
                yield f"{self.name}.{column.name}: {wrong[0].as_py()!r} is none of {', '.join(allowed)}"
        if pattern := column.constraints.get("pattern"):
            held = pc.match_substring_regex(values, pattern=f"^(?:{pattern})$")
            if wrong := values.filter(pc.invert(held)).drop_null().to_pylist():
                yield f"{self.name}.{column.name}: {wrong[0]!r} does not have the form {pattern}"

    def _check_reference(self, table: pa.Table, column: str, other: str, known: pa.ChunkedArray) -> Iterable[str]:
        values = table[column]
        if pa.types.is_list(values.type):
            values = pc.list_flatten(values)
        lost = values.filter(pc.invert(pc.is_in(values, known.combine_chunks()))).drop_null()
        if len(lost):
            yield f"{self.name}.{column}: {lost[0].as_py()!r} is not in {other}"


def _difference(found: pa.Schema, declared: pa.Schema) -> str:
    have, want = (
        dict(zip(found.names, found.types, strict=True)),
        dict(zip(declared.names, declared.types, strict=True)),
    )
    parts = [f"lacks {name}" for name in want if name not in have]
    parts += [f"has {name}" for name in have if name not in want]
    parts += [f"{name} is {have[name]}, not {want[name]}" for name in want if name in have and have[name] != want[name]]
    return ", ".join(parts) or "another order"


def _arrow_type(declared: Any) -> pa.DataType:
    if isinstance(declared, str):
        return _ARROW[declared]
    ((kind, inner),) = declared.items()
    if kind == "list":
        return pa.list_(_arrow_type(inner))
    if kind == "struct":
        return pa.struct([(name, _arrow_type(of)) for name, of in inner.items()])
    raise KeyError(kind)


@cache
def table(name: str) -> Table:
    """Return the declaration of a table by its name, read once."""
    declared = json.loads(resource("schemas", f"{name}.json").read_text(encoding="utf-8"))
    return Table(
        name=declared["name"],
        title=declared["title"],
        description=declared["description"],
        columns=tuple(
            Column(
                name=field["name"],
                title=field["title"],
                description=field["description"],
                arrow=_arrow_type(field.get("arrow", field["type"])),
                column_class=field["class"],
                constraints=field.get("constraints", {}),
            )
            for field in declared["fields"]
        ),
        primary_key=tuple(declared["primaryKey"]),
        foreign_keys=tuple(
            (key["fields"][0], key["reference"]["resource"], key["reference"]["fields"][0])
            for key in declared.get("foreignKeys", [])
        ),
    )


def table_names() -> list[str]:
    """Return the names of all declared tables, sorted."""
    return sorted(path.stem for path in resource("schemas").glob("*.json"))
