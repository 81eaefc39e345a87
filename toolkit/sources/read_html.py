"""Saved article pages: main content by readability, a block element a line, images from the page's own folder.

Nothing is fetched. Inline white space collapses as a browser shows it; a footnote anchor stays as the digits it shows,
glued to the word before it, and its place is kept with the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lxml.html
from lxml.etree import LxmlError

from toolkit.errors import InputError
from toolkit.sources.document import Block, BlockKind, Document
from toolkit.sources.html_page import decode, held, load_image, mark_unheld
from toolkit.sources.page_metadata import page_metadata, series_of
from toolkit.sources.read_text import describe

_BLOCKS = frozenset(
    """
    address article aside blockquote dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr
    li main ol p pre section table tbody td tfoot th thead tr ul body html
    """.split()
)
_SILENT = frozenset(
    """
    script style noscript template button svg iframe object form input select textarea video audio
    """.split()
)
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_LABEL = re.compile(r"^\s*[\[(]?(\d{1,3}|[*†‡])[\])]?\s*$")
_BACKREF = re.compile(r"^\s*[↩↑^⤴]\ufe0e?\s*$")
_NOTES = re.compile(r"footnote|endnote", re.IGNORECASE)
# Behind a digit or a unit of length a raised number is a power; behind "12." it is none.
_POWER = re.compile(r"(?:[0-9]|\b[kcdm]?m)\Z")
_EMBED = re.compile(r"tweet|twitter", re.IGNORECASE)
_BUTTON = re.compile(r"share|sharing|follow|button|timeline|social|comment|sidebar|footer|menu|widget", re.IGNORECASE)
# Characters that a post has, and a button has not.
_SHORTEST = 40
_DEPTH = 200
_BOXES = ("quote", "table", "row", "cell", "item")


def read(data: bytes, path: Path) -> Document:
    """Return a saved page; images are looked for beside ``path`` and nowhere else."""
    markup, unheld = mark_unheld(decode(data, path.name))
    try:
        # Bytes and their encoding, since a charset that the page declares no longer holds of decoded text.
        utf8 = lxml.html.HTMLParser(encoding="utf-8")
        page = lxml.html.document_fromstring(markup.encode("utf-8"), parser=utf8)
        if page.find("body") is None:
            raise InputError(f"{path.name}: no article text was found in the page")
        content = lxml.html.fragment_fromstring(_main_content(_with_anchors(page, markup)), create_parent="div")
        document = _read(page, content, path)
    except (LxmlError, ValueError) as error:
        raise InputError(f"{path.name}: cannot read it as HTML: {error}") from error
    text = held(document.text, unheld)
    metadata = {key: held(value, unheld) for key, value in document.metadata.items()}
    return replace(
        document, text=text, metadata=metadata, replaced=text.count("\ufffd") - document.text.count("\ufffd")
    )


def _read(page: Any, content: Any, path: Path) -> Document:
    metadata = page_metadata(page)
    notes: dict[str, Any] = {str(element.get("id")): element for element in page.iter() if element.get("id")}
    walker = _Walker(_footnote_labels(content, notes))
    if title := metadata.get("title"):
        walker.line(title, "heading", "title")
    walker.walk(content, "paragraph", "", 0)
    walker.flush()
    # Extraction takes a list of footnotes for page furniture: the notes that the text points to come back by their ids.
    kept = {element.get("id") for element in content.iter() if isinstance(element.tag, str)}
    for target in walker.labels:
        if target in notes and target not in kept:
            walker.note(notes[target], target)
    blocks = [b for i, b in enumerate(walker.blocks) if not (i and b.text == title and b.kind == "heading")]
    if not any(block.text for block in blocks[1 if title else 0 :]):
        raise InputError(f"{path.name}: no article text was found in the page")
    return _document(blocks, path, metadata)


def _with_anchors(page: Any, markup: str) -> str:
    """Return the markup with what an article needs renamed: extraction drops what is called foot, header or tweet.

    Footnote anchors are, Substack's headings ("header-anchor-post") and the posts that a page embeds.
    """
    named = [e for e in page.iter("a", "sup") if "foot" in f"{e.get('class')} {e.get('id')}".lower()]
    named += [h for h in page.iter(*_HEADINGS) if "header-anchor" in (h.get("class") or "")]
    named += [e for e in page.iter("blockquote", "figure", "div", "section", "p") if _is_embedded(e)]
    classes = [element.get("class") for element in named]
    for element in named:
        element.set("class", "article")
    markup = lxml.html.tostring(page, encoding="unicode") if named else markup
    for element, before in zip(named, classes, strict=True):
        element.attrib.pop("class") if before is None else element.set("class", before)
    return markup


def _is_embedded(element: Any) -> bool:
    """Tell whether an element holds an embedded post, and is no button to share or follow."""
    name = f"{element.get('class')} {element.get('id')}"
    return bool(_EMBED.search(name)) and not _BUTTON.search(name) and len(element.text_content().strip()) >= _SHORTEST


def _main_content(markup: str) -> str:
    from readability import Document as Readability
    from readability.readability import Unparseable

    try:
        return str(Readability(markup, retry_length=0).summary(html_partial=True))
    except Unparseable as error:
        raise ValueError(str(error)) from error


def _footnote_labels(content: Any, notes: dict[str, Any]) -> dict[str, str]:
    """Return the label of each footnote that an anchor of the content points to, by the id it points to, in order."""
    labels: dict[str, str] = {}
    for anchor in content.iter("a"):
        href = anchor.get("href") or ""
        label = _LABEL.match(anchor.text_content())
        if label and href.startswith("#") and (href[1:] in notes or _in(anchor, "sup")):
            labels.setdefault(href[1:], label[1])
    return labels


def _in(element: Any, tag: str) -> bool:
    return element.getparent() is not None and (element.getparent().tag == tag or element.find(tag) is not None)


@dataclass(frozen=True)
class _Line:
    text: str
    kind: BlockKind
    tag: str
    image: str | None = None
    footnote: str | None = None
    anchors: tuple[tuple[int, int, str], ...] = ()
    box: str | None = None
    broken: bool = False


@dataclass
class _Walker:
    """Goes through the content once, gathering inline text until a block begins or ends."""

    labels: dict[str, str]
    blocks: list[_Line] = field(default_factory=list)
    _inline: str = ""
    _anchors: list[tuple[int, int, str]] = field(default_factory=list)
    _kind: BlockKind = "paragraph"
    _tag: str = "p"
    _footnote: str | None = None
    _box: str | None = None
    _broken: bool = False
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_BOXES, 0))

    def line(self, text: str, kind: BlockKind, tag: str) -> None:
        self.blocks.append(_Line(text, kind, tag))

    def note(self, element: Any, target: str) -> None:
        self._footnote = self.labels[target]
        # Substack's id is that of the note's number, which stands beside the note, both in one element.
        around = element.getparent() if element.tag == "a" else None
        if around is not None and all(a.get("href") != f"#{target}" for a in around.iter("a")):
            element = around
        self.walk(element, "footnote", element.tag, 0)
        self.flush()
        self._footnote = None

    def flush(self) -> None:
        text = self._inline.rstrip()
        if text:
            anchors = tuple(self._anchors)
            place = (self._kind, self._tag, None, self._footnote, anchors, self._box, self._broken)
            self.blocks.append(_Line(text, *place))
        self._inline, self._anchors, self._broken = "", [], False

    def line_break(self, kind: BlockKind) -> None:
        """End a line within a paragraph; two breaks in a row end the paragraph. A heading is one line."""
        if kind in ("heading", "footnote"):
            self.add(" ")
            return
        within = bool(self._inline.strip())
        self.flush()
        self._broken = within

    def add(self, text: str | None) -> None:
        if text:
            collapsed = re.sub(r"[ \t\n\r\f]+", " ", text)
            self._inline += collapsed.lstrip(" ") if not self._inline or self._inline.endswith(" ") else collapsed

    def walk(self, element: Any, kind: BlockKind, tag: str, depth: int) -> None:
        if depth > _DEPTH:
            raise ValueError(f"markup is nested deeper than {_DEPTH} elements")
        for child in self._begin(element, kind, tag):
            if isinstance(child.tag, str) and child.tag not in _SILENT:
                self._child(child, kind, tag, depth)
            self.add(child.tail)

    def _begin(self, element: Any, kind: BlockKind, tag: str) -> Iterator[Any]:
        self._kind, self._tag = kind, tag
        self.add(element.text)
        return iter(element)

    def _child(self, child: Any, kind: BlockKind, tag: str, depth: int) -> None:
        if child.tag == "img":
            self.flush()
            self.blocks.append(_Line("", "image", "img", image=child.get("src") or ""))
        elif child.tag == "br":
            self.line_break(kind)
        elif child.tag in _BLOCKS or (child.tag == "cite" and kind == "quote" and not self._inline.strip()):
            # WordPress's cite stands behind a quote's paragraphs, as a line of its own.
            self.flush()
            outer, box = self._footnote, self._box
            self._footnote = self.labels.get(child.get("id") or "") or outer
            self._box = self._box_of(child.tag, box) or box
            self.walk(child, self._block_kind(child, kind), child.tag, depth + 1)
            self.flush()
            self._footnote, self._box, self._kind, self._tag = outer, box, kind, tag
        elif child.tag == "a" and _BACKREF.match(child.text_content()):
            pass
        elif child.tag == "a" and (label := self._marker(child)):
            self._anchors.append((len(self._inline), len(label), self.labels[child.get("href")[1:]]))
            self._inline += label
        elif child.tag == "sup" and (label := self._raised(child)):
            self._anchors.append((len(self._inline), len(label), label.strip("[]()")))
            self._inline += label
        else:
            self.walk(child, kind, tag, depth + 1)

    def _raised(self, element: Any) -> str | None:
        """Return a footnote's number that is raised but not linked; a power or a square metre is none."""
        shown = "".join(element.text_content().split())
        plain = _LABEL.match(shown) and shown.strip("[]()").isdigit() and next(element.iter("a"), None) is None
        return shown if plain and self._inline and not _POWER.search(self._inline) else None

    def _box_of(self, tag: str, outer: str | None) -> str | None:
        """Return the name of the block quote, table cell or list item that begins, None where none does."""
        counts = self._counts
        if tag == "blockquote":
            counts["quote"] += 1
            return f"quote {counts['quote']}"
        if tag == "table":
            counts.update(table=counts["table"] + 1, row=0)
        elif tag == "tr":
            counts.update(row=counts["row"] + 1, cell=0)
        elif tag in ("td", "th"):
            counts["cell"] += 1
            return f"cell {counts['table']}.{counts['row']}.{counts['cell']}"
        elif tag == "li" and outer is None:
            counts["item"] += 1
            return f"item {counts['item']}"
        return None

    def _marker(self, anchor: Any) -> str | None:
        href = anchor.get("href") or ""
        shown = "".join(anchor.text_content().split())
        return shown if href.startswith("#") and href[1:] in self.labels and _LABEL.match(shown) else None

    def _block_kind(self, element: Any, kind: BlockKind) -> BlockKind:
        if element.tag in _HEADINGS:
            return "heading"
        if element.tag == "blockquote":
            return "quote"
        if element.tag == "figcaption":
            return "caption"
        if self._footnote or (element.tag in ("ol", "section", "div") and _NOTES.search(element.get("class") or "")):
            return "footnote"
        return kind


def _document(lines: list[_Line], path: Path, metadata: dict[str, Any]) -> Document:
    blocks, parts, start = [], [], 0
    for line in lines:
        place = (line.kind, start, start + len(line.text), line.tag, line.image, line.footnote)
        block = Block(*place, box=line.box, broken=line.broken)
        if line.text:
            block = replace(block, anchors=tuple((start + at, length, label) for at, length, label in line.anchors))
            parts.append(line.text)
            start += len(line.text) + 1
        blocks.append(block)
    text = "\n".join(parts) + "\n"
    series = next((m for part in parts[:6] for m in [series_of(part)] if m), None)
    images = {line.image: load_image(line.image, path) for line in lines if line.image}
    described = (
        {k: v for k, v in describe(text).items() if k == "title"} | metadata | ({"series": series} if series else {})
    )
    return Document(text, tuple(blocks), images, described)
