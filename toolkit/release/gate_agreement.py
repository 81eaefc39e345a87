"""The gate on agreement: what the release says of it is measured again, from the judgements that lie in the folder."""

from __future__ import annotations

import math
from typing import Any

from toolkit.codebooks import Codebooks
from toolkit.release import judged, takedown
from toolkit.release.folder import Folder
from toolkit.release.gate import NotRun
from toolkit.release.rows import HELD_OUT, NOT_HERE
from toolkit.settings import AgreementSettings

SAYS = "items, positives, percent and alpha of the agreement follow from the judgements (intervals, by a seed, aside)"
_LEFT_OUT = (NOT_HERE, HELD_OUT, takedown.REASON)
"""The reasons for which judgements that were measured may not be here."""


def check(folder: Folder) -> list[str]:
    """Measure again; not run where judgements were measured that the folder does not hold."""
    said = [row for row in folder.manifest["about"]["agreement"] if row.get("items")]
    if not said:
        return []
    left = sum(folder.manifest["dropped"].get(why, 0) for why in _LEFT_OUT)
    if left or folder.manifest["held_out"]:
        raise NotRun("judgements were measured too that the release does not hold: of items that were left out of it")
    from toolkit.agreement import figures, parts

    # How little is too little to say anything, and how intervals were drawn, was for who released it to set.
    settings = AgreementSettings(minimum_items=2, minimum_positives=0, bootstrap=0)
    rows = Codebooks(folder.path / "codebooks").named_on(judged.as_judgements(folder.rows("judgements")))
    every = [*figures.agreement(rows, settings), *parts.by(rows, settings, "text_layer")]
    found = {_about(row): row for row in figures.records(figures.headline(every))}
    return [problem for row in said if (problem := _differs(row, found.get(_about(row))))]


def _about(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("task", "field", "label", "part"))


def _differs(said: dict[str, Any], found: dict[str, Any] | None) -> str:
    name = " ".join(str(part) for part in _about(said) if part)
    if found is None:
        return f"{name}: the judgements give no such figure"
    for what in ("items", "positives", "percent", "alpha"):
        own, there = said.get(what), found[what]
        if own is not None and (there is None or not math.isclose(own, there, rel_tol=1e-9, abs_tol=1e-9)):
            return f"{name}: {what} is {own}, the judgements give {there}"
    return ""
