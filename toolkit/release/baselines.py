"""What a trivial and a simple model reach on the release's own split, beside how well people agree: figures for the card.

They say how hard the labels are and how far there is to go; nothing of them is a finding about the posts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from toolkit.codebook import Codebook
from toolkit.release.coded import TASK_OF, coded_fields

# Below these numbers a figure would be chance.
LEAST_TRAIN, LEAST_TEST = 5, 2


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
        train, test = ([row for row in splits[name].to_pylist() if row["text"]] for name in ("train", "test"))
        every = [row for rows in splits.values() for row in rows.to_pylist()]
        for one in coded_fields(codebooks[task]):
            for leaf in codebooks[task].leaves(one.name):
                made = _label(config, one.name, leaf.id, train, test, seed)
                if made is not None:
                    human = _human(every, one.name, leaf.id, "yes" if one.kind == "multi" else "votes")
                    found.append(Baseline(config, one.name, leaf.id, *made, human))
    return found


def _label(
    config: str,
    field: str,
    label: str,
    train: Sequence[Mapping[str, Any]],
    test: Sequence[Mapping[str, Any]],
    seed: int,
) -> tuple[int, int, float | None, float | None] | None:
    known, there = (
        [(row["text"], value) for row in rows if (value := _gold(row, field, label)) is not None]
        for rows in (train, test)
    )
    texts, gold = [text for text, _ in known], [value for _, value in known]
    positives, held = sum(gold), sum(value for _, value in there)
    if not positives or not held:
        return None
    if positives < LEAST_TRAIN or held < LEAST_TEST or positives == len(gold):
        return positives, held, None, None
    answers = [value for _, value in there]
    majority = _f1(answers, [2 * positives > len(gold)] * len(answers))
    return positives, held, majority, _f1(answers, _tfidf(texts, gold, [text for text, _ in there], seed))


def _gold(row: Mapping[str, Any], field: str, label: str) -> bool | None:
    """Return whether an item has the label by decision; None where that is contested, open or was not asked."""
    value = row[field]
    if isinstance(value, list):
        unsettled = (*row[f"{field}_contested"], *row[f"{field}_undecided"])
        return None if label in unsettled else label in value
    return None if value is None else value == label


def _tfidf(texts: Sequence[str], gold: Sequence[bool], asked: Sequence[str], seed: int) -> list[bool]:
    """Return a linear model's answers over TF-IDF of character 2- to 4-grams, which need no word boundaries."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 4), min_df=1, max_features=50_000),
        LogisticRegression(solver="liblinear", class_weight="balanced", random_state=seed),
    )
    return [bool(value) for value in model.fit(list(texts), list(gold)).predict(list(asked))]


def _f1(wanted: Sequence[bool], given: Sequence[bool]) -> float:
    both = sum(one and other for one, other in zip(wanted, given, strict=True))
    return round(2 * both / (sum(wanted) + sum(given)), 4) if both else 0.0


def _human(rows: Sequence[Mapping[str, Any]], field: str, label: str, yes: str) -> float | None:
    """Return the mean F1 of two people: of all pairs in which one gave the label, the share in which both did."""
    both = one = 0
    for row in rows:
        for entry in row[f"{field}_dist"] or ():
            if entry["label"] == label and entry["of"] > 1:
                both += entry[yes] * (entry[yes] - 1)
                one += entry[yes] * (entry["of"] - 1)
    return round(both / one, 4) if one else None
