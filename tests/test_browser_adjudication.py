"""A whole round on the real server: three annotators, conflicts, a blind decision of each in the browser, what is recorded.

The posts are hostile: markup, a script, addresses of images. Whatever shows them, nothing of it runs or is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.fake_studio import result
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

pytestmark = pytest.mark.xdist_group("browser")
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
            HOSTILE: [marked("n11", (0, 4)), [*marked("n11", whole), *result("narrative", "n12")[:1]], marked("n11")],
            POSTS[1]: [marked("n21", (0, 6)), marked("n21", (7, 12)), marked("n31")],
            POSTS[2]: [marked("n12"), marked("n12"), marked("n12")],
        }
        for number, who in enumerate(PEOPLE):
            own = connect(workspace, who)
            for task in own.annotations(own.require_project(f"quay/narrative.{who}")):
                (words,) = [text for text, post_id in of.items() if post_id == task.data["item_id"]]
                own.submit(task.id, answers[words][number], unique_id=uuid_of(f"{who} {words}"), lead_time=9.0)
        labels_pull.pull(workspace, connect(workspace))
        push.push(workspace, connect(workspace))
        yield workspace
    finally:
        server.down()


def uuid_of(words: str) -> str:
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_OID, words))


@pytest.fixture(scope="module")
def page(studio: Workspace, chromium: Browser) -> Iterator[Page]:
    """The adjudicator, logged in; what the page asks of other hosts, and any dialog, is a failure."""
    server = embedded(studio)
    adjudicator = server.accounts(["adj-1"])["adj-1"]
    page = chromium.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(20_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    page.goto(f"{server.up().url}/user/login")
    page.fill("input[name=email]", adjudicator.email)
    page.fill("input[name=password]", adjudicator.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    page.asked = asked  # type: ignore[attr-defined]
    yield page
    page.close()


def test_explore(studio: Workspace, page: Page) -> None:
    assert load_judgements(studio).num_rows == 9
    print([(q.label, q.item_id[:9]) for q in standing(studio).open])
    stream(page, studio, "adjudication.narrative")
    for n in range(4):
        look(page, f"adjudicate-{n}")
        print(page.locator("body").inner_text())
        choose(page, "contested")
        choose(page, "slip")
        if page.locator("[data-testid=bottombar-submit-button]").count():
            send(page, "submit")
        page.wait_for_timeout(800)
        if not page.locator("[data-testid=bottombar-submit-button]").count():
            break
    print(page.evaluate("document.ran"), [u for u in page.asked if "127.0.0.1" not in u])
    assert 0
