"""``docposts release hydrate``: a dehydrated release with its texts, from one's own copies."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, say


@click.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.argument("to", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Exit code 0 even where some rows stay without text.")
@json_option
@click.pass_obj
def hydrate(root: Root, release: Path, to: Path, partial: bool, as_json: bool) -> None:
    """Write the dehydrated RELEASE to a new FOLDER with the texts that this workspace's corpus holds.

    First rebuild the posts from your own copies of the reports: docposts source hydrate RECIPE COPY, docposts corpus build.
    What comes back is for private use. Rows that are not there, or whose text differs, are named; exit code 3.
    """
    from toolkit.corpus import store
    from toolkit.errors import ChecksFailed
    from toolkit.release.folder import Folder
    from toolkit.release.hydrate import hydrate as fill

    version = store.open_version(root.workspace())
    tables = {name: version.table(name) for name in ("posts", "photo_texts", "text_layers")}
    done = fill(Folder(release), tables, to)
    if as_json:
        print_json({"folder": str(done.folder), "filled": done.filled, "missing": dict(done.missing)})
    else:
        click.echo(done.folder)
    say(f"{done.filled} rows have their text again")
    for name, why in done.missing.items():
        say(f"  {name}: {why}")
    if done.missing and not partial:
        raise ChecksFailed(f"{len(done.missing)} rows stay without text (--partial takes that as it is)")
