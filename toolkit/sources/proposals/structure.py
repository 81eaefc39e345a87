"""The frame of a report: title, series, headings, narrative lists, links to other parts, footnotes at the end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from toolkit.sources.proposals.labels import Labels
from toolkit.sources.proposals.numbers import candidates
from toolkit.sources.proposals.paragraphs import Paragraph
from toolkit.sources.proposals.prose import leads_to_post
from toolkit.sources.proposals.quotes import is_quoted
from toolkit.sources.read_text import SERIES_LINE, is_title

_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
_PART = rf"(?:[1-9][0-9]{{0,2}}|{'|'.join(_WORDS)})"
_SERIES_INSIDE = re.compile(
    rf"(?:(?P<name>[^\n.!?()]{{2,100}}?)[\s,:–—-]{{1,5}})?\bpart (?P<part>{_PART})\s*(?:/|of)\s*(?P<total>{_PART})\b[.:]?",
    re.IGNORECASE,
)
_PART_INSIDE = re.compile(rf"\bpart (?P<part>{_PART})\s*(?:/|of)\s*(?P<total>{_PART})\b", re.IGNORECASE)
_LINK = re.compile(
    rf"[\s*•–-]{{0,6}}(?:Part|Teil|Partie|Parte|Часть|Частина|Deel|Del) (?P<part>{_PART})"
    r"(?:\s*\([^()\n]{1,40}\))?\s*[:.–—-]\s*\S",
    re.IGNORECASE,
)
_ITEM = re.compile(r"[•‣▪*–—-]\s+|[0-9]{1,2}[.)]\s+|\([0-9a-z]\)\s+")
_NAME = re.compile(r"[*_“\"]{0,3}(?P<name>[^\n]{3,100}?)[*_”\"]{0,3} [-–—] [*_]{0,2}\S")
_NAME_COLON = re.compile(r"[*_“\"]{0,3}(?P<name>[^\n:]{3,100}?)[*_”\"]{0,3}:[*_]{0,2} \S")
_NAME_STOP = re.compile(r"(?P<name>[^\n.!?]{3,80})[.!?] \S")
_NARRATIVES = re.compile(
    r"\b(?:narratives?|themes?|claims?|messages|messaging|storylines?|arguments?|talking points|lines of argument|topics|tropes|"
    r"what the .{0,30}(?:say|says|claim|claims))\b",
    re.IGNORECASE,
)
_NOTES = re.compile(
    r"(?:foot|end)?notes(?: and (?:sources|references))?|references|sources(?: and notes)?|citations", re.IGNORECASE
)
_NOTE = re.compile(
    r"(?:\[\^?(?P<a>[0-9]{1,3})\]:?|(?P<b>[0-9]{1,3})[.):]?|(?P<c>[⁰¹²³⁴-⁹]{1,3})|\^(?P<d>[0-9]{1,3}))\s+(?=\S)"
)
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_BYLINE = re.compile(
    rf"(?:by|text by|written by|authors?:)\s+[^\W\d_].{{1,120}}|"
    r"(?:first |last )?(?:published|posted|updated)\b.{0,60}|"
    rf"(?:{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}|[0-9]{{1,2}} {_MONTH},? [0-9]{{4}}|"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2})|"
    r"[0-9]{1,3} min(?:ute)?s? read",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"(?:subscribe|share|thanks for reading|sign up|follow us|read more|like this)\b.{0,120}", re.IGNORECASE
)
_MARKDOWN = re.compile(r"#{1,6}\s+(?=\S)")
_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*\)")
_SHORT_LINE = 160
# Notes stand in the last part of a report.
_NOTES_FROM = 0.25


def number_of(words: str) -> int:
    """Return a part's number, in digits or in words."""
    return int(words) if words.isdigit() else _WORDS.index(words.lower()) + 1


