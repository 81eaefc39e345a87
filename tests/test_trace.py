"""From a label back to the report: each step as it was, on one page that runs and fetches nothing."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.command import inside
from tests.fake_studio import FakeStudio, Row, result, task_of, workspace_of
from tests.plugins.adjudication import PEOPLE, decision_of
from tests.test_adjudication_purge import marked
from tests.test_browser import look
from tests.test_codebook_changes import changed, label, new_label
from tests.test_codebook_decisions import put
from tests.test_corpus import edit
from toolkit import rounds
from toolkit.adjudication import pull, push
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.decisionresult import DecisionAnswer, build_decision_result
from toolkit.labels import pull as labels_pull
from toolkit.purge.run import purge
from toolkit.release import build as release_build
from toolkit.release.verify import verify as verify_release
from toolkit.report.trace_page import page
from toolkit.sources import registry
from toolkit.trace.find import trace
from toolkit.trace.places import AROUND, Mark, Stretch, alone, in_report
from toolkit.trace.rules import Rename
from toolkit.trace.steps import Step
from toolkit.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

LINES = (
    "Letters from an invented quay",
    "The report's own words, <b>before</b> the post.",
    "Soup, <script>document.ran=1</script><img src=http://out.example/a.png onerror=document.ran=1> and \u202ekites.",
    "The report's own words, after the post.",
    "Nobody asked the salt who mined it.",
    "Who judges the judge?",
)
HOSTILE, SALT, CARD = LINES[2], LINES[4], LINES[5]
ROLES = {HOSTILE: ("post", "post-1"), SALT: ("post", "post-2"), CARD: ("photo_text", "card")}


@dataclass
class Made:
    """A workspace that went all the way to a release, its server, and the ids of its rows by their words."""

    workspace: Workspace
    studio: FakeStudio
    ids: dict[str, str]

    def vote(self, words: str, *answers: Any, task: str = "narrative") -> None:
        for who, answer in zip(PEOPLE, answers, strict=True):
            self.studio.submit(task_of(self.studio, f"{task}.{who}", self.ids[words]).id, answer)

    def decide(self, words: str, label: str, answer: list[Row], asking: int = 0) -> None:
        about = {"item_id": self.ids[words], "label": label, "asking": asking}
        (found,) = [t for t in self.studio.of("harbour/adjudication.narrative") if about.items() <= t.data.items()]
        self.studio.submit(found.id, answer)
        pull.pull(self.workspace, self.studio)

    def step(self, words: str, label: str) -> Step:
        (found,) = trace(self.workspace, self.ids[words], label).steps
        return found


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Decided, reopened and decided again, ruled on, released; a vote changed after that."""
    workspace = workspace_of(tmp_path_factory.mktemp("trace") / "w", annotators=PEOPLE)
    path = workspace.root / "letters.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    source = registry.add(workspace, path)
    path.unlink()
    at, spans = 0, []
    for line in LINES:
        if line in ROLES:
            role, key = ROLES[line]
            more = {"kind": "translation", "belongs_to": "post-2"} if role == "photo_text" else {}
            spans.append({"role": role, "char_start": at, "char_end": at + len(line), "key": key, **more})
        at += len(line) + 1
    source.segments_path.write_text("".join(json.dumps(span) + "\n" for span in spans))
    build(workspace)
    tables = store.open_version(workspace).tables()
    rows = [*tables["posts"].to_pylist(), *tables["photo_texts"].to_pylist()]
    studio = FakeStudio()
    made = Made(workspace, studio, {row["text"]: row.get("photo_id") or row["post_id"] for row in rows})
    rounds.push(workspace, studio)
    made.vote(HOSTILE, marked("n11"), marked("n11 n12", (6, 37)), marked("n11 n12", (0, 4)))
    made.vote(SALT, marked("n21"), marked("n21"), result("narrative", "n21", comment="Salt & <i>lamps</i>"))
    made.vote(CARD, *map(carrier, ("poster", "cartoon", "poster")), task="photo_text-text")
    labels_pull.pull(workspace, studio)
    push.push(workspace, studio)
    made.decide(HOSTILE, "n12", decision_of("no", "rule_gap", "Is soup a <b>stone</b>?"))
    root = ("-C", workspace.root, "adjudicate")
    inside(*root, "reopen", "--label", "n12", "--because", "The second line was read over.", "--by", "nell")
    (raised,) = json.loads(inside(*root, "precedents", "--json").stdout)
    inside(
        *root, "precedents", "rule", raised["id"], "--ruling", "Soup is no stone.", "--paragraph", "No.", "--by", "nell"
    )
    push.push(workspace, studio)
    made.decide(HOSTILE, "n12", build_decision_result(DecisionAnswer("yes", "boundary", "It is.", chosen=((0, 4),))), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_build, "verify", lambda folder: verify_release(folder, load=False))
        release_build.cut(workspace)
    changed = task_of(studio, f"narrative.{PEOPLE[0]}", made.ids[SALT]).annotations[0]
    studio.update_annotation(changed["id"], result("narrative", "n31"))
    labels_pull.pull(workspace, studio)
    return made


