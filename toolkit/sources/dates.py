"""Dates in the words of a report, as precise as they are given: English, some other languages, numbers with dots."""

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


_OTHER_MONTHS = {
    1: "januar jänner janvier enero gennaio janeiro январь января січня",
    2: "februar février febrero febbraio fevereiro февраль февраля лютого",
    3: "märz mars marzo março март марта березня",
    4: "april avril abril aprile апрель апреля квітня",
    5: "mai mayo maggio maio май мая травня",
    6: "juni juin junio giugno junho июнь июня червня",
    7: "juli juillet julio luglio julho июль июля липня",
    8: "august août agosto август августа серпня",
    9: "september septembre septiembre settembre setembro сентябрь сентября вересня",
    10: "oktober octobre octubre ottobre outubro октябрь октября жовтня",
    11: "november novembre noviembre novembro ноябрь ноября листопада",
    12: "dezember décembre diciembre dicembre dezembro декабрь декабря грудня",
}
_NUMBERS = {name: number for number, names in _OTHER_MONTHS.items() for name in names.split()}
_OTHER = re.compile(
    rf"(?:\b(?P<day>[0-3]?\d)(?:\.|er|º)? (?:de |di )?)?\b(?P<month>{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
    r" (?:de |del |do )?(?P<year>(?:19|20)\d\d)(?!\d)|"
    r"(?<![\d.])(?P<day_>[0-3]?\d)\.(?P<month_>[01]?\d)\.(?P<year_>(?:19|20)\d\d)(?!\d)|"
    r"(?P<year__>(?:19|20)\d\d)\s?年(?:\s?(?P<month__>[01]?\d)\s?月(?:\s?(?P<day__>[0-3]?\d)\s?[日号號])?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dated:
    """A date at text[start:end]: year, year-month or year-month-day."""

    start: int
    end: int
    date: str


def dates(text: str) -> list[Dated]:
    """Return the dates that a text names, in order; a day that no month has is left out."""
    english = [Dated(match.start(), match.end(), _date(match)) for match in _DATE.finditer(text)]
    others = [
        Dated(match.start(), match.end(), date) for match in _OTHER.finditer(text) if (date := _other_date(match))
    ]
    # "29. april 2036" is both: the longer one is the date.
    found: list[Dated] = []
    for dated in sorted(english + others, key=lambda d: (d.start, -d.end)):
        if not found or dated.start >= found[-1].end:
            found.append(dated)
    return found


def _other_date(match: re.Match[str]) -> str | None:
    year, month, day = (match[name] or match[f"{name}_"] or match[f"{name}__"] for name in ("year", "month", "day"))
    number = _NUMBERS[month.lower()] if month and not month.isdigit() else int(month or 0)
    if not 0 <= number <= 12 or (month and not number):
        return None
    return _written(str(year), number, int(day or 0))


def _date(match: re.Match[str]) -> str:
    if match["iso"] or match["alone"]:
        return match["iso"] or match["alone"]
    month = next(name for name in _MONTHS if name.startswith(match["month"].rstrip(".")[:3]))
    day = int(match["before"] or match["behind"] or 0)
    return _written(match["year"], _MONTHS.index(month) + 1, day)


def _written(year: str, month: int, day: int) -> str:
    if not month:
        return year
    date = f"{year}-{month:02}"
    return f"{date}-{day:02}" if 1 <= day <= _LONGEST.get(_MONTHS[month - 1], 31) else date
