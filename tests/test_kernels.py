"""Compiled loops: what they come to, held against the whole-array functions and against langdetect itself."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.plugins.required import required
from tests.test_near import corpus
from tests.test_text import LANGUAGES
from toolkit import kernels
from toolkit.corpus import grams, near, search
from toolkit.text import detecting, letters

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
# What a loop may stumble over: nothing, accents, capitals, letters side by side, far code points, pictures, marks put together.
HOSTILE = [
    "",
    "a",
    "abc",
    " \t\n\0",
    "\U0010ffff\U000e0041",
    "Ж́xé\u0301 Aб бA a\u0300б",
    "АБВ ABC aBC Abc ABc",
    "𐐀𐐀 𝐀𝐁 👍🏽 👨\u200d👩\u200d👧 text",
    "tie\u0302\u0301ng Vie\u0323t va\u0300 nga\u0301y",
    "ﷺ ك ی ۇ ә қ",
    "x" * 10_050,
    "the lamp " * 1_200,
]


@contextmanager
def only(loops: ModuleType | None) -> Iterator[None]:
    """Have all that may use compiled loops use these, or none."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (near, grams, letters, detecting, search):
            patch.setattr(module, "compiled", lambda texts: loops)
        yield


@pytest.fixture(scope="module")
def loops() -> ModuleType:
    required("numba")
    from toolkit.kernels import loops

    return loops


def both(loops: ModuleType, work: Callable[[], Any]) -> tuple[Any, Any]:
    with only(loops):
        fast = work()
    with only(None):
        return fast, work()


def test_the_same_sketches_pairs_and_overlaps(loops: ModuleType) -> None:
    texts = list(dict.fromkeys([*map(grams.folded, [*HOSTILE, *LANGUAGES]), *corpus(2_000, 8)]))
    fast, slow = both(loops, lambda: near.sketch(texts))
    assert np.array_equal(fast.bands, slow.bands)
    assert np.array_equal(fast.low, slow.low)
    edges, expected = both(loops, lambda: near.near_pairs(texts))
    assert edges == expected
    assert len(edges) > 100


def test_the_same_pairs_in_groups_larger_than_a_window_and_its_rounds(loops: ModuleType) -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    kinds = rng.integers(0, 2**64, (40, near.WORDS), dtype=np.uint64)
    low = kinds[rng.integers(0, len(kinds), 3_000)]
    keys = rng.integers(0, 6, 3_000, dtype=np.uint64)
    places = np.arange(3_000)
    fast, slow = both(loops, lambda: near.candidates([(keys, places)], lambda own: low[own]))
    assert np.array_equal(fast, slow)
    assert len(fast) > 1_000


@settings(max_examples=200, deadline=None)
@given(one=st.lists(TEXT, max_size=12), other=st.lists(TEXT, max_size=12), least=st.sampled_from([0.0, 0.3, 0.65]))
@example(one=HOSTILE, other=HOSTILE[1:] + HOSTILE[:1], least=0.0)
@example(one=["abcdefgh", "x" * 5_000, "abcdefgh"], other=["abcdefgx", "x", "hgfedcba"], least=0.0)
def test_the_same_overlap(loops: ModuleType, one: list[str], other: list[str], least: float) -> None:
    size = min(len(one), len(other))
    fast, slow = both(loops, lambda: grams.overlap(one[:size], other[:size], least))
    assert fast.tolist() == slow.tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, max_size=12))
@example(HOSTILE)
@example(list(LANGUAGES))
def test_the_same_survey_and_sketches(loops: ModuleType, texts: list[str]) -> None:
    fast, slow = both(loops, lambda: letters.survey(texts))
    assert np.array_equal(fast.counts, slow.counts)
    assert np.array_equal(fast.marks, slow.marks)
    fast, slow = both(loops, lambda: near.sketch(texts))
    assert np.array_equal(fast.bands, slow.bands)
    assert np.array_equal(fast.low, slow.low)


