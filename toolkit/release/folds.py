"""Fold files: leave one source out, leave one campaign out, with nothing nearly the same left on the other side.

``folds/<by>.csv`` has a line an item: ``item_id``, its ``fold`` (a source, or a campaign; empty where it has none), and
``not_with``, a JSON list of the other folds in which something nearly the same stands (empty: none). To test on fold X: test
where ``fold`` is X; train where ``fold`` is not X and ``not_with`` does not name X.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from toolkit.corpus.links import components
from toolkit.fsio import canonical_json
from toolkit.release.splits import Edge, Item

FOLDER = "folds"
BY = ("source", "campaign")
COLUMNS = ("item_id", "fold", "not_with")


def path(by: str) -> str:
    """Return the path of a fold file within a release."""
    return f"{FOLDER}/{by}.csv"


def files(items: Sequence[Item], edges: Iterable[Edge], campaigns: Mapping[str, str | None]) -> dict[str, str]:
    """Return the fold files by path, those alone that hold two folds or more. ``campaigns`` is item → campaign."""
    ids = [item.id for item in items]
    known = set(ids)
    alike = components(ids, [(one, other) for one, other in edges if one in known and other in known])
    # A photo text stands with its post.
    of = {
        "source": {item.id: item.source for item in items},
        "campaign": {name: campaigns.get(name) or "" for name in ids},
    }
    found = {}
    for by in BY:
        if len({fold for fold in of[by].values() if fold}) < 2:
            continue
        found[path(by)] = _lines(ids, alike, of[by])
    return found


def _lines(ids: Sequence[str], alike: Mapping[str, str], fold: Mapping[str, str]) -> str:
    there: dict[str, set[str]] = {}
    for name in ids:
        if fold[name]:
            there.setdefault(alike[name], set()).add(fold[name])
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(COLUMNS)
    for name in ids:
        others = sorted(there.get(alike[name], set()) - {fold[name]})
        write.writerow((name, fold[name], canonical_json(others) if others else ""))
    return out.getvalue()


def read(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return item → (fold, folds that it is not to be trained with) of a fold file; :class:`ValueError` where it is none."""
    import json

    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise ValueError("not a fold file")
    found = {name: (fold, tuple(json.loads(others) if others else ())) for name, fold, others in rows[1:]}
    if len(found) != len(rows) - 1:
        raise ValueError("an item stands twice")
    return found
