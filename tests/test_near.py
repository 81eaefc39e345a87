"""Near-duplicates: sketches, candidates and overlaps held against plain sets."""

from __future__ import annotations

import random
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from toolkit.corpus import near, search, sketching
from toolkit.corpus.grams import folded, overlap
from toolkit.fsio import sha256_text
from toolkit.ids import normalise

# Of "the lamp burns on the wall", "盐灯在墙上" and the empty text: the first band, and six last bytes of each.
EXPECTED_BAND = [217873469185, 4526373773, 182731932240]
EXPECTED_LOW = [[190, 2, 65, 17, 221, 156], [223, 143, 85, 7, 91, 209], [0, 0, 0, 0, 0, 0]]
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def grams(text: str) -> set[str]:
    return {text[i : i + 4] for i in range(max(1, len(text) - 3))}


def jaccard(one: str, other: str) -> float:
    return len(grams(one) & grams(other)) / len(grams(one) | grams(other))


def corpus(size: int, seed: int) -> list[str]:
    """Neutral texts, a third of them in Han characters, some of them edited copies of others."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdeghiklmnoprstu", k=rng.randint(2, 9))) for _ in range(800)]
    han = [chr(0x4E00 + n) for n in range(1500)]
    texts: list[str] = []
    while len(texts) < size:
        alphabet = rng.random() > 0.33
        words_of = " ".join(rng.choices(words, k=rng.randint(4, 25)))
        text = words_of if alphabet else "".join(rng.choices(han, k=rng.randint(12, 60)))
        texts.append(text)
        for _ in range(rng.choice([0, 0, 0, 1, 2, 5])):
            letters = list(text)
            for _ in range(rng.randint(1, max(2, len(text) // 14))):
                place = rng.randrange(len(letters))
                letters[place : place + rng.choice([0, 1])] = rng.choice(letters)
            texts.append("".join(letters))
    texts = list(dict.fromkeys(map(folded, texts)))[:size]
    rng.shuffle(texts)
    return texts


def test_recall_and_precision_against_brute_force() -> None:
    texts = corpus(900, 3)
    sets = [grams(text) for text in texts]
    shares = {(i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in combinations(range(len(sets)), 2)}
    true = {pair: round(share, 4) for pair, share in shares.items() if share >= near.THRESHOLD}
    found = {(edge.one, edge.other): edge.share for edge in near.near_pairs(texts)}
    assert len(true) > 200
    assert found.items() <= true.items(), "every pair is verified"
    assert len(found) / len(true) >= 0.98
    joined = near.components(len(texts), np.array(list(found), np.int64))
    assert np.mean([joined[i] == joined[j] for i, j in true]) >= 0.99


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12))
def test_overlap_is_that_of_the_sets(pairs: list[tuple[str, str]]) -> None:
    texts = [(a.replace("\0", " "), b.replace("\0", " ")) for a, b in pairs]
    found = overlap([a for a, _ in texts], [b for _, b in texts])
    padded = [(a.ljust(4, "\0"), b.ljust(4, "\0")) for a, b in texts]
    assert found.tolist() == [jaccard(a, b) for a, b in padded]


def test_what_is_far_apart_is_told_by_maps_and_what_is_near_exactly() -> None:
    texts = [*corpus(400, 5), *("ab" * n + "c" * n for n in range(40))]
    pairs = list(combinations(range(0, len(texts), 3), 2)) + [(i, i + 1) for i in range(len(texts) - 1)]
    sides = [texts[a] for a, _ in pairs], [texts[b] for _, b in pairs]
    exact, told = overlap(*sides), overlap(*sides, near.THRESHOLD)
    close = exact >= near.THRESHOLD
    assert close.sum() > 50
    assert np.array_equal(told[close], exact[close])
    assert np.isin(told[~close], [0]).mean() > 0.9
    assert np.array_equal(told[told > 0], exact[told > 0])


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=30), st.data())
def test_a_sketch_is_its_texts_own(texts: list[str], data: st.DataObject) -> None:
    """Whatever stands beside it: so that pieces sketched apart, in any process, go together."""
    cut = data.draw(st.integers(0, len(texts)))
    whole, parts = near.sketch(texts), [near.sketch(part) for part in (texts[:cut], texts[cut:])]
    assert np.array_equal(whole.bands, np.concatenate([part.bands for part in parts], axis=1))
    assert np.array_equal(whole.low, np.concatenate([part.low for part in parts]))


def test_a_sketch_is_what_it_was() -> None:
    """Kept with versions: another library, or machine, makes no other."""
    found = near.sketch(["the lamp burns on the wall", "盐灯在墙上", ""])
    assert found.bands[0].tolist() == EXPECTED_BAND
    low = found.low.view(np.uint8)
    # A band's rows stand 25 bytes apart.
    assert low[:, [0, 25, 50, 75, 1, 26]].tolist() == EXPECTED_LOW
    assert not low[:, 100:].any()


def test_a_band_that_many_share_by_chance_hides_nobody() -> None:
    """A group of unlike texts, two of them alike, is gone through until nobody is left to look at."""
    rng = random.Random(7)
    texts = ["".join(rng.choices("abcdefghij ", k=60)) for _ in range(20)]
    texts.append(texts[0] + "!")
    low = near.sketch(texts).low
    one_band = np.zeros(len(texts), np.uint64)
    found = near.candidates([(one_band, np.arange(len(texts)))], low.__getitem__)
    assert near.unpacked(found).tolist() == [[0, 20]]


def test_a_large_group_of_equals_costs_no_square() -> None:
    texts = [f"the lamp burns on the wall by the sea every evening and nobody blows it out {n:04}" for n in range(2000)]
    found = near.sketch(texts)
    bands = [(keys, np.arange(len(texts))) for keys in found.bands]
    pairs = near.unpacked(near.candidates(bands, found.low.__getitem__))
    assert len(pairs) < 40 * len(texts)
    assert set(near.components(len(texts), pairs).tolist()) == {0}


def test_none_and_one() -> None:
    assert near.near_pairs([]) == [] == near.near_pairs(["alone"])
    assert near.components(3, np.empty((0, 2), np.int64)).tolist() == [0, 1, 2]
    assert near.components(4, np.array([[1, 3], [2, 3]])).tolist() == [0, 1, 1, 1]
    assert near.components(3, np.array([[2, 0], [0, 2], [1, 1]])).tolist() == [0, 1, 0]


def walked(size: int, edges: NDArray[np.int64]) -> list[int]:
    """The lowest place of each component, by scipy's walk along the edges."""
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    lowest: list[int] = first[labels].tolist()
    return lowest


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.data())
def test_components_are_those_of_a_walk(size: int, data: st.DataObject) -> None:
    place = st.integers(0, size - 1)
    edges = np.array(data.draw(st.lists(st.tuples(place, place), max_size=90)), np.int64).reshape(-1, 2)
    assert near.components(size, edges).tolist() == walked(size, edges)


