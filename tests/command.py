"""Running ``docposts`` as its users do: a process, its words, its exit code."""

from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, chdir
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

from tests.conftest import ROOT
from toolkit import cli


def start(
    *words: object, cwd: Path | None = None, env: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[str]:
    """Start a command and return at once."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "toolkit", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path} | dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def docposts(
    *words: object, code: int = 0, cwd: Path | None = None, env: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must have this exit code and, where it is an error, no traceback."""
    process = start(*words, cwd=cwd, env=env)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess([str(word) for word in words], process.returncode, out, err)


def inside(
    *words: object, code: int = 0, cwd: Path | None = None, env: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run a command as :func:`docposts` does, in this process, where it is not the process that is tried.

    A process of its own takes a second of the processor's time before it does anything.
    """
    given = ["docposts", *map(str, words)]
    with ExitStack() as stack:
        for name, value in (
            ("stdin", stack.enter_context(Path(os.devnull).open(encoding="utf-8"))),
            ("stdout", out := io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", newline="")),
            ("stderr", err := io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", newline="")),
            ("argv", given),
        ):
            stack.enter_context(mock.patch.object(sys, name, value))
        # A command keeps the help option of its first use: a copy, so that no test depends on an earlier one.
        stack.enter_context(mock.patch.object(cli, "docposts", copy.deepcopy(cli.docposts)))
        stack.enter_context(mock.patch.dict(os.environ, env))
        stack.enter_context(chdir(cwd or Path.cwd()))
        try:
            cli.main()
        except SystemExit as ended:
            found = ended.code or 0
    said = [_text(stream) for stream in (out, err)]
    assert found == code, "\n".join([f"exit code {found}", *said])
    return subprocess.CompletedProcess(given, code, *said)


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def data(*words: object, cwd: Path | None = None) -> Any:
    """Run a command with ``--json`` and return what it printed."""
    return json.loads(docposts(*words, "--json", cwd=cwd).stdout)


def told(*words: object, cwd: Path | None = None) -> Any:
    """Do what :func:`data` does in this process."""
    return json.loads(inside(*words, "--json", cwd=cwd).stdout)
