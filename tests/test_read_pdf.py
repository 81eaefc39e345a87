"""PDFs: what of their pages becomes the text, where each piece stands, and what is refused."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests import make_pdf
from tests.conftest import EXAMPLES
from toolkit.corpus import build
from toolkit.errors import InputError
from toolkit.fsio import sha256_bytes
from toolkit.sources import read_html, read_pdf, registry, segments
from toolkit.sources.document import Block, Document
from toolkit.sources.model import Segment
from toolkit.sources.propose import proposals
from toolkit.workspace import Workspace

TEXT = EXAMPLES / "reports" / "lantern-quay-3.txt"
SPANS = EXAMPLES / "reports" / "lantern-quay-3.segments.jsonl"
PAGE = EXAMPLES / "reports" / "salt-lamps" / "salt-lamps.html"
LONG = "The lamps burn on the wall by the sea every evening, and the boats come home one after another. " * 6
LINE = b"BT /F1 12 Tf 72 500 Td (The lamps burn on the wall by the sea.) Tj ET"


def read(data: bytes) -> Document:
    return read_pdf.read(data, "report.pdf")


def lines(document: Document) -> list[str]:
    return document.text.rstrip("\n").split("\n")


def shown(document: Document, block: Block) -> str:
    return document.text[block.char_start : block.char_end]


def posts(text: str, blocks: list[dict[str, Any]]) -> list[str]:
    found = proposals(text, blocks)
    return [segments.passage(s, found, text).text for s in found if s.role == "post"]


@pytest.fixture(scope="module", params=[make_pdf.BODY, make_pdf.FLOWING], ids=["spaced", "indented"])
def example(request: pytest.FixtureRequest) -> Document:
    return read(make_pdf.report(TEXT, SPANS, request.param))


# The example report as a PDF


def test_the_paragraphs_are_those_of_the_text(example: Document) -> None:
    assert lines(example) == [line for line in TEXT.read_text(encoding="utf-8").split("\n") if line]


def test_what_the_document_says_of_itself(example: Document) -> None:
    assert example.metadata == {
        "title": "The Dyke That Praised Itself",
        "authors": ["The Plover Desk"],
        "published": "2000-01-01",
        "series": {"name": "Lantern Quay Unmasked", "part": 3, "total": 5},
    }


def test_raised_numbers_are_anchors_and_notes_have_labels(example: Document) -> None:
    anchors = [anchor for block in example.blocks for anchor in block.anchors]
    assert [label for _, _, label in anchors] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [example.text[at : at + length] for at, length, _ in anchors] == ["1", "2", "3", "4", "5", "6", "7"]
    notes = [(block.footnote, block.page) for block in example.blocks if block.kind == "footnote"]
    assert [label for label, _ in notes] == ["1", "2", "6"]


def test_blocks_cover_the_text_and_pages_rise(example: Document) -> None:
    assert [shown(example, block) for block in example.blocks] == lines(example)
    pages = [block.page or 0 for block in example.blocks]
    assert pages[0] == 1
    assert pages == sorted(pages)
    assert pages[-1] > 2


def test_the_proposals_find_the_posts_of_the_text(example: Document, workspace: Workspace) -> None:
    text = registry.add(workspace, TEXT)
    expected = posts(text.text, text.blocks)
    assert len(expected) == 11
    # A PDF has no blank lines between its blocks, so a post that nothing marks, between marked ones, is not told from prose.
    unmarked = [post for post in expected if post.startswith("Boat times for Saturday")]
    assert len(unmarked) == 1
    found = posts(example.text, [block.record() for block in example.blocks])
    assert found == [post for post in expected if post not in unmarked]


def test_a_post_that_crosses_pages_is_one_post(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(make_pdf.report(TEXT, SPANS))
    source = registry.add(workspace, path)
    (crossing,) = [block for block in source.blocks if "pages" in block]
    words = source.text[crossing["char_start"] : crossing["char_end"]]
    (first, start, middle), (second, behind, end) = crossing["pages"]
    assert (start, end, second) == (crossing["char_start"], crossing["char_end"], first + 1)
    assert source.text[middle:behind] == " "
    assert words in TEXT.read_text(encoding="utf-8")
    assert words in [span_text(source.text, s) for s in proposals(source.text, source.blocks) if s.role == "post"]
    assert (source.file.format, source.file.replaced) == ("pdf", 0)


def span_text(text: str, span: Segment) -> str:
    return text[span.char_start : span.char_end]


def test_an_added_pdf_goes_all_the_way_to_the_corpus(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(make_pdf.report(TEXT, SPANS))
    source = registry.add(workspace, path)
    (tmp_path / "spans.jsonl").write_text(
        "".join(f'{{"role": "post", "quote": "{line[:40]} … {line[-30:]}"}}\n' for line in lines_of_posts())
    )
    segments.accept(workspace, source, tmp_path / "spans.jsonl")
    assert build.build(workspace).new
    (source.folder / "raw" / "report.pdf").write_bytes(b"%PDF-1.4 another")
    with pytest.raises(InputError, match=r"raw/report\.pdf is no longer the file that was added"):
        build.build(workspace)


def lines_of_posts() -> list[str]:
    return [line for line in TEXT.read_text(encoding="utf-8").split("\n") if line.startswith("#") and '"' not in line]


def test_the_same_file_gives_the_same_bytes() -> None:
    data = make_pdf.report(TEXT, SPANS)
    assert data == make_pdf.report(TEXT, SPANS)
    assert read(data) == read(data)


# Pages in general


def set_pages(*story: tuple[str, ParagraphStyle], **options: Any) -> Document:
    return read(make_pdf.set_pages(story, **options))


def test_headers_footers_and_page_numbers_are_left_out() -> None:
    story = [(LONG.replace("every", f"{'x' * number}every"), make_pdf.BODY) for number in range(12)]
    document = set_pages(*story, header="Chapter {} · The Quiet Ledger", footer="– {} –")
    assert lines(document) == [text.strip() for text, _ in story]
    assert any(block.pages for block in document.blocks)


def test_a_single_page_loses_nothing() -> None:
    document = set_pages((LONG, make_pdf.BODY), header="The Quiet Ledger", footer="Seen in 1 place")
    assert lines(document) == ["The Quiet Ledger", LONG.strip(), "Seen in 1 place"]


@pytest.mark.parametrize("seed", range(12))
def test_paragraphs_of_any_length_come_back(seed: int) -> None:
    chosen = random.Random(seed)
    words = "lamp wall sea dyke evening harbour villagers Federation a the of and kites #SarnHaven salt-trade".split()
    texts = [" ".join(chosen.choice(words) for _ in range(chosen.randint(4, 130))) + "." for _ in range(25)]
    document = set_pages(*((text, make_pdf.BODY) for text in texts), footer="{}")
    wrong = set(texts) ^ set(lines(document))
    # At the edge of a page a full line that ends a sentence is taken to go on; nothing else may be joined or torn.
    pages = max(block.page or 0 for block in document.blocks)
    assert len(wrong) <= 3 * (pages - 1) // 4
    assert " ".join(lines(document)) == " ".join(texts)


def test_quotations_are_set_in_on_both_sides() -> None:
    quoted = ParagraphStyle("quote", make_pdf.BODY, leftIndent=30, rightIndent=30)
    document = set_pages((LONG, make_pdf.BODY), (LONG[:300], quoted), (LONG, make_pdf.BODY))
    assert [block.kind for block in document.blocks] == ["paragraph", "quote", "paragraph"]


def test_hyphens_stay_unless_the_document_has_the_word_in_one_piece() -> None:
    def page(canvas: Canvas) -> None:
        for place, text in enumerate(
            [
                "The harbour office takes a docu-",
                "mented view of the sea-",
                "wall, well documented and long-",
                "standing.",
            ]
        ):
            canvas.drawString(72, 500 - 14 * place, text)

    expected = "The harbour office takes a documented view of the sea-wall, well documented and long-standing."
    assert lines(read(make_pdf.drawn(page))) == [expected]


def test_chinese_lines_join_without_a_blank() -> None:
    text = "潮堤安民是海港办公室的口号，写在城墙上已经一个月了，村民们每天早晚都能看见。" * 3
    assert lines(set_pages((text, make_pdf.BODY)))[0].replace(" ", "") == text
    assert lines(set_pages((text, ParagraphStyle("han", make_pdf.BODY, fontName="STSong-Light", wordWrap="CJK")))) == [
        text
    ]


def test_columns_are_read_one_after_the_other() -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(
            40, 560, "A line across the whole page, over both of the columns that stand below it, to its end"
        )
        for side, x in (("left", 40), ("right", 230)):
            for row in range(8):
                canvas.drawString(x, 530 - 10 * row, f"{side} row {row} goes on with more words here")

    (first, *rest) = lines(read(make_pdf.drawn(page)))
    assert first.startswith("A line across")
    words = " ".join(rest)
    assert words.index("left row 7") < words.index("right row 0")


def test_notes_at_the_foot_of_pages_do_not_tear_the_text() -> None:
    def page(number: int, canvas: Canvas) -> None:
        canvas.setFont("Times-Roman", 11)
        for row in range(10):
            canvas.drawString(60, 520 - 14 * row, f"line {row} of page {number} goes on with words and words and words")
        canvas.setFont("Times-Roman", 6.5)
        canvas.drawString(60 + canvas.stringWidth("line 9 of page 1 goes on", "Times-Roman", 11), 524 - 14 * 4, "")
        canvas.drawString(60, 103, str(number))
        canvas.setFont("Times-Roman", 8)
        canvas.drawString(64, 100, f"The note {number} of the page, set small, with a line")
        canvas.drawString(60, 90, "that goes on below.")

    document = read(make_pdf.drawn(partial(page, 1), partial(page, 2)))
    assert [block.kind for block in document.blocks] == ["paragraph", "footnote", "footnote"]
    assert [(b.footnote, shown(document, b)) for b in document.blocks[1:]] == [
        (str(n), f"The note {n} of the page, set small, with a line that goes on below.") for n in (1, 2)
    ]
    assert [page for page, _, _ in document.blocks[0].pages] == [1, 2]


def test_a_raised_number_is_no_footnote_behind_a_unit_or_a_number() -> None:
    document = set_pages(
        ("The dyke is 12 km^2^ and 10^6^ stones in 2031^4^ of the wall^5^ stand. " + LONG, make_pdf.BODY)
    )
    assert [label for block in document.blocks for _, _, label in block.anchors] == ["4", "5"]


def test_links_are_recorded() -> None:
    def page(canvas: Canvas) -> None:
        canvas.drawString(72, 500, "See the leaflet of the harbour office.")
        x = 72 + canvas.stringWidth("See ")
        canvas.linkURL("https://quiet-ledger.example/leaflet", (x, 495, x + canvas.stringWidth("the leaflet"), 512))

    document = read(make_pdf.drawn(page))
    ((at, length, url),) = document.blocks[0].links
    assert (document.text[at : at + length], url) == ("the leaflet", "https://quiet-ledger.example/leaflet")


def jpeg() -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (16, 16), (10, 200, 30)).save(out, "JPEG")
    return out.getvalue()


def test_a_jpeg_is_held_by_its_bytes_before_its_caption(workspace: Workspace, tmp_path: Path) -> None:
    data = jpeg()
    stream = b"<< /Type /XObject /Subtype /Image /Width 16 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
    stream += b"/Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (len(data), data)
    content = LINE + b"\nq 100 0 0 100 72 380 cm /I1 Do Q\nBT /F1 12 Tf 72 360 Td (Image text: A lamp.) Tj ET"
    pdf = make_pdf.one_page(content, resources=b"/XObject << /I1 6 0 R >>", more=[stream])
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    source = registry.add(workspace, path)
    assert [media.read_bytes() for media in source.media.values()] == [data]
    assert [(b["kind"], b.get("media")) for b in source.blocks] == [
        ("paragraph", None),
        ("image", sha256_bytes(data)),
        ("paragraph", None),
    ]


def test_a_pngs_pixels_are_held_as_a_png_and_other_images_are_only_named() -> None:
    from PIL import Image

    png = make_pdf.png()
    (packed,) = [png[i + 8 : i + 8 + int.from_bytes(png[i + 4 - 4 : i + 4])] for i in [png.index(b"IDAT") - 4]]
    stream = b"<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
    stream += b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /Columns 8 >> "
    stream += b"/Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    pdf = make_pdf.one_page(
        LINE + b"\nq 10 0 0 10 72 380 cm /I1 Do Q", resources=b"/XObject << /I1 6 0 R >>", more=[stream]
    )
    (held,) = read(pdf).images.values()
    assert held == png

    def page(canvas: Canvas) -> None:
        canvas.drawString(72, 500, "The lamps burn on the wall by the sea.")
        canvas.drawImage(ImageReader(Image.new("RGB", (8, 8))), 72, 300, 50, 50)

    document = read(make_pdf.drawn(page))
    assert [block.kind for block in document.blocks] == ["paragraph", "image"]
    assert [*document.images.values()] == [None]


def test_characters_without_a_name_are_replaced_and_counted() -> None:
    words = b"The lamps burn on the wall by the sea every evening and on."
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Odd /FirstChar 32 /LastChar 126 /Widths ["
    font += b"500 " * 95 + b"] /Encoding << /Type /Encoding /Differences [1 /nosuchglyph] >> >>"
    pdf = make_pdf.one_page(b"BT /F1 12 Tf 72 500 Td (%s\\001\\001) Tj ET" % words, font=font)
    document = read(pdf)
    assert (document.text, document.replaced) == (words.decode() + "\ufffd\ufffd\n", 2)
    with pytest.raises(InputError, match="its fonts do not say which characters they show"):
        read(make_pdf.one_page(b"BT /F1 12 Tf 72 500 Td (lamp\\001\\001\\001\\001\\001) Tj ET", font=font))


# What is refused


def refused(data: bytes, message: str, hint: str = "") -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(data)
    assert hint in caught.value.hint
    assert caught.value.message.startswith("report.pdf")


def test_an_encrypted_file_is_refused() -> None:
    data = make_pdf.drawn(lambda canvas: canvas.drawString(72, 500, "The lamps burn."), encrypt="a password")
    refused(data, r"report\.pdf is encrypted: it opens with a password only", "qpdf --decrypt")


def test_a_scan_is_refused() -> None:
    from PIL import Image

    def page(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(Image.new("RGB", (8, 8))), 0, 0, 400, 500)
        canvas.drawString(10, 10, "Archive 7")

    refused(make_pdf.drawn(page, page, page), r"has no text layer \(3 pages, \d+ characters\)", "ocrmypdf")
    refused(make_pdf.drawn(lambda canvas: canvas.line(1, 1, 9, 9)), "has no text layer", "ocrmypdf")


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_cut_file_is_refused(part: float) -> None:
    data = make_pdf.report(TEXT, SPANS)
    refused(data[: int(len(data) * part)], r"report\.pdf is cut short")


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n%%EOF",
        make_pdf.one_page(LINE).replace(b"/Root 1 0 R", b"/Root 9 0 R"),
        make_pdf.one_page(LINE).replace(b"startxref\n", b"startxref\n9"),
        make_pdf.one_page(LINE, count=4),
        make_pdf.one_page(LINE).replace(b"/Pages 2 0 R", b"/Pages 5 0 R"),
    ],
    ids=["nothing", "no root", "no table", "pages lost", "no pages"],
)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    refused(data, r"report\.pdf is damaged", "qpdf report.pdf")


@pytest.mark.parametrize("seed", range(12))
def test_noise_in_a_file_is_read_or_refused_by_name(seed: int) -> None:
    data = bytearray(make_pdf.one_page(LINE))
    chosen = random.Random(seed)
    for _ in range(12):
        data[chosen.randrange(9, len(data) - 40)] = chosen.randrange(256)
    try:
        read(bytes(data))
    except InputError as error:
        assert error.message.startswith("report.pdf")


def limited(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    monkeypatch.setattr(read_pdf, "LIMITS", replace(read_pdf.LIMITS, **limits))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, memory=400 * 2**20)
    data = make_pdf.bomb(600 * 2**20)
    assert len(data) < 10_000
    refused(data, r"report\.pdf takes more than 400 MB once unpacked")


def test_pages_characters_images_and_time_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_pdf.report(TEXT, SPANS)
    limited(monkeypatch, pages=2)
    refused(data, r"report\.pdf takes more than 2 pages")
    limited(monkeypatch, pages=9, characters=500)
    refused(data, r"report\.pdf takes more than 500 characters")
    endless = make_pdf.one_page(zlib.compress(LINE + b"\n" + LINE * 200_000), b"/Filter /FlateDecode")
    limited(monkeypatch, characters=10**9, seconds=1)
    refused(endless, r"report\.pdf takes more than 1 seconds to read")


def test_a_file_is_what_its_content_says(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(make_pdf.one_page(LINE))
    assert registry.add(workspace, path).file.format == "pdf"
    (tmp_path / "salt.pdf").write_bytes(PAGE.read_bytes())
    html = read_html.read(PAGE.read_bytes(), tmp_path / "salt.pdf")
    added = registry.add(workspace, tmp_path / "salt.pdf")
    assert (added.file.format, added.text) == ("html", html.text)


def test_a_file_that_is_declared_as_another_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    pdf, html = tmp_path / "page.html", tmp_path / "report.pdf"
    pdf.write_bytes(make_pdf.one_page(LINE))
    html.write_bytes(PAGE.read_bytes())
    for form in ("html", "text"):
        with pytest.raises(InputError, match=r"page\.html is a PDF, whatever its name says") as caught:
            registry.add(workspace, pdf, form=form)
        assert "--format" in caught.value.hint
    with pytest.raises(InputError, match=r"report\.pdf is not a PDF"):
        registry.add(workspace, html, form="pdf")
    assert registry.sources(workspace) == []
