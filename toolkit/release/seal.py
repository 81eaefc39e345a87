"""Fresh numbers and documents for a release folder whose rows were rewritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.fsio import read_text, write_atomic
from toolkit.parquet import row_digest
from toolkit.release import card
from toolkit.release.documents import books, documents, edition, edition_digest
from toolkit.release.folder import Folder
from toolkit.release.layout import MANIFEST, README, canonical_pretty, data_digest, list_files, with_shards
from toolkit.release.restore import contents_of

_PRIVATE = (
    "\n> **FOR PRIVATE USE ONLY.** The texts in this copy were put back from reports that may not be passed on: it is not to be "
    "published.\n"
)


def seal(path: Path, **said: Any) -> None:
    """Compute again what manifest and documents say of the rows; ``said`` goes into the manifest.

    A card of somebody's own template keeps its words, its YAML and a warning aside; so do forms and guides of such templates.
    """
    folder = Folder(path)
    manifest = {**folder.manifest, **said}
    # Rows that were written anew may be in another number of files.
    files = list_files(path)
    folder.manifest["configs"] = with_shards(folder.manifest["configs"], files)
    counted = {
        config: {split: {"rows": rows.num_rows, "row_digest": row_digest(rows)} for split, rows in splits.items()}
        for config, splits in folder.parts.items()
    }
    manifest["configs"] = with_shards(counted, files)
    rows = {c: {s: part["row_digest"] for s, part in own.items()} for c, own in manifest["configs"].items()}
    manifest["digest"] = data_digest(rows, folder.features(), folder.codebook_hashes())
    _write(path, manifest)
    contents = contents_of(Folder(path))
    numbers, kept = card.numbers(contents), {name: read_text(path / name) for name in manifest["own"]}
    forms = books(contents, shipped=True) | {name: text for name, text in kept.items() if name != README}
    texts = documents(contents, numbers, manifest["digest"], list_files(path), codebooks=forms)
    if README in kept:
        warning = "" if manifest["publishable"] else _PRIVATE
        texts[README] = f"---\n{_halves(texts[README])[0]}---\n{warning}{_halves(kept[README])[1]}"
    for name, text in texts.items():
        write_atomic(path / name, text)
    manifest["documents"] = edition(contents, numbers, manifest["digest"], codebooks=forms)
    manifest["edition"] = edition_digest(manifest["digest"], manifest["documents"])
    _write(path, manifest)


def _halves(text: str) -> tuple[str, str]:
    _, front, body = text.split("---\n", 2)
    return front, body


def _write(path: Path, manifest: dict[str, Any]) -> None:
    write_atomic(path / MANIFEST, canonical_pretty({**manifest, "files": list_files(path)}))
