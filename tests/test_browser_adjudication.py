"""A whole round on the real server: three annotators, conflicts, a blind decision of each in the browser, what is recorded.

The posts are hostile: markup, a script, addresses of images. Whatever shows them, nothing of it runs or is fetched.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_adjudication_purge import marked
from tests.test_browser import choose, drag, look, send, stream, words_box
from tests.test_corpus import add_text
from toolkit import precedents, rounds
from toolkit.adjudication import pull, push
from toolkit.adjudication.store import history, load_decisions, standing
from toolkit.alternatives import put
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.labels import pull as labels_pull
from toolkit.labels.store import load_judgements
from toolkit.labelstudio.connect import connect, embedded
from toolkit.labelstudio.environment import StudioEnvironment
from toolkit.workspace import Workspace, new_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PEOPLE = ("brim-tolly", "ansel-quill", "mira-oster")
HOSTILE = (
    "Soup, <img src=\"http://out.example/a.png\" onerror=\"document.ran='img'\"><script>document.ran='script'</script> "
    "[nets](javascript:document.ran='link') ![kites](http://out.example/b.png) $definition and $alternatives."
)
POSTS = (HOSTILE, "Nobody asked the salt who mined it.", "The lamps were always here.")


@pytest.fixture(scope="module")
def studio(studio_environment: StudioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A small report, pushed to three annotators; each has answered, under their own account."""
    tasks = {"annotators": [*PEOPLE], "adjudicator": "adj-1"}
    workspace = Workspace.create(tmp_path_factory.mktemp("round") / "w", new_settings("quay", "Quay", tasks=tasks))
    add_text(workspace, "letters", *POSTS)
    build(workspace)
    server = embedded(workspace)
    server.up()
    try:
        server.accounts([*PEOPLE, "adj-1"])
        rounds.push(workspace, connect(workspace))
        of = dict(zip(POSTS, store.open_version(workspace).table("posts")["post_id"].to_pylist(), strict=True))
        whole = (0, len(HOSTILE) - 1)
        answers: dict[str, list[Any]] = {
            HOSTILE: [marked("n11", (0, 4)), marked("n11 n12", whole), marked("n11")],
            POSTS[1]: [marked("n21", (0, 6)), marked("n21", (7, 12)), marked("n31")],
            POSTS[2]: [marked("n12"), marked("n12"), marked("n12")],
        }
        for number, who in enumerate(PEOPLE):
            own = connect(workspace, who)
            for task in own.annotations(own.require_project(f"quay/narrative.{who}")):
                (words,) = [text for text, post_id in of.items() if post_id == task.data["item_id"]]
                own.submit(
                    task.id,
                    answers[words][number],
                    unique_id=str(uuid.uuid5(uuid.NAMESPACE_OID, who + words)),
                    lead_time=9.0,
                )
        labels_pull.pull(workspace, connect(workspace))
        push.push(workspace, connect(workspace))
        yield workspace
    finally:
        server.down()


@dataclass
class Desk:
    """The adjudicator's page, and what it asked of other hosts, or said by itself."""

    page: Page
    strayed: list[str] = field(default_factory=list)

    def note(self, what: str, *allowed: str) -> None:
        if not what.startswith(allowed or ("-",)):
            self.strayed.append(what)

    @property
    def ran(self) -> Any:
        """What a script of a post would have left."""
        return self.page.evaluate("document.ran")


