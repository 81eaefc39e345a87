"""What langdetect works with, as arrays for :mod:`toolkit.kernels.detecting`: its profiles, characters and random numbers."""

from __future__ import annotations

import math
import random
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

# Characters behind these are rare enough to be left to langdetect.
_END = 1 << 16
# Seven trials of a thousand steps take some 10,000 draws; most texts take two hundred.
_DRAWS = 1 << 14
LONGEST = 10_000
"""Characters of a text that langdetect looks at: a longer one is left to it."""


class Characters(NamedTuple):
    """By code point: ``normal``, the form in which langdetect counts a character; ``kinds``, 1 for Latin letters, 2 for those
    of other scripts, 3 for what it puts together with others first; ``upper``, whether it is a capital."""

    normal: NDArray[np.uint32]
    kinds: NDArray[np.uint8]
    upper: NDArray[np.uint8]


class Profiles(NamedTuple):
    """The n-grams of some languages: ``words`` (n) each as a number, ``chances`` (n, languages) how often they are."""

    words: NDArray[np.uint64]
    chances: NDArray[np.float64]


class Draws(NamedTuple):
    """A seeded generator's words of 32 bits, and the two normal deviates that it would make of four of them, from each on."""

    words: NDArray[np.uint32]
    normals: NDArray[np.float64]


@cache
def characters(none: regex.Pattern[str]) -> Characters:
    """Return langdetect's forms of characters; what ``none`` matches is a blank to it."""
    from langdetect.detector import NGram

    every = [chr(point) for point in range(_END)]
    kept = [" " if none.match(char) else char for char in every]
    normal = [NGram.normalize(char) for char in kept]
    points = np.array([ord(char) for char in kept])
    additional = (points >= 0x1E00) & (points < 0x1F00)
    kinds = np.zeros(_END, np.uint8)
    kinds[(points >= ord("A")) & (points <= ord("z"))] = 1
    kinds[(points >= 0x300) & ~additional] = 2
    kinds[[ord(mark) for mark in NGram.DMARK_CLASS]] = 3
    upper = np.array([char.isupper() for char in every], np.uint8)
    return Characters(np.array([ord(char) for char in normal], np.uint32), kinds, upper)


def profiles(factory: Any) -> Profiles:
    """Return the profiles that a factory of langdetect has read, its languages in their order."""
    known = {word: chances for word, chances in factory.word_lang_prob_map.items() if 1 <= len(word) <= 3}
    padded = "".join(word.rjust(3, "\0") for word in known)
    points = np.frombuffer(padded.encode("utf-32-le"), np.uint32).astype(np.uint64).reshape(-1, 3)
    words = points[:, 0] << np.uint64(42) | points[:, 1] << np.uint64(21) | points[:, 2]
    return Profiles(words, np.array(list(known.values()), np.float64))


@cache
def draws(seed: int) -> Draws:
    """Return what Python's generator gives from a seed on."""
    state = random.Random(seed)
    words = [state.getrandbits(32) for _ in range(_DRAWS)]
    unit = [((a >> 5) * 67108864.0 + (b >> 6)) / 9007199254740992.0 for a, b in pairwise(words)]
    normals = np.zeros((_DRAWS, 2))
    for place, (angle, size) in enumerate(zip(unit, unit[2:], strict=False)):
        turn, radius = angle * math.tau, math.sqrt(-2.0 * math.log(1.0 - size))
        normals[place] = math.cos(turn) * radius, math.sin(turn) * radius
    return Draws(np.array(words, np.uint32), normals)
