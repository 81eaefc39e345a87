"""What ``docposts source accept --from PULL`` and ``docposts tasks push --task segmentation`` add to their commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.cli.common import progress, say, visible

if TYPE_CHECKING:
    from toolkit.sources.source import Source
    from toolkit.tasks import Plan
    from toolkit.workspace import Workspace


def corrected_spans(workspace: Workspace, source: Source, given: Path) -> Path:
    """Return the file of spans to accept: that of a pulled correction, or the one given where it is no pull."""
    from toolkit.segmentation.take import take

    taken = take(workspace, source, given)
    if taken is None:
        return given
    said = {"kept": "as shown", "moved": "moved", "redrawn": "redrawn", "new": "new", "gone": "gone"}
    say(f"{taken.pull}: " + ", ".join(f"{taken.counts[name]} {word}" for name, word in said.items()))
    if taken.gone:
        say(f"  keys that are gone (does facts.toml name them?): {', '.join(map(visible, taken.gone))}")
    for comment in taken.comments:
        say(f"  comment: {visible(comment)}")
    say(f"  spans: {taken.path}")
    return taken.path


def push_spans(workspace: Workspace, source_id: str | None, annotator: str | None, *, dry_run: bool = False) -> Plan:
    """Push reports for their spans to be corrected, or show what a push would do."""
    from toolkit.labelstudio.connect import connect
    from toolkit.segmentation import push

    server = connect(workspace)
    with progress("pushing") as show:
        if dry_run:
            return push.plan(workspace, server, source_id=source_id, annotator=annotator)
        return push.push(workspace, server, source_id=source_id, annotator=annotator, progress=show)
