"""The one direction: cli → stages, later to earlier → services → foundation; each outside library in its place."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_tabular import add as add_table
from toolkit.workspace import Workspace

PACKAGE = ROOT / "toolkit"
# From the ground up: a module may import what has its own rank or a lower one.
RANKS = {
    "errors": 0,
    "resources": 0,
    "fsio": 0,
    "schema": 0,
    "rowdigest": 0,
    "storage": 0,
    "parquet": 0,
    "ids": 0,
    "ledger": 0,
    "lineage": 0,
    "settings": 0,
    "workspace": 0,
    "tombstones": 0,
    "codebook": 0,
    "codebook_checks": 0,
    "codebook_changes": 0,
    "codebooks": 0,
    "formchange": 0,
    "labelconfig": 0,
    "labelresult": 0,
    "resultshape": 0,
    "decisionresult": 0,
    "items": 0,
    "votes": 0,
    "precedents": 0,
    "alternatives": 0,
    "provenance": 0,
    "people": 0,
    "text": 0,
    "kernels": 0,
    "labelstudio": 1,
    "sources": 2,
    "corpus": 3,
    "predict": 3,
    "tasks": 4,
    "labels": 5,
    "agreement": 5,
    "rounds": 6,
    "segmentation": 6,
    "adjudication": 6,
    "release": 7,
    "trace": 8,
    "report": 8,
    "purge": 8,
    "migrate": 8,
    "demo": 8,
    "status": 8,
    "cli": 9,
    "__main__": 10,
}
ONLY_IN = {
    "click": {"cli"},
    "label_studio_sdk": {"labelstudio"},
    "rich": {"cli"},
    "rapidocr_onnxruntime": {"predict"},
    "cv2": {"predict"},
    "sklearn": {"agreement", "release"},
    "opencc": {"text"},
    "langdetect": {"text"},
    "duckdb": {"corpus"},
    "matplotlib": {"report"},
    "pyarrow.parquet": {"parquet"},
    "datasets": {"release", "demo"},
    "huggingface_hub": {"release"},
    "pyspark": {"corpus"},
    "pysail": {"corpus"},
    "fsspec": {"storage"},
    "obstore": {"storage"},
}
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "_resources" not in path.parts and "inside" not in path.parts
)


def room(path: Path) -> str:
    """Return the part of the package that a module belongs to."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "errors" if first == "__init__" else first


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_a_rank() -> None:
    assert {room(path) for path in MODULES} == set(RANKS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    own = room(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "toolkit" and len(parts) > 1 and parts[1] in RANKS:
            assert RANKS[parts[1]] <= RANKS[own], f"{own} imports {name}"
        for library, rooms in ONLY_IN.items():
            if name == library or name.startswith(f"{library}."):
                assert own in rooms, f"{own} imports {name}"


def printed(code: str, *words: object) -> list[str]:
    """The words that a program prints last, in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split()


def loaded_by(*words: object) -> set[str]:
    """The modules, without those within packages, that a command has loaded when it ends."""
    code = (
        "import atexit, sys; from toolkit.cli import run; "
        "atexit.register(lambda: print(*(m for m in sys.modules if '.' not in m))); run()"
    )
    return set(printed(code, *words))


def test_help_imports_nothing_heavy() -> None:
    loaded = printed("import sys, toolkit.cli; print(*sorted(m for m in sys.modules if '.' not in m))")
    heavy = {
        "pyarrow",
        "numpy",
        "pandas",
        "datasets",
        "label_studio_sdk",
        "pydantic",
        "opencc",
        "scipy",
        "rich",
        "lxml",
    }
    assert not heavy & set(loaded)


def test_a_build_of_few_posts_imports_no_more_than_it_needs(workspace: Workspace) -> None:
    add_table(workspace, "x.csv", "id,text\n1,The lamp burns.\n2,盐灯在墙上\n3,The lamp burns!\n")
    loaded = loaded_by("-C", workspace.root, "corpus", "build")
    assert {"duckdb", "pyarrow"} <= loaded
    assert not {"datasets", "jinja2", "lxml", "pandas", "pdfminer", "scipy", "sklearn", "yaml"} & loaded
    assert not {"pandas", "scipy", "sklearn"} & loaded_by("-C", workspace.root, "status")


def test_pyarrow_alone_knows_pandas_again_when_asked() -> None:
    code = """if True:
        import sys
        import pyarrow as pa
        from toolkit.cli.arrow import without_pandas
        finders = list(sys.meta_path)
        without_pandas()
        found = [pa.array([1, None]).to_pylist(), pa.scalar("a").as_py(), "pandas" in sys.modules, sys.meta_path == finders]
        frame = pa.table({"a": [1.5, None]}).to_pandas()
        import pandas as pd
        without_pandas()
        found += [type(frame) is pd.DataFrame, pa.array(pd.Series([1.5, float("nan")])).to_pylist()]
        print(found)
    """
    assert " ".join(printed(code)) == "[[1, None], 'a', False, True, True, [1.5, None]]"
