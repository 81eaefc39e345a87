"""``docposts corpus publish|fetch``: versions on shared storage."""

from __future__ import annotations

import click

from toolkit.cli.common import Root, json_option, print_json, progress, say


@click.command()
@click.argument("url")
@click.option("--version", metavar="X.Y.Z", help="Which version (default: the latest).")
@json_option
@click.pass_obj
def publish(root: Root, url: str, version: str | None, as_json: bool) -> None:
    """Publish a version to shared storage: s3://, gs://, az://, a path, or what else fsspec knows.

    Parts that are there are not copied again; the manifest comes last, and only where there is none, so that a version is
    there whole or not at all. URL is a folder for all versions of this workspace. Object stores need the extra 'storage' and
    take credentials and endpoint from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, …).
    """
    from toolkit.corpus import publication, store

    with progress("publishing") as show:
        done = publication.publish(store.open_version(root.workspace(), version), url, show)
    if as_json:
        print_json(done._asdict())
        return
    say(f"{done.address}: {'new' if done.new else 'unchanged'}, {done.copied} of {done.parts} parts copied")


@click.command()
@click.argument("url")
@click.option("--version", metavar="X.Y.Z", help="Which version (default: the latest that is there).")
@click.pass_obj
def fetch(root: Root, url: str, version: str | None) -> None:
    """Bring a published version here, into a workspace whose ledger knows it (a clone without its corpus).

    Every file is held against its hash in the ledger or the manifest.
    """
    from toolkit.corpus import publication
    from toolkit.corpus.steps import Version
    from toolkit.errors import InputError

    workspace = root.workspace()
    if version is None:
        found = publication.versions(url)
        if not found:
            raise InputError(f"no version is published at {url}", hint="docposts corpus publish URL")
        wanted = found[-1]
    else:
        wanted = Version.parse(version)
    with progress("fetching") as show:
        fetched = publication.fetch(workspace, url, wanted, show)
    say(f"corpus {fetched.version}: fetched, in {fetched.folder}")
