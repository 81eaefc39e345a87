"""The folder of a release: what it holds, written from one set of contents, and its manifest.

::

    README.md                                  the card; its YAML says what load_dataset reads
    <config>/<split>-00000-of-00001.parquet    rows in corpus order; in several files where they are many
    folds/<by>.csv                             leave one source, or one campaign, out
    codebooks/<task>/                          codebook.yaml · config.xml · guide.en.md · guide.zh.md
    croissant.json · LICENSE.md · CITATION.cff · CHANGELOG.md
    MANIFEST.json                              every other file with size and hash, rows and digests, what it was made of

No file holds a clock's time: the same contents give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit import __version__
from toolkit.codebook import Codebook
from toolkit.fsio import canonical_json, sha256_file, sha256_text, write_atomic
from toolkit.parquet import WRITER, row_digest
from toolkit.release.features import features, labels, release_table
from toolkit.release.shards import of_split, write_split

MANIFEST, README = "MANIFEST.json", "README.md"
FORMAT = 2
# What of a release's contents the manifest says beside its rows, so that its documents can be made again from the folder.
ABOUT = (
    *("title", "licence", "contact", "languages", "gated", "seed", "annotators", "agreement"),
    *("annotator_demographics", "ethical_review"),
)


@dataclass(frozen=True)
class Contents:
    """All that a release is made of. ``parts``: config → split → rows, empty ones left out."""

    version: str
    name: str
    title: str
    licence: str
    contact: str
    languages: tuple[str, ...]
    parts: Mapping[str, Mapping[str, pa.Table]]
    codebooks: Mapping[str, Codebook]
    corpus: Mapping[str, str]
    inputs: Mapping[str, str]
    changelog: str
    simulated: bool = False
    restricted: bool = False
    public: tuple[str, ...] = ()
    annotators: int = 0
    linkable: tuple[str, ...] = ()
    held_out: Mapping[str, str] | None = None
    dropped: Mapping[str, int] | None = None
    agreement: tuple[Mapping[str, Any], ...] = ()
    folds: Mapping[str, str] = field(default_factory=dict)
    campaigns_whole: bool = False
    taken_down: tuple[str, ...] = ()
    seed: int = 0
    gated: bool = False
    dehydrated: tuple[str, ...] = ()
    annotator_demographics: str = ""
    ethical_review: str = ""
    shard_bytes: int = 500_000_000
    own: tuple[str, ...] = ()
    """Documents that are made from templates of the workspace's own."""

    def rows(self, config: str) -> pa.Table:
        """Return the rows of a config over all its splits."""
        return pa.concat_tables([*self.parts.get(config, {}).values()] or [release_table(config).empty()])

    def features(self) -> dict[str, list[dict[str, Any]]]:
        """Return the features of the configs that are there."""
        return {config: features(config, labels(config, self.codebooks)) for config in self.parts}


def data_digest(rows: Mapping[str, Mapping[str, str]], declared: Mapping[str, Any], books: Mapping[str, str]) -> str:
    """Return the digest of what a release says: row digests by config and split, features, hashes of the codebooks.

    Two releases with the same digest say the same, whatever their number and whichever library wrote their files.
    """
    return sha256_text(canonical_json({"rows": rows, "features": declared, "codebooks": books}))


def rows_of(contents: Contents) -> dict[str, dict[str, dict[str, Any]]]:
    """Return config → split → rows and row_digest."""
    return {
        config: {split: {"rows": part.num_rows, "row_digest": row_digest(part)} for split, part in splits.items()}
        for config, splits in contents.parts.items()
    }


def with_shards(
    configs: Mapping[str, Mapping[str, Mapping[str, Any]]], files: Collection[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the manifest's account of the splits with the number of their files, where they have several."""
    counted = {
        (config, split): len(of_split(files, config, split)) for config, splits in configs.items() for split in splits
    }
    return {
        config: {
            split: {**said, **({"shards": counted[config, split]} if counted[config, split] > 1 else {})}
            for split, said in splits.items()
        }
        for config, splits in configs.items()
    }


def write_parts(folder: Path, contents: Contents) -> dict[str, dict[str, Any]]:
    """Write the rows; return path → bytes and sha256."""
    for config, splits in contents.parts.items():
        for split, rows in splits.items():
            write_split(folder, config, split, rows, contents.shard_bytes)
    return list_files(folder)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the documents."""
    for path, text in texts.items():
        write_atomic(folder / path, text)


def write_manifest(folder: Path, contents: Contents, said: Mapping[str, Any]) -> None:
    """Write the manifest of a folder in which everything else lies; ``said``: configs, digest, documents."""
    value = {**said, **described(contents), "files": list_files(folder)}
    write_atomic(folder / MANIFEST, canonical_pretty(value))


def described(contents: Contents) -> dict[str, Any]:
    """Return what the manifest says that is not computed from files."""
    return {
        "format": FORMAT,
        "name": contents.name,
        "version": contents.version,
        "about": json.loads(canonical_json({name: getattr(contents, name) for name in ABOUT})),
        "own": list(contents.own),
        "corpus": dict(contents.corpus),
        "inputs": dict(contents.inputs),
        "codebooks": {task: book.version for task, book in contents.codebooks.items()},
        "simulated": contents.simulated,
        "restricted": contents.restricted,
        "campaigns_whole": contents.campaigns_whole,
        "taken_down": list(contents.taken_down),
        "dehydrated": list(contents.dehydrated),
        "publishable": not contents.simulated and not contents.restricted,
        "public_handles": list(contents.public),
        "linkable": list(contents.linkable),
        "held_out": dict(contents.held_out or {}),
        "dropped": dict(contents.dropped or {}),
        "made_with": {"documented-posts": __version__, "parquet": WRITER},
    }


def list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return path → bytes and sha256 of every file in the folder but its manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in paths
        if path.name != MANIFEST or path.parent != folder
    }


def canonical_pretty(value: Any) -> str:
    """Return JSON for people to read: sorted, indented, one text for one value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
