"""The page of a release's differences: without scripts, self-contained, corpus text shown and never run."""

from __future__ import annotations

from typing import Any

from toolkit.fsio import canonical_json
from toolkit.release.diff import ReleaseDiff
from toolkit.report.pages import render

# A page of a hundred thousand changed cells helps nobody: the rest is in --json.
_SHOWN = 500


def page(found: ReleaseDiff) -> str:
    """Return the page as HTML; beyond 500 cells it says how many more there are."""
    return render(
        "release_diff.html",
        diff=found,
        cells=found.cells[:_SHOWN],
        more=max(0, len(found.cells) - _SHOWN),
        value=_value,
    )


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else canonical_json(value)
