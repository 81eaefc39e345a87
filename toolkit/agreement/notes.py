"""What a reader must know of judgements before the figures: who is alone, who never varies, what nobody used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement.ballots import Ballot, Submissions, ballots, votes
from toolkit.codebook_checks import numbers
from toolkit.codebooks import Lookup, named_by
from toolkit.settings import AgreementSettings


def notes(judgements: pa.Table, settings: AgreementSettings) -> list[str]:
    """Return sentences without a full stop, the gravest first; none where there are no judgements."""
    if not judgements.num_rows:
        return []
    found = votes(judgements)
    if not found.rows.num_rows:
        skips = bool(pc.all(judgements["skipped"]).as_py())
        return ["every judgement is a skip" if skips else "no judgement counts as a vote: skips, training, repeats"]
    own = list(ballots(found))
    said = [_alone(found)] + [note for ballot in own for note in _constant(ballot, found, settings.minimum_items)]
    said += _versions(judgements)
    said += _unused(own, named_by(judgements))
    return [note for note in said if note]


def _versions(judgements: pa.Table) -> Iterator[str]:
    """Yield the tasks whose judgements were made under several versions of their codebook."""
    known = judgements.group_by(["task", "codebook_version"]).aggregate([]).sort_by("task")
    for task in pc.unique(known["task"]).to_pylist():
        own = known.filter(pc.equal(known["task"], task))["codebook_version"].to_pylist()
        if len(own) > 1:
            versions = ", ".join(sorted(own, key=numbers))
            yield f"judgements under codebooks {task} {versions} together; apart: --by codebook_version"


def _alone(found: Submissions) -> str:
    names = np.unique(found.rater)
    if len(names) == 1:
        return f"one annotator alone ({found.raters[names[0]]}): nobody to agree with"
    if np.bincount(found.unit).max() < 2:
        return "no item was answered by two annotators: nobody to agree with"
    return ""


def _constant(ballot: Ballot, found: Submissions, least: int) -> Iterator[str]:
    """Yield who gave one and the same answer on ``least`` items or more, where others on these items did not."""
    codes, sets = ballot.sets()
    for rater in np.unique(ballot.rater):
        mine = ballot.rater == rater
        if mine.sum() < least or len(np.unique(codes[mine])) > 1:
            continue
        code = codes[mine][0]
        others = codes[~mine & np.isin(ballot.unit, ballot.unit[mine])]
        if (others != code).any():
            given = ", ".join(ballot.labels[place] for place in np.flatnonzero(sets[code]))
            yield (
                f"{found.raters[rater]} answered {given or 'nothing'} on all {mine.sum()} items in {ballot.task}:"
                f" {ballot.field}, where others did not"
            )


def _unused(own: list[Ballot], codebooks: Lookup) -> Iterator[str]:
    for ballot in own:
        if ballot.kind != "ordinal":
            # An abstention is no answer, and so in no ballot.
            asked = [label.id for label in codebooks(ballot.task).leaves(ballot.field) if not label.abstains]
            given = {ballot.labels[place] for place in np.flatnonzero(ballot.given.any(axis=0))}
            if missing := [label for label in asked if label not in given]:
                yield f"nobody gave in {ballot.task}: {ballot.field}: {', '.join(missing)}"
