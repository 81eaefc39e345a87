"""Reading a result. The server stores whatever it is sent, so that reading checks everything.

An unknown control or label, a span outside the text, an answer that the codebook rules out: what does not hold is reported in
words and left out; an answer that contradicts another one is reported and kept. The ``text`` that Label Studio stores beside a
span is never read: it is not what stands in the text (line breaks become a literal ``\\n``, double blanks collapse).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from toolkit.codebook import Codebook
from toolkit.labelresult.model import (
    EVIDENCE,
    MODE,
    MODES,
    REGION,
    UNABLE,
    Free,
    Mode,
    Region,
    Result,
    Span,
    Submission,
    Vote,
    canonical,
)
from toolkit.resultshape import well_formed


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
        self.leaves = codebook.leaf_ids
        self.evidence = codebook.evidence_fields

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
        place = self.codebook.field_order.get(control)
        if place is None:
            return None
        field = self.codebook.fields[place]
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
        levels = {str(level.value): level.value for level in self.codebook.field(control).levels}
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
        by_field: dict[str, list[str]] = {}
        for vote in submission.labels:
            by_field.setdefault(vote.field, []).append(vote.label)
        for field in self.codebook.fields:
            chosen = by_field.get(field.name, [])
            if not chosen and not field.required:
                continue
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
