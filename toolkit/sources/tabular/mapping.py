"""Which column is which field: presets by header name, ``--map column=field``, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.errors import InputError
from toolkit.sources.tabular.model import FIELDS, REQUIRED, Holds


@dataclass(frozen=True)
class Preset:
    """A known format: ``required`` and ``optional`` map fields to the columns that hold them."""

    holds: Holds
    platform: str
    required: Mapping[str, str]
    optional: Mapping[str, str]


# By header name, never by position: archives swap the two in_reply_to columns, and some lack tweet_language.
PRESETS: dict[str, Preset] = {
    "takedown-tweets": Preset(
        "posts",
        "Twitter",
        {"platform_object_id": "tweetid", "text": "tweet_text", "posted_at": "tweet_time", "account": "userid"},
        {"account_name": "user_display_name", "lang": "tweet_language", "hashtags": "hashtags", "urls": "urls"},
    ),
    "takedown-users": Preset(
        "accounts",
        "Twitter",
        {"account": "userid"},
        {"account_name": "user_display_name", "created_at": "account_creation_date"},
    ),
}


@dataclass(frozen=True)
class Mapped:
    """What a table holds, and field → column."""

    holds: Holds
    columns: dict[str, str]
    platform: str | None


def parse_map(words: Sequence[str]) -> dict[str, str]:
    """Return field → column of ``column=field`` words; :class:`InputError` names the word that is none."""
    known = {field for fields in FIELDS.values() for field in fields}
    columns: dict[str, str] = {}
    for word in words:
        column, sign, field = word.rpartition("=")
        column, field = column.strip(), field.strip()
        if not sign or not column or not field:
            raise InputError(f"--map {word!r}: expected column=field")
        if field not in known:
            raise InputError(f"--map {word!r}: no field {field!r} (there are: {', '.join(sorted(known))})")
        if columns.get(field, column) != column:
            raise InputError(f"--map: two columns for the field {field}: {columns[field]!r} and {column!r}")
        columns[field] = column
    return columns


def resolve(
    names: Sequence[str], where: str, *, preset: str | None, mapped: Mapping[str, str], platform: str | None
) -> Mapped:
    """Return the mapping that holds for a table with these column names; :class:`InputError` names what is missing."""
    columns: dict[str, str] = {}
    holds: Holds = "posts" if {"text", "platform_object_id"} & mapped.keys() else "accounts"
    if preset is not None:
        known = PRESETS.get(preset)
        if known is None:
            raise InputError(f"no preset {preset!r} (there are: {', '.join(sorted(PRESETS))})")
        holds, platform = known.holds, platform or known.platform
        columns |= known.required
        columns |= {field: column for field, column in known.optional.items() if column in names}
    columns |= mapped
    if strange := [field for field in columns if field not in FIELDS[holds]]:
        raise InputError(f"{where}: a table of {holds} has no field {strange[0]!r}")
    if missing := [field for field in REQUIRED[holds] if field not in columns]:
        raise InputError(f"{where}: no column is mapped to {', '.join(missing)}", hint=f"add --map COLUMN={missing[0]}")
    for field, column in columns.items():
        if names.count(column) != 1:
            found = "no column" if column not in names else "more than one column"
            raise InputError(
                f"{where} has {found} {column!r}, which is to give {field}; its columns: {', '.join(names)}",
                hint=f"map another one: --map COLUMN={field}",
            )
    if "platform" not in columns and not platform:
        raise InputError(f"{where}: which platform are these {holds} from?", hint="add --platform NAME")
    return Mapped(holds, {field: columns[field] for field in FIELDS[holds] if field in columns}, platform)


def fitting_preset(names: Sequence[str]) -> str | None:
    """Return the preset whose required columns a table has, the one that asks for most of them."""
    fits = [name for name, preset in PRESETS.items() if set(preset.required.values()) <= set(names)]
    return max(fits, key=lambda name: len(PRESETS[name].required), default=None)
