"""Agreement against published examples, nltk, and a second calculation on random designs."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask

from tests import independent
from tests.independent import Ballot
from tests.test_votes import Row, judgement, judgements
from toolkit.labels.agreement import (
    Figure,
    agreement,
    bootstrap_interval,
    cohen_kappa,
    krippendorff_alpha,
    masi,
    nominal,
    pairwise,
    records,
    tabulate,
)
from toolkit.settings import AgreementSettings

EVERY = AgreementSettings(minimum_items=2, minimum_positives=0, bootstrap=0)
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
"""Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: 4 observers by 12 units, values missing."""


def units(matrix: str) -> list[list[tuple[str, ...]]]:
    columns = zip(*(line.split() for line in matrix.strip().splitlines()), strict=True)
    return [[(value,) for value in column if value != "."] for column in columns]


def alpha(values: list[list[tuple[str, ...]]], distance: Any = nominal) -> float | None:
    return krippendorff_alpha(*tabulate([given for given in values if len(given) > 1], distance))


def test_krippendorffs_example_is_0_743() -> None:
    values = units(KRIPPENDORFF)
    assert round(alpha(values) or 0, 3) == 0.743
    rated = [[frozenset(value) for value in given] for given in values if len(given) > 1]
    # By hand: n = 40; on the coincidence matrix's diagonal 7 + 10 + 8 + 4 + 3; margins 9, 13, 10, 5, 3.
    assert independent.nominal_alpha(rated) == 1 - 39 * (40 - 32) / Fraction(40**2 - 9**2 - 13**2 - 10**2 - 5**2 - 3**2)


def test_krippendorffs_binary_example_of_two_observers_is_0_095() -> None:
    """Krippendorff (2011), section A: two observers, ten units, yes or no."""
    values = units("0 1 0 0 0 0 0 0 1 0\n1 1 1 0 0 1 0 0 0 0")
    assert round(alpha(values) or 0, 3) == 0.095


def test_kappa_of_a_table_worked_by_hand() -> None:
    """In the manner of Cohen (1960): 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5) = 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == 0.4
    three = (
        [("a", "a")] * 44
        + [("a", "b")] * 5
        + [("a", "c")] * 1
        + [("b", "a")] * 7
        + [("b", "b")] * 20
        + [("b", "c")] * 3
    )
    three += [("c", "a")] * 9 + [("c", "b")] * 5 + [("c", "c")] * 6
    # 70 of 100 alike; by chance .50 x .60 + .30 x .30 + .20 x .10 = .41
    assert cohen_kappa(three) == round((0.70 - 0.41) / (1 - 0.41), 6)
    assert cohen_kappa([("y", "n"), ("n", "y")]) == -1
    assert cohen_kappa([("y", "y")] * 4) is None, "no disagreement can be expected"
    assert cohen_kappa([("y", "y"), ("y", "n")]) == 0, "who always says the same agrees by chance alone"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("ab", "ab", 0),
        ("a", "ab", 1 - 1 / 2 * 2 / 3),
        ("ab", "abcd", 1 - 2 / 4 * 2 / 3),
        ("ab", "bc", 1 - 1 / 3 * 1 / 3),
        ("abc", "bcd", 1 - 2 / 4 * 1 / 3),
        ("a", "b", 1),
        ("", "a", 1),
        ("", "", 0),
    ],
)
def test_masi_distances_are_passonneaus(one: str, other: str, expected: float) -> None:
    """Passonneau (2006): Jaccard's index weighted by 1 (equal), 2/3 (one within the other), 1/3 (crossing), 0 (disjoint)."""
    assert masi(tuple(one), tuple(other)) == pytest.approx(expected, abs=1e-12)
    assert masi(tuple(other), tuple(one)) == masi(tuple(one), tuple(other))
    assert float(independent.masi(frozenset(one), frozenset(other))) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("distance", [nominal, masi])
