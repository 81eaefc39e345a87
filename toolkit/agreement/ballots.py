"""The judgements table → who answered what on which item, as arrays: a million judgements in seconds.

The rules are those of :mod:`toolkit.votes`, which says them in words and gives the same answers one object each; a test
holds the two together. Here they are applied to whole columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from toolkit.codebook import Codebook, Field
from toolkit.codebooks import named_by
from toolkit.votes import NO_VOTE

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_ASIDE = ("project", "judged_item_id", "config_sha256", "guide_sha256", "comment", "free", "seconds", "updated_at")
_BESIDE = (*_ASIDE, "item_type", "unable", "text_sha256", "prediction_version", "provenance", "evidence", "regions")
Kind = Literal["multi", "single", "ordinal"]


@dataclass(frozen=True)
class Submissions:
    """Submissions that count, at most one of a ``rater`` on a ``unit``; both are codes, one a row of ``rows``.

    Between annotators a unit is an item and the raters are the annotators; within one, a unit is an item of one
    annotator and the raters are the rounds.
    """

    rows: pa.Table
    unit: Ints
    rater: Ints
    raters: tuple[str, ...]

    def only(self, kept: Bools) -> Submissions:
        """Return some of them."""
        return Submissions(self.rows.filter(pa.array(kept)), self.unit[kept], self.rater[kept], self.raters)


@dataclass(frozen=True)
class Ballot:
    """All answers in one field: ``given[i, j]`` tells whether answer i, of a rater on a unit, has ``labels[j]``.

    ``row`` is the answer's place in the submissions. ``parents[j]`` is the first level of the label; of an ordinal field
    the labels are its values, ascending. ``silent[i, j]``: answer i says nothing of ``labels[j]``, neither yes nor no.
    """

    task: str
    field: str
    kind: Kind
    labels: tuple[str, ...]
    parents: tuple[str, ...]
    unit: Ints
    rater: Ints
    row: Ints
    given: Bools
    silent: Bools

    def at_level_one(self) -> Ballot:
        """Return the answers with each label in the place of its first level."""
        roots = tuple(dict.fromkeys(self.parents))
        given = np.zeros((len(self.unit), len(roots)), dtype=np.bool_)
        for place, parent in enumerate(self.parents):
            given[:, roots.index(parent)] |= self.given[:, place]
        silent = np.zeros_like(given)
        for place, parent in enumerate(self.parents):
            silent[:, roots.index(parent)] |= self.silent[:, place]
        same = (self.unit, self.rater, self.row)
        return Ballot(self.task, self.field, self.kind, roots, roots, *same, given, silent & ~given)

    def comparable(self) -> Ballot:
        """Return the answers whose sets can be compared: without those silent on a label that another gave on the unit."""
        if not self.silent.any():
            return self
        units = np.unique(self.unit, return_inverse=True)[1].reshape(-1)
        there = np.zeros((int(units.max(initial=-1)) + 1, len(self.labels)), dtype=np.bool_)
        np.logical_or.at(there, units, self.given)
        kept = ~(self.silent & there[units]).any(axis=1)
        same = (self.unit[kept], self.rater[kept], self.row[kept])
        return Ballot(
            self.task, self.field, self.kind, self.labels, self.parents, *same, self.given[kept], self.silent[kept]
        )

    def sets(self) -> tuple[Ints, Bools]:
        """Return each answer's set of labels as a code, and the sets (codes × labels), in an order of the labels'."""
        packed = np.packbits(self.given, axis=1)
        width = -(-max(packed.shape[1], 1) // 8) * 8
        padded = np.zeros((len(packed), width), dtype=np.uint8)
        padded[:, : packed.shape[1]] = packed
        words = padded.view(">u8")
        if words.shape[1] == 1:
            _, first, codes = np.unique(words[:, 0], return_index=True, return_inverse=True)
        else:
            _, first, codes = np.unique(words, axis=0, return_index=True, return_inverse=True)
        return codes.reshape(-1).astype(np.int64), self.given[first]


def votes(judgements: pa.Table) -> Submissions:
    """Return what counts between annotators: the latest submission of each on each item, skips left out."""
    return _submissions(judgements, _votes(judgements))


def by_first_vote(judgements: pa.Table) -> Ints:
    """Return the places of the judgements of items with a vote, an item's together, in the order of their first votes."""
    items = _flat(judgements["item_id"]).dictionary_encode().indices.to_numpy().astype(np.int64)
    places = np.flatnonzero(_votes(judgements).among)
    first = np.full(int(items.max(initial=-1)) + 1, len(items), dtype=np.int64)
    first[items[places[::-1]]] = places[::-1]
    order = np.argsort(first[items], kind="stable")
    return order[: int((first[items] < len(items)).sum())]


