"""Paragraphs parted where something else begins within them, and lines of one paragraph put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from toolkit.sources.proposals.labels import Labels
from toolkit.sources.proposals.paragraphs import Paragraph, is_foreign
from toolkit.sources.proposals.prose import is_attribution
from toolkit.sources.proposals.quotes import quotation_at

_PARTED = ("paragraph", "quote", "caption")
# "Posted on 3 March by …": a line of its own below a post.
_ABOUT = re.compile(
    r"(?:(?:posted|published|shared|tweeted|source|archived?|screenshot|date|account|link|url)\b|"
    r"(?:likes|shares|retweets|reposts|views|comments|replies|reactions|engagement)\s*[:：])",
    re.IGNORECASE,
)
_SIC = re.compile(r"\s*[\[(](?:sic|emphasis|[A-Z]{0,2}\d)", re.IGNORECASE)
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")


def parted(found: Sequence[Paragraph], labels: Labels, script: str) -> list[Paragraph]:
    """Return the paragraphs: broken lines joined, then each cut before a further label and behind a labelled quotation."""
    result: list[Paragraph] = []
    for paragraph in _joined(found, labels, script):
        result.extend(_cut(paragraph, labels) if paragraph.kind in _PARTED else (paragraph,))
    return result


def _joined(found: Sequence[Paragraph], labels: Labels, script: str) -> list[Paragraph]:
    """Put lines that a page only breaks together, unless a label, another language or the post's date begins with one."""
    result: list[Paragraph] = []
    for paragraph in found:
        before = result[-1] if result else None
        if before is None or not paragraph.broken or _begins(before, paragraph, labels, script):
            result.append(paragraph)
            continue
        before.text += "\n" * (paragraph.start - before.end) + paragraph.text
        before.end = paragraph.end
        before.anchors += paragraph.anchors
        before.images += paragraph.images
    return result


def _begins(before: Paragraph, line: Paragraph, labels: Labels, script: str) -> bool:
    if labels.match(line.text) or labels.alone(line.text) or labels.alone(before.text):
        return True
    label = labels.match(before.text)
    if label and label.alone:
        return True
    if is_attribution(line.text) or (_ABOUT.match(line.text) and len(line.text) < 160):
        return True
    return is_foreign(line.text, script) != is_foreign(before.text.rpartition("\n")[2], script)


def _cut(paragraph: Paragraph, labels: Labels) -> Iterator[Paragraph]:
    text = paragraph.text
    cuts, ends, kind = [0], [], ""
    for at in [0, *labels.within(text)]:
        label = labels.match(text[at:])
        if at and label and (label.kind, kind) == ("translation", "photo_text"):
            # What an image says, and in translation, is one photo text.
            continue
        kind = label.kind if label else ""
        cuts += [at] * bool(at)
        if kind in ("post", "original", "translation") and label and (end := _quotation_end(text, at + label.end)):
            ends.append(end)
    uncertain = set(cuts) - {0}
    places = sorted({*cuts, *(end for end in ends if not any(end - 2 <= cut <= end + 2 for cut in cuts))})
    if len(places) == 1:
        yield paragraph
        return
    for start, end in zip(places, [*places[1:], len(text)], strict=True):
        yield from _part(paragraph, start, end, start in uncertain and end == len(text))


def _quotation_end(text: str, at: int) -> int:
    """Return where the quotation ends that a label announces, where prose goes on behind it; else 0."""
    if at >= len(text) or text[at] not in '“„«"「『':
        return 0
    quote = quotation_at(text, at)
    if quote is None or (text[quote.inner_end - 1] not in '.!?…。！？"”' and text[quote.end : quote.end + 1] != "."):
        return 0
    behind = text[quote.end :]
    if _SIC.match(behind):
        return 0
    rest = re.match(r"[.,]?\s*(?:\[?[0-9]{1,3}\]?|[⁰¹²³⁴-⁹]+)?\s+(?=[^\W\d_a-z]|[(（\[—–-])", behind)
    return quote.end + rest.end() if rest else 0


def _part(paragraph: Paragraph, start: int, end: int, last: bool) -> Iterator[Paragraph]:
    words = paragraph.text[start:end]
    lead, words = len(words) - len(words.lstrip()), words.strip()
    if not words:
        return
    begin = paragraph.start + start + lead
    stop = begin + len(words)
    part = replace(
        paragraph,
        start=begin,
        end=stop,
        text=words,
        anchors=tuple(anchor for anchor in paragraph.anchors if begin <= anchor[0] < stop),
        images=paragraph.images if not start else (),
        attributes=dict(paragraph.attributes),
    )
    if not start and not last:
        part.attributes["leading"] = True
    # The report goes on in the same line, and does not show where the post ends.
    if last and any(mark in words[:-1] for mark in _SENTENCE_ENDS):
        part.attributes["uncertain_boundary"] = True
    yield part
