"""Which item of the latest corpus version is meant: by its id, by ``source/key`` as curators name it, or by its text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from toolkit.corpus import store
from toolkit.items import Item, items
from toolkit.workspace import Workspace


@dataclass(frozen=True)
class Made:
    """One submission made elsewhere: on what, by whom, when (ISO 8601, empty: not said), and what it says.

    ``where`` names its place in the file, ``meant`` what the file says of the item.
    """

    where: str
    meant: str
    item: Item | None
    annotator: str
    created_at: str
    annotation: dict[str, Any]


class Items:
    """The items of a corpus, found by what a file may call them."""

    def __init__(self, workspace: Workspace) -> None:
        self.codebooks = workspace.codebooks
        version = store.open_version(workspace)
        found = items(version.tables(), workspace.settings.tasks.layer)
        self.by_id = {item.item_id: item for item in found}
        self._by_key = {
            f"{row['source_id']}/{row['key']}": row["row_id"]
            for row in version.table("segments").to_pylist()
            if row["row_id"] in self.by_id
        }
        self._by_text: dict[str, list[Item]] = defaultdict(list)
        for item in found:
            self._by_text[item.text].append(item)

    def named(self, name: str) -> Item | None:
        """Return the item with an id, or a source's id and the curator's key, ``report/post-3``."""
        return self.by_id.get(self._by_key.get(name, name))

    def showing(self, text: str) -> Item | None:
        """Return the one item that shows just this text; None where none or several do."""
        found = self._by_text.get(text, [])
        return found[0] if len(found) == 1 else None
