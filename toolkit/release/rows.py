"""Corpus tables, judgements and decisions → the rows of a release, not yet split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Codebook
from toolkit.labels.pieces import whole_items
from toolkit.release import accounts, judged, texts
from toolkit.release.coded import TASK_OF
from toolkit.release.people import Pseudonyms
from toolkit.release.splits import Edge, Item
from toolkit.release.tally import Outcomes, coded, spread
from toolkit.schema import table

CONFIGS = ("posts", "photo_texts", "judgements", "sources", "narratives", "accounts")
KEYS = {
    "posts": "post_id",
    "photo_texts": "photo_id",
    "judgements": "judgement_id",
    "sources": "source_id",
    "narratives": "narrative_id",
    "accounts": "account",
}
SPLIT_CONFIGS = ("posts", "photo_texts", "judgements")
NOT_HERE, HELD_OUT = (
    "judgement of an item that the corpus version does not hold",
    "judgement of an item that is held out",
)
"""Why judgements are left out of a release, in the words of its account of what was dropped."""


@dataclass(frozen=True)
class Rows:
    """The rows of every config in corpus order, the items and links to split by, and what was left out by reason.

    ``public`` are the handles of public accounts that post or are mentioned: they are released as they stand. ``linkable`` are
    the pseudonyms of annotators that hold for all items.
    """

    rows: Mapping[str, pa.Table]
    judgements: pa.Table
    items: list[Item]
    links: list[Edge]
    dropped: Mapping[str, int]
    public: tuple[str, ...]
    linkable: tuple[str, ...] = ()


def make(
    corpus: Mapping[str, pa.Table],
    judgements: pa.Table,
    decisions: pa.Table,
    codebooks: Mapping[str, Codebook],
    key: bytes,
    dry: frozenset[str] = frozenset(),
    linkable: frozenset[str] = frozenset(),
) -> Rows:
    """Return a release's rows: texts cleaned, people pseudonymised, labels beside their items.

    Rows of the sources in ``dry`` carry no words. Judgements of annotators who are not in ``linkable``
    cannot be joined across items.
    """
    people = Pseudonyms.of(key, corpus["accounts"], linkable)
    made = texts.clean(corpus, people, dry)
    said, released, dropped = _judged(corpus, judgements, decisions, codebooks, people, dry)
    tables = {config: _beside(config, rows, said.get(config)) for config, rows in made.tables.items()}
    links = corpus["post_links"]
    named = {*tables["posts"]["account"].unique().to_pylist()} & {*corpus["accounts"]["handle"].to_pylist()} - {None}
    return Rows(
        tables | {"accounts": table("release_accounts").from_rows(accounts.of(corpus, people, dry))},
        released,
        made.items,
        list(zip(links["post_id"].to_pylist(), links["other_id"].to_pylist(), strict=True)),
        {reason: count for reason, count in dropped.items() if count},
        tuple(sorted(made.mentioned | named)),
        judged.linkable(released),
    )


def _beside(config: str, rows: pa.Table, said: pa.Table | None) -> pa.Table:
    """Return the rows as the release declares them, with the coded columns of the same items."""
    schema = table(f"release_{config}").arrow
    columns = []
    for field in schema:
        own = said if said is not None and field.name in said.column_names else rows
        there = field.name in own.column_names
        columns.append(own[field.name].cast(field.type) if there else pa.nulls(rows.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _judged(
    corpus: Mapping[str, pa.Table],
    judgements: pa.Table,
    decisions: pa.Table,
    codebooks: Mapping[str, Codebook],
    people: Pseudonyms,
    dry: frozenset[str],
) -> tuple[dict[str, pa.Table], pa.Table, dict[str, int]]:
    """Return the coded columns of each config's items, the judgements as released, and what was dropped by reason."""
    outcomes = Outcomes(dict(zip(decisions["question_id"].to_pylist(), decisions["outcome"].to_pylist(), strict=True)))
    said: dict[str, pa.Table] = {}
    rows, lost, left = [table("release_judgements").empty()], 0, judgements.num_rows
    for config, task in TASK_OF.items():
        every = corpus[config][KEYS[config]].combine_chunks()
        # What no layer gives the text of was shown to nobody.
        items = every.filter(pc.is_in(every, texts.shown(corpus, config)))
        order, strange = judged.known(judgements, items)
        left -= judgements.num_rows - strange
        known, columns = [pa.array([], pa.string())], []
        for batch in whole_items(judgements, order):
            own = batch["item_id"].unique()
            columns.append(coded(batch, own, config, codebooks[task], outcomes))
            known.append(own)
            made, gone = judged.released(batch, people, texts.layers(corpus, config, own, people, dry), own)
            rows.append(made)
            lost += gone
        made = (
            pa.concat_tables(columns) if columns else coded(judgements.slice(0, 0), known[0], config, codebooks[task])
        )
        said[config] = spread(made, pa.concat_arrays(known), every, config, codebooks[task])
    unasked = {*decisions.filter(pc.equal(decisions["method"], "adjudicated"))["question_id"].to_pylist()}
    dropped = {
        NOT_HERE: left,
        "decision on votes that have changed since": len(unasked - outcomes.asked),
        "evidence in an earlier edition of a text": lost,
    }
    return said, pa.concat_tables(rows), dropped
