"""The page of ``docposts report``: agreement as tables and charts, offline, without scripts; contested items in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from toolkit.agreement.notes import notes
from toolkit.report import plots
from toolkit.report.agreement_tables import UNKNOWN, Rows, Tables
from toolkit.report.contested import contested
from toolkit.report.names import Names
from toolkit.report.pages import render
from toolkit.workspace import Workspace

_MOST_LABELS = 30
_LAST_MONTHS = 24


@dataclass(frozen=True)
class Figure:
    """A chart with the table behind it, which says the same to a reader who does not see."""

    title: str
    rows: Rows
    chart: Markup | None = None
    note: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns of the table: those that hold anything."""
        names = list(self.rows[0]) if self.rows else []
        return [name for name in names if any(row[name] is not None for row in self.rows)]

    @property
    def numbers(self) -> list[str]:
        """The columns that hold numbers."""
        return [n for n in self.columns if all(isinstance(row[n], int | float | None) for row in self.rows)]


def page(workspace: Workspace, tables: Tables) -> str:
    """Return the report of a workspace."""
    judgements, settings, rows = tables.judgements, workspace.settings.agreement, tables.rows
    named = Names(judgements)
    names = sorted(pc.unique(judgements["annotator"]).to_pylist())
    provenance = sorted(pc.unique(judgements["provenance"]).to_pylist())
    return render(
        "agreement.html",
        title=workspace.settings.title,
        judgements=judgements.num_rows,
        items=len(pc.unique(judgements["item_id"])),
        annotators=names,
        provenance=provenance,
        versions=_versions(judgements),
        settings=settings,
        notes=notes(judgements, settings),
        sections=[
            ("agreement", "Agreement", list(_agreement(rows["agreement"], named))),
            ("confusion", "What is taken for what", list(_confusion(rows["confusion"], named))),
            ("annotators", "Pairs of annotators", list(_annotators(rows["annotators"]))),
            ("labels", "Labels by source, campaign and month", list(_labels(rows["labels"], named))),
            ("progress", "Progress", list(_progress(rows["progress"], rows["questions"]))),
        ],
        contested=list(contested(workspace, tables, named)),
        shown=_shown,
    )


def _versions(judgements: pa.Table) -> list[str]:
    """Return the codebooks, each by task and version, that judgements were made under."""
    known = judgements.group_by(["task", "codebook_version"]).aggregate([]).to_pylist()
    return [f"{task} {v}" for task, v in sorted((each["task"], each["codebook_version"]) for each in known)]


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}".replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _fields(rows: Rows) -> Iterator[tuple[str, str, Rows]]:
    """Yield the rows of each field, with its task and title."""
    for task, field in dict.fromkeys((row["task"], row["field"]) for row in rows):
        title = f"{task}: {field}".replace("_", " ")
        yield task, title, [row for row in rows if (row["task"], row["field"]) == (task, field)]


def _agreement(rows: Rows, named: Names) -> Iterator[Figure]:
    hidden = {"task", "field", "label", "by", "part"}
    for task, title, own in _fields(rows):
        drawn = [row for row in own if row["alpha"] is not None]
        chart = (
            plots.intervals(
                [_name(task, row, named) for row in drawn],
                [row["alpha"] for row in drawn],
                [(row["low"], row["high"]) for row in drawn],
                title="Krippendorff's α",
                unit="α with its 95 % interval",
                about=title,
            )
            if drawn
            else None
        )
        table = [{"label": _name(task, r, named)} | {k: v for k, v in r.items() if k not in hidden} for r in own]
        yield Figure(title, table, chart, "" if drawn else "No coefficient: too few answers, or all of them the same.")


def _name(task: str, row: Mapping[str, Any], named: Names) -> str:
    if row["label"] is None:
        kinds = {"masi": "all labels, MASI", "jaccard": "all labels, Jaccard", "ordinal": "the value, ordinal"}
        level = f", level {row['level']}" if row["level"] else ""
        return kinds.get(row["metric"], "the value, nominal") + level
    return named(task, row["label"]) + (" (heading)" if row["level"] == 1 else "")


