"""What every test stands on: no settings, tokens or terminal of whoever runs them; the shared report where it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from toolkit.workspace import Workspace, new_settings

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
pytest_plugins = [
    "tests.plugins.adjudication",
    "tests.plugins.browser",
    "tests.plugins.hub",
    "tests.plugins.mounts",
    "tests.plugins.parallel",
    "tests.plugins.studio",
    "tests.plugins.objects",
    "tests.plugins.spark",
    "tests.plugins.faults",
    "tests.plugins.campaign",
]


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that nobody has used; pytest would read the names of thousands to find the next."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """Keep the user's settings, tokens, caches and terminal out of every test."""
    home = next(_homes)
    home.mkdir()
    for name in ("DOCPOSTS_LABEL_STUDIO_TOKEN", "LABEL_STUDIO_API_KEY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real report and its curated spans, which are not part of this repository."""
    folder = Path(os.environ.get("DOCPOSTS_SHARED", ROOT.parent / "shared"))
    if not (folder / "sources" / "cotton-the-act.txt").is_file():
        pytest.skip(f"the real report is not here ({folder}; DOCPOSTS_SHARED names another folder)")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace with three annotators and an adjudicator."""
    people = {"annotators": ["ann-1", "ann-2", "ann-3"], "adjudicator": "adj-1"}
    return Workspace.create(tmp_path / "workspace", new_settings("test", "A test", tasks=people))
