"""The page of ``docposts report``: agreement as tables and charts, offline, without scripts; contested items in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from toolkit.codebooks import named_by
from toolkit.corpus import store
from toolkit.corpus.show import Place, place_of
from toolkit.report import plots
from toolkit.report.agreement_tables import Rows, Tables
from toolkit.report.pages import render
from toolkit.votes import latest
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


@dataclass(frozen=True)
class Vote:
    """What one annotator answered on an item: field → labels, each with whether all gave it and the words it rests on."""

    annotator: str
    fields: Mapping[str, list[tuple[str, bool, list[str]]]]
    confidence: int | None
    comment: str | None
    skipped: bool


@dataclass(frozen=True)
class Contested:
    """An item whose votes part, with its text in its place and the votes side by side."""

    rank: int
    task: str
    item_id: str
    questions: int
    text: str
    place: Place | None
    fields: list[str]
    votes: list[Vote]


def page(workspace: Workspace, tables: Tables) -> str:
    """Return the report of a workspace."""
    judgements, settings = tables.judgements, workspace.settings.agreement
    names = sorted(pc.unique(judgements["annotator"]).to_pylist())
    provenance = sorted(pc.unique(judgements["provenance"]).to_pylist())
    return render(
        "agreement.html",
        title=workspace.settings.title,
        judgements=judgements.num_rows,
        items=len(pc.unique(judgements["item_id"])),
        annotators=names,
        provenance=provenance,
        versions=sorted(pc.unique(judgements["codebook_version"]).to_pylist()),
        settings=settings,
        sections=[
            ("agreement", "Agreement", list(_agreement(tables.agreement, judgements))),
            ("confusion", "What is taken for what", list(_confusion(tables.confusion))),
            ("annotators", "Pairs of annotators", list(_annotators(tables.annotators))),
            ("labels", "Labels by source, campaign and month", list(_labels(tables.labels))),
            ("progress", "Progress", list(_progress(tables.progress, tables.questions))),
        ],
        contested=list(_contested(workspace, tables)),
        shown=_shown,
    )


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}".replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _fields(rows: Rows) -> Iterator[tuple[str, str, Rows]]:
    for task, field in dict.fromkeys((row["task"], row["field"]) for row in rows):
        yield task, field, [row for row in rows if (row["task"], row["field"]) == (task, field)]


def _agreement(rows: Rows, judgements: pa.Table) -> Iterator[Figure]:
    codebooks = named_by(judgements)
    hidden = {"task", "field", "by", "part"}
    for task, field, own in _fields(rows):
        known = {label.id: label.shown("en") for label in codebooks(task).labels}
        drawn = [row for row in own if row["alpha"] is not None]
        labels = [_name(row, known) for row in drawn]
        title = f"{task.replace('_', ' ')}: {field.replace('_', ' ')}"
        chart = (
            plots.intervals(
                labels,
                [row["alpha"] for row in drawn],
                [(row["low"], row["high"]) for row in drawn],
                title="Krippendorff's α",
                unit="α, 95 % interval (0: chance, 1: all agree)",
            )
            if drawn
            else None
        )
        table = [
            {"label": _name(row, known)} | {k: v for k, v in row.items() if k not in hidden | {"label"}} for row in own
        ]
        yield Figure(title, table, chart, "" if drawn else "Too few answers for a coefficient.")


def _name(row: Mapping[str, Any], known: Mapping[str, str]) -> str:
    if row["label"] is None:
        kinds = {"masi": "all labels (MASI", "jaccard": "all labels (Jaccard", "ordinal": "the value (ordinal"}
        level = f", level {row['level']}" if row["level"] else ""
        return f"{kinds.get(row['metric'], 'the value (nominal')}{level})"
    return known.get(row["label"], str(row["label"])) + (" (heading)" if row["level"] == 1 else "")


def _confusion(rows: Rows) -> Iterator[Figure]:
    for task, field, own in _fields(rows):
        labels = sorted({row[side] for row in own for side in ("one", "other")}, key=_first_seen(own))
        counts = {(row["one"], row["other"]): row["pairs"] for row in own}
        grid = [[counts.get((a, b), counts.get((b, a))) for b in labels] for a in labels]
        title = f"{task.replace('_', ' ')}: {field.replace('_', ' ')}"
        chart = plots.heatmap(labels, labels, grid, title="Pairs of answers", unit="pairs", whole=True)
        differing = sorted(
            (r for r in own if r["one"] != r["other"]), key=lambda r: (-r["pairs"], r["one"], r["other"])
        )
        table = [
            {k: row[k] for k in ("one", "other", "pairs")}
            for row in [*differing, *(r for r in own if r["one"] == r["other"])]
        ]
        yield Figure(title, table, chart)


def _first_seen(rows: Rows) -> Any:
    order: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["one"] != row["other"]):
        for side in ("one", "other"):
            order.setdefault(row[side], len(order))
    return order.__getitem__


def _annotators(rows: Rows) -> Iterator[Figure]:
    for task, field, own in _fields(rows):
        names = sorted({row[side] for row in own for side in ("one", "other")})
        alphas = {(row["one"], row["other"]): row["alpha"] for row in own}
        if not any(value is not None for value in alphas.values()):
            continue
        grid = [[alphas.get((a, b), alphas.get((b, a))) for b in names] for a in names]
        title = f"{task.replace('_', ' ')}: {field.replace('_', ' ')}"
        chart = plots.heatmap(names, names, grid, title="α of each pair", unit="α")
        table = [{k: row[k] for k in ("one", "other", "items", "percent", "alpha")} for row in own]
        yield Figure(title, table, chart)


def _labels(rows: Rows) -> Iterator[Figure]:
    for by in ("source", "campaign", "month"):
        for task, field, own in _fields([row for row in rows if row["by"] == by]):
            parts = sorted({row["part"] for row in own})
            parts = parts[-_LAST_MONTHS:] if by == "month" else parts
            if parts == ["(unknown)"]:
                continue
            totals: dict[str, int] = {}
            for row in own:
                totals[row["label"]] = totals.get(row["label"], 0) + row["yes"]
            labels = sorted(totals, key=lambda label: (-totals[label], label))[:_MOST_LABELS]
            shares = {(row["label"], row["part"]): row["share"] for row in own}
            grid = [[shares.get((label, part), 0.0) for part in parts] for label in labels]
            title = f"{task.replace('_', ' ')}: {field.replace('_', ' ')}, by {by}"
            chart = plots.heatmap(labels, parts, grid, title="Share of answers", unit=by, most=1.0)
            table = [{k: row[k] for k in ("part", "label", "yes", "of", "share")} for row in own]
            yield Figure(title, table, chart)


def _progress(rows: Rows, questions: Rows) -> Iterator[Figure]:
    days = sorted({row["day"] for row in rows})
    series: dict[str, Sequence[float]] = {}
    for task in sorted({row["task"] for row in rows}):
        by_day = {row["day"]: row["total"] for row in rows if row["task"] == task}
        total, run = 0, []
        for day in days:
            total = by_day.get(day, total)
            run.append(float(total))
        series[task.replace("_", " ")] = run
    if days:
        chart = plots.lines(days, series, title="Judgements by then", unit="judgements")
        yield Figure("Judgements by day of submission", rows, chart, "Skips left out of the line.")
    yield Figure("Questions", questions)


def _contested(workspace: Workspace, tables: Tables) -> Iterator[Contested]:
    wanted = [row["item_id"] for row in tables.contested]
    held = tables.judgements.filter(pc.is_in(tables.judgements["item_id"], pa.array(wanted, pa.string())))
    by_item: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in latest(held):
        by_item.setdefault((row["task"], row["item_id"]), []).append(row)
    rows = _items(workspace, wanted)
    codebooks = named_by(tables.judgements)
    for entry in tables.contested:
        item = rows.get(entry["item_id"])
        own = sorted(by_item[entry["task"], entry["item_id"]], key=lambda row: row["annotator"])
        coded = [field.name for field in codebooks(entry["task"]).fields if field.kind in ("multi", "single")]
        fields = [name for name in coded if any(label["field"] == name for row in own for label in row["labels"])]
        yield Contested(
            *(entry["rank"], entry["task"], entry["item_id"], entry["questions"]),
            item["text"] if item else "",
            place_of(workspace, item) if item else None,
            fields,
            [_vote(row, own, fields, item["texts"] if item else {}) for row in own],
        )


def _vote(row: dict[str, Any], own: list[dict[str, Any]], fields: list[str], texts: Mapping[str, str]) -> Vote:
    answered = [other for other in own if not other["skipped"]]
    text = texts.get(row["text_sha256"], "")

    def given(field: str) -> list[tuple[str, bool, list[str]]]:
        found = []
        for name in [label["label"] for label in row["labels"] if label["field"] == field]:
            by_all = all({"field": field, "label": name} in other["labels"] for other in answered)
            words = [text[s["start"] : s["end"]] for s in row["evidence"] if (s["field"], s["label"]) == (field, name)]
            found.append((name, by_all, [quote for quote in words if quote]))
        return found

    return Vote(
        row["annotator"], {field: given(field) for field in fields}, row["confidence"], row["comment"], row["skipped"]
    )


def _items(workspace: Workspace, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the corpus rows of items by id, each with all its texts by hash."""
    from toolkit.fsio import sha256_text

    if not store.versions(workspace):
        return {}
    found: dict[str, dict[str, Any]] = {}
    version = store.open_version(workspace)
    for name, key in (("posts", "post_id"), ("photo_texts", "photo_id")):
        rows = version.table(name)
        held = rows.filter(pc.is_in(rows[key], pa.array(list(wanted), pa.string())))
        for row in held.to_pylist():
            found[row[key]] = row | {"texts": {sha256_text(row["text"]): row["text"]}}
    layers = version.table("text_layers")
    for row in layers.filter(pc.is_in(layers["post_id"], pa.array(list(wanted), pa.string()))).to_pylist():
        if row["post_id"] in found:
            found[row["post_id"]]["texts"][sha256_text(row["text"])] = row["text"]
    return found
