"""Release folder → a dataset repository on the Hugging Face Hub: a plan, one commit, checks, then the tag.

The state of the repository decides what is left to do, so that a push that was stopped anywhere and is run again ends with
one commit and one tag. The only module that imports huggingface_hub.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit.errors import ChecksFailed, ConflictError, InputError, ServiceError, UsageError
from toolkit.fsio import read_bytes, sha256_file
from toolkit.release import loading
from toolkit.release.folder import Folder
from toolkit.release.layout import MANIFEST
from toolkit.release.verify import Gate, verify

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Progress = Callable[[str], None]
Access = Literal["auto", "manual"]
# Git's own settings, which the Hub writes: not the release's to remove.
_KEPT = (".gitattributes",)
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


@dataclass(frozen=True)
class PushPlan:
    """What a push would do.

    ``commit`` is the commit that holds the release already (made by a push that was stopped, or pushed and tagged), so that
    nothing is sent. ``gate`` is how access is to be granted: on request (``manual``), by agreeing (``auto``), or open.
    """

    repo: str
    version: str
    tag: str
    create: bool
    private: bool
    gate: Access | None
    parent: str | None
    send: tuple[str, ...]
    unchanged: tuple[str, ...]
    delete: tuple[str, ...]
    bytes: int
    commit: str | None
    tagged: bool
    pull_request: bool

    @property
    def done(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.tagged


@dataclass(frozen=True)
class Pushed:
    """What a push came to: the commit, its tag (None: a pull request awaits review), and where to look at it."""

    commit: str
    tag: str | None
    url: str


def plan(folder: Folder, repo: str, *, private: bool | None = None, pull_request: bool = False) -> PushPlan:
    """Return what a push of a release to ``repo`` (organisation/name) would do, without doing it.

    ``private`` None: as the repository is, and private where it is new. :class:`ChecksFailed` where a gate fails or the release
    is not to be published; :class:`ConflictError` where the version's tag holds other files.
    """
    if not _REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} names no repository: expected organisation/name")
    refuse(folder)
    with _reaching(repo):
        api = _api()
        there = look(api, repo)
        local = {path: local_digest(folder.path / path, path, there.files) for path in _paths(folder)}
        tag = f"v{folder.version}"
        delete = tuple(sorted(path for path in there.files if path not in local and path not in _KEPT))
        send = tuple(path for path, digest in local.items() if there.files.get(path) != digest)
        tagged = there.tags.get(tag)
        commit = there.head if there.exists and not send and not delete else None
        if tagged is not None:
            if not _holds(api, repo, tagged, folder):
                raise ConflictError(
                    f"{repo} has a tag {tag} that holds other files than {folder.path}",
                    hint="a version is published once: change nothing in a release folder, cut another version",
                )
            commit = tagged
        elif pull_request and commit is None:
            commit = next((oid for oid in there.pulls if _holds(api, repo, oid, folder)), None)
    return PushPlan(
        repo=repo,
        version=folder.version,
        tag=tag,
        create=not there.exists,
        private=(there.private if there.exists else True) if private is None else private,
        gate=gate_of(folder),
        parent=there.head,
        send=() if commit else send,
        unchanged=tuple(path for path in local if path not in send),
        delete=() if commit else delete,
        bytes=0 if commit else sum((folder.path / path).stat().st_size for path in send),
        commit=commit,
        tagged=tagged is not None,
        pull_request=pull_request,
    )


def push(folder: Folder, planned: PushPlan, *, progress: Progress = lambda _: None) -> Pushed:
    """Carry out a plan: one commit on the head that the plan saw, checked and loaded back by its id, then the tag.

    :class:`ConflictError` where somebody committed since; :class:`ChecksFailed` where what was loaded back differs, in which
    case no tag is set.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    repo = planned.repo
    with _reaching(repo):
        api = _api()
        if planned.tagged and planned.commit:
            return Pushed(planned.commit, planned.tag, _address(api, repo, planned.tag))
        if planned.create:
            progress(f"making {repo}")
            api.create_repo(repo, repo_type="dataset", private=planned.private, exist_ok=True)
        there = look(api, repo)
        # Before any file is there, so that nothing is open for a moment. A gate that somebody set is never taken away.
        gate = planned.gate if planned.gate and not there.gated else None
        if gate or there.private != planned.private:
            api.update_repo_settings(repo, repo_type="dataset", private=planned.private, gated=gate)
        commit = planned.commit
        if commit is None:
            if not planned.create and there.head != planned.parent:
                raise ConflictError(f"{repo} has changed since the plan", hint="look at the plan again, then push")
            progress(f"sending {len(planned.send)} files")
            operations: list[Any] = [CommitOperationAdd(path, str(folder.path / path)) for path in planned.send]
            operations += [CommitOperationDelete(path) for path in planned.delete]
            made = api.create_commit(
                repo,
                operations,
                repo_type="dataset",
                commit_message=f"Release {planned.version}",
                parent_commit=there.head,
                create_pr=planned.pull_request,
            )
            commit = str(made.oid)
        _check(api, repo, commit, folder, progress)
        if planned.pull_request and commit != look(api, repo).head:
            return Pushed(commit, None, f"{api.endpoint}/datasets/{repo}/discussions")
        progress(f"tagging {planned.tag}")
        api.create_tag(repo, tag=planned.tag, revision=commit, repo_type="dataset")
        return Pushed(commit, planned.tag, _address(api, repo, planned.tag))


