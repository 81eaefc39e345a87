"""What must hold of a codebook as a whole; :func:`toolkit.codebook.load_codebook` checks it on loading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.codebook import Codebook, Field, Label


def problems(codebook: Codebook) -> Iterator[str]:
    """Yield, in words that name the field or label, what does not hold of a codebook as a whole."""
    yield from _field_problems(codebook)
    yield from _label_problems(codebook)
    for form in codebook.forms:
        keys = [key for field in codebook.fields if field.on(form) for key in _hotkeys(codebook, field)]
        for key in _repeated(keys):
            yield f"form {form}: hotkey {key!r} is used twice"


def _field_problems(codebook: Codebook) -> Iterator[str]:
    for name in _repeated([field.name for field in codebook.fields]):
        yield f"field {name}: declared twice"
    for kind in ("free", "single"):
        if sum(field.per_region and field.kind == kind for field in codebook.fields) > 1:
            yield f"per_region: one field of kind {kind} at most"
    for field in codebook.fields:
        where = f"field {field.name}"
        if unknown := set(field.forms) - set(codebook.forms):
            yield f"{where}: unknown form {sorted(unknown)[0]!r}"
        if (field.kind == "ordinal") != bool(field.levels):
            yield f"{where}: levels belong to an ordinal field, and only there"
        if field.kind == "ordinal" and field.name != "confidence":
            yield f"{where}: the ordinal field is confidence"
        values = [level.value for level in field.levels]
        if values != sorted(set(values)):
            yield f"{where}: levels must rise"
        if field.kind in ("multi", "single") and not codebook.leaves(field.name):
            yield f"{where}: has no labels"
        if (field.evidence or field.spans_only) and field.kind != "multi":
            yield f"{where}: evidence and spans_only need kind multi"
        if field.evidence and field.spans_only:
            yield f"{where}: evidence and spans_only exclude each other"
        if field.per_region and (field.kind not in ("free", "single") or field.required):
            yield f"{where}: per_region needs kind free or single, and cannot be required"


def _label_problems(codebook: Codebook) -> Iterator[str]:
    for repeated in _repeated([label.id for label in codebook.labels]):
        yield f"label {repeated}: declared twice"
    for field in codebook.fields:
        for language in ("en", "zh"):
            for repeated in _repeated([label.shown(language) for label in codebook.leaves(field.name)]):
                yield f"field {field.name}: two labels are named {repeated!r} ({language})"
    headings = {label.parent for label in codebook.labels if label.retired is None}
    for label in codebook.labels:
        where = f"label {label.id}"
        yield from (f"{where}: {problem}" for problem in _place_problems(codebook, label))
        yield from (f"{where}: {problem}" for problem in _change_problems(codebook, label))
        if label.id in headings and (label.exclusive or label.write_in or label.hotkey):
            yield f"{where}: has children, so it cannot be chosen: exclusive, write_in and hotkey say nothing"
        if label.id not in headings and label.retired is None and not label.examples:
            yield f"{where}: has no example"


def _place_problems(codebook: Codebook, label: Label) -> Iterator[str]:
    labels = {other.id: other for other in codebook.labels}
    kinds = {field.name: field.kind for field in codebook.fields}
    if kinds.get(label.field) not in ("multi", "single"):
        yield f"field {label.field!r} is no multi or single field of this codebook"
    if label.parent is None:
        return
    parent = labels.get(label.parent)
    if kinds.get(label.field) == "single":
        yield "a parent needs a multi field"
    if parent is None or parent.field != label.field:
        yield f"parent {label.parent!r} is no label of its field"
    elif _loops(label, labels):
        yield "is its own ancestor"


def _change_problems(codebook: Codebook, label: Label) -> Iterator[str]:
    labels = {other.id: other for other in codebook.labels}
    used = {field.name for field in codebook.fields if field.use}
    for name in ("since", "redefined", "retired"):
        value = getattr(label, name)
        # A label used from another codebook counts that codebook's versions.
        if value and label.field not in used and numbers(value) > numbers(codebook.version):
            yield f"{name} is {value}, later than the codebook's version {codebook.version}"
    targets = [*([label.merged_into] if label.merged_into else []), *label.split_into]
    if targets and label.retired is None:
        yield "merged_into and split_into say what became of a retired label: give the version, retired"
    if label.merged_into and label.split_into:
        yield "merged_into and split_into exclude each other"
    if len(label.split_into) == 1:
        yield "split_into names one label: that is merged_into"
    for target in targets:
        if target not in labels or labels[target].field != label.field:
            yield f"became {target!r}, which is no label of its field"
    if label.parent and label.retired is None and label.parent in labels and labels[label.parent].retired:
        yield f"its parent {label.parent} is retired"
    if label.merged_into and _comes_back(label, labels):
        yield "is merged into itself"


def _comes_back(label: Label, labels: dict[str, Label]) -> bool:
    seen: set[str] = set()
    waiting = [label.id]
    while waiting:
        now = labels.get(waiting.pop())
        for target in [*([now.merged_into] if now and now.merged_into else []), *(now.split_into if now else ())]:
            if target == label.id:
                return True
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return False


def unaccounted(old: Codebook, new: Codebook) -> Iterator[str]:
    """Yield each field and label of ``old`` that ``new`` does not have, retired labels counting as had."""
    fields = {field.name for field in new.fields}
    labels = {label.id for label in new.labels}
    yield from (f"field {field.name} is gone" for field in old.fields if field.name not in fields)
    for label in old.labels:
        if label.field in fields and label.id not in labels:
            yield f"label {label.id} is gone: keep it, retired, and say what became of it"


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers, which compare as versions do."""
    return tuple(int(part) for part in version.split("."))


def _loops(label: Label, labels: dict[str, Label]) -> bool:
    seen: set[str] = set()
    step: Label | None = label
    while step is not None and step.id not in seen:
        seen.add(step.id)
        step = labels.get(step.parent) if step.parent else None
    return step is not None


def _hotkeys(codebook: Codebook, field: Field) -> list[str]:
    keys = [label.hotkey for label in codebook.leaves(field.name)] + [level.hotkey for level in field.levels]
    return [key for key in keys if key]


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})
