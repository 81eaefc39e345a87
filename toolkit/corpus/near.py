"""Nearly equal texts among many: sketches, and candidates by bands.

A text's sketch is 100 minimums over random orders of its grams (MinHash); texts whose sketches agree in a band of four are looked
at, first by the sketches' last bytes, then exactly (:mod:`toolkit.corpus.grams`). Every step is a pure function of arrays, and
what counts as a candidate depends on the texts and their order alone, so that any engine which groups by band finds the
same pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpus.grams import PLACES, Numbers, Words, different, grams, mixed, overlap
from toolkit.kernels import code_points, compiled

VERSION = 5
BANDS, ROWS = 25, 4
THRESHOLD = 0.65
# A sketch of 100 tells the overlap to about 0.05: below this share of equal minimums nobody looks closer.
_WORTH = 0.54
_SIZE = BANDS * ROWS
WORDS = -(-_SIZE // 8)
# Of all words: by chance one byte in 256 is equal, and those of nothing always are.
_LEAST = int(np.ceil(_SIZE * (_WORTH + (1 - _WORTH) / 256))) + 8 * WORDS - _SIZE
# Words that are looked at one step after another, and how many of their bytes must be equal by then. Of the first two, a byte of
# each of 16 bands, 5 are in all but one of 800 pairs at the threshold; few of those that share a band by chance, of which there
# are many times more the more texts there are, come to the last.
_STEPS = ((2, 5), (5, 16), (WORDS, _LEAST))
KEY_BITS = 40
_WINDOW = 8
_ROUNDS = 16
# Texts and pairs looked at together: what stays in the processor's cache.
_BLOCK = 1024
_LOOKS = 1 << 13
# Texts whose sketches are held against one another together: 25 MB of them, unless one group has more.
_MEMBERS = 250_000

Band = tuple[Words, Numbers]
Low = Callable[[Numbers], Words]
"""Gives the last bytes of sketches (m, :data:`WORDS`) by the places of m texts."""
_LANES = np.uint64(0x0101010101010101)
_ORDERS = np.random.Generator(np.random.PCG64(20)).integers(0, 2**32, _SIZE, dtype=np.uint32) | np.uint32(1)
_NONE: Words = np.empty(0, np.uint64)


class Sketches(NamedTuple):
    """Sketches of n texts: ``bands`` (25, n) keys of 40 bits, ``low`` (n, 13) the minimums' last bytes, eight a word, those of
    all bands' first rows before those of their second, and four bytes of nothing."""

    bands: Words
    low: Words


def sketch(texts: Iterable[str]) -> Sketches:
    """Return the sketches of folded texts."""
    every = list(texts)
    if loops := compiled(len(every)):
        bands, low = np.empty((BANDS, len(every)), np.uint64), np.zeros((len(every), 8 * WORDS), np.uint8)
        loops.sketch(*code_points(every), PLACES, _ORDERS, bands, low)
        return Sketches(bands >> np.uint64(64 - KEY_BITS), low.view("<u8"))
    lowest = np.empty((_SIZE, len(every)), np.uint32)
    for start in range(0, len(every), _BLOCK):
        # In blocks that stay in the processor's cache: a hundred passes are made over each.
        words, begins = grams(every[start : start + _BLOCK])
        high = (words >> np.uint64(32)).astype(np.uint32)
        hashed = np.empty_like(high)
        for order in range(_SIZE):
            np.multiply(high, _ORDERS[order], out=hashed)
            np.minimum.reduceat(hashed, begins, out=lowest[order, start : start + len(begins)])
    bands = np.empty((BANDS, len(every)), np.uint64)
    for band in range(BANDS):
        key = np.full(len(every), band, np.uint64)
        for row in lowest[band * ROWS : (band + 1) * ROWS]:
            key = mixed(key + np.uint64(0x9E3779B97F4A7C15)) ^ row
        bands[band] = mixed(key) >> np.uint64(64 - KEY_BITS)
    low = np.zeros((len(every), 8 * WORDS), np.uint8)
    low[:, :_SIZE] = lowest.reshape(BANDS, ROWS, -1).swapaxes(0, 1).reshape(_SIZE, -1).T  # of a number, its last byte
    return Sketches(bands, low.view("<u8"))


