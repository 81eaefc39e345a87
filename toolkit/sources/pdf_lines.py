"""A PDF's lines: headers, footers and page numbers left out, footnotes apart, columns in reading order. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from toolkit.sources.document import BlockKind

_LABEL = re.compile(r"^[\[(]?(\d{1,3}|[*†‡])[\])]?[.:]?(?=\s|$)\s*")
_PAGE_NUMBER = re.compile(r"^\W*(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?\W*$", re.IGNORECASE)
CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]")
_MARGIN = 0.13  # of a page's height: where headers and footers stand


@dataclass(frozen=True)
class Line:
    """A line of a page; ``y0`` counts up from the page's bottom. ``marks`` are (place, length) of raised numbers.

    ``first_word`` is the width of the first word.
    """

    page: int
    x0: float
    x1: float
    y0: float
    size: float
    bold: bool
    text: str
    first_word: float
    marks: tuple[tuple[int, int], ...] = ()
    links: tuple[tuple[int, int, str], ...] = ()
    # Where the line's own column begins, and how many columns came before it in the document.
    left: float = 0
    column: int = 0


@dataclass(frozen=True)
class Page:
    """A page's lines, as found, and its height."""

    number: int
    height: float
    lines: tuple[Line, ...]


@dataclass
class Paragraph:
    """Lines that belong together; places count characters of ``text``."""

    kind: BlockKind
    lines: list[Line]
    footnote: str | None = None
    text: str = ""
    marks: list[tuple[int, int]] = field(default_factory=list)
    links: list[tuple[int, int, str]] = field(default_factory=list)
    pages: list[tuple[int, int, int]] = field(default_factory=list)

    def joined(self, hyphened: set[str], words: set[str]) -> Paragraph:
        """Join the lines' texts."""
        for line in self.lines:
            glue = _glue(self.text, line.text, hyphened, words)
            if glue is None:
                self.text, glue = self.text[:-1], ""
                page, start, end = self.pages.pop()
                self.pages.append((page, start, end - 1))
            self.text += glue
            at = len(self.text)
            self.text += line.text
            self.marks += [(at + place, length) for place, length in line.marks]
            self.links += [(at + place, length, url) for place, length, url in line.links]
            if self.pages and self.pages[-1][0] == line.page:
                at = self.pages.pop()[1]
            self.pages.append((line.page, at, len(self.text)))
        return self


