"""Charts for offline pages: matplotlib's SVG, inline, the same bytes for the same numbers.

Labels may be corpus text, which is anybody's: nothing in them is read as mathematics or markup, and hidden characters
are named. ``about`` says in a few words what a chart shows beside its title: a screen reader names the chart by both.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import unicodedata
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
_LONGEST_ROW = 30
_LONGEST_COLUMN = 18
_SMALLEST = 0.75


def bars(labels: Sequence[str], values: Sequence[float], *, title: str, unit: str, about: str = "") -> Markup:
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
    return _svg(figure, axes, title, about)


def columns(labels: Sequence[str], values: Sequence[float], *, title: str, unit: str, about: str = "") -> Markup:
    """Return upright bars in the order given, for what has an order of its own: months, sizes."""
    figure, axes = _figure(height=2.6)
    places = range(len(labels))
    axes.bar(places, values, color=_BAR, width=0.9)
    step = max(1, -(-len(labels) // 16))
    axes.set_xticks(places[::step], [_label(label) for label in labels[::step]], rotation=45, ha="right")
    axes.set_ylabel(unit)
    _whole(axes.yaxis, values)
    return _svg(figure, axes, title, about)


def intervals(
    labels: Sequence[str],
    points: Sequence[float],
    ends: Sequence[tuple[float | None, float | None]],
    *,
    title: str,
    unit: str,
    about: str = "",
) -> Markup:
    """Return points with their intervals, where there is one, the first on top, on a scale that holds 0 and 1."""
    # Narrow enough for a phone, whose reader would else see names and no points.
    figure, axes = _figure(height=0.9 + 0.24 * max(1, len(labels)), width=4.5)
    places = range(len(labels))
    for place, (low, high) in zip(places, ends, strict=True):
        if low is not None and high is not None:
            axes.hlines(place, low, high, color=_BAR, linewidth=2)
    axes.plot(points, places, "o", color=_BAR, markersize=5)
    axes.axvline(0, color="#777777", linewidth=0.8)
    lowest = min([0.0, *points, *(low for low, _ in ends if low is not None)])
    axes.set_xlim(min(lowest - 0.05, -0.02), 1.02)
    axes.set_yticks(places, [_label(label, 30) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit)
    return _svg(figure, axes, title, about)


def heatmap(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    title: str,
    unit: str = "",
    about: str = "",
    whole: bool = False,
    most: float | None = None,
) -> Markup:
    """Return a grid of numbers, darker for more, each written in its cell; None is an empty cell.

    It is as wide as its columns need. ``most`` is the number that the darkest shade stands for (default: the largest there
    is).
    """
    import numpy as np

    written = [_label(label, _LONGEST_ROW) for label in rows]
    below = [_label(label, _LONGEST_COLUMN) for label in columns]
    room = max((_width(label) for label in written), default=0) * 0.075
    figure, axes = _figure(
        height=0.5 + max((_width(label) for label in below), default=0) * 0.055 + 0.26 * max(1, len(rows)),
        width=max(room + 0.3 + 0.45 * max(1, len(columns)), 0.2 + _width(title) * 0.09, 2.4),
    )
    grid = np.array([[np.nan if value is None else value for value in row] for row in values], dtype=float)
    known = grid[np.isfinite(grid)]
    top = most or float(max(known, default=0.0)) or 1.0
    shades = axes.imshow(grid, cmap="Blues", vmin=min(0.0, float(min(known, default=0.0))), vmax=top, aspect="auto")
    axes.set_xticks(range(len(columns)), below, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), written)
    for row, cells in enumerate(values):
        for column, value in enumerate(cells):
            if value is not None:
                shown = f"{value:,.0f}" if whole or not value else f"{value:.2f}"
                ink = _ink(shades.to_rgba(value))
                cell = axes.annotate(shown, (column, row), ha="center", va="center", fontsize=7, color=ink)
                # It stands within its cell and asks for no room: measuring hundreds of them takes seconds.
                cell.set_in_layout(False)
    if unit:
        axes.set_xlabel(unit)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    return _svg(figure, axes, title, about)


def lines(
    labels: Sequence[str], series: dict[str, Sequence[float]], *, title: str, unit: str, about: str = ""
) -> Markup:
    """Return lines over what has an order, each with its name at its end; markers tell them apart without colour."""
    figure, axes = _figure(height=2.8, width=4.5)
    places = range(len(labels))
    colours = ("#3b6ea5", "#b4532a", "#4b7f52", "#7a5195", "#8a6d1a")
    for number, (name, values) in enumerate(series.items()):
        axes.plot(
            places, values, marker="os^Dv"[number % 5], color=colours[number % 5], markersize=4, label=_label(name)
        )
    step = max(1, -(-len(labels) // 12))
    axes.set_xticks(places[::step], [_label(label) for label in labels[::step]], rotation=45, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel(unit)
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure, axes, title, about)


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


def _svg(figure: Any, axes: Any, title: str, about: str) -> Markup:
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
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    # Read aloud by its name; what is inside says the same in pieces.
    name = Markup.escape(plain(f"{title}: {about}" if about else title))
    # On a narrow screen a chart shrinks as long as it can be read, then scrolls.
    least = f"min-width: {figure.get_figwidth() * 72 * _SMALLEST:.0f}pt"
    return Markup(_own_ids(svg.replace("<svg ", f'<svg role="img" aria-label="{name}" style="{least}" ', 1)))


def _ink(colour: Sequence[float]) -> str:
    """Return black or white, whichever stands out more from a colour: at least 4.5 to 1 (WCAG's contrast)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"


def _own_ids(svg: str) -> str:
    """Leave out the ids that nothing refers to, and make the others this chart's own: a page holds many charts."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    own = hashlib.sha256(svg.encode()).hexdigest()[:10]
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="c{own}-{found[1]}"' if found[1] in used else "", svg)
    return re.sub(r'(href="|url\()#', rf"\1#c{own}-", svg)


def _width(text: str) -> int:
    """Return about how many letters wide a text is: those of East Asia are two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _label(text: str, longest: int = _LONGEST_LABEL) -> str:
    shown = plain(str(text)).replace("\n", " ").replace("\t", " ")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
