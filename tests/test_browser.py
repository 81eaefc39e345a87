"""An annotator at work in Label Studio's own page, in a real browser: what is pulled is what was clicked."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import EXAMPLES
from tests.fake_studio import publish, result
from tests.plugins.required import required
from toolkit.corpus.build import build
from toolkit.labels.predicted import compare
from toolkit.labels.pull import pull
from toolkit.labels.store import read_judgements
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.connect import connect, embedded
from toolkit.labelstudio.environment import StudioEnvironment
from toolkit.rounds import push
from toolkit.sources import registry, segments
from toolkit.workspace import Workspace, new_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

REPORT = EXAMPLES / "reports" / "salt-lamps"


@pytest.fixture(scope="module")
def studio(studio_environment: StudioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The second example report, pushed to one annotator who starts from predictions, images blurred."""
    required("rapidocr_onnxruntime")
    tasks = {"annotators": ["mia"], "predictions": "shown", "blur_images": True}
    folder = tmp_path_factory.mktemp("browser") / "w"
    workspace = Workspace.create(folder, new_settings("lamps", "Lamps", tasks=tasks))
    source = registry.add(workspace, REPORT / "salt-lamps.html", meta=REPORT / "salt-lamps.source.toml")
    segments.accept(workspace, source, REPORT / "salt-lamps.marks.jsonl")
    build(workspace)
    server = embedded(workspace)
    server.up()
    try:
        server.accounts(["mia"])
        push(workspace, connect(workspace))
        yield workspace
    finally:
        server.down()


