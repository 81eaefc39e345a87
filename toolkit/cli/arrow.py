"""pyarrow in a command's process, without pandas."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Absent:
    """Finds no pandas."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not looked for here", name=name)
        return None


def without_pandas() -> None:
    """Let pyarrow, in this process, make arrays without pandas.

    With the first array that is made of anything, pyarrow imports pandas, to be able to tell pandas's objects: a fifth of the
    time that a command on ten posts takes. It looks for pandas once, so it is let look while there is none to be found; whoever
    imports pandas later has it, and what gives pandas's objects (``to_pandas``) imports it still. Until then pyarrow takes a
    pandas series for any other sequence, and times to the nanosecond come out as ``datetime``: so this is for commands, whose
    process is theirs, and for those that meet neither.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(absent)
