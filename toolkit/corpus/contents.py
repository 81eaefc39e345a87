"""A version's rows held against what they came from: the report's text, the raw table, and the functions that made them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.corpus.inputs import made_with
from toolkit.corpus.parts import rechunked
from toolkit.corpus.reading import unbracketed
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import DocpostsError
from toolkit.ids import account_id_of, digest_id, normalise
from toolkit.sources import registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.sources.tabular import ingest
from toolkit.sources.tabular.rows import post_id_of
from toolkit.text.analysis import analyse
from toolkit.workspace import Workspace

Row = dict[str, Any]
State = tuple[bool | None, str]
_TEXTS = ("posts", "text_layers", "photo_texts")
# Not a text alone decides these: what a table lists counts for more.
_NOT_OF_THE_TEXT_ALONE = ("hashtags", "mentions", "urls")
_BATCH = 10_000
# How often the same words may stand in one source before an id counts as none of theirs.
_OCCURRENCES = 64


class Contents:
    """Checks contents version by version; a part that several versions share is checked once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._done: dict[tuple[str, ...], dict[str, list[str]]] = {}

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {source.id: source for source in registry.sources(self._workspace)}

    def check(self, version: CorpusVersion) -> Iterator[tuple[str, State]]:
        """Yield (check, state) for spans, ids and derived columns."""
        found: dict[str, list[str]] = {"spans": [], "ids": [], "derived": []}
        unread: list[str] = []
        derived = self._same_functions(version)
        for row in version.stored("sources").to_pylist():
            source = self._sources.get(row["source_id"])
            if source is None:
                unread.append(row["source_id"])
                continue
            for name, problems in self._source(version, source, row, derived).items():
                found[name] += [f"{source.id}: {problem}" for problem in problems]
        missing = f"; not here to compare with: {', '.join(unread)}" if unread else ""
        held = {
            "spans": "every text is what its source has at its place",
            "ids": "every id is the one its row or the curated record gives it",
            "derived": "computed again, each the same",
        }
        for name, problems in found.items():
            if problems:
                more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
                yield name, (False, "; ".join(problems[:3]) + more)
            elif name == "derived" and not derived:
                yield name, (None, "made by other versions of the functions or libraries: not computed again")
            else:
                yield name, (None if unread else True, held[name] + missing)

    @staticmethod
    def _same_functions(version: CorpusVersion) -> bool:
        made = {k: v for k, v in version.manifest["made_with"].items() if k != "parquet"}
        today = made_with()
        return all(made.get(name) == today.get(name) for name in ("text", "langdetect", "opencc"))

    def _source(self, version: CorpusVersion, source: Source, row: Row, derived: bool) -> dict[str, list[str]]:
        parts = _own(version, source.id)
        key = (source.id, str(row["text_sha256"]), str(derived), *(sha256 for own in parts.values() for sha256 in own))
        if key not in self._done:
            found: dict[str, list[str]] = {"spans": [], "ids": [], "derived": []}
            try:
                if source.is_table:
                    _check_table(source, version, derived, found)
                else:
                    rows = {name: version.rows_of(name, source.id) for name in parts}
                    _check_report(source, row, rows, derived, found)
            except DocpostsError as error:
                found["spans"].append(error.message)
            self._done[key] = found
        return self._done[key]


def _own(version: CorpusVersion, source_id: str) -> dict[str, list[str]]:
    """Return table → hashes of the parts that hold a source's rows."""
    return {
        name: [part["sha256"] for part in entry["parts"] if part["name"] == source_id]
        for name, entry in version.manifest["tables"].items()
    }


def _check_report(
    source: Source, row: Row, rows: dict[str, pa.Table], derived: bool, found: dict[str, list[str]]
) -> None:
    text, spans = source.text, found["spans"]
    if row["text_sha256"] != source.file.text_sha256:
        spans.append("its text is another than the version was made of")
        return
    marked = rows["segments"].to_pylist()
    spans += [
        f"segments: the {s['role']} at {s['char_start']} is not what stands there"
        for s in marked
        if text[s["char_start"] : s["char_end"]] != s["text"]
    ]
    by_place: dict[int, list[Row]] = {}
    for segment in marked:
        by_place.setdefault(segment["char_start"], []).append(segment)
    for name in _TEXTS:
        for own in rows[name].to_pylist():
            if problem := _fragments(own, text, by_place.get(own["place"], [])):
                spans.append(f"{name}: {_name(own)} {problem}")
    spans += _around(source, marked, rows)
    found["ids"] += _report_ids(source, rows)
    if derived:
        found["derived"] += _derived(rows, marked)


