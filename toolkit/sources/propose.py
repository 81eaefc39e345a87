"""Proposals: what a report's own markers and layout say its spans are. Never taken for truth until accepted.

Each proposal names the rule that made it and how sure it is. A post's block begins at the first paragraph with a leading
hashtag or before the first photo text, and ends where prose about the posts goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from toolkit.fsio import write_jsonl
from toolkit.sources.model import Segment
from toolkit.sources.read_text import SERIES_LINE
from toolkit.sources.registry import Source
from toolkit.text.entities import hashtags
from toolkit.workspace import Workspace

_PHOTO = re.compile(r"^(?:\[(?:photo|image) text\]|(?:photo|image) text:|caption:)\s*", re.IGNORECASE)
_TRANSLATION = re.compile(r"^(?:\[translation\]|translation:)\s*", re.IGNORECASE)
_LINK = re.compile(r"^Part (\d{1,3}):\s+\S")
_NARRATIVE = re.compile(r"^(.{3,100}?) [-–—] \S")
_NOTE = re.compile(r"^\[[^\[\]]+\]$")
_INSERTION = re.compile(r"\[[^\[\]\n]+\]")
# A footnote number is glued to a word or to closing punctuation; after a digit, a sign or a blank it is a number.
# Behind one or two digits and a point, comma or colon it is the rest of a number or a time; behind a year it is not.
_MARKER = re.compile(
    r"(?<=[^\W\d_])\d{1,2}(?![\w.%])"
    r"|(?<=[.,;:!?”\"')\]])(?<!(?<!\d)\d[.,:])(?<!(?<!\d)\d\d[.,:])\d{1,2}(?=\s|$)"
    r"|[⁰¹²³⁴-⁹]+"
)
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_HISTORY = re.compile(r"\b(?:page|account|asset)s?\b.*\b(?:created|renamed|merg|changed|manager)", re.IGNORECASE)


def propose(workspace: Workspace, source: Source) -> list[Segment]:
    """Write a source's proposals to ``proposals.jsonl``, replacing earlier ones; curated spans are never touched."""
    with workspace.lock():
        found = proposals(source.text, source.blocks)
        write_jsonl(source.proposals_path, (segment.record() for segment in found))
        return found


def proposals(text: str, blocks: list[dict[str, Any]]) -> list[Segment]:
    """Return proposed spans by place. Pure."""
    spans = list(_Proposer(text, blocks).spans())
    return sorted(spans, key=lambda s: (s.char_start, -s.char_end, s.role))