def test_alpha_is_nltks_on_designs_with_missing_answers(seed: int, distance: Any) -> None:
    """nltk's own alpha leaves out items with one answer, and a missing answer is a triple that is not there."""
    rng = random.Random(seed)
    choices = (
        [(), ("a",), ("b",), ("a", "b"), ("b", "c"), ("a", "b", "c")] if distance is masi else [("a",), ("b",), ("c",)]
    )
    true = [rng.choice(choices) for _ in range(rng.randint(4, 30))]
    triples = [
        (f"ann-{who}", item, value if rng.random() < 0.6 else rng.choice(choices))
        for item, value in enumerate(true)
        for who in range(rng.randint(2, 5))
        if rng.random() < 0.7
    ]
    values = [[value for _, there, value in triples if there == item] for item in range(len(true))]

    def between(one: frozenset[str], other: frozenset[str]) -> float:
        return float(distance(tuple(sorted(one)), tuple(sorted(other))))

    expected = AnnotationTask([(who, item, frozenset(value)) for who, item, value in triples], between).alpha()
    assert alpha(values, distance) == pytest.approx(expected, abs=1e-9)


def design(seed: int) -> list[Row]:
    """A random design over both tasks: partial overlap, repeats, skips, abstentions, required fields left empty."""
    rng = random.Random(seed)
    people = [f"ann-{n}" for n in range(rng.randint(1, 5))]
    pools = {"narrative": ["n11", "n12", "n31", "n82"], "technique": ["t01", "t06"], "voice": ["asserts", "mocks"]}
    pools["target"] = ["media", "company", "politician"]
    singles = {"text_kind": ["verbatim", "translation"], "carrier": ["poster", "cartoon", "photo"], "device": ["pun"]}
    singles["function"] = ["slogan", "label"]
    made: list[Row] = []
    for number in range(rng.randint(1, 12)):
        item = f"{rng.choice(['post', 'photo'])}-{number}"
        fields = ("narrative",) if item.startswith("photo") else independent.MULTI["narrative"]
        usual = {field: [label for label in pools[field] if rng.random() < 0.4] for field in fields}
        for who in people:
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
                labels = {
                    f: list(usual[f]) if rng.random() < 0.6 else rng.sample(pools[f], rng.randint(0, 2)) for f in fields
                }
                if rng.random() < 0.1:
                    labels["narrative"] = [rng.choice(["n98", "n99"])]
                if item.startswith("photo"):
                    labels |= {name: [rng.choice(values)] for name, values in singles.items() if rng.random() < 0.9}
                skipped = rng.random() < 0.1
                made.append(judgement(len(made) + 1, who, item, {} if skipped else labels, skipped=skipped))
    return made


def cast(rows: list[Row]) -> list[Ballot]:
    """The same submissions for the second calculation, which knows no table."""
    ballots = []
    for row in rows:
        labels: dict[str, list[str]] = {}
        for label in row["labels"]:
            labels.setdefault(label["field"], []).append(label["label"])
        ballots.append(Ballot(row["task"], ("", row["item_id"]), row["annotator"], labels, row["skipped"]))
    return ballots


def same(figure: Figure, expected: independent.Figure, settings: AgreementSettings) -> None:
    assert (figure.items, figure.pairs, figure.positives) == (expected.items, expected.pairs, expected.positives), (
        figure
    )
    assert figure.percent == (None if expected.percent is None else pytest.approx(float(expected.percent), abs=1e-6)), (
        figure
    )
    enough = expected.items >= settings.minimum_items and expected.positives >= settings.minimum_positives
    told = expected.alpha is not None and enough
    assert figure.alpha == (pytest.approx(float(expected.alpha or 0), abs=1e-6) if told else None), figure


