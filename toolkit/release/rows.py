"""Corpus tables, judgements and decisions → the rows of a release, not yet split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Codebook
from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.release import accounts, judged
from toolkit.release.coded import TASK_OF, Votes
from toolkit.release.dehydrate import dehydrated
from toolkit.release.judged import Layers
from toolkit.release.people import Cleaned, Pseudonyms
from toolkit.release.splits import Edge, Item
from toolkit.schema import table
from toolkit.text.entities import mentions

Row = dict[str, Any]
CONFIGS = ("posts", "photo_texts", "judgements", "sources", "narratives", "accounts")
KEYS = {
    "posts": "post_id",
    "photo_texts": "photo_id",
    "judgements": "judgement_id",
    "sources": "source_id",
    "narratives": "narrative_id",
    "accounts": "account",
}
# Words that stand beside the texts; addresses of reports are for citing, and stay.
WORDED = {
    "posts": ("hashtags", "actor", "campaign", "attributed_by"),
    "sources": ("title", "publisher", "authors", "series", "actor", "campaign", "attributed_by"),
}
_DAY = len("YYYY-MM-DD")
SPLIT_CONFIGS = ("posts", "photo_texts", "judgements")


@dataclass(frozen=True)
class Rows:
    """The rows of every config in corpus order, the items and links to split by, and what was left out by reason.

    ``rows`` are those of the configs but ``judgements``, which stay columns. ``public`` are the handles of public accounts that
    post or are mentioned: they are released as they stand. ``linkable`` are the pseudonyms of annotators that hold for all items.
    """

    rows: Mapping[str, list[Row]]
    judgements: pa.Table
    items: list[Item]
    links: list[Edge]
    dropped: Mapping[str, int]
    public: tuple[str, ...]
    linkable: tuple[str, ...] = ()


def make(
    corpus: Mapping[str, pa.Table],
    judgements: pa.Table,
    decisions: pa.Table,
    codebooks: Mapping[str, Codebook],
    key: bytes,
    dry: frozenset[str] = frozenset(),
    linkable: frozenset[str] = frozenset(),
) -> Rows:
    """Return a release's rows: texts cleaned, people pseudonymised, labels beside their items.

    Rows of the sources in ``dry`` carry no words. Judgements of annotators who are not in ``linkable``
    cannot be joined across items.
    """
    people = Pseudonyms.of(key, corpus["accounts"], linkable)
    layers = _layers(corpus, people, dry)
    posts, photos = _posts(corpus, people, layers), _photos(corpus, people)
    both = (("posts", posts), ("photo_texts", photos))
    config_of = {row[KEYS[config]]: config for config, rows in both for row in rows}
    said, released, dropped = _judged(judgements, decisions, layers, codebooks, people, config_of)
    for config, rows in both:
        book = codebooks[TASK_OF[config]]
        for row in rows:
            row.update(said.get(row[KEYS[config]]) or Votes().columns(row[KEYS[config]], book))
    items = [Item(p["post_id"], p["source_id"], None, _texts(p["text"], p["translation"])) for p in posts]
    items += [Item(p["photo_id"], p["source_id"], p["post_id"], _texts(p["text"])) for p in photos]
    sources = [_worded("sources", row, people) for row in _plain(corpus["sources"], "release_sources")]
    words = [text for item in items if item.source not in dry for text in item.texts]
    words += [text for config, rows in (("posts", posts), ("sources", sources)) for text in words_of(config, rows)]
    public = {m.value for text in words for m in mentions(text) if m.value.casefold() in people.public}
    posts, photos = _dry("posts", posts, corpus, dry), _dry("photo_texts", photos, corpus, dry)
    links = corpus["post_links"]
    return Rows(
        {
            "posts": posts,
            "photo_texts": photos,
            "sources": sources,
            "narratives": _narratives(corpus, people, dry),
            "accounts": accounts.of(corpus, people, dry),
        },
        released,
        items,
        list(zip(links["post_id"].to_pylist(), links["other_id"].to_pylist(), strict=True)),
        {reason: count for reason, count in dropped.items() if count},
        tuple(sorted(public | _public_accounts(corpus["accounts"], posts))),
        judged.linkable(released),
    )


def _dry(config: str, rows: list[Row], corpus: Mapping[str, pa.Table], dry: frozenset[str]) -> list[Row]:
    documented = dict(
        zip(corpus[config][KEYS[config]].to_pylist(), corpus[config]["exact_hash"].to_pylist(), strict=True)
    )
    return [
        dehydrated(config, row, {"exact_hash": documented[row[KEYS[config]]]})
        if row["source_id"] in dry
        else row | {"dehydrated": False}
        for row in rows
    ]


def _texts(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _plain(rows: pa.Table, name: str) -> list[Row]:
    """Return a table's rows, cut down to the columns that the release's table shares with it."""
    shared = [column for column in table(name).arrow.names if column in rows.column_names]
    found: list[Row] = rows.select(shared).to_pylist()
    return found


def _layers(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> dict[str, Layers]:
    texts: dict[str, dict[str, str]] = {}
    sources: dict[str, str] = {}
    for row in corpus["text_layers"].to_pylist():
        texts.setdefault(row["post_id"], {})[row["layer"]] = row["text"]
        sources[row["post_id"]] = row["source_id"]
    for row in corpus["photo_texts"].to_pylist():
        texts[row["photo_id"]] = {row["kind"]: row["text"]}
        sources[row["photo_id"]] = row["source_id"]
    return {
        item: Layers(
            # Of a text that is not released, evidence counts characters as documented: so does whoever puts it back.
            {n: Cleaned(text) if sources[item] in dry else people.clean(text) for n, text in own.items()},
            {n: sha256_text(text) for n, text in own.items()},
        )
        for item, own in texts.items()
    }


def _judged(
    judgements: pa.Table,
    decisions: pa.Table,
    layers: Mapping[str, Layers],
    codebooks: Mapping[str, Codebook],
    people: Pseudonyms,
    config_of: Mapping[str, str],
) -> tuple[dict[str, Row], pa.Table, dict[str, int]]:
    """Return item → its coded columns, the judgements as released, and what was dropped by reason."""
    items = [item for item in layers if item in config_of]
    order, strange = judged.known(judgements, items)
    places = {item: place for place, item in enumerate(items)}
    outcomes = dict(zip(decisions["question_id"].to_pylist(), decisions["outcome"].to_pylist(), strict=True))
    unasked = {*decisions.filter(pc.equal(decisions["method"], "adjudicated"))["question_id"].to_pylist()}
    said: dict[str, Row] = {}
    rows, lost = [table("release_judgements").empty()], 0
    for batch in judged.batches(judgements, order):
        votes = Votes.of(batch, codebooks, outcomes)
        unasked -= {question.id for own in votes.questions.values() for question in own}
        for item in batch["item_id"].unique().to_pylist():
            said[item] = votes.columns(item, codebooks[TASK_OF[config_of[item]]])
        made, left = judged.released(batch, people, layers, places)
        rows.append(made)
        lost += left
    dropped = {
        "judgement of an item that the corpus version does not hold": strange,
        "decision on votes that have changed since": len(unasked),
        "evidence in an earlier edition of a text": lost,
    }
    return said, pa.concat_tables(rows), dropped


def words_of(config: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what stands in the columns of :data:`WORDED`, lists piece by piece."""
    for row in rows:
        for name in WORDED[config]:
            yield from [row[name]] if isinstance(row[name], str) else row[name] or ()


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


