"""Dates in the words of an English report, as precise as they are given."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = rf"(?P<month>{'|'.join(f'{name}|{name[:4]}[.]?|{name[:3]}[.]?' for name in _MONTHS)})"
_DATE = re.compile(
    r"(?<!\d)(?P<iso>(?:19|20)\d\d-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)(?!\d|-\d)|"
    rf"(?:\b(?P<before>[0-3]?\d)(?:st|nd|rd|th)? )?\b(?:{_MONTH}) (?:(?P<behind>[0-3]?\d)(?:st|nd|rd|th)?,? )?"
    r"(?:of )?(?P<year>(?:19|20)\d\d)(?!\d)|"
    r"\b(?:[Ii]n|[Ss]ince|[Ee]arly|[Mm]id|[Ll]ate|of|from|year)[ -](?P<alone>(?:19|20)\d\d)(?![\d-])"
)
_LONGEST = {"January": 31, "February": 29, "April": 30, "June": 30, "September": 30, "November": 30}


@dataclass(frozen=True)
class Dated:
    """A date at text[start:end]: year, year-month or year-month-day."""

    start: int
    end: int
    date: str


def dates(text: str) -> list[Dated]:
    """Return the dates that a text names, in order; a day that no month has is left out."""
    return [Dated(match.start(), match.end(), _date(match)) for match in _DATE.finditer(text)]


def _date(match: re.Match[str]) -> str:
    if match["iso"] or match["alone"]:
        return match["iso"] or match["alone"]
    month = next(name for name in _MONTHS if name.startswith(match["month"].rstrip(".")[:3]))
    day = int(match["before"] or match["behind"] or 0)
    date = f"{match['year']}-{_MONTHS.index(month) + 1:02}"
    return f"{date}-{day:02}" if 1 <= day <= _LONGEST.get(month, 31) else date