@pytest.fixture
def made(released: Made, tmp_path: Path) -> Made:
    shutil.copytree(released.workspace.root, tmp_path / "w", symlinks=True)
    return replace(released, workspace=Workspace.open(tmp_path / "w"), studio=copy.deepcopy(released.studio))


def test_the_way_back_of_a_decided_label(released: Made) -> None:
    found = trace(released.workspace, released.ids[HOSTILE], "n12")
    (step,) = found.steps
    assert (found.item_type, found.task, found.release, found.split) == ("post", "narrative", "1.0.0", "train")
    assert (step.field, step.label, step.outcome, step.reason, step.released) == (
        *("narrative", "n12", "yes", "boundary"),
        "yes",
    )
    assert step.how == "decided by adj-1, 2032-05-03"
    assert [(said.outcome, said.standing, said.in_force) for said in step.decisions] == [
        ("no", "reopened since", False),
        ("yes", "in force", True),
    ]
    assert (step.decisions[1].words, step.decisions[1].places) == (("Soup",), ((0, 4),))
    assert [(by, because) for by, _, because in step.reopened] == [("nell", "The second line was read over.")]
    assert [(vote.annotator, vote.value, vote.words) for vote in step.votes] == [
        (PEOPLE[1], "yes", ((HOSTILE[6:37], "explicit"),)),
        (PEOPLE[0], "no", ()),
        (PEOPLE[2], "yes", (("Soup", "explicit"),)),
    ]
    book = released.workspace.codebooks("narrative")
    (rule,) = step.rules
    assert (rule.version, rule.kept, rule.definition) == (book.version, True, book.label("n12").definition.en)
    (precedent,) = step.precedents
    assert (precedent.state, precedent.ruling, precedent.ruled_by) == ("ruled", "Soup is no stone.", "nell")


def test_the_place_in_the_report_with_the_words_marked(released: Made) -> None:
    found = trace(released.workspace, released.ids[HOSTILE], "n12")
    (layer,) = found.layers
    report = registry.get(released.workspace, "letters").text
    assert (layer.judged, layer.missing) == (True, "")
    assert layer.where.startswith("sources/letters/text.txt, line 3, characters ")
    whole = "".join(stretch.text for stretch in layer.stretches)
    assert whole in report and LINES[1] in whole and LINES[3] in whole
    assert "".join(stretch.text for stretch in layer.stretches if stretch.inside) == HOSTILE
    told = {(s.text, mark.by) for s in layer.stretches for mark in s.marks}
    assert told == {("Soup", PEOPLE[2]), ("Soup", "decision of adj-1"), (HOSTILE[6:37], PEOPLE[1])}


def test_a_whole_row_shows_every_label_and_what_changed_since_the_release(released: Made) -> None:
    found = trace(released.workspace, released.ids[SALT][:20])
    told = {step.label: (step.outcome, step.how, step.released) for step in found.steps}
    assert told == {"n21": (None, "open", "yes"), "n31": (None, "open", "not asked")}
    assert "it has changed since" in page(found)
    assert found.answered == tuple(sorted(PEOPLE)) and found.skipped == ()


