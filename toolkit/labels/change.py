"""What another codebook would mean for the judgements that are there: what carries over, what must be labelled again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from toolkit.agreement.figures import Figure, agreement, headline
from toolkit.codebook_changes import Change, diff
from toolkit.codebook_checks import numbers
from toolkit.codebooks import Codebooks
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_text, write_atomic
from toolkit.labels.store import Rejected, read_judgements
from toolkit.votes import latest
from toolkit.workspace import Workspace

TASKS = ("segmentation", "narrative", "photo_text", "adjudication")


@dataclass(frozen=True)
class ChangePlan:
    """What a codebook would change.

    ``versions``: task → the version in force and the next, of the codebook and of those that use it. ``judgements`` are
    the votes of these tasks, ``carried`` those that say all that they said; ``relabel``: item → labels that some judgement
    on it would say nothing of; ``orphaned``: judgements that there would be no place for. ``figures``: each agreement
    figure that differs, before and after.
    """

    versions: dict[str, tuple[str, str]]
    changes: list[Change]
    judgements: int
    carried: int
    relabel: dict[str, tuple[str, ...]]
    orphaned: list[str]
    figures: list[dict[str, Any]]


def plan_change(workspace: Workspace, task: str, draft: Path) -> ChangePlan:
    """Return what putting a draft in force would do, without doing it."""
    with _drafted(workspace, task, draft) as (books, drafted):
        return _plan(workspace, task, books, drafted)


def put_in_force(workspace: Workspace, task: str, draft: Path) -> ChangePlan:
    """Make a draft the workspace's codebook of a task; return what that meant.

    Codebooks that use its fields become the workspace's own too, a PATCH version later. :class:`ConflictError` where
    judgements would be orphaned, :class:`InputError` where the version is not a later one.
    """
    with workspace.lock(), _drafted(workspace, task, draft) as (books, drafted):
        plan = _plan(workspace, task, books, drafted)
        if plan.orphaned:
            raise ConflictError(
                f"{draft} would orphan {len(plan.orphaned)} judgements: {'; '.join(plan.orphaned)}",
                hint="keep those labels, retired, and say by merged_into or split_into what became of them",
            )
        before, after = plan.versions[task]
        if workspace.codebooks(task).sha256 != books(task).sha256 and numbers(after) <= numbers(before):
            raise InputError(f"{draft}: version {after} is not later than {before}, which is in force")
        for each in drafted:
            workspace.codebooks.check(books(each))
        for each in drafted:
            # Whatever was judged so far was judged by what is in force now.
            workspace.codebooks.keep(workspace.codebooks(each))
        # The users first: killed in between, a further run finds that the codebook itself is still to be put in force.
        for each in sorted(drafted, key=lambda each: each == task):
            write_atomic(workspace.codebooks.folder / each / "codebook.yaml", drafted[each])
        return plan


@contextmanager
def _drafted(workspace: Workspace, task: str, draft: Path) -> Iterator[tuple[Codebooks, dict[str, str]]]:
    """Give the workspace's codebooks as they would be, and the text of each that would be another."""
    current, text = workspace.codebooks, read_text(draft)
    with TemporaryDirectory(prefix="docposts-codebook-") as name:
        folder = Path(name)
        books = Codebooks(current.folder, folder)
        texts = {task: text}
        write_atomic(folder / task / "codebook.yaml", text)
        try:
            books(task)
        except InputError as error:
            raise InputError(error.message.replace(str(folder / task / "codebook.yaml"), str(draft))) from None
        for user in TASKS:
            uses = any((field.use or "").startswith(f"{task}/") for field in current(user).fields)
            if uses and user != task and books(user).sha256 != current(user).sha256:
                texts[user] = _next_patch(read_text(current(user).folder / user / "codebook.yaml"))
                write_atomic(folder / user / "codebook.yaml", texts[user])
        yield books, texts


def _next_patch(text: str) -> str:
    def later(found: re.Match[str]) -> str:
        major, minor, patch = numbers(found[2])
        return f"{found[1]}{major}.{minor}.{patch + 1}"

    return re.sub(r"""(?m)^(version:\s*["']?)(\d+\.\d+\.\d+)""", later, text, count=1)


def _plan(workspace: Workspace, task: str, books: Codebooks, drafted: dict[str, str]) -> ChangePlan:
    current = workspace.codebooks
    was, _ = read_judgements(workspace)
    will, rejected = read_judgements(workspace, books)
    before, after = _votes(was, drafted), _votes(will, drafted)
    relabel: dict[str, set[str]] = {}
    carried = 0
    for key, row in before.items():
        if key in after and (news := set(after[key]["unanswered"]) - set(row["unanswered"])):
            relabel.setdefault(row["item_id"], set()).update(news)
        elif key in after:
            carried += 1
    return ChangePlan(
        {each: (current(each).version, books(each).version) for each in drafted},
        diff(current(task), books(task)),
        len(before),
        carried,
        {item: tuple(sorted(labels)) for item, labels in relabel.items()},
        _orphaned(rejected, {row["judgement_id"] for row in will.to_pylist()}, was),
        _figures(workspace, was, will, drafted),
    )


def _votes(judgements: pa.Table, tasks: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {row["judgement_id"]: row for row in latest(judgements) if row["task"] in tasks and not row["skipped"]}


def _orphaned(rejected: list[Rejected], kept: set[str], was: pa.Table) -> list[str]:
    """Return what would be rejected and is a judgement now; nothing where every judgement stays one."""
    if not set(was["judgement_id"].to_pylist()) - kept:
        return []
    return [
        f"{each.item_id} by {each.annotator}: {'; '.join(each.problems)}"
        for each in rejected
        if any("no longer there" in problem for problem in each.problems)
    ]


def _figures(workspace: Workspace, was: pa.Table, will: pa.Table, tasks: dict[str, str]) -> list[dict[str, Any]]:
    settings = workspace.settings.agreement
    one = {_about(f): f for f in headline(agreement(was, settings)) if f.task in tasks}
    other = {_about(f): f for f in headline(agreement(will, settings)) if f.task in tasks}
    rows = []
    for about in dict.fromkeys([*one, *other]):
        before, after = one.get(about), other.get(about)
        if before != after:
            row = dict(zip(("task", "field", "label"), about, strict=True))
            for name in ("items", "percent", "alpha"):
                row |= {name: getattr(before, name, None), f"{name}_after": getattr(after, name, None)}
            rows.append(row)
    return rows


def _about(figure: Figure) -> tuple[str, str, str | None]:
    return figure.task, figure.field, figure.label
