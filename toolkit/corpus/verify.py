"""Whether versions are what they claim to be: files, digests, manifests, keys, and the contents themselves.

Digests find what was damaged. They do not find what was edited by somebody who then wrote them anew: so spans are held
against the report's text, ids and derived columns are computed again, the step of each version is derived from its
rows, and a version whose inputs are still those on record is built again and compared (:mod:`toolkit.corpus.rebuild`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from toolkit.corpus import checks, store
from toolkit.corpus.contents import Contents
from toolkit.corpus.difference import difference
from toolkit.corpus.rebuild import rebuild
from toolkit.corpus.steps import Version
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.fsio import sha256_file
from toolkit.parquet import read_any
from toolkit.rowdigest import block_digest, fold
from toolkit.schema import table, table_names
from toolkit.workspace import Workspace

STORE = "store"
"""In the place of a version: a check of what all versions share."""


class Check(NamedTuple):
    """One check of one version (or of the :data:`STORE`). ``ok`` is None where it could not be made, and why is said."""

    version: str
    name: str
    ok: bool | None
    detail: str = ""


def verify(
    workspace: Workspace,
    version: str | None = None,
    *,
    again: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """Check one version (default: all), and the parts that no version needs; ``again`` builds them again too.

    Nothing is written in the workspace. A check that could not be made because an earlier one failed is left out.
    """
    every = store.versions(workspace)
    chosen = [store.open_version(workspace, version)] if version else every
    contents = Contents(workspace)
    made: list[Check] = []
    for found in chosen:
        number = str(found.version)
        progress(number)
        files = [*_files(found), *_parts(found)]
        made.append(_check(number, "files", files, f"{_count(found)} parts, as the manifest has them"))
        made.append(_check(number, "ledger", _ledger(workspace, found), "manifest and input are those on record"))
        if files:
            continue
        made.append(_check(number, "manifest", _manifest(found, every), "rows, digests and step follow from the rows"))
        made.append(_check(number, "keys", _keys(found), "every row holds, every reference leads somewhere"))
        made += [Check(number, name, *state) for name, state in contents.check(found)]
        if again:
            made.append(Check(number, "again", *rebuild(workspace, found, progress=progress)))
    made.append(_check(STORE, "files", _left_over(workspace, every), "nothing that belongs to no version"))
    recorded = {str(record["version"]) for record in workspace.ledger.records("corpus")}
    if missing := sorted(recorded - {str(found.version) for found in every}, key=Version.parse):
        made.append(Check(STORE, "versions", None, f"on record, but not on disk: {', '.join(missing)}"))
    return made


def _check(version: str, name: str, problems: Iterable[str], held: str) -> Check:
    found = list(problems)
    more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
    return Check(version, name, not found, "; ".join(found[:5]) + more if found else held)


def _count(version: CorpusVersion) -> int:
    return sum(len(entry["parts"]) for entry in version.manifest["tables"].values())


def _files(version: CorpusVersion) -> Iterator[str]:
    """Hold a version's folder against its manifest: each part linked at its place, and nothing else."""
    expected = {}
    for name, entry in version.manifest["tables"].items():
        for number, part in enumerate(entry["parts"], start=1):
            target = str(Path("..", "..", "parts", f"{part['sha256']}.parquet"))
            expected[f"{name}/{number:04}-{part['name']}.parquet"] = target
    there: dict[str, str | None] = {}
    for folder, folders, files in os.walk(version.folder):
        for name in (*files, *(f for f in folders if (Path(folder) / f).is_symlink())):
            path = Path(folder) / name
            there[str(path.relative_to(version.folder))] = str(path.readlink()) if path.is_symlink() else None
    if there.pop("manifest.json", "") is not None:
        yield f"{version.folder / 'manifest.json'} is a link"
    for name in sorted(expected.keys() - there.keys()):
        yield f"{version.folder / name} is missing"
    for name in sorted(there.keys() - expected.keys()):
        yield f"{version.folder / name} is no file of the version"
    for name in sorted(expected.keys() & there.keys()):
        if expected[name] != there[name]:
            yield f"{version.folder / name} is {'not a link' if there[name] is None else 'a link to another part'}"


def _parts(version: CorpusVersion) -> Iterator[str]:
    for name in version.manifest["tables"]:
        for sha256, path in version.part_files(name):
            if not path.is_file():
                yield f"{path} is missing"
            elif sha256_file(path) != sha256:
                yield f"{path} is damaged: its bytes are not those of its name"


