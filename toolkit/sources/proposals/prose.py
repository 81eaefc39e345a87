"""What tells the report's own words from those that it quotes: the way that analysts speak of posts."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRONG = re.compile(
    r"\b(?:the|these|those|several|such|fake|inauthentic|other|many|some|most|few|both|all|same|of its|of the|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|dozens of|hundreds of|\d+|its|their|our|an|another|each)"
    r"(?:\s+(?:\w|[-’'])+){0,3}?\s+"
    r"(?:accounts?|networks?|campaigns?|operations?|assets?|personas?|profiles?|posts?|tweets?|hashtags?|clusters?|"
    r"sock ?puppets?|bots?|captions?|translations?|takedowns?|researchers|analysts|narratives?|retweets?|pages?|channels?)\b"
    r"|\bwe (?:have )?(?:found|saw|see|identif|observ|assess|collect|call|count|attribut|track|archiv|translat|believe|did)"
    r"|\bour (?:analysis|team|report|research|dataset|data|desk|series|readers|previous|earlier)\b"
    r"|\b(?:amplif(?:y|ied|ies|ication)|coordinated|messaging|inauthentic|disinformation|whataboutism|astroturf\w*)\b"
    r"|\b(?:posted|tweeted|retweeted|reposted|published) (?:by|on|in|at|from|to|within|under)\b"
    r"|\b(?:this|the) (?:report|article|series|section|investigation|dataset)\b",
    re.IGNORECASE,
)
_WEAK = re.compile(
    r"^(?:(?:the|a|an) )?(?:first|second|third|fourth|fifth|next|last|another|others?|similar|same|following|later|finally|"
    r"meanwhile|by contrast|elsewhere|taken together|in total|overall|all told|several|some|many|most|both|none|neither|"
    r"after (?:this|that)|two (?:days|hours|weeks|minutes) later|(?:a|one) (?:day|week|month|hour|year) later|"
    r"within (?:a|an|the)|on \d|"
    r"in (?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|"
    r"autumn|winter|early|late|mid|\d{4}))\b"
    r"|\b(?:accounts?|posts?|tweets?|hashtags?|network|campaign|likes|shares|followers|engagement|slogans?|wording|"
    r"tone|themes?|users?|screenshots?|caption|translated|the (?:text|author|message|image|picture|video)s?)\b",
    re.IGNORECASE,
)
_ON_POSTS = re.compile(
    r"(?:the|this|that|these|those|both|all|each)(?: \w+){0,2} (?:posts?|tweets?|comments?|messages?)(?: above| below| here)? "
    r"(?:was|were|is|are|has|have|had|got|received|drew|gathered|reached)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"\b(?:wrote|writes|writing|posted|posting|posts?|tweet(?:ed|s)?|reads?|shared|published|comment(?:ed|s)?|replied|"
    r"messages?|caption(?:ed)?|status|examples?|captioned|repeated|retweeted|copied)\b",
    re.IGNORECASE,
)
_POSTER = re.compile(
    r"\b(?:accounts?|pages?|users?|channels?|profiles?|posts?|tweets?|comments?|messages?|groups?|personas?|captions?|"
    r"hashtags?|threads?|wall|feed|timeline|bots?)\b|@\w",
    re.IGNORECASE,
)
_OTHER_QUOTED = re.compile(
    r"\b(?:article|charter|law|act|statute|constitution|treaty|court|ruling|judge|statement|spokes(?:man|woman|person|people)|"
    r"minist\w+|policy|policies|terms of service|guidelines|rules|press release|e-?mail|letter|told (?:us|the)|interview|"
    r"report|study|paper|leaflet|book|transcript|dictionary|resolution|answered us|responded|definition|defines?)\b",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(r"[—–―-]\s*\S")
# "@lamp · 4 May 2032 · 312 likes", in any order.
_PIECE = re.compile(
    r"(?:(?:[\w’'.-]+ ){0,4}\(?@[\w.]{2,40}\)?|"
    r"\d[\d.,]*[km]? (?:likes?|shares?|retweets?|reposts?|views?|comments?|replies|reactions?)|"
    r"(?:on )?[\w ,.]{0,14}\b(?:1[5-9]|2[01])\d\d\b|\d{1,2}:\d\d(?: ?[ap]m)?)\W*",
    re.IGNORECASE,
)
# "@lamp, Chirpyard, 4 May 2032, 312 likes".
_HANDLE_LINE = re.compile(r"@[\w.]{2,40},\s[^\n]{0,100}\b(?:1[5-9]|2[01])[0-9]{2}\b[^\n]{0,50}")
# "Its speaker Ilo Marrek said:".
_OFFICIAL = re.compile(
    r"\b(?:speaker|mayor|president|governor|ambassador|chair(?:man|woman)?|director|professor|expert) [A-Z]"
)


def prose_score(text: str, names: Iterable[str] = ()) -> int:
    """Return how much a paragraph speaks like an analyst: 0 not at all, 1 a little, 2 and more plainly."""
    head = text[:2000]
    strong = 2 * len({match[0].casefold() for match in _STRONG.finditer(head)})
    named = 2 * sum(bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", head)) for name in names)
    about = 4 if _ON_POSTS.match(head) else 0
    return about + strong + named + (1 if _WEAK.search(head) else 0)


def leads_to_post(line: str) -> bool:
    """Tell whether a line announces a post: it ends with a colon and says that somebody posted what follows."""
    tail = line[-300:]
    return bool(
        tail.rstrip("*_ ").endswith((":", "：")) and _LEAD.search(tail) and _POSTER.search(tail)
    ) and not leads_to_other(line)


def leads_to_other(line: str) -> bool:
    """Tell whether a line announces the words of a law, an official or a document, and no post."""
    tail = line[-300:]
    last = re.split(r"(?<=[.!?])\s", tail)[-1]
    other = _OTHER_QUOTED.search(last) or _OFFICIAL.search(last)
    return bool(last.rstrip("*_ ").endswith((":", "：")) and other and not _POSTER.search(last))


def is_attribution(line: str) -> bool:
    """Tell whether a line only says whose words stand before it ("— Ilo Marrek", "@lamp, 4 May 2032")."""
    if len(line) >= 160:
        return False
    pieces = re.split(r"\s*[·•|]\s*|, (?=\d+ \w+\Z)", line)
    signed = len(pieces) > 1 and all(map(_PIECE.fullmatch, pieces))
    return signed or bool(_ATTRIBUTION.match(line) or _HANDLE_LINE.fullmatch(line))
