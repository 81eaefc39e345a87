"""One label of an item, step by step: the decision, what was decided before, the votes, the codebook's words then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.adjudication.records import Record
from toolkit.adjudication.store import Standing
from toolkit.codebook import Codebook
from toolkit.codebook_checks import numbers
from toolkit.codebooks import Codebooks
from toolkit.precedents import Precedent
from toolkit.votes import Question


@dataclass(frozen=True)
class Vote:
    """One annotator's answer: ``value`` (yes, no, or a field's value), with the words that they marked for it and their mode.

    Words are empty where they are of a text that the item no longer has.
    """

    annotator: str
    value: str
    words: tuple[tuple[str, str], ...]
    at: str
    round: str
    codebook_version: str
    text_layer: str
    confidence: int | None
    comment: str | None
    predictions_shown: bool
    provenance: str
    judgement_id: str


@dataclass(frozen=True)
class Said:
    """What an adjudicator decided; ``standing`` says whether it is in force, and if not, since what.

    ``words`` are those that it rests on, at ``places`` of the text that is labelled.
    """

    outcome: str
    by: str
    at: str
    reason: str | None
    comment: str | None
    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    number: int
    codebook_version: str | None
    judgement_ids: tuple[str, ...]
    in_force: bool
    standing: str


@dataclass(frozen=True)
class Rule:
    """What the codebook said at a version: empty ``name`` where it did not have the label, ``kept`` false where it is lost."""

    version: str
    current: bool
    kept: bool
    question: str = ""
    name: str = ""
    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """A label (of a field with one value: None) and how it came about.

    ``outcome`` is what is in force, None where the question is open; ``how`` says by what. ``released`` is how the last
    release has it, None where that does not hold the item.
    """

    field: str
    label: str | None
    name: str
    question_id: str
    outcome: str | None
    how: str
    reason: str | None
    released: str | None
    votes: tuple[Vote, ...]
    decisions: tuple[Said, ...]
    reopened: tuple[tuple[str, str, str], ...]
    rules: tuple[Rule, ...]
    precedents: tuple[Precedent, ...]


@dataclass(frozen=True)
class Known:
    """What steps are made of: the standing, judgements by id, all decisions and reopenings, texts by hash, codebooks."""

    found: Standing
    judgements: Mapping[str, Mapping[str, Any]]
    records: Sequence[Record]
    reopenings: Sequence[Record]
    texts: Mapping[str, str]
    shown_text: str
    codebooks: Codebooks
    precedents: Sequence[Precedent]
    items: frozenset[str]
    """The item's id, and those of the items that it supersedes with their judgements."""
    language: str


def step(known: Known, number: int, released: str | None) -> Step:
    """Return the steps of a question, by its number in the standing."""
    found = known.found
    task, _, field, label = found.found.place(number)
    question = found.found.question(number)
    row = next(iter(_in_force(found, question.id)), None)
    codebook = known.codebooks(task)
    votes = tuple(_votes(known, question))
    decisions = tuple(_decisions(known, number, question))
    versions = [row["codebook_version"]] if row and row["decided_by"] else [vote.codebook_version for vote in votes]
    return Step(
        field=field,
        label=label,
        name=_name(codebook, label or field, known.language) if label else field.replace("_", " "),
        question_id=question.id,
        outcome=row["outcome"] if row else None,
        how=_how(found, number, row),
        reason=row["reason"] if row else None,
        released=released,
        votes=votes,
        decisions=decisions,
        reopened=tuple(
            (record["by"], record["at"][:10], record["because"]) for record in _about(known, known.reopenings, question)
        ),
        rules=tuple(
            _rule(known, task, version, field, label) for version in sorted(set(versions), key=numbers, reverse=True)
        ),
        precedents=tuple(p for p in known.precedents if p.task == task and p.about(field, label)),
    )


def _about(known: Known, records: Sequence[Record], question: Question) -> list[Record]:
    """Return the records about a question, those on items that its item supersedes among them."""
    about = (question.task, question.field, question.label)
    return [r for r in records if r["item_id"] in known.items and (r["task"], r["field"], r["label"]) == about]


def _in_force(found: Standing, question_id: str) -> Iterator[dict[str, Any]]:
    ids = found.decisions["question_id"].to_pylist()
    if question_id in ids:
        yield from found.decisions.slice(ids.index(question_id), 1).to_pylist()


