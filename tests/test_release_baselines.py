"""The figures of the card that say how hard the labels are, against sums made by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from toolkit.codebook import load_codebook
from toolkit.release.baselines import baselines
from toolkit.release.features import release_table

BOOKS = {task: load_codebook(task) for task in ("narrative", "photo_text")}
BLANK: dict[str, Any] = {
    f"{field}{suffix}": []
    for field in ("narrative", "technique", "target", "voice")
    for suffix in ("", "_contested", "_undecided", "_dist")
}


def posts(*rows: tuple[str, list[str], list[tuple[str, int, int]]]) -> pa.Table:
    made = []
    for number, (text, gold, dist) in enumerate(rows):
        votes = [{"label": label, "yes": yes, "of": of} for label, yes, of in dist]
        made.append(BLANK | {"post_id": f"p{number}", "text": text, "narrative": gold, "narrative_dist": votes})
    return release_table("posts").from_rows(made)


TIDE = "the tide comes in over the quay"
LAMP = "the lamps of the harbour are lit"


def test_against_sums_by_hand() -> None:
    train = posts(
        *[(f"{TIDE} {n}", ["n11"], [("n11", 3, 3)]) for n in range(6)], *[(f"{LAMP} {n}", [], []) for n in range(3)]
    )
    test = posts((f"{TIDE} again", ["n11"], [("n11", 2, 3)]), (f"{TIDE} twice", ["n11"], []), (f"{LAMP} again", [], []))
    found = {one.label: one for one in baselines({"posts": {"train": train, "test": test}}, BOOKS, 0)}
    assert set(found) == {"n11"}
    one = found["n11"]
    assert (one.config, one.field, one.train, one.test) == ("posts", "narrative", 6, 2)
    # Always yes: two of three are right, so F1 is 2·2 / (2 + 3). The texts are told apart by their letters alone.
    assert (one.majority, one.tfidf) == (0.8, 1.0)
    # Pairs with a yes: 6·(3·2) where all agree, and 2·2 of which 2·1 agree.
    assert one.human == pytest.approx((36 + 2) / (36 + 4), abs=1e-4)


def test_too_little_gives_no_figure() -> None:
    few = posts((TIDE, ["n11"], [("n11", 1, 1)]), (LAMP, [], []))
    (one,) = baselines({"posts": {"train": few, "test": few}}, BOOKS, 0)
    assert (one.train, one.test, one.majority, one.tfidf, one.human) == (1, 1, None, None, None)
    assert baselines({"posts": {"train": few}}, BOOKS, 0) == []


def test_contested_and_open_labels_are_no_gold() -> None:
    rows = posts(
        *[(f"{TIDE} {n}", ["n11"], []) for n in range(8)], *[(f"{LAMP} {n}", [], []) for n in range(8)]
    ).to_pylist()
    for row in rows[:2]:
        row |= {"narrative": [], "narrative_contested": ["n11"]}
    rows[8] |= {"narrative_undecided": ["n11"]}
    # A dehydrated row has no text to learn from.
    rows[3]["text"] = None
    table = release_table("posts").from_rows(rows)
    (one,) = baselines({"posts": {"train": table, "test": table}}, BOOKS, 0)
    assert (one.train, one.test, one.tfidf) == (5, 5, 1.0)


def test_the_same_figures_every_time() -> None:
    rows = posts(*[(f"{TIDE if n % 3 else LAMP} {n * 7919 % 31}", ["n11"] if n % 2 else [], []) for n in range(40)])
    made = [baselines({"posts": {"train": rows, "test": rows}}, BOOKS, 3) for _ in range(2)]
    assert made[0] == made[1] and made[0][0].tfidf is not None
