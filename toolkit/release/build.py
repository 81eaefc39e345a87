"""Corpus version, judgements and decisions → the next release."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.adjudication.store import load_decisions
from toolkit.corpus import store
from toolkit.corpus.steps import Version
from toolkit.errors import ChecksFailed, ConflictError, InputError
from toolkit.fsio import canonical_json, publishing, read_bytes, read_text, sha256_text
from toolkit.labels.store import load_judgements
from toolkit.lineage import Lineage
from toolkit.parquet import row_digest
from toolkit.release import folds, takedown
from toolkit.release import rows as release_rows
from toolkit.release.accounts import with_posts
from toolkit.release.changes import FIRST, Difference, difference
from toolkit.release.coded import TASK_OF
from toolkit.release.dehydrate import restricted
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.layout import MANIFEST, Contents, digest_of, list_files, write
from toolkit.release.notices import SPDX, changelog
from toolkit.release.people import Pseudonyms, load_key
from toolkit.release.splits import TRAIN, Edge, Splits, assign, recorded_splits, text_links
from toolkit.release.takedown import Takedowns, without
from toolkit.release.verify import Gate, verify
from toolkit.settings import ReleaseSettings
from toolkit.tombstones import tombstones
from toolkit.workspace import Workspace

Progress = Callable[[str], None]
_ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Cut:
    """What a cut came to: the folder, its version, whether it is new, which items were held out and why, what was dropped.

    ``private``: why the release is not to be published (restricted reports, simulated judgements); empty where it may be.
    """

    folder: Path
    version: str
    new: bool
    held_out: Mapping[str, str]
    dropped: Mapping[str, int]
    private: tuple[str, ...]


def releases(workspace: Workspace) -> list[Folder]:
    """Return the published releases, oldest first."""
    found = [Folder(path.parent) for path in workspace.releases_dir.glob(f"*/{MANIFEST}") if path.parent.name[0] != "."]
    return sorted(found, key=lambda folder: Version.parse(folder.version))


def cut(
    workspace: Workspace,
    *,
    version: str | None = None,
    corpus: str | None = None,
    agreement: Sequence[Mapping[str, Any]] = (),
    template: Path | None = None,
    progress: Progress = lambda _: None,
) -> Cut:
    """Cut the next release; where nothing changed, return the one there is.

    The version follows from what changed against the last release, unless ``version`` asks for one at least as high. Nothing is
    published unless every gate of :func:`toolkit.release.verify.verify` holds. ``agreement`` are rows for the card (task, field,
    label, items, positives, percent, alpha, low, high).
    """
    with workspace.lock():
        if version is not None:
            Version.parse(version)
        complete(workspace)
        source = store.open_version(workspace, corpus)
        progress(f"corpus version {source.version}")
        tables = source.tables()
        judgements, decisions = load_judgements(workspace), load_decisions(workspace)
        contents, splits = _contents(workspace, source, tables, judgements, decisions, agreement)
        digest = digest_of(contents)
        if (found := _same(workspace, digest)) is not None:
            if version not in (None, found.version):
                raise ConflictError(f"release {found.version} holds the same data: there is nothing to call {version}")
            if damaged := [gate for gate in verify(found.path, load=False) if not gate.ok]:
                raise ChecksFailed(
                    f"{found.path} holds these data, but was changed since: {damaged[0].name}: {damaged[0].detail}",
                    hint="delete that folder, which can be made again, and cut once more",
                )
            return Cut(found.path, found.version, False, splits.held_out, contents.dropped or {}, _private(contents))
        number, change, before = _next(workspace, contents, digest, version)
        text = changelog(contents.title, number, change.lines, before)
        contents = replace(contents, version=number, changelog=text)
        folder = workspace.releases_dir / number
        if folder.exists():
            raise ConflictError(f"{folder} is there already and holds other data", hint="leave out --version")
        with publishing(folder) as new:
            progress(f"writing release {number}")
            write(new, contents, template=template)
            progress("checking it")
            if failed := [gate for gate in verify(new) if not gate.ok]:
                lines = "\n  ".join(f"{gate.name}: {gate.detail}" for gate in failed)
                raise ChecksFailed(f"release {number} was not published:\n  {lines}")
        complete(workspace)
        return Cut(folder, number, True, splits.held_out, contents.dropped or {}, _private(contents))


def again(workspace: Workspace, folder: Folder, agreement: Sequence[Mapping[str, Any]]) -> Gate:
    """Make a release once more, beside, from the corpus version, judgements and decisions that it names; compare every byte."""
    judgements, decisions = load_judgements(workspace), load_decisions(workspace)
    said = folder.manifest["inputs"]
    for name, rows in (("judgements", judgements), ("decisions", decisions)):
        if said[name] != row_digest(rows):
            return Gate("again", True, f"not made again: the {name} are others than those it was made of")
    source = store.open_version(workspace, folder.manifest["corpus"]["version"])
    contents, _ = _contents(workspace, source, source.tables(), judgements, decisions, agreement)
    text = read_text(folder.path / "CHANGELOG.md")
    with tempfile.TemporaryDirectory(prefix="docposts-again-") as beside:
        write(Path(beside), replace(contents, version=folder.version, changelog=text))
        made, there = (
            {path: entry["sha256"] for path, entry in list_files(where).items()}
            for where in (Path(beside), folder.path)
        )
        differ = sorted(path for path in {*made, *there} if made.get(path) != there.get(path))
        if read_bytes(Path(beside) / MANIFEST) != read_bytes(folder.path / MANIFEST):
            differ.append(MANIFEST)
    detail = (
        f"made again, other bytes: {', '.join(differ[:5])}" if differ else "made again from its inputs: the same bytes"
    )
    return Gate("again", not differ, detail)


def complete(workspace: Workspace) -> None:
    """Enter published releases into the ledger that a killed command left out: their items' splits, then the release."""
    entered = {record["version"] for record in workspace.ledger.records("release")}
    for folder in releases(workspace):
        if folder.version in entered:
            continue
        known = recorded_splits(workspace.ledger.records("split"))
        groups: dict[tuple[str, str], list[str]] = {}
        for config in TASK_OF:
            for split, rows in folder.parts.get(config, {}).items():
                ids, names = rows[release_rows.KEYS[config]].to_pylist(), rows["split_group"].to_pylist()
                for item, group in zip(ids, names, strict=True):
                    if item not in known:
                        groups.setdefault((group, split), []).append(item)
        for (group, split), members in groups.items():
            workspace.ledger.append("split", group=group, split=split, members=members)
        manifest = folder.manifest
        workspace.ledger.append(
            "release", version=folder.version, corpus=manifest["corpus"]["version"], digest=manifest["digest"]
        )