def test_judgements_after_a_release_are_listed(made: Made) -> None:
    def late() -> list[tuple[str, str, str, str]]:
        told = json.loads(inside("-C", made.workspace.root, "adjudicate", "status", "--late", "--json").stdout)
        return [(row["item_id"], row["annotator"], row["how"], row["was"]) for row in told]

    salt = (made.ids[SALT], PEOPLE[0], "changed", "release 1.0.0")
    assert late() == [salt], "though nothing is settled on its item any more"
    task = task_of(made.studio, f"narrative.{PEOPLE[1]}", made.ids[HOSTILE])
    made.studio.update_annotation(task.annotations[0]["id"], [*marked("n11 n12", (6, 37))])
    labels_pull.pull(made.workspace, made.studio)
    assert late() == [salt], "submitted again with the same labels"
    made.studio.submit(task_of(made.studio, f"photo_text-text.{PEOPLE[0]}", made.ids[CARD]).id, carrier("cartoon"))
    labels_pull.pull(made.workspace, made.studio)
    assert late() == [salt, (made.ids[CARD], PEOPLE[0], "new", "release 1.0.0")]


def test_the_workspaces_status_tells_of_precedents_to_rule_on(made: Made) -> None:
    root = ("-C", made.workspace.root)
    inside(*root, "adjudicate", "precedents", "add", "--label", "n21", "--question", "Is salt a government?")
    told = json.loads(inside(*root, "status", "--json").stdout)["stages"]
    (state,) = [each["state"] for each in told if each["stage"] == "adjudicate"]
    assert state == "6 settled, 3 open, 0 waiting for votes, 0 outdated, 1 precedents to rule on"


def carrier(value: str) -> list[Row]:
    return result("photo_text", "n11", chosen={"carrier": [value]})


@pytest.mark.parametrize("word", ["carrier", "poster", "cartoon"])
def test_a_field_with_one_value_is_named_by_itself_or_by_a_value(released: Made, word: str) -> None:
    found = trace(released.workspace, released.ids[CARD], word)
    (step,) = found.steps
    assert (step.field, step.label, step.outcome) == ("carrier", None, None)
    assert sorted(vote.value for vote in step.votes) == ["cartoon", "poster", "poster"]
    assert [name for name, _ in step.rules[0].values][:2] == ["quote card", "cartoon"]


