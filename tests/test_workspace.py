"""Workspaces, their settings, their lock and their ledger."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.errors import ConflictError, DocpostsError, InputError, WorkspaceError
from toolkit.ledger import Ledger
from toolkit.settings import Settings, parse_toml
from toolkit.workspace import SETTINGS_FILE, Workspace, default_name, new_settings, render_settings

ROOT = Path(__file__).resolve().parent.parent
HOLD = """
import pathlib, sys
from toolkit.workspace import Workspace
with Workspace.open(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_new_workspace_opens_from_anywhere_below_it(tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "ws", new_settings("velmar", "Posts about Velmar"))
    below = made.root / "sources" / "deep"
    below.mkdir(parents=True)
    assert Workspace.open(below) == Workspace.open(made.root) == made
    assert made.settings.name == "velmar"
    assert made.settings.title == "Posts about Velmar"
    assert "studio/" in (made.root / ".gitignore").read_text().splitlines()
    assert list(made.ledger.records("source")) == []


def test_a_workspace_is_not_made_over_another(workspace: Workspace) -> None:
    before = (workspace.root / SETTINGS_FILE).read_bytes()
    with pytest.raises(ConflictError, match="is a workspace already") as caught:
        Workspace.create(workspace.root, new_settings("other"))
    assert "status" in caught.value.hint
    assert (workspace.root / SETTINGS_FILE).read_bytes() == before


def test_a_gitignore_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    Workspace.create(tmp_path, new_settings("name"))
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_no_workspace_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no workspace in") as caught:
        Workspace.open(tmp_path)
    assert caught.value.hint == "make one with: docposts init DIR"


def test_a_workspace_below_a_file_is_a_workspace_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot write") as caught:
        Workspace.create(tmp_path / "file" / "ws", new_settings("name"))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('colour = "red"', "colour: unknown key"),
        ("[tasks]\noverlapp = 2", "tasks.overlapp: unknown key"),
        ('[tasks]\noverlap = "2"', "tasks.overlap: Input should be a valid integer"),
        ("[tasks]\noverlap = -1", "tasks.overlap: Input should be greater than or equal to 0"),
        ("[tasks]\noverlap = true", "tasks.overlap: Input should be a valid integer"),
        ('[tasks]\nannotators = "ann-1"', "tasks.annotators: Input should be a valid tuple"),
        ('[tasks]\nannotators = ["Ann 1"]', "tasks.annotators.0: String should match pattern"),
        ("[release]\nsplits = {train = 1.5}", "release.splits.train: Input should be less than or equal to 1"),
        ("[release]\nsplits = {dev = 0.5}", "release.splits.dev"),
        ("[agreement]\nseed = 1.5", "agreement.seed: Input should be a valid integer"),
    ],
)
def test_a_setting_that_does_not_hold_names_file_and_key(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / SETTINGS_FILE
    path.write_text(f'format = 2\nname = "n"\ntitle = "t"\n{line}\n')
    with pytest.raises(InputError) as caught:
        Workspace.open(tmp_path)
    assert caught.value.message.startswith(f"{path}: ")
    assert message in caught.value.message


@pytest.mark.parametrize(("found", "hint"), [(1, "migrate"), (3, "install a later docposts"), (-1, "migrate")])
def test_settings_of_another_format_are_refused(tmp_path: Path, found: int, hint: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f'format = {found}\nname = "n"\ntitle = "t"\n')
    with pytest.raises(WorkspaceError, match=rf"format \({found}; this docposts works on 2\)") as caught:
        Workspace.open(tmp_path)
    assert hint in caught.value.hint


@pytest.mark.parametrize("line", ["", 'format = "2"\n', "format = true\n"])
def test_a_format_that_is_no_number_is_a_setting_that_does_not_hold(tmp_path: Path, line: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f'{line}name = "n"\ntitle = "t"\n')
    with pytest.raises(InputError, match=f"{SETTINGS_FILE}: format: "):
        Workspace.open(tmp_path)


def test_settings_that_are_no_toml_name_the_file(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("format = \n")
    with pytest.raises(InputError, match=rf"{SETTINGS_FILE}: not TOML: .*line 1"):
        Workspace.open(tmp_path)


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text('format = 2\nname = "Ümlaut"\nshape = 1\n')
    with pytest.raises(InputError) as caught:
        Workspace.open(tmp_path)
    assert [part.split(":")[0] for part in caught.value.message.split(f"{SETTINGS_FILE}: ")[1].split("; ")] == [
        "name",
        "title",
        "shape",
    ]


NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SHARE = st.floats(min_value=0, max_value=1, exclude_min=True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=NAMES,
    title=TEXTS.filter(bool),
    label_studio=st.fixed_dictionaries({"url": TEXTS}),
    tasks=st.fixed_dictionaries(
        {
            "annotators": st.lists(NAMES, max_size=4, unique=True),
            "adjudicator": st.none() | NAMES,
            "overlap": st.just(0),
            "layer": st.sampled_from(["original", "translation"]),
            "language": st.sampled_from(["en", "zh"]),
        }
    ),
    agreement=st.fixed_dictionaries(
        {
            "minimum_items": st.integers(2, 10**6),
            "minimum_positives": st.integers(0, 10**6),
            "bootstrap": st.integers(0, 100_000),
            "seed": st.integers(-(2**63), 2**63 - 1),
        }
    ),
    adjudication=st.fixed_dictionaries({"minimum_votes": st.integers(1, 100)}),
    release=st.fixed_dictionaries(
        {
            "licence": TEXTS,
            "contact": TEXTS,
            "languages": st.lists(TEXTS, max_size=3),
            "splits": st.dictionaries(st.sampled_from(["train", "validation", "test"]), SHARE),
            "seed": st.integers(-(2**63), 2**63 - 1),
        }
    ),
)
def test_rendered_settings_read_back_as_they_were(
    tmp_path: Path, name: str, title: str, **sections: dict[str, object]
) -> None:
    made = new_settings(name, title, **sections)
    path = tmp_path / SETTINGS_FILE
    path.write_bytes(render_settings(made).encode("utf-8"))
    assert parse_toml(path, Settings) == made


def test_the_defaults_are_those_that_init_writes(tmp_path: Path) -> None:
    made = new_settings("n", "t")
    (tmp_path / SETTINGS_FILE).write_text('format = 2\nname = "n"\ntitle = "t"\n')
    assert Workspace.open(tmp_path).settings == made


def test_default_names() -> None:
    assert default_name(Path("/tmp/My Posts 2")) == "my-posts-2"
    with pytest.raises(InputError, match="no workspace name") as caught:
        default_name(Path("/tmp/盐灯"))
    assert "--name" in caught.value.hint


def _holder(workspace: Workspace) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workspace.root)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_lock_held_by_another_process_is_an_error_until_its_holder_is_killed(workspace: Workspace) -> None:
    with _holder(workspace) as holder:
        with pytest.raises(WorkspaceError, match="another docposts command is at work") as caught, workspace.lock():
            pass
        assert caught.value.exit_code == 1
        assert "try again" in caught.value.hint
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    with workspace.lock():
        pass


def test_a_lock_is_let_go_after_an_error(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), workspace.lock():
        raise ZeroDivisionError
    with _holder(workspace) as holder:
        holder.kill()


def test_a_command_that_holds_the_lock_may_take_it_again(workspace: Workspace) -> None:
    with workspace.lock():
        with workspace.lock():
            pass
        code = HOLD.replace('print("held", flush=True)', "pass").replace("sys.stdin.read()", "pass")
        done = subprocess.run(
            [sys.executable, "-c", code, str(workspace.root)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert "another docposts command is at work" in done.stderr


def test_a_workspace_whose_folder_cannot_be_written_is_an_error(workspace: Workspace) -> None:
    (workspace.root / ".docposts.lock").unlink(missing_ok=True)
    (workspace.root / ".docposts.lock").mkdir()
    with pytest.raises(DocpostsError, match="cannot write in") as caught, workspace.lock():
        pass
    assert caught.value.exit_code == 1


def test_the_ledger_keeps_order_and_events_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("source", source_id="b", key="k", text_sha256="h")
    ledger.append("corpus", version="0.1.0", input_digest="d")
    ledger.append("source", source_id="a", key="k", text_sha256="h")
    assert [record["source_id"] for record in ledger.records("source")] == ["b", "a"]
    assert [record["version"] for record in ledger.records("corpus")] == ["0.1.0"]


def test_a_release_that_an_earlier_docposts_entered_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event": "release", "version": "1.0.0", "corpus": "0.1.0", "digest": "d"}\n')
    assert [record["version"] for record in Ledger(path).records("release")] == ["1.0.0"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"event": "party"}', r"ledger\.jsonl:2: unknown event 'party'"),
        ('{"event": ["source"]}', r"ledger\.jsonl:2: unknown event"),
        ('{"event": "source", "key": "k"}', r"ledger\.jsonl:2: the source record lacks source_id, text_sha256"),
        ("{", r"ledger\.jsonl:2: not JSON"),
    ],
)
def test_a_wrong_ledger_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event": "corpus", "version": "0.1.0", "input_digest": "d"}\n' + line + "\n")
    with pytest.raises(InputError, match=message):
        list(Ledger(path).records("source"))


def test_a_ledger_line_that_a_killed_command_left_never_happened(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("corpus", version="0.1.0", input_digest="d")
    with ledger.path.open("ab") as file:
        file.write('{"event": "corpus", "version": "é'.encode()[:-1])
    assert [record["version"] for record in ledger.records("corpus")] == ["0.1.0"]
    ledger.append("corpus", version="0.2.0", input_digest="d")
    assert [record["version"] for record in ledger.records("corpus")] == ["0.1.0", "0.2.0"]
