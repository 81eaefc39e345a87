"""Files: atomic writes, strict reads, JSON lines, hashes.

Every file that the toolkit leaves behind is written here or in :mod:`toolkit.parquet`: beside its place, flushed to
disk, then renamed, so that a killed command leaves the old file or the new one and never half of either.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.errors import InputError, WorkspaceError

# Made once: ``json.dumps`` makes one for each call, and each row's id is a call.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def sha256_bytes(data: bytes) -> str:
    """Return the hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_text(text: str) -> str:
    """Return the hex SHA-256 of a text's UTF-8 bytes."""
    return sha256_bytes(text.encode("utf-8"))


def sha256_file(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, characters as they are. For digests and comparison."""
    return _CANONICAL.encode(value)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; :class:`InputError` names the file where it is missing or unreadable."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text, newlines as they are; :class:`InputError` names the file and the first wrong byte."""
    return decode_utf8(read_bytes(path), path)


def decode_utf8(data: bytes, name: Path | str) -> str:
    """Return bytes as text; :class:`InputError` names the file, and the first wrong byte with its line."""
    return _decoded(data, name)


def _decoded(data: bytes, name: Path | str, line: int = 1, before: int = 0) -> str:
    """Return bytes as text that begin at a line of a file, ``before`` bytes behind its beginning."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line += data[: error.start].count(b"\n")
        raise InputError(
            f"{name} is not UTF-8: byte {before + error.start} (line {line}) is 0x{data[error.start]:02x}",
            hint="save the file as UTF-8, then try again",
        ) from error


def read_json(path: Path) -> Any:
    """Return a JSON file's value; :class:`InputError` names the file and line."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error


def read_jsonl(path: Path, *, appended: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) for each line that is not blank; :class:`InputError` names file and line.

    A file that is ``appended`` to may end in a line that a killed writer left unfinished: it never happened.
    """
    for number, line, before in _lines(path):
        if not line.strip() or (appended and not _finished(line)):
            continue
        try:
            record = json.loads(_decoded(line, path, number, before))
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not JSON: {error.msg}") from error
        if not isinstance(record, dict):
            raise InputError(f"{path}:{number}: expected a JSON object, found {type(record).__name__}")
        yield number, record


def _lines(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Yield (number from 1, line, bytes before it), a line at a time: a file may be larger than what can be held.

    Split at \\n alone: JSON strings may hold U+2028 and its like, which str.splitlines takes for line ends.
    """
    before = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, line, before
                before += len(line)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def json_line(record: Mapping[str, Any]) -> str:
    """Return one record as a line of JSON, keys in the order given."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def fsync_folder(folder: Path) -> None:
    """Flush a folder to disk: which files it has, under which names."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(path: Path) -> Path:
    # A name may be as long as the file system allows, so only its beginning goes into the passing one.
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")


@contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; on success flush it and rename it into place, on error remove it."""
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Created with its final mode, so that a secret is at no moment readable by others.
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        raise WorkspaceError(
            f"cannot write {path}: {error.strerror or error}", hint="check the folder's space and permissions"
        ) from error
    finally:
        if beside.exists():
            beside.unlink()


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """Give a new folder beside ``folder`` to fill; on success rename it into place, which must be free.

    Whoever publishes holds the workspace's lock, so that what lies there half filled is a killed command's: it goes.
    """
    beside = _beside(folder)
    try:
        for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
            shutil.rmtree(left)
        beside.mkdir(parents=True)
        yield beside
        for path in [beside, *beside.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                fsync_folder(path)
        beside.rename(folder)
        fsync_folder(folder.parent)
    except OSError as error:
        raise WorkspaceError(
            f"cannot write {folder}: {error.strerror or error}", hint="check the folder's space and permissions"
        ) from error
    finally:
        if beside.exists():
            shutil.rmtree(beside)


def write_atomic(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Write a whole file at once: readers see the old one or the new one."""
    with replacing(path, mode=mode) as beside:
        beside.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]], *, mode: int = 0o644) -> None:
    """Write records as JSON lines, all at once."""
    write_atomic(path, "".join(json_line(record) for record in records), mode=mode)


@contextmanager
def writing_jsonl(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give a function that writes one record as a line of JSON; the file appears when all are written."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as file:

        def write(record: Mapping[str, Any]) -> None:
            file.write(json_line(record))

        yield write


@contextmanager
def appending_jsonl(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give a function that appends records, flushed to disk at the end; a killed command leaves those written so far.

    A line that was left half written is cut off first. An unfinished file (``*.part``) becomes what it is to be by
    :func:`finish`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.read_bytes() if path.exists() else b""
        if written:
            os.truncate(path, _finished(written))
        with path.open("ab") as file:
            if written[: _finished(written)].rpartition(b"\n")[2]:
                file.write(b"\n")  # the kill came before the line's end alone

            def write(record: Mapping[str, Any]) -> None:
                file.write(json_line(record).encode("utf-8"))

            yield write
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WorkspaceError(f"cannot write {path}: {error.strerror or error}") from error


def finish(part: Path, path: Path) -> None:
    """Rename an unfinished file, written to its end, to what it is to be; nothing may stand there."""
    if path.exists():
        raise WorkspaceError(f"{path} is there already")
    part.rename(path)
    fsync_folder(path.parent)


def copy_file(path: Path, to: Path) -> None:
    """Copy a file's bytes in pieces, atomically; whoever needs to know what was copied hashes the copy."""
    with replacing(to) as beside, path.open("rb") as source, beside.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def append_jsonl(path: Path, record: Mapping[str, Any]) -> None:
    """Append one record and flush it to disk; a line that a killed writer left unfinished is cut off first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    _end_last_line(file, path)
            file.write(json_line(record).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WorkspaceError(f"cannot write {path}: {error.strerror or error}") from error


def _end_last_line(file: Any, path: Path) -> None:
    """Cut an unfinished last line that is no JSON; end one that merely lacks its newline (an editor's doing)."""
    data = path.read_bytes()
    end = _finished(data)
    if end < len(data):
        file.truncate(end)
    else:
        file.write(b"\n")


def _finished(data: bytes) -> int:
    """Return where the lines end that were written whole: before a last line that is no JSON, or no UTF-8."""
    start = data.rfind(b"\n") + 1
    try:
        json.loads(data[start:] or b"{}")
    except ValueError:
        return start
    return len(data)
