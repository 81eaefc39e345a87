"""The accounts that a release's posts name: what is known of them, coarse, and names only where they are public."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.release.people import Pseudonyms

Row = dict[str, Any]
_MONTH = len("YYYY-MM")


def released_names(accounts: pa.Table, people: Pseudonyms) -> dict[str, str]:
    """Return account → the name it has in a release: its handle where a report says that it is public, else a pseudonym.

    By the account, not by the handle: a namesake on another platform is somebody else.
    """
    rows = accounts.to_pylist()
    public = {row["account_id"] for row in rows if is_public(row)}
    return {
        row["account_id"]: str(row["handle"]) if row["account_id"] in public else people.account(row["account_id"])
        for row in rows
    }


def of(corpus: Mapping[str, pa.Table], people: Pseudonyms, dry: frozenset[str]) -> list[Row]:
    """Return a row for each name, by name, with no posts yet. A public handle on several platforms is one row.

    Display names are those that reports outside ``dry`` give.
    """
    names = released_names(corpus["accounts"], people)
    known: dict[str, Row] = {}
    dates: dict[str, list[str]] = {}
    created: dict[str, list[str]] = {}
    for row in corpus["accounts"].to_pylist():
        name = names[row["account_id"]]
        at = known.setdefault(
            name,
            {
                "account": name,
                "handle": None,
                "names": [],
                "platforms": [],
                "public_figure": False,
                "state_outlet": False,
            },
        )
        at["platforms"] = sorted({*at["platforms"], row["platform"]})
        at["public_figure"] |= row["public_figure"]
        at["state_outlet"] |= row["state_outlet"]
        if name == row["handle"]:
            said = [] if row["source_id"] in dry else [people.clean(one).text for one in row["names"]]
            at |= {"handle": name, "names": list(dict.fromkeys([*at["names"], *said]))}
    for event in corpus["account_events"].to_pylist():
        if (by := names.get(event["account_id"])) and event["date"]:
            dates.setdefault(by, []).append(event["date"][:_MONTH])
            if event["kind"] == "created":
                created.setdefault(by, []).append(event["date"][:_MONTH])
    for post in corpus["posts"].select(["account_id", "posted_at"]).to_pylist():
        if (by := names.get(post["account_id"])) and post["posted_at"]:
            dates.setdefault(by, []).append(post["posted_at"][:_MONTH])
    return [
        row
        | {"created": min(created.get(name, []), default=None), "first_known": min(dates.get(name, []), default=None)}
        for name, row in sorted(known.items())
    ]


def with_posts(rows: pa.Table, posts: pa.Table) -> pa.Table:
    """Return the rows of accounts that these posts name, with the number of them."""
    counted = posts["account"].value_counts()
    named, count = counted.field("values"), counted.field("counts")
    held = rows.filter(pc.is_in(rows["account"], named.drop_null()))
    at = pc.index_in(held["account"], value_set=named)
    place = held.schema.get_field_index("posts")
    return held.set_column(place, held.schema.field(place), count.take(at).cast(held.schema.field(place).type))


def is_public(row: Row) -> bool:
    """Tell whether a report says that an account is a public figure's or a state outlet's."""
    return bool(row["public_figure"] or row["state_outlet"])