class Seen(HTMLParser):
    """The tags of a page, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_runs_nothing_fetches_nothing_and_says_it_all(made: Made, tmp_path: Path) -> None:
    done = inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "n12")
    path = made.workspace.root / "traces" / f"{made.ids[HOSTILE]}-n12.html"
    assert f"the page is {path}" in done.stderr and "line 3" in done.stderr
    assert "n12" in done.stdout and "decided by adj-1" in done.stdout and f"{PEOPLE[0]} no" in done.stdout
    html = path.read_text(encoding="utf-8")
    seen = Seen(html)
    assert not {tag for tag, _ in seen.tags} & {"script", "img", "iframe", "link", "object", "form", "i", "b"}
    links = [value for _, attrs in seen.tags for name, value in attrs.items() if name in ("href", "src")]
    assert all(str(link).startswith("#") for link in links)
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
    assert "\u202e" not in html and "RLO" in html, "what turns the direction of writing is named"
    words = re.sub(r"\s+", " ", seen.words)
    for said in (
        *("<script>document.ran=1</script>", "decided by adj-1, 2032-05-03", "why the answers differed: boundary"),
        *("Is soup a <b>stone</b>?", "Soup is no stone.", "Reopened by nell", "reopened since", "in force today"),
        *("In release 1.0.0: yes", "decision of adj-1 n12", LINES[1], LINES[3], *PEOPLE),
    ):
        assert said in words, said
    assert (made.workspace.root / ".gitignore").read_text().count("traces/\n") == 1
    other = tmp_path / "elsewhere" / "t.html"
    inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "n12", "-o", other)
    assert other.read_bytes() == path.read_bytes(), "the same bytes each time"


def test_as_json_it_writes_no_page(made: Made) -> None:
    told = json.loads(inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "n12", "--json").stdout)
    (step,) = told["steps"]
    assert (told["item_id"], step["outcome"], step["released"]) == (made.ids[HOSTILE], "yes", "yes")
    assert [vote["annotator"] for vote in step["votes"]] == sorted(PEOPLE)
    assert not (made.workspace.root / "traces").exists()


def listen(into: list[str]) -> Callable[[Request], None]:
    return lambda request: into.append(request.url)


def test_the_page_in_a_browser_wide_and_narrow(made: Made, chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "t.html"
    inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "-o", path)
    for name, width in (("wide", 1280), ("phone", 390)):
        view = chromium.new_page(viewport={"width": width, "height": 1600})
        strayed: list[str] = []
        view.on("request", listen(strayed))
        view.goto(path.as_uri())
        look(view, f"trace-{name}", whole=True)
        assert strayed == [path.as_uri()] and view.evaluate("document.ran") is None
        assert view.evaluate("document.documentElement.scrollWidth") <= width, "no sideways scrolling of the page"
        marks = view.locator(".place .marked").all_inner_texts()
        assert marks == ["Soup", HOSTILE[6:37]]
        view.close()


@pytest.mark.parametrize(
    ("row", "label", "message"),
    [
        ("post_ffffffff", None, "no corpus version has 'post_ffffffff'"),
        ("", None, "no corpus version has ''"),
        ("p", None, "2 rows of posts begin with 'p'"),
        (HOSTILE, "n77", "n77 is no label of the codebook narrative"),
        (HOSTILE, "N12", "did you mean n12"),
        (HOSTILE, "../x", "../x is no label of the codebook"),
        (HOSTILE, "carrier", "carrier is no label of the codebook narrative"),
        (HOSTILE, "n41", "nobody gave n41 on post_"),
        (CARD, "narative", "narative is no label"),
    ],
)
def test_a_row_or_label_that_is_not_there(released: Made, row: str, label: str | None, message: str) -> None:
    words = [released.ids.get(row, row), *([label] if label else [])]
    done = inside("-C", released.workspace.root, "trace", *words, code=1)
    assert message in done.stderr and done.stdout == ""
    assert not (released.workspace.root / "traces").exists()


def test_what_was_purged_is_named_as_such(made: Made) -> None:
    post, source = made.ids[SALT], registry.get(made.workspace, "letters").id
    inside("-C", made.workspace.root, "trace", post)
    (made.workspace.root / "report.html").write_text(SALT)
    assert purge(made.workspace, "post", post).erased["pages"] == ["traces", "report.html"]
    assert not (made.workspace.root / "traces").exists() and not (made.workspace.root / "report.html").exists()
    told = inside("-C", made.workspace.root, "trace", post, code=1).stderr
    assert f"{post} was purged on " in told
    assert trace(made.workspace, made.ids[HOSTILE], "n12").layers[0].missing == "", "what is around it stands"
    purge(made.workspace, "source", source)
    told = inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "n12", code=1).stderr
    assert f"{made.ids[HOSTILE]} was purged with source letters, on " in told


def test_of_a_purged_annotator_nothing_is_shown(made: Made) -> None:
    purge(made.workspace, "annotator", PEOPLE[1])
    found = trace(made.workspace, made.ids[HOSTILE], "n12")
    assert PEOPLE[1] not in page(found) and PEOPLE[1] not in json.dumps(found.record())
    (step,) = found.steps
    assert {vote.annotator for vote in step.votes} == {PEOPLE[0], PEOPLE[2]}
    assert [said.standing for said in step.decisions] == ["reopened since", "weighed other votes than there are now"]


def test_without_its_report_the_text_stands_alone(made: Made) -> None:
    source = registry.get(made.workspace, "letters")
    shutil.move(source.folder, made.workspace.root / "gone")
    (layer,) = trace(made.workspace, made.ids[HOSTILE], "n12").layers
    assert layer.missing == "the report is not in this workspace" and layer.where == ""
    assert "".join(stretch.text for stretch in layer.stretches) == HOSTILE
    assert {mark.by for s in layer.stretches for mark in s.marks} == {*PEOPLE[1:], "decision of adj-1"}


def test_a_post_without_judgements_and_an_empty_workspace(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w", annotators=PEOPLE)
    assert inside("-C", workspace.root, "trace", "post_1", code=1).stderr
    path = workspace.root / "one.txt"
    path.write_text("Title\nA post.\n")
    source = registry.add(workspace, path)
    source.segments_path.write_text('{"role": "post", "char_start": 6, "char_end": 13, "key": "post-1"}\n')
    build(workspace)
    (row,) = store.open_version(workspace).table("posts").to_pylist()
    done = inside("-C", workspace.root, "trace", row["post_id"])
    assert "nobody has judged it yet" in done.stderr and done.stdout == ""
    html = (workspace.root / "traces" / f"{row['post_id']}.html").read_text()
    assert "Nobody has judged it yet" in html and "none was cut yet" in html


def test_the_codebooks_words_are_those_of_the_version_decided_by(made: Made) -> None:
    from toolkit.resources import resource

    text = (resource("annotation_configs") / "narrative" / "codebook.yaml").read_text(encoding="utf-8")
    own = made.workspace.root / "codebooks" / "narrative" / "codebook.yaml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(text, encoding="utf-8")
    before = made.workspace.codebooks("narrative")
    words = before.label("n12").definition.en
    edit(own, words, "Whatever it said before, it says this now.")
    edit(own, f'version: "{before.version}"', 'version: "9.9.9"')
    assert made.workspace.codebooks("narrative").version == "9.9.9"
    (rule,) = made.step(HOSTILE, "n12").rules
    assert (rule.version, rule.current, rule.definition) == (before.version, False, words)


def test_a_renamed_label_shows_its_old_name_the_step_and_the_words_of_that_time(made: Made) -> None:
    before = made.workspace.codebooks("narrative")

    def rename(of: dict[str, Any]) -> None:
        new_label(of, "n14", "n12")
        label(of, "n12").update(retired="1.1.0", merged_into="n14")

    put(made.workspace, "narrative", changed(rename))
    step = made.step(HOSTILE, "n14")
    assert (step.label, step.outcome, step.released, step.released_as) == ("n14", "yes", "yes", "n12")
    assert [(vote.value, vote.given) for vote in step.votes] == [("yes", ("n12",)), ("no", ()), ("yes", ("n12",))]
    assert [(said.label, said.outcome, said.standing) for said in step.decisions] == [
        ("n12", "no", "reopened since"),
        ("n12", "yes", "in force"),
    ]
    assert step.decisions[1].words == ("Soup",) and len(step.reopened) == len(step.precedents) == 1
    assert step.renames == (Rename("n12", "n14", "1.1.0", merged=False),)
    (rule,) = step.rules
    assert (rule.version, rule.label, rule.definition) == (before.version, "n12", before.label("n12").definition.en)
    assert made.step(HOSTILE, "n12") == step, "the old name leads there too"
    inside("-C", made.workspace.root, "trace", made.ids[HOSTILE], "n14", "-o", made.workspace.root / "page.html")
    words = re.sub(r"<[^>]+>", "", (made.workspace.root / "page.html").read_text("utf-8"))
    assert "n12 became n14, a new id for the same, in codebook narrative 1.1.0." in words
    assert "yes (given as n12)" in words and "yes (to n12)" in words and "(n12 then, n14 today)" in words
    assert "In release 1.0.0: yes, there called n12." in words and "changed since" not in words


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[str, str, list[dict[str, int]], list[Mark]]:
    """A text made of pieces of a report, and marks in it."""
    report, text, pieces = draw(st.text("ab ", max_size=9)), "", []
    for _ in range(draw(st.integers(1, 4))):
        piece = draw(st.text("cde🪁", min_size=1, max_size=6))
        place = {"start": len(text), "end": len(text) + len(piece), "source_start": len(report)}
        pieces.append(place | {"source_end": len(report) + len(piece)})
        text, report = text + piece, report + piece + draw(st.text("12 ", max_size=4))
    report += draw(st.text("xyz\n", max_size=2 * AROUND))
    spans = draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 9)), max_size=4))
    marks = [Mark(s, min(s + n, len(text)), f"ann-{i}", "n11") for i, (s, n) in enumerate(spans)]
    return text, report, pieces, marks


@hypothesis_settings(max_examples=100, deadline=None)
@given(laid_out())
def test_stretches_are_the_report_and_marks_the_words_marked(
    case: tuple[str, str, list[dict[str, int]], list[Mark]],
) -> None:
    text, report, pieces, marks = case

    def words(found: list[Stretch], of: Mark) -> str:
        return "".join(stretch.text for stretch in found if of in stretch.marks)

    found = in_report(text, report, pieces, marks)
    first, last = pieces[0]["source_start"], pieces[-1]["source_end"]
    assert "".join(stretch.text for stretch in found) == report[max(0, first - AROUND) : last + AROUND]
    assert "".join(stretch.text for stretch in found if stretch.inside) == text
    assert all(stretch.inside for stretch in found if stretch.marks), "footnotes between the pieces are not marked"
    assert "".join(stretch.text for stretch in alone(text, marks)) == text
    for mark in marks:
        assert words(found, mark) == words(alone(text, marks), mark) == text[mark.start : mark.end]
    with pytest.raises(ValueError, match="not made of these pieces"):
        in_report(f"!{text[1:]}", report, pieces, marks)
