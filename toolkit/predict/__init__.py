"""Pre-annotations: texts read from images, and narrative cues, as predictions that annotators may start from.

A prediction says what it is made by (``model_version``) and is kept in ``annotations/predictions/<model_version>.jsonl``, so
that it is made once and can be compared with what people answered, however the lexicon or the reader changes later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.fsio import append_jsonl, read_jsonl, sha256_text
from toolkit.items import Item
from toolkit.labelresult import Region, Result, Submission, build_result
from toolkit.predict.cues import Cues
from toolkit.sources import registry
from toolkit.workspace import Workspace

FOLDER = "predictions"


def predict(workspace: Workspace, items: Sequence[Item]) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return the predictions of items by item id, each ``{"model_version", "result"}``; where nothing was found in an item,
    the result is empty.

    :class:`InputError` where an image is to be read and the reader (extra ``ocr``) is not installed.
    """
    cues = Cues.load(workspace.codebooks.folder)
    files = {sha256: path for source in registry.sources(workspace) for sha256, path in source.media.items()}
    kept: dict[str, dict[tuple[str, str], Result]] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        reads = item.form == "image" and item.image is not None
        version = _version(cues, reads=reads)
        if version not in kept:
            kept[version] = known(workspace, version)
        about = (item.item_id, sha256_text(item.text))
        result = kept[version].get(about)
        if result is None:
            regions: tuple[Region, ...] = ()
            if reads and item.image:
                from toolkit.predict.ocr import read_image

                regions = read_image(files[item.image])
            result = _result(workspace, item, cues, regions)
            record = {"item_id": item.item_id, "text_sha256": about[1], "task": item.task, "result": result}
            append_jsonl(workspace.annotations_dir / FOLDER / f"{version}.jsonl", record)
            kept[version][about] = result
        found[item.item_id] = [{"model_version": version, "result": result}]
    return found


def known(workspace: Workspace, version: str) -> dict[tuple[str, str], Result]:
    """Return the results that one version predicted, by item and hash of the text that was shown."""
    path = workspace.annotations_dir / FOLDER / f"{version}.jsonl"
    if not path.exists():
        return {}
    return {
        (record["item_id"], record["text_sha256"]): record["result"] for _, record in read_jsonl(path, appended=True)
    }


def _version(cues: Cues, *, reads: bool) -> str:
    if not reads:
        return f"cues-{cues.version}"
    from toolkit.predict.ocr import version

    return f"cues-{cues.version}+{version()}"


def _result(workspace: Workspace, item: Item, cues: Cues, regions: tuple[Region, ...]) -> Result:
    codebook = workspace.codebooks(item.task)
    votes, spans = cues.find(codebook, item.text)
    return build_result(codebook, Submission(labels=votes, evidence=spans, regions=regions), form=item.form)
