"""Load Label Studio in this process, closed in: set before its import, since it reads its environment only then."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

_CLOSED_IN = {
    # Nothing calls home: no version check, no analytics, no error reports.
    "LATEST_VERSION_CHECK": "0",
    "COLLECT_ANALYTICS": "0",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    # Nobody signs up by themselves, no other host name or origin is served, and the content policy is enforced: under
    # the default one, which only reports, a script inside a labelled text could run.
    "DISABLE_SIGNUP_WITHOUT_LINK": "1",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "CORS_ALLOW_ALL_ORIGINS": "0",
    "LS_CSP_REPORT_ONLY": "0",
    # Predictions that do not fit the labelling configuration are refused instead of stored.
    "LABEL_STUDIO_fflag_feat_utc_210_prediction_validation_15082025": "true",
    "DJANGO_DB": "sqlite",
    "LOG_LEVEL": "WARNING",
}


def load(data_dir: Path, media_root: Path | None = None) -> None:
    """Set Label Studio up on ``data_dir``, which holds its database and secret key; new files are private."""
    os.umask(0o077)
    os.environ.update(_CLOSED_IN)
    os.environ["LABEL_STUDIO_BASE_DATA_DIR"] = str(data_dir)
    if media_root is not None:
        os.environ["LOCAL_FILES_SERVING_ENABLED"] = "true"
        os.environ["LOCAL_FILES_DOCUMENT_ROOT"] = str(media_root)
    else:
        os.environ["LOCAL_FILES_SERVING_ENABLED"] = "false"
    sys.addaudithook(_refuse_outgoing)

    from label_studio.server import _setup_env

    _setup_env()


def migrate() -> None:
    """Bring the database to this version's schema; nothing to do for a copy of the template."""
    from label_studio.server import _apply_database_migrations

    _apply_database_migrations()


def _is_local(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1", "0.0.0.0") or str(name).startswith("127.")


def _refuse_outgoing(event: str, args: tuple[Any, ...]) -> None:
    """Let no connection and no name look-up leave this machine, whatever a setting or a later version may do."""
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise ConnectionRefusedError(f"the embedded Label Studio makes no outgoing connections ({event})")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_local(args[0]):
        raise socket.gaierror(socket.EAI_NONAME, "the embedded Label Studio makes no outgoing connections")
