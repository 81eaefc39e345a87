"""What happened to accounts, told by the words of a report: created, merged, renamed, language switched, manager's country."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from toolkit.sources.dates import dates
from toolkit.sources.model import AccountEvent

KINDS: tuple[str, ...] = get_args(AccountEvent.model_fields["kind"].annotation)
_WORDS = {
    "created": re.compile(
        r"\b(?:was|were|been|being)\s+(?:\w+\s+)?(?:created|registered|set up|opened|founded|launched)\b|"
        r"\bcreat(?:ed|ing) (?:a|the|in|on|as)\b|"
        r"\b(?:began|started|originally|joined)\b|\bcreation date\b",
        re.IGNORECASE,
    ),
    "merged": re.compile(r"\bmerg(?:e|ed|ing|es|er)\b", re.IGNORECASE),
    "renamed": re.compile(
        r"\brenam(?:e|ed|ing)\b|\bchang(?:ed|ing|es) (?:its|their|the|his|her)(?: \w+){0,2} (?:name|names|handle|username)\b|"
        r"\btook (?:on )?(?:the|a)(?: \w+)? name\b|\bformerly (?:known|called|named)\b|\bname was changed\b|\bnew name\b",
        re.IGNORECASE,
    ),
    "language_switched": re.compile(
        r"\b(?:chang|switch)(?:ed|ing|es) (?:its|their|the) language\b|"
        r"\bswitch(?:ed|ing|es) (?:from \w+ )?(?:to|into) (?:\w+ )?[A-Z]\w+(?:ese|ish|ian|ic|an|ch)\b|"
        r"\blanguage (?:was )?(?:changed|switched)\b|\bhas written in\b|"
        r"\bbegan (?:posting|writing) in [A-Z]|\bmessaging in [A-Z]",
    ),
    "manager_country": re.compile(
        r"\b(?:page )?managers?\b|\badmin(?:istrator)?s? (?:is|are|was|were)? ?(?:located|based)\b|"
        r"\bmanaged (?:from|by)\b|\bwho manages\b|"
        r"\brun from\b|\bplace of residence\b",
        re.IGNORECASE,
    ),
}
_SUBJECT = re.compile(
    r"\b(?:one|a|an|the|this|that|each|another|its|second|first)(?:\s+(?:\w|[-’'])+){0,4}?\s+(?:page|account|asset|channel|profile|group|handle)\b|"
    r"\bpages?\b|\bassets?\b|@\w{2,}",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\s*(?:the\s+)?[“\"«@]")
_LONGEST = 4000
_SENTENCE = re.compile(r"[.;!?](?=\s|$)")


@dataclass(frozen=True)
class Event:
    """What a passage tells at one place, and the date that stands in the same sentence, nearer to it than to another."""

    kind: str
    start: int
    end: int
    date: str | None


def events(text: str) -> list[Event]:
    """Return the first event of each kind that a passage tells of, by place."""
    head = text[:_LONGEST]
    firsts = [(kind, match) for kind, pattern in _WORDS.items() if (match := pattern.search(head))]
    firsts.sort(key=lambda first: (first[1].start(), first[0]))
    stops = [0, *(match.end() for match in _SENTENCE.finditer(head)), len(head)]
    found: list[Event] = []
    told = dates(head)
    for at, (kind, match) in enumerate(firsts):
        start = max(stop for stop in stops if stop <= match.start())
        end = min([stop for stop in stops if stop >= match.end()] + [m.start() for _, m in firsts[at + 1 :]])
        near = [date for date in told if start <= date.start and date.end <= max(end, match.end())]
        # Behind the event, else in front of it; a date is one event's.
        near.sort(key=lambda date: (date.start < match.start(), abs(date.start - match.start())))
        if near:
            told.remove(near[0])
        found.append(Event(kind, match.start(), match.end(), near[0].date if near else None))
    return found


def kinds_of(text: str) -> list[str]:
    """Return the kinds of events that a passage tells of, in the order of the vocabulary."""
    head = text[:_LONGEST]
    return [kind for kind, pattern in _WORDS.items() if pattern.search(head)]


def is_history(text: str) -> bool:
    """Tell whether a paragraph tells an account's history: two kinds of events of something that is an account."""
    kinds = kinds_of(text)
    subject = _SUBJECT.search(text[:_LONGEST]) or _NAMED.match(text)
    return bool(subject) and (len(kinds) >= 2 or "manager_country" in kinds)
