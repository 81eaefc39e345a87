"""Text in images by RapidOCR: simplified and traditional Chinese and English, by models that its wheel brings along.

What it reads is a start for whoever transcribes, never a transcription: traditional characters come back as simplified
ones now and then.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.labelresult import Region
from toolkit.text.script import script

_SURE = 0.6  # below, what is read is mostly not there
_WRITING = {"Hans": "zh_hans", "Hant": "zh_hant", "Hani": "zh_hani", "Latn": "en_latn", "Arab": "ug_arab"}
_PACKAGE = "rapidocr-onnxruntime"


def version() -> str:
    """Return what reads, with its version; :class:`InputError` where it is not installed."""
    try:
        return f"rapidocr-{installed(_PACKAGE)}"
    except PackageNotFoundError:
        raise InputError(
            "texts in images are read by RapidOCR, which is not installed",
            hint='pip install "documented-posts[ocr]", or: predictions = "off" in docposts.toml',
        ) from None


@cache
def _reader() -> Any:
    version()
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR()


def read_image(path: Path) -> tuple[Region, ...]:
    """Return the lines of text in an image from top to bottom, in percent of its size; none for what is no image."""
    import cv2
    import numpy as np

    image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return ()
    height, width = image.shape[:2]
    lines, _ = _reader()(image)
    found = []
    for corners, text, score in lines or ():
        if float(score) >= _SURE and text.strip():
            xs, ys = [point[0] for point in corners], [point[1] for point in corners]
            left, top = max(min(xs), 0), max(min(ys), 0)
            right, bottom = min(max(xs), width), min(max(ys), height)
            sides = (left / width, top / height, (right - left) / width, (bottom - top) / height)
            x, y, w, h = (round(100 * float(side), 3) for side in sides)
            found.append(Region(x, y, w, h, text.strip(), _WRITING.get(script(text))))
    return tuple(sorted(found, key=lambda region: (region.y, region.x)))
