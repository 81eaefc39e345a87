"""Every expected error, and the exit code it ends a command with.

::

    DocpostsError            1   expected: one message that names the file, line or field, and the next command to try
    ├── InputError           1   a file, a field or a span of the user's is wrong
    ├── WorkspaceError       1   no workspace here, an unknown setting, a lock held by another command, a read-only folder
    ├── ConflictError        1   going on would overwrite or contradict something that differs
    ├── StudioError          1   the Label Studio environment is missing or of another version; a port is in use
    ├── UsageError           2   the command's words are off
    ├── ChecksFailed         3   a check that was asked for did not pass
    └── ServiceError         4   a service is unreachable, refused the token, or answered what it should not

Too little memory is expected too, whoever says so (:func:`of_memory`): exit code 1. Anything else that escapes a command is a
defect, shown with its traceback.
"""

from __future__ import annotations

import errno


class DocpostsError(Exception):
    """An expected error: ``message`` says what is wrong and where, ``hint`` the next thing to try (may be empty)."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(DocpostsError):
    """A file, a field or a span that the user gave is wrong."""


class WorkspaceError(DocpostsError):
    """The workspace is missing, locked, read-only, or its settings do not hold."""


class ConflictError(DocpostsError):
    """Going on would overwrite or contradict something that differs."""


class StudioError(DocpostsError):
    """Label Studio cannot be run here as asked."""


class UsageError(DocpostsError):
    """The command was called with words that do not fit together."""

    exit_code = 2


class ChecksFailed(DocpostsError):
    """A check that was asked for did not pass."""

    exit_code = 3


class ServiceError(DocpostsError):
    """A service is unreachable, refused the token, or answered what it should not."""

    exit_code = 4


def of_memory(error: BaseException | None) -> bool:
    """Tell whether an error comes of too little memory: it says so itself, or what it came of or happened upon does.

    Python, numpy and Arrow raise :class:`MemoryError`, DuckDB an error of its own, the system one by its number. Where a library
    cannot be mapped, or a thread not be started, words alone tell.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if not isinstance(error, OSError | DocpostsError) and any(words in str(error) for words in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


_NO_MEMORY = (
    *("Cannot allocate memory", "failed to map segment", "cannot allocate memory in static TLS"),
    *("can't start new thread", "std::bad_alloc", "Resource temporarily unavailable"),
)
