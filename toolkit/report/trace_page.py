"""The page of ``docposts trace``: a label's way back, offline, without scripts; corpus text shown and never run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from toolkit.report.pages import render
from toolkit.trace.find import Trace
from toolkit.trace.places import Layer, Mark, Stretch
from toolkit.trace.steps import Step


def page(found: Trace) -> str:
    """Return the page as HTML."""
    layers = [each for each in found.layers if each.judged] or list(found.layers)
    others = [each for each in found.layers if each not in layers]
    return render("trace.html", trace=found, layers=[*layers, *others], ending=_ending, summary=summary, kind=_kind)


def summary(step: Step) -> str:
    """Return a step's outcome in a line of plain text."""
    outcome = step.outcome or step.how
    return f"{outcome}: {step.how}" if step.outcome else outcome


def _ending(layer: Layer) -> Iterator[tuple[Stretch, list[Mark]]]:
    """Yield each stretch with the marks that end with it: whose they are is said there."""
    for here, after in zip_longest(layer.stretches, layer.stretches[1:]):
        yield here, [mark for mark in here.marks if after is None or mark not in after.marks]


def _kind(stretch: Stretch) -> str:
    """Return the classes of a stretch."""
    inside = ["text" if stretch.inside else "around"]
    decided = any(mark.by.startswith("decision of ") for mark in stretch.marks)
    return " ".join(inside + (["marked"] if stretch.marks else []) + (["decided"] if decided else []))
