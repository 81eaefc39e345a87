"""What stands on a PDF's pages: lines with their places, superscripts and links, pictures, document information.

Run as a process of its own, ``python -m toolkit.sources.pdf_pages LIMITS``, by :mod:`toolkit.sources.read_pdf`: the file
comes on stdin, a JSON object goes to stdout. A file that unpacks without end meets the limits of this process and no other's.
"""

from __future__ import annotations

import base64
import json
import re
import resource
import statistics
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

from pdfminer.converter import PDFPageAggregator
from pdfminer.layout import LAParams, LTAnno, LTChar, LTFigure, LTImage, LTItem, LTPage, LTTextLine
from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import PDFStream, dict_value, int_value, list_value, resolve1
from pdfminer.psparser import PSException
from pdfminer.utils import decode_text

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_UNKNOWN = re.compile(r"\(cid:\d+\)|[\x00\ud800-\udfff]")
_MARK = re.compile(r"[\d*†‡,;–-]+")


class Refused(Exception):
    """The file cannot be read; its argument is the reason's short name."""


@dataclass(frozen=True)
class _Glyph:
    text: str
    x0: float
    x1: float
    y0: float
    size: float
    bold: bool


def pages(data: bytes, limits: dict[str, int]) -> dict[str, Any]:
    """Return what a PDF's pages hold; :class:`Refused` where it cannot be read or goes beyond a limit."""
    try:
        # A cut file has lost the table at its end; without it the parser would guess, and silently give what is left.
        document = PDFDocument(PDFParser(BytesIO(data)), fallback=False)
        count = int_value(dict_value(document.catalog["Pages"]).get("Count", 0))
        if count > limits["pages"]:
            raise Refused("pages")
        found = list(_pages(document, limits))
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise Refused("encrypted") from error
    except (PSException, KeyError) as error:
        raise Refused("damaged") from error
    if len(found) != count:
        raise Refused("damaged")
    information = {k: _information(v) for info in document.info for k, v in info.items()}
    language = _information(document.catalog.get("Lang"))
    return {"pages": found, "information": information, "language": language}


def _pages(document: PDFDocument, limits: dict[str, int]) -> Iterator[dict[str, Any]]:
    manager = PDFResourceManager()
    # No order of boxes: pdfminer breaks ties in it by memory addresses, so that it differs from run to run.
    device = PDFPageAggregator(manager, laparams=LAParams(boxes_flow=None, all_texts=True))
    interpreter = PDFPageInterpreter(manager, device)
    characters = image_bytes = 0
    for number, page in enumerate(PDFPage.create_pages(document), start=1):
        if number > limits["pages"]:
            raise Refused("pages")
        interpreter.process_page(page)
        layout = device.get_result()
        lines = _lines(layout, _links(page))
        pictures = [p for i, image in enumerate(_images(layout), start=1) for p in [_picture(image, number, i)]]
        characters += sum(len(line["text"]) for line in lines)
        image_bytes += sum(len(picture["data"] or "") for picture in pictures)
        if characters > limits["characters"]:
            raise Refused("characters")
        if image_bytes > limits["image_bytes"]:
            raise Refused("images")
        yield {"number": number, "height": layout.height, "lines": lines, "pictures": pictures}


def _lines(layout: LTPage, links: list[tuple[Any, str]]) -> list[dict[str, Any]]:
    fragments = [glyphs for line in _text_lines(layout) if (glyphs := _glyphs(line))]
    return [line for glyphs in _merged(fragments) if (line := _line(glyphs, links))]


def _text_lines(item: LTItem) -> Iterator[LTTextLine]:
    if isinstance(item, LTTextLine):
        yield item
    elif isinstance(item, Iterable):
        for child in item:
            yield from _text_lines(child)