def _confusion(rows: Rows, named: Names) -> Iterator[Figure]:
    for task, title, own in _fields(rows):
        labels = sorted({row[side] for row in own for side in ("one", "other")}, key=_first_seen(own))
        counts = {(row["one"], row["other"]): row["pairs"] for row in own}
        grid = [[counts.get((a, b), counts.get((b, a))) for b in labels] for a in labels]
        words = [named(task, label) for label in labels]
        chart = plots.heatmap(words, labels, grid, title="Pairs of answers", about=title, whole=True)
        differing = [row for row in own if row["one"] != row["other"]]
        differing.sort(key=lambda row: (-row["pairs"], row["one"], row["other"]))
        table = [
            {"one": named(task, row["one"]), "other": named(task, row["other"]), "pairs": row["pairs"]}
            for row in [*differing, *(row for row in own if row["one"] == row["other"])]
        ]
        yield Figure(title, table, chart)


def _first_seen(rows: Rows) -> Any:
    order: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["one"] != row["other"]):
        for side in ("one", "other"):
            order.setdefault(row[side], len(order))
    return order.__getitem__


def _annotators(rows: Rows) -> Iterator[Figure]:
    for _, title, own in _fields(rows):
        names = sorted({row[side] for row in own for side in ("one", "other")})
        alphas = {(row["one"], row["other"]): row["alpha"] for row in own}
        table = [{k: row[k] for k in ("one", "other", "items", "percent", "alpha")} for row in own]
        if not any(value is not None for value in alphas.values()):
            yield Figure(title, table, None, "No coefficient: too few answers, or all of them the same.")
            continue
        grid = [[alphas.get((a, b), alphas.get((b, a))) for b in names] for a in names]
        yield Figure(title, table, plots.heatmap(names, names, grid, title="α of each pair", about=title))


def _labels(rows: Rows, named: Names) -> Iterator[Figure]:
    for by in ("source", "campaign", "month"):
        for task, title, own in _fields([row for row in rows if row["by"] == by]):
            parts = sorted({row["part"] for row in own})
            parts = parts[-_LAST_MONTHS:] if by == "month" else parts
            if parts == [UNKNOWN]:
                continue
            totals: dict[str, int] = {}
            for row in own:
                totals[row["label"]] = totals.get(row["label"], 0) + row["yes"]
            labels = sorted(totals, key=lambda label: (-totals[label], label))[:_MOST_LABELS]
            shares = {(row["label"], row["part"]): row["share"] for row in own}
            grid = [[shares.get((label, part), 0.0) for part in parts] for label in labels]
            words = [named(task, label) for label in labels]
            about = f"{title}, by {by}"
            chart = plots.heatmap(words, parts, grid, title="Share of answers", unit=by, about=about, most=1.0)
            table = [
                {by: row["part"], "label": named(task, row["label"])} | {k: row[k] for k in ("yes", "of", "share")}
                for row in own
            ]
            yield Figure(about, table, chart)


def _progress(rows: Rows, questions: Rows) -> Iterator[Figure]:
    days = sorted({row["day"] for row in rows})
    about = {
        "judgements": "Judgements so far, skips left out",
        "twice": "Items with answers of two annotators so far",
    }
    for name, title in about.items() if days else ():
        series: dict[str, Sequence[float]] = {}
        for task in sorted({row["task"] for row in rows}):
            by_day = {row["day"]: row[f"{name}_so_far"] for row in rows if row["task"] == task}
            total, run = 0, []
            for day in days:
                total = by_day.get(day, total)
                run.append(float(total))
            series[task.replace("_", " ")] = run
        unit = "judgements" if name == "judgements" else "items"
        table = [{k.replace("_so_far", " so far"): v for k, v in row.items()} for row in rows]
        yield Figure(title, table, plots.lines(days, series, title=title, unit=unit, about="by day of submission"))
    yield Figure("Questions", questions)
