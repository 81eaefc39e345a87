"""``docposts source …``: reports in, typed spans out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

import click

from toolkit.cli.common import Place, Root, json_option, print_json, print_table, say, visible
from toolkit.cli.source_review import by_option
from toolkit.cli.source_table import add_table, is_table, table_line, table_options

_FILE = click.Path(path_type=Path)


@click.group()
def source() -> None:
    """Reports: add them, find the posts they quote, accept the spans."""


@source.command()
@click.argument("file", type=Place(path_type=Path))
@click.option("--id", "source_id", metavar="ID", help="Short name of the source (default: the file's name).")
@click.option(
    "--format", "form", type=click.Choice(["text", "html", "pdf"]), help="What the file is (default: by its content)."
)
@click.option("--meta", type=_FILE, help="TOML with what is known of the report (title, rights, actor, campaign, …).")
@click.option("--facts", type=_FILE, help="TOML with curated facts (accounts, quotations, narratives, …).")
@click.option("--spans", type=_FILE, help="Accept these spans at once (as: source accept --from).")
@table_options
@click.pass_obj
def add(
    root: Root,
    /,
    file: Path,
    source_id: str | None,
    form: Literal["text", "html", "pdf"] | None,
    meta: Path | None,
    facts: Path | None,
    spans: Path | None,
    **table: Any,
) -> None:
    """Add a report: a text file, a saved HTML page or a PDF with a text layer. Its text is frozen; nothing it names is fetched.

    A table (CSV, TSV, JSON lines, Parquet; plain or gzip) is added with --preset or --map: each row is a post. FILE may lie
    on shared storage (s3://bucket/archive.csv); it is copied, as one from here is.
    """
    if is_table(file, form, table):
        if form or facts or spans:
            raise click.UsageError("--format, --facts and --spans are for reports, not for tables")
        add_table(root, file, source_id=source_id, meta=meta, **table)
        return
    from toolkit.sources import registry, remarks, segments

    workspace = root.workspace()
    added = registry.add(workspace, file, source_id=source_id, form=form, meta=meta, facts=facts)
    say(
        f"source {added.id}: “{added.meta.title}”, {len(added.text)} characters; its metadata: {added.folder / 'source.toml'}"
    )
    for remark in remarks.of_file(added):
        say(f"  {visible(remark)}")
    if spans:
        accepted = segments.accept(workspace, added, spans)
        say(f"{len(accepted)} spans accepted")
    else:
        say(f"  next: docposts source segment {added.id}")


@source.command("list")
@json_option
@click.pass_obj
def list_sources(root: Root, as_json: bool) -> None:
    """List the sources in the order they were added."""
    from toolkit.sources import registry, segments

    rows = []
    for found in registry.sources(root.workspace()):
        if found.is_table:
            rows.append(table_line(found))
            continue
        spans = segments.load(found.segments_path, found.text) if found.segments_path.exists() else []
        rows.append(
            {
                "source": found.id,
                "title": found.meta.title,
                "format": found.file.format,
                "rights": found.meta.rights,
                "characters": len(found.text),
                "posts": sum(span.role == "post" for span in spans),
                "photo_texts": sum(span.role == "photo_text" for span in spans),
                "state": "accepted" if spans else ("proposed" if found.proposals_path.exists() else "added"),
            }
        )
    print_json(rows) if as_json else print_table(rows)


@source.command()
@click.argument("source_id", metavar="ID")
@json_option
@click.pass_obj
def segment(root: Root, source_id: str, as_json: bool) -> None:
    """Propose typed spans from the report's own markers and layout. Accepted spans are never touched.

    Says what was not found or is a guess, and how to find it: markers of the report's own go into source.toml, under [markers].
    """
    from toolkit.sources import propose, registry, remarks

    workspace = root.workspace()
    found = registry.get(workspace, source_id)
    proposed = propose.propose(workspace, found)
    for remark in remarks.remarks(source_id, found.text, proposed):
        say(f"  {remark}")
    if as_json:
        print_json([span.record() for span in proposed])
        return
    counts = Counter(span.role for span in proposed)
    print_table([{"role": role, "proposed": count} for role, count in sorted(counts.items())])
    say(f"written to {found.proposals_path}")
    say(f"  next: docposts source review {source_id}, then docposts source accept {source_id}")


@source.command()
@click.argument("source_id", metavar="ID")
@by_option
@click.option("--with-spans", is_flag=True, help="Also when its spans were accepted: that work is lost.")
@click.pass_obj
def rm(root: Root, source_id: str, by: str | None, with_spans: bool) -> None:
    """Take out a source that was added by mistake: its folder goes, the ledger says so, and it may be added again.

    Refused once anything was made of it: rows of a corpus version, or spans pushed to Label Studio. Such a source is erased from
    every layer, for good, by docposts purge source ID.
    """
    from toolkit.purge.remove import remove

    remove(root.workspace(), source_id, by=by, with_spans=with_spans)
    say(f"source {source_id} is removed; the file that it was made of is yours still")


@source.command()
@click.argument("source_id", metavar="ID")
@json_option
@click.pass_obj
def facts(root: Root, source_id: str, as_json: bool) -> None:
    """Draft facts.toml from the spans: accounts and their events, who is quoted, cited sources, narratives, equal posts.

    Guesses stand commented out, for you to check and complete. What the file says already stays as it is, and is not
    drafted again; the corpus build checks the file.
    """
    from toolkit.sources import facts as drafting
    from toolkit.sources import registry

    workspace = root.workspace()
    found = registry.get(workspace, source_id)
    now, drafted = drafting.draft(workspace, found)
    if as_json:
        print_json(
            {"file": found.facts_path, "drafted": drafted, "facts": now.model_dump(mode="json", exclude_none=True)}
        )
        return
    print_table([{"facts": kind, "drafted": count} for kind, count in drafted.items()])
    say(f"{'drafted in' if drafted else 'nothing to add to'} {found.facts_path}")
    if drafted:
        say("  next: complete it, then docposts corpus build")


@source.command()
@click.argument("source_id", metavar="ID")
@click.option(
    "--from",
    "path",
    type=_FILE,
    help="Spans by offsets, by quotation or in brackets (source export), or what Label Studio gave back: a pull file, its "
    "project, or 'studio' for the newest; default: the curated ones, else the proposals.",
)
@by_option
@json_option
@click.pass_obj
def accept(root: Root, source_id: str, path: Path | None, by: str | None, as_json: bool) -> None:
    """Accept spans as this source's: they are checked, and get the ids that they keep; the ledger says who did."""
    from toolkit.cli.source_segmentation import corrected_spans
    from toolkit.sources import registry, segments

    workspace = root.workspace()
    found = registry.get(workspace, source_id)
    accepted = segments.accept(workspace, found, corrected_spans(workspace, found, path) if path else None, by=by)
    if as_json:
        print_json([span.record() for span in accepted])
        return
    counts = Counter(span.role for span in accepted)
    print_table([{"role": role, "accepted": count} for role, count in sorted(counts.items())])
    say("  next: docposts corpus build")
