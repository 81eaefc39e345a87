"""Taking judgements in: read, matched and checked as a whole, then written once, a folder for each task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import canonical_json, json_line, publishing, read_json, sha256_file
from toolkit.labels.importing.export import read_export
from toolkit.labels.importing.match import Items, Made
from toolkit.labels.importing.table import read_table
from toolkit.workspace import Workspace

RECORD = "import.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Imported:
    """What an import came to: submissions by task, and what the corpus has no item for."""

    name: str
    taken: Mapping[str, int]
    unmatched: tuple[str, ...]


def imports(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the records of all imports, by name."""
    return [read_json(path) for path in sorted(workspace.annotations_dir.glob(f"*/{RECORD}"))]


def take(
    workspace: Workspace,
    path: Path,
    *,
    name: str = "",
    people: Mapping[str, str] | None = None,
    made_at: datetime | None = None,
    partial: bool = False,
) -> Imported:
    """Take in a CSV (``*.csv``) or a Label Studio JSON export.

    ``made_at`` is the time of what says none (default: now). :class:`InputError` where an item is not in the corpus, unless
    ``partial``; :class:`ConflictError` where the name is taken by another file.
    """
    with workspace.lock():
        digest = sha256_file(path)
        name = name or re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-") or "import"
        known = Items(workspace)
        csv = path.suffix.lower() == ".csv"
        made = list(read_table(path, known) if csv else read_export(path, known, workspace.settings, people or {}))
        for each in made:
            if not _NAME.fullmatch(each.annotator):
                raise InputError(
                    f"{each.where}: {each.annotator!r} is no annotator's name: use a-z, 0-9, '.', '_', '-'"
                )
        lost = tuple(f"{each.where}: {each.meant}" for each in made if each.item is None)
        if lost and not partial:
            shown = "; ".join(lost[:3]) + (f" (and {len(lost) - 3} more)" if len(lost) > 3 else "")
            raise InputError(f"not in the corpus: {shown}", hint="build the corpus first, or leave them out: --partial")
        if earlier := [r for r in imports(workspace) if r["name"] == name and r["file_sha256"] != digest]:
            raise ConflictError(f"{earlier[0]['project']} was imported from another file", hint="choose another --name")
        at = (made_at or datetime.now(UTC)).astimezone(UTC)
        taken = {}
        for task in dict.fromkeys(each.item.task for each in made if each.item):
            own = [each for each in made if each.item and each.item.task == task]
            taken[task] = _write(workspace, name, task, digest, own, at)
        return Imported(name, taken, lost)


def _write(workspace: Workspace, name: str, task: str, digest: str, made: Iterable[Made], at: datetime) -> int:
    project, codebook = f"import.{name}.{task}", workspace.codebooks(task)
    workspace.codebooks.keep(codebook)
    lines = [_line(number, each, at) for number, each in enumerate(made, start=1)]
    folder = workspace.annotations_dir / project
    if folder.exists():
        return 0
    record = {
        "project": project,
        "name": name,
        "marker": f"import/{digest[:32]}/{task}",
        "task": task,
        "form": "default",
        "annotator": "",
        "imported": True,
        "file_sha256": digest,
        "codebook_version": codebook.version,
        "config_sha256": codebook.config_sha256(codebook.forms[0]),
        "guide_sha256": codebook.guide_sha256,
    }
    with publishing(folder) as beside:
        (beside / "pull-0001.jsonl").write_text("".join(map(json_line, lines)), encoding="utf-8")
        (beside / RECORD).write_text(canonical_json(record) + "\n", encoding="utf-8")
    return len(lines)


def _line(number: int, made: Made, at: datetime) -> dict[str, Any]:
    item = made.item
    assert item is not None
    try:
        created = datetime.fromisoformat(made.created_at) if made.created_at else at
    except ValueError:
        raise InputError(f"{made.where}: {made.created_at!r} is not a time") from None
    moment = (created if created.tzinfo else created.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    annotation = {"id": number, "annotator": made.annotator, "created_at": moment, "updated_at": moment}
    data = {
        "key": item.key,
        "item_id": item.item_id,
        "item_type": item.item_type,
        "text": item.text,
        "text_layer": item.layer,
        "image_seen": False,
    }
    return {"task": number, "data": data, "annotations": [annotation | made.annotation]}
