"""One post with all that a corpus knows of it: its row, its place in the report, what is like it, its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow.compute as pc

from toolkit.corpus import duck, links, store
from toolkit.corpus.changes import plain
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.schema import table
from toolkit.sources import registry
from toolkit.workspace import Workspace

# Characters of the report that are shown on either side of a post.
AROUND = 240


class Place(NamedTuple):
    """Where a text stands in its report; ``line`` counts from 1. Of a table: the row, and no words around."""

    where: str
    before: str
    text: str
    after: str


class Alike(NamedTuple):
    """A post that is the same or nearly so; ``kind`` and ``similarity`` are of the link between the two, if there is one."""

    post_id: str
    source_id: str
    kind: str
    similarity: float | None
    text: str


class State(NamedTuple):
    """What a version did to a row: added, unchanged, changed (and in which columns), absent or removed."""

    version: str
    what: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A post (or photo text) of a version: ``row``; ``parts`` are the rows of other tables that belong to it."""

    version: str
    table: str
    row: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]
    place: Place | None
    alike: list[Alike]
    history: list[State]


def show(workspace: Workspace, item_id: str, version: str | None = None) -> Shown:
    """Return all about a post or a photo text, in ``version`` (default: the latest that has it).

    An id may be cut short where one row alone begins so. :class:`InputError` where no version has it.
    """
    found = store.versions(workspace)
    if not found:
        raise InputError("there is no corpus version yet", hint="docposts corpus build")
    for chosen in [store.open_version(workspace, version)] if version else reversed(found):
        if hit := find(chosen, item_id):
            name, row = hit
            key = row[table(name).primary_key[0]]
            return Shown(
                version=str(chosen.version),
                table=name,
                row=row,
                parts=parts(chosen, name, key),
                place=place_of(workspace, row),
                alike=_alike(chosen, key) if name == "posts" else [],
                history=_history(found, name, key),
            )
    raise InputError(
        f"no {'such' if version else 'corpus'} version has {item_id!r}",
        hint="docposts corpus query \"SELECT post_id, text FROM posts WHERE text LIKE '%words%'\"",
    )


def find(version: CorpusVersion, item_id: str) -> tuple[str, dict[str, Any]] | None:
    """Return the table and the row that an id, or the beginning of one, names; None where the version has none.

    :class:`InputError` where several begin so.
    """
    for name, column in (("posts", "post_id"), ("photo_texts", "photo_id")):
        hits = _where(version, name, pc.starts_with(pc.field(column), item_id))
        if len(hits) > 1 and item_id not in [hit[column] for hit in hits]:
            raise InputError(f"{len(hits)} rows of {name} begin with {item_id!r}", hint="give more of the id")
        if hits:
            return name, next((hit for hit in hits if hit[column] == item_id), hits[0])
    return None


def _where(version: CorpusVersion, name: str, condition: Any) -> list[dict[str, Any]]:
    files = [path for _, path in version.part_files(name)]
    if not files:
        return []
    found: list[dict[str, Any]] = duck.lazy(files, name).to_table(filter=condition).to_pylist()
    return found


def parts(version: CorpusVersion, name: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of other tables that belong to a row, by table."""
    by = {"text_layers": "post_id", "photo_texts": "post_id", "notes": "belongs_to", "quotations": "item_id"}
    if name == "photo_texts":
        by = {"notes": "belongs_to", "quotations": "item_id"}
    found = {other: _where(version, other, pc.field(column) == key) for other, column in by.items()}
    return {other: rows for other, rows in found.items() if rows}


def place_of(workspace: Workspace, row: dict[str, Any]) -> Place | None:
    """Return where a row's text stands; None where its source is no longer here, or its text is another."""
    if not (workspace.sources_dir / row["source_id"] / "source.toml").is_file():
        return None
    source = registry.get(workspace, row["source_id"])
    if source.is_table:
        return Place(f"{source.file.name}, row {row['place']}", "", row["text"], "")
    pieces, text = row["fragments"], source.text
    start, end = pieces[0]["source_start"], pieces[-1]["source_end"]
    if "".join(text[p["source_start"] : p["source_end"]] for p in pieces) != row["text"]:
        return None
    line = text.count("\n", 0, start) + 1
    where = f"sources/{source.id}/text.txt, line {line}, characters {start} to {end}"
    return Place(where, text[max(0, start - AROUND) : start], text[start:end], text[end : end + AROUND])


def _alike(version: CorpusVersion, post_id: str) -> list[Alike]:
    """Return the posts of a post's cluster: those linked to it, and those linked to these."""
    rows = version.table("post_links")
    edges = rows.select(["post_id", "other_id", "kind", "similarity"]).to_pylist()
    members = {row[name]: None for row in edges for name in ("post_id", "other_id")}
    if post_id not in members:
        return []
    clusters = links.components(list(members), [(row["post_id"], row["other_id"]) for row in edges])
    others = [member for member in members if clusters[member] == clusters[post_id] and member != post_id]
    direct: dict[str, list[dict[str, Any]]] = {}
    for row in edges:
        if post_id in (row["post_id"], row["other_id"]):
            other = row["other_id"] if row["post_id"] == post_id else row["post_id"]
            direct.setdefault(other, []).append(row)
    found = []
    for row in _where(version, "posts", pc.field("post_id").isin(others)):
        own = direct.get(row["post_id"], [])
        kinds = ", ".join(link["kind"] for link in own) or "same cluster"
        shares = [link["similarity"] for link in own if link["similarity"] is not None]
        found.append(Alike(row["post_id"], row["source_id"], kinds, shares[0] if shares else None, row["text"]))
    return found


def _history(found: Iterable[CorpusVersion], name: str, key: str) -> list[State]:
    """Return what each version did to a row, oldest first. Parts that versions share are read once."""
    column = table(name).primary_key[0]
    seen: dict[str, dict[str, Any] | None] = {}
    states: list[State] = []
    before: dict[str, Any] | None = None
    for version in found:
        row = None
        for sha256, path in version.part_files(name):
            if sha256 not in seen:
                hits = duck.lazy([path], name).to_table(filter=pc.field(column) == key).to_pylist()
                seen[sha256] = hits[0] if hits else None
            row = row or seen[sha256]
        states.append(State(str(version.version), *_step(before, row)))
        before = row
    return states


def _step(before: dict[str, Any] | None, row: dict[str, Any] | None) -> tuple[str, tuple[str, ...]]:
    if row is None:
        return ("removed" if before else "absent"), ()
    if before is None:
        return "added", ()
    changed = tuple(name for name in row if row[name] != before.get(name))
    return ("changed" if changed else "unchanged"), changed


def record(shown: Shown) -> dict[str, Any]:
    """Return all of it as JSON can hold it."""
    return {
        "version": shown.version,
        "table": shown.table,
        "row": plain(shown.row),
        "parts": plain(shown.parts),
        "place": shown.place._asdict() if shown.place else None,
        "alike": [other._asdict() for other in shown.alike],
        "history": [state._asdict() for state in shown.history],
    }
