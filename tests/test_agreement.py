"""Agreement against published examples, nltk, and a second calculation on random designs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import binary_distance, jaccard_distance, masi_distance
from scipy.stats import bootstrap

from tests import independent
from tests.independent import Ballot
from tests.test_votes import Row, judgement, judgements
from toolkit.agreement import bootstrap as bs
from toolkit.agreement import coefficients as co
from toolkit.agreement.ballots import Ints, ballots, votes
from toolkit.agreement.distances import Nominal, Sets
from toolkit.agreement.figures import Figure, agreement, cohen_kappa, contingency, pairwise, records
from toolkit.agreement.units import Units, units, yes_no
from toolkit.codebook import load_codebook
from toolkit.settings import AgreementSettings
from toolkit.votes import answers

CODEBOOK = load_codebook("narrative")
EVERY = AgreementSettings(minimum_items=2, minimum_positives=0, bootstrap=0)
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
"""Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: 4 observers by 12 units, values missing.

Gwet (2014) has the same data (``cac.raw4raters`` in his R package irrCAC).
"""


def as_units(values: Sequence[Sequence[Any]], categories: int = 0) -> tuple[Units, list[Any]]:
    """Lists of answers as units, and the values that the codes stand for."""
    known = sorted({value for given in values for value in given})
    cells = [(item, known.index(value)) for item, given in enumerate(values) for value in given]
    item, code = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return units(item, code, max(categories, len(known))), known


def columns(matrix: str) -> list[list[str]]:
    return [
        [value for value in column if value != "."]
        for column in zip(*(line.split() for line in matrix.strip().splitlines()), strict=True)
    ]


def alpha(values: Sequence[Sequence[Any]], distances: Any = None) -> float | None:
    found, known = as_units(values)
    return bs.value(
        co.alpha(found.rated, Nominal(len(known)) if distances is None else distances(known)), found.rated.times
    )


def test_krippendorffs_example_nominal_and_ordinal() -> None:
    """Krippendorff (2011): the data of section C have nominal α = 0.743, ordinal α = 0.815."""
    found, _ = as_units(columns(KRIPPENDORFF))
    assert round(alpha(columns(KRIPPENDORFF)) or 0, 3) == 0.743
    assert round(bs.value(co.ordinal_alpha(found.rated), found.rated.times) or 0, 3) == 0.815
    rated = [[frozenset(value) for value in given] for given in columns(KRIPPENDORFF) if len(given) > 1]
    # By hand: n = 40; on the coincidence matrix's diagonal 7 + 10 + 8 + 4 + 3; margins 9, 13, 10, 5, 3.
    assert independent.nominal_alpha(rated) == 1 - 39 * (40 - 32) / Fraction(40**2 - 9**2 - 13**2 - 10**2 - 5**2 - 3**2)


def test_krippendorffs_binary_example_of_two_observers_is_0_095() -> None:
    """Krippendorff (2011), section A: two observers, ten units, yes or no."""
    assert round(alpha(columns("0 1 0 0 0 0 0 0 1 0\n1 1 1 0 0 1 0 0 0 0")) or 0, 3) == 0.095


def test_krippendorffs_nominal_example_of_two_observers_is_0_692() -> None:
    """Krippendorff (2011), section B: two observers, twelve units, five values."""
    assert round(alpha(columns("a a b b d c c c e d d a\nb a b b b c c c e d d d")) or 0, 3) == 0.692


def test_gwets_ac1_of_four_raters_with_missing_answers_is_0_77544() -> None:
    """Gwet (2014), Handbook of Inter-Rater Reliability: what irrCAC's documentation prints of its 4 raters by 12 subjects."""
    found, _ = as_units(columns(KRIPPENDORFF))
    assert round(bs.value(co.gwet_ac1(found), found.times) or 0, 5) == 0.77544


def test_gwets_ac1_where_one_answer_prevails() -> None:
    """By hand: 118 yes-yes, 5 yes-no, 2 no-yes, none no-no; κ falls below zero, AC1 stays near the raw agreement."""
    pairs = [("y", "y")] * 118 + [("y", "n")] * 5 + [("n", "y")] * 2
    found, _ = as_units(pairs)
    raw, yes = Fraction(118, 125), Fraction(123 + 120, 250)
    chance = 2 * yes * (1 - yes)
    assert bs.value(co.gwet_ac1(found), found.times) == round(float((raw - chance) / (1 - chance)), 6) == 0.940776
    expected = (Fraction(123) * 120 + 2 * 5) / 125**2
    assert kappa(pairs) == round(float((raw - expected) / (1 - expected)), 6) == -0.023392


