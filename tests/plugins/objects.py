"""A real S3-compatible server for tests (moto's), in an environment of its own: its libraries' pins fit nobody else's.

Installed once into ``.objects`` (``DOCPOSTS_OBJECTS_HOME`` names another folder).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT

_PACKAGE = "moto[s3,server]==5.2.5"


@dataclass(frozen=True)
class ObjectStore:
    """A server with one bucket, and the environment in which it is reached."""

    endpoint: str
    url: str
    environment: dict[str, str]

    def make_bucket(self, name: str) -> str:
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")).close()
        return f"s3://{name}"


def _environment() -> Path:
    home = Path(os.environ.get("DOCPOSTS_OBJECTS_HOME", ROOT / ".objects")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".lock"):
        if not (home / "moto" / "bin" / "moto_server").exists():
            shutil.rmtree(home / "moto", ignore_errors=True)
            venv.create(home / "moto", with_pip=True)
            pip = [str(home / "moto" / "bin" / "python"), "-m", "pip", "install", "--quiet", _PACKAGE]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            if done.returncode:
                shutil.rmtree(home / "moto")
                why = f"{_PACKAGE} cannot be installed: {done.stderr.strip().splitlines()[-1:]}"
                if os.environ.get("CI") == "true":
                    pytest.fail(why)
                pytest.skip(why)
    return home / "moto"


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One server for the session."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("objects")
    command = [str(_environment() / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
                # That it takes a connection is what tells that it is up.
                time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}"
        environment = {
            "AWS_ACCESS_KEY_ID": "fictional",
            "AWS_SECRET_ACCESS_KEY": "fictional",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
        }
        made = ObjectStore(endpoint, "s3://corpora", environment)
        made.make_bucket("corpora")
        yield made
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def objects(object_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The server, reached by this process and those that it starts."""
    from toolkit import storage

    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    # Made with the environment of whoever asked first.
    storage._object_store.cache_clear()
    return object_server
