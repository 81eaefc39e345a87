"""From one version of a codebook to another: what changed, and what a judgement made under the one says under the other.

A judgement is carried over label by label, by what the later codebook declares:

- a label that is still there, and was not redefined, stays;
- one that was merged (or got another id) becomes what it was merged into;
- one that was split, or redefined, is left out, and the judgement says nothing of what it became;
- one that was retired with nothing in its place is left out;
- of a label that is new, or redefined, a judgement made before says neither yes nor no; of the parts of a label that was
  split, and that it did not give, it says no.

What the later codebook does not account for is an orphan: it is never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from toolkit.codebook import Codebook, Label
from toolkit.labelresult import Span, Submission, Vote


@dataclass(frozen=True)
class Carried:
    """A submission in the words of another codebook.

    ``unanswered`` are labels of that codebook which it says nothing of, ``reasons`` why (``n31 was split into n34, n35``),
    ``orphans`` answers that the codebook does not account for.
    """

    submission: Submission
    unanswered: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


def carry(old: Codebook, new: Codebook, submission: Submission) -> Carried:
    """Return what a submission made under ``old`` says under ``new``."""
    if old.sha256 == new.sha256:
        return Carried(submission)
    fields = {field.name: field for field in new.fields}
    orphans = [f"{name}: the field is no longer there" for name in _answered(submission) if name not in fields]
    names: dict[Vote, str | None] = {}
    lost: dict[str, tuple[str, ...]] = {}
    for vote in submission.labels:
        if vote.field not in fields:
            continue
        became, parts = successor(old, new, vote.label)
        if became is None and not parts and not _retired(new, vote.label):
            orphans.append(f"{vote.field}: {vote.label} is no longer there, and nothing says what became of it")
        names[vote] = became
        if parts:
            lost[vote.label] = parts
    unanswered = _unanswered(old, new, lost)
    moved = replace(
        submission,
        labels=tuple(dict.fromkeys(Vote(v.field, became) for v, became in names.items() if became)),
        evidence=tuple(_moved(submission.evidence, names)),
        regions=tuple(
            region._replace(writing=successor(old, new, region.writing)[0] if region.writing else None)
            for region in submission.regions
        ),
    )
    order = {label.id: place for place, label in enumerate(new.labels)}
    return Carried(
        moved,
        tuple(sorted(unanswered, key=lambda label: order[label])),
        tuple(unanswered[label] for label in sorted(unanswered, key=lambda label: order[label])),
        tuple(orphans),
    )


def successor(old: Codebook, new: Codebook, label_id: str) -> tuple[str | None, tuple[str, ...]]:
    """Return what a label of ``old`` is called in ``new``, or None and the labels that its meaning went to, unsorted."""
    labels = {label.id: label for label in new.labels}
    seen: set[str] = set()
    step = label_id
    while step in labels and step not in seen:
        seen.add(step)
        label = labels[step]
        if label.split_into:
            return None, label.split_into
        if label.merged_into:
            step = label.merged_into
        elif label.retired:
            return None, ()
        else:
            return (None, (step,)) if _redefined(old, label) else (step, ())
    return None, ()


def _redefined(old: Codebook, label: Label) -> bool:
    before = next((one for one in old.labels if one.id == label.id), None)
    return before is not None and before.redefined != label.redefined


def _retired(new: Codebook, label_id: str) -> bool:
    return any(label.id == label_id and label.retired for label in new.labels)


def _answered(submission: Submission) -> list[str]:
    return list(dict.fromkeys([*(v.field for v in submission.labels), *(free.field for free in submission.free)]))


def _moved(spans: Iterable[Span], names: dict[Vote, str | None]) -> Iterator[Span]:
    for span in spans:
        if became := names.get(Vote(span.field, span.label)):
            yield span._replace(label=became)


def _unanswered(old: Codebook, new: Codebook, lost: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Return label of ``new`` → why a judgement made under ``old``, which gave the labels ``lost``, says nothing of it."""
    asked = {leaf.id for field in old.fields for leaf in old.leaves(field.name)}
    found: dict[str, str] = {}
    for field in new.fields:
        for leaf in new.leaves(field.name) if field.coded else ():
            giving = [label for label, parts in lost.items() if leaf.id in _leads_to(new, parts)]
            if _redefined(old, leaf):
                found[leaf.id] = f"{leaf.id} was redefined in {leaf.redefined}"
            elif giving:
                found[leaf.id] = f"{giving[0]} was split into {', '.join(lost[giving[0]])}"
            elif not asked & _sources(new, leaf.id):
                found[leaf.id] = f"{leaf.id} is new"
    return found


