"""What is left after a purge: files of the workspace that still hold it, and places that no command reaches."""

from __future__ import annotations

import json
import mmap
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.errors import InputError
from toolkit.parquet import column_names, read_batches
from toolkit.workspace import Workspace

# A word or two of a post stands in other texts as well.
SHORTEST = 24
_ROWS = 10_000  # looked through at a time
_NOT_OURS = ("studio", ".git")


def files_with(workspace: Workspace, words: Collection[str]) -> list[str]:
    """Return the files that hold one of these (ids, or words of a post), as paths in the workspace.

    The ledger, whose tombstones name ids, and Label Studio's own data are passed over.
    """
    found = []
    for path in _files(workspace.root):
        hit = _in_parquet(path, words) if path.suffix == ".parquet" else _in_bytes(path, words)
        if hit:
            found.append(str(path.relative_to(workspace.root)))
    return found


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not path.is_symlink() and parts[0] not in _NOT_OURS and parts != ("ledger.jsonl",):
            yield path


def _in_bytes(path: Path, words: Collection[str]) -> bool:
    if not path.stat().st_size:
        return False
    needles = {word.encode() for word in words} | {json.dumps(word)[1:-1].encode() for word in words}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(needle) >= 0 for needle in needles)


def _in_parquet(path: Path, words: Collection[str]) -> bool:
    try:
        pieces = read_batches(path, column_names(path), _ROWS)
        return any(_holds(values, words) for piece in pieces for values in piece.columns)
    except InputError:
        return False


def _holds(values: pa.Array, words: Collection[str]) -> bool:
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        return _holds(pc.list_flatten(values), words)
    if pa.types.is_struct(values.type):
        return any(_holds(values.field(i), words) for i in range(values.type.num_fields))
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    return any(bool(pc.any(pc.match_substring(values, word)).as_py()) for word in words)


def unreached(workspace: Workspace, releases: Collection[str], projects: Collection[str]) -> list[str]:
    """Return, in words, where copies may be that no command reaches."""
    found = []
    if projects:
        found.append(
            f"Label Studio itself: delete its tasks in the projects {', '.join(sorted(projects))}"
            + (" (the embedded server keeps its data in studio/)" if workspace.studio_dir.exists() else "")
        )
    if releases:
        found.append(
            f"copies of releases {', '.join(releases)} that were pushed or passed on: delete those versions on the Hub, "
            "its history included, and tell those who have them"
        )
    for folder in (workspace.root, *workspace.root.parents):
        if (folder / ".git").exists():
            found.append(f"the history of the git repository in {folder}: rewrite it (git filter-repo), its clones too")
            break
    found.append("backups, exports, and recipes made earlier, wherever they were put")
    return found
