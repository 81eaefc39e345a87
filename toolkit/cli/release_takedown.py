"""``docposts release takedown``: what no later release holds."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say


@click.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--account", is_flag=True, help="ID is an account: its id, or PLATFORM/HANDLE, which is not kept.")
@click.option("--reason", default="", help="Why, for the ledger; write no names of people.")
@click.option("--by", default="", metavar="NAME", help="Who asked or decided, for the ledger.")
@json_option
@click.pass_obj
def takedown(root: Root, name: str | None, account: bool, reason: str, by: str, as_json: bool) -> None:
    """Put a post, or all posts of an account, on the list of what no later release holds; without ID, print the list.

    Releases that are out stay as they are: cut and push another, and tell those who have copies. What is to vanish from
    this workspace too: docposts purge.
    """
    from toolkit.release import takedown as listed

    workspace = root.workspace()
    if name is not None:
        from toolkit.corpus import store

        version = store.open_version(workspace)
        tables = {table: version.table(table) for table in ("posts", "accounts")}
        new = listed.enter(workspace, tables, "account" if account else "post", name, reason=reason, by=by)
        say(f"{'an account' if account else name} is on the list{'' if new else ' already'}")
        say("  next: docposts release cut")
        return
    rows = listed.records(workspace.ledger)
    print_json(rows) if as_json else print_table(rows, ("kind", "id", "reason", "by"))
