"""``docposts corpus lineage | supersede``: what became of posts that left the corpus, and of their judgements."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say


@click.command()
@json_option
@click.pass_obj
def lineage(root: Root, as_json: bool) -> None:
    """List the posts and photo texts that left the corpus, what follows each, and whether its judgements carry over.

    What follows is decided by a person (docposts corpus supersede); until then it is what stands in the same place of the
    report, or has the same key, and a dash under 'carries' says that nobody has decided.
    """
    from toolkit.corpus.lineage import left

    found = [item._asdict() for item in left(root.tables())]
    if as_json:
        print_json(found)
        return
    shown = [
        {name: row[name] for name in ("old", "last", "new", "how", "similarity", "carries")}
        | {"text": _cut(row["text"]), "new_text": _cut(row["new_text"])}
        for row in found
    ]
    print_table(shown)
    if waiting := [row for row in found if row["carries"] is None and row["new"]]:
        say(f"{len(waiting)} not decided: docposts corpus supersede {waiting[0]['old']} {waiting[0]['new']} --carry …")


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= 60 else text[:59] + "…"


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--carry/--no-carry",
    "carries",
    required=True,
    default=None,
    help="Whether OLD's judgements and decisions count for NEW: yes for a corrected typo, no where the sense may differ.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the ledger.")
@click.option("--by", metavar="NAME", help="Who decided it (default: your name on this machine).")
@click.pass_obj
def supersede(root: Root, old: str, new: str, carries: bool, reason: str, by: str | None) -> None:
    """Enter that the post (or photo text) NEW follows OLD, which left the corpus, once a person has compared the two.

    The last decision on OLD holds. NEW stays in OLD's split of a release, whatever is decided.
    """
    from toolkit.corpus.lineage import supersede as enter

    enter(root.tables(), old, new, carries=carries, reason=reason, by=by)
    say(f"{new} follows {old}; its judgements {'carry over' if carries else 'do not carry over'}")
