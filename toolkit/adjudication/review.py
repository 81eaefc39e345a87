"""What adjudication comes to: counts by field, how far two decisions agree, what a ruling asks to be looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.decided import resolve
from toolkit.adjudication.questions import Place
from toolkit.adjudication.store import Standing
from toolkit.agreement.ballots import Ints
from toolkit.agreement.figures import cohen_kappa, contingency
from toolkit.labels.store import moment
from toolkit.precedents import Precedent


@dataclass(frozen=True)
class Counts:
    """The questions of a field: those that settle themselves, were adjudicated (or contested), are open or wait for votes.

    ``sampled`` are those that settle themselves and are asked all the same, ``overturned`` those that were asked so, and
    decided to something else than all or most votes.
    """

    task: str
    field: str
    questions: int
    itself: int
    adjudicated: int
    contested: int
    open: int
    waiting: int
    sampled: int
    overturned: int


def counts(found: Standing) -> list[Counts]:
    """Return the counts of each field, in the codebook's order."""
    asked = found.found.asked
    fields = list(dict.fromkeys((task, field) for task, field, _ in asked))
    of = np.array([fields.index((task, field)) for task, field, _ in asked] or [0], dtype=np.int64)

    def each(numbers: Ints | None = None) -> Ints:
        about = found.found.about if numbers is None else found.found.about[numbers]
        return np.bincount(of[about], minlength=len(fields)).astype(np.int64)

    contested = [n for n, given in found.opinions.items() if resolve(given, found.settings).outcome == "contested"]
    columns = [
        each(),
        each(found.itself),
        each(found.adjudicated.numbers),
        each(np.array(contested, dtype=np.int64)),
        each(found.open.numbers),
        each(found.waiting.numbers),
        each(found.sampled.numbers),
        each(np.array(list(_overturned(found)), dtype=np.int64)),
    ]
    return [Counts(*fields[n], *(int(column[n]) for column in columns)) for n in range(len(fields))]


def _overturned(found: Standing) -> Iterator[int]:
    """Yield the questions that would settle themselves, and that an adjudicator decided otherwise."""
    leading, _, _ = found.found.tally
    for number, given in found.opinions.items():
        settled = bool(found.by_policy[number])
        if settled and resolve(given, found.settings).outcome != found.found.values[leading[number]]:
            yield number


@dataclass(frozen=True)
class Twice:
    """How far two who decided the same questions agree, or one person with themselves: ``first`` and ``second`` by name."""

    first: str
    second: str
    questions: int
    same: int
    percent: float
    kappa: float | None


def twice(found: Standing) -> list[Twice]:
    """Return the agreement of first and second decisions in force, pair by pair."""
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for given in found.opinions.values():
        if len(given) > 1:
            one, other = given[0], given[1]
            pairs.setdefault((one["decided_by"], other["decided_by"]), []).append((one["outcome"], other["outcome"]))
    rows = []
    for (first, second), both in sorted(pairs.items()):
        values = sorted({outcome for pair in both for outcome in pair})
        codes = np.array([[values.index(a), values.index(b)] for a, b in both], dtype=np.int64).T
        same = sum(a == b for a, b in both)
        kappa = cohen_kappa(contingency(codes[0], codes[1], len(values)))
        rows.append(Twice(first, second, len(both), same, round(same / len(both), 4), kappa))
    return rows


@dataclass(frozen=True)
class Recheck:
    """An item that a ruling asks to be looked at again: what holds of it now, and whether somebody has since."""

    item_id: str
    field: str
    label: str | None
    question_id: str
    outcome: str
    decided_by: str | None
    done: str


def recheck(found: Standing, precedent: Precedent) -> list[Recheck]:
    """Return everything that was settled about the precedent's field and label before its ruling.

    Done is what an adjudicator decided after it, or somebody marked as looked at. Before a ruling, all that it would ask for.
    """
    ruled = moment(precedent.ruled_at) if precedent.ruled_at else None
    seen = {item: f"{by}, {at[:10]}" for item, by, at in precedent.rechecked}
    numbers = [
        n for n, asked in enumerate(found.found.asked) if asked[0] == precedent.task and precedent.about(*asked[1:])
    ]
    chosen = np.flatnonzero(np.isin(found.found.about, numbers))
    rows: list[Recheck] = []
    for row in _rows(found, chosen):
        since = ruled is not None and row["decided_at"] is not None and row["decided_at"] > ruled
        done = f"{row['decided_by']}, {row['decided_at']:%Y-%m-%d}" if since else seen.get(row["item_id"], "")
        about = (row["item_id"], row["field"], row["label"], row["question_id"])
        rows.append(Recheck(*about, row["outcome"], row["decided_by"], done))
    return rows


def _rows(found: Standing, chosen: Ints) -> Iterator[dict[str, Any]]:
    """Yield the decisions in force on some questions."""
    wanted = pa.array([found.found.question_id(int(number)) for number in chosen], pa.string())
    yield from found.decisions.filter(pc.is_in(found.decisions["question_id"], wanted)).to_pylist()


def left_to_check(found: Standing, known: Iterable[Precedent]) -> dict[str, int]:
    """Return how many items each ruling still asks to be looked at again; those that ask for none are left out."""
    ruled = [each for each in known if each.state == "ruled"]
    left = {each.id: sum(not row.done for row in recheck(found, each)) for each in ruled}
    return {name: count for name, count in left.items() if count}


def select(
    found: Standing, *, ids: Iterable[str] = (), item: str = "", field: str = "", label: str = ""
) -> list[Place]:
    """Return what is settled or was put, of these question ids (or beginnings), or of an item, field and label.

    An item is named by its id or the beginning of it.
    """
    names = tuple(ids)
    chosen = []
    for number in range(len(found.found)):
        place = found.found.place(number)
        if item and not place[1].startswith(item):
            continue
        if (field and place[2] != field) or (label and place[3] != label):
            continue
        if names and not found.found.question_id(number).startswith(names):
            continue
        if number not in found.unsettled:
            chosen.append(place)
    return chosen
