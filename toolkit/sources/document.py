"""What a reader makes of a report: its canonical text, the blocks that the text came from, its images, what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

BlockKind = Literal["heading", "paragraph", "quote", "caption", "footnote", "image"]


@dataclass(frozen=True)
class Block:
    """One line of the text and where it came from; an image is an empty block before its caption.

    ``anchors`` are (place in the text, length, footnote label) of the footnote markers that the page links or raises;
    ``links`` are (place, length, address). ``page`` is a PDF's page, from 1, on which the block begins; ``pages`` are
    (page, char_start, char_end) of the pieces of a block that crosses pages.
    ``box`` names the block quote, table cell or list item that the line stands in: lines of one share it ("quote 3",
    "cell table.row.column", "item 5"). ``broken``: a line break, and no more, parts the line from the one before it.
    """

    kind: BlockKind
    char_start: int
    char_end: int
    tag: str
    image: str | None = None
    footnote: str | None = None
    anchors: tuple[tuple[int, int, str], ...] = ()
    page: int | None = None
    pages: tuple[tuple[int, int, int], ...] = ()
    links: tuple[tuple[int, int, str], ...] = ()
    box: str | None = None
    broken: bool = False

    def record(self) -> dict[str, Any]:
        """Return the block as it is written to ``blocks.jsonl``: what says nothing left out."""
        return {key: value for key, value in asdict(self).items() if value is not False and value not in (None, ())}


@dataclass(frozen=True)
class Document:
    """A report as read. ``images`` maps the page's reference to the file's bytes; those not held map to None.

    ``replaced`` counts the characters that UTF-8 cannot hold or no font names; each is U+FFFD in the text.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    images: Mapping[str, bytes | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    replaced: int = 0
