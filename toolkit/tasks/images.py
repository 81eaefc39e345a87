"""The images that tasks show: copied into the one folder that the embedded server serves, or at an address of yours."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from toolkit.fsio import replacing
from toolkit.items import Item
from toolkit.sources import registry
from toolkit.workspace import Workspace

_IMAGES = "images"


def serve_images(workspace: Workspace, shown: Iterable[Item]) -> tuple[Path | None, dict[str, str]]:
    """Copy the images of items into ``served/images``; return that folder and each hash's address in tasks.

    With ``label_studio.images`` set, that is where annotators' browsers find the files of that folder, under their names:
    whoever runs the server puts them there, and no folder is returned.
    """
    wanted = {item.image for item in shown if item.image}
    if not wanted:
        return None, {}
    files = {sha256: path for source in registry.sources(workspace) for sha256, path in source.media.items()}
    folder = workspace.served_dir / _IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for sha256 in sorted(wanted):
        if not (folder / files[sha256].name).exists():
            with replacing(folder / files[sha256].name) as beside:
                shutil.copyfile(files[sha256], beside)
    elsewhere = workspace.settings.label_studio.images
    prefix = f"{elsewhere.rstrip('/')}/" if elsewhere else f"/data/local-files/?d={_IMAGES}/"
    return None if elsewhere else folder, {sha256: prefix + files[sha256].name for sha256 in wanted}
