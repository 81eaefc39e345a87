"""Writing a result, as the browser would."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from toolkit.codebook import Codebook, Field
from toolkit.labelresult.model import (
    EVIDENCE,
    IMAGE,
    MODE,
    REGION,
    REGION_LABEL,
    TEXT,
    UNABLE,
    Region,
    Result,
    Submission,
    canonical,
)

_RESULT_IDS = uuid.UUID("0b9f4c52-6f53-5c52-9a1e-2f6f3f1d7c11")


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
