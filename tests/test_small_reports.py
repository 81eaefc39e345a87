"""Proposals for small reports in many styles: what a curator would mark, nothing more, and no prose among the posts."""

from __future__ import annotations

import pytest

from tests import small_reports

NAMES = small_reports.names()


def test_there_are_reports() -> None:
    assert len(NAMES) == len(
        {path.stem for path in small_reports.FOLDER.glob("*.*") if path.suffix in (".txt", ".html")}
    )


@pytest.mark.parametrize("name", NAMES)
def test_proposals_are_what_a_curator_would_mark(name: str) -> None:
    document = small_reports.read(name)
    proposed, marks = small_reports.proposed(document), small_reports.expected(name, document.text)
    got, want = small_reports.by_role(proposed), small_reports.by_role(marks)
    words = {
        role: ({document.text[a:b] for a, b in got[role]}, {document.text[a:b] for a, b in want[role]})
        for role in small_reports.MEASURED
        if got[role] != want[role]
    }
    assert words == {}
    assert small_reports.prose_taken(got, want) == []
    labels = {(mark.role, mark.start, mark.end): mark.label for mark in marks if mark.label}
    found = {(str(s.role), s.char_start, s.char_end): s.footnote for s in proposed}
    assert {place: found[place] for place in labels} == labels
