"""PDFs with a text layer: paragraphs with their pages, superscript numbers glued as on a saved page, images by their bytes.

The file is taken apart in a process of its own (:mod:`toolkit.sources.pdf_pages`) whose memory and time are limited, so
that one which unpacks without end is one clear error. Links are recorded, never followed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.sources.document import Block, Document
from toolkit.sources.pdf_layout import paragraphs
from toolkit.sources.pdf_lines import Line, Page, Paragraph
from toolkit.sources.read_text import describe

_MB = 2**20
# What a writing program leaves in place of a title or an author.
_NO_TITLE = re.compile(
    r"^(?:untitled|unspecified|anonymous|\(.*\))?$|^microsoft \w+ - |\.(?:docx?|indd|pdf|tex|odt)$", re.I
)
# Raised behind these, a number is a power: km², 10⁶.
_POWER = re.compile(r"(?:(?<![^\W_])[kcdm]?m|(?<!\d)\d{1,3})$")
_DAMAGED = "save or export it again, or repair it (qpdf {name} repaired.pdf)"


@dataclass(frozen=True)
class Limits:
    """What a PDF may take: pages, characters, bytes of its images and of memory, seconds of computing."""

    pages: int = 2000
    characters: int = 5_000_000
    image_bytes: int = 200 * _MB
    memory: int = 2048 * _MB
    seconds: int = 300


LIMITS = Limits()


def read(data: bytes, name: str) -> Document:
    """Return a PDF's text; :class:`InputError` where it is encrypted, damaged, without a text layer or beyond :data:`LIMITS`."""
    if not data.lstrip().startswith(b"%PDF-"):
        raise InputError(f"{name} is not a PDF: it does not begin with %PDF-", hint="docposts source add FILE")
    if b"%%EOF" not in data[-2048:]:
        raise InputError(f"{name} is cut short: a PDF's end mark (%%EOF) is missing", hint="obtain the file again")
    found = _taken_apart(data, name)
    pages = [
        Page(p["number"], p["height"], tuple(_line(line, p["number"]) for line in p["lines"])) for p in found["pages"]
    ]
    text = "".join(line.text for page in pages for line in page.lines)
    pictures = _pictures(found["pages"])
    readable = len(text) - text.count("\ufffd")
    if readable < (20 * len(pages) if any(page["pictures"] for page in found["pages"]) else 1):
        raise InputError(
            f"{name} has no text layer ({len(pages)} pages, {readable} characters): it is a scan, or its text is drawn",
            hint=f"recognise its text first (ocrmypdf {name} with-text.pdf), then add that file",
        )
    if readable < 0.8 * len(text):
        raise InputError(
            f"{name}: its fonts do not say which characters they show ({len(text) - readable} of {len(text)} unknown)",
            hint=f"recognise its text (ocrmypdf --force-ocr {name} with-text.pdf), then add that file",
        )
    return _document(paragraphs(pages), pictures, found)


def _taken_apart(data: bytes, name: str) -> dict[str, Any]:
    """Return what :mod:`toolkit.sources.pdf_pages` finds, run within :data:`LIMITS`."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "toolkit.sources.pdf_pages", json.dumps(asdict(LIMITS))]
    try:
        # The clock counts for what waits instead of computing.
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=4 * LIMITS.seconds + 30,
            env=os.environ | {"PYTHONPATH": paths},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _refusal("time", name) from error
    if done.returncode < 0:
        raise _refusal("time" if -done.returncode in (9, 24) else "damaged", name)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = "memory" if "MemoryError" in "".join(said[-1:]) else "damaged"
        raise _refusal(reason, name, said[-1] if said else "") from error
    if "refused" in found:
        raise _refusal(found["refused"], name)
    return found


def _refusal(reason: str, name: str, said: str = "") -> InputError:
    if reason == "encrypted":
        hint = f"decrypt it (qpdf --decrypt --password=… {name} open.pdf), then add that file"
        return InputError(f"{name} is encrypted: it opens with a password only", hint=hint)
    if reason == "damaged":
        detail = f" ({said})" if said else ""
        return InputError(f"{name} is damaged: its pages cannot all be found{detail}", hint=_DAMAGED.format(name=name))
    most = {
        "pages": f"more than {LIMITS.pages} pages",
        "characters": f"more than {LIMITS.characters} characters",
        "images": f"more than {LIMITS.image_bytes // _MB} MB of images",
        "memory": f"more than {LIMITS.memory // _MB} MB once unpacked",
        "time": f"more than {LIMITS.seconds} seconds to read",
    }[reason]
    return InputError(f"{name} takes {most}", hint="add the pages that matter as a file of their own")


def _line(found: dict[str, Any], page: int) -> Line:
    marks = tuple((at, length) for at, length in found.pop("marks"))
    links = tuple((at, length, url) for at, length, url in found.pop("links"))
    return Line(page, **found, marks=marks, links=links)


def _pictures(pages: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return (page, picture) down the pages, without those that stand on page after page, as a letterhead does."""
    seen: dict[str, set[int]] = defaultdict(set)
    pictures = [(page["number"], picture) for page in pages for picture in page["pictures"]]
    for number, picture in pictures:
        seen[picture["data"] or picture["name"]].add(number)
    least = 2 if len(pages) < 4 else 3
    shown = [(n, p) for n, p in pictures if len(seen[p["data"] or p["name"]]) < least]
    return sorted(shown, key=lambda entry: (entry[0], -entry[1]["y0"]))


