"""Precedents: what a codebook did not say, put as a question, ruled on, and said in the guide from then on.

``decisions/<task>/precedents.jsonl`` is curated and append-only, one event a line, so that several people keep it in git:

- ``raised``: a question about a field or label, by whom and when; from a decision whose reason is a rule gap, or by hand;
- ``ruled``: the ruling, and the paragraph that the guide gains; a later one takes its place;
- ``rechecked``: somebody has looked at an item again under the ruling;
- ``withdrawn``: it is no question any more, and its paragraph leaves the guide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.fsio import append_jsonl, canonical_json, read_jsonl, sha256_text

NAME = "precedents.jsonl"
UNNAMED = "█"
"""Who raised or ruled, and what was asked, of what was purged."""
_FIELDS = {
    "raised": ("task", "field", "label", "question", "by", "at"),
    "ruled": ("ruling", "paragraph", "by", "at"),
    "rechecked": ("item_id", "by", "at"),
    "withdrawn": ("because", "by", "at"),
}


@dataclass(frozen=True)
class Precedent:
    """A question about a label (of a whole field: None), and what became of it.

    ``paragraph`` is what the guide says, by language. ``raised_on`` are the (item, question id) whose decisions raised it,
    ``rechecked`` the items looked at again since the ruling, each with who and when.
    """

    id: str
    task: str
    field: str
    label: str | None
    question: str
    by: str
    at: str
    ruling: str | None = None
    paragraph: dict[str, str] | None = None
    ruled_by: str | None = None
    ruled_at: str | None = None
    withdrawn: str | None = None
    raised_on: tuple[tuple[str, str], ...] = ()
    rechecked: tuple[tuple[str, str, str], ...] = ()

    @property
    def state(self) -> str:
        """Open, ruled or withdrawn."""
        return "withdrawn" if self.withdrawn is not None else "ruled" if self.ruling else "open"

    def words(self, language: str) -> str:
        """Return the paragraph in a language, or in the one that it was written in."""
        paragraph = self.paragraph or {}
        return paragraph.get(language) or next(iter(paragraph.values()), "")

    def about(self, field: str, label: str | None) -> bool:
        """Tell whether it bears on a question of this field and label."""
        return self.field == field and self.label in (None, label)


def path_of(decisions: Path, task: str) -> Path:
    """Return where a task's precedents stand."""
    return decisions / task / NAME


def load(decisions: Path, task: str | None = None) -> list[Precedent]:
    """Return the precedents below a workspace's ``decisions`` folder, in the order raised.

    :class:`InputError` names a line that does not hold.
    """
    found: dict[str, Precedent] = {}
    for path in [path_of(decisions, task)] if task else sorted(decisions.glob(f"*/{NAME}")):
        for line, record in read_jsonl(path, appended=True) if path.exists() else ():
            event = str(record.get("event"))
            if event not in _FIELDS:
                raise InputError(f"{path}:{line}: unknown event {record.get('event')!r}")
            if missing := [name for name in ("id", *_FIELDS[event]) if name not in record]:
                raise InputError(f"{path}:{line}: the {event} record lacks {', '.join(missing)}")
            if event != "raised" and record["id"] not in found:
                raise InputError(f"{path}:{line}: no precedent {record['id']} was raised before")
            found[record["id"]] = _after(found.get(record["id"]), record)
    return list(found.values())


def _after(known: Precedent | None, record: dict[str, Any]) -> Precedent:
    event = record["event"]
    if known is None or event == "raised":
        on = ((record["item_id"], record["question_id"]),) if record.get("item_id") else ()
        if known is not None:
            # Raised again by another decision: the first asker's words stand.
            return replace(known, raised_on=tuple(dict.fromkeys((*known.raised_on, *on))))
        named = {name: record[name] for name in ("id", "task", "field", "label", "question", "by", "at")}
        return Precedent(**named, raised_on=on)
    if event == "ruled":
        ruled = {"ruling": record["ruling"], "paragraph": record["paragraph"]}
        ruled |= {"ruled_by": record["by"], "ruled_at": record["at"]}
        return replace(known, **ruled, withdrawn=None, rechecked=())
    if event == "rechecked":
        return replace(known, rechecked=(*known.rechecked, (record["item_id"], record["by"], record["at"])))
    return replace(known, withdrawn=record["because"])


def precedent_id(task: str, field: str, label: str | None, question: str) -> str:
    """Return the id of a question: the same words about the same label are one precedent, whoever asks."""
    about = [task, field, label, " ".join(question.split()).casefold()]
    return f"p-{sha256_text(canonical_json(about))[:10]}"


def raise_question(
    decisions: Path,
    about: tuple[str, str, str | None],
    question: str,
    *,
    by: str,
    at: str,
    on: tuple[str, str] | None = None,
) -> Precedent:
    """Raise a question about a (task, field, label), ``on`` the (item, question id) whose decision raises it.

    Nothing is written where that is known already.
    """
    task, field, label = about
    name = precedent_id(task, field, label, question)
    known = {precedent.id: precedent for precedent in load(decisions, task)}
    if name in known and (on is None or on in known[name].raised_on):
        return known[name]
    record = {"event": "raised", "id": name, "task": task, "field": field, "label": label, "question": question}
    record |= {"by": by, "at": at} | ({"item_id": on[0], "question_id": on[1]} if on else {})
    append_jsonl(path_of(decisions, task), record)
    return _after(known.get(name), record)


def find(known: Sequence[Precedent], name: str) -> Precedent:
    """Return the precedent of this id or beginning of one; :class:`InputError` where there is none, or several."""
    found = [each for each in known if each.id == name] or [each for each in known if each.id.startswith(name)]
    if len(found) != 1:
        problem = f"{name} is the beginning of several" if found else f"no precedent {name}"
        raise InputError(problem, hint="docposts adjudicate precedents")
    return found[0]


def note(decisions: Path, of: Precedent, event: str, **values: Any) -> None:
    """Append what became of a precedent: ``ruled``, ``rechecked`` or ``withdrawn``."""
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    append_jsonl(path_of(decisions, of.task), {"event": event, "id": of.id, **values, "at": at})


def in_guide(known: Sequence[Precedent]) -> Iterator[Precedent]:
    """Yield those that the guide tells: ruled on, and not withdrawn."""
    return (each for each in known if each.state == "ruled" and each.paragraph)


def without(events: Sequence[dict[str, Any]], named: Callable[[str], bool]) -> list[dict[str, Any] | None]:
    """Return a file's events without what is about the purged, None in the place of one that goes.

    A precedent that was raised on a purged item alone goes, unless it was ruled on: then the ruling stays, since it says
    what the guide says, and the question is blank, since its words may be those of the item.
    """

    def gone(event: Mapping[str, Any]) -> bool:
        return any(named(str(event[name])) for name in ("item_id", "question_id") if event.get(name))

    stands = {event["id"] for event in events if event["event"] == "raised" and not gone(event)}
    ruled = {event["id"] for event in events if event["event"] == "ruled"}
    left: list[dict[str, Any] | None] = []
    for event in events:
        kept: dict[str, Any] | None = event | ({"by": UNNAMED} if named(event["by"]) else {})
        if event["id"] not in stands | ruled or (gone(event) and (event["event"] != "raised" or event["id"] in stands)):
            kept = None
        elif kept and gone(event):
            kept = {name: value for name, value in kept.items() if name not in ("item_id", "question_id")}
            kept["question"] = UNNAMED
            stands.add(event["id"])
        left.append(kept)
    return left
