"""Spans: what they stand for, what is refused, and ids that stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.sources import registry, segments
from toolkit.sources.marks import is_marks
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

TEXT = "A title\n#Lamp burns1 [on the wall]2\n[Photo text] A lamp.\n#Lamp burns1 [on the wall]2\nThe end.\n"
FIRST, PHOTO, SECOND = (8, 35), (36, 56), (57, 84)
Record = dict[str, Any]


@pytest.fixture
def source(tmp_path: Path, workspace: Workspace) -> Source:
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    return registry.add(workspace, path)


def span(role: str, place: tuple[int, int], **attributes: Any) -> Record:
    return {"role": role, "char_start": place[0], "char_end": place[1], **attributes}


def write(path: Path, *records: Record) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def good() -> list[Record]:
    return [
        span("title", (0, 7)),
        span("post", FIRST, key="one"),
        span("hashtag", (8, 13), belongs_to="one"),
        span("footnote_marker", (19, 20), footnote="1", belongs_to="one"),
        span("insertion", (21, 34), belongs_to="one"),
        span("footnote_marker", (34, 35), footnote="2", belongs_to="one"),
        span("photo_text", PHOTO, key="photo", belongs_to="one", kind="verbatim", content_start=49),
        span("post", SECOND, key="two"),
    ]


# What a span stands for


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, Segment, list[Segment]]:
    """A text, a span in it, and footnote markers that do not overlap, in and around it, in order."""
    text = draw(st.text(min_size=1, max_size=60))
    places = st.integers(0, len(text))
    start, end = sorted(draw(st.lists(places, min_size=2, max_size=2, unique=True)))
    content = draw(st.none() | st.integers(start, end - 1))
    cuts = sorted(draw(st.lists(places, max_size=12, unique=True)))
    markers = [
        Segment(role="footnote_marker", char_start=a, char_end=b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    return text, Segment(role="post", char_start=start, char_end=end, content_start=content), markers


@settings(max_examples=300, deadline=None)
@given(marked_texts())
def test_every_character_of_a_passage_maps_back(case: tuple[str, Segment, list[Segment]]) -> None:
    text, segment, markers = case
    found = segments.passage(segment, [segment, *markers], text)
    assert "".join(text[piece.source_start : piece.source_end] for piece in found.pieces) == found.text
    length = 0
    for piece in found.pieces:
        assert piece.start == length
        assert piece.end - piece.start == piece.source_end - piece.source_start > 0
        length = piece.end
    assert length == len(found.text)
    begin = segment.char_start if segment.content_start is None else segment.content_start
    inside = [m for m in markers if segment.char_start <= m.char_start and m.char_end <= segment.char_end]
    left_out = {at for m in inside for at in range(m.char_start, m.char_end)}
    assert found.text == "".join(text[at] for at in range(begin, segment.char_end) if at not in left_out)


@settings(max_examples=300, deadline=None)
@given(marked_texts())
def test_places_of_the_source_lie_in_order_in_a_passage(case: tuple[str, Segment, list[Segment]]) -> None:
    text, segment, markers = case
    found = segments.passage(segment, [segment, *markers], text)
    placed = [found.place(at) for at in range(len(text) + 1)]
    assert placed == sorted(placed)
    assert all(0 <= at <= len(found.text) for at in placed)
    for piece in found.pieces:
        for at in range(piece.source_start, piece.source_end):
            assert found.text[found.place(at)] == text[at]


def test_a_passage_is_without_its_marker_and_its_footnote_numbers(source: Source, tmp_path: Path) -> None:
    spans = segments.load(write(tmp_path / "s.jsonl", *good()), source.text)
    by_key = {s.key: s for s in spans}
    assert segments.passage(by_key["one"], spans, TEXT).text == "#Lamp burns [on the wall]"
    assert segments.passage(by_key["photo"], spans, TEXT).text == "A lamp."
    assert segments.passage(by_key["two"], spans, TEXT).text == "#Lamp burns1 [on the wall]2"


def test_a_parent_is_the_one_named_or_the_smallest_around(source: Source, tmp_path: Path) -> None:
    gloss = span("gloss", (51, 55))
    spans = segments.load(write(tmp_path / "s.jsonl", *good(), gloss), source.text)
    parents = {s.role: segments.parent_of(s, spans) for s in spans}
    assert [s.key if s else None for s in (parents["gloss"], parents["hashtag"], parents["title"])] == [
        "photo",
        "one",
        None,
    ]


# What is refused, and where


def changed(line: int, **values: Any) -> Callable[[list[Record]], list[Record]]:
    def change(records: list[Record]) -> list[Record]:
        records[line - 1] = records[line - 1] | values
        return records

    return change


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (changed(8, char_end=500), 8, "the post spans 57 to 500, outside the text's 94 characters"),
        (changed(8, char_start=84), 8, "the post spans 84 to 84"),
        (changed(8, char_start=-1), 8, "char_start: Input should be greater than or equal to 0"),
        (changed(8, char_start="57"), 8, "char_start: Input should be a valid integer"),
        (changed(8, role="poem"), 8, "role: Input should be 'title'"),
        (changed(8, colour="red"), 8, "colour: unknown key"),
        (changed(8, sha256="0" * 64), 8, "is not the text that was accepted (its hash differs)"),
        (changed(8, id="post_1"), 8, "'post_1' is no id of a post"),
        (changed(8, id="photo_" + "0" * 32), 8, "is no id of a post"),
        (changed(1, id="post_" + "0" * 32), 1, "is no id of a title"),
        (changed(7, kind=None), 7, "a photo_text needs a kind: verbatim, translation or description"),
        (changed(7, content_start=56), 7, "content_start 56 is outside the span"),
        (changed(7, belongs_to="three"), 7, "belongs to 'three', which is no segment's key"),
        (changed(3, belongs_to="two"), 3, "lies outside 'two', to which it belongs"),
        (changed(8, char_start=34), 8, "the post two at 34 to 84 overlaps the post one at 8 to 35"),
        (changed(8, key="one"), 8, "the key one is that of another segment as well"),
        (changed(5, role="hashtag", char_start=8, char_end=13), 5, "the span hashtag 8 to 13 is that of another"),
    ],
)
def test_each_wrong_span_is_refused_by_its_line(
    tmp_path: Path,
    workspace: Workspace,
    source: Source,
    change: Callable[[list[Record]], list[Record]],
    line: int,
    message: str,
) -> None:
    path = write(tmp_path / "spans.jsonl", *change(good()))
    with pytest.raises(InputError) as caught:
        segments.accept(workspace, source, path)
    assert caught.value.message.startswith(f"{path}:{line}: "), caught.value.message
    assert message in caught.value.message
    assert caught.value.exit_code == 1
    assert not source.segments_path.exists()


def test_two_spans_with_one_id_are_refused(tmp_path: Path, workspace: Workspace, source: Source) -> None:
    same = {"id": "post_" + "0" * 32}
    path = write(tmp_path / "s.jsonl", span("post", FIRST, **same), span("post", SECOND, **same))
    with pytest.raises(InputError, match=r"s\.jsonl:2: the id post_0+ is that of another segment as well .*:1\)"):
        segments.accept(workspace, source, path)


def test_no_spans_at_all_names_the_command(workspace: Workspace, source: Source) -> None:
    with pytest.raises(InputError, match="source report has no spans to accept") as caught:
        segments.accept(workspace, source)
    assert caught.value.hint == "propose some: docposts source segment report"


# Acceptance


def test_accepting_mints_ids_and_records_hashes(tmp_path: Path, workspace: Workspace, source: Source) -> None:
    accepted = segments.accept(workspace, source, write(tmp_path / "s.jsonl", *good()))
    minted = {s.role: s.id for s in accepted if s.id}
    assert {role: str(value).split("_")[0] for role, value in minted.items()} == {
        "post": "post",
        "photo_text": "photo",
        "insertion": "note",
    }
    for s in accepted:
        assert (s.sha256 == sha256_text(TEXT[s.char_start : s.char_end])) == (s.role in segments.MINTED)
    assert segments.load(source.segments_path, source.text) == accepted


def test_accepting_twice_changes_no_byte(tmp_path: Path, workspace: Workspace, source: Source) -> None:
    path = write(tmp_path / "s.jsonl", *reversed(good()))
    segments.accept(workspace, source, path)
    first = source.segments_path.read_bytes()
    segments.accept(workspace, source)
    assert source.segments_path.read_bytes() == first
    segments.accept(workspace, source, path)
    assert source.segments_path.read_bytes() == first


def test_ids_stay_when_spans_are_replaced_by_a_file_without_ids(
    tmp_path: Path, workspace: Workspace, source: Source
) -> None:
    """Also where an identical post comes in front: the one that was there keeps its id, the new one gets another."""
    second = span("post", (57, 84), key="two")
    before = segments.accept(workspace, source, write(tmp_path / "a.jsonl", second))
    twin = span("post", (8, 35), key="one")
    after = segments.accept(workspace, source, write(tmp_path / "b.jsonl", twin, second))
    assert [s.key for s in after] == ["one", "two"]
    assert after[1].id == before[0].id
    assert after[0].id not in (None, before[0].id)
    assert segments.accept(workspace, source, write(tmp_path / "c.jsonl", second, twin)) == after


def test_an_id_of_the_curators_file_is_kept(tmp_path: Path, workspace: Workspace, source: Source) -> None:
    own = "post_" + "ab" * 16
    (accepted,) = segments.accept(workspace, source, write(tmp_path / "s.jsonl", span("post", FIRST, id=own)))
    assert accepted.id == own
    assert accepted.sha256 == sha256_text(TEXT[8:35])


def test_a_footnote_found_later_changes_no_id(tmp_path: Path, workspace: Workspace, source: Source) -> None:
    (before,) = segments.accept(workspace, source, write(tmp_path / "a.jsonl", span("post", FIRST)))
    after = segments.accept(
        workspace, source, write(tmp_path / "b.jsonl", span("post", FIRST), span("footnote_marker", (19, 20)))
    )
    assert after[0].id == before.id


def test_spans_put_in_by_hand_are_accepted_where_they_lie(workspace: Workspace, source: Source) -> None:
    write(source.segments_path, *good())
    accepted = segments.accept(workspace, source)
    assert all(s.id for s in accepted if s.role in segments.MINTED)
    assert segments.load(source.segments_path, source.text) == accepted


# Spans by quotation


def marks(path: Path, source: Source, *records: Record) -> list[Segment]:
    return segments.read_spans(write(path, *records), source)


def test_marks_find_what_they_quote(tmp_path: Path, source: Source) -> None:
    found = marks(
        tmp_path / "m.jsonl",
        source,
        {"role": "post", "quote": "#Lamp … wall]2", "key": "one"},
        {"role": "footnote_marker", "quote": "1", "within": "one", "after": "burns", "belongs_to": "one"},
        {"role": "photo_text", "quote": "[Photo text] A lamp.", "kind": "verbatim", "content_quote": "A lamp"},
        {"role": "post", "quote": "#Lamp burns1 [on the wall]2"},
    )
    assert [(s.role, s.char_start, s.char_end) for s in found] == [
        ("post", *FIRST),
        ("footnote_marker", 19, 20),
        ("photo_text", *PHOTO),
        ("post", *SECOND),
    ]
    assert found[2].content_start == 49
    assert is_marks(tmp_path / "m.jsonl")
    assert not is_marks(write(tmp_path / "s.jsonl", *good()))


def test_marks_count_occurrences(tmp_path: Path, source: Source) -> None:
    (second,) = marks(tmp_path / "m.jsonl", source, {"role": "post", "quote": "#Lamp burns1 [on the wall]2", "nth": 2})
    assert (second.char_start, second.char_end) == SECOND


POST = {"role": "post", "quote": "#Lamp burns1 [on the wall]2", "key": "one"}


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ({"role": "post", "quote": "#Oil"}, "'#Oil' is not in the text from character 35 to 94"),
        ({"role": "title", "quote": "A title"}, "'A title' is not in the text"),
        ({"role": "post", "quote": "#Lamp … oil"}, "'oil' does not follow '#Lamp'"),
        ({"role": "post", "quote": "#Lamp … "}, "lacks its words"),
        ({"role": "post", "quote": " … wall"}, "lacks its words"),
        ({"role": "post", "quote": ""}, "quote"),
        ({"role": "post"}, "quote: Field required"),
        ({"role": "post", "quote": 5}, "quote: Input should be a valid string"),
        ({"role": "hashtag", "quote": "#Lamp", "within": "two"}, "within 'two', which is the key of no mark above"),
        ({"role": "hashtag", "quote": "#Lamp", "within": ["one"]}, "within: Input should be a valid string"),
        ({"role": "hashtag", "quote": "end", "within": "one"}, "'end' is not in the text from character 8 to 35"),
        ({"role": "post", "quote": "#Lamp", "nth": 2}, "'#Lamp' is not in the text"),
        ({"role": "post", "quote": "#Lamp", "nth": "2"}, "nth: Input should be a valid integer"),
        ({"role": "post", "quote": "#Lamp", "nth": 0}, "nth: Input should be greater than or equal to 1"),
        ({"role": "post", "quote": "#Lamp", "key": ["k"]}, "key: Input should be a valid string"),
        ({"role": "post", "quote": "#Lamp", "colour": 1}, "colour: unknown key"),
        ({"role": "photo_text", "quote": "[Photo text] A lamp.", "content_quote": "An oil"}, "is not in the span"),
        ({"role": "image", "quote": "[Photo text]", "image": "lamp.png"}, "the source holds no image 'lamp.png'"),
        ({"role": "post", "quote": "[Photo text] A lamp.", "key": "one"}, "the key one is that of another segment"),
    ],
)
def test_a_mark_that_does_not_hold_is_named_by_its_line(
    tmp_path: Path, source: Source, mark: Record, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        marks(tmp_path / "m.jsonl", source, POST, mark)
    assert caught.value.message.startswith(f"{tmp_path / 'm.jsonl'}:2: "), caught.value.message
    assert message in caught.value.message


def test_the_examples_marks_hold(workspace: Workspace) -> None:
    folder = EXAMPLES / "reports" / "salt-lamps"
    page = registry.add(workspace, folder / "salt-lamps.html")
    accepted = segments.accept(workspace, page, folder / "salt-lamps.marks.jsonl")
    assert len([s for s in accepted if s.role == "post"]) == 9
    images = [s for s in accepted if s.role == "image"]
    assert [s.belongs_to for s in images] == ["photo-1", "photo-2", "photo-3", "photo-4", "photo-5"]
    assert {s.media for s in images} == page.media.keys()
