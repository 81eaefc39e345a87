"""The takedown list: posts and accounts that no later release holds, kept in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.ledger import Ledger
from toolkit.release.accounts import is_public
from toolkit.tombstones import tombstones
from toolkit.workspace import Workspace

Kind = Literal["post", "account"]
REASON = "post that was taken down"
PUBLIC = "public_"
"""What stands before the hash of a handle that releases name as it is."""


def public_name(handle: str) -> str:
    """Return what a public handle is listed as: whoever has a release that names it can tell, and the list does not say it."""
    return f"{PUBLIC}{sha256_text(handle.casefold())}"


@dataclass(frozen=True)
class Takedowns:
    """Ids of posts and of accounts (as the corpus has them) that are not to be released, in the order of their entry."""

    posts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    """Hashes of the handles by which releases named such of those accounts as are public (:func:`public_name`)."""

    @classmethod
    def of(cls, ledger: Ledger) -> Takedowns:
        """Read the list: what was asked for, and what was purged since."""
        records = list(ledger.records("takedown"))
        named = {
            kind: dict.fromkeys(record["id"] for record in records if record["kind"] == kind)
            for kind in ("post", "account")
        }
        for stone in tombstones(ledger):
            if stone.kind != "annotator":
                named["post"] |= dict.fromkeys(stone.items)
        public = dict.fromkeys(name for record in records for name in record.get("public", ()))
        return cls(tuple(named["post"]), tuple(named["account"]), tuple(public))


def enter(workspace: Workspace, tables: Mapping[str, pa.Table], kind: Kind, name: str, *, reason: str, by: str) -> bool:
    """Put a post or an account (its id, or its handle as PLATFORM/HANDLE) on the list; False where it is there already.

    :class:`InputError` where the corpus knows neither. A handle is not kept, only the account's id, and of a public account,
    which releases name by its handle, that handle's hash.
    """
    if kind == "post":
        known = tables["posts"]["post_id"].to_pylist()
        found = name if name in known else None
    else:
        rows = tables["accounts"].to_pylist()
        names = {row["account_id"]: row["account_id"] for row in rows}
        names |= {f"{row['platform']}/{row['handle']}".casefold(): row["account_id"] for row in rows}
        found = names.get(name) or names.get(name.casefold())
    if found is None:
        raise InputError(
            f"the corpus has no {kind} {name}", hint='docposts corpus query "select post_id, text from posts"'
        )
    with workspace.lock():
        listed = Takedowns.of(workspace.ledger)
        if found in (listed.posts if kind == "post" else listed.accounts):
            return False
        public = {
            row["handle"] for row in tables["accounts"].to_pylist() if row["account_id"] == found and is_public(row)
        }
        stands = {"public": sorted(map(public_name, public))} if kind == "account" and public else {}
        workspace.ledger.append("takedown", kind=kind, id=found, reason=reason, by=by, **stands)
        return True


def without(tables: Mapping[str, pa.Table], listed: Takedowns) -> tuple[dict[str, pa.Table], int]:
    """Return the tables without what is on the list, and how many posts went; photo texts and links go with their posts."""
    posts = tables["posts"]
    gone = pc.or_(
        pc.is_in(posts["post_id"], pa.array(listed.posts, pa.string())),
        pc.fill_null(pc.is_in(posts["account_id"], pa.array(listed.accounts, pa.string())), False),
    )
    left = dict(tables)
    out = posts.filter(gone)["post_id"].combine_chunks()
    photos = pa.array(listed.posts, pa.string())
    for name, columns, values in (
        ("posts", ("post_id",), out),
        ("text_layers", ("post_id",), out),
        ("photo_texts", ("post_id",), out),
        ("photo_texts", ("photo_id",), photos),
        ("post_links", ("post_id", "other_id"), out),
        ("accounts", ("account_id",), pa.array(listed.accounts, pa.string())),
    ):
        for column in columns:
            rows = left[name]
            left[name] = rows.filter(pc.invert(pc.fill_null(pc.is_in(rows[column], values), False)))
    return left, len(out)


def records(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the entries of the list, oldest first."""
    return [{name: value for name, value in r.items() if name != "event"} for r in ledger.records("takedown")]


def found_in(rows: Mapping[str, pa.Table], names: Iterable[str]) -> list[str]:
    """Return which of these ids and pseudonyms a release's rows hold."""
    columns = (
        ("posts", "post_id"),
        ("posts", "account"),
        ("accounts", "account"),
        ("photo_texts", "photo_id"),
        ("photo_texts", "post_id"),
        ("judgements", "item_id"),
    )
    names = list(names)
    held = {value for config, column in columns for value in rows[config][column].unique().to_pylist()}
    if any(name.startswith(PUBLIC) for name in names):
        held |= {public_name(value) for value in {*rows["posts"]["account"].unique().to_pylist()} - {None}}
        held |= {public_name(value) for value in rows["accounts"]["account"].to_pylist()}
    return [name for name in names if name in held]
