"""The same build on each engine, in one run: embedded processes, Sail, and Apache Spark Connect servers, as ratios.

    python -m benchmarks.engines                   1,000,000 posts
    python -m benchmarks.engines 10000000          another number
    python -m benchmarks.engines --engines local spark

``spark`` is a server of one process with two threads (``local[2]``), ``spark-cluster`` one with two executors of their own
(``local-cluster[2,1,1024]``), both with a shared folder on this disk; ``spark-alone`` is such a cluster without one. Needs Java
17 (tests/plugins/spark.py). Time is the build's alone; processor time and peak memory are those of all processes, a server's
start included. What is built must be the same, byte for byte; anything else is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import meter, posts
from benchmarks.build import _MAP, docposts

ENGINES = ("local", "sail", "spark", "spark-cluster", "spark-alone")
_MASTER = {"spark": "local[2]", "spark-cluster": "local-cluster[2,1,1024]", "spark-alone": "local-cluster[2,1,1024]"}


def run(engine: str, workspace: Path, scratch: Path) -> None:
    """Build on an engine, whose server is started first, and print the seconds that the build took."""
    from tests.plugins.spark import install, spark_server

    options = ["--engine", engine]
    with ExitStack() as stack:
        if engine in _MASTER:
            scratch.mkdir()
            server = stack.enter_context(spark_server(install(), _MASTER[engine], scratch))
            options = ["--engine", server.url]
            options += [] if engine == "spark-alone" else ["--shared", str(scratch / "shared")]
        command = [sys.executable, "-m", "toolkit", "-C", str(workspace), "corpus", "build", *options]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
        print(f"seconds {time.perf_counter() - started:.2f}")


def measure(count: int, engines: list[str], folder: Path) -> list[dict[str, Any]]:
    """Make a workspace of so many posts and build it on each engine."""
    from tests.test_corpus import tree

    table, workspace = folder / "posts.parquet", folder / "workspace"
    posts.make(count, table)
    docposts("init", str(workspace), "--name", "bench")
    mapping = [word for pair in _MAP for word in ("--map", pair)]
    docposts("-C", str(workspace), "source", "add", str(table), *mapping, "--platform", "Chirpyard")
    table.unlink()
    results: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for engine in engines:
        command = [sys.executable, "-m", "benchmarks.engines", "--one", engine, str(workspace), str(folder / engine)]
        used = meter.run(command)
        built = tree(workspace / "corpus")
        first = first or built
        if built != first:
            raise RuntimeError(f"{engine} built something else than {engines[0]}")
        manifest = json.loads((workspace / "corpus" / "0.1.0" / "manifest.json").read_text(encoding="utf-8"))
        seconds = float(used.output.rpartition("seconds ")[2].split()[0])
        results.append(
            {"engine": engine, "rows": count, "seconds": seconds, "cpu": used.cpu, "peak": used.peak}
            | {
                "posts": manifest["tables"]["posts"]["row_digest"],
                "links": manifest["tables"]["post_links"]["row_digest"],
            }
        )
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
        shutil.rmtree(workspace / "corpus")
        shutil.rmtree(folder / engine, ignore_errors=True)
    return results


def page(results: list[dict[str, Any]]) -> str:
    """Return the table: figures, and ratios to the first engine."""
    base = results[0]
    lines = [
        f"{base['rows']:,} posts, {os.cpu_count()} cores; in brackets: times the first engine's",
        "",
        "| engine | posts a second | time | processor time | peak memory, all processes |",
        "|---|---|---|---|---|",
    ]
    for row in results:
        cells = [f"{row['rows'] / row['seconds']:,.0f}"]
        for name, unit in (("seconds", "s"), ("cpu", "s"), ("peak", "MB")):
            cells.append(f"{row[name]:,.0f} {unit} ({row[name] / base[name]:.1f})")
        lines.append(f"| {row['engine']} | {' | '.join(cells)} |")
    same = f"Row digest of posts {base['posts'][:16]}, of post_links {base['links'][:16]}: the same on each, as is every file."
    return "\n".join([*lines, "", same, ""])


def main() -> None:
    """Measure."""
    if sys.argv[1:2] == ["--one"]:
        run(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="docposts-bench-") as scratch:
        print(page(measure(chosen.rows, chosen.engines, Path(scratch))))


if __name__ == "__main__":
    main()
