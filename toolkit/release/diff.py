"""What one release holds that another does not: rows, cells, labels with both values, splits, declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Field as CodedField
from toolkit.corpus.steps import Version
from toolkit.release.changes import Matched, Side, difference, unequal
from toolkit.release.coded import TASK_OF, coded_fields, columns_of
from toolkit.release.folder import Folder
from toolkit.release.rows import CONFIGS, KEYS, SPLIT_CONFIGS

NOT_ASKED = "not asked"
Row = dict[str, Any]
_ROWS = 10_000
"""Rows of which some column differs that are rows of Python at a time."""


@dataclass(frozen=True)
class Flip:
    """One label of one item that stands otherwise: yes, no, contested, undecided or not asked.

    ``label`` is None for a field with one value, whose ``before`` and ``after`` are that value.
    """

    config: str
    id: str
    field: str
    label: str | None
    before: str
    after: str


@dataclass(frozen=True)
class Cell:
    """One value that changed."""

    config: str
    id: str
    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Move:
    """An item in another split."""

    config: str
    id: str
    before: str
    after: str


@dataclass(frozen=True)
class ConfigDiff:
    """One config: keys added and removed in the order of their release, and how many values changed, by column."""

    config: str
    rows_before: int
    rows_after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, int]


@dataclass(frozen=True)
class ReleaseDiff:
    """Everything between two releases, and the step of the version that follows from it.

    ``step`` None: nothing changed. ``expected`` is the least version that may follow ``before``; ``lines`` are those of the
    changelog.
    """

    before: str
    after: str
    step: str | None
    expected: str
    lines: tuple[str, ...]
    configs: tuple[ConfigDiff, ...]
    flips: tuple[Flip, ...]
    moves: tuple[Move, ...]
    cells: tuple[Cell, ...]
    schema: tuple[str, ...]
    codebooks: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def side_of(folder: Folder) -> Side:
    """Return a release as one of two that are compared."""
    said = folder.manifest
    return Side(folder.parts, folder.features(), folder.codebook_hashes(), said["about"], said["documents"])


def diff(before: Folder, after: Folder) -> ReleaseDiff:
    """Compare two release folders by what they hold; :class:`InputError` where one cannot be read."""
    told = difference(side_of(before), side_of(after))
    configs, cells, flips, moves = [], [], [], []
    for config in CONFIGS:
        one, changed = _config(config, before.rows(config), after.rows(config))
        configs.append(one)
        cells += changed
        if config in TASK_OF:
            flips += _flips(config, before, after)
        if config in SPLIT_CONFIGS:
            moves += _moves(config, before, after)
    return ReleaseDiff(
        before=before.version,
        after=after.version,
        step=told.step,
        expected=str(Version.parse(before.version).after(told.step)) if told.step else before.version,
        lines=tuple(told.lines),
        configs=tuple(configs),
        flips=tuple(flips),
        moves=tuple(moves),
        cells=tuple(cells),
        schema=tuple(_schema(before.features(), after.features())),
        codebooks=tuple(_files(before.codebook_hashes(), after.codebook_hashes())),
    )


def _config(config: str, before: pa.Table, after: pa.Table) -> tuple[ConfigDiff, list[Cell]]:
    key = KEYS[config]
    both = Matched.by(key, before, after)
    keys, _ = both.column(key)
    cells = []
    for column in (name for name in after.schema.names if name in before.schema.names):
        old, new = both.column(column)
        cells += [
            Cell(config, keys[place].as_py(), column, _told(old[place].as_py()), _told(new[place].as_py()))
            for place in unequal(old, new)
        ]
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell.column] = counts.get(cell.column, 0) + 1
    added, removed = _without(after[key], before[key]), _without(before[key], after[key])
    return ConfigDiff(config, before.num_rows, after.num_rows, added, removed, counts), cells


def _told(value: Any) -> Any:
    """Return a value as it is told: an image by its name, which holds its hash."""
    return value["path"] if isinstance(value, dict) and "bytes" in value else value


def _without(keys: pa.ChunkedArray, others: pa.ChunkedArray) -> tuple[str, ...]:
    return tuple(keys.filter(pc.invert(pc.is_in(keys, value_set=others.combine_chunks()))).to_pylist())


def _flips(config: str, before: Folder, after: Folder) -> list[Flip]:
    book, key = after.codebooks[TASK_OF[config]], KEYS[config]
    said = [key, *(name for one in coded_fields(book) for name in columns_of(one))]
    found = []
    for old, row in _unlike(before.rows(config), after.rows(config), key, said):
        for field in coded_fields(book):
            if field.name not in old or field.name not in row:
                continue
            one, other = states(old, field), states(row, field)
            found += [
                Flip(config, row[key], field.name, label, one.get(label, NOT_ASKED), other.get(label, NOT_ASKED))
                for label in [*other, *(label for label in one if label not in other)]
                if one.get(label, NOT_ASKED) != other.get(label, NOT_ASKED)
            ]
    return found


def _unlike(before: pa.Table, after: pa.Table, key: str, columns: Sequence[str]) -> Iterator[tuple[Row, Row]]:
    """Yield the rows of both that differ in some columns, before and after, cut down to these, in the order of ``after``."""
    both = Matched.by(key, before, after)
    shared = [name for name in columns if name in before.column_names and name in after.column_names]
    places = np.unique(np.array([place for name in shared for place in unequal(*both.column(name))], np.int64))
    there = both.there.take(pa.array(places)).to_numpy()
    places, there = (own[np.argsort(there)] for own in (places, there))
    own = pc.indices_nonzero(both.own).take(pa.array(places))
    for start in range(0, len(places), _ROWS):
        sides = ((before, own), (after, pa.array(there)))
        old, new = (
            side.select([name for name in columns if name in side.column_names])
            .take(at.slice(start, _ROWS))
            .to_pylist()
            for side, at in sides
        )
        yield from zip(old, new, strict=True)


def states(row: Mapping[str, Any], field: CodedField) -> dict[str | None, str]:
    """Return how a released item stands: label → yes, no, contested or undecided; of a field with one value, None → it."""
    return _labels(row, field.name) if field.kind == "multi" else _value(row, field.name)


def _labels(row: Mapping[str, Any], field: str) -> dict[str | None, str]:
    """Return how each label that was asked about stands on an item, in the codebook's order."""
    states: dict[str | None, str] = {entry["label"]: "no" for entry in row[f"{field}_dist"] or ()}
    for suffix, state in (("", "yes"), ("_contested", "contested"), ("_undecided", "undecided")):
        states |= dict.fromkeys(row[f"{field}{suffix}"] or (), state)
    return states


