"""The words for labels: who reads a page need not know the codebook's codes."""

from __future__ import annotations

import pyarrow as pa

from toolkit.codebooks import named_by


class Names:
    """Labels of a table of judgements in the codebook's words; one that it does not know stands as it is."""

    def __init__(self, judgements: pa.Table) -> None:
        self._codebooks = named_by(judgements)
        self._known: dict[str, dict[str, str]] = {}

    def __call__(self, task: str, label: str) -> str:
        """Return what a label is called."""
        if task not in self._known:
            self._known[task] = {known.id: known.shown("en") for known in self._codebooks(task).labels}
        return self._known[task].get(label, label)
