"""Bad input at the command line: one clear message with its exit code and the next thing to try, nothing lost.

Where there is nothing of the process to try, the command runs in this one: exit codes 1, 2 and 4 of a process are tried too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command import docposts, inside, start
from tests.conftest import EXAMPLES, ROOT

REPORT = EXAMPLES / "reports" / "lantern-quay-3.txt"
SPANS = EXAMPLES / "reports" / "lantern-quay-3.segments.jsonl"


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one accepted source and a corpus version."""
    folder = tmp_path_factory.mktemp("built") / "w"
    inside("init", folder, "--annotator", "ann-1", "--annotator", "ann-2", "--adjudicator", "adj-1")
    inside("-C", folder, "source", "add", REPORT, "--spans", SPANS)
    inside("-C", folder, "corpus", "build")
    return folder


@pytest.fixture
def built(tmp_path: Path, built_once: Path) -> Path:
    """A copy of it, for one test."""
    return shutil.copytree(built_once, tmp_path / "w", symlinks=True)


def state(folder: Path) -> dict[str, str]:
    files = [
        p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".docposts.lock" and "studio" not in p.parts
    ]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(workspace: Path, *words: object, code: int, says: str, env: Mapping[str, str] | None = None) -> None:
    """The command fails with one message that says this, and leaves every file as it was."""
    before = state(workspace)
    done = inside("-C", workspace, *words, code=code, env=env or {})
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("docposts: ")]) == 1
    assert state(workspace) == before


def test_no_workspace(tmp_path: Path) -> None:
    done = docposts("status", code=1, cwd=tmp_path)
    assert "no workspace" in done.stderr
    assert "try: make one with: docposts init DIR" in done.stderr


def test_init_twice(built: Path) -> None:
    assert "is a workspace already" in inside("init", built, code=1).stderr


def test_missing_file(built: Path) -> None:
    refused(built, "source", "add", built / "nowhere.txt", code=1, says="nowhere.txt: No such file or directory")


