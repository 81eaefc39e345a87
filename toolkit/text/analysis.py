"""The derived columns of a text, as one function from an Arrow array to Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.text import entities, letters, telling
from toolkit.text.language import languages as languages_of
from toolkit.text.script import scripts, simplified

# Part of every corpus version's input digest: raise it whenever a function here answers differently.
VERSION = 4
_CHINESE = ("Hans", "Hant", "Hani", "mixed")


def analyse(texts: pa.Array, languages: Sequence[str | None] | pa.Array | None = None) -> dict[str, pa.Array]:
    """Return the derived columns of an array of texts, one value a text, in order.

    ``text_lang``, ``languages``, ``script``, ``text_simplified`` (null unless Chinese), ``hashtags``, ``mentions``, ``urls``
    (defanged), ``emoji``, ``flags``, ``exact_hash``: as ``schemas/posts.json`` describes them. Pure: the same text gives the
    same values, whatever stands beside it. ``languages`` are those known from elsewhere: where one is, it is the main one.
    """
    values: list[str] = texts.to_pylist()
    return derived(values, [normalise(text) for text in values], languages)


def derived(
    values: list[str], normal: Sequence[str], languages: Sequence[str | None] | pa.Array | None = None
) -> dict[str, pa.Array]:
    """Return :func:`analyse` of texts whose normal forms (:func:`toolkit.ids.normalise`) are there."""
    known = languages.to_pylist() if isinstance(languages, pa.Array) else languages or [None] * len(values)
    survey = letters.survey(values)
    found = languages_of(values, survey, known)
    written = scripts(values, survey.counts)
    return {
        "text_lang": found.values.take(found.offsets[:-1]),
        "languages": found,
        "script": pa.array(written, pa.string()),
        "text_simplified": _simplified(values, written),
        **_entities(values, survey.marks),
        "flags": _flags(values, survey.marks),
        "exact_hash": pa.array([sha256_text(text) for text in normal], pa.string()),
    }


def _entities(texts: list[str], marks: telling.Marks) -> dict[str, pa.Array]:
    def holding(mark: int) -> list[int]:
        places: list[int] = np.flatnonzero(marks & mark).tolist()
        return places

    urls = {place: entities.find_urls(texts[place]) for place in holding(letters.COLON) if "://" in texts[place]}

    def outside(place: int, signs: str) -> bool:
        """Tell whether all that begins with one of the signs is outside URLs: its value is enough."""
        return not any(sign in url.value for url in urls.get(place, ()) for sign in signs)

    def signed(mark: int, signs: str, pattern: Any, find: Callable[..., list[entities.Entity]]) -> dict[int, list[str]]:
        return {
            place: pattern.findall(texts[place])
            if outside(place, signs)
            else [found.value for found in find(texts[place], urls[place])]
            for place in holding(mark)
        }

    columns = {
        "hashtags": signed(letters.TAG, "#＃", entities.HASHTAG, entities.hashtags),
        "mentions": signed(letters.AT, "@＠", entities.MENTION, entities.mentions),
        "urls": {place: [entities.defang(url.value) for url in found] for place, found in urls.items()},
        "emoji": {place: entities.emoji(texts[place]) for place in holding(letters.EMOJI)},
    }
    return {name: _listed(len(texts), found) for name, found in columns.items()}


def _listed(rows: int, found: dict[int, list[str]]) -> pa.ListArray:
    """Return lists by place, which go up, as a column; the other rows' are empty."""
    lengths = np.zeros(rows + 1, np.int32)
    lengths[[place + 1 for place in found]] = [len(values) for values in found.values()]
    values = pa.array([value for values in found.values() for value in values], pa.string())
    return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), values)


def _simplified(texts: list[str], written: list[str]) -> pa.Array:
    chinese = [text if code in _CHINESE else None for text, code in zip(texts, written, strict=True)]
    found = iter(simplified([text for text in chinese if text is not None]))
    return pa.array([None if text is None else next(found) for text in chinese], pa.string())


def _flags(texts: list[str], marks: telling.Marks) -> pa.ListArray:
    found: dict[int, list[str]] = {}
    some = np.flatnonzero(marks & (letters.HIDDEN | letters.MEETING))
    for place, mark in zip(some.tolist(), marks[some].tolist(), strict=True):
        own = entities.hidden(texts[place]) if mark & letters.HIDDEN else []
        if mark & letters.MEETING and entities.confusable(texts[place]):
            own.append("confusable")
        found[place] = own
    return _listed(len(texts), found)
