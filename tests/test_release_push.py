"""Pushing to a server that speaks the Hub's protocol: the plan, one commit, the checks, the tag, and every fault between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import docposts, inside
from tests.plugins.hub import TOKEN, Fault, HubDouble, Repo
from tests.releases import HOLD, by_people, cut_folder, workspace_of
from tests.test_release_rows import world
from toolkit.errors import ChecksFailed, ConflictError, InputError, ServiceError, UsageError
from toolkit.release.folder import Folder
from toolkit.release.hub import download
from toolkit.release.loading import load_from_hub
from toolkit.release.push import PushPlan, push
from toolkit.release.push import plan as plan_push
from toolkit.release.verify import verify

REPO = "lantern-lab/lantern-quay"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases that people judged: 1.0.0, and one in which an author was added."""
    workspace, of = workspace_of(tmp_path_factory.mktemp("push") / "w"), by_people(world())
    first = cut_folder(workspace, of, "0.1.0").path
    of.tables["sources"][0]["authors"] = ["Ansel Quill", "Mira Tern"]
    return first, cut_folder(workspace, of, "0.2.0").path


def plan(folder: Folder, repo: str, **options: Any) -> PushPlan:
    """Plan a push of a release whose gates hold, as other tests show: here what is sent is at stake."""
    return plan_push(folder, repo, HOLD, **options)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was pushed loads, as other tests show."""
    monkeypatch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_push_and_load_by_tag(
    online: HubDouble, two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = docposts("release", "push", REPO, "--release", two[0], "--yes", "--json", env=online.environment)
    said = json.loads(out.stdout)
    repo = online.repos[REPO]
    assert (repo.private, said["tag"], repo.tags) == (True, "v1.0.0", {"v1.0.0": said["commit"]})
    assert [commit.title for commit in repo.history()] == ["Release 1.0.0", "initial commit"]
    held = dict(repo.commits[repo.main].files)
    held.pop(".gitattributes")
    assert held == files(two[0])
    # The token is said nowhere, and no bar is drawn where there is no terminal.
    assert TOKEN not in out.stdout + out.stderr and "%|" not in out.stderr
    again = plan(Folder(two[0]), REPO)
    assert again.tagged and again.send == again.delete == () and len(repo.history()) == 2
    # As a user loads it, by its tag, the files of a later release notwithstanding.
    with monkeypatch.context() as patch:
        patch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])
        push(Folder(two[1]), plan(Folder(two[1]), REPO))
    checked = docposts("release", "verify", "--hub", REPO, "--revision", "v1.0.0", "--json", env=online.environment)
    assert [row["gate"] for row in json.loads(checked.stdout)][-2:] == ["load", "hub"]
    second = Folder(two[1]).version
    code = (
        "import datasets, json; "
        f"d = [datasets.load_dataset('{REPO}', 'sources', revision=v, split='train') for v in ('v1.0.0', 'v{second}')];"
        "print(json.dumps([[str(x.info.version), x['authors'][0]] for x in d]))"
    )
    loaded = run_python(code, online, tmp_path)
    assert json.loads(loaded) == [["1.0.0", ["Ansel Quill"]], [second, ["Ansel Quill", "Mira Tern"]]]


def run_python(code: str, hub: HubDouble, home: Path) -> str:
    import os
    import subprocess
    import sys

    env = os.environ | hub.environment | {"HF_HOME": str(home / "hf")}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("quick")
def test_the_plan_names_what_changes_and_nothing_else_is_sent(online: HubDouble, two: tuple[Path, Path]) -> None:
    first, second = Folder(two[0]), Folder(two[1])
    planned = plan(first, REPO)
    assert (planned.create, planned.private, planned.parent, planned.delete) == (True, True, None, ())
    assert set(planned.send) == set(files(two[0])) and planned.bytes == sum(map(len, files(two[0]).values()))
    assert not online.repos, "a plan changes nothing"
    push(first, planned)
    online.uploaded = 0
    changed = {path for path, data in files(two[1]).items() if files(two[0]).get(path) != data}
    planned = plan(second, REPO)
    assert (set(planned.send), set(planned.unchanged)) == (changed, set(files(two[1])) - changed)
    assert "sources/train-00000-of-00001.parquet" in changed and "posts/train-00000-of-00001.parquet" not in changed
    push(second, planned)
    large = [data for path, data in files(two[1]).items() if path in changed and path.endswith(".parquet")]
    assert online.uploaded == sum(map(len, large))
    assert len(online.repos[REPO].history()) == 3


@pytest.mark.usefixtures("quick")
def test_files_that_went_are_deleted_in_the_same_commit(online: HubDouble, two: tuple[Path, Path]) -> None:
    push(Folder(two[0]), plan(Folder(two[0]), REPO))
    repo = online.repos[REPO]
    held = repo.commits[repo.main]
    repo.commit(held.oid, "by hand", held.files | {"posts/train-00001-of-00002.parquet": b"stray", "notes.txt": b"x"})
    planned = plan(Folder(two[1]), REPO)
    assert planned.delete == ("notes.txt", "posts/train-00001-of-00002.parquet")
    push(Folder(two[1]), planned)
    assert set(repo.commits[repo.main].files) == {*files(two[1]), ".gitattributes"}
    assert [c.title for c in repo.history()] == ["Release 2.0.0", "by hand", "Release 1.0.0", "initial commit"]


FAULTS = [
    ("POST", "/api/repos/create", "before"),
    ("POST", "/api/repos/create", "after"),
    ("POST", "/preupload/", 500),
    ("POST", "/info/lfs/objects/batch", "before"),
    ("PUT", "/lfs/", "before"),
    ("PUT", "/lfs/", "after"),
    ("POST", "/commit/", "before"),
    ("POST", "/commit/", "after"),
    ("POST", "/commit/", "cut"),
    ("POST", "/commit/", 500),
    ("GET", "/tree/", "cut"),
    ("HEAD", "/resolve/", 500),
    ("GET", "/resolve/", "cut"),
    ("POST", "/tag/", "before"),
    ("POST", "/tag/", "after"),
    ("POST", "/tag/", 500),
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("method", "path", "kind"), FAULTS)
def test_a_push_that_fails_anywhere_ends_with_one_commit_and_one_tag(
    online: HubDouble, two: tuple[Path, Path], method: str, path: str, kind: str | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Hub's client waits, twice as long each time, before it asks again.
    monkeypatch.setattr("time.sleep", lambda _: None)
    if path == "/resolve/":
        # What only the loader asks for.
        monkeypatch.setattr("toolkit.release.loading.load_from_hub", load_from_hub)
    folder, fault = Folder(two[0]), Fault(method, path, kind)
    online.faults.append(fault)
    for _ in range(3):
        try:
            done = push(folder, plan(folder, REPO))
            break
        except (ServiceError, ChecksFailed):
            continue
    repo = online.repos[REPO]
    assert fault.fired
    assert [commit.title for commit in repo.history()] == ["Release 1.0.0", "initial commit"]
    assert repo.tags == {"v1.0.0": repo.main} == {done.tag: done.commit}
    assert {p: d for p, d in repo.commits[repo.main].files.items() if p != ".gitattributes"} == files(two[0])


@pytest.mark.usefixtures("quick")
def test_somebody_commits_meanwhile(online: HubDouble, two: tuple[Path, Path]) -> None:
    push(Folder(two[0]), plan(Folder(two[0]), REPO))
    planned = plan(Folder(two[1]), REPO)
    repo = online.repos[REPO]
    other = repo.commit(repo.main, "by hand", repo.commits[repo.main].files | {"notes.txt": b"x"})
    with pytest.raises(ConflictError, match="changed since the plan"):
        push(Folder(two[1]), planned)
    assert repo.main == other
    # And between the look and the commit: the server refuses, since the parent is another.
    planned = plan(Folder(two[1]), REPO)

    def meanwhile(held: Any) -> None:
        online.on_commit = None
        held.commit(held.main, "again", held.commits[held.main].files | {"more.txt": b"y"})

    online.on_commit = meanwhile
    with pytest.raises(ConflictError, match="changed since the plan"):
        push(Folder(two[1]), planned)
    assert repo.history()[0].title == "again" and set(repo.tags) == {"v1.0.0"}


@pytest.mark.usefixtures("quick")
def test_a_version_is_published_once(online: HubDouble, two: tuple[Path, Path], tmp_path: Path) -> None:
    push(Folder(two[0]), plan(Folder(two[0]), REPO))
    other = tmp_path / "other"
    shutil.copytree(two[0], other)
    (other / "LICENSE.md").write_text("another\n")
    with pytest.raises(ConflictError, match=r"has a tag v1\.0\.0 that holds other files"):
        plan(Folder(other), REPO)


@pytest.mark.usefixtures("quick")
def test_a_pull_request_awaits_review_and_gets_its_tag_once_merged(online: HubDouble, two: tuple[Path, Path]) -> None:
    push(Folder(two[0]), plan(Folder(two[0]), REPO))
    repo, before = online.repos[REPO], online.repos[REPO].main
    done = push(Folder(two[1]), plan(Folder(two[1]), REPO, pull_request=True))
    assert (done.tag, repo.main, repo.pulls) == (None, before, [done.commit])
    again = push(Folder(two[1]), plan(Folder(two[1]), REPO, pull_request=True))
    assert (again.commit, len(repo.pulls)) == (done.commit, 1), "one pull request, however often"
    repo.main = done.commit
    tagged = push(Folder(two[1]), plan(Folder(two[1]), REPO))
    assert (tagged.tag, tagged.commit) == ("v2.0.0", done.commit) and len(repo.history()) == 3


def test_what_may_not_be_published_is_refused(online: HubDouble, tmp_path: Path) -> None:
    simulated = cut_folder(workspace_of(tmp_path / "s"), world(), "0.1.0").path
    out = docposts("release", "push", REPO, "--release", simulated, "--yes", code=3, env=online.environment)
    assert "simulated labels" in out.stderr and not online.requests
    damaged = cut_folder(workspace_of(tmp_path / "d"), by_people(world()), "0.1.0").path
    # Clean, but not everything was looked at: what was not run is not taken for what holds.
    with pytest.raises(ChecksFailed, match=r"load \(not run\): left out, as asked"):
        plan_push(Folder(damaged), REPO, verify(damaged, load=False))
    with pytest.raises(ChecksFailed, match=r"load was not run"):
        plan_push(Folder(damaged), REPO, [gate for gate in HOLD if gate.name != "load"])
    (damaged / "stray.txt").write_text("x")
    with pytest.raises(ChecksFailed, match=r"manifest \(fails\): stray\.txt is not in the manifest"):
        plan_push(Folder(damaged), REPO, verify(damaged))
    assert not online.requests


def test_bad_words_and_no_token(
    online: HubDouble, two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_it = ("release", "push", "--release", two[0])
    out = docposts(*push_it, REPO, code=2, env=online.environment)
    assert "--yes" in out.stderr and not online.repos
    out = inside(*push_it[:-1], tmp_path / "none", REPO, "--yes", code=1, cwd=two[0].parents[1])
    assert "is no release folder" in out.stderr
    # What is told without the checks, which take longer.
    monkeypatch.setattr("toolkit.release.checks.checked", lambda *_: pytest.fail("checked first"))
    assert "expected organisation/name" in inside(*push_it, "no-slash", "--yes", code=2).stderr
    monkeypatch.setattr("toolkit.release.checks.checked", lambda *_: HOLD)
    out = inside(*push_it, REPO, "--yes", code=4, env={"HF_TOKEN": "hf_wrong"})
    assert "refused the token" in out.stderr and "hf_wrong" not in out.stderr
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ServiceError, match="cannot be reached"):
        plan(Folder(two[0]), REPO)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ServiceError, match="no token"):
        plan(Folder(two[0]), REPO)
    assert not online.repos


@pytest.mark.usefixtures("quick")
def test_a_gated_release_is_gated_before_its_files_are_there(online: HubDouble, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w", gated="yes")
    gated = cut_folder(workspace, by_people(world()), "0.1.0").path
    seen: list[object] = []
    online.on_commit = lambda repo: seen.append(repo.gated)
    planned = plan(Folder(gated), REPO)
    assert planned.gate == "manual"
    push(Folder(gated), planned)
    assert seen == ["manual"] and online.repos[REPO].gated == "manual"


@pytest.mark.usefixtures("quick")
def test_what_loads_otherwise_gets_no_tag(
    online: HubDouble, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(Folder(two[0]), REPO)
    monkeypatch.setattr("toolkit.release.loading.load_from_hub", lambda *_: ["posts (batch): other rows"])
    with pytest.raises(ChecksFailed, match="does not load as the release: posts"):
        push(Folder(two[0]), planned)
    assert online.repos[REPO].tags == {}


def test_what_somebody_changed_on_the_hub_is_found(online: HubDouble, two: tuple[Path, Path]) -> None:
    held = files(two[0])
    repo = online.repos.setdefault(REPO, Repo())
    repo.commit(repo.main, "by hand", held | {"LICENSE.md": b"do as you like\n"})
    out = docposts("release", "verify", "--hub", REPO, "--json", code=3, env=online.environment)
    found = {row["gate"]: row for row in json.loads(out.stdout)}
    assert found["manifest"]["detail"] == "LICENSE.md was changed" and found["hub"]["state"] == "not run"
    out = docposts("release", "verify", "--hub", "lantern-lab/none", code=4, env=online.environment)
    assert "is not there, or hidden" in out.stderr
    out = docposts("release", "verify", two[0], "--hub", REPO, code=2, env=online.environment)
    assert "one of them" in out.stderr


@pytest.mark.usefixtures("quick")
def test_download_of_a_revision(online: HubDouble, two: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in two:
        push(Folder(folder), plan(Folder(folder), REPO))
    assert files(download(REPO, "v1.0.0", tmp_path / "a").path) == files(two[0])
    assert files(download(REPO, "main", tmp_path / "b").path) == files(two[1])
    with pytest.raises(InputError, match="no such revision"):
        download(REPO, "v9.0.0", tmp_path / "c")
    with pytest.raises(ServiceError, match="is not there, or hidden"):
        download("lantern-lab/none", "main", tmp_path / "d")
    with pytest.raises(UsageError):
        download("none", "main", tmp_path / "e")


@pytest.mark.usefixtures("quick")
def test_an_incomplete_snapshot_is_not_taken_for_whole(
    online: HubDouble, two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives a snapshot back without complaint where a file is missing: the checksums are compared after it."""
    from huggingface_hub import HfApi

    push(Folder(two[0]), plan(Folder(two[0]), REPO))
    whole = HfApi.snapshot_download

    def incomplete(self: HfApi, *args: Any, **options: Any) -> Any:
        found = whole(self, *args, **options)
        (Path(options["local_dir"]) / "sources" / "train-00000-of-00001.parquet").unlink()
        return found

    monkeypatch.setattr(HfApi, "snapshot_download", incomplete)
    with pytest.raises(ServiceError, match=r"came incomplete: sources/train-00000-of-00001\.parquet"):
        download(REPO, "v1.0.0", tmp_path / "a")


