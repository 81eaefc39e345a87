"""A CSV of item, annotator, label, one label a row: the rows of an annotator on an item are one submission."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from toolkit.codebook import Codebook
from toolkit.errors import InputError
from toolkit.fsio import read_text
from toolkit.items import TASKS
from toolkit.labelresult import Span, Submission, Vote, build_result
from toolkit.labels.importing.match import Items, Made

_REQUIRED = ("item", "annotator", "label")
_COLUMNS = (*_REQUIRED, "start", "end", "mode", "confidence", "comment", "created_at")


def read_table(path: Path, known: Items) -> Iterator[Made]:
    """Yield the submissions of a CSV; :class:`InputError` names the line that does not hold.

    Columns: item, annotator, label; and where there are any: start and end (the evidence, in code points), mode, confidence,
    comment, created_at. An item is its id, or ``source/key``.
    """
    reader = csv.DictReader(io.StringIO(read_text(path).removeprefix("\ufeff")), strict=True)
    names = reader.fieldnames or []
    if missing := [name for name in _REQUIRED if name not in names]:
        raise InputError(f"{path}:1: the columns {', '.join(missing)} are missing")
    if unknown := [name for name in names if name not in _COLUMNS]:
        raise InputError(f"{path}:1: unknown columns: {', '.join(unknown)}", hint=f"known: {', '.join(_COLUMNS)}")
    grouped: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
    try:
        for row in reader:
            if None in row or None in row.values():
                raise InputError(f"{path}:{reader.line_num}: {len(names)} columns are expected")
            grouped.setdefault((row["item"], row["annotator"]), []).append((reader.line_num, row))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from None
    for (name, annotator), rows in grouped.items():
        item = known.named(name)
        result = None
        if item is not None:
            codebook = known.codebooks(TASKS[item.item_type])
            result = build_result(codebook, _submission(path, codebook, rows, len(item.text)), form=item.form)
        times = [row["created_at"] for _, row in rows if row.get("created_at")]
        where = f"{path}:{rows[0][0]}"
        yield Made(where, name, item, annotator, max(times, default=""), {"result": result or []})


def _submission(path: Path, codebook: Codebook, rows: list[tuple[int, dict[str, str]]], length: int) -> Submission:
    votes, spans, levels, comments = [], [], [], []
    for line, row in rows:
        try:
            label = codebook.label(row["label"])
            leaf = label in codebook.leaves(label.field)
        except InputError:
            leaf = False
        if not leaf:
            raise InputError(f"{path}:{line}: {row['label']!r} is no label of {codebook.task} {codebook.version}")
        votes.append(Vote(label.field, label.id))
        if row.get("start") or row.get("end"):
            start, end = _number(path, line, row, "start"), _number(path, line, row, "end")
            if not 0 <= start < end <= length:
                raise InputError(f"{path}:{line}: {start} to {end} is not in the text, which has {length}")
            mode = row.get("mode") or "explicit"
            if mode not in ("explicit", "implied"):
                raise InputError(f"{path}:{line}: mode {mode!r} is neither explicit nor implied")
            spans.append(Span(label.field, label.id, start, end, "implied" if mode == "implied" else "explicit"))
        if row.get("confidence"):
            levels.append(_number(path, line, row, "confidence"))
        if row.get("comment"):
            comments.append(row["comment"])
    return Submission(
        labels=tuple(votes),
        evidence=tuple(spans),
        confidence=levels[0] if levels else None,
        comment="\n".join(dict.fromkeys(comments)) or None,
    )


def _number(path: Path, line: int, row: dict[str, str], name: str) -> int:
    try:
        return int(row[name])
    except ValueError:
        raise InputError(f"{path}:{line}: {name} is {row[name]!r}, not a number") from None
