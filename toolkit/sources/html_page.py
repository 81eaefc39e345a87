"""What a saved page is besides its words: its bytes' encoding, the images in its folder."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import sys
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from toolkit.errors import InputError
from toolkit.sources import surrogates

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_UNHELD = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?|[\0\ud800-\udfff]")
# What browsers read under these names (WHATWG's Encoding Standard): saved pages are full of characters beyond the named set.
_AS_BROWSERS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


def decode(data: bytes, name: str) -> str:
    """Return a page's text by its BOM or declared charset, UTF-8 where it declares none; strictly."""
    declared = _CHARSET.search(data[:4096])
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") or not declared else declared[1].decode("ascii")
    try:
        encoding = _AS_BROWSERS.get(codecs.lookup(encoding).name, encoding)
        if encoding == "utf-8-sig" or codecs.lookup(encoding).name == "utf-8":
            return surrogates.decode(data, name).removeprefix("\ufeff")
        return data.decode(encoding)
    except LookupError as error:
        raise InputError(f"{name} declares an unknown charset: {encoding}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not {encoding.removesuffix('-sig')}: byte {error.start} is 0x{data[error.start]:02x}",
            hint="save the page again as UTF-8, then try again",
        ) from error
    except UnicodeError as error:
        raise InputError(f"{name} cannot be read in the charset that it declares: {encoding}") from error


_BEGINS = re.compile(rb"<(?:html|body)[\s>]", re.IGNORECASE)
_ENDS = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)


def ends_early(data: bytes) -> bool:
    """Tell whether a page begins as a whole one and its end is not there, or it ends within a tag or a comment.

    Markup may leave its last end tags out, so that this is a warning; what browsers save has them.
    """
    tail = data[-4096:]
    opened = tail.rfind(b"<")
    within = (opened > tail.rfind(b">") and tail[opened + 1 : opened + 2].isalpha()) or tail.rfind(
        b"<!--"
    ) > tail.rfind(b"-->")
    return within or (bool(_BEGINS.search(data[:65536])) and not _ENDS.search(tail))


def mark_unheld(markup: str) -> tuple[str, str]:
    """Return (a page with every character that UTF-8 or markup cannot hold marked, the mark: one it does not have).

    The mark goes through the parsers as any character does, so that those in the article alone are counted.
    """
    mark = next(chr(code) for code in range(0xE000, 0xF900) if chr(code) not in markup)

    def marked(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or "0"
        # A number of so many digits is beyond every character; int() would refuse to read the longest.
        code = int(digits, 16 if match[1] else 10) if len(digits.lstrip("0")) < 9 else sys.maxunicode + 1
        return mark if code == 0 or 0xD800 <= code < 0xE000 or code > sys.maxunicode else match[0]

    return _UNHELD.sub(marked, markup), mark


def held(value: Any, mark: str) -> Any:
    """Return a value of the page's metadata with U+FFFD for what is marked, or came as half a pair in JSON."""
    if isinstance(value, str):
        return re.sub(f"[{mark}\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [held(part, mark) for part in value]
    return {key: held(part, mark) for key, part in value.items()} if isinstance(value, dict) else value


def _spelt(folder: Path, path: str) -> Path:
    """Return a path below a folder as it is spelt there: some systems take the accents of file names apart, pages don't."""
    for part in path.split("/"):
        beside = folder / part
        if not beside.exists() and folder.is_dir():
            same = normalize("NFC", part)
            beside = next((own for own in sorted(folder.iterdir()) if normalize("NFC", own.name) == same), beside)
        folder = beside
    return folder


def load_image(src: str, page: Path) -> bytes | None:
    """Return an image's bytes from a data URI or from below the page's folder; None where it is remote or not there."""
    if src.startswith("data:"):
        head, _, body = src.partition(",")
        try:
            plain = unquote_to_bytes(body)
            return base64.b64decode(b"".join(plain.split()), validate=True) if head.endswith(";base64") else plain
        except (binascii.Error, ValueError):
            return None
    folder = page.parent.resolve()
    try:
        parts = urlsplit(src)
        # A path from the site's root is an address as well.
        if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
            return None
        file = _spelt(folder, unquote(parts.path)).resolve()
        held = file.read_bytes() if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError):
        # No address, or no file name that a file could have.
        return None
    if not file.is_relative_to(folder):
        raise InputError(f"{page.name}: the image {src} lies outside the page's folder")
    return held