def test_gwets_ac1_by_hand() -> None:
    """Three items: yes yes, yes no, no; shares (1 + 1/2 + 0) / 3 = 1/2; chance 1/2; raw (1 + 0) / 2."""
    found, _ = as_units([("y", "y"), ("y", "n"), ("n",)])
    assert bs.value(co.gwet_ac1(found), found.times) == 0


def kappa(pairs: Sequence[Sequence[str]]) -> float | None:
    known = sorted({value for pair in pairs for value in pair})
    one, other = (np.array([known.index(pair[side]) for pair in pairs], dtype=np.int64) for side in (0, 1))
    return cohen_kappa(contingency(one, other))


def test_cohens_example_is_0_492() -> None:
    """Cohen (1960), A coefficient of agreement for nominal scales, p. 45: the proportions of his table, of 200 subjects.

    p_o = .70 and p_c = .41, of which follows κ = .29 / .59.
    """
    assert round(cohen_kappa(np.array([[88, 10, 2], [14, 40, 6], [18, 10, 12]])) or 0, 3) == 0.492


def test_gwets_table_of_two_abstractors() -> None:
    """Gwet's pregnancies by two abstractors, as irrCAC's overview prints: κ = 0.7964094, AC1 = 0.8493305, percent = 0.89."""
    table = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    assert cohen_kappa(table) == 0.796409
    one, other = np.nonzero(table)
    pairs = [(str(a), str(b)) for a, b in zip(one, other, strict=True) for _ in range(table[a, b])]
    found, _ = as_units(pairs)
    assert (bs.value(co.percent(found), found.times), bs.value(co.gwet_ac1(found), found.times)) == (0.89, 0.849331)


def test_kappa_of_a_table_worked_by_hand() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5) = 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == 0.4
    assert kappa([("y", "n"), ("n", "y")]) == -1
    assert kappa([("y", "y")] * 4) is None, "no disagreement can be expected"
    assert kappa([("y", "y"), ("y", "n")]) == 0, "who always says the same agrees by chance alone"


TWO = np.arange(2)


def sets(values: Sequence[str]) -> Any:
    letters = sorted({letter for value in values for letter in value})
    return np.array([[letter in value for letter in letters] for value in values], dtype=np.bool_).reshape(
        len(values), -1
    )


@pytest.mark.parametrize(
    ("one", "other", "masi", "jaccard"),
    [
        ("ab", "ab", 0, 0),
        ("a", "ab", 1 - 1 / 2 * 2 / 3, 1 / 2),
        ("ab", "abcd", 1 - 2 / 4 * 2 / 3, 1 / 2),
        ("ab", "bc", 1 - 1 / 3 * 1 / 3, 2 / 3),
        ("abc", "bcd", 1 - 2 / 4 * 1 / 3, 1 / 2),
        ("a", "b", 1, 1),
        ("", "a", 1, 1),
        ("", "", 0, 0),
    ],
)
def test_masi_distances_are_passonneaus(one: str, other: str, masi: float, jaccard: float) -> None:
    """Passonneau (2006) defines Jaccard's index weighted by 1 (equal), 2/3 (one within the other), 1/3 (crossing), 0
    (disjoint); the values are computed by hand, and nltk's."""
    assert Sets(sets([one, other]), "masi").rows(TWO) == pytest.approx(np.array([[0, masi], [masi, 0]]), abs=1e-12)
    assert Sets(sets([one, other]), "jaccard").rows(TWO) == pytest.approx(
        np.array([[0, jaccard], [jaccard, 0]]), abs=1e-12
    )
    assert float(independent.masi(frozenset(one), frozenset(other))) == pytest.approx(masi, abs=1e-12)
    if one or other:
        assert masi_distance(frozenset(one), frozenset(other)) == pytest.approx(masi, abs=1e-12)
        assert jaccard_distance(frozenset(one), frozenset(other)) == pytest.approx(jaccard, abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", ["nominal", "masi", "jaccard"])
def test_alpha_is_nltks_on_designs_with_missing_answers(seed: int, name: str) -> None:
    """nltk's own alpha leaves out items with one answer, and a missing answer is a triple that is not there."""
    rng = random.Random(seed)
    choices = ["a", "b", "c"] if name == "nominal" else ["a", "b", "ab", "bc", "abc"]
    true = [rng.choice(choices) for _ in range(rng.randint(4, 30))]
    triples = [
        (f"ann-{who}", item, value if rng.random() < 0.6 else rng.choice(choices))
        for item, value in enumerate(true)
        for who in range(rng.randint(2, 5))
        if rng.random() < 0.7
    ]
    values = [[value for _, there, value in triples if there == item] for item in range(len(true))]
    theirs: Any = {"nominal": binary_distance, "masi": masi_distance, "jaccard": jaccard_distance}[name]
    ours: Any = {
        "nominal": lambda known: Nominal(len(known)),
        "masi": lambda known: Sets(sets(known), "masi"),
        "jaccard": lambda known: Sets(sets(known), "jaccard"),
    }[name]
    expected = AnnotationTask([(who, item, frozenset(value)) for who, item, value in triples], theirs).alpha()
    assert alpha(values, ours) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(15))
