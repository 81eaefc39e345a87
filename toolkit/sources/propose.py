"""Proposals: what a report's own markers and layout say its spans are. Never taken for truth until accepted.

Each proposal names the rule that made it and how sure it is; the rules stand in :mod:`toolkit.sources.proposals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.fsio import write_jsonl
from toolkit.sources.markers import Markers
from toolkit.sources.model import Segment
from toolkit.sources.proposals import blocks as neighbours
from toolkit.sources.proposals import pairs, posts, structure
from toolkit.sources.proposals.inline import inline
from toolkit.sources.proposals.labels import labels
from toolkit.sources.proposals.numbers import footnote_markers
from toolkit.sources.proposals.paragraphs import paragraphs, prose_script
from toolkit.sources.proposals.parts import parted
from toolkit.sources.proposals.spans import Spans
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

_DEFAULT = Markers()


def propose(workspace: Workspace, source: Source) -> list[Segment]:
    """Write a source's proposals to ``proposals.jsonl``, replacing earlier ones; curated spans are never touched."""
    meta = source.meta
    with workspace.lock():
        names = [name for name in (meta.actor, meta.series.name if meta.series else None) if name]
        found = proposals(source.text, source.blocks, meta.markers, platforms=meta.platforms, names=names)
        write_jsonl(source.proposals_path, (segment.record() for segment in found))
        return found


def proposals(
    text: str,
    blocks: Sequence[dict[str, Any]],
    markers: Markers = _DEFAULT,
    *,
    platforms: Sequence[str] = (),
    names: Sequence[str] = (),
) -> list[Segment]:
    """Return proposed spans by place. Pure.

    ``markers`` are the source's; ``platforms`` may stand in labels ("Telegram post 2:"); ``names`` are the actor's and
    the series': what speaks of them is the report's own prose.
    """
    found = paragraphs(text, blocks)
    script = prose_script(found)
    matcher = labels(markers, tuple(platforms))
    found = parted(found, matcher, script)
    structure.frame(found, matcher)
    named = [*names, *(p.attributes["series"] for p in found if p.role == "series")]
    posts.tables(found, matcher)
    posts.labelled(found, matcher)
    posts.timed(found)
    structure.footnotes(found)
    posts.quoted(found, script)
    structure.headings(found)
    structure.narratives(found, matcher)
    posts.led_in(found)
    posts.signed(found)
    if not neighbours.grouped(found, named):
        neighbours.scattered(found, named)
    posts.notes(found, script)
    neighbours.uncertain(found)
    tongues = pairs.Tongues(script, found)
    pairs.pair(found, tongues)
    inline(found, tongues)
    pairs.orphans(found, tongues)
    known = frozenset(
        str(p.attributes["footnote"])
        for p in found
        if p.role == "footnote" and p.rule == "numbered note" and p.attributes.get("footnote")
    )
    prose = [p for p in found if p.role not in ("footnote", "series_link", "title", "")]
    spans = Spans(found, footnote_markers(prose, known), script).write()
    unique = {(s.role, s.char_start, s.char_end): s for s in spans}
    return sorted(unique.values(), key=lambda s: (s.char_start, -s.char_end, s.role))
