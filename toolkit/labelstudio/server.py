"""The embedded Label Studio of one workspace: a process of its own, on 127.0.0.1, over the workspace's ``studio/``.

::

    studio/             0700
      data/             Label Studio's own: database, secret key (.env), uploads
      server.lock       locked by the server for as long as it lives
      ready.json        where the running server answers
      accounts.json     names, passwords and tokens, 0600
      log.txt           what the server said; log.previous.txt: the run before

Whether a server runs is told by the lock, which the system lets go of however the process ends; a pid in a file is
only believed while the lock is held.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from toolkit.errors import InputError, StudioError
from toolkit.fsio import read_json, replacing, write_atomic
from toolkit.labelstudio.accounts import OWNER, Account, AccountBook, check_names
from toolkit.labelstudio.environment import StudioEnvironment, clean_environment, find_environment, last_line

__all__ = ["OWNER", "Account", "EmbeddedStudio", "StudioAddress", "StudioStatus"]

_PORT_IN_USE = 98  # an exit code of inside/serve.py
_STOP_SECONDS = 10.0
_CONTROL_SECONDS = 180.0
_STEP = 0.05  # seconds between two looks at a process that starts or stops


@dataclass(frozen=True)
class StudioAddress:
    """Where a running server answers."""

    url: str
    pid: int


@dataclass(frozen=True)
class StudioStatus:
    """Whether the server runs, and where; ``version`` is Label Studio's, of the running server or the installed one."""

    running: bool
    url: str | None = None
    pid: int | None = None
    version: str | None = None


