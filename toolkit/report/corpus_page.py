"""The page of ``docposts corpus stats``: one version's counts as tables and charts, offline, without scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from toolkit.report import plots
from toolkit.report.pages import render
from toolkit.report.visible import plain

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """One count: its title, its rows, and their chart where one says more."""

    anchor: str
    title: str
    rows: Rows
    chart: Markup | None = None
    note: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns of the rows."""
        return list(self.rows[0]) if self.rows else []

    @property
    def numbers(self) -> list[str]:
        """The columns that hold numbers."""
        return [name for name in self.columns if all(isinstance(row[name], int | float) for row in self.rows)]


def page(title: str, version: str, stats: dict[str, Rows]) -> str:
    """Return the page of what :func:`toolkit.corpus.stats.stats` counted."""
    return render("corpus.html", title=title, version=version, sections=_sections(stats), shown=_shown)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else plain(str(value))


def _sections(stats: dict[str, Rows]) -> list[Section]:
    return [
        Section("tables", "Tables", stats["tables"]),
        Section("sources", "Posts by source", stats["sources"], _bars(stats["sources"], "source", "Posts by source")),
        Section(
            "time",
            "Posts over time",
            stats["dates"],
            _over_time(stats["months"]),
            "By month, where the month is known; the table says how precisely the dates of posts are.",
        ),
        _by(stats, "languages", "language", "Posts by language", "und: too little text to tell."),
        _by(stats, "scripts", "script", "Posts by script"),
        _by(stats, "platforms", "platform", "Posts by platform"),
        _by(stats, "campaigns", "campaign", "Posts by campaign"),
        _by(stats, "hashtags", "hashtag", "Hashtags", "The most frequent; a post counts once for each."),
        _by(stats, "flags", "flag", "Flags", "Characters that deceive the eye: kept, and flagged."),
        Section("lengths", "Length of posts in characters", stats["lengths"]),
        Section(
            "clusters",
            "Near-duplicates",
            stats["cluster_sizes"],
            _columns(
                stats["cluster_sizes"], "size", "groups", "Groups of posts that are the same or nearly so, by size"
            ),
            "Size 1: a post that is like no other.",
        ),
        Section("narratives", "Narratives, as the reports name them", stats["narratives"]),
    ]


def _by(stats: dict[str, Rows], name: str, column: str, title: str, note: str = "") -> Section:
    return Section(name, title, stats[name], _bars(stats[name], column, title), note)


def _bars(rows: Rows, column: str, title: str) -> Markup | None:
    if not rows:
        return None
    labels = ["(none)" if row[column] is None else str(row[column]) for row in rows[:30]]
    return plots.bars(labels, [row["posts"] for row in rows[:30]], title=title, unit="posts")


def _columns(rows: Rows, column: str, value: str, title: str) -> Markup | None:
    if not rows:
        return None
    return plots.columns([str(row[column]) for row in rows], [row[value] for row in rows], title=title, unit=value)


def _over_time(months: Rows) -> Markup | None:
    """Return the months' chart, months without posts between them included; of long spans, years."""
    known = [row for row in months if len(row["month"]) == 7]
    if not known:
        return None
    first, last = (_number(row["month"]) for row in (known[0], known[-1]))
    counts = {_number(row["month"]): row["posts"] for row in known}
    if last - first > 240:
        years: dict[int, int] = {}
        for month, posts in counts.items():
            years[month // 12] = years.get(month // 12, 0) + posts
        span = range(first // 12, last // 12 + 1)
        return plots.columns(
            [str(y) for y in span], [years.get(y, 0) for y in span], title="Posts by year", unit="posts"
        )
    span = range(first, last + 1)
    labels = [f"{month // 12}-{month % 12 + 1:02}" for month in span]
    return plots.columns(labels, [counts.get(m, 0) for m in span], title="Posts by month", unit="posts")


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1
