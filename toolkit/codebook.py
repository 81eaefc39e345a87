"""Codebooks: what annotators are asked, as typed, checked data.

``annotation_configs/<task>/codebook.yaml`` is the only place where a question or a label is worded. The Label Studio
form, the guide and the reading of annotations (:mod:`toolkit.labelconfig`, :mod:`toolkit.labelresult`) follow from it.

Label ids are flat and stable. A label's place in the tree is its ``parent``, never part of its id, so that moving a
label breaks no judgement made before. A label with children is a heading: only leaves can be chosen and stored. A label
that is given up stays in the file as ``retired``, with what became of it, so that judgements made with it can be read
and carried over (:mod:`toolkit.codebook_changes`).
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator
from pydantic import Field as Constrained

from toolkit.codebook_checks import problems
from toolkit.errors import InputError
from toolkit.fsio import canonical_json, read_text, sha256_text
from toolkit.resources import resource

Kind = Literal["multi", "single", "ordinal", "free"]
Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_NAME = r"^[a-z][a-z0-9_]*$"
_VERSION = r"^\d+\.\d+\.\d+$"
# libyaml, where PyYAML was built with it, reads a codebook in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Localized(_Model):
    """The same words in every language of the forms."""

    en: str = Constrained(min_length=1)
    zh: str = Constrained(min_length=1)

    def get(self, language: str) -> str:
        """Return the words in one of :data:`LANGUAGES`."""
        return self.zh if language == "zh" else self.en


class Example(_Model):
    """An invented text and why the label fits it."""

    text: str = Constrained(min_length=1)
    why: Localized | None = None


class Disarm(_Model):
    """A technique of the DISARM framework that a label is consistent with; never a claim that the two are the same."""

    id: str = Constrained(pattern=r"^T\d{4}(\.\d{3})?$")
    name: str = Constrained(min_length=1)
    relation: Literal["consistent_with"] = "consistent_with"
    when: Localized | None = None


class Label(_Model):
    """One answer to a field's question.

    ``write_in``: it needs a comment; ``exclusive``: it stands alone; ``abstains``: given alone it is no vote.
    ``redefined``: the version since which it means something else than before. ``retired``: the version since which it
    cannot be given; ``merged_into`` (one label, which may be a new id for the same) or ``split_into`` (several) say what
    became of it.
    """

    id: str = Constrained(pattern=_NAME)
    field: str
    parent: str | None = None
    name: Localized
    definition: Localized
    include: tuple[Localized, ...] = ()
    exclude: tuple[Localized, ...] = ()
    examples: tuple[Example, ...] = ()
    disarm: tuple[Disarm, ...] = ()
    exclusive: bool = False
    abstains: bool = False
    write_in: bool = False
    hotkey: str | None = Constrained(default=None, pattern=r"^[a-z0-9]$")
    since: str = Constrained(pattern=_VERSION)
    redefined: str | None = Constrained(default=None, pattern=_VERSION)
    retired: str | None = Constrained(default=None, pattern=_VERSION)
    merged_into: str | None = None
    split_into: tuple[str, ...] = ()

    def shown(self, language: str) -> str:
        """Return the words on the form: the name, after the id where that is a code (``n11``) and not a word."""
        name = self.name.get(language)
        return f"{self.id} {name}" if re.fullmatch(r"[a-z]\d+", self.id) else name


class Level(_Model):
    """One point of an ordinal field's scale."""

    value: int
    name: Localized
    hotkey: str | None = Constrained(default=None, pattern=r"^[a-z0-9]$")


class Field(_Model):
    """One question.

    ``evidence``: each label is backed by spans of the text; ``spans_only``: the spans are the answer; ``per_region``:
    asked of each marked part of an image; ``forms``: asked on these forms only (empty: on all); ``use``: the
    ``task/field`` whose question, rules and labels these are.
    """

    name: str = Constrained(pattern=_NAME)
    kind: Kind
    question: Localized
    rules: tuple[Localized, ...] = ()
    levels: tuple[Level, ...] = ()
    evidence: bool = False
    spans_only: bool = False
    per_region: bool = False
    required: bool = False
    forms: tuple[str, ...] = ()
    use: str | None = None

    @property
    def coded(self) -> bool:
        """Whether an item's answer is labels of the codebook, which are voted on."""
        return self.kind in ("multi", "single") and not self.per_region

    def on(self, form: str) -> bool:
        """Tell whether the form asks this."""
        return not self.forms or form in self.forms


