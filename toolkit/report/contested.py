"""The items whose votes part most: the text in its place in the report, the votes side by side, what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebooks import named_by
from toolkit.corpus import store
from toolkit.corpus.show import Place, place_of
from toolkit.fsio import sha256_text
from toolkit.report.agreement_tables import Tables
from toolkit.report.names import Names
from toolkit.sources import registry
from toolkit.votes import CONTESTED, YES, latest
from toolkit.workspace import Workspace


@dataclass(frozen=True)
class Given:
    """A label as one annotator gave it: whether all who answered did, and the words that it rests on."""

    label: str
    by_all: bool
    words: list[str]


@dataclass(frozen=True)
class Vote:
    """What one annotator answered on an item, by field, and the language tag of the text that they read."""

    annotator: str
    fields: Mapping[str, list[Given]]
    lang: str
    confidence: int | None
    comment: str | None
    skipped: bool


@dataclass(frozen=True)
class Text:
    """A text with its language tag (BCP 47, empty where it is not known)."""

    text: str
    lang: str


@dataclass(frozen=True)
class Contested:
    """An item whose votes part; ``decided`` says by field what was settled, None where nothing can be."""

    rank: int
    task: str
    item_id: str
    questions: int
    text: Text | None
    place: Place | None
    around: str
    fields: list[str]
    votes: list[Vote]
    decided: Mapping[str, list[str]] | None


def contested(workspace: Workspace, tables: Tables, named: Names) -> Iterator[Contested]:
    """Yield the items of the table ``contested`` with what a page shows of them."""
    entries = tables.rows["contested"]
    wanted = pa.array([entry["item_id"] for entry in entries], pa.string())
    held = tables.judgements.filter(pc.is_in(tables.judgements["item_id"], wanted))
    by_item: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in latest(held):
        by_item.setdefault((row["task"], row["item_id"]), []).append(row)
    items = _items(workspace, wanted)
    decisions = _decisions(tables.decisions, wanted)
    codebooks = named_by(tables.judgements)
    for entry in entries:
        task, item_id = entry["task"], entry["item_id"]
        item = items.get(item_id)
        texts: Mapping[str, Text] = item["texts"] if item else {}
        own = sorted(by_item[task, item_id], key=lambda row: row["annotator"])
        coded = [field.name for field in codebooks(task).fields if field.coded]
        fields = [name for name in coded if any(label["field"] == name for row in own for label in row["labels"])]
        place = place_of(workspace, item) if item else None
        yield Contested(
            *(entry["rank"], task, item_id, entry["questions"]),
            Text(item["text"], _tag(item)) if item else None,
            place._replace(before=_whole(place.before, last=True), after=_whole(place.after)) if place else None,
            _language(workspace, item["source_id"]) if item and place else "",
            fields,
            [_vote(row, own, fields, texts, named) for row in own],
            None
            if tables.decisions is None
            else {
                field: list(_decided(task, field, own, decisions.get((task, item_id), {}), named)) for field in fields
            },
        )


def _vote(
    row: dict[str, Any],
    own: Sequence[dict[str, Any]],
    fields: Sequence[str],
    texts: Mapping[str, Text],
    named: Names,
) -> Vote:
    answered = [other for other in own if not other["skipped"]]
    read = texts.get(row["text_sha256"], Text("", ""))

    def given(field: str) -> Iterator[Given]:
        for name in [label["label"] for label in row["labels"] if label["field"] == field]:
            by_all = all({"field": field, "label": name} in other["labels"] for other in answered)
            spans = [s for s in row["evidence"] if (s["field"], s["label"]) == (field, name)]
            words = [read.text[span["start"] : span["end"]] for span in spans]
            yield Given(named(row["task"], name), by_all, [quote for quote in words if quote])

    labels = {field: list(given(field)) for field in fields}
    return Vote(row["annotator"], labels, read.lang, row["confidence"], row["comment"], row["skipped"])


def _decisions(decisions: pa.Table | None, wanted: pa.Array) -> dict[tuple[str, str], dict[Any, dict[str, Any]]]:
    """Return the decisions on items: (task, item id) → (field, label) → decision."""
    found: dict[tuple[str, str], dict[Any, dict[str, Any]]] = {}
    if decisions is not None:
        for row in decisions.filter(pc.is_in(decisions["item_id"], wanted)).to_pylist():
            found.setdefault((row["task"], row["item_id"]), {})[row["field"], row["label"]] = row
    return found


def _decided(
    task: str, field: str, own: Sequence[dict[str, Any]], decided: Mapping[Any, dict[str, Any]], named: Names
) -> Iterator[str]:
    """Yield, of each label that anyone gave in a field (or of the field's value), what was decided, in words."""
    one = decided.get((field, None))
    if one:
        word = CONTESTED if one["outcome"] == CONTESTED else named(task, one["outcome"])
        yield word + (f" ({one['reason']})".replace("_", " ") if one["reason"] else "")
        return
    given = [label["label"] for row in own for label in row["labels"] if label["field"] == field]
    for label in sorted(set(given)):
        decision = decided.get((field, label))
        outcome = decision["outcome"] if decision else "open"
        word = named(task, label) + ("" if outcome == YES else f": {outcome}")
        yield word + (f" ({decision['reason']})".replace("_", " ") if decision and decision["reason"] else "")


def _items(workspace: Workspace, wanted: pa.Array) -> dict[str, dict[str, Any]]:
    """Return the corpus rows of items by id, each with all its texts by hash."""
    if not store.versions(workspace):
        return {}
    found: dict[str, dict[str, Any]] = {}
    version = store.open_version(workspace)
    for name, key in (("posts", "post_id"), ("photo_texts", "photo_id")):
        rows = version.table(name)
        for row in rows.filter(pc.is_in(rows[key], wanted)).to_pylist():
            found[row[key]] = row | {"texts": {sha256_text(row["text"]): Text(row["text"], _tag(row))}}
    layers = version.table("text_layers")
    for row in layers.filter(pc.is_in(layers["post_id"], wanted)).to_pylist():
        if row["post_id"] in found:
            found[row["post_id"]]["texts"].setdefault(sha256_text(row["text"]), Text(row["text"], _tag(row)))
    return found


def _tag(row: Mapping[str, Any]) -> str:
    """Return the language tag of a row's text: a screen reader speaks it in that language."""
    lang, script = row["text_lang"], row["script"]
    if not lang or lang == "und":
        return ""
    return f"{lang}-{script}" if lang == "zh" and script in ("Hans", "Hant") else str(lang)


def _language(workspace: Workspace, source_id: str) -> str:
    """Return the language of a report where its curator gave one alone."""
    languages = registry.get(workspace, source_id).meta.languages
    return languages[0] if len(languages) == 1 else ""


def _whole(words: str, *, last: bool = False) -> str:
    """Return the words around a text from the first whole one on (``last``), or up to the last whole one."""
    if last:
        head, blank, rest = words.partition(" ")
        return f"… {rest}" if blank and len(head) < len(words) // 2 else words
    head, blank, _ = words.rpartition(" ")
    return f"{head} …" if blank and len(head) > len(words) // 2 else words
