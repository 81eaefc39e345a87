"""Every check on a release: the gates of any folder, and those that a workspace can run on a release of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.adjudication.store import load_decisions
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import read_bytes, read_text
from toolkit.labels.store import load_judgements
from toolkit.parquet import row_digest
from toolkit.release.build import Agreement, write
from toolkit.release.folder import Folder
from toolkit.release.gate import Gate, judged
from toolkit.release.gather import gather, named, template_of
from toolkit.release.layout import MANIFEST, Contents, described, list_files
from toolkit.release.people import load_key
from toolkit.release.takedown import Takedowns
from toolkit.release.verify import verify
from toolkit.release.versions import releases
from toolkit.workspace import Workspace

_SAYS = "made again from its inputs: the same bytes"


def checked(path: Path, workspace: Workspace | None, *, against: Path | None = None, load: bool = True) -> list[Gate]:
    """Run every gate on a release folder; with a workspace, hold it against its takedown list and its releases too.

    ``against``: the release before it (default: the workspace's). The last gate makes a release of the workspace's own again.
    """
    own = workspace is not None and path.absolute().parent == workspace.releases_dir.absolute()
    before = against or (_before(workspace, path) if workspace and own else None)
    gates = verify(path, load=load, taken_down=taken_down(workspace) if workspace else (), before=before)
    if before is None:
        gates.append(Gate("step", "not run", "no release before it is at hand (--against names one)"))
    if workspace is None or not own:
        gates.append(Gate("again", "not run", "its inputs are not at hand: it is no release of a workspace here"))
    elif failed := [gate.name for gate in gates if gate.failed]:
        gates.append(Gate("again", "not run", f"{', '.join(failed)} does not hold"))
    else:
        gates.append(again(workspace, Folder(path), partial(measured, workspace)))
    return gates


def measured(workspace: Workspace, judgements: pa.Table) -> list[dict[str, Any]]:
    """Return the agreement that the card of a release shows, of a workspace's judgements."""
    from toolkit.agreement import figures, parts

    settings = workspace.settings.agreement
    every = [*figures.agreement(judgements, settings), *parts.by(judgements, settings, "text_layer")]
    return figures.records(figures.headline(every))


def taken_down(workspace: Workspace) -> tuple[str, ...]:
    """Return a workspace's takedown list by the names that releases use."""
    listed = Takedowns.of(workspace.ledger)
    return named(listed, load_key(workspace)) if listed.posts or listed.accounts else ()


def again(workspace: Workspace, folder: Folder, agreement: Agreement | Sequence[Mapping[str, Any]]) -> Gate:
    """Make a release once more, beside, from the corpus version, judgements and decisions that it names; compare every byte.

    Not run where its inputs are not what they were.
    """
    judgements = load_judgements(workspace)
    decisions = load_decisions(workspace, judgements)
    said = folder.manifest
    for name, rows in (("judgements", judgements), ("decisions", decisions)):
        if said["inputs"][name] != row_digest(rows):
            return Gate("again", "not run", f"the {name} are others than those it was made of")
    try:
        source = store.open_version(workspace, said["corpus"]["version"])
    except InputError as error:
        return Gate("again", "not run", error.message)
    figures = agreement(judgements) if callable(agreement) else agreement
    contents, _ = gather(workspace, source, source.tables(), judgements, decisions, figures)
    del judgements, decisions
    if others := _others(contents, folder):
        return Gate("again", "not run", f"made with other inputs than those there are now: {', '.join(others)}")
    text = read_text(folder.path / "CHANGELOG.md")
    with tempfile.TemporaryDirectory(prefix="docposts-again-") as beside:
        where = Path(beside)
        write(where, replace(contents, version=folder.version, changelog=text), template=template_of(workspace))
        made, there = (
            {path: entry["sha256"] for path, entry in list_files(place).items()} for place in (where, folder.path)
        )
        differ = sorted(path for path in {*made, *there} if made.get(path) != there.get(path))
        if read_bytes(where / MANIFEST) != read_bytes(folder.path / MANIFEST):
            differ.append(MANIFEST)
    return judged("again", [f"made again, other bytes: {', '.join(differ[:5])}"] if differ else [], _SAYS)


def _others(contents: Contents, folder: Folder) -> list[str]:
    """Return which of a release's inputs are others now, as far as they are told apart without making it."""
    now, then = described(contents), folder.manifest
    names = [name for name in ("made_with", "codebooks", "taken_down", "linkable", "own") if now[name] != then[name]]
    # Two of those follow from the inputs: where they differ, so do the bytes.
    told = [name for name in now["about"] if name not in ("annotators", "agreement")]
    names += [name for name in told if now["about"][name] != then["about"][name]]
    names += ["settings"] if now["inputs"]["settings"] != then["inputs"]["settings"] else []
    return names


def _before(workspace: Workspace, path: Path) -> Path | None:
    """Return the release before one of the workspace's own."""
    folders = [folder.path.absolute() for folder in releases(workspace)]
    place = folders.index(path.absolute()) if path.absolute() in folders else 0
    return folders[place - 1] if place else None