def test_components_of_chains_stars_and_chance() -> None:
    size = 20_000
    random = np.random.Generator(np.random.PCG64(3))
    order = random.permutation(size)
    chain = np.stack([order[:-1], order[1:]], axis=1)
    star = np.stack([np.full(size - 1, size - 1), np.arange(size - 1)], axis=1)
    some = random.integers(0, size, (size // 2, 2))
    assert set(near.components(size, chain).tolist()) == {0} == set(near.components(size, star).tolist())
    for edges in (some, chain[random.random(size - 1) < 0.9], np.concatenate([some, chain[::3]])):
        assert near.components(size, edges).tolist() == walked(size, edges)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Lamp  LIGHT\n", "lamp light"), ("ＡＢ", "ａｂ"), ("cafe\u0301 noir", "café noir"), ("Straße 1", "STRASSE 1")],
)
def test_what_case_and_form_hide(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_a_part_has_the_same_sketches_whether_made_with_it_or_from_it(tmp_path: Path) -> None:
    with_it, from_it = tmp_path / "with", tmp_path / "from"
    with_it.mkdir()
    from_it.mkdir()
    posts = [
        {"post_id": f"post_{n:032x}", "exact_hash": sha256_text(normalise(text)), "text": text}
        for n, text in enumerate(
            [*corpus(40, 8), "Lamp  LIGHT\n", "cafe\u0301 noir", "Straße 1", "lamp light", "Lamp LIGHT", ""]
        )
    ]
    rows = pa.Table.from_pylist(posts)
    pq.write_table(rows, tmp_path / "part.parquet")
    sketching.sketch_part(from_it, tmp_path / "part.parquet")
    made = sketching.PartFiles(with_it)
    for piece in rows.to_batches(max_chunksize=7):
        made.add(piece["post_id"], piece["exact_hash"], [normalise(text) for text in piece["text"].to_pylist()])
    assert not sketching.is_sketched(with_it, "part")
    made.close("part")
    assert sketching.is_sketched(with_it, "part")
    names = sorted(path.name for path in from_it.iterdir())
    assert names == sorted(path.name for path in with_it.iterdir())
    for path in from_it.glob("*.npy"):
        assert path.read_bytes() == (with_it / path.name).read_bytes()
    texts = [
        pa.ipc.open_file(folder / "part-texts.arrow").read_all()["text"].to_pylist() for folder in (with_it, from_it)
    ]
    assert (
        texts[0] == texts[1] == [folded(normal) for normal in dict.fromkeys(map(normalise, rows["text"].to_pylist()))]
    )


@pytest.mark.parametrize("shares", [1, 2, 3])
def test_copies_where_different_keys_begin_alike(tmp_path: Path, shares: int) -> None:
    begins = np.array([0, 5, 8])

    def copies(keys: list[list[int]]) -> list[list[int]]:
        for number, (begin, end) in enumerate(pairwise(begins.tolist())):
            np.save(tmp_path / f"{number}-keys.npy", np.array(keys[begin:end], np.uint64))
        found = [search.find_copies(search._Keys(share, shares, tmp_path, "01", begins)) for share in range(shares)]
        return sorted(np.concatenate(found).tolist())

    assert copies([[7, 1], [7, 2], [3, 1], [7, 1], [7, 2], [9, 2], [3, 1], [7, 3]]) == [[0, 3], [1, 4], [2, 6]]
    high = 1 << 63
    assert copies([[high, 1], [5, 2], [3, 1], [high, 1], [5, 2], [high, 1], [9, 2], [3, 1]]) == [
        [0, 3],
        [0, 5],
        [1, 4],
        [2, 7],
    ]


def test_copies_of_nothing(tmp_path: Path) -> None:
    assert search.find_copies(search._Keys(0, 1, tmp_path, "", np.array([0]))).shape == (0, 2)
