"""``docposts source rm``: a source added by mistake, of which nothing was made."""

from __future__ import annotations

import shutil

from toolkit.corpus import store
from toolkit.errors import ConflictError, InputError
from toolkit.sources import registry
from toolkit.sources.entries import entries
from toolkit.sources.segments import person
from toolkit.tasks import projects
from toolkit.tasks.journal import sent
from toolkit.workspace import Workspace


def remove(workspace: Workspace, source_id: str, *, by: str | None = None, with_spans: bool = False) -> None:
    """Remove a source's folder and enter that into the ledger; killed at any point, the same call ends it.

    :class:`ConflictError` where a corpus version has it, or its spans went to Label Studio, or spans were accepted and
    ``with_spans`` is false; :class:`InputError` where there is no such source. Nothing is touched then.
    """
    with workspace.lock():
        folder = workspace.sources_dir / source_id
        aside = registry.removed_folder(folder)
        entered = source_id in entries(workspace.ledger)
        if not aside.exists():
            if not folder.is_dir() or not source_id or folder.parent != workspace.sources_dir:
                raise InputError(f"no source {source_id!r} in {workspace.sources_dir}", hint="docposts source list")
            _check(workspace, source_id, with_spans)
            folder.rename(aside)
        if entered:
            workspace.ledger.append("removed", source_id=source_id, by=by or person())
        shutil.rmtree(aside)


def _check(workspace: Workspace, source_id: str, with_spans: bool) -> None:
    purge = f"to erase it from every layer, for good: docposts purge source {source_id}"
    if versions := [str(v.version) for v in store.versions(workspace) if source_id in v.manifest["sources"]]:
        raise ConflictError(f"source {source_id} is in corpus {', '.join(versions)}", hint=purge)
    corrections = [str(p["project"]) for p in projects(workspace) if p["task"] == "segmentation"]
    # A correction's task is named by its source and the part of it.
    pushed = [p for p in corrections if any(k.startswith(f"{source_id}/") for k in sent(workspace.annotations_dir / p))]
    if pushed:
        raise ConflictError(f"the spans of source {source_id} went to Label Studio ({', '.join(pushed)})", hint=purge)
    path = workspace.sources_dir / source_id / "segments.jsonl"
    if path.exists() and not with_spans:
        raise ConflictError(
            f"spans of source {source_id} were accepted ({path.name})",
            hint=f"docposts source rm {source_id} --with-spans, if that work may be lost",
        )