def answers(judgements: pa.Table) -> pa.Table:
    """Return judgements without what says nothing of which labels were given: most of what they weigh."""
    return judgements.drop_columns([name for name in _BESIDE if name in judgements.column_names])


def repeats(judgements: pa.Table) -> Submissions:
    """Return what counts within annotators: the latest submission of each round, of items that a repeat round showed again.

    Submissions of one round that follow each other are corrections, not repeats; training is left out.
    """
    counts = pc.not_equal(judgements["round_kind"], "training")
    found = _submissions(judgements, _latest(judgements, counts, ("task", "item_id", "annotator"), "round"))
    again = np.asarray(pc.equal(found.rows["round_kind"], "repeat").combine_chunks().to_numpy(zero_copy_only=False))
    shown = np.zeros(int(found.unit.max(initial=-1)) + 1, dtype=np.bool_)
    shown[found.unit[again.astype(np.bool_)]] = True
    return found.only(shown[found.unit] if len(found.unit) else np.zeros(0, dtype=np.bool_))


def codes(column: pa.ChunkedArray) -> tuple[Ints, list[Any]]:
    """Return a column as codes, and its values in sorted order (which the codes count)."""
    encoded = _flat(column).dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=lambda place: values[place])
    rank = np.empty(max(len(values), 1), dtype=np.int64)
    rank[order] = np.arange(len(values))
    return rank[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)], [values[place] for place in order]


@dataclass(frozen=True)
class _Latest:
    """Which judgements count (``among``), with the unit and the rater of each of those."""

    among: Bools
    unit: Ints
    rater: Ints
    raters: tuple[str, ...]


def _votes(judgements: pa.Table) -> _Latest:
    counts = pc.invert(pc.is_in(judgements["round_kind"], pa.array(NO_VOTE)))
    return _latest(judgements, counts, ("task", "item_id"), "annotator")


def _latest(judgements: pa.Table, counts: pa.ChunkedArray, unit: Sequence[str], rater: str) -> _Latest:
    rows = judgements.select([*unit, rater, "created_at", "judgement_id", "skipped"]).filter(counts)
    units = np.zeros(rows.num_rows, dtype=np.int64)
    for name in unit:
        own, values = codes(rows[name])
        units = np.unique(units * max(len(values), 1) + own, return_inverse=True)[1].reshape(-1).astype(np.int64)
    raters, names = codes(rows[rater])
    cell = units * max(len(names), 1) + raters
    at = rows["created_at"].cast(pa.int64()).to_numpy()
    order = np.lexsort((at, cell))
    same = (cell[order][1:] == cell[order][:-1]) & (at[order][1:] == at[order][:-1])
    if same.any():
        # Two at one moment: the id decides, so that the table's order does not.
        ids = np.asarray(pc.rank(rows["judgement_id"].combine_chunks(), tiebreaker="first"))
        order = np.lexsort((ids, at, cell))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = cell[order][1:] != cell[order][:-1]
    kept = np.zeros(rows.num_rows, dtype=np.bool_)
    kept[order[last]] = True
    # A skip that is somebody's latest word takes their earlier answer back.
    kept &= ~np.asarray(rows["skipped"].to_numpy()).astype(np.bool_)
    among = np.asarray(counts.to_numpy()).astype(np.bool_)
    among[among] = kept
    return _Latest(among, units[kept], raters[kept], tuple(map(str, names)))


