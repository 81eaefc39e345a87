"""The report: its tables by hand, its page offline, the same each time, with hostile text harmless, in a browser."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from tests.command import data, docposts, inside
from tests.conftest import EXAMPLES, ROOT
from tests.test_agreement import binary
from tests.test_votes import START, Row, judgement, judgements
from toolkit.agreement.ballots import ballots, votes
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.demo import examples
from toolkit.fsio import sha256_text
from toolkit.report import agreement_page, agreement_tables, plots
from toolkit.report.agreement_tables import (
    NOTHING,
    SCHEMAS,
    Parts,
    Tables,
    annotators,
    collect,
    confusion,
    contested,
    labels,
    progress,
)
from toolkit.report.contested import contested as side_by_side
from toolkit.report.names import Names
from toolkit.schema import table
from toolkit.sources import registry, segments
from toolkit.workspace import Workspace, new_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>alert('x')</script>\u202e $a_b$ <img src=http://x.invalid/a.png>"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.create(tmp_path_factory.mktemp("report") / "w", new_settings("report", "A <b>title</b>"))
    for report in examples.reports(EXAMPLES / "reports"):
        source = registry.add(workspace, report.path, meta=report.meta, facts=report.facts)
        segments.accept(workspace, source, report.spans)
    build(workspace)
    return workspace


@pytest.fixture(scope="module")
def judged(corpus: Workspace) -> Iterator[Workspace]:
    """Three annotators on the posts of the examples, by a seed; one of them writes what a page must not run."""
    rng = np.random.default_rng(4)
    rows: list[Row] = []
    for post in store.open_version(corpus).table("posts").to_pylist():
        true = rng.choice(["n11", "n12", "n31", "n72"])
        for who in ("mia", "tam", HOSTILE):
            label = str(true if rng.random() < 0.7 else rng.choice(["n11", "n12", "n31", "n72"]))
            span = {"field": "narrative", "label": label, "start": 0, "end": 12, "mode": "explicit"}
            rows.append(
                judgement(
                    len(rows),
                    who,
                    post["post_id"],
                    {"narrative": [label], "voice": ["asserts"]},
                    **{"evidence": [span], "comment": HOSTILE, "confidence": int(rng.integers(1, 4))},
                    **{"text_sha256": sha256_text(post["text"]), "provenance": "simulated"},
                )
            )
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(agreement_tables, "load_judgements", lambda _: judgements(*rows))
        yield corpus


@pytest.fixture(scope="module")
def tables(judged: Workspace) -> Tables:
    return collect(judged)


@pytest.fixture(scope="module")
def page(judged: Workspace, tables: Tables) -> str:
    return agreement_page.page(judged, tables)


def of(rows: list[Row], field: str = "narrative") -> Any:
    (ballot,) = [ballot for ballot in ballots(votes(judgements(*rows))) if ballot.field == field]
    return ballot


def test_what_is_taken_for_what_by_hand() -> None:
    rows = [
        judgement(1, "a", "post-1", {"narrative": ["n11", "n31"]}),
        judgement(2, "b", "post-1", {"narrative": ["n11", "n32"]}),
        judgement(3, "c", "post-1", {"narrative": ["n11"]}),
        judgement(4, "a", "post-2", {"narrative": ["n98"]}),
    ]
    found = {(row["one"], row["other"]): row["pairs"] for row in confusion(of(rows))}
    # a and b: n11 both, n31 for n32. a and c: n11 both, n31 for nothing. b and c: n11 both, n32 for nothing.
    assert found == {("n11", "n11"): 3, ("n31", "n32"): 1, ("n31", NOTHING): 1, ("n32", NOTHING): 1}


def test_a_field_with_one_value_has_the_usual_matrix() -> None:
    kinds = [("verbatim", "verbatim"), ("verbatim", "translation"), ("translation", "verbatim")]
    rows = [
        judgement(2 * item + side, "ab"[side], f"photo-{item}", {"text_kind": [kind[side]]})
        for item, kind in enumerate(kinds)
        for side in (0, 1)
    ]
    found = {(row["one"], row["other"]): row["pairs"] for row in confusion(of(rows, "text_kind"))}
    assert found == {("verbatim", "verbatim"): 1, ("verbatim", "translation"): 2}


def test_pairs_of_annotators_and_contested_items_by_hand() -> None:
    rows = binary("++-", "+--", "---", "+++")
    ballot = of(rows, "technique")
    pairs = {
        (row["one"], row["other"]): (row["items"], row["percent"]) for row in annotators(ballot, ("a", "b", "c"), 2)
    }
    assert pairs == {("a", "b"): (4, 0.75), ("a", "c"): (4, 0.5), ("b", "c"): (4, 0.75)}
    assert {row["alpha"] for row in annotators(ballot, ("a", "b", "c"), 5)} == {None}
    found = votes(judgements(*rows))
    ranked = contested(list(ballots(found)), found.rows)
    assert [(row["rank"], row["item_id"], row["questions"], row["score"]) for row in ranked] == [
        (1, "post-0", 1, 0.666667),
        (2, "post-1", 1, 0.666667),
    ]


def test_shares_of_a_label_leave_out_who_says_nothing_of_it() -> None:
    rows = binary("++-", "+--")
    rows[2]["unanswered"] = ["t01"]
    (part,) = [Parts("source", ["s-1", "s-2"], np.array([0, 0, 0, 1, 1, 1]))]
    made = {(row["part"], row["label"]): (row["yes"], row["of"]) for row in labels(of(rows, "technique"), [part])}
    assert made == {("s-1", "t01"): (2, 2), ("s-2", "t01"): (1, 3)}
    parted = contested([of(rows, "technique")], votes(judgements(*rows)).rows)
    assert [(row["item_id"], row["score"]) for row in parted] == [("post-1", 0.666667)], "nobody said no to post-0"


def test_progress_counts_days_in_utc() -> None:
    rows = binary("+s", "+-")
    rows[-1]["created_at"] = dt.datetime(2032, 5, 4, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))
    assert progress(judgements(*rows)) == [
        {"task": "narrative", "day": "2032-05-03", "judgements": 3, "skipped": 1}
        | {"judgements_so_far": 3, "items_so_far": 2, "twice_so_far": 1}
    ]
    rows.append(judgement(99, "ann-1", "post-0", {"technique": []}, created_at=START + dt.timedelta(days=3)))
    assert progress(judgements(*rows))[1:] == [
        {"task": "narrative", "day": "2032-05-06", "judgements": 1, "skipped": 0}
        | {"judgements_so_far": 4, "items_so_far": 2, "twice_so_far": 2}
    ]


def test_the_page_loads_and_runs_nothing(page: str) -> None:
    assert not re.search(r"<script|<link|<iframe|<object|@import|url\(\s*['\"]?(?!#)", page)
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["'](?!#|data:)[^"']*""", page.replace("xlink:href", "href"))
    assert "default-src 'none'" in page and "<b>title" not in page
    assert "&lt;script&gt;alert" in page and "\u202e" not in page, "what people wrote is shown, and does nothing"
    assert 'lang="en"' in page and "<main>" in page and page.count("<h1>") == 1
    ids = re.findall(r'\bid="([^"]+)"', page)
    for target in re.findall(r'<a href="#([^"]+)"', page):
        assert target in ids


