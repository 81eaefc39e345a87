"""The client against the real server: what is pushed, what comes back, and what happens when answers are lost."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.plugins.studio import LossyProxy, StudioServer
from toolkit.codebook import load_codebook
from toolkit.errors import ConflictError, InputError, ServiceError
from toolkit.labelconfig import render_guide
from toolkit.labelstudio import transport
from toolkit.labelstudio.client import AnswerLost, Studio, import_number
from toolkit.resources import resource

CONFIG = """<View>
  <Labels name="span" toName="text" granularity="symbol"><Label value="Claim" alias="claim"/></Labels>
  <Text name="text" value="$text"/>
</View>"""
OTHER_CONFIG = CONFIG.replace("claim", "assertion")
# An invented sentence with what breaks naive code: an astral ideograph, a joined emoji, a right-to-left override.
HARD_TEXT = "虚构的一句话 𠮷野家 👩‍🔬 \u202eabc\u202c é\r\n第二行\u00a0 ．"


def _key() -> str:
    return uuid.uuid4().hex


def _tasks(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"data": {"key": f"item_{i:04}", "text": f"{HARD_TEXT} {i}"}} for i in range(start, start + count)]


def _span(start: int, end: int) -> dict[str, object]:
    return {
        "id": "r1",
        "from_name": "span",
        "to_name": "text",
        "type": "labels",
        "value": {"start": start, "end": end, "labels": ["claim"]},
    }


@pytest.fixture
def client(studio_server: StudioServer) -> Studio:
    return studio_server.client()


@pytest.fixture
def project(client: Studio) -> int:
    return client.ensure_project(_key(), title="fictional posts", config=CONFIG, instruction="Read.")


# -- who answers


def test_version_and_account(client: Studio, studio_server: StudioServer) -> None:
    assert client.version() == "1.23.2"
    assert client.whoami() == studio_server.accounts["anna"].email
    assert client.project_url(7) == f"{studio_server.url}/projects/7/data"


def test_refused_tokens(studio_server: StudioServer) -> None:
    token = studio_server.accounts["anna"].token
    for wrong in ("0123456789abcdef0123456789abcdef01234567", token[:-8] + "AAAAAAAA"):
        with pytest.raises(ServiceError, match="refused the token") as caught:
            Studio(studio_server.url, wrong).whoami()
        assert caught.value.exit_code == 4
        assert wrong not in caught.value.message + caught.value.hint
        assert caught.value.__cause__ is None


def test_unreachable() -> None:
    with pytest.raises(ServiceError, match="no Label Studio answers") as caught:
        Studio("http://127.0.0.1:9", "0123456789abcdef").whoami()
    assert caught.value.exit_code == 4 and not isinstance(caught.value, AnswerLost)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://localhost", "http://me:word@localhost"])
def test_addresses_are_checked(url: str) -> None:
    with pytest.raises(InputError):
        Studio(url, "0123456789abcdef")


@pytest.mark.parametrize("token", ["", "two words", "líne", "a\nb"])
def test_tokens_are_checked(token: str) -> None:
    with pytest.raises(InputError, match="token"):
        Studio("http://127.0.0.1:9", token)


@contextmanager
def _answering(status: int, content_type: str, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Location", "/user/login/")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "content_type", "body", "said"),
    [
        (200, "text/html", b"<!doctype html><title>A shop</title>", "did not answer as a Label Studio|JSON"),
        (302, "text/html", b"", "redirects elsewhere|JSON"),
        (404, "text/html", b"<html>nothing here</html>", "did not answer as a Label Studio"),
        (500, "application/json", b'{"detail": "broken"}', "status 500: broken"),
        (503, "text/plain", b"busy", "not available"),
        (200, "application/json", b"[1, 2]", "is it a Label Studio"),
        (200, "application/json", b'"\xff"', "JSON|read"),
        (400, "application/json", b'{"validation_errors": {"title": ["too short"]}}', "too short"),
    ],
)
def test_answers_of_something_else(
    status: int, content_type: str, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(transport.READ, "max_retries", 0)  # so that the test need not wait
    token = "0123456789abcdef0123456789abcdef"
    with _answering(status, content_type, body) as url:
        studio = Studio(url, token)
        for ask in (
            studio.version,
            studio.whoami,
            lambda: studio.ensure_project("k", title="abc", config=CONFIG, instruction=""),
        ):
            with pytest.raises(ServiceError) as caught:
                ask()
            assert caught.value.exit_code == 4 and token not in caught.value.message
            if ask == studio.version:
                assert re.search(said, caught.value.message)
        with pytest.raises(ServiceError):
            list(studio.annotations(1))


# -- projects


def test_ensure_project_twice_is_one(client: Studio, studio_server: StudioServer) -> None:
    key = _key()
    first = client.ensure_project(key, title="round one", config=CONFIG, instruction="<b>Read.</b>")
    assert client.ensure_project(key, title="round one", config=CONFIG, instruction="<b>Read.</b>") == first
    assert studio_server.client("bela").find_project(key) == first
    assert client.find_project(key + "x") is None


def test_ensure_project_without_changes_writes_nothing(
    studio_server: StudioServer, lossy: LossyProxy, client: Studio
) -> None:
    key, guide = _key(), render_guide(load_codebook("narrative", resource("annotation_configs")), "en")
    assert " style=" in guide, "which the server takes out"
    client.ensure_project(key, title="round one", config=CONFIG, instruction=guide)
    lossy.lose = ("PATCH", "/")
    through = Studio(lossy.url, studio_server.accounts["anna"].token)
    through.ensure_project(key, title="round one", config=CONFIG, instruction=guide)
    assert lossy.lost == []
    with pytest.raises(AnswerLost):
        through.ensure_project(key, title="round one", config=CONFIG, instruction=guide.replace("<h3", "<h4", 1))
    assert lossy.lost, "where the words differ they are written"


def test_project_settings(client: Studio, project: int) -> None:
    settings = client._transport.page(f"api/projects/{project}", {})
    assert settings["show_instruction"] and settings["show_skip_button"]
    assert not settings["show_collab_predictions"]
    assert settings["maximum_annotations"] == 1


@pytest.mark.parametrize("title", ["", "a", "a fictional title " * 10, "虚构" * 60, "  two \n lines "])
def test_titles_are_made_to_fit(client: Studio, title: str) -> None:
    assert client.ensure_project(_key(), title=title, config=CONFIG, instruction="") > 0


def test_lost_answer_to_creation_still_makes_one(studio_server: StudioServer, lossy: LossyProxy) -> None:
    key = _key()
    through = Studio(lossy.url, studio_server.accounts["anna"].token)
    lossy.lose = ("POST", "/api/projects/")
    made = through.ensure_project(key, title="round one", config=CONFIG, instruction="")
    assert lossy.lost == ["POST /api/projects/ 201"]
    assert studio_server.client().find_project(key) == made  # a second one would be a conflict


def test_of_two_projects_of_one_key_the_empty_one_goes_and_judged_ones_are_a_conflict(client: Studio) -> None:
    key = _key()
    first, second = (client._projects._create(key, {"title": "twice", "label_config": CONFIG}) for _ in range(2))
    client.import_tasks(second, _tasks(1))
    [task] = client.annotations(second)
    client.submit(task.id, [_span(0, 2)], unique_id=str(uuid.uuid4()), lead_time=1.0)
    assert client.find_project(key) == second, "that in which somebody has worked"
    assert client.ensure_project(key, title="twice", config=CONFIG, instruction="") == second
    with pytest.raises(ServiceError):
        client.task_keys(first)
    third = client._projects._create(key, {"title": "twice", "label_config": CONFIG})
    client.import_tasks(third, _tasks(1))
    [task] = client.annotations(third)
    client.submit(task.id, [], unique_id=str(uuid.uuid4()), lead_time=1.0, skipped=True)
    with pytest.raises(ConflictError, match="all marked"):
        client.ensure_project(key, title="twice", config=CONFIG, instruction="")


def test_changed_configuration(client: Studio) -> None:
    key = _key()
    project = client.ensure_project(key, title="round one", config=CONFIG, instruction="")
    client.import_tasks(project, _tasks(1))
    assert client.ensure_project(key, title="renamed", config=OTHER_CONFIG, instruction="New.") == project
    assert client._transport.page(f"api/projects/{project}", {})["label_config"] == OTHER_CONFIG
    [task] = client.annotations(project)
    client.submit(task.id, [_span(0, 2)], unique_id=str(uuid.uuid4()), lead_time=1.5)
    assert client.ensure_project(key, title="renamed", config=CONFIG, instruction="New.") == project
    assert client._transport.page(f"api/projects/{project}", {})["label_config"] == CONFIG
    [task] = client.annotations(project)
    assert len(task.annotations) == 1, "whether answers still have their place is the push's to see"


# -- tasks


def test_import_in_batches_and_pages(client: Studio, project: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.task_keys(project) == {}
    assert list(client.annotations(project)) == []
    ids = client.import_tasks(project, _tasks(25), batch=10)
    monkeypatch.setattr(transport, "_PAGE", 5)  # 25 is a whole number of pages: the end must be seen all the same
    keys = client.task_keys(project)
    assert list(keys) == [f"item_{i:04}" for i in range(25)]
    assert [number for own in keys.values() for number in own] == ids, "one each, told in the order sent"
    pulled = list(client.annotations(project))
    assert [task.data for task in pulled] == [task["data"] for task in _tasks(25)]
    client.delete_task(keys["item_0003"][0])
    assert len(client.task_keys(project)) == 24
    with pytest.raises(ServiceError, match="404"):
        client.delete_task(keys["item_0003"][0])


def test_lost_answer_to_an_import_is_reconciled(
    studio_server: StudioServer, lossy: LossyProxy, client: Studio, project: int
) -> None:
    through = Studio(lossy.url, studio_server.accounts["anna"].token)
    tasks = _tasks(30)
    lossy.lose = ("POST", "/import")
    with pytest.raises(AnswerLost) as caught:
        through.import_tasks(project, tasks, batch=10)
    assert caught.value.exit_code == 4
    assert lossy.lost == [f"POST /api/projects/{project}/import 201"]
    there = client.task_keys(project)
    assert len(there) == 10  # the batch was committed, though nobody was told
    missing = [task for task in tasks if task["data"]["key"] not in there]  # type: ignore[index]
    client.import_tasks(project, missing, batch=10)
    assert {key: len(ids) for key, ids in client.task_keys(project).items()} == {f"item_{i:04}": 1 for i in range(30)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"key": "bad", "text": "half \ud83d of it"}, "task 2 of 2, key 'bad': holds U\\+D83D"),
        ({"key": "bad", "nested": [{"a": "\udfff"}]}, "U\\+DFFF"),
        ({"key": "bad", "\ud800": "x"}, "U\\+D800"),
        ({"key": "bad\ud800"}, "U\\+D800"),
        ({"key": "bad", "text": "before\0after"}, "U\\+0000"),
        ({"key": "bad", "n": float("nan")}, "JSON"),
        ({"text": "no key"}, "no data with a key"),
        (None, "no data with a key"),
    ],
)
def test_what_would_poison_a_project_is_refused_before_anything_is_sent(
    client: Studio, project: int, data: object, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        client.import_tasks(project, [*_tasks(1), {"data": data}], batch=1)
    caught.value.message.encode()  # can be printed
    assert client.task_keys(project) == {}
    with pytest.raises(InputError, match=r"U\+D800"):
        client.ensure_project("k", title="abc\ud800", config=CONFIG, instruction="")


def test_a_page_that_is_not_whole_is_no_end(client: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(path: str, parameters: object) -> object:
        return {"tasks": [{"id": 1}], "total": 7}

    monkeypatch.setattr(client._transport, "page", short)
    with pytest.raises(ServiceError, match="1 of 7 tasks"):
        client.task_keys(1)


def test_a_project_that_is_gone_is_no_empty_project(client: Studio) -> None:
    with pytest.raises(ServiceError):
        client.task_keys(999_999)


# -- annotations


def test_annotations_round_trip(client: Studio, project: int, studio_server: StudioServer) -> None:
    client.import_tasks(project, _tasks(3))
    first, second, third = client.annotations(project)
    start = HARD_TEXT.index("𠮷")
    result = [_span(start, start + 3), {**_span(0, 2), "id": "r2", "meta": {"text": [HARD_TEXT]}}]
    ids = [str(uuid.uuid4()) for _ in range(3)]
    made = client.submit(first.id, result, unique_id=ids[0], lead_time=12.5)
    studio_server.client("bela").submit(first.id, [], unique_id=ids[1], lead_time=3.0)
    client.submit(second.id, [], unique_id=ids[2], lead_time=1.0, skipped=True)

    pulled = {task.id: task for task in client.annotations(project)}
    assert list(pulled) == [first.id, second.id, third.id]
    assert pulled[first.id].data["text"] == f"{HARD_TEXT} 0"
    by_number = {each["import_id"]: each for task in pulled.values() for each in task.annotations}
    assert set(by_number) == {import_number(each) for each in ids}
    by_id = {each: by_number[import_number(each)] for each in ids}
    assert by_id[ids[0]]["result"] == result
    assert by_id[ids[0]]["lead_time"] == 12.5 and by_id[ids[0]]["id"] == made.annotation_id
    value = by_id[ids[0]]["result"][0]["value"]
    assert pulled[first.id].data["text"][value["start"] : value["end"]] == "𠮷野家"
    assert by_id[ids[2]]["was_cancelled"] and not by_id[ids[1]]["was_cancelled"]
    assert by_id[ids[0]]["completed_by"] != by_id[ids[1]]["completed_by"]
    assert pulled[third.id].annotations == []

    client.update_annotation(made.annotation_id, [_span(0, 1)], lead_time=20.0)
    [changed] = [a for t in client.annotations(project) for a in t.annotations if a["id"] == made.annotation_id]
    assert changed["result"] == [_span(0, 1)] and changed["lead_time"] == 20.0


def test_one_annotation_a_unique_id(client: Studio, project: int) -> None:
    client.import_tasks(project, _tasks(2))
    first, second = client.annotations(project)
    once = str(uuid.uuid4())
    made = client.submit(first.id, [_span(0, 2)], unique_id=once, lead_time=1.0)
    again = client.submit(first.id, [_span(0, 2)], unique_id=once, lead_time=1.0)
    assert made.created and not again.created and again.annotation_id == made.annotation_id
    with pytest.raises(ConflictError, match="another task"):
        client.submit(second.id, [], unique_id=once, lead_time=1.0)
    assert [len(task.annotations) for task in client.annotations(project)] == [1, 0]


def test_repeat_of_a_skip_is_found(client: Studio, project: int) -> None:
    client.import_tasks(project, _tasks(1))
    [task] = client.annotations(project)
    once = str(uuid.uuid4())
    assert client.submit(task.id, [], unique_id=once, lead_time=1.0, skipped=True).created
    assert not client.submit(task.id, [], unique_id=once, lead_time=1.0, skipped=True).created


def test_lost_answer_to_a_submission(
    studio_server: StudioServer, lossy: LossyProxy, client: Studio, project: int
) -> None:
    client.import_tasks(project, _tasks(1))
    [task] = client.annotations(project)
    lossy.lose = ("POST", "/annotations/")
    through = Studio(lossy.url, studio_server.accounts["anna"].token)
    got = through.submit(task.id, [_span(0, 2)], unique_id=str(uuid.uuid4()), lead_time=1.0)
    assert lossy.lost and not got.created
    [after] = client.annotations(project)
    assert [each["id"] for each in after.annotations] == [got.annotation_id]


# -- images


def test_images_are_shown_to_those_logged_in_only(client: Studio, project: int, studio_server: StudioServer) -> None:
    folder = studio_server.media_root / "images"
    picture = b"\x89PNG\r\n\x1a\n" + b"fictional" * 20
    (folder / "虚构图片.png").write_bytes(picture)
    (studio_server.media_root / "outside.png").write_bytes(picture)
    storage = client.ensure_image_storage(project, folder)
    assert client.ensure_image_storage(project, folder) == storage

    account = studio_server.accounts["bela"]
    with closing(httpx.Client(base_url=studio_server.url, trust_env=False, timeout=60)) as browser:
        address = "/data/local-files/?d=images/虚构图片.png"
        assert browser.get(address).status_code in (302, 401, 403)
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/user/login/").text)
        assert hidden
        form = {"email": account.email, "password": account.password, "csrfmiddlewaretoken": hidden[1]}
        browser.post("/user/login/", data=form, headers={"Referer": f"{studio_server.url}/user/login/"})
        answer = browser.get(address)
        assert answer.status_code == 200 and answer.content == picture
        assert answer.headers["content-type"] == "image/png"
        for elsewhere in ("outside.png", "images/../../studio/accounts.json", "images/../outside.png"):
            refused = browser.get("/data/local-files/", params={"d": elsewhere})
            assert refused.status_code >= 400 and picture not in refused.content and b"token" not in refused.content


def test_lost_answer_to_a_storage_still_makes_one(
    studio_server: StudioServer, lossy: LossyProxy, client: Studio, project: int
) -> None:
    lossy.lose = ("POST", "/api/storages/localfiles/")
    folder = studio_server.media_root / "images"
    through = Studio(lossy.url, studio_server.accounts["anna"].token)
    made = through.ensure_image_storage(project, folder)
    assert lossy.lost
    assert len(client._transport.page("api/storages/localfiles/", {"project": project})) == 1
    assert client.ensure_image_storage(project, folder) == made
