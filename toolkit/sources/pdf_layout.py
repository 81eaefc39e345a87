"""From lines on pages to paragraphs, also such as go on over the edge of a page. Pure.

A PDF has no paragraphs, only lines with places. A line ends its paragraph where the next one stands further off, further
in, in another size, or where the next line's first word would have had room: whoever set the page meant a break there.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toolkit.sources.document import BlockKind
from toolkit.sources.pdf_lines import (
    CJK,
    Line,
    Page,
    Paragraph,
    footnotes,
    label_of,
    ordered,
    unlabelled,
    without_furniture,
)

_NOTES = re.compile(r"^(?:foot|end)?notes:?$", re.IGNORECASE)
_BULLET = re.compile(r"^(?:[•◦▪‣·*–—-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]]*\d{0,3}$")


def paragraphs(pages: Sequence[Page]) -> list[Paragraph]:
    """Return a document's paragraphs in reading order, its footnotes after them all, as on a saved page."""
    body = _body_size(line for page in pages for line in page.lines)
    notes: list[Paragraph] = []
    flow: list[Line] = []
    for page in without_furniture(pages):
        text, page_notes = footnotes(page, body, notes)
        notes += page_notes
        flow += ordered(text, flow[-1].column + 1 if flow else 0)
    found = [*_endnotes(_paragraphs(flow, body)), *notes]
    inner = " ".join(line.text for page in pages for line in page.lines)
    hyphened = {word.lower() for word in re.findall(r"\w+(?:[-‐]\w+)+", inner)}
    words = {word.lower() for word in re.findall(r"\w+", inner)}
    return [paragraph.joined(hyphened, words) for paragraph in found]


