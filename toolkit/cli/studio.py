"""``docposts studio …``: the embedded Label Studio."""

from __future__ import annotations

from dataclasses import asdict

import click

from toolkit.cli.common import Root, json_option, print_json, progress, say


@click.group()
def studio() -> None:
    """The embedded Label Studio: install it once, start and stop it."""


@studio.command()
def install() -> None:
    """Make Label Studio's own Python environment (once for all workspaces; about 1 GB, one to three minutes)."""
    from toolkit.labelstudio.environment import install as install_environment

    with progress("installing Label Studio") as show:
        environment = install_environment(progress=show)
    say(f"Label Studio {environment.version} is installed in {environment.folder}")


@studio.command()
@click.option("--port", type=int, help="The port (default: a free one). Never another than asked for.")
@click.pass_obj
def up(root: Root, port: int | None) -> None:
    """Start Label Studio on 127.0.0.1, with an account for each annotator and adjudicator of the settings."""
    from toolkit.labelstudio.connect import embedded

    workspace = root.workspace()
    server = embedded(workspace)
    with progress("starting Label Studio"):
        people = [*workspace.settings.tasks.annotators, workspace.settings.tasks.adjudicator]
        address = server.up(port)
        accounts = server.accounts([name for name in people if name])
    click.echo(address.url)
    for account in accounts.values():
        say(f"  {account.name} logs in as {account.email}")
    say(f"passwords: {workspace.studio_dir / 'accounts.json'} (readable by you alone)")
    say("  next: docposts tasks push")


@studio.command()
@click.pass_obj
def down(root: Root) -> None:
    """Stop it. Nothing is lost: its data stay in the workspace."""
    from toolkit.labelstudio.connect import embedded

    embedded(root.workspace()).down()
    say("Label Studio is stopped")


@studio.command()
@json_option
@click.pass_obj
def status(root: Root, as_json: bool) -> None:
    """Say whether it runs, where, and which version."""
    from toolkit.labelstudio.connect import embedded

    found = embedded(root.workspace()).status()
    if as_json:
        print_json(asdict(found))
    elif found.running:
        click.echo(found.url)
        say(f"Label Studio {found.version} runs (process {found.pid})")
    else:
        say(
            f"Label Studio does not run; {f'version {found.version} is installed' if found.version else 'it is not installed'}"
        )
        say(f"  next: docposts studio {'up' if found.version else 'install'}")