def _value(row: Mapping[str, Any], field: str) -> dict[str | None, str]:
    if row[f"{field}_contested"]:
        return {None: "contested"}
    if row[f"{field}_undecided"]:
        return {None: "undecided"}
    return {None: row[field]} if row[field] is not None else {}


def _moves(config: str, before: Folder, after: Folder) -> list[Move]:
    (was_in, was), (now_in, now) = (_splits(config, folder) for folder in (before, after))
    there = pc.index_in(now, value_set=was)
    old = was_in.take(there)
    moved = pc.fill_null(pc.not_equal(old, now_in), False)
    rows = zip(*(values.filter(moved).to_pylist() for values in (now, old, now_in)), strict=True)
    return [Move(config, *row) for row in rows]


def _splits(config: str, folder: Folder) -> tuple[pa.Array, pa.Array]:
    """Return the split of each row of a config, and its key."""
    parts = folder.parts.get(config, {})
    splits = [pa.repeat(pa.scalar(split, pa.string()), rows.num_rows) for split, rows in parts.items()]
    keys = [chunk for rows in parts.values() for chunk in rows[KEYS[config]].chunks]
    return (
        pa.chunked_array(splits, pa.string()).combine_chunks(),
        pa.chunked_array(keys, pa.string()).combine_chunks(),
    )


def _schema(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    lines = [f"{config}: config gone" for config in before if config not in after]
    for config, declared in after.items():
        if config not in before:
            lines.append(f"{config}: new config")
            continue
        was, now = ({feature["name"]: feature for feature in own} for own in (before[config], declared))
        lines += [f"{config}.{name}: column gone" for name in was if name not in now]
        lines += [f"{config}.{name}: new column" for name in now if name not in was]
        lines += [f"{config}.{name}: declared otherwise" for name in now if name in was and was[name] != now[name]]
    return lines


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    lines = [f"{path}: gone" for path in before if path not in after]
    lines += [f"{path}: new" for path in after if path not in before]
    return lines + [f"{path}: changed" for path in after if path in before and before[path] != after[path]]
