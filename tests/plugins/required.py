"""What tests need beside the toolkit itself: skipped where it is missing, a failure where CI=true."""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn

import pytest


def missing(message: str) -> NoReturn:
    """Skip with a reason, or fail by it where nothing may be left out."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def required(module: str) -> Any:
    """Return a module of one of the extras."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(f"{module} cannot be imported ({error}): pip install 'documented-posts[dev]'")
