"""Cutting releases: what lies in the folder, versions, ledger, and the loader's traps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import inside
from tests.releases import cut_world, failing, judged_by, photograph, with_image, workspace_of
from tests.test_release_rows import P1, P2, P4, PHOTO, World, judgement, post, some_id, world
from toolkit.errors import ChecksFailed, ConflictError, InputError
from toolkit.fsio import read_json, read_text
from toolkit.release import build
from toolkit.release.build import Cut
from toolkit.release.checks import again
from toolkit.release.folder import Folder
from toolkit.release.push import gate_of
from toolkit.release.seal import seal
from toolkit.release.verify import GATES, verify
from toolkit.release.versions import releases
from toolkit.resources import resource
from toolkit.workspace import Workspace

Cutter = Callable[..., Cut]
HEAVY = "load"


@pytest.fixture
def cutter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cut]:
    """Cut a world in a workspace, as its next corpus version; without the gates that load unless asked."""

    def run(workspace: Workspace, of: World, *, load: bool = False, **options: Any) -> Cut:
        judged_by(monkeypatch, of)
        version = f"0.{len(list(workspace.corpus_dir.glob('0.*'))) + 1}.0"
        return cut_world(workspace, of, version, load=load, **options)

    return run


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_release_is_cut_checked_and_entered(tmp_path: Path, cutter: Cutter) -> None:
    workspace = workspace_of(tmp_path / "w")
    out = cutter(workspace, with_image(world(), tmp_path, photograph()), load=True)
    assert (out.version, out.new, out.folder) == ("1.0.0", True, workspace.releases_dir / "1.0.0")
    assert failing(verify(out.folder, load=False)) == {}
    manifest = read_json(out.folder / "MANIFEST.json")
    splits = manifest["configs"]["posts"]
    assert sum(entry["rows"] for entry in splits.values()) == 5 and set(splits) == {"train", "test"}
    assert list(manifest["configs"]["sources"]) == ["train"]
    assert (manifest["simulated"], manifest["restricted"], manifest["publishable"]) == (True, False, False)
    assert [record["version"] for record in workspace.ledger.records("release")] == ["1.0.0"]
    dealt = {member for record in workspace.ledger.records("split") for member in record["members"]}
    assert dealt == {P1, P2, P4, PHOTO, some_id("post", "p3"), some_id("post", "p5")}
    assert (workspace.root / "release.key").stat().st_mode & 0o777 == 0o600
    key = read_text(workspace.root / "release.key").strip()
    assert all(key.encode() not in data and bytes.fromhex(key) not in data for data in everything(out.folder).values())


def test_the_same_inputs_make_no_new_release_and_the_same_bytes(tmp_path: Path, cutter: Cutter) -> None:
    workspace = workspace_of(tmp_path / "w")
    first = cutter(workspace, world())
    bytes_before, ledger = everything(first.folder), read_text(workspace.ledger.path)
    again = cutter(workspace, world())
    assert (again.version, again.new) == ("1.0.0", False)
    with pytest.raises(ConflictError, match=r"nothing to call 2\.0\.0"):
        cutter(workspace, world(), version="2.0.0")
    shutil.rmtree(first.folder)
    rebuilt = cutter(workspace, world(), corpus="0.1.0")
    assert (rebuilt.version, rebuilt.new) == ("1.0.0", True)
    assert everything(rebuilt.folder) == bytes_before and read_text(workspace.ledger.path) == ledger


def test_the_version_follows_from_what_changed(tmp_path: Path, cutter: Cutter) -> None:
    workspace = workspace_of(tmp_path / "w")
    cutter(workspace, world())
    grown = world()
    grown.judgements.append(judgement(60, P4, "ann-2", {}, skipped=True))
    assert cutter(workspace, grown).version == "1.1.0"
    grown.tables["posts"][1]["script"] = "Zyyy"
    assert cutter(workspace, grown).version == "1.1.1"
    changed = World(grown.tables, grown.judgements, grown.decisions[1:])
    with pytest.raises(ConflictError, match=r"calls for 2\.0\.0"):
        cutter(workspace, changed, version="1.2.0")
    out = cutter(workspace, changed)
    assert out.version == "2.0.0"
    changes = read_text(out.folder / "CHANGELOG.md")
    assert [line for line in changes.splitlines() if line.startswith("## ")] == [
        "## 2.0.0",
        "## 1.1.1",
        "## 1.1.0",
        "## 1.0.0",
    ]
    assert [folder.version for folder in releases(workspace)] == ["1.0.0", "1.1.0", "1.1.1", "2.0.0"]


def _settings(old: str, new: str) -> Callable[[Workspace], object]:
    def change(workspace: Workspace) -> None:
        path = workspace.root / "docposts.toml"
        text = read_text(path)
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def _own(name: str, text: str) -> Callable[[Workspace], object]:
    def change(workspace: Workspace) -> None:
        path = workspace.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "line", "shown"),
    [
        (_settings("CC-BY-4.0", "CC-BY-SA-4.0"), "licence: CC-BY-4.0 → CC-BY-SA-4.0", "LICENSE.md"),
        (_settings("Lantern | Quay", "Lantern Pier"), "title: Lantern | Quay → Lantern Pier", "CITATION.cff"),
        (_settings('contact = ""', 'contact = "desk@plover.example"'), "contact: none → desk@plover.example", "README.md"),
        (_settings('gated = "licence"', 'gated = "yes"'), "gated: False → True", "README.md"),
        (_own("DATASET_CARD.md", "# {{ title }}\n"), "documents: other words in MANIFEST.json, README.md", "README.md"),
        (
            _own("codebooks/guide.md", "Read slowly.\n"),
            "documents: other words in MANIFEST.json, codebooks/narrative/guide.en.md, ",
            "codebooks/narrative/guide.en.md",
        ),
    ],
    ids=["licence", "title", "contact", "gated", "template", "guide"],
)  # fmt: skip
def test_documents_alone_make_a_patch(
    tmp_path: Path, cutter: Cutter, change: Callable[[Workspace], object], line: str, shown: str
) -> None:
    """What would be published is more than rows: other words in it are another release, and are named in the changelog."""
    workspace = workspace_of(tmp_path / "w")
    # A codebook of the workspace's own, with a guide's template beside it: as shipped, to begin with.
    shutil.copytree(resource("annotation_configs", "narrative"), workspace.root / "codebooks" / "narrative")
    shutil.copy(resource("annotation_configs", "guide.md"), workspace.root / "codebooks" / "guide.md")
    first = cutter(workspace, world())
    change(workspace)
    workspace = Workspace.open(workspace.root)
    second = cutter(workspace, world())
    assert (second.version, second.new) == ("1.0.1", True)
    assert f"- {line}" in read_text(second.folder / "CHANGELOG.md")
    assert read_text(first.folder / shown) != read_text(second.folder / shown)
    assert Folder(first.folder).manifest["digest"] == Folder(second.folder).manifest["digest"]
    assert cutter(workspace, world()).new is False
    gates = {gate.name: gate for gate in verify(second.folder, load=False, before=first.folder)}
    assert gates["step"].detail.startswith("1.0.1 is what changed since 1.0.0 calls for (patch)")
    # Of templates that the package does not have nothing can be said, and that is said.
    own = shown if change.__qualname__.startswith("_own") else ""
    assert gates["card"].state == ("not run" if own else "holds") and own in gates["card"].detail
    # And the first is not called other than it was for that.
    assert again(workspace, Folder(first.folder), ()).state == "not run"
    assert again(workspace, Folder(second.folder), ()).ok
    # Deleted, it is made again under its number, byte for byte.
    held = everything(second.folder)
    shutil.rmtree(second.folder)
    third = cutter(workspace, world(), corpus="0.2.0")
    assert (third.version, everything(third.folder) == held) == ("1.0.1", True)


def test_a_version_asked_for_that_is_high_enough(tmp_path: Path, cutter: Cutter) -> None:
    assert cutter(workspace_of(tmp_path / "w"), world(), version="3.0.0").version == "3.0.0"


def test_killed_between_publishing_and_the_ledger(
    tmp_path: Path, cutter: Cutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_of(tmp_path / "w")
    complete = build.complete
    calls = []

    def killed(where: Workspace) -> None:
        calls.append(where)
        if len(calls) == 2:
            raise KeyboardInterrupt
        complete(where)

    monkeypatch.setattr(build, "complete", killed)
    with pytest.raises(KeyboardInterrupt):
        cutter(workspace, world())
    assert not list(workspace.ledger.records("release")) and (workspace.releases_dir / "1.0.0").is_dir()
    again = cutter(workspace, world())
    assert (again.version, again.new) == ("1.0.0", False)
    whole = read_text(workspace.ledger.path)
    untouched = workspace_of(tmp_path / "v")
    shutil.copy(workspace.root / "release.key", untouched.root / "release.key")
    cutter(untouched, world())
    assert read_text(untouched.ledger.path) == whole


def test_nothing_is_published_when_a_gate_does_not_hold(tmp_path: Path, cutter: Cutter) -> None:
    workspace, wrong = workspace_of(tmp_path / "w"), world()
    wrong.judgements[0]["evidence"][0]["label"] = "n10"  # a heading, no label that can be chosen
    with pytest.raises(ChecksFailed, match=r"labels: .*n10"):
        cutter(workspace, wrong)
    assert list(workspace.releases_dir.glob("*")) == [] and not workspace.ledger.path.exists()


def test_a_version_that_is_too_low_and_a_release_made_again(
    tmp_path: Path, cutter: Cutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, of = workspace_of(tmp_path / "w"), world()
    first = cutter(workspace, of)
    of.tables["sources"][0]["authors"] = ["Mira Tern"]
    second = cutter(workspace, of)
    gates = {gate.name: gate for gate in verify(second.folder, load=False, before=first.folder)}
    assert gates["step"].ok and gates["step"].detail.startswith("2.0.0 is what changed since 1.0.0 calls for (major)")
    # Called 1.0.1 in every file, and all of it consistent: only the comparison with the release before tells.
    low = tmp_path / "low"
    shutil.copytree(second.folder, low)
    for name in ("README.md", "CITATION.cff", "CHANGELOG.md", "croissant.json", "MANIFEST.json"):
        text = read_text(low / name).replace("2.0.0", "1.0.1")
        (low / name).write_text(text, encoding="utf-8")
    seal(low, version="1.0.1")
    assert failing(verify(low, load=False, before=first.folder)) == {
        "step": "1.0.1 after 1.0.0: what changed (major) calls for 2.0.0 or higher"
    }
    # Made again from what it names: every byte; and one byte changed is found.
    assert again(workspace, Folder(second.folder), ()).ok and again(workspace, Folder(first.folder), ()).ok
    card = second.folder / "README.md"
    card.write_text(read_text(card) + "One more line.\n", encoding="utf-8")
    assert again(workspace, Folder(second.folder), ()).detail == "made again, other bytes: README.md"
    of.judgements.pop()
    judged_by(monkeypatch, of)
    gate = again(workspace, Folder(first.folder), ())
    assert (gate.state, gate.detail) == ("not run", "the judgements are others than those it was made of")


def test_a_licence_that_is_not_open_gates_the_release(tmp_path: Path, cutter: Cutter) -> None:
    for licence, gated, asked in (("CC-BY-4.0", "licence", False), ("other", "licence", True), ("other", "no", False)):
        out = cutter(workspace_of(tmp_path / f"{licence}-{gated}", licence=licence, gated=gated), world())
        front = Folder(out.folder).front
        assert ("extra_gated_prompt" in front, gate_of(Folder(out.folder))) == (asked, "manual" if asked else None)


def test_restricted_reports_make_a_release_private(tmp_path: Path, cutter: Cutter) -> None:
    workspace, of = workspace_of(tmp_path / "w", restricted="private"), world()
    of.tables["sources"][1]["rights"] = "restricted"
    out = cutter(workspace, of)
    assert "it holds texts of restricted reports" in out.private
    assert read_json(out.folder / "MANIFEST.json")["publishable"] is False
    assert read_json(out.folder / "MANIFEST.json")["restricted"] is True
    assert "FOR PRIVATE USE ONLY" in read_text(out.folder / "README.md")
    assert "private use" in read_text(out.folder / "LICENSE.md")


def test_one_group_is_train_alone(tmp_path: Path, cutter: Cutter) -> None:
    of = world()
    for name in ("posts", "text_layers", "photo_texts", "narratives"):
        for row in of.tables[name]:
            row["source_id"] = "kites"
    out = cutter(workspace_of(tmp_path / "w"), of)
    assert list(read_json(out.folder / "MANIFEST.json")["configs"]["posts"]) == ["train"]
    assert "no test set could be set apart" in read_text(out.folder / "README.md")


def test_a_bridge_is_held_out_and_nobody_moves(tmp_path: Path, cutter: Cutter) -> None:
    workspace = workspace_of(tmp_path / "w")
    before = Folder(cutter(workspace, world()).folder).parts["posts"]
    of = world()
    split_of = {row["source_id"]: split for split, rows in before.items() for row in rows.to_pylist()}
    one = next(p for p in of.tables["posts"] if split_of[p["source_id"]] == "train")
    other = next(source for source, split in split_of.items() if split == "test")
    bridge = some_id("post", "bridge")
    of.tables["posts"].append(post(bridge, other, one["text"] + " Friends!"))
    of.tables["text_layers"].append(
        of.tables["text_layers"][0] | {"post_id": bridge, "text": one["text"], "source_id": other}
    )
    of.judgements.append(judgement(70, bridge, "ann-1", {"narrative": ["n11"]}))
    out = cutter(workspace, of)
    assert set(out.held_out) == {bridge} and "judgement of an item that is held out" in out.dropped
    # All that is new is held out: of the rows nothing changed, and the card says why.
    assert (out.new, out.version) == (True, "1.0.1")
    lone = some_id("post", "lone")
    of.tables["posts"].append(post(lone, other, "Fresh bread on every quay, and the bakers sing about it."))
    of.tables["text_layers"].append(
        of.tables["text_layers"][0] | {"post_id": lone, "text": "Fresh", "source_id": other}
    )
    out = cutter(workspace, of)
    assert (out.version, set(out.held_out)) == ("1.1.0", {bridge})
    after = Folder(out.folder).parts["posts"]
    held = {split: [item for item in rows["post_id"].to_pylist() if item != lone] for split, rows in after.items()}
    assert held == {split: rows["post_id"].to_pylist() for split, rows in before.items()}
    assert bridge.replace("_", "\\_") + " is held out" in read_text(out.folder / "README.md")


def test_no_posts_or_no_judgements(tmp_path: Path, cutter: Cutter) -> None:
    of = world()
    bare = World(of.tables)
    out = cutter(workspace_of(tmp_path / "w"), bare, load=True)
    assert "judgements" not in read_json(out.folder / "MANIFEST.json")["configs"]
    assert not (out.folder / "judgements").exists()
    none = World({name: rows if name in ("sources", "accounts") else [] for name, rows in of.tables.items()})
    with pytest.raises(InputError, match="no post"):
        cutter(workspace_of(tmp_path / "v"), none)


def test_training_and_repeats_leave_as_what_they_are(tmp_path: Path, cutter: Cutter) -> None:
    of = world()
    of.judgements.append(judgement(50, P1, "ann-1", {"narrative": ["n31"]}, round="again", round_kind="repeat"))
    of.judgements.append(judgement(51, P4, "ann-2", {"narrative": ["n11"]}, round="first", round_kind="training"))
    # The gate of votes counts them again from the released rows alone: without their kind nothing could be cut.
    released = Folder(cutter(workspace_of(tmp_path / "w"), of).folder)
    kinds = {row["judgement_id"][-2:]: row["round_kind"] for row in released.rows("judgements").to_pylist()}
    assert (kinds["01"], kinds["50"], kinds["51"]) == ("production", "repeat", "training")
    posts = {row["post_id"]: row for row in released.rows("posts").to_pylist()}
    assert (posts[P4]["judgements"], posts[P4]["narrative_dist"]) == (0, [])
    assert posts[P1]["narrative_dist"][0] == {"label": "n11", "yes": 3, "of": 3}


def test_the_card_counts_and_escapes(tmp_path: Path, cutter: Cutter) -> None:
    agreement = [
        {"task": "narrative", "field": "narrative", "label": "n11", "items": 1, "positives": 3, "percent": 1.0}
    ]
    out = cutter(workspace_of(tmp_path / "w"), world(), agreement=agreement)
    text = read_text(out.folder / "README.md")
    card = text.split("\n---\n", 1)[1]
    assert "SIMULATED JUDGEMENTS" in card and "13 of the 13 judgements" in card
    assert "<b>" not in card and "On \\| kites \\*and\\* &lt;b&gt;more&lt;/b&gt;" in card
    assert "5 posts (4 with at least one judgement) and 1 photo texts" in card
    assert "| posts | narrative | n11 | " in card and "| narrative | narrative | n11 | 1 | 3 | 1.00 | – | – |" in card
    assert "FICTIONAL REPORTS" in card and "2 of the reports" in card
    assert "secret words" not in text and TEXT not in text
    front = yaml.safe_load(text.split("---\n")[1])
    assert (
        front["license"] == "cc-by-4.0" and front["language"] == ["en", "zh"] and front["language_bcp47"] == ["zh-Hans"]
    )


TEXT = "Soup, nets and kites"


def test_an_unknown_placeholder_is_named(tmp_path: Path, cutter: Cutter) -> None:
    workspace = workspace_of(tmp_path / "w")
    (workspace.root / "DATASET_CARD.md").write_text("# {{ title }}\n{{ rumours }}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"DATASET_CARD\.md.*rumours"):
        cutter(workspace, world())
    assert list(workspace.releases_dir.glob("*")) == []


_LOAD = """
import json, sys
from datasets import load_dataset
found = []
for folder, cache in zip(sys.argv[1::2], sys.argv[2::2]):
    rows = load_dataset(folder, "posts", cache_dir=cache or None, split="train")
    found.append(f"{rows.info.version} {rows[0]['text'][:2]}")
