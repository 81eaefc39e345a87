"""The small reports of ``tests/reports`` and what a curator would mark in them; F1 by exact span."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from toolkit.sources import read_html, read_text
from toolkit.sources.document import Document
from toolkit.sources.markers import Markers
from toolkit.sources.model import Segment
from toolkit.sources.propose import proposals

FOLDER = Path(__file__).resolve().parent / "reports"
INSIDE = ("hashtag", "insertion", "footnote_marker", "gloss", "narrative_name", "image")
MUST = ("post", "photo_text", "insertion", "footnote_marker", "hashtag", "series_link")
# The roles whose marks the .expected files give completely.
MEASURED = (
    *MUST,
    "translation",
    "translator_note",
    "narrative",
    "narrative_name",
    "series",
    "footnote",
    "asset_history",
)
Spans = dict[str, set[tuple[int, int]]]


class Mark(NamedTuple):
    """A span as a curator marks it; ``label`` is the footnote's that it must carry."""

    role: str
    start: int
    end: int
    label: str | None


def names(pattern: str = "*") -> list[str]:
    return sorted(path.stem for path in FOLDER.glob(f"{pattern}.expected"))


def read(name: str) -> Document:
    path = next(p for p in FOLDER.glob(f"{name}.*") if p.suffix in (".txt", ".html"))
    data = path.read_bytes()
    return read_html.read(data, path) if path.suffix == ".html" else read_text.read(data, path.name)


def proposed(document: Document, markers: Markers | None = None) -> list[Segment]:
    held = {src: f"{n:064x}" for n, (src, data) in enumerate(document.images.items()) if data is not None}
    blocks = [block.record() for block in document.blocks]
    for block in blocks:
        if block.get("image") in held:
            block["media"] = held[block["image"]]
    return proposals(document.text, blocks, markers or Markers())


def expected(name: str, text: str) -> list[Mark]:
    """Return the marks of a report; a quote that is not in the text is an error."""
    marks: list[Mark] = []
    outer_start, outer_end, inner_at = 0, 0, 0
    for line in (FOLDER / f"{name}.expected").read_text(encoding="utf-8").splitlines():
        role, _, quote = line.partition("\t")
        role, _, label = role.partition("@")
        inside = role in INSIDE
        low = inner_at if inside else outer_end
        # A post may lie in a narrative.
        low = outer_start if role == "post" and quote.strip("⟦").partition(" … ")[0] not in text[low:] else low
        start, end = _find(text, quote, low, line)
        if role == "footnote_marker":
            inner_at = end
        elif inside:
            inner_at = outer_start if role in ("narrative_name", "image") else start + 1
        else:
            outer_start, outer_end, inner_at = start, end, start
        marks.append(Mark(role, start, end, label or None))
    return marks


def _find(text: str, quote: str, low: int, line: str) -> tuple[int, int]:
    before, opened, rest = quote.partition("⟦")
    if opened:
        first, _, last = rest.partition("⟧")[0].partition(" … ")
        at = text.index(before + first, low) + len(before)
        end = at + len(first)
        return at, text.index(last, end) + len(last) if last else end
    first, gap, last = quote.partition(" … ")
    start = text.find(first, low)
    assert start >= 0, f"not in the text behind {low}: {line}"
    end = start + len(first)
    if gap:
        end = text.find(last, end)
        assert end >= 0, f"not in the text behind {start}: {line}"
        end += len(last)
    return start, end


def by_role(spans: list[Mark] | list[Segment]) -> Spans:
    found: Spans = defaultdict(set)
    for span in spans:
        found[span.role].add((span.start, span.end) if isinstance(span, Mark) else (span.char_start, span.char_end))
    return found


def f1(found: set[tuple[int, int]], curated: set[tuple[int, int]]) -> float:
    return 2 * len(found & curated) / (len(found) + len(curated)) if found or curated else 1.0


def prose_taken(found: Spans, curated: Spans) -> list[tuple[int, int]]:
    """Return proposed posts that touch nothing that was posted."""
    posted = curated["post"] | curated["translation"] | curated["photo_text"]
    return sorted(s for s in found["post"] if not any(s[0] < end and start < s[1] for start, end in posted))


if __name__ == "__main__":
    import sys

    total: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for name in [n for pattern in (sys.argv[1:] or ["*"]) for n in names(pattern)]:
        document = read(name)
        got, want = by_role(proposed(document)), by_role(expected(name, document.text))
        wrong = []
        for role in MEASURED:
            hit = len(got[role] & want[role])
            total[role][0] += hit
            total[role][1] += len(got[role])
            total[role][2] += len(want[role])
            wrong += [f"  + {role}: {document.text[a:b]!r}" for a, b in sorted(got[role] - want[role])]
            wrong += [f"  - {role}: {document.text[a:b]!r}" for a, b in sorted(want[role] - got[role])]
        scores = {r: f1(got[r], want[r]) for r in MEASURED if got[r] or want[r]}
        print(name, {r: round(s, 2) for r, s in scores.items()}, "PROSE" if prose_taken(got, want) else "")
        print("\n".join(wrong)) if wrong else None
    print({r: round(2 * h / (g + w), 3) for r, (h, g, w) in total.items() if g + w})
