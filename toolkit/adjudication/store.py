"""Which decisions are in force: what settles itself by the declared policy, what adjudicators decided, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication import policy
from toolkit.adjudication.decided import Opinions, by_opinion, decisions_table, resolve
from toolkit.adjudication.questions import Place, Questions, questions
from toolkit.adjudication.records import Record, history, outcomes, place_of, record_path, reopenings, times
from toolkit.adjudication.renames import former, today
from toolkit.agreement.ballots import Bools, Ints, by_first_vote
from toolkit.codebooks import Lookup
from toolkit.corpus import store
from toolkit.labels.pieces import PIECE, whole_items
from toolkit.labels.store import load_judgements
from toolkit.lineage import Lineage
from toolkit.schema import table
from toolkit.settings import AdjudicationSettings
from toolkit.votes import YES, Question
from toolkit.workspace import Workspace

__all__ = ["Standing", "history", "load_decisions", "outcomes", "record_path", "standing", "standing_of"]


@dataclass(frozen=True)
class Some(Sequence[Question]):
    """Some of the questions: their numbers, made into objects one at a time as they are asked for."""

    found: Questions
    numbers: Ints

    def __len__(self) -> int:
        """Count them."""
        return len(self.numbers)

    def __iter__(self) -> Iterator[Question]:
        """Yield them in the questions' order."""
        return (self.found.question(int(number)) for number in self.numbers)

    @overload
    def __getitem__(self, place: int) -> Question: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Question]: ...
    def __getitem__(self, place: int | slice) -> Question | Sequence[Question]:
        """Return one, or some of them."""
        if isinstance(place, slice):
            return Some(self.found, self.numbers[place])
        return self.found.question(int(self.numbers[place]))

    def __eq__(self, other: object) -> bool:
        """Compare as lists."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Standing:
    """Where every question stands.

    ``open`` are those that an adjudicator can decide, ``waiting`` those with too few votes, ``adjudicated`` those that an
    adjudicator's decision settles, ``sampled`` those that settle themselves and are asked all the same. ``opinions``: number
    of a question → the decisions on it, of which :func:`toolkit.adjudication.decided.resolve` makes one. ``outdated`` are
    decisions on votes that have changed since.
    """

    found: Questions
    settings: AdjudicationSettings
    codebooks: Lookup
    open: Some
    waiting: Some
    adjudicated: Some
    sampled: Some
    itself: Ints
    """Numbers of the questions that settle themselves and that nobody decided."""
    by_policy: Bools
    """The questions that the policy settles, decided by somebody or not."""
    opinions: Mapping[int, Opinions]
    reopened: Counter[Place]
    outdated: list[Record]
    annotated: frozenset[tuple[str, str]] = field(default=frozenset())
    """(Person, item) of everything that anybody judged, in whatever round."""

    @cached_property
    def decisions(self) -> pa.Table:
        """The decisions in force (``schemas/decisions.json``), in the order of the questions."""
        return decisions_table(self.found, self.itself, self.opinions, self.settings, self.codebooks, self.annotated)

    @cached_property
    def unsettled(self) -> frozenset[int]:
        """The numbers of the questions that are open or wait for votes."""
        return frozenset(map(int, np.r_[self.open.numbers, self.waiting.numbers]))

    @property
    def differing(self) -> list[int]:
        """The numbers of the questions on which two decisions in force differ."""
        return [number for number, given in self.opinions.items() if resolve(given, self.settings).differ]


def load_decisions(workspace: Workspace, judgements: pa.Table | None = None) -> pa.Table:
    """Return the decisions in force (``schemas/decisions.json``), in the order of the judgements' items.

    ``judgements``: those of the workspace, where they were read already.
    """
    rows = _of_the_corpus(workspace, load_judgements(workspace) if judgements is None else judgements)
    return decisions_of(rows, *_known(workspace))


def decisions_of(
    judgements: pa.Table,
    settings: AdjudicationSettings,
    codebooks: Lookup,
    records: Sequence[Record] = (),
    reopened: Counter[Place] | None = None,
    lineage: Lineage | None = None,
    *,
    piece: int = PIECE,
) -> pa.Table:
    """Return the decisions of :func:`standing_of`, some items at a time: an item's follow from its own judgements."""
    pieces = whole_items(judgements, pa.array(by_first_vote(judgements)), piece)
    known = (settings, codebooks, records, reopened, lineage)
    return pa.concat_tables([table("decisions").empty(), *(standing_of(own, *known).decisions for own in pieces)])


def standing(workspace: Workspace, judgements: pa.Table | None = None) -> Standing:
    """Return where every question of a workspace stands, on the judgements pulled or on those given."""
    return standing_of(
        _of_the_corpus(workspace, load_judgements(workspace)) if judgements is None else judgements,
        *_known(workspace),
    )


def _known(workspace: Workspace) -> tuple[AdjudicationSettings, Lookup, Sequence[Record], Counter[Place], Lineage]:
    """Return what :func:`standing_of` asks for beside the judgements."""
    return (
        workspace.settings.adjudication,
        workspace.codebooks,
        history(workspace),
        times(reopenings(workspace)),
        Lineage.of(workspace.ledger),
    )


