"""Whose words a quotation within a sentence is: the words before it and behind it, in the languages that reports come in.

Only what says that somebody posted them makes a post of words in quotation marks. Officials, the press, witnesses,
documents, slogans and names are quoted in the same way; where nothing is said, nothing is taken.
"""

from __future__ import annotations

import re
from typing import Literal

from toolkit.sources.proposals.quotes import is_long, quotations
from toolkit.sources.proposals.vocabulary import (
    ASIDE,
    BARE,
    BOUNDARY,
    DOCUMENT,
    ENGAGEMENT,
    FINITE,
    FOR_EXAMPLE,
    HANDLE,
    IN_BRACKETS,
    IN_DOCUMENT,
    LISTED,
    NEVER,
    NEW_SUBJECT,
    NOUN,
    OTHER,
    PERSON,
    PHRASES,
    PICTURED,
    PLACE,
    PLATFORM,
    POSTED,
    POSTERS,
    PRIVATE,
    SAME,
    SIGNATURE,
    SUCH_AS,
    VERB,
)

Verdict = Literal["post", "other"]


def last_sentence(text: str) -> str:
    """Return the beginning of the sentence that stands open at the end of a text."""
    ends = [match.end() for match in BOUNDARY.finditer(text)]
    return text[ends[-1] :] if ends else text


def first_sentence(text: str) -> str:
    """Return a text up to the end of its first sentence."""
    match = BOUNDARY.search(text)
    return text[: match.start()] if match else text


def before(words: str, inherited: Verdict | None) -> Verdict | None:
    """Return whose words follow, as the sentence in front of a quotation says; ``inherited``: whose the last one was.

    ``words`` are all that stand in front of it, up to the quotation before.
    """
    clause = last_sentence(words)
    context = _spoken_of(words[: len(words) - len(clause)])
    clause = clause.rstrip()
    if not clause:
        return None
    if PRIVATE.search(clause):
        return "other"
    ends = clause[-1] if clause[-1] in ":：,，" else ""
    verbs = list(VERB.finditer(clause))
    if verbs:
        verb = verbs[-1]
        tail = FOR_EXAMPLE.sub("", clause[verb.end() :])
        tail = tail.removesuffix(ends) if ends else tail
        if _fits(tail, ends):
            return _spoken(clause[: verb.start()], verb.lastgroup == "strong", tail, inherited, context)
    return _named(clause, ends)


def _fits(tail: str, ends: str) -> bool:
    """Tell whether what stands between a verb and a quotation still leads from one to the other."""
    if ends in (":", "："):
        return len(tail) <= 160
    if ends:
        return len(tail) <= 90 and not NEW_SUBJECT.search(tail)
    return bool(BARE.fullmatch(tail))


def _spoken(
    subject: str, strong: bool, tail: str, inherited: Verdict | None, context: Verdict | None
) -> Verdict | None:
    if IN_DOCUMENT.search(tail) and not PLACE.search(tail):
        return "other"
    who = _subject(subject)
    if strong and who == "other":
        # A mayor's tweet is a post as well.
        return "post"
    if NEVER.search(subject[-60:]) and who != "other":
        return None
    if who != "post" and (PLACE.search(tail) or PLACE.search(subject[-60:])):
        return "post"
    if who is None and SAME.fullmatch(part := _last_part(subject)):
        return inherited or (None if PERSON.search(part) else context) or ("post" if strong else None)
    return who or ("post" if strong else None)


def _spoken_of(words: str) -> Verdict | None:
    """Return what the sentences before were about: the last of their nouns that posts, is posted, or does neither."""
    nouns = _nouns(words[-200:])
    return None if not nouns else ("post" if nouns[-1].lastgroup == "post" else "other")


def _subject(words: str) -> Verdict | None:
    """Return what the subject of a verb is: the first noun of what stands right in front of it (in Chinese the last)."""
    nouns = [match.lastgroup for match in _nouns(_last_part(words))]
    if not nouns:
        return None
    cjk = sum("\u2e80" <= char <= "\uffdc" for char in words) * 3 > len(words)
    return "post" if nouns[-1 if cjk else 0] == "post" else "other"


def _nouns(words: str) -> list[re.Match[str]]:
    # "The Morning Post" is a newspaper.
    return [m for m in NOUN.finditer(words) if not (m[0] == "Post" and re.search(r"[A-Z]\w+ \Z", words[: m.start()]))]


def _last_part(words: str) -> str:
    """Return the part of a sentence that the subject stands in: past asides, and past what came before a comma."""
    parts = [part for part in NEW_SUBJECT.split(words) if part.strip()]
    while len(parts) > 1 and ASIDE.match(parts[-1]) and not _nouns(parts[-1][:12]):
        parts.pop()
    return parts[-1] if parts else ""


_HEADING = re.compile(
    rf"(?P<number>\[?\d{{1,3}}[\].)]\s*)?(?:(?P<handle>{HANDLE})|[^\W\d_][^:“\"()\n]{{1,60}}?)\s*[(,·|–—-]\s*"
    r"(?P<about>[^:“\"()\n]{3,90})\)?:?"
)
_YEAR = re.compile(r"\b(?:1[5-9]|2[01])\d\d\b")
_YEAR_OR_HANDLE = re.compile(rf"{HANDLE}|\b(?:1[5-9]|2[01])\d\d\b|{ENGAGEMENT}", re.IGNORECASE)
_ANYWHERE = re.compile(rf"(?<!\w){PLATFORM}(?!\w)|(?i:{POSTERS}|{POSTED})")
_TITLED = re.compile(
    rf"(?:[^\W\d_]+\.? (?:[0-9]{{1,3}}|[A-Z])[.:)]?\s*[–—-]?\s*)?(?:[\w’'-]+ ){{0,3}}(?:{POSTED}|{HANDLE})"
    r"(?: (?:by|from|on|in|under|to|of|at)\b|\s*[,(]|\s*\Z)",
    re.IGNORECASE,
)
_CONTENT = re.compile(rf"{POSTED}|{HANDLE}", re.IGNORECASE)


