"""One gate of a release, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import DocpostsError

State = Literal["holds", "fails", "not run"]


@dataclass(frozen=True)
class Gate:
    """One gate. ``detail``: what was checked where it holds, what does not hold where it fails, else why it was not run."""

    name: str
    state: State
    detail: str

    @property
    def ok(self) -> bool:
        """Tell whether it was run and holds."""
        return self.state == "holds"

    @property
    def failed(self) -> bool:
        """Tell whether it was run and does not hold."""
        return self.state == "fails"


class NotRun(DocpostsError):
    """A gate has nothing to run on: the message says why. No failure, and no success."""


def judged(name: str, problems: list[str], holds: str) -> Gate:
    """Return the gate that found these problems; ``holds`` says what was checked."""
    return Gate(name, "fails", shown(problems)) if problems else Gate(name, "holds", holds)


def shown(problems: list[str], most: int = 5) -> str:
    """Return the first problems on one line, and how many more there are."""
    more = f" (and {len(problems) - most} more)" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
