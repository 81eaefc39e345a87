"""Links between posts without those that are purged: what was linked through them is looked for anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import links, near, ties

RowsOf = Callable[[str, pa.Array], pa.Table]
"""A table's rows of some posts."""


def without(edges: pa.Table, posts: pa.ChunkedArray, gone: set[str], rows_of: RowsOf) -> pa.Table:
    """Return the links without the posts that are gone; ``posts`` are the ids of all that stay, in corpus order.

    Only the clusters that lost a post are looked at one by one.
    """
    lost_posts = pa.array(sorted(gone), pa.string())
    if not any(pc.any(pc.is_in(edges[name], lost_posts)).as_py() for name in ("post_id", "other_id")):
        return edges
    members = pc.unique(pa.chunked_array([*edges["post_id"].chunks, *edges["other_id"].chunks]))
    one, other = (pc.index_in(edges[name], members).to_numpy() for name in ("post_id", "other_id"))
    cluster = near.components(len(members), np.stack([one, other], axis=1).astype(np.int64))
    is_gone = pc.is_in(members, lost_posts).to_numpy(zero_copy_only=False)
    broken = np.isin(cluster, np.unique(cluster[is_gone]))
    again = pa.array(sorted(members.filter(pa.array(broken & ~is_gone)).to_pylist()), pa.string())
    # What is stated of posts stands as pairs with the first of them, which may be what is gone.
    groups: dict[tuple[str, str], set[str]] = {}
    for edge in edges.filter(pa.array(broken[one])).to_pylist():
        if edge["kind"] in ("same_as", "same_object"):
            groups.setdefault((edge["kind"], edge["post_id"]), {edge["post_id"]}).add(edge["other_id"])
    stated: dict[str, list[list[str]]] = {}
    for (kind, _), group in groups.items():
        if len(group - gone) > 1:
            stated.setdefault(kind, []).append(sorted(group - gone))
    some, beside, shown = (rows_of(name, again) for name in ("posts", "text_layers", "photo_texts"))
    fresh = links.post_links(some, stated, ties.texts_of(some, beside, shown))
    both = pa.concat_tables([edges.filter(pa.array(~broken[one])), fresh.cast(edges.schema)])
    keys = {
        "one": pc.index_in(both["post_id"], posts.combine_chunks()),
        "other": pc.index_in(both["other_id"], posts.combine_chunks()),
        "kind": pc.index_in(both["kind"], pa.array(links.KINDS)),
    }
    return both.take(pc.sort_indices(pa.table(keys), [(name, "ascending") for name in keys]))
