"""The shape of an annotation's ``result``: the server stores whatever it is sent, so nothing is taken for granted. Pure."""

from __future__ import annotations

import math
from typing import Any

Result = list[dict[str, Any]]
_WORDS = ("choices", "labels", "rectanglelabels")
_SIDES = ("x", "y", "width", "height")


def well_formed(result: Any) -> tuple[Result, list[str]]:
    """Return the entries whose parts are of the types that a browser writes, and a problem for each of the others.

    What they say is for whoever reads them; here only numbers are told from words, and lists from neither.
    """
    if not isinstance(result, list):
        return [], [f"a result that is {_kind(result)}, not a list"]
    kept: Result = []
    problems: list[str] = []
    for number, entry in enumerate(result, start=1):
        wrong = _wrong(entry)
        if wrong:
            problems.append(f"entry {number}: {wrong}")
        else:
            kept.append(entry)
    return kept, problems


def _wrong(entry: Any) -> str:
    """Return what is wrong with an entry, empty for nothing."""
    if not isinstance(entry, dict):
        return f"{_kind(entry)}, not an object"
    if not isinstance(entry.get("from_name"), str | None):
        return "its control's name is no word"
    value = entry.get("value")
    if not isinstance(value, dict):
        return ""  # relations and the like: whoever reads it says that it answers nothing
    for name in _WORDS:
        if name in value and not _is_words(value[name]):
            return f"{name} is no list of words"
    paths = value.get("taxonomy")
    if paths is not None and not (isinstance(paths, list) and all(_is_words(path) for path in paths)):
        return "taxonomy is no list of paths"
    text = value.get("text")
    if text is not None and not isinstance(text, str) and not _is_words(text):
        return "text is no text"
    for name in _SIDES:
        side = value.get(name)
        if side is not None and (
            isinstance(side, bool) or not isinstance(side, int | float) or not math.isfinite(side)
        ):
            return f"{name} is no number"
    return ""


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
