"""Corpus version, judgements, decisions and settings → all that a release is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import canonical_json, sha256_text
from toolkit.lineage import Lineage
from toolkit.parquet import row_digest
from toolkit.release import folds, images, takedown
from toolkit.release import rows as release_rows
from toolkit.release.coded import TASK_OF
from toolkit.release.dehydrate import restricted
from toolkit.release.documents import CARD, books
from toolkit.release.layout import README, Contents
from toolkit.release.notices import SPDX
from toolkit.release.parts import split_rows
from toolkit.release.people import Pseudonyms, load_key
from toolkit.release.splits import Edge, Splits, assign, recorded_splits, text_links
from toolkit.release.takedown import Takedowns, without
from toolkit.settings import ReleaseSettings, Settings
from toolkit.sources import registry
from toolkit.workspace import Workspace


def template_of(workspace: Workspace) -> Path | None:
    """Return the workspace's own template of the card, where it has one."""
    own = workspace.root / CARD
    return own if own.exists() else None


def gather(
    workspace: Workspace,
    source: store.CorpusVersion,
    tables: Mapping[str, pa.Table],
    judgements: pa.Table,
    decisions: pa.Table,
    agreement: Sequence[Mapping[str, Any]],
) -> tuple[Contents, Splits]:
    """Return the contents of a release without version and changelog, and the splits that its items are dealt out to.

    ``agreement`` are rows for the card. :class:`InputError` where there is nothing to release.
    """
    settings = workspace.settings
    codebooks = {task: workspace.codebooks(task) for task in TASK_OF.values()}
    key, listed = load_key(workspace), Takedowns.of(workspace.ledger)
    tables, gone = without(tables, listed)
    forbidden = restricted(tables["sources"])
    dry = forbidden if settings.release.restricted == "dehydrate" else frozenset()
    linkable = _linkable(workspace, judgements)
    made = release_rows.make(tables, judgements, decisions, codebooks, key, dry, linkable)
    pictures = images.released(tables["photo_texts"], tables["sources"], _files(workspace).get)
    made = replace(made, rows={**made.rows, "photo_texts": images.beside(made.rows["photo_texts"], pictures)})
    alike = [*made.links, *text_links(made.items)]
    campaigns = campaigns_of(made.rows)
    together = whole_campaigns(campaigns) if settings.release.campaigns_whole else []
    splits = assign(
        made.items,
        [*alike, *together],
        _split_records(workspace, [item.id for item in made.items]),
        shares=dict[str, float](settings.release.splits.items()),
        seed=settings.release.seed,
    )
    parts, lost = split_rows(made, splits)
    if "posts" not in parts:
        raise InputError("there is no post to release", hint="docposts status")
    left_out = {takedown.REASON: gone, release_rows.HELD_OUT: lost, **pictures.left}
    dropped = dict(made.dropped) | {reason: count for reason, count in left_out.items() if count}
    simulated = any("simulated" in rows["provenance"].unique().to_pylist() for rows in (judgements, decisions))
    contents = Contents(
        version="",
        name=settings.name,
        title=settings.title,
        licence=settings.release.licence,
        contact=settings.release.contact,
        languages=settings.release.languages,
        annotator_demographics=settings.release.annotator_demographics,
        ethical_review=settings.release.ethical_review,
        parts=parts,
        codebooks=codebooks,
        corpus={"version": str(source.version), "input_digest": source.manifest["input_digest"]},
        inputs={
            "judgements": row_digest(judgements),
            "decisions": row_digest(decisions),
            "settings": _settings(settings),
        },
        changelog="",
        simulated=simulated,
        restricted=bool(forbidden - dry),
        dehydrated=tuple(sorted(dry)),
        public=made.public,
        annotators=_people(parts, judgements),
        linkable=made.linkable,
        held_out=splits.held_out,
        dropped=dropped,
        agreement=tuple(agreement),
        taken_down=named(listed, key),
        seed=settings.release.seed,
        gated=is_gated(settings.release),
        folds=folds.files([item for item in made.items if item.id in splits.split], alike, campaigns),
        campaigns_whole=settings.release.campaigns_whole,
        shard_bytes=round(settings.release.shard_mb * 1_000_000),
    )
    return replace(contents, own=_own(workspace, contents)), splits


