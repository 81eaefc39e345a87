"""The tables behind the report's figures: one for each, as records, whatever is drawn of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.store import standing
from toolkit.agreement import coefficients as co
from toolkit.agreement import tables as measured
from toolkit.agreement.ballots import Ballot, Bools, ballots, votes
from toolkit.agreement.distances import Nominal, Sets
from toolkit.agreement.figures import agreement, records
from toolkit.corpus import store
from toolkit.labels.store import load_judgements
from toolkit.workspace import Workspace

Rows = list[dict[str, Any]]
CONTESTED = 20
NOTHING = "(nothing)"


@dataclass(frozen=True)
class Tables:
    """The report's tables, each a list of records, and the judgements that they are made of."""

    judgements: pa.Table
    agreement: Rows
    confusion: Rows
    annotators: Rows
    labels: Rows
    progress: Rows
    contested: Rows
    questions: Rows

    def named(self) -> dict[str, Rows]:
        """Return the tables by their names."""
        names = ("agreement", "confusion", "annotators", "labels", "progress", "contested", "questions")
        return {name: getattr(self, name) for name in names}


def collect(workspace: Workspace) -> Tables:
    """Return everything that the report shows, from the pulled judgements and the latest corpus version."""
    judgements = load_judgements(workspace)
    found = votes(judgements)
    own = list(ballots(found))
    items = found.rows["item_id"].to_pylist()
    return Tables(
        judgements,
        records(agreement(judgements, workspace.settings.agreement)),
        [row for ballot in own for row in confusion(ballot)],
        [row for ballot in own for row in annotators(ballot, found.raters, workspace.settings.agreement.minimum_items)],
        [row for ballot in own for row in _labels(ballot, items, _about(workspace))],
        progress(judgements),
        contested(own, items, found.rows["task"].to_pylist()),
        _questions(workspace),
    )


def confusion(ballot: Ballot) -> Iterator[dict[str, Any]]:
    """Yield how often two annotators' answers on an item met: ``one`` by either of them, ``other`` by the other one.

    In a field with several labels, equal ones are those that both gave, and two different ones are each given by one of the
    two alone; where one gave all that the other gave, what they gave beyond it meets :data:`NOTHING`. Every pair of annotators
    counts once.
    """
    if ballot.kind == "ordinal" or not len(ballot.unit):
        return
    codes, sets = ballot.sets()
    rated = co.units(ballot.unit, codes, len(sets)).rated
    labels = (*ballot.labels, NOTHING)
    met: co.Floats = np.zeros((len(labels),) * 2)
    for left, right in combinations(range(rated.answers.shape[1]), 2):
        both = (rated.answers[:, left] >= 0) & (rated.answers[:, right] >= 0)
        a, b = sets[rated.answers[both, left]], sets[rated.answers[both, right]]
        times = rated.times[both].astype(np.float64)[:, None]
        left_over, right_over = _beyond(a, b), _beyond(b, a)
        met += left_over.T @ (right_over * times)
        met[np.diag_indices(len(met) - 1)] += ((a & b) * times).sum(axis=0)
    met[-1, -1] = 0  # neither gave anything that the other did not
    both_ways = met + met.T
    both_ways[np.diag_indices(len(met))] /= 2
    met = np.triu(both_ways)
    for one, other in zip(*np.nonzero(met), strict=True):
        yield {
            **{"task": ballot.task, "field": ballot.field, "one": labels[one], "other": labels[other]},
            "pairs": int(met[one, other]),
        }


def _beyond(one: Bools, other: Bools) -> co.Floats:
    """Return what one set has and the other lacks, with a column more for nothing."""
    over = one & ~other
    return np.column_stack([over, ~over.any(axis=1)]).astype(np.float64)


def annotators(ballot: Ballot, names: tuple[str, ...], minimum: int) -> Iterator[dict[str, Any]]:
    """Yield α of each pair of annotators in a field (MASI for several labels, else nominal), None below the minimum."""
    if ballot.kind == "ordinal":
        return
    codes, sets = ballot.sets()
    distance = Sets(sets, "masi") if ballot.kind == "multi" else Nominal(len(sets))
    for one, other in combinations(np.unique(ballot.rater).tolist(), 2):
        here = (ballot.rater == one) | (ballot.rater == other)
        rated = co.units(ballot.unit[here], codes[here], len(sets)).rated
        if rated.items:
            enough = rated.items >= minimum
            yield {
                **{"task": ballot.task, "field": ballot.field, "one": names[one], "other": names[other]},
                **{"items": rated.items, "percent": co.value(co.percent(rated), rated.times)},
                "alpha": co.value(co.alpha(rated, distance), rated.times) if enough else None,
            }


