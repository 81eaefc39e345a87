"""The Hugging Face Hub's client: what a repository holds, its files brought over, its errors as ours.

The only module that makes a client; what is pushed, and when, is :mod:`toolkit.release.push`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import ConflictError, InputError, ServiceError, UsageError
from toolkit.fsio import read_bytes, sha256_file
from toolkit.release.folder import Folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Git's own settings, which the Hub writes: not the release's to remove.
KEPT = (".gitattributes",)
_TOKEN_HINT = "set HF_TOKEN to a token that may write there, or log in once: hf auth login"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Remote:
    """What a repository holds: ``head`` is the last commit of its main branch, ``files`` path → digest as git or LFS names it."""

    exists: bool
    head: str | None
    private: bool
    gated: str | bool
    files: Mapping[str, str]
    tags: Mapping[str, str]
    pulls: tuple[str, ...] = ()


def named(repo: str) -> str:
    """Return a repository's name; :class:`UsageError` where it is none."""
    if not _REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} names no repository: expected organisation/name")
    return repo


def download(repo: str, revision: str, to: Path) -> Folder:
    """Bring a repository's files at a revision (a tag, a branch, a commit) into a folder, every file's checksum compared."""
    return bring(repo, revision, to)[0]


def bring(repo: str, revision: str, to: Path) -> tuple[Folder, str]:
    """Bring a repository's files over, as :func:`download` does; return the folder and the commit that the revision is."""
    with reaching(named(repo)):
        api = client()
        commit = str(api.repo_info(repo, repo_type="dataset", revision=revision).sha)
        api.snapshot_download(repo, repo_type="dataset", revision=commit, local_dir=str(to))
        found = api.verify_repo_checksums(repo, repo_type="dataset", revision=commit, local_dir=str(to))
        if found.mismatches or found.missing_paths:
            wrong = sorted([entry["path"] for entry in found.mismatches] + list(found.missing_paths))
            raise ServiceError(f"{repo} at {revision} came incomplete: {', '.join(wrong[:5])}", hint="try again")
    # What the client left of itself, and git's settings, are no part of the release.
    _sweep(to)
    return Folder(to), commit


def _sweep(folder: Path) -> None:
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for name in KEPT:
        (folder / name).unlink(missing_ok=True)


def look(api: HfApi, repo: str) -> Remote:
    """Return what a repository holds now; one that is not there, or hidden from the token, has nothing."""
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.hf_api import RepoFile

    try:
        info = api.repo_info(repo, repo_type="dataset")
    except RepositoryNotFoundError:
        return Remote(False, None, True, False, {}, {})
    files = {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in api.list_repo_tree(repo, repo_type="dataset", revision=info.sha, recursive=True)
        if isinstance(entry, RepoFile)
    }
    refs = api.list_repo_refs(repo, repo_type="dataset", include_pull_requests=True)
    tags = {ref.name: ref.target_commit for ref in refs.tags}
    pulls = tuple(ref.target_commit for ref in refs.pull_requests or ())
    return Remote(True, info.sha, bool(info.private), info.gated or False, files, tags, pulls)


def holds(api: HfApi, repo: str, revision: str, folder: Folder) -> bool:
    """Tell whether a repository at a revision holds just the files of a folder."""
    found = api.verify_repo_checksums(repo, repo_type="dataset", revision=revision, local_dir=str(folder.path))
    missing = [path for path in found.missing_paths if path not in KEPT]
    return not (found.mismatches or missing or found.extra_paths)


def local_digest(path: Path, name: str, there: Mapping[str, str]) -> str:
    """Return a file's digest as the Hub names it: SHA-256 where it keeps large files, else git's SHA-1 of a blob.

    Which of the two is told by the length of what the Hub has under that name; a file that it lacks is sent in any case.
    """
    if len(there.get(name, "")) == 40:
        data = read_bytes(path)
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return sha256_file(path)


def address(api: HfApi, repo: str, revision: str) -> str:
    """Return where to look at a repository at a revision."""
    return f"{api.endpoint}/datasets/{repo}/tree/{revision}"


def client() -> HfApi:
    """Return the Hub's client; :class:`ServiceError` where there is no token."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if get_token() is None:
        raise ServiceError("there is no token for the Hugging Face Hub", hint=_TOKEN_HINT)
    if not sys.stderr.isatty():
        # Of its bars not all look for themselves.
        disable_progress_bars()
    # Read here and not at import, so that what the environment says now is what counts.
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


@contextmanager
def reaching(repo: str) -> Iterator[None]:
    """Turn what the client raises into an error that says what to do; no message of it holds the token."""
    import httpx2  # the client that huggingface_hub speaks through
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ServiceError(f"{repo} is gated, and the token has no access to it", hint=_TOKEN_HINT) from error
    except errors.RepositoryNotFoundError as error:
        raise ServiceError(f"{repo} is not there, or hidden from the token", hint=_TOKEN_HINT) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(
            f"{repo} has no such revision", hint="docposts release push makes tags such as v1.0.0"
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise ServiceError(f"{repo}: the Hub refused the token ({status})", hint=_TOKEN_HINT) from error
        if status == 412:
            raise ConflictError(
                f"{repo} has changed since the plan", hint="look at the plan again, then push"
            ) from error
        raise ServiceError(f"{repo}: the Hub answered {status}", hint="push again: it goes on from there") from error
    except (httpx2.HTTPError, ConnectionError, TimeoutError) as error:
        raise ServiceError(
            f"the Hub cannot be reached: {type(error).__name__}", hint="push again: it goes on from where it was"
        ) from error