def _sources(new: Codebook, label_id: str) -> set[str]:
    """Return a label and those that became it, or a part of which did: to say no to one of them was to say no to it."""
    found = {label_id}
    for _ in new.labels:
        more = {one.id for one in new.labels if one.merged_into in found or found & set(one.split_into)}
        if more <= found:
            break
        found |= more
    return found


def merged_from(codebook: Codebook, label_id: str) -> tuple[str, ...]:
    """Return the labels that were merged into one, or into one that was: the nearest first."""
    found = [label_id]
    for into in found:
        found += [one.id for one in codebook.labels if one.merged_into == into and one.id not in found]
    return tuple(found[1:])


def renamed_from(codebook: Codebook, label_id: str) -> tuple[str, ...]:
    """Return the ids that a label had before, the latest first: each was retired when the next one came, for it alone."""
    labels = {label.id: label for label in codebook.labels}
    found: list[str] = []
    step = label_id
    while True:
        before = [one for one in codebook.labels if step in (one.merged_into, *one.split_into)]
        if len(before) != 1 or before[0].merged_into != step or before[0].retired != labels[step].since:
            return tuple(found)
        if before[0].id in found:
            return tuple(found)
        step = before[0].id
        found.append(step)


def _leads_to(new: Codebook, parts: Iterable[str]) -> set[str]:
    labels = {label.id: label for label in new.labels}
    found: set[str] = set()
    waiting = list(parts)
    while waiting:
        step = waiting.pop()
        if step not in found and step in labels:
            found.add(step)
            waiting += [label for label in (*labels[step].split_into, labels[step].merged_into) if label]
    return found


@dataclass(frozen=True)
class Change:
    """One difference between two codebooks: of what (``label n31``, ``field voice``, ``rules``), and how."""

    what: str
    change: str


def diff(old: Codebook, new: Codebook) -> list[Change]:
    """Return what differs, in the order of ``new``: the whole, its fields, its labels."""
    found = [Change("codebook", f"version {old.version} → {new.version}")] if old.version != new.version else []
    found += [Change(name, "changed") for name in ("title", "summary", "rules", "forms") if _part(old, new, name)]
    before, after = {f.name: f for f in old.fields}, {f.name: f for f in new.fields}
    for name in dict.fromkeys([*after, *before]):
        found += [Change(f"field {name}", words) for words in _differences(before.get(name), after.get(name))]
    labels, today = {one.id: one for one in old.labels}, {one.id: one for one in new.labels}
    for name in dict.fromkeys([*today, *labels]):
        found += [Change(f"label {name}", words) for words in _differences(labels.get(name), today.get(name))]
    return found


def _part(old: Codebook, new: Codebook, name: str) -> bool:
    return bool(getattr(old, name) != getattr(new, name))


def _differences(before: object, after: object) -> Iterator[str]:
    if before is None:
        yield "new"
    elif after is None:
        yield "gone, and nothing says what became of it"
    elif before != after:
        label = after if isinstance(after, Label) else None
        if label and label.retired and not getattr(before, "retired", None):
            became = label.merged_into or ", ".join(label.split_into)
            how = "merged into" if label.merged_into else "split into"
            yield f"retired, {how} {became}" if became else "retired"
            return
        for name in type(after).model_fields:  # type: ignore[attr-defined]
            one, other = getattr(before, name), getattr(after, name)
            if one != other:
                yield f"{name}: {_words(one)} → {_words(other)}"


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return " | ".join(_words(each) for each in value) or "–"
    texts = [getattr(value, name, None) for name in ("en", "text", "id", "value")]
    return next((str(text) for text in texts if text is not None), "–" if value is None else str(value))
