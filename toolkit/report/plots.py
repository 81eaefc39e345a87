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


def _whole(axis: Any, values: Sequence[float]) -> None:
    """Mark whole numbers alone where there are no others."""
    from matplotlib.ticker import MaxNLocator

    if all(float(value).is_integer() for value in values):
        axis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _figure(height: float) -> tuple[Any, Any]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A figure of its own, not pyplot's: nothing is kept, and no screen is asked for.
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, height), layout="constrained")
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


def _label(text: str) -> str:
    shown = plain(str(text)).replace("\n", " ").replace("\t", " ")
    return shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 1] + "…"