def test_ordinal_alpha_is_what_the_coincidence_matrix_says(seed: int) -> None:
    rng = random.Random(seed)
    values = [[rng.choice("1233") for _ in range(rng.randint(1, 4))] for _ in range(rng.randint(3, 15))]
    found, known = as_units(values)
    expected = independent.ordinal_alpha([given for given in values if len(given) > 1], known)
    got = bs.value(co.ordinal_alpha(found.rated), found.rated.times)
    assert got == (None if expected is None else pytest.approx(float(expected), abs=1e-6))


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
        table = agreement(judgements(*shuffled), settings)
        figures = {(f.task, f.field, f.label): f for f in table if f.level != 1 and f.metric != "jaccard"}
        assert figures.keys() == expected.keys()
        for about, figure in figures.items():
            same(figure, expected[about], settings)
            whole = about[2] is None and about[1] in independent.MULTI[about[0]]
            assert figure.metric == ("masi" if whole else "nominal")


@pytest.mark.parametrize("seed", range(20))
def test_kappa_of_each_pair_on_random_designs(seed: int) -> None:
    rows = design(seed)
    found = independent.answers(cast(rows))
    figures = pairwise(judgements(*rows), EVERY.model_copy(update={"minimum_items": 2}))
    for figure in figures:
        by_item = found[figure.task, figure.field].values()
        both = [[by[who] for who in figure.annotators] for by in by_item if {*figure.annotators} <= by.keys()]
        if figure.level == 1:
            heading = frozenset(
                leaf.id for leaf in CODEBOOK.leaves(figure.field) if CODEBOOK.path(leaf.id)[0] == figure.label
            )
            both = [[frozenset({"x"}) if given & heading else frozenset() for given in pair] for pair in both]
        elif figure.label:
            both = [[given & {figure.label} for given in pair] for pair in both]
        assert (figure.items, figure.percent) == (len(both), sum(a == b for a, b in both) / len(both))
        task = AnnotationTask([(who, item, pair[who]) for item, pair in enumerate(both) for who in (0, 1)])
        chance = task.Ae_kappa(0, 1)
        expected = None if chance == 1 or len(both) < 2 else round((task.Ao(0, 1) - chance) / (1 - chance), 6)
        assert figure.kappa == (None if expected is None else pytest.approx(expected, abs=2e-6))
    assert len({(f.task, f.field, f.label, f.level, f.annotators) for f in figures}) == len(figures)


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
    (figure,) = [f for f in figures if (f.field, f.label) == (field, label) and f.level != 1 and f.metric != "jaccard"]
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
    assert agreement(judgements(), EVERY) == [] and pairwise(judgements(), EVERY) == []
    skipped = judgements(*binary("ss", "ss"))
    assert agreement(skipped, EVERY) == [] and pairwise(skipped, EVERY) == []


@pytest.mark.parametrize("votes", [("+", "-", "+"), ("+.", ".-", "+."), ("+s", "s-")])
def test_one_annotator_or_no_overlap_agrees_with_nobody(votes: tuple[str, ...]) -> None:
    rows = judgements(*binary(*votes))
    assert pairwise(rows, EVERY) == []
    for figure in agreement(rows, AgreementSettings(minimum_items=2, minimum_positives=0)):
        assert (figure.items, figure.pairs, figure.positives) == (0, 0, 0)
        assert (figure.percent, figure.alpha, figure.low, figure.high) == (None, None, None, None)


def test_one_value_only_is_full_agreement_without_a_coefficient() -> None:
    rows = judgements(*binary("++", "++", "+++", "++", "++"))
    settings = AgreementSettings(minimum_items=2)
    for label in ("t01", None):
        figure = of(agreement(rows, settings), "technique", label)
        assert (figure.percent, figure.alpha, figure.low, figure.high) == (1.0, None, None, None)
    assert {(f.percent, f.kappa) for f in pairwise(rows, EVERY)} == {(1.0, None)}