def _cleaned(row: Row, people: Pseudonyms) -> tuple[Row, Cleaned]:
    """Return the text columns of a row as released."""
    text = people.clean(row["text"])
    simplified = row["text_simplified"]
    return {
        "text": text.text,
        "text_simplified": people.clean(simplified).text if simplified else simplified,
        "exact_hash": sha256_text(normalise(text.text)),
    }, text


def _posts(corpus: Mapping[str, pa.Table], people: Pseudonyms, layers: Mapping[str, Layers]) -> list[Row]:
    cited, clusters = _cited(corpus, people), {}
    for link in corpus["post_links"].to_pylist():
        clusters[link["post_id"]] = clusters[link["other_id"]] = link["cluster_id"]
    names = accounts.released_names(corpus["accounts"], people)
    posts = []
    for base, row in zip(_plain(corpus["posts"], "release_posts"), corpus["posts"].to_pylist(), strict=True):
        changed, text = _cleaned(row, people)
        translation = None if row["is_translation"] else layers[row["post_id"]].by_layer.get("translation")
        posts.append(
            _worded("posts", base, people)
            | cited[row["source_id"]]
            | changed
            | {
                "account": names.get(row["account_id"]),
                "posted_at": row["posted_at"] and row["posted_at"][:_DAY],
                "translation": translation.text if translation else None,
                "mentions": [people.handle(name) for name in row["mentions"]],
                "insertions": [_moved(insertion, text, people) for insertion in row["insertions"]],
                "cluster_id": clusters.get(row["post_id"], row["post_id"]),
            }
        )
    return posts


def _public_accounts(known: pa.Table, posts: list[Row]) -> set[str]:
    return {post["account"] for post in posts if post["account"]} & {*known["handle"].to_pylist()}


def _moved(insertion: Row, text: Cleaned, people: Pseudonyms) -> Row:
    start, end = text.span(insertion["start"], insertion["end"])
    return {"start": start, "end": end, "text": people.clean(insertion["text"]).text}


def _photos(corpus: Mapping[str, pa.Table], people: Pseudonyms) -> list[Row]:
    cited = _cited(corpus, people)
    rows = _plain(corpus["photo_texts"], "release_photo_texts")
    return [row | cited[row["source_id"]] | _cleaned(row, people)[0] for row in rows]


def _narratives(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> list[Row]:
    rights = {row["source_id"]: row["rights"] for row in corpus["sources"].to_pylist()}
    rows = _plain(corpus["narratives"], "release_narratives")
    for row in rows:
        # A quotable report gives its posts away, not its own prose.
        passed_on = rights[row["source_id"]] == "redistributable"
        row["name"] = None if row["source_id"] in dry else people.clean(row["name"]).text
        row["text"] = people.clean(row["text"]).text if passed_on else None
    return rows
