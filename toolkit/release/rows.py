"""Corpus tables, judgements and decisions → the rows of a release, not yet split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.release import accounts
from toolkit.release.coded import TASK_OF, Votes
from toolkit.release.dehydrate import dehydrated
from toolkit.release.people import LINKABLE, Cleaned, Pseudonyms
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

    ``public`` are the handles of public accounts that post or are mentioned: they are released as they stand. ``linkable``
    are the pseudonyms of annotators that hold for all items. ``by``, judgement → annotator, is for counting and is not released.
    """

    rows: Mapping[str, list[Row]]
    items: list[Item]
    links: list[Edge]
    dropped: Mapping[str, int]
    public: tuple[str, ...]
    linkable: tuple[str, ...] = ()
    by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Layers:
    """An item's texts as released, by the layer that annotators were shown, and the hash of each as it was shown."""

    by_layer: Mapping[str, Cleaned]
    hashes: Mapping[str, str]


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
    votes, dropped = _votes(judgements, decisions, layers, codebooks)
    posts, photos = _posts(corpus, people, layers), _photos(corpus, people)
    for config, rows in (("posts", posts), ("photo_texts", photos)):
        for row in rows:
            row.update(votes.columns(row[KEYS[config]], codebooks[TASK_OF[config]]))
    released, lost_spans = _judgements(judgements, people, layers)
    if lost_spans:
        dropped["evidence in an earlier edition of a text"] = lost_spans
    items = [Item(p["post_id"], p["source_id"], None, _texts(p["text"], p["translation"])) for p in posts]
    items += [Item(p["photo_id"], p["source_id"], p["post_id"], _texts(p["text"])) for p in photos]
    sources = [_worded("sources", row, people) for row in _plain(corpus["sources"], "release_sources")]
    said = [text for item in items if item.source not in dry for text in item.texts]
    said += [text for config, rows in (("posts", posts), ("sources", sources)) for text in words_of(config, rows)]
    public = {m.value for text in said for m in mentions(text) if m.value.casefold() in people.public}
    posts, photos = _dry("posts", posts, corpus, dry), _dry("photo_texts", photos, corpus, dry)
    links = corpus["post_links"]
    return Rows(
        {
            "posts": posts,
            "photo_texts": photos,
            "judgements": released,
            "sources": sources,
            "narratives": _narratives(corpus, people, dry),
            "accounts": accounts.of(corpus, people, dry),
        },
        items,
        list(zip(links["post_id"].to_pylist(), links["other_id"].to_pylist(), strict=True)),
        {reason: count for reason, count in dropped.items() if count},
        tuple(sorted(public | _public_accounts(corpus["accounts"], posts))),
        tuple(sorted({row["annotator"] for row in released if row["annotator"].startswith(LINKABLE)})),
        dict(zip(judgements["judgement_id"].to_pylist(), judgements["annotator"].to_pylist(), strict=True)),
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


def _layers(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> dict[str, _Layers]:
    texts: dict[str, dict[str, str]] = {}
    sources: dict[str, str] = {}
    for row in corpus["text_layers"].to_pylist():
        texts.setdefault(row["post_id"], {})[row["layer"]] = row["text"]
        sources[row["post_id"]] = row["source_id"]
    for row in corpus["photo_texts"].to_pylist():
        texts[row["photo_id"]] = {row["kind"]: row["text"]}
        sources[row["photo_id"]] = row["source_id"]
    return {
        item: _Layers(
            # Of a text that is not released, evidence counts characters as documented: so does whoever puts it back.
            {n: Cleaned(text) if sources[item] in dry else people.clean(text) for n, text in own.items()},
            {n: sha256_text(text) for n, text in own.items()},
        )
        for item, own in texts.items()
    }


def _votes(
    judgements: pa.Table, decisions: pa.Table, layers: Mapping[str, _Layers], codebooks: Mapping[str, Codebook]
) -> tuple[Votes, dict[str, int]]:
    rows = judgements.to_pylist()
    known = [row["item_id"] in layers and row["task"] in TASK_OF.values() for row in rows]
    held = judgements.filter(pa.array(known, pa.bool_()))
    outcomes = dict(zip(decisions["question_id"].to_pylist(), decisions["outcome"].to_pylist(), strict=True))
    votes = Votes.of(held, codebooks, outcomes)
    methods = zip(decisions["question_id"].to_pylist(), decisions["method"].to_pylist(), strict=True)
    adjudicated = {question_id for question_id, method in methods if method == "adjudicated"}
    asked = {question.id for own in votes.questions.values() for question in own}
    dropped = {
        "judgement of an item that the corpus version does not hold": known.count(False),
        "decision on votes that have changed since": len(adjudicated - asked),
    }
    return votes, dropped


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


def _posts(corpus: Mapping[str, pa.Table], people: Pseudonyms, layers: Mapping[str, _Layers]) -> list[Row]:
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


def _judgements(judgements: pa.Table, people: Pseudonyms, layers: Mapping[str, _Layers]) -> tuple[list[Row], int]:
    """Return the judgements of known items in corpus order, an annotator's by time; and the number of lost spans."""
    order = {item_id: place for place, item_id in enumerate(layers)}
    rows = [r for r in judgements.to_pylist() if r["item_id"] in order and r["task"] in TASK_OF.values()]
    names = {r["judgement_id"]: people.annotator(r["annotator"], r["item_id"]) for r in rows}
    rows.sort(key=lambda r: (order[r["item_id"]], names[r["judgement_id"]], r["created_at"], r["judgement_id"]))
    same = [column for column in table("release_judgements").arrow.names if column in judgements.column_names]
    released, lost = [], 0
    for row in rows:
        layer = layers[row["item_id"]]
        text = layer.by_layer.get(row["text_layer"])
        # Places count characters of the text that was shown: in another edition of it they would mark other words.
        fit = row["evidence"] if layer.hashes.get(row["text_layer"]) == row["text_sha256"] else []
        lost += len(row["evidence"]) - len(fit)
        evidence = []
        for span in fit:
            start, end = text.span(span["start"], span["end"]) if text else (0, 0)
            evidence.append(span | {"start": start, "end": end})
        regions = [{side: region[side] for side in ("x", "y", "width", "height")} for region in row["regions"]]
        released.append(
            {name: row[name] for name in same}
            | {
                "annotator": names[row["judgement_id"]],
                "month": f"{row['created_at']:%Y-%m}",
                "evidence": evidence,
                "regions": regions,
            }
        )
    return released, lost


def as_judgements(released: pa.Table) -> pa.Table:
    """Return released judgements as a table of ``schemas/judgements.json``: their order stands for their times."""
    import datetime as dt

    start = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    rows = []
    for place, row in enumerate(released.to_pylist()):
        at = start + dt.timedelta(seconds=place)
        named = {name: row[name] for name in table("judgements").arrow.names if name in row and name != "regions"}
        rows.append(named | {"created_at": at, "updated_at": at, "free": [], "regions": []})
    return table("judgements").from_rows(rows)