def frame(found: Sequence[Paragraph], labels: Labels) -> None:
    """Settle title, byline, series, headings of a page, markdown headings and links to the series' other parts."""
    for number, paragraph in enumerate(found):
        line = paragraph.text
        if number == 0 and is_title(line):
            paragraph.settle("title", "first line", 0.9)
            if match := _MARKDOWN.match(line):
                paragraph.start += match.end()
                paragraph.text = line[match.end() :]
        elif _IMAGE.fullmatch(line):
            paragraph.settle("", "markdown image", 0.9)
        elif paragraph.kind == "footnote" and line.strip("[]().^ ") == paragraph.footnote:
            paragraph.settle("", "number of a footnote", 0.9)
        elif paragraph.kind == "footnote":
            paragraph.settle("footnote", "footnote list", 1.0, footnote=paragraph.footnote)
        elif number < 6 and len(line) < 200 and (match := SERIES_LINE.match(line)):
            total = int(match["total"]) if match["total"] else None
            paragraph.settle("series", "Part n/m", 0.9, series=match["name"], part=int(match["part"]), total=total)
        elif number < 6 and paragraph.kind != "heading" and len(line) < 140 and _BYLINE.fullmatch(line):
            paragraph.settle("", "byline or date", 0.9)
        elif paragraph.kind == "heading":
            paragraph.settle("heading", "heading element", 1.0)
        elif match := _MARKDOWN.match(line):
            paragraph.settle("heading", "markdown heading", 0.9)
            paragraph.start += match.end()
            paragraph.text = line[match.end() :]
    _links(found)


def _links(found: Sequence[Paragraph]) -> None:
    matches = [(n, p, _LINK.match(p.text[:200])) for n, p in enumerate(found) if p.role is None and len(p.text) < 250]
    linked = {n for n, _, match in matches if match}
    for number, paragraph, match in matches:
        # One alone, before the end, may be the heading of a chapter.
        if match and (number - 1 in linked or number + 1 in linked or number > 0.6 * len(found)):
            paragraph.settle("series_link", "Part n: title", 0.9, part=number_of(match["part"]))
    for before, paragraph in pairwise(found):
        if paragraph.role == "series_link" and before.role is None and _leads(before.text):
            before.settle("heading", "line before the series' links", 0.7)


def _leads(line: str) -> bool:
    return len(line) <= _SHORT_LINE and (line.endswith(":") or not line.endswith((".", "!", "”", '"')))


def series_inside(paragraph: Paragraph) -> re.Match[str] | None:
    """Return a place in a series that is said at the beginning of a paragraph ("Salt Lamps, part 1 of 2. …"), or in it."""
    head = paragraph.text[:400]
    match = _SERIES_INSIDE.match(head)
    if match and len(match["name"] or "") > 60:
        match = None
    return match or _PART_INSIDE.search(head)


def narratives(found: Sequence[Paragraph], labels: Labels) -> None:
    """Settle lists of narratives: items behind a line with a colon, or behind a heading that speaks of narratives."""
    listing, telling, loose = False, False, False
    for number, paragraph in enumerate(found):
        line = paragraph.text
        if paragraph.role not in (None, "heading"):
            listing = False
            continue
        if paragraph.role == "heading" or (line.endswith((":", "：")) and not leads_to_post(line)):
            following = found[number + 1] if number + 1 < len(found) else None
            telling = bool(_NARRATIVES.search(line[-400:]))
            listing = bool(following and following.role is None) and (paragraph.role is None or telling)
            loose = paragraph.role == "heading"
            if listing and paragraph.role is None and following and _is_item(following, telling):
                paragraph.settle("heading", "line before a list", 0.7)
            continue
        label = labels.match(line)
        if label and label.kind == "narrative" and not label.alone:
            paragraph.settle("narrative", "label", 0.7, paragraph.start + label.end)
        elif listing and _is_item(paragraph, telling):
            _item(paragraph, telling)
        elif listing and loose and not paragraph.listed:
            # Words before the list itself: the list may still come.
            loose = False
        else:
            listing = False


def _is_item(paragraph: Paragraph, telling: bool) -> bool:
    bullet = _ITEM.match(paragraph.text)
    words = paragraph.text[bullet.end() if bullet else 0 :][:400]
    if paragraph.kind == "caption" or is_quoted(paragraph.text) or words.startswith(("#", "＃", "[")):
        return False
    listed = paragraph.listed or bullet is not None
    return bool(_NAME.match(words) or (listed and (telling or _NAME_COLON.match(words))))


