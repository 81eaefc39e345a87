"""Sources → tasks of the ``segmentation`` form, with the spans that there are as a prediction to correct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from toolkit.codebook import Codebook
from toolkit.errors import InputError
from toolkit.fsio import canonical_json, sha256_text
from toolkit.labelresult import Span, Submission, build_result
from toolkit.segmentation.parts import PART_CHARACTERS, Part, parts
from toolkit.sources import registry, segments
from toolkit.sources.model import Role, Segment
from toolkit.sources.source import Source
from toolkit.tasks import Plan, Project, Server, marker, push_project
from toolkit.workspace import Workspace

TASK = "segmentation"
ROLE = "role"
MODEL_VERSION = "proposals"
# What accepting writes, and what says how a span came about: no part of what a curator corrects.
_ABOUT = {"id", "sha256", "rule", "confidence"}


def unfit(codebook: Codebook) -> list[str]:
    """Return what of a segmentation codebook cannot be read as spans: roles are those of ``segments.jsonl``."""
    roles = set(get_args(Role))
    asked = {leaf.id for field in codebook.fields for leaf in codebook.leaves(field.name)}
    found = (
        [] if any(f.name == ROLE and f.spans_only for f in codebook.fields) else [f"it has no field {ROLE} of spans"]
    )
    return found + [f"label {label}: no role that segments.jsonl knows" for label in sorted(asked - roles)]


def project_of(workspace: Workspace, annotator: str | None = None) -> Project:
    """Return the project of whoever corrects: the one named, else the adjudicator of the settings."""
    name = annotator or workspace.settings.tasks.adjudicator
    if not name:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.adjudicator is empty: nobody is named to correct the spans",
            hint="name who does: docposts tasks push --task segmentation --annotator NAME",
        )
    return Project(f"{TASK}.{name}", TASK, "default", name)


def base_spans(source: Source) -> list[Segment]:
    """Return the spans that a correction starts from: the curated ones, else the proposals; none where neither is."""
    path = source.segments_path if source.segments_path.exists() else source.proposals_path
    return segments.load(path, source.text) if path.exists() else []


def spans_sha256(spans: Iterable[Segment]) -> str:
    """Return the digest of what a curator decides about spans; accepting them as they are does not change it."""
    records = [segment.model_dump(exclude_defaults=True, mode="json", exclude=_ABOUT) for segment in spans]
    return sha256_text(canonical_json(records))


def source_tasks(
    codebook: Codebook, source: Source, spans: Sequence[Segment], size: int = PART_CHARACTERS
) -> list[dict[str, Any]]:
    """Return the tasks of one source, a part each: ``data``, and the part's spans as a prediction."""
    found = parts(source.text, spans, size)
    base = spans_sha256(spans)
    digest = sha256_text(canonical_json([source.file.text_sha256, base]))[:32]
    tasks: list[dict[str, Any]] = []
    for part in found:
        inside = [segment for segment in spans if part.holds(segment)]
        data = {
            "key": f"{source.id}/{part.number}-of-{len(found)}/{digest}",
            "source_id": source.id,
            "text": part.text,
            "text_sha256": source.file.text_sha256,
            "base_sha256": base,
            "part": part.number,
            "parts": len(found),
            "offset": part.offset,
            "predicted": len(inside),
        }
        task: dict[str, Any] = {"data": data}
        if inside:
            task["predictions"] = [{"model_version": MODEL_VERSION, "result": prediction(codebook, part, inside)}]
        tasks.append(task)
    return tasks


def prediction(codebook: Codebook, part: Part, spans: Iterable[Segment]) -> list[dict[str, Any]]:
    """Return a part's spans as the browser stores marked words."""
    evidence = tuple(Span(ROLE, s.role, s.char_start - part.offset, s.char_end - part.offset) for s in spans)
    return build_result(codebook, Submission(evidence=evidence), form="default")


def _wanted(
    workspace: Workspace, source_id: str | None, size: int = PART_CHARACTERS
) -> dict[str, list[dict[str, Any]]]:
    """Return the tasks of each source: of the one named, else of all whose spans nobody has accepted yet."""
    if source_id:
        chosen = [registry.get(workspace, source_id)]
    else:
        chosen = [source for source in registry.sources(workspace) if not source.accepted]
        if not chosen:
            raise InputError(
                "no source waits for its spans to be accepted",
                hint="to correct accepted ones: docposts tasks push --task segmentation --source ID",
            )
    tasks = {}
    for source in chosen:
        spans = base_spans(source)
        if not spans:
            raise InputError(
                f"source {source.id} has no spans to correct", hint=f"propose some: docposts source segment {source.id}"
            )
        tasks[source.id] = source_tasks(workspace.codebooks(TASK), source, spans, size)
    return tasks


def plan(workspace: Workspace, server: Server, *, source_id: str | None = None, annotator: str | None = None) -> Plan:
    """Return what a push would do, without doing it."""
    project, wanted = project_of(workspace, annotator), _wanted(workspace, source_id)
    project_id = server.find_project(marker(workspace, project))
    there = server.task_keys(project_id) if project_id is not None else {}
    keys = [task["data"]["key"] for tasks in wanted.values() for task in tasks]
    return Plan(
        project,
        create=tuple(key for key in keys if key not in there),
        unchanged=tuple(key for key in keys if key in there),
        orphaned=_orphaned(sorted(there.keys() - set(keys)), wanted),
    )


def push(
    workspace: Workspace,
    server: Server,
    *,
    source_id: str | None = None,
    annotator: str | None = None,
    part_characters: int = PART_CHARACTERS,
    progress: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Give the curator's project the tasks that it lacks; orphaned ones, made of earlier spans, stay where they are."""
    with workspace.lock():
        project, wanted = project_of(workspace, annotator), _wanted(workspace, source_id, part_characters)
        progress(project.title)
        tasks = [task for each in wanted.values() for task in each]
        done = push_project(workspace, server, project, workspace.codebooks(TASK), tasks, predictions=MODEL_VERSION)
        return Plan(done.project, done.create, done.unchanged, _orphaned(done.orphaned, wanted))


def _orphaned(keys: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that are about the sources pushed: the others' tasks are none of this push's business."""
    sources = set(wanted)
    return tuple(key for key in keys if key.partition("/")[0] in sources)
