"""A Label Studio annotation's ``result``, read into a submission and written back as the browser would write it.

The server stores whatever it is sent, so that reading checks everything: an unknown control or label, a span outside
the text, an answer that the codebook rules out. What does not hold is reported in words and left out; an answer that
contradicts another one is reported and kept.

Offsets are Unicode code points into the text shown. The ``text`` that Label Studio stores beside a span is never read:
it is not what stands in the text (line breaks become a literal ``\\n``, double blanks collapse).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from toolkit.codebook import Codebook, Field
from toolkit.errors import InputError
from toolkit.resultshape import well_formed

Mode = Literal["explicit", "implied"]
Result = list[dict[str, Any]]

TEXT, IMAGE, EVIDENCE, MODE, REGION, DECISION = "text", "image", "evidence", "mode", "region", "decision"
UNABLE, DISTRESSING = "unable", "distressing"
REGION_LABEL = "photo_text"
MODES: tuple[Mode, ...] = ("explicit", "implied")

_RESULT_IDS = uuid.UUID("0b9f4c52-6f53-5c52-9a1e-2f6f3f1d7c11")


class Vote(NamedTuple):
    """A label chosen for a field."""

    field: str
    label: str


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (code points, end excluded) that back a label."""

    field: str
    label: str
    start: int
    end: int
    mode: Mode = "explicit"


class Free(NamedTuple):
    """What was written for a free field."""

    field: str
    text: str


class Region(NamedTuple):
    """A marked part of the image, in percent of its width and height, the text read there (may be empty), its writing.

    ``writing`` is the label of the codebook's per-region choice: language and script.
    """

    x: float
    y: float
    width: float
    height: float
    text: str
    writing: str | None = None


@dataclass(frozen=True)
class Submission:
    """One annotator's answers on one item: votes in the codebook's order, evidence in the text's.

    ``unable``: why the annotator passes the item over, where they say so (``distressing``).
    """

    labels: tuple[Vote, ...] = ()
    evidence: tuple[Span, ...] = ()
    confidence: int | None = None
    free: tuple[Free, ...] = ()
    comment: str | None = None
    regions: tuple[Region, ...] = ()
    unable: str | None = None


def canonical(codebook: Codebook, submission: Submission) -> Submission:
    """Return the submission as reading gives it back: no repeats, declared order, a span's label among the labels.

    :class:`InputError` when it holds a field or label that the codebook does not have.
    """
    label_order = {label.id: place for place, label in enumerate(codebook.labels)}
    field_order = {field.name: place for place, field in enumerate(codebook.fields)}
    votes = {*submission.labels, *(Vote(span.field, span.label) for span in submission.evidence)}
    for vote in votes:
        if vote.field != codebook.label(vote.label).field:
            raise InputError(f"the label {vote.label!r} is none of the field {vote.field!r}")
    texts: dict[str, list[str]] = defaultdict(list)
    for field, text in submission.free:
        codebook.field(field)
        texts[field] += [text] if text else []
    return Submission(
        labels=tuple(sorted(votes, key=lambda vote: (field_order[vote.field], label_order[vote.label]))),
        evidence=tuple(sorted({*submission.evidence}, key=lambda s: (s.start, s.end, label_order[s.label], s.mode))),
        confidence=submission.confidence,
        free=tuple(Free(field, "\n".join(texts[field])) for field in field_order if texts.get(field)),
        comment=submission.comment or None,
        regions=submission.regions,
        unable=submission.unable,
    )


def parse_result(
    codebook: Codebook, result: Result, *, text: str, form: str | None = None
) -> tuple[Submission, list[str]]:
    """Read an annotation's ``result``; ``text`` is the text that was shown. Return the submission and the problems.

    An answer that ``form`` does not ask for is not missed (None: all are asked for).
    """
    reader = _Reader(codebook, text, form)
    entries, reader.problems = well_formed(result)
    for item in entries:
        reader.read(item)
    return reader.finish()


def build_result(codebook: Codebook, submission: Submission, *, form: str) -> Result:
    """Return the ``result`` that the browser would make of a submission filled into one form; the inverse of reading.

    The ids in it depend on nothing but the content.
    """
    submission = canonical(codebook, submission)
    result: Result = []
    for field in codebook.fields:
        if not field.on(form) or field.per_region or field.spans_only:
            continue
        answer = _answer(codebook, field, submission)
        if answer is not None:
            kind, value = answer
            key = "text" if kind == "textarea" else kind
            result.append(result_item(field.name, field.name, kind, {key: value}))
    for place, span in enumerate(submission.evidence):
        own = codebook.field(span.field).spans_only
        where: dict[str, Any] = {"start": span.start, "end": span.end}
        name = f"span {place}"
        result.append(result_item(name, span.field if own else EVIDENCE, "labels", {**where, "labels": [span.label]}))
        if not own:
            result.append(result_item(name, MODE, "choices", {**where, "choices": [span.mode]}))
    asked = [field for field in codebook.fields if field.per_region and field.on(form)]
    if asked:
        result.extend(_region_items(submission.regions, asked))
    if submission.unable:
        result.append(result_item(UNABLE, UNABLE, "choices", {"choices": [submission.unable]}))
    return result


