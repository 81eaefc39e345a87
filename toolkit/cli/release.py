"""``docposts release …``: Hugging Face dataset folders."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say
from toolkit.cli.release_folder import release_folder


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
    from toolkit.agreement import figures
    from toolkit.labels.store import load_judgements
    from toolkit.release import build

    workspace = root.workspace()
    with progress("cutting a release") as show:
        measured = figures.headline(figures.agreement(load_judgements(workspace), workspace.settings.agreement))
        made = build.cut(workspace, version=version, corpus=corpus, agreement=figures.records(measured), progress=show)
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
@json_option
@click.pass_obj
def verify(root: Root, folder: str | None, hub: str | None, revision: str, as_json: bool) -> None:
    """Check a release (default: the workspace's latest): every gate, a line each. Exit code 3 where one fails.

    With --hub, what lies there is brought over, every file's checksum compared, checked by the same gates, and loaded from there.
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
            where, gates = str(path), verify_release(path, taken_down=_taken_down(root))
    rows = [{"gate": gate.name, "holds": gate.ok, "detail": gate.detail} for gate in gates]
    print_json(rows) if as_json else print_table(rows)
    if failed := [gate.name for gate in gates if not gate.ok]:
        raise ChecksFailed(f"{where}: {len(failed)} of {len(gates)} checks do not hold: {', '.join(failed)}")
    say(f"{where}: all {len(gates)} checks hold")


def _taken_down(root: Root) -> tuple[str, ...]:
    """Return this workspace's takedown list, where the command is run in one."""
    from toolkit.errors import WorkspaceError
    from toolkit.release.build import named
    from toolkit.release.people import load_key
    from toolkit.release.takedown import Takedowns

    try:
        workspace = root.workspace()
    except WorkspaceError:
        return ()
    listed = Takedowns.of(workspace.ledger)
    return named(listed, load_key(workspace)) if listed.posts or listed.accounts else ()
