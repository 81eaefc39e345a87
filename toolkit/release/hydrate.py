"""A dehydrated release and a user's own copies of the reports → the same release with its texts and images, for private use.

Narratives and display names of accounts come back by :mod:`toolkit.release.hydrate_around`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import publishing, read_bytes, sha256_text
from toolkit.ids import normalise
from toolkit.release import images
from toolkit.release.dehydrate import WORDS
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.hydrate_around import NO_COPY, Names, Narratives
from toolkit.release.layout import Contents
from toolkit.release.rows import KEYS
from toolkit.release.seal import seal
from toolkit.release.shards import write_split
from toolkit.sources import registry
from toolkit.workspace import Workspace

Row = dict[str, Any]
ANOTHER = "another image"
NEEDED = ("sources", "posts", "photo_texts", "text_layers", "narratives", "accounts")
"""The tables of a corpus that a release is filled from."""


@dataclass
class Hydrated:
    """What came back: how many rows, images, narratives, and accounts' names; and which did not, with the reason (id → why)."""

    folder: Path
    filled: int = 0
    images: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    images_missing: dict[str, str] = field(default_factory=dict)
    narratives: int = 0
    narratives_missing: dict[str, str] = field(default_factory=dict)
    accounts: int = 0

    @property
    def others(self) -> list[str]:
        """The photo texts of which the copy shows another image."""
        return [name for name, why in self.images_missing.items() if why == ANOTHER]

    @property
    def narratives_wrong(self) -> list[str]:
        """The narratives that a restricted report's copy should have given, or gave otherwise."""
        return [name for name, why in self.narratives_missing.items() if why != NO_COPY]


def image_files(workspace: Workspace, folder: Path | None = None) -> Iterator[Path]:
    """Yield the image files of a workspace's sources, and all files of a folder."""
    for source in registry.sources(workspace):
        yield from source.media.values()
    if folder is not None:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def hydrate(release: Folder, corpus: Mapping[str, pa.Table], to: Path, files: Iterable[Path] = ()) -> Hydrated:
    """Write the release with the texts that ``corpus`` holds, and the images among ``files``, to a new folder for private use.

    A row is filled where the corpus has a row of its id whose text has the hash that the release names, and left as it is where
    not; a narrative where its id or its report's hash tells that it is the same; public accounts get all their names. An image
    is put back that has the hash which the release names, whatever its file is called and says beside the pixels.
    :class:`ConflictError` where the folder is there, :class:`InputError` where the release has nothing to fill.
    """
    if to.exists():
        raise ConflictError(f"{to} is there already", hint="name a folder that is not")
    done = Hydrated(to)
    known = {config: {row[KEYS[config]]: row for row in corpus[config].to_pylist()} for config in WORDS}
    translations = {
        row["post_id"]: row["text"] for row in corpus["text_layers"].to_pylist() if row["layer"] == "translation"
    }
    pictures = release.rows("photo_texts")
    stay = pc.and_(pc.is_valid(pictures["image_hash"]), pc.is_null(pictures["image"]))
    held = images.copies(files) if pc.any(stay).as_py() else {}
    parts: dict[tuple[str, str], pa.Table] = {}
    for config in WORDS:
        for split, rows in release.parts.get(config, {}).items():
            made = []
            for row in rows.to_pylist():
                own = known[config].get(row[KEYS[config]])
                filled = _with_words(config, row, own, translations, done)
                made.append(_with_image(filled, own, held, done) if config == "photo_texts" else filled)
            parts[config, split] = release_table(config).from_rows(made)
    parts |= _around(release, corpus, done)
    if not (done.filled or done.images or done.narratives or done.accounts):
        if not (done.missing or done.images_missing or done.narratives_missing):
            raise InputError(f"{release.path} has its texts and images: there is nothing to hydrate")
        raise InputError(
            f"none of the {len(done.missing)} dehydrated rows and {len(done.narratives_missing)} narratives of {release.path} "
            f"is in this workspace's corpus, and none of {len(done.images_missing)} images among its files",
            hint="docposts source hydrate RECIPE COPY, then docposts corpus build",
        )
    behind = release.manifest["dropped"].get(images.NOT_ALLOWED, 0) - done.images
    dropped = {**release.manifest["dropped"], images.NOT_ALLOWED: behind}
    with publishing(to) as new:
        shutil.copytree(release.path, new, dirs_exist_ok=True)
        for (config, split), rows in parts.items():
            write_split(new, config, split, rows, Contents.shard_bytes)
        left = {why: count for why, count in dropped.items() if count > 0}
        seal(new, restricted=True, publishable=False, hydrated=True, dropped=left)
    return done


def _around(release: Folder, corpus: Mapping[str, pa.Table], done: Hydrated) -> dict[tuple[str, str], pa.Table]:
    """Return the narratives and accounts with what was left out of them, where something came back."""
    narratives = Narratives(corpus, release.rows("sources"))
    names = Names(corpus, frozenset(release.manifest["dehydrated"]))
    made = {}
    for config, filling in (("narratives", narratives), ("accounts", names)):
        for split, rows in release.parts.get(config, {}).items():
            filled = [filling.fill(row) for row in rows.to_pylist()]
            made[config, split] = release_table(config).from_rows(filled)
    done.narratives, done.narratives_missing, done.accounts = narratives.back, narratives.missing, names.back
    return made


def _with_words(config: str, row: Row, own: Row | None, translations: Mapping[str, str], done: Hydrated) -> Row:
    if not row["dehydrated"]:
        return row
    if own is None or (why := _differs(row, own)):
        done.missing[row[KEYS[config]]] = "not in the corpus" if own is None else why
        return row
    done.filled += 1
    words = {name: own.get(name, empty) for name, empty in WORDS[config].items()}
    if config == "posts" and not row["is_translation"]:
        words["translation"] = translations.get(row["post_id"])
    return row | words | {"dehydrated": False}


def _differs(row: Row, own: Row) -> str:
    same = row["exact_hash"] == own["exact_hash"] == sha256_text(normalise(own["text"]))
    return "" if same else "another text"


def _with_image(row: Row, own: Row | None, held: Mapping[str, Path], done: Hydrated) -> Row:
    wanted = row["image_hash"]
    if wanted is None or row["image"] is not None:
        return row
    if wanted not in held:
        done.images_missing[row["photo_id"]] = ANOTHER if own is not None and own["media"] else NO_COPY
        return row
    done.images += 1
    return row | {"image": images.image_of(images.cleaned(read_bytes(held[wanted])))}
