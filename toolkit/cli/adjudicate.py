"""``docposts adjudicate …``: from votes to decisions."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say


@click.group()
def adjudicate() -> None:
    """What is unanimous settles itself, label by label; the rest goes to an adjudicator, blind."""


@adjudicate.command()
@json_option
@click.pass_obj
def push(root: Root, as_json: bool) -> None:
    """Push each open question to the adjudicator's project."""
    from toolkit.adjudication import push as pushing
    from toolkit.labelstudio.connect import connect

    workspace = root.workspace()
    with progress("pushing"):
        plans = pushing.push(workspace, connect(workspace))
    rows = [
        {
            "project": plan.project.key,
            "adjudicator": plan.project.annotator,
            "created": len(plan.create),
            "unchanged": len(plan.unchanged),
            "orphaned": len(plan.orphaned),
        }
        for plan in plans
    ]
    print_json(rows) if as_json else print_table(rows)
    _say_standing(root)


@adjudicate.command()
@json_option
@click.pass_obj
def pull(root: Root, as_json: bool) -> None:
    """Pull the adjudicator's decisions; each change of one is a further line in decisions/."""
    from toolkit.adjudication import pull as pulling
    from toolkit.labelstudio.connect import connect

    workspace = root.workspace()
    with progress("pulling") as show:
        found = pulling.pull(workspace, connect(workspace), progress=show)
    if as_json:
        rejected = [vars(each) for each in found.rejected]
        print_json({"recorded": found.recorded, "known": found.known, "rejected": rejected})
        return
    say(f"{found.recorded} decisions recorded, {found.known} known already")
    for each in found.rejected:
        say(f"not counted: {each.project}, annotation {each.annotation_id}: {'; '.join(each.problems)}")
    _say_standing(root)


def _say_standing(root: Root) -> None:
    from toolkit.adjudication.store import standing

    workspace = root.workspace()
    found = standing(workspace)
    methods = found.decisions["method"].to_pylist()
    unanimous, adjudicated = methods.count("unanimous"), methods.count("adjudicated")
    say(f"settled: {unanimous} unanimous, {adjudicated} adjudicated; open: {len(found.open)}")
    if found.waiting:
        minimum = workspace.settings.adjudication.minimum_votes
        say(f"waiting for votes: {len(found.waiting)} (a question needs {minimum}: adjudication.minimum_votes)")
    if found.outdated:
        say(f"{len(found.outdated)} earlier decisions weighed other votes and are in force no longer")
    say(
        "  next: docposts release cut"
        if not found.open
        else "  next: the adjudicator decides, then docposts adjudicate pull"
    )
