"""Loading releases as a model builder does."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache as once
from pathlib import Path
from typing import Any

_CODE = """
import datasets, hashlib, json, sys
for line in sys.stdin:
    cache, asked = json.loads(line)
    for number, (release, config) in enumerate(asked):
        loaded = datasets.load_dataset(release, config, cache_dir=f"{cache}/{number}")
        rows = {split: part.to_list() for split, part in loaded.items()}
        print(json.dumps(rows, default=lambda data: hashlib.sha256(data).hexdigest()), flush=True)
"""


@once
def _loader() -> subprocess.Popen[str]:
    """A process that loads what it is asked for, line by line, until this one ends: the library takes seconds to import."""
    return subprocess.Popen([sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def load(*asked: tuple[Path, str], cache: Path) -> list[dict[str, list[dict[str, Any]]]]:
    """Load these configs of releases in another process, each from a fresh cache: split → rows of each.

    Bytes, of images, are their hash.
    """
    process = _loader()
    assert process.stdin and process.stdout
    assert not cache.exists() or not any(cache.iterdir()), "a fresh cache"
    print(
        json.dumps([str(cache), [[str(release), config] for release, config in asked]]), file=process.stdin, flush=True
    )
    lines = [process.stdout.readline() for _ in asked]
    if not all(lines):
        _loader.cache_clear()
        raise AssertionError(f"load_dataset failed, exit code {process.wait()}")
    return [json.loads(line) for line in lines]
