"""``docposts tasks …``: posts to Label Studio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from toolkit.cli.common import Root, enter, json_option, print_json, print_table, progress, say

if TYPE_CHECKING:
    from toolkit.rounds.plan import Work
    from toolkit.tasks import Plan
    from toolkit.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def tasks() -> None:
    """Posts and photo texts as Label Studio tasks, a project for each annotator."""


def _what(function: F) -> F:
    """Add the options that say what is pushed."""
    for option in reversed(
        (
            click.option(
                "--task",
                type=click.Choice(["labels", "segmentation"]),
                default="labels",
                help="What is asked: labels for posts and photo texts (default), or corrections of the reports' spans.",
            ),
            click.option(
                "--source", "source_id", metavar="ID", help="With segmentation: one source, its spans accepted or not."
            ),
            click.option(
                "--annotator", metavar="NAME", help="With segmentation: who corrects (default: the adjudicator)."
            ),
        )
    ):
        function = option(function)
    return function


@tasks.command()
@_what
@json_option
@click.pass_obj
def plan(root: Root, task: str, source_id: str | None, annotator: str | None, as_json: bool) -> None:
    """Show what a push would do, project by project, and who waits for what. Nothing is sent."""
    from toolkit import rounds
    from toolkit.cli.source_segmentation import push_spans

    _check(task, source_id, annotator)
    workspace, work = root.tables(), None
    if task == "segmentation":
        plans = [push_spans(workspace, source_id, annotator, dry_run=True)]
    else:
        with progress("planning"):
            plans, work = rounds.plan(workspace, enter(workspace))
    _print(workspace, plans, work, as_json=as_json, verb="create")
    say("  next: docposts tasks push")


@tasks.command()
@_what
@json_option
@click.pass_obj
def push(root: Root, task: str, source_id: str | None, annotator: str | None, as_json: bool) -> None:
    """Push what is not there yet. Stopped and run again, it ends with each task once."""
    from toolkit import rounds
    from toolkit.cli.source_segmentation import push_spans

    _check(task, source_id, annotator)
    workspace, work = root.tables(), None
    if task == "segmentation":
        plans = [push_spans(workspace, source_id, annotator)]
    else:
        with progress("pushing") as show:
            plans, work = rounds.push(workspace, enter(workspace), progress=show)
    _print(workspace, plans, work, as_json=as_json, verb="created")
    say("  next: docposts labels pull, when the annotators have done")


def _check(task: str, source_id: str | None, annotator: str | None) -> None:
    if task != "segmentation" and (source_id or annotator):
        raise click.UsageError("--source and --annotator go with --task segmentation")


def _print(workspace: Workspace, plans: list[Plan], work: Work | None, *, as_json: bool, verb: str) -> None:
    from toolkit.labelstudio.connect import connect
    from toolkit.tasks import marker

    server = connect(workspace)

    def address(plan: Plan) -> str | None:
        project_id = server.find_project(marker(workspace, plan.project))
        return server.project_url(project_id) if project_id is not None else None

    rows = [
        {
            "project": plan.project.key,
            "annotator": plan.project.annotator or "everyone",
            "round": plan.project.round,
            verb: len(plan.create),
            "unchanged": len(plan.unchanged),
            "orphaned": len(plan.orphaned),
            "url": address(plan),
        }
        for plan in plans
    ]
    print_json(rows) if as_json else print_table(rows)
    for line in work.waiting if work else ():
        say(line)


@tasks.command()
@click.option("--watch", is_flag=True, help="Look again and again, until stopped (Ctrl-C).")
@click.option(
    "--every", type=click.FloatRange(min=1), default=10.0, show_default=True, help="Seconds between two looks."
)
@json_option
@click.pass_obj
def status(root: Root, watch: bool, every: float, as_json: bool) -> None:
    """Say how far each annotator is, counted from the annotations, and who passed which calibration.

    Seconds are the median of what a submission took; what was skipped does not count there.
    """
    from toolkit.labels.authors import author
    from toolkit.rounds.push import standing_rows
    from toolkit.tasks.progress import Watch

    workspace = root.tables()
    watching = Watch(workspace, enter(workspace), lambda record, a: author(workspace.settings, record, a)[0])
    stand = standing_rows(workspace)

    def rows() -> list[dict[str, Any]]:
        return [asdict(each) | {"left": each.left} for each in watching.look()]

    if not watch:
        found = rows()
        if as_json:
            print_json({"projects": found, "calibration": stand})
            return
        print_table(found)
        print_table(stand)
        return
    try:
        while True:
            found = rows()
            if as_json:
                print_json(found)
            else:
                # On a terminal the table is written over the one before.
                click.clear()
                print_table(found)
                say(f"every {every:g} s; Ctrl-C stops")
            # The server tells nobody of new judgements: it is asked as often as the user says.
            time.sleep(every)
    except KeyboardInterrupt:
        say("stopped")
