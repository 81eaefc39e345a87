"""Posts by the company they keep: blocks of paragraphs that hold a marker, and paragraphs among marked ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from toolkit.sources.proposals.paragraphs import Paragraph
from toolkit.sources.proposals.posts import NOTE, OPEN, signs
from toolkit.sources.proposals.prose import prose_score
from toolkit.text.entities import hashtags

# In a block of posts at least one paragraph of so many has a marker: one among many lines of prose makes no block.
_FEWEST = 6
_FIELD = re.compile(r"([^\W\d_][\w ’'/-]{1,30}):\s")


def _is_marked(paragraph: Paragraph) -> bool:
    return paragraph.role in OPEN and paragraph.kind != "quote" and paragraph.rule != "paragraph in quotation marks"


def grouped(found: Sequence[Paragraph], names: Sequence[str]) -> bool:
    """Settle the unmarked paragraphs of blocks that hold a marker; return whether the report has such blocks.

    A block is what blank lines set apart. One that begins with the report's title is none: the report has no blank
    lines then.
    """
    groups: dict[int, list[Paragraph]] = {}
    for paragraph in found:
        groups.setdefault(paragraph.group, []).append(paragraph)
    blocks = [
        members
        for members in groups.values()
        if members[0].tag == "line"
        and members[0].role != "title"
        and sum(map(_is_marked, members)) * _FEWEST >= len(members) > 1
    ]
    fields = _fields(found)
    for members in blocks:
        _block([p for p in members if _field(p) not in fields or p.role is not None], names)
    return bool(blocks)


def _fields(found: Sequence[Paragraph]) -> set[str]:
    """Return the words that lines begin with again and again ("Date:", "Assessment:"): fields of a form, no posts."""
    counted = Counter(name for paragraph in found if paragraph.role is None and (name := _field(paragraph)))
    return {name for name, count in counted.items() if count > 1}


def _field(paragraph: Paragraph) -> str:
    match = _FIELD.match(paragraph.text)
    return match[1] if match else ""


def _block(members: Sequence[Paragraph], names: Sequence[str]) -> None:
    explicit = any(p.label in ("post", "original") for p in members)
    for number, paragraph in enumerate(members):
        before = members[number - 1] if number else None
        if paragraph.role is not None:
            continue
        if before is not None and signs(paragraph.text):
            paragraph.settle("", "attribution of a post", 0.7)
            continue
        note = NOTE.fullmatch(paragraph.text)
        if note and before is not None and before.role in OPEN:
            continue
        if explicit and before is not None and before.role == "post":
            # Where each post has its label, a further line goes on with the one before.
            paragraph.settle("post", "goes on", 0.7)
            paragraph.joined = True
        elif (
            paragraph.text.endswith((":", "：")) or explicit or prose_score(paragraph.text, names) >= _least(paragraph)
        ):
            continue
        else:
            paragraph.settle("post", "block of posts", 0.7)


def _least(paragraph: Paragraph) -> int:
    """Return how plainly words must speak of posts to be prose; those that lead to a label in one line do so sooner."""
    return 1 if paragraph.attributes.get("leading") else 4


def scattered(found: Sequence[Paragraph], names: Sequence[str]) -> None:
    """Settle unmarked paragraphs among marked ones where no blank lines show the blocks; prose about posts is none."""
    marked = [n for n, p in enumerate(found) if _is_marked(p)]
    if not marked or any(p.label in ("post", "original") for p in found):
        return
    first, last = marked[0], marked[-1]
    for number in range(first + 1, min(last + 2, len(found))):
        paragraph, before = found[number], found[number - 1]
        if paragraph.role is not None or paragraph.kind not in ("paragraph",) or (paragraph.box or paragraph.listed):
            continue
        if before.role not in OPEN or NOTE.fullmatch(paragraph.text) or paragraph.text.endswith((":", "：")):
            continue
        following = next((p for p in found[number + 1 : number + 5] if p.role != ""), None)
        score, tags = prose_score(paragraph.text, names), hashtags(paragraph.text)
        if score < 2 and tags and tags[-1].end == len(paragraph.text.rstrip()):
            paragraph.settle("post", "hashtag at the end", 0.7)
        elif score < 2 and tags and number < last:
            paragraph.settle("post", "hashtag among posts", 0.5)
        elif score == 0 and following is not None and following.role == "photo_text":
            paragraph.settle("post", "before a photo text", 0.6)
        elif score == 0 and number < last and len(paragraph.text) >= 200 and _among(found, number, names):
            paragraph.settle("post", "among posts", 0.4)


def _among(found: Sequence[Paragraph], number: int, names: Sequence[str]) -> bool:
    """Tell whether posts go on behind a paragraph before any prose does."""
    for paragraph in found[number + 1 : number + 4]:
        if paragraph.role in OPEN:
            return True
        if paragraph.role is not None or prose_score(paragraph.text, names) >= 2 or paragraph.text.endswith(":"):
            return False
        if hashtags(paragraph.text):
            return True
    return False


def uncertain(found: Sequence[Paragraph]) -> None:
    """Flag neighbouring posts that nothing sets apart: they may be one."""
    weak = [p.role == "post" and p.rule in ("block of posts", "among posts") and not hashtags(p.text) for p in found]
    for number, paragraph in enumerate(found):
        near = (number and weak[number - 1]) or (number + 1 < len(found) and weak[number + 1])
        if weak[number] and near:
            paragraph.attributes["uncertain_boundary"] = True