@pytest.fixture(scope="module")
def page(studio: Workspace, chromium: Browser) -> Iterator[Page]:
    """Mia, logged in."""
    server = embedded(studio)
    mia = server.accounts(["mia"])["mia"]
    page = chromium.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(20_000)
    page.goto(f"{server.up().url}/user/login")
    page.fill("input[name=email]", mia.email)
    page.fill("input[name=password]", mia.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    yield page
    page.close()


def look(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep what the page shows (``whole``: all of it), where DOCPOSTS_SCREENSHOTS names a folder."""
    if folder := os.environ.get("DOCPOSTS_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=whole)


def stream(page: Page, workspace: Workspace, project: str) -> int:
    """Open a project's next task, as its button does."""
    server = connect(workspace)
    project_id = server.require_project(f"{workspace.settings.name}/{project}")
    page.goto(f"{server.url}/projects/{project_id}/data?labeling=1")
    page.wait_for_selector("[data-testid=bottombar-submit-button]")
    close_instructions(page)
    return project_id


def close_instructions(page: Page) -> None:
    page.wait_for_timeout(500)
    button = page.get_by_label("Close modal")
    if button.count():
        button.first.click()


def choose(page: Page, *words: str) -> None:
    """Tick choices by the words beside them."""
    for each in words:
        page.locator(".lsf-choice__item", has_text=each).first.click()


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=6)
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def send(page: Page, button: str) -> dict[str, Any]:
    """Press submit or skip; return what the browser sent and the server took."""
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as answer:
        page.click(f"[data-testid=bottombar-{button}-button]")
    assert answer.value.status == 201, answer.value.text()
    found: dict[str, Any] = answer.value.json()
    return found


def words_box(page: Page, words: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where words of the shown text begin and end on the page."""
    box: dict[str, float] = page.evaluate(
        """words => {
            const root = document.querySelector('.lsf-htx-richtext');
            const inner = root.tagName === 'IFRAME' ? root.contentDocument.body : root;
            const walk = document.createTreeWalker(inner, NodeFilter.SHOW_TEXT);
            for (let node = walk.nextNode(); node; node = walk.nextNode()) {
                const at = node.data.indexOf(words);
                if (at >= 0) {
                    const range = document.createRange();
                    range.setStart(node, at); range.setEnd(node, at + words.length);
                    const all = range.getClientRects(), first = all[0], last = all[all.length - 1];
                    return {x: first.left, y: first.top + first.height / 2,
                            right: last.right, bottom: last.top + last.height / 2};
                }
            }
            throw new Error('not shown: ' + words);
        }""",
        words,
    )
    return (box["x"] + 1, box["y"]), (box["right"] - 1, box["bottom"])


def option(page: Page, words: str) -> Locator:
    return page.locator(".ant-select-tree-treenode", has_text=words)


def test_narratives_are_ticked_words_marked_and_what_distresses_is_skipped(studio: Workspace, page: Page) -> None:
    stream(page, studio, "narrative.mia")
    look(page, "narrative-fresh")
    text = page.locator(".lsf-htx-richtext").inner_text()
    words = text.strip()[-9:-1]
    page.locator(".ant-select-selector").click()
    for root in ("n10", "n20"):
        option(page, root).locator(".ant-select-tree-switcher").click()
    for leaf in ("n12", "n21"):
        option(page, leaf).locator(".ant-select-tree-checkbox").click()
    page.keyboard.press("Escape")
    choose(page, "t05", "media", "asserts", "fairly sure")
    page.locator(".lsf-label", has_text="n21").click()
    start, end = words_box(page, words)
    drag(page, start, end)
    look(page, "narrative-marked")
    page.mouse.click(end[0] - 20, end[1])
    choose(page, "implied")
    look(page, "narrative-filled")
    sent = send(page, "submit")
    page.wait_for_timeout(500)
    choose(page, "distressing")
    look(page, "narrative-distressing")
    skipped = send(page, "skip")
    pull(studio, connect(studio))
    table, rejected = read_judgements(studio)
    assert rejected == []
    rows = {row["skipped"]: row for row in table.to_pylist() if row["task"] == "narrative"}
    done = rows[False]
    given = {(one["field"], one["label"]) for one in done["labels"]}
    assert {("narrative", "n12"), ("narrative", "n21"), ("technique", "t05"), ("target", "media")} <= given
    assert ("voice", "asserts") in given and done["confidence"] == 2 and done["seconds"] > 0
    task = next(t for t in connect(studio).annotations(sent["project"]) if t.id == sent["task"])
    span = next(one for one in done["evidence"] if one["label"] == "n21")
    assert task.data["text"][span["start"] : span["end"]] == words and span["mode"] == "implied"
    assert (rows[True]["unable"], rows[True]["seconds"], rows[True]["labels"]) == ("distressing", None, [])
    assert skipped["was_cancelled"] is True


def test_a_region_is_drawn_and_transcribed_on_an_image_shown_when_clicked(studio: Workspace, page: Page) -> None:
    stream(page, studio, "photo_text-image.mia")
    canvas = page.locator("canvas").first
    canvas.wait_for()
    image = page.locator(".shown-on-demand canvas, .shown-on-demand img").first
    blurred = "element => getComputedStyle(element).filter"
    assert "blur" in image.evaluate(blurred)
    look(page, "photo-blurred")
    page.get_by_text("Show the image").click()
    page.wait_for_timeout(500)
    assert "blur" not in image.evaluate(blurred)
    look(page, "photo-predicted")
    page.locator(".lsf-label", has_text="text in the image").click()
    box = canvas.bounding_box()
    assert box is not None
    corner = (box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.75)
    drag(page, corner, (box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.95))
    look(page, "photo-drawn")
    area = page.locator("[name=transcription], textarea:visible").last
    area.fill("潮堤在")
    area.blur()
    choose(page, "Chinese, the same in both")
    choose(page, "translation", "poster", "slogan")
    page.locator(".lsf-choice__item", has_text="none").first.click()
    page.locator(".lsf-choice__item", has_text="adequate").first.click()
    if not page.locator(".ant-select-selection-item").count():
        page.locator(".ant-select-selector").click()
        option(page, "n98").locator(".ant-select-tree-checkbox").click()
        page.keyboard.press("Escape")
    choose(page, "fairly sure")
    look(page, "photo-filled")
    send(page, "submit")
    pull(studio, connect(studio))
    table, rejected = read_judgements(studio)
    assert rejected == []
    (row,) = [row for row in table.to_pylist() if row["task"] == "photo_text"]
    drawn = next(one for one in row["regions"] if one["text"] == "潮堤在" and one["y"] > 70)
    assert drawn["writing"] == "zh_hani" and drawn["x"] == pytest.approx(10, abs=3)
    given = {one["field"]: one["label"] for one in row["labels"]}
    assert (given["text_kind"], given["carrier"], given["function"]) == ("translation", "poster", "slogan")
    assert (given["device"], given["adequacy"]) == ("no_device", "adequate")
    assert row["predictions_shown"] and row["prediction_version"].startswith("cues-") and row["image_seen"]
    regions = next(one for one in compare(studio) if one.field == "image")
    assert regions.accepted == regions.predicted > 0 and regions.added == 1


def test_after_a_training_item_the_answer_stands_beside_ones_own(studio: Workspace, page: Page, tmp_path: Path) -> None:
    server = embedded(studio)
    url, accounts = server.up().url, server.accounts(["owner", "kit"])
    owner, kit = (Studio(url, accounts[name].token) for name in ("owner", "kit"))
    people = {"annotators": ["mia"], "adjudicator": "kit"}
    training = {"name": "practice", "kind": "training", "items": 2, "tasks": ["narrative"]}
    workspace = Workspace.create(tmp_path / "w", new_settings("practice", tasks=people, rounds=[training]))
    publish(workspace, {"one": "Nobody is forced to work on Lantern Quay.", "two": "They sow discord among the boats."})
    push(workspace, owner)
    for task in kit.annotations(kit.require_project("practice/narrative@practice.kit")):
        kit.submit(task.id, result("narrative", "n21"), unique_id=str(uuid.uuid4()), lead_time=3.0)
    pull(workspace, owner)
    push(workspace, owner)
    project_id = owner.require_project("practice/narrative@practice.mia")
    answer = page.locator("[class*=annotation-button]", has_text="answer")

    def reopen(task_id: int) -> None:
        page.goto(f"{url}/projects/{project_id}/data?task={task_id}")
        page.locator("[data-testid^=bottombar-], .lsf-htx-richtext").first.wait_for()
        close_instructions(page)

    first, second = owner.annotations(project_id)
    reopen(first.id)
    assert answer.count() == 0, "nothing to be seen before the submission"
    page.goto(f"{url}/projects/{project_id}/data?labeling=1")
    page.wait_for_selector("[data-testid=bottombar-submit-button]")
    close_instructions(page)
    page.locator(".ant-select-selector").click()
    option(page, "n98").locator(".ant-select-tree-checkbox").click()
    page.keyboard.press("Escape")
    choose(page, "asserts", "none", "fairly sure")
    assert send(page, "submit")["task"] == first.id
    pull(workspace, owner)
    push(workspace, owner)
    reopen(first.id)
    answer.first.wait_for()
    answer.first.click()
    page.locator(".ant-select-selection-item", has_text="n21").first.wait_for()
    look(page, "training-answer")
    reopen(second.id)
    assert answer.count() == 0
