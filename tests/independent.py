"""What an examples folder comes to, calculated a second time from its files alone. Imports nothing of the toolkit.

The rules, in words:

- An annotator's last line on an item is the submission that counts. A skip answers nothing.
- A submission that breaks the codebook is none, as a whole: a required field (the narrative, each single choice, the
  confidence) left empty, two values for a single choice, a label that stands alone beside another one (n98, n99,
  no_target), a narrative of one's own (n90) without a comment. Evidence for a label not given is passed over.
- In one field, n99 (or cannot_judge) alone abstains: no answer there, the other fields count. Adequacy is asked where the
  image is held. Other fields left empty are answers: none of
  the labels. (Where submissions are not checked as a whole, a required field left empty answers nothing.)
- Agreement takes items with two answers or more. ``positives`` are answers that gave the label (whole field: any label).
- Where several labels may hold, each label that anyone gave on an item is a question, yes or no; a field with one value
  is one question. A question whose answers differ is a conflict.
- A question with fewer than two answers is undecided. A unanimous one settles itself, whatever was decided on it. A
  conflict has the outcome of its decision, where there is one: a value, or contested (no gold); else it is undecided.
- Gold of a field with several labels is the set of labels settled or decided to yes, None where nobody answered.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

MULTI = {"narrative": ("narrative", "technique", "target", "voice"), "photo_text": ("narrative",)}
SINGLE = {"narrative": (), "photo_text": ("text_kind", "carrier", "function", "device", "adequacy")}
IMAGE_ONLY = "adequacy"
TASK_OF_ROLE = {"post": "narrative", "photo_text": "photo_text"}
ALONE = {"n98", "n99", "no_target"}
ABSTAINS, WRITE_IN = ({"n99"}, {"cannot_judge"}), "n90"

Labels = frozenset[str]
Item = tuple[str, str]
Field = tuple[str, str]
Question = tuple[str, str, str, str, str | None]
"""Source, key, task, field, label (None: the one value of a single choice)."""
Answers = dict[Field, dict[Item, dict[str, Labels]]]
"""(Task, field) → item → annotator → the labels given."""


@dataclass(frozen=True)
class Ballot:
    """One line of a submissions file."""

    task: str
    item: Item
    annotator: str
    labels: Mapping[str, Sequence[str]]
    skipped: bool = False
    valid: bool = True


@dataclass(frozen=True)
class Figure:
    """Agreement on a label (or whole field): exact, without rounding or minimum; None where it is not defined."""

    items: int
    pairs: int
    positives: int
    percent: Fraction | None
    alpha: Fraction | None


@dataclass(frozen=True)
class Gold:
    """A released cell. Several labels: sets and label → (yes, of); a single choice: value, two flags, label → (votes, of)."""

    value: Any = None
    contested: Any = frozenset()
    undecided: Any = frozenset()
    dist: Mapping[str, tuple[int, int]] | None = None


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def items(examples: Path) -> dict[str, list[Item]]:
    """Task → the items that are labelled in it, by the spans of the reports."""
    found: dict[str, list[Item]] = defaultdict(list)
    for meta in sorted((examples / "reports").rglob("*.source.toml")):
        source = tomllib.loads(meta.read_text(encoding="utf-8"))["id"]
        stem = meta.name.removesuffix(".source.toml")
        for spans in (*meta.parent.glob(f"{stem}.segments.jsonl"), *meta.parent.glob(f"{stem}.marks.jsonl")):
            for span in lines(spans):
                if span["role"] in TASK_OF_ROLE:
                    found[TASK_OF_ROLE[span["role"]]].append((source, span["key"]))
    return dict(found)


def ballots(examples: Path) -> list[Ballot]:
    """Every line of every annotator on an item that there is."""
    folder, known = examples / "simulated", items(examples)
    found = []
    for task in MULTI:
        for annotator in json.loads((folder / "annotators.json").read_text(encoding="utf-8"))["annotators"]:
            for line in lines(folder / f"{task}.{annotator}.jsonl"):
                item = (line["source"], line["key"])
                if item in known[task]:
                    skipped = bool(line.get("skipped"))
                    valid = skipped or keeps_the_codebook(task, line)
                    found.append(Ballot(task, item, annotator, line["labels"], skipped, valid))
    return found


def keeps_the_codebook(task: str, line: Mapping[str, Any]) -> bool:
    given = {field: set(labels) for field, labels in line["labels"].items()}
    return (
        line.get("confidence") in (1, 2, 3)
        and bool(given.get("narrative"))
        and all(
            len(given.get(field, ())) == 1 for field in SINGLE[task] if field != IMAGE_ONLY or line["transcription"]
        )
        and not any(labels & ALONE and len(labels) > 1 for labels in given.values())
        and (WRITE_IN not in given["narrative"] or bool(line.get("comment")))
    )


def answers(cast: Iterable[Ballot]) -> Answers:
    """What was answered, field by field; a task that anyone answered has all its fields, answered or not."""
    last = {(ballot.task, ballot.item, ballot.annotator): ballot for ballot in cast}
    found: Answers = {}
    for (task, item, annotator), ballot in last.items():
        if ballot.skipped or not ballot.valid:
            continue
        for field in (*MULTI[task], *SINGLE[task]):
            by = found.setdefault((task, field), {}).setdefault(item, {})
            given = frozenset(ballot.labels.get(field, ()))
            required = field == "narrative" or field in SINGLE[task]
            if given not in ABSTAINS and (given or not required):
                by[annotator] = given
    return found


def masi(one: Labels, other: Labels) -> Fraction:
    """Passonneau (2006): 1 - Jaccard x monotonicity (1 equal, 2/3 one within the other, 1/3 crossing, 0 disjoint)."""
    if one == other:
        return Fraction(0)
    common = len(one & other)
    monotonicity = Fraction(2, 3) if one <= other or other <= one else Fraction(1, 3)
    return 1 - Fraction(common, len(one | other)) * (monotonicity if common else 0)


def masi_alpha(units: Sequence[Sequence[Labels]]) -> Fraction | None:
    """Alpha by listing every pair of answers, within items and over all."""
    units = [unit for unit in units if len(unit) > 1]
    everything = [value for unit in units for value in unit]
    n = len(everything)
    within = sum(
        (masi(one, other) / (len(unit) - 1) for unit in units for one, other in permutations(unit, 2)), Fraction(0)
    )
    # Pairs of equal kinds are listed once and counted as often as they occur.
    kinds = Counter(everything)
    overall = sum((masi(a, b) * kinds[a] * kinds[b] for a, b in permutations(kinds, 2)), Fraction(0))
    return 1 - (within / n) / (overall / (n * (n - 1))) if overall else None


def nominal_alpha(units: Sequence[Sequence[Any]]) -> Fraction | None:
    """Alpha by Krippendorff's coincidence matrix."""
    coincidences: dict[tuple[Any, Any], Fraction] = defaultdict(Fraction)
    for unit in units:
        for pair in permutations(range(len(unit)), 2):
            coincidences[unit[pair[0]], unit[pair[1]]] += Fraction(1, len(unit) - 1)
    values = {one for one, _ in coincidences}
    margin = {value: sum(coincidences[value, other] for other in values) for value in values}
    n = sum(margin.values())
    observed = sum(coincidences[pair] for pair in permutations(values, 2))
    expected = sum(margin[one] * margin[other] for one, other in permutations(values, 2))
    return 1 - (n - 1) * Fraction(observed) / expected if expected else None