def test_who_always_says_the_same_is_no_better_than_chance() -> None:
    rows = judgements(*binary("++", "+-", "++", "+-", "++", "+-"))
    assert [(f.percent, f.kappa) for f in pairwise(rows, EVERY) if f.label == "t01"] == [(0.5, 0.0)]
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


def test_intervals_are_what_scipys_bca_bootstrap_says() -> None:
    """scipy's own BCa over the same items, drawn one by one: the ends agree within the noise of the draws."""
    rng = np.random.default_rng(3)
    true = rng.random(60) < 0.4
    answers_ = np.where(rng.random((60, 3)) < 0.85, true[:, None], ~true[:, None]).astype(np.int64)

    def of(items: Any) -> float:
        drawn = answers_[np.asarray(items, dtype=int)]
        found = units(np.repeat(np.arange(len(drawn)), 3), drawn.reshape(-1), 2)
        return bs.value(co.alpha(found, Nominal(2)), found.times) or 0.0

    theirs = bootstrap((np.arange(60),), of, n_resamples=3000, method="BCa", rng=rng, vectorized=False)
    found = units(np.repeat(np.arange(60), 3), answers_.reshape(-1), 2)
    ours = bs.interval(co.alpha(found, Nominal(2)), found.times, 3000, 5)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.025)


@pytest.mark.parametrize("seed", range(10))
def test_counting_gives_the_units_that_sorting_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit, given = rng.integers(0, 30, 70), rng.random(70) < 0.4
    one, other = yes_no(unit, given), units(unit, given.astype(np.int64), 2)

    def rows(found: Units) -> set[tuple[int, ...]]:
        return {
            (*sorted(a for a in row if a >= 0), 9, n)
            for row, n in zip(found.answers.tolist(), found.times, strict=True)
        }

    assert rows(one) == rows(other) and one.items == other.items


def test_intervals_of_one_value_or_of_nothing_are_undefined() -> None:
    found, _ = as_units([("a", "a")] * 3, categories=2)
    assert bs.interval(co.alpha(found, Nominal(2)), found.times, 50, 0) == (None, None)
    nothing = units(np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    assert bs.value(co.alpha(nothing, Nominal(2)), nothing.times) is None
    assert bs.interval(co.alpha(nothing, Nominal(2)), nothing.times, 50, 0) == (None, None)


@pytest.mark.parametrize("coefficient", ["alpha", "ac1"])
@pytest.mark.parametrize(("items", "prevalence", "right"), [(50, 0.3, 0.9), (150, 0.1, 0.95)])
def test_intervals_cover_the_true_value_as_often_as_they_say(
    coefficient: str, items: int, prevalence: float, right: float
) -> None:
    """2500 seeded designs of three annotators, a fifth of the answers missing; the full simulation is in benchmarks/."""

    def made(rng: np.random.Generator, n: int) -> tuple[bs.Statistic, Ints]:
        true = rng.random(n) < prevalence
        given = np.where(rng.random((n, 3)) < right, true[:, None], ~true[:, None])
        item, who = np.nonzero(rng.random((n, 3)) > 0.2)
        found = units(item, given[item, who].astype(np.int64), 2)
        return (
            (co.gwet_ac1(found), found.times)
            if coefficient == "ac1"
            else (co.alpha(found.rated, Nominal(2)), found.rated.times)
        )

    rng = np.random.default_rng(11)
    true_value = bs.value(*made(rng, 400_000)) or 0
    ends = [bs.interval(*made(rng, items), 300, 0) for _ in range(2500)]
    told = [(low, high) for low, high in ends if low is not None and high is not None]
    assert len(told) > 2450
    covered = sum(low <= true_value <= high for low, high in told) / len(told)
    assert 0.93 <= covered <= 0.97, covered


@pytest.mark.parametrize("seed", range(30))
def test_columns_come_to_the_answers_that_the_rules_give_one_by_one(seed: int) -> None:
    rows = design(seed)
    kinds = random.Random(seed).choices(["production", "production", "calibration", "training", "repeat"], k=len(rows))
    table = judgements(*({**row, "round_kind": kind, "round": kind} for row, kind in zip(rows, kinds, strict=True)))
    found = votes(table)
    items = found.rows["item_id"].to_pylist()
    columnar = {
        (ballot.task, ballot.field, items[row], found.raters[rater]): tuple(
            sorted(label for label, given in zip(ballot.labels, has, strict=True) if given)
        )
        for ballot in ballots(found)
        for row, rater, has in zip(ballot.row, ballot.rater, ballot.given, strict=True)
    }
    assert columnar == {
        (a.task, a.field, a.item_id, who): labels for a in answers(table) for who, labels in a.by.items()
    }
