"""The review page: the report's text in place, every span and row linked, nothing of the text run, loaded or taken for markup."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import inside, told
from tests.conftest import EXAMPLES, ROOT
from toolkit.report.layout import View, tokens
from toolkit.report.review import review
from toolkit.report.visible import pieces
from toolkit.sources import propose, registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

REPORTS = EXAMPLES / "reports"
# The elements and attributes that the template writes: the text of a report brings none.
ELEMENTS = frozenset(
    """
    html head meta title style body a header main nav section div p span b h1 h2 h3 ul li dl dt dd table thead tbody tr
    th td code img details summary
    """.split()
)
ATTRIBUTES = frozenset(
    """
    lang charset http-equiv content name class href id role aria-label aria-labelledby aria-hidden title dir tabindex
    scope src alt
    """.split()
)
HOSTILE = (
    "A title <script>alert(1)</script>\n"
    '#Lamp <img src=x onerror="alert(2)"> burns "\'>{{ 7 * 7 }}{% raw %}\n'
    "RTL \u202egnp.exe\u202c zero\u200bwidth unit\x1f bell\x07 \ufeff &lt;b&gt; ]]> <!-- </style></p></div>\n"
    "\u0645\u0631\u062d\u0628\u0627 \u2028 javascript:alert(3)\n"
)


def add(workspace: Workspace, folder: Path, text: str, name: str = "report.txt", **meta: Any) -> Source:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    about = folder / f"{name}.toml"
    about.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in meta.items()), encoding="utf-8")
    return registry.add(workspace, path, meta=about)


def example(workspace: Workspace, name: str) -> Source:
    if name == "lantern-quay-3":
        report, spans = REPORTS / "lantern-quay-3.txt", REPORTS / "lantern-quay-3.segments.jsonl"
    else:
        report, spans = REPORTS / name / f"{name}.html", REPORTS / name / f"{name}.marks.jsonl"
    beside = report.parent / name
    source = registry.add(
        workspace, report, meta=beside.with_suffix(".source.toml"), facts=beside.with_suffix(".facts.toml")
    )
    segments.accept(workspace, source, spans)
    return source


def parsed(page: str) -> Any:
    tree = lxml.html.document_fromstring(page)
    for element in tree.iter():
        assert isinstance(element.tag, str), element
        assert element.tag in ELEMENTS, element.tag
        assert set(element.attrib) <= ATTRIBUTES, element.attrib
        if "href" in element.attrib:
            assert element.tag == "a" and tree.get_element_by_id(element.get("href").removeprefix("#")) is not None
            assert element.get("href").startswith("#")
        if element.tag == "img":
            assert re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+", element.get("src"))
            assert element.get("alt")
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert set(ids.values()) <= {1}
    return tree


def policy(tree: Any) -> str:
    return str(tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0])


def shown(element: Any) -> str:
    """The words of an element as a reader sees them, without what the page adds."""
    if element.get("class") in ("hidden", "to", "number", "tag", "noimage"):
        return ""
    return (element.text or "") + "".join(shown(child) + (child.tail or "") for child in element)


def seen(text: str) -> str:
    return "".join(piece.text for piece in pieces(text))


@pytest.mark.parametrize("name", ["lantern-quay-3", "salt-lamps"])
def test_the_page_of_an_example(workspace: Workspace, name: str) -> None:
    source = example(workspace, name)
    made = review(source)
    tree = parsed(made.page)
    assert policy(tree).startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    curated = segments.load(source.segments_path, source.text)
    lines = [shown(line) for line in tree.xpath("//p[@class='text']")]
    assert lines == [line for line in source.text.split("\n") if line.strip()]
    # Each span is there once, with its role, its words and what it is called.
    for segment, element in zip(sorted_for_page(curated), spans_of(tree), strict=True):
        assert f"role-{segment.role} accepted" in element.get("class")
        words = source.text[segment.char_start : segment.char_end]
        assert shown(element).replace("\n", "") == words.replace("\n", "")
        for said in (segment.key, segment.id, segment.belongs_to):
            assert not said or said in element.get("aria-label")
    # Each minted span leads to its row, and the row back to it.
    for table_name, prefix in (
        ("posts", "post"),
        ("photo_texts", "photo"),
        ("notes", "note"),
        ("narratives", "narrative"),
    ):
        rows = tree.xpath(f"//tr[starts-with(@id, 'row-{prefix}_')]")
        assert [row.get("id").removeprefix("row-") for row in rows] == [
            s.id for s in curated if s.id and s.id.startswith(prefix)
        ], table_name
    for segment in curated:
        if segment.id:
            row = tree.get_element_by_id(f"row-{segment.id}")
            span = tree.get_element_by_id(row.xpath(".//th/a/@href")[0][1:])
            assert segment.id in span.get("aria-label")
            assert span.xpath("@title | ./div[@class='tag']/@title") == [span.get("aria-label")]
            assert span.xpath(f".//a[@href='#row-{segment.id}']")
            assert shown(row.xpath("./td")[0]) in (
                (own := segments.passage(segment, curated, source.text).text),
                own.removeprefix("[").removesuffix("]"),
            )
    assert len(tree.xpath("//img")) == len({s.media for s in curated if s.media})
    assert made.unmarked == sum(
        len("".join(shown(gap).split())) for gap in tree.xpath("//p[@class='text']//span[@class='gap']")
    )
    assert {row["role"]: (row["accepted"], row["proposed"]) for row in made.roles} == {
        role: (count, 0) for role, count in Counter(s.role for s in curated).items()
    }


def sorted_for_page(spans: list[Segment]) -> list[Segment]:
    return sorted(spans, key=lambda s: (s.char_start, -s.char_end, s.role == "image", s.role))


def spans_of(tree: Any) -> list[Any]:
    found = tree.xpath("//*[@role='group']")
    return sorted(found, key=lambda element: int(element.get("id").removeprefix("s")))


def test_the_page_is_the_same_each_time(workspace: Workspace) -> None:
    source = example(workspace, "salt-lamps")
    assert review(source).page == review(source).page


def test_hostile_text_stays_text(workspace: Workspace, tmp_path: Path) -> None:
    source = add(workspace, tmp_path, HOSTILE, title=HOSTILE, url="javascript:alert(4)", authors=["<b>\u202e\x00"])
    spans = [
        {"role": "title", "char_start": 0, "char_end": 33},
        {"role": "post", "char_start": 34, "char_end": len(HOSTILE) - 1, "key": '"><script>k\x00</script>\u202e'},
        {"role": "hashtag", "char_start": 34, "char_end": 39, "footnote": "<i>'\""},
    ]
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(span) + "\n" for span in spans), encoding="utf-8")
    segments.accept(workspace, source, path)
    page = review(source).page
    tree = parsed(page)
    assert not any(char in page for char in "\u202e\u202c\u200b\x1f\x07\ufeff\u2028")
    assert not tree.xpath("//script | //iframe | //@onerror")
    lines = [shown(line) for line in tree.xpath("//p[@class='text']")]
    assert lines == [seen(line) for line in source.text.split("\n") if line]
    hidden = [sign.get("title") for sign in tree.xpath("//p[@class='text']//span[@class='hidden']")]
    assert hidden == [
        "U+202E RIGHT-TO-LEFT OVERRIDE",
        "U+202C POP DIRECTIONAL FORMATTING",
        "U+200B ZERO WIDTH SPACE",
        "U+001F control character",
        "U+0007 control character",
        "U+FEFF ZERO WIDTH NO-BREAK SPACE",
        "U+2028 LINE SEPARATOR",
    ]
    (row,) = tree.xpath("//tr[starts-with(@id, 'row-post_')]")
    assert {"bidi_control", "zero_width", "control"} <= set(row.xpath("./td[4]/text()")[0].split(", "))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    page = lxml.html.fragment_fromstring(rendered(text), create_parent="div")
    assert all(element.tag in ("div", "p", "span") for element in page.iter())
    assert shown(page[0]) == seen(text)


def rendered(text: str) -> str:
    """A text through the page's own macros."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("toolkit.report"), autoescape=True, trim_blocks=True)
    macros = (
        (ROOT / "toolkit" / "report" / "templates" / "review.html").read_text(encoding="utf-8").split("<!doctype")[0]
    )
    return environment.from_string(macros + "<p>{{ show(text) }}</p>").render(text=text, pieces=pieces)


