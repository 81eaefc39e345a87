"""People's accounts on the embedded server, with their passwords and tokens in ``studio/accounts.json`` (0600)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import InputError
from toolkit.fsio import read_json, write_atomic
from toolkit.labelstudio.environment import StudioEnvironment

if TYPE_CHECKING:
    from toolkit.labelstudio.client import Studio

OWNER = "owner"
_DOMAIN = "docposts.invalid"  # reserved: no mail can ever reach it
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


@dataclass(frozen=True)
class Account:
    """A person's account on the embedded server."""

    name: str
    email: str
    password: str
    token: str

    def __repr__(self) -> str:
        """Leave the secrets out: a repr ends up in logs and tracebacks."""
        return f"Account(name={self.name!r}, email={self.email!r})"


def check_names(names: Sequence[str]) -> None:
    """Raise :class:`InputError` for a name that cannot be an account's."""
    for name in names:
        if not name or len(name) > 63 or not name[0].isalnum() or not set(name) <= _NAME_CHARACTERS:
            raise InputError(f"{name!r} is no account name: use a-z, 0-9, '.', '_' and '-', a letter or digit first")


class AccountBook:
    """The accounts of one ``studio/`` folder; whoever uses it holds the folder's control lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "accounts.json"

    def read(self) -> dict[str, dict[str, str]]:
        """Return what is known by name; an account without a token is not finished."""
        known: dict[str, dict[str, str]] = read_json(self._path) if self._path.exists() else {}
        return known

    def create(
        self, known: dict[str, dict[str, str]], missing: Sequence[str], environment: StudioEnvironment, *, home: Path
    ) -> None:
        """Create the missing accounts, the owner's first, and add them to ``known`` and to the file."""
        for name in missing:
            fresh = {"name": name, "email": f"{name}@{_DOMAIN}", "password": secrets.token_urlsafe(15), "token": ""}
            known.setdefault(name, fresh)
        # Passwords are written before they are set: a kill in between leaves no account that nobody can enter.
        self._write(known)
        entries = [
            {
                "email": known[name]["email"],
                "password": known[name]["password"],
                "first_name": name,
                "role": "owner" if name == OWNER else "annotator",
            }
            for name in missing
        ]
        # Over standard input: arguments and environments can be read by others.
        tokens = json.loads(environment.run("accounts", str(self._folder), home=home, text=json.dumps(entries)))
        for name in missing:
            known[name]["token"] = tokens[known[name]["email"]]
        self._write(known)

    def _write(self, known: dict[str, dict[str, str]]) -> None:
        write_atomic(self._path, json.dumps(known, indent=1), mode=0o600)


def join(folder: Path, studio: Studio, name: str, email: str) -> Account:
    """Return a person's account on another server, made by its invitation where ``remote-accounts.json`` has none yet."""
    path = folder / "remote-accounts.json"
    known: dict[str, dict[str, str]] = read_json(path) if path.exists() else {}
    if not known.get(name, {}).get("token"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = {"name": name, "email": email, "password": secrets.token_urlsafe(15), "token": ""}
        # The password is written before it is set, so that a kill in between leaves no account that nobody can enter.
        known.setdefault(name, fresh)
        write_atomic(path, json.dumps(known, indent=1), mode=0o600)
        known[name]["token"] = studio.sign_up(known[name]["email"], known[name]["password"])
        write_atomic(path, json.dumps(known, indent=1), mode=0o600)
    return Account(**known[name])
