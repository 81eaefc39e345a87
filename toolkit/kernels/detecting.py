"""langdetect's algorithm, compiled by Numba: the same answers, step by step in the same floating point.

What it works on is made by :mod:`toolkit.text.detecting` from langdetect's own profiles and functions.
"""

from __future__ import annotations

import sys

import numpy as np
from numba import types
from numpy.typing import NDArray

from toolkit.kernels.loops import F64, I64, U8, U32, U64, inlined, loop, read, written

_BLANK = np.uint32(0x20)
_LATIN, _OTHER, _APART = 1, 2, 3
_TRIALS, _STEP, _LIMIT = 7, 5, 1000
_ALPHA, _WIDTH, _FREQUENCY = 0.5, 0.05, 10000
_SURE, _LIKELY = 0.99999, 0.1
# More than the last digits of a few numbers added up.
_MARGIN = 1e-9
_COMPENSATED = sys.version_info >= (3, 12)
UNKNOWN, ASK = -1, -2
"""In place of a language's number."""


@inlined
def _slot(keys, key):  # type: ignore[no-untyped-def]
    # Not taken from beside: what was compiled of this file stands until this file changes.
    last = np.uint64(len(keys) - 1)
    place = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & last
    while keys[place] != np.uint64(0) and keys[place] != key:
        place = (place + np.uint64(1)) & last
    return place


