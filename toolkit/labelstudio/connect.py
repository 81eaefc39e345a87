"""Which Label Studio a workspace uses, and entering it: the embedded server, or another by URL and token."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from toolkit.errors import InputError, ServiceError
from toolkit.fsio import read_text
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.server import OWNER, EmbeddedStudio
from toolkit.resources import resource
from toolkit.workspace import Workspace

TOKEN_VARIABLE = "DOCPOSTS_LABEL_STUDIO_TOKEN"


def embedded(workspace: Workspace) -> EmbeddedStudio:
    """Return the workspace's own server, running or not."""
    return EmbeddedStudio(workspace.studio_dir, workspace.served_dir)


def connect(workspace: Workspace, account: str = OWNER) -> Studio:
    """Return the server that the settings name, entered as ``account`` (of another server: as the token's owner).

    :class:`ServiceError` where the embedded server does not run, or no token is given for another.
    """
    url = workspace.settings.label_studio.url
    if url:
        return Studio(url, token_for(workspace))
    studio = embedded(workspace)
    running = studio.status()
    if not running.running or not running.url:
        raise ServiceError("Label Studio does not run in this workspace", hint="docposts studio up")
    return Studio(running.url, studio.accounts([account])[account].token)


def token_for(workspace: Workspace) -> str:
    """Return the token for another server: from the environment, else from ``token_file``, which others may not read.

    :class:`ServiceError` where there is neither, :class:`InputError` where the file is open to others.
    """
    settings = workspace.settings.label_studio
    if token := os.environ.get(TOKEN_VARIABLE, "").strip():
        return token
    if not settings.token_file:
        raise ServiceError(
            f"no token for {settings.url}",
            hint=f"put a personal access token into {TOKEN_VARIABLE}, or into a file that label_studio.token_file names",
        )
    path = workspace.root / Path(settings.token_file).expanduser()
    token = read_text(path).strip()
    if path.stat().st_mode & 0o077:
        raise InputError(f"{path} can be read by others than you", hint=f"chmod 600 {path}")
    return token


def supported_version() -> str:
    """Return the version of Label Studio that this toolkit is tested with: the one that it installs."""
    pins = read_text(resource("constraints", "label-studio.txt")).splitlines()
    return next(pin.partition("==")[2] for pin in pins if pin.startswith("label-studio=="))


def warnings(workspace: Workspace, studio: Studio) -> list[str]:
    """Return what is worth knowing about another server: an untested version, a token that travels unencrypted."""
    found = []
    if workspace.settings.label_studio.url:
        parts = urlsplit(studio.url)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            found.append(f"{studio.url} has no TLS: the token and everything else travels unencrypted")
        if (version := studio.version()) != (tested := supported_version()):
            found.append(f"{studio.url} is Label Studio {version}; tested is {tested}: try it on a copy first")
    return found
