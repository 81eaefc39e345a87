"""``docposts labels …``: judgements back, and how far they agree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from toolkit.cli.common import Root, enter, json_option, print_json, print_table, progress, say


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

    workspace = root.tables()
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


@labels.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", default="", help="What the import is called (default: the file's name).")
@click.option(
    "--person", "people", multiple=True, metavar="ACCOUNT=NAME", help="Whose account it is: address or number."
)
@click.option("--made-at", type=click.DateTime(), help="When what says no time was made, UTC (default: now).")
@click.option("--partial", is_flag=True, help="Leave out what the corpus has no item for.")
@json_option
@click.pass_obj
def take(
    root: Root, file: Path, name: str, people: tuple[str, ...], made_at: datetime | None, partial: bool, as_json: bool
) -> None:
    """Take in judgements made elsewhere: Label Studio's JSON export, or a CSV of item, annotator, label.

    A CSV may also hold start, end and mode (the evidence), confidence, comment, created_at; an item is its id or SOURCE/KEY. They
    count as votes and stay marked as imported. The same file twice is taken once.
    """
    from toolkit.labels.importing import take as take_in
    from toolkit.labels.store import read_judgements

    if wrong := [each for each in people if not all(each.partition("="))]:
        raise click.UsageError(f"--person {wrong[0]}: expected ACCOUNT=NAME")
    named = {account: who for account, _, who in (each.partition("=") for each in people)}
    workspace = root.tables()
    at = made_at.replace(tzinfo=UTC) if made_at else None
    done = take_in(workspace, file, name=name, people=named, made_at=at, partial=partial)
    rejected = [r for r in read_judgements(workspace)[1] if r.project.startswith(f"import.{done.name}.")]
    if as_json:
        print_json(
            {
                "name": done.name,
                "taken": done.taken,
                "left_out": done.unmatched,
                "rejected": [vars(r) for r in rejected],
            }
        )
        return
    for task, count in done.taken.items():
        say(f"{task}: {count} submissions" if count else f"{task}: taken in before")
    for line in done.unmatched:
        say(f"left out, not in the corpus: {line}")
    for each in rejected:
        say(f"not counted: {each.item_id} by {each.annotator}: {'; '.join(each.problems)}")
    say("  next: docposts labels agreement")


@labels.command()
@json_option
@click.pass_obj
def rejected(root: Root, as_json: bool) -> None:
    """List the submissions that do not count, each with the reason. They stay in their pull files."""
    from toolkit.labels.store import read_judgements

    rows = [vars(each) for each in read_judgements(root.tables())[1]]
    print_json(rows) if as_json else print_table(rows)
    if not rows:
        say("every submission counts")


@labels.command()
@json_option
@click.pass_obj
def predictions(root: Root, as_json: bool) -> None:
    """Compare predictions with what people answered: how often accepted, changed, rejected, added."""
    from dataclasses import asdict

    from toolkit.labels.predicted import compare

    rows = [asdict(each) for each in compare(root.tables())]
    print_json(rows) if as_json else print_table(rows)
    if not rows:
        say(
            'nothing was judged that has predictions; they are made by: predictions = "shown" (or "hidden") in docposts.toml'
        )
