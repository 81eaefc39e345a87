"""The tables behind the report's figures: one for each, as records, whatever is drawn of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.store import Standing, standing
from toolkit.agreement import bootstrap as bs
from toolkit.agreement import coefficients as co
from toolkit.agreement import tables as measured
from toolkit.agreement.ballots import Ballot, Bools, Ints, ballots, votes
from toolkit.agreement.ballots import codes as coded
from toolkit.agreement.distances import Nominal, Sets
from toolkit.agreement.figures import Figure, of_ballot, questions, records
from toolkit.agreement.units import units
from toolkit.corpus import store
from toolkit.labels.store import load_judgements
from toolkit.workspace import Workspace

Rows = list[dict[str, Any]]
CONTESTED = 20
NOTHING = "(nothing)"
UNKNOWN = "(unknown)"


_TEXT, _WHOLE, _NUMBER = pa.string(), pa.int64(), pa.float64()
_ABOUT = {"task": _TEXT, "field": _TEXT}
_PAIR = {"one": _TEXT, "other": _TEXT}
SCHEMAS: dict[str, pa.Schema] = {
    "agreement": measured.arrow(Figure),
    "confusion": pa.schema(_ABOUT | _PAIR | {"pairs": _WHOLE}),
    "annotators": pa.schema(_ABOUT | _PAIR | {"items": _WHOLE, "percent": _NUMBER, "alpha": _NUMBER}),
    "labels": pa.schema(
        {"by": _TEXT, "part": _TEXT} | _ABOUT | {"label": _TEXT, "yes": _WHOLE, "of": _WHOLE, "share": _NUMBER}
    ),
    "progress": pa.schema(
        {"task": _TEXT, "day": _TEXT}
        | dict.fromkeys(("judgements", "skipped", "judgements_so_far", "items_so_far", "twice_so_far"), _WHOLE)
    ),
    "contested": pa.schema(
        {"rank": _WHOLE, "task": _TEXT, "item_id": _TEXT, "questions": _WHOLE, "score": _NUMBER},
    ),
    "questions": pa.schema({"task": _TEXT, "state": _TEXT, "questions": _WHOLE}),
}
"""The report's tables and their columns."""


@dataclass(frozen=True)
class Tables:
    """The report's tables, each a list of records, and the judgements and decisions that they are made of."""

    judgements: pa.Table
    decisions: pa.Table | None
    rows: Mapping[str, Rows]


def collect(workspace: Workspace, judgements: pa.Table | None = None) -> Tables:
    """Return everything that the report shows, from the pulled judgements and the latest corpus version.

    Of other ``judgements`` nothing is settled: decisions are on what was pulled.
    """
    decisions, states = None, Rows()
    if judgements is None:
        judgements, stands = load_judgements(workspace), standing(workspace)
        decisions, states = stands.decisions, _questions(stands)
    settings = workspace.settings.agreement
    found = votes(judgements)
    own = list(ballots(found))
    parts = _parts(workspace, found.rows["item_id"])
    rows: dict[str, Rows] = {
        "agreement": records([figure for ballot in own for figure in of_ballot(ballot, settings)]),
        "confusion": [row for ballot in own for row in confusion(ballot)],
        "annotators": [row for ballot in own for row in annotators(ballot, found.raters, settings.minimum_items)],
        "labels": [row for ballot in own for row in labels(ballot, parts)],
        "progress": progress(judgements),
        "contested": contested(own, found.rows),
        "questions": states,
    }
    return Tables(judgements, decisions, rows)


def confusion(ballot: Ballot) -> Iterator[dict[str, Any]]:
    """Yield how often two annotators' answers on an item met: ``one`` by either of them, ``other`` by the other one.

    In a field with several labels, equal ones are those that both gave, and two different ones are each given by one of the
    two alone; where one gave all that the other gave, what they gave beyond it meets :data:`NOTHING`. Every pair of annotators
    counts once.
    """
    if ballot.kind == "ordinal" or not len(ballot.unit):
        return
    ballot = ballot.comparable()
    codes, sets = ballot.sets()
    rated = units(ballot.unit, codes, len(sets)).rated
    labels = (*ballot.labels, NOTHING)
    met: bs.Floats = np.zeros((len(labels),) * 2)
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