def _submissions(judgements: pa.Table, found: _Latest) -> Submissions:
    # What says nothing of an answer is left behind: it is half of a million rows. Column by column, as they are large.
    held = [name for name in judgements.column_names if name not in _ASIDE]
    mask = pa.array(found.among)
    columns = [_flat(judgements[name].filter(mask)) for name in held]
    own = pa.table(columns, names=held).replace_schema_metadata(judgements.schema.metadata)
    return Submissions(own, found.unit, found.rater, found.raters)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def ballots(found: Submissions) -> Iterator[Ballot]:
    """Yield the answers field by field, tasks by name, fields in the codebook's order; fields nobody answered left out."""
    codebooks = named_by(found.rows)
    tasks, names = codes(found.rows["task"])
    listed = found.rows["labels"].combine_chunks()
    if isinstance(listed, pa.ChunkedArray):
        listed = pa.concat_arrays(listed.chunks) if listed.num_chunks else pa.array([], listed.type)
    parents = pc.list_parent_indices(listed).to_numpy().astype(np.int64)
    flat = pc.list_flatten(listed)
    fields, field_names = codes(pa.chunked_array([flat.field("field")]))
    labels, label_names = codes(pa.chunked_array([flat.field("label")]))
    for task, name in enumerate(names):
        codebook = codebooks(name)
        here = np.flatnonzero(tasks == task)
        place = np.full(len(tasks), -1, dtype=np.int64)
        place[here] = np.arange(len(here))
        for field in codebook.fields:
            if field.coded:
                own = (
                    fields == field_names.index(field.name)
                    if field.name in field_names
                    else np.zeros(len(fields), bool)
                )
                own &= place[parents] >= 0
                ballot = _labels(codebook, field, found, here, place[parents[own]], labels[own], label_names)
            elif field.kind == "ordinal" and field.name in found.rows.column_names:
                ballot = _ordinal(codebook, field, found, here)
            else:
                continue
            if len(ballot.unit) or field.kind != "ordinal":
                yield ballot


def _labels(
    codebook: Codebook, field: Field, found: Submissions, here: Ints, row: Ints, label: Ints, names: Sequence[str]
) -> Ballot:
    leaves = [leaf.id for leaf in codebook.leaves(field.name)]
    # What another version of the codebook called a label stands after this one's.
    strange = [names[code] for code in np.unique(label) if names[code] not in leaves]
    known = (*leaves, *strange)
    column = np.array([known.index(name) if name in known else -1 for name in names] or [0], dtype=np.int64)
    given = np.zeros((len(here), len(known)), dtype=np.bool_)
    given[row, column[label]] = True
    several = given.sum(axis=1)
    answered = several > 0 if field.required or field.kind == "single" else np.ones(len(here), dtype=np.bool_)
    for place, leaf in enumerate(leaves):
        if codebook.label(leaf).abstains:
            answered &= ~(given[:, place] & (several == 1))
    parents = tuple(codebook.path(leaf)[0] for leaf in leaves) + tuple(strange)
    rows = here[answered]
    kind: Kind = "multi" if field.kind == "multi" else "single"
    units, raters = found.unit[rows], found.rater[rows]
    same = (units, raters, rows, given[answered], _silent(found.rows["unanswered"], rows, known))
    return Ballot(codebook.task, field.name, kind, known, parents, *same)


def _silent(column: pa.ChunkedArray, rows: Ints, known: Sequence[str]) -> Bools:
    """Return what each of some rows says nothing of (rows × known labels)."""
    silent = np.zeros((len(rows), len(known)), dtype=np.bool_)
    if pc.max(pc.list_value_length(column)).as_py():
        places = {label: place for place, label in enumerate(known)}
        for at, labels in enumerate(column.take(pa.array(rows)).to_pylist()):
            silent[at, [places[label] for label in labels if label in places]] = True
    return silent


def _ordinal(codebook: Codebook, field: Field, found: Submissions, here: Ints) -> Ballot:
    levels = tuple(str(level.value) for level in sorted(field.levels, key=lambda level: level.value))
    values = found.rows[field.name].fill_null(-1).to_numpy()[here].astype(np.int64)
    scale = np.array([int(level) for level in levels], dtype=np.int64)
    given = values[:, None] == scale[None, :]
    answered = given.any(axis=1)
    rows = here[answered]
    units, raters = found.unit[rows], found.rater[rows]
    return Ballot(
        codebook.task,
        field.name,
        "ordinal",
        levels,
        levels,
        units,
        raters,
        rows,
        given[answered],
        np.zeros_like(given[answered]),
    )
