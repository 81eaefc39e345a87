"""Paragraphs with their roles → typed spans, with what stands inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.sources.events import is_history
from toolkit.sources.model import Segment
from toolkit.sources.proposals.glosses import glosses
from toolkit.sources.proposals.numbers import Number
from toolkit.sources.proposals.paragraphs import Paragraph, is_foreign
from toolkit.sources.proposals.structure import number_of, series_inside
from toolkit.text.entities import hashtags
from toolkit.text.language import language
from toolkit.text.script import chinese_variant, letter_counts

_INSERTION = re.compile(r"\[[^\[\]\n]+\]")
# "example[.]com" is an address made harmless, "[text](address)" a link.
_DEFANGED = re.compile(r"\[(?:\.|:|@|://|dot|at)\]", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"(?:an? |the |two |three |several )?(?:\w+ ){0,3}(?:card|poster|quote|quotation|photo|photograph|picture|image|"
    r"screenshot|map|cartoon|drawing|timetable|portrait|graphic|meme|video|collage|chart|logo|banner|flag|leaflet|still|caricature)s?\b",
    re.IGNORECASE,
)
_GLOSSED = ("analysis", "asset_history", "narrative", "footnote", "translator_note")
_MARKED = ("analysis", "asset_history", "narrative", "post", "photo_text", "translation", "translator_note", "heading")


class Spans:
    """Writes the spans of settled paragraphs, numbering the keys of what others belong to."""

    def __init__(self, found: Sequence[Paragraph], numbers: Sequence[Number], script: str) -> None:
        self.found = found
        self.numbers = numbers
        self._marked = {number.start for number in numbers}
        self.script = script
        self._counts: dict[str, int] = {}
        self._at = 0
        self._post: str | None = None
        self._photo: str | None = None
        self._keys: dict[int, str] = {}
        self._owners: dict[str, Paragraph] = {}
        self._places = {id(paragraph): n for n, paragraph in enumerate(found)}
        self._pictured: set[str] = set()

    def write(self) -> Iterator[Segment]:
        """Yield the spans in no particular order."""
        self._number_posts()
        series = False
        for number, paragraph in enumerate(self.found):
            if paragraph.joined:
                continue
            end = self._end(number)
            if paragraph.role is None or paragraph.role == "analysis":
                if number < 6 and not series and not any(p.role == "series" for p in self.found):
                    match = series_inside(paragraph)
                    if match:
                        series = True
                        yield from self._series(paragraph, match)
                        continue
                yield from self._prose(paragraph, end)
            elif paragraph.role:
                yield from self._settled(paragraph, end)

    def _end(self, number: int) -> int:
        """Return where a paragraph's span ends: with the last one that goes on with it."""
        return max((paragraph.end for paragraph in self._joined(number)), default=self.found[number].end)

    def _joined(self, number: int) -> Iterator[Paragraph]:
        """Yield the paragraphs that go on with one."""
        for at in range(number + 1, len(self.found)):
            if not self.found[at].joined:
                return
            yield self.found[at]

    def _key(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}-{self._counts[kind]}"

    def _number_posts(self) -> None:
        """Give every post its key first: a translation may stand before its post."""
        for paragraph in self.found:
            if paragraph.role == "post" and not paragraph.joined:
                self._keys[id(paragraph)] = self._key("post")
                self._owners[self._keys[id(paragraph)]] = paragraph
            for inner in paragraph.inner:
                if inner.role == "post":
                    self._keys[id(inner)] = self._key("post")

    def _span(self, start: int, end: int, role: str, rule: str, confidence: float, **attributes: Any) -> Segment:
        place = {"role": role, "char_start": start, "char_end": end, "rule": rule, "confidence": confidence}
        return Segment.model_validate(place | {k: v for k, v in attributes.items() if v is not None})

    def _settled(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        match paragraph.role:
            case "post":
                yield from self._one_post(paragraph, end)
            case "photo_text":
                yield from self._one_photo(paragraph, end)
            case "translation":
                yield from self._translation(paragraph, end)
            case "translator_note":
                yield self._whole(paragraph, end, belongs_to=self._photo or self._post, content_start=paragraph.content)
                yield from self._inner(paragraph, end, None)
            case "narrative":
                yield from self._narrative(paragraph, end)
            case "footnote":
                yield from self._footnote(paragraph, end)
            case "series" | "series_link" | "title":
                self._leave(paragraph)
                yield self._whole(paragraph, end, **paragraph.attributes)
            case _:
                self._leave(paragraph)
                yield self._whole(paragraph, end)
                yield from self._inner(paragraph, end, None)

    def _whole(self, paragraph: Paragraph, end: int, **attributes: Any) -> Segment:
        given = {k: v for k, v in attributes.items() if k in Segment.model_fields}
        return self._span(paragraph.start, end, str(paragraph.role), paragraph.rule, paragraph.confidence, **given)

    def _leave(self, paragraph: Paragraph) -> None:
        """Prose goes on: what follows belongs to no post so far."""
        self._photo = None

    def _series(self, paragraph: Paragraph, match: re.Match[str]) -> Iterator[Segment]:
        name = (match.groupdict().get("name") or "").strip(" ,:–—-")
        start, end = paragraph.start + match.start(), paragraph.start + match.end()
        about = {"part": number_of(match["part"]), "total": number_of(match["total"]), "series": name or None}
        yield self._span(start, end, "series", "part n of m in a paragraph", 0.7, **about)
        rest = paragraph.text[match.end() :]
        if match.start() == 0 and match[0].endswith((".", ":")):
            paragraph.start = end + len(rest) - len(rest.lstrip())
            paragraph.text = rest.lstrip()
        if paragraph.text:
            yield from self._prose(paragraph, paragraph.end)

    def _prose(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        self._leave(paragraph)
        history = paragraph.role is None and is_history(paragraph.text)
        paragraph.role = "asset_history" if history else "analysis"
        rule = "events of an account" if history else (paragraph.rule or "prose")
        key = self._key("asset") if history else None
        yield self._span(paragraph.start, end, paragraph.role, rule, paragraph.confidence, key=key)
        yield from self._quoted(paragraph)
        if paragraph.kind == "caption" or paragraph.images:
            yield from self._images(paragraph, self._post, paragraph if paragraph.kind == "caption" else None)
        yield from self._inner(paragraph, end, None)

    def _one_post(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        key = self._post = self._keys[id(paragraph)]
        self._photo = None
        start = paragraph.content or paragraph.start
        uncertain = paragraph.attributes.get("uncertain_boundary", False)
        lang = self._language(paragraph.words)
        about = {"key": key, "lang": lang, "uncertain_boundary": uncertain or None}
        yield self._span(start, end, "post", paragraph.rule, paragraph.confidence, **about)
        text, start = self._text(paragraph, end)
        for tag in hashtags(text):
            yield self._span(start + tag.start, start + tag.end, "hashtag", "hashtag", 0.9, belongs_to=key)
        yield from self._inner(paragraph, end, key)
        yield from self._images(paragraph, key, paragraph)

    def _quoted(self, paragraph: Paragraph) -> Iterator[Segment]:
        """Yield the posts that a paragraph of prose quotes, with their hashtags and insertions."""
        for inner in paragraph.inner:
            key = self._keys.get(id(inner))
            text = paragraph.text[inner.start - paragraph.start : inner.end - paragraph.start]
            about = {"key": key, "lang": self._language(text) if key else None}
            owner = None if inner.of is None else self._keys[id(inner.of)]
            yield self._span(
                inner.start, inner.end, inner.role, inner.rule, inner.confidence, belongs_to=owner, **about
            )
            if key:
                self._post = key
                for tag in hashtags(text):
                    place = (inner.start + tag.start, inner.start + tag.end)
                    yield self._span(*place, "hashtag", "hashtag", 0.9, belongs_to=key)
            for match in _INSERTION.finditer(text):
                if _is_inserted(match, text) and inner.start + match.start() not in self._marked:
                    place = (inner.start + match.start(), inner.start + match.end())
                    yield self._span(*place, "insertion", "square brackets", 0.8, belongs_to=key)

    def _language(self, text: str) -> str | None:
        """Return the language of a post in another script: its own words are given then."""
        if not is_foreign(text, self.script):
            return None
        code, head = language(text[:2000]), text[:4000]
        variant = chinese_variant(head) if code == "zh" else ""
        return None if code == "und" else (f"zh-{variant}" if variant in ("Hans", "Hant") else code)

    def _one_photo(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        key = self._photo = self._key("photo")
        words = paragraph.words
        if is_foreign(words, self.script) or any(
            code in letter_counts(words[:4000]) for code in ("Hani", "Arab", "Cyrl") if code != self.script
        ):
            kind = "verbatim"
        else:
            kind = "description" if _DESCRIBES.match(words) else "translation"
        about = {"key": key, "belongs_to": self._post, "kind": kind, "content_start": paragraph.content}
        yield self._span(paragraph.start, end, "photo_text", paragraph.rule, paragraph.confidence, **about)
        yield from self._inner(paragraph, end, key)
        yield from self._images(paragraph, key, paragraph)

    def _translation(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        original = paragraph.attributes.get("of")
        owner = self._keys.get(id(original)) if original is not None else self._post
        start = paragraph.content or paragraph.start
        yield self._span(start, end, "translation", paragraph.rule, paragraph.confidence, belongs_to=owner)
        yield from self._inner(paragraph, end, None)
        yield from self._images(paragraph, owner, None)

    def _narrative(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        key = self._key("narrative")
        self._leave(paragraph)
        yield self._whole(paragraph, end, key=key, content_start=paragraph.content)
        if place := paragraph.attributes.get("name"):
            start, name_end = place
            yield self._span(start, name_end, "narrative_name", paragraph.rule, paragraph.confidence, belongs_to=key)
        yield from self._quoted(paragraph)
        yield from self._inner(paragraph, end, None)

    def _footnote(self, paragraph: Paragraph, end: int) -> Iterator[Segment]:
        key = self._key("footnote")
        yield self._whole(paragraph, end, key=key, content_start=paragraph.content, **paragraph.attributes)
        yield from self._glosses(paragraph, end, key)

    def _text(self, paragraph: Paragraph, end: int) -> tuple[str, int]:
        """Return a paragraph's words, with those that go on with it, and where they begin."""
        parts, place = [paragraph.words], paragraph.end
        for following in self._joined(self._places[id(paragraph)]):
            parts.append("\n" * (following.start - place) + following.text)
            place = following.end
        return "".join(parts), paragraph.content or paragraph.start

    def _inner(self, paragraph: Paragraph, end: int, key: str | None) -> Iterator[Segment]:
        """Yield markers, insertions and glosses within a span that ends at ``end``."""
        markers = []
        while self._at < len(self.numbers) and self.numbers[self._at].start < end:
            number = self.numbers[self._at]
            self._at += 1
            if number.start >= paragraph.start and paragraph.role in _MARKED:
                markers.append(number)
        inside = paragraph.content or paragraph.start
        for number in markers:
            quoted = next((p for p in paragraph.inner if p.start <= number.start < p.end), None)
            owner = key if number.start >= inside and paragraph.role == "post" else self._keys.get(id(quoted))
            confidence = {4.0: 1.0, 3.0: 0.9}.get(number.weight, 0.7)
            about = {"footnote": number.label, "belongs_to": owner}
            yield self._span(number.start, number.end, "footnote_marker", number.rule, confidence, **about)
        if paragraph.role in ("post", "translation", "photo_text"):
            text, start = self._text(paragraph, end)
            for match in _INSERTION.finditer(text):
                if _is_inserted(match, text) and start + match.start() not in self._marked:
                    at = (start + match.start(), start + match.end())
                    yield self._span(*at, "insertion", "square brackets", 0.8, belongs_to=key)
        elif paragraph.role in _GLOSSED:
            yield from self._glosses(paragraph, end, None)

    def _glosses(self, paragraph: Paragraph, end: int, key: str | None) -> Iterator[Segment]:
        text, start = self._text(paragraph, end)
        if is_foreign(text, self.script):
            return
        for low, high in glosses(text, self.script):
            if not any(p.start <= start + low < p.end for p in paragraph.inner):
                yield self._span(start + low, start + high, "gloss", "words in another script", 0.8, belongs_to=key)

    def _images(self, paragraph: Paragraph, owner: str | None, place: Paragraph | None) -> Iterator[Segment]:
        """Yield the image before a paragraph: on its caption, or on the post that it stands by."""
        place = place or self._owners.get(owner or "")
        if not paragraph.images or place is None or owner is None:
            return
        where = f"{place.start}"
        if where in self._pictured:
            return
        self._pictured.add(where)
        end = place.end if place is not paragraph or place.role != "post" else self._end(self._places[id(place)])
        start = place.content or place.start if place.role == "post" else place.start
        rule = "image before its caption" if place.kind == "caption" else "image beside its post"
        about = {"belongs_to": owner, "media": paragraph.images[0]}
        yield self._span(start, end, "image", rule, 0.9 if place.kind == "caption" else 0.6, **about)


def _is_inserted(match: re.Match[str], text: str) -> bool:
    """Tell whether square brackets hold an insertion: no defanged address, no link, not the whole text."""
    whole = match.start() == 0 and match.end() == len(text)
    return not (whole or _DEFANGED.fullmatch(match[0]) or text[match.end() : match.end() + 1] == "(")
