"""The images of photo texts as they are released: those of reports that may be redistributed, without metadata.

What a camera, a telephone or a program wrote beside the pixels (place, time, device, names, thumbnails, colour profiles) is
cut out of the file; the pixels stay as they are compressed, so that the result depends on no library's encoder. That is why this
is done here: Pillow would compress them anew. Of Exif a JPEG keeps how the image is turned, and nothing else. Other
formats are not released.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from toolkit.fsio import read_bytes, sha256_bytes
from toolkit.release.features import IMAGE

KINDS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
LARGEST = 20 << 20
"""Bytes of an image."""
_PIXELS = 50_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What pixels are made of, and how bright they are meant; everything else a PNG may hold says something about somebody.
_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT")
_EXIF = b"Exif\0\0"
_TURNED = 0x0112
NOT_ALLOWED, NOT_CLEAN = "image of a report that may not be redistributed", "image that cannot be released"


@dataclass(frozen=True)
class Images:
    """``shown``: photo text → its image (``bytes`` and ``path``); ``hashes``: photo text → that of its image, shown or not;
    ``left``: how many held ones stay behind, by reason.
    """

    shown: Mapping[str, dict[str, object]]
    hashes: Mapping[str, str]
    left: Mapping[str, int]


def released(photos: pa.Table, sources: pa.Table, file_of: Callable[[str], Path | None]) -> Images:
    """Return the images of photo texts as they are released.

    ``photos`` and ``sources`` are tables of a corpus; ``file_of`` finds the file of a hash.
    """
    may = dict(zip(sources["source_id"].to_pylist(), sources["rights"].to_pylist(), strict=True))
    shown: dict[str, dict[str, object]] = {}
    hashes: dict[str, str] = {}
    left: Counter[str] = Counter()
    for row in photos.select(["photo_id", "source_id", "media"]).to_pylist():
        if row["media"] is None:
            continue
        allowed = may[row["source_id"]] == "redistributable"
        path = file_of(row["media"])
        data = read_bytes(path) if path else b""
        try:
            clean = cleaned(data if sha256_bytes(data) == row["media"] else b"")
        except ValueError:
            left[NOT_CLEAN if allowed else NOT_ALLOWED] += 1
            continue
        hashes[row["photo_id"]] = sha256_bytes(clean)
        if allowed:
            shown[row["photo_id"]] = image_of(clean)
        else:
            left[NOT_ALLOWED] += 1
    return Images(shown, hashes, dict(left))


def beside(rows: pa.Table, images: Images) -> pa.Table:
    """Return released photo texts with their images, and the hashes of those that stay behind too."""
    names = rows["photo_id"].to_pylist()
    for column, values, kind in (("image", images.shown, IMAGE), ("image_hash", images.hashes, pa.string())):
        place = rows.schema.get_field_index(column)
        own = pa.array([values.get(name) for name in names], kind)
        rows = rows.set_column(place, rows.schema.field(place), own)
    return rows


def image_of(data: bytes) -> dict[str, object]:
    """Return an image that is released, as datasets stores it."""
    return {"bytes": data, "path": name_of(data)}


def copies(files: Iterable[Path]) -> dict[str, Path]:
    """Return hash → file of those files that are images which could be released: metadata make no other image of one."""
    found: dict[str, Path] = {}
    for path in files:
        with suppress(ValueError):
            found.setdefault(sha256_bytes(cleaned(read_bytes(path))), path)
    return found


def name_of(data: bytes) -> str:
    """Return the name of an image that is released."""
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), "bin")
    return f"{sha256_bytes(data)}.{kind}"


def cleaned(data: bytes) -> bytes:
    """Return an image without what is not pixels; :class:`ValueError` says why there is none that could be released."""
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), None)
    if kind is None:
        raise ValueError("neither JPEG nor PNG")
    if len(data) > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MB")
    try:
        made = b"".join(_jpeg(data) if kind == "jpg" else _png(data))
    except (IndexError, struct.error) as error:
        raise ValueError("cut short") from error
    decode(made)
    return made


def decode(data: bytes) -> None:
    """Decode an image; :class:`ValueError` where that fails, or where it would unpack without end."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
                if image.width * image.height > _PIXELS:
                    raise ValueError(f"more than {_PIXELS} pixels")
                image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"does not decode: {error}") from error


def _jpeg(data: bytes) -> Iterator[bytes]:
    """Yield the segments that make pixels, from the first byte to the end of the image; what stands behind it is left out."""
    yield data[:2]
    at, turned = 2, None
    while True:
        if data[at] != 0xFF:
            raise ValueError("a JPEG without markers")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            yield data[at : at + 2]
            return
        (size,) = struct.unpack_from(">H", data, at + 2)
        segment, at = data[at : at + 2 + size], at + 2 + size
        if marker == 0xE0 and segment[4:9] == b"JFIF\0":
            # Its thumbnail aside.
            yield b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0"
        elif marker == 0xE1 and segment[4:10] == _EXIF and turned is None:
            turned = _orientation(segment[10:])
            yield _exif(turned) if turned > 1 else b""
        elif marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield segment
        if marker == 0xDA:
            end = _scan(data, at)
            yield data[at:end]
            at = end


def _scan(data: bytes, at: int) -> int:
    """Return where compressed pixels end: before the next marker that is none of theirs."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise ValueError("cut short")
        if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        else:
            return at


def _orientation(tiff: bytes) -> int:
    """Return how Exif says that the image is turned (1: not)."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(count):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, start + 2 + 12 * number)
            if tag == _TURNED and kind == 3:
                (value,) = struct.unpack_from(f"{order}H", tiff, start + 10 + 12 * number)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _exif(turned: int) -> bytes:
    entry = struct.pack(">HHIHH", _TURNED, 3, 1, turned, 0)
    body = _EXIF + b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(data: bytes) -> Iterator[bytes]:
    yield _SIGNATURE
    at = len(_SIGNATURE)
    while True:
        (size,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise ValueError("cut short")
        if name in _CHUNKS:
            yield data[at:end]
        at = end
        if name == b"IEND":
            return
