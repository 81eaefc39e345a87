"""The build of a corpus, beside what a user would write instead and the least that could be done; in one run, as ratios.

    python -m benchmarks.build                       10, 100,000 and 1,000,000 posts
    python -m benchmarks.build 10 100000 10000000    other numbers
    python -m benchmarks.build --docs docs …         writes docs/benchmarks.md and docs/benchmarks.svg too

Ours is ``docposts corpus build`` on a table that was added before, from the shell, everything included: languages, scripts,
entities, hashes, near-duplicates verified, keys checked, files flushed. *Naive* (:mod:`benchmarks.naive`) runs on as many rows
as --naive says, since a million would take an hour: its rate is that of these. *Limit* is two processes that read the table's
rows and write the tables of the version, whose columns are there already, and do nothing else. A machine's speed may wander:
of up to a million posts all three are run three times, in turn, and the best of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import meter, posts

# How often, of how many posts at most.
_RUNS, _OFTEN = 3, 1_000_000
_MAP = ("id=platform_object_id", "text=text", "account=account", "time=posted_at")
Result = dict[str, Any]


def docposts(*words: str) -> meter.Used:
    """Run a command of ours."""
    return meter.run([sys.executable, "-m", "toolkit", *words])


def measure(count: int, folder: Path, workers: int, memory: int, beside: Callable[[], None]) -> Result:
    """Make, add and build so many posts, in turn with what they are measured ``beside``."""
    table, workspace = folder / "posts.parquet", folder / "workspace"
    posts.make(count, table)
    docposts("init", str(workspace), "--name", "bench")
    mapping = [word for pair in _MAP for word in ("--map", pair)]
    added = docposts("-C", str(workspace), "source", "add", str(table), *mapping, "--platform", "Chirpyard")
    runs, limits = [], []
    for number in range(_RUNS if count <= _OFTEN else 1):
        beside()
        shutil.rmtree(workspace / "corpus", ignore_errors=True)
        options = ("--workers", str(workers), "--memory", str(memory))
        runs.append(docposts("-C", str(workspace), "corpus", "build", *options))
        limits.append(read_and_write(workspace, workers))
        print(f"  build {number + 1}: {runs[-1].seconds:.2f} s, limit {limits[-1]:.2f} s", file=sys.stderr)
    built = min(runs, key=lambda used: used.seconds)
    again = docposts("-C", str(workspace), "corpus", "build")
    return {
        "rows": count,
        "seconds": built.seconds,
        "cpu": built.cpu,
        "peak": built.peak,
        "rate": count / built.seconds,
        "unchanged": again.seconds,
        "add": count / added.seconds,
        "add_peak": added.peak,
        "limit": count / min(limits),
    } | truth(table, workspace)


def truth(table: Path, workspace: Path) -> Result:
    """Hold the clusters against how the posts were made: which copies are with their original, which strangers are together."""
    from toolkit.corpus.store import open_version
    from toolkit.sources.tabular.rows import post_id_of
    from toolkit.workspace import Workspace

    version = open_version(Workspace.open(workspace))
    cluster: dict[str, str] = {}
    for batch in version.batches("clusters", ["post_id", "cluster_id"]):
        cluster |= dict(zip(batch["post_id"].to_pylist(), batch["cluster_id"].to_pylist(), strict=True))
    made = pq.read_table(table, columns=["id", "row", "origin"])
    names = [post_id_of("Chirpyard", native) for native in made["id"].to_pylist()]
    origin = made["origin"].to_numpy()
    copies = np.flatnonzero(origin != made["row"].to_numpy())
    together = sum(cluster.get(names[i], i) == cluster.get(names[origin[i]], -1) for i in copies.tolist())
    roots: dict[str, set[int]] = {}
    for i, name in enumerate(names):
        if name in cluster:
            roots.setdefault(cluster[name], set()).add(int(origin[i]))
    largest = max((len(own) for own in roots.values()), default=0)
    return {"found": together / len(copies) if len(copies) else None, "largest": largest}


def read_and_write(workspace: Path, workers: int) -> float:
    """Return the seconds that processes take to read a table's rows and write the parts made of them."""
    from toolkit.corpus.store import open_version
    from toolkit.rowdigest import BLOCK
    from toolkit.workspace import Workspace

    version = open_version(Workspace.open(workspace))
    rows = next((workspace / "sources").glob("*/rows.parquet"))
    files = {name: [path for _, path in version.part_files(name)] for name in version.manifest["tables"]}
    made = {name: files.pop(name) for name in ("posts", "text_layers")}
    jobs = [
        _Copy(number * BLOCK, (number + 1) * BLOCK, {n: own[number] for n, own in made.items()}, rows, workspace)
        for number in range(len(made["posts"]))
    ]
    # What is made of all rows together.
    jobs += [_Copy(0, 0, {name: path}, rows, workspace) for name, own in files.items() for path in own]
    with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
        seconds = list(pool.map(_copy, jobs))
    # All work at once: what takes one so long takes so many a part of it.
    return sum(seconds) / min(workers, len(jobs))


class _Copy(NamedTuple):
    """Rows of a table to be read, and parts to be written, by table, into a folder."""

    start: int
    stop: int
    parts: dict[str, Path]
    rows: Path
    folder: Path


