"""``docposts labels …``: judgements back, and how far they agree."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, enter, json_option, print_json, print_table, progress, say

_COLUMNS = ("task", "field", "label", "metric", "items", "pairs", "positives", "percent", "alpha", "low", "high")


@click.group()
def labels() -> None:
    """Judgements: pull them from Label Studio, measure agreement."""


@labels.command()
@click.option("--full", is_flag=True, help="Look at every task, instead of those that changed since the last pull.")
@json_option
@click.pass_obj
def pull(root: Root, full: bool, as_json: bool) -> None:
    """Pull what changed. Files already pulled are never changed; what was deleted on the server stays on record.

    What was pulled is held against the server's own count; where they differ, every task is looked at again.
    """
    from toolkit.labels import pull as pulling
    from toolkit.labels.store import read_judgements

    workspace = root.workspace()
    with progress("pulling") as show:
        pulled = pulling.pull(workspace, enter(workspace), full=full, progress=show)
        judgements, rejected = read_judgements(workspace)
    rows = [
        {
            "project": each.project,
            "annotations": each.annotations,
            "changed tasks": each.changed,
            "deleted": each.deleted,
            "file": each.file.name if each.file else "nothing new",
        }
        for each in pulled
    ]
    if as_json:
        print_json({"projects": rows, "judgements": judgements.num_rows, "rejected": [vars(each) for each in rejected]})
        return
    print_table(rows)
    say(f"{judgements.num_rows} judgements")
    for each in rejected:
        say(
            f"not counted: {each.project}, annotation {each.annotation_id} by {each.annotator}: {'; '.join(each.problems)}"
        )
    if any(each.file and each.project.startswith("segmentation.") for each in pulled):
        say("  corrected spans came: docposts source accept ID --from studio")
    say("  next: docposts labels agreement")


@labels.command()
@click.option("--pairs", is_flag=True, help="Cohen's κ for each pair of annotators instead.")
@json_option
@click.pass_obj
def agreement(root: Root, pairs: bool, as_json: bool) -> None:
    """Measure agreement: percent and Krippendorff's α with a bootstrap interval, per field and per label."""
    from toolkit.labels import agreement as measure
    from toolkit.labels.store import load_judgements

    workspace = root.workspace()
    judgements = load_judgements(workspace)
    settings = workspace.settings.agreement
    rows = measure.records(measure.pairwise(judgements) if pairs else measure.agreement(judgements, settings))
    if as_json:
        print_json(rows)
        return
    print_table(rows, () if pairs else _COLUMNS)
    if not rows:
        say("no judgements yet; next: docposts labels pull")
        return
    if not pairs:
        say(
            f"no coefficient below {settings.minimum_items} items with two answers, or where the expected disagreement is"
            f" none; intervals: 95 %, {settings.bootstrap} draws of items, seed {settings.seed}"
        )
    say("  next: docposts adjudicate push")