def _beyond(one: Bools, other: Bools) -> bs.Floats:
    """Return what one set has and the other lacks, with a column more for nothing."""
    over = one & ~other
    return np.column_stack([over, ~over.any(axis=1)]).astype(np.float64)


def annotators(ballot: Ballot, names: tuple[str, ...], minimum: int) -> Iterator[dict[str, Any]]:
    """Yield α of each pair of annotators in a field (MASI for several labels, else nominal), None below the minimum."""
    if ballot.kind == "ordinal":
        return
    ballot = ballot.comparable()
    codes, sets = ballot.sets()
    for one, other in combinations(np.unique(ballot.rater).tolist(), 2):
        here = (ballot.rater == one) | (ballot.rater == other)
        # Of all sets that anyone gave, those of the two.
        given, code = np.unique(codes[here], return_inverse=True)
        rated = units(ballot.unit[here], code.reshape(-1).astype(np.int64), len(given)).rated
        if rated.items:
            distance = Sets(sets[given], "masi") if ballot.kind == "multi" else Nominal(len(given))
            enough = rated.items >= minimum
            yield {
                **{"task": ballot.task, "field": ballot.field, "one": names[one], "other": names[other]},
                **{"items": rated.items, "percent": bs.value(co.percent(rated), rated.times)},
                "alpha": bs.value(co.alpha(rated, distance), rated.times) if enough else None,
            }


@dataclass(frozen=True)
class Parts:
    """What each submission is part of, by ``by``: ``names`` of the parts, and the ``code`` of each submission's."""

    by: str
    names: list[str]
    code: Ints


def _parts(workspace: Workspace, items: pa.ChunkedArray) -> list[Parts]:
    """Return source, campaign and month of posting of submissions on items; a photo text has those of its post."""
    about = _about(workspace)
    item, known = coded(items)
    found = []
    for by in ("source", "campaign", "month"):
        part = [about.get(name, {}).get(by) or UNKNOWN for name in known]
        names = sorted(set(part))
        places = {name: place for place, name in enumerate(names)}
        of_item = np.array([places[name] for name in part] or [0], dtype=np.int64)
        found.append(Parts(by, names, of_item[item]))
    return found


def _about(workspace: Workspace) -> dict[str, dict[str, str | None]]:
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


def labels(ballot: Ballot, parts: Sequence[Parts]) -> Iterator[dict[str, Any]]:
    """Yield, for each part, how many answers gave each label, ``of`` those that say yes or no to it."""
    if ballot.kind == "ordinal" or not len(ballot.unit):
        return
    for part in parts:
        code = part.code[ballot.row]
        yes = np.stack([np.bincount(code[given], minlength=len(part.names)) for given in ballot.given.T], axis=1)
        of = np.stack([np.bincount(code[~silent], minlength=len(part.names)) for silent in ballot.silent.T], axis=1)
        for group, place in np.argwhere(yes):
            yield {
                **{"by": part.by, "part": part.names[group], "task": ballot.task, "field": ballot.field},
                **{"label": ballot.labels[place], "yes": int(yes[group, place]), "of": int(of[group, place])},
                "share": round(float(yes[group, place] / of[group, place]), 6),
            }


