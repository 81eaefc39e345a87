"""The declared policy: which questions settle themselves, which of those are asked all the same, which are decided twice.

Chance here is a hash of the seed and of what a question is about, so that votes that come later change nobody's draw.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from toolkit.adjudication.questions import Place, Questions
from toolkit.agreement.ballots import Bools, Ints, codes
from toolkit.fsio import canonical_json, sha256_text
from toolkit.settings import AdjudicationSettings
from toolkit.votes import YES


def settles(found: Questions, policy: AdjudicationSettings) -> Bools:
    """Return which questions settle themselves to the value that most votes have."""
    _, first, second = found.tally
    enough: Bools = found.size >= policy.minimum_votes
    if policy.policy == "majority":
        return np.asarray(enough & (first - second >= np.minimum(policy.margin, found.size)) & (first > second))
    alike: Bools = enough & (second == 0)
    return alike & ~apart(found) if policy.policy == "conflicts" else alike


def apart(found: Questions) -> Bools:
    """Return the questions on a label for which two who gave it marked words that do not touch.

    Told by the stretch from the first to the last character that each marked, on the same text; who marked nothing has
    none.
    """
    conflict = np.zeros(len(found), dtype=np.bool_)
    low, high = _stretches(found)
    marked = np.flatnonzero(low <= high)
    if not len(marked):
        return conflict
    text = codes(found.rows["text_sha256"])[0][found.row[marked]]
    same = np.unique(np.stack([found.of_vote[marked], text]), axis=1, return_inverse=True)[1].reshape(-1)
    ends = np.full(int(same.max()) + 1, np.iinfo(np.int64).max)
    starts = np.full(len(ends), -1, dtype=np.int64)
    np.minimum.at(ends, same, high[marked])
    np.maximum.at(starts, same, low[marked])
    conflict[found.of_vote[marked[starts[same] >= ends[same]]]] = True
    return conflict


def _stretches(found: Questions) -> tuple[Ints, Ints]:
    """Return where the words begin and end that each yes rests on; a begin behind its end where none were marked."""
    low = np.full(len(found.value), np.iinfo(np.int64).max)
    high = np.full(len(found.value), -1, dtype=np.int64)
    listed = found.rows["evidence"].combine_chunks()
    spans = pc.list_flatten(listed)
    if not (len(spans) and len(found.value)):
        # Words may be marked where nobody votes, since all who answered cannot tell.
        return low, high
    parents = pc.list_parent_indices(listed).to_numpy().astype(np.int64)
    tasks, task_names = codes(found.rows["task"])
    places = {asked: number for number, asked in enumerate(found.asked)}
    fields, labels = spans.field("field").to_pylist(), spans.field("label").to_pylist()
    about = np.array(
        [places.get((task_names[t], f, label), -1) for t, f, label in zip(tasks[parents], fields, labels, strict=True)],
        dtype=np.int64,
    )
    # A submission and what it is about name a vote.
    width = len(found.asked)
    keys = found.row * width + found.about[found.of_vote]
    order = np.argsort(keys)
    wanted = parents * width + about
    at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    vote = order[at]
    held = (about >= 0) & (keys[vote] == wanted) & (found.value[vote] == found.values.index(YES))
    np.minimum.at(low, vote[held], spans.field("start").to_numpy()[held].astype(np.int64))
    np.maximum.at(high, vote[held], spans.field("end").to_numpy()[held].astype(np.int64))
    return low, high


def drawn(place: Place, share: float, kind: str, seed: int) -> bool:
    """Tell whether a question falls into a seeded share; ``kind`` keeps the shares of two purposes apart."""
    return share > 0 and int(sha256_text(canonical_json([kind, seed, *place]))[:12], 16) < share * 16**12
