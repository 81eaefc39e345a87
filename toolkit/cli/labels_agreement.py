"""``docposts labels agreement`` and ``labels distribution``: how far people agree, and how the votes fell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from toolkit.cli.common import (
    Root,
    json_option,
    limit_option,
    listed,
    print_json,
    print_json_rows,
    print_table,
    progress,
    say,
)

_ABOUT = ("task", "field", "label", "level")
_FIGURES = (
    *_ABOUT,
    "metric",
    "items",
    "pairs",
    "positives",
    "percent",
    "alpha",
    "low",
    "high",
    "ac1",
    "ac1_low",
    "ac1_high",
)
_BY = ("round", "codebook_version", "text_layer", "translator", "month")
_TABLES = {
    "pairs": "Cohen's κ for each pair of annotators.",
    "repeats": "Annotators against themselves, on items that a repeat round showed again.",
    "others": "Each annotator against the others.",
    "decisions": "Each annotator against the decisions in force, and against the adjudicator's alone.",
    "predicted": "Each annotator against the predictions kept with the judgements.",
    "spans": "Evidence: F1 of spans and characters, α for unitizing (its form of 1995 and 2004).",
    "regions": "Images: overlap of marked regions (IoU), distance of their transcriptions.",
}

_NOTHING = {
    "repeats": ": no item was answered again in a round of kind repeat ([[rounds]] in docposts.toml)",
    "decisions": ": nothing that was judged is decided",
    "predicted": ": no predictions were kept with the judgements (predictions under [tasks] in docposts.toml)",
    "predictions": ": the file has nothing on what was judged",
    "spans": ": no words were marked in a text of the corpus that two annotators answered",
    "regions": ": no region was marked on an image that two annotators saw",
    "by_translator": ": the corpus names no translator of what was judged",
}
"""What it means that a table has no rows."""


def _choices(function: Any) -> Any:
    for name, text in reversed(_TABLES.items()):
        function = click.option(f"--{name}", is_flag=True, help=text)(function)
    return function


judgements_option = click.option(
    "--judgements",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Parquet file with the columns of the judgements table instead of what was pulled.",
)
tables_option = click.option(
    "--tables", "folder", type=click.Path(file_okay=False, path_type=Path), help="Also write Parquet files there."
)


@click.command()
@_choices
@click.option(
    "--predictions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=("Each annotator against a model: a file of JSON lines with item_id and labels (field → list)."),
)
@click.option("--by", type=click.Choice(_BY), help="The table for each part of the judgements.")
@judgements_option
@tables_option
@json_option
@click.pass_obj
def agreement(
    root: Root,
    /,
    *,
    predictions: Path | None,
    by: str | None,
    file: Path | None,
    folder: Path | None,
    as_json: bool,
    **asked: bool,
) -> None:
    """Measure agreement, per field and per label, at both levels.

    Percent, Krippendorff's α and Gwet's AC1 with bootstrap intervals; sets of labels by MASI and Jaccard distances,
    confidence by ordinal ones. With an option: another table. No coefficient stands on too little: the settings say how much
    is enough.
    """
    from toolkit.agreement import tables

    chosen = [name for name in _TABLES if asked[name]]
    if len(chosen) + bool(by) + bool(predictions) > 1:
        raise click.UsageError("one table at a time: choose one of the options")
    table = chosen[0] if chosen else None
    workspace = root.workspace()
    judgements = read_judgements(workspace, file)
    settings = workspace.settings.agreement
    if predictions:
        name, rows = "predictions", _against_file(predictions, judgements, settings)
    elif table == "predicted":
        name, rows = "predicted", _against_kept(workspace, judgements, settings)
    else:
        from toolkit.adjudication.store import load_decisions

        name = f"by_{by}" if by else table or "agreement"
        decisions = load_decisions(workspace) if name == "decisions" else None
        known = (
            tables.beside(workspace, decisions) if name in ("spans", "by_translator", "decisions") else tables.Beside()
        )
        with progress("measuring"):
            rows = tables.make(name, judgements, settings, known)
    if folder:
        say(f"written: {tables.write(folder, name, rows)}")
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _columns(name))
    _say_what_it_means(judgements, settings, name, rows)


def _columns(name: str) -> tuple[str, ...]:
    if name.startswith("by_"):
        return ("part", *_FIGURES)
    return {"agreement": _FIGURES, "repeats": ("part", *_FIGURES)}.get(name, ())


def read_judgements(workspace: Any, file: Path | None) -> Any:
    """Return the judgements of a file, read by the workspace's codebooks, or those that were pulled."""
    if file:
        from toolkit.parquet import read_table
        from toolkit.schema import table

        hint = "docposts labels import takes other forms; the columns and their types stand in docs/tables.md"
        return workspace.codebooks.named_on(read_table(file, table("judgements"), hint=hint))
    from toolkit.labels.store import load_judgements

    return load_judgements(workspace)


