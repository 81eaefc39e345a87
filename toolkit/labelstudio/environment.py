"""The embedded Label Studio's own Python environment.

Label Studio pins some sixty packages to versions that fit nothing else, so it gets an environment to itself, made once
for all workspaces from a constraints file that names every package of it. Each constraints file has a folder of its
own, so that a new one never changes the environment under a server that is running::

    <home>/<constraints>/venv-<random>/    the interpreter and its packages (about 1 GB)
    <home>/<constraints>/template.sqlite3  an empty database with its tables made: no users, no secrets
    <home>/<constraints>/environment.json  what it was made of; written last: without it the folder is unfinished
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from toolkit.errors import InputError, ServiceError, StudioError
from toolkit.fsio import read_json, sha256_file, write_atomic
from toolkit.resources import resource

HOME_VARIABLE = "DOCPOSTS_STUDIO_HOME"
INSTALL_HINT = "docposts studio install"
INSIDE = Path(__file__).parent / "inside"
_PACKAGES = ("label-studio", "waitress")
_PIP_OPTIONS = ("--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2")
# Settings that would send the packages elsewhere or load others beside them.
_UNWANTED = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_CONSTRAINT"}
_INSTALL_SECONDS = 3600.0
_SCRIPT_SECONDS = 300.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class StudioEnvironment:
    """A finished environment: its interpreter, its database template, and Label Studio's version."""

    folder: Path
    python: Path
    template: Path
    version: str

    def command(self, script: str, *arguments: str) -> list[str]:
        """Return the command that runs one of the scripts of ``inside/``; nothing secret belongs in its arguments."""
        return [str(self.python), "-s", "-B", str(INSIDE / f"{script}.py"), *arguments]

    def run(self, script: str, *arguments: str, home: Path, text: str = "") -> str:
        """Run a script of ``inside/`` to its end, ``text`` on its standard input; return its standard output."""
        done = _run(self.command(script, *arguments), environment=clean_environment(home), text=text)
        if done.returncode:
            raise StudioError(f"Label Studio's {script} step failed: {last_line(done.stderr) or 'it said nothing'}")
        return done.stdout


def studio_home() -> Path:
    """Return the folder of all environments: ``$DOCPOSTS_STUDIO_HOME``, or one in the user's data folder."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser().absolute() if given else user_data_path("docposts") / "label-studio"


def find_environment() -> StudioEnvironment:
    """Return the finished environment of this version's constraints; :class:`StudioError` says why there is none."""
    digest = _constraints_digest()
    folder = _folder(digest)
    record = folder / "environment.json"
    if not record.is_file():
        others = list(studio_home().glob("*/environment.json"))
        if folder.exists():
            problem = "its installation did not finish"
        elif others:
            problem = "the one that is installed belongs to another version of docposts"
        else:
            problem = "it is not installed"
        raise StudioError(f"the embedded Label Studio cannot be used: {problem}", hint=INSTALL_HINT)
    try:
        made_of = read_json(record)
        version = made_of["label_studio"]
        fits = made_of["constraints_sha256"] == digest
        python = _interpreter(folder / made_of["venv"])
    except (InputError, KeyError, TypeError) as error:
        raise StudioError(f"{record} cannot be read: {error}", hint=INSTALL_HINT) from error
    environment = StudioEnvironment(folder, python, folder / "template.sqlite3", str(version))
    if not fits or not environment.python.exists() or not environment.template.is_file():
        raise StudioError(f"the embedded Label Studio in {folder} is damaged, or its Python is gone", hint=INSTALL_HINT)
    return environment


def others() -> list[StudioEnvironment]:
    """Return the finished environments that other versions of docposts made."""
    own = _folder(_constraints_digest())
    found = []
    for record in sorted(studio_home().glob("*/environment.json")):
        made_of = read_json(record) if record.parent != own else None
        if isinstance(made_of, dict) and {"venv", "label_studio"} <= made_of.keys():
            python = _interpreter(record.parent / str(made_of["venv"]))
            template = record.parent / "template.sqlite3"
            found.append(StudioEnvironment(record.parent, python, template, str(made_of["label_studio"])))
    return found


def problems(environment: StudioEnvironment) -> list[str]:
    """Return what does not hold of a finished environment: its packages, its version, its template."""
    found = []
    checked = _run([str(environment.python), "-m", "pip", "check"], environment=_pip_environment())
    if checked.returncode:
        found.append(f"its packages do not fit together: {last_line(checked.stdout + checked.stderr)}")
    try:
        version = _versions(environment.python)["label-studio"]
    except StudioError as error:
        return [*found, error.message]
    if version != environment.version:
        found.append(f"it holds Label Studio {version}, but was made with {environment.version}")
    if environment.template.read_bytes()[:15] != b"SQLite format 3":
        found.append("its empty database is none")
    return found


def install(*, progress: Progress = lambda _: None) -> StudioEnvironment:
    """Make the environment; nothing to do where it is finished. What a killed run left is removed and made again.

    ``progress`` is told each step. :class:`ServiceError` where the packages cannot be had, :class:`StudioError` where
    this machine does not let it be made.
    """
    home = studio_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _install_lock(home, progress):
            return _install(progress)
    except OSError as error:
        raise StudioError(
            f"cannot install Label Studio in {home}: {error.strerror or error}",
            hint=f"check its space and permissions, or set {HOME_VARIABLE} to another folder",
        ) from error


