"""Which posts are the same or nearly so: exact keys collapsed, MinHash to find candidates, every pair verified.

Unverified candidates chain: on a million posts they joined most of a corpus into one cluster. So an edge stands only
where the texts' own 4-grams overlap enough; components of such edges are the clusters, named by their first member.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

import pyarrow as pa

from toolkit.ids import normalise
from toolkit.schema import table

VERSION = 1
GRAM = 4
THRESHOLD = 0.65
_PERMUTATIONS = 128


def grams(text: str) -> frozenset[str]:
    """Return the character 4-grams of a text, case and white space folded; of a shorter one, the text itself."""
    folded = normalise(text).casefold()
    return frozenset(folded[i : i + GRAM] for i in range(max(1, len(folded) - GRAM + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of grams that two texts have in common."""
    return len(one & other) / len(one | other)


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


def similar(texts: dict[str, str], threshold: float = THRESHOLD) -> list[tuple[str, str, float]]:
    """Return the pairs of texts, by key in the order given, whose 4-grams overlap at least that much, with the overlap."""
    from datasketch import MinHash, MinHashLSH

    # Looked up well below the threshold, since a lookup misses pairs and every find is verified.
    index = MinHashLSH(threshold=threshold - 0.2, num_perm=_PERMUTATIONS)
    sets = {key: grams(text) for key, text in texts.items()}
    pairs = []
    for key, own in sets.items():
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        sketch.update_batch([gram.encode("utf-8") for gram in sorted(own)])
        for other in index.query(sketch):
            if (score := jaccard(sets[other], own)) >= threshold:
                pairs.append((other, key, round(score, 4)))
        index.insert(key, sketch)
    order = {key: i for i, key in enumerate(texts)}
    return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))


def components(members: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each member the first member, in the order given, of those it is connected with."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = {member: i for i, member in enumerate(members)}
    pairs = [(index[one], index[other]) for one, other in edges]
    rows, columns = [one for one, _ in pairs], [other for _, other in pairs]
    graph = coo_array(([1] * len(pairs), (rows, columns)), shape=(len(members), len(members)))
    _, labels = connected_components(graph, directed=False)
    first: dict[int, str] = {}
    for member, label in zip(members, labels, strict=True):
        first.setdefault(int(label), member)
    return {member: first[int(label)] for member, label in zip(members, labels, strict=True)}