def test_a_cache_is_not_taken_for_the_hub(online: HubDouble, two: tuple[Path, Path]) -> None:
    """Where the Hub does not answer, the loader falls back on what it has, whatever the revision: a fresh cache has nothing."""
    folder = Folder(two[0])
    done = push(folder, plan(folder, REPO))
    assert load_from_hub(folder, REPO, done.commit) == []
    online.faults += [Fault(method, "/", 503, nth) for method in ("GET", "HEAD") for nth in range(1, 200)]
    (problem,) = load_from_hub(folder, REPO, done.commit)
    assert problem.startswith("load_dataset failed: ")


def test_a_revision_that_the_cache_answers_for(online: HubDouble, two: tuple[Path, Path], tmp_path: Path) -> None:
    """The trap without its cure: where the Hub is down, another revision's rows come without an error; info.version tells."""
    for folder in two:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("toolkit.release.loading.load_from_hub", lambda *_: [])
            push(Folder(folder), plan(Folder(folder), REPO))
    second = Folder(two[1]).version
    code = (
        "import datasets; "
        f"d = datasets.load_dataset('{REPO}', 'sources', revision='{{}}', split='train'); print(d.info.version)"
    )
    assert run_python(code.format("v1.0.0"), online, tmp_path).strip() == "1.0.0"
    online.faults += [Fault(method, "/", 503, nth) for method in ("GET", "HEAD") for nth in range(1, 200)]
    assert run_python(code.format(f"v{second}"), online, tmp_path).strip() == "1.0.0" != second
