"""``docposts source recipe`` and ``docposts source hydrate``: spans without the words, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from toolkit.cli.common import Root, json_option, print_json, print_table, say

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("-o", "--output", type=_FILE, help="The file to write (default: stdout).")
@click.pass_obj
def recipe(root: Root, source_id: str, output: Path | None) -> None:
    """Write the accepted spans of a source without its words.

    Whoever has a copy of the report makes the same posts of it, with the same ids: docposts source hydrate.
    """
    from toolkit.fsio import write_atomic
    from toolkit.sources import recipe_make, registry

    made = recipe_make.make(registry.get(root.workspace(), source_id))
    if output is None:
        click.echo(made.dumps(), nl=False)
        return
    write_atomic(output, made.dumps())
    say(f"{output}: {len(made.spans)} spans by hash, {len(made.short)} beside them; none of the report's sentences")


@click.command()
@click.argument("recipe_file", metavar="RECIPE", type=_FILE)
@click.argument("copy", type=_FILE)
@click.option("--id", "source_id", metavar="ID", help="Short name of the source (default: the recipe's).")
@click.option("--partial", is_flag=True, help="Spans that the copy lacks are no failure.")
@json_option
@click.pass_obj
def hydrate(root: Root, recipe_file: Path, copy: Path, source_id: str | None, partial: bool, as_json: bool) -> None:
    """Rebuild a recipe's spans, with their ids, from your own COPY of the report (text or a saved page).

    RECIPE is a file, or the name of one that comes along, such as cotton-the-act. What the copy lacks is named on stderr;
    the rest is added all the same, and the command ends with exit code 3, or 0 with --partial.
    """
    from toolkit.errors import ChecksFailed
    from toolkit.resources import resource
    from toolkit.sources import hydrate as hydration

    shipped = resource("recipes", f"{recipe_file.name}.json")
    if not recipe_file.exists() and len(recipe_file.parts) == 1 and shipped.is_file():
        recipe_file = shipped
    made = hydration.hydrate(root.workspace(), recipe_file, copy, source_id=source_id)
    found = made.found
    if as_json:
        print_json(
            {
                "source": made.source.id,
                "found": [segment.record() for segment in found.segments],
                "missing": [asdict(missing) for missing in found.missing],
                "notes": found.notes,
            }
        )
    else:
        print_table(hydration.counts(found))
    for note in found.notes:
        say(f"  note: {note}")
    for missing in found.missing:
        say(f"  missing: {hydration.named(missing)}: {missing.reason}")
    say(f"source {made.source.id}: {len(found.segments)} spans of the recipe found and accepted")
    if found.missing and not partial:
        raise ChecksFailed(
            f"{len(found.missing)} spans of the recipe are not in {copy}; the others are in source {made.source.id}",
            hint="docposts corpus build, if you can do without them (--partial says so beforehand)",
        )
    say("  next: docposts corpus build")
