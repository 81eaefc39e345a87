"""Corpus version, judgements and decisions → the next release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.store import load_decisions
from toolkit.corpus import store
from toolkit.corpus.steps import Version
from toolkit.errors import ChecksFailed, ConflictError
from toolkit.fsio import publishing, sha256_text
from toolkit.labels.store import load_judgements
from toolkit.release import card
from toolkit.release import rows as release_rows
from toolkit.release.changes import Side
from toolkit.release.coded import TASK_OF, coded_fields
from toolkit.release.documents import books, digest_of, documents, edition, edition_digest
from toolkit.release.gather import gather, template_of
from toolkit.release.layout import Contents, described, rows_of, with_shards, write_manifest, write_parts, write_texts
from toolkit.release.notices import changelog
from toolkit.release.splits import Splits, recorded_splits
from toolkit.release.verify import verify
from toolkit.release.versions import following, releases, unchanged
from toolkit.workspace import Workspace

Progress = Callable[[str], None]
Agreement = Callable[[pa.Table], Sequence[Mapping[str, Any]]]
"""Judgements → rows for the card."""


@dataclass(frozen=True)
class Cut:
    """What a cut came to: the folder, its version, whether it is new, which items were held out and why, what was dropped.

    ``undecided``: questions on released items that no decision in force answers, so that they are in no gold label.
    ``private``: why the release is not to be published (restricted reports, simulated judgements); empty where it may be.
    """

    folder: Path
    version: str
    new: bool
    held_out: Mapping[str, str]
    dropped: Mapping[str, int]
    private: tuple[str, ...]
    undecided: int = 0


def cut(
    workspace: Workspace,
    *,
    version: str | None = None,
    corpus: str | None = None,
    agreement: Agreement | Sequence[Mapping[str, Any]] = (),
    progress: Progress = lambda _: None,
) -> Cut:
    """Cut the next release; where it would say nothing new, return the one there is.

    The version follows from what changed against the last release, rows and documents alike, unless ``version`` asks for one
    at least as high. Nothing is published where a gate of :func:`toolkit.release.verify.verify` fails. ``agreement`` are rows
    for the card (task, field, label, items, positives, percent, alpha, low, high), or what measures the judgements for them.
    """
    with workspace.lock():
        if version is not None:
            Version.parse(version)
        complete(workspace)
        source = store.open_version(workspace, corpus)
        progress(f"corpus version {source.version}")
        contents, splits = _gathered(workspace, source, agreement)
        numbers, digest = card.numbers(contents), digest_of(contents)
        texts = books(contents)
        hashes = edition(contents, numbers, digest, codebooks=texts, template=template_of(workspace))
        whole = edition_digest(digest, hashes)
        dropped, private, undecided = contents.dropped or {}, _private(contents), _undecided(contents)
        if (found := unchanged(workspace, whole)) is not None:
            if version not in (None, found.version):
                raise ConflictError(f"release {found.version} says the same: there is nothing to call {version}")
            if damaged := [gate for gate in verify(found.path, load=False) if gate.failed]:
                raise ChecksFailed(
                    f"{found.path} says this, but was changed since: {damaged[0].name}: {damaged[0].detail}",
                    hint="delete that folder, which can be made again, and cut once more",
                )
            return Cut(found.path, found.version, False, splits.held_out, dropped, private, undecided)
        named = {path: sha256_text(text) for path, text in texts.items() if path.endswith("codebook.yaml")}
        about = _side(contents, named, hashes)
        number, change, before = following(workspace, about, whole, version)
        contents = replace(contents, version=number, changelog=changelog(contents.title, number, change.lines, before))
        folder = workspace.releases_dir / number
        if folder.exists():
            raise ConflictError(f"{folder} is there already and holds other data", hint="leave out --version")
        with publishing(folder) as new:
            progress(f"writing release {number}")
            write(new, contents, numbers, hashes, template=template_of(workspace))
            # The gates read the folder: what it was written from need not be held beside it.
            del contents, about, numbers
            progress("checking it")
            if failed := [gate for gate in verify(new) if gate.failed]:
                lines = "\n  ".join(f"{gate.name}: {gate.detail}" for gate in failed)
                raise ChecksFailed(f"release {number} was not published:\n  {lines}")
        complete(workspace)
        return Cut(folder, number, True, splits.held_out, dropped, private, undecided)


def _gathered(
    workspace: Workspace, source: store.CorpusVersion, agreement: Agreement | Sequence[Mapping[str, Any]]
) -> tuple[Contents, Splits]:
    """Gather what is released; the judgements as they were pulled are held no longer than that takes."""
    judgements = load_judgements(workspace)
    decisions = load_decisions(workspace, judgements)
    figures = agreement(judgements) if callable(agreement) else agreement
    return gather(workspace, source, source.tables(), judgements, decisions, figures)


def _side(contents: Contents, named: Mapping[str, str], hashes: Mapping[str, str]) -> Side:
    """Return contents as one of two releases that are compared."""
    return Side(contents.parts, contents.features(), named, described(contents)["about"], hashes)


def write(
    folder: Path,
    contents: Contents,
    numbers: Mapping[str, Any] | None = None,
    hashes: Mapping[str, str] | None = None,
    *,
    template: Path | None = None,
) -> None:
    """Fill an empty folder: parts, documents, manifest. Where known: the card's ``numbers``, the edition's ``hashes``."""
    numbers = numbers or card.numbers(contents)
    files, digest = write_parts(folder, contents), digest_of(contents)
    texts = books(contents)
    write_texts(folder, documents(contents, numbers, digest, files, codebooks=texts, template=template))
    hashes = hashes or edition(contents, numbers, digest, codebooks=texts, template=template)
    said = {
        "configs": with_shards(rows_of(contents), files),
        "digest": digest,
        "edition": edition_digest(digest, hashes),
    }
    write_manifest(folder, contents, said | {"documents": dict(hashes)})


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
        said = folder.manifest
        workspace.ledger.append(
            "release",
            version=folder.version,
            corpus=said["corpus"]["version"],
            digest=said["digest"],
            edition=said["edition"],
        )


def _undecided(contents: Contents) -> int:
    """Count the questions that are open: labels of fields with several, fields with one."""
    count = 0
    for config, task in TASK_OF.items():
        rows = contents.rows(config)
        for one in coded_fields(contents.codebooks[task]):
            held = rows[f"{one.name}_undecided"]
            count += int(pc.sum(pc.list_value_length(held) if one.kind == "multi" else held, min_count=0).as_py())
    return count


def _private(contents: Contents) -> tuple[str, ...]:
    """Return why a release may be cut, kept and verified, but not published."""
    reasons = {
        "its labels are simulated": contents.simulated,
        "it holds texts of restricted reports": contents.restricted,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)
