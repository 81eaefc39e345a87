"""Loops over characters, sketches and pairs, compiled by Numba when this module is read, and kept beside it (or in the user's
cache). Each says which whole-array function it does the work of: the same numbers, in integers, whatever the machine.

Arrays: ``points`` are the code points of texts one after another, ``ends`` (texts) where each ends among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba as nb
import numpy as np
from numba import types
from numpy.typing import NDArray

U8, U32, U64, I64, F64 = types.uint8, types.uint32, types.uint64, types.int64, types.float64
Loop = Callable[..., Any]


def read(kind: Any, dimensions: int = 1) -> Any:
    """Return the type of an array that is not written, be it writable or not."""
    return types.Array(kind, dimensions, "C", readonly=True)


def written(kind: Any, dimensions: int = 1) -> Any:
    """Return the type of an array that is written."""
    return types.Array(kind, dimensions, "C")


def loop(gives: Any, *takes: Any) -> Callable[[Loop], Loop]:
    """Compile a loop for these types, now: a worker is forked from a process that has it."""
    made: Callable[[Loop], Loop] = nb.njit(gives(*takes), cache=True, error_model="numpy")

    def compiled(function: Loop) -> Loop:
        try:
            return made(function)
        except RuntimeError as error:
            raise ImportError("nowhere to keep what was compiled: it would be compiled each time") from error

    return compiled


inlined = nb.njit(inline="always")
"""For what loops call."""


@inlined
def _mixed(word):  # type: ignore[no-untyped-def]
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@inlined
def _equal_bytes(one, other):  # type: ignore[no-untyped-def]
    """Return how many of eight bytes are equal."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    apart = one ^ other
    return np.int64(_ones(~(((apart & low) + low) | apart | low)))


