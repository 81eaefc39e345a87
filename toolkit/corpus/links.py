"""Which posts are the same or nearly so: exact keys collapsed, MinHash to find candidates, every pair verified.

Unverified candidates chain: on a million posts they joined most of a corpus into one cluster. So an edge stands only
where the texts' own 4-grams overlap enough; components of such edges are the clusters, named by their first member.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

import numpy as np
import pyarrow as pa

from toolkit.corpus import near
from toolkit.schema import table

VERSION = near.VERSION


def post_links(posts: pa.Table, same_as: Iterable[Sequence[str]] = (), *, exact_only: Container[str] = ()) -> pa.Table:
    """Return the links between posts (``schemas/post_links.json``); ``same_as`` are groups of ids that a curator joins.

    Near-duplicates are not looked for among the posts of the sources ``exact_only``.
    """
    ids: list[str] = posts["post_id"].to_pylist()
    order = {post_id: i for i, post_id in enumerate(ids)}
    by_hash: dict[str, list[str]] = defaultdict(list)
    texts: dict[str, str] = {}
    columns = (posts[name].to_pylist() for name in ("exact_hash", "source_id"))
    for post_id, key, source_id, text in zip(ids, *columns, posts["text"], strict=True):
        by_hash[key].append(post_id)
        if source_id not in exact_only:
            texts.setdefault(by_hash[key][0], text.as_py())
    edges: list[tuple[str, str, str, float | None]] = []
    edges += [(first, other, "exact", 1.0) for first, *others in by_hash.values() for other in others]
    edges += [(one, other, "near_duplicate", score) for one, other, score in similar(texts)]
    for group in same_as:
        first, *others = sorted(set(group), key=order.__getitem__)
        edges += [(first, other, "same_as", None) for other in others]
    # Two reports may join the same posts.
    edges = list(dict.fromkeys(edges))
    clusters = components(ids, [(one, other) for one, other, _, _ in edges])
    rows = [
        {"post_id": one, "other_id": other, "kind": kind, "similarity": score, "cluster_id": clusters[one]}
        for one, other, kind, score in sorted(edges, key=lambda e: (order[e[0]], order[e[1]], e[2]))
    ]
    return table("post_links").from_rows(rows)


def similar(texts: dict[str, str], threshold: float = near.THRESHOLD) -> list[tuple[str, str, float]]:
    """Return the pairs of texts, by key in the order given, whose 4-grams overlap at least that much, with the overlap."""
    keys = list(texts)
    pairs = near.near_pairs([near.folded(text) for text in texts.values()], threshold)
    return [(keys[pair.one], keys[pair.other], pair.share) for pair in pairs]


def components(members: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each member the first member, in the order given, of those it is connected with."""
    index = {member: place for place, member in enumerate(members)}
    pairs = [(index[one], index[other]) for one, other in edges]
    lowest = near.components(len(members), np.array(pairs, np.int64).reshape(-1, 2))
    return {member: members[place] for member, place in zip(members, lowest.tolist(), strict=True)}
