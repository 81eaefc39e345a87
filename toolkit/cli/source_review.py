"""``docposts source review | mark | unmark | export``: looking at spans, and correcting them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.common import F, Root, json_option, print_json, print_table, say, visible

if TYPE_CHECKING:
    from toolkit.sources.editing import Quote

_FILE = click.Path(path_type=Path)
_ROLES = click.Choice(
    """
    title series heading analysis narrative narrative_name post translation photo_text translator_note insertion gloss
    footnote_marker footnote hashtag asset_history series_link image
    """.split()
)
by_option: Callable[[F], F] = click.option(
    "--by", metavar="NAME", help="Who accepts the spans, for the ledger (default: your name on this machine)."
)


def _quote_options(function: F) -> F:
    for option in (
        click.option("--nth", type=click.IntRange(min=1), help="Which of several places, from 1."),
        click.option("--after", default="", metavar="WORDS", help="Words right before the span, not part of it."),
        click.option("--within", metavar="KEY", help="Look inside the accepted span with this key."),
        click.option("--quote", metavar="WORDS", help="The span's exact text, or 'first words … last words'."),
    ):
        function = option(function)
    return function


def _take_quote(words: dict[str, Any]) -> Quote | None:
    """Return what the quote options say, and take them out of the command's other words."""
    from toolkit.errors import UsageError
    from toolkit.sources.editing import Quote

    quote, within, after, nth = (words.pop(name) for name in ("quote", "within", "after", "nth"))
    if quote is None:
        if within or after or nth:
            raise UsageError("--within, --after and --nth say where a --quote is")
        return None
    return Quote(quote, within, after, nth)


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("-o", "--output", type=_FILE, help="The page's file (default: review.html in the source's folder).")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@json_option
@click.pass_obj
def review(root: Root, source_id: str, output: Path | None, show: bool, as_json: bool) -> None:
    """Write a page that shows the report with its spans in place and the rows that they become.

    One HTML file without scripts, which loads nothing: open it in any browser, print it, pass it on as the report's rights
    allow. Prints the spans by role: how many are accepted, how many proposals are not.
    """
    from toolkit.report import review as pages
    from toolkit.sources import registry

    found = registry.get(root.workspace(), source_id)
    made = pages.review(found)
    path = pages.write(found, made, output)
    if as_json:
        print_json({"page": path, "roles": made.roles, "unmarked": made.unmarked, "problem": made.problem})
    else:
        print_table(made.roles)
        say(f"{made.unmarked} characters are in no span")
        if made.problem:
            say(f"the rows cannot be made: {made.problem}")
        say(f"page: {path}")
        if any(role["proposed"] for role in made.roles) and not found.segments_path.exists():
            say(f"  next: docposts source accept {source_id}, then correct: docposts source mark, unmark or export")
    if show:
        click.launch(str(path))


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--role", required=True, type=_ROLES, help="What the span is.")
@_quote_options
@click.option("--key", help="The span's name, for others to belong to.")
@click.option("--belongs-to", metavar="KEY", help="The key of the span that it belongs to.")
@click.option(
    "--kind", type=click.Choice(["verbatim", "translation", "description"]), help="What a photo text is, or a post."
)
@click.option("--lang", metavar="CODE", help="The language of the span's own words.")
@click.option("--footnote", metavar="LABEL", help="The footnote's label.")
@click.option("--content-quote", metavar="WORDS", help="The first words of a photo text behind its marker.")
@click.option("--uncertain-boundary", is_flag=True, default=None, help="The report does not show where it ends.")
@click.option("--move", is_flag=True, help="Move the span of this role and key here.")
@by_option
@json_option
@click.pass_obj
def mark(root: Root, /, source_id: str, move: bool, by: str | None, as_json: bool, **attributes: Any) -> None:
    """Add a span by its words: --role post --quote 'first words … last words'.

    Words that stand in several places are refused and the places listed. All spans are checked before anything is written;
    the others keep their ids.
    """
    from toolkit.errors import UsageError
    from toolkit.sources import editing, registry

    where = _take_quote(attributes)
    content_quote = attributes.pop("content_quote")
    if where is None:
        raise UsageError("mark needs the span's words: --quote 'first words … last words'")
    workspace = root.workspace()
    found = registry.get(workspace, source_id)
    marked = editing.mark(workspace, found, where, attributes, content_quote=content_quote, move=move, by=by)
    if as_json:
        print_json(marked.record())
        return
    text = found.text[marked.char_start : marked.char_end]
    line = found.text.count("\n", 0, marked.char_start) + 1
    say(f"{marked.role} {marked.key or ''} marked in line {line}: {visible(_short(text))}")


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 70 else f"{words[:40]} … {words[-25:]}"


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--key", help="The span's key.")
@click.option("--role", type=_ROLES, help="The role of the span that --quote or --key means.")
@_quote_options
@click.option("--with-children", is_flag=True, help="Also take out the spans that belong to it.")
@by_option
@json_option
@click.pass_obj
def unmark(root: Root, /, source_id: str, by: str | None, as_json: bool, **words: Any) -> None:
    """Take an accepted span out, by its key or by its role and words."""
    from toolkit.errors import UsageError
    from toolkit.sources import editing, registry

    where = _take_quote(words)
    key, role = words["key"], words["role"]
    if (key is None) == (where is None) or (where and role is None):
        raise UsageError("unmark needs --key KEY, or --role ROLE and --quote WORDS")
    workspace = root.workspace()
    found = registry.get(workspace, source_id)
    gone = editing.unmark(workspace, found, where=where, by=by, **words)
    if as_json:
        print_json([span.record() for span in gone])
        return
    for span in gone:
        text = visible(_short(found.text[span.char_start : span.char_end]))
        say(f"{span.role} {span.key or ''} taken out: {text}")


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("-o", "--output", required=True, type=_FILE, help="The file to write.")
@click.pass_obj
def export(root: Root, source_id: str, output: Path) -> None:
    """Write the report's text with its spans in brackets, to correct in a text editor.

    Takes the accepted spans, else the proposed ones. Read it back with: docposts source accept ID --from FILE. The text
    itself must stay as it is.
    """
    from toolkit.fsio import write_atomic
    from toolkit.sources import editing, registry

    write_atomic(output, editing.export(registry.get(root.workspace(), source_id)))
    say(f"written to {output}: change the brackets only, then")
    say(f"  next: docposts source accept {source_id} --from {output}")


COMMANDS = (review, mark, unmark, export)
