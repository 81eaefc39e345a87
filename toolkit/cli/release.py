"""``docposts release …``: Hugging Face dataset folders."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say
from toolkit.cli.release_folder import own_workspace, release_folder


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
    """Cut the next release; where it would say nothing new, none is made.

    What counts is all that would be published: rows, labels and splits make a major or a minor step; the licence, the title, the
    contact, the card's words or a guide a patch. A DATASET_CARD.md in the workspace's folder is the card's template in place of
    the built-in one.
    """
    from functools import partial

    from toolkit.release import build, checks

    workspace = root.workspace()
    with progress("cutting a release") as show:
        made = build.cut(
            workspace, version=version, corpus=corpus, agreement=partial(checks.measured, workspace), progress=show
        )
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
    if made.undecided:
        say(f"not decided, and so in no gold label: {made.undecided} questions (docposts status)")
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

    A gate holds, fails, or was not run, with the reason; what was not run is no failure, and no success either. A release of
    the workspace is also held against the takedown list and the release before it, and made again from its inputs, byte for
    byte. With --hub, what lies there is brought over, every file's checksum compared, checked by the
    same gates, and loaded from there.
    """
    from toolkit.errors import ChecksFailed, UsageError

    with progress("verifying") as show:
        if hub is not None:
            if folder is not None:
                raise UsageError("a folder, or --hub: one of them")
            from toolkit.release.push import verify_there

            where, gates = f"{hub} at {revision}", verify_there(hub, revision, progress=show)
        else:
            from toolkit.release.checks import checked

            path = release_folder(root, folder).path
            before = release_folder(root, against).path if against else None
            where, gates = str(path), checked(path, own_workspace(root), against=before)
    rows = [{"gate": gate.name, "state": gate.state, "detail": gate.detail} for gate in gates]
    print_json(rows) if as_json else print_table(rows)
    if failed := [gate.name for gate in gates if gate.failed]:
        raise ChecksFailed(f"{where}: {len(failed)} of {len(gates)} checks do not hold: {', '.join(failed)}")
    left = [gate.name for gate in gates if not gate.ok]
    say(f"{where}: {len(gates) - len(left)} checks hold" + (f"; not run: {', '.join(left)}" if left else ""))
