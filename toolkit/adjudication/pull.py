"""The adjudicator's answers → ``decisions/<task>/adjudicated.jsonl``, each checked, each change a further line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toolkit.adjudication.store import history, record_path
from toolkit.codebooks import Codebooks
from toolkit.decisionresult import parse_decision
from toolkit.formchange import in_force
from toolkit.fsio import append_jsonl
from toolkit.labels import pull as labels_pull
from toolkit.labels.store import Rejected, newest
from toolkit.provenance import judgement_id, provenance
from toolkit.tasks import projects
from toolkit.workspace import Workspace


@dataclass(frozen=True)
class PulledDecisions:
    """What a pull came to: decisions recorded anew or changed, those known already, and answers that are none."""

    recorded: int
    known: int
    rejected: tuple[Rejected, ...]


def pull(
    workspace: Workspace, server: labels_pull.Server, *, progress: Callable[[str], None] = lambda _: None
) -> PulledDecisions:
    """Pull the adjudication projects and record each decision that is new or changed; skips decide nothing."""
    with workspace.lock():
        labels_pull.pull(workspace, server, task="adjudication", progress=progress)
        known = {record["annotation"]: record for record in history(workspace) if "annotation" in record}
        recorded, seen, rejected = 0, 0, []
        for project in (p for p in projects(workspace) if p["task"] == "adjudication"):
            for data, annotation in newest(workspace, project):
                if annotation.get("was_cancelled"):
                    continue
                record, problems = _record(workspace.codebooks, project, data, annotation)
                if problems:
                    where = (project["project"], int(annotation["id"]), str(data.get("item_id")), project["annotator"])
                    rejected.append(Rejected(*where, tuple(problems)))
                elif known.get(record["annotation"]) == record:
                    seen += 1
                else:
                    append_jsonl(record_path(workspace, data["task"]), record)
                    recorded += 1
        return PulledDecisions(recorded, seen, tuple(rejected))


def _record(
    codebooks: Codebooks, project: dict[str, Any], data: dict[str, Any], annotation: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    if missing := {"key", "item_id", "task", "field", "label", "text", "options"} - data.keys():
        return {}, [f"the task lacks {', '.join(sorted(missing))}"]
    offered = [option["alias"] for option in data["options"]]
    codebook = codebooks.version("adjudication", in_force(project, annotation["updated_at"])["codebook_version"])
    if codebook is None:
        codebook = codebooks("adjudication")
    answer, problems = parse_decision(codebook, annotation.get("result") or [], data["text"], options=offered)
    record = {
        "question_id": data["key"],
        "item_id": data["item_id"],
        "task": data["task"],
        "field": data["field"],
        "label": data["label"] or None,
        "outcome": answer.decision,
        "reason": answer.reason,
        "comment": answer.comment,
        "evidence": [{"start": start, "end": end} for start, end in answer.evidence],
        "decided_by": project["annotator"],
        "decided_at": annotation["updated_at"],
        "provenance": provenance(annotation, project["marker"], data["key"]),
        "annotation": judgement_id(annotation, project["marker"]),
    }
    return record, problems