@inlined
def _ones(word):  # type: ignore[no-untyped-def]
    """Return how many bits of a word are set."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@loop(types.void, read(U32), read(I64), read(U8), read(U32), read(U8), U32, written(I64, 2), written(U32))
def survey(
    points: NDArray[np.uint32],
    ends: NDArray[np.int64],
    scripts: NDArray[np.uint8],
    marked: NDArray[np.uint32],
    sides: NDArray[np.uint8],
    meeting: int,
    counts: NDArray[np.int64],
    marks: NDArray[np.uint32],
) -> None:
    """:func:`toolkit.text.letters.survey`: ``counts`` and ``marks`` are zeros to begin with.

    ``sides`` says of a script whether its letters stand on one side (1) or the other (2), on none (0), or are passed over (3);
    a text where letters of both sides meet gets the mark ``meeting``.
    """
    last = np.uint32(len(scripts) - 1)
    at = 0
    for text in range(len(ends)):
        held = np.uint32(0)
        before = np.uint8(0)
        for place in range(at, ends[text]):
            point = min(points[place], last)
            script = scripts[point]
            counts[text, script] += 1
            held |= marked[point]
            side = sides[script]
            if side != 3:
                if side + before == 3:
                    held |= meeting
                before = side
        marks[text] = held
        at = ends[text]


@inlined
def _gram(points, at, end, places):  # type: ignore[no-untyped-def]
    """Return the gram that begins at a place, of a text that ends at another: what lies behind it is 0."""
    word = np.uint64(0)
    for place in range(min(len(places), end - at)):
        word += np.uint64(points[at + place]) * places[place]
    return _mixed(word)


@loop(types.void, read(U32), read(I64), read(U64), read(U32), written(U64, 2), written(U8, 2))
def sketch(
    points: NDArray[np.uint32],
    ends: NDArray[np.int64],
    places: NDArray[np.uint64],
    orders: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    low: NDArray[np.uint8],
) -> None:
    """:func:`toolkit.corpus.near.sketch`: ``keys`` (bands, texts) before their bits are cut, ``low`` (texts, bytes)."""
    bands = len(keys)
    rows = len(orders) // bands
    lowest = np.empty(len(orders), np.uint32)
    at = 0
    for text in range(len(ends)):
        end = ends[text]
        lowest[:] = 0xFFFFFFFF
        for begin in range(at, max(at + 1, end - len(places) + 1)):
            high = np.uint32(_gram(points, begin, end, places) >> np.uint64(32))
            for order in range(len(orders)):
                hashed = np.uint32(high * orders[order])
                lowest[order] = min(lowest[order], hashed)
        for band in range(bands):
            key = np.uint64(band)
            for row in range(rows):
                value = lowest[band * rows + row]
                key = _mixed(key + np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(value)
                low[text, row * bands + band] = value & np.uint32(0xFF)
            keys[band, text] = _mixed(key)
        at = end


@loop(types.void, written(U64), I64, I64)
def order(words: NDArray[np.uint64], skipped: int, bits: int) -> None:
    """Put words in order by so many of their bits, those behind ``skipped`` ones: words with the same bits stay as they stood."""
    digit = 11
    ends = np.zeros(1 << digit, np.int64)
    one, other = words, np.empty_like(words)
    for shift in range(skipped, skipped + bits, digit):
        cut = skipped + bits - shift
        own = np.uint64((1 << (cut if cut < digit else digit)) - 1)
        ends[:] = 0
        for word in one:
            ends[word >> np.uint64(shift) & own] += 1
        at = np.int64(0)
        for value in range(len(ends)):
            ends[value], at = at, at + ends[value]
        for word in one:
            value = word >> np.uint64(shift) & own
            other[ends[value]] = word
            ends[value] += 1
        one, other = other, one
    # Taken over where they ended in the other array.
    if -(-bits // digit) % 2:
        words[:] = one


@loop(types.void, read(U64, 2), I64, read(I64), written(U64, 2))
def take(rows: NDArray[np.uint64], start: int, places: NDArray[np.int64], found: NDArray[np.uint64]) -> None:
    """Put those of some rows, the first of which is row ``start`` of all, that stand at these places into their rows."""
    for number in range(len(places)):
        place = places[number] - start
        if place >= 0 and place < len(rows):
            for word in range(rows.shape[1]):
                found[number, word] = rows[place, word]


@inlined
def _agree(words, one, other, steps):  # type: ignore[no-untyped-def]
    equal = np.int64(0)
    begin = np.int64(0)
    for step in range(len(steps)):
        for word in range(begin, steps[step, 0]):
            equal += _equal_bytes(words[one, word], words[other, word])
        if equal < steps[step, 1]:
            return False
        begin = steps[step, 0]
    return True


@loop(I64, read(I64), read(U64, 2), read(I64), read(I64, 2), I64, I64, written(U64))
def pairs(
    sizes: NDArray[np.int64],
    words: NDArray[np.uint64],
    places: NDArray[np.int64],
    steps: NDArray[np.int64],
    window: int,
    rounds: int,
    found: NDArray[np.uint64],
) -> int:
    """:func:`toolkit.corpus.near._looks`, and put the pairs of ``places`` into ``found``: how many there are, some twice."""
    count = 0
    begin = 0
    for group in range(len(sizes)):
        size = sizes[group]
        for one in range(begin, begin + size):
            for other in range(one + 1, min(one + window, begin + size)):
                if _agree(words, one, other, steps):
                    found[count] = np.uint64(places[one]) << np.uint64(32) | np.uint64(places[other])
                    count += 1
        if size > window:
            members = np.arange(begin, begin + size)
            for _ in range(rounds):
                if len(members) < 2:
                    break
                apart = 0
                one = members[0]
                for member in range(1, len(members)):
                    other = members[member]
                    if _agree(words, one, other, steps):
                        found[count] = np.uint64(places[one]) << np.uint64(32) | np.uint64(places[other])
                        count += 1
                    else:
                        members[apart] = other
                        apart += 1
                members = members[:apart]
        begin += size
    return count


@inlined
def _slot(keys, key):  # type: ignore[no-untyped-def]
    """Return where a key stands in a table of a power of two, or the free place (0) where it would."""
    last = np.uint64(len(keys) - 1)
    place = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & last
    while keys[place] != np.uint64(0) and keys[place] != key:
        place = (place + np.uint64(1)) & last
    return place


@loop(
    types.void,
    *(read(U32), read(I64), read(U32), read(I64)),
    *(read(U64), I64, I64, F64, I64, written(F64)),
)
def overlap(
    points: NDArray[np.uint32],
    ends: NDArray[np.int64],
    other_points: NDArray[np.uint32],
    other_ends: NDArray[np.int64],
    places: NDArray[np.uint64],
    gram_bits: int,
    map_bits: int,
    worth: float,
    few: int,
    shares: NDArray[np.float64],
) -> None:
    """:func:`toolkit.corpus.grams.overlap`: of pairs whose maps have a share of their bits below ``worth`` it is 0, unless
    they have fewer than ``few`` bits."""
    seen = np.zeros((2, (1 << map_bits) // 64), np.uint64)
    grams, taken = np.empty(1, np.uint64), np.empty(1, np.uint64)
    keys, marks = np.zeros(1, np.uint64), np.zeros(1, np.int8)
    begins = np.zeros(2, np.int64)
    for pair in range(len(ends)):
        length = ends[pair] - begins[0] + other_ends[pair] - begins[1]
        if length + 2 > len(grams):
            grams, taken = np.empty(2 * (length + 2), np.uint64), np.empty(2 * (length + 2), np.uint64)
            size = 4
            while size < 2 * len(grams):
                size *= 2
            keys, marks = np.zeros(size, np.uint64), np.zeros(size, np.int8)
        seen[:] = np.uint64(0)
        count = first = np.int64(0)
        for side in range(2):
            texts = points if side == 0 else other_points
            end = ends[pair] if side == 0 else other_ends[pair]
            for begin in range(begins[side], max(begins[side] + 1, end - len(places) + 1)):
                word = _gram(texts, begin, end, places)
                bit = word >> np.uint64(64 - map_bits)
                seen[side, np.int64(bit >> np.uint64(6))] |= np.uint64(1) << (bit & np.uint64(63))
                # Never 0, which is a free place.
                grams[count] = (word >> np.uint64(64 - gram_bits)) + np.uint64(1)
                count += 1
            begins[side] = end
            if side == 0:
                first = count
        both = every = np.int64(0)
        for word in range(seen.shape[1]):
            both += np.int64(_ones(seen[0, word] & seen[1, word]))
            every += np.int64(_ones(seen[0, word] | seen[1, word]))
        shares[pair] = 0
        if every >= few and both / every < worth:
            continue
        total = shared = np.int64(0)
        for place in range(count):
            own = _slot(keys, grams[place])
            if keys[own] == np.uint64(0):
                keys[own], marks[own] = grams[place], place < first
                taken[total] = own
                total += 1
            elif place >= first and marks[own]:
                marks[own] = False
                shared += 1
        for place in range(total):
            keys[taken[place]] = np.uint64(0)
        shares[pair] = shared / total
