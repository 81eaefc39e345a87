"""``docposts release …``: Hugging Face dataset folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say
from toolkit.cli.release_folder import release_folder

if TYPE_CHECKING:
    from toolkit.release.verify import Gate
    from toolkit.workspace import Workspace


@click.group()
def release() -> None:
    """Releases: dataset folders that datasets.load_dataset reads, checked before anyone sees them."""


@release.command()
@click.option(
    "--version", metavar="X.Y.Z", help="The release's number (default: as the changes demand; the first is 1.0.0)."
)
@click.option("--corpus", metavar="X.Y.Z", help="The corpus version (default: the latest).")
@json_option
@click.pass_obj
def cut(root: Root, version: str | None, corpus: str | None, as_json: bool) -> None:
    """Cut the next release; where nothing changed, none is made."""
    from toolkit.adjudication.store import standing
    from toolkit.release import build

    workspace = root.workspace()
    with progress("cutting a release") as show:
        made = build.cut(workspace, version=version, corpus=corpus, agreement=_measured(workspace), progress=show)
    if as_json:
        print_json(
            {
                "version": made.version,
                "new": made.new,
                "folder": str(made.folder),
                "held_out": dict(made.held_out),
                "dropped": dict(made.dropped),
                "private": list(made.private),
            }
        )
        return
    click.echo(made.folder)
    say(f"release {made.version}: {'new' if made.new else 'unchanged'}")
    if made.held_out:
        say(f"held out, since they would join two splits: {len(made.held_out)} items (--json names them)")
    for reason, count in made.dropped.items():
        say(f"left out, {reason}: {count}")
    found = standing(workspace)
    if undecided := len(found.open) + len(found.waiting):
        say(f"not decided, and so in no gold label: {undecided} questions (docposts status)")
    for reason in made.private:
        say(f"not to be published: {reason}")
    say("  next: docposts release verify")


@release.command()
@click.argument("folder", metavar="[X.Y.Z|FOLDER]", required=False)
@click.option("--hub", metavar="ORG/NAME", help="Check a repository on the Hugging Face Hub instead.")
@click.option("--revision", metavar="NAME", default="main", show_default=True, help="Of the repository: tag or commit.")
@click.option(
    "--against",
    metavar="X.Y.Z|FOLDER",
    help="The release before it (default: the workspace's): the version must follow.",
)
@json_option
@click.pass_obj
def verify(  # one option each
    root: Root, folder: str | None, hub: str | None, revision: str, against: str | None, as_json: bool
) -> None:
    """Check a release (default: the workspace's latest): every gate, a line each. Exit code 3 where one fails.

    A release of the workspace is also held against the takedown list and the release before it, and made again from its
    inputs, byte for byte. With --hub, what lies there is brought over, every file's checksum compared, checked by the
    same gates, and loaded from there.
    """
    from toolkit.errors import ChecksFailed, UsageError

    with progress("verifying") as show:
        if hub is not None:
            if folder is not None:
                raise UsageError("a folder, or --hub: one of them")
            from toolkit.release.hub import verify_there

            where, gates = f"{hub} at {revision}", verify_there(hub, revision, progress=show)
        else:
            from toolkit.release.verify import verify as verify_release

            path = release_folder(root, folder).path
            before = release_folder(root, against).path if against else _before(root, path)
            where, gates = str(path), verify_release(path, taken_down=_taken_down(root), before=before)
            gates += _again(root, path) if all(gate.ok for gate in gates) else []
    rows = [{"gate": gate.name, "holds": gate.ok, "detail": gate.detail} for gate in gates]
    print_json(rows) if as_json else print_table(rows)
    if failed := [gate.name for gate in gates if not gate.ok]:
        raise ChecksFailed(f"{where}: {len(failed)} of {len(gates)} checks do not hold: {', '.join(failed)}")
    say(f"{where}: all {len(gates)} checks hold")


def _workspace(root: Root, path: Path | None = None) -> Workspace | None:
    """Return the workspace that the command is run in, or whose release the folder is."""
    from toolkit.errors import WorkspaceError

    try:
        workspace = root.workspace()
    except WorkspaceError:
        return None
    own = path is None or path.absolute().parent == workspace.releases_dir
    return workspace if own else None


def _before(root: Root, path: Path) -> Path | None:
    """Return the release before one of the workspace's own."""
    from toolkit.release.build import releases

    workspace = _workspace(root, path)
    folders = [folder.path for folder in releases(workspace)] if workspace else []
    place = folders.index(path.absolute()) if path.absolute() in folders else 0
    return folders[place - 1] if place else None


def _again(root: Root, path: Path) -> list[Gate]:
    """Return the gate that makes one of the workspace's own releases again; none for another folder."""
    workspace = _workspace(root, path)
    if workspace is None:
        return []
    from toolkit.release.build import again
    from toolkit.release.folder import Folder

    return [again(workspace, Folder(path), _measured(workspace))]


def _measured(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the agreement that the card shows."""
    from toolkit.agreement import figures, parts
    from toolkit.labels.store import load_judgements

    judgements, settings = load_judgements(workspace), workspace.settings.agreement
    every = [*figures.agreement(judgements, settings), *parts.by(judgements, settings, "text_layer")]
    return figures.records(figures.headline(every))


def _taken_down(root: Root) -> tuple[str, ...]:
    """Return this workspace's takedown list, where the command is run in one."""
    workspace = _workspace(root)
    if workspace is None:
        return ()
    from toolkit.release.build import named
    from toolkit.release.people import load_key
    from toolkit.release.takedown import Takedowns

    listed = Takedowns.of(workspace.ledger)
    return named(listed, load_key(workspace)) if listed.posts or listed.accounts else ()
