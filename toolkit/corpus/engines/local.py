"""The embedded engine: processes of this machine, files on its disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.corpus import search
from toolkit.corpus.parts import WORK, Job, Made, make_table_parts
from toolkit.corpus.pool import Pool

SMALL = 20_000
"""Fewer rows than this are not worth the start of other processes."""


class Local:
    """Runs jobs in a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Yield what became of each job, in order."""
        if not jobs:
            return iter(())
        # What a search is to work on is made along with the rows, whose texts are at hand.
        folder = jobs[0].staging / WORK
        folder.mkdir(exist_ok=True)
        jobs = [job._replace(sketches=folder) for job in jobs]
        small = sum(job.stop - job.start for job in jobs) < SMALL
        return self._pool.map(make_table_parts, jobs, small=small)

    def search(self, parts: Sequence[Path], rows: Sequence[int], work: Path) -> search.Found:
        """Return which posts are equal or nearly so."""
        # What workers hold of pieces and languages is of no use to a search: others begin with less.
        self._pool.close()
        return search.search(parts, rows, work, self._pool, small=sum(rows) < SMALL)