@pytest.mark.parametrize("seed", range(60))
def test_random_designs_come_to_what_a_second_calculation_says(seed: int) -> None:
    rows = design(seed)
    expected = independent.agreement(independent.answers(cast(rows)))
    shuffled = random.Random(seed).sample(rows, len(rows))
    for settings in (EVERY, AgreementSettings(bootstrap=0, minimum_positives=4)):
        figures = {(f.task, f.field, f.label): f for f in agreement(judgements(*shuffled), settings)}
        assert figures.keys() == expected.keys()
        for about, figure in figures.items():
            same(figure, expected[about], settings)
            whole = about[2] is None and about[1] in independent.MULTI[about[0]]
            assert figure.metric == ("masi" if whole else "nominal")


@pytest.mark.parametrize("seed", range(20))
def test_kappa_of_each_pair_on_random_designs(seed: int) -> None:
    rows = design(seed)
    found = independent.answers(cast(rows))
    figures = pairwise(judgements(*rows))
    for figure in figures:
        by_item = found[figure.task, figure.field].values()
        both = [[by[who] for who in figure.annotators] for by in by_item if {*figure.annotators} <= by.keys()]
        if figure.label:
            both = [[given & {figure.label} for given in pair] for pair in both]
        assert (figure.items, figure.percent) == (len(both), sum(a == b for a, b in both) / len(both))
        task = AnnotationTask([(who, item, pair[who]) for item, pair in enumerate(both) for who in (0, 1)])
        chance = task.Ae_kappa(0, 1)
        expected = None if chance == 1 else round((task.Ao(0, 1) - chance) / (1 - chance), 6)
        assert figure.kappa == (None if expected is None else pytest.approx(expected, abs=2e-6))
    assert len({(f.task, f.field, f.label, f.annotators) for f in figures}) == len(figures)


def binary(*votes: str, label: str = "t01") -> list[Row]:
    """Posts by annotators: ``+`` gives the label, ``-`` does not, ``s`` skips, ``.`` is not there."""
    made: list[Row] = []
    for number, column in enumerate(votes):
        for who, vote in enumerate(column):
            labels = {"narrative": ["n11"], "technique": [label] if vote == "+" else []}
            skipped = vote == "s"
            if vote != ".":
                given = {} if skipped else labels
                made.append(judgement(len(made) + 1, f"ann-{who}", f"post-{number}", given, skipped=skipped))
    return made


def of(figures: list[Figure], field: str, label: str | None) -> Figure:
    (figure,) = [figure for figure in figures if (figure.field, figure.label) == (field, label)]
    return figure


def test_nothing_below_the_declared_minimum() -> None:
    rows = binary("++", "--", "+-", "--")
    four = AgreementSettings(minimum_items=4, minimum_positives=3, bootstrap=10, seed=1)
    figure = of(agreement(judgements(*rows), four), "technique", "t01")
    assert (figure.items, figure.pairs, figure.positives, figure.percent) == (4, 4, 3, 0.75)
    assert figure.alpha is not None and figure.low is not None and figure.high is not None
    for change in ({"minimum_items": 5}, {"minimum_positives": 4}):
        below = of(agreement(judgements(*rows), four.model_copy(update=change)), "technique", "t01")
        assert (below.alpha, below.low, below.high) == (None, None, None)
        assert (below.items, below.pairs, below.positives, below.percent) == (4, 4, 3, 0.75), "the rest is told"


def test_no_judgements_and_only_skips_have_no_figures() -> None:
    assert agreement(judgements(), EVERY) == [] and pairwise(judgements()) == []
    skipped = judgements(*binary("ss", "ss"))
    assert agreement(skipped, EVERY) == [] and pairwise(skipped) == []


@pytest.mark.parametrize("votes", [("+", "-", "+"), ("+.", ".-", "+."), ("+s", "s-")])
def test_one_annotator_or_no_overlap_agrees_with_nobody(votes: tuple[str, ...]) -> None:
    rows = judgements(*binary(*votes))
    assert pairwise(rows) == []
    for figure in agreement(rows, AgreementSettings(minimum_items=2, minimum_positives=0)):
        assert (figure.items, figure.pairs, figure.positives) == (0, 0, 0)
        assert (figure.percent, figure.alpha, figure.low, figure.high) == (None, None, None, None)


