"""Gates on the files: the manifest, the card's YAML, the parts, versions and digests."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from toolkit.errors import InputError
from toolkit.fsio import read_text
from toolkit.parquet import row_digest
from toolkit.release import croissant, gate_croissant, vocabulary
from toolkit.release.card import size_category
from toolkit.release.documents import edition_digest
from toolkit.release.folder import Folder, read_yaml
from toolkit.release.layout import README, data_digest, list_files
from toolkit.release.notices import description
from toolkit.release.rows import CONFIGS
from toolkit.release.shards import part_path
from toolkit.settings import check_record

# The Hub takes words that a split may be called by; `all` means every split to the loader.
_SplitName = Annotated[str, StringConstraints(pattern=r"^(train|validation|test)$")]
_Version = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")]
_Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _DataFiles(_Strict):
    split: _SplitName
    path: str


class _Config(_Strict):
    config_name: str
    default: bool = False
    version: _Version
    description: str
    data_files: tuple[_DataFiles, ...] = Field(min_length=1)


class _Split(_Strict):
    name: _SplitName
    num_bytes: int
    num_examples: int


class _Info(_Strict):
    config_name: str
    features: tuple[dict[str, Any], ...] = Field(min_length=1)
    splits: tuple[_Split, ...] = Field(min_length=1)
    download_size: int
    dataset_size: int


class _Front(_Strict):
    license: str
    license_name: str = ""
    license_link: str = ""
    language: tuple[_Language, ...] = Field(min_length=1)
    language_bcp47: tuple[str, ...] = ()
    pretty_name: str
    size_categories: tuple[str, ...]
    task_categories: tuple[str, ...]
    annotations_creators: tuple[str, ...]
    extra_gated_heading: str = ""
    extra_gated_prompt: str = ""
    extra_gated_fields: dict[str, Literal["text", "checkbox", "country", "date_picker"]] = {}
    extra_gated_button_content: str = ""
    configs: tuple[_Config, ...] = Field(min_length=1)
    dataset_info: tuple[_Info, ...] = Field(min_length=1)


def manifest(folder: Folder) -> list[str]:
    """Hold the manifest against the disk: no stray file, none missing, every size and hash."""
    there, named = list_files(folder.path), folder.manifest["files"]
    problems = [f"{path} is not in the manifest" for path in there if path not in named]
    problems += [f"{path} is missing" for path in named if path not in there]
    problems += [f"{path} was changed" for path, entry in there.items() if path in named and named[path] != entry]
    links = [path.relative_to(folder.path) for path in sorted(folder.path.rglob("*")) if path.is_symlink()]
    return problems + [f"{path} is a link" for path in links]


def yaml_form(folder: Folder) -> list[str]:
    """Hold the card's YAML against the form that it must have."""
    front = check_record(folder.front, _Front, str(folder.path / README))
    problems = []
    names = [config.config_name for config in front.configs]
    if names != [info.config_name for info in front.dataset_info] or len(set(names)) != len(names):
        problems.append("configs and dataset_info do not name the same configs, each once")
    if sum(config.default for config in front.configs) != 1:
        problems.append(f"{sum(config.default for config in front.configs)} configs are the default, expected one")
    if unknown := [name for name in names if name not in CONFIGS]:
        problems.append(f"unknown config {', '.join(unknown)}")
    for config, info in zip(front.configs, front.dataset_info, strict=False):
        splits = [files.split for files in config.data_files]
        if splits != [split.name for split in info.splits] or len(set(splits)) != len(splits):
            problems.append(f"{config.config_name}: data_files and dataset_info do not name the same splits, each once")
    if front.license == "other" and not (front.license_name and front.license_link):
        problems.append("license other needs license_name and license_link")
    problems += vocabulary.strange(folder.front)
    rows = sum(part["rows"] for part in folder.manifest["configs"].get("posts", {}).values())
    if front.size_categories != (size_category(rows),):
        problems.append(f"size_categories is not {size_category(rows)}, what {rows} posts are")
    return problems


def parts(folder: Folder) -> list[str]:
    """Read every part that the manifest names; none is without rows."""
    problems = []
    for config, splits in folder.parts.items():
        for split, rows in splits.items():
            if not rows.num_rows:
                problems.append(f"{config}/{split} has no rows")
    return problems


