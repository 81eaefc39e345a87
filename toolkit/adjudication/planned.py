"""What would be asked, question by question, and why: the plan before a push."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.adjudication.ask import passes
from toolkit.adjudication.decided import resolve
from toolkit.adjudication.store import Standing


@dataclass(frozen=True)
class Planned:
    """A question that is put to an adjudicator, in which pass (1, or 2: decided twice), and why.

    ``votes``: annotator → value. ``decided`` is the outcome in force where somebody has decided, else None.
    """

    question_id: str
    task: str
    item_id: str
    field: str
    label: str | None
    votes: Mapping[str, str]
    number: int
    why: str
    decided: str | None

    @property
    def tally(self) -> str:
        """The votes counted, most frequent first."""
        counted = Counter(self.votes.values())
        return ", ".join(
            f"{value} {count}" for value, count in sorted(counted.items(), key=lambda each: (-each[1], each))
        )


def planned(found: Standing, because: Mapping[Any, str]) -> Iterator[Planned]:
    """Yield what a push would put, in its order; ``because``: place → why it was reopened last."""
    for number, number_of in passes(found):
        place, given = found.found.place(number), found.opinions.get(number)
        again = because.get(place, "") if found.reopened[place] else None
        yield Planned(
            *(found.found.question_id(number), *place, dict(found.found.votes_of(number)), number_of),
            "decided twice" if number_of == 2 else _why(found, number, again),
            resolve(given, found.settings).outcome if given else None,
        )


def _why(found: Standing, number: int, reopened: str | None) -> str:
    settings, (_, _, next_votes) = found.settings, found.found.tally
    if reopened is not None:
        return f"reopened: {reopened}"
    if found.by_policy[number]:
        return "sample"
    if next_votes[number]:
        return f"no majority by {settings.margin}" if settings.policy == "majority" else "votes differ"
    if found.found.size[number] < settings.minimum_votes:
        return f"fewer than {settings.minimum_votes} votes"
    return "marked words do not touch"