print(json.dumps(found))
"""


def loaded(home: Path, *asked: tuple[Path, str]) -> list[str]:
    """Load the posts of releases in turn, each with a cache ("": the user's own): the version and the first letters of each."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    command = [sys.executable, "-c", _LOAD, *(str(word) for pair in asked for word in pair)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=120)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_traps_of_a_stale_cache_and_of_the_version(
    tmp_path: Path, cutter: Cutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders of one name in one cache: told apart by the description's digest, and only by it."""
    folders, bare = [], []
    for name in ("v", "w"):
        of = world()
        for row in of.tables["posts"]:
            row["text"] = f"{name}: {row['text']}"
        of.judgements.clear()
        workspace = workspace_of(tmp_path / name, splits={"train": 1.0})
        folders.append(cutter(workspace, World(of.tables)).folder)
        # The same without the cure, and with one card.
        bare.append(tmp_path / "bare" / name / folders[-1].name)
        shutil.copytree(folders[-1], bare[-1])
        lines = read_text(folders[0] / "README.md").splitlines(keepends=True)
        kept = "".join(line for line in lines if not line.strip().startswith(("description:", "sha256:")))
        assert "release 1.0.0 sha256" not in kept
        (bare[-1] / "README.md").write_text(kept, encoding="utf-8")
    # Edited by hand: the second's card beside the first one's rows, which the user's own cache has from then on.
    edited = tmp_path / "edited" / folders[1].name
    shutil.copytree(folders[1], edited)
    for path in (folders[0] / "posts").iterdir():
        shutil.copy(path, edited / "posts")
    assert folders[0].name == folders[1].name == edited.name
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    home = tmp_path / "home"
    found = loaded(home, *((f, one) for f in folders), *((f, other) for f in bare), (edited, ""), (folders[1], ""))
    assert found[:2] == ["1.0.0 v:", "1.0.0 w:"]
    # Without the cure the second folder's load returns the first one's rows: the trap is real.
    assert found[2:4] == ["1.0.0 v:", "1.0.0 v:"]
    # And so does a true folder's where one that was edited was loaded before: what verify loads, it loads with a fresh cache.
    assert found[4:] == ["1.0.0 v:", "1.0.0 v:"]
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(home / "datasets"))
    assert "checks hold" in inside("-C", tmp_path, "release", "verify", folders[1]).stderr
    out = inside("-C", tmp_path, "release", "verify", edited, "--json", code=3)
    gates = {row["gate"]: row for row in json.loads(out.stdout)}
    assert "posts/train-00000-of-00001.parquet was changed" in gates["manifest"]["detail"]
    assert gates["counts"]["state"] == "fails" and gates["load"]["state"] == "not run"


def test_gates_have_names_of_their_own() -> None:
    assert len({gate.name for gate in GATES}) == len(GATES) and GATES[-1].name == HEAVY


def test_who_agreed_is_linkable_and_counted(tmp_path: Path, cutter: Cutter) -> None:
    out = cutter(workspace_of(tmp_path / "w", linkable=("ann-2",)), world())
    manifest, card = read_json(out.folder / "MANIFEST.json"), read_text(out.folder / "README.md")
    (name,) = manifest["linkable"]
    assert name in Folder(out.folder).rows("judgements")["annotator"].to_pylist()
    assert "Annotators: 3, under pseudonyms" in card and "; 1 of them agreed that their judgements" in card
    assert failing(verify(out.folder, load=False)) == {}
    with pytest.raises(InputError, match=r"linkable: ann-9 is no annotator"):
        cutter(workspace_of(tmp_path / "v", linkable=("ann-9",)), world())
