"""The documents of a release, all from one set of contents: card, licence, citation, description, codebooks, folds, changelog.

Nothing here is read from a file that a release brought along but its codebooks: a template of somebody else's is never run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.codebook import LANGUAGES, Codebook, check_codebook
from toolkit.fsio import canonical_json, read_text, sha256_text
from toolkit.labelconfig import render_config, render_guide
from toolkit.release import card, croissant, notices
from toolkit.release.layout import (
    MANIFEST,
    README,
    Contents,
    canonical_pretty,
    data_digest,
    described,
    rows_of,
)
from toolkit.release.shards import of_split, part_path

CARD = "DATASET_CARD.md"
_NO_VERSION = "0.0.0"
# What the manifest says of a release's making, and that changes nothing in what is published.
_MAKING = ("version", "corpus", "inputs", "made_with", "format", "about")


def books(contents: Contents, *, shipped: bool = False) -> dict[str, str]:
    """Return the codebooks' files by path; ``shipped``: forms and guides alone, by the package's own templates."""
    files = {} if shipped else _sources(contents)
    for task, book in contents.codebooks.items():
        files |= _rendered(task, _without_folder(book) if shipped else book)
    return files


def _sources(contents: Contents) -> dict[str, str]:
    named = contents.codebooks.items()
    return {f"codebooks/{task}/codebook.yaml": read_text(book.folder / task / "codebook.yaml") for task, book in named}


def _without_folder(book: Codebook) -> Codebook:
    """Return a codebook that brings no templates along."""
    return check_codebook(book.model_dump(mode="json", exclude_defaults=True), Path(book.task))


def _rendered(task: str, book: Codebook) -> dict[str, str]:
    guides = {
        f"codebooks/{task}/guide.{language}.md": render_guide(book, language, markup="md") for language in LANGUAGES
    }
    return {f"codebooks/{task}/config.xml": render_config(book, form=book.forms[0])} | guides


def digest_of(contents: Contents) -> str:
    """Return the data digest of contents that are not written yet."""
    rows = {config: {s: part["row_digest"] for s, part in own.items()} for config, own in rows_of(contents).items()}
    hashes = {path: sha256_text(text) for path, text in _sources(contents).items()}
    return data_digest(rows, contents.features(), hashes)


def documents(
    contents: Contents,
    numbers: Mapping[str, Any],
    digest: str,
    files: Mapping[str, Mapping[str, Any]],
    *,
    codebooks: Mapping[str, str],
    template: Path | None = None,
) -> dict[str, str]:
    """Return the text of every document by path. ``files`` are path → bytes and sha256 of the parts."""
    numbers = {**numbers, "version": contents.version, "corpus_version": contents.corpus["version"]}
    sizes = {
        config: {split: sum(int(files[path]["bytes"]) for path in of_split(files, config, split)) for split in splits}
        for config, splits in contents.parts.items()
    }
    paths = [
        path for config, splits in contents.parts.items() for split in splits for path in of_split(files, config, split)
    ]
    parts = {path: files[path] for path in sorted(paths)}
    front = notices.front_matter(contents, digest, sizes)
    return {
        **contents.folds,
        **codebooks,
        "LICENSE.md": notices.licence(contents),
        "CITATION.cff": notices.citation(contents),
        "CHANGELOG.md": contents.changelog,
        croissant.FILE: canonical_pretty(croissant.describe(contents, numbers, parts)),
        README: f"---\n{front}---\n{card.render(numbers, template)}",
    }


def edition(
    contents: Contents,
    numbers: Mapping[str, Any],
    digest: str,
    *,
    codebooks: Mapping[str, str],
    template: Path | None = None,
) -> dict[str, str]:
    """Return document → hash of what it says, numbers of versions and sizes of files aside, and so of the manifest.

    With the data digest it tells whether there is anything new to publish.
    """
    blank = replace(contents, version=_NO_VERSION, changelog="", corpus={**contents.corpus, "version": _NO_VERSION})
    parts = [part_path(config, split) for config, splits in contents.parts.items() for split in splits]
    nothing = {path: {"bytes": 0, "sha256": "0" * 64} for path in parts}
    texts = documents(blank, numbers, digest, nothing, codebooks=codebooks, template=template)
    texts.pop("CHANGELOG.md")
    said = {name: value for name, value in described(contents).items() if name not in _MAKING}
    return {path: sha256_text(text) for path, text in (texts | {MANIFEST: canonical_json(said)}).items()}


def edition_digest(digest: str, hashes: Mapping[str, str]) -> str:
    """Return the digest of all that a release says: its data digest, and what its documents say."""
    return sha256_text(canonical_json({"data": digest, "documents": dict(hashes)}))
