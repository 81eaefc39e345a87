"""UTF-8 as some programs write it wrong: halves of surrogate pairs, each in three bytes of its own."""

from __future__ import annotations

from toolkit.errors import InputError
from toolkit.fsio import decode_utf8


def decode(data: bytes, name: str) -> str:
    """Return bytes as text; two halves that stand together are the character that they make, a lone one stays for the caller.

    Whatever else is no UTF-8 is the :class:`InputError` of :func:`toolkit.fsio.decode_utf8`.
    """
    try:
        return decode_utf8(data, name)
    except InputError:
        try:
            halves = data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            pass
        else:
            return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        raise
