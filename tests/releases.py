"""Cutting releases of a fictional world: what the tests of releases share."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.test_release_rows import World
from toolkit.corpus import store
from toolkit.release import build, checks, gather
from toolkit.release.build import Cut
from toolkit.release.folder import Folder
from toolkit.release.gate import Gate
from toolkit.release.verify import ESSENTIAL, verify
from toolkit.workspace import Workspace, new_settings

HOLD = [Gate(name, "holds", "") for name in sorted(ESSENTIAL)]
"""The gates of a release that holds, where what is sent is at stake."""


def workspace_of(folder: Path, **release: Any) -> Workspace:
    """A workspace with an open licence, and other settings of releases as asked."""
    return Workspace.create(
        folder, new_settings("lantern", "Lantern | Quay", release={"licence": "CC-BY-4.0"} | release)
    )


def publish(workspace: Workspace, of: World, version: str) -> None:
    """Publish the world as a corpus version."""
    tables = of.corpus()
    account = store.write_parts(
        workspace.corpus_dir / "parts", {name: [("all", rows)] for name, rows in tables.items()}
    )
    manifest = {"version": version, "input_digest": "4" * 64, "tables": account}
    store.publish(workspace.corpus_dir / version, manifest)


def judged_by(patch: pytest.MonkeyPatch, of: World) -> None:
    """The world's judgements and decisions are those that a cut, and making again, find."""
    patch.setattr(gather, "_files", lambda _: of.files)
    for module in (build, checks):
        patch.setattr(module, "load_judgements", lambda _: of.judged())
        patch.setattr(module, "load_decisions", lambda *_: of.decided())


def cut_world(workspace: Workspace, of: World, published: str, *, load: bool = False, **options: Any) -> Cut:
    """Publish the world and cut it; without the gates that start a process or read by another library unless asked."""
    publish(workspace, of, published)
    with pytest.MonkeyPatch.context() as patch:
        judged_by(patch, of)
        patch.setattr(build, "verify", lambda folder, load=load: verify(folder, load=load))
        return build.cut(workspace, **options)


def cut_folder(workspace: Workspace, of: World, corpus: str) -> Folder:
    """Cut the world; return the release."""
    return Folder(cut_world(workspace, of, corpus).folder)


def with_image(of: World, folder: Path, data: bytes, place: int = 0) -> World:
    """The same world, in which a photo text's image is held."""
    name = hashlib.sha256(data).hexdigest()
    (folder / name).write_bytes(data)
    of.files[name] = folder / name
    of.tables["photo_texts"][place] |= {"image": "held", "media": name}
    return of


def photograph(**options: Any) -> bytes:
    """A fictional photograph, as JPEG unless asked otherwise."""
    out = io.BytesIO()
    image = Image.effect_mandelbrot((48, 32), (-2, -1, 1, 1), 60).convert("RGB")
    settings: dict[str, Any] = {"format": "JPEG", "quality": 90} | options
    image.save(out, **settings)
    return out.getvalue()


def by_people(of: World) -> World:
    """The same judgements and decisions, as if people had made them: simulated ones are never pushed."""
    for row in (*of.judgements, *of.decisions):
        row["provenance"] = "human"
    return of


def failing(gates: Sequence[Gate]) -> dict[str, str]:
    """Gate → detail of those that fail."""
    return {gate.name: gate.detail for gate in gates if gate.failed}