def _files(workspace: Workspace) -> dict[str, Path]:
    """Return the image files of a workspace's sources by their hashes."""
    return {sha256: path for source in registry.sources(workspace) for sha256, path in source.media.items()}


def _unset(settings: ReleaseSettings) -> set[str]:
    """Return what changes nothing as it is by default: releases that were made before there was such a setting are the same."""
    default = ReleaseSettings.model_fields["shard_mb"].default
    return {"shard_mb"} if settings.shard_mb == default else set()


def _settings(settings: Settings) -> str:
    """Return the digest of the settings that enter a release. Who agreed to be linkable is told by nobody's name."""
    said = settings.release.model_dump(mode="json", exclude={"linkable", *_unset(settings.release)})
    return sha256_text(canonical_json({"release": said, "agreement": settings.agreement.model_dump(mode="json")}))


def _own(workspace: Workspace, contents: Contents) -> tuple[str, ...]:
    """Return the documents that are made from templates of the workspace's own."""
    shipped = books(contents, shipped=True)
    found = [path for path, text in books(contents).items() if path in shipped and shipped[path] != text]
    return tuple(sorted([*found, *([README] if template_of(workspace) else [])]))


def _linkable(workspace: Workspace, judgements: pa.Table) -> frozenset[str]:
    """Return the annotators who agreed to be linkable; :class:`InputError` where the settings name one whom nobody knows."""
    agreed = frozenset(workspace.settings.release.linkable)
    known = {*judgements["annotator"].unique().to_pylist(), *workspace.settings.tasks.annotators}
    if strange := sorted(agreed - known):
        raise InputError(
            f"[release] linkable: {', '.join(strange)} is no annotator",
            hint="name them as [tasks] annotators does",
        )
    return agreed


def _people(parts: Mapping[str, Mapping[str, pa.Table]], judgements: pa.Table) -> int:
    """Return how many annotators the released judgements are by: all of an item that answer to a task of a release."""
    own = [rows["item_id"] for rows in parts.get("judgements", {}).values()]
    items = pa.chunked_array([chunk for column in own for chunk in column.chunks], pa.string()).unique()
    asked = pc.is_in(judgements["task"], value_set=pa.array([*TASK_OF.values()]))
    held = pc.and_(pc.is_in(judgements["item_id"], value_set=items), asked)
    return int(pc.count_distinct(judgements["annotator"].filter(held)).as_py())


def _split_records(workspace: Workspace, items: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the ledger's records of splits, and those that items inherit from what they supersede."""
    records: list[Mapping[str, Any]] = [*workspace.ledger.records("split")]
    return [*records, *Lineage.of(workspace.ledger).splits(recorded_splits(records), items)]


def named(listed: Takedowns, key: bytes) -> tuple[str, ...]:
    """Return the takedown list by the names that releases use: ids of items, pseudonyms of accounts."""
    return (*listed.posts, *(Pseudonyms(key).account(account) for account in listed.accounts), *listed.public)


def is_gated(settings: ReleaseSettings) -> bool:
    """Tell whether access is to be asked for: as the settings say, else where the licence is not an open one."""
    return settings.gated == "yes" or (settings.gated == "licence" and settings.licence.lower() not in SPDX)


def campaigns_of(rows: Mapping[str, pa.Table]) -> dict[str, str | None]:
    """Return item → campaign; a photo text is of its post's."""
    posts, photos = rows["posts"], rows["photo_texts"]
    found = dict(zip(posts["post_id"].to_pylist(), posts["campaign"].to_pylist(), strict=True))
    owners = zip(photos["photo_id"].to_pylist(), photos["post_id"].to_pylist(), strict=True)
    return found | {photo: found.get(post) for photo, post in owners}


def whole_campaigns(campaigns: Mapping[str, str | None]) -> list[Edge]:
    """Return pairs that join the items of each campaign; an empty one joins nobody."""
    last: dict[str, str] = {}
    edges = []
    for item, campaign in campaigns.items():
        if campaign:
            if campaign in last:
                edges.append((last[campaign], item))
            last[campaign] = item
    return edges
