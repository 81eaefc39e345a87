"""Another server by URL and token, people's accounts on either, and what is said of versions and TLS."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.command import inside
from tests.fake_studio import publish
from tests.plugins.studio import StudioServer
from toolkit.errors import ConflictError, InputError, ServiceError
from toolkit.fsio import read_json
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.connect import TOKEN_VARIABLE, connect, supported_version, warnings
from toolkit.labelstudio.environment import find_environment, others, problems
from toolkit.people import add_person
from toolkit.workspace import Workspace, new_settings

CERTIFICATE = Path(__file__).parent / "plugins" / "self-signed.pem"


def elsewhere(folder: Path, url: str, **more: object) -> Workspace:
    studio = {"url": url} | more
    people = {"annotators": ["mia"]}
    return Workspace.create(folder, new_settings(folder.name, label_studio=studio, tasks=people))


@contextmanager
def answering(body: bytes, *, tls: bool = False) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_token_comes_from_the_environment_or_a_private_file(
    tmp_path: Path, studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    workspace = elsewhere(tmp_path / "none", studio_server.url)
    with pytest.raises(ServiceError, match="no token") as caught:
        connect(workspace)
    assert TOKEN_VARIABLE in caught.value.hint and "token_file" in caught.value.hint
    workspace = elsewhere(tmp_path / "file", studio_server.url, token_file="secret.txt")
    path = workspace.root / "secret.txt"
    path.write_text(studio_server.accounts["anna"].token + "\n")
    path.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others") as open_to_all:
        connect(workspace)
    assert "chmod 600" in open_to_all.value.hint
    path.chmod(0o600)
    assert connect(workspace).whoami() == studio_server.accounts["anna"].email
    monkeypatch.setenv(TOKEN_VARIABLE, studio_server.accounts["bela"].token)
    assert connect(workspace).whoami() == studio_server.accounts["bela"].email


def test_an_unsupported_version_is_told(
    tmp_path: Path, studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "0123456789abcdef")
    with answering(b'{"release": "1.99.0"}') as url:
        workspace = elsewhere(tmp_path / "w", url)
        assert warnings(workspace, connect(workspace)) == [
            f"{url} is Label Studio 1.99.0; tested is {supported_version()}: try it on a copy first"
        ]
    workspace = elsewhere(tmp_path / "tested", studio_server.url)
    assert warnings(workspace, studio_server.client()) == []


def test_a_certificate_that_does_not_hold_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b'{"release": "1.23.2"}', tls=True) as url:
        with pytest.raises(ServiceError, match=r"certificate of .* does not hold: self.signed") as caught:
            Studio(url, "0123456789abcdef").version()
        assert "SSL_CERT_FILE" in caught.value.hint and caught.value.exit_code == 4
    with answering(b"{}") as plain, pytest.raises(ServiceError, match="no TLS connection"):
        Studio(plain.replace("http:", "https:"), "0123456789abcdef").version()


def test_an_account_on_another_server_logs_in_and_its_tasks_are_pushed(
    tmp_path: Path, studio_server: StudioServer
) -> None:
    workspace = elsewhere(tmp_path / "lab", studio_server.url)
    publish(workspace, {"kites": "No one carries stones."})
    env = {TOKEN_VARIABLE: studio_server.accounts["owner"].token}
    ws = ("-C", workspace.root)
    inside(*ws, "studio", "user", "add", "tam", "--role", "annotator", code=2, env=env)
    done = inside(*ws, "studio", "user", "add", "tam", "--role", "annotator", "--email", "tam@lab.example", env=env)
    kept = workspace.studio_dir / "remote-accounts.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and workspace.studio_dir.stat().st_mode & 0o777 == 0o700
    account = read_json(kept)["tam"]
    assert account["password"] not in done.stderr + done.stdout and account["token"] not in done.stderr + done.stdout
    assert Studio(studio_server.url, account["token"]).whoami() == "tam@lab.example"
    reopened = Workspace.open(workspace.root).settings
    assert reopened.tasks.annotators == ("mia", "tam")
    assert reopened.label_studio.people == {"tam": "tam@lab.example"}
    inside(*ws, "studio", "user", "add", "tam", "--role", "annotator", "--email", "tam@lab.example", env=env)
    assert read_json(kept)["tam"] == account, "made once"
    inside(*ws, "studio", "up", code=1, env=env)
    shown = inside(*ws, "studio", "status", env=env)
    assert shown.stdout == f"{studio_server.url}\n" and studio_server.accounts["owner"].email in shown.stderr
    inside(*ws, "tasks", "push", env=env)
    assert studio_server.client().find_project("lab/narrative.tam") is not None


def test_people_are_added_and_nothing_else_changes(tmp_path: Path) -> None:
    workspace = elsewhere(tmp_path / "w", "")
    path = workspace.root / "docposts.toml"
    before = path.read_text()
    text = add_person(add_person(workspace, "tam", "annotator"), "kit", "adjudicator").root / "docposts.toml"
    after = text.read_text()
    gone, come = set(before.splitlines()) - set(after.splitlines()), set(after.splitlines()) - set(before.splitlines())
    assert gone <= {'annotators = ["mia"]'} and {line.split(" ")[0] for line in come} == {"annotators", "adjudicator"}
    add_person(workspace, "tam", "annotator")
    assert text.read_text() == after
    with pytest.raises(ConflictError, match="kit is the adjudicator"):
        add_person(workspace, "lou", "adjudicator")
    with pytest.raises(InputError, match=r"tasks\.annotators"):
        add_person(workspace, "No Name", "annotator")
    assert text.read_text() == after


def test_an_account_on_the_embedded_server(tmp_path: Path, studio_server: StudioServer) -> None:
    workspace = elsewhere(tmp_path / "w", "")
    inside("-C", workspace.root, "studio", "user", "add", "lou", "--role", "adjudicator")
    account = read_json(workspace.studio_dir / "accounts.json")["lou"]
    assert account["email"] == "lou@docposts.invalid" and account["token"]
    assert Workspace.open(workspace.root).settings.tasks.adjudicator == "lou"
    inside("-C", workspace.root, "studio", "user", "add", "mo", "--role", "adjudicator", code=1)
    assert "mo" not in read_json(workspace.studio_dir / "accounts.json")
    assert studio_server.url


def test_what_is_installed_is_checked(
    studio_server: StudioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = inside("studio", "install", "--check")
    assert f"Label Studio {supported_version()}" in done.stderr and "is whole" in done.stderr
    environment = find_environment()
    assert problems(environment) == []
    (tmp_path / "template").write_bytes(b"no database")
    damaged = type(environment)(environment.folder, environment.python, tmp_path / "template", "1.0.0")
    assert problems(damaged) == [
        f"it holds Label Studio {supported_version()}, but was made with 1.0.0",
        "its empty database is none",
    ]
    monkeypatch.setenv("DOCPOSTS_STUDIO_HOME", str(tmp_path / "home"))
    old = tmp_path / "home" / "0123456789abcdef"
    old.mkdir(parents=True)
    (old / "environment.json").write_text('{"venv": "venv-1", "label_studio": "1.0.0"}')
    assert [(each.version, each.folder) for each in others()] == [("1.0.0", old)]
    inside("studio", "install", "--check", code=1, env=dict(os.environ))
    assert studio_server.url
