"""The texts of a corpus as they are released: cleaned of what leads to people, without words where those may not be passed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.release import accounts
from toolkit.release.dehydrate import WORDS
from toolkit.release.judged import Layers
from toolkit.release.people import Cleaned, Pseudonyms
from toolkit.release.splits import Item
from toolkit.schema import table
from toolkit.text.entities import mentions

Row = dict[str, Any]
# Words that stand beside the texts; addresses of reports are for citing, and stay.
WORDED = {
    "posts": ("hashtags", "actor", "campaign", "attributed_by"),
    "sources": ("title", "publisher", "authors", "series", "actor", "campaign", "attributed_by"),
}
_DAY = len("YYYY-MM-DD")
_ROWS = 10_000
"""Posts that are made at a time: those alone are rows of Python."""


@dataclass(frozen=True)
class Texts:
    """Rows by config without their coded columns, the items to split by, and the public handles that are mentioned."""

    tables: Mapping[str, pa.Table]
    items: list[Item]
    mentioned: set[str]


def clean(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> Texts:
    """Clean all texts of a corpus; rows of the sources in ``dry`` carry no words."""
    sources = [_worded("sources", row, people) for row in _plain(corpus["sources"], "release_sources")]
    posts, photos, items, mentioned = [], [], [], _mentioned(words_of("sources", sources), people)
    for part, own, words in _posts(corpus, people, dry):
        posts.append(part)
        items += own
        mentioned |= _mentioned(words, people)
    cited = _cited(corpus, people)
    for row in corpus["photo_texts"].to_pylist():
        made = _photo(row, people, dry) | cited[row["source_id"]]
        text, wet = people.clean(row["text"]).text, row["source_id"] not in dry
        items.append(Item(row["photo_id"], row["source_id"], row["post_id"], _texts(text)))
        mentioned |= _mentioned([text] if wet else [], people)
        photos.append(made)
    tables = {
        "posts": pa.concat_tables([table("release_posts").empty(), *posts]),
        "photo_texts": table("release_photo_texts").from_rows(photos),
        "sources": table("release_sources").from_rows(sources),
        "narratives": table("release_narratives").from_rows(_narratives(corpus, people, dry)),
    }
    return Texts(tables, items, mentioned)


def shown(corpus: Mapping[str, pa.Table], config: str) -> pa.Array:
    """Return the ids of a config's items that have a text to be shown."""
    return corpus["text_layers"]["post_id"].unique() if config == "posts" else corpus[config]["photo_id"].unique()


def layers(
    corpus: Mapping[str, pa.Table], config: str, items: pa.Array, people: Pseudonyms, dry: frozenset[str]
) -> dict[str, Layers]:
    """Return some items' texts by layer, cleaned, each with the hash of what annotators were shown."""
    names = ("post_id", "layer") if config == "posts" else ("photo_id", "kind")
    rows = corpus["text_layers" if config == "posts" else config].select([*names, "text", "source_id"])
    by_layer: dict[str, dict[str, Cleaned]] = {}
    hashes: dict[str, dict[str, str]] = {}
    for row in rows.filter(pc.is_in(rows[names[0]], items)).to_pylist():
        item, layer, text = row[names[0]], row[names[1]], row["text"]
        # Of a text that is not released, evidence counts characters as documented: so does whoever puts it back.
        by_layer.setdefault(item, {})[layer] = Cleaned(text) if row["source_id"] in dry else people.clean(text)
        hashes.setdefault(item, {})[layer] = sha256_text(text)
    return {item: Layers(own, hashes[item]) for item, own in by_layer.items()}