def _answer(codebook: Codebook, field: Field, submission: Submission) -> tuple[str, Any] | None:
    """Return the type and value of a field's answer as a whole; None when it has none."""
    if field.kind == "ordinal":
        return ("choices", [str(submission.confidence)]) if submission.confidence is not None else None
    if field.kind == "free":
        if field.name == "comment":
            return ("textarea", [submission.comment]) if submission.comment else None
        texts = [text for name, text in submission.free if name == field.name]
        return ("textarea", texts) if texts else None
    chosen = [vote.label for vote in submission.labels if vote.field == field.name]
    if not chosen:
        return None
    return ("taxonomy", [list(codebook.path(label)) for label in chosen]) if field.evidence else ("choices", chosen)


def _region_items(regions: Iterable[Region], asked: Iterable[Field]) -> Result:
    items: Result = []
    for place, region in enumerate(regions):
        where = {"x": region.x, "y": region.y, "width": region.width, "height": region.height, "rotation": 0}
        name = f"region {place}"
        labels = {**where, "rectanglelabels": [REGION_LABEL]}
        items.append(result_item(name, REGION, "rectanglelabels", labels, to=IMAGE))
        for field in asked:
            if field.kind == "free" and region.text:
                items.append(result_item(name, field.name, "textarea", {**where, "text": [region.text]}, to=IMAGE))
            if field.kind == "single" and region.writing:
                items.append(result_item(name, field.name, "choices", {**where, "choices": [region.writing]}, to=IMAGE))
    return items


def result_item(name: str, control: str, kind: str, value: dict[str, Any], *, to: str = TEXT) -> dict[str, Any]:
    """Return one entry of a result; entries of one region share their ``name``, and so their id."""
    identity = uuid.uuid5(_RESULT_IDS, name).hex[:10]
    return {"id": identity, "from_name": control, "to_name": to, "type": kind, "origin": "manual", "value": value}


