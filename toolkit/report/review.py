"""The review page of a source: its text with its spans in place, and the rows that they become."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpus.rows import source_tables
from toolkit.errors import InputError
from toolkit.fsio import write_atomic
from toolkit.report.layout import ROLES, View, tokens
from toolkit.report.pages import render
from toolkit.report.visible import Piece, pieces
from toolkit.sources import remarks, segments
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.text.analysis import analyse

_ROW_TABLES = {"posts": "post_id", "photo_texts": "photo_id", "notes": "note_id", "narratives": "narrative_id"}
_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Row:
    """A row that a span becomes."""

    table: str
    anchor: str
    span: int | None
    line: int
    id: str
    text: tuple[Piece, ...]
    lang: str
    tag: str | None
    script: str
    flags: tuple[str, ...]
    about: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """A source's review: its page, and per role how many spans are accepted and how many proposals are not."""

    page: str
    roles: list[dict[str, Any]] = field(default_factory=list)
    unmarked: int = 0
    problem: str = ""


def review(source: Source) -> Review:
    """Return the review of a source; it reads the files of the source and writes none.

    :class:`InputError` where its spans do not hold. Where its rows cannot be made (facts that name no span), the page
    says why and has no rows.
    """
    accepted, proposed = _spans(source)
    shown = sorted(
        [(s, True) for s in accepted] + [(s, False) for s in proposed],
        key=lambda e: (e[0].char_start, -e[0].char_end, e[0].role == "image", e[0].role, not e[1]),
    )
    # The rows of what is accepted; where nothing is, those that the proposals would become.
    tables, problem = _tables(source, accepted or proposed, unreviewed=not accepted)
    rows = _rows(source, tables, [s for s, _ in shown])
    by_id = {row.id: row for row in rows}
    views = []
    for number, (segment, is_accepted) in enumerate(shown, start=1):
        row = by_id.get(segment.id or "")
        views.append(View(number, segment, is_accepted, row.anchor if row else None, row.tag if row else None))
    unmarked = _unmarked(source.text, [s for s, _ in shown])
    counts: Counter[tuple[str, bool]] = Counter((segment.role, is_accepted) for segment, is_accepted in shown)
    summary = [
        {"role": role, "accepted": counts[role, True], "proposed": counts[role, False]}
        for role in ROLES
        if counts[role, True] or counts[role, False]
    ]
    page = _render(
        source=source,
        about=list(_about_source(source)),
        tokens=tokens(source, views),
        proposals=[view for view in views if not view.accepted],
        rows={name: [row for row in rows if row.table == name] for name in _ROW_TABLES},
        tables=[(name, rows.num_rows) for name, rows in tables.items() if rows.num_rows],
        summary=summary,
        roles=ROLES,
        unmarked=unmarked,
        problem=problem,
        remarks=[] if accepted or not proposed else remarks.remarks(source.id, source.text, proposed),
        accepted=len(accepted),
        proposed=len(proposed),
    )
    return Review(page, summary, unmarked, problem)


def write(source: Source, found: Review, path: Path | None = None) -> Path:
    """Write a review's page (default: into the source's folder) and return its path."""
    path = path or source.review_path
    write_atomic(path, found.page)
    return path


def _about_source(source: Source) -> Iterator[tuple[str, str]]:
    meta = source.meta
    named = {"publisher": meta.publisher, "authors": ", ".join(meta.authors), "published": meta.published}
    named |= {"address": meta.url, "rights": meta.rights, "posts chosen": meta.selection, "actor": meta.actor}
    named |= {"campaign": meta.campaign, "attributed by": meta.attributed_by, "file": source.file.name}
    yield from ((name, value) for name, value in named.items() if value)


def _spans(source: Source) -> tuple[list[Segment], list[Segment]]:
    """Return the accepted spans, and the proposals that are none of them."""
    accepted = segments.load(source.segments_path, source.text) if source.segments_path.exists() else []
    if not source.proposals_path.exists():
        return accepted, []
    if not source.segments_path.exists():
        return [], segments.proposed(source)
    places = {(s.role, s.char_start, s.char_end) for s in accepted}
    proposed = segments.load(source.proposals_path, source.text)
    return accepted, [s for s in proposed if (s.role, s.char_start, s.char_end) not in places]


def _tables(source: Source, spans: list[Segment], *, unreviewed: bool) -> tuple[dict[str, pa.Table], str]:
    try:
        return source_tables(source, 1, segments.mint_ids(source, spans), unreviewed=unreviewed), ""
    except InputError as error:
        return {}, error.message


def _rows(source: Source, tables: dict[str, pa.Table], spans: Sequence[Segment]) -> list[Row]:
    numbers = {segment.id: number for number, segment in enumerate(spans, start=1) if segment.id}
    keys: dict[str | None, str | None] = {segment.id: segment.key for segment in spans if segment.id}
    found = []
    for name, key in _ROW_TABLES.items():
        if name not in tables:
            continue
        made = tables[name]
        derived = made if "text_lang" in made.column_names else analyse(made["text"].combine_chunks())
        langs, scripts, flags = (derived[column].to_pylist() for column in ("text_lang", "script", "flags"))
        for place, row in enumerate(tables[name].to_pylist()):
            lang = langs[place]
            found.append(
                Row(
                    table=name,
                    anchor=f"row-{row[key]}",
                    span=numbers.get(row[key]),
                    line=source.text.count("\n", 0, row["place"]) + 1,
                    id=row[key],
                    text=tuple(pieces(row["text"])),
                    lang=lang,
                    tag=lang if lang != "und" and _CODE.fullmatch(lang) else None,
                    script=scripts[place],
                    flags=tuple(flags[place]),
                    about=tuple(_about(name, row, keys)),
                )
            )
    return found


def _about(name: str, row: dict[str, Any], keys: dict[str | None, str | None]) -> Iterator[str]:
    if key := keys.get(row[_ROW_TABLES[name]]):
        yield key
    if name == "posts":
        yield "translation" if row["is_translation"] else "in its own words"
        yield from (f"#{tag}" for tag in row["hashtags"])
        if row["platform"]:
            yield row["platform"]
        if row["uncertain_boundary"]:
            yield "uncertain boundary"
    elif name == "photo_texts":
        yield from (row["kind"], f"image {row['image']}")
    elif name == "notes":
        yield ROLES[row["kind"]]
    else:
        yield from row["codes"]
    owner = row.get("belongs_to") or (row.get("post_id") if name == "photo_texts" else None)
    if owner:
        yield f"of {keys.get(owner) or owner}"


def _unmarked(text: str, spans: Sequence[Segment]) -> int:
    """Return how many characters that are no white space lie in no span."""
    at = count = 0
    for span in sorted(spans, key=lambda s: s.char_start):
        count += len("".join(text[at : span.char_start].split()))
        at = max(at, span.char_end)
    return count + len("".join(text[at:].split()))


def _render(**values: Any) -> str:
    language = next((code for code in values["source"].meta.languages if _CODE.fullmatch(code)), None)
    return render("review.html", language=language, **values)
