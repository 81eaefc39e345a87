"""The embedded Label Studio: its environment, its process, its accounts, and how closed it is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.plugins.studio import StudioServer
from toolkit.errors import InputError, ServiceError, StudioError
from toolkit.labelstudio import environment as environment_module
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.environment import StudioEnvironment, find_environment, install, last_line, scrub
from toolkit.labelstudio.server import EmbeddedStudio
from toolkit.resources import resource


@pytest.fixture
def fresh(tmp_path: Path, studio_environment: StudioEnvironment) -> Iterator[EmbeddedStudio]:
    """A studio of its own for tests that kill it."""
    (tmp_path / "media").mkdir()
    studio = EmbeddedStudio(tmp_path / "studio", tmp_path / "media")
    yield studio
    studio.down()


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _log_in(url: str, email: str, password: str) -> httpx.Client:
    """Return a client of someone who filled in the log-in form, with its CSRF token, as a browser does."""
    client = httpx.Client(base_url=url, trust_env=False, timeout=60)
    page = client.get("/user/login/")
    assert page.status_code == 200
    hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert hidden
    form = {"email": email, "password": password, "csrfmiddlewaretoken": hidden[1]}
    client.post("/user/login/", data=form, headers={"Referer": f"{url}/user/login/"})
    return client


# -- the environment


def test_constraints_are_pins_and_nothing_else() -> None:
    text = resource("constraints", "label-studio.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9._-]+==[0-9][0-9a-z.+!]*", line) for line in lines)
    names = [line.partition("==")[0] for line in lines]
    assert len(names) == len(set(names)) and lines == sorted(lines)
    assert "label-studio==1.23.2" in lines and "waitress" in names


def test_install_again_changes_nothing(studio_environment: StudioEnvironment) -> None:
    record = studio_environment.folder / "environment.json"
    before = record.stat().st_mtime_ns
    said: list[str] = []
    assert install(progress=said.append) == studio_environment == find_environment()
    assert said == [] and record.stat().st_mtime_ns == before


def test_template_holds_no_users_and_no_secret(studio_environment: StudioEnvironment) -> None:
    with sqlite3.connect(f"file:{studio_environment.template}?mode=ro", uri=True) as database:
        assert database.execute("select count(*) from htx_user").fetchone() == (0,)
        assert database.execute("select count(*) from organization").fetchone() == (0,)
    assert not list(studio_environment.folder.glob("**/.env"))


def test_missing_unfinished_and_foreign_environments_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCPOSTS_STUDIO_HOME", str(tmp_path / "home"))
    with pytest.raises(StudioError, match="not installed") as caught:
        find_environment()
    assert caught.value.hint == "docposts studio install"
    with pytest.raises(StudioError, match="not installed"):
        (tmp_path / "media").mkdir()
        EmbeddedStudio(tmp_path / "studio", tmp_path / "media").up()
    foreign = tmp_path / "home" / "0123456789abcdef"
    foreign.mkdir(parents=True)
    (foreign / "environment.json").write_text("{}")
    with pytest.raises(StudioError, match="another version"):
        find_environment()
    environment_module._folder(environment_module._constraints_digest()).mkdir()
    with pytest.raises(StudioError, match="did not finish"):
        find_environment()


def test_install_without_network_is_one_clear_error_and_stays_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCPOSTS_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:hunter2secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(environment_module, "_PIP_OPTIONS", ("--quiet", "--no-input", "--retries", "0"))
    with pytest.raises(ServiceError) as caught:
        install()
    assert caught.value.exit_code == 4
    assert "hunter2secret" not in caught.value.message and "127.0.0.1" not in caught.value.message
    assert "\n" not in caught.value.message and "label-studio" in caught.value.message
    with pytest.raises(StudioError, match="did not finish"):
        find_environment()


def test_scrub_hides_addresses_and_tokens() -> None:
    token = "eyJhbGciOi.eyJ0b2tlbiI6.c2ln"
    text = f"could not fetch https://me:secretword@host.example/x for token {token} (host='host.example')"
    assert scrub(text) == "could not fetch <address> for token <token> (host=<address>)"
    assert last_line("first\n  then \n\n") == "then"


# -- the process


def test_up_and_down_and_a_busy_port_is_named(
    fresh: EmbeddedStudio, studio_environment: StudioEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StudioError, match=rf"port {port} is in use"):
            fresh.up(port=port)
        assert sorted(p.name for p in (tmp_path / "studio").iterdir()) == ["control.lock", "data"]
        assert list((tmp_path / "studio" / "data").iterdir()) == []
        assert not fresh.status().running
    first = fresh.up(port=port)
    # A migration alone takes half a minute: there was none since the template was made.
    made = []
    for path in (studio_environment.template, tmp_path / "studio" / "data" / "label_studio.sqlite3"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            made.append(database.execute("select name, applied from django_migrations").fetchall())
    assert made[0] and made[0] == made[1]
    assert first.url == f"http://127.0.0.1:{port}"
    assert fresh.up() == first
    assert fresh.status().running and fresh.status().pid == first.pid and fresh.status().version == "1.23.2"
    with pytest.raises(StudioError, match="already runs on port"):
        fresh.up(port=1 + port % 65000)
    sent, kill = list[int](), os.kill

    def noted(pid: int, number: int) -> None:
        sent.append(number)
        kill(pid, number)

    monkeypatch.setattr(os, "kill", noted)
    fresh.down()
    assert sent == [signal.SIGTERM], "it ends when it is asked to"
    assert not fresh.status().running
    assert not (tmp_path / "studio" / "ready.json").exists()
    fresh.down()


def test_a_killed_starter_then_a_killed_server_then_two_starters_at_once(fresh: EmbeddedStudio, tmp_path: Path) -> None:
    """The first leaves a server that the next command finds; what the second leaves says nothing; the third start one."""
    code = (
        "import os, signal, sys; from pathlib import Path; from toolkit.labelstudio.server import EmbeddedStudio;"
        "EmbeddedStudio(Path(sys.argv[1]) / 'studio', Path(sys.argv[1]) / 'media').up();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(environment_module.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    status = fresh.status()
    assert status.running and status.pid
    assert fresh.up().pid == status.pid
    os.kill(status.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while fresh.status().running and time.monotonic() < until:
        # A process that was killed is there until the system has cleared it away, and is no child to be waited for.
        time.sleep(0.02)
    assert (tmp_path / "studio" / "ready.json").exists()
    assert not fresh.status().running
    others = [EmbeddedStudio(tmp_path / "studio", tmp_path / "media") for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        [second] = set(pool.map(EmbeddedStudio.up, [fresh, *others]))
    assert second.pid != status.pid and fresh.status().pid == second.pid
    for other in others:
        other.down()


def test_a_start_that_fails_shows_the_log_s_last_line(fresh: EmbeddedStudio, tmp_path: Path) -> None:
    (tmp_path / "studio" / "data").mkdir(parents=True)
    (tmp_path / "studio" / "data" / "label_studio.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(StudioError, match="file is not a database") as caught:
        fresh.up()
    assert "log.txt" in caught.value.hint and not fresh.status().running


def test_secrets_must_not_lie_in_what_is_served(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="secrets"):
        EmbeddedStudio(tmp_path / "studio", tmp_path)


# -- closed in


def test_private_files(studio_server: StudioServer) -> None:
    folder = studio_server.folder
    assert _mode(folder) == 0o700
    private = ["accounts.json", "log.txt", "ready.json", "server.lock", "data/.env", "data/label_studio.sqlite3"]
    assert {name: oct(_mode(folder / name)) for name in private} == dict.fromkeys(private, "0o600")


def test_no_secret_in_logs_arguments_or_reprs(studio_server: StudioServer) -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in studio_server.folder.glob("log*.txt"))
    said += repr(studio_server.accounts) + repr(studio_server.client())
    if sys.platform == "linux":
        said += Path(f"/proc/{studio_server.pid}/cmdline").read_text() + json.dumps(
            Path(f"/proc/{studio_server.pid}/environ").read_text()
        )
    key = (studio_server.folder / "data" / ".env").read_text(encoding="utf-8").strip().partition("=")[2]
    secrets = [key, *(s for a in studio_server.accounts.values() for s in (a.password, a.token))]
    assert len(key) >= 48 and len(set(secrets)) == 7
    assert not [secret for secret in secrets if secret in said]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_listens_on_the_loopback_address_only(studio_server: StudioServer) -> None:
    held = set()
    for handle in Path(f"/proc/{studio_server.pid}/fd").iterdir():
        found = re.fullmatch(r"socket:\[(\d+)\]", str(handle.readlink()))
        held |= {found[1]} if found else set()
    listening = []
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/{studio_server.pid}/net/{table}").read_text().splitlines()[1:]]
        listening += [row[1] for row in rows if row[3] == "0A" and row[9] in held]
    port = int(studio_server.url.rsplit(":", 1)[1])
    assert listening == [f"0100007F:{port:04X}"]


def test_foreign_hosts_origins_and_sign_ups_are_refused(studio_server: StudioServer) -> None:
    with httpx.Client(base_url=studio_server.url, trust_env=False) as client:
        assert client.get("/api/version", headers={"Host": "attacker.example"}).status_code == 400
        answer = client.get("/api/version", headers={"Origin": "http://attacker.example"})
        assert "access-control-allow-origin" not in answer.headers
        page = client.get("/user/signup/")
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {"email": "intruder@example.org", "password": "long enough 1", "csrfmiddlewaretoken": ""}
        form["csrfmiddlewaretoken"] = hidden[1] if hidden else ""
        client.post("/user/signup/", data=form, headers={"Referer": f"{studio_server.url}/user/signup/"})
        assert client.get("/api/current-user/whoami").status_code == 401
    with sqlite3.connect(f"file:{studio_server.folder}/data/label_studio.sqlite3?mode=ro", uri=True) as database:
        assert database.execute("select count(*) from htx_user where email like 'intruder%'").fetchone() == (0,)


def test_nothing_leaves_the_machine() -> None:
    code = (
        "import socket, sys; sys.path.insert(0, sys.argv[1]); import bootstrap; sys.addaudithook(bootstrap._refuse_outgoing)\n"
        "for ask in (lambda: socket.create_connection(('192.0.2.1', 80), 1), lambda: socket.getaddrinfo('x.example', 80)):\n"
        "    try: ask()\n"
        "    except OSError as error: print(error)\n"
        "with socket.create_server(('127.0.0.1', 0)) as s: socket.create_connection(s.getsockname()).close()"
    )
    command = [sys.executable, "-c", code, str(environment_module.INSIDE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.count("makes no outgoing connections") == 2


# -- accounts


@pytest.mark.parametrize("name", ["owner", "anna", "bela"])
def test_accounts_log_in_and_their_tokens_work(studio_server: StudioServer, name: str) -> None:
    account = studio_server.accounts[name]
    with closing(_log_in(studio_server.url, account.email, account.password)) as client:
        assert client.get("/api/current-user/whoami").json()["email"] == account.email
    assert Studio(studio_server.url, account.token).whoami() == account.email


def test_a_wrong_password_does_not_log_in(studio_server: StudioServer) -> None:
    with closing(_log_in(studio_server.url, studio_server.accounts["anna"].email, "not her password")) as client:
        assert client.get("/api/current-user/whoami").status_code == 401


def test_accounts_are_made_once_beside_a_running_server_and_finished_where_a_kill_left_them(
    studio_server: StudioServer,
) -> None:
    known = studio_server.accounts
    more = studio_server.studio.accounts(["anna", "chen"])
    assert more["anna"] == known["anna"]
    assert Studio(studio_server.url, more["chen"].token).whoami() == more["chen"].email
    assert studio_server.studio.accounts(["chen"]) == {"chen": more["chen"]}
    path = studio_server.folder / "accounts.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    written["chen"]["token"] = ""  # as a kill leaves it
    path.write_text(json.dumps(written), encoding="utf-8")
    again = studio_server.studio.accounts(["chen"])["chen"]
    assert again.token and again.password == more["chen"].password
    assert Studio(studio_server.url, again.token).whoami() == "chen@docposts.invalid"


@pytest.mark.parametrize("name", ["", "Anna", "a b", "-a", "a@b", "é", "a" * 64])
def test_account_names_are_checked(fresh: EmbeddedStudio, name: str) -> None:
    with pytest.raises(InputError, match="no account name"):
        fresh.accounts([name])


# -- pages


def test_pages_and_static_files_are_served(studio_server: StudioServer) -> None:
    project = studio_server.client().ensure_project(
        "pages", title="pages", config='<View><Text name="t" value="$text"/></View>', instruction="Read it."
    )
    studio_server.client().import_tasks(project, [{"data": {"key": "a", "text": "fictional"}}])
    account = studio_server.accounts["anna"]
    with closing(_log_in(studio_server.url, account.email, account.password)) as client:
        page = client.get(f"/projects/{project}/data?labeling=1")
        assert page.status_code == 200
        assert "content-security-policy" in page.headers
        assert "content-security-policy-report-only" not in page.headers
        scripts = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css)[^"]*)"', page.text)
        assert scripts
        for path in scripts:
            answer = client.get(path)
            assert answer.status_code == 200 and len(answer.content) > 100, path
        assert client.get(f"/api/projects/{project}/next").json()["data"]["text"] == "fictional"
