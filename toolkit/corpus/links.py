"""Which posts are the same or nearly so: exact keys collapsed, MinHash to find candidates, every pair verified.

Unverified candidates chain: on a million posts they joined most of a corpus into one cluster. So an edge stands only
where the texts' own 4-grams overlap enough; components of such edges are the clusters, named by their first member.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from toolkit.corpus import grams, near, search, sketching
from toolkit.corpus.engines import Engine
from toolkit.corpus.parts import WORK, Entry, write_parts
from toolkit.corpus.ties import TEXTS, Stated
from toolkit.parquet import writing_batches
from toolkit.rowdigest import BLOCK
from toolkit.schema import table

VERSION = near.VERSION + 1
TABLES = ("post_links", "clusters")
"""The tables that are made of all sources together."""
PART = "links"
KINDS = ["exact", "near_duplicate", "same_as", "same_object", "translation", "photo_text"]
_PREFIX = np.frombuffer(b"post_", np.uint8)
_DIGITS = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)
_WIDTH = len(_PREFIX) + 32
GIANT = 1000
"""More different texts than this (and than a hundredth of the posts) in one cluster are an alarm."""


def post_links(posts: pa.Table, stated: Stated | None = None, texts: pa.Table | None = None) -> pa.Table:
    """Return the links between a few posts, all in memory; what else is known of them as in :func:`build`."""
    others = TEXTS.empty_table() if texts is None else texts
    every = pa.concat_tables([posts.select(TEXTS.names[:3]), others.select(TEXTS.names[:3])])
    twins: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(every["exact_hash"].to_pylist()):
        twins[key].append(place)
    firsts = [places[0] for places in twins.values()]
    found = near.near_pairs(
        [grams.folded(text) for text in every["text"].take(pa.array(firsts, pa.int64())).to_pylist()]
    )
    exact = [(first, other, 1.0) for first, *rest in twins.values() for other in rest]
    pairs = [*exact, *((firsts[pair.one], firsts[pair.other], pair.share) for pair in found)]
    one, other, share = (np.array(values) for values in zip(*pairs, strict=True)) if pairs else ((np.empty(0),) * 3)
    ids = sketching.id_bytes(every["post_id"].to_pylist())
    edges = search.Edges(
        one.astype(np.int64), other.astype(np.int64), share.astype(float), np.arange(len(pairs)) < len(exact)
    )
    joined = _joined(search.Found(ids, edges), posts.num_rows, others, stated or {})
    return joined.link_rows(slice(None))


def components(members: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each member the first member, in the order given, of those it is connected with."""
    index = {member: place for place, member in enumerate(members)}
    pairs = [(index[one], index[other]) for one, other in edges]
    lowest = near.components(len(members), np.array(pairs, np.int64).reshape(-1, 2))
    return {member: members[place] for member, place in zip(members, lowest.tolist(), strict=True)}


def build(
    posts: Sequence[Path], rows: Sequence[int], stated: Stated, texts: pa.Table, staging: Path, engine: Engine
) -> tuple[dict[str, list[Entry]], list[dict[str, Any]]]:
    """Write the parts of :data:`TABLES` for the parts of ``posts``; return their entries, and the alarms.

    ``stated`` are groups of posts that are one by somebody's word, ``texts`` (:data:`toolkit.corpus.ties.TEXTS`) what posts
    have beside their own text: these are searched with the posts', and join the posts that have them.
    """
    work, beside = staging / WORK, staging / "texts.parquet"
    work.mkdir(exist_ok=True)
    if texts.num_rows:
        with writing_batches(beside, texts.schema) as out:
            for batch in texts.to_batches():
                out.write(batch)
        posts, rows = [*posts, beside], [*rows, texts.num_rows]
    # What was found is not held beside what is made of it.
    joined = _joined(engine.search(posts, rows, work), sum(rows) - texts.num_rows, texts, stated)
    shutil.rmtree(work)
    beside.unlink(missing_ok=True)
    tables = (len(joined.one), joined.link_rows), (len(joined.members), joined.cluster_rows)

    def write(name: str, size: int, make: Callable[[slice], pa.Table]) -> list[Entry]:
        cuts = [slice(at, min(at + BLOCK, size)) for at in range(0, size, BLOCK)]
        return [entry for cut in cuts for entry in write_parts(staging, name, PART, make(cut))]

    # Side by side: what takes time here (Parquet, digests) lets other threads run.
    with ThreadPoolExecutor(len(TABLES)) as threads:
        parts = dict(zip(TABLES, threads.map(write, TABLES, *zip(*tables, strict=True)), strict=True))
    return parts, joined.alarms(sum(rows) - texts.num_rows)