def _glyphs(line: LTTextLine) -> list[_Glyph]:
    """Return a line's characters, those of turned text left out: watermarks and margins."""
    found: list[_Glyph] = []
    for item in line:
        if isinstance(item, LTChar) and item.upright:
            text = _UNKNOWN.sub("\ufffd", item.get_text())
            text = "".join(_LIGATURES.get(c, c) for c in text)
            bold = "bold" in item.fontname.lower() or "black" in item.fontname.lower()
            found.append(_Glyph(text, item.x0, item.x1, item.y0, item.size, bold))
        elif isinstance(item, LTAnno) and found and item.get_text() == " ":
            found.append(_Glyph(" ", found[-1].x1, found[-1].x1, found[-1].y0, 0, False))
    while found and found[-1].text.isspace():
        found.pop()
    while found and found[0].text.isspace():
        found.pop(0)
    return found


def _main(glyphs: list[_Glyph]) -> tuple[float, float]:
    """Return the (size, lower edge) of most of a line's characters."""
    shown = [g for g in glyphs if not g.text.isspace() and g.size] or glyphs
    size = statistics.mode([round(g.size, 1) for g in shown])
    return size, statistics.median([g.y0 for g in shown if round(g.size, 1) == size])


def _merged(fragments: list[list[_Glyph]]) -> list[list[_Glyph]]:
    """Return lines of which parts that were drawn apart, such as superscripts drawn last, are together again."""
    lines: list[tuple[float, float, list[_Glyph]]] = []
    for glyphs in sorted(fragments, key=len, reverse=True):
        size, low = _main(glyphs)
        left, right = glyphs[0].x0, max(g.x1 for g in glyphs)
        for place, (other_size, other_low, other) in enumerate(lines):
            height = min(size, other_size)
            overlap = min(low + size, other_low + other_size) - max(low, other_low)
            gap = max(left - max(g.x1 for g in other), other[0].x0 - right)
            if overlap > height / 2 and gap < other_size and (other_size > size * 1.2 or abs(low - other_low) < 1):
                lines[place] = (other_size, other_low, sorted(other + glyphs, key=lambda g: g.x0))
                break
        else:
            lines.append((size, low, glyphs))
    return [glyphs for _, _, glyphs in lines]


def _line(glyphs: list[_Glyph], links: list[tuple[Any, str]]) -> dict[str, Any] | None:
    """Return a line's text, white space collapsed, with the places of its superscripts and links in it."""
    size, low = _main(glyphs)
    text = ""
    raised: list[int] = []
    linked: dict[str, list[int]] = {}
    for before, glyph in zip([None, *glyphs], glyphs, strict=False):
        if glyph.text.isspace() and glyph.text != "\u00a0":
            text += "" if text.endswith(" ") or not text else " "
            continue
        high = 0 < glyph.size < 0.85 * size and glyph.y0 > low + 0.15 * size and bool(_MARK.fullmatch(glyph.text))
        if high and text.endswith(" ") and before and not before.size:
            # A blank that is only a gap: the number belongs to the word before it.
            text = text[:-1]
        elif not high and before and glyph.x0 - before.x1 > 0.15 * size and not text.endswith(" "):
            text += " "
        at = len(text)
        text += glyph.text
        if high:
            raised.extend(range(at, len(text)))
        for (x0, y0, x1, y1), url in links:
            if x0 <= (glyph.x0 + glyph.x1) / 2 <= x1 and y0 <= glyph.y0 + glyph.size / 2 <= y1:
                linked.setdefault(url, []).extend(range(at, len(text)))
    text = text.rstrip(" ")
    blank = next((i for i, g in enumerate(glyphs) if g.text.isspace()), len(glyphs))
    if not text:
        return None
    return {
        "x0": glyphs[0].x0,
        "x1": max(g.x1 for g in glyphs),
        "y0": low,
        "size": size,
        "bold": all(g.bold for g in glyphs if not g.text.isspace()),
        "text": text,
        "first_word": glyphs[max(0, blank - 1)].x1 - glyphs[0].x0,
        "marks": _runs(raised),
        "links": [[at, length, url] for url, places in linked.items() for at, length in _runs(places, text)],
    }


