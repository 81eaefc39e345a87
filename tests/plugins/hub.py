"""A server that speaks the Hugging Face Hub's protocol, as far as a release is pushed to it and loaded from it.

The real Hub cannot be reached from a test. What is here follows the client's own requests: repositories with commits,
branches, tags, pull requests, large files by the LFS batch protocol, settings, trees, and files by revision.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

# Read before any test sets an address of its own: the client makes its default addresses once.
import huggingface_hub.constants  # noqa: F401
import pytest

Files = dict[str, bytes]
TOKEN = "hf_atokenfortests"
_LARGE = (".parquet", ".png", ".jpg", ".webp", ".gif")


@dataclass(frozen=True)
class Commit:
    """One state of a repository's files."""

    oid: str
    parent: str | None
    title: str
    files: Files


@dataclass
class Repo:
    """A dataset repository; ``pulls`` are the commits proposed by pull requests, which branches do not hold."""

    private: bool = False
    gated: Any = False
    commits: dict[str, Commit] = field(default_factory=dict)
    main: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # As the Hub does: a new repository has a first commit of its own.
        self.commit(None, "initial commit", {".gitattributes": b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"})

    def commit(self, parent: str | None, title: str, files: Files, *, on_main: bool = True) -> str:
        listing = json.dumps([(path, sha256(data)) for path, data in sorted(files.items())])
        oid = hashlib.sha1(f"{parent}\n{title}\n{listing}".encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, files)
        if on_main:
            self.main = oid
        return oid

    def resolve(self, revision: str) -> Commit | None:
        revision = unquote(revision)
        if match := re.fullmatch(r"refs/pr/(\d+)", revision):
            number = int(match[1])
            return self.commits[self.pulls[number - 1]] if 0 < number <= len(self.pulls) else None
        return self.commits.get(self.main if revision == "main" else self.tags.get(revision, revision))

    def history(self) -> list[Commit]:
        """The commits of main, newest first."""
        found, oid = [], self.main or None
        while oid:
            found.append(self.commits[oid])
            oid = self.commits[oid].parent
        return found


@dataclass
class Fault:
    """Something that goes wrong once: at the ``nth`` request (from 1) whose method and path match.

    ``kind``: ``before`` and ``after`` drop the connection before or after the server has done what was asked, ``cut``
    ends the answer in mid-body, a number is answered as that status without doing anything.
    """

    method: str
    path: str
    kind: str | int
    nth: int = 1
    seen: int = 0
    fired: bool = False

    def strikes(self, method: str, path: str) -> bool:
        if self.fired or method != self.method or not re.search(self.path, path):
            return False
        self.seen += 1
        self.fired = self.seen == self.nth
        return self.fired


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path: str) -> bool:
    return path.endswith(_LARGE)


class HubDouble:
    """The server: its repositories, what it was asked, and the faults to come."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.stored: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.uploaded = 0
        self.on_commit: Callable[[Repo], None] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What leads the client here instead of to the Hub."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Answer(Exception):
    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers or {}
        self.body = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


def _missing(code: str) -> _Answer:
    status = 401 if code == "RepoNotFound" else 404
    return _Answer(status, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code})


def _handler(hub: HubDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
            body = self._chunks() if chunked else self.rfile.read(length)
            hub.requests.append(f"{self.command} {url.path}")
            fault = next((f for f in hub.faults if f.strikes(self.command, url.path)), None)
            if fault and fault.kind == "before":
                self.close_connection = True
                return
            if fault and isinstance(fault.kind, int):
                answer = _Answer(fault.kind, {"error": "as the test asked"})
            else:
                try:
                    _route(hub, self.command, unquote(url.path), parse_qs(url.query), body, dict(self.headers))
                    raise AssertionError("a route ends with an answer")
                except _Answer as given:
                    answer = given
            if fault and fault.kind == "after":
                self.close_connection = True
                return
            self._send(answer, cut=bool(fault and fault.kind == "cut"))

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, answer: _Answer, *, cut: bool) -> None:
            content, status = answer.body, answer.status
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted and status == 200 and self.command == "GET":
                start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
                answer.headers["Content-Range"] = f"bytes {start}-{min(end, len(content) - 1)}/{len(content)}"
                content, status = content[start : end + 1], 206
            self.send_response_only(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | answer.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _route(
    hub: HubDouble, method: str, path: str, query: dict[str, list[str]], body: bytes, headers: dict[str, str]
) -> None:
    trusted = headers.get("authorization", headers.get("Authorization", "")) == f"Bearer {TOKEN}"
    if method == "PUT" and (match := re.fullmatch(r"/lfs/([0-9a-f]{64})", path)):
        if sha256(body) != match[1]:
            raise _Answer(400, {"error": "not the file that was announced"})
        hub.stored[match[1]] = body
        hub.uploaded += len(body)
        raise _Answer(200)
    if path == "/api/validate-yaml":
        raise _Answer(200, {"errors": [], "warnings": []})
    if path == "/api/repos/create":
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if not trusted:
            raise _Answer(401, {"error": "Invalid username or password."})
        if name in hub.repos:
            raise _Answer(409, {"error": "You already created this dataset repo", "url": f"{hub.url}/datasets/{name}"})
        hub.repos[name] = Repo(private=wanted.get("private") or wanted.get("visibility") == "private")
        raise _Answer(200, {"url": f"{hub.url}/datasets/{name}", "name": name})
    match = re.fullmatch(r"(?:/api)?/datasets/([^/]+/[^/]+?)(\.git)?(/.*)?", path)
    if not match:
        raise _Answer(404, {"error": "no such address"})
    repo = hub.repos.get(match[1])
    if repo is None or ((repo.private or repo.gated) and not trusted):
        raise _missing("RepoNotFound" if repo is None or repo.private else "GatedRepo")
    if method in ("POST", "PUT", "DELETE") and not trusted:
        raise _Answer(401, {"error": "a token is needed"})
    rest = match[3] or ""
    if path.startswith("/api"):
        _api(hub, match[1], repo, method, rest, query, body)
    elif match[2] and rest == "/info/lfs/objects/batch":
        raise _Answer(200, _batch(hub, json.loads(body)), {"Content-Type": "application/vnd.git-lfs+json"})
    elif found := re.fullmatch(r"/resolve/(refs/pr/\d+|[^/]+)/(.+)", rest):
        _file(repo, found[1], found[2])
    raise _Answer(404, {"error": "no such address"})


def _batch(hub: HubDouble, wanted: dict[str, Any]) -> dict[str, Any]:
    objects = []
    for entry in wanted["objects"]:
        known = entry["oid"] in hub.stored
        actions = {} if known else {"actions": {"upload": {"href": f"{hub.url}/lfs/{entry['oid']}", "header": {}}}}
        objects.append({"oid": entry["oid"], "size": entry["size"], "authenticated": True} | actions)
    return {"transfer": "basic", "objects": objects}


def _api(
    hub: HubDouble, name: str, repo: Repo, method: str, rest: str, query: dict[str, list[str]], body: bytes
) -> None:
    if method == "PUT" and rest == "/settings":
        wanted = json.loads(body)
        repo.gated = wanted.get("gated", repo.gated)
        repo.private = wanted.get("private", repo.private)
        raise _Answer(200, wanted)
    if method == "GET" and rest == "/refs":
        branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repo.main}]
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in sorted(repo.tags.items())]
        pulls = [
            {"name": f"pr/{n}", "ref": f"refs/pr/{n}", "targetCommit": oid} for n, oid in enumerate(repo.pulls, start=1)
        ]
        raise _Answer(200, {"branches": branches, "converts": [], "tags": tags, "pullRequests": pulls})
    if method == "POST" and (match := re.fullmatch(r"/preupload/(.+)", rest)):
        commit = _revision(repo, match[1])
        files = [
            {
                "path": entry["path"],
                "uploadMode": "lfs" if is_large(entry["path"]) else "regular",
                "shouldIgnore": False,
                "oid": blob_id(commit.files[entry["path"]]) if entry["path"] in commit.files else None,
            }
            for entry in json.loads(body)["files"]
        ]
        raise _Answer(200, {"files": files})
    if method == "POST" and (match := re.fullmatch(r"/commit/(.+)", rest)):
        _commit(hub, name, repo, match[1], body, pull="create_pr" in query)
    if method == "POST" and (match := re.fullmatch(r"/tag/(.+)", rest)):
        tag = json.loads(body)["tag"]
        if tag in repo.tags:
            raise _Answer(409, {"error": f'Tag reference exists already: "{tag}"'})
        repo.tags[tag] = _revision(repo, match[1]).oid
        raise _Answer(200)
    if method == "GET" and rest == "":
        raise _Answer(200, _info(name, repo, _revision(repo, "main")))
    if method == "GET" and (match := re.fullmatch(r"/revision/(.+)", rest)):
        raise _Answer(200, _info(name, repo, _revision(repo, match[1])))
    if method == "GET" and (match := re.fullmatch(r"/commits/(.+)", rest)):
        _revision(repo, match[1])
        listed = [
            {"id": c.oid, "title": c.title, "message": "", "date": "2024-01-01T00:00:00.000Z", "authors": []}
            for c in repo.history()
        ]
        raise _Answer(200, listed, {"X-Total-Count": str(len(listed))})
    if method == "GET" and (match := re.fullmatch(r"/tree/(refs/pr/\d+|[^/]+)(/.*)?", rest)):
        recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
        raise _Answer(200, _tree(_revision(repo, match[1]), (match[2] or "").strip("/"), recursive=recursive))
    if method == "POST" and (match := re.fullmatch(r"/paths-info/(.+)", rest)):
        commit = _revision(repo, match[1])
        wanted = parse_qs(body.decode()).get("paths", [])
        raise _Answer(200, [_entry(path, commit.files[path]) for path in wanted if path in commit.files])
    raise _Answer(404, {"error": "no such address"})


def _revision(repo: Repo, revision: str) -> Commit:
    commit = repo.resolve(revision)
    if commit is None:
        raise _missing("RevisionNotFound")
    return commit


def _commit(hub: HubDouble, name: str, repo: Repo, revision: str, body: bytes, *, pull: bool) -> None:
    if hub.on_commit:
        hub.on_commit(repo)
    parent = _revision(repo, revision)
    files, title = dict(parent.files), ""
    for line in body.decode().splitlines():
        entry = json.loads(line)
        value = entry["value"]
        if entry["key"] == "header":
            title = value["summary"]
            if value.get("parentCommit") not in (None, parent.oid):
                raise _Answer(412, {"error": "A commit has happened since. Please refresh and try again."})
        elif entry["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif entry["key"] == "lfsFile":
            files[value["path"]] = hub.stored[value["oid"]]
        elif entry["key"] == "deletedFile":
            if value["path"] not in files:
                raise _Answer(404, {"error": "A file with this name doesn't exist"}, {"X-Error-Code": "EntryNotFound"})
            del files[value["path"]]
    oid = repo.commit(parent.oid, title, files, on_main=not pull)
    answer = {"success": True, "commitOid": oid, "commitUrl": f"{hub.url}/datasets/{name}/commit/{oid}"}
    if pull:
        repo.pulls.append(oid)
        answer["pullRequestUrl"] = f"{hub.url}/datasets/{name}/discussions/{len(repo.pulls)}"
    raise _Answer(200, answer)


def _info(name: str, repo: Repo, commit: Commit) -> dict[str, Any]:
    return {
        "_id": "0" * 24,
        "id": name,
        "author": name.split("/", maxsplit=1)[0],
        "sha": commit.oid,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "lastModified": "2024-01-01T00:00:00.000Z",
        "createdAt": "2024-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": path} for path in sorted(commit.files)],
    }


def _entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": blob_id(data), "size": len(data), "path": path}
    if is_large(path):
        entry["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 130}
    return entry


def _tree(commit: Commit, folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    inside = {p: d for p, d in commit.files.items() if not folder or p.startswith(f"{folder}/")}
    if folder and not inside:
        raise _missing("EntryNotFound")
    entries: dict[str, dict[str, Any]] = {}
    for path, data in sorted(inside.items()):
        below = path.removeprefix(f"{folder}/" if folder else "")
        parts = below.split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            name = "/".join(filter(None, [folder, *parts[:depth]]))
            entries[name] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
        if recursive or len(parts) == 1:
            entries[path] = _entry(path, data)
    return list(entries.values())


def _file(repo: Repo, revision: str, path: str) -> None:
    commit = repo.resolve(revision)
    if commit is None:
        raise _missing("RevisionNotFound")
    if path not in commit.files:
        missing = _missing("EntryNotFound")
        missing.headers["X-Repo-Commit"] = commit.oid
        raise missing
    data = commit.files[path]
    etag = sha256(data) if is_large(path) else blob_id(data)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
    if is_large(path):
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
    raise _Answer(200, data, headers | {"Content-Type": "application/octet-stream"})


@pytest.fixture
def hub() -> Iterator[HubDouble]:
    """A Hub without repositories."""
    double = HubDouble()
    try:
        yield double
    finally:
        double.close()


@pytest.fixture
def online(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> HubDouble:
    """A Hub without repositories, to which this process's client goes."""
    for name, value in hub.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub._commit_api.is_xet_available", lambda: False)
    return hub
