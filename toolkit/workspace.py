"""A workspace: one dataset under construction, in one folder.

::

    docposts.toml      settings                                            curated
    ledger.jsonl       order of sources, versions, splits, releases        curated, append-only
    sources/<id>/      raw/ · text.txt · source.toml · segments.jsonl …    raw and curated
    corpus/            parts/<sha256>.parquet · <version>/                 derived
    codebooks/         <task>/: codebooks of the workspace's own, and      curated
                       each version that was pushed
    annotations/       <project>/: what was pulled from Label Studio       raw
    decisions/         <task>/: what was decided and why                   curated
    releases/<version>/  Hugging Face dataset folders                      derived
    served/            derived: the images that tasks show
    studio/            the embedded Label Studio's own data (0700)         not part of the dataset
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from toolkit.codebooks import Codebooks
from toolkit.errors import ConflictError, InputError, WorkspaceError
from toolkit.fsio import read_text, write_atomic
from toolkit.ledger import Ledger
from toolkit.settings import FORMAT, Settings, check_record, parse_toml

SETTINGS_FILE = "docposts.toml"
# A table's rows and rejects are made of its raw file.
_IGNORED = (
    "sources/*/review.html\nsources/*/rows.parquet\nsources/*/rejects.jsonl\n"
    + "report.html\ncorpus/\nreleases/\ntraces/\nserved/\nstudio/\nbackup/\nrelease.key\n.docposts.lock\n*.part\n"
)


@dataclass(frozen=True)
class Workspace:
    """An open workspace: its folder and its settings."""

    root: Path
    settings: Settings

    @classmethod
    def open(cls, start: Path | None = None) -> Workspace:
        """Open the workspace that ``start`` (default: the current folder) is, or the nearest above it."""
        root = find_root(start)
        found = format_of(root)
        if found < FORMAT:
            raise WorkspaceError(
                f"{root} is of an earlier format ({found}; this docposts works on {FORMAT})",
                hint=f"docposts -C {root} migrate, which keeps the files as they were in backup/",
            )
        if found > FORMAT:
            raise WorkspaceError(
                f"{root} is of a later format ({found}; this docposts works on {FORMAT})",
                hint="install a later docposts",
            )
        return cls(root, parse_toml(root / SETTINGS_FILE, Settings))

    @classmethod
    def create(cls, root: Path, settings: Settings) -> Workspace:
        """Make a workspace in a folder that is new, or has no settings yet; :class:`ConflictError` where it has."""
        root = root.absolute()
        if (root / SETTINGS_FILE).exists():
            raise ConflictError(
                f"{root} is a workspace already", hint=f"see where it stands: docposts -C {root} status"
            )
        if not (root / ".gitignore").exists():
            write_atomic(root / ".gitignore", _IGNORED)
        # The settings last: with them the folder is a workspace.
        write_atomic(root / SETTINGS_FILE, render_settings(settings))
        return cls.open(root)

    @property
    def ledger(self) -> Ledger:
        """The append-only record of what came in and what went out."""
        return Ledger(self.root / "ledger.jsonl")

    @property
    def sources_dir(self) -> Path:
        """A folder for each source."""
        return self.root / "sources"

    @property
    def corpus_dir(self) -> Path:
        """Corpus versions and the parts that they share."""
        return self.root / "corpus"

    @property
    def annotations_dir(self) -> Path:
        """A folder for each Label Studio project: what was pulled from it."""
        return self.root / "annotations"

    @property
    def codebooks(self) -> Codebooks:
        """The codebooks in force: the workspace's own, else the shipped ones."""
        return Codebooks(self.root / "codebooks")

    @property
    def decisions_dir(self) -> Path:
        """A folder for each task: what was decided."""
        return self.root / "decisions"

    @property
    def releases_dir(self) -> Path:
        """A folder for each release."""
        return self.root / "releases"

    @property
    def served_dir(self) -> Path:
        """What the embedded Label Studio serves to those logged in: images of tasks, nothing else."""
        return self.root / "served"

    @property
    def studio_dir(self) -> Path:
        """The embedded Label Studio's data and secrets."""
        return self.root / "studio"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace against other commands; :class:`WorkspaceError` at once where another holds it.

        The system lets go of the lock when its holder dies, so no lock outlives a killed command. A command that holds
        it may take it again.
        """
        lock = FileLock(self.root / ".docposts.lock", timeout=0, is_singleton=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise WorkspaceError(
                f"another docposts command is at work in {self.root}", hint="wait until it has ended, then try again"
            ) from error
        except OSError as error:
            raise WorkspaceError(f"cannot write in {self.root}: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()


def find_root(start: Path | None = None) -> Path:
    """Return the folder of the workspace that ``start`` (default: the current folder) is, or the nearest above it."""
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise WorkspaceError(f"no workspace in {here} or above it", hint="make one with: docposts init DIR")


def format_of(root: Path) -> int:
    """Return the format that a workspace's settings name; this one's where they name none, which reading them tells."""
    path = root / SETTINGS_FILE
    try:
        found = tomllib.loads(read_text(path)).get("format", FORMAT)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    return found if type(found) is int else FORMAT


def new_settings(name: str, title: str = "", **sections: object) -> Settings:
    """Return checked settings; :class:`InputError` names what does not hold."""
    return check_record({"format": FORMAT, "name": name, "title": title or name, **sections}, Settings, "settings")


def render_settings(settings: Settings) -> str:
    """Return ``docposts.toml``: every setting with its value and what it is for."""
    import tomlkit

    def text(value: object) -> str:
        return tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()

    tasks, agreement, release = settings.tasks, settings.agreement, settings.release
    adjudicator = f"adjudicator = {text(tasks.adjudicator)}" if tasks.adjudicator else '# adjudicator = "name"'
    adjudication = settings.adjudication
    second = f"second = {text(adjudication.second)}" if adjudication.second else '# second = "name"'
    studio = settings.label_studio
    people = ", ".join(f"{name} = {text(address)}" for name, address in studio.people.items())
    rounds = "".join(_render_round(each.model_dump(exclude_defaults=True), text) for each in settings.rounds)
    splits = ", ".join(f"{split} = {share}" for split, share in release.splits.items())
    content = f"""\
