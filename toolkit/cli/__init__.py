"""The command line: each file parses one group's words, calls one function, prints what it gave. Only here is click."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from toolkit import __version__
from toolkit.cli.adjudicate import adjudicate
from toolkit.cli.adjudicate_precedents import precedents
from toolkit.cli.adjudicate_reopen import reopen
from toolkit.cli.codebook import codebook
from toolkit.cli.common import Root, say
from toolkit.cli.corpus import corpus
from toolkit.cli.corpus_explore import export, query, show, stats
from toolkit.cli.corpus_lineage import lineage, supersede
from toolkit.cli.corpus_shared import fetch, publish
from toolkit.cli.corpus_versions import diff, promote, verify
from toolkit.cli.demo import demo
from toolkit.cli.labels import labels
from toolkit.cli.labels_agreement import agreement, distribution
from toolkit.cli.purge import purge
from toolkit.cli.release import release
from toolkit.cli.release_diff import diff as release_diff
from toolkit.cli.release_export import export as release_export
from toolkit.cli.release_hub import push
from toolkit.cli.release_hydrate import hydrate as release_hydrate
from toolkit.cli.release_takedown import takedown
from toolkit.cli.report import report
from toolkit.cli.source import source
from toolkit.cli.source_recipe import hydrate, recipe
from toolkit.cli.source_review import COMMANDS as REVIEWING
from toolkit.cli.studio import studio
from toolkit.cli.tasks import tasks
from toolkit.cli.trace import trace
from toolkit.cli.workspace import init, migrate, status
from toolkit.errors import DocpostsError, of_memory

_HELP = """From reports on influence operations to a labelled, released corpus of the posts they quote.

The groups stand in the order of the work: report → source → corpus → tasks → labels → adjudicate → release. Start with
'docposts demo', or 'docposts init DIR' and then, at any time, 'docposts status'.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 expected error, 2 usage, 3 checks failed,
4 a service is unreachable.
"""


class _Ordered(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_Ordered, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-C",
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="The workspace, or a folder in it (default: this one).",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an expected error too.")
@click.version_option(__version__, prog_name="docposts")
@click.pass_context
def docposts(ctx: click.Context, folder: Path | None, debug: bool) -> None:
    """Hold what every command needs."""
    ctx.obj = Root(folder, debug, alone=bool(ctx.obj))


for command in (
    demo,
    init,
    status,
    source,
    corpus,
    codebook,
    studio,
    tasks,
    labels,
    adjudicate,
    report,
    release,
    trace,
    purge,
    migrate,
):
    docposts.add_command(command)
for command in (show, diff, verify, stats, query, export, promote, lineage, supersede, publish, fetch):
    corpus.add_command(command)
for command in (reopen, precedents):
    adjudicate.add_command(command)
for command in (agreement, distribution):
    labels.add_command(command)
for command in (*REVIEWING, recipe, hydrate):
    source.add_command(command)
for command in (release_diff, push, release_export, release_hydrate, takedown):
    release.add_command(command)


def main(alone: bool = False) -> None:
    """Run the command; an expected error is one message on stderr and its own exit code. ``alone``: in a process of its own."""
    try:
        code = docposts.main(standalone_mode=False, obj=alone)
    except click.exceptions.Abort:
        click.echo("docposts: stopped; running the command again goes on from here", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except DocpostsError as error:
        if "--debug" in sys.argv:
            raise
        say(f"docposts: {error.message}")
        if error.hint:
            say(f"  try: {error.hint}")
        code = error.exit_code
    except Exception as error:
        if "--debug" in sys.argv or not of_memory(error):
            raise
        # What the work held goes first: to say something takes memory too.
        error.__traceback__ = error.__cause__ = error.__context__ = None
        say("docposts: out of memory: too little is left for the command, on this machine or within a limit set for it")
        say(
            "  try: the same command with other programs closed or a higher limit; what was there before stands as it was"
        )
        code = 1
    sys.exit(code)


def run() -> NoReturn:
    """Run the command as a process of its own, and end it."""
    try:
        main(alone=True)
    except SystemExit as end:
        if "obstore" in sys.modules:
            # Python's own last step aside: threads of the object store's library that meet the end of the interpreter take the
            # process along, after its work is done.
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else 0)
        raise
    sys.exit(0)