class _Joined(NamedTuple):
    """Links by the places of the posts (``one`` before ``other``, in order), and the clusters of ``members``.

    ``kinds`` are numbers of :data:`KINDS`, ``share`` is not a number where nothing was measured, ``lowest`` the first of each
    member's cluster by its place among the members, ``sizes`` how many members have each as their first.
    """

    ids: NDArray[np.uint8]
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    share: NDArray[np.float64]
    kinds: NDArray[np.int8]
    members: NDArray[np.int64]
    lowest: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def link_rows(self, part: slice) -> pa.Table:
        """Return rows of ``post_links``."""
        one, other, share = self.one[part], self.other[part], self.share[part]
        names = pa.array(KINDS).take(pa.array(self.kinds[part]))
        first = self.members[self.lowest[np.searchsorted(self.members, one)]]
        similarity = pa.array(share, mask=np.isnan(share))
        columns = [_ids(self.ids, one), _ids(self.ids, other), names, similarity, _ids(self.ids, first)]
        return pa.Table.from_arrays(columns, schema=table("post_links").arrow)

    def cluster_rows(self, part: slice) -> pa.Table:
        """Return rows of ``clusters``."""
        sizes = self.sizes[self.lowest[part]]
        names = _ids(self.ids, self.members[part]), _ids(self.ids, self.members[self.lowest[part]])
        return pa.Table.from_arrays([*names, pa.array(sizes, pa.int32())], schema=table("clusters").arrow)

    def alarms(self, posts: int) -> list[dict[str, Any]]:
        """Return the clusters whose *different* texts are more than near-duplicates make likely: chains, or a template."""
        different = np.ones(len(self.members), np.int64)
        twins = self.other[self.kinds == KINDS.index("exact")]
        different[np.searchsorted(self.members, twins)] = 0
        texts = np.bincount(self.lowest, weights=different, minlength=len(self.members)).astype(np.int64)
        giant = np.flatnonzero(texts > max(GIANT, posts // 100))
        names = _ids(self.ids, self.members[giant]).to_pylist()
        return [
            {"cluster_id": name, "posts": int(self.sizes[place]), "texts": int(texts[place])}
            for name, place in zip(names, giant.tolist(), strict=True)
        ]


def _joined(found: search.Found, posts: int, texts: pa.Table, stated: Stated) -> _Joined:
    """Put together what a search found among posts and, behind them, their other texts, and what is stated of posts."""
    ids = found.ids[:posts]
    one, other, share, exact = found.edges
    kinds = np.where(exact, KINDS.index("exact"), KINDS.index("near_duplicate")).astype(np.int8)
    if texts.num_rows or stated:
        one, other, share, kinds = _with_others(found, kinds, posts, texts, stated)
    # Posts that nothing links take no part: places of the others among themselves.
    linked = np.zeros(posts, np.bool_)
    linked[one], linked[other] = True, True
    members = np.flatnonzero(linked)
    edges = np.stack([np.searchsorted(members, one), np.searchsorted(members, other)], axis=1)
    lowest = near.components(len(members), edges) if len(members) else members
    sizes = np.bincount(lowest, minlength=len(members))
    return _Joined(ids, one, other, share, kinds, members, lowest, sizes)


def _with_others(
    found: search.Found, kinds: NDArray[np.int8], posts: int, texts: pa.Table, stated: Stated
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    """Return the edges between posts, in order: those of their other texts among them, and those that are stated."""
    ids = found.ids[:posts]
    one, other, share, _ = found.edges
    if texts.num_rows:
        # Of an edge that other texts take part in, text in an image says least about the posts, and is named.
        own = _numbers(texts["kind"].to_pylist())
        beside = np.zeros(len(one), np.int8)
        owner = _places(ids, found.ids[posts:])
        one, other = one.copy(), other.copy()
        for side in (one, other):
            others = np.flatnonzero(side >= posts)
            beside[others] = np.maximum(beside[others], own[side[others] - posts])
            side[others] = owner[side[others] - posts]
        kinds = np.where(beside > 0, beside, kinds)
    if said := [(KINDS.index(kind), _pairs(groups, ids)) for kind, groups in stated.items()]:
        one = np.concatenate([one, *(pairs[:, 0] for _, pairs in said)])
        other = np.concatenate([other, *(pairs[:, 1] for _, pairs in said)])
        share = np.concatenate([share, *(np.full(len(pairs), np.nan) for _, pairs in said)])
        kinds = np.concatenate([kinds, *(np.full(len(pairs), kind, np.int8) for kind, pairs in said)])
    one, other = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((-share, kinds, other, one))
    one, other, share, kinds = one[order], other[order], share[order], kinds[order]
    # Two texts of one post are no link; of several texts that join two posts the nearest counts.
    again = np.zeros(len(one), bool)
    again[1:] = (one[1:] == one[:-1]) & (other[1:] == other[:-1]) & (kinds[1:] == kinds[:-1])
    kept = (one != other) & ~again
    return one[kept], other[kept], share[kept], kinds[kept]


def _numbers(kinds: Sequence[str]) -> NDArray[np.int8]:
    return np.array([KINDS.index(kind) for kind in kinds], np.int8)


def _pairs(groups: Sequence[Sequence[str]], ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return groups of ids as pairs of places: the first of each group with the others; each pair once."""
    wanted = sorted({post_id for group in groups for post_id in group})
    place = dict(zip(wanted, _places(ids, sketching.id_bytes(wanted)).tolist(), strict=True))
    pairs = set()
    for group in groups:
        first, *others = sorted({place[post_id] for post_id in group})
        pairs |= {(first, other) for other in others}
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _places(ids: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where each wanted id stands among the ids, each of which stands there once."""
    named, which = np.unique(wanted.view("V16").reshape(-1), return_inverse=True)
    values = pa.array([bytes(name) for name in named], pa.binary(16))
    every = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids))]
    )
    found = pc.index_in(every, value_set=values)
    at = pc.indices_nonzero(found.is_valid()).to_numpy()
    places = np.empty(len(named), np.int64)
    places[found.drop_null().to_numpy()] = at
    return places[which]


def _ids(ids: NDArray[np.uint8], places: NDArray[np.int64]) -> pa.Array:
    letters = np.empty((len(places), _WIDTH), np.uint8)
    letters[:, : len(_PREFIX)] = _PREFIX
    letters[:, len(_PREFIX) :] = _DIGITS[ids[places]].view(np.uint8)
    ends = np.arange(0, _WIDTH * len(places) + 1, _WIDTH, np.int32)
    return pa.StringArray.from_buffers(len(places), pa.py_buffer(ends), pa.py_buffer(letters))


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
