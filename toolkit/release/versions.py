"""Which version the next release has: from all that changed against the one before."""

from __future__ import annotations

from toolkit.corpus.steps import Version
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_text
from toolkit.release.changes import FIRST, Difference, Side, difference
from toolkit.release.diff import side_of
from toolkit.release.folder import Folder
from toolkit.release.layout import MANIFEST
from toolkit.tombstones import tombstones
from toolkit.workspace import Workspace


def releases(workspace: Workspace) -> list[Folder]:
    """Return the published releases, oldest first."""
    found = [Folder(path.parent) for path in workspace.releases_dir.glob(f"*/{MANIFEST}") if path.parent.name[0] != "."]
    return sorted(found, key=lambda folder: Version.parse(folder.version))


def unchanged(workspace: Workspace, edition: str) -> Folder | None:
    """Return the latest release where it says just this."""
    latest = releases(workspace)[-1:]
    return latest[0] if latest and latest[0].manifest["edition"] == edition else None


def following(workspace: Workspace, after: Side, edition: str, asked: str | None) -> tuple[str, Difference, str | None]:
    """Return the next version, what changed, and the changelog so far.

    :class:`ConflictError` where ``asked`` is too low; :class:`InputError` where the release to compare with is gone.
    """
    entered = sorted(workspace.ledger.records("release"), key=lambda record: Version.parse(record["version"]))
    there = {folder.version: folder for folder in releases(workspace)}
    again = entered[-1] if entered and entered[-1].get("edition") == edition else None
    if again:
        # Released before, its folder since deleted: made again under its number, from the release before it.
        entered = entered[:-1]
        if asked not in (None, again["version"]):
            raise ConflictError(f"release {again['version']} says the same: there is nothing to call {asked}")
    if not entered:
        number = again["version"] if again else str(Version.parse(asked) if asked else FIRST)
        return number, Difference(None, ["first release"]), None
    last = entered[-1]["version"]
    if last not in there and last in {version for stone in tombstones(workspace.ledger) for version in stone.releases}:
        # Its folder was erased, and with it all that could be compared.
        computed = Version.parse(last).after("major")
        if asked and Version.parse(asked) < computed:
            raise ConflictError(f"{asked} is too low: {last} was purged, after which comes {computed}")
        return asked or str(computed), Difference("major", [f"release {last} was purged"]), None
    if last not in there:
        raise InputError(
            f"release {last} is not in {workspace.releases_dir}: the next version follows from what changed against it",
            hint="put its folder back",
        )
    before = there[last]
    change = difference(side_of(before), after)
    computed = Version.parse(last).after(change.step or "patch")
    if again:
        return again["version"], change, read_text(before.path / "CHANGELOG.md")
    if asked and Version.parse(asked) < computed:
        raise ConflictError(
            f"{asked} is too low: after {last}, what changed calls for {computed}",
            hint="leave out --version, or ask for a higher one",
        )
    return asked or str(computed), change, read_text(before.path / "CHANGELOG.md")
