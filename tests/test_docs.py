"""The pages say what the commands and schemas are: each command has help and stands in them."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import click
import pytest

from tests.command import inside
from tests.conftest import ROOT
from toolkit.cli import docposts


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()
COMMANDS = {" ".join(path): command for path, command in GENERATE.commands(docposts)}


@pytest.mark.parametrize("page", ["cli.md", "tables.md", "recipe.md"])
def test_page_is_fresh(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == GENERATE.PAGES[page](), "stale: make docs"


@pytest.mark.parametrize("words", COMMANDS)
def test_command_is_documented(words: str) -> None:
    command = COMMANDS[words]
    assert command.help
    assert f"## {words}\n" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{words} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("words", COMMANDS)
def test_page_has_what_help_prints(words: str) -> None:
    shown = inside(*words.split()[1:], "--help", env={"COLUMNS": "100"}).stdout
    # How the command was called aside.
    _, about = shown.split("\n\n", 1)
    part = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").partition(f"## {words}\n\n```\n")[2]
    assert part.partition("\n```\n")[0].split("\n\n", 1)[1] == about.rstrip()
    assert "-h, --help" in about


def test_groups_stand_in_pipeline_order() -> None:
    groups = [
        name
        for name in docposts.list_commands(click.Context(docposts))
        if isinstance(docposts.commands[name], click.Group)
    ]
    assert groups == ["source", "corpus", "codebook", "studio", "tasks", "labels", "adjudicate", "release"]


def test_readme_names_commands_that_exist() -> None:
    words = set()
    for page in ("README.md", "docs/guide.md"):
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
            if line.startswith("docposts "):
                words.add(" ".join(word for word in line.split()[:3] if word.isalpha()))
    assert "docposts source add" in words
    for command in words:
        known = [name for name in COMMANDS if command == name or command.startswith(f"{name} ")]
        assert any(name != "docposts" for name in known), f"{command}: no such command"
        longest = max(known, key=len)
        assert not isinstance(COMMANDS[longest], click.Group) or command == longest, f"{command}: no such command"


def test_first_commands_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("```sh\n", 1)[1].split("```", 1)[0]
    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make demo", "make test"]
