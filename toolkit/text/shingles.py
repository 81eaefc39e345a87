"""Character 4-grams of texts as numbers, their MinHash signatures, and their overlap: whole batches at a time.

Case and white space are folded before. A text shorter than a gram is one gram itself. Grams of characters, not of words: in
Chinese no blanks stand between words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

VERSION = 1
GRAM = 4
HASHES, BANDS, ROWS = 100, 20, 5
"""A signature's hashes; they are compared in bands of so many rows: two texts that overlap by .7 meet with p = .975."""

U64 = npt.NDArray[np.uint64]
_rng = np.random.Generator(np.random.PCG64(20_260))
_FACTORS = _rng.integers(0, 2**32, HASHES, np.uint32) | np.uint32(1)
_TERMS = _rng.integers(0, 2**32, HASHES, np.uint32)
_BAND_FACTORS = _rng.integers(0, 2**63, ROWS, np.uint64) | np.uint64(1)
_GRAMS_A_TIME = 60_000


class Grams(NamedTuple):
    """The grams of several texts: those of text ``i`` are ``values[starts[i]:starts[i + 1]]``, 64-bit hashes."""

    values: U64
    starts: npt.NDArray[np.int64]


class Signatures(NamedTuple):
    """``bands``: (:data:`BANDS`, texts), equal where two texts meet; ``bits``: (texts, 2), one bit of each hash."""

    bands: U64
    bits: U64


def mix(values: U64) -> U64:
    """Return each value's bits thoroughly mixed (the finaliser of splitmix64), in place."""
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def grams(texts: Sequence[str]) -> Grams:
    """Return the grams of texts that are folded already, as they come: a gram may stand several times."""
    padded = [text if len(text) >= GRAM else text.ljust(GRAM, "\0") for text in texts]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    starts = np.zeros(len(padded) + 1, np.int64)
    np.cumsum(lengths - (GRAM - 1), out=starts[1:])
    # Lone surrogates do not get here; were one to, it is a character like any other.
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if not len(points):
        return Grams(points, starts)
    rolled = points[:-3] | points[1:-2] << np.uint64(21) | points[2:-1] << np.uint64(42)
    rolled = mix(mix(rolled) ^ points[3:])
    ends = np.cumsum(lengths)[:-1]
    # Windows that reach from one text into the next belong to neither.
    inside = np.ones(len(rolled), np.bool_)
    for back in range(1, GRAM):
        inside[ends - back] = False
    return Grams(rolled[inside], starts)


def signatures(found: Grams) -> Signatures:
    """Return the MinHash signatures of texts by their grams."""
    texts = len(found.starts) - 1
    bands = np.empty((BANDS, texts), np.uint64)
    bits = np.zeros((texts, 2), np.uint64)
    values = (found.values >> np.uint64(32)).astype(np.uint32)
    at = 0
    while at < texts:
        # As many texts as the processor's cache takes.
        end = max(at + 1, int(np.searchsorted(found.starts, found.starts[at] + _GRAMS_A_TIME, "right")) - 1)
        own = values[found.starts[at] : found.starts[end]]
        starts = found.starts[at:end] - found.starts[at]
        hashed = np.empty_like(own)
        for number in range(HASHES):
            np.multiply(own, _FACTORS[number], out=hashed)
            hashed += _TERMS[number]
            least = np.minimum.reduceat(hashed, starts)
            band, row = divmod(number, ROWS)
            term = (least.astype(np.uint64) + np.uint64(row + 1)) * _BAND_FACTORS[row]
            bands[band, at:end] = term if row == 0 else bands[band, at:end] ^ mix(term)
            word, bit = divmod(number, 64)
            bits[at:end, word] |= ((least >> np.uint32(8)) & np.uint32(1)).astype(np.uint64) << np.uint64(bit)
        at = end
    return Signatures(mix(bands), bits)


def likeness(one: U64, other: U64) -> npt.NDArray[np.float64]:
    """Return the overlap of pairs of texts as their bits suggest it: a rough guess, in one instruction or two."""
    differ = np.bitwise_count(one ^ other).sum(axis=1)
    estimate: npt.NDArray[np.float64] = 1 - 2 * differ / HASHES
    return estimate


def overlaps(one: Grams, other: Grams) -> npt.NDArray[np.float64]:
    """Return for each pair of texts the share of their grams, each counted once, that both have (Jaccard)."""
    pairs = len(one.starts) - 1
    sides = []
    for found in (one, other):
        owner = np.repeat(np.arange(pairs, dtype=np.uint64), np.diff(found.starts))
        # The pair's number and the gram in one word: 24 bits and 40.
        packed = owner << np.uint64(40) | found.values >> np.uint64(24)
        packed.sort()
        sides.append(packed[np.insert(packed[1:] != packed[:-1], 0, True)] if len(packed) else packed)
    both = np.concatenate(sides)
    both.sort(kind="stable")
    shared = both[1:][both[1:] == both[:-1]]
    counts = [np.bincount((side >> np.uint64(40)).astype(np.int64), minlength=pairs) for side in (*sides, shared)]
    share: npt.NDArray[np.float64] = counts[2] / (counts[0] + counts[1] - counts[2])
    return share
