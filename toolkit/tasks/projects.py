"""Projects as pushes know them: one annotator's, or everyone's, for a form of a task in a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.fsio import read_json
from toolkit.workspace import Workspace

LABEL_TASKS = ("narrative", "photo_text")
MAIN = "main"


@dataclass(frozen=True)
class Project:
    """A project for a form of a task; for adjudication, ``task`` is ``adjudication``. No ``annotator``: it is shared."""

    key: str
    task: str
    form: str
    annotator: str
    about: str = ""
    round: str = MAIN
    round_kind: str = "production"

    @classmethod
    def of(cls, task: str, form: str, annotator: str, round_name: str, round_kind: str) -> Project:
        """Return the project of a task's form in a round."""
        key = task + ("" if form == "default" else f"-{form}") + ("" if round_name == MAIN else f"@{round_name}")
        return cls(f"{key}.{annotator}" if annotator else key, task, form, annotator, "", round_name, round_kind)

    @property
    def title(self) -> str:
        """What annotators see it called."""
        named = (self.about or self.task).replace("_", " ")
        form = "" if self.form == "default" else f" ({self.form})"
        in_round = "" if self.round == MAIN else f" · {self.round}"
        return f"{named}{form}{in_round} · {self.annotator or 'everyone'}"


def from_record(record: dict[str, Any]) -> Project:
    """Return the project that a record on disk is about."""
    fields = {name: record[name] for name in ("task", "form", "annotator", "about")}
    in_round = {"round": record.get("round", MAIN), "round_kind": record.get("round_kind", "production")}
    return Project(key=record["project"], **fields, **in_round)


def marker(workspace: Workspace, project: Project) -> str:
    """Return the key by which a project is found on a server that other workspaces may share."""
    return f"{workspace.settings.name}/{project.key}"


def projects(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the records of all projects that were pushed, by name."""
    return [read_json(path) for path in sorted(workspace.annotations_dir.glob("*/project.json"))]
