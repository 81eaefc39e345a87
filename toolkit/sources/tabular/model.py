"""What is recorded of a table: the ``[table]`` part of source.toml, of which the same rows are made again."""

from __future__ import annotations

from typing import Literal

from toolkit.settings import Strict

Kind = Literal["csv", "jsonl", "parquet"]
Holds = Literal["posts", "accounts"]
# Fields that a column can be mapped to, by what the table holds.
FIELDS: dict[Holds, tuple[str, ...]] = {
    "posts": (
        "platform_object_id",
        "text",
        "platform",
        "posted_at",
        "account",
        "account_name",
        "lang",
        "hashtags",
        "mentions",
        "urls",
    ),
    "accounts": ("account", "account_name", "platform", "created_at"),
}
REQUIRED: dict[Holds, tuple[str, ...]] = {"posts": ("platform_object_id", "text"), "accounts": ("account",)}
LISTS = ("hashtags", "mentions", "urls")


class TableFile(Strict):
    """How a table was read. ``columns``: field → column name; ``platform``: of all rows, where no column says it."""

    kind: Kind
    holds: Holds
    gzip: bool = False
    encoding: str = "utf-8"
    delimiter: str | None = None
    preset: str | None = None
    platform: str | None = None
    columns: dict[str, str]
