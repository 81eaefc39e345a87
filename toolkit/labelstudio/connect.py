"""Which Label Studio a workspace uses, and entering it: the embedded server, or another by URL and token."""

from __future__ import annotations

import os

from toolkit.errors import ServiceError
from toolkit.labelstudio.client import Studio
from toolkit.labelstudio.server import OWNER, EmbeddedStudio
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
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise ServiceError(f"no token for {url}", hint=f"put a personal access token into {TOKEN_VARIABLE}")
        return Studio(url, token)
    studio = embedded(workspace)
    running = studio.status()
    if not running.running or not running.url:
        raise ServiceError("Label Studio does not run in this workspace", hint="docposts studio up")
    return Studio(running.url, studio.accounts([account])[account].token)
