"""Annotators and adjudicators in ``docposts.toml``: added with everything else in the file left as it stands."""

from __future__ import annotations

from typing import Literal

from toolkit.errors import ConflictError
from toolkit.fsio import read_text, write_atomic
from toolkit.settings import Settings, check_record
from toolkit.workspace import SETTINGS_FILE, Workspace

Role = Literal["annotator", "adjudicator"]


def add_person(workspace: Workspace, name: str, role: Role, email: str = "") -> Workspace:
    """Add a person to the settings, with the address of their account on another server; return the workspace anew.

    Nothing changes where they are there already; :class:`ConflictError` where somebody else adjudicates.
    """
    import tomlkit

    path = workspace.root / SETTINGS_FILE
    settings = tomlkit.parse(read_text(path))
    tasks = settings.setdefault("tasks", tomlkit.table())
    if role == "annotator":
        if name not in tasks.setdefault("annotators", tomlkit.array()):
            tasks["annotators"].append(name)
    elif tasks.get("adjudicator") not in (None, name):
        raise ConflictError(
            f"{path}: {tasks['adjudicator']} is the adjudicator", hint="change tasks.adjudicator there by hand"
        )
    else:
        tasks["adjudicator"] = name
    if email:
        studio = settings.setdefault("label_studio", tomlkit.table())
        studio.setdefault("people", tomlkit.inline_table())[name] = email
    text = tomlkit.dumps(settings)
    check_record(tomlkit.parse(text).unwrap(), Settings, str(path))
    if text != read_text(path):
        write_atomic(path, text)
    return Workspace.open(workspace.root)
