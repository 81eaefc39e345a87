"""``docposts adjudicate precedents …``: what the codebook did not say, ruled on and told in the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say

if TYPE_CHECKING:
    from toolkit.precedents import Precedent
    from toolkit.workspace import Workspace

_BY = click.option("--by", metavar="NAME", help="Who (default: the name that the machine knows you by).")
_TASK = click.option(
    "--task",
    type=click.Choice(["narrative", "photo_text"]),
    default="narrative",
    show_default=True,
    help="Whose codebook.",
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def precedents(ctx: click.Context, as_json: bool) -> None:
    """Questions that the codebook leaves open: raised by rule gaps, ruled on, told in the guide. Alone: list them."""
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json)


@precedents.command("list")
@json_option
@click.pass_obj
def list_(root: Root, as_json: bool) -> None:
    """List them: what is asked, by whom, what was ruled."""
    _list(root, as_json)


@precedents.command()
@_TASK
@click.option("--field", default="narrative", show_default=True, help="The field in question.")
@click.option("--label", metavar="ID", help="The label in question (default: the whole field).")
@click.option("--question", required=True, metavar="WORDS", help="What the codebook does not say.")
@_BY
@click.pass_obj
def add(root: Root, task: str, field: str, label: str | None, question: str, by: str | None) -> None:
    """Raise a question by hand; rule gaps raise theirs when decisions are pulled."""
    import datetime as dt

    from toolkit.errors import InputError
    from toolkit.precedents import raise_question
    from toolkit.sources.segments import person

    workspace = root.tables()
    book = workspace.codebooks(task)
    labels = [each.id for each in book.labels if each.field == book.field(field).name]
    if label is not None and label not in labels:
        raise InputError(f"{label} is no label of {field} in the codebook {task} {book.version}")
    if not question.strip():
        raise InputError("the question has no words")
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with workspace.lock():
        raised = raise_question(workspace.decisions_dir, (task, field, label), question, by=by or person(), at=at)
    click.echo(raised.id)
    say(f"  next: docposts adjudicate precedents rule {raised.id} --ruling … --paragraph …")


@precedents.command()
@click.argument("precedent")
@click.option("--ruling", required=True, metavar="WORDS", help="What was ruled, and why.")
@click.option("--paragraph", required=True, metavar="WORDS", help="What the guide says from now on.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Of the paragraph (default: that of the settings).")
@_BY
@click.pass_obj
def rule(root: Root, precedent: str, ruling: str, paragraph: str, language: str | None, by: str | None) -> None:
    """Rule on one. The guide gains the paragraph with the next push; what to look at again is listed.

    Called once more, it adds the paragraph in another language, or takes the place of the earlier ruling.
    """
    from toolkit.errors import InputError
    from toolkit.precedents import note
    from toolkit.sources.segments import person

    if not (ruling.strip() and paragraph.strip()):
        raise InputError("a ruling and its paragraph need words")
    workspace = root.tables()
    of = _find(workspace, precedent)
    language = language or workspace.settings.tasks.language
    words = ({} if of.ruling != ruling else dict(of.paragraph or {})) | {language: paragraph}
    with workspace.lock():
        note(workspace.decisions_dir, of, "ruled", ruling=ruling, paragraph=words, by=by or person())
    say(f"{of.id}: {of.question}\n  ruled: {ruling}")
    _print_items(workspace, of.id, as_json=False)
    say("  next: docposts tasks push and docposts adjudicate push (the guide), then")
    say(f"        docposts adjudicate reopen --precedent {of.id} --because …")


@precedents.command()
@click.argument("precedent")
@click.option("--done", multiple=True, metavar="ITEM", help="This item was looked at again, and stands (repeatable).")
@_BY
@json_option
@click.pass_obj
def items(root: Root, precedent: str, done: tuple[str, ...], by: str | None, as_json: bool) -> None:
    """List the items to look at again under a ruling: settled about its label or field before it was ruled."""
    from toolkit.errors import InputError
    from toolkit.precedents import note
    from toolkit.sources.segments import person

    workspace = root.tables()
    of = _find(workspace, precedent)
    if done:
        known = {each.item_id for each in _recheck(workspace, of)}
        for item in done:
            if item not in known:
                raise InputError(f"{item} is none of the items to look at again", hint="leave out --done to see them")
        with workspace.lock():
            for item in done:
                note(workspace.decisions_dir, of, "rechecked", item_id=item, by=by or person())
    _print_items(workspace, of.id, as_json=as_json)


@precedents.command()
@click.argument("precedent")
@click.option("--because", required=True, metavar="WORDS", help="Why.")
@_BY
@click.pass_obj
def withdraw(root: Root, precedent: str, because: str, by: str | None) -> None:
    """Withdraw one: its paragraph leaves the guide with the next push. It stays on record."""
    from toolkit.precedents import note
    from toolkit.sources.segments import person

    workspace = root.tables()
    of = _find(workspace, precedent)
    with workspace.lock():
        note(workspace.decisions_dir, of, "withdrawn", because=because, by=by or person())
    say(f"{of.id} is withdrawn")


def _find(workspace: Workspace, name: str) -> Precedent:
    from toolkit.precedents import find, load

    return find(load(workspace.decisions_dir), name)


def _list(root: Root, as_json: bool) -> None:
    from dataclasses import asdict

    from toolkit.precedents import load

    workspace = root.tables()
    known = load(workspace.decisions_dir)
    if as_json:
        print_json([asdict(each) | {"state": each.state} for each in known])
        return
    language = workspace.settings.tasks.language
    print_table(
        [
            {
                "precedent": each.id,
                "state": each.state,
                "about": f"{each.task} {each.field}{f' {each.label}' if each.label else ''}",
                "question": each.question,
                "raised by": each.by,
                "on items": len(each.raised_on),
                "ruling": each.ruling,
                "paragraph": each.words(language) or None,
            }
            for each in known
        ]
    )
    waiting = [each for each in known if each.state == "open"]
    say(f"{len(known)} precedents, {len(waiting)} to rule on")
    if waiting:
        say(f"  next: docposts adjudicate precedents rule {waiting[0].id} --ruling … --paragraph …")


def _recheck(workspace: Workspace, of: Precedent) -> list[Any]:
    from toolkit.adjudication.review import recheck
    from toolkit.adjudication.store import standing

    return recheck(standing(workspace), of)


def _print_items(workspace: Workspace, name: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    rows = [asdict(each) for each in _recheck(workspace, _find(workspace, name))]
    print_json(rows) if as_json else print_table([row | {"done": row["done"] or None} for row in rows])
    say(f"to look at again: {sum(not row['done'] for row in rows)} of {len(rows)}")
