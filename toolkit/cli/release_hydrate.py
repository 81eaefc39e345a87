"""``docposts release hydrate``: a dehydrated release with its texts, from one's own copies."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, say


@click.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.argument("to", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with images of the reports, besides those that this workspace's sources hold; names do not matter.",
)
@click.option("--partial", is_flag=True, help="Exit code 0 even where rows stay without text or images are others.")
@json_option
@click.pass_obj
def hydrate(root: Root, release: Path, to: Path, images: Path | None, partial: bool, as_json: bool) -> None:
    """Write the dehydrated RELEASE to a new FOLDER with the texts, narratives and images that this workspace holds.

    First rebuild the posts from your own copies of the reports: docposts source hydrate RECIPE COPY, docposts corpus build.
    What comes back is for private use. Texts and images are told by their hashes, an image by its pixels alone, narratives by
    their ids or by their report's hash. Rows that are not there or whose text differs, and images that are others than those
    documented, are named, and stay as they are; exit code 3. Images, and prose of quotable reports, of which there is no copy are
    named as well. Display names of public accounts come back as this corpus has them, with nothing to hold them against.
    """
    from toolkit.corpus import store
    from toolkit.errors import ChecksFailed
    from toolkit.release.folder import Folder
    from toolkit.release.hydrate import NEEDED, image_files
    from toolkit.release.hydrate import hydrate as fill

    workspace = root.workspace()
    version = store.open_version(workspace)
    tables = {name: version.table(name) for name in NEEDED}
    done = fill(Folder(release), tables, to, image_files(workspace, images))
    if as_json:
        names = ["folder", "filled", "images", "narratives", "accounts"]
        names += ["missing", "images_missing", "narratives_missing"]
        print_json({name: getattr(done, name) for name in names})
    else:
        click.echo(done.folder)
    say(f"{done.filled} rows have their text again")
    for name, why in done.missing.items():
        say(f"  {name}: {why}")
    if done.images or done.images_missing:
        say(f"{done.images} images are back")
    for name, why in done.images_missing.items():
        say(f"  {name}: {why}")
    if done.narratives or done.narratives_missing:
        say(f"{done.narratives} narratives have what their reports say again")
    for name, why in done.narratives_missing.items():
        say(f"  {name}: {why}")
    if done.accounts:
        say(f"{done.accounts} public accounts have their names again, as this corpus has them")
    wrong = {
        "rows stay without text": len(done.missing),
        "narratives stay without words": len(done.narratives_wrong),
        "images are others": len(done.others),
    }
    if any(wrong.values()) and not partial:
        told = ", ".join(f"{count} {what}" for what, count in wrong.items() if count)
        raise ChecksFailed(f"{told} (--partial takes that as it is)")
