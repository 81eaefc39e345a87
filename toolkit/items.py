"""Items: what is labelled, as it is shown. Posts in one text layer; photo texts with their image where it is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from toolkit.fsio import canonical_json, sha256_text

ItemType = Literal["post", "photo_text"]
# The task that each type of item is labelled in.
TASKS: dict[ItemType, str] = {"post": "narrative", "photo_text": "photo_text"}


@dataclass(frozen=True)
class Item:
    """One post or photo text as annotators are shown it.

    ``form`` is the codebook's form, ``layer`` the text layer shown (of a photo text: its kind), ``image`` the hash of
    the image shown.
    """

    item_id: str
    item_type: ItemType
    form: str
    text: str
    layer: str
    image: str | None = None

    @property
    def task(self) -> str:
        """The task that the item is labelled in."""
        return TASKS[self.item_type]

    @property
    def key(self) -> str:
        """The content key of its task: another text, layer or image is another task, edited metadata are not."""
        shown = [self.task, self.form, self.item_id, self.text, self.layer, self.image]
        return sha256_text(canonical_json(shown))[:32]


def items(tables: Mapping[str, pa.Table], layer: str) -> list[Item]:
    """Return the items of a corpus in its order; a post in ``layer``, or in the one it has where it lacks that."""
    texts: dict[str, dict[str, str]] = {}
    for row in tables["text_layers"].to_pylist():
        texts.setdefault(row["post_id"], {})[row["layer"]] = row["text"]
    found: list[Item] = []
    for post_id in tables["posts"]["post_id"].to_pylist():
        shown = layer if layer in texts[post_id] else next(iter(texts[post_id]))
        found.append(Item(post_id, "post", "default", texts[post_id][shown], shown))
    for row in tables["photo_texts"].to_pylist():
        form = "image" if row["media"] else "text"
        found.append(Item(row["photo_id"], "photo_text", form, row["text"], row["kind"], row["media"]))
    return found
