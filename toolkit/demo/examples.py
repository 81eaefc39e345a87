"""Reading ``examples/``: reports with their spans, the simulated judgements and decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.codebook import Codebook
from toolkit.decisionresult import DecisionAnswer, build_decision_result
from toolkit.errors import InputError
from toolkit.fsio import read_json, read_jsonl
from toolkit.labelresult import Free, Region, Result, Span, Submission, Vote, build_result
from toolkit.tasks import LABEL_TASKS

Key = tuple[str, str]
"""(source id, the curator's key of a post or photo text)."""


@dataclass(frozen=True)
class Report:
    """An example report and what is curated about it."""

    path: Path
    meta: Path
    facts: Path | None
    spans: Path


@dataclass(frozen=True)
class Simulated:
    """One simulated submission: what an annotator answers on an item, where it stands in the examples."""

    key: Key
    record: Mapping[str, Any]
    where: str

    @property
    def skipped(self) -> bool:
        """Whether the annotator passes the item over."""
        return bool(self.record.get("skipped"))

    @property
    def seconds(self) -> float:
        """The time that the annotator is said to have taken."""
        return float(self.record.get("seconds") or 0)


def reports(folder: Path) -> list[Report]:
    """Return the reports below a folder: whatever has a ``<name>.source.toml`` beside it, by name."""
    found = []
    for meta in sorted(folder.rglob("*.source.toml")):
        stem = meta.name.removesuffix(".source.toml")
        report = _one_of(meta, stem, ".txt", ".html", ".htm")
        spans = _one_of(meta, stem, ".segments.jsonl", ".marks.jsonl")
        facts = meta.with_name(f"{stem}.facts.toml")
        found.append(Report(report, meta, facts if facts.exists() else None, spans))
    if not found:
        raise InputError(f"{folder} holds no report: nothing in it is called <name>.source.toml")
    return found


def _one_of(meta: Path, stem: str, *endings: str) -> Path:
    for ending in endings:
        if (path := meta.with_name(stem + ending)).exists():
            return path
    raise InputError(f"{meta}: beside it there is none of {', '.join(stem + ending for ending in endings)}")


def people(folder: Path) -> tuple[list[str], str]:
    """Return the annotators' names and the adjudicator's."""
    found = read_json(folder / "annotators.json")
    return list(found["annotators"]), str(found["adjudicator"])


def judgements(folder: Path, task: str, annotator: str) -> list[Simulated]:
    """Return what one annotator answers in a task."""
    return list(_simulated(folder / f"{task}.{annotator}.jsonl"))


def decisions(folder: Path) -> list[Simulated]:
    """Return what the adjudicator decides."""
    return list(_simulated(folder / "decisions.jsonl"))


def _simulated(path: Path) -> Iterator[Simulated]:
    for line, record in read_jsonl(path):
        if record.get("provenance") != "simulated":
            raise InputError(f"{path}:{line}: not marked as simulated")
        if record.get("task", LABEL_TASKS[0]) not in LABEL_TASKS:
            raise InputError(f"{path}:{line}: unknown task {record['task']!r}")
        yield Simulated((str(record.get("source")), str(record.get("key"))), record, f"{path}:{line}")


def answer_result(simulated: Simulated, codebook: Codebook, form: str, text: str) -> Result:
    """Return the Label Studio result that a browser would have sent; evidence of labels not given is passed over."""
    if simulated.skipped:
        return []
    record = simulated.record
    votes = [Vote(field, label) for field, labels in record["labels"].items() for label in labels]
    given = {(vote.field, vote.label) for vote in votes}
    spans = []
    for evidence in record.get("evidence", ()):
        field = codebook.label(evidence["label"]).field
        if (field, evidence["label"]) in given:
            start = _place(text, evidence["quote"], simulated.where)
            mode = evidence.get("mode", "explicit")
            spans.append(Span(field, evidence["label"], start, start + len(evidence["quote"]), mode))
    free = [Free("speaker", record["speaker"])] if record.get("speaker") else []
    regions = record.get("transcription") or [] if form == "image" else []
    submission = Submission(
        labels=tuple(votes),
        evidence=tuple(spans),
        confidence=record.get("confidence"),
        free=tuple(free),
        comment=record.get("comment") or None,
        regions=tuple(Region(r["x"], r["y"], r["width"], r["height"], r["text"], r.get("writing")) for r in regions),
    )
    return build_result(codebook, submission, form=form)


def decision_result(simulated: Simulated) -> Result:
    """Return the Label Studio result of a simulated decision."""
    record = simulated.record
    answer = DecisionAnswer(record["decision"], record.get("reason"), record.get("comment") or None)
    return build_decision_result(answer)


def _place(text: str, quote: str, where: str) -> int:
    if text.count(quote) != 1:
        raise InputError(f"{where}: the evidence {quote!r} stands {text.count(quote)} times in the text, not once")
    return text.index(quote)
