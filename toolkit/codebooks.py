"""The codebooks of a workspace: its own where it has them, else the shipped ones; and every version that was pushed.

::

    codebooks/<task>/codebook.yaml          the workspace's own codebook, in place of the shipped one     curated
    codebooks/<task>/versions/<v>.json      each version as it was when it was pushed: judgements made    curated
                                            under it are read by it

A version once pushed stays what it was: a codebook that says something else needs another version.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.codebook_checks import numbers
from toolkit.errors import ConflictError
from toolkit.fsio import canonical_json, read_json, write_atomic
from toolkit.resources import resource

if TYPE_CHECKING:
    import pyarrow as pa

    # Its models take a while to define, and whoever opens a workspace loads this module.
    from toolkit.codebook import Codebook

Lookup = Callable[[str], "Codebook"]
"""Task → its codebook: a workspace's :class:`Codebooks`, or the shipped ones (``load_codebook``)."""


_KEY = b"docposts.codebooks"


def named_by(judgements: pa.Table) -> Lookup:
    """Return the codebooks that a table of judgements is read by: those that it names, else the shipped ones."""
    from toolkit.codebook import load_codebook

    named = (judgements.schema.metadata or {}).get(_KEY)
    if named is None:
        return load_codebook
    folder, drafts = json.loads(named)
    return Codebooks(Path(folder), Path(drafts) if drafts else None)


class Codebooks:
    """The codebooks below ``folder``, over the shipped ones. Called with a task's name it gives the one in force.

    ``drafts``: a folder whose codebooks are taken to be in force, to see what they would mean.
    """

    def __init__(self, folder: Path, drafts: Path | None = None) -> None:
        self.folder = folder
        self._drafts = drafts
        self._kept: dict[tuple[str, str], Codebook] = {}

    def __call__(self, task: str) -> Codebook:
        """Return the codebook in force; :class:`InputError` names the file and what is wrong in it."""
        from toolkit.codebook import load_codebook

        drafts = (self._drafts,) if self._drafts else ()
        return load_codebook(task, *drafts, self.folder, resource("annotation_configs"))

    def own(self, task: str) -> bool:
        """Tell whether the workspace has its own codebook for a task."""
        return (self.folder / task / "codebook.yaml").is_file()

    def versions(self, task: str) -> list[str]:
        """Return the versions kept, oldest first: those pushed from this workspace and those that were shipped."""
        found = {path.stem for folder in self._folders(task) for path in folder.glob("*.json")}
        return sorted(found, key=numbers)

    def version(self, task: str, version: str) -> Codebook | None:
        """Return a codebook as it was at a version; None where it is neither kept nor the one in force."""
        from toolkit.codebook import check_codebook, load_codebook

        if (task, version) in self._kept:
            return self._kept[task, version]
        for folder in self._folders(task):
            path = folder / f"{version}.json"
            if path.is_file():
                self._kept[task, version] = check_codebook(read_json(path), path)
                return self._kept[task, version]
        current = load_codebook(task, self.folder, resource("annotation_configs"))
        return current if current.version == version else None

    def keep(self, codebook: Codebook) -> None:
        """Keep a version for good; :class:`ConflictError` where it was kept with other words."""
        self.check(codebook)
        path = self.folder / codebook.task / "versions" / f"{codebook.version}.json"
        if not path.exists():
            values = codebook.model_dump(mode="json", exclude_defaults=True)
            write_atomic(path, canonical_json(values) + "\n")

    def check(self, codebook: Codebook) -> None:
        """Refuse, by :class:`ConflictError`, a codebook that says something else than its version did when it was kept."""
        from toolkit.codebook import check_codebook

        for folder in self._folders(codebook.task):
            path = folder / f"{codebook.version}.json"
            if path.is_file() and check_codebook(read_json(path), path).sha256 != codebook.sha256:
                raise ConflictError(
                    f"the codebook {codebook.task} {codebook.version} is not what it was when it was pushed",
                    hint=f"give what changed a new version; see it: docposts codebook diff {codebook.task}",
                )

    def named_on(self, judgements: pa.Table) -> pa.Table:
        """Return a table of judgements that names these codebooks as those that it is read by."""
        folders = [str(folder) if folder else None for folder in (self.folder, self._drafts)]
        return judgements.replace_schema_metadata({_KEY: canonical_json(folders)})

    def _folders(self, task: str) -> tuple[Path, Path]:
        return self.folder / task / "versions", resource("annotation_configs", task, "versions")