def _named(clause: str, ends: str) -> Verdict | None:
    """Return "post" where the words name a post and the quotation is it: “the most popular post,”, “comments such as”."""
    nouns = _nouns(clause[-140:])
    posted = [m for m in nouns if m.lastgroup == "post" and (ends in (":", "：") or _CONTENT.match(m[0]))]
    if not posted or nouns[-1].lastgroup != "post":
        return None
    behind = clause[-140:][posted[-1].end() :]
    if ends in (":", "："):
        return "post" if len(behind) <= 90 and not FINITE.search(behind) and not VERB.search(behind) else None
    if SUCH_AS.search(behind):
        return None if PHRASES.search(behind) else "post"
    return "post" if not behind.strip(" ,，") and _CONTENT.match(posted[-1][0]) else None


def behind(clause: str, quote: str, words_before: str, inherited: Verdict | None) -> Verdict | None:
    """Return whose words a quotation is, as what stands right behind it says; ``words_before`` stand in front of it."""
    context = _spoken_of(words_before)
    if SIGNATURE.match(clause[:200]):
        return "post"
    if (aside := IN_BRACKETS.match(clause)) and (OTHER.search(aside[1]) or DOCUMENT.search(aside[1])):
        return "other"
    words = re.sub(r"\A[,，.]?\s*", "", clause)
    if not words:
        return None
    verb = VERB.match(words)
    if verb:
        who = words[verb.end() : verb.end() + 90]
        return _spoken_behind(who, verb.lastgroup == "strong", inherited, context)
    if re.match(r"(?:was|were) (?:first )?(?:posted|tweeted|retweeted|commented)\b", words):
        return "post"
    # "…,” one account wrote": behind a full stop it begins the next sentence.
    ended = quote.rstrip()[-1:] in ".!?…。！？" and clause[:1] not in (",", "，")
    if ended and words[0].isupper():
        return None
    found = VERB.search(words[:90])
    if (
        not found
        or NEW_SUBJECT.search(words[: found.start()])
        or re.match(r"(?:is|are|was|were|which|in|on|by|to)\b", words)
    ):
        return None
    if not ended and clause[:1] not in (",", "，") and quote.rstrip()[-1:] not in (",", "，"):
        return None
    return _spoken_behind(words[: found.start()], found.lastgroup == "strong", inherited, context)


def _spoken_behind(who: str, strong: bool, inherited: Verdict | None, context: Verdict | None) -> Verdict | None:
    part = NEW_SUBJECT.split(who, maxsplit=1)[0]
    if NEVER.search(part):
        return None
    nouns = _nouns(part)
    if nouns and nouns[0].lastgroup == "post":
        return "post"
    if PLACE.search(who):
        return "post"
    if nouns:
        return "other"
    if SAME.fullmatch(part):
        return inherited or (None if PERSON.search(part) else context) or ("post" if strong else None)
    return "post" if strong else "other"


def names_posts(text: str) -> bool:
    """Tell whether a paragraph says of a quotation in it that somebody posted it."""
    quotes, low = quotations(text), 0
    for quote in quotes:
        gap, low = text[low : quote.start], quote.end
        if before(gap, None) == "post" and is_long(text[quote.inner : quote.inner_end]):
            return True
    return False


def announces(line: str) -> bool:
    """Tell whether a short line of its own says that a post follows: "Exhibit 2. Tweet by @lamp, 9 January"."""
    line = line.strip(" *_:：.")
    return len(line) < 140 and bool(_TITLED.match(line)) and not quotations(line) and not VERB.search(line)


def pictures_post(caption: str) -> bool:
    """Tell whether a caption says that its picture shows a post: "Figure 4. Facebook post by …"."""
    return bool(PICTURED.match(caption))


def told_by_others(text: str) -> bool:
    """Tell whether a paragraph is a quotation and the name of who said it: “…,” the company said."""
    quote = next(iter(quotations(text[:2000])), None)
    if quote is None or quote.start or quote.end == len(text):
        return False
    return behind(first_sentence(text[quote.end :]), text[quote.inner : quote.inner_end], "", None) == "other"


def heads_post(line: str) -> bool:
    """Tell whether a line only says who posted what stands below it, where and when: "[2] @lamp (Chirpyard, 4 May 2038)"."""
    found = _HEADING.fullmatch(line.strip(" *_")) if len(line) < 140 else None
    if not found or not (found["number"] or found["handle"]):
        return False
    return bool(_YEAR.search(found["about"]) or _ANYWHERE.search(found["about"]) or is_signature(f"({found['about']})"))


def names_poster(line: str) -> bool:
    """Tell whether the line below a quotation says where it was posted, and not who said or wrote it."""
    return bool(_YEAR_OR_HANDLE.search(line) or _ANYWHERE.search(line))


def is_signature(text: str) -> bool:
    """Tell whether a text behind a quotation signs it: a handle, a platform, numbers of likes, who posted it."""
    return bool(SIGNATURE.match(text[:200]))


def lists(gap: str) -> bool:
    """Tell whether the words in front of a quotation give it as one example of several."""
    return bool(SUCH_AS.search(gap)) or (bool(gap.strip()) and goes_on(gap))


def goes_on(gap: str) -> bool:
    """Tell whether nothing but "and" or a comma stands between two quotations."""
    return bool(LISTED.fullmatch(gap))
