"""What a trivial and a simple model reach on the release's own split, beside how well people agree: figures for the card.

They say how hard the labels are and how far there is to go; nothing of them is a finding about the posts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.codebook import Codebook
from toolkit.fsio import sha256_text
from toolkit.release.coded import TASK_OF, coded_fields

# Below these numbers a figure would be chance.
LEAST_TRAIN, LEAST_TEST = 5, 2
MOST = 2_000
"""Texts of a split that are trained or tested on: more would tell little more, and take long."""


@dataclass(frozen=True)
class Baseline:
    """One label: gold positives in train and test, and F1 on test of always the majority, of TF-IDF, and of one person.

    ``human`` is the mean F1 of one annotator's answers against another's, over all splits. None where there is too little.
    """

    config: str
    field: str
    label: str
    train: int
    test: int
    majority: float | None
    tfidf: float | None
    human: float | None


def baselines(
    parts: Mapping[str, Mapping[str, pa.Table]], codebooks: Mapping[str, Codebook], seed: int
) -> list[Baseline]:
    """Return the baselines of every label with gold in train and test; none where there is no test split."""
    found = []
    for config, task in TASK_OF.items():
        splits = parts.get(config, {})
        if not {"train", "test"} <= splits.keys():
            continue
        train, test = (drawn(splits[name], seed) for name in ("train", "test"))
        every = pa.concat_tables([*splits.values()])
        features = _features([row["text"] for row in train], [row["text"] for row in test]) if train and test else None
        for one in coded_fields(codebooks[task]):
            people = _human(every[f"{one.name}_dist"], "yes" if one.kind == "multi" else "votes")
            for leaf in codebooks[task].leaves(one.name):
                made = _label((one.name, leaf.id), train, test, features, seed)
                if made is not None:
                    found.append(Baseline(config, one.name, leaf.id, *made, people.get(leaf.id)))
    return found


def drawn(rows: pa.Table, seed: int) -> list[dict[str, Any]]:
    """Return the rows with a text; of more than :data:`MOST` those that the seed draws, in their order."""
    with_text = rows.filter(pc.greater(pc.utf8_length(rows["text"]), 0))
    if with_text.num_rows > MOST:
        drawn_by = [sha256_text(f"{seed}:{name}:{n}") for n, name in enumerate(with_text["exact_hash"].to_pylist())]
        chosen = sorted(sorted(range(len(drawn_by)), key=drawn_by.__getitem__)[:MOST])
        with_text = with_text.take(pa.array(chosen))
    found: list[dict[str, Any]] = with_text.to_pylist()
    return found


def _features(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    """Return TF-IDF of character 2- to 4-grams, which need no word boundaries, as seen in training."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), min_df=1, max_features=50_000)
    return grams.fit_transform(list(train)), grams.transform(list(test))


def _label(
    asked: tuple[str, str],
    train: Sequence[Mapping[str, Any]],
    test: Sequence[Mapping[str, Any]],
    features: tuple[Any, Any] | None,
    seed: int,
) -> tuple[int, int, float | None, float | None] | None:
    known, there = (
        {place: value for place, row in enumerate(rows) if (value := _gold(row, *asked)) is not None}
        for rows in (train, test)
    )
    gold, answers = [*known.values()], [*there.values()]
    positives, held = sum(gold), sum(answers)
    if not positives or not held:
        return None
    if positives < LEAST_TRAIN or held < LEAST_TEST or positives == len(gold) or features is None:
        return positives, held, None, None
    majority = _f1(answers, [2 * positives > len(gold)] * len(answers))
    return positives, held, majority, _f1(answers, _linear(features[0][[*known]], gold, features[1][[*there]], seed))


def _gold(row: Mapping[str, Any], field: str, label: str) -> bool | None:
    """Return whether an item has the label by decision; None where that is contested, open or was not asked."""
    value = row[field]
    if isinstance(value, list):
        unsettled = (*row[f"{field}_contested"], *row[f"{field}_undecided"])
        return None if label in unsettled else label in value
    return None if value is None else value == label


def _linear(train: Any, gold: Sequence[bool], test: Any, seed: int) -> list[bool]:
    """Return a linear model's answers."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(solver="liblinear", class_weight="balanced", random_state=seed)
    return [bool(value) for value in model.fit(train, list(gold)).predict(test)]


def _f1(wanted: Sequence[bool], given: Sequence[bool]) -> float:
    both = sum(one and other for one, other in zip(wanted, given, strict=True))
    return round(2 * both / (sum(wanted) + sum(given)), 4) if both else 0.0


def _human(dist: pa.ChunkedArray, yes: str) -> dict[str, float]:
    """Return label → mean F1 of two people: of all pairs in which one gave the label, the share in which both did."""
    votes = pc.list_flatten(dist)
    gave, asked = (pc.struct_field(votes, name).cast(pa.int64()) for name in (yes, "of"))
    pairs = pa.table(
        {
            "label": pc.struct_field(votes, "label"),
            "both": pc.multiply(gave, pc.subtract(gave, 1)),
            "one": pc.multiply(gave, pc.subtract(asked, 1)),
        }
    ).filter(pc.greater(asked, 1))
    added = pairs.group_by("label").aggregate([("both", "sum"), ("one", "sum")]).to_pylist()
    return {row["label"]: round(row["both_sum"] / row["one_sum"], 4) for row in added if row["one_sum"]}
