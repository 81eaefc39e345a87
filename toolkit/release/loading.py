"""The gate that loads: ``load_dataset`` on every config in a process of its own, with a fresh cache and no network.

Run as ``python -m toolkit.release.loading FOLDER CACHE [REPO REVISION]``, it prints what it loaded as JSON. A fresh
cache because the loader's is keyed by the folder's name and the card's YAML, not by the data.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.errors import WorkspaceError
from toolkit.fsio import read_json
from toolkit.release.features import release_table
from toolkit.release.layout import MANIFEST
from toolkit.rowdigest import batches_digest

if TYPE_CHECKING:
    from toolkit.release.folder import Folder

_QUIET = {
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
_OFFLINE = _QUIET | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
_DEADLINE = 3600
_BATCH = 10_000


def load(folder: Folder) -> list[str]:
    """Load every config, batch and streaming; compare versions, splits and row digests with the manifest."""
    return _loaded(folder, _OFFLINE)


def load_from_hub(folder: Folder, repo: str, revision: str) -> list[str]:
    """Load every config from a repository on the Hub at a revision, in the same way, and compare with the folder's manifest.

    A fresh cache, since the loader falls back on what it has whenever the Hub does not answer, whatever the revision.
    """
    from huggingface_hub import get_token

    kept = {name: value for name, value in os.environ.items() if name.startswith("HF_HUB_") or name == "HF_ENDPOINT"}
    token = get_token()
    return _loaded(folder, kept | _QUIET | ({"HF_TOKEN": token} if token else {}), repo, revision)


def _loaded(folder: Folder, settings: Mapping[str, str], *hub: str) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="docposts-load-") as cache:
        # The package's own place first, so that the child finds it whatever folder this process stands in.
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        try:
            run = subprocess.run(
                [sys.executable, "-m", "toolkit.release.loading", str(folder.path.absolute()), cache, *hub],
                env=kept | dict(settings) | {"HF_HOME": cache, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=_DEADLINE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [f"load_dataset did not end within {_DEADLINE} s"]
    said = (run.stderr.strip().splitlines() or ["no message"])[-1]
    if run.returncode == -signal.SIGKILL or (run.returncode and "MemoryError" in said):
        # Which says nothing of the release.
        raise WorkspaceError(
            "the process that loads the release was ended: most likely the machine has too little memory",
            hint="the same command with other programs closed",
        )
    if run.returncode:
        return [f"load_dataset failed: {said}"]
    return _compare(folder, json.loads(run.stdout.splitlines()[-1]))


def _compare(folder: Folder, loaded: dict[str, Any]) -> list[str]:
    problems = []
    for config, splits in folder.manifest["configs"].items():
        wanted = {split: entry["row_digest"] for split, entry in splits.items()}
        for way in ("batch", "stream"):
            if loaded[config][way] != wanted:
                problems.append(f"{config} ({way}): the rows loaded are not those of the manifest")
        if set(loaded[config]["versions"]) != {folder.version}:
            problems.append(f"{config}: info.version is {', '.join(loaded[config]['versions'])}, not {folder.version}")
    if loaded["default"] != "posts":
        problems.append(f"without a name, {loaded['default']} is loaded instead of posts")
    return problems


def words(values: pa.Array, feature: Any, kind: pa.DataType) -> pa.Array:
    """Return loaded values, as Arrow has them, with the numbers of their labels turned back into words, as ``kind``."""
    from datasets import ClassLabel

    if isinstance(feature, ClassLabel):
        return pa.array(feature.names, pa.string()).take(values)
    if inner := getattr(feature, "feature", None):
        ends = np.cumsum([0, *pc.fill_null(pc.list_value_length(values), 0).to_pylist()])
        made = words(values.flatten(), inner, kind.value_type)
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), made, kind, mask=values.is_null())
    if isinstance(feature, dict):
        # Flattened, so that a field of a null struct is null.
        fields = dict(zip((part.name for part in values.type), values.flatten(), strict=True))
        parts = [words(fields[part.name], feature[part.name], part.type) for part in kind]
        return pa.StructArray.from_arrays(parts, fields=[*kind], mask=values.is_null())
    return values.cast(kind)


def _no_network(*_: object, **__: object) -> None:
    raise OSError("a release must load without the network")


def loaded_digest(config: str, rows: Any) -> str:
    """Return the row digest of loaded rows (a ``Dataset`` or one that streams), as the manifest's are computed."""
    schema = release_table(config).arrow

    def batches() -> Iterator[pa.Table]:
        yield schema.empty_table()
        features = rows.features  # a deep copy each time that it is asked for
        for batch in rows.with_format("arrow").iter(batch_size=_BATCH):
            if batch.schema.names != schema.names:
                raise _OtherColumns
            columns = [words(batch[part.name].combine_chunks(), features[part.name], part.type) for part in schema]
            yield pa.Table.from_arrays(columns, schema=schema)

    try:
        return batches_digest(schema.names, batches())
    except _OtherColumns:
        return "other columns"


class _OtherColumns(Exception):
    pass


def _read_yaml_once() -> None:
    """Let the library parse the card's YAML once in this process: it would do so twice for each config, by Python alone.

    Whoever asks is given values of their own, as the parser would give them.
    """
    import yaml

    read = yaml.safe_load

    @cache
    def kept(text: str) -> bytes:
        return pickle.dumps(read(text))

    yaml.safe_load = lambda stream: pickle.loads(kept(stream)) if isinstance(stream, str) else read(stream)


def main(folder: Path, cache: str, repo: str = "", revision: str = "") -> dict[str, Any]:
    """Load every config of a release; return config → batch and stream (split → row digest) and versions.

    From the folder, with the network shut; or from ``repo`` at ``revision``, in which case the folder says what to load.
    """
    if not repo:
        for name in ("connect", "connect_ex", "sendto"):
            setattr(socket.socket, name, _no_network)
        socket.getaddrinfo = _no_network  # type: ignore[assignment]
    _read_yaml_once()
    from datasets import get_dataset_default_config_name, load_dataset

    where, at = repo or str(folder), {"revision": revision} if revision else {}
    found: dict[str, Any] = {}
    for config in read_json(folder / MANIFEST)["configs"]:
        batch = load_dataset(where, config, cache_dir=cache, **at)
        stream = load_dataset(where, config, streaming=True, cache_dir=cache, **at)
        found[config] = {
            "batch": {split: loaded_digest(config, rows) for split, rows in batch.items()},
            "stream": {split: loaded_digest(config, rows) for split, rows in stream.items()},
            "versions": sorted({str(rows.info.version) for rows in [*batch.values(), *stream.values()]}),
        }
    found["default"] = get_dataset_default_config_name(where, **at)
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
