"""What the codebook said of a label at a version, and what it called it: back through the versions that renamed or merged it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolkit.codebook import Codebook
from toolkit.codebook_changes import merged_from, renamed_from
from toolkit.codebook_checks import numbers
from toolkit.codebooks import Codebooks


@dataclass(frozen=True)
class Rename:
    """A label that got another id: ``new``, since a version of the codebook; ``merged``: with others, not for it alone."""

    old: str
    new: str
    version: str
    merged: bool


@dataclass(frozen=True)
class Rule:
    """What the codebook said at a version of the label that it called ``label`` then (None: of a field with one value).

    ``name`` is empty where it did not have the label, ``kept`` false where the version is lost.
    """

    version: str
    current: bool
    kept: bool
    label: str | None = None
    question: str = ""
    name: str = ""
    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


def forms(codebook: Codebook, label: str | None) -> tuple[str | None, ...]:
    """Return a label and all that became it, the nearest first."""
    return (label, *merged_from(codebook, label)) if label else (None,)


def renames(codebook: Codebook, used: Sequence[str]) -> tuple[Rename, ...]:
    """Return the steps from each of the ids ``used`` to today's, by version; none of a label that has its id still."""
    labels = {one.id: one for one in codebook.labels}
    found: dict[str, Rename] = {}
    for first in used:
        old = first
        while old not in found and old in labels and (new := labels[old].merged_into):
            merged = old not in renamed_from(codebook, new)
            found[old] = Rename(old, new, labels[old].retired or "", merged)
            old = new
    return tuple(sorted(found.values(), key=lambda each: (numbers(each.version), each.old)))


def rules(
    codebooks: Codebooks,
    task: str,
    versions: Sequence[str],
    field: str,
    label: str | None,
    used: Sequence[str],
    words: str,
) -> Iterator[Rule]:
    """Yield the codebook's words about a label at each of some versions, the latest first.

    Where a version had labels that became this one: about those of them that were ``used``, or else about all. ``words``
    is the language.
    """
    today = forms(codebooks(task), label)
    for version in sorted(set(versions), key=numbers, reverse=True):
        codebook = codebooks.version(task, version)
        had: list[str | None] = (
            [one.id for one in codebook.labels if one.id in today and not one.retired] if codebook else []
        )
        asked = [each for each in today if each in had and (each == label or each in used)]
        for each in asked or had or [label]:
            yield _rule(codebook, version, field, each, words, current=codebooks(task).version == version)


def _rule(codebook: Codebook | None, version: str, field: str, label: str | None, words: str, *, current: bool) -> Rule:
    if codebook is None:
        return Rule(version, current, kept=False, label=label)
    asked = next((one for one in codebook.fields if one.name == field), None)
    own = next((one for one in codebook.labels if (one.field, one.id) == (field, label)), None)
    return Rule(
        version,
        current,
        kept=True,
        label=label,
        question=asked.question.get(words) if asked else "",
        name=own.shown(words) if own else "",
        definition=own.definition.get(words) if own else "",
        include=tuple(each.get(words) for each in own.include) if own else (),
        exclude=tuple(each.get(words) for each in own.exclude) if own else (),
        rules=tuple(each.get(words) for each in asked.rules) if asked else (),
        values=tuple((one.shown(words), one.definition.get(words)) for one in codebook.leaves(field))
        if asked and label is None
        else (),
    )
