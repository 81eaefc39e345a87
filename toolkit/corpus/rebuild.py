"""A version built again from raw and curated files and the ledger, in a workspace of its own, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from toolkit.corpus.build import build
from toolkit.corpus.inputs import input_digest, made_with
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import DocpostsError
from toolkit.fsio import canonical_json, write_atomic, write_jsonl
from toolkit.parquet import WRITER
from toolkit.sources import registry
from toolkit.sources.entries import entries
from toolkit.workspace import Workspace

_DERIVED = ("rows.parquet", "rejects.jsonl", "review.html")


def rebuild(
    workspace: Workspace, version: CorpusVersion, progress: Callable[[str], None] = lambda _: None
) -> tuple[bool | None, str]:
    """Return whether a version comes out the same again, and what differs; None, and why, where it cannot be tried.

    It can where its sources, and what computes on them, are those on record for it. The workspace is only read.
    """
    taken = version.manifest["sources"]
    sources = {source.id: source for source in registry.sources(workspace)}
    if gone := [name for name in taken if name not in sources]:
        return None, f"not here any more: {', '.join(gone)}"
    number = str(version.version)
    records = [r for r in workspace.ledger.records("corpus") if r["version"] == number]
    known = {version.manifest["input_digest"], *(r["input_digest"] for r in records)}
    today = input_digest([sources[name] for name in taken])
    if today not in known:
        if version.manifest.get("purged"):
            return None, "rows were purged of it, and what they were made of is gone"
        other = _other_functions(version)
        return None, f"its inputs were changed since{f', and so were {other}' if other else ''}"
    with tempfile.TemporaryDirectory() as folder:
        scratch = _scratch(workspace, Path(folder) / "again", taken)
        proposals = "take" if version.manifest["unreviewed"] else "leave"
        try:
            built = build(scratch, proposals=proposals, progress=lambda what: progress(f"{number} again: {what}"))  # type: ignore[arg-type]
        except DocpostsError as error:
            return False, f"its inputs do not build: {error.message}"
        different = _different(version, built.version)
    return not different, "; ".join(different) or "built again from its inputs: the same"


def _other_functions(version: CorpusVersion) -> str:
    made, today = version.manifest["made_with"], made_with()
    return ", ".join(name for name in today if made.get(name) != today[name])


def _different(version: CorpusVersion, again: CorpusVersion) -> list[str]:
    different = []
    # Another release of pyarrow may write other bytes for the same rows.
    bytes_too = version.manifest["made_with"].get("parquet") == WRITER and not version.manifest.get("purged")
    for name, entry in again.manifest["tables"].items():
        own = version.manifest["tables"].get(name)
        if own is None or own["row_digest"] != entry["row_digest"]:
            different.append(f"{name} has other rows")
        elif bytes_too and [p["sha256"] for p in own["parts"]] != [p["sha256"] for p in entry["parts"]]:
            different.append(f"{name} has other bytes")
    for name in ("sources", "unreviewed", "made_with"):
        if canonical_json(version.manifest[name]) != canonical_json(again.manifest[name]):
            different.append(f"the manifest's {name} are others")
    return different


def _scratch(workspace: Workspace, root: Path, taken: list[str]) -> Workspace:
    """Make a workspace that holds just the inputs of a version, by links; other sources keep their places, empty."""
    write_atomic(root / "docposts.toml", (workspace.root / "docposts.toml").read_bytes())
    last = max((i for i, s in enumerate(_ids(workspace)) if s in taken), default=-1)
    keep = _ids(workspace)[: last + 1]
    records = list(workspace.ledger.records("source", "removed"))
    gone = {record["source_id"]: n for n, record in enumerate(records) if record["event"] == "removed"}
    kept = [r for n, r in enumerate(records) if r["source_id"] in keep or n <= gone.get(r["source_id"], -1)]
    # A source that was purged or removed keeps its place in the order.
    write_jsonl(root / "ledger.jsonl", [*kept, *workspace.ledger.records("purge"), *workspace.ledger.records("purged")])
    for name in keep:
        own, new = workspace.sources_dir / name, root / "sources" / name
        if not own.exists():
            continue
        new.mkdir(parents=True)
        for path in sorted(own.iterdir()):
            if path.name == "source.toml" or (name in taken and path.name not in _DERIVED and path.name[0] != "."):
                (new / path.name).symlink_to(path.resolve(), target_is_directory=path.is_dir())
    return Workspace.open(root)


def _ids(workspace: Workspace) -> list[str]:
    return list(entries(workspace.ledger))
