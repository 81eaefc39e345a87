"""The derived columns of a text, as one function from an Arrow array to Arrow arrays."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.text import entities
from toolkit.text.language import language
from toolkit.text.script import script, simplify

# Part of every corpus version's input digest: raise it whenever a function here answers differently.
VERSION = 1
_CHINESE = ("Hans", "Hant", "Hani")


def analyse(texts: pa.Array, languages: Sequence[str | None] | pa.Array | None = None) -> dict[str, pa.Array]:
    """Return the derived columns of an array of texts, one value a text, in order.

    ``text_lang``, ``script``, ``text_simplified`` (null unless Chinese), ``hashtags``, ``mentions``, ``urls`` (defanged),
    ``flags``, ``exact_hash``: as ``schemas/posts.json`` describes them. Pure: the same texts give the same arrays.
    ``languages`` are those known from elsewhere: where one is, it is not looked for.
    """
    values: list[str] = texts.to_pylist()
    known = languages.to_pylist() if isinstance(languages, pa.Array) else languages or [None] * len(values)
    scripts = [script(text) for text in values]
    lists = pa.list_(pa.string())
    return {
        "text_lang": pa.array([code or language(text) for text, code in zip(values, known, strict=True)], pa.string()),
        "script": pa.array(scripts, pa.string()),
        "text_simplified": pa.array(
            [simplify(text) if code in _CHINESE else None for text, code in zip(values, scripts, strict=True)],
            pa.string(),
        ),
        "hashtags": pa.array([[tag.value for tag in entities.hashtags(text)] for text in values], lists),
        "mentions": pa.array([[name.value for name in entities.mentions(text)] for text in values], lists),
        "urls": pa.array([[entities.defang(url.value) for url in entities.find_urls(text)] for text in values], lists),
        "flags": pa.array([entities.flags(text) for text in values], lists),
        "exact_hash": pa.array([sha256_text(normalise(text)) for text in values], pa.string()),
    }
