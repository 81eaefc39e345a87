"""The card of a release: every number computed, the words from the template ``DATASET_CARD.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, StrictUndefined, Template, TemplateError, Undefined

from toolkit.errors import InputError
from toolkit.fsio import read_text
from toolkit.release.baselines import MOST, baselines
from toolkit.release.coded import TASK_OF, coded_fields
from toolkit.release.vocabulary import SIZES
from toolkit.resources import resource

if TYPE_CHECKING:
    from toolkit.release.layout import Contents

_BCP47 = {"Hans": "zh-Hans", "Hant": "zh-Hant"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


class Safe(str):
    """Text that is Markdown on purpose: everything else that enters the card is escaped."""

    __slots__ = ()


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line: no markup, no HTML, no table cells of its own."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", line)


def link(url: str | None) -> str:
    """Return an address as a Markdown link; as words where it could be anything else."""
    if not url:
        return ""
    return Safe(f"<{url}>") if re.fullmatch(r"https?://[^\s<>\"\\^`{|}]+", url) else url


def _finalize(value: Any) -> Any:
    if isinstance(value, Undefined | Safe) or not isinstance(value, str):
        return value
    return escape(value)


def render(numbers: Mapping[str, Any], template: Path | None = None) -> str:
    """Return the card's text; :class:`InputError` names a placeholder of the template that means nothing."""
    path = template or resource("DATASET_CARD.md")
    try:
        return _compiled(read_text(path)).render(dict(numbers))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise InputError(f"{path}{f':{line}' if line else ''}: {error.message or error}") from error


@lru_cache(maxsize=8)
def _compiled(text: str) -> Template:
    environment = Environment(
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML: finalize escapes for it
    )
    environment.filters["link"] = link
    return environment.from_string(text)


def size_category(rows: int) -> str:
    """Return the Hub's category for a number of rows."""
    return next((name for power, name in enumerate(SIZES, 3) if rows < 10**power), SIZES[-1])


def _of_items(contents: Contents, column: str) -> pa.ChunkedArray:
    """Return a column of the posts, and of the photo texts where they have it too."""
    tables = [contents.rows(config) for config in TASK_OF]
    chunks = [chunk for rows in tables if column in rows.column_names for chunk in rows[column].chunks]
    return pa.chunked_array(chunks, tables[0].schema.field(column).type)


def text_languages(contents: Contents) -> list[str]:
    """Return the languages of the texts as ISO 639 codes, most frequent first."""
    counted: Counter[str] = Counter()
    for row in _counted_in(_of_items(contents, "text_lang")):
        if row["name"] != "und":
            counted[row["name"].partition("-")[0]] += row["count"]
    return [code for code, _ in sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))] or ["und"]


def script_languages(contents: Contents) -> list[str]:
    """Return the BCP 47 codes that the scripts of Chinese texts call for."""
    return sorted({_BCP47[script] for script in _of_items(contents, "script").unique().to_pylist() if script in _BCP47})


def _counted_in(column: pa.ChunkedArray) -> list[dict[str, Any]]:
    counted = [(row["values"], row["counts"]) for row in pc.value_counts(column).to_pylist()]
    return [{"name": name, "count": count} for name, count in sorted(counted, key=lambda entry: (-entry[1], entry[0]))]


def _sum(truths: Any) -> int:
    return int(pc.sum(truths, min_count=0).as_py())


def _label_rows(contents: Contents) -> list[dict[str, Any]]:
    """Return for each label that anybody gave: gold, contested and undecided items, votes for it, votes on it."""
    found = []
    for config, task in TASK_OF.items():
        rows = contents.rows(config)
        for one in coded_fields(contents.codebooks[task]):
            multi = one.kind == "multi"
            dist = rows[f"{one.name}_dist"].combine_chunks()
            flat = pc.list_flatten(dist)
            label = pc.struct_field(flat, "label")
            states = [rows[f"{one.name}_{state}"] for state in ("contested", "undecided")]
            held: list[Mapping[str, int]]
            if multi:
                gold = _by_name(pc.list_flatten(rows[one.name]))
                held = [_by_name(pc.list_flatten(state)) for state in states]
            else:
                gold, of = _by_name(rows[one.name]), pc.list_parent_indices(dist)
                held = [_by_name(label.filter(state.combine_chunks().take(of))) for state in states]
            votes = pa.table(
                {
                    "label": label,
                    "yes": pc.struct_field(flat, "yes" if multi else "votes"),
                    "of": pc.struct_field(flat, "of"),
                }
            )
            added = votes.group_by("label").aggregate([("yes", "sum"), ("of", "sum")]).to_pylist()
            given = {row["label"]: (row["yes_sum"], row["of_sum"]) for row in added}
            for leaf in contents.codebooks[task].leaves(one.name):
                if leaf.id in given or leaf.id in gold:
                    positives, asked = given.get(leaf.id, (0, 0))
                    found.append(
                        {"config": config, "field": one.name, "label": leaf.id, "name": leaf.name.en}
                        | {"gold": gold.get(leaf.id, 0)}
                        | {"contested": held[0].get(leaf.id, 0), "undecided": held[1].get(leaf.id, 0)}
                        | {"positives": positives, "votes": asked}
                    )
    return found