# Spans that cross or share places


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[str, list[Segment]]:
    text = draw(st.text("ab \n", min_size=1, max_size=50))
    places = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    roles = st.sampled_from(["post", "analysis", "hashtag", "insertion", "heading"])
    drawn = draw(st.lists(st.tuples(places, roles), max_size=10, unique_by=lambda d: (tuple(d[0]), d[1])))
    spans = [Segment(role=role, char_start=a, char_end=b) for (a, b), role in drawn]  # type: ignore[arg-type]
    return text, sorted_for_page(spans)


@settings(max_examples=400, deadline=None)
@given(laid_out())
def test_steps_nest_and_cover_each_span(case: tuple[str, list[Segment]]) -> None:
    text, spans = case
    views = [View(number, segment, True, None, None) for number, segment in enumerate(spans, start=1)]
    source = Source.__new__(Source)
    source.__dict__["text"] = text
    stack: list[tuple[str, int]] = []
    covered: dict[int, str] = {}
    first: Counter[int] = Counter()
    whole = ""
    for token in tokens(source, views):
        if token.kind in ("block", "span", "line"):
            number = token.view.number if token.view else 0
            stack.append((token.kind, number))
            first[number] += token.view is not None and not token.again
        elif token.kind.startswith("/"):
            assert stack.pop() == (token.kind[1:], token.view.number if token.view else 0)
        else:
            piece = "".join(piece.text for piece in token.pieces)
            whole += piece
            inside = [number for _, number in stack if number]
            assert len(inside) == len(set(inside))
            for number in inside:
                covered[number] = covered.get(number, "") + piece
            assert (token.kind == "gap") == (not inside and bool(piece.strip()))
    assert not stack
    assert whole.replace(" ", "") == text.replace("\n", "").replace(" ", "")
    for view in views:
        words = text[view.segment.char_start : view.segment.char_end].replace("\n", "")
        if words.strip():
            assert covered[view.number].replace(" ", "") == words.replace(" ", ""), view
            assert first[view.number] == 1


