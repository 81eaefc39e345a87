"""The gate on the documents: every number and word of the card, and of what lies beside it, follows from the rows."""

from __future__ import annotations

from toolkit import __version__
from toolkit.fsio import read_text
from toolkit.release import card
from toolkit.release.documents import books, documents, edition
from toolkit.release.folder import Folder
from toolkit.release.gate import NotRun
from toolkit.release.restore import contents_of

SAYS = "card, licence, citation, description, forms and guides are those that rows, codebooks and manifest make"


def made(folder: Folder) -> tuple[dict[str, str], dict[str, str]]:
    """Return the documents of a release and the hashes of its edition, made again from its rows, codebooks and manifest.

    By the package's own templates: none that the folder brings along is run.
    """
    contents, digest = contents_of(folder), str(folder.manifest["digest"])
    numbers, texts = card.numbers(contents), books(contents, shipped=True)
    hashes = edition(contents, numbers, digest, codebooks=texts)
    return documents(contents, numbers, digest, folder.manifest["files"], codebooks=texts), hashes


def card_gate(folder: Folder) -> list[str]:
    """Make the documents again and compare; those of templates that the package does not have cannot be."""
    by = folder.manifest["made_with"].get("documented-posts")
    if by != __version__:
        raise NotRun(f"made by documented-posts {by}, whose words may be others; this is {__version__}")
    own = {*folder.manifest["own"]}
    problems = []
    texts, hashes = made(folder)
    for path, text in texts.items():
        where = folder.path / path
        if path in own or (where.exists() and read_text(where) == text):
            continue
        problems.append(f"{path}: {_first(read_text(where), text) if where.exists() else 'is missing'}")
    said = folder.manifest["documents"]
    problems += [
        f"{path}: the manifest's hash of what it says is another"
        for path, value in hashes.items()
        if path not in own and said.get(path) != value
    ]
    if own and not problems:
        raise NotRun(f"{', '.join(sorted(own))} has a template that is not the package's; the other documents follow")
    return problems


def _first(there: str, made: str) -> str:
    """Return where two texts part."""
    lines = list(zip(there.splitlines(), made.splitlines(), strict=False))
    place = next((number for number, (one, other) in enumerate(lines) if one != other), len(lines))
    said = there.splitlines()[place] if place < len(there.splitlines()) else "(nothing)"
    return f"line {place + 1} does not follow from the release: {said.strip()[:80]!r}"