def _ledger(workspace: Workspace, version: CorpusVersion) -> Iterator[str]:
    number, path = str(version.version), version.folder / "manifest.json"
    if version.folder.name != number:
        yield f"{path} is the manifest of {number}"
    records = [r for r in workspace.ledger.records("corpus") if r["version"] == number]
    if not records:
        yield f"{workspace.ledger.path} knows no version {number}"
        return
    if version.manifest["input_digest"] not in [r["input_digest"] for r in records]:
        yield f"{path}: the ledger has another input digest"
    digests = [r["manifest"] for r in records if "manifest" in r]
    if digests and sha256_file(path) not in digests:
        yield f"{path} was edited: its hash is not the one in {workspace.ledger.path.name}"


def _manifest(version: CorpusVersion, every: list[CorpusVersion]) -> Iterator[str]:
    """Hold what a manifest says against the rows that it speaks of."""
    manifest = version.manifest
    for name, entry in manifest["tables"].items():
        rows, digest = _counted(version, name)
        if rows != entry["rows"] or sum(part["rows"] for part in entry["parts"]) != entry["rows"]:
            yield f"{name}: {rows} rows, where the manifest says {entry['rows']}"
        elif digest != entry["row_digest"]:
            yield f"{name}: the rows are not those of the manifest's row digest"
    held = version.stored("sources")["source_id"].to_pylist()
    if held != list(manifest["sources"]):
        yield f"sources: {', '.join(held)}, where the manifest says {', '.join(manifest['sources'])}"
    yield from _number(version, every)


def _counted(version: CorpusVersion, name: str) -> tuple[int, str]:
    """Return a table's rows and digest, one part in memory at a time; each is a block, also where a purge made it shorter."""
    names, rows, digests = table(name).arrow.names if name in table_names() else [], 0, []
    for number, (_, path) in enumerate(version.part_files(name)):
        part = store.read_part(path)
        names = names if number else part.schema.names
        rows += part.num_rows
        digests.append(block_digest(part))
    return rows, fold(names, digests)


def _number(version: CorpusVersion, every: list[CorpusVersion]) -> Iterator[str]:
    previous, step = version.manifest["previous"], version.manifest["step"]
    if previous is None:
        return
    before = next((other for other in every if str(other.version) == previous), None)
    if step == "promote":
        if str(version.version) != "1.0.0":
            yield f"{version.version} is promoted, which 1.0.0 alone can be"
    elif Version.parse(previous).after(step) != version.version:
        yield f"after {previous}, a {step} step does not lead to {version.version}"
    if before is None or version.manifest.get("purged") or before.manifest.get("purged"):
        return
    try:
        ranks = ("patch", "minor", "major")
        steps = [part.step for part in difference(before, version) if part.step]
    except InputError as error:
        yield f"{previous} cannot be compared with: {error.message}"
        return
    found = max(steps, key=ranks.index, default="promote")
    if found != step:
        yield f"what changed since {previous} is a {found} step, where the manifest says {step}"


def _keys(version: CorpusVersion) -> Iterator[str]:
    """Hold every table against its declaration: values a part at a time, keys and references by :mod:`checks`."""
    files, rows = {}, {}
    for name in [name for name in version.manifest["tables"] if name in table_names()]:
        schema, paths = table(name), [path for _, path in version.part_files(name)]
        problems: dict[str, None] = {}
        as_declared = True
        for part in map(read_any, paths):
            problems |= dict.fromkeys(schema.check_values(part))
            as_declared &= (part.schema.names, part.schema.types) == (schema.arrow.names, schema.arrow.types)
        yield from problems
        if as_declared:
            # One of an earlier declaration had other keys.
            files[name], rows[name] = paths, version.manifest["tables"][name]["rows"]
    yield from checks.problems(files, rows)


def _left_over(workspace: Workspace, every: list[CorpusVersion]) -> Iterator[str]:
    needed = {
        sha256 for version in every for name in version.manifest["tables"] for sha256, _ in version.part_files(name)
    }
    folder = workspace.corpus_dir / "parts"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        # What begins with a dot is a killed command's, and the next one's to clear away.
        if path.name.startswith("."):
            continue
        if not re.fullmatch(r"[0-9a-f]{64}\.parquet", path.name):
            yield f"{path} is no part"
        elif path.stem not in needed and sha256_file(path) != path.stem:
            yield f"{path} is damaged, and no version needs it"
    known = {version.folder.name for version in every} | {"parts"}
    for path in sorted(workspace.corpus_dir.iterdir()) if workspace.corpus_dir.is_dir() else ():
        if path.name not in known and not path.name.startswith("."):
            yield f"{path} is neither a version nor the parts"