class EmbeddedStudio:
    """The server over one ``studio/`` folder, serving images from below ``media_root`` to those logged in.

    Label Studio knows no roles: whoever has an account can have any file below ``media_root`` served, so the folder
    must hold nothing but what annotators may see, and never ``studio/`` itself.
    """

    def __init__(self, workspace_studio_dir: Path, media_root: Path) -> None:
        self._dir = workspace_studio_dir.absolute()
        self._media_root = media_root.absolute()
        if self._dir.resolve().is_relative_to(self._media_root.resolve()):
            raise ValueError(f"{self._media_root} holds {self._dir}: its secrets would be served")
        self._started: subprocess.Popen[bytes] | None = None

    def up(self, port: int | None = None, *, timeout: float = 120) -> StudioAddress:
        """Start the server, or return the one that runs; ``port`` None: that one's port, or any free one.

        :class:`StudioError` where the port is in use, the server runs on another port, the environment is missing, or
        it does not answer within ``timeout`` seconds (it is stopped then).
        """
        if port is not None and not 0 < port < 65536:
            raise InputError(f"{port} is not a port: they go from 1 to 65535")
        with self._control():
            running = self._running()
            # One that is just being killed still holds its lock: it is waited for, and another started.
            if running is not None and _lives(running["port"]):
                if port is not None and running["port"] != port:
                    raise StudioError(
                        f"Label Studio already runs on port {running['port']}, not {port}",
                        hint="stop it first: docposts studio down",
                    )
                return StudioAddress(running["url"], running["pid"])
            environment = find_environment()
            if port is not None:
                _check_free(port)
            self._stop()  # one that was starting when its starter died
            self._prepare(environment)
            return self._start(environment, port or 0, timeout)

    def down(self) -> None:
        """Stop the server; nothing to do where none runs."""
        if not self._dir.exists():
            return
        with self._control():
            self._stop()

    def status(self) -> StudioStatus:
        """Return whether the server runs and where; never waits."""
        running = self._running()
        if running is not None:
            return StudioStatus(True, running["url"], running["pid"], running["version"])
        try:
            return StudioStatus(False, version=find_environment().version)
        except StudioError:
            return StudioStatus(False)

    def accounts(self, names: Sequence[str]) -> dict[str, Account]:
        """Return the accounts of these names, creating what is missing; the server may run or not.

        The owner's account (:data:`OWNER`), which holds the organization, is made along with the first.
        """
        check_names(names)
        with self._control():
            book = AccountBook(self._dir)
            # They belong to the database: where that was removed, so were they.
            known = book.read() if self._database.exists() else {}
            missing = [name for name in dict.fromkeys([OWNER, *names]) if not known.get(name, {}).get("token")]
            if missing:
                environment = find_environment()
                self._prepare(environment)
                book.create(known, missing, environment, home=self._data)
            return {name: Account(**known[name]) for name in names}

    # -- the process

    @property
    def _data(self) -> Path:
        return self._dir / "data"

    @property
    def _database(self) -> Path:
        return self._data / "label_studio.sqlite3"

    @contextmanager
    def _control(self) -> Iterator[None]:
        """Let one command at a time start, stop or change the server; its folder is made where it is missing."""
        try:
            for folder in (self._dir, self._data):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            lock = FileLock(self._dir / "control.lock", mode=0o600)
            lock.acquire(timeout=_CONTROL_SECONDS)
        except Timeout as error:
            raise StudioError("another command has been starting or stopping Label Studio for minutes") from error
        except OSError as error:
            raise StudioError(f"cannot write in {self._dir}: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    def _alive(self) -> int | None:
        """Return the pid of the process that holds the server's lock, or None (0: it has not said its pid yet)."""
        try:
            with (self._dir / "server.lock").open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    said = file.read()
                    return int(said) if said.isdigit() else 0
        except FileNotFoundError:
            pass
        return None

    def _running(self) -> dict[str, Any] | None:
        """Return what the running server says of itself, or None where none runs or it does not answer yet."""
        pid = self._alive()
        if pid is None:
            return None
        try:
            ready: dict[str, Any] = read_json(self._dir / "ready.json")
        except InputError:
            return None
        return ready if ready.get("pid") == pid else None

    def _prepare(self, environment: StudioEnvironment) -> None:
        """Lay out the data folder: a secret key of its own, and the template's database where there is none."""
        key = self._data / ".env"
        if not key.exists():
            write_atomic(key, f"SECRET_KEY={secrets.token_urlsafe(48)}\n", mode=0o600)
        if not self._database.exists():
            (self._dir / "accounts.json").unlink(missing_ok=True)
            with replacing(self._database, mode=0o600) as beside:
                shutil.copyfile(environment.template, beside)

    def _start(self, environment: StudioEnvironment, port: int, timeout: float) -> StudioAddress:
        log = self._dir / "log.txt"
        if log.exists():
            log.replace(self._dir / "log.previous.txt")
        (self._dir / "ready.json").unlink(missing_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._started = subprocess.Popen(
                environment.command("serve", str(self._dir), str(self._media_root), str(port)),
                env=clean_environment(self._data),
                cwd=self._dir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(output)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            running = self._running()
            if running is not None:
                return StudioAddress(running["url"], running["pid"])
            try:
                code = self._started.wait(_STEP)
            except subprocess.TimeoutExpired:
                continue
            if code == _PORT_IN_USE:
                raise _port_in_use(port)
            raise StudioError(f"Label Studio did not start: {self._last_words()}", hint=f"read {log}")
        self._started.kill()
        self._started.wait()
        raise StudioError(f"Label Studio did not answer within {timeout:g} s: {self._last_words()}", hint=f"read {log}")

    def _last_words(self) -> str:
        return last_line((self._dir / "log.txt").read_text(encoding="utf-8", errors="replace")) or "its log is empty"

    def _stop(self) -> None:
        pid = self._alive()
        for request in (signal.SIGTERM, signal.SIGKILL):
            if pid is None:
                break
            if pid > 1:
                try:
                    os.kill(pid, request)
                except ProcessLookupError:
                    break
            deadline = time.monotonic() + _STOP_SECONDS
            while pid is not None and time.monotonic() < deadline:
                # Another command's child as a rule, which cannot be waited for.
                time.sleep(_STEP)
                pid = self._alive()
        if pid is not None:
            raise StudioError(f"Label Studio (process {pid}) does not stop")
        if self._started is not None:
            # Ours, and ended: taken off the system's list.
            self._started.wait()
            self._started = None
        (self._dir / "ready.json").unlink(missing_ok=True)


def _lives(port: int) -> bool:
    """Tell whether a server still answers there; one that takes its time does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_STOP_SECONDS)
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except TimeoutError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _check_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise StudioError(f"port {port} is reserved for the system", hint="choose one above 1023") from error
        except OSError as error:
            raise _port_in_use(port) from error


def _port_in_use(port: int) -> StudioError:
    return StudioError(f"port {port} is in use by another program", hint="docposts studio up --port NUMBER, or none")
