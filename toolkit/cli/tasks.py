"""``docposts tasks …``: posts to Label Studio."""

from __future__ import annotations

from dataclasses import asdict

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say


@click.group()
def tasks() -> None:
    """Posts and photo texts as Label Studio tasks, a project for each annotator."""


@tasks.command()
@click.option(
    "--task",
    type=click.Choice(["labels", "segmentation"]),
    default="labels",
    help="What is asked: labels for posts and photo texts (default), or corrections of the reports' spans.",
)
@click.option("--source", "source_id", metavar="ID", help="With segmentation: one source, its spans accepted or not.")
@click.option("--annotator", metavar="NAME", help="With segmentation: who corrects (default: the adjudicator).")
@click.option("--dry-run", is_flag=True, help="Show the plan and do nothing.")
@json_option
@click.pass_obj
def push(root: Root, task: str, source_id: str | None, annotator: str | None, dry_run: bool, as_json: bool) -> None:
    """Push what is not there yet. Stopped and run again, it ends with each task once."""
    from toolkit import tasks as work
    from toolkit.cli.source_segmentation import push_spans
    from toolkit.labelstudio.connect import connect

    if task != "segmentation" and (source_id or annotator):
        raise click.UsageError("--source and --annotator go with --task segmentation")
    workspace = root.workspace()
    server = connect(workspace)
    if task == "segmentation":
        plans = [push_spans(workspace, source_id, annotator, dry_run=dry_run)]
    else:
        with progress("pushing") as show:
            plans = work.plan(workspace, server) if dry_run else work.push(workspace, server, progress=show)

    def address(project: work.Project) -> str | None:
        project_id = server.find_project(work.marker(workspace, project))
        return server.project_url(project_id) if project_id is not None else None

    rows = [
        {
            "project": plan.project.key,
            "annotator": plan.project.annotator,
            "create" if dry_run else "created": len(plan.create),
            "unchanged": len(plan.unchanged),
            "orphaned": len(plan.orphaned),
            "url": address(plan.project),
        }
        for plan in plans
    ]
    print_json(rows) if as_json else print_table(rows)
    say("  next: docposts labels pull, when the annotators have done" if not dry_run else "nothing was pushed")


@tasks.command()
@json_option
@click.pass_obj
def status(root: Root, as_json: bool) -> None:
    """Say how far each annotator is, counted from the annotations."""
    from toolkit import tasks as work
    from toolkit.labelstudio.connect import connect

    workspace = root.workspace()
    found = work.status(workspace, connect(workspace))
    rows = [asdict(each) | {"left": each.left} for each in found]
    print_json(rows) if as_json else print_table(rows)