def candidates(bands: Iterable[Band], low: Low) -> Words:
    """Return pairs, in order and each once: texts that share a band and whose sketches agree enough; see :func:`unpacked`.

    ``bands`` are keys, and the places of the texts that have them, which go up: one at a time, so that they may lie on disk, as
    what ``low`` gives may. Which pairs are found by several bands together, by each alone, or by all of some keys, is the same.
    """
    return united(pairs for band in bands for pairs in _close(*band, low))


def _packed(one: Numbers, other: Numbers) -> Words:
    return (one << 32 | other).astype(np.uint64)


def unpacked(pairs: Words) -> Numbers:
    """Return pairs as places (m, 2), the lower first."""
    halves = np.stack([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)], axis=1)
    return halves.astype(np.int64)


def united(parts: Iterable[Words]) -> Words:
    """Return the different numbers of all parts, in order; what waits to be put in order is never more than what is."""
    found: Words = _NONE
    waiting: list[Words] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) > len(found):
            found, waiting = different(np.concatenate([found, *waiting])), []
    return different(np.concatenate([found, *waiting]))


def ordered(keys: Words, bits: int = KEY_BITS) -> tuple[Numbers, Words]:
    """Return the places of keys of so many bits in order, equal ones as they stood, and the keys so ordered."""
    spare = 64 - bits
    if len(keys) > 1 << spare:
        order = np.argsort(keys, kind="stable")
        return order, keys[order]
    # Key and place in one word: numbers are sorted many times faster than places by numbers.
    packed = keys << np.uint64(spare) | np.arange(len(keys), dtype=np.uint64)
    # Not to be read for this alone.
    if loops := compiled(0):
        loops.order(packed, spare, bits)
    else:
        packed.sort()
    return (packed & np.uint64((1 << spare) - 1)).astype(np.int64), packed >> np.uint64(spare)


def _close(keys: Words, places: Numbers, low: Low) -> Iterator[Words]:
    """Yield pairs of one band's groups (:func:`unpacked`) whose sketches agree enough."""
    order, sorted_ = ordered(keys)
    starts = np.flatnonzero(np.concatenate([[True], sorted_[1:] != sorted_[:-1]]))
    sizes = np.diff(np.append(starts, len(sorted_)))
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    members = places[order[_ranges(starts, sizes)]]
    del keys, places, order, sorted_
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        at = ends[begin] - sizes[begin]
        end = max(begin + 1, int(np.searchsorted(ends, at + _MEMBERS, "right")))
        own = members[at : ends[end - 1]]
        # In the order of the groups, so that those held against one another lie side by side.
        words = low(own)
        if loops := compiled(len(own)):
            # Memory is taken as it is filled, which mostly is a small part of it.
            found = np.empty(int((sizes[begin:end] * (_WINDOW + _ROUNDS)).sum()), np.uint64)
            yield found[: loops.pairs(sizes[begin:end], words, own, np.array(_STEPS), _WINDOW, _ROUNDS, found)].copy()
        else:
            for one, other in _looks(sizes[begin:end], np.ascontiguousarray(words.T)):
                yield _packed(own[one], own[other])
        begin = end


