"""Agreement of many judgements: every label with its interval, against nltk's α of one label without.

    python benchmarks/agreement.py [--judgements 100000] [--draws 1000]

Synthetic judgements: three annotators an item, one answer in ten missing, 4 % repeats, 2 % skips, labels of a long tail. Each
line runs in a process of its own; ``peak MB`` is that process's, with the judgements in memory (``load`` is that alone).
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent.parent))

from toolkit.codebook import load_codebook
from toolkit.parquet import read_table, write_table
from toolkit.schema import table
from toolkit.settings import AgreementSettings


def judgements(number: int, seed: int = 5) -> pa.Table:
    """Return a judgements table of about so many rows."""
    rng = np.random.default_rng(seed)
    items = -(-number * 10 // 28)
    item, who = np.nonzero(rng.random((items, 3)) >= 0.1)
    again = rng.random(len(item)) < 0.04
    item, who = np.r_[item, item[again]], np.r_[who, who[again]]
    n = len(item)
    codebook = load_codebook("narrative")
    listed: list[tuple[Any, Any, str]] = []
    for field in ("narrative", "technique", "target", "voice"):
        leaves = [leaf.id for leaf in codebook.leaves(field) if not leaf.exclusive]
        shares = 0.5 / np.arange(1, len(leaves) + 1)
        true = rng.random((items, len(leaves))) < shares
        given = np.where(rng.random((n, len(leaves))) < 0.985, true[item], ~true[item])
        if field == "narrative":
            given[~given.any(axis=1), 0] = True
        else:
            given &= rng.random((n, len(leaves))) < 0.9
        for place, leaf in enumerate(leaves):
            rows = np.flatnonzero(given[:, place])
            listed.append((rows, field, leaf))
    row = np.concatenate([rows for rows, _, _ in listed])
    order = np.argsort(row, kind="stable")
    names = np.concatenate([np.full(len(rows), place) for place, (rows, _, _) in enumerate(listed)])[order]
    fields = pa.DictionaryArray.from_arrays(names, [field for _, field, _ in listed]).cast(pa.string())
    labels = pa.DictionaryArray.from_arrays(names, [label for _, _, label in listed]).cast(pa.string())
    offsets = np.r_[0, np.cumsum(np.bincount(row, minlength=n))].astype(np.int32)
    declared = table("judgements").arrow
    empty = np.zeros(n + 1, dtype=np.int32)

    def text(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    at = pa.array(np.arange(n) * 1_000_000 + int(dt.datetime(2032, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000)
    made = {
        "judgement_id": text([f"j-{number:09}" for number in range(n)]),
        "item_id": text([f"post-{number:09}" for number in item]),
        "annotator": text([f"ann-{number}" for number in who]),
        "created_at": at.cast(declared.field("created_at").type),
        "updated_at": at.cast(declared.field("created_at").type),
        "skipped": pa.array(rng.random(n) < 0.02),
        "labels": pa.ListArray.from_arrays(
            offsets, pa.StructArray.from_arrays([fields, labels], fields=list(declared.field("labels").type.value_type))
        ).cast(declared.field("labels").type),
        "confidence": pa.array(rng.integers(1, 4, n).astype(np.int8)),
    }
    same = {"item_type": "post", "task": "narrative", "project": "p", "round": "main", "round_kind": "production"}
    same |= {"text_layer": "original", "text_sha256": "2" * 64, "codebook_version": "1.0.0", "provenance": "simulated"}
    same |= {"config_sha256": "0" * 64, "guide_sha256": "1" * 64}
    columns = []
    for field in declared:
        if field.name in made:
            columns.append(made[field.name])
        elif field.name in same:
            columns.append(pa.repeat(pa.scalar(same[field.name], field.type), n))
        elif pa.types.is_list(field.type):
            columns.append(pa.ListArray.from_arrays(empty, pa.nulls(0, field.type.value_type)).cast(field.type))
        elif pa.types.is_boolean(field.type):
            columns.append(pa.repeat(pa.scalar(False), n))
        else:
            columns.append(pa.nulls(n, field.type))
    return pa.Table.from_arrays(columns, schema=declared)


def load(path: Path, draws: int) -> str:
    """Read the judgements, nothing else."""
    return f"{read_table(path, table('judgements')).num_rows:,} rows"


def ours(path: Path, draws: int) -> str:
    """Measure all: every label at both levels, sets, confidence, α and AC1 with intervals."""
    from toolkit.agreement.figures import agreement

    figures = agreement(read_table(path, table("judgements")), AgreementSettings(bootstrap=draws))
    one = next(f for f in figures if f.label == "n11")
    return f"{len(figures)} figures; n11 {one.alpha:.4f} ({one.low:.4f} to {one.high:.4f})"


def nltk_alpha(path: Path, draws: int) -> str:
    """Ask nltk for α of one label (n11), as its documentation shows, without an interval."""
    from nltk.metrics.agreement import AnnotationTask

    rows = read_table(path, table("judgements")).select(["annotator", "item_id", "labels", "skipped"]).to_pylist()
    last = {(row["annotator"], row["item_id"]): row for row in rows}
    triples = [
        (*key, "n11" in {label["label"] for label in row["labels"]}) for key, row in last.items() if not row["skipped"]
    ]
    return f"1 figure; n11 {AnnotationTask(triples).alpha():.4f}"


def _run(name: str, path: Path, draws: int, out: Any) -> None:
    started = time.perf_counter()
    said = globals()[name](path, draws)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.put((time.perf_counter() - started, peak, said))


def main() -> None:
    """Make the judgements, and run each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--judgements", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", default="load,ours,nltk_alpha")
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judgements.parquet"
        write_table(path, judgements(asked.judgements), table("judgements"))
        for name in asked.only.split(","):
            out = context.Queue()
            process = context.Process(target=_run, args=(name, path, asked.draws, out))
            process.start()
            seconds, peak, said = out.get()
            process.join()
            print(f"{name:12} {seconds:8.1f} s {peak:8.0f} MB  {said}", flush=True)


if __name__ == "__main__":
    main()
