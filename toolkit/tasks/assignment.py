"""Who gets which item: balanced, decided by a seed, and kept for good in ``annotations/assignments.jsonl``.

A line says ``{"round", "task", "item_id", "annotator"}``. An item that someone has been
given stays theirs whatever comes later; what lacks readers (an annotator came or went, or was let in) is given to those
who have least.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from toolkit.fsio import appending_jsonl, read_jsonl, sha256_text
from toolkit.items import Item
from toolkit.workspace import Workspace

FILE = "assignments.jsonl"
Names = tuple[str, ...]


class Assignments:
    """The assignments on record and those made since; :meth:`write` puts the latter on record."""

    def __init__(self, workspace: Workspace) -> None:
        self._path = workspace.annotations_dir / FILE
        self._seed = workspace.settings.tasks.seed
        self._of: dict[tuple[str, str], dict[str, Names]] = defaultdict(dict)
        self._new: dict[tuple[str, str], dict[str, Names]] = defaultdict(dict)
        if self._path.exists():
            for _, record in read_jsonl(self._path, appended=True):
                self._add(self._of[record["round"], record["task"]], record["item_id"], [record["annotator"]])

    @staticmethod
    def _add(items: dict[str, Names], item_id: str, names: Iterable[str]) -> None:
        items[item_id] = tuple(dict.fromkeys((*items.get(item_id, ()), *names)))

    def items(self, round_name: str, task: str) -> dict[str, Names]:
        """Return who has which item in a round, by item."""
        return self._of[round_name, task]

    def choose(self, round_name: str, task: str, found: Sequence[Item], count: int) -> list[Item]:
        """Return the items of a round, in corpus order: those it has, and by the seed more until there are ``count`` (0: all)."""
        has = self.items(round_name, task)
        free = [item for item in found if item.item_id not in has]
        lacking = count - sum(item.item_id in has for item in found)
        if count:
            free = sorted(free, key=lambda item: self._draw(round_name, item.item_id))[: max(lacking, 0)]
        chosen = {item.item_id for item in free} | has.keys()
        return [item for item in found if item.item_id in chosen]

    def deal(self, round_name: str, task: str, found: Sequence[Item], names: Sequence[str], overlap: int) -> None:
        """Give each item to ``overlap`` of the names: it stays with those who have it, the rest goes to who has least."""
        has = self.items(round_name, task)
        load = Counter(dict.fromkeys(names, 0))
        load.update(name for item in found for name in has.get(item.item_id, ()) if name in load)
        for item in found:
            own = has.get(item.item_id, ())
            lacking = overlap - sum(name in load for name in own)
            free = [name for name in names if name not in own]
            order = sorted((load[name], self._draw(name, item.item_id), name) for name in free)
            for _, _, name in order[: max(lacking, 0)]:
                load[name] += 1
                self.add(round_name, task, item.item_id, name)

    def add(self, round_name: str, task: str, item_id: str, name: str) -> None:
        """Give an item to one more, where it is not theirs already."""
        if name not in self.items(round_name, task).get(item_id, ()):
            self._add(self._new[round_name, task], item_id, [name])
            self._add(self._of[round_name, task], item_id, [name])

    def _draw(self, name: str, item_id: str) -> str:
        return sha256_text(f"{self._seed}\n{name}\n{item_id}")

    def write(self) -> None:
        """Put what was assigned anew on record, before anything of it is sent."""
        if not self._new:
            return
        with appending_jsonl(self._path) as write:
            for (round_name, task), items in self._new.items():
                for item_id, names in items.items():
                    for name in names:
                        write({"round": round_name, "task": task, "item_id": item_id, "annotator": name})
        self._new.clear()
