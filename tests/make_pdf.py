"""PDFs for the tests, made of fictional text: pages with headers and footers, raised footnote numbers, pictures, links."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer

from toolkit.fsio import read_jsonl

_HAN = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]+")
WIDTH, HEIGHT = A5
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12.5, spaceAfter=6)
HEADING = ParagraphStyle("heading", BODY, fontName="Times-Bold", fontSize=15, leading=18, spaceAfter=10)
FLOWING = ParagraphStyle("flowing", BODY, spaceAfter=0, firstLineIndent=14, alignment=4)


def marked_up(text: str) -> str:
    """Return text as reportlab's markup, Chinese in a font that has it; ``^1^`` is a raised number."""
    raised = re.sub(r"\^(\d+)\^", r'<super rise="3.5" size="6.5">\1</super>', escape(text))
    return _HAN.sub(lambda m: f'<font name="STSong-Light">{m[0]}</font>', raised)


def set_pages(
    story: Sequence[tuple[str, ParagraphStyle]],
    *,
    header: str = "",
    footer: str = "",
    draw: Callable[[Canvas, int], None] = lambda canvas, page: None,
    **information: Any,
) -> bytes:
    """Return a PDF of paragraphs that flow over pages; ``{}`` in a header or footer is the page's number."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = BytesIO()

    def on_page(canvas: Canvas, _: Any) -> None:
        number = canvas.getPageNumber()
        canvas.setFont("Helvetica", 8)
        canvas.drawString(50, HEIGHT - 30, header.format(number))
        canvas.drawCentredString(WIDTH / 2, 25, footer.format(number))
        draw(canvas, number)

    document = BaseDocTemplate(out, pagesize=A5, invariant=1, **information)
    frame = Frame(50, 60, WIDTH - 100, HEIGHT - 110, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=on_page))
    document.build([part for text, style in story for part in (Paragraph(marked_up(text), style), Spacer(0, 0))])
    return out.getvalue()


def drawn(*pages: Callable[[Canvas], None], **options: Any) -> bytes:
    """Return a PDF whose pages are drawn by functions of a canvas."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=1, **options)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def report(text: Path, spans: Path, body: ParagraphStyle = BODY) -> bytes:
    """Return the example report as a PDF: its numbers raised, its notes listed at the end, furniture on each page."""
    words = text.read_text(encoding="utf-8")
    records = [record for _, record in read_jsonl(spans)]
    for span in sorted((r for r in records if r["role"] == "footnote_marker"), key=lambda r: -r["char_start"]):
        start, end = span["char_start"], span["char_end"]
        words = f"{words[:start]}^{words[start:end]}^{words[end:]}"
    notes = {words_of: r["footnote"] for r in records if r["role"] == "footnote" for words_of in [_span(text, r)]}
    lines = [line for line in words.split("\n") if line]
    story = [(lines[0], HEADING)]
    story += [(f"^{notes[line]}^ {line}" if line in notes else line, body) for line in lines[1:]]
    title = "The Dyke That Praised Itself"
    return set_pages(
        story, header="The Plover Desk · Lantern Quay {}", footer="Page {}", title=title, author="The Plover Desk"
    )


def _span(text: Path, record: dict[str, Any]) -> str:
    return text.read_text(encoding="utf-8")[record["char_start"] : record["char_end"]]


def raw(objects: Sequence[bytes], *, tail: bytes = b"") -> bytes:
    """Return a PDF of objects as written, the first being the catalog; for what no library would write."""
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\n%sstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, tail, len(out))
    return out + head + table + trailer


def one_page(
    content: bytes,
    filters: bytes = b"",
    *,
    resources: bytes = b"",
    count: int = 1,
    font: bytes = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    more: Sequence[bytes] = (),
) -> bytes:
    """Return a PDF with one page of this content stream; ``more`` are objects from the sixth on."""
    return raw(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % count,
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> %s >> >>" % resources,
            b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), filters, content),
            font,
            *more,
        ]
    )


def bomb(size: int) -> bytes:
    """Return a small PDF whose page unpacks, through two filters, to ``size`` bytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(size // 2**20)) + packer.flush()
    return one_page(zlib.compress(packed, 9), b"/Filter [/FlateDecode /FlateDecode]")


def png(width: int = 8, height: int = 8) -> bytes:
    """Return a small true PNG."""
    rows = b"".join(b"\0" + bytes((x * 16 + y) % 256 for x in range(width * 3)) for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