def without_furniture(pages: Sequence[Page]) -> Iterator[Page]:
    """Yield the pages without what repeats at one place of their margins: running headers, footers, page numbers."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    offsets: Counter[int] = Counter()
    for page in pages:
        for line in _in_margins(page):
            for place in _places(line):
                seen[place].add(page.number)
            if number := _number(line):
                offsets[number - page.number] += 1
    least = 2 if len(pages) < 4 else 3
    for page in pages:
        margins = _in_margins(page)
        gone = {
            line
            for line in margins
            if max(len(seen[place]) for place in _places(line)) >= least
            or (_PAGE_NUMBER.match(line.text) and (n := _number(line)) and offsets[n - page.number] >= 2)
        }
        # What stands beside a page number, such as a chapter's name, belongs to it.
        gone |= {line for line in margins if any(abs(line.y0 - other.y0) < 3 for other in gone)}
        yield replace(page, lines=tuple(line for line in page.lines if line not in gone))


def _in_margins(page: Page) -> list[Line]:
    low, high = page.height * _MARGIN, page.height * (1 - _MARGIN)
    return [line for line in page.lines if line.y0 < low or line.y0 > high]


def _places(line: Line) -> list[tuple[str, int]]:
    """Return what makes two lines one piece of furniture: the words, numbers aside, and the height, give or take."""
    words = re.sub(r"\d+", "#", line.text.casefold())
    return [(words, round(line.y0 / 3) + step) for step in (-1, 0, 1)]


def _number(line: Line) -> int | None:
    found = re.search(r"\d{1,4}", line.text) if _PAGE_NUMBER.match(line.text) else None
    return int(found[0]) if found else None


def footnotes(page: Page, body: float, before: list[Paragraph]) -> tuple[list[Line], list[Paragraph]]:
    """Return (the other lines, the notes) of a page: small lines at its foot, from the first with a label on.

    Small lines above that go on with the note that the page before left off.
    """
    low_first = sorted(page.lines, key=lambda line: line.y0)
    body_low = next((line.y0 for line in low_first if line.size >= 0.93 * body), page.height)
    small = [line for line in reversed(low_first) if line.y0 < body_low]
    first = next((i for i, line in enumerate(small) if label_of(line)), None)
    going_on = bool(before) and before[-1].lines[-1].page == page.number - 1
    if not small or (first is None and not going_on):
        return list(page.lines), []
    start = 0 if going_on else first or 0
    notes: list[Paragraph] = []
    for line in small[start:]:
        label = label_of(line)
        expected = int(notes[-1].footnote or 0) + 1 if notes and (notes[-1].footnote or "").isdigit() else None
        if label and (line.marks or expected is None or label[0] == str(expected)):
            notes.append(Paragraph("footnote", [unlabelled(line, label[1])], label[0]))
        else:
            (notes or before)[-1].lines.append(line)
    taken = set(small[start:])
    return [line for line in page.lines if line not in taken], notes


def label_of(line: Line) -> tuple[str, int] | None:
    """Return (label, how many characters it takes) of a line that begins a note."""
    if line.marks and line.marks[0][0] == 0:
        length = line.marks[0][1]
        rest = line.text[length:]
        return line.text[:length], length + len(rest) - len(rest.lstrip())
    match = _LABEL.match(line.text)
    return (match[1], match.end()) if match else None


def unlabelled(line: Line, length: int) -> Line:
    """Return a note's first line without its label's characters."""
    marks = tuple((at - length, n) for at, n in line.marks if at >= length)
    links = tuple((at - length, n, url) for at, n, url in line.links if at >= length)
    return replace(line, text=line.text[length:], marks=marks, links=links)


def ordered(lines: Sequence[Line], column: int) -> list[Line]:
    """Return a page's lines in reading order: down the page, or down each of two columns between lines across both."""
    gutter = _gutter(lines)
    done: list[Line] = []
    sides: tuple[list[Line], list[Line]] = ([], [])

    def close() -> None:
        nonlocal column
        for side in sides:
            if side:
                left = min(line.x0 for line in side)
                done.extend(replace(line, left=left, column=column) for line in side)
                column += 1
                side.clear()

    for line in sorted(lines, key=lambda line: (-line.y0, line.x0)):
        across = gutter is not None and line.x0 < gutter < line.x1
        if across and not (sides[0] and not sides[1] and sides[0][-1].x1 > (gutter or 0)):
            close()
        if gutter is not None and not across and sides[0] and sides[0][-1].x0 < gutter < sides[0][-1].x1:
            close()
        sides[1 if gutter is not None and line.x0 >= gutter else 0].append(line)
    close()
    return done


def _gutter(lines: Sequence[Line]) -> float | None:
    """Return where a page of two columns is parted; None where it has one column."""
    if len(lines) < 8:
        return None
    low, high = min(line.x0 for line in lines), max(line.x1 for line in lines)
    starts = sorted({line.x0 for line in lines if low + (high - low) * 0.3 < line.x0 < low + (high - low) * 0.7})
    for x in starts:
        right = [line for line in lines if line.x0 >= x - 0.5]
        left = [line for line in lines if line.x1 < x]
        beside = sum(any(abs(a.y0 - b.y0) < b.size for a in left) for b in right)
        across = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) >= 4 and beside >= len(right) / 2 and across <= len(lines) * 0.4:
            return x - 0.5
    return None


def _glue(text: str, after: str, hyphened: set[str], words: set[str]) -> str | None:
    """Return what joins two lines: a blank, nothing, or None where the hyphen between them was the line's end's."""
    if not text:
        return ""
    if text.endswith("\u00ad"):
        return None
    if text.endswith(("-", "‐")) and text[-2:-1].isalpha() and after[:1].isalpha():
        head, tail = re.findall(r"\w+", text)[-1].lower(), re.findall(r"\w+", after)[0].lower()
        # Certain only where the document has the word in one piece elsewhere, and never with its hyphen.
        certain = after[:1].islower() and head + tail in words and f"{head}-{tail}" not in hyphened
        return None if certain else ""
    if text.endswith("—") and not text.endswith(" —"):
        return ""
    return "" if CJK.match(text[-1]) and CJK.match(after) else " "