def ordinal_alpha(units: Sequence[Sequence[str]], scale: Sequence[str]) -> Fraction | None:
    """Alpha with Krippendorff's ordinal metric, every pair listed: (answers from one value to the other, ends halved)²."""
    everything = Counter(value for unit in units for value in unit)
    n = sum(everything.values())

    def distance(one: str, other: str) -> Fraction:
        low, high = sorted((scale.index(one), scale.index(other)))
        between = sum(everything[value] for value in scale[low : high + 1])
        return (between - Fraction(everything[one] + everything[other], 2)) ** 2

    within = sum((distance(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)), Fraction(0))
    overall = sum((distance(a, b) * everything[a] * everything[b] for a, b in permutations(everything, 2)), Fraction(0))
    return 1 - (within / n) / (overall / (n * (n - 1))) if overall else None


def agreement(found: Answers) -> dict[tuple[str, str, str | None], Figure]:
    """Figures by task, field and label (None: the whole field), of the labels that anyone gave."""
    figures: dict[tuple[str, str, str | None], Figure] = {}
    for (task, field), by_item in found.items():
        units = [list(by.values()) for by in by_item.values()]
        rated = [unit for unit in units if len(unit) > 1]
        several = field in MULTI[task]
        figures[task, field, None] = _figure(rated, masi_alpha(rated) if several else nominal_alpha(rated))
        for label in {label for unit in units for given in unit for label in given} if several else ():
            votes = [[given & {label} for given in unit] for unit in rated]
            figures[task, field, label] = _figure(votes, nominal_alpha(votes))
    return figures