# Proposals


def test_proposals_are_told_from_accepted_spans(workspace: Workspace, tmp_path: Path) -> None:
    source = add(workspace, tmp_path, "A title\n#Lamps burn on the wall.\nProse about nothing.\n")
    assert review(source).roles == []
    propose.propose(workspace, source)
    made = review(source)
    tree = parsed(made.page)
    assert {"role": "post", "accepted": 0, "proposed": 1} in made.roles
    post = tree.xpath("//div[contains(@class, 'role-post')]")[0]
    assert post.get("class") == "block role-post proposed"
    assert "proposed by the rule “leading hashtag”, confidence 0.9, not accepted" in post.get("aria-label")
    assert len(tree.xpath("//tr[starts-with(@id, 'row-post_')]")) == 1
    (tmp_path / "s.jsonl").write_text('{"role": "title", "char_start": 0, "char_end": 7}\n')
    segments.accept(workspace, source, tmp_path / "s.jsonl")
    made = review(source)
    tree = parsed(made.page)
    assert {"role": "title", "accepted": 1, "proposed": 0} in made.roles
    assert {"role": "post", "accepted": 0, "proposed": 1} in made.roles
    assert tree.xpath("//div[contains(@class, 'role-title')]")[0].get("class").endswith(" accepted")
    assert not tree.xpath("//tr[starts-with(@id, 'row-post_')]")


def test_rows_that_cannot_be_made_are_said(workspace: Workspace, tmp_path: Path) -> None:
    source = add(workspace, tmp_path, "A title\n#Lamps burn.\n")
    propose.propose(workspace, source)
    (source.folder / "facts.toml").write_text('[[post]]\nkey = "post-9"\n')
    made = review(source)
    assert "'post-9' is the key of no post" in made.problem
    assert "'post-9' is the key of no post" in parsed(made.page).xpath("//*[@role='alert']")[0].text_content()


def test_the_command(tmp_path: Path) -> None:
    ws = ("-C", tmp_path / "w")
    inside("init", tmp_path / "w", "--annotator", "a")
    inside(*ws, "source", "add", REPORTS / "lantern-quay-3.txt")
    inside(*ws, "source", "segment", "lantern-quay-3")
    done = inside(*ws, "source", "review", "lantern-quay-3")
    assert re.search(r"^post +11$|^post +0 +11$", done.stdout, re.MULTILINE)
    page = tmp_path / "w" / "sources" / "lantern-quay-3" / "review.html"
    assert f"page: {page}" in done.stderr
    parsed(page.read_text(encoding="utf-8"))
    found = told(*ws, "source", "review", "lantern-quay-3", "-o", tmp_path / "p.html")
    assert {"role": "post", "accepted": 0, "proposed": 11} in found["roles"]
    assert (tmp_path / "p.html").read_bytes() == page.read_bytes()
    assert "sources/*/review.html" in (tmp_path / "w" / ".gitignore").read_text().splitlines()
    assert "no source 'nothing'" in inside(*ws, "source", "review", "nothing", code=1).stderr


def test_the_page_of_the_real_report(shared: Path, workspace: Workspace) -> None:
    source = registry.add(workspace, shared / "sources" / "cotton-the-act.txt")
    segments.accept(workspace, source, shared / "gold" / "cotton-the-act.segments.jsonl")
    tree = parsed(review(source).page)
    assert [shown(line) for line in tree.xpath("//p[@class='text']")] == [
        seen(line) for line in source.text.split("\n") if line.strip()
    ]
    assert len(tree.xpath("//tr[starts-with(@id, 'row-post_')]")) == 8
