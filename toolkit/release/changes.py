"""What a release changes against the one before, and the step of the version that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus.steps import Change, Step, Version
from toolkit.release.features import release_table
from toolkit.release.rows import CONFIGS, KEYS, SPLIT_CONFIGS
from toolkit.schema import Table

FIRST = Version(1, 0, 0)
_SLICE = 20_000
Parts = Mapping[str, Mapping[str, pa.Table]]


# What a release says of itself beside its rows, and that its changelog names when it changes.
_ABOUT = ("title", "licence", "contact", "languages", "gated", "annotator_demographics", "ethical_review")


@dataclass(frozen=True)
class Side:
    """One of two releases: its rows, features, hashes of codebooks and of documents, and what it says of itself."""

    parts: Parts
    features: Mapping[str, Any]
    codebooks: Mapping[str, str]
    about: Mapping[str, Any]
    documents: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """The step (None: nothing changed) and the lines of the changelog."""

    step: Step | None
    lines: list[str]


def difference(before: Side, after: Side) -> Difference:
    """Compare two releases by their rows, splits, features, codebooks and documents.

    An item that moves between splits, and labels that leave or change their order, are MAJOR; labels added are MINOR; other words
    in a codebook, in the card or in another document are PATCH.
    """
    lines: list[str] = []
    steps: list[Step] = []
    for config in CONFIGS:
        schema = release_table(config)
        old, new = (_whole(side.parts.get(config, {}), schema.empty()) for side in (before, after))
        change = compared(old, new, schema)
        if change.step:
            steps.append(change.step)
            edits = [f"{column} of {count}" for column, count in change.changed.items()]
            counts = [f"{change.added} rows added"] * bool(change.added) + [f"{change.removed} removed"] * bool(
                change.removed
            )
            lines.append(f"{config}: {'; '.join([*counts, *(['changed: ' + ', '.join(edits)] if edits else [])])}")
        if config in SPLIT_CONFIGS and (
            moved := _moved(before.parts.get(config, {}), after.parts.get(config, {}), KEYS[config])
        ):
            steps.append("major")
            lines.append(f"{config}: {moved} rows moved to another split")
        if step := _labels_step(before.features.get(config), after.features.get(config)):
            steps.append(step)
            lines.append(f"{config}: {'columns or labels added' if step == 'minor' else 'columns or labels changed'}")
    if before.codebooks != after.codebooks:
        steps.append("patch")
        lines.append("codebooks: wording changed")
    lines += [
        f"{name}: {_said(before.about.get(name))} → {_said(after.about.get(name))}"
        for name in _ABOUT
        if before.about.get(name) != after.about.get(name)
    ]
    if other := _unlike(before.documents, after.documents):
        # Where rows changed, so did the numbers of the card: that is not worth a line.
        lines += [] if steps else [f"documents: other words in {', '.join(other)}"]
        steps.append("patch")
    order: tuple[Step, ...] = ("major", "minor", "patch")
    return Difference(next((step for step in order if step in steps), None), lines)


def compared(before: pa.Table, after: pa.Table, schema: Table) -> Change:
    """Return what changed between two states of a config, rows matched by its key, as :func:`toolkit.corpus.steps.compare`.

    Column by column: a release has millions of judgements.
    """
    (key,) = schema.primary_key
    lost = [name for name in before.schema.names if name not in after.schema.names]
    gained = [name for name in after.schema.names if name not in before.schema.names]
    shared = [name for name in before.schema.names if name not in lost]
    retyped = [name for name in shared if before.schema.field(name).type != after.schema.field(name).type]
    both = Matched.by(key, before, after)
    changed = {name: count for name in shared if (count := len(unequal(*both.column(name))))}
    added, removed = after.num_rows - len(both), before.num_rows - len(both)
    step: Step | None = None
    if lost or retyped or removed or {*schema.names("identity", "content")} & changed.keys():
        step = "major"
    elif added or gained:
        step = "minor"
    elif changed:
        step = "patch"
    return Change(added, removed, dict(sorted(changed.items())), step)


@dataclass(frozen=True)
class Matched:
    """The rows that two tables both have, in the order of ``before``: a column at a time, as all may be much to hold twice."""

    before: pa.Table
    after: pa.Table
    own: pa.Array
    """Whether each row of ``before`` is one of them."""
    there: pa.Array
    """Where in ``after`` each of them stands."""

    @classmethod
    def by(cls, key: str, before: pa.Table, after: pa.Table) -> Matched:
        """Match the rows of one key."""
        place = pc.index_in(before[key], value_set=after[key].combine_chunks()).combine_chunks()
        return cls(before, after, pc.is_valid(place), place.drop_null())

    def __len__(self) -> int:
        """Count them."""
        return len(self.there)

    def column(self, name: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """Return the values of a column before and after."""
        return self.before[name].filter(self.own), self.after[name].take(self.there)


def unequal(old: pa.ChunkedArray, new: pa.ChunkedArray) -> Sequence[int]:
    """Return the places at which two columns of one length differ, empty values equal to each other alone."""
    if old.type != new.type:
        return range(len(old))
    if pa.types.is_nested(old.type):
        places: list[int] = []
        for start in range(0, len(old), _SLICE):
            one, other = old.slice(start, _SLICE), new.slice(start, _SLICE)
            if not one.equals(other):
                pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
                places += [start + place for place, (was, now) in enumerate(pairs) if was != now]
        return places
    differ = pc.or_(pc.fill_null(pc.not_equal(old, new), False), pc.xor(pc.is_null(old), pc.is_null(new)))
    found: Sequence[int] = pc.indices_nonzero(differ).to_pylist()
    return found


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) or "none"


def _unlike(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _whole(splits: Mapping[str, pa.Table], empty: pa.Table) -> pa.Table:
    return pa.concat_tables([*splits.values()]) if splits else empty


def _moved(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], key: str) -> int:
    moved = 0
    for split, rows in before.items():
        for other, there in after.items():
            if split != other:
                moved += int(pc.sum(pc.is_in(rows[key], value_set=there[key].combine_chunks()), min_count=0).as_py())
    return moved


def _labels_step(before: Any, after: Any) -> Step | None:
    """Return the step from one declaration of features to another; a config that comes or goes is a matter of its rows."""
    if before is None or after is None or before == after:
        return None
    return "minor" if _extends(before, after) else "major"


def _extends(before: Any, after: Any) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and _extends(value, after[key]) for key, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) <= len(after) and all(_extends(b, a) for b, a in zip(before, after, strict=False))
    return bool(before == after)