def _name(row: Row) -> str:
    return str(next(row[name] for name in ("photo_id", "post_id", "note_id", "narrative_id") if name in row))


def _fragments(row: Row, text: str, here: Sequence[Row]) -> str:
    """Return what is wrong with a row's way back to the report; nothing where every character maps."""
    at = 0
    for piece in row["fragments"]:
        if piece["start"] != at or text[piece["source_start"] : piece["source_end"]] != row["text"][at : piece["end"]]:
            return f"is not what stands at {piece['source_start']} to {piece['source_end']}"
        at = piece["end"]
    if at != len(row["text"]):
        return "has text that maps to no place"
    first, last = row["fragments"][0]["source_start"], row["fragments"][-1]["source_end"]
    if not any(s["char_start"] <= first and last <= s["char_end"] for s in here):
        return "stands in no segment that begins at its place"
    for insertion in row.get("insertions", ()):
        if unbracketed(row["text"][insertion["start"] : insertion["end"]]) != insertion["text"]:
            return f"has an insertion that does not stand at {insertion['start']}"
    if any(not 0 <= note["at"] <= len(row["text"]) for note in row.get("footnotes", ())):
        return "has a footnote outside its text"
    return ""


def _around(source: Source, marked: Sequence[Row], rows: dict[str, pa.Table]) -> Iterator[str]:
    """Check notes, narratives and references, which say where they begin and hold the text of a span."""
    spans = [_segment(row) for row in marked]
    by_id = {span.id: span for span in spans if span.id}
    markers = [span for span in spans if span.role == "footnote_marker"]

    def words(span: Segment | None) -> str | None:
        return segments.passage(span, markers, source.text).text if span else None

    for note in rows["notes"].to_pylist():
        own = words(by_id.get(note["note_id"]))
        if own is None or unbracketed(own) != note["text"]:
            yield f"notes: {note['note_id']} is not the text of its span"
    names = [span for span in spans if span.role == "narrative_name"]
    for narrative in rows["narratives"].to_pylist():
        span = by_id.get(narrative["narrative_id"])
        if words(span) != narrative["text"]:
            yield f"narratives: {narrative['narrative_id']} is not the text of its span"
        elif narrative["name"] != narrative["text"] and narrative["name"] not in [words(name) for name in names]:
            yield f"narratives: the name of {narrative['narrative_id']} stands in no span"
    there = {(span.role, span.char_start): source.text[span.char_start : span.char_end] for span in spans}
    for reference in rows["references"].to_pylist():
        place = (reference["kind"], reference["place"])
        if reference["kind"] != "cited_source" and there.get(place) != reference["text"]:
            yield f"references: the {reference['kind']} at {reference['place']} is not what stands there"


def _segment(row: Row) -> Segment:
    same = ("role", "char_start", "char_end", "key", "belongs_to", "footnote", "kind")
    return Segment.model_construct(**{name: row[name] for name in same}, id=row["row_id"])


def _report_ids(source: Source, rows: dict[str, pa.Table]) -> Iterator[str]:
    curated = {
        (span.role, span.char_start, span.char_end): span.id
        for span in (segments.load(source.segments_path, source.text) if source.segments_path.exists() else ())
    }
    given = {value for value in curated.values() if value}
    for row in rows["segments"].to_pylist():
        place = (row["role"], row["char_start"], row["char_end"])
        if place in curated and curated[place] != row["row_id"]:
            yield f"segments: the {row['role']} at {place[1]} has the id {row['row_id']}, on record is {curated[place]}"
    known = {row_id for row_id in rows["segments"]["row_id"].to_pylist() if row_id}
    for name, column in (("posts", "post_id"), ("photo_texts", "photo_id"), ("notes", "note_id")):
        for row in rows[name].to_pylist():
            if row[column] not in known:
                yield f"{name}: {row[column]} is the id of no segment"
            elif row[column] not in given and name != "notes" and not source.segments_path.exists():
                # Proposals that were taken: what accepting them would mint.
                kind = column.removesuffix("_id")
                parts = (kind, source.file.key, normalise(row["text"]))
                if row[column] not in {digest_id(*parts, n) for n in range(_OCCURRENCES)}:
                    yield f"{name}: {row[column]} is not the id that its text gives"
    yield from _account_ids(rows["accounts"])