class _Reader:
    """Collects the entries of one result: a region's parts share an id and may come in any order."""

    def __init__(self, codebook: Codebook, text: str, form: str | None) -> None:
        self.codebook = codebook
        self.text = text
        self.form = form
        self.problems: list[str] = []
        self.votes: list[Vote] = []
        self.spans: dict[str, list[tuple[str, str, int, int]]] = defaultdict(list)
        self.modes: dict[str, Mode] = {}
        self.levels: list[int] = []
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.boxes: dict[str, tuple[float, float, float, float]] = {}
        self.box_texts: dict[str, list[str]] = defaultdict(list)
        self.box_writing: dict[str, str] = {}
        self.unable: str | None = None
        self.fields = {field.name: field for field in codebook.fields}
        self.leaves = {field.name: {label.id for label in codebook.leaves(field.name)} for field in codebook.fields}
        self.evidence = {label.id: label.field for label in codebook.evidence_labels()}

    def read(self, item: dict[str, Any]) -> None:
        control, value = item.get("from_name"), item.get("value")
        if not isinstance(control, str) or not isinstance(value, dict):
            self.problems.append(f"an entry of type {item.get('type')!r} that answers no question of this codebook")
            return
        handler = self._handler(control)
        if handler is None:
            self.problems.append(f"unknown control {control!r}")
            return
        handler(control, str(item.get("id")), value)

    def _handler(self, control: str) -> Callable[[str, str, dict[str, Any]], None] | None:
        if self.evidence and control in (EVIDENCE, MODE):
            return self._span if control == EVIDENCE else self._mode
        if control == REGION and any(field.per_region for field in self.codebook.fields):
            return self._box
        if control == UNABLE:
            return self._unable
        field = self.fields.get(control)
        if field is None:
            return None
        if field.kind == "free":
            return self._box_text if field.per_region else self._text
        if field.kind == "ordinal":
            return self._level
        if field.per_region:
            return self._box_choice
        return self._span if field.spans_only else self._votes

    def _votes(self, control: str, _: str, value: dict[str, Any]) -> None:
        paths = value.get("taxonomy")
        chosen = [path[-1] for path in paths if path] if isinstance(paths, list) else value.get("choices")
        for label in chosen if isinstance(chosen, list) else []:
            if label in self.leaves[control]:
                self.votes.append(Vote(control, label))
            else:
                self.problems.append(f"{control}: unknown label {label!r}")

    def _span(self, control: str, identity: str, value: dict[str, Any]) -> None:
        start, end = value.get("start"), value.get("end")
        if not (type(start) is int and type(end) is int and 0 <= start < end <= len(self.text)):
            self.problems.append(f"{control}: span {start!r} to {end!r} is not in the text, which has {len(self.text)}")
            return
        labels = value.get("labels")
        for label in labels if isinstance(labels, list) else []:
            field = self.evidence.get(label) if control == EVIDENCE else control
            if field is None or label not in self.leaves[field]:
                self.problems.append(f"{control}: unknown label {label!r}")
            else:
                self.spans[identity].append((field, label, start, end))

    def _mode(self, control: str, identity: str, value: dict[str, Any]) -> None:
        modes = [mode for mode in MODES if mode in (value.get("choices") or [])]
        if len(modes) != 1 or len(value["choices"]) != 1:
            self.problems.append(f"{control}: {value.get('choices')!r} is not one of {', '.join(MODES)}")
            return
        self.modes[identity] = modes[0]

    def _level(self, control: str, _: str, value: dict[str, Any]) -> None:
        levels = {str(level.value): level.value for level in self.fields[control].levels}
        for label in value.get("choices") or []:
            if label in levels:
                self.levels.append(levels[label])
            else:
                self.problems.append(f"{control}: unknown level {label!r}")

    def _text(self, control: str, _: str, value: dict[str, Any]) -> None:
        self.texts[control].extend(strings(value))

    def _box(self, _: str, identity: str, value: dict[str, Any]) -> None:
        sides = [value.get(side) for side in ("x", "y", "width", "height")]
        numbers = [float(side) for side in sides if isinstance(side, int | float)]
        if len(numbers) != 4:
            self.problems.append(f"{REGION}: a region without x, y, width and height")
            return
        x, y, width, height = numbers
        self.boxes[identity] = (x, y, width, height)

    def _box_text(self, _: str, identity: str, value: dict[str, Any]) -> None:
        self.box_texts[identity].extend(strings(value))

    def _box_choice(self, control: str, identity: str, value: dict[str, Any]) -> None:
        for label in value.get("choices") or []:
            if label in self.leaves[control]:
                self.box_writing[identity] = label
            else:
                self.problems.append(f"{control}: unknown label {label!r}")

    def _unable(self, control: str, _: str, value: dict[str, Any]) -> None:
        for reason in value.get("choices") or []:
            if isinstance(reason, str):
                self.unable = reason
            else:
                self.problems.append(f"{control}: {reason!r} is no reason")

    def finish(self) -> tuple[Submission, list[str]]:
        marked = {span for identity in self.modes for span in self.spans.get(identity, [])}
        spans = [
            Span(*span, self.modes.get(identity, "explicit"))
            for identity, found in self.spans.items()
            for span in found
            if identity in self.modes or span not in marked  # an unmarked repeat of a marked span adds nothing
        ]
        for identity in sorted((self.box_texts.keys() | self.box_writing.keys()) - self.boxes.keys()):
            self.problems.append(f"{REGION}: a transcription of no region ({identity})")
        comment = "\n".join(self.texts.pop("comment", []))
        submission = canonical(
            self.codebook,
            Submission(
                labels=tuple(self.votes),
                evidence=tuple(spans),
                confidence=self.levels[0] if self.levels else None,
                free=tuple(Free(field, "\n".join(texts)) for field, texts in self.texts.items()),
                comment=comment,
                regions=tuple(
                    Region(*box, "\n".join(self.box_texts[key]), self.box_writing.get(key))
                    for key, box in self.boxes.items()
                ),
                unable=self.unable,
            ),
        )
        self.problems.extend(self._contradictions(submission))
        return submission, self.problems

    def _contradictions(self, submission: Submission) -> Iterable[str]:
        if len(set(self.levels)) > 1:
            yield f"confidence: more than one answer: {', '.join(map(str, self.levels))}"
        for field in self.codebook.fields:
            chosen = [vote.label for vote in submission.labels if vote.field == field.name]
            labels = [self.codebook.label(label) for label in chosen]
            if field.kind == "single" and len(chosen) > 1:
                yield f"{field.name}: more than one answer: {', '.join(chosen)}"
            for label in labels:
                if label.exclusive and len(chosen) > 1:
                    yield f"{field.name}: {label.id} stands alone, but is beside others: {', '.join(chosen)}"
                if label.write_in and submission.comment is None:
                    yield f"{field.name}: {label.id} needs its claim written in the comment"
            answered = submission.confidence is not None if field.kind == "ordinal" else bool(chosen)
            asked = not field.per_region and (self.form is None or field.on(self.form))
            if field.required and asked and field.kind != "free" and not answered:
                yield f"{field.name}: no answer"


def strings(value: dict[str, Any]) -> list[str]:
    """Return what a text area holds: the browser stores a list, other writers a string."""
    texts = value.get("text")
    return [texts] if isinstance(texts, str) else [text for text in texts or [] if isinstance(text, str)]
