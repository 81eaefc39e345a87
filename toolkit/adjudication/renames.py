"""Decisions on labels that another codebook version calls by another id, or merged into others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from toolkit.codebook import Codebook
from toolkit.codebook_changes import merged_from, renamed_from, successor
from toolkit.votes import CONTESTED, NO, YES, Question


def former(question: Question, codebook: Codebook) -> Iterator[tuple[Question, bool]]:
    """Yield the question as it was asked under each label that became its own, and whether its decision is this one's.

    It is where the label was only renamed. Of one that was merged with others, a yes is a yes to the whole, and a no says
    nothing of the rest.
    """
    if question.label is not None:
        only = renamed_from(codebook, question.label)
        for old in merged_from(codebook, question.label):
            yield replace(question, label=old), old in only
        return
    earlier = {leaf.id: renamed_from(codebook, leaf.id) for leaf in codebook.leaves(question.field)}
    for step in range(max(map(len, earlier.values()), default=0)):
        names = {new: old[min(step, len(old) - 1)] for new, old in earlier.items() if old}
        votes = {name: names.get(vote, vote) for name, vote in question.votes.items()}
        if votes != question.votes:
            yield replace(question, votes=votes), True


def today(outcome: str, codebook: Codebook) -> str | None:
    """Return an outcome in the codebook's own words; None for a label that was split or given up."""
    return outcome if outcome in (YES, NO, CONTESTED) else successor(codebook, codebook, outcome)[0]