def _figure(rated: Sequence[Sequence[Labels]], alpha: Fraction | None) -> Figure:
    pairs = [pair for unit in rated for pair in combinations(unit, 2)]
    percent = Fraction(sum(one == other for one, other in pairs), len(pairs)) if pairs else None
    return Figure(len(rated), len(pairs), sum(bool(given) for unit in rated for given in unit), percent, alpha)


def questions(found: Answers) -> dict[Question, dict[str, str]]:
    """Every question with an answer → annotator → yes, no or the value."""
    asked: dict[Question, dict[str, str]] = {}
    for (task, field), by_item in found.items():
        for item, by in by_item.items():
            if field in SINGLE[task]:
                if by:
                    asked[*item, task, field, None] = {who: min(given) for who, given in by.items()}
                continue
            for label in {label for given in by.values() for label in given}:
                votes = {who: "yes" if label in given else "no" for who, given in by.items()}
                asked[*item, task, field, label] = votes
    return asked


def conflicts(found: Answers) -> set[Question]:
    return {question for question, votes in questions(found).items() if len(set(votes.values())) > 1}


def decisions(examples: Path) -> dict[Question, str]:
    return {
        (line["source"], line["key"], line["task"], line["field"], line["label"]): line["decision"]
        for line in lines(examples / "simulated" / "decisions.jsonl")
    }


def outcome(votes: Mapping[str, str], decision: str | None) -> str | None:
    """What a question comes to; None where it is undecided."""
    if len(votes) < 2:
        return None
    values = set(votes.values())
    return min(values) if len(values) == 1 else decision


def gold(found: Answers, decided: Mapping[Question, str]) -> dict[tuple[str, str, str, str], Gold]:
    """Released cells by source, key, task and field, of the items with a submission that is no skip."""
    asked: dict[tuple[str, str, str, str], dict[str | None, tuple[dict[str, str], str | None]]] = defaultdict(dict)
    for question, votes in questions(found).items():
        asked[question[:4]][question[4]] = (votes, outcome(votes, decided.get(question)))
    cells: dict[tuple[str, str, str, str], Gold] = {}
    for (task, field), by_item in found.items():
        for item, by in by_item.items():
            own = asked[*item, task, field]
            if field in MULTI[task]:
                cells[*item, task, field] = Gold(
                    frozenset(str(label) for label, (_, value) in own.items() if value == "yes") if by else None,
                    frozenset(str(label) for label, (_, value) in own.items() if value == "contested"),
                    frozenset(str(label) for label, (_, value) in own.items() if value is None),
                    {str(q): (sum(vote == "yes" for vote in v.values()), len(v)) for q, (v, _) in own.items()},
                )
            else:
                votes, value = own.get(None, ({}, None))
                contested = value == "contested"
                dist = {label: (count, len(votes)) for label, count in Counter(votes.values()).items()}
                cells[*item, task, field] = Gold(
                    None if contested else value, contested, bool(own) and value is None, dist
                )
    return cells
