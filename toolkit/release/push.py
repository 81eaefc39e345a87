"""Release folder → a dataset repository on the Hugging Face Hub: a plan, one commit, checks, then the tag.

The state of the repository decides what is left to do, so that a push that was stopped anywhere and is run again ends with
one commit and one tag.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit.errors import ChecksFailed, ConflictError
from toolkit.release import loading
from toolkit.release.folder import Folder
from toolkit.release.gate import Gate, judged
from toolkit.release.hub import KEPT, address, bring, client, holds, local_digest, look, named, reaching
from toolkit.release.layout import MANIFEST
from toolkit.release.verify import ESSENTIAL, verify

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Progress = Callable[[str], None]
Access = Literal["auto", "manual"]


@dataclass(frozen=True)
class PushPlan:
    """What a push would do.

    ``moved`` are files whose content lies there under another name, by which it is taken over without being sent: path → that
    name. ``commit`` is the commit that holds the release already (made by a push that was stopped, or pushed and tagged), so that
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
    moved: Mapping[str, str]
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


def within_reach(folder: Folder, repo: str) -> None:
    """Raise what a plan would of the release's kind, the repository's name, a missing token, the way there.

    To be asked before the checks, which take longer.
    """
    refuse_private(folder)
    with reaching(named(repo)):
        look(client(), repo)


def plan(
    folder: Folder,
    repo: str,
    gates: Collection[Gate],
    *,
    private: bool | None = None,
    pull_request: bool = False,
) -> PushPlan:
    """Return what a push of a release to ``repo`` (organisation/name) would do, without doing it.

    ``gates`` are the checks that were run on it. ``private`` None: as the repository is, and private where it is new.
    :class:`ChecksFailed` where a gate fails, an essential one was not run, or the release is not to be published;
    :class:`ConflictError` where the version's tag holds other files.
    """
    refuse(folder, gates)
    with reaching(named(repo)):
        api = client()
        there = look(api, repo)
        local = {path: local_digest(folder.path / path, path, there.files) for path in _paths(folder)}
        tag = f"v{folder.version}"
        delete = tuple(sorted(path for path in there.files if path not in local and path not in KEPT))
        new = {path: digest for path, digest in local.items() if there.files.get(path) != digest}
        moved = _moved(new, there.files)
        send = tuple(path for path in new if path not in moved)
        tagged = there.tags.get(tag)
        commit = there.head if there.exists and not new and not delete else None
        if tagged is not None:
            if not holds(api, repo, tagged, folder):
                raise ConflictError(
                    f"{repo} has a tag {tag} that holds other files than {folder.path}",
                    hint="a version is published once: change nothing in a release folder, cut another version",
                )
            commit = tagged
        elif pull_request and commit is None:
            commit = next((oid for oid in there.pulls if holds(api, repo, oid, folder)), None)
    return PushPlan(
        repo=repo,
        version=folder.version,
        tag=tag,
        create=not there.exists,
        private=(there.private if there.exists else True) if private is None else private,
        gate=gate_of(folder),
        parent=there.head,
        send=() if commit else send,
        moved={} if commit else moved,
        unchanged=tuple(path for path in local if path not in new),
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
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete

    repo = planned.repo
    with reaching(repo):
        api = client()
        if planned.tagged and planned.commit:
            return Pushed(planned.commit, planned.tag, address(api, repo, planned.tag))
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
            operations += [
                CommitOperationCopy(old, path, src_revision=there.head) for path, old in planned.moved.items()
            ]
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
        return Pushed(commit, planned.tag, address(api, repo, planned.tag))


def _check(api: HfApi, repo: str, commit: str, folder: Folder, progress: Progress) -> None:
    """Hold what the Hub has at a commit against the folder: checksums first, then as ``load_dataset`` gives it."""
    progress("comparing checksums")
    found = api.verify_repo_checksums(repo, repo_type="dataset", revision=commit, local_dir=str(folder.path))
    wrong = [entry["path"] for entry in found.mismatches]
    wrong += [path for path in found.missing_paths if path not in KEPT]
    wrong += list(found.extra_paths)
    if wrong:
        raise ChecksFailed(f"{repo} at {commit} does not hold the release: {', '.join(sorted(wrong)[:5])}")
    progress("loading it back")
    if problems := loading.load_from_hub(folder, repo, commit):
        raise ChecksFailed(f"{repo} at {commit} does not load as the release: {'; '.join(problems[:5])}")


def verify_there(repo: str, revision: str, *, progress: Progress = lambda _: None) -> list[Gate]:
    """Run every gate on what a repository holds at a revision, and one more: that it loads from there as it says."""
    with tempfile.TemporaryDirectory(prefix="docposts-hub-") as folder:
        progress(f"bringing {repo} at {revision}")
        there, commit = bring(repo, revision, Path(folder))
        progress("checking it")
        gates = verify(there.path)
        if failed := [gate.name for gate in gates if gate.failed]:
            return [*gates, Gate("hub", "not run", f"{', '.join(failed)} does not hold")]
        problems = loading.load_from_hub(there, repo, commit)
    return [*gates, judged("hub", problems, "load_dataset gives every row from the Hub, the version as the card says")]


def refuse_private(folder: Folder) -> None:
    """Raise :class:`ChecksFailed` where a release says of itself that it is not to be published."""
    manifest = folder.manifest
    if manifest["simulated"]:
        raise ChecksFailed(
            f"{folder.path} holds simulated labels: it can be cut and verified, not pushed",
            hint="push a release of judgements that people made",
        )
    if not manifest["publishable"]:
        raise ChecksFailed(
            f"{folder.path} is private: it holds what its sources' rights do not let out",
            hint="a dehydrated release carries labels and ids without the texts: see docs/guide.md",
        )


def refuse(folder: Folder, gates: Collection[Gate]) -> None:
    """Raise :class:`ChecksFailed` where a release is not to be published, a gate fails, or an essential one was not run."""
    refuse_private(folder)
    run = {gate.name for gate in gates if gate.state != "not run"}
    if wrong := [gate for gate in gates if gate.failed or (gate.name in ESSENTIAL and gate.name not in run)]:
        lines = "\n  ".join(f"{gate.name} ({gate.state}): {gate.detail}" for gate in wrong)
        raise ChecksFailed(f"{folder.path} does not hold and is not pushed:\n  {lines}")
    if missing := sorted(ESSENTIAL - run):
        raise ChecksFailed(f"{folder.path} is not pushed: {', '.join(missing)} was not run")


def gate_of(folder: Folder) -> Access | None:
    """Return how the card says that access is granted: only on request where it carries a gate's words."""
    return "manual" if any(str(key).startswith("extra_gated_") for key in folder.front) else None


def _moved(new: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Return the large files that lie there under another name: a split's files are all called anew when they become more."""
    names = {digest: path for path, digest in there.items() if len(digest) == 64}
    return {path: names[digest] for path, digest in new.items() if digest in names}


def _paths(folder: Folder) -> list[str]:
    return sorted([*folder.manifest["files"], MANIFEST])