def _install_lock(home: Path, progress: Progress) -> FileLock:
    lock = FileLock(home / "install.lock", timeout=_INSTALL_SECONDS)
    try:
        lock.acquire(timeout=0)
        lock.release()
    except Timeout:
        progress("waiting for another installation to end")
    return lock


def _install(progress: Progress) -> StudioEnvironment:
    try:
        return find_environment()
    except StudioError:
        pass
    digest = _constraints_digest()
    folder = _folder(digest)
    if folder.exists():
        progress("removing an unfinished installation")
        (folder / "environment.json").unlink(missing_ok=True)
        # What a killed run started may still be writing there: what cannot be removed now is left behind.
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    venv = folder / f"venv-{secrets.token_hex(4)}"

    progress("making a Python environment")
    made = _run([sys.executable, "-m", "venv", str(venv)], environment=_pip_environment())
    if made.returncode:
        raise StudioError(
            f"Python cannot make an environment: {last_line(made.stdout + made.stderr)}",
            hint="install Python's venv module (on Debian and Ubuntu: the package python3-venv)",
        )
    python = _interpreter(venv)
    progress("upgrading its installer")
    _pip(python, "install", "--upgrade", "pip")
    progress("installing Label Studio (about 1 GB, a minute or more)")
    _pip(python, "install", "--constraint", str(resource("constraints", "label-studio.txt")), *_PACKAGES)
    progress("checking it")
    checked = _run([str(python), "-m", "pip", "check"], environment=_pip_environment())
    if checked.returncode:
        raise StudioError(f"the packages of Label Studio do not fit together: {last_line(checked.stdout)}")
    versions = _versions(python)

    progress("making an empty database")
    environment = StudioEnvironment(folder, python, folder / "template.sqlite3", versions["label-studio"])
    scratch = folder / f"scratch-{secrets.token_hex(4)}"
    scratch.mkdir(mode=0o700)
    environment.run("template", str(scratch), home=scratch)
    (scratch / "label_studio.sqlite3").replace(environment.template)
    shutil.rmtree(scratch)
    record = {
        "format": 1,
        "constraints_sha256": digest,
        "venv": venv.name,
        "label_studio": versions["label-studio"],
        "waitress": versions["waitress"],
        "python": versions["python"],
    }
    write_atomic(folder / "environment.json", json.dumps(record, indent=2) + "\n")
    return environment


def _constraints_digest() -> str:
    return sha256_file(resource("constraints", "label-studio.txt"))


def _folder(digest: str) -> Path:
    return studio_home() / digest[:16]


def _interpreter(venv: Path) -> Path:
    return venv / "bin" / "python"


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment variables of Label Studio's processes.

    Few of the user's own, since it would take plain names such as ``HOST``, ``CI`` and ``SECRET_KEY`` for its settings.
    """
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUTF8": "1", "TZ": "UTC"}


def _pip_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _UNWANTED}


def _pip(python: Path, *arguments: str) -> None:
    command, *rest = arguments
    done = _run([str(python), "-m", "pip", command, *_PIP_OPTIONS, *rest], environment=_pip_environment())
    if done.returncode == 0:
        return
    # The first error names the cause; those after it tell where to read more.
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    said = last_line(errors[0].removeprefix("ERROR:") if errors else done.stderr + done.stdout) or "it said nothing"
    if "No space left" in done.stderr or "Permission denied" in done.stderr:
        raise StudioError(
            f"pip could not install Label Studio: {said}", hint=f"set {HOME_VARIABLE} to a folder with 1 GB of space"
        )
    raise ServiceError(
        f"pip could not get Label Studio's packages: {said}",
        hint="check the network connection or pip's settings, then run it again: docposts studio install",
    )


def _versions(python: Path) -> dict[str, str]:
    code = (
        "import json, platform; from importlib.metadata import version; print(json.dumps({'label-studio': "
        "version('label-studio'), 'waitress': version('waitress'), 'python': platform.python_version()}))"
    )
    done = _run([str(python), "-s", "-c", code], environment=_pip_environment())
    if done.returncode:
        raise StudioError(f"Label Studio's Python does not run: {last_line(done.stderr)}")
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def _run(command: Sequence[str], *, environment: Mapping[str, str], text: str = "") -> subprocess.CompletedProcess[str]:
    limit = _SCRIPT_SECONDS if str(INSIDE) in " ".join(command) else _INSTALL_SECONDS
    try:
        return subprocess.run(
            command,
            env=dict(environment),
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StudioError(f"{Path(command[0]).name} did not end within {limit:.0f} seconds") from error


def last_line(output: str) -> str:
    """Return the last line of a program's output that says something, without addresses and what may be a secret."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return scrub(lines[-1])[:300] if lines else ""


def scrub(text: str) -> str:
    """Return text with URLs, host names in connection errors, and tokens replaced."""
    text = re.sub(r"\b[a-z][a-z0-9+.-]*://\S+", "<address>", text, flags=re.IGNORECASE)
    text = re.sub(r"host='[^']*'", "host=<address>", text)
    text = re.sub(r"\beyJ[\w-]+(\.[\w-]*)*", "<token>", text)
    return re.sub(r"(?i)\b(token|bearer|password|secret\w*)(\s*[=:]?\s*)\S{8,}", r"\1\2<hidden>", text)
