"""File systems that are full or read-only for real: small ones in memory. Only root mounts; elsewhere the tests are skipped."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Mount:
    """A file system in memory at a folder, ``options`` as ``mount`` has them (``size=8k``, ``ro``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))

    def change(self, options: str) -> None:
        """Give it other options."""
        self._run("mount", "-o", f"remount,{options}", str(self.folder))

    def end(self) -> None:
        """Take it away, whatever is open in it."""
        self._run("umount", "--lazy", str(self.folder))

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip())


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """A file system of its own, of 1 MB."""
    try:
        made = Mount(tmp_path / "mounted")
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield made
    finally:
        made.end()