def _check(api: HfApi, repo: str, commit: str, folder: Folder, progress: Progress) -> None:
    """Hold what the Hub has at a commit against the folder: checksums first, then as ``load_dataset`` gives it."""
    progress("comparing checksums")
    found = api.verify_repo_checksums(repo, repo_type="dataset", revision=commit, local_dir=str(folder.path))
    wrong = [entry["path"] for entry in found.mismatches]
    wrong += [path for path in found.missing_paths if path not in _KEPT]
    wrong += list(found.extra_paths)
    if wrong:
        raise ChecksFailed(f"{repo} at {commit} does not hold the release: {', '.join(sorted(wrong)[:5])}")
    progress("loading it back")
    if problems := loading.load_from_hub(folder, repo, commit):
        raise ChecksFailed(f"{repo} at {commit} does not load as the release: {'; '.join(problems[:5])}")


def download(repo: str, revision: str, to: Path) -> Folder:
    """Bring a repository's files at a revision (a tag, a branch, a commit) into a folder, every file's checksum compared."""
    return _download(repo, revision, to)[0]


def _download(repo: str, revision: str, to: Path) -> tuple[Folder, str]:
    if not _REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} names no repository: expected organisation/name")
    with _reaching(repo):
        api = _api()
        commit = str(api.repo_info(repo, repo_type="dataset", revision=revision).sha)
        api.snapshot_download(repo, repo_type="dataset", revision=commit, local_dir=str(to))
        found = api.verify_repo_checksums(repo, repo_type="dataset", revision=commit, local_dir=str(to))
        if found.mismatches or found.missing_paths:
            wrong = sorted([entry["path"] for entry in found.mismatches] + list(found.missing_paths))
            raise ServiceError(f"{repo} at {revision} came incomplete: {', '.join(wrong[:5])}", hint="try again")
    # What the client left of itself, and git's settings, are no part of the release.
    _sweep(to)
    return Folder(to), commit


def verify_there(repo: str, revision: str, *, progress: Progress = lambda _: None) -> list[Gate]:
    """Run every gate on what a repository holds at a revision, and one more: that it loads from there as it says."""
    with tempfile.TemporaryDirectory(prefix="docposts-hub-") as folder:
        progress(f"bringing {repo} at {revision}")
        there, commit = _download(repo, revision, Path(folder))
        progress("checking it")
        gates = verify(there.path)
        problems = loading.load_from_hub(there, repo, commit) if all(gate.ok for gate in gates) else ["not tried"]
    detail = "; ".join(problems) or "load_dataset gives every row from the Hub, the version as the card says"
    return [*gates, Gate("hub", not problems, detail)]


def _sweep(folder: Path) -> None:
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for name in _KEPT:
        (folder / name).unlink(missing_ok=True)


def refuse(folder: Folder) -> None:
    """Raise :class:`ChecksFailed` where a release is not to be published, or a gate fails."""
    manifest = folder.manifest
    if manifest["simulated"]:
        raise ChecksFailed(
            f"{folder.path} holds simulated labels: it can be cut and verified, not pushed",
            hint="push a release of judgements that people made",
        )
    if not manifest.get("publishable", False):
        raise ChecksFailed(
            f"{folder.path} is private: it holds what its sources' rights do not let out",
            hint="a dehydrated release carries labels and ids without the texts: see docs/guide.md",
        )
    if failed := [gate for gate in verify(folder.path) if not gate.ok]:
        lines = "\n  ".join(f"{gate.name}: {gate.detail}" for gate in failed)
        raise ChecksFailed(f"{folder.path} does not hold and is not pushed:\n  {lines}")


def gate_of(folder: Folder) -> Access | None:
    """Return how the card says that access is granted: only on request where it carries a gate's words."""
    return "manual" if any(str(key).startswith("extra_gated_") for key in folder.front) else None


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


def _holds(api: HfApi, repo: str, revision: str, folder: Folder) -> bool:
    found = api.verify_repo_checksums(repo, repo_type="dataset", revision=revision, local_dir=str(folder.path))
    missing = [path for path in found.missing_paths if path not in _KEPT]
    return not (found.mismatches or missing or found.extra_paths)


def local_digest(path: Path, name: str, there: Mapping[str, str]) -> str:
    """Return a file's digest as the Hub names it: SHA-256 where it keeps large files, else git's SHA-1 of a blob.

    Which of the two is told by the length of what the Hub has under that name; a file that it lacks is sent in any case.
    """
    if len(there.get(name, "")) == 40:
        data = read_bytes(path)
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return sha256_file(path)


def _paths(folder: Folder) -> list[str]:
    return sorted([*folder.manifest["files"], MANIFEST])


def _address(api: HfApi, repo: str, revision: str) -> str:
    return f"{api.endpoint}/datasets/{repo}/tree/{revision}"


def _api() -> HfApi:
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise ServiceError("there is no token for the Hugging Face Hub", hint=_TOKEN_HINT)
    # Read here and not at import, so that what the environment says now is what counts.
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


@contextmanager
def _reaching(repo: str) -> Iterator[None]:
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