def _against_file(path: Path, judgements: Any, settings: Any) -> list[dict[str, Any]]:
    from toolkit.agreement import against
    from toolkit.agreement.figures import records
    from toolkit.errors import InputError
    from toolkit.fsio import read_jsonl

    found = []
    for line, record in read_jsonl(path):
        if not isinstance(record.get("item_id"), str) or not isinstance(record.get("labels"), dict):
            raise InputError(f"{path}:{line}: a prediction has item_id and labels (field → list of labels)")
        found.append(record)
    return records(against.outcomes(judgements, against.predicted(found, judgements), path.name, settings))


def _against_kept(workspace: Any, judgements: Any, settings: Any) -> list[dict[str, Any]]:
    from toolkit.agreement import against
    from toolkit.agreement.figures import records
    from toolkit.labels.predicted import told

    return [
        row
        for version, own, said in told(workspace, judgements)
        for row in records(against.outcomes(own, against.predicted(said, own), version, settings))
    ]


def _say_what_it_means(judgements: Any, settings: Any, name: str, rows: list[dict[str, Any]]) -> None:
    from toolkit.agreement.notes import notes

    if not judgements.num_rows:
        say("no judgements yet; next: docposts labels pull")
        return
    for note in notes(judgements, settings):
        say(note)
    if not rows:
        say(f"nothing to compare{_NOTHING.get(name, '')}")
    if rows and (name in ("agreement", "repeats", "spans", "regions") or name.startswith("by_")):
        say(
            f"no coefficient below {settings.minimum_items} items with two answers and {settings.minimum_positives}"
            f" positive answer{'s' if settings.minimum_positives != 1 else ''}, or where no disagreement can be expected;"
            f" intervals: 95 % (BCa), {settings.bootstrap} draws of items, seed {settings.seed}"
        )
    if name == "spans" and any(row["pairs"] > row["items"] for row in rows):
        say(
            "α of spans is Krippendorff's α_U of 1995 and 2004; where more than two annotators share a text, later work (2016)"
            " puts another coefficient in its place: read F1 beside it"
        )
    met = any(row.get("items") for row in rows)
    say("  next: docposts adjudicate push" if met else "  next: docposts labels pull, once two annotators answered")


@click.command()
@click.option("--model", type=click.Choice(["dawid-skene", "mace"]), help="Also what this model makes of the votes.")
@judgements_option
@tables_option
@limit_option("List so many rows")
@json_option
@click.pass_obj
def distribution(
    root: Root, model: Any, file: Path | None, folder: Path | None, limit: int | None, as_json: bool
) -> None:
    """Show how the votes on each item fell: soft labels, beside the decision in force.

    A model (crowd-kit's Dawid-Skene or MACE) weighs annotators by how well they agree with the rest; it decides nothing.
    """
    from toolkit.adjudication.store import load_decisions
    from toolkit.agreement import tables
    from toolkit.agreement.distribution import SCHEMA
    from toolkit.agreement.distribution import distribution as shares

    workspace = root.workspace()
    judgements = read_judgements(workspace, file)
    with progress(f"fitting {model}" if model else "counting"):
        rows = shares(judgements, load_decisions(workspace), model)
    if folder:
        say(f"written: {tables.write_pieces(folder, 'distribution', [rows], SCHEMA)}")
    most = listed(limit, as_json)
    shown = rows if most is None else rows.slice(0, most)
    if as_json:
        print_json_rows(row for batch in shown.to_batches(max_chunksize=10_000) for row in batch.to_pylist())
        return
    print_table(shown.to_pylist())
    if more := rows.num_rows - shown.num_rows:
        say(f"and {more:,} rows more: --json or --tables FOLDER has all (--limit 0 lists all)")
    if not rows.num_rows:
        say("no judgements yet; next: docposts labels pull")
