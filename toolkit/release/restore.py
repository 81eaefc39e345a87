"""A release folder → the contents that it was written from: what its documents are made again from."""

from __future__ import annotations

from typing import Any

from toolkit.fsio import read_text
from toolkit.release import folds
from toolkit.release.coded import TASK_OF
from toolkit.release.folder import Folder
from toolkit.release.layout import Contents
from toolkit.release.parts import ORDER
from toolkit.release.rows import CONFIGS


def contents_of(folder: Folder) -> Contents:
    """Return the contents of a release: rows and codebooks as they lie there, the rest as the manifest says."""
    said: dict[str, Any] = folder.manifest
    about = said["about"]
    changelog = folder.path / "CHANGELOG.md"
    return Contents(
        version=folder.version,
        name=said["name"],
        title=about["title"],
        licence=about["licence"],
        contact=about["contact"],
        languages=tuple(about["languages"]),
        annotator_demographics=about["annotator_demographics"],
        ethical_review=about["ethical_review"],
        parts={
            config: {split: folder.parts[config][split] for split in ORDER if split in folder.parts[config]}
            for config in CONFIGS
            if config in folder.parts
        },
        codebooks={task: folder.codebooks[task] for task in TASK_OF.values() if task in folder.codebooks},
        corpus=said["corpus"],
        inputs=said["inputs"],
        changelog=read_text(changelog),
        simulated=said["simulated"],
        restricted=said["restricted"],
        public=tuple(said["public_handles"]),
        annotators=about["annotators"],
        linkable=tuple(said["linkable"]),
        held_out=said["held_out"],
        dropped=said["dropped"],
        agreement=tuple(about["agreement"]),
        folds={
            folds.path(by): read_text(folder.path / folds.path(by))
            for by in folds.BY
            if (folder.path / folds.path(by)).exists()
        },
        campaigns_whole=said["campaigns_whole"],
        taken_down=tuple(said["taken_down"]),
        seed=about["seed"],
        gated=about["gated"],
        dehydrated=tuple(said["dehydrated"]),
        own=tuple(said["own"]),
    )
