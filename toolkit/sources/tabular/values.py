"""The values of a cell: dates, lists, languages, ids. Pure; ``ValueError`` says why one does not fit."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)? ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_ROUNDED = re.compile(r"\d(\.\d*)?e\+?\d+", re.ASCII | re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
_BETWEEN = {"urls": re.compile(r"[\s|]+"), "hashtags": re.compile(r"[\s,;|+]+"), "mentions": re.compile(r"[\s,;|+]+")}
# Twitter's own codes, and those that ISO 639 has given up.
_OLD_CODES = {"in": "id", "iw": "he", "ji": "yi"}


def native_id(value: str) -> str:
    """Return a platform's id; one that a spreadsheet rounded is another id."""
    value = value.strip()
    if _ROUNDED.fullmatch(value):
        raise ValueError("an id rounded by a spreadsheet")
    return value


def moment(value: str) -> str | None:
    """Return a date or time as precisely as given: YYYY, YYYY-MM, YYYY-MM-DD, or with THH:MM[:SS]Z. Unzoned is UTC."""
    value = value.strip()
    if not value:
        return None
    try:
        if _DATE.fullmatch(value):
            date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
            return value
        if match := _TIME.fullmatch(value):
            day, time, seconds, zone = match.groups()
            at = datetime.fromisoformat(f"{day}T{time}{seconds or ''}")
            if zone and zone.upper() not in ("Z", "UTC"):
                zoned = datetime.fromisoformat(f"{day}T{time}{seconds or ''}{zone}")
                at = zoned.astimezone(UTC).replace(tzinfo=None)
            return at.isoformat(timespec="seconds" if seconds else "minutes") + "Z"
    except (ValueError, OverflowError):
        pass
    raise ValueError("not a date")


def values_of(value: str, field: str) -> list[str]:
    """Return the values of a list: ``[a, b]``, a JSON array, or values set apart as is usual for the field."""
    value = value.strip()
    if value in ("", "[]"):
        return []
    if value.startswith("["):
        if not value.endswith("]"):
            raise ValueError("a list without its end")
        found = _json_list(value) if '"' in value else None
        found = value[1:-1].split(",") if found is None else found
    else:
        found = _BETWEEN[field].split(value)
    if not all(isinstance(item, str) for item in found):
        raise ValueError("a list of other than words")
    found = [item.strip().strip("'\"").lstrip("#＃" if field == "hashtags" else "") for item in found]
    return [item for item in found if item]


def _json_list(value: str) -> list[Any] | None:
    try:
        found = json.loads(value, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def language_code(value: str) -> str | None:
    """Return the ISO 639 code that a platform gives, None where it gives none."""
    code = re.split("[-_]", value.strip().lower())[0]
    return _OLD_CODES.get(code, code) if _LANGUAGE.fullmatch(code) and code != "und" else None
