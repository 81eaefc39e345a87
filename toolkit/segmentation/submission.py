"""A pull of a ``segmentation`` project → the spans that its newest submission on a source leaves. Nothing is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.codebook import Codebook
from toolkit.errors import InputError
from toolkit.fsio import read_jsonl
from toolkit.labelresult import parse_result
from toolkit.labels.pullfiles import lines, pull_files, up_to
from toolkit.labels.store import moment
from toolkit.segmentation.push import TASK
from toolkit.settings import Strict, check_record
from toolkit.sources.source import Source
from toolkit.tasks import projects
from toolkit.workspace import Workspace

NEWEST = "studio"
_AGAIN = "submit the task in Label Studio, then docposts labels pull"


class _Data(Strict):
    """A task's data, as it was pushed."""

    key: str
    source_id: str
    text: str
    text_sha256: str
    base_sha256: str
    part: int
    parts: int
    offset: int
    predicted: int


@dataclass(frozen=True)
class Place:
    """A role and where it was marked: text[start:end] of the source, code points."""

    role: str
    start: int
    end: int


@dataclass(frozen=True)
class Submitted:
    """A submission on a whole source: its spans by place, what its maker wrote, and the digest of what was shown."""

    pull: Path
    base_sha256: str
    places: tuple[Place, ...]
    comments: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    where: str
    data: _Data
    annotation: dict[str, Any]

    @property
    def age(self) -> tuple[float, int]:
        return moment(self.annotation["updated_at"]).timestamp(), int(self.annotation["id"])


def find_pull(workspace: Workspace, source: Source, given: Path) -> Path | None:
    """Return the pull that is meant by ``studio``, a project's name or a file; None for a file that is no pull.

    ``studio`` is the newest pull of whoever's newest submission on the source is the latest.
    """
    known = {record["project"] for record in projects(workspace) if record["task"] == TASK}
    name = str(given)
    if name in known or name == NEWEST:
        pulls = [path for each in known & {name} or known for path in pull_files(workspace.annotations_dir / each)[-1:]]
        if not pulls:
            raise InputError("no correction was pulled yet", hint="docposts labels pull")
        return max(pulls, key=lambda path: max((a.age for a in _answers(path, source)), default=(0.0, 0)))
    if name.startswith(f"{TASK}.") and not given.exists():
        raise InputError(f"no project {name} was pushed (there: {', '.join(sorted(known)) or 'none'})")
    if re.fullmatch(r"pull-\d+\.jsonl", given.name):
        return given
    try:
        first = next(iter(read_jsonl(given)), None)
    except InputError:
        # Not JSON lines: another form of spans, or what whoever reads it finds wrong.
        return None
    return given if first and {"task", "data", "annotations"} <= first[1].keys() else None


def _answers(pull: Path, source: Source) -> list[_Answer]:
    """Return the annotations of tasks about a source, as they stood at a pull: it holds what changed since the one before."""
    newest: dict[int, tuple[str, dict[str, Any]]] = {}
    for path, number, record in lines(up_to(pull)):
        newest[record["task"]] = (f"{path}:{number}", record)
    found = []
    for where, record in newest.values():
        given = record.get("data")
        if isinstance(given, dict) and given.get("source_id") == source.id:
            data = check_record(given, _Data, f"{where}: data")
            found += [_Answer(where, data, annotation) for annotation in record.get("annotations") or []]
    return found


def read_submission(codebook: Codebook, pull: Path, source: Source) -> Submitted:
    """Return the newest submission on a source; :class:`InputError` where it is skipped, empty, unfinished or wrong."""
    answers = _answers(pull, source)
    if not answers:
        raise InputError(f"{pull} holds no submission on source {source.id}", hint=_AGAIN)
    newest = max(answers, key=lambda answer: answer.age).data
    shown = (newest.base_sha256, newest.parts)
    chosen: dict[int, _Answer] = {}
    for answer in sorted(answers, key=lambda answer: answer.age):
        if (answer.data.base_sha256, answer.data.parts) == shown:
            chosen[answer.data.part] = answer
    missing = [str(number) for number in range(1, newest.parts + 1) if number not in chosen]
    if missing:
        raise InputError(
            f"{pull}: of the {newest.parts} parts of source {source.id}, {', '.join(missing)} are not submitted yet",
            hint=_AGAIN,
        )
    read = [_read(codebook, chosen[number], source) for number in sorted(chosen)]
    places = tuple(place for found, _ in read for place in found)
    if not places:
        raise InputError(f"{pull}: the newest submission on source {source.id} marks nothing", hint=_AGAIN)
    comments = tuple(comment for _, comment in read if comment)
    return Submitted(pull, newest.base_sha256, places, comments)


def _read(codebook: Codebook, answer: _Answer, source: Source) -> tuple[list[Place], str | None]:
    data, annotation = answer.data, answer.annotation
    where = f"{answer.where}: annotation {annotation['id']}"
    part = f" (part {data.part} of {data.parts})" if data.parts > 1 else ""
    end = data.offset + len(data.text)
    if data.text_sha256 != source.file.text_sha256 or source.text[data.offset : end] != data.text:
        raise InputError(
            f"{where}: it was made on another text than that of source {source.id}{part}",
            hint=f"docposts tasks push --task segmentation --source {source.id}",
        )
    if annotation.get("was_cancelled"):
        raise InputError(
            f"{where}: the newest submission{part} is a skip, which says nothing of the spans", hint=_AGAIN
        )
    submission, problems = parse_result(codebook, annotation.get("result") or [], text=data.text)
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise InputError(
            f"{where}: {'; '.join(problems[:3])}{more}", hint="correct it in Label Studio, then pull again"
        )
    if not submission.evidence and data.predicted:
        raise InputError(f"{where}: the newest submission{part} marks nothing", hint=_AGAIN)
    places = [Place(span.label, span.start + data.offset, span.end + data.offset) for span in submission.evidence]
    return places, submission.comment
