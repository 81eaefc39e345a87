"""A report's paragraphs: its lines, those that a hard line break parts put together, and the group that each stands in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from toolkit.text.script import letter_counts

# Lines that are no words: rules, ornaments.
_BLANK = re.compile(r"[\W_]*")
_STARTER = re.compile(r"[#＃\[>•*‣–—@-]|\d{1,3}[.)]\s|[A-Z][\w ’']{1,30}[:：]")
_HEAVY = ("Hani", "Kana", "Hang")
# Of a long paragraph its beginning tells the script as well.
_SAMPLE = 4000


@dataclass
class Inner:
    """A post, or the translation ``of`` one, that a paragraph quotes: text[start:end], and the rule that found it."""

    start: int
    end: int
    role: str
    rule: str
    confidence: float
    of: Inner | None = None


@dataclass
class Paragraph:
    """One paragraph: text[start:end], white space at its ends left out.

    ``group`` counts what blank lines (text) set apart; ``box`` names the block quote, table cell or list item of a page that it
    stands in. The rules settle ``role``; ``content`` is where the words begin behind a label; ``joined`` paragraphs
    go on with the span of the one before. A line that is ``broken`` off stands in one paragraph with the one before.
    """

    start: int
    end: int
    text: str
    kind: str
    tag: str
    group: int
    box: str | None = None
    footnote: str | None = None
    anchors: tuple[tuple[int, int, str], ...] = ()
    images: tuple[str, ...] = ()
    indented: bool = False
    broken: bool = False
    role: str | None = None
    rule: str = ""
    confidence: float = 0.5
    content: int | None = None
    label: str | None = None
    joined: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    inner: Sequence[Inner] = ()

    def settle(self, role: str, rule: str, confidence: float, content: int | None = None, **attributes: Any) -> None:
        """Give the paragraph its role and the rule that found it."""
        self.role, self.rule, self.confidence = role, rule, confidence
        if content is not None:
            self.content = content
        self.attributes.update(attributes)

    @property
    def listed(self) -> bool:
        """Whether it is an item of a page's list."""
        return self.tag == "li" or (self.box or "").startswith("item ")

    @property
    def words(self) -> str:
        """The text behind the label."""
        return self.text if self.content is None else self.text[self.content - self.start :]


def paragraphs(text: str, blocks: Sequence[dict[str, Any]]) -> list[Paragraph]:
    """Return the paragraphs in order; lines without a letter or digit are none."""
    found: list[Paragraph] = []
    waiting: list[str] = []
    group, last_end = 0, 0
    for block in blocks:
        if block.get("media"):
            waiting.append(block["media"])
        if block["char_end"] <= block["char_start"]:
            continue
        raw = text[block["char_start"] : block["char_end"]]
        line = raw.strip()
        start = block["char_start"] + len(raw) - len(raw.lstrip())
        if "\n" in text[last_end : block["char_start"]].replace("\n", "", 1):
            group += 1
        last_end = block["char_end"]
        if _BLANK.fullmatch(line):
            # A blank line of a markdown quote is within the quote.
            group += not line.startswith(">")
            continue
        found.append(
            Paragraph(
                start,
                start + len(line),
                line,
                block["kind"],
                block.get("tag", "line"),
                group,
                block.get("box"),
                block.get("footnote"),
                tuple((at, length, label) for at, length, label in block.get("anchors", ())),
                tuple(waiting),
                indented=raw.startswith(("  ", "\t")),
                broken=bool(block.get("broken")) and bool(found) and found[-1].end >= block["char_start"] - 1,
            )
        )
        waiting = []
    if found and waiting:
        found[-1].attributes["images_behind"] = tuple(waiting)
    return _unwrapped(found, text)


def _unwrapped(lines: list[Paragraph], text: str) -> list[Paragraph]:
    """Put the lines of a hard-wrapped text together; texts that have a paragraph a line stay as they are."""
    plain = [line for line in lines if line.tag == "line"]
    inner = [a for a, b in pairwise(plain) if a.group == b.group]
    lengths = sorted(len(line.text) for line in plain)
    width = lengths[-1] if lengths else 0
    full = [line for line in inner if len(line.text) > 0.7 * width]
    open_ended = [line for line in full if not line.text.endswith((".", "!", "?", ":", "”", '"', "。"))]
    if not (
        40 <= width <= 110 and len(inner) > 4 and len(full) > 0.5 * len(inner) and len(open_ended) > 0.6 * len(full)
    ):
        return lines
    joined: list[Paragraph] = []
    for line in lines:
        before = joined[-1] if joined else None
        last = before.text.rpartition("\n")[2] if before else ""
        if (
            before
            and before.group == line.group
            and before.indented == line.indented
            and len(last) > 0.6 * width
            and not _STARTER.match(line.text)
        ):
            before.end = line.end
            before.text = text[before.start : line.end]
        else:
            joined.append(line)
    return joined


def main_script(text: str) -> str | None:
    """Return the script that most letters of a text are in (Han and kana weigh double), None where there are none."""
    counts = letter_counts(text[:_SAMPLE])
    weighed = {code: count * (2 if code in _HEAVY else 1) for code, count in counts.items()}
    return max(sorted(weighed), key=weighed.__getitem__) if weighed else None


def prose_script(found: Iterable[Paragraph]) -> str:
    """Return the script that the report itself is written in: that of most paragraphs outside quotes, the title thrice."""
    votes: dict[str, int] = {}
    for number, paragraph in enumerate(found):
        script = main_script(paragraph.text)
        if script and paragraph.kind != "quote":
            votes[script] = votes.get(script, 0) + (3 if number == 0 else 1)
    return max(sorted(votes), key=votes.__getitem__) if votes else "Latn"


def is_translation_of(text: str, original: str, script: str) -> bool:
    """Tell whether a text in the report's script may be the translation of one in another: their lengths agree."""
    if not is_foreign(original, script) or is_foreign(text, script):
        return False
    counts = letter_counts(original[:_SAMPLE])
    length = sum(counts.values()) + 3 * sum(counts.get(code, 0) for code in _HEAVY)
    return 0.4 <= sum(letter_counts(text[: 4 * _SAMPLE]).values()) / max(1, length) <= 2.5


def is_foreign(text: str, script: str) -> bool:
    """Tell whether a text is in another script than the report, but for a few words."""
    counts = letter_counts(text[:_SAMPLE])
    weighed = {code: count * (2 if code in _HEAVY else 1) for code, count in counts.items()}
    total = sum(weighed.values())
    family = ("Hani", "Kana") if script in ("Hani", "Kana") else (script,)
    own = sum(weighed.get(code, 0) for code in family)
    return total >= 10 and own <= 0.4 * total
