"""What an annotator answered on one item, in the codebook's own words.

Offsets are Unicode code points into the text shown.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from toolkit.codebook import Codebook
from toolkit.errors import InputError

Mode = Literal["explicit", "implied"]
Result = list[dict[str, Any]]

TEXT, IMAGE, EVIDENCE, MODE, REGION, DECISION = "text", "image", "evidence", "mode", "region", "decision"
UNABLE, DISTRESSING = "unable", "distressing"
REGION_LABEL = "photo_text"
MODES: tuple[Mode, ...] = ("explicit", "implied")


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
    label_order, field_order = codebook.label_order, codebook.field_order
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
