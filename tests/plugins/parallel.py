"""Which tests stay together when the suite runs on several workers (``pytest -n 2 --dist loadgroup``).

Tests that share something dear to make run on one worker: those on the session's server, and those of a module with a
fixture of its own scope. Every other test goes wherever a worker is free.
"""

from __future__ import annotations

import pytest

_SERVER = "studio_server"
# A server takes long to start: what needs one begins first, so that no worker ends alone with it.
_SLOW = (_SERVER, "studio_environment", "spark_home")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its group; a run on one worker stays as it is."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not any(name in _fixtures(item) for name in _SLOW))


def _fixtures(item: pytest.Item) -> dict[str, str]:
    """Return the scope of each fixture that a test stands on."""
    info = getattr(item, "_fixtureinfo", None)
    return {name: found[-1].scope for name, found in info.name2fixturedefs.items()} if info else {}


def _group(item: pytest.Item) -> str | None:
    scopes = _fixtures(item)
    if _SERVER in scopes:
        return _SERVER
    return item.nodeid.partition("::")[0] if "module" in scopes.values() else None
