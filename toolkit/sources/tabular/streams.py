"""A table's bytes as a stream of UTF-8: unpacked, recoded, its BOM left out. Nothing is held but one piece."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from toolkit.errors import InputError

_PIECE = 1 << 20
# The longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def is_gzip(path: Path) -> bool:
    """Tell whether a file is packed, by its first bytes."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def encoding_of(head: bytes, declared: str | None, where: str) -> str:
    """Return the encoding that a byte order mark shows, else the declared one, else UTF-8."""
    found = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if declared is not None:
        try:
            name = codecs.lookup(declared).name
        except LookupError as error:
            raise InputError(f"--encoding {declared!r}: no such encoding") from error
        if found and not name.startswith(found.removesuffix("-sig")):
            raise InputError(f"{where} begins with the byte order mark of {found.removesuffix('-sig')}, not of {name}")
        return found or name
    return found or "utf-8"


@contextmanager
def opened(path: Path, *, packed: bool, encoding: str | None = None) -> Iterator[IO[bytes]]:
    """Open a file for reading: as it is, or with ``encoding`` as UTF-8 bytes.

    UTF-8 itself passes as it is, so that a row with a wrong byte can be told from the others.
    :class:`InputError` where it cannot be unpacked or is not in its encoding.
    """
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            if packed:
                file = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=file)))
            if encoding in (None, "utf-8"):
                yield file
            elif encoding == "utf-8-sig":
                file.read(len(codecs.BOM_UTF8))
                yield file
            else:
                yield cast(IO[bytes], io.BufferedReader(_Recoded(file, str(encoding)), _PIECE))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked: {error}", hint="obtain the file again") from error
    except UnicodeError as error:
        raise InputError(f"{path} is not {encoding}: {error}", hint="say how it is encoded: --encoding NAME") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


class _Recoded(io.RawIOBase):
    """Bytes of any encoding as UTF-8 bytes."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._left = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._ended:
            piece = self._file.read(_PIECE)
            self._ended = not piece
            self._left = self._decoder.decode(piece, final=self._ended).encode("utf-8")
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