def test_one_value_only_is_full_agreement_without_a_coefficient() -> None:
    rows = judgements(*binary("++", "++", "+++", "++", "++"))
    settings = AgreementSettings(minimum_items=2)
    for label in ("t01", None):
        figure = of(agreement(rows, settings), "technique", label)
        assert (figure.percent, figure.alpha, figure.low, figure.high) == (1.0, None, None, None)
    assert {(f.percent, f.kappa) for f in pairwise(rows)} == {(1.0, None)}


def test_who_always_says_the_same_is_no_better_than_chance() -> None:
    rows = judgements(*binary("++", "+-", "++", "+-", "++", "+-"))
    assert [(f.percent, f.kappa) for f in pairwise(rows) if f.label == "t01"] == [(0.5, 0.0)]
    figure = of(agreement(rows, EVERY), "technique", "t01")
    # 12 answers, 9 yes and 3 no: 1 - 11 x (6 / 54) of ordered pairs
    assert figure.alpha == pytest.approx(1 - 11 * 6 / (2 * 9 * 3), abs=1e-6)


def test_disagreement_everywhere_is_below_zero_and_agreement_is_one() -> None:
    assert of(agreement(judgements(*binary("+-", "-+", "+-")), EVERY), "technique", "t01").alpha == pytest.approx(
        -2 / 3, abs=1e-6
    )
    assert of(agreement(judgements(*binary("++", "--", "++")), EVERY), "technique", "t01").alpha == 1


def test_intervals_are_the_same_each_time_and_change_with_the_seed() -> None:
    votes = random.Random(2).choices(["++", "--", "+-", "++-", "---"], k=20)
    rows = judgements(*binary(*votes))
    settings = AgreementSettings(minimum_items=2, bootstrap=400)
    figures = agreement(rows, settings)
    assert records(figures) == records(agreement(rows, settings))
    other = agreement(rows, settings.model_copy(update={"seed": 1}))
    assert [f.alpha for f in other] == [f.alpha for f in figures]
    assert [(f.low, f.high) for f in other] != [(f.low, f.high) for f in figures]
    told = [f for f in figures if f.low is not None and f.high is not None]
    assert told and all(f.low <= f.high <= 1 for f in told)  # type: ignore[operator]
    assert all((f.low is None) == (f.alpha is None) for f in figures)


def test_no_interval_for_a_label_whose_votes_stand_on_one_item() -> None:
    figure = of(
        agreement(judgements(*binary("++", *["--"] * 19)), EVERY.model_copy(update={"bootstrap": 400})),
        "technique",
        "t01",
    )
    assert (figure.alpha, figure.low, figure.high) == (1.0, None, None)


def test_intervals_are_percentiles_of_alpha_over_drawn_items() -> None:
    rng = random.Random(3)
    values: list[list[tuple[str, ...]]] = [[(rng.choice("aab"),) for _ in range(rng.randint(2, 4))] for _ in range(12)]
    counts, distances = tabulate(values, nominal)
    drawn = np.random.default_rng(5).multinomial(12, np.full(12, 1 / 12), size=200)
    again = [alpha([given for given, times in zip(values, row, strict=True) for _ in range(times)]) for row in drawn]
    low, high = np.quantile([value for value in again if value is not None], [0.025, 0.975])
    assert bootstrap_interval(counts, distances, 200, 5) == (round(low, 6), round(high, 6))


def test_intervals_of_one_value_are_undefined() -> None:
    counts, distances = tabulate([[("a",), ("a",)]] * 3, nominal)
    assert bootstrap_interval(counts, distances, 50, 0) == (None, None)
    assert krippendorff_alpha(*tabulate([], nominal)) is None
