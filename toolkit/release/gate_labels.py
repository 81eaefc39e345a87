"""Gates on the labels: known ones, votes that add up, gold that rests on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.codebook import Codebook
from toolkit.release.coded import TASK_OF, Votes, coded_fields
from toolkit.release.features import label_values, labels
from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS, as_judgements


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
    for row in folder.rows("judgements").select(["judgement_id", "task", "labels", "evidence"]).to_pylist():
        for given in [*row["labels"], *row["evidence"]]:
            if given["label"] not in allowed.get((row["task"], given["field"]), set()):
                problems.append(
                    f"judgement {row['judgement_id']}: {given['field']} {given['label']} is not in the codebook"
                )
    return problems


def _rows(folder: Folder) -> Iterator[tuple[str, dict[str, Any], Codebook]]:
    for config, task in TASK_OF.items():
        for row in folder.rows(config).to_pylist():
            yield row[KEYS[config]], row, folder.codebooks[task]


def votes(folder: Folder) -> list[str]:
    """Count the votes again, from the judgements in the folder."""
    counted = Votes.of(as_judgements(folder.rows("judgements")), folder.codebooks)
    problems = []
    for item, row, book in _rows(folder):
        wanted = counted.columns(item, book)
        names = ["judgements", *(f"{one.name}_dist" for one in coded_fields(book))]
        problems += [
            f"{item}: {name} does not follow from the judgements" for name in names if row[name] != wanted[name]
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