@pytest.mark.parametrize("script", detecting.ASKED)
def test_langdetects_own_answers(loops: ModuleType, script: str) -> None:
    from langdetect.detector_factory import DetectorFactory

    words = [word for text in LANGUAGES for word in text.split() if letters.of(word).get(script)]
    rng = random.Random(5)
    mixed = [*words, *" 👍 ABC Iphone b'c 12 — é ơ\u0301 ӓ word".split(" ")]
    texts = [" ".join(rng.choices(some, k=rng.randint(1, 30))) for some in (words, mixed) for _ in range(30)]
    texts += [*LANGUAGES, *HOSTILE]
    slow = detecting.factory_of(DetectorFactory, script)
    answers = [detecting._detect(slow, detecting._NOT_LETTERS.sub(" ", text)) for text in texts]
    named = [detecting.UNDETERMINED if code in (None, "unknown") else code.partition("-")[0] for code in answers]
    assert detecting._computed(texts, script) == named


@pytest.mark.parametrize("script", detecting.ASKED)
def test_langdetects_own_answers_where_its_trials_do_not_agree(loops: ModuleType, script: str) -> None:
    """Few words of several languages: trials come to several languages, and the first four do not tell."""
    by_language = [[word for word in text.split() if letters.of(word).get(script)] for text in LANGUAGES]
    by_language = [words for words in by_language if words]
    rng = random.Random(6)
    texts = []
    for _ in range(1000):
        some = rng.sample(by_language, min(rng.randint(1, 3), len(by_language)))
        texts.append(" ".join(rng.choices([word for words in some for word in words], k=rng.randint(1, 12))))
    assert detecting._computed(texts, script) == detecting._asked(texts, script)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_langdetects_own_answer_about_any_text(loops: ModuleType, text: str) -> None:
    for script in detecting.ASKED:
        assert detecting._computed([text], script) == detecting._asked([text], script)


@given(st.lists(st.integers(0, 2**40 - 1), max_size=50), st.sampled_from([3, 11, 12, 40]))
def test_keys_in_the_same_order(loops: ModuleType, keys: list[int], bits: int) -> None:
    few = np.array(keys, np.uint64) & np.uint64((1 << bits) - 1)
    fast, slow = both(loops, lambda: near.ordered(few, bits))
    assert fast[0].tolist() == slow[0].tolist() == np.argsort(few, kind="stable").tolist()
    assert fast[1].tolist() == slow[1].tolist() == sorted(few.tolist())


def test_the_same_sketches_are_taken_from_a_file(
    loops: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MAPPED", 7)
    every = np.arange(20 * near.WORDS, dtype=np.uint64).reshape(20, -1)
    (tmp_path / "low").write_bytes(every.tobytes())
    places = np.array([19, 0, 6, 7, 7, 13, 14, 1])
    for found in both(loops, lambda: search._low(search._Bands(0, 1, tmp_path, 20), places)):
        assert np.array_equal(found, every[places])


@settings(deadline=None)
@given(st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=40))
def test_numbers_are_added_up_as_python_does(loops: ModuleType, numbers: list[float]) -> None:
    from toolkit.kernels.detecting import _sum

    assert _sum(np.array(numbers)) == sum(numbers)


def test_few_texts_are_left_to_langdetect(loops: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(texts: list[str], script: str) -> list[str]:
        asked.extend(texts)
        return ["und"] * len(texts)

    monkeypatch.setattr(detecting, "_asked", answer)
    detecting._computed([*LANGUAGES, *HOSTILE], "Latn")
    far = ("\U0010ffff", "𐐀", "\u0300", "\u0301")
    assert asked == [text for text in HOSTILE if len(text) > 10_000 or any(char in text for char in far)]


def test_the_blocks_of_pictures_have_no_letters() -> None:
    every = "".join(map(chr, range(0x1F000, 0x20000)))
    assert detecting._NOT_LETTERS.fullmatch(every)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_loops_are_read_where_there_is_enough_to_do(loops: ModuleType) -> None:
    few = "import sys; from toolkit import kernels; print(kernels.compiled(10), 'numba' in sys.modules)"
    assert run(few) == "None False"
    many = "from toolkit import kernels; print([bool(kernels.compiled(12_000)) for _ in range(4)])"
    assert run(many) == "[False, False, True, True]"


def test_without_numba_all_is_as_it_was() -> None:
    gone = "import sys; sys.modules['numba'] = None; from toolkit import kernels; print(kernels.compiled(10**6))"
    assert run(gone) == "None"
    assert kernels._ENOUGH > 5_000, "a piece of rows alone does not have them read"