def _about(workspace: Workspace) -> dict[str, dict[str, str | None]]:
    """Return source, campaign and month of each item; a photo text has those of its post."""
    if not store.versions(workspace):
        return {}
    latest = store.open_version(workspace)
    rows = latest.table("posts").select(["post_id", "source_id", "campaign", "posted_at"]).to_pylist()
    found: dict[str, dict[str, str | None]] = {}
    for row in rows:
        month = str(row["posted_at"])[:7] if row["posted_at"] else None
        found[row["post_id"]] = {"source": row["source_id"], "campaign": row["campaign"], "month": month}
    for row in latest.table("photo_texts").select(["photo_id", "post_id", "source_id"]).to_pylist():
        nothing = {"source": row["source_id"], "campaign": None, "month": None}
        found[row["photo_id"]] = found.get(row["post_id"], nothing)
    return found


def _labels(
    ballot: Ballot, items: list[str], about: Mapping[str, Mapping[str, str | None]]
) -> Iterator[dict[str, Any]]:
    """Yield, by source, campaign and month of posting, how many answers there are and how many gave each label."""
    if ballot.kind == "ordinal":
        return
    for by in ("source", "campaign", "month"):
        groups = [about.get(items[row], {}).get(by) or "(unknown)" for row in ballot.row]
        for group in sorted(set(groups)):
            here = np.array([name == group for name in groups])
            yes = ballot.given[here].sum(axis=0)
            for place in np.flatnonzero(yes):
                yield {
                    **{"by": by, "part": group, "task": ballot.task, "field": ballot.field},
                    **{"label": ballot.labels[place], "yes": int(yes[place]), "of": int(here.sum())},
                    "share": round(float(yes[place] / here.sum()), 6),
                }


def progress(judgements: pa.Table) -> Rows:
    """Return, by task and day of submission (UTC), judgements and skips, and how many there are by then."""
    days = pc.strftime(judgements["created_at"], format="%Y-%m-%d").to_pylist()
    counted = Counter(zip(judgements["task"].to_pylist(), days, judgements["skipped"].to_pylist(), strict=True))
    rows: Rows = []
    totals: Counter[str] = Counter()
    for task, day in sorted({(task, day) for task, day, _ in counted}):
        done, skipped = counted[task, day, False], counted[task, day, True]
        totals[task] += done
        rows.append({"task": task, "day": day, "judgements": done, "skipped": skipped, "total": totals[task]})
    return rows


def contested(own: list[Ballot], items: list[str], tasks: list[str]) -> Rows:
    """Return the items whose votes part most: by the share of pairs that differ, summed over the item's questions."""
    differing: Counter[tuple[str, str]] = Counter()
    parted: Counter[tuple[str, str]] = Counter()
    for ballot in own:
        if ballot.kind == "ordinal" or not len(ballot.unit):
            continue
        _, first, unit = np.unique(ballot.unit, return_index=True, return_inverse=True)
        unit = unit.reshape(-1)
        columns = ballot.given.T if ballot.kind == "multi" else [None]
        for column in columns:
            pairs, differ = _differing(unit, ballot, column)
            share = np.divide(differ, pairs, out=np.zeros_like(differ), where=pairs > 0)
            for place in np.flatnonzero(share):
                key = (tasks[ballot.row[first[place]]], items[ballot.row[first[place]]])
                differing[key] += float(share[place])  # type: ignore[assignment]
                parted[key] += 1
    ranked = sorted(differing.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))
    return [
        {"rank": place, "task": task, "item_id": item, "questions": parted[task, item], "score": round(float(score), 6)}
        for place, ((task, item), score) in enumerate(ranked[:CONTESTED], start=1)
    ]


def _differing(unit: Any, ballot: Ballot, column: Any) -> tuple[Any, Any]:
    """Return, for each unit, the pairs of answers and those that differ, on one label or in a field with one value."""
    codes = column.astype(np.int64) if column is not None else ballot.given.argmax(axis=1)
    values = int(codes.max(initial=0)) + 1
    size = int(unit.max()) + 1
    counts = np.stack([np.bincount(unit[codes == value], minlength=size) for value in range(values)], axis=1)
    n = counts.sum(axis=1)
    return (n * (n - 1) / 2), ((n**2 - (counts**2).sum(axis=1)) / 2)


def _questions(workspace: Workspace) -> Rows:
    """Return how many questions of each task are settled, by whom, and how many are not."""
    found = standing(workspace)
    counts: Counter[tuple[str, str]] = Counter()
    for task, method in zip(found.decisions["task"].to_pylist(), found.decisions["method"].to_pylist(), strict=True):
        counts[task, f"settled: {method}"] += 1
    for name, questions in (("open", found.open), ("waiting for votes", found.waiting)):
        for question in questions:
            counts[question.task, name] += 1
    return [{"task": task, "state": state, "questions": n} for (task, state), n in sorted(counts.items())]


def write(folder: Any, tables: Mapping[str, Rows]) -> list[Any]:
    """Write each table as ``<folder>/<name>.parquet``; one without rows is left out, and the agreement table never."""
    paths = []
    for name, rows in tables.items():
        if name in measured.KINDS:
            paths.append(measured.write(folder, name, rows))
        elif rows:
            paths.append(measured.write_rows(folder, name, rows))
    return paths
