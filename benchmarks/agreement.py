"""Agreement of many judgements: every label with its interval, against the plain library calls of one label.

    python benchmarks/agreement.py [--judgements 100000] [--draws 1000] [--docs docs]

Synthetic judgements: three annotators an item, one answer in ten missing, 4 % repeats, 2 % skips, labels of a long tail. Each
line runs in a process of its own, one after the other; its peak is that process's, with the judgements in memory (``load``
is that alone). ``krippendorff`` is run where it is installed: it is under the GPL, and so nothing that this project asks for.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import multiprocessing
import resource
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).parent.parent))

from toolkit.codebook import load_codebook
from toolkit.parquet import read_table, write_table
from toolkit.schema import table
from toolkit.settings import AgreementSettings

LENGTH = 280
"""The characters of each text."""


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


def with_spans(rows: pa.Table, seed: int = 6) -> pa.Table:
    """Return judgements with words marked for each label of the narrative: where the item has it, or a little beside."""
    rng = np.random.default_rng(seed)
    listed = rows["labels"].combine_chunks()
    flat, parent = pc.list_flatten(listed), pc.list_parent_indices(listed).to_numpy()
    here = pc.equal(flat.field("field"), "narrative").to_numpy(zero_copy_only=False)
    flat, parent = flat.filter(pa.array(here)), parent[here]
    item, label = (
        column.dictionary_encode().indices.to_numpy().astype(np.int64)
        for column in (rows["item_id"].combine_chunks().take(pa.array(parent)), flat.field("label"))
    )
    beside = rng.integers(-6, 7, (2, len(item))) * (rng.random((2, len(item))) < 0.4)
    start = np.maximum((item * 7919 + label * 104729) % (LENGTH - 100) + beside[0], 0)
    end = start + np.maximum((item * 31 + label * 17) % 75 + 5 + beside[1], 1)
    held = {"field": flat.field("field"), "label": flat.field("label")}
    held |= {"start": pa.array(start), "end": pa.array(end), "mode": pa.repeat(pa.scalar("explicit"), len(item))}
    kind = table("judgements").arrow.field("evidence").type
    spans = pa.StructArray.from_arrays(
        [held[part.name].cast(part.type) for part in kind.value_type], fields=list(kind.value_type)
    )
    offsets = np.r_[0, np.cumsum(np.bincount(parent, minlength=rows.num_rows))].astype(np.int32)
    place = rows.schema.get_field_index("evidence")
    return rows.set_column(place, rows.schema.field(place), pa.ListArray.from_arrays(offsets, spans).cast(kind))


def load(path: Path, draws: int) -> str:
    """Read the judgements, nothing else."""
    return f"{read_table(path, table('judgements')).num_rows:,} rows"


def ours(path: Path, draws: int) -> str:
    """Measure all: every label at both levels, sets, confidence, α and AC1 with intervals."""
    from toolkit.agreement.figures import agreement

    figures = agreement(read_table(path, table("judgements")), AgreementSettings(bootstrap=draws))
    one = next(f for f in figures if f.label == "n11")
    return f"{len(figures)} figures; n11 {one.alpha:.4f} ({one.low:.4f} to {one.high:.4f})"


def one(path: Path, draws: int) -> str:
    """Measure one label (n11): α and its interval."""
    from toolkit.agreement import bootstrap as bs
    from toolkit.agreement import coefficients as co
    from toolkit.agreement.ballots import ballots, votes
    from toolkit.agreement.distances import Nominal
    from toolkit.agreement.units import yes_no

    ballot = next(b for b in ballots(votes(read_table(path, table("judgements")))) if b.field == "narrative")
    found = yes_no(ballot.unit, ballot.given[:, ballot.labels.index("n11")]).rated
    alpha = co.alpha(found, Nominal(2))
    low, high = bs.interval(alpha, found.times, draws, 0)
    return f"n11 {bs.value(alpha, found.times):.4f} ({low:.4f} to {high:.4f})"


def report(path: Path, draws: int) -> str:
    """Make the page of docposts report of a file of judgements."""
    from toolkit.report.agreement_page import page
    from toolkit.report.agreement_tables import collect
    from toolkit.workspace import Workspace, new_settings

    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "w", new_settings("benchmark", "Benchmark"))
        text = page(workspace, collect(workspace, read_table(path, table("judgements"))))
    return f"a page of {len(text) / 1e6:.1f} MB"


def spans(path: Path, draws: int) -> str:
    """Measure the words marked: F1 and α for unitizing of every label, with intervals."""
    from toolkit.agreement.spans import span_agreement

    rows = read_table(path.with_name("spans.parquet"), table("judgements"))
    figures = span_agreement(rows, {"2" * 64: LENGTH}, AgreementSettings(bootstrap=draws))
    whole = figures[0]
    return f"{whole.spans:,} spans; α {whole.alpha:.4f} ({whole.low:.4f} to {whole.high:.4f})"


def _command(path: Path, *words: str) -> str:
    """Run a command on the judgements as a user does; return how long its output is."""
    from toolkit.cli import docposts
    from toolkit.workspace import Workspace, new_settings

    with tempfile.TemporaryDirectory() as folder:
        Workspace.create(Path(folder) / "w", new_settings("benchmark", "Benchmark"))
        out = Path(folder) / "out"
        with out.open("w", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
            docposts.main(["-C", str(Path(folder) / "w"), *words, "--judgements", str(path)], standalone_mode=False)
        return f"{out.stat().st_size / 1e6:,.0f} MB of output"


def shares(path: Path, draws: int) -> str:
    """Print the votes on every item."""
    return _command(path, "labels", "distribution", "--json")


def mace(path: Path, draws: int) -> str:
    """Print them beside what MACE makes of them."""
    return _command(path, "labels", "distribution", "--json", "--model", "mace")


def plan(path: Path, draws: int) -> str:
    """Print every question that would be asked."""
    return _command(path, "adjudicate", "plan", "--json")


def _answers(path: Path) -> dict[tuple[str, str], bool]:
    """Return who says n11 of what, as a user of a library would collect it."""
    rows = read_table(path, table("judgements")).select(["annotator", "item_id", "labels", "skipped"]).to_pylist()
    last = {(row["annotator"], row["item_id"]): row for row in rows}
    return {
        key: "n11" in {label["label"] for label in row["labels"]} for key, row in last.items() if not row["skipped"]
    }


def nltk_alpha(path: Path, draws: int) -> str:
    """Ask nltk for α of one label (n11), as its documentation shows, without an interval."""
    from nltk.metrics.agreement import AnnotationTask

    triples = [(*key, given) for key, given in _answers(path).items()]
    return f"n11 {AnnotationTask(triples).alpha():.4f}"


def _reliability_data(path: Path) -> Any:
    answers = _answers(path)
    people = {name: place for place, name in enumerate(sorted({who for who, _ in answers}))}
    items = {name: place for place, name in enumerate(dict.fromkeys(item for _, item in answers))}
    data = np.full((len(people), len(items)), np.nan)
    for (who, item), given in answers.items():
        data[people[who], items[item]] = given
    return data


def krippendorff(path: Path, draws: int) -> str:
    """Ask the package krippendorff for α of one label, as its documentation shows, without an interval."""
    import krippendorff as package

    return f"n11 {package.alpha(_reliability_data(path), level_of_measurement='nominal'):.4f}"


def krippendorff_drawn(path: Path, draws: int) -> str:
    """Put an interval around it by calling it for each draw of the items: ten draws, the rest by multiplication."""
    import krippendorff as package

    data, rng = _reliability_data(path), np.random.default_rng(0)
    started = time.process_time()
    for _ in range(10):
        package.alpha(data[:, rng.integers(0, data.shape[1], data.shape[1])], level_of_measurement="nominal")
    rest = (time.process_time() - started) / 10 * (draws - 10)
    return f"ten draws of {draws}; all of them would take {rest:,.0f} s more"


LINES = {
    "load": "read the table, nothing else",
    "one": "α of one label with its interval",
    "ours": "`docposts labels agreement`: α, MASI, Jaccard, AC1 of every label at both levels, each with its interval",
    "report": "`docposts report --judgements`: the whole page",
    "spans": "`docposts labels agreement --spans`: F1 and α for unitizing of every label marked, each with its interval",
    "shares": "`docposts labels distribution --json`: the votes on every item",
    "mace": "`docposts labels distribution --json --model mace`",
    "plan": "`docposts adjudicate plan --json`: every question that would be asked",
    "nltk_alpha": "nltk's α of one label, no interval",
    "krippendorff": "krippendorff's α of one label, no interval",
    "krippendorff_drawn": "krippendorff's α of one label, called for ten draws of an interval",
}


def _run(name: str, path: Path, draws: int, out: Any) -> None:
    said = globals()[name](path, draws)
    used = resource.getrusage(resource.RUSAGE_SELF)
    out.put((used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said))


def main() -> None:
    """Make the judgements, and run each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--judgements", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", default=",".join(LINES))
    parser.add_argument("--docs", type=Path, help="write benchmarks-agreement.md there")
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if not name.startswith("krippendorff") or find_spec("krippendorff")]
    context = multiprocessing.get_context("spawn")
    found: dict[str, tuple[float, float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judgements.parquet"
        made = judgements(asked.judgements)
        write_table(path, made, table("judgements"))
        write_table(path.with_name("spans.parquet"), with_spans(made), table("judgements"))
        number = made.num_rows
        del made
        for name in names:
            out = context.Queue()
            process = context.Process(target=_run, args=(name, path, asked.draws, out))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{name} did not come to its end")
            found[name] = out.get()
            print(f"{name:20} {found[name][0]:8.1f} s {found[name][1]:8.0f} MB  {found[name][2]}", flush=True)
    if asked.docs:
        (asked.docs / "benchmarks-agreement.md").write_text(
            _page(asked.judgements, number, asked.draws, found), encoding="utf-8"
        )


def _page(asked: int, number: int, draws: int, found: dict[str, tuple[float, float, str]]) -> str:
    base = found["krippendorff" if "krippendorff" in found else "nltk_alpha"]
    rows = [
        f"| {LINES[name]} | {seconds:.1f} s | {seconds / base[0]:.1f} × | {peak:,.0f} MB | {peak / base[1]:.1f} × | {said} |"
        for name, (seconds, peak, said) in found.items()
    ]
    return f"""# Agreement: time and memory

Written by `python benchmarks/agreement.py --judgements {asked} --docs docs`. Ratios matter, not seconds; the
seconds are the processor's, which other work on the machine does not lengthen. Each line is a process of its own, from its
start.

{number:,} synthetic judgements of posts by three annotators, one answer in ten missing, repeats and skips among them;
intervals of {draws:,} draws. The ratios are to krippendorff's (or nltk's) α of one label without an interval, which includes
reading the table and collecting the answers as its documentation shows.

| | processor time | ratio | peak memory | ratio | result |
|---|---|---|---|---|---|
{chr(10).join(rows)}

How often the intervals hold the true value: [benchmarks-intervals.md](benchmarks-intervals.md).
"""


if __name__ == "__main__":
    main()
