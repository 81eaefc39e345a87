"""``docposts corpus …``: versions of the corpus."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, progress, say

if TYPE_CHECKING:
    from toolkit.corpus.build import Proposals
    from toolkit.corpus.store import CorpusVersion
    from toolkit.workspace import Workspace

# Bytes of a table that has more blocks than one.
_LARGE = 8 << 20


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
@click.option(
    "--workers", default=0, metavar="N", help="Processes for large tables (default: as many as there are cores)."
)
@click.option("--memory", default=1000, show_default=True, metavar="MB", help="What all of them may take together.")
@click.option(
    "--engine",
    "name",
    default="local",
    show_default=True,
    metavar="local|sail|sc://HOST:PORT",
    help="Who computes: processes of this machine; Sail, a Spark-compatible engine inside this process; or a Spark 4 "
    "cluster through Spark Connect (--workers: blocks at a time).",
)
@click.option(
    "--shared",
    default=None,
    metavar="URL",
    help="For a cluster: a folder that this machine and the cluster's workers reach (a path, s3://…, gs://…, az://…), "
    "through which files go while it builds (default: everything goes through the connection).",
)
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For a cluster whose workers lack the package: an archive of a Python environment (venv-pack), sent along.",
)
@json_option
@click.pass_obj
def build(root: Root, /, repair: bool, take: bool | None, as_json: bool, **chosen: Any) -> None:
    """Build the next version; where nothing changed, none is made.

    Sources that did not change are not gone through again. The result is the same for any number of workers and on
    every engine (docs/scale.md).
    """
    local = chosen["name"] == "local"
    # Spark's own client brings pandas along.
    workspace = root.tables() if local else root.workspace()
    if local and chosen["workers"] != 1 and _has_large_tables(workspace):
        from toolkit.corpus import pool

        pool.prepare()

    from toolkit.corpus.build import build as build_corpus
    from toolkit.corpus.engines import Choice
    from toolkit.sources import registry
    from toolkit.sources.guesses import only_guesses

    proposals: Proposals = "refuse" if take is None else ("take" if take else "leave")
    with progress("building") as show:
        built = build_corpus(workspace, repair=repair, proposals=proposals, engine=Choice(**chosen), progress=show)
    manifest = built.version.manifest
    guessed = {s.id: number for s in registry.sources(workspace) if (number := only_guesses(s))}
    if as_json:
        changes = {name: change._asdict() for name, change in built.changes.items()}
        about = {"new": built.new, "changes": changes, "skipped": built.skipped, "processed": list(built.processed)}
        print_json(about | dict(manifest))
        return
    print_table([{"table": name, "rows": entry["rows"]} for name, entry in manifest["tables"].items()])
    step = f" ({manifest['step']} step)" if built.new and manifest["step"] else ""
    say(f"corpus {manifest['version']}{step}: {'new' if built.new else 'unchanged'}, in {built.version.folder}")
    if unreviewed := manifest.get("unreviewed"):
        say(f"taken as proposed, nobody has reviewed them: {', '.join(unreviewed)}")
    if built.processed:
        say(f"processed {len(built.processed)} of {len(manifest['sources'])} sources: {', '.join(built.processed)}")
    for source_id, reasons in manifest.get("dropped", {}).items():
        say(f"not taken of {source_id}: {', '.join(f'{number} × {reason}' for reason, number in reasons.items())}")
    for source_id, number in guessed.items():
        say(f"facts.toml of {source_id} is a draft that nobody has reviewed: {number} guesses, none in effect")
    for alarm in manifest.get("alarms", []):
        say(f"look at cluster {alarm['cluster_id']}: {alarm['texts']} different texts in {alarm['posts']} posts")
    for reason, names in built.skipped.items():
        say(f"left out, {reason}: {', '.join(names)}")
    lost = sum(built.changes[name].removed for name in ("posts", "photo_texts") if name in built.changes)
    if built.new and lost:
        say(f"{lost} posts or photo texts are no longer there: docposts corpus lineage says what follows them")
    say("  next: docposts tasks push")


def _has_large_tables(workspace: Workspace) -> bool:
    return any(path.stat().st_size > _LARGE for path in workspace.sources_dir.glob("*/rows.parquet"))


@corpus.command()
@json_option
@click.pass_obj
def log(root: Root, as_json: bool) -> None:
    """List the versions, newest first."""
    from toolkit.corpus.store import versions

    made = versions(root.workspace())
    processed = {}
    for found in made:
        # What an earlier version had made of the same inputs was used again.
        before = {d for other in made if other.version < found.version for d in _inputs(other).values()}
        processed[str(found.version)] = ", ".join(name for name, d in _inputs(found).items() if d not in before)
    rows = [
        {
            "version": found.manifest["version"],
            "previous": found.manifest["previous"],
            "step": found.manifest["step"],
            "sources": len(found.manifest["sources"]),
            "posts": found.manifest["tables"]["posts"]["rows"],
            "photo_texts": found.manifest["tables"]["photo_texts"]["rows"],
            "processed": processed[str(found.version)],
            "input": found.manifest["input_digest"][:12],
            "purged": len(found.manifest.get("purged", [])),
        }
        for found in reversed(made)
    ]
    print_json(rows) if as_json else print_table(rows)


def _inputs(version: CorpusVersion) -> Mapping[str, str]:
    inputs: Mapping[str, str] = version.manifest.get("inputs", {})
    return inputs
