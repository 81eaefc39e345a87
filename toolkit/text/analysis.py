"""The derived columns of a text, as one function from an Arrow array to Arrow arrays."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.text import entities, letters
from toolkit.text.language import languages as languages_of
from toolkit.text.script import scripts, simplified

# Part of every corpus version's input digest: raise it whenever a function here answers differently.
VERSION = 2
_CHINESE = ("Hans", "Hant", "Hani", "mixed")
_LISTS = pa.list_(pa.string())


def analyse(texts: pa.Array, languages: Sequence[str | None] | pa.Array | None = None) -> dict[str, pa.Array]:
    """Return the derived columns of an array of texts, one value a text, in order.

    ``text_lang``, ``languages``, ``script``, ``text_simplified`` (null unless Chinese), ``hashtags``, ``mentions``, ``urls``
    (defanged), ``emoji``, ``flags``, ``exact_hash``: as ``schemas/posts.json`` describes them. Pure: the same text gives the
    same values, whatever stands beside it. ``languages`` are those known from elsewhere: where one is, it is the main one.
    """
    values: list[str] = texts.to_pylist()
    known = languages.to_pylist() if isinstance(languages, pa.Array) else languages or [None] * len(values)
    survey = letters.survey(values)
    found = languages_of(values, survey, known)
    written = scripts(values, survey.counts)
    return {
        "text_lang": pa.array([own[0] for own in found], pa.string()),
        "languages": pa.array(found, _LISTS),
        "script": pa.array(written, pa.string()),
        "text_simplified": _simplified(values, written),
        **_entities(values, survey.marks.tolist()),
        "flags": _flags(values, survey),
        "exact_hash": pa.array([sha256_text(normalise(text)) for text in values], pa.string()),
    }


def _entities(texts: list[str], marks: list[int]) -> dict[str, pa.Array]:
    columns: dict[str, list[list[str]]] = {"hashtags": [], "mentions": [], "urls": [], "emoji": []}
    nothing: list[str] = []
    for text, mark in zip(texts, marks, strict=True):
        urls = entities.find_urls(text) if mark & letters.COLON and "://" in text else []
        columns["urls"].append([entities.defang(url.value) for url in urls] if urls else nothing)
        tags = entities.hashtags(text, urls) if mark & letters.TAG else ()
        columns["hashtags"].append([tag.value for tag in tags] if tags else nothing)
        names = entities.mentions(text, urls) if mark & letters.AT else ()
        columns["mentions"].append([name.value for name in names] if names else nothing)
        columns["emoji"].append(entities.emoji(text) if mark & letters.EMOJI else nothing)
    return {name: pa.array(values, _LISTS) for name, values in columns.items()}


def _simplified(texts: list[str], written: list[str]) -> pa.Array:
    chinese = [text if code in _CHINESE else None for text, code in zip(texts, written, strict=True)]
    found = iter(simplified([text for text in chinese if text is not None]))
    return pa.array([None if text is None else next(found) for text in chinese], pa.string())


def _flags(texts: list[str], survey: letters.Survey) -> pa.Array:
    latin, cyrillic, greek = (survey.counts[:, letters.CODES.index(code)] > 0 for code in ("Latn", "Cyrl", "Grek"))
    both = (latin & (cyrillic | greek)).tolist()
    hidden = (survey.marks & letters.HIDDEN).tolist()
    found = [
        [*(entities.hidden(text) if mark else ()), *(["confusable"] if mixed and entities.confusable(text) else ())]
        for text, mark, mixed in zip(texts, hidden, both, strict=True)
    ]
    return pa.array(found, _LISTS)
