"""``docposts release …``: Hugging Face dataset folders."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say


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
    from toolkit.labels import agreement
    from toolkit.labels.store import load_judgements
    from toolkit.release import build

    workspace = root.workspace()
    with progress("cutting a release") as show:
        figures = agreement.agreement(load_judgements(workspace), workspace.settings.agreement, workspace.codebooks)
        made = build.cut(workspace, version=version, corpus=corpus, agreement=agreement.records(figures), progress=show)
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
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def verify(root: Root, folder: Path | None, as_json: bool) -> None:
    """Check a release folder (default: the workspace's latest): every gate, a line each. Exit code 3 where one fails."""
    from toolkit.errors import ChecksFailed, InputError
    from toolkit.release.build import releases
    from toolkit.release.verify import verify as verify_release

    if folder is None:
        found = releases(root.workspace())
        if not found:
            raise InputError("there is no release yet", hint="docposts release cut")
        folder = found[-1].path
    with progress("verifying"):
        gates = verify_release(folder)
    rows = [{"gate": gate.name, "holds": gate.ok, "detail": gate.detail} for gate in gates]
    print_json(rows) if as_json else print_table(rows)
    if failed := [gate.name for gate in gates if not gate.ok]:
        raise ChecksFailed(f"{folder}: {len(failed)} of {len(gates)} checks do not hold: {', '.join(failed)}")
    say(f"{folder}: all {len(gates)} checks hold")