def _by_name(column: Any) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(column).to_pylist() if row["values"] is not None}


def _agreement_rows(contents: Contents) -> list[dict[str, Any]]:
    return [
        {name: row.get(name) for name in ("task", "field", "label", "items", "positives", "part")}
        | {"label": row.get("label") or "(all)"}
        | {name: Safe(_shown(row.get(name))) for name in ("percent", "alpha", "low", "high")}
        | {"interval": Safe("–" if row.get("low") is None else f"{_shown(row['low'])} to {_shown(row.get('high'))}")}
        for row in contents.agreement
        if row.get("items")
    ]


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def numbers(contents: Contents) -> dict[str, Any]:
    """Return everything that the template may name."""
    judgements = contents.rows("judgements")
    sources = contents.rows("sources").to_pylist()
    kept = judgements.filter(pc.invert(judgements["skipped"]))
    per_item = pc.value_counts(kept["item_id"]).field("counts").to_pylist()
    return {
        "title": contents.title,
        "name": contents.name,
        "version": contents.version,
        "corpus_version": contents.corpus["version"],
        "licence": contents.licence,
        "contact": contents.contact,
        "simulated": contents.simulated,
        "simulated_count": _sum(pc.equal(judgements["provenance"], "simulated")),
        "restricted": contents.restricted,
        "fictional": [row["title"] for row in sources if row["fictional"]],
        "all_fictional": bool(sources) and all(row["fictional"] for row in sources),
        "configs": [
            {"name": config, "rows": sum(part.num_rows for part in splits.values())}
            | {"splits": [{"name": split, "rows": part.num_rows} for split, part in splits.items()]}
            for config, splits in contents.parts.items()
        ],
        "splits": list(contents.parts["posts"]),
        "groups": len(_of_items(contents, "split_group").unique()),
        "posts": contents.rows("posts").num_rows,
        "photo_texts": contents.rows("photo_texts").num_rows,
        "posts_with_labels": _sum(pc.greater(contents.rows("posts")["judgements"], 0)),
        "photo_texts_with_labels": _sum(pc.greater(contents.rows("photo_texts")["judgements"], 0)),
        "languages": _counted_in(_of_items(contents, "text_lang")),
        "scripts": _counted_in(_of_items(contents, "script")),
        "translations": _sum(contents.rows("posts")["is_translation"]),
        "both_texts": _sum(pc.is_valid(contents.rows("posts")["translation"])),
        "dehydrated": _sum(_of_items(contents, "dehydrated")),
        "flagged": _sum(pc.greater(pc.list_value_length(_of_items(contents, "flags")), 0)),
        "labels": _label_rows(contents),
        "agreement": [row for row in _agreement_rows(contents) if not row["part"]],
        "by_layer": [row for row in _agreement_rows(contents) if row["part"] and row["label"] == "(all)"],
        "baseline_texts": MOST,
        "baselines": [
            {name: getattr(one, name) for name in ("config", "field", "label", "train", "test")}
            | {name: Safe(_shown(getattr(one, name))) for name in ("majority", "tfidf", "human")}
            for one in baselines(contents.parts, contents.codebooks, contents.seed)
        ],
        "sources": sources,
        "varieties": list(contents.languages) or text_languages(contents),
        "tags": script_languages(contents),
        "platforms": sorted(contents.rows("posts")["platform"].unique().drop_null().to_pylist()),
        "days": sorted(contents.rows("posts")["posted_at"].unique().drop_null().to_pylist()),
        "annotator_demographics": contents.annotator_demographics,
        "ethical_review": contents.ethical_review,
        "selections": _counted_in(contents.rows("sources")["selection"]),
        "judgements": judgements.num_rows,
        "skipped": _sum(judgements["skipped"]),
        "annotators": contents.annotators,
        "linkable": _sum(
            pc.is_in(pa.array(contents.linkable, pa.string()), value_set=judgements["annotator"].unique())
        ),
        "per_item": _spread(per_item),
        "months": sorted(judgements["month"].unique().to_pylist()),
        "layers": _counted_in(judgements["text_layer"]),
        "images": _sum(pc.is_valid(contents.rows("photo_texts")["image"])),
        "images_back": _put_back(contents),
        "images_held": _sum(pc.equal(contents.rows("photo_texts")["image_status"], "held")),
        "images_seen": _sum(judgements["image_seen"]),
        "codebooks": [{"task": task, "version": book.version} for task, book in contents.codebooks.items()],
        "held_out": [{"id": item, "why": why} for item, why in sorted((contents.held_out or {}).items())],
        "dropped": [{"why": why, "count": count} for why, count in sorted((contents.dropped or {}).items())],
    }


def _put_back(contents: Contents) -> int:
    """Count the images of reports that may not be redistributed: whoever hydrated the release put them back."""
    photos, sources = contents.rows("photo_texts"), contents.rows("sources")
    own = sources["source_id"].filter(pc.equal(sources["rights"], "redistributable")).combine_chunks()
    return _sum(pc.and_(pc.is_valid(photos["image"]), pc.invert(pc.is_in(photos["source_id"], value_set=own))))


def _spread(counts: list[int]) -> str:
    if not counts:
        return "none"
    return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
