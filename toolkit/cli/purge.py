"""``docposts purge``: erasing a post, a source or a person's judgements."""

from __future__ import annotations

import sys

import click

from toolkit.cli.common import Root, json_option, print_json, progress, say


@click.command()
@click.argument("kind", type=click.Choice(["post", "source", "annotator"]))
@click.argument("name", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the ledger.")
@click.option("--by", metavar="NAME", help="Who decided it, for the ledger (default: your name on this machine).")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased; erase nothing.")
@json_option
@click.pass_obj
def purge(
    root: Root, kind: str, name: str, reason: str, by: str | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Erase a post, a source or an annotator's judgements from every layer, for good, leaving a tombstone.

    ID is a post's or photo text's id, a source's id, or an annotator's name. Erased are: the words in text.txt (blocks of
    the same length stand there), the file as obtained (of a table: the row), spans and facts, rows of every corpus
    version, pulled judgements, decisions, and releases on disk that hold it. What no command can reach is listed. Killed at
    any moment, the same command run again ends it.
    """
    from toolkit.errors import UsageError
    from toolkit.purge.run import plan
    from toolkit.purge.run import purge as erase

    workspace = root.workspace(unfinished=True)
    if dry_run:
        print_json(plan(workspace, kind, name).record())  # type: ignore[arg-type]
        return
    # Of a large table the plan takes as long as the rest: where nobody is asked, the one that is carried out is enough.
    if not yes and (stone := plan(workspace, kind, name)).number == 0:  # type: ignore[arg-type]
        if not sys.stdin.isatty():
            raise UsageError("this erases for good: say --yes (or look first: --dry-run)")
        also = f", with {len(stone.items) - 1} rows that belong to it" if len(stone.items) > 1 else ""
        gone = f"; releases {', '.join(stone.releases)} are deleted" if stone.releases else ""
        click.confirm(f"Erase {kind} {name}{also}, for good{gone}?", abort=True, err=True)
    with progress("erasing") as show:
        done = erase(workspace, kind, name, reason=reason, by=by, progress=show)  # type: ignore[arg-type]
    if as_json:
        print_json(
            {"tombstone": done.stone.record(), "erased": done.erased, "left": done.left}
            | {"unreached": done.unreached, "alike": done.alike}
        )
        return
    for layer, names in done.erased.items():
        say(f"erased, {layer}: {', '.join(names)}")
    for path in done.left:
        say(f"STILL THERE: {path}")
    for post in done.alike:
        say(f"says the same or nearly so, and stays: {post}")
    say("not reached by this command:")
    for place in done.unreached:
        say(f"  {place}")
    if kind == "annotator":
        say("  next: take the name out of docposts.toml; docposts labels agreement, then docposts release cut")
    else:
        say("  next: docposts corpus build, which finds nothing new; then docposts release cut")