def standing_of(
    judgements: pa.Table,
    settings: AdjudicationSettings,
    codebooks: Lookup,
    records: Sequence[Record] = (),
    reopened: Counter[Place] | None = None,
    lineage: Lineage | None = None,
) -> Standing:
    """Settle what settles itself by the policy, look up what was adjudicated, and return the rest as open.

    A person's decision stands before the policy. What was reopened does not settle itself.
    """
    found = questions(judgements)
    reopened, lineage = reopened or Counter(), lineage or Lineage({})
    by_policy = policy.settles(found, settings)
    opinions, outdated, again = _decided(found, records, reopened, lineage, codebooks)
    decided = np.zeros(len(found), dtype=np.bool_)
    decided[[*opinions]] = True
    undecided_again = np.zeros(len(found), dtype=np.bool_)
    undecided_again[[number for number in again if number not in opinions]] = True
    settled = by_policy & ~undecided_again
    itself = np.flatnonzero(settled & ~decided)
    is_open = ~settled & ~decided & ((found.size > 1) | undecided_again)
    drawn = (
        [n for n in itself if policy.drawn(found.place(int(n)), settings.sample, "sample", settings.seed)]
        if settings.sample
        else []
    )
    return Standing(
        *(found, settings, codebooks),
        open=Some(found, np.flatnonzero(is_open)),
        waiting=Some(found, np.flatnonzero(~settled & ~decided & ~is_open)),
        adjudicated=Some(found, np.flatnonzero(decided)),
        sampled=Some(found, np.array(drawn, dtype=np.int64)),
        itself=itself,
        by_policy=by_policy,
        opinions=opinions,
        reopened=reopened,
        outdated=outdated,
        annotated=_annotated(judgements, records),
    )


def _decided(
    found: Questions, records: Sequence[Record], reopened: Counter[Place], lineage: Lineage, codebooks: Lookup
) -> tuple[dict[int, Opinions], list[Record], set[int]]:
    """Return the decisions in force by question, those on other votes than today's, and the questions put again."""
    by_id: dict[str, list[Record]] = {}
    for record in records:
        by_id.setdefault(record["question_id"], []).append(record)
    touched = {place[1] for place in reopened} | {record["item_id"] for record in records}
    items = {lineage.today(item) for item in touched} | touched
    opinions: dict[int, Opinions] = {}
    again: set[int] = set()
    known: set[str] = set()
    # As they are now: each look-up asks the disk whether a file has changed, and every decision is looked up twice.
    book = cache(codebooks)
    for number in map(int, found.on_items(items)):
        question, (task, item, name, _) = found.question(number), found.place(number)
        # A decision on an item that this one supersedes, with the same votes on it, is a decision on this one.
        before = [item, *lineage.before(item, carried=True)]
        # So is one on a label that was only called otherwise.
        forms = [(question, True), *former(question, book(task))]
        asking = sum(reopened[place] for place in {(task, old, name, one.label) for one, _ in forms for old in before})
        if asking:
            again.add(number)
        ids = {replace(one, item_id=old).id: (old, same) for one, same in reversed(forms) for old in reversed(before)}
        known |= ids.keys()
        given = []
        for each, (old, same) in reversed(ids.items()):
            for record in by_id.get(each, ()):
                outcome = today(record["outcome"], book(task))
                if record.get("asking", 0) == asking and outcome and (same or outcome == YES):
                    # The places of a decision on an earlier text are in another text.
                    evidence = record["evidence"] if old == item else []
                    given.append(record | {"outcome": outcome, "evidence": evidence})
        if given:
            opinions[number] = by_opinion(given)
    return opinions, [own[-1] for question_id, own in by_id.items() if question_id not in known], again


def _annotated(judgements: pa.Table, records: Sequence[Record]) -> frozenset[tuple[str, str]]:
    people = pa.array(sorted({record["decided_by"] for record in records}), pa.string())
    own = judgements.filter(pc.and_(pc.is_in(judgements["annotator"], people), pc.invert(judgements["skipped"])))
    return frozenset(zip(own["annotator"].to_pylist(), own["item_id"].to_pylist(), strict=True))


def _of_the_corpus(workspace: Workspace, judgements: pa.Table) -> pa.Table:
    """Leave out what was judged and is in the corpus no longer: nobody can be asked about it."""
    if not store.versions(workspace):
        return judgements
    latest = store.open_version(workspace)
    known = [*latest.table("posts")["post_id"].to_pylist(), *latest.table("photo_texts")["photo_id"].to_pylist()]
    there = pc.is_in(judgements["item_id"], pa.array(known, pa.string()))
    # Mostly all of them are: then the same, not a copy.
    return judgements if pc.all(there).as_py() is not False else judgements.filter(there)


def place_numbers(found: Questions, records: Sequence[Record]) -> dict[Place, int]:
    """Return the number of today's question on what each record is about, where there is one."""
    wanted = {place_of(record) for record in records}
    numbers = map(int, found.on_items({place[1] for place in wanted}))
    return {found.place(number): number for number in numbers if found.place(number) in wanted}
