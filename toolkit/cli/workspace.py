"""``docposts init``, ``docposts status``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", help="Short name of the dataset: a-z, 0-9, dots and dashes (default: the folder's).")
@click.option("--title", default="", help="Its title.")
@click.option("--annotator", "annotators", multiple=True, metavar="NAME", help="Who labels; may be given again.")
@click.option("--adjudicator", metavar="NAME", help="Who settles what they disagree on.")
def init(folder: Path, name: str | None, title: str, annotators: tuple[str, ...], adjudicator: str | None) -> None:
    """Make a workspace: a folder for one dataset under construction."""
    from toolkit.workspace import Workspace, default_name, new_settings

    people = {"annotators": list(annotators)} | ({"adjudicator": adjudicator} if adjudicator else {})
    workspace = Workspace.create(folder, new_settings(name or default_name(folder), title, tasks=people))
    say(f"{workspace.root} is a workspace; its settings are in docposts.toml")
    say(f"  next: docposts -C {quote(str(folder))} source add REPORT")


@click.command()
@click.pass_obj
def migrate(root: Root) -> None:
    """Bring a workspace of an earlier format up to this docposts'; curated files are kept as they were in backup/."""
    from toolkit.migrate import migrate as run

    done = run(root.folder)
    if done.backup is None:
        say(f"the workspace is of format {done.after}: nothing to do")
        return
    for line in done.done:
        say(line)
    say(f"format {done.before} → {done.after}; the earlier files are in {done.backup}")


@click.command()
@json_option
@click.pass_obj
def status(root: Root, as_json: bool) -> None:
    """Say where everything stands, and the command for the next step."""
    from toolkit.status import status as read_status

    found = read_status(root.tables())
    if as_json:
        print_json({"stages": found.stages, "next": found.next})
        return
    print_table(found.stages)
    say(f"next: {found.next}")