class Codebook(_Model):
    """A task's fields in the order asked, and their labels. Made by :func:`load_codebook`, which also checks it."""

    task: str = Constrained(pattern=_NAME)
    version: str = Constrained(pattern=_VERSION)
    title: Localized
    summary: Localized
    forms: tuple[str, ...] = ("default",)
    rules: tuple[Localized, ...] = ()
    fields: tuple[Field, ...] = Constrained(min_length=1)
    labels: tuple[Label, ...] = ()
    _folder: Path = PrivateAttr(default_factory=lambda: resource("annotation_configs"))

    @property
    def folder(self) -> Path:
        """The folder that this codebook's own folder lies in; templates are looked for there first."""
        return self._folder

    @cached_property
    def sha256(self) -> str:
        """The hex SHA-256 of all that the codebook says, whatever the order and layout of its file."""
        return sha256_text(canonical_json(self.model_dump(mode="json", exclude_defaults=True)))

    def field(self, name: str) -> Field:
        """Return a field; :class:`InputError` when the codebook has none of that name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise InputError(
            f"the codebook {self.task} {self.version} has no field {name!r}",
            hint=f"its fields are {', '.join(f.name for f in self.fields)}",
        )

    def roots(self, field: str) -> tuple[Label, ...]:
        """Return a field's labels of the first level, in the codebook's order."""
        return tuple(label for label in self.active if label.field == field and label.parent is None)

    def children(self, label: str) -> tuple[Label, ...]:
        """Return the labels right below one, in the codebook's order."""
        return tuple(child for child in self.active if child.parent == label)

    @cached_property
    def active(self) -> tuple[Label, ...]:
        """The labels that are not retired, in the codebook's order."""
        return tuple(label for label in self.labels if label.retired is None)

    @cached_property
    def choices(self) -> dict[str, tuple[Label, ...]]:
        """Field → :meth:`leaves`."""
        headings = {label.parent for label in self.active}
        found: dict[str, tuple[Label, ...]] = {}
        for label in self.active:
            if label.id not in headings:
                found[label.field] = (*found.get(label.field, ()), label)
        return found

    def leaves(self, field: str) -> tuple[Label, ...]:
        """Return the labels of a field that can be chosen, in the codebook's order."""
        return self.choices.get(field, ())

    # What every judgement is read by is made once.

    @cached_property
    def label_order(self) -> dict[str, int]:
        """Label → its place among all of the codebook."""
        return {label.id: place for place, label in enumerate(self.labels)}

    @cached_property
    def field_order(self) -> dict[str, int]:
        """Field → its place in the order asked."""
        return {field.name: place for place, field in enumerate(self.fields)}

    @cached_property
    def leaf_ids(self) -> dict[str, frozenset[str]]:
        """Field → the ids of :meth:`leaves`."""
        return {field.name: frozenset(label.id for label in self.leaves(field.name)) for field in self.fields}

    @cached_property
    def evidence_fields(self) -> dict[str, str]:
        """Label of :meth:`evidence_labels` → its field."""
        return {label.id: label.field for label in self.evidence_labels()}

    def label(self, label_id: str) -> Label:
        """Return a label by its id; :class:`InputError` when there is none."""
        if (place := self.label_order.get(label_id)) is not None:
            return self.labels[place]
        raise InputError(f"the codebook {self.task} {self.version} has no label {label_id!r}")

    def path(self, label_id: str) -> tuple[str, ...]:
        """Return the ids from the first level down to a label, as Label Studio's taxonomy stores a choice."""
        label = self.label(label_id)
        return (*self.path(label.parent), label_id) if label.parent else (label_id,)

    def evidence_labels(self) -> tuple[Label, ...]:
        """Return the labels that a span can be marked with beside the choices: an exclusive one has nothing to mark."""
        return tuple(
            label for field in self.fields if field.evidence for label in self.leaves(field.name) if not label.exclusive
        )

    def config_sha256(self, form: str = "default", language: str = "en") -> str:
        """Return the hex SHA-256 of the Label Studio form that annotators see."""
        from toolkit.labelconfig import render_config

        return sha256_text(render_config(self, form=form, language=language))

    @property
    def guide_sha256(self) -> str:
        """The hex SHA-256 of the guide in all its languages, without precedents."""
        from toolkit.labelconfig import guide_sha256

        return guide_sha256(self)

    @model_validator(mode="after")
    def _check(self) -> Codebook:
        if found := list(problems(self)):
            raise ValueError("; ".join(found))
        return self


