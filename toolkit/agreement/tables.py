"""Every table of agreement by its name, and as Parquet files for a notebook."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa

from toolkit.agreement import against, figures, parts, regions, spans
from toolkit.corpus import store
from toolkit.fsio import sha256_text
from toolkit.parquet import writing_batches
from toolkit.settings import AgreementSettings
from toolkit.workspace import Workspace


@dataclass(frozen=True)
class Beside:
    """What is known beside the judgements: lengths of texts by hash, translators by item, decisions in force."""

    lengths: Mapping[str, int] = field(default_factory=dict)
    translators: Mapping[str, str] = field(default_factory=dict)
    decisions: pa.Table | None = None


def beside(workspace: Workspace, decisions: pa.Table | None = None) -> Beside:
    """Return what the latest corpus version knows of the texts; nothing where there is none."""
    if not store.versions(workspace):
        return Beside(decisions=decisions)
    latest = store.open_version(workspace)
    layers, photos = latest.table("text_layers"), latest.table("photo_texts")
    lengths, translators = {}, {}
    for row in layers.select(["post_id", "layer", "text", "translator"]).to_pylist():
        lengths[sha256_text(row["text"])] = len(row["text"])
        if row["layer"] == "translation" and row["translator"]:
            translators[row["post_id"]] = row["translator"]
    for text in photos["text"].to_pylist():
        lengths[sha256_text(text)] = len(text)
    return Beside(lengths, translators, decisions)


def _decisions(judgements: pa.Table, settings: AgreementSettings, known: Beside) -> list[against.Against]:
    """Against all decisions in force, and against those of the adjudicator alone: a unanimous one agrees with itself."""
    found = []
    for adjudicated, name in ((False, "decisions"), (True, "adjudicated")):
        outcomes = against.outcomes_of(known.decisions, adjudicated=adjudicated)
        found += against.outcomes(judgements, outcomes, name, settings)
    return found


Make = Callable[[pa.Table, AgreementSettings, Beside], Sequence[Any]]
KINDS: dict[str, tuple[type, Make]] = {
    "agreement": (figures.Figure, lambda j, s, _: figures.agreement(j, s)),
    **{
        f"by_{name}": (figures.Figure, lambda j, s, b, name=name: parts.by(j, s, name, b.translators))  # type: ignore[misc]
        for name in parts.BY
    },
    "pairs": (figures.PairFigure, lambda j, s, _: figures.pairwise(j, s)),
    "repeats": (figures.Figure, lambda j, s, _: parts.within(j, s)),
    "others": (against.Against, lambda j, s, _: against.others(j, s)),
    "decisions": (against.Against, _decisions),
    "spans": (spans.SpanFigure, lambda j, s, b: spans.span_agreement(j, b.lengths, s)),
    "regions": (regions.RegionFigure, lambda j, s, _: regions.region_agreement(j, s)),
}


def make(name: str, judgements: pa.Table, settings: AgreementSettings, known: Beside) -> list[dict[str, Any]]:
    """Return a table of :data:`KINDS` as records."""
    return figures.records(KINDS[name][1](judgements, settings, known))


def write(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a table of :data:`KINDS`, or one against predictions, as ``<folder>/<name>.parquet``, with columns also if empty."""
    return write_rows(folder, name, rows, arrow(KINDS[name][0] if name in KINDS else against.Against))


def write_rows(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema | None = None) -> Path:
    """Write records as ``<folder>/<name>.parquet``, with the columns of ``schema`` or else those that they have."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema)
    return write_pieces(folder, name, [table], table.schema)


def write_pieces(folder: Path, name: str, pieces: Iterable[pa.Table], schema: pa.Schema) -> Path:
    """Write tables of one schema as ``<folder>/<name>.parquet``, each as it comes."""
    path = folder / f"{name}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    with writing_batches(path, schema) as out:
        for piece in pieces:
            for batch in piece.to_batches():
                out.write(batch)
    return path


def arrow(kind: type) -> pa.Schema:
    """Return the Arrow schema of a record."""
    hints = get_type_hints(kind)
    return pa.schema([(each.name, _type(hints[each.name])) for each in fields(kind)])


def _type(hint: Any) -> pa.DataType:
    if isinstance(hint, types.UnionType):
        (hint,) = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) is tuple:
        return pa.list_(pa.string())
    return {str: pa.string(), int: pa.int64(), float: pa.float64()}[hint]
