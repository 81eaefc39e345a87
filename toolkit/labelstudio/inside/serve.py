"""Serve Label Studio on 127.0.0.1 until SIGTERM: ``serve.py STUDIO_DIR MEDIA_ROOT PORT`` (port 0: any free one).

``STUDIO_DIR/server.lock`` is held locked for as long as this process lives, with its pid inside: the lock, which the
system lets go however the process ends, says whether a server runs. ``STUDIO_DIR/ready.json`` (url, port, pid, version)
is there once it answers. Exit codes beside 0: 75 another server holds the lock, 98 the port is in use.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO

import bootstrap

LOCKED = 75
PORT_IN_USE = 98
_LOCK_PATIENCE = 2.0  # seconds: whoever asks whether a server runs holds the lock, shared, for a moment
_STOP_PATIENCE = 2.0  # seconds that requests under way get to finish
_THREADS = 8


def _hold_lock(path: Path) -> IO[str]:
    file = path.open("a+")
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                print("another server of this workspace is running", file=sys.stderr)
                sys.exit(LOCKED)
            # flock has no limit to its waiting of its own.
            time.sleep(0.02)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _bind(port: int) -> socket.socket:
    """Take the port before the slow part, so that a busy one is told at once; it answers nobody until it listens."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        print(f"cannot use port {port}: {error.strerror}", file=sys.stderr)
        sys.exit(PORT_IN_USE if error.errno == errno.EADDRINUSE else 1)
    return listener


def _write_private(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(path)


def _stop(_signal: int, _frame: object) -> None:
    # A request that does not end in time is cut off: SQLite rolls it back.
    guard = threading.Timer(_STOP_PATIENCE, os._exit, [0])
    guard.daemon = True
    guard.start()
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM."""
    studio_dir, media_root, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    os.umask(0o077)
    lock = _hold_lock(studio_dir / "server.lock")
    ready = studio_dir / "ready.json"
    ready.unlink(missing_ok=True)
    listener = _bind(port)
    port = listener.getsockname()[1]

    bootstrap.load(studio_dir / "data", media_root)
    bootstrap.migrate()
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from label_studio import __version__
    from waitress.server import create_server

    settings.INTERNAL_PORT = str(port)
    # Its page loads an image first and then shows it as a blob, which its own content policy forbids once enforced.
    settings.CSP_IMG_SRC = ("'self'", "data:", "blob:")
    settings.CSP_CONNECT_SRC = ("'self'",)
    server = create_server(
        get_wsgi_application(), sockets=[listener], threads=_THREADS, ident=None, max_request_body_size=256 * 1024**2
    )
    signal.signal(signal.SIGTERM, _stop)
    address = {"url": f"http://127.0.0.1:{port}", "port": port, "pid": os.getpid(), "version": __version__}
    _write_private(ready, json.dumps(address))
    try:
        server.run()
    finally:
        ready.unlink(missing_ok=True)
        lock.close()


if __name__ == "__main__":
    main()
