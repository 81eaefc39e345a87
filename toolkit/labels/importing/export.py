"""Label Studio's own JSON export of a project that asked the questions of this codebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.fsio import read_json
from toolkit.labels.authors import name_of
from toolkit.labels.importing.match import Items, Made
from toolkit.settings import Settings

_KEPT = ("result", "was_cancelled", "lead_time")


def read_export(path: Path, known: Items, settings: Settings, people: Mapping[str, str]) -> Iterator[Made]:
    """Yield the annotations of an export; :class:`InputError` names the task that cannot be read.

    An item is known by ``item_id`` in the task's data, or by its text. ``people``: account (address or number) → name.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise InputError(f"{path}: expected a list of tasks, as Label Studio exports JSON")
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        annotations = task.get("annotations") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(annotations, list):
            raise InputError(f"{where}: without data or annotations", hint="export it as JSON, not as JSON-MIN")
        text = str(data.get("text", ""))
        item = known.named(str(data.get("item_id", ""))) or known.showing(text)
        if item is not None and text and item.text != text:
            item = None  # made on another edition of the text: its spans would count other characters
        for annotation in annotations:
            if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
                raise InputError(f"{where}: an annotation without a result")
            kept = {name: annotation[name] for name in _KEPT if annotation.get(name) is not None}
            who = _author(annotation, settings, people, where)
            meant = str(data.get("item_id") or f"the text {text[:40]!r}")
            yield Made(where, meant, item, who, str(annotation.get("created_at") or ""), kept)


def _author(annotation: Mapping[str, Any], settings: Settings, people: Mapping[str, str], where: str) -> str:
    by = annotation.get("completed_by")
    email = str(by.get("email") or "") if isinstance(by, dict) else ""
    number = str(by.get("id") if isinstance(by, dict) else by)
    name = people.get(email) or people.get(number) or (name_of(settings, email) if email else None)
    if name is None:
        raise InputError(
            f"{where}: whose account {email or number} is, is not known",
            hint=f"say it: --person {email or number}=NAME",
        )
    return name
