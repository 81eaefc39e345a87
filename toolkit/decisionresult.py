"""An adjudicator's Label Studio ``result``, read into an answer and written back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from toolkit.codebook import Codebook
from toolkit.labelresult import DECISION, EVIDENCE, Result, result_item, strings
from toolkit.resultshape import well_formed

SPANS = "spans"
"""Control: which of the annotators' spans a decision rests on."""


@dataclass(frozen=True)
class DecisionAnswer:
    """What an adjudicator answered.

    ``decision`` is the option chosen, by the ``alias`` that the task gave it; ``reason`` a label of the adjudication
    codebook; ``chosen`` those of the annotators' spans that it rests on, ``evidence`` spans that were drawn anew, both in code
    points of the text, in its order.
    """

    decision: str | None = None
    reason: str | None = None
    comment: str | None = None
    evidence: tuple[tuple[int, int], ...] = ()
    chosen: tuple[tuple[int, int], ...] = ()


def parse_decision(
    codebook: Codebook,
    result: Result,
    text: str,
    *,
    options: Iterable[str] | None = None,
    offered: Iterable[str] | None = None,
) -> tuple[DecisionAnswer, list[str]]:
    """Read an adjudication's ``result``; ``codebook`` is the adjudication's own.

    ``options`` are the aliases that its task offered, ``offered`` those of the spans to choose from (``start:end``), checked
    where given.

    Return the answer and the problems; what does not hold is left out of the answer.
    """
    reasons = {label.id for label in codebook.leaves("reason")}
    spans_offered = None if offered is None else set(offered)
    known = {DECISION: None if options is None else set(options), "reason": reasons}
    chosen: dict[str, str] = {}
    comments: list[str] = []
    spans: set[tuple[int, int]] = set()
    picked: set[tuple[int, int]] = set()
    entries, problems = well_formed(result)
    for item in entries:
        control, value = item.get("from_name"), item.get("value")
        if not isinstance(value, dict):
            problems.append(f"an entry of type {item.get('type')!r} that answers no question")
        elif control in known:
            for label in value.get("choices") or []:
                allowed = known[control]
                if allowed is not None and label not in allowed:
                    problems.append(f"{control}: unknown answer {label!r}")
                elif control in chosen:
                    problems.append(f"{control}: more than one answer")
                else:
                    chosen[control] = label
        elif control == "comment":
            comments.extend(strings(value))
        elif control == SPANS:
            for alias in value.get("choices") or []:
                place = _place(alias, len(text))
                if place is None or (spans_offered is not None and alias not in spans_offered):
                    problems.append(f"{control}: unknown answer {alias!r}")
                else:
                    picked.add(place)
        elif control == EVIDENCE:
            start, end = value.get("start"), value.get("end")
            if type(start) is int and type(end) is int and 0 <= start < end <= len(text):
                spans.add((start, end))
            else:
                problems.append(f"{control}: span {start!r} to {end!r} is not in the text, which has {len(text)}")
        else:
            problems.append(f"unknown control {control!r}")
    problems.extend(f"{control}: no answer" for control in known if control not in chosen)
    answer = DecisionAnswer(
        decision=chosen.get(DECISION),
        reason=chosen.get("reason"),
        comment="\n".join(comments) or None,
        evidence=tuple(sorted(spans)),
        chosen=tuple(sorted(picked)),
    )
    return answer, problems


def build_decision_result(answer: DecisionAnswer) -> Result:
    """Return the ``result`` that the browser would make of an answer; the inverse of :func:`parse_decision`."""
    result: Result = []
    for control, chosen in ((DECISION, answer.decision), ("reason", answer.reason)):
        if chosen is not None:
            result.append(result_item(control, control, "choices", {"choices": [chosen]}))
    if answer.chosen:
        aliases = [f"{start}:{end}" for start, end in sorted(set(answer.chosen))]
        result.append(result_item(SPANS, SPANS, "choices", {"choices": aliases}))
    if answer.comment:
        result.append(result_item("comment", "comment", "textarea", {"text": [answer.comment]}))
    for place, (start, end) in enumerate(sorted(set(answer.evidence))):
        value: dict[str, Any] = {"start": start, "end": end, "labels": [EVIDENCE]}
        result.append(result_item(f"span {place}", EVIDENCE, "labels", value))
    return result


def _place(alias: str, length: int) -> tuple[int, int] | None:
    start, _, end = alias.partition(":")
    if not (start.isascii() and start.isdecimal() and end.isascii() and end.isdecimal()):
        return None
    return (int(start), int(end)) if int(start) < int(end) <= length else None