class _Proposer:
    def __init__(self, text: str, blocks: list[dict[str, Any]]) -> None:
        self.text = text
        self.lines = [b for b in blocks if b["char_end"] > b["char_start"]]
        self.images = {b["char_start"]: b["media"] for b in blocks if b.get("media")}
        self.counts: dict[str, int] = {}
        self.last_post: str | None = None
        self.last_photo: str | None = None
        self.last_note = 0

    def line(self, block: dict[str, Any]) -> str:
        return self.text[block["char_start"] : block["char_end"]]

    def key(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}-{self.counts[kind]}"

    def spans(self) -> Iterator[Segment]:
        listing, posting = False, False
        last_marked = max((i for i, b in enumerate(self.lines) if self._marked(b)), default=-1)
        for number, block in enumerate(self.lines):
            line, kind = self.line(block), block["kind"]
            if number == 0:
                yield self._span(block, "title", "first line", 0.9)
            elif kind == "footnote":
                yield self._span(block, "footnote", "footnote list", 1.0, footnote=block.get("footnote"))
            elif kind == "heading":
                yield self._span(block, "heading", "heading element", 1.0)
            elif number < 5 and (match := SERIES_LINE.match(line)):
                total = int(match["total"]) if match["total"] else None
                yield self._span(
                    block, "series", "Part n/m", 0.9, series=match["name"], part=int(match["part"]), total=total
                )
            elif match := _LINK.match(line):
                yield self._span(block, "series_link", "Part n: title", 0.9, part=int(match[1]))
                posting = False
            elif match := _PHOTO.match(line):
                yield from self._photo(block, match.end())
            elif match := _TRANSLATION.match(line):
                start = block["char_start"] + match.end()
                yield self._span(block, "translation", "Translation:", 0.9, char_start=start, belongs_to=self.last_post)
            elif _NOTE.match(line) and posting:
                about = self.last_photo or self.last_post
                yield self._span(block, "translator_note", "whole line in brackets", 0.8, belongs_to=about)
            elif (
                kind == "quote"
                or line.startswith(("#", "＃"))
                or (posting and number <= last_marked and kind == "paragraph")
            ):
                posting, listing = posting or kind != "quote", False
                yield from self._post(block, kind)
            elif line.endswith(":") or listing:
                match = _NARRATIVE.match(line)
                listing = line.endswith(":") or match is not None
                yield from self._narrative(block, match)
            else:
                posting = False
                role = "asset_history" if _HISTORY.search(line) else "analysis"
                yield self._span(block, role, "prose", 0.5)
                yield from self._markers(block, None)

    def _marked(self, block: dict[str, Any]) -> bool:
        line = self.line(block)
        return bool(line.startswith(("#", "＃")) or _PHOTO.match(line))

    def _span(self, block: dict[str, Any], role: str, rule: str, confidence: float, **attributes: Any) -> Segment:
        place = {"char_start": block["char_start"], "char_end": block["char_end"]}
        return Segment.model_validate(place | {"role": role, "rule": rule, "confidence": confidence} | attributes)

    def _photo(self, block: dict[str, Any], marker: int) -> Iterator[Segment]:
        key = self.last_photo = self.key("photo")
        content = block["char_start"] + marker
        yield self._span(
            block,
            "photo_text",
            "photo text marker",
            0.9,
            key=key,
            belongs_to=self.last_post,
            kind="translation",
            content_start=content,
        )
        if media := self.images.get(block["char_start"]):
            yield self._span(block, "image", "image before its caption", 0.9, belongs_to=key, media=media)

    def _post(self, block: dict[str, Any], kind: str) -> Iterator[Segment]:
        key = self.last_post = self.key("post")
        self.last_photo = None
        rule, confidence = ("block quote", 0.9) if kind == "quote" else ("block of posts", 0.7)
        if self.line(block).startswith(("#", "＃")):
            rule, confidence = "leading hashtag", 0.9
        yield self._span(block, "post", rule, confidence, key=key)
        line, start = self.line(block), block["char_start"]
        for tag in hashtags(line):
            at = {"char_start": start + tag.start, "char_end": start + tag.end}
            yield self._span(block, "hashtag", "hashtag", 0.9, belongs_to=key, **at)
        for match in _INSERTION.finditer(line):
            at = {"char_start": start + match.start(), "char_end": start + match.end()}
            yield self._span(block, "insertion", "square brackets", 0.8, belongs_to=key, **at)
        yield from self._markers(block, key)

    def _markers(self, block: dict[str, Any], key: str | None) -> Iterator[Segment]:
        anchored = [(at, at + length, label, 1.0) for at, length, label in block.get("anchors", ())]
        for at, end, label, confidence in anchored or list(self._glued(block)):
            rule = "footnote anchor" if confidence == 1.0 else "glued number"
            place = {"char_start": at, "char_end": end}
            yield self._span(block, "footnote_marker", rule, confidence, footnote=label, belongs_to=key, **place)

    def _glued(self, block: dict[str, Any]) -> Iterator[tuple[int, int, str, float]]:
        """Yield glued numbers that go on counting, outside hashtags: COVID19, G20 and #Tag2 are names."""
        line, start = self.line(block), block["char_start"]
        names = [(tag.start, tag.end) for tag in hashtags(line)]
        for match in _MARKER.finditer(line):
            label = match[0].translate(_SUPERSCRIPT)
            if any(first <= match.start() < end for first, end in names):
                continue
            if self.last_note < int(label) <= self.last_note + 2:
                self.last_note = int(label)
                yield start + match.start(), start + match.end(), label, 0.7

    def _narrative(self, block: dict[str, Any], match: re.Match[str] | None) -> Iterator[Segment]:
        if match is None:
            yield self._span(
                block, "heading" if self.line(block).endswith(":") else "analysis", "line before a list", 0.5
            )
            return
        key = self.key("narrative")
        yield self._span(block, "narrative", "name - explanation", 0.8, key=key)
        end = block["char_start"] + match.end(1)
        yield self._span(block, "narrative_name", "name - explanation", 0.8, belongs_to=key, char_end=end)
