"""The gates that a release passes before it is published, and that anybody can run on a folder: one line each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.corpus.steps import Version
from toolkit.errors import DocpostsError, InputError
from toolkit.release import (
    gate_agreement,
    gate_card,
    gate_croissant,
    gate_files,
    gate_folds,
    gate_images,
    gate_labels,
    gate_leakage,
    gate_people,
    gate_rows,
    loading,
)
from toolkit.release.diff import diff
from toolkit.release.folder import Folder
from toolkit.release.gate import Gate, NotRun, judged


@dataclass(frozen=True)
class _Gate:
    name: str
    what: str
    check: Callable[[Folder], list[str]]
    needs: tuple[str, ...] = ()
    essential: bool = True
    """Whether a release may be pushed only where it was run and holds; of the others it is enough that they do not fail."""


_READ = ("yaml", "parts")
_ROWS = (*_READ, "codebooks", "schema")
_SOUND = (*_ROWS, "rows")
LOADING = ("records", "load")
# The last of those that need no other library: what they find, the documents that were made of it would repeat.
_CARD = (
    *(
        "manifest",
        *_SOUND,
        "globs",
        "counts",
        "version",
        "hashes",
        "evidence",
        "labels",
        "votes",
        "agreement",
        "gold",
        "groups",
    ),
    *("texts", "folds", "people", "rights", "images", "takedowns", "croissant"),
)
_LOAD = (*_SOUND, "globs", "counts", "labels")
GATES = (
    _Gate("manifest", "the manifest is what lies on disk", gate_files.manifest),
    _Gate("yaml", "the card's YAML is strict and of the form that load_dataset reads", gate_files.yaml_form),
    _Gate("parts", "every part is readable Parquet and has rows", gate_files.parts),
    _Gate("codebooks", "the codebooks in the folder are readable and of the versions named", gate_files.codebooks),
    _Gate("globs", "the YAML's paths lead to the manifest's parts and to nothing else", gate_files.globs, ("yaml",)),
    _Gate("schema", "each config has one schema: its declaration's and the YAML's", gate_rows.schema, (*_READ, "codebooks")),
    _Gate("counts", "rows, sizes, row digests and the data digest are fresh", gate_files.counts, _READ),
    _Gate("version", "YAML, CITATION, CHANGELOG and MANIFEST name one version", gate_files.version, ("yaml",)),
    _Gate("rows", "keys are unique, references lead somewhere, values are those declared", gate_rows.declared, _ROWS),
    _Gate("hashes", "every exact_hash is that of its text", gate_rows.hashes, _SOUND),
    _Gate("evidence", "evidence and insertions lie in their texts", gate_rows.evidence, _SOUND),
    _Gate("labels", "every label is one of its field's in the codebooks", gate_labels.known, _SOUND),
    _Gate("votes", "distributions and numbers of judgements follow from the judgements", gate_labels.votes, (*_SOUND, "labels")),
    _Gate("agreement", gate_agreement.SAYS, gate_agreement.check, (*_SOUND, "labels", "votes"), essential=False),
    _Gate("gold", "gold, contested and undecided exclude one another and rest on votes", gate_labels.gold, (*_SOUND, "labels")),
    _Gate("groups", "no group, source or cluster, and no judgement's item, is in two splits", gate_leakage.groups, _SOUND),
    _Gate("texts", "no text is nearly the same in two splits (compared directly)", gate_leakage.texts, _SOUND),
    _Gate("folds", gate_folds.SAYS, gate_folds.check, (*_SOUND, "groups", "texts")),
    _Gate("people", gate_people.SCANNED, gate_people.people, _SOUND),
    _Gate("rights", "no restricted report, unless the release is private", gate_people.rights, _SOUND),
    _Gate("images", gate_images.SAYS, gate_images.check, _SOUND),
    _Gate("takedowns", "nothing that was taken down", gate_people.takedowns, _SOUND),
    _Gate("croissant", gate_croissant.SAYS, gate_croissant.croissant, ("manifest", *_READ)),
    _Gate("card", gate_card.SAYS, gate_card.card_gate, _CARD, essential=False),
    _Gate("records", gate_croissant.READS, gate_croissant.records, (*_LOAD, "croissant")),
    _Gate("load", "load_dataset gives every row, batch and streaming, offline", loading.load, _LOAD),
)  # fmt: skip


ESSENTIAL = frozenset(gate.name for gate in GATES if gate.essential)


def verify(
    folder: Path, *, load: bool = True, taken_down: Collection[str] = (), before: Path | None = None
) -> list[Gate]:
    """Run every gate on a release folder, in order; ``load`` False leaves out those that load every row by other libraries.

    ``before`` is the release that this one follows: its version must be what changed calls for, or higher. ``taken_down`` are
    ids and pseudonyms that must not be there, besides those that the release itself names.

    A gate whose ground does not hold is not run, and says so. :class:`InputError` where the folder is not there.
    """
    if not folder.is_dir():
        raise InputError(f"no release folder {folder}", hint="docposts release cut")
    release = Folder(folder)
    gates: dict[str, Gate] = {}
    for gate in GATES:
        gates[gate.name] = _run(gate, release, gates, load, taken_down)
    found = [*gates.values()]
    return [*found, step_gate(release, Folder(before), gates)] if before is not None else found


def _run(gate: _Gate, release: Folder, before: Mapping[str, Gate], load: bool, taken_down: Collection[str]) -> Gate:
    if gate.name in LOADING and not load:
        return Gate(gate.name, "not run", "left out, as asked")
    # What need not have been run stands in nobody's way unless it fails.
    if missing := [name for name in gate.needs if before[name].failed or (name in ESSENTIAL and not before[name].ok)]:
        return Gate(gate.name, "not run", f"{', '.join(missing)} does not hold")
    try:
        problems = gate.check(release)
        if gate.name == "takedowns":
            problems += gate_people.held(release, taken_down)
    except NotRun as reason:
        return Gate(gate.name, "not run", reason.message)
    except DocpostsError as error:
        problems = [error.message]
    return judged(gate.name, problems, gate.what)


def step_gate(release: Folder, before: Folder, gates: Mapping[str, Gate] | None = None) -> Gate:
    """Hold a release's version against what changed since the one before it."""
    if missing := [name for name in _SOUND if gates and not gates[name].ok]:
        return Gate("step", "not run", f"{', '.join(missing)} does not hold")
    try:
        found = diff(before, release)
    except DocpostsError as error:
        return Gate("step", "fails", error.message)
    was, now, least = (Version.parse(v) for v in (before.version, release.version, found.expected))
    if now < least or now == was:
        return Gate("step", "fails", f"{now} after {was}: what changed ({found.step}) calls for {least} or higher")
    return Gate("step", "holds", f"{now} is what changed since {was} calls for ({found.step}), or higher")
