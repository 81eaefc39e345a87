"""``docposts codebook …``: what annotators are asked, checked, rendered, compared, changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say

if TYPE_CHECKING:
    from toolkit.codebook import Codebook
    from toolkit.workspace import Workspace

TASKS = ("segmentation", "narrative", "photo_text", "adjudication")
task_argument = click.argument("task", type=click.Choice(TASKS))


@click.group()
def codebook() -> None:
    """Codebooks: the questions, labels and rules that annotators work by."""


@codebook.command()
@json_option
@click.pass_obj
def check(root: Root, as_json: bool) -> None:
    """Check every codebook: what it says holds together, and no version that was pushed has changed.

    Fields that no release has columns for are told; they are no error.
    """
    from toolkit.codebook_checks import unaccounted
    from toolkit.errors import ChecksFailed, DocpostsError
    from toolkit.release.coded import without_columns

    workspace = root.workspace()
    books, rows = workspace.codebooks, []
    for task in TASKS:
        row: dict[str, Any] = {"task": task, "of": "workspace" if books.own(task) else "shipped", "notes": []}
        try:
            found = books(task)
            books.check(found)
            earlier = [kept for v in books.versions(task) if (kept := books.version(task, v)) is not None]
            problems = [f"{old.version}: {words}" for old in earlier for words in unaccounted(old, found)]
            problems += _unfit(found)
            row |= {"version": found.version, "labels": len(found.labels), "problems": problems}
            row["notes"] = without_columns(found)
        except DocpostsError as error:
            row |= {"version": None, "labels": None, "problems": [error.message]}
        rows.append(row)
    shown = [{name: value for name, value in row.items() if name != "notes"} for row in rows]
    print_json(rows) if as_json else print_table([{**row, "problems": row["problems"] or "none"} for row in shown])
    for row in rows:
        for note in row["notes"]:
            say(f"{row['task']}: {note}")
    if any(row["problems"] for row in rows):
        raise ChecksFailed("a codebook does not hold")


def _unfit(book: Codebook) -> list[str]:
    """Return what the commands that read a task's answers could not make use of."""
    from toolkit.segmentation.push import unfit

    if book.task == "segmentation":
        return unfit(book)
    if book.task == "adjudication" and not any(one.name == "reason" and one.kind == "single" for one in book.fields):
        return ["it has no field reason with one value, which every decision names"]
    return []


@codebook.command()
@task_argument
@click.option(
    "--what", type=click.Choice(["guide", "html", "config"]), default="guide", help="Default: guide (Markdown)."
)
@click.option("--form", help="With config: which form (default: the first).")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Default: that of the settings.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout.")
@click.pass_obj
def render(root: Root, task: str, what: str, form: str | None, language: str | None, output: Path | None) -> None:
    """Print the annotators' guide, or the Label Studio form."""
    from toolkit import precedents
    from toolkit.fsio import write_atomic
    from toolkit.labelconfig import render_config, render_guide

    workspace = root.workspace()
    book, settings = workspace.codebooks(task), workspace.settings.tasks
    language = language or settings.language
    if what == "config":
        text = render_config(book, form=form or book.forms[0], language=language, blur=settings.blur_images)
    else:
        ruled = precedents.load(workspace.decisions_dir, task)
        text = render_guide(book, language, markup="html" if what == "html" else "md", precedents=ruled)
    if output:
        write_atomic(output, text)
        say(f"{output}")
    else:
        click.echo(text, nl=False)


@codebook.command()
@task_argument
@click.argument("before", required=False)
@click.argument("after", required=False)
@json_option
@click.pass_obj
def diff(root: Root, task: str, before: str | None, after: str | None, as_json: bool) -> None:
    """Say what differs between two codebooks, each a version that was pushed or a file.

    Without BEFORE: the last version pushed; without AFTER: the codebook in force.
    """
    from toolkit.codebook_changes import diff as differences

    workspace = root.workspace()
    books = workspace.codebooks
    kept = books.versions(task)
    old = _named(workspace, task, before or (kept[-1] if kept else books(task).version))
    new = _named(workspace, task, after) if after else books(task)
    rows = [vars(change) for change in differences(old, new)]
    print_json(rows) if as_json else print_table(rows)
    if not rows:
        say(f"{task} {old.version} and {new.version}: no difference")


@codebook.command()
@task_argument
@click.argument("draft", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--plan", is_flag=True, help="Show what it means for the judgements, and do nothing.")
@json_option
@click.pass_obj
def change(root: Root, task: str, draft: Path | None, plan: bool, as_json: bool) -> None:
    """Put a changed codebook, DRAFT, in force in this workspace; without DRAFT, copy the one in force for editing.

    Labels that are given up stay in the file as retired, with merged_into or split_into; judgements made so far are
    carried over. What would be orphaned is refused with the list.
    """
    from dataclasses import asdict

    from toolkit.labels.change import plan_change, put_in_force

    workspace = root.workspace()
    if draft is None:
        _copy(workspace, task)
        return
    found = (plan_change if plan else put_in_force)(workspace, task, draft)
    if as_json:
        print_json(asdict(found))
        return
    print_table([vars(each) for each in found.changes])
    say(f"{found.carried} of {found.judgements} judgements say all that they said")
    for item, labels in found.relabel.items():
        say(f"label again: {item}, for {', '.join(labels)}")
    for words in found.orphaned:
        say(f"orphaned: {words}")
    print_table(found.figures)
    named = ", ".join(f"{name} {after}" for name, (_, after) in found.versions.items())
    say("nothing was changed" if plan else f"in force: {named}; next: docposts tasks push")


def _copy(workspace: Workspace, task: str) -> None:
    from toolkit.fsio import read_text, write_atomic

    book = workspace.codebooks(task)
    path = Path.cwd() / f"{task}.codebook.yaml"
    if path.exists():
        raise click.UsageError(
            f"{path} is there already: edit it, then docposts codebook change {task} {path.name} --plan"
        )
    write_atomic(path, read_text(book.folder / task / "codebook.yaml"))
    say(f"{path}: edit it, give it a new version, then docposts codebook change {task} {path.name} --plan")


def _named(workspace: Workspace, task: str, name: str) -> Codebook:
    from toolkit.errors import InputError

    if Path(name).is_file():
        return _file(workspace, task, Path(name))
    found = workspace.codebooks.version(task, name)
    if found is None:
        kept = ", ".join(workspace.codebooks.versions(task)) or "none"
        raise InputError(f"no codebook {task} {name} is kept here", hint=f"the versions kept: {kept}; or name a file")
    return found


def _file(workspace: Workspace, task: str, path: Path) -> Codebook:
    from toolkit.codebook import read_codebook
    from toolkit.errors import InputError
    from toolkit.resources import resource

    found = read_codebook(path, workspace.codebooks.folder, resource("annotation_configs"))
    if found.task != task:
        raise InputError(f"{path} is a codebook of {found.task}, not of {task}")
    return found
