"""Texts that are the same or nearly so, found by comparing the texts themselves: no hashing, so no pair is missed.

A prefix-filtered set join: two sets of 4-grams that overlap enough share a gram among their rarest ones, so that only
texts which share one are compared, and each of those is compared in full.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

GRAM = 4
THRESHOLD = 0.65


def fold(text: str) -> str:
    """Return the text that is compared: compatibility forms, case and white space folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets of grams."""
    return len(one & other) / len(one | other)


def gram_set(text: str) -> frozenset[str]:
    """Return the character 4-grams of the folded text; of a shorter one, the text itself; none of an empty one."""
    folded = fold(text)
    if len(folded) <= GRAM:
        return frozenset({folded} if folded else ())
    return frozenset(folded[i : i + GRAM] for i in range(len(folded) - GRAM + 1))


def near_pairs(
    texts: Sequence[str], threshold: float = THRESHOLD, *, apart: Sequence[str] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yield (place, later place, similarity) for texts whose 4-grams overlap at least ``threshold``.

    With ``apart``, a name for each text, only pairs of different names are compared.
    """
    sets = [gram_set(text) for text in texts]
    rarity = Counter(gram for grams in sets for gram in grams)
    index: dict[str, list[int]] = defaultdict(list)
    for place, grams in enumerate(sets):
        size = len(grams)
        rarest = sorted(grams, key=lambda gram: (rarity[gram], gram))[: size - math.ceil(threshold * size - 1e-9) + 1]
        for other in sorted({candidate for gram in rarest for candidate in index[gram]}):
            close_in_size = threshold * size - 1e-9 <= len(sets[other]) <= size / threshold + 1e-9
            if not close_in_size or (apart and apart[other] == apart[place]):
                continue
            if (score := overlap(sets[other], grams)) >= threshold:
                yield other, place, score
        for gram in rarest:
            index[gram].append(place)
