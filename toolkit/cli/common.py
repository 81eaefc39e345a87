"""What the commands share: the workspace they work in, printing data, showing progress."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from toolkit.labelstudio.client import Studio
    from toolkit.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Root:
    """The words before the command; ``alone``: its process ends with it."""

    folder: Path | None
    debug: bool
    alone: bool = False

    def workspace(self, *, unfinished: bool = False) -> Workspace:
        """Open the workspace that the command is about; one in which a purge was cut off only where that is said."""
        from toolkit.tombstones import check_finished
        from toolkit.workspace import Workspace

        workspace = Workspace.open(self.folder)
        if not unfinished:
            check_finished(workspace.ledger)
        return workspace

    def tables(self, *, unfinished: bool = False) -> Workspace:
        """Open the workspace for a command that goes through its tables, and through no others."""
        if self.alone:
            from toolkit.cli.arrow import without_pandas

            without_pandas()
        return self.workspace(unfinished=unfinished)


def json_option(function: F) -> F:
    """Add ``--json``: data for programs instead of a table for people."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


_LISTED = 40


def limit_option(what: str) -> Callable[[F], F]:
    """Add ``--limit``, for a list that may be longer than anybody reads; :func:`listed` says what follows from it."""
    return click.option(
        "--limit",
        type=click.IntRange(0),
        metavar="N",
        help=f"{what} (0: all; default: {_LISTED}, with --json all).",
    )


def listed(limit: int | None, as_json: bool) -> int | None:
    """Return how many rows are shown at most; None for all."""
    return _LISTED if limit is None and not as_json else limit or None


class Place(click.Path):
    """A file by its path or by an address (s3://…), which is brought here for as long as the command runs."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path of the file, here."""
        if not isinstance(value, str) or "://" not in value:
            return super().convert(value, param, ctx)
        import tempfile

        from toolkit import storage
        from toolkit.errors import InputError

        name = value.rstrip("/").rpartition("/")[2]
        if not name or ctx is None:
            raise InputError(f"{value} names no file")
        folder = ctx.with_resource(tempfile.TemporaryDirectory(prefix="docposts-"))
        storage.download(value, Path(folder) / name)
        return Path(folder) / name


def print_json(value: Any) -> None:
    """Print a value as JSON, characters as they are."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_json_pieces(value: Any) -> None:
    """Print a value as :func:`print_json` does; what is an iterator in it is a list, of which little is held at a time."""
    from itertools import islice

    pieces = _pieces(value, "\n")
    while batch := "".join(islice(pieces, 1_000)):
        click.echo(batch, nl=False)
    click.echo()


def _pieces(value: Any, newline: str) -> Iterator[str]:
    """Yield the JSON of a value; ``newline`` ends a line and indents the next."""
    inner = f"{newline}  "
    before = inner
    if isinstance(value, Iterator):
        for item in value:
            yield "[" + before if before == inner else before
            yield from _pieces(item, inner)
            before = "," + inner
        yield "[]" if before == inner else f"{newline}]"
    elif isinstance(value, dict) and any(isinstance(item, Iterator) for item in value.values()):
        for name, item in value.items():
            yield f"{'{' if before == inner else ''}{before}{json.dumps(name, ensure_ascii=False)}: "
            yield from _pieces(item, inner)
            before = "," + inner
        yield f"{newline}}}"
    else:
        yield json.dumps(value, ensure_ascii=False, indent=2, default=str).replace("\n", newline)


def print_json_rows(rows: Iterable[Mapping[str, Any]], within: tuple[Mapping[str, Any], str] | None = None) -> None:
    """Print rows as one JSON array, a row a line, holding few of them at a time.

    ``within``: as the last value of an object, after what it holds besides, under that name.
    """
    from itertools import islice

    source = iter(rows)
    begin, end = "[", "]"
    if within:
        held = json.dumps(within[0], ensure_ascii=False, indent=2, default=str)[:-2]
        begin, end = f"{held},\n  {json.dumps(within[1])}: [", "]\n}"
    before = f"{begin}\n"
    while batch := list(islice(source, 10_000)):
        click.echo(before + ",\n".join(json.dumps(row, ensure_ascii=False, default=str) for row in batch), nl=False)
        before = ",\n"
    click.echo(f"\n{end}" if before == ",\n" else begin + end)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Print records as a table for people; nothing for none."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        return
    names = list(columns) or list(rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        right = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    # Output that is read by a program, or saved, is not cut to a terminal's width.
    width = None if sys.stdout.isatty() else 400
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    return visible(str(value))


def visible(text: str) -> str:
    """Return text without the characters that drive a terminal: corpus text is anybody's."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "·" for c in text)


def say(message: str) -> None:
    """Tell people something, on stderr."""
    click.echo("\n".join(visible(line) for line in message.split("\n")), err=True)


def enter(workspace: Workspace) -> Studio:
    """Enter the workspace's Label Studio; what is worth knowing about another server is said."""
    from toolkit.labelstudio.connect import connect, warnings

    server = connect(workspace)
    for line in warnings(workspace, server):
        say(line)
    return server


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being worked on; elsewhere say nothing until it is done."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    started = time.monotonic()
    with console.status(title) as spinner:
        yield lambda what: spinner.update(f"{title}: {visible(what)} ({time.monotonic() - started:.0f} s)")