@pytest.fixture(scope="module")
def desk(studio: Workspace, chromium: Browser) -> Iterator[Desk]:
    """The adjudicator, logged in."""
    server = embedded(studio)
    adjudicator, url = server.accounts(["adj-1"])["adj-1"], server.up().url
    page = chromium.new_page(viewport={"width": 1500, "height": 1400})
    desk = Desk(page)
    page.set_default_timeout(20_000)
    page.on("request", lambda request: desk.note(request.url, f"{url}/", "data:", "blob:"))
    page.on("dialog", lambda dialog: desk.note(dialog.message))
    page.goto(f"{url}/user/login")
    page.fill("input[name=email]", adjudicator.email)
    page.fill("input[name=password]", adjudicator.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    yield desk
    page.close()


def question_shown(page: Page, label: str) -> None:
    page.locator(".lsf-richtext__line", has_text=f"— {label} ").wait_for()


def decide(studio: Workspace, page: Page, words: str) -> dict[str, Any]:
    """Answer the three questions in the adjudicator's stream, the last with a rule gap in these words."""
    stream(page, studio, "adjudication.narrative")
    question_shown(page, "n12")
    look(page, "adjudicate-hostile")
    shown = page.locator("body").inner_text().replace("\u2060", "")
    assert not [name for name in PEOPLE if name in shown or name.split("-")[0] in shown.casefold()]
    assert shown.count(HOSTILE[:-1]) == 3, "as it was written: in the text, in the answers, among the words to tick"
    choose(page, "yes: the label holds")
    page.locator(".lsf-choice__item", has_text="Soup, <img").click()
    choose(page, "boundary")
    first = send(page, "submit")

    question_shown(page, "n21")
    assert not page.locator(".lsf-choice__item", has_text="Soup, <img").count()
    page.locator(".lsf-label", has_text="marked anew").click()
    drag(page, *words_box(page, "the salt"))
    choose(page, "contested", "both valid")
    comment(page, "Who mines is not who speaks.")
    look(page, "adjudicate-redrawn")
    send(page, "submit")

    question_shown(page, "n31")
    choose(page, "no: it does not hold", "rule gap")
    comment(page, words)
    look(page, "adjudicate-rule-gap")
    send(page, "submit")
    return first


def comment(page: Page, words: str) -> None:
    area = page.locator("textarea:visible").last
    area.fill(words)
    area.blur()


def think_again(studio: Workspace, page: Page, sent: dict[str, Any]) -> None:
    """Change a decision to contested."""
    page.goto(f"{connect(studio).url}/projects/{sent['project']}/data?task={sent['task']}")
    page.wait_for_selector("[data-testid=bottombar-update-button]")
    question_shown(page, "n12")
    choose(page, "contested")
    with page.expect_response(lambda r: "/annotations/" in r.url and r.request.method == "PATCH") as answer:
        page.click("[data-testid=bottombar-update-button]")
    assert answer.value.ok


def test_a_round_with_three_annotators_ends_in_decisions_with_their_whole_history(
    studio: Workspace, desk: Desk
) -> None:
    ids = store.open_version(studio).table("posts")["post_id"].to_pylist()
    judged = {row["judgement_id"]: row for row in load_judgements(studio).to_pylist()}
    assert len(judged) == 9
    asked = [(question.item_id, question.label) for question in standing(studio).open]
    assert asked == [(ids[0], "n12"), (ids[1], "n21"), (ids[1], "n31")]
    words = "Does salt stand for an industry?"
    first = decide(studio, desk.page, words)
    assert (desk.ran, desk.strayed) == (None, []), "nothing of a post ran, or was fetched"

    found = pull.pull(studio, connect(studio))
    assert (found.recorded, found.rejected, len(found.raised)) == (3, (), 1)
    (raised,) = precedents.load(studio.decisions_dir)
    assert (raised.question, raised.label, raised.by) == (words, "n31", "adj-1")
    rows = {(row["item_id"], row["label"]): row for row in load_decisions(studio).to_pylist()}
    told = {key: (row["outcome"], row["method"], row["reason"], row["comment"]) for key, row in rows.items()}
    assert told == {
        (ids[0], "n11"): ("yes", "unanimous", None, None),
        (ids[0], "n12"): ("yes", "adjudicated", "boundary", None),
        (ids[1], "n21"): ("contested", "adjudicated", "both_valid", "Who mines is not who speaks."),
        (ids[1], "n31"): ("no", "adjudicated", "rule_gap", words),
        (ids[2], "n12"): ("yes", "unanimous", None, None),
    }
    evidence = {
        key: [POSTS[ids.index(key[0])][s["start"] : s["end"]] for s in row["evidence"]] for key, row in rows.items()
    }
    assert evidence[ids[0], "n12"] == [HOSTILE[:-1]] and evidence[ids[1], "n21"] == ["the salt"]
    for (item, _), row in rows.items():
        weighed = [judged[each] for each in row["judgement_ids"]]
        assert {each["annotator"] for each in weighed} == {*PEOPLE} and {each["item_id"] for each in weighed} == {item}
    for record in history(studio):
        assert (record["decided_by"], record["provenance"], record["pass"], record["asking"]) == (
            "adj-1",
            "human",
            1,
            0,
        )
        letters = put(studio.decisions_dir)[record["question_id"]]["alternatives"]
        assert {*letters.values()} == {*PEOPLE} and "".join(letters) == "ABC"
        assert record["codebook_version"] == studio.codebooks("narrative").version and record["decided_at"]
    assert [record["spans"] for record in history(studio)] == [["chosen"], ["redrawn"], []]

    think_again(studio, desk.page, first)
    again = pull.pull(studio, connect(studio))
    assert (again.recorded, again.known) == (1, 2)
    changed = [record for record in history(studio) if record["label"] == "n12"]
    assert [record["outcome"] for record in changed] == ["yes", "contested"]
    assert changed[0]["annotation"] == changed[1]["annotation"] and changed[0]["decided_at"] < changed[1]["decided_at"]
    assert (desk.ran, desk.strayed) == (None, [])