def _runs(places: list[int], text: str = "") -> list[tuple[int, int]]:
    """Return consecutive places as (first, how many); a blank of ``text`` between two does not part them."""
    runs: list[tuple[int, int]] = []
    for place in places:
        behind = sum(runs[-1]) if runs else -1
        if behind == place or (behind + 1 == place and text[behind : behind + 1] == " "):
            runs[-1] = (runs[-1][0], place + 1 - runs[-1][0])
        else:
            runs.append((place, 1))
    return runs


def _links(page: PDFPage) -> list[tuple[Any, str]]:
    """Return (rectangle, address) of a page's links to elsewhere."""
    found = []
    for reference in list_value(page.annots) if page.annots else []:
        annotation = resolve1(reference)
        action = resolve1(annotation.get("A")) if isinstance(annotation, dict) else None
        address = resolve1(action.get("URI")) if isinstance(action, dict) else None
        corners = resolve1(annotation.get("Rect")) if address else None
        if isinstance(address, bytes) and isinstance(corners, list) and len(corners) == 4:
            x0, y0, x1, y1 = (float(cast(float, resolve1(corner))) for corner in corners)
            box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            found.append((box, address.decode("utf-8", "replace")))
    return found


def _images(item: LTItem) -> Iterator[LTImage]:
    if isinstance(item, LTImage):
        yield item
    elif isinstance(item, LTFigure | LTPage):
        for child in item:
            yield from _images(child)


def _picture(image: LTImage, page: int, number: int) -> dict[str, Any]:
    data = _file(image.stream)
    name = f"page-{page}-image-{number}"
    encoded = base64.b64encode(data).decode() if data else None
    return {"name": name, "x0": image.x0, "x1": image.x1, "y0": image.y0, "data": encoded}


def _file(stream: PDFStream) -> bytes | None:
    """Return an image as the file that it was, where the PDF holds it unchanged: a JPEG, or a PNG's own pixels."""
    filters = stream.get_filters()
    raw = stream.get_rawdata()
    names = [str(getattr(name, "name", name)) for name, _ in filters]
    if raw and names in (["DCTDecode"], ["DCT"]):
        return raw
    given = filters[0][1] if len(filters) == 1 else None
    parameters = given if isinstance(given, dict) else {}
    colours, bits = resolve1(parameters.get("Colors", 1)), resolve1(parameters.get("BitsPerComponent", 8))
    width, height = resolve1(stream.get_any(("W", "Width"))), resolve1(stream.get_any(("H", "Height")))
    space = str(getattr(resolve1(stream.get_any(("CS", "ColorSpace"))), "name", ""))
    kind = {("DeviceGray", 1): 0, ("DeviceRGB", 3): 2}.get((space, cast(int, colours)))
    predictor = resolve1(parameters.get("Predictor", 1))
    if not raw or names != ["FlateDecode"] or kind is None or bits != 8 or not isinstance(predictor, int):
        return None
    if predictor < 10 or resolve1(parameters.get("Columns")) != width:
        return None
    header = struct.pack(">IIBBBBB", cast(int, width), cast(int, height), 8, kind, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", raw), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _information(value: Any) -> str | None:
    value = resolve1(value)
    return _UNKNOWN.sub("\ufffd", decode_text(value)).strip() if isinstance(value, bytes) else None


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def main() -> None:
    """Read the PDF on stdin within the limits given as JSON; what it holds, or why not, goes to stdout."""
    limits = json.loads(sys.argv[1])
    _limit(resource.RLIMIT_AS, limits["memory"])
    _limit(resource.RLIMIT_CPU, limits["seconds"])
    try:
        found = json.dumps(pages(sys.stdin.buffer.read(), limits), ensure_ascii=True)
    except Refused as refused:
        found = json.dumps({"refused": refused.args[0]})
    except MemoryError:
        found = json.dumps({"refused": "memory"})
    sys.stdout.write(found)


if __name__ == "__main__":
    main()
