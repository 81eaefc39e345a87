"""Shared storage by address: a path, ``file://…``, ``s3://…``, ``gs://…``, ``az://…``, or whatever else fsspec knows.

Object stores go through obstore (extra ``storage``), whose wheel needs no other library and which can write an object only where
there is none; credentials and endpoint come from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL`` …) of whoever
reads or writes, and never travel. Every fault is one clear error: :class:`toolkit.errors.ServiceError`.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from toolkit.errors import ConflictError, InputError, ServiceError, UsageError

_OBJECTS = ("s3", "s3a", "gs", "az", "abfs", "abfss")


def is_address(name: str) -> bool:
    """Tell whether a name is an address (``s3://…``) and not a path."""
    return "://" in name


def join(folder: str, *names: str) -> str:
    """Return the address of something in a folder."""
    return "/".join([folder.rstrip("/"), *names])


def read(address: str) -> bytes:
    """Return a file's bytes."""
    with _faults("read", address):
        system, path = _open(address)
        return cast(bytes, system.cat_file(path))


@contextmanager
def reading(address: str) -> Iterator[IO[bytes]]:
    """Give a file to read from, here and there in it."""
    with _faults("read", address):
        system, path = _open(address)
        file = system.open(path, "rb")
    with file:
        yield file


def write(address: str, data: bytes, *, new: bool = False, lasting: bool = True) -> None:
    """Write a whole file at once; ``new``: :class:`ConflictError` where there is one already, whoever was faster.

    What is not ``lasting`` need not outlive this machine's power.
    """
    with _faults("write", address):
        system, path = _open(address)
        if not _is_local(system):
            system.pipe_file(path, data, mode="create" if new else "overwrite")
            return
        _write_local(Path(path), data, new, lasting)


def upload(path: Path, address: str) -> None:
    """Copy a file of this machine to an address."""
    with _faults("write", address):
        system, there = _open(address)
        if _is_local(system):
            with _beside(Path(there)) as beside:
                shutil.copyfile(path, beside)
                beside.replace(there)
            return
        system.put_file(str(path), there)


def download(address: str, path: Path) -> None:
    """Copy a file to this machine."""
    with _faults("read", address):
        system, there = _open(address)
        system.get_file(there, str(path))


def names(folder: str) -> set[str]:
    """Return the names of a folder's files, none where there is no such folder."""
    with _faults("list", folder):
        system, path = _open(folder)
        system.invalidate_cache()
        try:
            return {str(name).rpartition("/")[2] for name in system.ls(path, detail=False)}
        except FileNotFoundError:
            return set()


def remove(folder: str) -> None:
    """Remove a folder and all in it, where it is there."""
    with _faults("remove", folder):
        system, path = _open(folder)
        system.invalidate_cache()
        # An object store has no folders: what has files in it is there.
        there = Path(path).exists() if _is_local(system) else bool(system.find(path))
        if there:
            system.rm(path, recursive=True)


def _write_local(path: Path, data: bytes, new: bool, lasting: bool) -> None:
    with _beside(path) as beside:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        if new:
            path.hardlink_to(beside)
        else:
            beside.replace(path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:40]}.{os.urandom(4).hex()}.part")
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _is_local(system: Any) -> bool:
    return "file" in ((system.protocol,) if isinstance(system.protocol, str) else system.protocol)


def _open(address: str) -> tuple[Any, str]:
    import fsspec

    scheme = address.partition("://")[0] if is_address(address) else ""
    if scheme in _OBJECTS:
        return _object_store(scheme), address.partition("://")[2]
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise UsageError(f"{address}: {error}") from error
    return system, str(path)


@cache
def _object_store(scheme: str) -> Any:
    try:
        from obstore.fsspec import FsspecStore
    except ImportError as error:
        raise UsageError(
            f"{scheme}:// needs the extra 'storage'", hint="pip install 'documented-posts[storage]'"
        ) from error

    class Store(FsspecStore):
        """An object store that can also write an object only where there is none."""

        async def _pipe_file(self, path: str, value: Any, mode: Any = "overwrite", **_: Any) -> None:
            bucket, key = self._split_path(path)
            await self._construct_store(bucket).put_async(key, value, mode=mode)

    # First in, last out: ends before Python itself does.
    atexit.register(_rest)
    protocol: Any = scheme
    return Store(protocol=protocol, retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)})


def _rest() -> None:
    """End fsspec's thread: one that the interpreter's end meets within the object store's library takes the process along."""
    from fsspec import asyn

    loop, thread = asyn.loop[0], asyn.iothread[0]
    if loop is not None and thread is not None and thread.is_alive():
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def _faults(what: str, address: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConflictError(f"{address} is there already") from error
    except FileNotFoundError as error:
        if what == "write":
            # What is not there is the bucket.
            raise _refused(what, address, error.strerror or _first(str(error))) from error
        raise InputError(f"cannot {what} {address}: it is not there") from error
    except OSError as error:
        raise _refused(what, address, error.strerror or str(error)) from error
    except Exception as error:
        kind = type(error)
        if not kind.__module__.startswith(("obstore", "builtins.obstore")) and "obstore" not in str(kind):
            raise
        if kind.__name__ == "AlreadyExistsError":
            raise ConflictError(f"{address} is there already") from error
        if kind.__name__ == "NotFoundError" and what != "write":
            raise InputError(f"cannot {what} {address}: it is not there") from error
        raise _refused(what, address, _first(str(error))) from error


def _refused(what: str, address: str, why: str) -> ServiceError:
    return ServiceError(
        f"cannot {what} {address}: {why}",
        hint="check the storage's address, space and permissions, and its credentials",
    )


def _first(message: str) -> str:
    """Return what an object store said, without the XML and the program's own dump that follow."""
    code = message.partition("<Code>")[2].partition("</Code>")[0]
    said = message.partition("<Message>")[2].partition("</Message>")[0]
    return f"{said or message.partition(chr(10))[0]}" + (f" ({code})" if code else "")
