"""Fresh numbers for a release folder whose rows were rewritten: digests, sizes, and the files that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.fsio import read_json, read_text, write_atomic
from toolkit.parquet import row_digest
from toolkit.release import croissant, notices
from toolkit.release.folder import Folder
from toolkit.release.layout import MANIFEST, README, canonical_pretty, data_digest, list_files, part_path

_PRIVATE = (
    "\n> **FOR PRIVATE USE ONLY.** The texts in this copy were put back from reports that may not be passed on: it is not to be "
    "published.\n"
)


def seal(path: Path, **said: Any) -> None:
    """Compute again what manifest, card and description say of the rows; ``said`` goes into the manifest."""
    folder = Folder(path)
    manifest, front = dict(folder.manifest), dict(folder.front)
    _, _, body = read_text(path / README).split("---\n", 2)
    manifest["configs"] = {
        config: {split: {"rows": rows.num_rows, "row_digest": row_digest(rows)} for split, rows in splits.items()}
        for config, splits in folder.parts.items()
    }
    rows = {c: {s: part["row_digest"] for s, part in own.items()} for c, own in manifest["configs"].items()}
    manifest["digest"] = data_digest(rows, folder.features(), folder.codebook_hashes())
    for config in front["configs"]:
        config["description"] = notices.description(folder.version, manifest["digest"])
    for info in front["dataset_info"]:
        sizes = {}
        for entry in info["splits"]:
            config, split = info["config_name"], entry["name"]
            sizes[split] = (path / part_path(config, split)).stat().st_size
            entry |= {"num_bytes": sizes[split], "num_examples": manifest["configs"][config][split]["rows"]}
        info |= {"download_size": sum(sizes.values()), "dataset_size": sum(sizes.values())}
    manifest |= said
    if not manifest["publishable"]:
        body = _PRIVATE + body
    write_atomic(path / README, f"---\n{notices.dump(front)}---\n{body}")
    described = read_json(path / croissant.FILE)
    data = {name: entry for name, entry in list_files(path).items() if name.endswith(".parquet")}
    described["distribution"] = croissant.distribution(manifest["configs"], data)
    write_atomic(path / croissant.FILE, canonical_pretty(described))
    manifest["files"] = list_files(path)
    write_atomic(path / MANIFEST, canonical_pretty(manifest))
