"""``docposts migrate``: a workspace of an earlier format brought up to this one's, its curated files kept as they were.

Each migration can be made again, and the format is raised last, so that one that was killed is made anew. What it changes
of curated files is copied to ``backup/format-<n>/`` first.

- 1 → 2: the ledger holds the hash of each corpus version's manifest, and may hold purges and lineage, which a docposts of
  format 1 would take for errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from toolkit.corpus import store
from toolkit.errors import WorkspaceError
from toolkit.fsio import publishing, read_bytes, read_text, sha256_file, write_atomic
from toolkit.settings import FORMAT, Settings, check_record
from toolkit.workspace import SETTINGS_FILE, Workspace, find_root, format_of

_KEPT = (SETTINGS_FILE, "ledger.jsonl", ".gitignore")


@dataclass(frozen=True)
class Migrated:
    """What was done: the formats from and to, what each migration did in words, and where the earlier files are kept."""

    before: int
    after: int
    done: tuple[str, ...]
    backup: Path | None


def migrate(start: Path | None = None) -> Migrated:
    """Bring a workspace up to :data:`toolkit.settings.FORMAT`; one that has it is left alone.

    :class:`WorkspaceError` where a later docposts made it.
    """
    root = find_root(start)
    before = format_of(root)
    if before == FORMAT:
        return Migrated(before, before, (), None)
    if before not in _STEPS:
        raise WorkspaceError(f"{root / SETTINGS_FILE}: format {before} is none that this docposts knows")
    document: Any = tomlkit.parse(read_text(root / SETTINGS_FILE))
    settings = check_record(document.unwrap() | {"format": FORMAT}, Settings, str(root / SETTINGS_FILE))
    workspace = Workspace(root, settings)
    with workspace.lock():
        backup = root / "backup" / f"format-{before}"
        if not backup.exists():
            with publishing(backup) as new:
                for name in _KEPT:
                    if (root / name).exists():
                        write_atomic(new / name, read_bytes(root / name))
        done = []
        for number in range(before, FORMAT):
            done.append(_STEPS[number](workspace))
            document["format"] = number + 1
            write_atomic(root / SETTINGS_FILE, tomlkit.dumps(document))
        return Migrated(before, FORMAT, tuple(done), backup)


def _manifests_on_record(workspace: Workspace) -> str:
    """1 → 2: enter the hash of each version's manifest, as it is today."""
    entered = {(r["version"], r.get("manifest")) for r in workspace.ledger.records("corpus")}
    count = 0
    for version in store.versions(workspace):
        number, digest = str(version.version), sha256_file(version.folder / "manifest.json")
        if (number, digest) not in entered:
            about = {name: version.manifest.get(name) for name in ("input_digest", "previous", "step")}
            workspace.ledger.append("corpus", version=number, **about, manifest=digest)
            count += 1
    path = workspace.root / ".gitignore"
    ignored = read_text(path) if path.exists() else ""
    if "backup/" not in ignored.splitlines():
        write_atomic(path, ignored + "backup/\n")
    return f"the ledger holds the manifests' hashes of {count} corpus versions"


_STEPS: dict[int, Callable[[Workspace], str]] = {1: _manifests_on_record}
