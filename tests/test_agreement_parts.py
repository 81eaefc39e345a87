"""Parts of the votes, annotators with themselves and against others, soft labels: hand-computed."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import inside, told
from tests.test_agreement import binary, of
from tests.test_votes import Row, judgement, judgements
from toolkit.agreement import models, parts, tables
from toolkit.agreement.against import Against, others, outcomes, outcomes_of, predicted
from toolkit.agreement.distribution import distribution
from toolkit.agreement.figures import agreement
from toolkit.codebook import load_codebook
from toolkit.errors import InputError
from toolkit.labelresult import Submission, Vote, build_result
from toolkit.schema import table
from toolkit.settings import AgreementSettings

FEW = AgreementSettings(minimum_items=2, minimum_positives=0, bootstrap=0)


def marked(rows: list[Row], **change: Any) -> list[Row]:
    return [row | change for row in rows]


def test_a_heading_holds_where_one_of_its_labels_does() -> None:
    """n11 and n12 stand under n10: two who part at the second level agree at the first."""
    rows = [
        judgement(1, "a", "post-1", {"narrative": ["n11"]}),
        judgement(2, "b", "post-1", {"narrative": ["n12"]}),
        judgement(3, "a", "post-2", {"narrative": ["n98"]}),
        judgement(4, "b", "post-2", {"narrative": ["n11"]}),
    ]
    figures = agreement(judgements(*rows), FEW)
    one = {(f.label, f.metric): f.percent for f in figures if f.field == "narrative" and f.level == 1}
    two = {(f.label, f.metric): f.percent for f in figures if f.field == "narrative" and f.level == 2}
    assert one == {(None, "masi"): 0.5, (None, "jaccard"): 0.5, ("n10", "nominal"): 0.5}
    by_sets = {(None, "masi"): 0.0, (None, "jaccard"): 0.0}
    assert two == by_sets | {("n11", "nominal"): 0.0, ("n12", "nominal"): 0.5, ("n98", "nominal"): 0.5}
    flat = {f.level for f in figures if f.field == "technique"}
    assert flat == {None}


def test_confidence_is_compared_by_ordinal_distances() -> None:
    """Values 1 1, 2 3, 3 3: mid-ranks 1, 2.5, 4.5 (squares 2.25, 12.25, 4); 1 - 5 x (2 x 4 / 1) / the sum over all pairs."""
    values = [("1", "1"), ("2", "3"), ("3", "3")]
    rows = [
        judgement(n, who, f"post-{item}", {"narrative": ["n11"]}, confidence=int(pair[n % 2]))
        for item, pair in enumerate(values)
        for n, who in ((2 * item, "a"), (2 * item + 1, "b"))
    ]
    (figure,) = [f for f in agreement(judgements(*rows), FEW) if f.field == "confidence"]
    overall = 2 * (2 * 1 * 2.25 + 2 * 3 * 12.25 + 1 * 3 * 4)
    assert (figure.metric, figure.items) == ("ordinal", 3)
    assert figure.alpha == pytest.approx(1 - 5 * (2 * 4) / overall, abs=1e-6)


def test_each_part_is_measured_as_if_it_were_all() -> None:
    """In May they disagree, in June, on the same items, they agree; an answer of June takes none of May away."""
    may = binary("+-", "-+", "+-")
    june = [
        row | {"judgement_id": row["judgement_id"][::-1], "created_at": row["created_at"] + dt.timedelta(days=31)}
        for row in binary("++", "--", "++")
    ]
    rows = judgements(*may, *june)
    figures = [f for f in parts.by(rows, FEW, "month") if f.label == "t01"]
    assert [(f.by, f.part, f.percent, f.alpha) for f in figures] == [
        ("month", "2032-05", 0.0, pytest.approx(-2 / 3, abs=1e-6)),
        ("month", "2032-06", 1.0, 1.0),
    ]
    assert of(agreement(rows, FEW), "technique", "t01").percent == 1.0, "of all, the latest counts"


def test_parts_by_codebook_round_layer_and_translator() -> None:
    old, new = binary("++", "--"), [r | {"judgement_id": r["judgement_id"][::-1]} for r in binary("+-", "-+")]
    new = [row | {"item_id": f"{row['item_id']}-new"} for row in new]
    change = {"codebook_version": "1.1.0", "round": "second", "text_layer": "translation"}
    rows = judgements(*old, *marked(new, **change))
    for name, values in (
        ("codebook_version", ["1.0.0", "1.1.0"]),
        ("round", ["main", "second"]),
        ("text_layer", ["original", "translation"]),
    ):
        found = [(f.part, f.percent) for f in parts.by(rows, FEW, name) if f.label == "t01"]
        assert found == [(values[0], 1.0), (values[1], 0.0)]
    translators = {"post-0-new": "Ada Fict", "post-0": "never asked: judged in the original"}
    found = [(f.part, f.items) for f in parts.by(rows, FEW, "translator", translators) if f.label == "t01"]
    assert found == [("Ada Fict", 1)], "an item without a translator is in no part"


def test_annotators_with_themselves_on_what_a_repeat_round_showed_again() -> None:
    first = binary("++", "--", "+-", "++")
    again = [row | {"judgement_id": row["judgement_id"][::-1]} for row in binary("++", "-+", "+-")]
    again = [row | {"created_at": row["created_at"] + dt.timedelta(days=9)} for row in again]
    corrected = judgement(90, "ann-0", "post-0", {"narrative": ["n11"], "technique": []})
    rows = judgements(*first, corrected, *marked(again, round="again", round_kind="repeat"))
    figures = {f.part: f for f in parts.within(rows, FEW) if f.label == "t01"}
    # ann-0: post-0 corrected to no, then yes; post-1 no no; post-2 yes yes. ann-1: yes yes, no yes, no no.
    assert {part: (f.items, f.percent) for part, f in figures.items()} == {
        None: (6, 0.666667),
        "ann-0": (3, 0.666667),
        "ann-1": (3, 0.666667),
    }
    assert of(agreement(rows, FEW), "technique", "t01").items == 4, "a repeat is no vote"
    assert parts.within(judgements(*first, corrected), FEW) == [], "a correction is no repeat"


def one(found: list[Against], annotator: str, other: str = "others", label: str = "t01") -> Against:
    (row,) = [f for f in found if (f.annotator, f.other, f.label) == (annotator, other, label)]
    return row


def test_each_annotator_against_the_others() -> None:
    rows = judgements(*binary("++-", "+--", "--.", "+..", "s++"))
    found = others(rows, FEW)
    # ann-0: post-0 ++ with ann-1, +- with ann-2; post-1 +- twice; post-2 -- once.
    first = one(found, "ann-0")
    assert (first.items, first.pairs, first.positives, first.percent) == (3, 5, 2, 0.4)
    assert (first.precision, first.recall) == (0.25, 1.0), "of four yes beside another's answer, one met a yes"
    assert (one(found, "ann-2").items, one(found, "ann-2").pairs, one(found, "ann-2").percent) == (3, 5, 0.4)
    assert {f.annotator for f in found} == {"ann-0", "ann-1", "ann-2"}


def test_each_annotator_against_decisions() -> None:
    rows = judgements(*binary("+-", "+-", "-+", "++"))
    decided = [
        ("post-0", "yes", "adjudicated"),
        ("post-1", "no", "adjudicated"),
        ("post-2", "contested", "adjudicated"),
    ]
    decided.append(("post-3", "yes", "unanimous"))
    blank = {"item_type": "post", "task": "narrative", "field": "technique", "label": "t01", "judgement_ids": []}
    blank |= {"codebook_version": "1.0.0", "provenance": "human", "evidence": []}
    names = table("decisions").arrow.names
    made = [
        {**dict.fromkeys(names), **blank, "question_id": f"q-{item}", "item_id": item, "outcome": o, "method": m}
        for item, o, m in decided
    ]
    decisions = table("decisions").from_rows(made)
    found = outcomes(rows, outcomes_of(decisions), "decisions", FEW)
    # ann-0: yes to yes, yes to no, yes to yes; the contested one is none. ann-1: no to yes, no to no, yes to yes.
    ann0, ann1 = one(found, "ann-0", "decisions"), one(found, "ann-1", "decisions")
    assert (ann0.items, ann0.percent, ann0.precision, ann0.recall) == (3, 0.666667, 0.666667, 1.0)
    assert (ann1.items, ann1.percent, ann1.precision, ann1.recall) == (3, 0.666667, 1.0, 0.5)
    only = outcomes(rows, outcomes_of(decisions, adjudicated=True), "adjudicated", FEW)
    assert one(only, "ann-0", "adjudicated").items == 2
    assert outcomes_of(None) == {}


def test_annotators_against_predictions() -> None:
    rows = judgements(*binary("++", "--", "+-"))
    told = [
        {"item_id": f"post-{n}", "labels": {"technique": ["t01"] if n else [], "narrative": ["n11"]}} for n in range(2)
    ]
    found = outcomes(rows, predicted(told, rows), "model-1", FEW)
    assert one(found, "ann-0", "model-1").percent == 0.0
    assert one(found, "ann-1", "model-1", "n11").percent == 1.0


def test_annotators_against_the_predictions_kept_with_their_judgements(tmp_path: Path) -> None:
    inside("init", tmp_path / "w", "--annotator", "mia")
    codebook, kept = load_codebook("narrative"), tmp_path / "w" / "annotations" / "predictions" / "cues-1.0.0.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(6):
        labels = (Vote("technique", "t01"),) if number < 3 else ()
        result = build_result(codebook, Submission(labels=labels), form="default")
        lines.append(json.dumps({"item_id": f"post-{number}", "text_sha256": "2" * 64, "result": result}))
    kept.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = binary("++", "++", "+-", "-+", "--", "--")
    for row in rows:
        row["prediction_version"] = "cues-1.0.0"
    rows[0]["text_sha256"] = "3" * 64  # judged on another text than was predicted on
    pq.write_table(judgements(*rows), tmp_path / "j.parquet")
    asked = ("-C", tmp_path / "w", "labels", "agreement", "--predicted", "--judgements", tmp_path / "j.parquet")
    found = {row["annotator"]: row for row in told(*asked) if row["label"] == "t01"}
    first, second = found["ann-0"], found["ann-1"]
    assert first["other"] == second["other"] == "cues-1.0.0"
    assert (first["items"], first["percent"], first["precision"], first["recall"]) == (5, 1.0, 1.0, 1.0)
    assert (second["items"], second["percent"], second["precision"]) == (6, 0.666667, 0.666667)
    assert {row["field"] for row in told(*asked)} == {"technique"}, "of other fields nothing was ever predicted"


def shares(rows: Any, **words: Any) -> list[dict[str, Any]]:
    """Return the table as records."""
    found: list[dict[str, Any]] = distribution(rows, **words).to_pylist()
    return found


def test_the_votes_on_each_item_as_shares() -> None:
    rows = judgements(*binary("++-", "--."), judgement(50, "ann-0", "photo-1", {"text_kind": ["verbatim"]}))
    found = {(s["item_id"], s["label"]): (s["yes"], s["of"], s["share"], s["outcome"]) for s in shares(rows)}
    assert found == {
        ("post-0", "n11"): (3, 3, 1.0, None),
        ("post-0", "t01"): (2, 3, 0.666667, None),
        ("post-1", "n11"): (2, 2, 1.0, None),
        ("photo-1", "verbatim"): (1, 1, 1.0, None),
    }
    assert shares(judgements()) == []


def test_the_decision_in_force_stands_beside_the_votes_that_it_is_on() -> None:
    asked = [("technique", "t01", "post-0", "contested"), ("technique", "t02", "post-0", "no")]
    asked += [("narrative", "n11", "post-1", "yes"), ("narrative", "n11", "post-gone", "yes")]
    about: list[dict[str, str | None]] = [
        {"task": "narrative", "field": f, "label": n, "item_id": i, "outcome": o} for f, n, i, o in asked
    ]
    about.append(
        {"task": "photo_text", "field": "text_kind", "label": None, "item_id": "photo-1", "outcome": "verbatim"}
    )
    decisions = pa.Table.from_pylist(about)
    photo = [
        judgement(50 + n, f"ann-{n}", "photo-1", {"text_kind": [kind]})
        for n, kind in enumerate(("verbatim", "translation"))
    ]
    rows = judgements(*binary("++-", "--."), *photo)
    found = {(s["item_id"], s["label"]): s["outcome"] for s in shares(rows, decisions=decisions)}
    assert found == {
        ("post-0", "n11"): None,
        ("post-0", "t01"): "contested",
        ("post-1", "n11"): "yes",
        ("photo-1", "verbatim"): "verbatim",
        ("photo-1", "translation"): "verbatim",
    }


@pytest.mark.parametrize("model", ["dawid-skene", "mace"])
def test_a_model_stands_beside_the_votes_by_its_name_and_trusts_who_agrees(model: Any) -> None:
    """Two careful annotators and one who always says yes: where the careful ones say no, so does the model."""
    columns = ["+++", "--+"] * 6 + ["-++"]
    made = binary(*columns)
    for row in made:
        # One question is enough to fit: the narrative, left empty, is no answer.
        row["labels"] = [label for label in row["labels"] if label["field"] == "technique"]
    rows = judgements(*made)
    found = shares(rows, model=model)
    assert {s["model"] for s in found} == {model}
    likely = {s["item_id"]: s["probability"] for s in found if s["label"] == "t01"}
    assert likely["post-0"] > 0.9
    assert likely["post-1"] < 0.1
    assert [s["yes"] for s in found if s["label"] == "t01" and s["item_id"] == "post-1"] == [1], "the votes stay"
    assert found == shares(judgements(*reversed(made)), model=model), "whatever their order"
    alone = shares(judgements(*binary("+", "-")), model=model)
    assert {s["probability"] for s in alone} == {None}, "one annotator cannot be weighed"


@pytest.mark.parametrize(("model", "values"), [("dawid-skene", 2), ("dawid-skene", 4), ("mace", 2), ("mace", 4)])
def test_items_alike_taken_for_one_with_a_weight_are_fitted_as_crowd_kit_fits_them_all(model: Any, values: int) -> None:
    """Its MACE takes annotators and labels for sorted: it is given codes that come in their order."""
    from crowdkit.aggregation.classification import MACE, DawidSkene

    rng = np.random.default_rng(values)
    item, rater = np.nonzero(rng.random((150, 4)) < 0.6)
    item = np.unique(item, return_inverse=True)[1].reshape(-1)
    true, careful = rng.integers(0, values, 150), rng.random(len(item)) < np.array([0.9, 0.8, 0.6, 0.3])[rater]
    value = np.where(careful, true[item], rng.integers(0, values, len(item)))
    first = [pd.factorize(codes) for codes in (rater, value)] if model == "mace" else []
    own = pd.DataFrame(
        {"task": item, "worker": first[0][0] if first else rater, "label": first[1][0] if first else value}
    )
    state: Any = np.random.RandomState(0)
    plain = MACE(n_restarts=3, random_state=state) if first else DawidSkene(n_iter=100)
    expected = plain.fit_predict_proba(own)
    expected.columns = first[1][1] if first else expected.columns
    found = models.fit(model, models.Answers(item, rater), value, range(values), restarts=3)
    np.testing.assert_allclose(found, expected.sort_index().reindex(columns=range(values)), atol=1e-9)
    assert len(np.unique(found.round(9), axis=0)) < len(found), "some items are alike"


def test_without_crowd_kit_the_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crowdkit.aggregation.classification", None)
    with pytest.raises(InputError, match="crowd-kit is not installed"):
        distribution(judgements(*binary("++")), model="mace")


def test_labels_of_another_codebook_version_stand_after_this_ones() -> None:
    rows = binary("++", "--")
    rows[0]["labels"].append({"field": "technique", "label": "t77_gone"})
    rows[0]["codebook_version"] = "0.9.0"
    figures = [f for f in agreement(judgements(*rows), FEW) if f.field == "technique" and f.label]
    assert [f.label for f in figures] == ["t01", "t77_gone"] and figures[1].percent == 0.5


@pytest.mark.parametrize("name", sorted(tables.KINDS))
def test_every_table_is_a_parquet_file_with_its_columns_with_rows_and_without(name: str, tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    for rows in (judgements(*binary("++-", "+-.", "--+")), judgements()):
        made = tables.make(name, rows, FEW, tables.Beside())
        path = tables.write(tmp_path, name, made)
        read = pq.read_table(path)
        assert read.schema.equals(tables.arrow(tables.KINDS[name][0]))
        back = [
            {**row, **({"annotators": tuple(row["annotators"])} if "annotators" in row else {})}
            for row in read.to_pylist()
        ]
        assert back == made