def test_each_chart_has_a_name_and_a_table_behind_it(page: str) -> None:
    charts = re.findall(r"<figure class=\"chart\".*?</figure>\s*(<details>)?", page, flags=re.DOTALL)
    assert len(charts) >= 8 and all(charts)
    names = re.findall(r'<svg role="img" aria-label="([^"]+)"', page)
    assert len(names) == len({*names}) == len(charts), "each by another name"
    assert page.count("<th") == page.count('scope="col"') + page.count('scope="row"') + page.count("<thead")
    assert all('scope="row"' in row for row in re.findall(r"<tbody>.*?<tr>(.*?)</tr>", page, flags=re.DOTALL))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len({*ids}), "charts share no ids"
    regions = re.findall(r'role="region" aria-label="([^"]+)"', page)
    assert len(regions) == len({*regions}), "who goes from region to region knows where"
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels)), "no heading is skipped"


def test_numbers_stand_out_from_every_shade() -> None:
    shades = colormaps["Blues"](np.linspace(0, 1, 101))

    def luminance(colour: Any) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    for shade in shades:
        ink = luminance(to_rgb(plots._ink(shade)))
        light, dark = sorted((luminance(shade), ink), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_foreign_text_says_its_language(page: str, judged: Workspace) -> None:
    rows = store.open_version(judged).table("posts").to_pylist()
    shown = [row for row in rows if f">{row['post_id']}" in page or f"{row['post_id']} ·" in page]
    assert {row["text_lang"] for row in shown} >= {"zh", "en"}
    for row in shown:
        part = page[page.index(row["post_id"]) :]
        part = part[: part.index("</article>")]
        tag = f"zh-{row['script']}" if row["script"] in ("Hans", "Hant") else row["text_lang"]
        assert f'lang="{tag}"><mark>' in part
        assert part.count(f'<q dir="auto" lang="{tag}">') == 3, "the words of three annotators"


def test_contested_items_stand_in_their_place_with_the_votes_side_by_side(
    page: str, tables: Tables, judged: Workspace
) -> None:
    first = tables.rows["contested"][0]
    part = page[page.index('id="item-1"') : page.index('id="item-2"')]
    row = next(r for r in store.open_version(judged).table("posts").to_pylist() if r["post_id"] == first["item_id"])
    marked = re.search(r"<mark>(.*?)</mark>", part, flags=re.DOTALL)
    assert marked and row["text"][:12] in re.sub(r"<[^>]+>", "", marked[1]).replace("&#39;", "'").replace("&#34;", '"')
    assert part.count('<th scope="col">') == 5, "question, three annotators, decision"
    assert 'class="alone"' in part and "line" in part


def test_the_decision_stands_beside_the_votes(judged: Workspace, tables: Tables) -> None:
    first = tables.rows["contested"][0]
    own = [row for row in tables.judgements.to_pylist() if row["item_id"] == first["item_id"]]
    given = sorted({label["label"] for row in own for label in row["labels"] if label["field"] == "narrative"})
    assert len(given) > 1
    about = {"item_id": first["item_id"], "item_type": "post", "task": "narrative", "field": "narrative"}
    about |= {"method": "adjudicated", "evidence": [], "judgement_ids": [], "codebook_version": "1.0.0"}
    about |= {"provenance": "simulated"}
    decisions = table("decisions").from_rows(
        [
            about | {"question_id": "q1", "label": given[0], "outcome": "yes", "reason": "slip"},
            about | {"question_id": "q2", "label": given[1], "outcome": "contested", "reason": "both_valid"},
        ]
    )
    shown = next(iter(side_by_side(judged, replace(tables, decisions=decisions), Names(tables.judgements))))
    assert shown.decided is not None
    assert [words[:3] for words in shown.decided["narrative"]] == given
    assert shown.decided["narrative"][0].endswith(" (slip)")
    assert shown.decided["narrative"][1].endswith(": contested (both valid)")
    assert all(words.endswith(": open") for words in shown.decided["narrative"][2:])
    assert shown.decided["voice"] == ["asserts: open"]
    alone = next(iter(side_by_side(judged, replace(tables, decisions=None), Names(tables.judgements))))
    assert alone.decided is None, "nothing is settled of judgements from a file"


def test_the_page_is_the_same_whatever_the_hash_seed(judged: Workspace, page: str, tables: Tables) -> None:
    assert agreement_page.page(judged, collect(judged)) == page
    code = (
        "from toolkit.report import plots; import hashlib;"
        "print(hashlib.sha256((plots.heatmap(['a','b'],['c'],[[1.0],[None]],title='t',unit='u')"
        "+plots.intervals(['a'],[.5],[(.1,.9)],title='t',unit='u')+plots.lines(['1','2'],{'x':[1,2]},title='t',unit='u'))"
        ".encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(made) == 1


def test_a_workspace_without_judgements_has_a_page_that_says_so(tmp_path: Path) -> None:
    docposts("init", tmp_path / "w", "--annotator", "mia")
    out = docposts("-C", tmp_path / "w", "report", "--tables", tmp_path / "t")
    assert "no judgements yet" in out.stderr
    assert "There are no judgements yet." in (tmp_path / "w" / "report.html").read_text(encoding="utf-8")
    tables_ = data("-C", tmp_path / "w", "report")
    assert set(tables_) == {"agreement", "confusion", "annotators", "labels", "progress", "contested", "questions"}
    assert not any(tables_.values())
    for name, schema in SCHEMAS.items():
        empty = pq.read_table(tmp_path / "t" / f"{name}.parquet")
        assert (empty.num_rows, empty.schema.names) == (0, schema.names)


def test_every_table_is_written_as_it_is_printed(tables: Tables, tmp_path: Path) -> None:
    for path in agreement_tables.write(tmp_path, tables.rows):
        assert pq.read_table(path).to_pylist() == tables.rows[path.stem]
    assert {path.stem for path in tmp_path.iterdir()} == {*SCHEMAS} == {*tables.rows}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--pairs", "--by", "month"), 2, "one table at a time"),
        (("--pairs", "--spans"), 2, "one table at a time"),
        (("--predictions", "bad.jsonl"), 1, "bad.jsonl:1: a prediction has item_id and labels"),
        (("--judgements", "bad.parquet"), 1, "as Parquet"),
        (("--judgements", "other.parquet"), 1, "columns are not those that table judgements declares"),
    ],
)
def test_bad_words_are_one_clear_error(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    inside("init", tmp_path / "w", "--annotator", "mia")
    (tmp_path / "bad.jsonl").write_text('{"item_id": 3}\n', encoding="utf-8")
    (tmp_path / "bad.parquet").write_bytes(b"PAR0")
    pq.write_table(judgements().select(["item_id"]), tmp_path / "other.parquet")
    named = [str(tmp_path / word) if "." in word else word for word in words]
    out = inside("-C", tmp_path / "w", "labels", "agreement", *named, code=code)
    assert said in out.stderr and "Traceback" not in out.stderr


def json_of(*words: object) -> Any:
    return json.loads(inside(*words, "--json").stdout)


def test_a_file_of_judgements_is_measured_without_a_server(tmp_path: Path) -> None:
    inside("init", tmp_path / "w", "--annotator", "mia")
    rows = binary("++", "--", "+-", "++", "--", "+-")
    rows[0]["codebook_version"] = "0.9.0"
    pq.write_table(judgements(*rows), tmp_path / "j.parquet")
    asked = ("-C", tmp_path / "w", "labels", "agreement", "--judgements", tmp_path / "j.parquet")
    (figure,) = [f for f in json_of(*asked) if f["label"] == "t01"]
    assert (figure["items"], figure["pairs"], figure["positives"], figure["percent"]) == (6, 6, 6, 0.666667)
    assert "judgements under codebooks narrative 0.9.0, 1.0.0 together" in inside(*asked).stderr
    assert {f["part"] for f in json_of(*asked, "--by", "codebook_version")} == {"0.9.0", "1.0.0"}


def test_a_long_list_of_shares_is_cut_with_a_word_on_where_the_rest_is(tmp_path: Path) -> None:
    inside("init", tmp_path / "w", "--annotator", "mia")
    pq.write_table(judgements(*binary("++", "--", "+-", *["++"] * 40)), tmp_path / "j.parquet")
    asked = ("-C", tmp_path / "w", "labels", "distribution", "--judgements", tmp_path / "j.parquet")
    shares = json_of(*asked)
    assert {s["share"] for s in shares if s["label"] == "t01"} == {0.5, 1.0}
    out = inside(*asked, "--tables", tmp_path / "t")
    assert pq.read_table(tmp_path / "t" / "distribution.parquet").to_pylist() == shares
    assert len(out.stdout.splitlines()) == 1 + 40
    assert f"and {len(shares) - 40} rows more: --json or --tables FOLDER has all (--limit 0 lists all)" in out.stderr
    assert json_of(*asked, "--limit", "2") == shares[:2]


def _overheard(tab: Any) -> tuple[list[str], list[str]]:
    """Return the addresses that a page asks for and what it says on its console, as they come."""
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    return asked, said


def test_in_a_browser_the_page_fits_a_phone_and_asks_for_nothing(page: str, tmp_path: Path, chromium: Browser) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    for width in (1280, 390):
        tab = chromium.new_page(viewport={"width": width, "height": 900})
        asked, said = _overheard(tab)
        tab.goto(path.as_uri())
        assert (asked, said) == ([path.as_uri()], [])
        assert tab.evaluate("document.documentElement.scrollWidth") == width, "only its own parts scroll sideways"
        chart = tab.locator("#agreement svg").first.bounding_box()
        assert chart and chart["x"] >= 0 and chart["x"] + chart["width"] <= width
        tab.locator("summary").first.click()
        assert tab.locator("details table").first.is_visible()
        assert tab.get_by_role("img", name="Krippendorff's α").count() >= 1
        assert not tab.locator("details:not([open]) table").first.is_visible()
        tab.emulate_media(media="print")
        assert tab.locator("details:not([open]) table").first.is_visible(), "on paper every table is there"
        tab.set_viewport_size({"width": 718, "height": 1000})  # A4 with margins of a centimetre
        assert tab.evaluate("document.documentElement.scrollWidth") == 718
        assert tab.pdf()[:4] == b"%PDF"
        tab.close()
