"""Images by their first bytes, and by hash in the blocks that show them."""

from __future__ import annotations

from typing import Any

from toolkit.fsio import sha256_bytes
from toolkit.sources.document import Document

_IMAGE_TYPES = {
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"GIF8": ("gif", "image/gif"),
    b"RIFF": ("webp", "image/webp"),
}


def image_type(data: bytes) -> tuple[str, str]:
    """Return (file ending, media type) of an image by its first bytes."""
    for magic, kind in _IMAGE_TYPES.items():
        if data.startswith(magic):
            return kind
    return ("bin", "application/octet-stream")


def hashed(block: dict[str, Any], document: Document) -> dict[str, Any]:
    """Return a block's record with its image's hash, where the image is held; a data URI is not written out."""
    image = document.images.get(block.get("image", ""))
    if str(block.get("image", "")).startswith("data:"):
        block["image"] = "data:"
    return block | ({"media": sha256_bytes(image)} if image is not None else {})
