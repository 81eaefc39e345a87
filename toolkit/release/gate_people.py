"""Gates on people and rights: nothing that reaches a person, nothing that may not be passed on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow.compute as pc

from toolkit.release.dehydrate import WORDS, holds_words, restricted
from toolkit.release.folder import Folder
from toolkit.release.people import LINKABLE
from toolkit.release.rows import KEYS
from toolkit.release.takedown import found_in
from toolkit.release.texts import WORDED, words_of

SCANNED = (
    "no live address, e-mail address, telephone number or private handle in posts (text, text_simplified, translation, "
    "insertions, mentions, urls, account, hashtags, actor, campaign, attributed_by), photo_texts (text, text_simplified), "
    "narratives (name, text), accounts (names) and sources (all words but the reports' addresses); "
    "handles and names of public accounts alone; judgements are joined across items by none but those who agreed"
)
_WORDS_OF_POSTS = [
    *("post_id", "source_id", "text", "text_simplified", "translation", "insertions", "urls"),
    *WORDED["posts"],
]
_PSEUDONYM = re.compile(r"user_[0-9a-f]{12}|account_[0-9a-f]{32}")
# Patterns of its own, wider than those that clean the texts.
_LIVE = (
    ("a live address", re.compile(r"https?://|\bwww\.\w", re.IGNORECASE)),
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}")),
    ("a telephone number", re.compile(r"(?<![\w+])\+\d(?:[ ()-]?\d){7,}|(?<!\w)1[3-9]\d{9}(?!\d)")),
)
_HANDLE = re.compile(r"(?<![\w@＠./])[@＠](\w+(?:\.\w+)*)")


def _texts(folder: Folder) -> Iterator[tuple[str, str]]:
    columns = ("text", "text_simplified", "translation")
    # What a user put back from their own copy stands as it does there; names, with those of other reports.
    hydrated = bool(folder.manifest.get("hydrated"))
    apart = restricted(folder.rows("sources")) if hydrated else frozenset()
    for row in folder.each("posts", _WORDS_OF_POSTS):
        if row["source_id"] in apart:
            continue
        yield from ((f"{row['post_id']}.{name}", row[name]) for name in columns if row[name])
        yield from ((f"{row['post_id']}.insertions", part["text"]) for part in row["insertions"])
        yield from ((f"{row['post_id']}.urls", url) for url in row["urls"])
        yield from ((f"{row['post_id']} (hashtags, actor, campaign)", word) for word in words_of("posts", [row]))
    for row in folder.each("sources"):
        yield from ((f"source {row['source_id']}", word) for word in words_of("sources", [row]))
    for row in folder.each("photo_texts", ["photo_id", "source_id", *columns[:2]]):
        if row["source_id"] in apart:
            continue
        yield from ((f"{row['photo_id']}.{name}", row[name]) for name in columns[:2] if row[name])
    prose = {row["source_id"] for row in folder.each("sources") if hydrated and row["rights"] != "redistributable"}
    for row in folder.rows("narratives").to_pylist():
        kept = [name for name, put_back in (("name", apart), ("text", prose)) if row["source_id"] not in put_back]
        yield from ((f"{row['narrative_id']}.{name}", row[name]) for name in kept if row[name])
    for row in folder.each("accounts") if not apart else ():
        yield from ((f"{row['account']}.names", name) for name in row["names"])


def people(folder: Folder) -> list[str]:
    """Scan the free texts, and hold accounts and mentions against the pseudonyms' form."""
    public = {handle.casefold() for handle in folder.manifest["public_handles"]}
    problems = []
    for where, text in _texts(folder):
        problems += [f"{where} holds {what}" for what, pattern in _LIVE if pattern.search(text)]
        problems += [
            f"{where} holds a private handle" for match in _HANDLE.finditer(text) if not _named(match[1], public)
        ]
    apart = restricted(folder.rows("sources")) if folder.manifest.get("hydrated") else frozenset()
    for row in folder.each("posts", ["post_id", "source_id", "account", "mentions"]):
        if row["source_id"] not in apart and any(
            not _named(name, public) for name in [*row["mentions"], row["account"]] if name is not None
        ):
            problems.append(f"{row['post_id']}: an account is neither a pseudonym nor public")
    problems += _annotators(folder)
    return problems + [
        f"account {row['account']}: {problem}" for row in folder.each("accounts") for problem in _account(row, public)
    ]


def _account(row: dict[str, Any], public: set[str]) -> Iterator[str]:
    if row["public_figure"] or row["state_outlet"]:
        if row["handle"] != row["account"] or row["account"].casefold() not in public:
            yield "a public account does not stand under its handle"
    else:
        if not _PSEUDONYM.fullmatch(row["account"]):
            yield "an account that is not public has no pseudonym"
        if row["handle"] is not None or row["names"]:
            yield "an account that is not public has a handle or a name"


def _annotators(folder: Folder) -> Iterator[str]:
    """Look for judgements that can be joined across items without their annotator's word."""
    agreed = {*folder.manifest["linkable"]}
    by = folder.rows("judgements").group_by("annotator").aggregate([("item_id", "count_distinct")])
    several = pc.greater(by["item_id_count_distinct"], 1)
    for row in by.filter(pc.or_(several, pc.starts_with(by["annotator"], LINKABLE))).to_pylist():
        name, items = row["annotator"], row["item_id_count_distinct"]
        if name.startswith(LINKABLE) and name not in agreed:
            yield f"{name} is linkable, and the manifest names nobody of that name who agreed"
        elif name not in agreed:
            yield f"{name} is on {items} items: their judgements can be joined"


def _named(name: str, public: set[str]) -> bool:
    return bool(_PSEUDONYM.fullmatch(name)) or name.casefold() in public


def rights(folder: Folder) -> list[str]:
    """Look for restricted reports in a release that is not private, and for prose of reports that may only be quoted."""
    may = dict(zip(*(folder.rows("sources")[name].to_pylist() for name in ("source_id", "rights")), strict=True))
    problems = []
    closed = {source for source, what in may.items() if what == "restricted"}
    own = folder.manifest.get("hydrated") and folder.manifest["restricted"]
    for config in WORDS:
        for row in folder.each(config, [KEYS[config], "source_id", "dehydrated", *WORDS[config]]):
            name, shut = row[KEYS[config]], row["source_id"] in closed
            if shut and not row["dehydrated"] and not folder.manifest["restricted"]:
                problems.append(f"{name} is of {row['source_id']}, which is restricted, and is not dehydrated")
            if row["dehydrated"] and holds_words(config, row):
                problems.append(f"{name} is called dehydrated and holds words")
            if row["dehydrated"] and not shut:
                problems.append(f"{name} is dehydrated, and {row['source_id']} is not restricted")
            if not row["dehydrated"] and row["text"] is None:
                problems.append(f"{name} has no text and is not called dehydrated")
    for row in folder.rows("narratives").to_pylist():
        if row["text"] is not None and may.get(row["source_id"]) != "redistributable" and not own:
            problems.append(f"{row['narrative_id']} holds the prose of a report that is not redistributable")
        if row["name"] is not None and row["source_id"] in closed and not folder.manifest["restricted"]:
            problems.append(f"{row['narrative_id']} holds words of a restricted report")
    return problems


def takedowns(folder: Folder) -> list[str]:
    """Look for what the release says was taken down."""
    return held(folder, folder.manifest.get("taken_down", ()))


def held(folder: Folder, names: Iterable[str]) -> list[str]:
    """Look for what must not be there."""
    return [f"{name} was taken down" for name in found_in(folder.tables(), names)]
