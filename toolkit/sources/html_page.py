"""What a saved page is besides its words: its bytes' encoding, what it says of itself, the images in its folder."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from toolkit.errors import InputError

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


def page_metadata(page: Any) -> dict[str, Any]:
    """Return what a page says of itself: its headline, author, date, address, language (``<meta>``, JSON-LD, ``<link>``)."""
    metas = {m.get("property") or m.get("name"): m.get("content") for m in page.iter("meta") if m.get("content")}
    linked = _json_ld(page)
    heading = next((" ".join(h.text_content().split()) for h in page.iter("h1")), None)
    title = heading or metas.get("og:title") or _name(linked.get("headline")) or page.findtext(".//title")
    author, publisher = linked.get("author"), linked.get("publisher")
    authors = [_name(a) for a in (author if isinstance(author, list) else [author])]
    published = str(linked.get("datePublished") or metas.get("article:published_time") or "")[:10]
    canonical = next((link.get("href") for link in page.iter("link") if link.get("rel") == "canonical"), None)
    language = (page.get("lang") or "").partition("-")[0].lower()
    found = {
        "title": " ".join(title.split()) if title else None,
        "authors": [a for a in authors if a] or ([metas["author"]] if metas.get("author") else None),
        "publisher": _name(publisher),
        "published": published if re.fullmatch(r"\d{4}-\d\d-\d\d", published) else None,
        "url": canonical or metas.get("og:url"),
        "languages": [language] if re.fullmatch(r"[a-z]{2,3}", language) else None,
    }
    return {key: value for key, value in found.items() if value}


def _name(value: Any) -> str | None:
    """Return a JSON-LD value that is a text, or the name of a thing that has one; pages hold anything there."""
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) and name.strip() else None


def _json_ld(page: Any) -> dict[str, Any]:
    for script in page.iter("script"):
        if script.get("type") == "application/ld+json":
            try:
                value = json.loads(script.text or "")
            except ValueError:
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and (item.get("headline") or item.get("datePublished")):
                    return item
    return {}


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
        file = (folder / unquote(parts.path)).resolve()
        held = file.read_bytes() if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError):
        # No address, or no file name that a file could have.
        return None
    if not file.is_relative_to(folder):
        raise InputError(f"{page.name}: the image {src} lies outside the page's folder")
    return held
