"""Splits: whole groups of items, dealt out by a seed, and kept for ever.

A group is what is connected by near-duplication, by a curator's same-as, or by standing in one source. Once an item is in
a split it stays there: later groups join the split of their recorded members, and an item that would join two splits is
held out, since nobody moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.corpus.links import components
from toolkit.fsio import sha256_text
from toolkit.release.leakage import near_pairs

TRAIN = "train"
Edge = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """An item to be split: its source, the post that a photo text belongs to, and all its texts."""

    id: str
    source: str
    owner: str | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Splits:
    """What was dealt: item → split and item → group for what is released, item → why for what is held out.

    ``records`` are the new ``split`` records of the ledger: group (its first item), split, members (the items that no
    record names yet). They are for ever, so they are appended only once the release is published.
    """

    split: Mapping[str, str]
    group: Mapping[str, str]
    held_out: Mapping[str, str]
    records: tuple[Mapping[str, Any], ...]


def text_links(items: Sequence[Item]) -> list[Edge]:
    """Return the pairs of items of different sources that have a text nearly in common: posts, translations, photo texts.

    Items of one source are together anyway.
    """
    texts = [(item.id, text) for item in items for text in item.texts]
    sources = {item.id: item.source for item in items}
    pairs = near_pairs([text for _, text in texts], apart=[sources[item_id] for item_id, _ in texts])
    return sorted({(texts[one][0], texts[other][0]) for one, other, _ in pairs})


def recorded_splits(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return item → split from the ledger's ``split`` records; the first record of a group holds."""
    groups: dict[str, str] = {}
    held: dict[str, str] = {}
    for record in records:
        split = groups.setdefault(record["group"], record["split"])
        for member in (record["group"], *record.get("members", ())):
            held.setdefault(member, split)
    return held


def assign(
    items: Sequence[Item],
    links: Iterable[Edge],
    recorded: Iterable[Mapping[str, Any]],
    *,
    shares: Mapping[str, float],
    seed: int,
) -> Splits:
    """Deal out the items, given in corpus order: posts, then photo texts."""
    known = recorded_splits(recorded)
    order = {item.id: place for place, item in enumerate(items)}
    edges = sorted(
        {(a, b) if order[a] < order[b] else (b, a) for a, b in links}, key=lambda e: (order[e[0]], order[e[1]])
    )
    held_out = _held_out(items, edges, {item.id: known[item.id] for item in items if item.id in known})
    released = [item for item in items if item.id not in held_out]
    group = _components(released, edges)
    members: dict[str, list[str]] = {}
    for item_id, name in group.items():
        members.setdefault(name, []).append(item_id)
    fixed = {name: known[m] for name, own in members.items() for m in reversed(own) if m in known}
    dealt = fixed | _deal({name: len(own) for name, own in members.items()}, fixed, shares, seed)
    records = []
    for name, own in members.items():
        if new := [item_id for item_id in own if item_id not in known]:
            records.append({"group": name, "split": dealt[name], "members": new})
    return Splits({item: dealt[name] for item, name in group.items()}, group, held_out, tuple(records))


def _components(items: Sequence[Item], edges: Iterable[Edge]) -> dict[str, str]:
    ids = [item.id for item in items]
    present = set(ids)
    last: dict[str, str] = {}
    joined = [(a, b) for a, b in edges if a in present and b in present]
    for item in items:
        if item.source in last:
            joined.append((last[item.source], item.id))
        last[item.source] = item.id
    return components(ids, joined)


def _held_out(items: Sequence[Item], edges: Sequence[Edge], own: Mapping[str, str]) -> dict[str, str]:
    """Return the items that stand between splits, with the reason; what is left joins no two splits."""
    held: dict[str, str] = {}
    of_source: dict[str, set[str]] = {}
    for item in items:
        if item.id in own:
            of_source.setdefault(item.source, set()).add(own[item.id])
    # A new item of a source that is in a split goes there too.
    split = dict(own)
    for item in items:
        if item.id not in split and len(there := of_source.get(item.source, set())) == 1:
            split[item.id] = next(iter(there))
    for one, other in edges:
        if (
            one in held
            or other in held
            or split.get(one, "") == split.get(other, "")
            or not {one, other} <= split.keys()
        ):
            continue
        # The one that was released before stays; of two such, or two new ones, the first.
        out, stays = (one, other) if one not in own and other in own else (other, one)
        held[out] = f"nearly the same as {stays}, which is in {split[stays]}, while it belongs to {split[out]}"
    for only_new in (True, False):
        group = _components([item for item in items if item.id not in held], edges)
        joined: dict[str, list[str]] = {}
        for item_id, name in group.items():
            if item_id in split and split[item_id] not in joined.setdefault(name, []):
                joined[name].append(split[item_id])
        for item_id, name in group.items():
            meeting = joined.get(name, [])
            if len(meeting) > 1 and ((item_id not in split) if only_new else split.get(item_id) != meeting[0]):
                held[item_id] = f"connected with items of {' and '.join(sorted(meeting))}"
    for item in items:
        if item.owner in held and item.id not in held:
            held[item.id] = f"belongs to {item.owner}, which is held out"
    return {item.id: held[item.id] for item in items if item.id in held}


def _deal(sizes: Mapping[str, int], fixed: Mapping[str, str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Deal the groups that have no split yet, by their number of items, each to the split furthest below its share."""
    # The largest first, equals by the seed: what is dealt last is small enough to even the shares out.
    waiting = sorted((n for n in sizes if n not in fixed), key=lambda n: (-sizes[n], sha256_text(f"{seed}:{n}")))
    if len(sizes) == 1:
        return dict.fromkeys(waiting, TRAIN)
    names = sorted(shares, key=lambda name: (name != TRAIN, name != "validation", name))
    whole, total = sum(shares.values()), sum(sizes.values())
    filled: Counter[str] = Counter()
    for name, split in fixed.items():
        filled[split] += sizes[name]
    dealt: dict[str, str] = {}
    for place, name in enumerate(waiting):
        empty = [split for split in names if not filled[split]]
        open_splits = empty if empty and len(waiting) - place <= len(empty) else names
        # max() takes the first of equals: train before the others.
        dealt[name] = max(open_splits, key=lambda split: total * shares[split] / whole - filled[split])
        filled[dealt[name]] += sizes[name]
    return dealt
