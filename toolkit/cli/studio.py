"""``docposts studio …``: the embedded Label Studio."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

import click

from toolkit.cli.common import Root, enter, json_option, print_json, progress, say


@click.group()
def studio() -> None:
    """The embedded Label Studio: install it once, start and stop it."""


@studio.command()
@click.option(
    "--check", is_flag=True, help="Say whether what is installed is whole and of this version; install nothing."
)
def install(check: bool) -> None:
    """Make Label Studio's own Python environment (once for all workspaces; about 1 GB, one to three minutes).

    What another version of docposts made is left for it; a damaged or unfinished one of this version is made again.
    """
    from toolkit.errors import ChecksFailed
    from toolkit.labelstudio import environment as made

    if check:
        found = made.find_environment()
        with progress("checking Label Studio"):
            problems = made.problems(found)
        if problems:
            raise ChecksFailed(
                f"{found.folder}: {'; '.join(problems)}", hint=f"remove {found.folder}, then install again"
            )
        say(f"Label Studio {found.version} in {found.folder} is whole")
        return
    before = made.others()
    with progress("installing Label Studio") as show:
        environment = made.install(progress=show)
    say(f"Label Studio {environment.version} is installed in {environment.folder}")
    for other in before:
        say(
            f"  another version of docposts installed {other.version} in {other.folder}: remove it if you use that no more"
        )


@studio.command()
@click.option("--port", type=int, help="The port (default: a free one). Never another than asked for.")
@click.pass_obj
def up(root: Root, port: int | None) -> None:
    """Start Label Studio on 127.0.0.1, with an account for each annotator and adjudicator of the settings."""
    from toolkit.errors import StudioError
    from toolkit.labelstudio.connect import embedded

    workspace = root.workspace()
    if workspace.settings.label_studio.url:
        raise StudioError(
            f"docposts.toml names another server, {workspace.settings.label_studio.url}",
            hint="docposts studio status; or empty label_studio.url for one of the workspace's own",
        )
    server = embedded(workspace)
    with progress("starting Label Studio"):
        address = server.up(port)
        accounts = server.accounts(workspace.settings.people)
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
    """Say whether it runs, where, and which version; of another server, who the token makes you there."""
    from toolkit.labelstudio.connect import embedded

    workspace = root.workspace()
    if workspace.settings.label_studio.url:
        server = enter(workspace)
        other = {"url": server.url, "version": server.version(), "account": server.whoami()}
        if as_json:
            print_json(other)
        else:
            click.echo(server.url)
            say(f"Label Studio {other['version']}, another server (docposts.toml), entered as {other['account']}")
        return
    found = embedded(workspace).status()
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


@studio.command("open")
@click.pass_obj
def open_page(root: Root) -> None:
    """Open Label Studio's list of projects in your browser, and print its address."""
    url = f"{enter(root.workspace()).url}/projects/"
    click.echo(url)
    click.launch(url)


@studio.group()
def user() -> None:
    """People's accounts."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["annotator", "adjudicator"]), required=True, help="What they do.")
@click.option("--email", help="On another server: the account's address.")
@click.pass_obj
def add(root: Root, name: str, role: Literal["annotator", "adjudicator"], email: str | None) -> None:
    """Make an account that can log in, with a token, and add NAME to docposts.toml.

    On another server that is done through its invitation link, and needs the token of an account that may invite.
    Passwords and tokens are kept where only you can read them.
    """
    from toolkit.labelstudio.accounts import check_names, join
    from toolkit.labelstudio.connect import embedded
    from toolkit.people import add_person

    workspace = root.workspace()
    check_names([name])
    url = workspace.settings.label_studio.url
    if url and not email:
        raise click.UsageError(f"on {url} an account needs an address: --email")
    if email and not url:
        raise click.UsageError("--email is for another server; on the embedded one the name makes the address")
    with workspace.lock():
        # The settings first: what they refuse makes no account.
        workspace = add_person(workspace, name, role, email or "")
        if url:
            account = join(workspace.studio_dir, enter(workspace), name, email or "")
            kept = "remote-accounts.json"
        else:
            account = embedded(workspace).accounts([name])[name]
            kept = "accounts.json"
    say(f"{name} ({role}) logs in as {account.email}")
    say(f"password: {workspace.studio_dir / kept} (readable by you alone)")
    say("  next: docposts tasks push")
