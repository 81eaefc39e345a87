"""``docposts adjudicate …``: from votes to decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import (
    Root,
    json_option,
    limit_option,
    listed,
    print_json,
    print_json_rows,
    print_table,
    progress,
    say,
)
from toolkit.cli.labels_agreement import judgements_option, read_judgements

if TYPE_CHECKING:
    from toolkit.adjudication.store import Standing
    from toolkit.workspace import Workspace


@click.group()
def adjudicate() -> None:
    """What is agreed settles itself by a declared policy, label by label; the rest goes to an adjudicator, blind."""


@adjudicate.command()
@click.option("--policy", type=click.Choice(["unanimous", "majority", "conflicts"]), help="Try out another policy.")
@click.option("--margin", type=click.IntRange(1), metavar="N", help="Try out: votes more than the next value has.")
@click.option("--minimum-votes", type=click.IntRange(1), metavar="N", help="Try out: nothing settles itself below.")
@click.option(
    "--sample", type=click.FloatRange(0, 1), metavar="SHARE", help="Try out: what settles itself, asked anyway."
)
@click.option("--twice", type=click.FloatRange(0, 1), metavar="SHARE", help="Try out: what is asked, decided twice.")
@judgements_option
@limit_option("List so many questions")
@json_option
@click.pass_obj
def plan(root: Root, /, *, file: Path | None, limit: int | None, as_json: bool, **tried: Any) -> None:
    """Say what settles itself, field by field, and list each question that would be asked, and why; nothing is sent.

    The policy is that of the settings ([adjudication]); options try out another one.
    """
    from dataclasses import asdict, replace
    from itertools import islice

    from toolkit.adjudication.ask import passes
    from toolkit.adjudication.planned import planned
    from toolkit.adjudication.records import place_of, reopenings
    from toolkit.adjudication.review import counts
    from toolkit.adjudication.store import standing

    workspace = root.tables()
    given = {name: value for name, value in tried.items() if value is not None}
    settings = workspace.settings
    policy = settings.adjudication.model_copy(update=given)
    workspace = replace(workspace, settings=settings.model_copy(update={"adjudication": policy}))
    with progress("counting"):
        found = standing(workspace, read_judgements(workspace, file) if file else None)
        rows = [asdict(each) for each in counts(found)]
        first = len(found.open) + len(found.adjudicated) + len(found.sampled)
        second = sum(1 for _, number in passes(found) if number == 2)
        every = planned(found, {place_of(record): record["because"] for record in reopenings(workspace)})
    listing = islice(every, listed(limit, as_json))
    if as_json:
        told = {"policy": policy.model_dump(), "fields": rows, "asked": first, "second": second}
        print_json_rows((vars(each) for each in listing), within=(told, "questions"))
        return
    shown = list(listing)
    print_table(rows)
    click.echo()
    print_table(
        [
            {"item": each.item_id, "field": each.field, "label": each.label, "votes": each.tally, "why": each.why}
            | {"decided": each.decided}
            for each in shown
        ]
    )
    if more := first + second - len(shown):
        say(f"and {more} questions more (--limit 0 lists all)")
    say(_policy(workspace))
    say(f"asked: {first}, of them {len(found.adjudicated)} decided already; a second time: {second}")
    left = len(found.open) + len(found.sampled) + second
    if not len(found.found):
        say("  nobody has voted yet; next: docposts labels pull")
        return
    say("  next: docposts adjudicate push" if left else "  nothing is open; next: docposts release cut")


@adjudicate.command()
@json_option
@click.pass_obj
def push(root: Root, as_json: bool) -> None:
    """Push each open question to the adjudicator's project, what is decided twice to the second one's too."""
    from toolkit.adjudication import push as pushing
    from toolkit.labelstudio.connect import connect

    workspace = root.tables()
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
    _say_standing(workspace)


@adjudicate.command()
@json_option
@click.pass_obj
def pull(root: Root, as_json: bool) -> None:
    """Pull the adjudicators' decisions; each change of one is a further line in decisions/. Rule gaps raise precedents."""
    from toolkit.adjudication import pull as pulling
    from toolkit.labelstudio.connect import connect

    workspace = root.tables()
    with progress("pulling") as show:
        found = pulling.pull(workspace, connect(workspace), progress=show)
    if as_json:
        rejected = [vars(each) for each in found.rejected]
        told = {
            "recorded": found.recorded,
            "known": found.known,
            "rejected": rejected,
            "precedents": list(found.raised),
        }
        print_json(told)
        return
    say(f"{found.recorded} decisions recorded, {found.known} known already")
    for each in found.rejected:
        say(f"not counted: {each.project}, annotation {each.annotation_id}: {'; '.join(each.problems)}")
    if found.raised:
        say(f"rule gaps raised {len(found.raised)} precedents to rule on: docposts adjudicate precedents")
    _say_standing(workspace)