def _account_ids(accounts: pa.Table) -> Iterator[str]:
    for row in accounts.to_pylist():
        if row["account_id"] != account_id_of(row["platform"], row["handle"]):
            yield f"accounts: {row['account_id']} is not the id of {row['handle']}"


def _derived(rows: dict[str, pa.Table], marked: Sequence[Row]) -> Iterator[str]:
    curated = {row["text"].lstrip("#＃") for row in marked if row["role"] == "hashtag"}
    for name in _TEXTS:
        again = _analysed(rows[name])
        for row, fresh in zip(rows[name].to_pylist(), again, strict=True):
            wrong = [column for column, value in fresh.items() if column in row and row[column] != value]
            if "hashtags" in wrong and set(row["hashtags"]) <= {*fresh["hashtags"], *curated}:
                wrong.remove("hashtags")
            if wrong:
                yield f"{name}: {_name(row)}: {', '.join(wrong)}"


def _analysed(rows: pa.Table) -> list[Row]:
    if not rows.num_rows:
        return []
    columns = {name: values.to_pylist() for name, values in analyse(rows["text"].combine_chunks()).items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _check_table(source: Source, version: CorpusVersion, derived: bool, found: dict[str, list[str]]) -> None:
    """Read the raw table anew, beside, and hold the version's rows against what it gives, in its order, some at a time."""
    source.check_raw()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ingest.ingest(source.folder / "raw" / source.file.name, source.file.raw_sha256, source.table, folder)
        beside = Source(folder, source.meta)
        found["ids"] += _account_ids(version.rows_of("accounts", source.id))
        if source.table.holds != "posts":
            return
        own_rows = rechunked(version.batches_of("posts", source.id), _BATCH)
        at = given = 0
        for batch in rechunked(ingest.rows(beside), _BATCH):
            own = next(own_rows, None)
            given += batch.num_rows
            at += own.num_rows if own is not None else 0
            if own is not None:
                _check_rows(batch, own, derived, found)
        at += sum(own.num_rows for own in own_rows)
        if at != given:
            found["spans"].append(f"posts: {at} rows, where the table gives {given}")


def _check_rows(raw: pa.RecordBatch, held: pa.RecordBatch, derived: bool, found: dict[str, list[str]]) -> None:
    """Hold rows of a version against the raw table's that stand at their place."""
    rows = min(raw.num_rows, held.num_rows)
    raw, held = raw.slice(0, rows), held.slice(0, rows)
    same = ("post_id", "platform", "platform_object_id", "posted_at", "text")
    pairs = [(raw["row"], held["place"]), *((raw[name], held[name]) for name in same)]
    others = np.logical_or.reduce([_differing(*pair) for pair in pairs])
    for row in held.filter(pa.array(others)).to_pylist():
        found["spans"].append(f"posts: {row['post_id']} is not row {row['place']} of the table")
        # Where all is as in the raw table the id is too, which was made of the rest just now.
        if row["post_id"] != post_id_of(row["platform"] or "", row["platform_object_id"] or ""):
            found["ids"].append(f"posts: {row['post_id']} is not the id of its platform and its number there")
    if derived:
        fresh = analyse(held["text"], raw["lang"])
        own = [name for name in fresh if name not in _NOT_OF_THE_TEXT_ALONE]
        wrong = {name: _differing(fresh[name], held[name]) for name in own}
        for place in np.flatnonzero(np.logical_or.reduce(list(wrong.values()))).tolist():
            names = [name for name, places in wrong.items() if places[place]]
            found["derived"].append(f"posts: {held['post_id'][place]}: {', '.join(names)}")


def _differing(one: pa.Array, other: pa.Array) -> NDArray[np.bool_]:
    """Tell of each row whether two columns have other values there; as wholes first, since they seldom do."""
    one = one.cast(other.type)
    if one.equals(other):
        return np.zeros(len(one), np.bool_)
    return np.array([a != b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)], np.bool_)
