"""``docposts labels agreement`` on judgements that say little or nothing: a plain sentence, no figure made up, no error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.command import inside
from tests.test_agreement import binary
from tests.test_votes import Row, judgement, judgements
from toolkit.agreement.notes import notes
from toolkit.settings import AgreementSettings


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad") / "w"
    inside("init", folder, "--annotator", "mia")
    return folder


def measured(workspace: Path, tmp_path: Path, rows: list[Row], *words: str) -> tuple[list[dict[str, Any]], str]:
    """What the command prints as JSON, and what it says beside it."""
    pq.write_table(judgements(*rows), tmp_path / "j.parquet")
    words = ("labels", "agreement", "--judgements", str(tmp_path / "j.parquet"), "--json", *words)
    done = inside("-C", workspace, *words)
    return json.loads(done.stdout), done.stderr


def under(version: str, rows: list[Row]) -> list[Row]:
    return [row | {"codebook_version": version} for row in rows]


def figure(rows: list[dict[str, Any]], label: str = "t01") -> dict[str, Any]:
    (found,) = [row for row in rows if row["label"] == label]
    return found


@pytest.mark.parametrize(
    ("votes", "said"),
    [
        (("+", "-", "+", "+", "-"), "one annotator alone (ann-0): nobody to agree with"),
        (("+.", ".-", "+.", ".+", "+."), "no item was answered by two annotators: nobody to agree with"),
    ],
)
def test_with_nobody_to_agree_with_the_counts_are_zero(
    workspace: Path, tmp_path: Path, votes: tuple[str, ...], said: str
) -> None:
    rows, err = measured(workspace, tmp_path, binary(*votes))
    assert said in err and "next: docposts labels pull" in err
    one = figure(rows)
    assert (one["items"], one["pairs"], one["percent"], one["alpha"], one["low"]) == (0, 0, None, None, None)


def test_skips_alone_have_no_table(workspace: Path, tmp_path: Path) -> None:
    rows, err = measured(workspace, tmp_path, binary("ss", "ss"))
    assert rows == [] and "every judgement is a skip\nnothing to compare" in err


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("--repeats", "no item was answered again in a round of kind repeat"),
        ("--decisions", "nothing that was judged is decided"),
        ("--predicted", "no predictions were kept with the judgements"),
        ("--spans", "no words were marked in a text of the corpus"),
        ("--regions", "no region was marked on an image"),
    ],
)
def test_a_table_without_rows_says_why(workspace: Path, tmp_path: Path, table: str, why: str) -> None:
    rows, err = measured(workspace, tmp_path, binary("+-", "--"), table)
    assert rows == [] and f"nothing to compare: {why}" in err


def test_one_label_only_agrees_without_a_coefficient(workspace: Path, tmp_path: Path) -> None:
    rows, err = measured(workspace, tmp_path, binary(*["++"] * 6))
    one = figure(rows)
    assert (one["items"], one["positives"], one["percent"], one["alpha"], one["low"]) == (6, 12, 1.0, None, None)
    assert one["ac1"] == 1.0, "AC1 does not ask that answers vary"
    assert "or where no disagreement can be expected" in err


def test_labels_that_nobody_used_are_named_and_have_no_row(workspace: Path, tmp_path: Path) -> None:
    rows, err = measured(workspace, tmp_path, binary("+-", "--", "++", "--", "+-"))
    assert "nobody gave in narrative: technique: t02, t03, t04, t05, t06, t07\n" in err
    assert {row["label"] for row in rows if row["field"] == "technique"} == {None, "t01"}


def test_an_abstention_is_not_a_label_that_nobody_used() -> None:
    rows = [judgement(n, f"a{n % 2}", f"post-{n // 2}", {"narrative": ["n99"]}) for n in range(4)]
    assert not any("n99" in note for note in notes(judgements(*rows), AgreementSettings()))


def test_who_always_answers_the_same_is_named(workspace: Path, tmp_path: Path) -> None:
    rows, err = measured(workspace, tmp_path, binary(*["++", "+-"] * 3))
    assert "ann-0 answered t01 on all 6 items in narrative: technique, where others did not" in err
    assert figure(rows)["alpha"] == -0.222222
    assert "ann-1 answered" not in err
    varied = notes(judgements(*binary("++", "--", *["++"] * 5)), AgreementSettings())
    assert not any("on all" in note for note in varied)


def test_nobody_is_named_for_agreeing_with_everybody() -> None:
    assert not any("on all" in note for note in notes(judgements(*binary(*["++"] * 9)), AgreementSettings()))


def test_two_codebook_versions_are_told_and_taken_apart(workspace: Path, tmp_path: Path) -> None:
    rows = under("0.9.0", binary(*["++", "--"] * 3)) + [
        row | {"item_id": f"{row['item_id']}-b", "judgement_id": f"{row['judgement_id']}-b"}
        for row in binary(*["+-", "-+"] * 3)
    ]
    _, err = measured(workspace, tmp_path, rows)
    assert "judgements under codebooks narrative 0.9.0, 1.0.0 together; apart: --by codebook_version" in err
    two_tasks = [judgement(90, "a", "photo-1", {"text_kind": ["verbatim"]}, codebook_version="7.0.0"), *binary("++")]
    assert not any("together" in note for note in notes(judgements(*two_tasks), AgreementSettings())), (
        "each has its own"
    )
    apart, _ = measured(workspace, tmp_path, rows, "--by", "codebook_version")
    assert {row["part"]: row["percent"] for row in apart if row["label"] == "t01"} == {"0.9.0": 1.0, "1.0.0": 0.0}


def test_a_label_that_a_version_did_not_have_is_neither_yes_nor_no(workspace: Path, tmp_path: Path) -> None:
    """Judgements carried over from a codebook without t01 say nothing of it: they make no pair, no disagreement."""
    rows = binary(*["++", "--"] * 3)
    for row in rows[::4]:
        row["labels"] = [label for label in row["labels"] if label["field"] != "technique"]
        row["unanswered"] = ["t01"]
    one = figure(measured(workspace, tmp_path, rows)[0])
    assert (one["items"], one["pairs"], one["positives"], one["percent"]) == (3, 3, 0, 1.0)
