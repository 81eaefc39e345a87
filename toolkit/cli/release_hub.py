"""``docposts release push``: a release folder to a dataset repository on the Hugging Face Hub."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say
from toolkit.cli.release_folder import own_workspace, release_folder, release_option

if TYPE_CHECKING:
    from toolkit.release.push import PushPlan


@click.command()
@click.argument("repo", metavar="ORG/NAME")
@release_option
@click.option("--private/--public", default=None, help="Who may see it (default: as it is; private where it is new).")
@click.option("--pr", "pull_request", is_flag=True, help="Open a pull request for review, and set no tag.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and end.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@json_option
@click.pass_obj
def push(
    root: Root,
    repo: str,
    release: str | None,
    private: bool | None,
    pull_request: bool,
    only_plan: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Push a release to the Hugging Face Hub: a plan, one commit, checked and loaded back, then the tag.

    Only a release of which no check fails and every essential one was run is pushed, and none with simulated labels. The
    token is taken from HF_TOKEN or from 'hf auth login'. Stopped anywhere and run again, it goes on from there.
    """
    from toolkit.errors import UsageError
    from toolkit.release import push as hub
    from toolkit.release.checks import checked

    chosen = release_folder(root, release)
    with progress("checking the release, and what the Hub has") as show:
        hub.within_reach(chosen, repo)
        gates = checked(chosen.path, own_workspace(root))
        planned = hub.plan(chosen, repo, gates, private=private, pull_request=pull_request)
    if only_plan or not as_json:
        _print(planned, as_json=as_json)
    if only_plan:
        return
    if not planned.done and not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is here to say yes to the plan", hint="add --yes, or --plan to look at it alone")
        click.confirm("push?", abort=True, err=True)
    with progress(f"pushing {planned.version}") as show:
        done = hub.push(chosen, planned, progress=show)
    if as_json:
        print_json(_record(planned) | {"commit": done.commit, "tag": done.tag, "url": done.url})
        return
    click.echo(done.url)
    say(f"release {planned.version}: commit {done.commit[:12]}, {f'tag {done.tag}' if done.tag else 'awaits review'}")
    if done.tag:
        say(f'  next: datasets.load_dataset("{repo}", "posts", revision="{done.tag}")')
    else:
        say(f"  next: once it is merged, docposts release push {repo} sets the tag")


def _print(planned: PushPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(_record(planned))
        return
    changes = {"send": planned.send, "rename": tuple(planned.moved), "unchanged": planned.unchanged}
    changes["delete"] = planned.delete
    print_table([{"what": what, "files": len(paths), "which": paths[:8]} for what, paths in changes.items() if paths])
    access = "private" if planned.private else "public"
    say(
        f"{planned.repo}: {'new, ' if planned.create else ''}{access}{', access on request' if planned.gate else ''}; "
        f"{planned.bytes:,} bytes to send; "
        + (f"tagged {planned.tag} already" if planned.tagged else f"one commit, then tag {planned.tag}")
    )


def _record(planned: PushPlan) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(planned)
