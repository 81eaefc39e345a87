"""A version after another: the build that compares the two, ``docposts corpus diff`` of them, and the purge of one post.

    python -m benchmarks.versions [POSTS …]

Posts are those of :mod:`benchmarks.posts`. A change is either *some*: one post in a hundred has another text, and the last
hundredth is gone; or *all*: the table's campaign is named, so that every row has another value. The commands run from the shell
and are watched with the processes that they start.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import meter, posts

_MAP = ("id=platform_object_id", "text=text", "account=account", "time=posted_at")
_EVERY = 100
Figures = dict[str, float]


def docposts(workspace: Path, *words: str) -> meter.Used:
    """Run a command of ours in a workspace."""
    return meter.run([sys.executable, "-m", "toolkit", "-C", str(workspace), *words])


def added(workspace: Path, table: Path) -> None:
    """Make a workspace with one table in it."""
    meter.run([sys.executable, "-m", "toolkit", "init", str(workspace), "--name", "bench"])
    mapping = [word for pair in _MAP for word in ("--map", pair)]
    docposts(workspace, "source", "add", str(table), "--id", "posts", *mapping, "--platform", "Chirpyard")


def edited(table: Path, to: Path) -> None:
    """Write the same posts, of which one in a hundred has another text, and the last hundredth is not there."""
    with pq.ParquetFile(table) as file, pq.ParquetWriter(to, file.schema_arrow, compression="zstd") as out:
        start, keep = 0, file.metadata.num_rows * (_EVERY - 1) // _EVERY
        for batch in file.iter_batches(50_000):
            number = pa.array(range(start, start := start + batch.num_rows))
            place = pc.subtract(number, pc.multiply(pc.divide(number, _EVERY), _EVERY))
            changed = pc.binary_join_element_wise(batch["text"], "edited", " ")
            text = pc.if_else(pc.equal(place, 1), changed, batch["text"])
            made = batch.set_column(batch.schema.get_field_index("text"), "text", text)
            out.write_batch(made.filter(pc.less(number, keep)))


def change(workspace: Path, what: str, folder: Path, table: Path) -> None:
    """Change the table of a workspace in place, as a merge with a colleague's copy of it would."""
    if what == "all":
        path = workspace / "sources" / "posts" / "source.toml"
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("campaign")]
        path.write_text("\n".join(['campaign = "Ferry Bell"', *lines, ""]), encoding="utf-8")
        return
    other, colleague = folder / "edited.parquet", folder / "colleague"
    edited(table, other)
    added(colleague, other)
    shutil.rmtree(workspace / "sources" / "posts")
    shutil.move(colleague / "sources" / "posts", workspace / "sources" / "posts")
    shutil.rmtree(colleague)


def first_post(workspace: Path) -> str:
    """Return the id of some post of the latest version."""
    from toolkit.corpus.store import open_version
    from toolkit.workspace import Workspace

    batch = next(iter(open_version(Workspace.open(workspace)).batches("posts", ["post_id"])))
    return str(batch["post_id"][0])


def measure(count: int, folder: Path) -> dict[str, Figures]:
    """Return command → processor time in seconds and peak memory in MB, at so many posts."""
    table, workspace = folder / "posts.parquet", folder / "workspace"
    posts.make(count, table)
    added(workspace, table)
    found: dict[str, Figures] = {}

    def watched(name: str, *words: str) -> meter.Used:
        used = docposts(workspace, *words)
        found[name] = {"seconds": round(used.seconds, 1), "cpu": round(used.cpu, 1), "peak_mb": round(used.peak)}
        print(f"{count:,} {name}: {found[name]}", file=sys.stderr, flush=True)
        return used

    watched("build", "corpus", "build")
    for what in ("some", "all"):
        change(workspace, what, folder, table)
        watched(f"{what}: build", "corpus", "build")
        watched(f"{what}: diff", "corpus", "diff")
        watched(f"{what}: diff -o", "corpus", "diff", "-o", str(folder / "changes.parquet"))
        watched(f"{what}: diff --json", "corpus", "diff", "--json")
    watched("verify", "corpus", "verify", "0.3.0", "--not-again")
    watched("purge", "purge", "post", first_post(workspace), "--yes", "--reason", "measured", "--by", "bench")
    return found


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("posts", nargs="*", type=int, default=[100_000])
    chosen = parser.parse_args()
    results = {}
    for count in chosen.posts:
        with tempfile.TemporaryDirectory(prefix="docposts-bench-") as scratch:
            results[count] = measure(count, Path(scratch))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
