"""Version numbers, and the step that follows from what changed.

MAJOR: identity or content edited or removed, or a schema break. MINOR: rows or columns added. PATCH: derived or
provenance values only. Before 1.0.0 the same steps move one place down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import pyarrow as pa

from toolkit.errors import UsageError
from toolkit.fsio import canonical_json
from toolkit.schema import Table

Step = Literal["major", "minor", "patch"]
_RANK: dict[Step, int] = {"patch": 0, "minor": 1, "major": 2}


class Version(NamedTuple):
    """A version x.y.z."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read x.y.z; :class:`UsageError` for anything else."""
        if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
            raise UsageError(f"{text!r} is no version: expected three numbers such as 1.0.0")
        return cls(*map(int, text.split(".")))

    def after(self, step: Step) -> Version:
        """Return the version that follows by a step."""
        rank = _RANK[step] if self.major else max(0, _RANK[step] - 1)
        if rank == 2:
            return Version(self.major + 1, 0, 0)
        return Version(self.major, self.minor + 1, 0) if rank == 1 else Version(self.major, self.minor, self.patch + 1)


class Change(NamedTuple):
    """What changed in one table: rows added and removed, rows changed by column."""

    added: int
    removed: int
    changed: Mapping[str, int]
    step: Step | None


def compare(before: pa.Table, after: pa.Table, schema: Table) -> Change:
    """Return what changed between two states of a table, rows matched by the primary key of its declaration."""
    lost = [name for name in before.schema.names if name not in after.schema.names]
    gained = [name for name in after.schema.names if name not in before.schema.names]
    retyped = [
        n for n in before.schema.names if n not in lost and before.schema.field(n).type != after.schema.field(n).type
    ]
    old, new = _by_key(before, schema), _by_key(after, schema)
    removed, added = old.keys() - new.keys(), new.keys() - old.keys()
    content = {*schema.names("identity", "content")}
    changed: dict[str, int] = {}
    for key in old.keys() & new.keys():
        for name in schema.arrow.names:
            if (
                name in old[key]
                and name in new[key]
                and canonical_json(old[key][name]) != canonical_json(new[key][name])
            ):
                changed[name] = changed.get(name, 0) + 1
    step: Step | None = None
    if lost or retyped or removed or content & changed.keys():
        step = "major"
    elif added or gained:
        step = "minor"
    elif changed:
        step = "patch"
    return Change(len(added), len(removed), dict(sorted(changed.items())), step)


def largest(changes: Mapping[str, Change]) -> Step | None:
    """Return the largest step of several tables, None where nothing changed."""
    return max((change.step for change in changes.values() if change.step), key=_RANK.__getitem__, default=None)


def _by_key(rows: pa.Table, schema: Table) -> dict[tuple[object, ...], dict[str, object]]:
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows.to_pylist()]
    return {tuple(canonical_json(row.get(name)) for name in schema.primary_key): row for row in plain}


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
