"""Which reader takes a file: by its content, whatever its name says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from toolkit.errors import InputError
from toolkit.fsio import read_bytes
from toolkit.sources import read_html, read_pdf
from toolkit.sources import read_text as plain
from toolkit.sources.document import Document

Format = Literal["text", "html", "pdf"]
# Text, page or PDF: more than any report, so that what is larger was not meant.
MAX_BYTES = 100 * 2**20


def read(path: Path, form: Format | None = None) -> tuple[bytes, Format, Document]:
    """Return a file's bytes, what it is, and what its reader makes of it; nothing is added."""
    _check_size(path)
    data = read_bytes(path)
    found = _format(data, path, form)
    return data, found, _read(data, path, found)


def sniff(data: bytes, path: Path) -> Format:
    """Return what a file holds, by its content, not its name; :class:`InputError` for what no reader takes."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in head:
        return "html"
    if head.startswith(b"%pdf"):
        return "pdf"
    if head.startswith((b"pk\x03\x04", b"\x1f\x8b", b"\x89png", b"\xff\xd8\xff")):
        raise InputError(
            f"{path}: no reader takes this kind of file",
            hint="save the report as UTF-8 text, as an HTML page or as a PDF",
        )
    return "text"


def _format(data: bytes, path: Path, given: Format | None) -> Format:
    """Return the format to read a file in; :class:`InputError` where it cannot be what it is said to be."""
    found = "pdf" if data.lstrip().startswith(b"%PDF-") else None
    if given and given != (found or given):
        raise InputError(f"{path} is a PDF, whatever its name says", hint="leave out --format")
    return given or sniff(data, path)


def _read(data: bytes, path: Path, form: Format) -> Document:
    if form == "pdf":
        return read_pdf.read(data, path.name)
    return plain.read(data, path.name) if form == "text" else read_html.read(data, path)


def _check_size(path: Path) -> None:
    """Refuse what is larger than any report, before it is read."""
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise InputError(
            f"{path} is larger than {MAX_BYTES // 2**20} MB ({path.stat().st_size / 2**20:.0f} MB)",
            hint="add the part that holds the report as a file of its own",
        )