# Settings of this workspace. Unknown keys are errors; `docposts status` says where everything stands.
format = {settings.format}
name = {text(settings.name)}
title = {text(settings.title)}

[label_studio]
url = {text(studio.url)}  # empty: the embedded server (docposts studio up)
token_file = {text(studio.token_file)}  # of another server: a file that only you can read; DOCPOSTS_LABEL_STUDIO_TOKEN goes first
images = {text(studio.images)}  # of another server: where annotators' browsers find the files of served/images
people = {{ {people} }}  # of another server: name = "e-mail address of the account"

[tasks]
annotators = {text(tasks.annotators)}
{adjudicator}
overlap = {tasks.overlap}  # how many annotators see each item; 0: all of them
layer = {text(tasks.layer)}  # the text that is labelled where a post has both: original or translation
language = {text(tasks.language)}  # of the codebook's names and the guide: en or zh
predictions = {text(tasks.predictions)}  # texts read from images, narrative cues: off, hidden (for comparison) or shown
blur_images = {text(tasks.blur_images)}  # images are blurred until they are clicked
seed = {tasks.seed}  # decides who gets which item
projects = {text(tasks.projects)}  # own: one for each annotator; shared: one for all of them
{rounds}

[agreement]
minimum_items = {agreement.minimum_items}  # no coefficient below this many items with two answers or more
minimum_positives = {agreement.minimum_positives}  # nor below this many votes for the label
bootstrap = {agreement.bootstrap}
seed = {agreement.seed}

[adjudication]
policy = {text(adjudication.policy)}  # what settles itself: unanimous, majority or conflicts (the words marked touch, too)
minimum_votes = {adjudication.minimum_votes}  # below this many votes nothing settles itself
margin = {adjudication.margin}  # with majority: votes more than the next value has
sample = {adjudication.sample}  # share of what settles itself that is asked all the same
twice = {adjudication.twice}  # share of what is asked that is decided twice
{second}  # by whom; without, by the same adjudicator later
differ = {text(adjudication.differ)}  # where two decisions differ: contested, or the first or second holds
seed = {adjudication.seed}

[release]
licence = {text(release.licence)}
contact = {text(release.contact)}  # where people ask for a takedown
annotator_demographics = {text(release.annotator_demographics)}  # a sentence for the card: who annotated, in aggregate
ethical_review = {text(release.ethical_review)}  # a sentence for the card: who looked at the project's ethics
languages = {text(release.languages)}  # empty: those found in the texts
splits = {{ {splits} }}
seed = {release.seed}
campaigns_whole = {text(release.campaigns_whole)}  # keep each campaign in one split
shard_mb = {text(release.shard_mb)}  # of a file, before compression; a larger split is in several
gated = {text(release.gated)}  # access on request on the Hub: where the licence is not an open one, yes, or no
restricted = {text(release.restricted)}  # rows of restricted reports: without words, or a release that is not to be published
linkable = {text(release.linkable)}  # annotators who agreed that releases show which judgements are one person's
"""
    return content


def _render_round(values: Mapping[str, object], text: Callable[[object], str]) -> str:
    return "\n[[rounds]]\n" + "".join(f"{name} = {text(value)}\n" for name, value in values.items())


def default_name(root: Path) -> str:
    """Return a workspace name made of a folder's name; :class:`InputError` where nothing of it can be used."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in root.absolute().name.lower()).strip("-")
    if not name:
        raise InputError(f"no workspace name can be made of {root}", hint="give one: docposts init DIR --name NAME")
    return name[:63]
