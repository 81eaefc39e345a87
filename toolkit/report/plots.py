"""Charts for offline pages: matplotlib's SVG, inline, the same bytes for the same numbers.

Labels may be corpus text, which is anybody's: nothing in them is read as mathematics or markup, and hidden characters
are named.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from toolkit.report.visible import plain

_STYLE: Any = {
    "svg.hashsalt": "docposts",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
}
_BAR = "#3b6ea5"
_LONGEST_LABEL = 40


def bars(labels: Sequence[str], values: Sequence[float], *, title: str, unit: str) -> Markup:
    """Return horizontal bars, the first on top, each with its value."""
    figure, axes = _figure(height=0.9 + 0.24 * max(1, len(labels)))
    places = range(len(labels))
    axes.barh(places, values, color=_BAR)
    axes.set_yticks(places, [_label(label) for label in labels])
    axes.invert_yaxis()
    for place, value in zip(places, values, strict=True):
        axes.annotate(f" {value:,}", (value, place), va="center", fontsize=8)
    axes.set_xlabel(unit)
    _whole(axes.xaxis, values)
    axes.margins(x=0.12)
    return _svg(figure, axes, title)


def columns(labels: Sequence[str], values: Sequence[float], *, title: str, unit: str) -> Markup:
    """Return upright bars in the order given, for what has an order of its own: months, sizes."""
    figure, axes = _figure(height=2.6)
    places = range(len(labels))
    axes.bar(places, values, color=_BAR, width=0.9)
    step = max(1, -(-len(labels) // 16))
    axes.set_xticks(places[::step], [_label(label) for label in labels[::step]], rotation=45, ha="right")
    axes.set_ylabel(unit)
    _whole(axes.yaxis, values)
    return _svg(figure, axes, title)


def intervals(
    labels: Sequence[str],
    points: Sequence[float],
    ends: Sequence[tuple[float | None, float | None]],
    *,
    title: str,
    unit: str,
) -> Markup:
    """Return points with their intervals, where there is one, the first on top, on a scale that holds 0 and 1."""
    # Narrow enough for a phone, whose reader would else see names and no points.
    figure, axes = _figure(height=0.9 + 0.24 * max(1, len(labels)), width=4.8)
    places = range(len(labels))
    for place, (low, high) in zip(places, ends, strict=True):
        if low is not None and high is not None:
            axes.hlines(place, low, high, color=_BAR, linewidth=2)
    axes.plot(points, places, "o", color=_BAR, markersize=5)
    axes.axvline(0, color="#777777", linewidth=0.8)
    lowest = min([0.0, *points, *(low for low, _ in ends if low is not None)])
    axes.set_xlim(min(lowest - 0.05, -0.02), 1.02)
    axes.set_yticks(places, [_label(label, 28) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit)
    return _svg(figure, axes, title)


def heatmap(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    title: str,
    unit: str,
    whole: bool = False,
    most: float | None = None,
) -> Markup:
    """Return a grid of numbers, darker for more, each written in its cell; None is an empty cell.

    ``most`` is the number that the darkest shade stands for (default: the largest there is).
    """
    import numpy as np

    figure, axes = _figure(height=1.6 + 0.3 * max(1, len(rows)))
    grid = np.array([[np.nan if value is None else value for value in row] for row in values], dtype=float)
    known = grid[np.isfinite(grid)]
    top = most or float(max(known, default=0.0)) or 1.0
    axes.imshow(grid, cmap="Blues", vmin=min(0.0, float(min(known, default=0.0))), vmax=top, aspect="auto")
    axes.set_xticks(range(len(columns)), [_label(label) for label in columns], rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), [_label(label) for label in rows])
    for row, cells in enumerate(values):
        for column, value in enumerate(cells):
            if value is not None:
                shown = f"{value:,.0f}" if whole else f"{value:.2f}"
                dark = value > 0.6 * top
                axes.annotate(
                    shown, (column, row), ha="center", va="center", fontsize=7, color="#ffffff" if dark else "#222222"
                )
    axes.set_xlabel(unit)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    return _svg(figure, axes, title)


def lines(labels: Sequence[str], series: dict[str, Sequence[float]], *, title: str, unit: str) -> Markup:
    """Return lines over what has an order, each with its name at its end; markers tell them apart without colour."""
    figure, axes = _figure(height=2.8)
    places = range(len(labels))
    colours = ("#3b6ea5", "#b4532a", "#4b7f52", "#7a5195", "#8a6d1a")
    for number, (name, values) in enumerate(series.items()):
        axes.plot(
            places, values, marker="os^Dv"[number % 5], color=colours[number % 5], markersize=4, label=_label(name)
        )
    step = max(1, -(-len(labels) // 16))
    axes.set_xticks(places[::step], [_label(label) for label in labels[::step]], rotation=45, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel(unit)
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure, axes, title)


def _whole(axis: Any, values: Sequence[float]) -> None:
    """Mark whole numbers alone where there are no others."""
    from matplotlib.ticker import MaxNLocator

    if all(float(value).is_integer() for value in values):
        axis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _figure(height: float, width: float = 7.2) -> tuple[Any, Any]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A figure of its own, not pyplot's: nothing is kept, and no screen is asked for.
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def _svg(figure: Any, axes: Any, title: str) -> Markup:
    from matplotlib import rc_context

    axes.set_title(_label(title), loc="left", fontsize=10, fontweight="bold")
    out = io.StringIO()
    font_log = logging.getLogger("matplotlib.font_manager")
    level = font_log.level
    with rc_context(_STYLE), warnings.catch_warnings():
        # The reader's fonts draw the text; that ours lack a character only makes its measured width a guess.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        font_log.setLevel(logging.ERROR)
        try:
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        finally:
            font_log.setLevel(level)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    # Read aloud as its title; what is inside says the same in pieces.
    head = f'<svg role="img" aria-label="{Markup.escape(plain(title))}" '
    return Markup(re.sub(r"<metadata>.*?</metadata>", "", svg.replace("<svg ", head, 1), flags=re.DOTALL))


def _label(text: str, longest: int = _LONGEST_LABEL) -> str:
    shown = plain(str(text)).replace("\n", " ").replace("\t", " ")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