def _body_size(lines: Iterable[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=10)


@dataclass(frozen=True)
class _Setting:
    """How a document is set: body size, line distance by size, each column's right edge, indent of first lines."""

    body: float
    leading: dict[float, float]
    rights: dict[int, float]
    indent: float | None

    def is_indent(self, line: Line) -> bool:
        """Tell whether a line is set in as the document's first lines are."""
        return self.indent is not None and abs(line.x0 - line.left - self.indent) < 0.3 * line.size

    def breaks(self, paragraph: list[Line], line: Line) -> bool:
        """Tell whether a line begins a paragraph of its own after those of another."""
        last = paragraph[-1]
        if not _same_size(last, line) or last.bold != line.bold:
            return True
        same_column = last.column == line.column
        if same_column and last.y0 - line.y0 > 1.2 * self.leading.get(round(line.size), 1.3 * line.size) + 0.5:
            return True
        if line.size > 1.15 * self.body:
            return not same_column
        if self.is_indent(line):
            return True
        inward = (line.x0 - line.left) - (last.x0 - last.left)
        hanging = bool(_BULLET.match(paragraph[0].text)) and len(paragraph) == 1
        if inward > 0.8 * line.size and not hanging:
            return True
        if inward < -0.8 * line.size and len(paragraph) > 1:
            return True
        if self.had_room(last, line):
            return True
        if _BULLET.match(line.text) and _BULLET.match(paragraph[0].text):
            return True
        # Over the edge of a column or page: a full line goes on below, unless a sentence ends and a post's mark begins.
        return not same_column and bool(_ENDED.search(last.text)) and line.text.startswith(("#", "＃", "["))

    def had_room(self, last: Line, line: Line) -> bool:
        """Tell whether the next line's first word would have fitted at the end of a line."""
        if last.text.endswith(("-", "‐", "\u00ad")):
            return False
        # Chinese may break behind any character, save before a point or a bracket.
        width = 2 * line.size if CJK.match(line.text) else line.first_word
        # A passage set in from the left is taken to be set in from the right as well.
        inset = 0.0 if self.is_indent(last) else max(0.0, last.x0 - last.left)
        return last.x1 + width + 0.5 * line.size < self.rights[last.column] - inset

    def kind(self, lines: list[Line]) -> BlockKind:
        """Return what a paragraph is by its type and its place: set in on both sides, it is a quotation."""
        first = lines[0]
        length = sum(len(line.text) for line in lines)
        if length <= 300 and first.size > 1.15 * self.body:
            return "heading"
        if length <= 160 and first.bold and not lines[-1].text.endswith((".", "!", "?", ":")):
            return "heading"
        inset = [line.x0 - line.left for line in lines]
        both = all(line.x1 <= self.rights[line.column] - 0.6 * min(inset) for line in lines)
        if len(lines) > 1 and min(inset) > 1.2 * first.size and max(inset) - min(inset) < 3 and both:
            return "paragraph" if _BULLET.match(first.text) else "quote"
        return "paragraph"


def _paragraphs(flow: Sequence[Line], body: float) -> list[Paragraph]:
    setting = _Setting(body, _leadings(flow), _rights(flow), _first_indent(flow))
    found: list[list[Line]] = []
    for line in flow:
        if not found or setting.breaks(found[-1], line):
            found.append([line])
        else:
            found[-1].append(line)
    return [Paragraph(setting.kind(lines), lines) for lines in found]


def _leadings(flow: Sequence[Line]) -> dict[float, float]:
    """Return the usual distance from line to line by size of type: most lines stand inside paragraphs."""
    gaps: dict[float, list[float]] = defaultdict(list)
    for above, below in pairwise(flow):
        if above.column == below.column and _same_size(above, below) and above.y0 - below.y0 > 0.5 * below.size:
            gaps[round(below.size)].append(round((above.y0 - below.y0) * 2) / 2)
    return {size: min(statistics.mode(sorted(found)), 1.8 * size) for size, found in gaps.items()}


def _first_indent(flow: Sequence[Line]) -> float | None:
    """Return how far first lines are set in where the document begins paragraphs so; None where it does not."""
    followed: Counter[tuple[int, bool]] = Counter()
    for above, below in pairwise(flow):
        inset = above.x0 - above.left
        if above.column == below.column and _same_size(above, below) and 0.8 * above.size < inset < 5 * above.size:
            followed[round(inset), below.x0 - below.left < 0.3 * below.size] += 1
    found = [(count, inset) for (inset, flush), count in followed.items() if flush and count >= 3]
    count, inset = max(found, default=(0, 0))
    return inset if count > followed[inset, False] else None


def _rights(flow: Sequence[Line]) -> dict[int, float]:
    """Return where each column ends: as far right as its lines often come; columns that begin alike end alike."""
    groups: dict[int, list[Line]] = defaultdict(list)
    for line in flow:
        groups[round(line.left / 12)].append(line)
    ends: dict[int, float] = {}
    for key, lines in groups.items():
        # Often: what a few stray lines, such as addresses that do not break, reach is no margin.
        often = max(1, min(3, len(lines) // 8))
        ends[key] = sorted((line.x1 for line in lines), reverse=True)[often - 1]
    return {line.column: ends[round(line.left / 12)] for line in flow}


def _same_size(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= 0.08 * max(one.size, other.size)


def _endnotes(found: list[Paragraph]) -> Iterator[Paragraph]:
    """Yield the paragraphs, those that follow a heading "Notes", or begin with a raised number, as footnotes."""
    listing = False
    for paragraph in found:
        first = paragraph.lines[0]
        label = label_of(first)
        raised = bool(first.marks) and first.marks[0][0] == 0
        if label and paragraph.kind == "paragraph" and (listing or raised) and len(first.text) > label[1]:
            rest = [unlabelled(first, label[1]), *paragraph.lines[1:]]
            yield Paragraph("footnote", rest, label[0].strip("[]()."))
            continue
        opens = bool(_NOTES.match(first.text)) and len(paragraph.lines) == 1
        listing = opens or (listing and paragraph.kind != "heading")
        yield paragraph
