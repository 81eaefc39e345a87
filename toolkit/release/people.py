"""People in a release: pseudonyms by a key that never leaves the workspace, and texts without ways to reach anybody."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass

import pyarrow as pa

from toolkit.errors import InputError
from toolkit.fsio import read_text, write_atomic
from toolkit.text.entities import defang, find_urls, mentions
from toolkit.workspace import Workspace

KEY_FILE = "release.key"
LINKABLE = "annotator_"
"""What pseudonyms begin with that hold for all of an annotator's items."""
_EMAIL = re.compile(r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"(?<![\d\w+])(?:\+\d[\d ()-]{7,}\d|1[3-9]\d{9})(?!\d)")
_BARE = re.compile(r"(?<![\w/.])www\.[^\s<>\"“”]+", re.IGNORECASE)


def load_key(workspace: Workspace) -> bytes:
    """Return the workspace's 32 random bytes, made at the first release. They are in no release: keep a copy."""
    path = workspace.root / KEY_FILE
    if not path.exists():
        write_atomic(path, secrets.token_hex(32) + "\n", mode=0o600)
    key = read_text(path).strip()
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise InputError(
            f"{path} is not a key: expected 64 hex digits", hint="restore it: with another key, all pseudonyms change"
        )
    return bytes.fromhex(key)


@dataclass(frozen=True)
class Cleaned:
    """A text as it is released, and where its places went: ``cuts`` are (start, end, length of what stands there now)."""

    text: str
    cuts: tuple[tuple[int, int, int], ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the released text of text[start:end]; one that cuts into a replaced part takes all of it."""
        return self._place(start, last=False), self._place(end, last=True)

    def _place(self, at: int, *, last: bool) -> int:
        shift = 0
        for start, end, length in self.cuts:
            if at <= start:
                break
            if at < end:
                return start + shift + (length if last else 0)
            shift += length - (end - start)
        return at + shift


@dataclass(frozen=True)
class Pseudonyms:
    """Names for people. ``public`` are the case-folded handles of public figures and state outlets: those stay.

    ``linkable`` are the annotators who agreed that their judgements can be told to be one person's.
    """

    key: bytes
    public: frozenset[str] = frozenset()
    linkable: frozenset[str] = frozenset()

    @classmethod
    def of(cls, key: bytes, accounts: pa.Table, linkable: frozenset[str] = frozenset()) -> Pseudonyms:
        """Make the pseudonyms of a corpus: ``accounts`` says who is public."""
        rows = accounts.to_pylist()
        public = frozenset(r["handle"].casefold() for r in rows if r["public_figure"] or r["state_outlet"])
        return cls(key, public, linkable)

    def digest(self, *parts: str) -> str:
        """Return the keyed hash of some parts as 64 hex digits."""
        return hmac.digest(self.key, "\x1f".join(parts).encode("utf-8"), "sha256").hex()

    def account(self, account_id: str) -> str:
        """Return an account's pseudonym."""
        return f"account_{self.digest('account', account_id)[:32]}"

    def handle(self, handle: str) -> str:
        """Return a mentioned handle, or its pseudonym where it is not a public one."""
        folded = handle.casefold()
        return handle if folded in self.public else f"user_{self.digest('handle', folded)[:12]}"

    def annotator(self, name: str, item_id: str) -> str:
        """Return an annotator's pseudonym on an item: one for all items of who agreed to it, of others one for each item.

        Keyed hashes, so that a newcomer changes nobody's. What others said of two items cannot be joined by them.
        """
        if name in self.linkable:
            return f"{LINKABLE}{self.digest('annotator', name)[:8]}"
        return f"unlinked_{self.digest('annotator of item', name, item_id)[:16]}"

    def clean(self, text: str) -> Cleaned:
        """Return a text with addresses defanged, e-mail addresses and telephone numbers masked, private handles replaced."""
        found = [(url.start, url.end, defang(url.value)) for url in find_urls(text)]
        found += [(match.start(), match.end(), match[0].replace(".", "[.]")) for match in _BARE.finditer(text)]
        found += [(match.start(), match.end(), "[email]") for match in _EMAIL.finditer(text)]
        found += [(match.start(), match.end(), "[phone]") for match in _PHONE.finditer(text)]
        found += [(name.start + 1, name.end, self.handle(name.value)) for name in mentions(text)]
        pieces, cuts, at = [], [], 0
        for start, end, new in sorted(found, key=lambda part: (part[0], -part[1])):
            # What lies inside a part that was replaced already went with it.
            if start < at:
                continue
            pieces += [text[at:start], new]
            if text[start:end] != new:
                cuts.append((start, end, len(new)))
            at = end
        return Cleaned("".join([*pieces, text[at:]]), tuple(cuts))
