"""A release as CSV and JSON lines, and the example of loading one."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import docposts
from tests.conftest import ROOT
from tests.releases import cut_folder as cut
from tests.releases import photograph, with_image, workspace_of
from tests.test_release_rows import world
from toolkit.release.folder import Folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("export")
    return cut(workspace_of(folder / "w"), with_image(world(), folder, photograph()), "0.1.0")


def test_every_value_comes_out(release: Folder, tmp_path: Path) -> None:
    for form in ("csv", "jsonl"):
        docposts("release", "export", tmp_path / form, "--release", release.path, "--format", form)
    for config, splits in release.parts.items():
        for split, rows in splits.items():
            expected = rows.to_pylist()
            for row in (row for row in expected if "image" in row):
                held, row["image"] = row["image"], row["image"]["path"]
                assert (tmp_path / "csv" / "images" / row["image"]).read_bytes() == held["bytes"]
            lines = (tmp_path / "jsonl" / config / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
            assert [json.loads(line) for line in lines] == expected
            with (tmp_path / "csv" / config / f"{split}.csv").open(encoding="utf-8", newline="") as file:
                found = list(csv.DictReader(file))
            assert [list(row) for row in found] == [rows.schema.names] * len(expected)
            for row, wanted in zip(found, expected, strict=True):
                for name, value in wanted.items():
                    if isinstance(value, list | dict):
                        assert json.loads(row[name]) == value
                    else:
                        shown = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                        assert row[name] == shown, name


def test_a_folder_that_is_there(release: Folder, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    out = docposts("release", "export", tmp_path / "there", "--release", release.path, code=1)
    assert "is there already" in out.stderr and not list((tmp_path / "there").iterdir())


def test_the_example_of_loading(release: Folder, tmp_path: Path) -> None:
    """Its figure is what the release's own rows give."""
    env = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    command = [sys.executable, str(ROOT / "examples" / "load_release.py"), str(release.path)]
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    posts = release.parts["posts"]["train"].to_pylist()
    judged = {row["post_id"] for row in posts}
    judgements = [row for row in release.parts["judgements"]["train"].to_pylist() if row["item_id"] in judged]
    features = next(i for i in release.front["dataset_info"] if i["config_name"] == "posts")["features"]
    names = next(f for f in features if f["name"] == "narrative")["list"]["class_label"]["names"].values()
    soft = [{entry["label"]: entry["yes"] / entry["of"] for entry in row["narrative_dist"]} for row in posts]
    total = 0.0
    for name in names:
        values = [row.get(name, 0) for row in soft]
        mean = sum(values) / len(values)
        total += sum(abs(value - mean) for value in values)
    expected = total / len(soft) / len(names)
    assert out == (
        f"{len(posts)} posts, {len(judgements)} judgements of them; "
        f"guessing each label's share: mean error {expected:.4f}\n"
    )
    assert len((ROOT / "examples" / "load_release.py").read_text().split('"""\n', 1)[1].strip().splitlines()) <= 13
