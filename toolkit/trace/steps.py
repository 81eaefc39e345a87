"""One label of an item, step by step: the decision, what was decided before, the votes, the codebook's words then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.adjudication.records import Record
from toolkit.adjudication.store import Standing
from toolkit.codebook import Codebook
from toolkit.codebook_changes import renamed_from, successor
from toolkit.codebooks import Codebooks
from toolkit.labelresult import Vote as Given
from toolkit.precedents import Precedent
from toolkit.trace.rules import Rename, Rule, forms, renames, rules
from toolkit.votes import NO, YES, Question


@dataclass(frozen=True)
class Vote:
    """One annotator's answer: ``value`` (yes, no, or a field's value), with the words that they marked for it and their mode.

    ``given`` are the labels that they gave, where the codebook of that time called it otherwise. Words are empty where they
    are of a text that the item no longer has.
    """

    annotator: str
    value: str
    given: tuple[str, ...]
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

    ``label`` is the label that it was asked about, ``outcome`` what was said, both as they were called then. ``words`` are
    those that it rests on, at ``places`` of the text that is labelled.
    """

    label: str | None
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
class Step:
    """A label (of a field with one value: None) and how it came about.

    ``outcome`` is what is in force, None where the question is open; ``how`` says by what. ``released`` is how the last
    release has it, None where that does not hold the item, and ``released_as`` what it calls the label there, where that is
    something else. ``renames`` lead from the names that votes, decisions and the release have for it to today's.
    """

    field: str
    label: str | None
    name: str
    question_id: str
    outcome: str | None
    how: str
    reason: str | None
    released: str | None
    released_as: str | None
    renames: tuple[Rename, ...]
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
    given: Mapping[str, Sequence[Given]]
    """Judgement → the labels as they were given, of those made under another codebook than today's."""
    released: Mapping[tuple[str, str | None], str] | None
    """How the last release has the labels of the item, in its own words; None where it does not hold it."""
    precedents: Sequence[Precedent]
    items: frozenset[str]
    """The item's id, and those of the items that it supersedes with their judgements."""
    language: str


def step(known: Known, number: int) -> Step:
    """Return the steps of a question, by its number in the standing."""
    found = known.found
    task, _, field, label = found.found.place(number)
    question = found.found.question(number)
    row = next(iter(_in_force(found, question.id)), None)
    codebook = known.codebooks(task)
    votes = tuple(_votes(known, question))
    decisions = tuple(_decisions(known, number, question))
    versions = [row["codebook_version"]] if row and row["decided_by"] else []
    versions += [vote.codebook_version for vote in votes if not versions or vote.given]
    released, released_as = _released(known, codebook, field, label)
    used = [one for vote in votes for one in vote.given] + [said.label or said.outcome for said in decisions]
    return Step(
        field=field,
        label=label,
        name=_name(codebook, label or field, known.language) if label else field.replace("_", " "),
        question_id=question.id,
        outcome=row["outcome"] if row else None,
        how=_how(found, number, row),
        reason=row["reason"] if row else None,
        released=released,
        released_as=released_as,
        renames=renames(codebook, [*used, *([released_as] if released_as else [])]),
        votes=votes,
        decisions=decisions,
        reopened=tuple(
            (record["by"], record["at"][:10], record["because"]) for record in _about(known, known.reopenings, question)
        ),
        rules=tuple(rules(known.codebooks, task, versions, field, label, used, known.language)),
        precedents=tuple(
            p
            for p in known.precedents
            if p.task == task and any(p.about(field, each) for each in forms(codebook, label))
        ),
    )


def _released(known: Known, codebook: Codebook, field: str, label: str | None) -> tuple[str | None, str | None]:
    """Return how the last release has a label, and what it calls it where that is not what it is called today."""
    if known.released is None:
        return None, None
    for each in forms(codebook, label):
        state = known.released.get((field, each))
        if state is not None:
            if label is None:
                became = successor(codebook, codebook, state)[0]
                return (became, state) if became and became != state else (state, None)
            return state, each if each != label else None
    return "not asked", None


def _about(known: Known, records: Sequence[Record], question: Question) -> list[Record]:
    """Return the records about a question, those on items that its item supersedes and on labels that became its own too."""
    labels = forms(known.codebooks(question.task), question.label)
    about = (question.task, question.field)
    own = [r for r in records if r["item_id"] in known.items and (r["task"], r["field"]) == about]
    return [record for record in own if record["label"] in labels]


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
            given=tuple(_given(known, question, judgement_id, label if value != NO else None)),
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


def _given(known: Known, question: Question, judgement_id: str, label: str | None) -> Iterator[str]:
    """Yield the labels that an annotator gave, each of which is called ``label`` today and was not then."""
    codebook = known.codebooks(question.task)
    for one in known.given.get(judgement_id, ()):
        if label and one.field == question.field and one.label in forms(codebook, label)[1:]:
            yield one.label


def _decisions(known: Known, number: int, question: Question) -> Iterator[Said]:
    """Yield every decision that was recorded on the question, oldest first."""
    found = known.found
    own = _about(known, known.records, question)
    # Each by its content: those of an item that this one supersedes stand with their places left out.
    today = [_key(record) for record in found.opinions.get(number, ())]
    codebook = known.codebooks(question.task)
    asking = len(_about(known, known.reopenings, question))
    same = {question.label, *(renamed_from(codebook, question.label) if question.label else ())}
    for place, record in enumerate(own):
        in_force = _key(record) in today
        later = [r for r in own[place + 1 :] if r.get("annotation") == record.get("annotation") is not None]
        same_text = record["item_id"] == question.item_id
        places = tuple((s["start"], s["end"]) for s in record["evidence"]) if same_text else ()
        if in_force:
            standing = "in force"
        elif later:
            standing = f"corrected by the same person, {later[0]['decided_at'][:10]}"
        elif record.get("asking", 0) < asking:
            standing = "reopened since"
        elif record["label"] not in same and record["outcome"] != YES:
            standing = f"of {record['label']} alone, which was merged since"
        else:
            standing = "weighed other votes than there are now"
        yield Said(
            label=record["label"],
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


def _key(record: Record) -> tuple[Any, ...]:
    return record["label"], record["decided_by"], record["decided_at"], record.get("pass", 1)


def _name(codebook: Codebook, label: str, language: str) -> str:
    return next((one.shown(language) for one in codebook.labels if one.id == label), label)
