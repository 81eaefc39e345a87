"""Spans and regions against Krippendorff's example and counts by hand."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_votes import Row, judgement, judgements
from toolkit.agreement import bootstrap as bs
from toolkit.agreement import regions as images
from toolkit.agreement.marks import Marks, Texts
from toolkit.agreement.spans import char_f1, exact_f1, span_agreement
from toolkit.agreement.unitizing import disagreements, distances, unitizing_alpha
from toolkit.settings import AgreementSettings

FEW = AgreementSettings(minimum_items=2, minimum_positives=0, bootstrap=0)
ONE = np.ones((1, 1))
Span = tuple[int, int]


def marks(length: int, *texts: list[list[Span]]) -> Marks:
    """Return texts of one length: of each, what every annotator marked."""
    strips = [sorted(set(strip)) for strips in texts for strip in strips]
    rows = [(number, start, end) for number, strip in enumerate(strips) for start, end in strip]
    strip, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Marks(Texts(np.full(len(texts), length), np.array([len(own) for own in texts])), strip, start, end)


# Krippendorff, Content Analysis (2nd ed., 2004), p. 254: two observers, a continuum of 300 from 150, units of kinds c and k.
C = marks(300, [[(75, 145), (220, 250)], [(70, 150), (205, 225), (250, 270)]])
K = marks(300, [[(30, 90), (150, 200)], [(30, 90), (150, 200)]])


def test_krippendorffs_unitizing_example_to_the_digits_printed() -> None:
    """Krippendorff (2004), Content Analysis, p. 254: D_o, D_e and α of each kind of unit."""
    parts = []
    for continuum, observed, expected, alpha in ((C, 0.0144, 0.0532, 0.7286), (K, 0.0, 0.0490, 1.0)):
        o, e = disagreements(continuum)
        parts.append((round(o.at(ONE)[0] / 300, 4), round(e.at(ONE)[0] / 300, 4)))
        assert parts[-1] == (observed, expected)
        assert round(unitizing_alpha([continuum]).at(ONE)[0], 4) == alpha
    # Of both kinds together .8591 is printed, which comes of the rounded parts; without rounding it is .8587.
    assert round(1 - sum(o for o, _ in parts) / sum(e for _, e in parts), 4) == 0.8591
    assert round(unitizing_alpha([C, K]).at(ONE)[0], 4) == 0.8587


def test_krippendorffs_observed_disagreements_of_1995() -> None:
    """Krippendorff (1995), On the reliability of unitizing contiguous data, p. 57: D_o of examples A and C."""
    examples: list[tuple[list[Span], list[Span], float]] = [
        ([(2, 10), (14, 20)], [(4, 8), (15, 17)], 0.03125),
        ([(2, 8), (10, 12), (14, 18), (20, 22)], [(0, 2), (4, 8), (10, 14), (16, 18), (20, 22)], 0.02777),
    ]
    for one, other, observed in examples:
        o, _ = disagreements(marks(24, [one, other]))
        assert o.at(ONE)[0] / 24 == pytest.approx(observed, abs=1e-5)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((5, 11), None, 36),
        ((5, 11), (4, 6), 26),
        ((5, 11), (5, 7), 16),
        ((5, 11), (6, 8), 10),
        ((5, 11), (7, 9), 8),
        ((5, 11), (6, 10), 2),
        ((5, 11), (5, 11), 0),
        ((5, 11), (11, 13), 36 + 4),
    ],
)
def test_distances_of_two_units(one: Span, other: Span | None, expected: int) -> None:
    """Krippendorff (2004), figure of δ: squares of the distances between the ends; of what nobody else has, of its length."""
    assert distances(marks(40, [[one], [other] if other else []])).tolist() == [expected]
    assert distances(marks(40, [[other] if other else [], [one]])).tolist() == [expected]


def row(number: int, who: str, item: str, spans: list[tuple[str, int, int]], **change: Any) -> Row:
    evidence = [
        {"field": "narrative", "label": label, "start": start, "end": end, "mode": "explicit"}
        for label, start, end in spans
    ]
    labels = {"narrative": sorted({label for label, _, _ in spans}) or ["n98"]}
    return judgement(number, who, item, labels, evidence=evidence, **change)


def test_span_figures_by_hand() -> None:
    rows = [
        row(1, "a", "post-1", [("n11", 0, 10), ("n12", 20, 30)]),
        row(2, "b", "post-1", [("n11", 0, 10)]),
        row(3, "a", "post-2", [("n11", 5, 15)]),
        row(4, "b", "post-2", [("n11", 10, 20)]),
        row(5, "a", "post-3", [("n11", 5, 15)]),  # one annotator: nobody to compare with
        row(6, "a", "post-4", []),
        row(7, "b", "post-4", []),  # nobody marked anything
        row(8, "a", "post-5", [("n11", 1, 2)], text_sha256="3" * 64),
        row(9, "b", "post-5", [("n11", 1, 2)]),  # the text was another one
    ]
    figures = {f.label: f for f in span_agreement(judgements(*rows), {"2" * 64: 40}, FEW)}
    whole, n11, n12 = figures[None], figures["n11"], figures["n12"]
    assert (n11.items, n11.pairs, n11.spans, n11.exact, n11.chars) == (2, 2, 4, 0.5, 0.75)
    assert (n12.items, n12.spans, n12.exact, n12.chars, n12.alpha) == (1, 1, 0.0, 0.0, None)
    assert (whole.items, whole.spans, whole.exact, whole.chars) == (2, 5, 0.4, 0.6)
    # n11: observed 2 x (25 + 25) on a continuum of 2 x 80; expected by the places that four units of 10 find in gaps.
    units_, gaps_ = [10] * 4, [30, 30, 5, 25, 10, 20]
    chance = sum(3 / 3 * (2 * n**3 - 3 * n**2 + n) + n**2 * sum(max(0, g - n + 1) for g in gaps_) for n in units_)
    expected = 2 * chance / (160 * 159 - 4 * 90)
    assert n11.alpha == pytest.approx(1 - (100 / 160) / expected, abs=1e-6)
    assert span_agreement(judgements(*rows), {}, FEW) == [], "a text of which no length is known"


drawn_spans = st.lists(
    st.tuples(st.integers(0, 38), st.integers(1, 9)).map(lambda p: (p[0], min(40, sum(p)))), max_size=4
)
drawn_texts = st.lists(st.lists(drawn_spans, min_size=2, max_size=4), min_size=1, max_size=4)


def sections(strip: list[Span]) -> list[tuple[int, int, bool]]:
    """Return a text of 40 characters cut where marking begins or ends."""
    chars = set().union(*(range(start, end) for start, end in strip)) if strip else set()
    cut = [0, *(i for i in range(1, 40) if (i in chars) != (i - 1 in chars)), 40]
    return [(a, b, a in chars) for a, b in pairwise(cut)]


@settings(max_examples=60, deadline=None)
@given(drawn_texts)
def test_the_expected_disagreement_is_that_of_the_formula_term_by_term(texts: list[list[list[Span]]]) -> None:
    lengths, blanks, observed = [], [], 0.0
    for strips in texts:
        cut = [sections(strip) for strip in strips]
        lengths += [b - a for own in cut for a, b, unit in own if unit]
        blanks += [b - a for own in cut for a, b, unit in own if not unit]
        for i, one in enumerate(cut):
            for j, other in enumerate(cut):
                for a, b, unit in one if i != j else []:
                    for c, d, also in other:
                        if unit and also and a < d and c < b:
                            observed += ((a - c) ** 2 + (b - d) ** 2) / (len(cut) - 1)
                        elif unit and not also and c <= a and b <= d:
                            observed += (b - a) ** 2 / (len(cut) - 1)
                        elif also and not unit and a <= c and d <= b:
                            observed += (d - c) ** 2 / (len(cut) - 1)
    total = sum(40 * len(strips) for strips in texts)
    chance = sum(
        (len(lengths) - 1) / 3 * (2 * n**3 - 3 * n**2 + n) + n * n * sum(g - n + 1 for g in blanks if g >= n)
        for n in lengths
    )
    weights = np.ones((1, len(texts)))
    layer = marks(40, *texts)
    o, e = disagreements(layer)
    assert o.at(weights)[0] == pytest.approx(observed / total)
    assert e.at(weights)[0] == pytest.approx(2 * chance / (total * (total - 1) - sum(n * (n - 1) for n in lengths)))
    alpha = bs.value(unitizing_alpha([layer]), np.ones(len(texts), dtype=np.int64))
    assert alpha is None or alpha <= 1


@settings(max_examples=60, deadline=None)
@given(drawn_texts)
def test_f1_of_spans_and_of_characters_is_that_of_sets(texts: list[list[list[Span]]]) -> None:
    layer, weights = marks(40, *texts), np.ones((1, len(texts)))
    for measured, kind in ((exact_f1, set), (char_f1, lambda strip: {i for s, e in strip for i in range(s, e)})):
        pairs = [(kind(a), kind(b)) for strips in texts for a, b in combinations(strips, 2)]
        both = sum(len(a) + len(b) for a, b in pairs)
        found = measured([layer]).at(weights)[0]
        assert np.isnan(found) if not both else found == pytest.approx(2 * sum(len(a & b) for a, b in pairs) / both)


def box(x: float, y: float, width: float, height: float, text: str = "") -> dict[str, Any]:
    return {"x": x, "y": y, "width": width, "height": height, "text": text}


def test_overlap_of_two_rectangles() -> None:
    assert images.overlap(box(0, 0, 10, 10), box(5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert images.overlap(box(0, 0, 10, 10), box(0, 0, 10, 10)) == 1
    assert images.overlap(box(0, 0, 10, 10), box(10, 0, 10, 10)) == 0
    assert images.overlap(box(0, 0, 0, 0), box(0, 0, 0, 0)) == 0


def test_transcriptions_are_compared_after_simplification() -> None:
    assert images.reading_distance("燈塔 開放", "灯塔开放") == 0
    assert images.reading_distance("ＶＥＬＭＡＲ", "VELMAR\n") == 0
    assert images.reading_distance("VELMAR", "VELNAR") == pytest.approx(1 / 6)
    assert images.reading_distance("", "") == 0 and images.reading_distance("", "a") == 1


def test_region_figures_by_hand() -> None:
    answers = {"text_kind": ["verbatim"]}

    def seen(number: int, who: str, item: str, *boxes: dict[str, Any], image: bool = True) -> Row:
        return judgement(number, who, item, answers, regions=list(boxes), image_seen=image)

    rows = [
        # Matched so that the sum is largest: the first with the first (IoU 1), the second with nothing.
        seen(1, "a", "photo-1", box(0, 0, 10, 10, "燈"), box(50, 50, 10, 10, "x")),
        seen(2, "b", "photo-1", box(0, 0, 10, 10, "灯")),
        # IoU 80 / 120, one letter of four.
        seen(3, "a", "photo-2", box(0, 0, 10, 10, "tide")),
        seen(4, "b", "photo-2", box(2, 0, 10, 10, "tile")),
        seen(5, "a", "photo-3"),
        seen(6, "b", "photo-3"),  # neither marked anything
        seen(7, "a", "photo-4", box(0, 0, 1, 1, "only the text was shown"), image=False),
        seen(8, "b", "photo-4", box(0, 0, 1, 1, "only the text was shown"), image=False),
    ]
    (figure,) = images.region_agreement(judgements(*rows), FEW)
    assert (figure.items, figure.pairs, figure.regions, figure.read) == (2, 2, 5, 2)
    assert figure.iou == pytest.approx((1 / 2 + 80 / 120) / 2, abs=1e-6)
    assert figure.f1 == pytest.approx(2 * 2 / 5, abs=1e-6)
    assert figure.distance == pytest.approx((0 + 1 / 4) / 2, abs=1e-6)
    assert images.region_agreement(judgements(), FEW) == []
