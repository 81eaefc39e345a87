"""Which posts are the same or nearly so: exact keys collapsed, MinHash to find candidates, every pair verified.

Unverified candidates chain: on a million posts they joined most of a corpus into one cluster. So an edge stands only
where the texts' own 4-grams overlap enough; components of such edges are the clusters, named by their first member.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus import near
from toolkit.corpus.engines import Engine
from toolkit.corpus.parts import Entry, write_parts
from toolkit.rowdigest import BLOCK
from toolkit.schema import table

VERSION = near.VERSION
TABLES = ("post_links", "clusters")
"""The tables that are made of all sources together."""
PART = "links"
KINDS = ["exact", "near_duplicate", "same_as"]
GIANT = 1000
"""More different texts than this (and than a hundredth of the posts) in one cluster are an alarm."""


def post_links(posts: pa.Table, same_as: Iterable[Sequence[str]] = ()) -> pa.Table:
    """Return the links between a few posts, all in memory; ``same_as`` are groups of ids that a curator joins."""
    ids: list[str] = posts["post_id"].to_pylist()
    order = {post_id: i for i, post_id in enumerate(ids)}
    by_hash: dict[str, list[str]] = defaultdict(list)
    texts: dict[str, str] = {}
    for post_id, key, text in zip(ids, posts["exact_hash"].to_pylist(), posts["text"], strict=True):
        by_hash[key].append(post_id)
        texts.setdefault(by_hash[key][0], text.as_py())
    edges: list[tuple[str, str, str, float | None]] = []
    edges += [(first, other, "exact", 1.0) for first, *others in by_hash.values() for other in others]
    edges += [(one, other, "near_duplicate", score) for one, other, score in similar(texts)]
    for group in same_as:
        first, *others = sorted(set(group), key=order.__getitem__)
        edges += [(first, other, "same_as", None) for other in others]
    # Two reports may join the same posts.
    edges = list(dict.fromkeys(edges))
    found = components(ids, [(one, other) for one, other, _, _ in edges])
    rows = [
        {"post_id": one, "other_id": other, "kind": kind, "similarity": score, "cluster_id": found[one]}
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


def build(
    posts: Sequence[Path], rows: Sequence[int], same_as: Sequence[Sequence[str]], staging: Path, engine: Engine
) -> tuple[dict[str, list[Entry]], list[dict[str, Any]]]:
    """Write the parts of :data:`TABLES` for the parts of ``posts``; return their entries, and the alarms."""
    work = staging / "work"
    work.mkdir()
    found = engine.search(posts, rows, work)
    shutil.rmtree(work)
    one, other, share, exact = found.edges
    kinds = np.where(exact, KINDS.index("exact"), KINDS.index("near_duplicate"))
    curated = _curated(same_as, found.ids)
    one, other = np.concatenate([one, curated[:, 0]]), np.concatenate([other, curated[:, 1]])
    share = np.concatenate([share, np.full(len(curated), np.nan)])
    kinds = np.concatenate([kinds, np.full(len(curated), KINDS.index("same_as"))])
    order = np.lexsort((kinds, other, one))
    one, other, share, kinds = one[order], other[order], share[order], kinds[order]
    # Posts that nothing links take no part: places of the others among themselves.
    members = np.unique(np.concatenate([one, other]))
    edges = np.stack([np.searchsorted(members, one), np.searchsorted(members, other)], axis=1)
    lowest = near.components(len(members), edges) if len(members) else members
    cluster, sizes = members[lowest], np.bincount(lowest, minlength=len(members))[lowest]
    alarms = _alarms(
        members, lowest, sizes, exact_twins=edges[kinds == KINDS.index("exact")], ids=found.ids, rows=sum(rows)
    )

    def link_rows(part: slice) -> pa.Table:
        similarity = pa.array(share[part], mask=np.isnan(share[part]))
        names = pa.array(KINDS).take(pa.array(kinds[part]))
        clusters = _ids(found.ids, members[lowest[edges[part, 0]]])
        columns = [_ids(found.ids, one[part]), _ids(found.ids, other[part]), names, similarity, clusters]
        return pa.Table.from_arrays(columns, schema=table("post_links").arrow)

    def cluster_rows(part: slice) -> pa.Table:
        columns = [_ids(found.ids, members[part]), _ids(found.ids, cluster[part]), pa.array(sizes[part], pa.int32())]
        return pa.Table.from_arrays(columns, schema=table("clusters").arrow)

    parts: dict[str, list[Entry]] = {}
    for name, size, make in (("post_links", len(one), link_rows), ("clusters", len(members), cluster_rows)):
        parts[name] = []
        for at in range(0, size, BLOCK):
            parts[name] += write_parts(staging, name, PART, make(slice(at, min(at + BLOCK, size))))
    return parts, alarms


def _curated(same_as: Sequence[Sequence[str]], ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the curator's groups as pairs of places: the first of each group with the others; each pair once."""
    if not same_as:
        return np.empty((0, 2), np.int64)
    wanted = sorted({post_id for group in same_as for post_id in group})
    words = np.ascontiguousarray(ids).view("V16").reshape(-1)
    keys = np.array([bytes.fromhex(post_id[-32:]) for post_id in wanted], "V16")
    place = {wanted[i]: int(np.flatnonzero(words == key)[0]) for i, key in enumerate(keys)}
    pairs = set()
    for group in same_as:
        first, *others = sorted({place[post_id] for post_id in group})
        pairs |= {(first, other) for other in others}
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _ids(ids: NDArray[np.uint8], places: NDArray[np.int64]) -> pa.Array:
    digits = ids[places].tobytes().hex()
    return pa.array([f"post_{digits[at : at + 32]}" for at in range(0, len(digits), 32)], pa.string())


def _alarms(
    members: NDArray[np.int64],
    lowest: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    exact_twins: NDArray[np.int64],
    ids: NDArray[np.uint8],
    rows: int,
) -> list[dict[str, Any]]:
    """Return the clusters whose *different* texts are more than near-duplicates make likely: chains, or a template."""
    different = np.ones(len(members), np.int64)
    different[exact_twins[:, 1]] = 0
    texts = np.bincount(lowest, weights=different, minlength=len(members)).astype(np.int64)
    giant = np.flatnonzero(texts > max(GIANT, rows // 100))
    names = _ids(ids, members[giant]).to_pylist()
    return [
        {"cluster_id": name, "posts": int(sizes[place]), "texts": int(texts[place])}
        for name, place in zip(names, giant.tolist(), strict=True)
    ]


def clusters(links: pa.Table, posts: Sequence[str]) -> pa.Table:
    """Return the rows of ``clusters`` for links; ``posts`` are all posts, in the order of the corpus."""
    members: dict[str, str] = {}
    for name in ("post_id", "other_id"):
        members |= dict(zip(links[name].to_pylist(), links["cluster_id"].to_pylist(), strict=True))
    sizes = Counter(members.values())
    return table("clusters").from_rows(
        {"post_id": post_id, "cluster_id": members[post_id], "size": sizes[members[post_id]]}
        for post_id in posts
        if post_id in members
    )