def words_of(config: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what stands in the columns of :data:`WORDED`, lists piece by piece."""
    for row in rows:
        for name in WORDED[config]:
            yield from [row[name]] if isinstance(row[name], str) else row[name] or ()


def _mentioned(words: Iterable[str], people: Pseudonyms) -> set[str]:
    """Return the public handles that some words mention."""
    if not people.public:
        return set()
    return {m.value for text in words for m in mentions(text) if m.value.casefold() in people.public}


def _texts(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _plain(rows: pa.Table, name: str) -> list[Row]:
    """Return a table's rows, cut down to the columns that the release's table shares with it."""
    shared = [column for column in table(name).arrow.names if column in rows.column_names]
    found: list[Row] = rows.select(shared).to_pylist()
    return found


def _worded(config: str, row: Row, people: Pseudonyms) -> Row:
    """Return a row with its columns of words cleaned, as texts are."""
    changed: Row = {}
    for name in WORDED[config]:
        value = row[name]
        one = isinstance(value, str)
        changed[name] = people.clean(value).text if one else value and [people.clean(word).text for word in value]
    return row | changed


def _cited(corpus: Mapping[str, pa.Table], people: Pseudonyms) -> dict[str, Row]:
    rows = corpus["sources"].to_pylist()
    return {r["source_id"]: {"report_title": people.clean(r["title"]).text, "report_url": r["url"]} for r in rows}


def _cleaned(row: Row, people: Pseudonyms, text: Cleaned) -> Row:
    """Return the text columns of a row as released."""
    simplified = row["text_simplified"]
    return {
        "text": text.text,
        "text_simplified": people.clean(simplified).text if simplified else simplified,
        "exact_hash": sha256_text(normalise(text.text)),
    }


def _dry(config: str, row: Row, documented: str, dry: frozenset[str]) -> Row:
    """Return a row without words where it is to have none, with the hash of the text as the corpus holds it."""
    if row["source_id"] not in dry:
        return row | {"dehydrated": False}
    return row | WORDS[config] | {"exact_hash": documented, "dehydrated": True}


def _posts(
    corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]
) -> Iterator[tuple[pa.Table, list[Item], list[str]]]:
    """Yield some posts at a time: their rows, the items that they are, and their words where mentions are looked for."""
    cited, links = _cited(corpus, people), corpus["post_links"]
    clusters: dict[str, str] = {}
    for one, other, cluster in zip(*(links[n].to_pylist() for n in ("post_id", "other_id", "cluster_id")), strict=True):
        clusters[one] = clusters[other] = cluster
    names = accounts.released_names(corpus["accounts"], people)
    translations = corpus["text_layers"].filter(pc.equal(corpus["text_layers"]["layer"], "translation"))
    translations = translations.select(["post_id", "text"]).combine_chunks()
    for start in range(0, corpus["posts"].num_rows, _ROWS):
        part = corpus["posts"].slice(start, _ROWS)
        own = translations.filter(pc.is_in(translations["post_id"], part["post_id"].combine_chunks()))
        translated = dict(zip(own["post_id"].to_pylist(), own["text"].to_pylist(), strict=True))
        rows, items, words = [], [], []
        for base, row in zip(_plain(part, "release_posts"), part.to_pylist(), strict=True):
            text = people.clean(row["text"])
            known = None if row["is_translation"] else translated.get(row["post_id"])
            made = (
                _worded("posts", base, people)
                | cited[row["source_id"]]
                | _cleaned(row, people, text)
                | {
                    "account": names.get(row["account_id"]),
                    "posted_at": row["posted_at"] and row["posted_at"][:_DAY],
                    "translation": None if known is None else _translation(known, row["source_id"] in dry, people),
                    "mentions": [people.handle(name) for name in row["mentions"]],
                    "insertions": [_moved(insertion, text, people) for insertion in row["insertions"]],
                    "cluster_id": clusters.get(row["post_id"], row["post_id"]),
                }
            )
            items.append(Item(row["post_id"], row["source_id"], None, _texts(made["text"], made["translation"])))
            words += [*words_of("posts", [made]), *(items[-1].texts if row["source_id"] not in dry else ())]
            rows.append(_dry("posts", made, row["exact_hash"], dry))
        yield table("release_posts").from_rows(rows), items, words


def _translation(text: str, dehydrated: bool, people: Pseudonyms) -> str:
    return text if dehydrated else people.clean(text).text


def _moved(insertion: Row, text: Cleaned, people: Pseudonyms) -> Row:
    start, end = text.span(insertion["start"], insertion["end"])
    return {"start": start, "end": end, "text": people.clean(insertion["text"]).text}


def _photo(row: Row, people: Pseudonyms, dry: frozenset[str]) -> Row:
    names = table("release_photo_texts").arrow.names
    plain = {name: value for name, value in row.items() if name in names} | {
        "image": None,
        "image_hash": None,
        "image_status": row["image"],
    }
    return _dry("photo_texts", plain | _cleaned(row, people, people.clean(row["text"])), row["exact_hash"], dry)


def _narratives(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> list[Row]:
    rights = {row["source_id"]: row["rights"] for row in corpus["sources"].to_pylist()}
    rows = _plain(corpus["narratives"], "release_narratives")
    for row in rows:
        # A quotable report gives its posts away, not its own prose.
        passed_on = rights[row["source_id"]] == "redistributable"
        row["name"] = None if row["source_id"] in dry else people.clean(row["name"]).text
        row["text"] = people.clean(row["text"]).text if passed_on else None
    return rows