def _looks(sizes: Numbers, words: Words) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the pairs that agree enough in groups of these sizes, one behind another, by their places among the members.

    Each member is held against the seven behind it, which in most groups is everybody. In larger ones it is also held against the
    group's first; those that differ from it form a group among themselves, and so on for some rounds, so that texts which share a
    band by chance hide nobody, and a group of a million costs millions of looks and not their square.
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    for behind in range(1, _WINDOW):
        one = np.flatnonzero(group[behind:] == group[:-behind])
        if not len(one):
            return
        close = _agreeing(words, one, one + behind)
        yield one[close], one[close] + behind
    members = np.flatnonzero(np.repeat(sizes > _WINDOW, sizes))
    sizes = sizes[sizes > _WINDOW]
    for _ in range(_ROUNDS):
        if not len(members):
            return
        begins = np.cumsum(sizes) - sizes
        firsts = np.repeat(members[begins], sizes)
        others = np.ones(len(members), bool)
        others[begins] = False
        group = np.repeat(np.arange(len(sizes)), sizes)[others]
        one, other = firsts[others], members[others]
        close = _agreeing(words, one, other)
        yield one[close], other[close]
        members, group = other[~close], group[~close]
        sizes = np.bincount(group, minlength=len(sizes))
        kept = np.repeat(sizes > 1, sizes)
        members, sizes = members[kept], sizes[sizes > 1]


def _ranges(starts: Numbers, sizes: Numbers) -> Numbers:
    """Return the places start … start + size - 1 of each range, one range after another."""
    begins = np.cumsum(sizes) - sizes
    places: Numbers = np.arange(sizes.sum()) + np.repeat(starts - begins, sizes)
    return places


def _agreeing(words: Words, one: Numbers, other: Numbers) -> NDArray[np.bool_]:
    """Return for each pair whether enough of their sketches' last bytes are equal: in all that is looked at, step by step."""
    close = np.zeros(len(one), np.bool_)
    for start in range(0, len(one), _LOOKS):
        left, right = one[start : start + _LOOKS], other[start : start + _LOOKS]
        places: Numbers = np.arange(start, start + len(left))
        # Bytes that are equal, counted in eight lanes that are added together at the end of each step.
        equal: Words = np.zeros(len(left), np.uint64)
        begin = 0
        for end, least in _STEPS:
            for word in words[begin:end]:
                equal += np.equal(word.take(left).view(np.uint8), word.take(right).view(np.uint8)).view(np.uint64)
            kept: NDArray[np.bool_] = equal * _LANES >> np.uint64(56) >= least
            left, right, places, equal, begin = left[kept], right[kept], places[kept], equal[kept], end
        close[places] = True
    return close


class Edge(NamedTuple):
    """Two texts by place, the lower first, and the overlap of their grams."""

    one: int
    other: int
    share: float


def near_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[Edge]:
    """Return the pairs of *different* folded texts that a band joins and whose overlap is ``threshold`` or more, in order."""
    sketches = sketch(texts)
    places = np.arange(len(texts))
    pairs = unpacked(candidates(((keys, places) for keys in sketches.bands), lambda own: sketches.low[own]))
    shares = overlap([texts[i] for i in pairs[:, 0]], [texts[i] for i in pairs[:, 1]], threshold)
    kept = shares >= threshold
    edges = [
        Edge(one, other, round(share, 4))
        for (one, other), share in zip(pairs[kept].tolist(), shares[kept].tolist(), strict=True)
    ]
    return edges


def components(size: int, edges: Numbers) -> Numbers:
    """Return for each of ``size`` places the lowest place that edges (m, 2) connect it with.

    In rounds: the higher end of an edge is led to the lowest that it is joined with, and what led to it goes along; the edges
    then join where their ends lead. Two rounds halve what is still joined, whatever the edges. Faster than scipy's walk along
    them (a chain in order aside), and without that library, which takes 0.2 s to load.
    """
    lowest: Numbers = np.arange(size)
    low, high = edges[:, 0], edges[:, 1]
    while len(low):
        low, high = np.minimum(low, high), np.maximum(low, high)
        np.minimum.at(lowest, high, low)
        while not np.array_equal(further := lowest[lowest], lowest):
            lowest = further
        # One after the other, so that fewer arrays are held at once.
        low = lowest[low]
        high = lowest[high]
        apart = low != high
        low = low[apart]
        high = high[apart]
    return lowest
