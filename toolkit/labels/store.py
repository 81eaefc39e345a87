"""The judgements table: the union of all pulls, checked against the codebook; what does not hold is kept apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.codebook_changes import carry
from toolkit.codebooks import Codebooks
from toolkit.formchange import in_force
from toolkit.fsio import sha256_text
from toolkit.labelresult import DISTRESSING, Submission, Vote, parse_result
from toolkit.labels.authors import author
from toolkit.labels.importing.take import imports
from toolkit.labels.pullfiles import lines, pull_files
from toolkit.lineage import Lineage
from toolkit.provenance import judgement_id, provenance
from toolkit.schema import table
from toolkit.tasks import LABEL_TASKS, projects
from toolkit.tasks.journal import data_sha256, sent
from toolkit.tombstones import Purged
from toolkit.workspace import Workspace

_ROWS = 10_000
"""Judgements that are rows of Python at a time."""


@dataclass(frozen=True)
class Rejected:
    """A submission that is no judgement, and why. It stays in its pull file."""

    project: str
    annotation_id: int
    item_id: str
    annotator: str
    problems: tuple[str, ...]


def load_judgements(workspace: Workspace) -> pa.Table:
    """Return the judgements of all pulls (``schemas/judgements.json``), by project and time."""
    return read_judgements(workspace)[0]


def read_judgements(workspace: Workspace, codebooks: Codebooks | None = None) -> tuple[pa.Table, list[Rejected]]:
    """Return the judgements, and the submissions that are none with what does not hold of them.

    Each is read under the codebook that it was made with, and carried over to the one in force (of ``codebooks``, where
    others than the workspace's are given).
    """
    codebooks = codebooks or workspace.codebooks
    known = _Known(codebooks)
    tables: list[pa.Table] = []
    rejected: list[Rejected] = []
    lineage, purged = Lineage.of(workspace.ledger), Purged.of(workspace.ledger)
    for project in [*projects(workspace), *imports(workspace)]:
        if project["task"] not in LABEL_TASKS:
            continue
        pushed = sent(workspace.annotations_dir / project["project"])
        rows: list[dict[str, Any]] = []
        places: list[int] = []
        apart: list[tuple[int, Rejected]] = []
        parts: list[pa.Table] = []
        for place, data, annotation in _newest(workspace, project):
            annotator, problems = author(workspace.settings, project, annotation)
            if purged.covers({}, annotator):
                continue
            about = project | {"annotator": annotator} | pushed.get(str(data.get("key")), {})
            row, more = _judgement(known, about, data, annotation)
            if project.get("imported"):
                # Whoever asked elsewhere need not have asked everything.
                more = [problem for problem in more if not problem.endswith(": no answer")]
            if problems := [*problems, *more]:
                where = (project["project"], int(annotation["id"]), str(data.get("item_id")), annotator)
                apart.append((place, Rejected(*where, tuple(problems))))
                continue
            rows.append(_carried(row, lineage))
            places.append(place)
            if len(rows) == _ROWS:
                parts.append(table("judgements").from_rows(rows))
                rows = []
        parts.append(table("judgements").from_rows(rows))
        tables.append(pa.concat_tables(parts).take(pa.array(np.argsort(places))))
        rejected += [each for _, each in sorted(apart, key=lambda pair: pair[0])]
    return codebooks.named_on(pa.concat_tables([table("judgements").empty(), *tables])), rejected


class _Known:
    """The codebooks as they are while judgements are read: each is looked up once, however many were made with it."""

    def __init__(self, codebooks: Codebooks) -> None:
        self.folder = codebooks.folder
        self.current = cache(codebooks)
        self.version = cache(codebooks.version)


def _carried(row: dict[str, Any], lineage: Lineage) -> dict[str, Any]:
    """Return a judgement as one of the item that follows the judged one, where a person decided that it carries over."""
    today = lineage.today(row["item_id"])
    return row if today == row["item_id"] else row | {"item_id": today, "judged_item_id": row["item_id"]}


def newest(workspace: Workspace, project: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (task data, annotation) for each annotation of a project's pulls, in its newest state, oldest first."""
    each = sorted(_newest(workspace, project), key=lambda one: one[0])
    yield from ((data, annotation) for _, data, annotation in each)


def _newest(workspace: Workspace, project: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Yield (place, task data, annotation) as :func:`newest`, in the order of the files, so that none need be held.

    ``place`` is where it stands by time.
    """
    files = pull_files(workspace.annotations_dir / project["project"])
    purged = Purged.of(workspace.ledger)

    def annotations() -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        number = 0
        for _, _, line in lines(files):
            # What was purged is a shell; or it came back as it was, from a backup or a git history.
            if line.get("purged") or purged.covers(line["data"], project["annotator"]):
                continue
            for annotation in (each for each in line["annotations"] if not each.get("purged")):
                yield number, line["data"], annotation
                number += 1

    last: dict[tuple[str, int], int] = {}
    for number, _, annotation in annotations():
        last[annotation["created_at"], annotation["id"]] = number
    places = {last[each]: place for place, each in enumerate(sorted(last))}
    yield from ((places[n], data, annotation) for n, data, annotation in annotations() if n in places)


def _judgement(
    codebooks: _Known, project: dict[str, Any], data: dict[str, Any], annotation: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    made = in_force(project, annotation["updated_at"])
    version = made["codebook_version"]
    codebook, current = codebooks.version(project["task"], version), codebooks.current(project["task"])
    if missing := {"key", "item_id", "item_type", "text", "text_layer", "image_seen"} - data.keys():
        return {}, [f"the task lacks {', '.join(sorted(missing))}"]
    if codebook is None:
        return {}, [f"made under codebook {version}, which is not kept in {codebooks.folder / project['task']}"]
    codebook, read, problems = _read(codebook, current, project["form"], data["text"], annotation)
    carried = carry(codebook, current, read)
    problems, submission = [*problems, *carried.orphans], carried.submission
    skipped = bool(annotation.get("was_cancelled")) or submission.unable is not None
    pushed = project.get("data_sha256")
    if pushed is not None and pushed != data_sha256(data):
        problems = [*problems, "the task was changed in Label Studio after it was pushed"]
    if not annotation.get("result") and not skipped:
        # Told from an answer that nothing applies, for which the codebook has a label.
        problems = ["empty: nothing was answered", *problems]
    row = {
        "judgement_id": judgement_id(annotation, project["marker"]),
        "item_id": data["item_id"],
        "item_type": data["item_type"],
        "task": project["task"],
        "project": project["project"],
        "round": project.get("round", "main"),
        "round_kind": project.get("round_kind", "production"),
        "annotator": project["annotator"],
        "created_at": moment(annotation["created_at"]),
        "updated_at": moment(annotation["updated_at"]),
        # Whoever passes over what distresses them leaves no trace in the figures of speed.
        "seconds": None if submission.unable == DISTRESSING else annotation.get("lead_time"),
        "skipped": skipped,
        "unable": submission.unable,
        "text_layer": data["text_layer"],
        "text_sha256": sha256_text(data["text"]),
        "image_seen": bool(data["image_seen"]),
        "predictions_shown": bool(project.get("predictions_shown", False)),
        "prediction_version": project.get("prediction_version"),
        "codebook_version": version,
        "config_sha256": made["config_sha256"],
        "guide_sha256": made["guide_sha256"],
        "provenance": "imported" if project.get("imported") else provenance(annotation, project["marker"], data["key"]),
        "labels": [] if skipped else [vote._asdict() for vote in submission.labels],
        "unanswered": [] if skipped else list(carried.unanswered),
        "evidence": [] if skipped else [span._asdict() for span in submission.evidence],
        "confidence": None if skipped else submission.confidence,
        "comment": submission.comment,
        "free": [free._asdict() for free in submission.free],
        "regions": [region._asdict() for region in submission.regions],
    }
    # A skip answers nothing, so that nothing about its answers can be wrong.
    return row, [] if skipped else problems


def as_given(workspace: Workspace, wanted: Collection[str]) -> dict[str, tuple[Vote, ...]]:
    """Return the labels of some judgements (by id) as they were given, in the words of the codebook of that time."""
    found: dict[str, tuple[Vote, ...]] = {}
    known = _Known(workspace.codebooks)
    for project in [*projects(workspace), *imports(workspace)] if wanted else ():
        if project["task"] not in LABEL_TASKS:
            continue
        for data, annotation in newest(workspace, project):
            made = judgement_id(annotation, project["marker"])
            if made not in wanted:
                continue
            version = in_force(project, annotation["updated_at"])["codebook_version"]
            if (codebook := known.version(project["task"], version)) and "text" in data:
                current = known.current(project["task"])
                _, submission, _ = _read(codebook, current, project["form"], data["text"], annotation)
                found[made] = submission.labels
    return found


def _read(
    codebook: Codebook, current: Codebook, form: str, text: str, annotation: dict[str, Any]
) -> tuple[Codebook, Submission, list[str]]:
    """Read an annotation under its codebook, or under the one in force: who had the form open while it changed used that."""
    result = annotation.get("result") or []
    submission, problems = parse_result(codebook, result, text=text, form=form)
    if problems and codebook.sha256 != current.sha256:
        later, found = parse_result(current, result, text=text, form=form)
        if not found:
            return current, later, found
    return codebook, submission, problems


def moment(text: str) -> datetime:
    """Return a time as Label Studio writes it (ISO 8601), in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