def _item(paragraph: Paragraph, telling: bool) -> None:
    bullet = _ITEM.match(paragraph.text)
    if bullet and not paragraph.listed:
        paragraph.start += bullet.end()
        paragraph.text = paragraph.text[bullet.end() :]
    head = paragraph.text[:400]
    name = _NAME.match(head) or _NAME_COLON.match(head) or (_NAME_STOP.match(head) if telling else None)
    place = (paragraph.start + name.start("name"), paragraph.start + name.end("name")) if name else None
    paragraph.settle("narrative", "name - explanation" if name else "item of a list of narratives", 0.8, name=place)


def headings(found: Sequence[Paragraph]) -> None:
    """Settle short lines of a plain text that stand before paragraphs and end no sentence."""
    for before, paragraph, following in zip(found, found[1:], found[2:], strict=False):
        line = paragraph.text
        if (
            paragraph.role is None
            and paragraph.tag == "line"
            and len(line) <= 70
            and not line.rstrip("*_").endswith((".", "!", "?", ",", ";", ":", "：", "”", '"', "。", "！", "？"))
            and paragraph.group != before.group
            and len(following.text) > len(line)
            and not line.startswith(("#", "@", "["))
        ):
            paragraph.settle("heading", "short line before a paragraph", 0.5)


def footnotes(found: Sequence[Paragraph]) -> None:
    """Settle footnotes at the end of a plain text: behind their heading, numbered, or behind the series' links."""
    at = next((n for n in range(len(found) - 1, 0, -1) if _NOTES.fullmatch(found[n].text.strip(":*_# "))), None)
    if at is not None and at >= len(found) * _NOTES_FROM:
        found[at].settle("heading", "heading of the notes", 0.8)
        rest = list(itertools.takewhile(lambda p: p.role != "heading", found[at + 1 :]))
        if rest and all(_NOTE.match(p.text) is None for p in rest):
            _unnumbered(found, rest, headed=True)
        else:
            _numbered(rest)
        return
    last_link = max((n for n, p in enumerate(found) if p.role == "series_link"), default=None)
    tail = _numbered_tail(found)
    if tail:
        _numbered(tail)
    elif last_link is not None and (rest := list(found[last_link + 1 :])):
        _unnumbered(found, rest)


def _numbered_tail(found: Sequence[Paragraph]) -> list[Paragraph]:
    """Return the numbered lines that a text ends with, from 1 on, where markers of these numbers stand before them."""
    start, expected = None, None
    for number in range(len(found) - 1, max(0, len(found) // 3), -1):
        paragraph = found[number]
        match = _NOTE.match(paragraph.text) if paragraph.role is None and paragraph.tag in ("line", "p", "li") else None
        value = _value(match) if match else None
        if value is None or (expected is not None and value >= expected):
            break
        start, expected = number, value
        if value == 1:
            break
    if start is None or expected is None or expected > 3:
        return []
    marked = {n.value for p in found[:start] for n in candidates(p) if n.weight >= 1.5}
    noted = {_value(m) for p in found[start:] if (m := _NOTE.match(p.text))}
    return list(found[start:]) if len(marked & noted) * 2 >= len(noted) else []


def _value(match: re.Match[str]) -> int:
    return int(next(group for group in match.groups() if group).translate(_SUPERSCRIPT))


def _numbered(rest: Sequence[Paragraph]) -> None:
    last: Paragraph | None = None
    for paragraph in rest:
        match = _NOTE.match(paragraph.text)
        if match and paragraph.role is None:
            label = str(_value(match))
            paragraph.settle("footnote", "numbered note", 0.9, paragraph.start + match.end(), footnote=label)
            last = paragraph
        elif last is not None and paragraph.role is None and paragraph.group == last.group:
            paragraph.settle("footnote", "numbered note", 0.7)
            paragraph.joined = True


def _unnumbered(found: Sequence[Paragraph], rest: Sequence[Paragraph], *, headed: bool = False) -> None:
    """Settle notes without numbers; where there are as many as there are markers, they are given theirs, as inferred."""
    notes = [p for p in rest if p.role is None and not _FURNITURE.fullmatch(p.text[:160])]
    values = {n.value for p in found if p not in notes for n in candidates(p) if n.weight >= 1.5}
    if not values:
        return
    labels = sorted(values) if len(values) == len(notes) else []
    rule = "below the notes' heading" if headed else "behind the series' links"
    for number, paragraph in enumerate(notes):
        given: dict[str, Any] = {"footnote": str(labels[number]), "inferred": ("footnote",)} if labels else {}
        paragraph.settle("footnote", rule, 0.6, **given)
