"""A proxy before the real server that does harm to one chosen request, and counts made in the server's own database."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.plugins.studio import StudioServer

STATUSES = ("401", "403", "404", "409", "429", "500", "502")
HARM = ("before", "request cut", "after", "answer cut", "delayed", "doubled", "html", *STATUSES)
"""What can be done to a request: nothing of it arrives, half of it does; its answer is lost whole, or in the middle; the
answer takes long; it is sent twice; it never arrives and a page, or a status, is answered instead. (``during``: the hook is
called while the server is at work on it.)"""


@dataclass(frozen=True)
class Fault:
    """Harm to the next request whose method (empty: any) and path match, after ``skip`` others that do."""

    method: str
    path: str
    harm: str
    hook: Callable[[], None] | None = None  # done when the harm is
    skip: int = 0

    def fits(self, method: str, path: str) -> bool:
        return self.method in ("", method) and re.search(self.path, path) is not None


class FaultProxy:
    """Passes requests on to ``target``; ``fault`` is done once, ``done`` says to what."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Fault | None = None
        self.done: list[str] = []
        self.seen: list[str] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path
                fault = proxy._take(self.command, path)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    proxy._serve(self, body, fault)
                    return
                self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            fault = self.fault
            if fault is None or not fault.fits(method, path):
                return None
            if fault.skip:
                self.fault = replace(fault, skip=fault.skip - 1)
                return None
            self.fault = None
            self.done.append(f"{fault.harm}: {method} {path}")
            return fault

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        upstream = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=60)
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("connection", "accept-encoding")}
        upstream.request(handler.command, handler.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        return answer.status, answer.headers.get("Content-Type", "text/plain"), content

    def _half(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        with socket.create_connection((urlsplit(self.target).hostname, urlsplit(self.target).port)) as upstream:
            lines = [f"{handler.command} {handler.path} HTTP/1.1", *(f"{k}: {v}" for k, v in handler.headers.items())]
            head = "\r\n".join([*lines, "", ""]).encode()
            # Without a body the head is the whole request, which the server would go on to do while nobody waits for it.
            upstream.sendall(head + body[: len(body) // 2] if body else head[: len(head) // 2])

    def _serve(self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault | None) -> None:
        harm = fault.harm if fault else ""
        if harm in ("before", "request cut"):
            if harm == "request cut":
                self._half(handler, body)
            handler.close_connection = True
            self._hook(fault)
            return
        if harm == "during":
            # The harm is done while the server is at work on it.
            threading.Timer(0.15, self._hook, [fault]).start()
            self._ask(handler, body)
            handler.close_connection = True
            return
        if harm in STATUSES:
            answer = int(harm), "application/json", b'{"detail": "said by the proxy"}'
        elif harm == "html":
            answer = 200, "text/html", b"<!doctype html><title>Log in</title>"
        else:
            answer = self._ask(handler, body)
            if harm == "doubled":
                self._ask(handler, body)
        self._hook(fault)
        if harm == "after":
            handler.close_connection = True
            return
        if harm == "delayed":
            # Long enough that the client is waiting, short of its patience: an answer that is slow and right.
            time.sleep(0.5)
        status, kind, content = answer
        handler.send_response_only(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if harm == "answer cut" else content)
        handler.close_connection = handler.close_connection or harm == "answer cut"

    def _hook(self, fault: Fault | None) -> None:
        if fault and fault.hook:
            fault.hook()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def faulty(studio_server: StudioServer) -> Iterator[FaultProxy]:
    """A proxy before the session's server."""
    proxy = FaultProxy(studio_server.url)
    try:
        yield proxy
    finally:
        proxy.close()


class Database:
    """Label Studio's own database, read without asking Label Studio."""

    def __init__(self, studio_dir: Path) -> None:
        self._path = studio_dir / "data" / "label_studio.sqlite3"

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def projects(self, marker: str) -> int:
        return len(self._rows("select id from project where description = ?", f"docposts:{marker}"))

    def tasks(self, marker: str) -> Counter[str]:
        """How often each key stands in the projects with a marker."""
        query = (
            "select json_extract(t.data, '$.key') from task t join project p on p.id = t.project_id"
            " where p.description = ?"
        )
        return Counter(str(key) for (key,) in self._rows(query, f"docposts:{marker}"))

    def annotations(self, marker: str) -> Counter[int]:
        """How often each annotation's import number stands in the projects with a marker."""
        query = (
            "select a.import_id from task_completion a join project p on p.id = a.project_id where p.description = ?"
        )
        return Counter(int(str(number)) for (number,) in self._rows(query, f"docposts:{marker}"))

    def predictions(self, marker: str) -> dict[str, list[str]]:
        """The versions of the predictions on each task, by key, in the projects with a marker."""
        query = (
            "select json_extract(t.data, '$.key'), r.model_version from task t join project p on p.id = t.project_id"
            " left join prediction r on r.task_id = t.id where p.description = ?"
        )
        found: dict[str, list[str]] = {}
        for key, version in self._rows(query, f"docposts:{marker}"):
            found.setdefault(str(key), []).extend([str(version)] if version is not None else [])
        return found

    def storages(self, marker: str) -> int:
        """How many folders of images the projects with a marker may show."""
        query = (
            "select s.project_id from io_storages_localfilesimportstorage s join project p on p.id = s.project_id"
            " where p.description = ?"
        )
        return len(self._rows(query, f"docposts:{marker}"))
