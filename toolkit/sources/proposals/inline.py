"""Posts that a report quotes within its sentences, and their translations behind them.

The sentence stays what it is; the post lies in it. Its quote marks are the report's, and so is the comma before the
closing one where the sentence goes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolkit.sources.proposals.attribution import (
    Verdict,
    announces,
    before,
    behind,
    first_sentence,
    goes_on,
    is_signature,
    lists,
    pictures_post,
)
from toolkit.sources.proposals.pairs import Tongues
from toolkit.sources.proposals.paragraphs import Inner, Paragraph, is_foreign
from toolkit.sources.proposals.prose import prose_score
from toolkit.sources.proposals.quotes import BULLET, Quoted, is_long, quotations

_EXAMPLES = re.compile(
    r"(?:\S+ ){0,3}(?:examples?|samples?|selected|typical|representative|illustrative)\b.{0,30}\b"
    r"(?:posts?|tweets?|comments?|messages?|content)"
    r"(?: \S+){0,6}|(?:posts|tweets|comments)(?: (?:by|from|of|on) .{1,40})?",
    re.IGNORECASE,
)
_TRANSLATED = re.compile(
    r"\s*[,;，]?\s*(?:[(（\[][^()（）“”\"\n]{0,80}[;,:]\s*|[(（\[—–-])?\s*"
    r"(?:or,? |which |i\.e\.,? |lit(?:erally|\.),? |roughly )?"
    r"(?:(?:machine |our |english |rough )?translat\w+|meaning|means|"
    r"in English|übersetzt|traduction|traducción|перевод|译|翻译)[^“”\"«»\n]{0,60}?[:,：]?\s*",
    re.IGNORECASE,
)
# All that stands behind it says that it is translated.
_REMARK = re.compile(
    r"[.,]?\s*[(（\[][^()（）\n]{0,60}(?:translat|übersetzt|tradu|перев|译|翻译)[^()（）\n]{0,60}[)）\]][.\s]*",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\s*[(（\[/—–-]\s*(?:lit\.|literally|or|“)?,?\s*")
_PARENS = re.compile(r"\s*[(（\[]([^()（）\[\]\n]{4,2000})[)）\]]")
# What is read of the words between two quotations.
_LEAD = 600
_ACCOUNT_BEHIND = re.compile(
    r"(?P<words>[^\n]{10,4000}?)\s*[—–]\s*(?:[^—–\n()]{0,60}\(@\w[\w.]{1,39}\)|@\w[\w.]{1,39})[^—–\n]{0,40}", re.DOTALL
)
_CASELESS = re.compile(r"[^\W\d_]")


def quoted_posts(text: str, tongues: Tongues, *, announced: bool = False, pictured: bool = False) -> list[Inner]:
    """Return the posts that a paragraph quotes within its sentences, places counted in it, and their translations.

    ``announced``: the paragraph is an item of a list of posts, so that the quotation that it begins with is one.
    ``pictured``: it is the caption of a picture of a post, so that its first quotation is.
    """
    quotes = quotations(text)
    found: list[Inner] = []
    last: Verdict | None = None
    number = 0
    while number < len(quotes):
        quote = quotes[number]
        low = quotes[number - 1].end if number else 0
        gap = text[max(low, quote.start - _LEAD) : quote.start]
        high = quotes[number + 1].start if number + 1 < len(quotes) else len(text)
        verdict, rule, confidence = _verdict(
            text, quote, gap, first_sentence(text[quote.end : min(high, quote.end + _LEAD)]), last
        )
        first = not number and (pictured or not BULLET.sub("", gap.strip() + " ", count=1).strip())
        if verdict is None and first and (announced or pictured or _REMARK.fullmatch(text, quote.end)):
            verdict, rule, confidence = "post", "inline quotation, announced", 0.6
        last = verdict or (last if goes_on(gap) else None) or (last if verdict is None and found else None)
        if verdict == "post" and _whole(text, quote, gap):
            post = _inner(text, quote, "post", rule, confidence)
            number += _translated(text, quotes, number, post, tongues, found)
        number += 1
    return found


def _verdict(text: str, quote: Quoted, gap: str, after: str, last: Verdict | None) -> tuple[Verdict | None, str, float]:
    """Return whose words a quotation is, and the rule and confidence for that."""
    words = text[quote.inner : quote.inner_end]
    said = behind(after, words, gap, last)
    lead = before(gap, last)
    if said and (words.rstrip()[-1:] in ",，" or not lead):
        return said, "inline quotation, who posted it behind it", 0.6
    if lead:
        return lead, "inline quotation, who posted it before it", 0.6
    if last and goes_on(gap):
        return last, "inline quotation, one of several", 0.5
    return None, "", 0.0


def _whole(text: str, quote: Quoted, gap: str) -> bool:
    """Tell whether a quotation can be a whole post: long, or led to by a colon or comma, and no part of the sentence."""
    words = text[quote.inner : quote.inner_end].strip()
    led = gap.rstrip().endswith((":", "：", ",", "，")) or lists(gap)
    if not is_long(words) and not (led and len(words) >= 8):
        return False
    first = _CASELESS.search(words)
    return first is not None and (led or words[0] in "#@＃" or not first[0].islower() or not gap.strip())


def _inner(text: str, quote: Quoted, role: str, rule: str, confidence: float, of: Inner | None = None) -> Inner:
    start, end = quote.inner, quote.inner_end
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    if text[end - 1] in ",，" and end - start > 1:
        end -= 1
    return Inner(start, end, role, rule, confidence, of)


def _translated(
    text: str, quotes: Sequence[Quoted], number: int, post: Inner, tongues: Tongues, found: list[Inner]
) -> int:
    """Add a post, with the translation or the original that stands behind it; return how many quotations that took."""
    quote = quotes[number]
    ours = tongues.foreign(text[post.start : post.end])
    if number + 1 < len(quotes):
        other = quotes[number + 1]
        gap = text[quote.end : other.start]
        theirs = tongues.foreign(text[other.inner : other.inner_end])
        said = len(gap) <= _LEAD and bool(_TRANSLATED.fullmatch(gap))
        beside = said or bool(_BESIDE.fullmatch(gap))
        if beside and not theirs and (said or ours):
            found.append(post)
            rule = "inline quotation, the translation of the one before it"
            found.append(_inner(text, other, "translation", rule, post.confidence, post))
            return 1
        if beside and theirs and not ours:
            original = _inner(text, other, "post", post.rule, post.confidence)
            found += [_turned(post, original), original]
            return 1
    parens = _PARENS.match(text, quote.end)
    if parens is not None and not ours and is_foreign(parens[1], tongues.script) and is_long(parens[1]):
        original = Inner(parens.start(1), parens.end(1), "post", post.rule, post.confidence)
        found += [_turned(post, original), original]
        return sum(q.start < parens.end() for q in quotes[number + 1 :])
    found.append(post)
    return 0


def _turned(post: Inner, original: Inner) -> Inner:
    rule = "inline quotation, the translation of the one behind it"
    return Inner(post.start, post.end, "translation", rule, post.confidence, original)


def _signed(text: str) -> list[Inner]:
    """Return the item of a list of posts that is signed in brackets: "Tides lie. (Chirpyard, 3 May 2032)"."""
    begin = bullet.end() if (bullet := BULLET.match(text)) else 0
    at = text.rfind("(")
    if at <= begin or not text.rstrip(" .").endswith(")") or not is_signature(text[at:]) or '"' in text or "“" in text:
        return []
    end = begin + len(text[begin:at].rstrip())
    return [Inner(begin, end, "post", "signed item of a list of posts", 0.5)] if end > begin else []


def _embedded(text: str) -> list[Inner]:
    """Return the words of a post that its embedding ends with the account of: "Tides lie. — Ona (@ona) May 9, 2037"."""
    match = _ACCOUNT_BEHIND.fullmatch(text)
    if not match or not is_long(match["words"]) or quotations(text) or prose_score(match["words"]) > 1:
        return []
    return [Inner(0, len(match["words"]), "post", "account and date behind the words", 0.7)]


def inline(found: Sequence[Paragraph], tongues: Tongues) -> None:
    """Give the paragraphs of prose the posts that they quote."""
    listing = False
    line = ""
    for paragraph in found:
        last, line = line, paragraph.text
        if paragraph.role == "heading":
            listing = len(paragraph.text) < 90 and bool(_EXAMPLES.fullmatch(paragraph.text.strip(" *_:：#")))
        if paragraph.role not in (None, "narrative") or paragraph.kind == "footnote":
            continue
        item = bool(BULLET.match(paragraph.text)) or paragraph.listed
        announced = bool(paragraph.attributes.get("announced")) or (listing and item) or announces(last)
        shift = paragraph.start
        pictured = paragraph.kind == "caption" and pictures_post(paragraph.text)
        inner = quoted_posts(paragraph.text, tongues, announced=announced, pictured=pictured)
        if not inner and listing and item:
            inner = _signed(paragraph.text)
        if not inner and paragraph.role is None:
            inner = _embedded(paragraph.text)
        for post in inner:
            post.start += shift
            post.end += shift
        paragraph.inner = inner