def _document(found: list[Paragraph], pictures: list[tuple[int, dict[str, Any]]], said: dict[str, Any]) -> Document:
    before: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, picture in pictures:
        before[_behind(found, number, picture)].append((number, picture))
    blocks: list[Block] = []
    parts: list[str] = []
    start = 0
    for place in range(len(found) + 1):
        for number, picture in before[place]:
            blocks.append(Block("image", start, start, "image", picture["name"], page=number))
        if place == len(found) or not found[place].text.strip():
            continue
        paragraph = found[place]
        parts.append(paragraph.text)
        pages = tuple((page, start + at, start + end) for page, at, end in paragraph.pages)
        blocks.append(
            Block(
                paragraph.kind,
                start,
                start + len(paragraph.text),
                "lines",
                footnote=paragraph.footnote,
                anchors=tuple((start + at, length, label) for at, length, label in _anchors(paragraph)),
                page=pages[0][0],
                pages=pages if len(pages) > 1 else (),
                links=tuple((start + at, length, url) for at, length, url in paragraph.links),
            )
        )
        start += len(paragraph.text) + 1
    text = "\n".join(parts) + "\n"
    images = {p["name"]: base64.b64decode(p["data"]) if p["data"] else None for _, p in pictures}
    return Document(text, tuple(blocks), images, describe(text) | _metadata(said), text.count("\ufffd"))


def _behind(found: list[Paragraph], page: int, picture: dict[str, Any]) -> int:
    """Return the place of the paragraph that a picture stands before: the first below it, which may be its caption."""
    last = 0
    for place, paragraph in enumerate(found):
        first = paragraph.lines[0]
        if paragraph.kind == "footnote" and first.page <= page:
            continue
        below = first.y0 < picture["y0"] + 0.3 * first.size and first.x0 < picture["x1"] and first.x1 > picture["x0"]
        if first.page > page or (first.page == page and below):
            return place
        last = place + 1
    return last


def _anchors(paragraph: Paragraph) -> list[tuple[int, int, str]]:
    """Return (place, length, label) of the raised footnote numbers."""
    found = []
    for at, length in paragraph.marks:
        if at == 0 or _POWER.search(paragraph.text[:at]):
            continue
        for match in re.finditer(r"\d{1,3}|[*†‡]+", paragraph.text[at : at + length]):
            found.append((at + match.start(), len(match[0]), match[0]))
    return found


def _metadata(said: dict[str, Any]) -> dict[str, Any]:
    """Return what the document information says; what programs write there by themselves says nothing."""
    information = {key: value for key, value in said["information"].items() if value}
    title, author = (" ".join(information.get(key, "").split()) for key in ("Title", "Author"))
    date = re.match(r"D:(\d{4})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", information.get("CreationDate", ""))
    language = (said["language"] or "").partition("-")[0].lower()
    found = {
        "title": None if _NO_TITLE.search(title) else title,
        "authors": None if _NO_TITLE.search(author) else [a.strip() for a in author.split(";") if a.strip()],
        "published": "-".join(date.groups()) if date else None,
        "languages": [language] if re.fullmatch(r"[a-z]{2,3}", language) else None,
    }
    return {key: value for key, value in found.items() if value}
