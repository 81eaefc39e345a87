"""A project's form changes under annotations that are there already: refused where it would orphan any of them.

What annotators are asked follows from the codebook. Where the codebook says what became of each label that was given
(:mod:`toolkit.codebook_changes`), the form is replaced in place, and the project's record says until when which version was
in force: a judgement is read under the version that it was made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol

from toolkit.codebook import Codebook
from toolkit.decisionresult import SPANS
from toolkit.errors import ConflictError
from toolkit.fsio import read_json
from toolkit.labelresult import DECISION, EVIDENCE, MODE, REGION, UNABLE
from toolkit.resultshape import well_formed
from toolkit.workspace import Workspace

_SHOWN = 50
_OWN = (MODE, REGION, DECISION, SPANS, UNABLE)


class Server(Protocol):
    """What the check needs of Label Studio."""

    def find_project(self, key: str) -> int | None: ...  # noqa: D102
    def annotations(self, project_id: int) -> Iterable[Any]: ...  # noqa: D102


def take_codebook(
    workspace: Workspace, server: Server, key: str, marker: str, codebook: Codebook, hashes: tuple[str, str]
) -> list[dict[str, Any]]:
    """Keep the version that is about to be pushed, and return what was in force in the project before, oldest first.

    ``hashes`` are those of the form and of the guide; the guide alone changes where a precedent is ruled on.

    :class:`ConflictError` lists the answers that the new form would orphan, or names a codebook that was changed without a
    new version.
    """
    path = workspace.annotations_dir / key / "project.json"
    record = read_json(path) if path.exists() else None
    earlier = list(record.get("earlier", ())) if record else []
    if record and (record["config_sha256"], record["guide_sha256"]) != hashes:
        project_id = server.find_project(marker)
        there = list(server.annotations(project_id)) if project_id is not None else []
        if found := list(orphans(codebook, there)) if record["config_sha256"] != hashes[0] else []:
            more = f" … and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise ConflictError(
                f"codebook {codebook.task} {codebook.version} does not account for {len(found)} answers in {key}, which it"
                f" would orphan: {'; '.join(found[:_SHOWN])}{more}",
                hint="keep those labels in the codebook, retired, and say by merged_into or split_into what became of them",
            )
        changes = [annotation["updated_at"] for task in there for annotation in task.annotations]
        if changes:
            names = ("codebook_version", "config_sha256", "guide_sha256")
            earlier.append({name: record[name] for name in names} | {"until": max(changes, key=datetime.fromisoformat)})
    workspace.codebooks.keep(codebook)
    return earlier


def orphans(codebook: Codebook, tasks: Iterable[Any]) -> Iterator[str]:
    """Yield, in words, each answer in the annotations of tasks that a codebook has no place for, retired labels included."""
    known = {field.name: {str(level.value) for level in field.levels} for field in codebook.fields}
    for label in codebook.labels:
        known[label.field].add(label.id)
    marked = {label.id for label in codebook.labels if codebook.field(label.field).evidence} | {EVIDENCE}
    for task in tasks:
        item = task.data.get("item_id") or task.data.get("key")
        for annotation in task.annotations:
            for control, given in _answers(annotation):
                places = marked if control == EVIDENCE else known.get(control)
                if control not in _OWN and (places is None or (given is not None and given not in places)):
                    said = f"{control} {given}" if given is not None else control
                    yield f"{said} on {item} (annotation {annotation['id']})"


def _answers(annotation: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield (control, label) of each answer; the label None where it was written or drawn."""
    # What is no answer to any question (garbage) is told by the reading, and cannot be orphaned.
    for entry in well_formed(annotation.get("result") or [])[0]:
        value = entry.get("value")
        if not isinstance(value, dict) or not entry.get("from_name"):
            continue
        paths = value.get("taxonomy") or []
        labels = [path[-1] for path in paths if path] + [*(value.get("choices") or []), *(value.get("labels") or [])]
        for label in labels or [None]:
            yield entry["from_name"], label


def in_force(record: dict[str, Any], updated_at: str) -> dict[str, Any]:
    """Return the part of a project's record (``codebook_version`` and hashes) that an annotation was made under."""
    if not record.get("earlier"):
        return record
    made = datetime.fromisoformat(updated_at)
    earlier = (each for each in record.get("earlier", ()) if made <= datetime.fromisoformat(each["until"]))
    return next(earlier, record)
