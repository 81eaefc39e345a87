"""A server's projects: each found by a marker in its description, made once, kept up to date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import ConflictError, ServiceError
from toolkit.labelstudio.transport import READ, WRITE, AnswerLost, Transport, check_text

_TITLE_MIN, _TITLE_MAX = 3, 50  # characters, the server's rule
_PROJECT_PAGE = 100
# What finding a project takes of it. Of the others that a token sees the server would answer everything, form and guide too.
_KNOWN_BY = ("id", "description", "total_annotations_number", "skipped_annotations_number")
_STYLE = re.compile(r' style="[^"]*"')


def marker(key: str) -> str:
    """Return what a project's description says of the project it is to us."""
    return f"docposts:{key}"


class Projects:
    """The projects that one token sees."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(self, key: str) -> int | None:
        """Return the id of the project marked with ``key``; :class:`ConflictError` where several hold annotations."""
        found = self._marked(key)
        return int(found[0]["id"]) if found else None

    def ensure(
        self, key: str, *, title: str, config: str, instruction: str, overlap: int = 1, predictions: bool = False
    ) -> int:
        """Return the id of the one project marked with ``key``, made or brought up to date where needed.

        Its labelling configuration is replaced where it differs: whoever calls has seen to it that no annotation is
        orphaned (:mod:`toolkit.formchange`).
        """
        wanted: dict[str, Any] = {
            "title": _clip_title(title),
            "label_config": config,
            "expert_instruction": instruction,
            "show_instruction": True,
            "show_skip_button": True,
            "enable_empty_annotation": True,
            "show_collab_predictions": predictions,
            "maximum_annotations": overlap,
        }
        check_text({"key": key, **wanted}, f"project {key}")
        found = self._marked(key, *wanted)
        if not found:
            return self._create(key, wanted)
        project, *copies = found
        for copy in copies:
            # Made by another writer at the same time, or by an answer that was lost: nobody has worked in it.
            with self._transport.translated():
                self._transport.sdk.projects.delete(int(copy["id"]), request_options=WRITE)
        project_id = int(project["id"])
        changed = {name: value for name, value in wanted.items() if project.get(name) != value}
        if "label_config" in changed and str(project.get("label_config", "")).strip() == config.strip():
            del changed["label_config"]
        if "expert_instruction" in changed and _kept(project.get("expert_instruction")) == _kept(instruction):
            del changed["expert_instruction"]
        if changed:
            with self._transport.translated():
                self._transport.sdk.projects.update(project_id, **changed, request_options=WRITE)
        return project_id

    def show_predictions(self, project_id: int, model_version: str) -> None:
        """Show the predictions of one version. An import names its own only where the project names none yet."""
        with self._transport.translated():
            self._transport.sdk.projects.update(project_id, model_version=model_version, request_options=WRITE)

    def _create(self, key: str, wanted: Mapping[str, Any]) -> int:
        try:
            with self._transport.translated():
                made = self._transport.sdk.projects.create(**wanted, description=marker(key), request_options=WRITE)
        except AnswerLost:
            found = self.find(key)
            if found is None:
                raise
            return found
        if not isinstance(made.id, int):
            raise ServiceError(f"{self._transport.url} did not say which project it made for {key}")
        return made.id

    def _marked(self, key: str, *fields: str) -> list[dict[str, Any]]:
        """Return the projects marked with ``key``: the one that counts first, then copies that nobody has worked in.

        Of each what it is known by, and ``fields``.
        """
        found = [project for project in self._all(fields) if (project.get("description") or "").strip() == marker(key)]
        judged = [project for project in found if _judged(project)]
        if len(judged) > 1:
            ids = ", ".join(str(project["id"]) for project in judged)
            raise ConflictError(
                f"projects {ids} on {self._transport.url} are all marked {marker(key)}, and people have worked in each",
                hint="take the marker out of the description of those that are not to count",
            )
        return sorted(found, key=lambda project: (project not in judged, int(project["id"])))

    def _all(self, fields: Sequence[str]) -> list[dict[str, Any]]:
        projects: dict[int, dict[str, Any]] = {}
        asked = {"page_size": _PROJECT_PAGE, "ordering": "id", "include": ",".join([*_KNOWN_BY, *fields])}
        page = 1
        while True:
            answer = self._transport.page("api/projects", {"page": page, **asked})
            try:
                count, results = int(answer["count"]), answer["results"]
                projects.update({int(project["id"]): project for project in results})
            except (KeyError, TypeError, ValueError):
                raise ServiceError(f"{self._transport.url} answered a list of projects that cannot be read") from None
            if page * _PROJECT_PAGE >= count:
                return list(projects.values())
            if not results:
                raise ServiceError(
                    f"{self._transport.url} answered {len(projects)} of {count} projects: the list is not whole"
                )
            page += 1

    def ensure_image_storage(self, project_id: int, path: Path) -> int:
        """Let the project show images from a folder below the server's media root; return the storage's id.

        A task's image is then ``/data/local-files/?d=<path below the media root>``, for those logged in.
        """
        found = self._storage(project_id, path)
        if found is not None:
            return found
        try:
            with self._transport.translated():
                made = self._transport.sdk.import_storage.local.create(
                    project=project_id, path=str(path), title="images", use_blob_urls=True, request_options=WRITE
                )
        except AnswerLost:
            found = self._storage(project_id, path)
            if found is None:
                raise
            return found
        if not isinstance(made.id, int):
            raise ServiceError(f"{self._transport.url} did not say which storage it made for {path}")
        return made.id

    def _storage(self, project_id: int, path: Path) -> int | None:
        with self._transport.translated():
            storages = self._transport.sdk.import_storage.local.list(project=project_id, request_options=READ)
        return next((s.id for s in storages if s.path == str(path) and s.use_blob_urls and s.id is not None), None)


def _judged(project: Mapping[str, Any]) -> bool:
    try:
        return int(project["total_annotations_number"]) + int(project["skipped_annotations_number"]) > 0
    except (KeyError, TypeError, ValueError):
        return True  # whoever does not say is taken to hold work


def _kept(instruction: object) -> str:
    """Return what a server keeps of a guide: it takes the styles out of the HTML that it is given."""
    return _STYLE.sub("", str(instruction or ""))


def _clip_title(title: str) -> str:
    title = " ".join(title.split())
    if len(title) > _TITLE_MAX:
        title = title[: _TITLE_MAX - 1].rstrip() + "…"
    return title.ljust(_TITLE_MIN, "·")
