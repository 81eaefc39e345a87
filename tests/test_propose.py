"""Proposals against the curated spans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES
from toolkit.sources import registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.propose import proposals, propose
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

REPORTS = EXAMPLES / "reports"
CURATED = {
    "lantern-quay-3": (REPORTS / "lantern-quay-3.txt", REPORTS / "lantern-quay-3.segments.jsonl"),
    "salt-lamps": (REPORTS / "salt-lamps" / "salt-lamps.html", REPORTS / "salt-lamps" / "salt-lamps.marks.jsonl"),
}
EXACT = ("post", "photo_text", "hashtag", "insertion", "footnote_marker", "series_link")
Spans = set[tuple[int, int]]


def spans(found: list[Segment], role: str) -> Spans:
    return {(s.char_start, s.char_end) for s in found if s.role == role}


def f1(found: Spans, curated: Spans) -> float:
    hits = len(found & curated)
    return 2 * hits / (len(found) + len(curated)) if found or curated else 1.0


@pytest.fixture(params=CURATED)
def example(request: pytest.FixtureRequest, workspace: Workspace) -> tuple[Source, list[Segment]]:
    path, curated = CURATED[request.param]
    source = registry.add(workspace, path)
    return source, segments.read_spans(curated, source)


@pytest.mark.parametrize("role", [*EXACT, "title", "image", "translation", "translator_note"])
def test_proposals_for_the_examples_are_those_of_the_curator(example: tuple[Source, list[Segment]], role: str) -> None:
    source, curated = example
    assert spans(proposals(source.text, source.blocks), role) == spans(curated, role)


def test_proposals_say_what_made_them_and_what_belongs_where(example: tuple[Source, list[Segment]]) -> None:
    source, curated = example
    found = proposals(source.text, source.blocks)
    assert all(s.rule and s.confidence and not s.id for s in found)
    assert proposals(source.text, source.blocks) == found
    names = {(s.char_start, s.char_end): s.key for s in curated if s.role == "post"}
    keys = {s.key: names[s.char_start, s.char_end] for s in found if s.role == "post"}
    for role in ("hashtag", "insertion", "photo_text", "translation"):
        owners = {(s.char_start, s.char_end): s.belongs_to for s in curated if s.role == role}
        assert {(s.char_start, s.char_end): keys[s.belongs_to] for s in found if s.role == role} == owners, role


def test_proposals_can_be_accepted_as_they_are(workspace: Workspace, example: tuple[Source, list[Segment]]) -> None:
    source, curated = example
    propose(workspace, source)
    accepted = segments.accept(workspace, source)
    assert spans(accepted, "post") == spans(curated, "post")


def test_proposing_again_never_touches_curated_spans(workspace: Workspace) -> None:
    path, curated = CURATED["lantern-quay-3"]
    source = registry.add(workspace, path)
    propose(workspace, source)
    assert not source.segments_path.exists()
    first = source.proposals_path.read_bytes()
    segments.accept(workspace, source, curated)
    before = source.segments_path.read_bytes()
    propose(workspace, source)
    assert source.segments_path.read_bytes() == before
    assert source.proposals_path.read_bytes() == first


@pytest.mark.parametrize(
    ("line", "markers"),
    [
        ("#Lamp The wall stands.4", ["4"]),
        ("#Lamp The wall12 stands", ["12"]),
        ("#Lamp “The wall”3 stands.¹²", ["3", "¹²"]),
        ("#Lamp Taken down in 2032,1 and again", ["1"]),
        ("#Lamp It cost 40 crowns, 75% more than in 2031.", []),
        ("#Lamp See 3.4 of 1,200 notices, v2.0 and 75,5 at 7pm and 10:30", []),
        ("#Lamp The wall (built in 2030) stands", []),
    ],
)
def test_glued_numbers_are_markers_and_other_numbers_are_not(line: str, markers: list[str]) -> None:
    text = f"A title\n{line}\n"
    blocks: list[dict[str, Any]] = [
        {"kind": "paragraph", "char_start": 0, "char_end": 7, "tag": "line"},
        {"kind": "paragraph", "char_start": 8, "char_end": 8 + len(line), "tag": "line"},
    ]
    found = [s for s in proposals(text, blocks) if s.role == "footnote_marker"]
    assert [text[s.char_start : s.char_end] for s in found] == markers


def test_prose_alone_is_no_post(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "prose.txt"
    path.write_text("A title\nOnly prose stands here.\nAnd here, with [brackets].\n")
    found = propose(workspace, registry.add(workspace, path))
    assert [s.role for s in found] == ["title", "analysis", "analysis"]


def test_proposals_for_the_real_report(shared: Path, workspace: Workspace) -> None:
    source = registry.add(workspace, shared / "sources" / "cotton-the-act.txt")
    curated = segments.load(shared / "gold" / "cotton-the-act.segments.jsonl", source.text)
    propose(workspace, source)
    lines = source.proposals_path.read_text(encoding="utf-8").splitlines()
    found = [Segment.model_validate(json.loads(line)) for line in lines]
    assert len(spans(curated, "post")) == 8
    assert spans(found, "post") == spans(curated, "post")
    for role in EXACT:
        assert f1(spans(found, role), spans(curated, role)) >= 0.9, role
    prose = spans(curated, "analysis") | spans(curated, "asset_history") | spans(curated, "narrative")
    assert not spans(found, "post") & prose


def test_one_label_among_many_lines_makes_no_block_of_posts(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "notes.txt"
    lines = [f"Line {n} of the invented notes on the harbour of Selm says what was seen there." for n in range(12)]
    path.write_text("\n".join(["A fictional title", "", *lines[:6], "Post: The dyke holds.", *lines[6:]]) + "\n")
    source = registry.add(workspace, path)
    found = propose(workspace, source)
    assert [source.text[s.char_start : s.char_end] for s in found if s.role == "post"] == ["The dyke holds."]
