"""In which order tests run on several workers (``pytest -n 2 --dist loadfile --no-loadscope-reorder``), a file on one of them.

The longest files begin first, and what needs a server before the rest, so that no worker ends alone with one of them. Groups
of tests that are marked would stay together across files, but what pytest-xdist 3.8 marks them with is not looked at by
pytest 9.2.
"""

from __future__ import annotations

import pytest

# As `pytest --durations=0` sums them up, longest first: half a minute and more on two quiet cores. What is left then is short.
_LONGEST = (
    *("test_spark", "test_demo", "test_faults", "test_release_push", "test_kills", "test_versions", "test_flip"),
    *("test_purge", "test_browser", "test_loop", "test_release_cut", "test_studio_server", "test_release_verify"),
    *("test_corpus", "test_build", "test_storage", "test_engines", "test_release_takedown"),
)
# Servers take long to start.
_SLOW = {"studio_server", "studio_environment", "spark_home"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, then those with such a test; a run on one worker stays as it is."""
    if hasattr(config, "workerinput"):
        rank = {f"{name}.py": place for place, name in enumerate(_LONGEST)}
        slow = {item.path for item in items if _SLOW & set(getattr(item, "fixturenames", ()))}
        items.sort(key=lambda item: (rank.get(item.path.name, len(rank)), item.path not in slow))
