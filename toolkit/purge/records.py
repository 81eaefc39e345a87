"""Pulls, decisions and whatever else lies as JSON under ``annotations/`` and ``decisions/``: what names the purged goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit import alternatives, precedents
from toolkit.fsio import read_json, read_jsonl, write_jsonl
from toolkit.labels.authors import author, without_purged
from toolkit.labels.importing.take import imports
from toolkit.labels.pullfiles import PART, shell_of
from toolkit.provenance import judgement_id
from toolkit.tasks import projects
from toolkit.tombstones import annotator_id
from toolkit.workspace import Workspace

_GONE = object()


def scrub(value: Any, named: Callable[[str], bool]) -> Any:
    """Return a record without what is about the purged: a record that names it is gone, a list loses what names it.

    Pure. :data:`_GONE` where nothing is left.
    """
    if isinstance(value, dict):
        kept = {}
        for name, item in value.items():
            left = scrub(item, named)
            if left is _GONE:
                return _GONE
            kept[name] = left
        return kept
    if isinstance(value, list):
        return [left for left in (scrub(item, named) for item in value) if left is not _GONE]
    return _GONE if isinstance(value, str) and named(value) else value


def erase_items(workspace: Workspace, items: Collection[str], hashes: Collection[str]) -> tuple[int, list[str]]:
    """Erase the records about items, and tasks that show a whole text with one of the hashes.

    Return how many records went, and the Label Studio projects whose tasks they were.
    """
    wanted = {*items, *hashes}
    asked = _questions(workspace, items)
    return _erase(workspace, lambda value: value in wanted or value in asked)


def _questions(workspace: Workspace, items: Collection[str]) -> set[str]:
    """Return the ids of the questions about items, by which other files know them."""
    found = set()
    for path in _files(workspace):
        for _, record in read_jsonl(path, appended=True):
            data = record.get("data", record)
            if isinstance(data, dict) and data.get("item_id") in items:
                found |= {data[name] for name in ("question_id", "key") if isinstance(data.get(name), str)}
    return found


def judged(workspace: Workspace) -> set[str]:
    """Return the ids of all items that pulled tasks are about."""
    found = set()
    for path in sorted(workspace.annotations_dir.rglob("*.jsonl")):
        for _, record in read_jsonl(path, appended=True):
            data = record.get("data")
            if isinstance(data, dict) and isinstance(data.get("item_id"), str):
                found.add(data["item_id"])
    return found


def _erase(workspace: Workspace, named: Callable[[str], bool]) -> tuple[int, list[str]]:
    gone, touched = 0, []
    for path in _files(workspace):
        records = [record for _, record in read_jsonl(path, appended=True)]
        if path.name == precedents.NAME:
            left = precedents.without(records, named)
        else:
            left = [_left(record, named) for record in records]
        kept = [record for record in left if record is not None]
        if kept != records:
            gone += sum(1 for one, other in zip(records, left, strict=True) if one != other)
            if path.is_relative_to(workspace.annotations_dir):
                touched.append(path.relative_to(workspace.annotations_dir).parts[0])
            write_jsonl(path, kept)
    return gone, list(dict.fromkeys(touched))


def _left(record: dict[str, Any], named: Callable[[str], bool]) -> Any:
    # A question stays reopened, whoever did it: how often it was says which decisions are in force.
    reopened = {"because", "by"} <= record.keys() and named(str(record["by"]))
    left = scrub(record | {"by": precedents.UNNAMED} if reopened else record, named)
    # A pull compares what it has with what the server counts.
    if left is _GONE:
        return shell_of(record) if {"task", "data", "annotations"} <= record.keys() else None
    return left


def _files(workspace: Workspace) -> Iterator[Path]:
    for folder in (workspace.annotations_dir, workspace.decisions_dir):
        yield from sorted([*folder.rglob("*.jsonl"), *folder.rglob(PART)])


def projects_of(workspace: Workspace, annotator: str) -> list[dict[str, Any]]:
    """Return the records of an annotator's projects; ``annotator`` as tombstones call them."""
    found = [read_json(path) for path in sorted(workspace.annotations_dir.glob("*/project.json"))]
    return [record for record in found if annotator_id(str(record["annotator"])) == annotator]


def _own(workspace: Workspace, annotator: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield (project, task's line, annotation) of an annotator: in projects of their own, shared and imported ones."""
    for record in [*projects(workspace), *imports(workspace)]:
        for path in sorted((workspace.annotations_dir / record["project"]).glob("*.jsonl")):
            for _, line in read_jsonl(path, appended=True):
                for annotation in line.get("annotations") or ():
                    if annotation.get("purged"):
                        continue
                    if annotator_id(author(workspace.settings, record, annotation)[0]) == annotator:
                        yield record, line, annotation


def judgements_of(workspace: Workspace, annotator: str) -> set[str]:
    """Return the ids of the judgements that were pulled or imported of an annotator."""
    return {judgement_id(annotation, record["marker"]) for record, _, annotation in _own(workspace, annotator)}


def erase_annotator(workspace: Workspace, annotator: str) -> tuple[int, list[str]]:
    """Erase an annotator's projects, and every record that names them or one of their judgements; as :func:`erase_items`.

    What adjudicators were shown of their answers, unnamed, goes too.
    """
    judgements = judgements_of(workspace, annotator)
    alternatives.forget(workspace.decisions_dir, annotator, judgements)
    shown = _erase_shown(workspace)
    gone, touched = _erase(workspace, lambda value: value in judgements or annotator_id(value) == annotator)
    shared = _erase_shared(workspace, annotator)
    own = [str(record["project"]) for record in projects_of(workspace, annotator)]
    for project in own:
        folder = workspace.annotations_dir / project
        # The record of whose it is goes last.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == "project.json"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder.rmdir()
    return gone + shown + len(judgements), list(dict.fromkeys([*own, *shared, *touched]))


def _erase_shown(workspace: Workspace) -> int:
    """Take the answers and marked words whose letter is forgotten out of the pulled questions."""
    asked, count = alternatives.put(workspace.decisions_dir), 0
    for path in sorted(workspace.annotations_dir.glob("adjudication*/*.jsonl")):
        records = [record for _, record in read_jsonl(path, appended=True)]
        kept = [_forgotten(record, asked) for record in records]
        if kept != records:
            count += sum(1 for one, other in zip(records, kept, strict=True) if one != other)
            write_jsonl(path, kept)
    return count


def _forgotten(record: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    data = record.get("data")
    return record | {"data": alternatives.without_forgotten(data, asked)} if isinstance(data, dict) else record


def _erase_shared(workspace: Workspace, annotator: str) -> list[str]:
    """Leave shells of an annotator's answers in the projects that they shared; return these."""
    found = []
    for record in projects(workspace):
        folder = workspace.annotations_dir / record["project"]
        for path in [] if record["annotator"] else sorted([*folder.glob("pull-*.jsonl"), *folder.glob(PART)]):
            lines = [line for _, line in read_jsonl(path, appended=True)]
            left = [without_purged(workspace.settings, record, line, {annotator}) for line in lines]
            if left != lines:
                found.append(str(record["project"]))
                write_jsonl(path, left)
    return found