def codebooks(folder: Folder) -> list[str]:
    """Read the codebooks in the folder."""
    return [
        f"codebook {task} is {book.version}, the manifest says {folder.manifest['codebooks'][task]}"
        for task, book in folder.codebooks.items()
        if book.version != folder.manifest["codebooks"][task]
    ]


def globs(folder: Folder) -> list[str]:
    """Resolve the YAML's paths; they find the parts of the manifest's configs and nothing else."""
    problems, found, configs = [], set(), folder.manifest["configs"]
    for config in folder.front["configs"]:
        name = config["config_name"]
        for files in config["data_files"]:
            pattern, split = files["path"], files["split"]
            if pattern.startswith("/") or ".." in pattern.split("/") or ":" in pattern or "\\" in pattern:
                problems.append(f"{name}/{split}: the path {pattern} leads out of the folder")
                continue
            hits = {path.relative_to(folder.path).as_posix() for path in folder.path.glob(pattern)}
            found |= hits
            there = folder.files_of(name, split) if split in configs.get(name, {}) else [part_path(name, split)]
            if hits != {*there}:
                problems.append(f"{name}/{split}: {pattern} finds {', '.join(sorted(hits)) or 'nothing'}")
    wanted = {*folder.data_files()}
    problems += [f"{path} is in the manifest and no path finds it" for path in sorted(wanted - found)]
    parquet = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*.parquet")}
    return problems + [f"{path} is a Parquet file that no config names" for path in sorted(parquet - wanted - found)]


def counts(folder: Folder) -> list[str]:
    """Count again: rows and digests of the manifest, numbers and description of the YAML, the data digest."""
    problems = []
    rows = {config: {split: row_digest(part) for split, part in own.items()} for config, own in folder.parts.items()}
    for config, own in folder.parts.items():
        for split, part in own.items():
            said = folder.manifest["configs"][config][split]
            if (said["rows"], said["row_digest"]) != (part.num_rows, rows[config][split]):
                problems.append(f"{config}/{split}: the manifest's rows or row_digest are not those of the file")
    digest = data_digest(rows, folder.features(), folder.codebook_hashes())
    if digest != folder.manifest["digest"]:
        problems.append("the manifest's digest is not that of the data")
    if folder.manifest["edition"] != edition_digest(digest, folder.manifest["documents"]):
        problems.append("the manifest's edition is not that of its data and documents")
    for config in folder.front["configs"]:
        if config["description"] != description(folder.version, digest):
            problems.append(f"{config['config_name']}: the YAML's description does not name the release and its digest")
    for info in folder.front["dataset_info"]:
        problems += _counted(folder, info)
    return problems


def _counted(folder: Folder, info: dict[str, Any]) -> list[str]:
    config, problems, total = info["config_name"], [], 0
    for split in info["splits"]:
        part = folder.parts.get(config, {}).get(split["name"])
        if part is None:
            problems.append(f"{config}/{split['name']} is not in the manifest")
            continue
        size = sum((folder.path / path).stat().st_size for path in folder.files_of(config, split["name"]))
        total += size
        if (split["num_examples"], split["num_bytes"]) != (part.num_rows, size):
            problems.append(
                f"{config}/{split['name']}: the YAML says {split['num_examples']} rows in {split['num_bytes']} bytes"
            )
    if {info["download_size"], info["dataset_size"]} != {total}:
        problems.append(f"{config}: the YAML's sizes are not {total}")
    return problems


def version(folder: Folder) -> list[str]:
    """Compare the version in every file that names it."""
    cited = read_yaml(read_text(folder.path / "CITATION.cff"), "CITATION.cff")
    heading = re.search(r"^## (\S+)$", read_text(folder.path / "CHANGELOG.md"), re.MULTILINE)
    if not isinstance(cited, dict):
        raise InputError("CITATION.cff is no mapping")
    named = {"CITATION.cff": cited.get("version"), "CHANGELOG.md": heading[1] if heading else None}
    named |= {croissant.FILE: gate_croissant.read(folder).get("version")}
    named |= {f"README.md ({config['config_name']})": config["version"] for config in folder.front["configs"]}
    return [
        f"{where} says {said}, the manifest {folder.version}" for where, said in named.items() if said != folder.version
    ]
