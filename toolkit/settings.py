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
    """Which Label Studio: an empty ``url`` is the embedded server.

    ``token_file``: where a token for ``url`` lies (0600; the environment goes first). ``images``: the address under which
    annotators' browsers find the files of ``served/images``, where the server has no access to them. ``people``: the
    e-mail addresses of annotators' accounts there, by name.
    """

    url: str = ""
    token_file: str = ""
    images: str = ""
    people: dict[Name, str] = {}


class TaskSettings(Strict):
    """Who labels what: each item goes to ``overlap`` of the ``annotators`` (0: to all), shown in the ``layer`` named.

    ``predictions``: none are made, they are made and kept from the annotators, or annotators start from them.
    ``blur_images``: images are shown blurred until clicked.
    """

    annotators: tuple[Name, ...] = ()
    adjudicator: Name | None = None
    overlap: int = Field(default=0, ge=0)
    layer: Literal["original", "translation"] = "original"
    language: Literal["en", "zh"] = "en"
    predictions: Literal["off", "hidden", "shown"] = "off"
    blur_images: bool = False
    seed: int = 0
    projects: Literal["own", "shared"] = "own"

    @model_validator(mode="after")
    def _people(self) -> TaskSettings:
        if len(set(self.annotators)) < len(self.annotators):
            raise ValueError("annotators: a name stands twice")
        if self.annotators and self.overlap > len(self.annotators):
            raise ValueError(f"overlap is {self.overlap}, but there are {len(self.annotators)} annotators")
        return self


class RoundSettings(Strict):
    """One round of labelling; they stand in the order of the work, and an item is in one of them (a repeat's aside).

    ``items``: how many of each task (0: all that earlier rounds leave), chosen by the seed. ``answers_by``: whose answers
    are shown in a training round. ``field`` and ``bar``: calibration is passed at that agreement with the others (mean
    pairwise α). ``of`` and ``share``: which production round a repeat draws on, and how much of what each has judged in it.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]
    kind: Literal["training", "calibration", "production", "repeat"]
    tasks: tuple[Literal["narrative", "photo_text"], ...] = ("narrative", "photo_text")
    items: int = Field(default=0, ge=0)
    answers_by: Name | None = None
    field: str = "narrative"
    bar: float | None = Field(default=None, gt=-1, le=1)
    of: str | None = None
    share: float = Field(default=0.1, gt=0, le=0.5)


class AgreementSettings(Strict):
    """No coefficient is given below these minimums; intervals come from a seeded bootstrap over items."""

    minimum_items: int = Field(default=5, ge=2)
    minimum_positives: int = Field(default=1, ge=0)
    bootstrap: int = Field(default=1000, ge=0, le=100_000)
    seed: int = 0


class AdjudicationSettings(Strict):
    """Which questions settle themselves, and what adjudicators are asked beyond the rest.

    ``policy``: *unanimous*, all votes agree; *majority*, one value has ``margin`` votes more than the next; *conflicts*, all
    votes agree, and those who gave a label marked words for it that touch. In each case with ``minimum_votes`` or more.
    ``sample``: the share of what settles itself that is asked all the same. ``twice``: the share of what is asked that is
    decided a second time, by ``second``, or by the same adjudicator later; where the two ``differ``, the label is contested,
    or the first or second decision holds.
    """

    policy: Literal["unanimous", "majority", "conflicts"] = "unanimous"
    minimum_votes: int = Field(default=2, ge=1)
    margin: int = Field(default=2, ge=1)
    sample: float = Field(default=0, ge=0, le=1)
    twice: float = Field(default=0, ge=0, le=1)
    second: Name | None = None
    differ: Literal["contested", "first", "second"] = "contested"
    seed: int = 0


class ReleaseSettings(Strict):
    """What a release is called and how it is split: shares of items, and the seed that deals out whole groups.

    ``annotator_demographics`` and ``ethical_review`` are sentences for the card's data statement: who annotated, in aggregate,
    and who looked at the project's ethics.
    """

    licence: str = "other"
    contact: str = ""
    annotator_demographics: str = ""
    ethical_review: str = ""
    languages: tuple[str, ...] = ()
    splits: dict[Literal["train", "validation", "test"], Annotated[float, Field(gt=0, le=1)]] = {
        "train": 0.7,
        "test": 0.3,
    }
    seed: int = 0
    campaigns_whole: bool = False
    restricted: Literal["dehydrate", "private"] = "dehydrate"
    linkable: tuple[str, ...] = ()
    gated: Literal["licence", "yes", "no"] = "licence"
    shard_mb: Annotated[float, Field(gt=0, le=2000)] = 500


class Settings(Strict):
    """All settings of a workspace; the defaults are those of ``docposts init``."""

    format: Literal[2]
    name: Name
    title: str
    label_studio: LabelStudioSettings = LabelStudioSettings()
    tasks: TaskSettings = TaskSettings()
    rounds: tuple[RoundSettings, ...] = ()
    agreement: AgreementSettings = AgreementSettings()
    adjudication: AdjudicationSettings = AdjudicationSettings()
    release: ReleaseSettings = ReleaseSettings()

    @property
    def people(self) -> tuple[str, ...]:
        """Everyone who works in Label Studio: annotators, then adjudicators."""
        named = (*self.tasks.annotators, self.tasks.adjudicator, self.adjudication.second)
        return tuple(dict.fromkeys(name for name in named if name))

    @model_validator(mode="after")
    def _second(self) -> Settings:
        if self.adjudication.second and self.adjudication.second == self.tasks.adjudicator:
            raise ValueError(
                "adjudication: second is the adjudicator; without a second, the same person is asked again"
            )
        return self

    @model_validator(mode="after")
    def _rounds(self) -> Settings:
        production: list[str] = []
        for number, each in enumerate(self.rounds):
            if each.name in [other.name for other in self.rounds[:number]]:
                raise ValueError(f"rounds: two are called {each.name}")
            if each.kind in ("training", "calibration") and not each.items:
                raise ValueError(f"rounds: {each.name} needs items, how many of each task")
            if each.kind == "calibration" and each.bar is None:
                raise ValueError(
                    f"rounds: {each.name} needs a bar, the agreement that lets an annotator into production"
                )
            if each.kind == "training" and not (each.answers_by or self.tasks.adjudicator):
                raise ValueError(f"rounds: {each.name} needs answers_by, whose answers are shown")
            if each.kind == "repeat" and (each.of or (production or [""])[-1]) not in production:
                raise ValueError(f"rounds: {each.name} repeats items of a production round that stands before it")
            if each.kind in ("calibration", "repeat") and self.tasks.projects == "shared":
                raise ValueError(f'rounds: {each.name} needs a project for each annotator (tasks.projects = "own")')
            production += [each.name] if each.kind == "production" else []
        return self


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