@adjudicate.command()
@click.option(
    "--late", "only", flag_value="late", help="Judgements that came after a decision, or after the last release."
)
@click.option("--differing", "only", flag_value="differing", help="Questions on which two decisions differ.")
@click.option("--twice", "only", flag_value="twice", help="How far first and second decisions agree.")
@json_option
@click.pass_obj
def status(root: Root, only: str | None, as_json: bool) -> None:
    """Say where every question stands, field by field: settled, open, contested, decided twice, outdated."""
    from dataclasses import asdict

    from toolkit.adjudication.late import late
    from toolkit.adjudication.review import counts, left_to_check, twice
    from toolkit.adjudication.store import standing
    from toolkit.labels.store import load_judgements
    from toolkit.precedents import load

    workspace = root.tables()
    found = standing(workspace)
    judgements = load_judgements(workspace)
    tables: dict[str, list[dict[str, Any]]] = {
        "fields": [asdict(each) for each in counts(found)],
        "twice": [asdict(each) for each in twice(found)],
        "differing": list(_differing(found)),
        "late": [asdict(each) for each in [*late(found, judgements), *_since_release(workspace, judgements)]],
    }
    if as_json:
        about: dict[str, Any] = {"outdated": len(found.outdated), "reopened": sum(found.reopened.values())}
        about |= {"to_look_at_again": left_to_check(found, load(workspace.decisions_dir))}
        about |= {"decided_by_annotators": found.decisions["decided_by_annotator"].to_pylist().count(True)}
        print_json(tables[only] if only else tables | about)
        return
    print_table(tables[only or "fields"])
    if only:
        say(f"{len(tables[only])} rows")
        return
    say(_policy(workspace))
    _say_standing(workspace, found)
    if own := found.decisions["decided_by_annotator"].to_pylist().count(True):
        say(f"{own} decisions are by somebody who had judged the item: decided_by_annotator in the table")
    for each in twice(found):
        kappa = f", κ {each.kappa:.3f}" if each.kappa is not None else ""
        say(f"decided twice, {each.first} and {each.second}: {each.same} of {each.questions} alike{kappa}")
    if tables["differing"]:
        rule = workspace.settings.adjudication.differ
        say(f"{len(tables['differing'])} decided differently; in force is: {rule} (--differing lists them)")
    if tables["late"]:
        say(f"{len(tables['late'])} judgements came after a decision or release (--late lists them)")
    known = load(workspace.decisions_dir)
    if waiting := [each for each in known if each.state == "open"]:
        say(f"{len(waiting)} precedents to rule on: docposts adjudicate precedents")
    for name, count in left_to_check(found, known).items():
        say(f"{name} was ruled on, {count} items to look at again: docposts adjudicate precedents items {name}")


def _differing(found: Standing) -> Any:
    from toolkit.adjudication.decided import resolve

    for number in found.differing:
        held = resolve(found.opinions[number], found.settings)
        task, item, field, label = found.found.place(number)
        given = [f"{r['decided_by']}: {r['outcome']} ({r['reason']})" for r in found.opinions[number]]
        yield {
            "question_id": found.found.question_id(number),
            "task": task,
            "item_id": item,
            "field": field,
            "label": label,
            "decisions": given,
            "in_force": held.outcome,
        }


def _since_release(workspace: Workspace, judgements: Any) -> Any:
    from toolkit.release.late import since
    from toolkit.release.versions import releases

    made = releases(workspace)
    return since(judgements, made[-1]) if made else []


def _policy(workspace: Workspace) -> str:
    policy = workspace.settings.adjudication
    margin = f" by {policy.margin}" if policy.policy == "majority" else ""
    rule = f"policy: {policy.policy}{margin}, {policy.minimum_votes} votes or more"
    return f"{rule}; sample {policy.sample:g}, twice {policy.twice:g}, seed {policy.seed}"


def _say_standing(workspace: Workspace, found: Standing | None = None) -> None:
    from collections import Counter

    from toolkit.adjudication.store import standing

    found = found or standing(workspace)
    methods = Counter(found.decisions["method"].to_pylist())
    settled = ", ".join(f"{methods[name]} {name}" for name in ("unanimous", "majority", "adjudicated") if methods[name])
    say(f"settled: {settled or 'nothing'}; open: {len(found.open)}")
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
