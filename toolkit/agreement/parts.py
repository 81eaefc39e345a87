"""Agreement of a part of the votes, measured as if it were all there is; and of annotators with themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.agreement.ballots import answers, ballots, repeats
from toolkit.agreement.figures import Figure, agreement, of_ballot
from toolkit.settings import AgreementSettings

BY = ("round", "codebook_version", "text_layer", "translator", "month")


def by(
    judgements: pa.Table, settings: AgreementSettings, name: str, translators: Mapping[str, str] | None = None
) -> list[Figure]:
    """Return the agreement table of each part of the judgements, parts in order.

    ``name`` is one of :data:`BY`; a month is that of submission (UTC); a translator that of the item's text (item id →
    name, ``translators``), of what was judged in translation. A judgement that has no such part is in none.
    """
    judgements = answers(judgements)
    column = _column(judgements, name, translators or {})
    found: list[Figure] = []
    for part in sorted(pc.unique(column).drop_null().to_pylist()):
        rows = judgements.filter(pc.equal(column, part))
        found += [replace(figure, by=name, part=part) for figure in agreement(rows, settings)]
    return found


def _column(judgements: pa.Table, name: str, translators: Mapping[str, str]) -> pa.ChunkedArray:
    if name == "month":
        return pc.strftime(judgements["created_at"], format="%Y-%m")
    if name == "translator":
        known = pc.index_in(judgements["item_id"], pa.array(list(translators), pa.string()))
        names = pa.array(list(translators.values()), pa.string()).take(known.combine_chunks())
        translated = pc.equal(judgements["text_layer"], "translation")
        return pa.chunked_array([pc.if_else(translated.combine_chunks(), names, pa.scalar(None, pa.string()))])
    return judgements[name]


def within(judgements: pa.Table, settings: AgreementSettings) -> list[Figure]:
    """Return how far annotators agree with themselves on items that a repeat round showed again: all, then each by name.

    ``items`` are items of an annotator with answers in two rounds or more.
    """
    found = repeats(judgements)
    figures = [replace(f, by="repeats") for ballot in ballots(found) for f in of_ballot(ballot, settings)]
    names = found.rows["annotator"]
    for name in sorted(pc.unique(names).to_pylist()):
        own = found.only(np.asarray(pc.equal(names, name).to_numpy()).astype(np.bool_))
        figures += [replace(f, by="repeats", part=name) for ballot in ballots(own) for f in of_ballot(ballot, settings)]
    return figures
