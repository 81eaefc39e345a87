"""Character 4-grams of texts, as words of 64 bits, and how many of them two texts have in common.

Character grams, since Chinese and its neighbours set no blanks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from toolkit.ids import normalise
from toolkit.kernels import code_points, compiled

GRAM = 4
Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]
# Pairs looked at together: what stays in the processor's cache.
_PAIRS = 512
_GRAM_BITS = 44
# A text's map of grams: so large that few of a post's share a bit, which makes the share that two have in common more rather than
# less; by how much less it may be where there are more grams than few.
_MAP_BITS, _UNSURE, _FEW = 11, 0.05, 32
PLACES = np.random.Generator(np.random.PCG64(21)).integers(0, 2**64, GRAM, dtype=np.uint64) | np.uint64(1)
"""What a gram's code points are multiplied by, by their place in it."""


def folded(text: str) -> str:
    """Return the form in which texts are compared: NFC, white space collapsed, case folded."""
    return normalise(text).casefold()


def mixed(words: Words) -> Words:
    """Return well-mixed 64-bit words (the finaliser of SplitMix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def grams(texts: Sequence[str]) -> tuple[Words, Numbers]:
    """Return the grams of folded texts as mixed words, one text after another, and where each text's begin.

    A text shorter than a gram is its own gram; an empty one has one gram too, so that no text is without.
    """
    padded = [text.ljust(GRAM, "\0") for text in texts]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    # Four code points do not fit into a word: the sum of each by its place's factor (multilinear hashing), well mixed.
    words = points[: len(points) - GRAM + 1] * PLACES[0]
    for place in range(1, GRAM):
        words += points[place : len(points) - GRAM + 1 + place] * PLACES[place]
    words = mixed(words)
    counts = lengths - GRAM + 1
    ends = np.cumsum(lengths)
    within = np.ones(len(points), bool)
    for place in range(1, GRAM):
        # What begins in a text's last three characters would run into the next text.
        within[ends - place] = False
    return words[within[: len(words)]], np.cumsum(counts) - counts


def different(numbers: Words) -> Words:
    """Return different numbers, in order; the numbers given are put in order."""
    # np.unique is many times slower than this on millions.
    numbers.sort()
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def overlap(one: Sequence[str], other: Sequence[str], least: float = 0) -> NDArray[np.float64]:
    """Return for each pair of folded texts the share of their 4-grams that both have (Jaccard), 0 to 1.

    Of pairs whose share is less than ``least``, which maps of their grams tell of most, it may be 0 instead.
    """
    shares = np.zeros(len(one), np.float64)
    if loops := compiled(2 * len(one)):
        bits = _GRAM_BITS, _MAP_BITS
        loops.overlap(*code_points(one), *code_points(other), PLACES, *bits, least - _UNSURE, _FEW, shares)
        return shares
    for start in range(0, len(one), _PAIRS):
        left, right = one[start : start + _PAIRS], other[start : start + _PAIRS]
        worth = np.flatnonzero(_about(left, right) >= least - _UNSURE) if least else np.arange(len(left))
        shares[start + worth] = _shares(
            [left[place] for place in worth.tolist()], [right[place] for place in worth.tolist()]
        )
    return shares


def _about(one: Sequence[str], other: Sequence[str]) -> NDArray[np.float64]:
    """Return for each pair the share of the bits in maps of their grams that both have: seldom less than that of the grams.

    Of few grams, two of which may have one bit, it says nothing and is 1.
    """
    left, right = _map(one), _map(other)
    every = _count(left | right)
    return np.where(every < _FEW, 1.0, _count(left & right) / every)


def _count(maps: Words) -> Numbers:
    count: Numbers = np.bitwise_count(maps).sum(axis=1, dtype=np.int64)
    return count


def _map(texts: Sequence[str]) -> Words:
    """Return maps of texts' grams (texts, words): a bit for one gram or several."""
    words, begins = grams(texts)
    seen = np.zeros((len(texts), 1 << _MAP_BITS), np.bool_)
    numbers = np.repeat(np.arange(len(texts)), np.diff(np.append(begins, len(words))))
    seen[numbers, words >> np.uint64(64 - _MAP_BITS)] = True
    return np.packbits(seen, axis=1).view(np.uint64)


def _shares(one: Sequence[str], other: Sequence[str]) -> NDArray[np.float64]:
    left, right = _pair_grams(one), _pair_grams(other)
    # Two runs in order: what keeps equals in order puts them together in one go.
    every = np.sort(np.concatenate([left, right]), kind="stable")
    both = every[1:][every[1:] == every[:-1]] >> np.uint64(_GRAM_BITS)
    shared = np.bincount(both.astype(np.int64), minlength=len(one))
    total = np.bincount((every >> np.uint64(_GRAM_BITS)).astype(np.int64), minlength=len(one))
    found: NDArray[np.float64] = shared / (total - shared)
    return found


def _pair_grams(texts: Sequence[str]) -> Words:
    """Return each text's grams once, as words that begin with the text's number."""
    words, begins = grams(texts)
    number = np.repeat(np.arange(len(texts), dtype=np.uint64), np.diff(np.append(begins, len(words))))
    return different(number << np.uint64(_GRAM_BITS) | words >> np.uint64(64 - _GRAM_BITS))
