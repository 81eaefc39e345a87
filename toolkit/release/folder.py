"""Reading a release folder: its manifest, the YAML of its card, its parts. What cannot be read is an :class:`InputError`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from toolkit.codebook import Codebook, load_codebook
from toolkit.errors import InputError
from toolkit.fsio import canonical_json, read_json, read_text
from toolkit.parquet import read_any
from toolkit.release.features import release_table
from toolkit.release.layout import MANIFEST, README
from toolkit.release.leakage import near_pairs
from toolkit.release.rows import CONFIGS
from toolkit.release.shards import part_paths
from toolkit.settings import check_record

_ROWS = 10_000


class Shown(NamedTuple):
    """An item, and where it stands; a photo text is of its post's campaign ("": of none)."""

    item: str
    split: str
    source: str
    campaign: str


def _each(rows: pa.Table, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in rows.select([*columns]).to_batches(max_chunksize=_ROWS):
        yield from batch.to_pylist()


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Part(_Form):
    rows: int
    row_digest: str
    shards: Annotated[int, Field(ge=1, le=99_999)] = 1


class _File(_Form):
    bytes: int
    sha256: str


class _About(_Form):
    title: str
    licence: str
    contact: str
    languages: tuple[str, ...]
    gated: bool
    seed: int
    annotators: int
    annotator_demographics: str
    ethical_review: str
    agreement: tuple[dict[str, str | int | float | None], ...]


class _Manifest(_Form):
    model_config = ConfigDict(extra="allow", strict=True)
    name: str
    version: Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$")]
    digest: str
    edition: str
    documents: dict[str, str]
    about: _About
    own: tuple[str, ...]
    made_with: dict[str, str]
    held_out: dict[str, str]
    dropped: dict[str, int]
    corpus: dict[str, str]
    inputs: dict[str, str]
    codebooks: dict[Literal["narrative", "photo_text"], str]
    configs: dict[
        Literal["posts", "photo_texts", "judgements", "sources", "narratives", "accounts"],
        dict[Literal["train", "validation", "test"], _Part],
    ]
    files: dict[str, _File]
    public_handles: tuple[str, ...]
    linkable: tuple[str, ...]
    simulated: bool
    restricted: bool
    publishable: bool
    campaigns_whole: bool
    taken_down: tuple[str, ...]
    dehydrated: tuple[str, ...]
    hydrated: bool = False


class _Strict(yaml.constructor.SafeConstructor):
    """YAML that may not say a thing twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice in one mapping."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Loader(_Strict, yaml.SafeLoader):
    """In Python alone: what it says of an error is what is shown."""


class _QuickLoader(_Strict, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in a tenth of the time, where PyYAML was built with it."""


def read_yaml(text: str, where: str) -> Any:
    """Return strict YAML's value; :class:`InputError` names file and line."""
    with suppress(yaml.YAMLError):
        return yaml.load(text, _QuickLoader)  # a SafeLoader
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error


@dataclass(frozen=True)
class Folder:
    """A release on disk."""

    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """MANIFEST.json, of the form that readers rely on: names of configs and splits lead nowhere else."""
        value = read_json(self.path / MANIFEST)
        check_record(value, _Manifest, str(self.path / MANIFEST))
        found: dict[str, Any] = value
        return found

    @cached_property
    def front(self) -> dict[str, Any]:
        """The YAML at the head of README.md."""
        text = read_text(self.path / README)
        head, mark, rest = text.partition("---\n")
        front, end, _ = rest.partition("\n---\n")
        if head or not mark or not end:
            raise InputError(f"{self.path / README}: does not begin with YAML between two lines of ---")
        value = read_yaml(front, f"{self.path / README}")
        if not isinstance(value, dict):
            raise InputError(f"{self.path / README}: the YAML is no mapping")
        return value

    @property
    def version(self) -> str:
        """The version that the manifest names."""
        return str(self.manifest["version"])

    @cached_property
    def parts(self) -> dict[str, dict[str, pa.Table]]:
        """Config → split → rows as they lie there, whatever their columns."""
        return {
            config: {split: self._read(config, split) for split in splits}
            for config, splits in self.manifest["configs"].items()
        }

    def files_of(self, config: str, split: str) -> list[str]:
        """Return the paths of a split's files, in the order of its rows, as the manifest has them."""
        return part_paths(config, split, int(self.manifest["configs"][config][split].get("shards", 1)))

    def data_files(self) -> list[str]:
        """Return the paths of all files of rows."""
        configs = self.manifest["configs"]
        return [path for config, splits in configs.items() for split in splits for path in self.files_of(config, split)]

    def _read(self, config: str, split: str) -> pa.Table:
        first, *others = self.files_of(config, split)
        rows = [read_any(self.path / first)]
        for path in others:
            rows.append(read_any(self.path / path))
            # A loader fills up what one file lacks with nulls, and says nothing.
            if not rows[-1].schema.equals(rows[0].schema):
                raise InputError(f"{path}: its columns are not those of {first}")
        return pa.concat_tables(rows)

    def rows(self, config: str) -> pa.Table:
        """Return the rows of a config over all its splits."""
        return pa.concat_tables([*self.parts.get(config, {}).values()] or [release_table(config).empty()])

    def each(self, config: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows of a config one at a time, some or all of their columns, without holding all as rows of Python."""
        rows = self.rows(config)
        yield from _each(rows, rows.column_names if columns is None else columns)

    @cached_property
    def alike(self) -> list[tuple[Shown, Shown, float]]:
        """The pairs of nearly the same texts that stand in different splits, sources or campaigns, and how near they are."""
        found = [*self._shown()]
        apart = [canonical_json([one.split, one.source, one.campaign]) for one, _ in found]
        pairs = near_pairs([text for _, text in found], apart=apart)
        return [(found[one][0], found[other][0], score) for one, other, score in pairs]

    def _shown(self) -> Iterator[tuple[Shown, str]]:
        campaigns: dict[str, str] = {}
        for split, rows in self.parts.get("posts", {}).items():
            for row in _each(rows, ["post_id", "source_id", "campaign", "text", "translation"]):
                shown = Shown(row["post_id"], split, row["source_id"], row["campaign"] or "")
                campaigns[shown.item] = shown.campaign
                yield from ((shown, row[name]) for name in ("text", "translation") if row[name])
        for split, rows in self.parts.get("photo_texts", {}).items():
            for row in _each(rows, ["photo_id", "post_id", "source_id", "text"]):
                if row["text"]:
                    campaign = campaigns.get(row["post_id"], "")
                    yield Shown(row["photo_id"], split, row["source_id"], campaign), row["text"]

    def tables(self) -> dict[str, pa.Table]:
        """Return the rows of every config."""
        return {config: self.rows(config) for config in CONFIGS}

    def features(self) -> dict[str, Any]:
        """Return config → features as the YAML declares them."""
        return {info["config_name"]: info["features"] for info in self.front["dataset_info"]}

    @cached_property
    def codebooks(self) -> dict[str, Codebook]:
        """The codebooks that lie in the folder."""
        return {task: load_codebook(task, self.path / "codebooks") for task in self.manifest["codebooks"]}

    def codebook_hashes(self) -> dict[str, str]:
        """Return path → hash of the codebooks' files, as the manifest has them."""
        files = self.manifest["files"]
        return {path: entry["sha256"] for path, entry in files.items() if path.endswith("/codebook.yaml")}
