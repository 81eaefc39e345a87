"""Correcting spans: by words, in a bracketed file, and who is said to have accepted them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import inside, told
from tests.conftest import EXAMPLES
from toolkit.corpus.build import build, is_current
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import sha256_file
from toolkit.sources import bracketed, editing, propose, registry, segments
from toolkit.sources.editing import Quote
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.status import status
from toolkit.workspace import Workspace

TEXT = "A title\n#Lamp burns1 [on the wall]2\n[Photo text] A lamp.\n#Lamp burns1 [on the wall]2\nThe end.\n"
POST = {"role": "post", "char_start": 8, "char_end": 35, "key": "one"}
TAG = {"role": "hashtag", "char_start": 8, "char_end": 13, "belongs_to": "one"}
PHOTO = {
    "role": "photo_text",
    "char_start": 36,
    "char_end": 56,
    "key": "photo",
    "kind": "verbatim",
    "content_start": 49,
    "belongs_to": "one",
}


@pytest.fixture
def source(tmp_path: Path, workspace: Workspace) -> Source:
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    return registry.add(workspace, path)


@pytest.fixture
def curated(tmp_path: Path, workspace: Workspace, source: Source) -> Source:
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in (POST, TAG, PHOTO)), encoding="utf-8")
    segments.accept(workspace, source, path, by="mia")
    return source


def spans(source: Source) -> list[Segment]:
    return segments.load(source.segments_path, source.text)


def places(source: Source) -> list[tuple[str, int, int]]:
    return [(s.role, s.char_start, s.char_end) for s in spans(source)]


# mark


def test_mark_adds_a_span_and_keeps_the_others(workspace: Workspace, curated: Source) -> None:
    before = spans(curated)
    made = editing.mark(
        workspace, curated, Quote("#Lamp … wall]2", nth=2), {"role": "post", "key": "two", "lang": None}, by="tam"
    )
    assert (made.char_start, made.char_end, made.key, made.lang) == (57, 84, "two", None)
    assert made.id and made.sha256 and made.rule is None
    assert spans(curated) == [*before, made]


def test_mark_takes_three_full_stops_and_attributes(workspace: Workspace, curated: Source) -> None:
    tag = editing.mark(
        workspace,
        curated,
        Quote("[on ... wall]", within="one"),
        {"role": "insertion", "belongs_to": "one"},
    )
    assert curated.text[tag.char_start : tag.char_end] == "[on the wall]"
    mark = editing.mark(
        workspace, curated, Quote("2", within="one", after="]"), {"role": "footnote_marker", "footnote": "2"}
    )
    assert (mark.char_start, mark.char_end, mark.footnote) == (34, 35, "2")


def test_mark_begins_where_there_are_no_spans(workspace: Workspace, source: Source) -> None:
    editing.mark(workspace, source, Quote("A title"), {"role": "title"})
    photo = {"role": "photo_text", "kind": "verbatim"}
    made = editing.mark(workspace, source, Quote("[Photo text] A lamp."), photo, content_quote="A lamp")
    assert made.content_start == 49
    assert places(source) == [("title", 0, 7), ("photo_text", 36, 56)]


def test_an_ambiguous_quote_lists_its_places(workspace: Workspace, curated: Source) -> None:
    written = curated.segments_path.read_bytes()
    with pytest.raises(InputError) as caught:
        editing.mark(workspace, curated, Quote("[on the wall]"), {"role": "insertion"})
    assert caught.value.message == (
        "'[on the wall]' is in 2 places:\n"
        f"  1. line 2, character 21: {TEXT[1:51]!r}\n"
        f"  2. line 4, character 70: {TEXT[50:100]!r}"
    )
    assert caught.value.hint == "say which: --nth N, --within KEY, or --after 'words before'"
    assert curated.segments_path.read_bytes() == written


@pytest.mark.parametrize(
    ("quote", "attributes", "error", "message"),
    [
        (Quote("#Oil"), {"role": "post"}, InputError, "'#Oil' is not in the text"),
        (Quote("end", within="one"), {"role": "gloss"}, InputError, "'end' is not in the span 'one'"),
        (Quote("end", within="six"), {"role": "gloss"}, InputError, "no accepted span has the key 'six'"),
        (Quote("end", after="bitter "), {"role": "gloss"}, InputError, "'end' behind 'bitter ' is not in the text"),
        (Quote("The … lamp"), {"role": "post"}, InputError, "'The … lamp' is not in the text"),
        (Quote("The … "), {"role": "post"}, InputError, "lacks its words"),
        (Quote(" "), {"role": "post"}, InputError, "lacks its words"),
        (Quote("The end.", nth=2), {"role": "post"}, InputError, "'The end.' is there 1 times, not 2"),
        (Quote("The end."), {"role": "photo_text"}, InputError, "at 85 to 93: a photo_text needs a kind"),
        (Quote("The end."), {"role": "gloss", "belongs_to": "six"}, InputError, "belongs to 'six', which is no"),
        (Quote("The end."), {"role": "hashtag", "belongs_to": "one"}, InputError, "lies outside 'one'"),
        (Quote("wall]2\n[Photo"), {"role": "post"}, InputError, "overlaps"),
        (
            Quote("The end."),
            {"role": "post", "key": "one"},
            ConflictError,
            "the key 'one' is that of the post at line 2",
        ),
        (Quote("#Lamp", nth=1), {"role": "hashtag"}, ConflictError, "at line 2, character 8 is marked already"),
    ],
)
def test_a_mark_that_does_not_hold_changes_nothing(
    workspace: Workspace,
    curated: Source,
    quote: Quote,
    attributes: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    written = curated.segments_path.read_bytes(), workspace.ledger.path.read_bytes()
    with pytest.raises(error) as caught:
        editing.mark(workspace, curated, quote, attributes)
    assert message in str(caught.value)
    assert (curated.segments_path.read_bytes(), workspace.ledger.path.read_bytes()) == written


def test_proposals_are_accepted_before_they_are_corrected(workspace: Workspace, source: Source) -> None:
    propose.propose(workspace, source)
    for change in (
        lambda: editing.mark(workspace, source, Quote("The end."), {"role": "post"}),
        lambda: editing.unmark(workspace, source, key="post-1"),
    ):
        with pytest.raises(InputError, match="has proposals, but no accepted spans to correct") as caught:
            change()
        assert caught.value.hint.endswith("docposts source accept report")
    segments.accept(workspace, source)
    editing.unmark(workspace, source, key="photo-1")
    assert "photo_text" not in {s.role for s in spans(source)}


def test_a_moved_span_keeps_its_attributes_and_children(workspace: Workspace, curated: Source) -> None:
    before = {s.role: s for s in spans(curated)}
    moved = editing.mark(
        workspace, curated, Quote("#Lamp burns1 … wall]", nth=1), {"role": "post", "key": "one"}, move=True
    )
    assert (moved.char_start, moved.char_end, moved.key) == (8, 34, "one")
    assert moved.id not in (None, before["post"].id)
    after = {s.role: s for s in spans(curated)}
    assert (after["hashtag"], after["photo_text"]) == (before["hashtag"], before["photo_text"])
    photo = editing.mark(
        workspace, curated, Quote("[Photo text] A lamp"), {"role": "photo_text", "key": "photo"}, move=True
    )
    assert (photo.kind, photo.content_start, photo.char_end, photo.belongs_to) == ("verbatim", 49, 55, "one")
    back = editing.mark(workspace, curated, Quote("#Lamp … ]2", nth=1), {"role": "post", "key": "one"}, move=True)
    assert back.id == before["post"].id
    with pytest.raises(InputError, match="no accepted post has the key 'six'"):
        editing.mark(workspace, curated, Quote("The end."), {"role": "post", "key": "six"}, move=True)


# unmark


def test_unmark_takes_out_one_span(workspace: Workspace, curated: Source) -> None:
    before = spans(curated)
    (gone,) = editing.unmark(workspace, curated, role="hashtag", where=Quote("#Lamp"))
    assert gone.role == "hashtag"
    assert spans(curated) == [s for s in before if s != gone]
    (gone,) = editing.unmark(workspace, curated, key="photo")
    assert places(curated) == [("post", 8, 35)]


def test_unmark_leaves_no_span_without_its_owner(workspace: Workspace, curated: Source) -> None:
    written = curated.segments_path.read_bytes()
    with pytest.raises(ConflictError) as caught:
        editing.unmark(workspace, curated, key="one")
    assert caught.value.message == "2 spans belong to 'one': hashtag at 8 to 13, photo_text at 36 to 56"
    assert "--with-children" in caught.value.hint
    assert curated.segments_path.read_bytes() == written
    assert len(editing.unmark(workspace, curated, key="one", with_children=True)) == 3
    assert curated.segments_path.read_bytes() == b""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"key": "six"}, "no accepted span has the key 'six'"),
        ({"key": "one", "role": "hashtag"}, "no accepted hashtag has the key 'one'"),
        ({"role": "post", "where": Quote("The end.")}, "no accepted span of that role is 'The end.'"),
        ({}, "which span?"),
    ],
)
def test_unmark_names_what_is_not_there(workspace: Workspace, curated: Source, words: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        editing.unmark(workspace, curated, **words)
    assert message in caught.value.message


# The bracketed text


def test_the_bracketed_text_reads_as_it_should(curated: Source) -> None:
    assert editing.export(curated).split("\n")[1:] == [
        "A title",
        "⟦post key=one⟧⟦hashtag belongs_to=one⟧#Lamp⟦/hashtag⟧ burns1 [on the wall]2⟦/post⟧",
        "⟦photo_text key=photo belongs_to=one kind=verbatim⟧[Photo text] ⟦content⟧A lamp.⟦/photo_text⟧",
        "#Lamp burns1 [on the wall]2",
        "The end.",
        "",
    ]


@pytest.mark.parametrize("name", ["lantern-quay-3", "salt-lamps/salt-lamps"])
def test_an_exported_example_is_accepted_as_it_was(workspace: Workspace, tmp_path: Path, name: str) -> None:
    report = EXAMPLES / "reports" / name
    kind, file = ("marks", ".html") if "/" in name else ("segments", ".txt")
    source = registry.add(workspace, report.with_suffix(file))
    segments.accept(workspace, source, report.with_suffix(f".{kind}.jsonl"))
    before = source.segments_path.read_bytes()
    (tmp_path / "b.txt").write_text(editing.export(source), encoding="utf-8", newline="")
    segments.accept(workspace, source, tmp_path / "b.txt")
    assert source.segments_path.read_bytes() == before


_VALUES = st.text(st.characters(codec="utf-8"), max_size=8)


@st.composite
def bracketable(draw: st.DrawFn) -> tuple[str, list[Segment]]:
    """Any text, any spans in it, also crossing ones, no two with role and place in common."""
    text = draw(st.text(st.characters(codec="utf-8") | st.sampled_from("⟦⟧#/\n\r\x00"), min_size=1, max_size=40))
    ends = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    role = st.sampled_from(["post", "hashtag", "photo_text", "footnote_marker"])
    drawn = draw(st.lists(st.tuples(ends, role), max_size=8, unique_by=lambda d: (tuple(d[0]), d[1])))
    found = []
    for (start, end), kind in drawn:
        values: dict[str, Any] = {
            "content_start": draw(st.none() | st.integers(start, end - 1)),
            "key": draw(st.none() | _VALUES | st.sampled_from(["true", "null", "1", "post-1", "⟧", "\\⟦"])),
            "footnote": draw(st.none() | _VALUES | st.sampled_from(["1", "-1.5"])),
            "part": draw(st.none() | st.integers()),
            "inferred": tuple(draw(st.lists(_VALUES, max_size=2))),
            "uncertain_boundary": draw(st.booleans()),
            "confidence": draw(st.none() | st.floats(0, 1)),
        }
        found.append(Segment(role=kind, char_start=start, char_end=end, **values))  # type: ignore[arg-type]
    return text, sorted(found, key=lambda s: (s.char_start, -s.char_end, s.role))


@settings(max_examples=600, deadline=None)
@given(bracketable(), _VALUES)
def test_any_text_and_spans_come_back(case: tuple[str, list[Segment]], comment: str) -> None:
    text, found = case
    content = bracketed.render(text, found, comment)
    assert content.startswith("⟦# ")
    back, records = bracketed.parse(content, "file")
    assert back == text
    assert [Segment.model_validate(values(record)) for _, record in records] == found


def values(record: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("⟦/hashtag⟧", ""), 3, "⟦/post⟧ comes before the end of ⟦hashtag⟧ (FILE:3)"),
        (("⟦/post⟧", ""), 3, "⟦post⟧ is never closed"),
        (("⟦post key=one⟧", ""), 3, "⟦/post⟧: no such span is open here"),
        (("⟦post key", "⟦poem key"), 3, "⟦/post⟧ comes before the end of ⟦poem⟧"),
        (("⟦content⟧A lamp.⟦/photo_text⟧", "⟦/photo_text⟧⟦content⟧A lamp."), 4, "⟦content⟧: no such span is open here"),
        (("key=one", "colour=red"), 3, "'colour=red' is no attribute"),
        (("key=one", "key=one key=two"), 3, "'key=two' is no attribute, or is given twice"),
        (("key=one", 'key="one'), 3, "is neither a word nor JSON"),
        (("key=one", "part=one"), 3, "part: Input should be a valid integer"),
        (("belongs_to=one⟧#", "belongs_to=six⟧#"), 3, "belongs to 'six', which is no segment's key"),
        (("A title", "A ⟦title"), 2, "is no attribute"),
        (("The end.", "The ⟦end."), 6, "a tag that does not end"),
        (("The end.", "The ⟦ 1 ⟧ end."), 6, "is no tag"),
        (("⟦/post⟧", "⟦/post x=1⟧"), 3, "takes no attributes"),
    ],
)
def test_a_bracket_that_does_not_hold_is_named(
    workspace: Workspace, tmp_path: Path, curated: Source, change: tuple[str, str], line: int, message: str
) -> None:
    path = tmp_path / "b.txt"
    content = editing.export(curated)
    assert change[0] in content
    path.write_text(content.replace(*change, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        segments.accept(workspace, curated, path)
    assert caught.value.message.startswith(f"{path}:{line}: "), caught.value.message
    assert message.replace("FILE", str(path)) in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("burns1", "burned1"),
            "from character 18 (line 2 of text.txt): 'ed1 [on the wall]2\\n[Photo text', where the source has 's1 ",
        ),
        (("The end.\n", "The end."), "from character 93 (line 5 of text.txt): the end, where the source has '\\n'"),
        (("The end.\n", "The end.\n\n"), "from character 94 (line 6 of text.txt): '\\n', where the source has the end"),
    ],
)
def test_a_changed_text_is_named_at_its_first_difference(
    workspace: Workspace, tmp_path: Path, curated: Source, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "b.txt"
    path.write_text(editing.export(curated).replace(*change, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        segments.accept(workspace, curated, path)
    assert caught.value.message.startswith(f"{path}: the text is not the source's "), caught.value.message
    assert message in caught.value.message


def test_brackets_written_by_hand(workspace: Workspace, tmp_path: Path, curated: Source) -> None:
    """A moved boundary gives a new id, the spans that were not touched keep theirs; footnote=2 needs no quotes."""
    before = {s.role: s for s in spans(curated)}
    path = tmp_path / "b.txt"
    content = editing.export(curated).replace(
        "wall]2⟦/post⟧", "wall]⟦/post⟧⟦footnote_marker footnote=2⟧2⟦/footnote_marker⟧"
    )
    path.write_text(content.split("\n", 1)[1], encoding="utf-8")
    segments.accept(workspace, curated, path)
    after = {s.role: s for s in spans(curated)}
    assert (after["hashtag"], after["photo_text"]) == (before["hashtag"], before["photo_text"])
    assert after["post"].char_end == 34 and after["post"].id != before["post"].id
    assert after["footnote_marker"].footnote == "2"


# Who accepted, and what nobody did


def test_the_ledger_says_who_accepted_what(
    workspace: Workspace, curated: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "kit")
    segments.accept(workspace, curated)
    (first,) = workspace.ledger.records("accept")
    assert first == {
        "event": "accept",
        "source_id": "report",
        "by": "mia",
        "spans": 3,
        "as_proposed": 0,
        "sha256": sha256_file(curated.segments_path),
    }
    editing.unmark(workspace, curated, key="photo")
    assert [(r["by"], r["spans"]) for r in workspace.ledger.records("accept")] == [("mia", 3), ("kit", 2)]
    build(workspace)
    assert len(list(workspace.ledger.records("accept"))) == 2


def test_accepted_proposals_are_counted(workspace: Workspace, source: Source) -> None:
    proposals = propose.propose(workspace, source)
    segments.accept(workspace, source, by="mia")
    (event,) = workspace.ledger.records("accept")
    assert event["as_proposed"] == event["spans"] == len(proposals)


def test_a_build_refuses_proposals_that_nobody_accepted(workspace: Workspace, source: Source, tmp_path: Path) -> None:
    ready = tmp_path / "ready.txt"
    ready.write_text("Kites\nKites fly over the quay.\n", encoding="utf-8")
    (tmp_path / "r.jsonl").write_text('{"role": "post", "char_start": 6, "char_end": 30}\n')
    segments.accept(workspace, registry.add(workspace, ready), tmp_path / "r.jsonl")
    propose.propose(workspace, source)
    with pytest.raises(InputError, match="nobody has accepted the proposed spans of report") as caught:
        build(workspace)
    assert caught.value.hint.startswith("docposts source review report, then docposts source accept report")
    assert status(workspace).next == "docposts source review report, then docposts source accept report"

    without = build(workspace, proposals="leave")
    assert without.skipped == {"proposals that nobody accepted": ["report"]}
    assert without.version.manifest["unreviewed"] == []
    assert without.version.table("posts").column("unreviewed").to_pylist() == [False]
    assert is_current(workspace, without.version)

    taken = build(workspace, proposals="take")
    assert taken.version.manifest["unreviewed"] == ["report"]
    assert taken.version.manifest["step"] == "minor"
    posts = taken.version.table("posts").to_pylist()
    assert [(row["source_id"], row["unreviewed"]) for row in posts] == [
        ("report", True),
        ("report", True),
        ("ready", False),
    ]
    assert taken.version.table("photo_texts").column("unreviewed").to_pylist() == [True]
    assert is_current(workspace, taken.version)
    assert not build(workspace, proposals="take").new
    assert not source.segments_path.exists()

    segments.accept(workspace, source)
    assert not is_current(workspace, taken.version)
    accepted = build(workspace)
    after = accepted.version.table("posts").to_pylist()
    assert [row["post_id"] for row in after] == [row["post_id"] for row in posts]
    assert not any(row["unreviewed"] for row in after)
    assert accepted.version.manifest["step"] == "major"


# The commands


def test_the_commands(tmp_path: Path) -> None:
    ws = ("-C", tmp_path / "w")
    report = tmp_path / "report.txt"
    report.write_text(TEXT, encoding="utf-8")
    inside("init", tmp_path / "w", "--annotator", "a")
    inside(*ws, "source", "add", report)
    inside(*ws, "source", "segment", "report")
    refused = inside(*ws, "corpus", "build", code=1).stderr
    assert "--with-proposals" in refused and "docposts source review report" in refused
    assert told(*ws, "corpus", "build", "--with-proposals")["unreviewed"] == ["report"]
    inside(*ws, "source", "accept", "report", "--by", "mia")
    made = told(*ws, "source", "mark", "report", "--role", "gloss", "--quote", "The end.", "--by", "tam", "--key", "g")
    assert (made["char_start"], made["char_end"]) == (85, 93)
    assert (
        "is in 2 places"
        in inside(*ws, "source", "mark", "report", "--role", "gloss", "--quote", "#Lamp", code=1).stderr
    )
    inside(*ws, "source", "mark", "report", "--role", "gloss", code=2)
    inside(*ws, "source", "unmark", "report", code=2)
    inside(*ws, "source", "unmark", "report", "--key", "g", "--quote", "The end.", code=2)
    inside(*ws, "source", "unmark", "report", "--key", "g", "--nth", "1", code=2)
    bracket = tmp_path / "b.txt"
    inside(*ws, "source", "export", "report", "-o", bracket)
    assert "⟦gloss key=g⟧The end.⟦/gloss⟧" in bracket.read_text(encoding="utf-8")
    assert [gone["key"] for gone in told(*ws, "source", "unmark", "report", "--key", "g")] == ["g"]
    inside(*ws, "source", "accept", "report", "--from", bracket, "--by", "kit")
    ledger = [json.loads(line) for line in (tmp_path / "w" / "ledger.jsonl").read_text().splitlines()]
    assert [entry["by"] for entry in ledger if entry["event"] == "accept"][:2] == ["mia", "tam"]
    assert ledger[-1]["by"] == "kit"
    assert told(*ws, "corpus", "build")["unreviewed"] == []
