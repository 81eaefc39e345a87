"""``docposts adjudicate reopen``: settled questions put again."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say


@click.command()
@click.argument("question", nargs=-1)
@click.option("--item", metavar="ID", default="", help="All that is settled about an item.")
@click.option("--field", default="", help="Of this field.")
@click.option("--label", default="", help="On this label.")
@click.option("--precedent", metavar="ID", help="All that its ruling asks to look at again, and nobody has.")
@click.option("--because", required=True, metavar="WORDS", help="Why; the adjudicator is told.")
@click.option("--by", metavar="NAME", help="Who reopens it (default: the name that the machine knows you by).")
@click.option("--dry-run", is_flag=True, help="List what would be reopened and do nothing.")
@json_option
@click.pass_obj
def reopen(  # noqa: PLR0913  # one option each
    root: Root,
    /,
    *,
    question: tuple[str, ...],
    item: str,
    field: str,
    label: str,
    precedent: str | None,
    because: str,
    by: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put settled questions again, by id, item, field and label, or precedent.

    What was decided stays on record and is in force no longer; what settled itself is asked. The next push puts the
    questions, with the reason.
    """
    import datetime as dt

    from toolkit.adjudication import records, review
    from toolkit.adjudication.store import standing
    from toolkit.errors import InputError, UsageError
    from toolkit.precedents import find, load
    from toolkit.sources.segments import person

    if not (question or item or field or label or precedent):
        raise UsageError("say what: question ids, --item, --field, --label or --precedent")
    if not because.strip():
        raise UsageError("say why: --because has no words")
    workspace = root.tables()
    found = standing(workspace)
    if precedent:
        rule = find(load(workspace.decisions_dir), precedent)
        left = [each.question_id for each in review.recheck(found, rule) if not each.done]
        places = review.select(found, ids=left, item=item, field=field, label=label) if left else []
    else:
        places = review.select(found, ids=question, item=item, field=field, label=label)
    if not places:
        raise InputError("nothing settled is that", hint="docposts adjudicate status")
    rows = [dict(zip(("task", "item_id", "field", "label"), place, strict=True)) for place in places]
    if not dry_run:
        records.reopen(workspace, places, because=because, by=by or person(), at=dt.datetime.now(dt.UTC))
    print_json(rows) if as_json else print_table(rows)
    say(f"{len(rows)} questions {'would be ' if dry_run else ''}reopened")
    say("  next: docposts adjudicate push")
