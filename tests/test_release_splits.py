"""Splits: whole groups, for ever, the same from the same; and the comparison of texts that they and a gate rest on."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.corpus.links import components
from toolkit.release import leakage, parts
from toolkit.release.leakage import GRAM, fold, near_pairs
from toolkit.release.people import Pseudonyms
from toolkit.release.splits import Edge, Item, Splits, assign, recorded_splits, text_links

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


def deal(items: list[Item], links: list[Edge] = [], ledger: Any = (), seed: int = 0) -> Splits:  # noqa: B006
    return assign(items, links, ledger, shares=SHARES, seed=seed)


def items_of(*sources: str) -> list[Item]:
    return [Item(f"i{place}", source) for place, source in enumerate(sources)]


def test_one_group_is_train_only() -> None:
    out = deal(items_of("a", "a", "b"), [("i1", "i2")])
    assert set(out.split.values()) == {"train"} and set(out.group.values()) == {"i0"}
    assert out.records == ({"group": "i0", "split": "train", "members": ["i0", "i1", "i2"]},)


def test_every_split_gets_a_group_when_there_are_enough() -> None:
    for seed in range(20):
        assert set(deal(items_of("a", "b", "c"), seed=seed).split.values()) == set(SHARES)
        assert set(deal(items_of(*["a"] * 50, "b", "c"), seed=seed).split.values()) == set(SHARES)
    # With two groups of three splits, train is among them.
    assert "train" in deal(items_of("a", "b")).split.values()


def test_shares_are_kept_with_many_groups() -> None:
    split = deal(items_of(*(f"s{n}" for n in range(100)))).split
    assert {name: list(split.values()).count(name) for name in SHARES} == {"train": 60, "validation": 20, "test": 20}


def test_a_new_item_joins_its_source_and_its_twin() -> None:
    ledger = [{"group": "i0", "split": "test", "members": ["i0"]}, {"group": "i1", "split": "train", "members": ["i1"]}]
    out = deal([*items_of("a", "b", "a"), Item("i9", "c")], [("i1", "i9")], ledger)
    assert dict(out.split) == {"i0": "test", "i1": "train", "i2": "test", "i9": "train"}
    assert [record["members"] for record in out.records] == [["i2"], ["i9"]]


def test_the_first_record_of_a_group_holds() -> None:
    ledger: list[Any] = [{"group": "i0", "split": "test"}, {"group": "i0", "split": "train", "members": ["i1"]}]
    assert recorded_splits(ledger) == {"i0": "test", "i1": "test"}


def test_a_bridge_is_held_out_alone() -> None:
    ledger = [{"group": "i0", "split": "test", "members": ["i0"]}, {"group": "i1", "split": "train", "members": ["i1"]}]
    # i2 and i3 are new in a's report; only i3 is nearly the same as b's i1. A new report that joins both goes as a whole.
    out = deal([*items_of("a", "b", "a", "a"), Item("p", "a", owner="i3")], [("i3", "i1")], ledger)
    assert set(out.held_out) == {"i3", "p"} and out.split["i2"] == "test"
    out = deal(
        [*items_of("a", "b"), Item("n1", "c"), Item("n2", "c"), Item("n3", "c")], [("n1", "i0"), ("n2", "i1")], ledger
    )
    assert set(out.held_out) == {"n1", "n2", "n3"} and dict(out.split) == {"i0": "test", "i1": "train"}


def test_released_items_that_turn_out_to_be_twins_do_not_move() -> None:
    ledger = [{"group": "i0", "split": "test", "members": ["i0"]}, {"group": "i1", "split": "train", "members": ["i1"]}]
    out = deal(items_of("a", "b"), [("i0", "i1")], ledger)
    assert dict(out.split) == {"i0": "test"} and set(out.held_out) == {"i1"}


@st.composite
def growing(draw: st.DrawFn) -> tuple[list[Item], list[Edge], int]:
    sources = draw(st.lists(st.integers(0, 5), min_size=1, max_size=14))
    items = [Item(f"i{n}", f"s{source}") for n, source in enumerate(sources)]
    owners = draw(st.lists(st.integers(0, len(items) - 1), max_size=3))
    items += [Item(f"p{n}", items[owner].source, items[owner].id) for n, owner in enumerate(owners)]
    names = [item.id for item in items]
    links = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=6))
    return items, links, draw(st.integers(0, 5))


@settings(max_examples=300, deadline=None)
@given(growing(), st.data())
def test_splits_stick_and_never_leak(world: tuple[list[Item], list[Edge], int], data: st.DataObject) -> None:
    items, links, seed = world
    ledger: list[Any] = []
    before: dict[str, str] = {}
    seen = [items[: data.draw(st.integers(1, len(items)))], items]
    for part in seen:
        names = {item.id for item in part}
        part = [item for item in part if item.owner is None or item.owner in names]  # noqa: PLW2901
        own = [link for link in links if set(link) <= names]
        out = deal(part, own, ledger, seed=seed)
        assert out == deal(part, own[::-1], data.draw(st.permutations(ledger)), seed=seed)
        assert {*out.split} | {*out.held_out} == names and not {*out.split} & {*out.held_out}
        # Sticky: whoever was released stays where it was, or is held out.
        assert all(out.split.get(item, split) == split for item, split in before.items())
        # No leak: neither by source nor by link nor by group.
        for one, other in [*own, *((a.id, b.id) for a, b in combinations(part, 2) if a.source == b.source)]:
            if one in out.split and other in out.split:
                assert out.split[one] == out.split[other] and out.group[one] == out.group[other]
        assert all(item.owner not in out.held_out or item.id in out.held_out for item in part)
        dealt = {member for record in out.records for member in record["members"]}
        assert dealt == out.split.keys() - recorded_splits(ledger).keys()
        ledger += out.records
        before = dict(out.split)
        # Nothing new: the same again, and no new records.
        again = deal(part, own, ledger, seed=seed)
        assert again.records == () and (again.split, again.held_out.keys()) == (out.split, out.held_out.keys())


def gram_set(text: str) -> frozenset[str]:
    """The 4-grams of a text; of a shorter one, the text itself; none of an empty one."""
    folded = fold(text)
    if len(folded) <= GRAM:
        return frozenset({folded} if folded else ())
    return frozenset(folded[i : i + GRAM] for i in range(len(folded) - GRAM + 1))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


@st.composite
def some_texts(draw: st.DrawFn) -> list[str]:
    """Texts of any letters, and cuttings of one text, of which many are near."""
    long = draw(st.text("abcdefg 的了", min_size=20, max_size=60))
    cutting = st.tuples(st.integers(0, 20), st.integers(10, 60)).map(lambda ends: long[ends[0] : ends[1]])
    return draw(st.lists(st.text("abcdefg 的了", max_size=30) | cutting, max_size=12))


@settings(max_examples=200, deadline=None)
@given(some_texts(), st.sampled_from([0.3, 0.5, 0.65, 0.8, 1.0]), st.sampled_from([1, 60, 16_000_000]))
def test_near_pairs_are_those_of_comparing_all_with_all(texts: list[str], threshold: float, work: int) -> None:
    sets = [gram_set(text) for text in texts]
    wanted = [
        (i, j)
        for i, j in combinations(range(len(texts)), 2)
        if sets[i] and sets[j] and overlap(sets[i], sets[j]) >= threshold
    ]
    with patch.object(leakage, "_WORK", work):
        found = [*near_pairs(texts, threshold)]
    assert sorted((i, j) for i, j, _ in found) == wanted
    assert [(j, i) for i, j, _ in found] == sorted((j, i) for i, j, _ in found)
    assert all(score == overlap(sets[i], sets[j]) for i, j, score in found)


def test_few_of_many_texts_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    letters = np.array([*"bdfgklnaei  "])
    texts = ["".join(letters[draw.integers(0, len(letters), 90)]) for _ in range(1_500)]
    texts += [text[:-5] for text in texts[:10]]
    monkeypatch.setattr(leakage, "_WORK", 20_000)
    with patch.object(leakage, "_compared", wraps=leakage._compared) as compared:
        found = [*near_pairs(texts)]
    assert [(one, other) for one, other, _ in found] == [(number, 1_500 + number) for number in range(10)]
    # Of more than a million pairs; and not at one time.
    assert sum(len(call.args[1]) for call in compared.mock_calls) < 1_000 and compared.call_count > 10


def test_translations_and_photo_texts_link_items_too() -> None:
    text = "The lamps of the harbour burn all night, and nobody asks who lit them."
    items = [
        Item("i0", "a", texts=("短文", text)),
        Item("i1", "b", texts=(text.upper(),)),
        Item("i2", "a", texts=(text,)),
    ]
    assert text_links([*items, Item("p", "c", owner="i9", texts=(text + "!",))]) == [
        ("i0", "i1"), ("i0", "p"), ("i1", "i2"), ("i1", "p"), ("i2", "p"),
    ]  # fmt: skip
    assert components(["i0", "i1"], [("i0", "i1")]) == {"i0": "i0", "i1": "i0"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("see https://sarn.example/a.b, soon", "see hxxps://sarn[.]example/a.b, soon"),
        ("see hxxps://sarn[.]example/a", "see hxxps://sarn[.]example/a"),
        ("www.sarn.example", "www[.]sarn[.]example"),
        ("write tide@circle.example.", "write [email]."),
        ("call +99 (1234) 567-890 or 13800000000", "call [phone] or [phone]"),
        ("40 notices, 75 percent, Article 5, 2031-05-03", "40 notices, 75 percent, Article 5, 2031-05-03"),
        ("@LampDaily says", "@LampDaily says"),
    ],
)
def test_ways_to_reach_people_are_closed(text: str, cleaned: str) -> None:
    people = Pseudonyms(bytes(32), frozenset({"lampdaily"}))
    out = people.clean(text)
    assert out.text == cleaned and people.clean(out.text).text == cleaned


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["灯", "lamp ", "@gull ", "https://a.b/c ", "x@y.zz ", "+99 1234567 ", "。"]), max_size=8),
    st.data(),
)
def test_places_outside_what_was_replaced_keep_their_words(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    out = Pseudonyms(bytes(32)).clean(text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    place = out.span(start, end)
    assert 0 <= place[0] <= place[1] <= len(out.text)
    if not any(cut[0] < end and start < cut[1] for cut in out.cuts):
        assert out.text[slice(*place)] == text[start:end]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["train", "validation", "test", None]), max_size=30), st.sampled_from([0, 1_000]))
def test_each_row_is_dealt_to_its_split_in_order(of: list[str | None], stretches: int) -> None:
    rows = pa.table({"row": pa.array(range(len(of)), pa.int64())})
    with patch.object(parts, "_STRETCHES", stretches):
        dealt = parts._dealt(rows, pa.array(of, pa.string()))
    wanted = {name: [row for row, split in enumerate(of) if split == name] for name in parts.ORDER}
    assert {name: own["row"].to_pylist() for name, own in dealt.items()} == wanted