def _copy(job: _Copy) -> float:
    from toolkit.parquet import read_rows

    pa.set_cpu_count(1)
    held = {name: pq.read_table(path, use_threads=False) for name, path in job.parts.items()}
    started = time.perf_counter()
    for _ in read_rows(job.rows, job.start, job.stop):
        pass
    for name, table in held.items():
        out = job.folder / f"limit-{name}-{os.getpid()}.parquet"
        pq.write_table(table, out, compression="zstd", compression_level=1)
        with out.open("rb+") as file:
            os.fsync(file.fileno())
    return time.perf_counter() - started


def naive(count: int, folder: Path) -> Result:
    """Run what a user would write on so many posts."""
    table = folder / "naive.parquet"
    posts.make(count, table)
    used = meter.run([sys.executable, "-m", "benchmarks.naive", str(table), str(count)])
    seconds = float(used.output.rpartition("seconds ")[2].split()[0])
    return {"rows": count, "rate": count / seconds, "peak": used.peak, "cpu": used.cpu}


def page(results: Sequence[Result], beside: Result, workers: int) -> str:
    """Return the results as Markdown."""
    lines = [
        f"Two processes that read and write, ours with {workers} workers, and what a user would write instead, in turn on one",
        f"machine whose speed wanders: of up to a million posts the best of {_RUNS} of each. Ratios matter, not seconds.",
        "",
        "| posts | seconds | posts/s | CPU s | peak MB | × naive | of the limit | unchanged, s | copies found |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in results:
        found = "–" if row["found"] is None else f"{row['found']:.3f}"
        lines.append(
            f"| {row['rows']:,} | {row['seconds']:.2f} | {row['rate']:,.0f} | {row['cpu']:.1f} | {row['peak']:,.0f} | "
            f"{row['rate'] / beside['rate']:.1f} | 1/{row['limit'] / row['rate']:.1f} | {row['unchanged']:.2f} | {found} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Naive: {beside['rate']:,.0f} posts/s on {beside['rows']:,} of them, peak {beside['peak']:,.0f} MB, "
            f"{beside['cpu'] / beside['rows'] * 1e6:,.0f} µs of CPU a post where ours takes "
            f"{results[-1]['cpu'] / results[-1]['rows'] * 1e6:,.0f}. "
            f"Limit: {results[-1]['limit']:,.0f} posts/s. Adding the table before: {results[-1]['add']:,.0f} rows/s, "
            f"peak {results[-1]['add_peak']:,.0f} MB.",
            "",
        ]
    )


def plot(results: Sequence[Result], beside: Result, path: Path) -> None:
    """Draw posts a second, and peak memory, by the number of posts."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "docposts", "svg.fonttype": "none"})
    from matplotlib import pyplot as plt

    rows = [row["rows"] for row in results]
    figure, (speed, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    speed.loglog(rows, [row["limit"] for row in results], "s--", color="#888888", label="limit: read and write")
    speed.loglog(rows, [row["rate"] for row in results], "o-", color="#1f5fa8", label="docposts corpus build")
    speed.loglog(rows, [beside["rate"]] * len(rows), "^:", color="#b0472f", label="naive")
    speed.set(xlabel="posts", ylabel="posts a second", title="Speed")
    speed.legend(fontsize=8)
    memory.semilogx(rows, [row["peak"] for row in results], "o-", color="#1f5fa8")
    memory.set(xlabel="posts", ylabel="MB", title="Peak memory, all processes", ylim=(0, None))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[10, 100_000, 1_000_000])
    parser.add_argument("--naive", type=int, default=5_000, help="rows of the naive pipeline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1000, help="MB that the build may take")
    parser.add_argument("--docs", type=Path, help="folder for benchmarks.md and benchmarks.svg")
    chosen = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="docposts-bench-") as scratch:
        others: list[Result] = []

        def beside() -> None:
            if not others or count >= chosen.naive:
                others.append(naive(chosen.naive, Path(scratch)))
                print(f"  naive: {others[-1]['rate']:.0f} posts/s", file=sys.stderr)

        for count in chosen.rows:
            print(f"{count:,} posts", file=sys.stderr)
            folder = Path(scratch) / str(count)
            folder.mkdir()
            results.append(measure(count, folder, chosen.workers, chosen.memory, beside))
            print(json.dumps(results[-1]), file=sys.stderr)
            shutil.rmtree(folder)
    best = max(others, key=lambda other: float(other["rate"]))
    table = page(results, best, chosen.workers)
    print(table)
    if chosen.docs:
        from benchmarks.accuracy import measure as accuracy
        from benchmarks.accuracy import table as accuracy_table

        text = "# Benchmarks\n\n`make bench` writes this page.\n\n## The build\n\n"
        text += f"{table}\n![speed and memory](benchmarks.svg)\n\n"
        text += f"## Language and script\n\nOn the translated strings of Django's interface.\n\n{accuracy_table(accuracy())}\n"
        (chosen.docs / "benchmarks.md").write_text(text, encoding="utf-8")
        plot(results, best, chosen.docs / "benchmarks.svg")


if __name__ == "__main__":
    main()
