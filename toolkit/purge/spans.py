"""What a report's files hold of a post, taken out: its words become blocks of the same length, so that no place moves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from toolkit.fsio import read_jsonl, read_text, sha256_text, write_atomic, write_jsonl
from toolkit.tombstones import Tombstone

BLOCK = "█"
Ranges = Sequence[tuple[int, int]]


def redact(text: str, ranges: Ranges) -> str:
    """Return a text with every character of the ranges as a block, line ends kept: as long as before, line by line."""
    for start, end in ranges:
        text = text[:start] + re.sub(r"[^\n]", BLOCK, text[start:end]) + text[end:]
    return text


def within(start: int, end: int, ranges: Ranges) -> bool:
    """Tell whether a span lies in one of the ranges."""
    return any(low <= start and end <= high for low, high in ranges)


def touches(start: int, end: int, ranges: Ranges) -> bool:
    """Tell whether a span has a character in common with one of the ranges."""
    return any(start < high and low < end for low, high in ranges)


def erase(folder: Path, stone: Tombstone) -> bool:
    """Erase a post from its report's folder; return whether anything was there. The order matters to nobody: see the package."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    text = redact(read_text(folder / "text.txt"), stone.ranges)
    write_atomic(folder / "text.txt", text)
    # The file as obtained holds the post too, in a form that only its reader can find it in: it goes as a whole.
    for path in sorted((folder / "raw").iterdir()) if (folder / "raw").is_dir() else ():
        path.unlink()
    (folder / "review.html").unlink(missing_ok=True)
    for media in stone.media:
        for path in (folder / "media").glob(f"{media}.*"):
            path.unlink()
    _blocks(folder / "blocks.jsonl", stone)
    erase_facts(folder / "facts.toml", {*stone.keys, *stone.items})
    for path in (folder / "segments.jsonl", folder / "proposals.jsonl", *(folder / "corrections").glob("*.jsonl")):
        _spans(path, stone, text)
    source = folder / "source.toml"
    document = tomlkit.parse(read_text(source))
    file: Any = document["file"]
    file["text_sha256"] = sha256_text(text)
    file["raw"] = "erased"
    _write(source, tomlkit.dumps(document))
    return before != {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write(path: Path, text: str) -> None:
    if read_text(path) != text:
        write_atomic(path, text)


def _rewrite(path: Path, records: Iterable[dict[str, Any]]) -> None:
    kept = list(records)
    if kept != [record for _, record in read_jsonl(path)]:
        write_jsonl(path, kept)


def _blocks(path: Path, stone: Tombstone) -> None:
    """Take out of the blocks the addresses that the post links to, and the names of its images."""
    if not path.exists():
        return
    records = []
    for _, record in read_jsonl(path):
        kept = dict(record)
        for name in ("links", "anchors"):
            if name in kept:
                kept[name] = [mark for mark in kept[name] if not within(mark[0], mark[0] + mark[1], stone.ranges)]
                if not kept[name]:
                    del kept[name]
        if kept.get("media") in stone.media:
            kept = {name: value for name, value in kept.items() if name not in ("media", "image")}
        records.append(kept)
    _rewrite(path, records)


def _spans(path: Path, stone: Tombstone, text: str) -> None:
    """Take out the spans that are the post or in it; those around it keep their ids, and get the hash of what is left."""
    if not path.exists():
        return
    records: list[dict[str, Any]] = []
    gone: set[str | None] = set(stone.keys)
    for _, record in read_jsonl(path):
        start, end = int(record["char_start"]), int(record["char_end"])
        if record.get("id") in stone.items or within(start, end, stone.ranges):
            gone.add(record.get("key"))
            continue
        if "sha256" in record and touches(start, end, stone.ranges):
            records.append(record | {"sha256": sha256_text(text[start:end])})
        else:
            records.append(record)
    gone.discard(None)
    while children := [record for record in records if record.get("belongs_to") in gone]:
        gone |= {record["key"] for record in children if record.get("key")}
        records = [record for record in records if record not in children]
    _rewrite(path, records)


def erase_facts(path: Path, names: Collection[str]) -> None:
    """Take out what the curator wrote of posts (keys or ids): when and by whom, who is quoted, what they are the same as."""
    if not path.exists():
        return
    document: Any = tomlkit.parse(read_text(path))
    for table in ("post", "quotation"):
        _keep(document, table, lambda entry: entry.get("key") not in names)
    for entry in document.get("same_as", ()):
        for name in [name for name in entry["posts"] if name in names]:
            entry["posts"].remove(name)
    _keep(document, "same_as", lambda entry: len(entry["posts"]) > 1)
    for account in document.get("account", ()):
        for event in account.get("event", ()):
            if event.get("segment") in names:
                del event["segment"]
    _write(path, tomlkit.dumps(document))


def _keep(document: Any, table: str, wanted: Any) -> None:
    entries = document.get(table, [])
    for place in reversed([place for place, entry in enumerate(entries) if not wanted(entry)]):
        del entries[place]
    if table in document and not len(entries):
        del document[table]
