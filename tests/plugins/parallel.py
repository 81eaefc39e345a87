"""In which order tests run on several workers (``pytest -n 2 --dist loadfile --no-loadscope-reorder``), a file on one of them.

What needs a server begins first, so that no worker ends alone with it. Groups of tests that are marked would stay together
across files, but what pytest-xdist 3.8 marks them with is not looked at by pytest 9.2.
"""

from __future__ import annotations

import pytest

# Servers take long to start.
_SLOW = {"studio_server", "studio_environment", "spark_home"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put files with such a test first; a run on one worker stays as it is."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if _SLOW & set(getattr(item, "fixturenames", ()))}
        items.sort(key=lambda item: item.path not in slow)
