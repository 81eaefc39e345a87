"""The adjudicators' answers → ``decisions/<task>/adjudicated.jsonl``, each checked, each change a further line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit import precedents
from toolkit.adjudication.records import Record, history, record_path
from toolkit.alternatives import put
from toolkit.codebooks import Codebooks
from toolkit.decisionresult import parse_decision
from toolkit.formchange import in_force
from toolkit.fsio import append_jsonl
from toolkit.labels import pull as labels_pull
from toolkit.labels.authors import author
from toolkit.labels.store import Rejected, newest
from toolkit.provenance import judgement_id, provenance
from toolkit.tasks import projects
from toolkit.workspace import Workspace

_ASKED = {"key", "item_id", "task", "field", "label", "text", "options"}
RULE_GAP = "rule_gap"


@dataclass(frozen=True)
class PulledDecisions:
    """What a pull came to: decisions recorded anew or changed, those known already, and answers that are none.

    ``raised`` are the ids of the precedents that newly recorded rule gaps raise.
    """

    recorded: int
    known: int
    rejected: tuple[Rejected, ...]
    raised: tuple[str, ...] = ()


def pull(
    workspace: Workspace, server: labels_pull.Server, *, progress: Callable[[str], None] = lambda _: None
) -> PulledDecisions:
    """Pull the adjudication projects and record each decision that is new or changed; skips decide nothing."""
    with workspace.lock():
        labels_pull.pull(workspace, server, task="adjudication", progress=progress)
        known = {record["annotation"]: record for record in history(workspace) if "annotation" in record}
        asked = put(workspace.decisions_dir)
        # A pull that was killed may have recorded a rule gap and not raised it.
        gaps = {(each.id, *on) for each in precedents.load(workspace.decisions_dir) for on in each.raised_on}
        recorded, seen, rejected, raised = 0, 0, [], []
        for project in (p for p in projects(workspace) if p["task"] == "adjudication"):
            for data, annotation in newest(workspace, project):
                if annotation.get("was_cancelled"):
                    continue
                who, problems = author(workspace.settings, project, annotation)
                record, more = _record(workspace.codebooks, project, data, annotation, asked)
                if problems := [*problems, *more]:
                    where = (project["project"], int(annotation["id"]), str(data.get("item_id")), who)
                    rejected.append(Rejected(*where, tuple(problems)))
                elif known.get(record["annotation"]) == record:
                    seen += 1
                else:
                    append_jsonl(record_path(workspace, data["task"]), record)
                    recorded += 1
                if not problems and record["reason"] == RULE_GAP:
                    words = record["comment"] or data["question"]
                    gap = (_precedent_id(record, words), record["item_id"], record["question_id"])
                    if gap not in gaps:
                        raised.append(_raise(workspace, record, words))
                        gaps.add(gap)
        return PulledDecisions(recorded, seen, tuple(rejected), tuple(dict.fromkeys(raised)))


def _record(
    codebooks: Codebooks,
    project: dict[str, Any],
    data: dict[str, Any],
    annotation: dict[str, Any],
    asked: Mapping[str, Record],
) -> tuple[Record, list[str]]:
    if missing := _ASKED - data.keys():
        return {}, [f"the task lacks {', '.join(sorted(missing))}"]
    options = [option["alias"] for option in data["options"]]
    # Of words that a purged annotator marked alone, nobody can tell any more that they were offered.
    offered = None if data.get("purged") else [option["alias"] for option in data.get("spans", ())]
    version = in_force(project, annotation["updated_at"])["codebook_version"]
    codebook = codebooks.version("adjudication", version) or codebooks("adjudication")
    given = annotation.get("result") or []
    answer, problems = parse_decision(codebook, given, data["text"], options=options, offered=offered)
    record = {
        "question_id": data.get("question_id", data["key"]),
        "item_id": data["item_id"],
        "task": data["task"],
        "field": data["field"],
        "label": data["label"] or None,
        "outcome": answer.decision,
        "reason": answer.reason,
        "comment": answer.comment,
        "evidence": [{"start": start, "end": end} for start, end in sorted({*answer.evidence, *answer.chosen})],
        "spans": [*(["chosen"] if answer.chosen else []), *(["redrawn"] if answer.evidence else [])],
        "judgement_ids": asked.get(data["key"], {}).get("judgement_ids", []),
        "decided_by": project["annotator"],
        "decided_at": annotation["updated_at"],
        "pass": data.get("pass", 1),
        "asking": data.get("asking", 0),
        "codebook_version": data.get("codebook_version"),
        "guide_sha256": in_force(project, annotation["updated_at"])["guide_sha256"],
        "provenance": provenance(annotation, project["marker"], data["key"]),
        "annotation": judgement_id(annotation, project["marker"]),
    }
    return record, problems


def _precedent_id(record: Record, words: str) -> str:
    return precedents.precedent_id(record["task"], record["field"], record["label"], words)


def _raise(workspace: Workspace, record: Record, words: str) -> str:
    """Raise the question that a rule gap stands for: in the adjudicator's words, or those of the question itself."""
    about, on = (record["task"], record["field"], record["label"]), (record["item_id"], record["question_id"])
    by, at = record["decided_by"], record["decided_at"]
    return precedents.raise_question(workspace.decisions_dir, about, words, by=by, at=at, on=on).id
