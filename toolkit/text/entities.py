"""Hashtags, mentions, URLs, and the characters that a reader cannot see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import regex

# HASHTAG and MENTION have one group: the value.
# A tag's inner dots stay (#U.S.Embassy), its last one is the sentence's; a number alone is no hashtag. Chinese sets no blank
# before a tag, and a platform of its closes it by a second sign, which begins no other; a Latin letter there is C#'s. Joiners
# and non-joiners stand within words of Persian and its neighbours.
_WORD = r"[\p{L}\p{M}\p{N}_\u200c\u200d]+"
HASHTAG = regex.compile(
    r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{N}_&])[#＃](?=[\p{N}._·]*[\p{L}\p{M}])"
    rf"({_WORD}(?:[.·]{_WORD})*)[#＃]?"
)
# Chinese sets no blank before a mention; a Latin letter or a digit there is an e-mail address's.
MENTION = regex.compile(
    r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{N}_@＠./])[@＠]"
    r"([\p{L}\p{N}_]++(?:\.[\p{L}\p{N}_]++)*+(?:@[\p{L}\p{N}-]++(?:\.[\p{L}\p{N}-]++)++)?+)(?![@＠])"
)
_URL = regex.compile(
    r"(?<![A-Za-z0-9])(?:https?|hxxps?)://[^\s<>\"“”「」『』，。、！？（）：；》】]+", regex.IGNORECASE
)
_TRAILING = ".,;:!?'’)]}"
_BIDI = regex.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Zero-width joiners and non-joiners are spelling in some scripts and build emoji; between ASCII letters they hide.
_ZERO_WIDTH = regex.compile(r"[\u200b\u2060\ufeff]|(?<=[A-Za-z])[\u200c\u200d](?=[A-Za-z])")
_CONTROL = regex.compile(r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]")
_FLAGS = (("bidi_control", _BIDI), ("zero_width", _ZERO_WIDTH), ("control", _CONTROL))
# A word of two scripts hides something where all its letters of one of them look like letters of the other; a name with an
# ending of another script (iPhoneды) has letters that do not.
_MEETING = regex.compile(r"\p{Latin}\p{M}*[\p{Cyrillic}\p{Greek}]|[\p{Cyrillic}\p{Greek}]\p{M}*\p{Latin}")
_BOTH = regex.compile(
    r"[\p{L}\p{M}]*(?:\p{Latin}\p{M}*[\p{Cyrillic}\p{Greek}]|[\p{Cyrillic}\p{Greek}]\p{M}*\p{Latin})[\p{L}\p{M}]*"
)
_LIKE_LATIN = frozenset("аеорсухіјѕһԁԛԝӏѵАВЕЅІЈКМНОРСТУХҮԌԚԜӀ" + "αγικνορυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_LIKE_OTHERS = frozenset("aceopxyijshdqwlvkmntruABCEHIJKMNOPSTXYZ")
_EMOJI = regex.compile(
    r"\p{RI}\p{RI}|[0-9#*]\ufe0f?\u20e3|"
    r"\p{Extended_Pictographic}(?:\ufe0f|\p{EMod})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{EMod})?)*[\U000e0020-\U000e007f]*"
)


class Entity(NamedTuple):
    """A part of a text: text[start:end], and its value without sign (URLs: as they stand)."""

    start: int
    end: int
    value: str


def hashtags(text: str, known: Sequence[Entity] | None = None) -> list[Entity]:
    """Return the hashtags in order, the sign within the place, outside the value; ``known``: the URLs, where they are."""
    found = [Entity(match.start(), match.end(1), match[1]) for match in HASHTAG.finditer(text)]
    return _outside(found, find_urls(text) if known is None and found else known)


def mentions(text: str, known: Sequence[Entity] | None = None) -> list[Entity]:
    """Return the mentions in order, the sign within the place, outside the value; ``known``: the URLs, where they are."""
    found = [Entity(match.start(), match.end(), match[1]) for match in MENTION.finditer(text)]
    return _outside(found, find_urls(text) if known is None and found else known)


def _outside(found: list[Entity], known: Sequence[Entity] | None) -> list[Entity]:
    """Return what begins in no URL; both stand in order, so that each list is gone through once."""
    if not known:
        return found
    urls = iter(known)
    url = next(urls, None)
    outside = []
    for entity in found:
        while url and url.end <= entity.start:
            url = next(urls, None)
        if url is None or entity.start < url.start:
            outside.append(entity)
    return outside


def find_urls(text: str) -> list[Entity]:
    """Return the URLs in order, without the punctuation of the sentence around them."""
    found = []
    for match in _URL.finditer(text):
        url = match[0].rstrip(_TRAILING)
        found.append(Entity(match.start(), match.start() + len(url), url))
    return found


def defang(url: str) -> str:
    """Return a URL that no program follows: ``hxxps://example[.]com/a.b``."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    scheme = scheme.lower().replace("http", "hxxp")
    return f"{scheme}://{host.replace('[.]', '.').replace('.', '[.]')}{slash}{path}"


def flags(text: str) -> list[str]:
    """Return what hides in a text: bidi_control, zero_width, control, confusable, in that order."""
    return [*hidden(text), *(["confusable"] if confusable(text) else [])]


def hidden(text: str) -> list[str]:
    """Return those of :func:`flags` that are characters which a reader does not see."""
    return [name for name, pattern in _FLAGS if pattern.search(text)]


def confusable(text: str) -> bool:
    """Tell whether a word mixes Latin letters with Cyrillic or Greek ones that look the same."""
    for word in _BOTH.finditer(text) if _MEETING.search(text) else ():
        latin = {char for char in word[0] if regex.match(r"\p{Latin}", char)}
        others = {char for char in word[0] if regex.match(r"[\p{Cyrillic}\p{Greek}]", char)}
        if others <= _LIKE_LATIN or (latin <= _LIKE_OTHERS and len(latin) < len(others)):
            return True
    return False


def emoji(text: str) -> list[str]:
    """Return the emoji in order, each as the sequence that is drawn as one; © and ® alone are none."""
    return [match[0] for match in _EMOJI.finditer(text) if match[0] not in ("©", "®", "™")]
