"""What stands around a post in its report: the account, the platform and the date that are given for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from toolkit.sources.dates import dates
from toolkit.sources.proposals.attribution import first_sentence, last_sentence
from toolkit.sources.proposals.labels import PLATFORMS
from toolkit.sources.proposals.prose import is_attribution
from toolkit.text.entities import mentions

_LEAD = 160
# Names that are words as well need what only a platform has before them.
_WORDS = ("X", "Medium", "Threads", "Gab")
_NAMED = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)") for name in PLATFORMS if name not in _WORDS} | {
    name: re.compile(rf"(?:\b(?:on|to|from|via)|在) {name}(?!\w)|[(,] ?{name}(?=[,)])") for name in _WORDS
}


def lines_of(text: str, start: int, end: int) -> str:
    """Return the words that say where text[start:end] was posted: the short line before it, or below it where it is signed.

    Of a post within a sentence the words before and behind it.
    """
    before = text[:start].rpartition("\n")[2].strip(" “\"«„「『‘'>*-")
    behind = text[end:].partition("\n")[0]
    if any(map(str.isalnum, before)) or any(map(str.isalnum, behind)):
        return f"{last_sentence(before)[-_LEAD:]} {first_sentence(behind)[:_LEAD]}".strip()
    below = text[end:].lstrip(' \n”"»“」』’').partition("\n")[0]
    if is_attribution(below):
        return below
    before = text[:start].rstrip(" “\"«„「『‘'>*-")
    above = before.rstrip().rpartition("\n")[2]
    # Past a blank line only what announces the post is about it.
    near = not before.endswith("\n\n") or above.endswith((":", "："))
    return above if near and len(above) <= _LEAD else ""


def platform(text: str, own: Sequence[str]) -> str | None:
    """Return the platform that a text names, of the source's own ones first; its only one where none is named."""
    named = [name for name in own if name.lower() in text.lower()] or list(platforms_of(text))
    return named[0] if named else (own[0] if len(own) == 1 else None)


def platforms_of(text: str) -> Counter[str]:
    """Return the known platforms that a text names, with how often, the most frequent first."""
    found = {name: len(pattern.findall(text)) for name, pattern in _NAMED.items()}
    return Counter(dict(sorted(((n, c) for n, c in found.items() if c), key=lambda item: (-item[1], item[0]))))


def posted(text: str, start: int, end: int, own: Sequence[str]) -> dict[str, str]:
    """Return account, platform and date as the words around a post give them; empty, or left out, where they do not."""
    words = lines_of(text, start, end)
    handles, found = mentions(words), dates(words)
    name = platform(words, own)
    return {
        "account": handles[0].value if handles else "",
        **({"platform": name} if name else {}),
        "posted_at": found[0].date if found else "",
    }