@loop(types.void, read(U64), written(U64), written(types.int32))
def index(words: NDArray[np.uint64], keys: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
    """Enter packed n-grams into a table of a power of two (zeros to begin with), and each one's number beside it."""
    for row in range(len(words)):
        place = _slot(keys, words[row])
        keys[place], rows[place] = words[row], row


@inlined
def _is_picture(point):  # type: ignore[no-untyped-def]
    """Tell whether a character is of the blocks of pictures, which have no letters: it is as a blank."""
    return point >= 0x1F000 and point < 0x20000


@inlined
def _found(points, at, end, normal, kinds, upper, keys, rows, found):  # type: ignore[no-untyped-def]
    """``Detector._extract_ngrams``: put the n-grams that the profiles know, by number; return how many."""
    latin = other = 0
    for place in range(at, end):
        kind = np.uint8(0) if _is_picture(points[place]) else kinds[points[place]]
        latin += kind == _LATIN
        other += kind == _OTHER
    without_latin = latin * 2 < other
    count = 0
    size, before, last = 1, _BLANK, _BLANK
    capitals = False
    for place in range(at, end):
        point = _BLANK if _is_picture(points[place]) else points[place]
        if without_latin and kinds[point] == _LATIN:
            continue
        character = normal[point]
        if last == _BLANK:
            size, capitals = 1, False
            if character == _BLANK:
                continue
        size = min(size + 1, 3)
        capitals = upper[character] != 0 and (capitals or upper[last] != 0)
        before_last, before, last = before, last, character
        if capitals:
            continue
        word = np.uint64(0)
        for length in range(1, size + 1):
            if length == 1:
                word = np.uint64(last)
                if last == _BLANK:
                    continue
            elif length == 2:
                word = np.uint64(before) << np.uint64(21) | np.uint64(last)
            else:
                word = np.uint64(before_last) << np.uint64(42) | np.uint64(before) << np.uint64(21) | np.uint64(last)
            place_of = _slot(keys, word)
            if keys[place_of] != np.uint64(0):
                found[count] = rows[place_of]
                count += 1
    return count


@inlined
def _sum(numbers):  # type: ignore[no-untyped-def]
    """Add up as Python's ``sum`` does: since 3.12 with what is lost of the last bits (Neumaier)."""
    total = lost = 0.0
    for number in numbers:
        together = total + number
        if _COMPENSATED:
            if abs(total) >= abs(number):
                lost += (total - together) + number
            else:
                lost += (number - together) + total
        total = together
    return total + lost if _COMPENSATED else total


@inlined
def _tried(found, count, chances, languages, drawn, normals, chance, likely):  # type: ignore[no-untyped-def]
    """``Detector._detect_block``: put how likely each language is, as far as it takes to tell which is likeliest; tell whether
    the numbers drawn were enough."""
    # Columns of none, which stay 0, make whole vectors of a processor's.
    columns = chances.shape[1]
    bits = np.uint32(32)
    while count >> (np.int64(32) - bits) > 0:
        bits -= np.uint32(1)
    likely[:] = 0.0
    # What the next trial draws at its beginning is there too.
    enough = len(drawn) - 4
    draw = start = 0
    for trial in range(_TRIALS):
        if trial % 2 == 0:
            # Of two deviates that are made at once the second is for the next trial.
            start = draw
            draw += 4
        weight = (_ALPHA + normals[start, trial % 2] * _WIDTH) / _FREQUENCY
        for language in range(columns):
            chance[language] = 1.0 / languages if language < languages else 0.0
        step = 0
        while True:
            number = np.uint32(count)
            while number >= count and draw < enough:
                number = drawn[draw] >> bits
                draw += 1
            if number >= count:
                return False
            row = found[number]
            for language in range(columns):
                chance[language] *= weight + chances[row, language]
            if step % _STEP == 0:
                total = _sum(chance)
                for language in range(columns):
                    chance[language] /= total
                # Whether one is: sooner told than which is most.
                sure = 0
                for language in range(columns):
                    sure += chance[language] > _SURE
                if sure or step >= _LIMIT:
                    break
            step += 1
        most = second = 0.0
        for language in range(columns):
            likely[language] += chance[language] / _TRIALS
            if likely[language] > most:
                most, second = likely[language], most
            elif likely[language] > second:
                second = likely[language]
        # What the other trials can give nobody makes good: mostly four of seven tell.
        if most - second > (_TRIALS - 1 - trial) / _TRIALS + _MARGIN:
            break
    return True


@loop(
    types.void,
    *(read(U32), read(I64), read(U32), read(U8), read(U8)),
    *(read(U64), read(types.int32), read(F64, 2), I64, read(U32), read(F64, 2), I64, written(I64)),
)
def detect(
    points: NDArray[np.uint32],
    ends: NDArray[np.int64],
    normal: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    upper: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    chances: NDArray[np.float64],
    languages: int,
    drawn: NDArray[np.uint32],
    normals: NDArray[np.float64],
    longest: int,
    answers: NDArray[np.int64],
) -> None:
    """``Detector.detect`` of each text: the number of a language, :data:`UNKNOWN`, or :data:`ASK` where langdetect is to be
    asked, as of a text with characters that it puts together first.

    ``normal``, ``kinds`` and ``upper`` are by code point; ``keys`` and ``rows`` of :func:`index`, ``chances`` (n-grams,
    languages); ``drawn`` what the seeded generator gives, ``normals`` (numbers drawn, 2) the two normal deviates that would be
    made of four of them from each on.
    """
    found = np.empty(3 * longest, np.int32)
    chance, likely = np.empty(chances.shape[1]), np.empty(chances.shape[1])
    at = 0
    for text in range(len(ends)):
        begin, end = at, ends[text]
        at = end
        answers[text] = ASK
        plain = end - begin <= longest
        for place in range(begin, end if plain else begin):
            point = points[place]
            plain = plain and (_is_picture(point) or (point < len(kinds) and kinds[point] != _APART))
        if not plain:
            continue
        count = _found(points, begin, end, normal, kinds, upper, keys, rows, found)
        if count == 0:
            answers[text] = UNKNOWN
        elif _tried(found, count, chances, languages, drawn, normals, chance, likely):
            answers[text] = UNKNOWN
            most = _LIKELY
            for language in range(languages):
                if likely[language] > most:
                    most = likely[language]
                    answers[text] = language
