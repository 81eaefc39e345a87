"""Loops compiled by Numba, where it is installed and there is enough to do. What they come to is the same without them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

# Reading Numba and the compiled code takes half a second: what so many texts take without them.
_ENOUGH = 30_000
_LOOPS = "toolkit.kernels.loops"
_met = 0


def compiled(texts: int) -> ModuleType | None:
    """Return :mod:`toolkit.kernels.loops` to work on so many texts, None where whole arrays in NumPy are to be used.

    It is given once a process has met many texts, and where it has been read already, as in the workers of a large build.
    """
    global _met  # noqa: PLW0603 (how much a process has met is a fact about the process)
    _met += texts
    return _loops() if _met >= _ENOUGH else sys.modules.get(_LOOPS)


@cache
def _loops() -> ModuleType | None:
    try:
        from toolkit.kernels import loops
    except ImportError:
        return None
    return loops


def code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the code points of texts, one text after another, and where each text's end among them."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return points, np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
