"""The real embedded server for tests, one for the session, and a proxy that loses answers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.plugins.required import missing
from toolkit.errors import DocpostsError
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.environment import StudioEnvironment, install
from toolkit.labelstudio.server import Account, EmbeddedStudio


@dataclass(frozen=True)
class StudioServer:
    """A running server, three people's accounts on it, and the folder it serves images from."""

    studio: EmbeddedStudio
    folder: Path
    media_root: Path
    url: str
    pid: int
    accounts: dict[str, Account]

    def client(self, name: str = "anna") -> Studio:
        return Studio(self.url, self.accounts[name].token)


@pytest.fixture(scope="session")
def studio_environment() -> StudioEnvironment:
    """The server's Python environment, installed where it is missing."""
    try:
        return install()
    except DocpostsError as error:
        missing(f"the embedded Label Studio cannot be installed: {error.message}")


@pytest.fixture(scope="session")
def studio_server(
    studio_environment: StudioEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StudioServer]:
    """A running embedded server with the accounts owner, anna and bela."""
    root = tmp_path_factory.mktemp("workspace")
    media_root = root / "media"
    (media_root / "images").mkdir(parents=True)
    studio = EmbeddedStudio(root / "studio", media_root)
    accounts = studio.accounts(["owner", "anna", "bela"])
    address = studio.up()
    try:
        yield StudioServer(studio, root / "studio", media_root, address.url, address.pid, accounts)
    finally:
        studio.down()


class LossyProxy:
    """Passes requests on to a server; the answer to one chosen request is lost after the server has given it."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.lose: tuple[str, str] | None = None  # method and the end of a path
        self.lost: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                assert proxy.target.hostname
                upstream = http.client.HTTPConnection(proxy.target.hostname, proxy.target.port, timeout=60)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "accept-encoding")}
                upstream.request(self.command, self.path, body, headers)
                answer = upstream.getresponse()
                content = answer.read()
                upstream.close()
                path = urlsplit(self.path).path
                if proxy.lose and self.command == proxy.lose[0] and path.endswith(proxy.lose[1]):
                    proxy.lose = None
                    proxy.lost.append(f"{self.command} {path} {answer.status}")
                    self.close_connection = True
                    return
                self.send_response_only(answer.status, answer.reason)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def lossy(studio_server: StudioServer) -> Iterator[LossyProxy]:
    """A proxy before the session's server."""
    proxy = LossyProxy(studio_server.url)
    try:
        yield proxy
    finally:
        proxy.close()
