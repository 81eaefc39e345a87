"""A dehydrated release and a user's own copies of the reports → the same release with its texts, for private use."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import publishing, sha256_text
from toolkit.ids import normalise
from toolkit.release.dehydrate import WORDS
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.layout import Contents
from toolkit.release.rows import KEYS
from toolkit.release.seal import seal
from toolkit.release.shards import write_split

Row = dict[str, Any]


@dataclass(frozen=True)
class Hydrated:
    """What came back: how many rows, and which did not, with the reason (id → why)."""

    folder: Path
    filled: int
    missing: Mapping[str, str]


def hydrate(release: Folder, corpus: Mapping[str, pa.Table], to: Path) -> Hydrated:
    """Write the release with the texts that ``corpus`` holds to a new folder, which is for private use.

    A row is filled where the corpus has a row of its id whose text has the hash that the release names, and left as it is where
    not. :class:`ConflictError` where the folder is there, :class:`InputError` where the release has nothing to fill.
    """
    if to.exists():
        raise ConflictError(f"{to} is there already", hint="name a folder that is not")
    known = {
        "posts": {row["post_id"]: row for row in corpus["posts"].to_pylist()},
        "photo_texts": {row["photo_id"]: row for row in corpus["photo_texts"].to_pylist()},
    }
    translations = {
        row["post_id"]: row["text"] for row in corpus["text_layers"].to_pylist() if row["layer"] == "translation"
    }
    missing: dict[str, str] = {}
    filled = 0
    parts: dict[tuple[str, str], pa.Table] = {}
    for config, columns in WORDS.items():
        for split, rows in release.parts.get(config, {}).items():
            made = []
            for row in rows.to_pylist():
                why = _differs(row, known[config].get(row[KEYS[config]])) if row["dehydrated"] else ""
                if why:
                    missing[row[KEYS[config]]] = why
                if not row["dehydrated"] or why:
                    made.append(row)
                    continue
                own = known[config][row[KEYS[config]]]
                words = {name: own.get(name, empty) for name, empty in columns.items()}
                if config == "posts" and not row["is_translation"]:
                    words["translation"] = translations.get(row["post_id"])
                made.append(row | words | {"dehydrated": False})
                filled += 1
            parts[config, split] = release_table(config).from_rows(made)
    if not filled and not missing:
        raise InputError(f"{release.path} has its texts: there is nothing to hydrate")
    if not filled:
        raise InputError(
            f"none of the {len(missing)} dehydrated rows of {release.path} is in this workspace's corpus",
            hint="docposts source hydrate RECIPE COPY, then docposts corpus build",
        )
    with publishing(to) as new:
        shutil.copytree(release.path, new, dirs_exist_ok=True)
        for (config, split), rows in parts.items():
            write_split(new, config, split, rows, Contents.shard_bytes)
        seal(new, restricted=True, publishable=False, hydrated=True)
    return Hydrated(to, filled, missing)


def _differs(row: Row, own: Row | None) -> str:
    if own is None:
        return "not in the corpus"
    same = row["exact_hash"] == own["exact_hash"] == sha256_text(normalise(own["text"]))
    return "" if same else "another text"