def _private(contents: Contents) -> tuple[str, ...]:
    """Return why a release may be cut, kept and verified, but not published."""
    reasons = {
        "its labels are simulated": contents.simulated,
        "it holds texts of restricted reports": contents.restricted,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _contents(
    workspace: Workspace,
    source: store.CorpusVersion,
    tables: Mapping[str, pa.Table],
    judgements: pa.Table,
    decisions: pa.Table,
    agreement: Sequence[Mapping[str, Any]],
) -> tuple[Contents, Splits]:
    settings = workspace.settings
    codebooks = {task: workspace.codebooks(task) for task in TASK_OF.values()}
    key, listed = load_key(workspace), Takedowns.of(workspace.ledger)
    tables, gone = without(tables, listed)
    forbidden = restricted(tables["sources"])
    dry = forbidden if settings.release.restricted == "dehydrate" else frozenset()
    linkable = _linkable(workspace, judgements)
    made = release_rows.make(tables, judgements, decisions, codebooks, key, dry, linkable)
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
    parts, lost = split_rows(made.rows, splits)
    if "posts" not in parts:
        raise InputError("there is no post to release", hint="docposts status")
    left_out = {takedown.REASON: gone, "judgement of an item that is held out": lost}
    dropped = dict(made.dropped) | {reason: count for reason, count in left_out.items() if count}
    simulated = "simulated" in {*judgements["provenance"].to_pylist(), *decisions["provenance"].to_pylist()}
    return (
        Contents(
            version="",
            name=settings.name,
            title=settings.title,
            licence=settings.release.licence,
            contact=settings.release.contact,
            languages=settings.release.languages,
            parts=parts,
            codebooks=codebooks,
            corpus={"version": str(source.version), "input_digest": source.manifest["input_digest"]},
            inputs={
                "judgements": row_digest(judgements),
                "decisions": row_digest(decisions),
                "settings": sha256_text(canonical_json(settings.release.model_dump(mode="json", exclude={"linkable"}))),
            },
            changelog="",
            simulated=simulated,
            restricted=bool(forbidden - dry),
            dehydrated=tuple(sorted(dry)),
            public=made.public,
            annotators=_people(parts, made.by),
            linkable=made.linkable,
            held_out=splits.held_out,
            dropped=dropped,
            agreement=tuple(agreement),
            taken_down=named(listed, key),
            seed=settings.release.seed,
            gated=is_gated(settings.release),
            folds=folds.files([item for item in made.items if item.id in splits.split], alike, campaigns),
            campaigns_whole=settings.release.campaigns_whole,
        ),
        splits,
    )


def _linkable(workspace: Workspace, judgements: pa.Table) -> frozenset[str]:
    """Return the annotators who agreed to be linkable; :class:`InputError` where the settings name one whom nobody knows."""
    agreed = frozenset(workspace.settings.release.linkable)
    known = {*judgements["annotator"].to_pylist(), *workspace.settings.tasks.annotators}
    if strange := sorted(agreed - known):
        raise InputError(
            f"[release] linkable: {', '.join(strange)} is no annotator",
            hint="name them as [tasks] annotators does",
        )
    return agreed


def _people(parts: Mapping[str, Mapping[str, pa.Table]], by: Mapping[str, str]) -> int:
    """Return how many annotators the released judgements are by."""
    released = [rows["judgement_id"].to_pylist() for rows in parts.get("judgements", {}).values()]
    return len({by[judgement] for own in released for judgement in own})


def _split_records(workspace: Workspace, items: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the ledger's records of splits, and those that items inherit from what they supersede."""
    records: list[Mapping[str, Any]] = [*workspace.ledger.records("split")]
    return [*records, *Lineage.of(workspace.ledger).splits(recorded_splits(records), items)]


def named(listed: Takedowns, key: bytes) -> tuple[str, ...]:
    """Return the takedown list by the names that releases use: ids of items, pseudonyms of accounts."""
    return (*listed.posts, *(Pseudonyms(key).account(account) for account in listed.accounts))


def is_gated(settings: ReleaseSettings) -> bool:
    """Tell whether access is to be asked for: as the settings say, else where the licence is not an open one."""
    return settings.gated == "yes" or (settings.gated == "licence" and settings.licence.lower() not in SPDX)


def campaigns_of(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, str | None]:
    """Return item → campaign; a photo text is of its post's."""
    found = {row["post_id"]: row["campaign"] for row in rows["posts"]}
    return found | {row["photo_id"]: found.get(row["post_id"]) for row in rows["photo_texts"]}


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


def split_rows(rows: Mapping[str, list[dict[str, Any]]], splits: Splits) -> tuple[dict[str, dict[str, pa.Table]], int]:
    """Return config → split → rows, empty ones left out; and the number of judgements left out with their items."""
    parts: dict[str, dict[str, list[dict[str, Any]]]] = {}
    lost = 0
    first: dict[str, str] = {}
    for config in release_rows.CONFIGS:
        for made in rows[config]:
            row = dict(made)
            item = row["item_id"] if config == "judgements" else row[release_rows.KEYS[config]]
            split = splits.split.get(item) if config in release_rows.SPLIT_CONFIGS else TRAIN
            if split is None:
                lost += config == "judgements"
                continue
            if config in TASK_OF:
                row["split_group"] = splits.group[item]
            if config == "posts":
                # Named by the first of its posts that is released.
                row["cluster_id"] = first.setdefault(row["cluster_id"], item)
            parts.setdefault(config, {}).setdefault(split, []).append(row)
    released = [post for own in parts.get("posts", {}).values() for post in own]
    if named_by := with_posts(rows["accounts"], released):
        parts["accounts"] = {TRAIN: named_by}
    else:
        parts.pop("accounts", None)
    order = {split: place for place, split in enumerate(_ORDER)}
    return {
        config: {
            split: release_table(config).from_rows(own[split])
            for split in sorted(own, key=lambda name: order.get(name, 9))
        }
        for config, own in parts.items()
    }, lost


def _same(workspace: Workspace, digest: str) -> Folder | None:
    """Return the latest release where it holds just these data."""
    latest = releases(workspace)[-1:]
    return latest[0] if latest and latest[0].manifest["digest"] == digest else None


def _next(
    workspace: Workspace, contents: Contents, digest: str, asked: str | None
) -> tuple[str, Difference, str | None]:
    """Return the next version, what changed, and the changelog so far."""
    entered = sorted(workspace.ledger.records("release"), key=lambda record: Version.parse(record["version"]))
    there = {folder.version: folder for folder in releases(workspace)}
    again = entered[-1] if entered and entered[-1]["digest"] == digest else None
    if again:
        # Released before, its folder since deleted: made again under its number, from the release before it.
        entered = entered[:-1]
        if asked not in (None, again["version"]):
            raise ConflictError(f"release {again['version']} holds the same data: there is nothing to call {asked}")
    if not entered:
        number = again["version"] if again else str(Version.parse(asked) if asked else FIRST)
        return number, Difference(None, ["first release"]), None
    last = entered[-1]["version"]
    if last not in there and last in {version for stone in tombstones(workspace.ledger) for version in stone.releases}:
        # Its folder was erased, and with it all that could be compared.
        computed = Version.parse(last).after("major")
        if asked and Version.parse(asked) < computed:
            raise ConflictError(f"{asked} is too low: {last} was purged, after which comes {computed}")
        return asked or str(computed), Difference("major", [f"release {last} was purged"]), None
    if last not in there:
        raise InputError(
            f"release {last} is not in {workspace.releases_dir}: the next version follows from what changed against it",
            hint="put its folder back",
        )
    before = there[last]
    change = difference(
        before.parts, contents.parts, before.features(), contents.features(), _books(before) != _books_of(contents)
    )
    computed = Version.parse(last).after(change.step or "patch")
    if again:
        return again["version"], change, read_text(before.path / "CHANGELOG.md")
    if asked and Version.parse(asked) < computed:
        raise ConflictError(
            f"{asked} is too low: after {last}, what changed calls for {computed}",
            hint="leave out --version, or ask for a higher one",
        )
    return asked or str(computed), change, read_text(before.path / "CHANGELOG.md")


def _books(folder: Folder) -> dict[str, str]:
    return folder.codebook_hashes()


def _books_of(contents: Contents) -> dict[str, str]:
    return {path: sha256_text(text) for path, text in contents.files().items() if path.endswith("codebook.yaml")}