def progress(judgements: pa.Table) -> Rows:
    """Return, by task and day of submission (UTC), judgements and skips; and how much there is by then.

    ``items_so_far`` have an answer, ``twice_so_far`` those of two annotators.
    """
    day = pc.strftime(judgements["created_at"], format="%Y-%m-%d")
    known = judgements.select(["task", "item_id", "annotator", "skipped"]).append_column("day", day)
    counted = Counter(
        {
            (row["task"], row["day"], row["skipped"]): row["day_count"]
            for row in known.group_by(["task", "day", "skipped"]).aggregate([("day", "count")]).to_pylist()
        }
    )
    answers = known.filter(pc.invert(known["skipped"]))
    first = answers.group_by(["task", "item_id", "annotator"]).aggregate([("day", "min")]).sort_by("day_min")
    begun: Counter[tuple[str, str, int]] = Counter()
    had: Counter[tuple[str, str]] = Counter()
    columns = (first[name].to_pylist() for name in ("task", "item_id", "day_min"))
    for task, item, when in zip(*columns, strict=True):
        had[task, item] += 1
        begun[task, when, had[task, item]] += 1
    rows: Rows = []
    so_far: Counter[tuple[str, str]] = Counter()
    for task, when in sorted({(task, when) for task, when, _ in counted}):
        done = counted[task, when, False]
        so_far[task, "judgements"] += done
        so_far[task, "items"] += begun[task, when, 1]
        so_far[task, "twice"] += begun[task, when, 2]
        rows.append(
            {"task": task, "day": when, "judgements": done, "skipped": counted[task, when, True]}
            | {f"{name}_so_far": so_far[task, name] for name in ("judgements", "items", "twice")}
        )
    return rows


def contested(own: Sequence[Ballot], rows: pa.Table) -> Rows:
    """Return the items whose votes part most: by the share of pairs that differ, summed over the item's questions.

    ``rows`` are the submissions that the ballots are made of.
    """
    size = max((int(ballot.unit.max(initial=-1)) for ballot in own), default=-1) + 1
    score, parted = np.zeros(size), np.zeros(size, dtype=np.int64)
    where = np.zeros(size, dtype=np.int64)
    for ballot in own:
        if ballot.kind == "ordinal":
            continue
        where[ballot.unit] = ballot.row
        for _, level, code in questions(ballot):
            if level != 1:
                share = _differing(ballot.unit, code, size)
                score += share
                parted += share > 0
    best = np.flatnonzero(score > 0)
    score[:] = np.round(score, 6)
    # Of the many with one score, those that come first by name.
    least = np.sort(score[best])[-CONTESTED:][:1]
    best = best[score[best] >= least] if len(least) else best
    found = rows.select(["task", "item_id"]).take(pa.array(where[best])).to_pylist()
    ranked = sorted(
        ({**row, "questions": int(parted[at]), "score": float(score[at])} for row, at in zip(found, best, strict=True)),
        key=lambda row: (-row["score"], row["task"], row["item_id"]),
    )
    return [{"rank": rank, **row} for rank, row in enumerate(ranked[:CONTESTED], start=1)]


def _differing(unit: Ints, code: Ints, size: int) -> bs.Floats:
    """Return, for each unit, the share of pairs of answers that differ; answers below 0 say nothing."""
    said = code >= 0
    unit, code = unit[said], code[said]
    values = int(code.max(initial=0)) + 1
    counts = np.bincount(unit * values + code, minlength=size * values).reshape(size, values).astype(np.float64)
    n = counts.sum(axis=1)
    return np.asarray(
        np.divide(n**2 - (counts**2).sum(axis=1), n * (n - 1), out=np.zeros(size), where=n > 1), dtype=np.float64
    )


def _questions(found: Standing) -> Rows:
    """Return how many questions of each task are settled, by whom, and how many are not."""
    counts: Counter[tuple[str, str]] = Counter()
    for task, method in zip(found.decisions["task"].to_pylist(), found.decisions["method"].to_pylist(), strict=True):
        counts[task, f"settled: {method}"] += 1
    for name, waiting in (("open", found.open), ("waiting for votes", found.waiting)):
        for question in waiting:
            counts[question.task, name] += 1
    return [{"task": task, "state": state, "questions": n} for (task, state), n in sorted(counts.items())]


def write(folder: Path, tables: Mapping[str, Rows]) -> list[Path]:
    """Write each table as ``<folder>/<name>.parquet``, with its columns also where it has no rows."""
    return [measured.write_rows(folder, name, tables[name], schema) for name, schema in SCHEMAS.items()]