def test_unreadable_file(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder.txt"
    folder.mkdir()
    refused(built, "source", "add", folder, code=1, says="folder.txt: Is a directory")


def test_not_utf8(built: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"A title\ncaf\xe9\n")
    refused(
        built, "source", "add", tmp_path / "latin.txt", code=1, says="latin.txt is not UTF-8: byte 11 (line 2) is 0xe9"
    )


def test_unknown_settings_key(built: Path) -> None:
    settings = built / "docposts.toml"
    settings.write_text(settings.read_text().replace("[tasks]", "[tasks]\noverlapp = 3"))
    refused(built, "status", code=1, says="docposts.toml: tasks.overlapp: unknown key")


def test_settings_not_toml(built: Path) -> None:
    (built / "docposts.toml").write_text("name = ")
    refused(built, "status", code=1, says="docposts.toml: not TOML")


def test_span_outside_the_text(built: Path, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"role": "post", "char_start": 5, "char_end": 999999}\n')
    words = ("source", "accept", "lantern-quay-3", "--from", tmp_path / "s.jsonl")
    refused(built, *words, code=1, says="s.jsonl:1: the post spans 5 to 999999, outside the text's")


def test_hash_that_does_not_match(built: Path) -> None:
    path = built / "sources" / "lantern-quay-3" / "segments.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    number, post = next((n, s) for n, s in enumerate(lines, start=1) if s["role"] == "post")
    post["char_end"] -= 1
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    refused(built, "corpus", "build", code=1, says=f"segments.jsonl:{number}: the post at")


def test_changed_text(built: Path) -> None:
    text = built / "sources" / "lantern-quay-3" / "text.txt"
    text.write_text(text.read_text() + "More.\n")
    refused(built, "corpus", "build", code=1, says="text.txt was changed after it was frozen")


def test_another_file_under_the_same_id(built: Path, tmp_path: Path) -> None:
    (tmp_path / "lantern-quay-3.txt").write_text("Another report\n")
    refused(
        built, "source", "add", tmp_path / "lantern-quay-3.txt", code=1, says="is there already, made of another file"
    )


def test_the_same_file_twice_is_no_error(built: Path) -> None:
    before = state(built)
    inside("-C", built, "source", "add", REPORT)
    assert state(built) == before


def test_unknown_source(built: Path) -> None:
    refused(built, "source", "segment", "nothing", code=1, says="no source 'nothing'")


def test_studio_not_running(built: Path) -> None:
    refused(built, "tasks", "push", code=4, says="Label Studio does not run in this workspace")


def with_server(workspace: Path, url: str) -> None:
    settings = workspace / "docposts.toml"
    settings.write_text(settings.read_text().replace('url = ""', f'url = "{url}"'))


def test_server_without_a_token(built: Path) -> None:
    with_server(built, "http://127.0.0.1:9")
    refused(built, "tasks", "push", code=4, says="no token for http://127.0.0.1:9")


def test_server_not_reachable(built: Path) -> None:
    with_server(built, "http://127.0.0.1:9")
    refused(built, "tasks", "push", code=4, says="http://127.0.0.1:9", env={"DOCPOSTS_LABEL_STUDIO_TOKEN": "a.b.c"})


def test_server_that_refuses_the_token(built: Path, studio_server: Any) -> None:
    with_server(built, studio_server.url)
    token = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.bm90IGEgc2lnbmF0dXJl"
    words = ("tasks", "push")
    refused(built, *words, code=4, says="refused the token", env={"DOCPOSTS_LABEL_STUDIO_TOKEN": token})


def test_port_in_use(built: Path, studio_environment: object) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(built, "studio", "up", "--port", port, code=1, says=f"port {port} is in use")


def test_studio_not_installed(built: Path, tmp_path: Path) -> None:
    home = str(tmp_path / "none")
    refused(built, "studio", "up", code=1, says="docposts studio install", env={"DOCPOSTS_STUDIO_HOME": home})


def test_install_without_network(tmp_path: Path) -> None:
    """No index answers, no folder holds packages: one message, exit code 4, and nothing that looks installed."""
    environment = {
        "DOCPOSTS_STUDIO_HOME": str(tmp_path / "home"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "PIP_TIMEOUT": "2",
    }
    done = docposts("studio", "install", code=4, env=environment)
    assert done.stderr.startswith("docposts: ")
    assert not list((tmp_path / "home").rglob("environment.json"))


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = docposts("init", tmp_path / "file" / "inside", code=1)
    assert "cannot write" in done.stderr


def test_full_disk(built: Path) -> None:
    """A file may grow to a few kilobytes only, as on a disk that is full: the last version stays as it was."""
    (built / "corpus").rename(built / "moved")
    before = state(built)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from toolkit.cli import main; sys.argv = ['docposts', *sys.argv[1:]]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, "-C", str(built), "corpus", "build"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert {name: digest for name, digest in state(built).items() if not name.startswith("corpus/parts")} == before
    docposts("-C", built, "corpus", "build")


def test_two_at_once(built: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from toolkit.workspace import Workspace\n"
            "with Workspace.open(Path(sys.argv[1])).lock():\n    print('held', flush=True); sys.stdin.read()",
            str(built),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    refused(built, "corpus", "build", code=1, says="another docposts command is at work")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    inside("-C", built, "corpus", "build")


def test_usage(tmp_path: Path) -> None:
    assert "No such command" in docposts("sorce", code=2, cwd=tmp_path).stderr
    assert "Missing argument" in docposts("source", "add", code=2, cwd=tmp_path).stderr


def test_verify_needs_a_release(built: Path) -> None:
    refused(built, "release", "verify", code=1, says="there is no release yet")


def test_corpus_without_spans(tmp_path: Path) -> None:
    inside("init", tmp_path / "w")
    inside("-C", tmp_path / "w", "source", "add", REPORT)
    refused(tmp_path / "w", "corpus", "build", code=1, says="no source has accepted spans")


def test_output_to_a_closed_pipe(built: Path) -> None:
    process = start("-C", built, "source", "segment", "lantern-quay-3", "--json")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.wait(timeout=60)
    assert "Traceback" not in process.stderr.read()
