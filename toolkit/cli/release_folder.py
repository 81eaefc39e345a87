"""Which release a command is about: one option, and what it leads to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from toolkit.cli.common import Root

if TYPE_CHECKING:
    from toolkit.release.folder import Folder
    from toolkit.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def release_option(function: F) -> F:
    """Add ``--release``: a release folder, or a version of the workspace's."""
    return click.option(
        "--release",
        metavar="X.Y.Z|PATH",
        help="A version of this workspace's releases, or any release folder (default: the latest).",
    )(function)


def release_folder(root: Root, named: str | None) -> Folder:
    """Return the release that is named, default the workspace's latest; :class:`InputError` where there is none."""
    from toolkit.errors import InputError
    from toolkit.release.folder import Folder
    from toolkit.release.versions import releases

    if named is not None and Path(named).is_dir():
        return Folder(Path(named))
    found = {folder.version: folder for folder in releases(root.workspace())}
    if named is None and found:
        return [*found.values()][-1]
    if named is not None and named in found:
        return found[named]
    if named is None:
        raise InputError("there is no release yet", hint="docposts release cut")
    raise InputError(
        f"{named} is no release folder, nor a release of this workspace ({', '.join(found) or 'none yet'})"
    )


def own_workspace(root: Root) -> Workspace | None:
    """Return the workspace that the command is run in; None where there is none, for a release folder stands by itself."""
    from toolkit.errors import WorkspaceError

    try:
        return root.workspace()
    except WorkspaceError:
        return None
