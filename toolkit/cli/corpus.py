"""``docposts corpus …``: versions of the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say

if TYPE_CHECKING:
    from toolkit.corpus.build import Proposals


@click.group()
def corpus() -> None:
    """Versions of the corpus: Parquet tables made of the accepted spans."""


@corpus.command()
@click.option("--repair", is_flag=True, help="Write missing or damaged parts again.")
@click.option(
    "--with-proposals/--without-proposals",
    "take",
    default=None,
    help="Take proposed spans that nobody accepted, their rows marked unreviewed; or leave their sources out "
    "(default: refuse to build).",
)
@json_option
@click.pass_obj
def build(root: Root, repair: bool, take: bool | None, as_json: bool) -> None:
    """Build the next version; where nothing changed, none is made."""
    from toolkit.corpus.build import build as build_corpus

    proposals: Proposals = "refuse" if take is None else ("take" if take else "leave")
    with progress("building") as show:
        built = build_corpus(root.workspace(), repair=repair, proposals=proposals, progress=show)
    manifest = built.version.manifest
    if as_json:
        changes = {name: change._asdict() for name, change in built.changes.items()}
        print_json({"new": built.new, "changes": changes, "skipped": built.skipped} | dict(manifest))
        return
    print_table([{"table": name, "rows": entry["rows"]} for name, entry in manifest["tables"].items()])
    step = f" ({manifest['step']} step)" if built.new and manifest["step"] else ""
    say(f"corpus {manifest['version']}{step}: {'new' if built.new else 'unchanged'}, in {built.version.folder}")
    if unreviewed := manifest.get("unreviewed"):
        say(f"taken as proposed, nobody has reviewed them: {', '.join(unreviewed)}")
    for reason, names in built.skipped.items():
        say(f"left out, {reason}: {', '.join(names)}")
    lost = sum(built.changes[name].removed for name in ("posts", "photo_texts") if name in built.changes)
    if built.new and lost:
        say(f"{lost} posts or photo texts are no longer there: docposts corpus lineage says what follows them")
    say("  next: docposts tasks push")


@corpus.command()
@json_option
@click.pass_obj
def log(root: Root, as_json: bool) -> None:
    """List the versions, newest first."""
    from toolkit.corpus.store import versions

    rows = [
        {
            "version": found.manifest["version"],
            "previous": found.manifest["previous"],
            "step": found.manifest["step"],
            "sources": len(found.manifest["sources"]),
            "posts": found.manifest["tables"]["posts"]["rows"],
            "photo_texts": found.manifest["tables"]["photo_texts"]["rows"],
            "input": found.manifest["input_digest"][:12],
            "purged": len(found.manifest.get("purged", [])),
        }
        for found in reversed(versions(root.workspace()))
    ]
    print_json(rows) if as_json else print_table(rows)
