"""A pulled correction → a file of spans for ``source accept``: ``sources/<id>/corrections/<project>.<pull>.jsonl``.

What is accepted is that file, so that an error in it has a line to correct by hand, and what a submission became stays on
record.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ConflictError, InputError
from toolkit.fsio import write_jsonl
from toolkit.segmentation.attributes import report_languages
from toolkit.segmentation.correct import correct
from toolkit.segmentation.push import TASK, base_spans, spans_sha256
from toolkit.segmentation.submission import find_pull, read_submission
from toolkit.sources import segments
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

_FOLDER = "corrections"


@dataclass(frozen=True)
class Taken:
    """A correction read: the file of its spans, the pull, counts by origin, keys that are gone, its maker's comments."""

    path: Path
    pull: Path
    counts: Mapping[str, int]
    gone: tuple[str, ...]
    comments: tuple[str, ...]


def take(workspace: Workspace, source: Source, given: Path) -> Taken | None:
    """Write the spans of the newest submission that ``given`` holds or names; None for a file that is no pull.

    :class:`ConflictError` where the curated spans were changed by other hands since they were shown.
    """
    with workspace.lock():
        pull = find_pull(workspace, source, given)
        if pull is None:
            return None
        submitted = read_submission(workspace.codebooks(TASK), pull, source)
        before = base_spans(source)
        if source.segments_path.exists() and spans_sha256(before) not in {submitted.base_sha256, *_earlier(source)}:
            raise ConflictError(
                f"{source.segments_path} was changed after its spans were pushed: {pull} knows nothing of that",
                hint=f"show what there is now: docposts tasks push --task segmentation --source {source.id}",
            )
        media = {block["char_start"]: block["media"] for block in source.blocks if block.get("media")}
        languages = report_languages(source.meta.languages, source.text)
        corrected = correct(source.text, before, submitted.places, languages=languages, media=media)
        path = source.folder / _FOLDER / f"{pull.parent.name}.{pull.stem}.jsonl"
        path.parent.mkdir(exist_ok=True)
        write_jsonl(path, (segment.record() for segment in corrected.segments))
        return Taken(path, pull, corrected.counts, corrected.gone, submitted.comments)


def _earlier(source: Source) -> set[str]:
    """Return the digests of the corrections taken before: a second submission may follow the first."""
    found = set()
    for path in (source.folder / _FOLDER).glob("*.jsonl"):
        # One that does not hold was never accepted.
        with suppress(InputError):
            found.add(spans_sha256(segments.load(path, source.text)))
    return found