def _how(found: Standing, number: int, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "waits for votes" if number in {int(n) for n in found.waiting.numbers} else "open"
    if not row["decided_by"]:
        return "all votes agree" if row["method"] == "unanimous" else f"majority, by {found.settings.margin} or more"
    second = ""
    if row["second_by"]:
        differ = row["second_outcome"] != row["outcome"]
        rule = f"; in force is: {found.settings.differ}" if differ else ""
        second = f", and {row['second_by']}: {row['second_outcome']}{rule}"
    own = " (who had judged the item)" if row["decided_by_annotator"] else ""
    return f"decided by {row['decided_by']}{own}, {row['decided_at']:%Y-%m-%d}{second}"


def _votes(known: Known, question: Question) -> Iterator[Vote]:
    for (annotator, value), judgement_id in zip(question.votes.items(), question.judgement_ids, strict=True):
        row = known.judgements[judgement_id]
        text = known.texts.get(row["text_sha256"], "")
        label = question.label or value
        spans = [span for span in row["evidence"] if (span["field"], span["label"]) == (question.field, label)]
        yield Vote(
            annotator=annotator,
            value=value,
            words=tuple((text[span["start"] : span["end"]], span["mode"]) for span in spans),
            at=f"{row['updated_at']:%Y-%m-%d %H:%M}",
            round=row["round"],
            codebook_version=row["codebook_version"],
            text_layer=row["text_layer"],
            confidence=row["confidence"],
            comment=row["comment"],
            predictions_shown=row["predictions_shown"],
            provenance=row["provenance"],
            judgement_id=judgement_id,
        )


def _decisions(known: Known, number: int, question: Question) -> Iterator[Said]:
    """Yield every decision that was recorded on the question, oldest first."""
    found = known.found
    own = _about(known, known.records, question)
    # Each by its content: those of an item that this one supersedes stand with their places left out.
    today = [(r["decided_by"], r["decided_at"], r.get("pass", 1)) for r in found.opinions.get(number, ())]
    asking = found.reopened[found.found.place(number)]
    for place, record in enumerate(own):
        in_force = (record["decided_by"], record["decided_at"], record.get("pass", 1)) in today
        later = [r for r in own[place + 1 :] if r.get("annotation") == record.get("annotation") is not None]
        same_text = record["item_id"] == question.item_id
        places = tuple((s["start"], s["end"]) for s in record["evidence"]) if same_text else ()
        if in_force:
            standing = "in force"
        elif later:
            standing = f"corrected by the same person, {later[0]['decided_at'][:10]}"
        elif record.get("asking", 0) < asking:
            standing = "reopened since"
        else:
            standing = "weighed other votes than there are now"
        yield Said(
            outcome=record["outcome"],
            by=record["decided_by"],
            at=record["decided_at"][:16].replace("T", " "),
            reason=record["reason"],
            comment=record.get("comment"),
            words=tuple(known.shown_text[start:end] for start, end in places),
            places=places,
            number=record.get("pass", 1),
            codebook_version=record.get("codebook_version"),
            judgement_ids=tuple(record.get("judgement_ids", ())),
            in_force=in_force,
            standing=standing,
        )


def _rule(known: Known, task: str, version: str, field: str, label: str | None) -> Rule:
    """Return the codebook's words about a label at a version."""
    codebook, current = known.codebooks.version(task, version), known.codebooks(task).version == version
    if codebook is None:
        return Rule(version, current, kept=False)
    asked = next((one for one in codebook.fields if one.name == field), None)
    own = next((one for one in codebook.labels if (one.field, one.id) == (field, label)), None)
    words = known.language
    return Rule(
        version,
        current,
        kept=True,
        question=asked.question.get(words) if asked else "",
        name=own.shown(words) if own else "",
        definition=own.definition.get(words) if own else "",
        include=tuple(each.get(words) for each in own.include) if own else (),
        exclude=tuple(each.get(words) for each in own.exclude) if own else (),
        rules=tuple(each.get(words) for each in asked.rules) if asked else (),
        values=tuple((one.shown(words), one.definition.get(words)) for one in codebook.leaves(field))
        if asked and label is None
        else (),
    )


def _name(codebook: Codebook, label: str, language: str) -> str:
    return next((one.shown(language) for one in codebook.labels if one.id == label), label)
