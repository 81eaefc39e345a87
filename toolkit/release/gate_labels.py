"""Gates on the labels: known ones, votes that add up, gold that rests on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Codebook
from toolkit.codebooks import Codebooks
from toolkit.labels.pieces import whole_items
from toolkit.release import judged
from toolkit.release.changes import unequal
from toolkit.release.coded import TASK_OF, coded_fields, columns_of
from toolkit.release.features import label_values, labels
from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS
from toolkit.release.tally import coded, spread
from toolkit.schema import table


def known(folder: Folder) -> list[str]:
    """Look every label up in the codebooks that lie in the folder, under its field."""
    problems = []
    for config in folder.parts:
        for path, names in labels(config, folder.codebooks).items():
            if unknown := sorted(label_values(folder.rows(config), path) - {*names}):
                problems.append(f"{config}.{path}: {', '.join(unknown)} is no label of the codebook")
    allowed = {
        (task, one.name): {leaf.id for leaf in book.leaves(one.name)}
        for task, book in folder.codebooks.items()
        for one in book.fields
        if one.coded
    }
    return problems + [
        f"judgement {name}: {field} {label} is not in the codebook"
        for task, field, label, name in _given(folder.rows("judgements"))
        if label not in allowed.get((task, field), set())
    ]


def _given(judgements: pa.Table) -> Iterator[tuple[str, str, str, str]]:
    """Yield each label that was given, once: task, field, label, and one judgement that has it."""
    for column in ("labels", "evidence"):
        of, given = pc.list_parent_indices(judgements[column]), pc.list_flatten(judgements[column])
        rows = pa.table(
            {
                "task": judgements["task"].take(of),
                "field": pc.struct_field(given, "field"),
                "label": pc.struct_field(given, "label"),
                "name": judgements["judgement_id"].take(of),
            }
        )
        for row in rows.group_by(["task", "field", "label"]).aggregate([("name", "min")]).to_pylist():
            yield row["task"], row["field"], row["label"], row["name_min"]


def _rows(folder: Folder) -> Iterator[tuple[str, dict[str, Any], Codebook]]:
    for config, task in TASK_OF.items():
        book = folder.codebooks[task]
        said = [name for one in coded_fields(book) for name in columns_of(one)]
        for row in folder.each(config, [KEYS[config], "judgements", *said]):
            yield row[KEYS[config]], row, book


def votes(folder: Folder) -> list[str]:
    """Count the votes again, from the judgements in the folder."""
    every, problems = folder.rows("judgements"), []
    read_by = Codebooks(folder.path / "codebooks")
    for config, task in TASK_OF.items():
        rows, book = folder.rows(config), folder.codebooks[task]
        items = rows[KEYS[config]].combine_chunks()
        order, _ = judged.known(every, items)
        known, columns = (
            [pa.array([], pa.string())],
            [coded(table("judgements").empty(), pa.array(["-"]), config, book)],
        )
        for batch in whole_items(every, order):
            own = batch["item_id"].unique()
            columns.append(coded(read_by.named_on(judged.as_judgements(batch)), own, config, book))
            known.append(own)
        wanted = spread(pa.concat_tables(columns[1:] or columns), pa.concat_arrays(known), items, config, book)
        for name in ["judgements", *(f"{one.name}_dist" for one in coded_fields(book))]:
            problems += [
                f"{items[at].as_py()}: {name} does not follow from the judgements"
                for at in unequal(rows[name], wanted[name])
            ]
    return problems


def gold(folder: Folder) -> list[str]:
    """Hold gold, contested and undecided against one another and against the votes on the label."""
    problems = []
    for item, row, book in _rows(folder):
        for one in coded_fields(book):
            wrong = _multi(row, one.name) if one.kind == "multi" else _single(row, one.name)
            problems += [f"{item}: {problem}" for problem in wrong]
    return problems


def _multi(row: dict[str, Any], name: str) -> Iterator[str]:
    states = {"gold": row[name] or [], "contested": row[f"{name}_contested"], "undecided": row[f"{name}_undecided"]}
    voted = {vote["label"] for vote in row[f"{name}_dist"]}
    every = [label for held in states.values() for label in held]
    if twice := sorted({label for label in every if every.count(label) > 1}):
        yield f"{name}: {', '.join(twice)} is in two of gold, contested and undecided"
    if unvoted := sorted({*every} - voted):
        yield f"{name}: nobody gave {', '.join(unvoted)}"
    if row[name] is None and voted:
        yield f"{name}: there are votes and no list of gold labels"
    if row[name] is not None and not row["judgements"]:
        yield f"{name}: there is a list of gold labels and no judgement"


def _single(row: dict[str, Any], name: str) -> Iterator[str]:
    value, contested, undecided = row[name], row[f"{name}_contested"], row[f"{name}_undecided"]
    voted = {vote["label"] for vote in row[f"{name}_dist"]}
    if (value is not None) + contested + undecided != bool(voted):
        yield f"{name}: of gold, contested and undecided, one must hold where there are votes, none where not"
    if value is not None and voted and value not in voted:
        yield f"{name}: nobody gave {value}"
