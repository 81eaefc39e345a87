"""Ids: minted once, when a span is accepted, then written into the curated record and never computed again.

Version 1: 128 bits of SHA-256 over the kind, the source's key, the normalised text and its occurrence in the source.
The text goes in so that a recipe rebuilds the same ids from another copy; the occurrence so that the same words quoted
twice are two posts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container

from toolkit.fsio import canonical_json, sha256_text

VERSION = 1


def normalise(text: str) -> str:
    """Return the form of a text that ids and exact hashes are made of: NFC, white space collapsed and trimmed."""
    composed = unicodedata.normalize("NFC", text)
    # Of all white space only the blank is printable: most texts are so already, which is seen sooner than made.
    if composed.isprintable() and "  " not in composed and composed == composed.strip(" "):
        return composed
    return " ".join(composed.split())


def digest_id(kind: str, *parts: object) -> str:
    """Return ``kind`` and 32 hex digits made of the parts, in order."""
    return f"{kind}_{sha256_text(canonical_json([f'docposts-id-v{VERSION}', kind, *parts]))[:32]}"


def account_id_of(platform: str, handle: str) -> str:
    """Return an account's id, whatever the case that its handle is written in."""
    return digest_id("account", platform.casefold(), handle.casefold())


def mint(kind: str, source_key: str, text: str, taken: Container[str]) -> str:
    """Return the id of the first occurrence of ``text`` in its source that is not yet ``taken``.

    Looking for a free occurrence, instead of counting those that stand before it, keeps every id given out earlier when
    an identical post is later added in front.
    """
    occurrence = 0
    while (minted := digest_id(kind, source_key, normalise(text), occurrence)) in taken:
        occurrence += 1
    return minted
