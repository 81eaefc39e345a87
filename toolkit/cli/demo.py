"""``docposts demo``: the whole loop on the example reports."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from shutil import which

import click

from toolkit.cli.common import Root, print_table, say

_HEADLINE = ("task", "field", "items", "pairs", "positives", "percent", "alpha", "low", "high")


@click.command()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path("docposts-demo"), show_default=True, help="Where."
)
@click.option(
    "--examples", type=click.Path(path_type=Path), help="Another folder in the form of examples/ (default: ours)."
)
@click.option("--keep", is_flag=True, help="Leave Label Studio running, to look at it.")
@click.pass_obj
def demo(root: Root, folder: Path, examples: Path | None, keep: bool) -> None:
    """Take two fictional reports through the whole loop, with real parts, in about a minute.

    Simulated annotators submit through a real Label Studio. Stopped and run again, it goes on.
    """
    from toolkit.demo.run import run

    made = run(root.folder or folder, example_files=examples, keep=keep, say=say)
    say("\nAgreement (whole fields; docposts labels agreement shows every label):")
    print_table([vars(figure) for figure in made.figures if figure.label is None], _HEADLINE)
    _say_what_was_made(made.workspace.root, made.corpus, made.release, made.release_version)
    if keep:
        say(f"\nLabel Studio runs; open {made.project_url}")
        for account in made.accounts.values():
            say(f"  {account.name} logs in as {account.email}")
        say(f"  passwords: {made.workspace.studio_dir / 'accounts.json'}")
        say(f"  stop it: {_command()} -C {quote(str(made.workspace.root))} studio down")


def _say_what_was_made(root: Path, corpus: str, release: Path, version: str) -> None:
    say(f"\nMade in {root}:")
    say(f"  corpus {corpus}    corpus/{corpus}/posts/*.parquet and the other tables")
    say("  judgements       annotations/, decisions in decisions/")
    say(f"  release {version}   {release} (simulated labels: never to be published)")
    say("\nNext:")
    say(f"  {_command()} -C {quote(str(root))} status")
    say(f"  {_python()} -c \"import datasets; print(datasets.load_dataset('{release}', 'posts'))\"")
    say(f"  {_command()} init my-dataset     with a report of your own")


def _command() -> str:
    """Return how to call this command again from here: it may lie in an environment that is not active."""
    if Path(sys.argv[0]).name == "__main__.py":
        return f"{_python()} -m toolkit"
    return "docposts" if which("docposts") else quote(os.path.relpath(sys.argv[0]))


def _python() -> str:
    return "python" if which("docposts") else quote(os.path.relpath(sys.executable))