def load_codebook(task: str, *folders: Path) -> Codebook:
    """Read and check ``<folder>/<task>/codebook.yaml`` in the first folder that has it (default: the shipped ones).

    A field that says ``use: task/field`` takes that field's question, rules and labels, from the same folders.
    :class:`InputError` names the file and what is wrong in it.
    """
    folders = folders or (resource("annotation_configs"),)
    stamps = []
    for folder in folders:
        for path in sorted(folder.glob("*/codebook.yaml")):
            about = path.stat()
            stamps.append((str(path), about.st_mtime_ns, about.st_size))
    return _load(task, folders, tuple(stamps))


@lru_cache(maxsize=64)
def _load(task: str, folders: tuple[Path, ...], _stamps: tuple[tuple[str, int, int], ...]) -> Codebook:
    """Load once what was loaded before, as long as no file has changed."""
    path = _find(task, folders)
    codebook = read_codebook(path, *folders)
    if codebook.task != task:
        raise InputError(f"{path}: task is {codebook.task!r}, but the folder is {task!r}")
    codebook._folder = path.parent.parent
    return codebook


def read_codebook(path: Path, *folders: Path) -> Codebook:
    """Read and check one file; what it uses of other codebooks is looked for in ``folders``."""
    raw = _read(path)
    _resolve_uses(raw, path, folders)
    return check_codebook(raw, path)


def check_codebook(raw: dict[str, Any], path: Path) -> Codebook:
    """Return raw values as a checked codebook; :class:`InputError` starts with ``path`` and names what does not hold."""
    try:
        return Codebook.model_validate(raw)
    except ValidationError as error:
        first, *rest = (_say(raw, problem["loc"], problem["msg"]) for problem in error.errors())
        more = f" (and {len(rest)} more)" if rest else ""
        raise InputError(f"{path}: {first}{more}") from error


def _find(task: str, folders: tuple[Path, ...]) -> Path:
    paths = [folder / task / "codebook.yaml" for folder in folders]
    return next((path for path in paths if path.is_file()), paths[-1])


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(read_text(path), _LOADER)  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(raw, dict):
        raise InputError(f"{path}: expected a mapping with task, version, fields and labels")
    return raw


def _resolve_uses(raw: dict[str, Any], path: Path, folders: tuple[Path, ...]) -> None:
    """Put the fields and labels that ``use`` names into the raw codebook."""
    fields = raw.get("fields")
    for index, field in enumerate(fields if isinstance(fields, list) else []):
        if not isinstance(field, dict) or "use" not in field:
            continue
        use = str(field["use"])
        name = str(field.get("name"))
        task, _, used = use.partition("/")
        if not re.match(_NAME, task) or task == raw.get("task"):
            raise InputError(f"{path}: field {name}: use is {use!r}, expected 'task/field' of another task")
        other_path = _find(task, folders)
        if not other_path.is_file():
            raise InputError(f"{path}: field {name}: use is {use!r}, but there is no {other_path}")
        other = _read(other_path)
        source = next((f for f in other.get("fields") or [] if isinstance(f, dict) and f.get("name") == used), None)
        if source is None or "use" in source:
            raise InputError(f"{path}: field {name}: use is {use!r}, but {other_path} has no field {used!r} of its own")
        labels = (label for label in other.get("labels") or [] if isinstance(label, dict))
        raw["fields"][index] = {**source, **field}
        raw["labels"] = [
            *(raw.get("labels") or []),
            *({**label, "field": name} for label in labels if label.get("field") == used),
        ]


def _say(raw: dict[str, Any], location: tuple[int | str, ...], message: str) -> str:
    """Word a validation problem with the name or id of what it is in, instead of a number in a list."""
    words: list[str] = []
    value: Any = raw
    for step in location:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
        known = isinstance(step, int) and isinstance(value, dict) and (value.get("id") or value.get("name"))
        words.append(str(known) if isinstance(known, str) else str(step))
    return ": ".join([*words, message.removeprefix("Value error, ")])
