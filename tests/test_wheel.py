"""A wheel built from the repository carries what the commands read, and works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files alone, as pip installs them."""
    built = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    names = set(zipfile.ZipFile(wheel).namelist())
    for kept in ("schemas", "annotation_configs", "examples", "constraints", "recipes"):
        files = {p.relative_to(ROOT) for p in (ROOT / kept).rglob("*") if p.is_file() and "__pycache__" not in p.parts}
        assert files
        assert {f"toolkit/_resources/{path.as_posix()}" for path in files} <= names
    return folder


def run(installed: Path, *words: str, cwd: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_works_elsewhere(installed: Path, tmp_path: Path) -> None:
    where = [sys.executable, "-c", "import toolkit.resources as r; print(r.resource('schemas'))"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    schemas = subprocess.run(
        where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert Path(schemas) == installed / "toolkit" / "_resources" / "schemas"
    reports = installed / "toolkit" / "_resources" / "examples" / "reports"
    run(installed, "init", "data", "--annotator", "a", cwd=tmp_path)
    report = str(reports / "lantern-quay-3.txt")
    run(
        installed,
        "-C",
        "data",
        "source",
        "add",
        report,
        "--spans",
        report.replace(".txt", ".segments.jsonl"),
        cwd=tmp_path,
    )
    assert "posts" in run(installed, "-C", "data", "corpus", "build", cwd=tmp_path)
    assert (tmp_path / "data" / "corpus" / "0.1.0" / "manifest.json").exists()
    assert "sources" in run(installed, "-C", "data", "status", cwd=tmp_path)
