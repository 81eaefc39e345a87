"""Readers: what of a file becomes the canonical text, and what is refused."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.command import inside
from tests.conftest import EXAMPLES, ROOT
from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import sha256_bytes, sha256_file
from toolkit.sources import read_html, read_text, registry, remarks
from toolkit.sources.document import Document
from toolkit.sources.propose import propose
from toolkit.sources.readers import sniff
from toolkit.workspace import Workspace

PAGE = EXAMPLES / "reports" / "salt-lamps" / "salt-lamps.html"
PROSE = "<p>" + "The lamps burn on the wall by the sea every evening. " * 8 + "</p>"
PNG = b"\x89PNG\r\n\x1a\nnot really an image"


def page(body: str, *, head: str = "<title>Lamps</title>", charset: str = "utf-8") -> bytes:
    markup = f'<!DOCTYPE html><html><head><meta charset="{charset}">{head}</head><body><article>{body}</article></body></html>'
    return markup.encode("utf-8")


def read(data: bytes, folder: Path) -> Document:
    return read_html.read(data, folder / "page.html")


def lines(document: Document) -> list[str]:
    return document.text.rstrip("\n").split("\n")


def figure(src: str) -> str:
    return f'<figure><img src="{src}"><figcaption>Image text: “A lamp.”</figcaption></figure>'


# Plain text


def test_a_bom_goes_and_line_ends_become_lf_and_nothing_else_changes() -> None:
    document = read_text.read("\ufeffA  title \r\n\r\nÉ盐\u2028灯\re\u0301\n".encode(), "report.txt")
    assert document.text == "A  title \n\nÉ盐\u2028灯\ne\u0301\n"
    assert [document.text[b.char_start : b.char_end] for b in document.blocks] == [
        "A  title ",
        "É盐\u2028灯",
        "e\u0301",
    ]
    assert document.metadata == {"title": "A  title"}


def test_text_that_is_not_utf8_names_byte_and_line() -> None:
    with pytest.raises(InputError) as caught:
        read_text.read(b"one\ntwo \xff", "report.txt")
    assert caught.value.message == "report.txt is not UTF-8: byte 8 (line 2) is 0xff"
    assert "UTF-8" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_a_text_without_words_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"report\.txt holds no text"):
        read_text.read(data, "report.txt")


@pytest.mark.parametrize(
    ("line", "series"),
    [
        ("Salt Lamps Part 3/6", {"name": "Salt Lamps", "part": 3, "total": 6}),
        ("Salt Lamps, Part 3 of 6", {"name": "Salt Lamps", "part": 3, "total": 6}),
        ("Salt Lamps: Part 2", {"name": "Salt Lamps", "part": 2}),
        ("Salt Lamps Part 0/6", None),
        ("Part and parcel", None),
    ],
)
def test_the_place_in_a_series(line: str, series: dict[str, object] | None) -> None:
    assert read_text.describe(f"A title\n{line}\nProse.").get("series") == series


# The example page


@pytest.fixture(scope="module")
def example() -> Document:
    return read_html.read(PAGE.read_bytes(), PAGE)


def test_furniture_is_gone(example: Document) -> None:
    for words in (
        "Share on", "Copy link", "Subscribe", "Archive of old", "Slow reading", "Most read", "Why so many kites",
        "First! I have", "made me laugh", "comments", "invented publication", "querySelector", "display: flex",
        "schema.org", "Like",
    ):  # fmt: skip
        assert words not in example.text, words


def test_the_title_stands_once_and_first(example: Document) -> None:
    title = "Salt Lamps: Nine Posts From a Network That Does Not Exist"
    assert lines(example)[0] == title
    assert example.text.count(title) == 1
    assert example.metadata["title"] == title


def test_what_the_page_says_of_itself(example: Document) -> None:
    assert {key: example.metadata[key] for key in ("authors", "publisher", "published", "url", "languages")} == {
        "authors": ["Wen Tarrow"],
        "publisher": "The Quiet Ledger",
        "published": "2032-06-14",
        "url": "https://quiet-ledger.example/p/salt-lamps",
        "languages": ["en"],
    }


def test_blocks_cover_the_text_in_order(example: Document) -> None:
    shown = [block for block in example.blocks if block.kind != "image"]
    assert [example.text[b.char_start : b.char_end] for b in shown] == lines(example)
    assert all(block.char_start == block.char_end for block in example.blocks if block.kind == "image")
    kinds = [block.kind for block in shown]
    assert kinds.count("quote") == 11  # nine posts, two of their translations
    assert kinds.count("caption") == 6
    assert kinds.count("heading") == 5


def test_footnotes_are_kept_and_their_markers_known(example: Document) -> None:
    notes = {b.footnote: example.text[b.char_start : b.char_end] for b in example.blocks if b.kind == "footnote"}
    assert [*notes] == ["1", "2", "4"]
    assert notes["1"].startswith("The word is ordinary enough")
    assert notes["4"] == "The harbour office calls it 迁居, “moving house”."
    anchors = [anchor for block in example.blocks for anchor in block.anchors]
    assert [label for _, _, label in anchors] == ["1", "2", "3", "4"]
    assert [example.text[at : at + length] for at, length, _ in anchors] == ["1", "2", "3", "4"]
    assert "↩" not in example.text


def test_images_are_held_by_their_bytes_and_remote_ones_only_named(example: Document) -> None:
    held = {src: data for src, data in example.images.items() if data is not None}
    assert held == {src: (PAGE.parent / src).read_bytes() for src in held}
    assert len(held) == 5
    assert [src for src, data in example.images.items() if data is None] == [
        "https://images.example/salt-lamps/timetable.png"
    ]


def test_an_added_page_keeps_its_images_by_hash(workspace: Workspace) -> None:
    source = registry.add(workspace, PAGE)
    assert len(source.media) == 5
    assert all(sha256_file(path) == sha256 for sha256, path in source.media.items())
    assert {path.suffix for path in source.media.values()} == {".png"}
    named = {block["image"]: block.get("media") for block in source.blocks if block["kind"] == "image"}
    assert {*named.values()} - {None} == source.media.keys()
    assert named["https://images.example/salt-lamps/timetable.png"] is None
    assert (source.folder / "raw" / PAGE.name).read_bytes() == PAGE.read_bytes()


# Pages in general


def test_inline_markup_collapses_as_a_browser_shows_it(tmp_path: Path) -> None:
    document = read(page(PROSE + "<p>one <b>two</b>\n  <i>th</i>ree<br>four&nbsp;five</p>"), tmp_path)
    assert lines(document)[-2:] == ["one two three", "four\xa0five"]


def test_scripts_styles_and_comments_never_reach_the_text(tmp_path: Path) -> None:
    body = (
        PROSE + "<p>kept<script>SECRET1</script> words<!-- SECRET2 --><style>SECRET3</style>"
        "<noscript>SECRET4</noscript><template>SECRET5</template></p><script><p>SECRET6</p></script>"
        '<svg><text>SECRET7</text></svg><p onclick="SECRET8">more words here</p>'
    )
    document = read(page(body), tmp_path)
    assert "SECRET" not in document.text
    assert lines(document)[-2:] == ["kept words", "more words here"]


def test_a_doubled_title_is_one_line(tmp_path: Path) -> None:
    document = read(
        page("<h1>Lamps on the wall</h1>" + PROSE, head="<title>Lamps on the wall | Desk</title>"), tmp_path
    )
    assert lines(document)[0] == "Lamps on the wall"
    assert document.text.count("Lamps on the wall") == 1


def test_a_page_without_a_title_is_read(tmp_path: Path) -> None:
    document = read(page(PROSE, head=""), tmp_path)
    assert len(document.blocks) == 1
    assert "title" not in document.metadata


@pytest.mark.parametrize(
    "data", [b"", b"   ", b"<html></html>", b"<html><body></body></html>", page(""), page("<p> </p>")]
)
def test_an_empty_page_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"page\.html"):
        read(data, tmp_path)


@pytest.mark.parametrize(
    ("charset", "codec"), [("utf-8", "utf-8"), ("gb2312", "gbk"), ("big5", "big5"), ("iso-8859-1", "cp1252")]
)
def test_a_page_is_read_in_its_charset(tmp_path: Path, charset: str, codec: str) -> None:
    words = {"gbk": "盐灯“不是”罪，镕", "big5": "鹽燈不是罪"}.get(codec, "“café” – lamps")
    data = page(f"{PROSE}<p>{words} and more words</p>", charset=charset).decode().encode(codec)
    assert lines(read(data, tmp_path))[-1] == f"{words} and more words"


def test_a_bom_counts_more_than_what_is_declared(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + page(f"{PROSE}<p>盐灯 and more words</p>", charset="iso-8859-1")
    assert lines(read(data, tmp_path))[-1] == "盐灯 and more words"


def test_an_xhtml_declaration_is_no_obstacle(tmp_path: Path) -> None:
    data = b'<?xml version="1.0" encoding="utf-8"?>\n' + page(f"{PROSE}<p>盐灯 and more words</p>")
    assert lines(read(data, tmp_path))[-1] == "盐灯 and more words"


def test_a_page_in_another_charset_than_declared_names_the_byte(tmp_path: Path) -> None:
    data = page(PROSE) + "é".encode("latin-1")
    with pytest.raises(InputError) as caught:
        read(data, tmp_path)
    assert caught.value.message == f"page.html is not UTF-8: byte {len(data) - 1} (line 1) is 0xe9"


@pytest.mark.parametrize("charset", ["klingon", "rot13", "undefined"])
def test_a_charset_that_is_none_is_refused(tmp_path: Path, charset: str) -> None:
    with pytest.raises(InputError, match=rf"page\.html .*{charset}"):
        read(page(PROSE, charset=charset), tmp_path)


def test_characters_that_utf8_cannot_hold_become_replacements_and_are_counted(tmp_path: Path) -> None:
    body = PROSE + "<script>'&#xD800;'</script><p>a&#xD800;b &#55357; \0 &#0; &#x110000; \ufffd and words</p>"
    document = read(page(body), tmp_path)
    assert lines(document)[-1] == "a\ufffdb \ufffd \ufffd \ufffd \ufffd \ufffd and words"
    assert document.replaced == 5  # not the one that the page had itself, nor the script's
    assert read(page(PROSE), tmp_path).replaced == 0


@pytest.mark.parametrize("form", ["text", "html"])
def test_encoded_halves_of_pairs_are_joined_or_replaced_and_counted(
    tmp_path: Path, workspace: Workspace, form: str
) -> None:
    # As programs write them that take UTF-16's code units for characters.
    words = b"Lamps \xed\xa0\xbd\xed\xb8\x80 and \xed\xa0\xbd alone, \xed\xb0\x80 too"
    path = tmp_path / f"report.{form}"
    path.write_bytes(b"A title\n" + words if form == "text" else page(PROSE + "<p>WORDS</p>").replace(b"WORDS", words))
    source = registry.add(workspace, path)
    assert source.text.rstrip().endswith("Lamps \U0001f600 and \ufffd alone, \ufffd too")
    assert source.file.replaced == 2
    assert (source.folder / "raw" / path.name).read_bytes() == path.read_bytes()
    path.write_bytes(b"A title\nand \xed\xa0\xbd but \xff too\n")
    with pytest.raises(InputError, match=r"is not UTF-8: byte 1[23] \(line 2\)"):
        read_text.read(path.read_bytes(), path.name)


def test_half_a_pair_in_a_pages_metadata_is_replaced_too(tmp_path: Path, workspace: Workspace) -> None:
    head = r'<script type="application/ld+json">{"headline": "Lamps \ud83d", "author": ["W\udc00"]}</script>'
    path = tmp_path / "page.html"
    path.write_bytes(page(PROSE + "<p>&#xD83D; words</p>", head=head))
    source = registry.add(workspace, path)
    assert (source.meta.title, source.meta.authors) == ("Lamps \ufffd", ("W\ufffd",))
    assert registry.get(workspace, "page").file.replaced == 2  # the title stands first in the text


def test_a_text_with_nul_names_the_line() -> None:
    with pytest.raises(InputError, match=r"report\.txt is no text: line 2 holds a NUL character"):
        read_text.read(b"one\nt\0wo\n", "report.txt")


def test_what_hides_in_a_text_is_kept(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_text("A \u202etitle\u202c\nPro\u200bse.\n", encoding="utf-8")
    assert registry.add(workspace, path).text == "A \u202etitle\u202c\nPro\u200bse.\n"


@pytest.mark.parametrize("tag", ["div", "span", "blockquote", "b"])
@pytest.mark.parametrize("depth", [100, 230, 5000])
def test_deeply_nested_markup_is_read_or_refused_by_name(tmp_path: Path, tag: str, depth: int) -> None:
    body = PROSE + f"<div>{f'<{tag}>' * depth}deep words{f'</{tag}>' * depth}</div>"
    try:
        text = read(page(body), tmp_path).text
    except InputError as error:
        assert depth > 100
        assert error.message.startswith("page.html")
    else:
        assert "The lamps burn" in text


def test_images_from_data_uris(tmp_path: Path) -> None:
    encoded = base64.b64encode(PNG).decode()
    for src in (f"data:image/png;base64,{encoded}", f"data:image/png;base64,{encoded[:8]}%0A {encoded[8:]}"):
        images = read(page(PROSE + figure(src) + PROSE), tmp_path).images
        assert list(images.values()) == [PNG]
    images = read(page(PROSE + figure("data:image/png;base64,#not-base64!") + PROSE), tmp_path).images
    assert list(images.values()) == [None]


def test_a_data_uri_is_not_written_out_with_the_blocks(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(page(PROSE + figure("data:image/png;base64," + base64.b64encode(PNG).decode()) + PROSE))
    source = registry.add(workspace, path)
    (block,) = [block for block in source.blocks if block["kind"] == "image"]
    assert (block["image"], block["media"]) == ("data:", sha256_bytes(PNG))
    assert [media.read_bytes() for media in source.media.values()] == [PNG]


@pytest.mark.parametrize("src", ["../secret.png", "a/../../secret.png", "%2e%2e/secret.png", "link.png"])
def test_an_image_outside_the_pages_folder_is_refused(tmp_path: Path, src: str) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match=re.escape(f"the image {src} lies outside the page's folder")):
        read(page(PROSE + figure(src) + PROSE), folder)


@pytest.mark.parametrize(
    "src",
    [
        "https://images.example/lamp.png", "//images.example/lamp.png", "/images/lamp.png", "gone.png", "file:///etc/hosts",
        "/etc/hosts", "https://[bad", "a%00b.png", "n" * 300 + ".png", "?lamp", "",
    ],
)  # fmt: skip
def test_an_image_that_is_not_held_is_only_recorded(tmp_path: Path, src: str) -> None:
    document = read(page(PROSE + figure(src) + PROSE), tmp_path)
    assert [data for data in document.images.values() if data is not None] == []
    assert [block.image for block in document.blocks if block.kind == "image"] == [src]


def test_an_image_beside_the_page_is_held(tmp_path: Path) -> None:
    (tmp_path / "page files").mkdir()
    (tmp_path / "page files" / "lamp.png").write_bytes(PNG)
    document = read(page(PROSE + figure("page%20files/lamp.png?w=800") + PROSE), tmp_path)
    assert document.images == {"page%20files/lamp.png?w=800": PNG}


def test_metadata_from_a_wordpress_graph() -> None:
    path = ROOT / "tests" / "reports" / "wordpress-graph.html"
    assert read_html.read(path.read_bytes(), path).metadata == {
        "title": "Tin Whistles over Morrowby",
        "authors": ["Ona Bel"],
        "publisher": "The Plover Desk",
        "published": "2033-04-09",
        "url": "https://plover.example/tin-whistles/",
        "languages": ["en"],
    }


def test_metadata_from_a_substack_page_with_its_series_in_the_subtitle() -> None:
    path = ROOT / "tests" / "reports" / "substack-headings.html"
    metadata = read_html.read(path.read_bytes(), path).metadata
    assert metadata["series"] == {"name": "Ferry Tales", "part": 2, "total": 4}
    assert metadata["publisher"] == "Reed on the Water"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (
            '<meta property="og:site_name" content="The Desk"><meta name="author" content="O. Bel">'
            '<meta property="article:published_time" content="2033-04-09T08:15:00Z">',
            {"publisher": "The Desk", "authors": ["O. Bel"], "published": "2033-04-09"},
        ),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "No"}, {"@type": ["Article"], '
            '"headline": "Kites", "inLanguage": "fr-FR", "author": {"@id": "#a"}}, {"@id": "#a", "name": "Lou"}]}</script>',
            {"title": "Kites", "languages": ["fr"], "authors": ["Lou"]},
        ),
        (
            "<!-- saved from url=(0060)https://web.archive.org/web/20330409081500/https://desk.example/kites -->",
            {
                "archive_url": "https://web.archive.org/web/20330409081500/https://desk.example/kites",
                "url": "https://desk.example/kites",
            },
        ),
        (
            '<!-- saved from url=(0020)https://archive.ph/AbC12 --><link rel="canonical" href="https://desk.example/k">',
            {"archive_url": "https://archive.ph/AbC12", "url": "https://desk.example/k"},
        ),
        (
            '<link rel="canonical" href="https://web.archive.org/web/2033/https://desk.example/k">',
            {
                "archive_url": "https://web.archive.org/web/2033/https://desk.example/k",
                "url": "https://desk.example/k",
            },
        ),
        (
            '<meta name="description" content="Kite Tales, Part 3/6">',
            {"series": {"name": "Kite Tales", "part": 3, "total": 6}},
        ),
    ],
)
def test_what_a_page_says_of_itself(tmp_path: Path, head: str, found: dict[str, object]) -> None:
    metadata = read(page(PROSE, head=head), tmp_path).metadata
    assert {name: metadata.get(name) for name in found} == found


def test_a_first_paragraph_is_no_title(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "lamps.html").write_bytes(page(PROSE, head=""))
    source = registry.add(workspace, tmp_path / "lamps.html")
    assert source.meta.title == "lamps"
    assert [s.role for s in propose(workspace, source)] == ["analysis"]


def test_metadata_of_odd_shapes_is_passed_over(tmp_path: Path) -> None:
    odd = '{"headline": ["x"], "publisher": [1], "author": [{"name": ["q"]}, {"name": "Ansel Quill"}, 3]}'
    head = f'<script type="application/ld+json">{odd}</script><script type="application/ld+json">{{</script>'
    document = read(page(PROSE, head=head + "<title>Lamps</title>"), tmp_path)
    assert document.metadata["title"] == "Lamps"
    assert document.metadata["authors"] == ["Ansel Quill"]
    assert "publisher" not in document.metadata


# The registry


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"\x1f\x8b\x08", PNG, b"\xff\xd8\xff\xe0"])
def test_files_that_no_reader_takes_are_refused(tmp_path: Path, workspace: Workspace, data: bytes) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"report\.txt: no reader takes this kind of file") as caught:
        registry.add(workspace, path)
    assert "HTML" in caught.value.hint
    assert registry.sources(workspace) == []


def test_a_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    assert sniff(b"\xef\xbb\xbf \n<!DOCTYPE HTML>", tmp_path) == "html"
    assert sniff(b"<!-- saved -->\n<html>", tmp_path) == "html"
    assert sniff(b"A title\n", tmp_path) == "text"


def test_a_missing_file_is_an_input_error(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="cannot read"):
        registry.add(workspace, tmp_path / "none.txt")


def test_adding_again_changes_nothing_and_another_file_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_text("A title\nProse.\n")
    first = registry.add(workspace, path)
    again = registry.add(workspace, path)
    assert first.meta == again.meta
    assert [source.id for source in registry.sources(workspace)] == ["report"]
    path.write_text("Another title\nProse.\n")
    with pytest.raises(ConflictError, match="made of another file") as caught:
        registry.add(workspace, path)
    assert "--id" in caught.value.hint
    other = registry.add(workspace, path, source_id="other")
    assert [source.id for source in registry.sources(workspace)] == ["report", "other"]
    assert other.text == "Another title\nProse.\n"


def test_the_same_text_is_not_added_under_two_names(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(b"A title\nProse.\n")
    registry.add(workspace, path)
    path.write_bytes(b"\xef\xbb\xbfA title\r\nProse.\r\n")
    with pytest.raises(ConflictError, match="has the text of source report"):
        registry.add(workspace, path, source_id="copy")


def test_metadata_survive_whatever_a_title_holds(tmp_path: Path, workspace: Workspace) -> None:
    title = "A \"title\" \\ with\ttabs, \x07 bells, \x7f, 盐灯 and ''' quotes # = ["
    path = tmp_path / "report.txt"
    path.write_bytes(f"{title}\nProse.\n".encode())
    assert registry.add(workspace, path).meta.title == title
    assert registry.get(workspace, "report").meta.title == title


def test_a_source_whose_folder_is_gone_is_named(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_text("A title\n")
    source = registry.add(workspace, path)
    source.folder.rename(workspace.sources_dir / "elsewhere")
    with pytest.raises(WorkspaceError, match="names source 'report', but its folder is gone") as caught:
        registry.sources(workspace)
    assert str(source.folder) in caught.value.hint


def test_a_changed_raw_file_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_text("A title\nProse.\n")
    held = registry.add(workspace, path).folder / "raw" / "report.txt"
    held.write_text("A title\nProse!\n")
    with pytest.raises(InputError, match=r"raw/report\.txt is no longer the file that was added") as caught:
        registry.get(workspace, "report")
    assert "restore" in caught.value.hint
    held.unlink()
    with pytest.raises(InputError, match=r"raw/report\.txt is gone"):
        registry.get(workspace, "report")


def test_a_file_larger_than_any_report_is_refused_unread(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(InputError, match=r"report\.txt is larger than 100 MB \(200 MB\)"):
        registry.add(workspace, path)


def test_a_changed_text_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "report.txt"
    path.write_text("A title\nProse.\n")
    source = registry.add(workspace, path)
    (source.folder / "text.txt").write_text("A title\nProse!\n")
    with pytest.raises(InputError, match=r"text\.txt was changed after it was frozen"):
        _ = registry.get(workspace, "report").text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('colour = "red"', "colour: unknown key"),
        ('published = "May"', "published"),
        ("series = {part = 1}", "series.name"),
    ],
)
def test_metadata_that_do_not_hold_name_file_and_field(
    tmp_path: Path, workspace: Workspace, line: str, message: str
) -> None:
    (tmp_path / "report.txt").write_text("A title\n")
    (tmp_path / "meta.toml").write_text(line + "\n")
    with pytest.raises(InputError, match=rf"meta\.toml: .*{message}"):
        registry.add(workspace, tmp_path / "report.txt", meta=tmp_path / "meta.toml")
    assert registry.sources(workspace) == []


@pytest.mark.parametrize(
    ("end", "early"),
    [
        ("</p></article></body></html>", False),
        ("</p></article></body>\n<!-- saved -->", False),
        ("</p></article>", True),
        ("</p><p class=", True),
        ("</p></article></body></html><!-- cut", True),
    ],
)
def test_a_page_without_its_end_is_told(tmp_path: Path, workspace: Workspace, end: str, early: bool) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(page(PROSE).partition(b"</article>")[0] + b"<p>The last words." + end.encode())
    source = registry.add(workspace, path)
    assert any("saved whole" in remark for remark in remarks.of_file(source)) == early
    assert "The last words." in source.text


def test_source_add_says_what_was_replaced(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(page(PROSE + "<p>&#xD83D;&#xDE00; words</p>"))
    said = inside("source", "add", path, cwd=workspace.root).stderr
    assert "2 characters that the text cannot hold are U+FFFD in it; raw/ keeps them" in said
    assert "replaced = 2" in (workspace.sources_dir / "page" / "source.toml").read_text(encoding="utf-8")
