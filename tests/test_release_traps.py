"""What the loader does with folders that the gates refuse: each trap bites where nothing stands in its way.

The gates' own tests (``test_release_verify``) show that a release of that shape is refused; these, that it must be: rows lost,
added or emptied without a word, or a whole config that does not load.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_LOAD = """
import json, sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import load_dataset

root, found = Path(sys.argv[1]), {}


def dataset(name, parts, splits=("train",), more="", info=""):
    folder = root / name
    for path, table in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / path)
    files = "".join(f"  - {{split: {s}, path: posts/{s}-*.parquet}}\\\\n" for s in splits)
    yaml = f"---\\\\nconfigs:\\\\n- config_name: posts\\\\n{more}  data_files:\\\\n{files}{info}---\\\\n"
    (folder / "README.md").write_text(yaml)
    try:
        loaded = load_dataset(str(folder), "posts", cache_dir=str(root / "cache"))
        found[name] = {split: rows.to_list() for split, rows in loaded.items()}
    except Exception as error:
        found[name] = type(error).__name__


def rows(n, **columns):
    return pa.table({"id": list(range(n)), **columns})


one, two = "posts/train-00000-of-00001.parquet", "posts/train-00001-of-00002.parquet"
dataset("clean", {one: rows(2)})
dataset("empty", {one: rows(2).slice(0, 0)})
dataset("empty split", {one: rows(2), "posts/test-00000-of-00001.parquet": rows(2).slice(0, 0)}, ("train", "test"))
dataset("stray", {one: rows(2), two: rows(3)})
dataset("more columns", {one: rows(2), two: rows(2, extra=["a", "b"])})
dataset("fewer columns", {one: rows(2, text=["a", "b"]), two: rows(1)})
dataset("another type", {one: pa.table({"id": ["a"]}), two: pa.table({"id": [1]})})
dataset("all", {"posts/all-00000-of-00001.parquet": rows(1)}, ("all",))
dataset("candidate", {one: rows(1)}, more="  version: 1.2.0-rc.1\\\\n")
dataset("float", {one: rows(1)}, more="  version: 1.2\\\\n")
about = "dataset_info:\\\\n- config_name: posts\\\\n  features:\\\\n  - {name: id, dtype: int64}\\\\n  splits:\\\\n"
dataset("wrong count", {one: rows(2)}, info=about + "  - {name: train, num_bytes: 1, num_examples: 9}\\\\n")
dataset("wrong bytes", {one: rows(2)}, info=about + "  - {name: train, num_bytes: 1, num_examples: 2}\\\\n")
labels = about.replace("dtype: int64", "dtype: {class_label: {names: {'0': no, '1': yes}}}")
dataset("unquoted", {one: pa.table({"id": ["no"]})}, info=labels + "  - {name: train, num_bytes: 1, num_examples: 1}\\\\n")
print(json.dumps(found))
"""


def test_what_the_loader_does_without_the_gates(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    script = _LOAD.replace("\\\\n", "\\n")
    command = [sys.executable, "-c", script, str(tmp_path / "sets")]
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["clean"] == {"train": [{"id": 0}, {"id": 1}]}
    # Silent: rows too many, values gone, values of another type, sizes that are not so.
    assert [row["id"] for row in found["stray"]["train"]] == [0, 1, 0, 1, 2]
    assert found["fewer columns"]["train"][2] == {"id": 0, "text": None}
    assert found["another type"]["train"] == [{"id": "a"}, {"id": "1"}]
    assert len(found["wrong bytes"]["train"]) == 2
    # Loud: but one part takes the whole config with it.
    loud = ("empty", "empty split", "more columns", "all", "candidate", "float", "wrong count", "unquoted")
    assert {name: type(found[name]) for name in loud} == dict.fromkeys(loud, str), found
