"""``docposts.toml``: the workspace's settings, read once, frozen, unknown keys refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from toolkit.errors import InputError
from toolkit.fsio import read_text

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
FORMAT = 2


class Strict(BaseModel):
    """A frozen record that refuses unknown keys and does not bend types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LabelStudioSettings(Strict):
    """Which Label Studio: an empty ``url`` is the embedded server."""

    url: str = ""


class TaskSettings(Strict):
    """Who labels what: each item goes to ``overlap`` of the ``annotators`` (0: to all), shown in the ``layer`` named."""

    annotators: tuple[Name, ...] = ()
    adjudicator: Name | None = None
    overlap: int = Field(default=0, ge=0)
    layer: Literal["original", "translation"] = "original"
    language: Literal["en", "zh"] = "en"

    @model_validator(mode="after")
    def _people(self) -> TaskSettings:
        if len(set(self.annotators)) < len(self.annotators):
            raise ValueError("annotators: a name stands twice")
        if self.annotators and self.overlap > len(self.annotators):
            raise ValueError(f"overlap is {self.overlap}, but there are {len(self.annotators)} annotators")
        return self


class AgreementSettings(Strict):
    """No coefficient is given below these minimums; intervals come from a seeded bootstrap over items."""

    minimum_items: int = Field(default=5, ge=2)
    minimum_positives: int = Field(default=1, ge=0)
    bootstrap: int = Field(default=1000, ge=0, le=100_000)
    seed: int = 0


class AdjudicationSettings(Strict):
    """Which questions settle themselves: those whose votes all agree, where there are that many."""

    minimum_votes: int = Field(default=2, ge=1)


class ReleaseSettings(Strict):
    """What a release is called and how it is split: shares of items, and the seed that deals out whole groups."""

    licence: str = "other"
    contact: str = ""
    languages: tuple[str, ...] = ()
    splits: dict[Literal["train", "validation", "test"], Annotated[float, Field(gt=0, le=1)]] = {
        "train": 0.7,
        "test": 0.3,
    }
    seed: int = 0


class Settings(Strict):
    """All settings of a workspace; the defaults are those of ``docposts init``."""

    format: Literal[2]
    name: Name
    title: str
    label_studio: LabelStudioSettings = LabelStudioSettings()
    tasks: TaskSettings = TaskSettings()
    agreement: AgreementSettings = AgreementSettings()
    adjudication: AdjudicationSettings = AdjudicationSettings()
    release: ReleaseSettings = ReleaseSettings()


M = TypeVar("M", bound=BaseModel)


def parse_toml(path: Path, model: type[M]) -> M:
    """Return a TOML file as a checked record; :class:`InputError` names the file and each field that does not hold."""
    return parse_toml_text(read_text(path), model, path)


def parse_toml_text(text: str, model: type[M], path: Path) -> M:
    """Return the text of a TOML file as a checked record, as :func:`parse_toml`."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    return check_record(values, model, str(path))


def check_record(values: Any, model: type[M], where: str) -> M:
    """Return values as a checked record; :class:`InputError` starts with ``where`` and names each wrong field."""
    try:
        # By way of JSON's rules, so that TOML's arrays fill tuples while numbers and strings stay strict.
        return model.model_validate(_tuples(values))
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'the whole'}: "
            + ("unknown key" if problem["type"] == "extra_forbidden" else problem["msg"])
            for problem in error.errors()
        ]
        raise InputError(f"{where}: {'; '.join(problems)}") from error


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
