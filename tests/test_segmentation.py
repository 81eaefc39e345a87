"""Spans to Label Studio and back: what is pushed, what a correction becomes, what is refused; a server in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import inside
from tests.conftest import EXAMPLES
from tests.fake_studio import FakeStudio, Row
from toolkit.codebook import load_codebook
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_jsonl, write_jsonl
from toolkit.labelconfig import render_config
from toolkit.labels.pull import pull
from toolkit.labels.store import read_judgements
from toolkit.rounds import push as push_labels
from toolkit.segmentation.correct import correct
from toolkit.segmentation.parts import parts
from toolkit.segmentation.push import MODEL_VERSION, TASK, base_spans, plan, push
from toolkit.segmentation.submission import Place
from toolkit.segmentation.take import Taken, take
from toolkit.sources import propose, registry, segments
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.workspace import Workspace, new_settings

REPORTS = EXAMPLES / "reports"
# An invented report on an invented network.
REPORT = """Lantern Quay: A Dyke and Its Admirers
The accounts praise the dyke of Velmar.1
#Dyke The tide obeys Velmar [the island] now.
[Photo text] STAND BY THE DYKE, SAY THE FISHERS OF VELMAR!
The lamps of forty villages burn all night.2
Photo text: 灯塔照亮四十个村庄，渔民们都说好，夜里不再黑暗。
The posts stop in spring.
1. Sandbar Courier, spring issue.
"""


def span(role: str, words: str, **attributes: Any) -> Segment:
    start = REPORT.index(words)
    return Segment.model_validate({"role": role, "char_start": start, "char_end": start + len(words)} | attributes)


POST_1 = "#Dyke The tide obeys Velmar [the island] now."
POST_2 = "The lamps of forty villages burn all night.2"
PHOTO_1 = "[Photo text] STAND BY THE DYKE, SAY THE FISHERS OF VELMAR!"
PHOTO_2 = "Photo text: 灯塔照亮四十个村庄，渔民们都说好，夜里不再黑暗。"
CURATED = [
    span("title", "Lantern Quay: A Dyke and Its Admirers"),
    span("analysis", "The accounts praise the dyke of Velmar.1"),
    span("post", POST_1, key="post-7", uncertain_boundary=True),
    span("hashtag", "#Dyke", belongs_to="post-7"),
    span("insertion", "[the island]", belongs_to="post-7"),
    span("photo_text", PHOTO_1, key="photo-3", belongs_to="post-7", kind="description"),
    span("footnote", "1. Sandbar Courier, spring issue.", footnote="1"),
]


def place(role: str, words: str) -> Place:
    start = REPORT.index(words)
    return Place(role, start, start + len(words))


def places(spans: list[Segment]) -> list[Place]:
    return [Place(s.role, s.char_start, s.char_end) for s in spans]


def new_workspace(folder: Path) -> Workspace:
    return Workspace.create(folder / "w", new_settings("harbour", "Harbour", tasks={"adjudicator": "cura"}))


def add(workspace: Workspace, text: str = REPORT, spans: list[Segment] | None = None) -> Source:
    file = workspace.root / "quay.txt"
    file.write_bytes(text.encode())
    source = registry.add(workspace, file)
    if spans is not None:
        write_jsonl(source.segments_path, (s.record() for s in spans))
        segments.accept(workspace, source)
    return source


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return new_workspace(tmp_path)


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


def shown(studio: FakeStudio, name: str = "harbour/segmentation.cura") -> list[tuple[int, Row, list[Row]]]:
    """Each task's number, data and predicted regions."""
    found = []
    for task in studio.of(name):
        predicted = studio.predictions[task.id]
        assert all(p["model_version"] == MODEL_VERSION for p in predicted)
        found.append((task.id, task.data, predicted[0]["result"] if predicted else []))
    return found


def region(role: str, start: int, end: int) -> Row:
    value = {"start": start, "end": end, "text": "not\\nread", "labels": [role]}
    return {"id": f"r{start}-{end}", "from_name": "role", "to_name": "text", "type": "labels", "value": value}


def answer(workspace: Workspace, studio: FakeStudio, source: Source) -> list[Segment]:
    """Pull, and accept what came."""
    pull(workspace, studio)
    return segments.accept(workspace, source, taken(workspace, source).path)


def taken(workspace: Workspace, source: Source, given: str = "studio") -> Taken:
    found = take(workspace, source, Path(given))
    assert found
    return found


# -- push


def test_push_shows_the_spans_as_a_prediction(workspace: Workspace, studio: FakeStudio) -> None:
    source = add(workspace)
    with pytest.raises(InputError, match="no spans to correct"):
        push(workspace, studio)
    proposed = propose.propose(workspace, source)
    planned = plan(workspace, studio)
    assert len(planned.create) == 1 and not studio.projects
    assert push(workspace, studio).create == planned.create
    (number, data, regions) = shown(studio)[0]
    assert data["text"] == source.text and (data["part"], data["parts"], data["offset"]) == (1, 1, 0)
    assert data["text_sha256"] == source.file.text_sha256 and number
    found = {(r["value"]["labels"][0], r["value"]["start"], r["value"]["end"]) for r in regions}
    assert found == {(s.role, s.char_start, s.char_end) for s in proposed}
    assert len({r["id"] for r in regions}) == len(regions)
    project = studio.projects["harbour/segmentation.cura"]
    assert project["predictions"] and project["model_version"] == MODEL_VERSION
    again = push(workspace, studio)
    assert (len(again.create), len(again.unchanged), len(again.orphaned)) == (0, 1, 0)


def test_push_takes_the_curated_spans_and_other_sources_are_not_orphans(
    workspace: Workspace, studio: FakeStudio
) -> None:
    source = add(workspace, spans=CURATED)
    with pytest.raises(InputError, match="no source waits"):
        push(workspace, studio)
    first = push(workspace, studio, source_id=source.id, annotator="ann-9")
    assert first.project.key == "segmentation.ann-9" and len(first.create) == 1
    other = registry.add(workspace, REPORTS / "lantern-quay-3.txt")
    propose.propose(workspace, other)
    second = push(workspace, studio, annotator="ann-9")
    assert len(second.create) == 1 and second.orphaned == ()
    segments.accept(workspace, source, _less(source, "footnote"))
    third = push(workspace, studio, source_id=source.id, annotator="ann-9")
    assert len(third.create) == 1 and third.orphaned == first.create


def _less(source: Source, role: str) -> Path:
    path = source.folder / "less.jsonl"
    write_jsonl(path, (s.record() for s in base_spans(source) if s.role != role))
    return path


def test_push_needs_a_curator(tmp_path: Path, studio: FakeStudio) -> None:
    workspace = Workspace.create(tmp_path / "w", new_settings("harbour", "Harbour"))
    with pytest.raises(InputError, match="adjudicator is empty"):
        push(workspace, studio)


def test_labels_are_pushed_as_before_and_corrections_are_no_judgements(
    workspace: Workspace, studio: FakeStudio
) -> None:
    source = add(workspace, spans=CURATED)
    push(workspace, studio, source_id=source.id)
    (number, _, regions) = shown(studio)[0]
    studio.submit(number, regions)
    pull(workspace, studio)
    judgements, rejected = read_judgements(workspace)
    assert judgements.num_rows == 0 and not rejected
    with pytest.raises(InputError, match="corpus"):
        push_labels(workspace, studio)
    assert set(studio.projects) == {"harbour/segmentation.cura"}


def test_the_report_reaches_the_form_through_the_text_tag_alone() -> None:
    config = render_config(load_codebook(TASK))
    assert [line.split()[0] for line in config.splitlines() if "$" in line] == ["<Text"]


# -- there and back

WORDS = st.text(st.sampled_from("ab 1#[]灯𠮷👩\u202eé"), min_size=1, max_size=12)


@st.composite
def curated(draw: st.DrawFn) -> tuple[str, list[Segment]]:
    """A text and spans that hold, with any attributes: tops side by side, some with spans inside, gaps of line ends."""
    text = ""
    spans: list[Segment] = []
    keys: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        text += draw(st.sampled_from(["", "\n", "\n\n"])) if number else ""
        start = len(text)
        text += "x" + draw(WORDS) + draw(st.sampled_from(["", "\nmore"])) + "y"
        role = draw(st.sampled_from(["post", "photo_text", "translation", "analysis", "narrative", "image", ""]))
        if not role:
            continue
        extent = {"char_start": start, "char_end": len(text)}
        record: dict[str, Any] = {"role": role, **extent}
        if draw(st.booleans()):
            record["key"] = f"{draw(st.sampled_from(['post', 'photo', 'k']))}-{number}"
        if role == "photo_text":
            record["kind"] = draw(st.sampled_from(["verbatim", "translation", "description"]))
        if draw(st.booleans()) and keys:
            record["belongs_to"] = draw(st.sampled_from(keys))
        record["content_start"] = draw(st.sampled_from([None, start, start + 1]))
        record |= {"uncertain_boundary": draw(st.booleans()), "lang": draw(st.sampled_from([None, "zh"]))}
        record |= draw(st.sampled_from([{}, {"rule": "a rule", "confidence": 0.5}, {"part": 2, "inferred": ("part",)}]))
        spans.append(Segment.model_validate(record))
        for inner in draw(st.sets(st.sampled_from(["hashtag", "gloss", "footnote_marker", "insertion"]))):
            low = draw(st.integers(start, len(text) - 1))
            owner = draw(st.sampled_from([None, record.get("key")]))
            given = {"role": inner, "char_start": low, "char_end": low + 1, "belongs_to": owner, "footnote": "9"}
            spans.append(Segment.model_validate(given))
        keys += [record["key"]] if "key" in record else []
    text += draw(st.sampled_from(["", "\n", "\n\n"]))
    if not spans:
        spans.append(Segment(role="title", char_start=0, char_end=1))
    return text, spans


@settings(max_examples=80, deadline=None)
@given(curated(), st.integers(1, 60), st.booleans())
def test_an_unchanged_submission_gives_back_the_same_spans(
    report: tuple[str, list[Segment]], size: int, accepted: bool
) -> None:
    text, spans = report
    with tempfile.TemporaryDirectory() as folder:
        workspace, studio = new_workspace(Path(folder)), FakeStudio()
        source = add(workspace, text, spans if accepted else None)
        if not accepted:
            write_jsonl(source.proposals_path, (s.record() for s in spans))
        before = base_spans(source)
        push(workspace, studio, source_id=source.id, part_characters=size)
        for number, data, regions in shown(studio):
            assert source.text[data["offset"] : data["offset"] + len(data["text"])] == data["text"]
            studio.submit(number, regions)
        after = answer(workspace, studio, source)
        if accepted:
            assert after == before
        else:
            bare = [s.model_copy(update={"id": None, "sha256": None}) for s in after]
            assert bare == before
        assert taken(workspace, source).counts["kept"] == len(before)


@given(curated(), st.integers(1, 40))
def test_parts_hold_every_span_once_and_leave_out_line_ends_only(report: tuple[str, list[Segment]], size: int) -> None:
    text, spans = report
    found = parts(text, spans, size)
    assert all(sum(part.holds(s) for part in found) == 1 for s in spans)
    assert [part.number for part in found] == list(range(1, len(found) + 1))
    at = 0
    for part in found:
        assert set(text[at : part.offset]) <= {"\n"} and text[part.offset : part.end] == part.text
        at = part.end
    assert set(text[at:]) <= {"\n"}


def test_long_reports_are_cut_between_paragraphs() -> None:
    text = "\n".join(["word " * 20] * 30)
    found = parts(text, [], 500)
    assert len(found) > 5 and all(len(part.text) <= 500 for part in found)
    assert "\n".join(part.text for part in found) == text
    whole = Segment(role="post", char_start=0, char_end=len(text))
    assert len(parts(text, [whole], 500)) == 1


def test_the_real_report_comes_back_as_it_went(workspace: Workspace, studio: FakeStudio, shared: Path) -> None:
    source = registry.add(workspace, shared / "sources" / "cotton-the-act.txt")
    before = segments.accept(workspace, source, shared / "gold" / "cotton-the-act.segments.jsonl")
    push(workspace, studio, source_id=source.id, part_characters=2000)
    for number, _, regions in shown(studio):
        studio.submit(number, regions)
    assert len(shown(studio)) > 3 and answer(workspace, studio, source) == before


# -- what a correction becomes


def test_a_moved_boundary_keeps_the_id_and_a_redrawn_one_does_not(workspace: Workspace, studio: FakeStudio) -> None:
    source = add(workspace, spans=CURATED)
    before = {s.key: s for s in base_spans(source) if s.key}
    push(workspace, studio, source_id=source.id)
    (number, _, regions) = shown(studio)[0]
    post, photo = before["post-7"], before["photo-3"]
    drawn = [r for r in regions if r["value"]["labels"][0] not in ("post", "photo_text")]
    drawn.append(region("post", post.char_start, post.char_end - 5))
    drawn.append(region("photo_text", photo.char_start, photo.char_start + 25))
    studio.submit(number, drawn)
    after = {s.key: s for s in answer(workspace, studio, source) if s.key}
    assert after["post-7"].id == post.id and after["post-7"].uncertain_boundary
    assert after["post-7"].sha256 != post.sha256
    assert after["photo-3"].id not in (None, photo.id) and after["photo-3"].kind == "description"
    assert after["photo-3"].belongs_to == "post-7"
    counts = taken(workspace, source).counts
    assert (counts["kept"], counts["new"], counts["gone"]) == (7, 0, 0)  # read again: now as accepted


def test_new_spans_get_keys_owners_kinds_and_labels() -> None:
    drawn = [*places(CURATED), place("post", POST_2), place("photo_text", PHOTO_2), place("footnote_marker", "2\n")]
    drawn.append(Place("analysis", REPORT.index("The posts stop"), REPORT.index("1. Sandbar")))
    drawn.append(place("footnote_marker", "1\n"))
    found = correct(REPORT, CURATED, drawn, languages=("en",))
    by = {(s.role, REPORT[s.char_start : s.char_end]): s for s in found.segments}
    post, photo = by["post", POST_2], by["photo_text", PHOTO_2]
    assert post.key == "post-8" and photo.key == "photo-4"
    assert photo.belongs_to == "post-8" and photo.kind == "verbatim"
    assert photo.content_start == photo.char_start + len("Photo text: ")
    # A mouse took the line ends along.
    assert (by["footnote_marker", "2"].footnote, by["footnote_marker", "2"].belongs_to) == ("2", "post-8")
    assert (by["footnote_marker", "1"].footnote, by["footnote_marker", "1"].belongs_to) == ("1", None)
    assert ("analysis", "The posts stop in spring.") in by
    assert [s for s in found.segments if s in CURATED] == CURATED
    assert (found.counts["kept"], found.counts["new"], found.gone) == (len(CURATED), 5, ())


def test_a_photo_text_in_the_report_s_language_is_a_translation() -> None:
    found = correct(REPORT, [], [place("photo_text", PHOTO_1), place("post", POST_1)], languages=("en",))
    photo = next(s for s in found.segments if s.role == "photo_text")
    assert (photo.kind, photo.key, photo.belongs_to) == ("translation", "photo-1", "post-1")


def test_a_split_post_hands_its_children_to_the_half_they_lie_in() -> None:
    cut = REPORT.index("Velmar [the island]")
    post = CURATED[2]
    halves = [Place("post", post.char_start, cut - 1), Place("post", cut, post.char_end)]
    found = correct(REPORT, CURATED, [*places([s for s in CURATED if s.role != "post"]), *halves])
    first, second = (s for s in found.segments if s.role == "post")
    assert {first.key, second.key} == {"post-7", "post-8"}
    owners = {s.role: s.belongs_to for s in found.segments}
    assert (owners["hashtag"], owners["insertion"], owners["photo_text"]) == (first.key, second.key, second.key)
    assert {first.id, second.id} == {None}


def test_what_a_curator_chose_stays_and_what_lost_its_owner_goes_by_place() -> None:
    posts = [span("post", POST_1, key="post-1"), span("post", POST_2, key="post-2")]
    # Said to be of the first, though it stands behind the second.
    photo = span("photo_text", PHOTO_2, key="photo-1", belongs_to="post-1", kind="verbatim")
    kept = correct(REPORT, [*posts, photo], [*places([*posts, photo]), place("photo_text", PHOTO_1)])
    assert next(s for s in kept.segments if s.key == "photo-1").belongs_to == "post-1"
    lost = correct(REPORT, [*posts, photo], places([posts[1], photo]))
    assert next(s for s in lost.segments if s.key == "photo-1").belongs_to == "post-2"
    assert lost.gone == ("post-1",) and lost.counts["gone"] == 1


# -- which submission counts, and what is refused


@pytest.fixture
def pushed(workspace: Workspace, studio: FakeStudio) -> Source:
    source = add(workspace, spans=CURATED)
    push(workspace, studio, source_id=source.id)
    return source


def test_the_newest_submission_counts_and_a_second_may_follow(
    workspace: Workspace, studio: FakeStudio, pushed: Source
) -> None:
    (number, _, regions) = shown(studio)[0]
    first = studio.submit(number, regions[:-1])
    studio.submit(number, regions[:-2])
    assert len(answer(workspace, studio, pushed)) == len(regions) - 2
    studio.update_annotation(first.annotation_id, regions)
    assert len(answer(workspace, studio, pushed)) == len(regions)
    assert taken(workspace, pushed, "segmentation.cura").pull.name == "pull-0002.jsonl"
    older = workspace.annotations_dir / "segmentation.cura" / "pull-0001.jsonl"
    assert taken(workspace, pushed, str(older)).counts["gone"] == 2


def test_a_skip_an_empty_submission_and_none_are_refused(
    workspace: Workspace, studio: FakeStudio, pushed: Source
) -> None:
    with pytest.raises(InputError, match="no correction was pulled"):
        taken(workspace, pushed)
    (number, _, regions) = shown(studio)[0]
    submitted = studio.submit(number, regions)
    for change, message in (({"skipped": True}, "is a skip"), ({"skipped": False}, "marks nothing")):
        studio.update_annotation(submitted.annotation_id, [] if "nothing" in message else regions, **change)
        pull(workspace, studio)
        with pytest.raises(InputError, match=message):
            taken(workspace, pushed)
    studio.delete_annotation(submitted.annotation_id)
    pull(workspace, studio)
    with pytest.raises(InputError, match="holds no submission on source quay"):
        taken(workspace, pushed)


def test_an_unknown_role_or_a_span_outside_the_text_is_refused(
    workspace: Workspace, studio: FakeStudio, pushed: Source
) -> None:
    (number, _, regions) = shown(studio)[0]
    studio.submit(number, [*regions, region("rumour", 0, 4), region("post", 0, 10**6)])
    pull(workspace, studio)
    with pytest.raises(InputError, match=r"unknown label 'rumour'.*not in the text"):
        taken(workspace, pushed)
    assert not (pushed.folder / "corrections").exists()


@pytest.mark.parametrize("change", [{"text": REPORT + "!"}, {"text_sha256": "0" * 64}, {"offset": 1}])
def test_another_text_is_refused(workspace: Workspace, studio: FakeStudio, pushed: Source, change: Row) -> None:
    (number, _, regions) = shown(studio)[0]
    studio.submit(number, regions)
    studio.tasks[number].data.update(change)
    pull(workspace, studio)
    with pytest.raises(InputError, match="another text than that of source quay"):
        taken(workspace, pushed)


def test_data_that_are_not_ours_are_refused(workspace: Workspace, studio: FakeStudio, pushed: Source) -> None:
    (number, _, regions) = shown(studio)[0]
    studio.submit(number, regions)
    studio.tasks[number].data["part"] = "one"
    pull(workspace, studio)
    with pytest.raises(InputError, match=r"pull-0001.jsonl:1: data: part"):
        taken(workspace, pushed)


def test_a_part_that_is_not_submitted_is_named(workspace: Workspace, studio: FakeStudio) -> None:
    source = add(workspace, spans=CURATED)
    push(workspace, studio, source_id=source.id, part_characters=120)
    tasks = shown(studio)
    assert len(tasks) > 2
    for number, _, regions in tasks[1:]:
        studio.submit(number, regions)
    pull(workspace, studio)
    with pytest.raises(InputError, match=rf"of the {len(tasks)} parts of source quay, 1 are not submitted"):
        taken(workspace, source)


def test_spans_curated_meanwhile_are_not_lost(workspace: Workspace, studio: FakeStudio, pushed: Source) -> None:
    (number, _, regions) = shown(studio)[0]
    studio.submit(number, regions)
    pull(workspace, studio)
    segments.accept(workspace, pushed, _less(pushed, "footnote"))
    with pytest.raises(ConflictError, match="was changed after its spans were pushed"):
        taken(workspace, pushed)
    push(workspace, studio, source_id=pushed.id)
    newer = shown(studio)[-1]
    studio.submit(newer[0], newer[2])
    assert "footnote" not in {s.role for s in answer(workspace, studio, pushed)}


def test_what_does_not_hold_together_changes_nothing(workspace: Workspace, studio: FakeStudio, pushed: Source) -> None:
    (number, _, regions) = shown(studio)[0]
    post = next(s for s in base_spans(pushed) if s.role == "post")
    submitted = studio.submit(number, [*regions, region("post", post.char_start + 3, post.char_end + 3)])
    before = pushed.segments_path.read_bytes()
    with pytest.raises(InputError, match=r"corrections/segmentation.cura.pull-0001.jsonl:\d+: the post .* overlaps"):
        answer(workspace, studio, pushed)
    assert pushed.segments_path.read_bytes() == before
    studio.update_annotation(submitted.annotation_id, regions)
    assert len(answer(workspace, studio, pushed)) == len(CURATED)


# -- the commands


def test_accept_from_a_pull_on_the_command_line(workspace: Workspace, studio: FakeStudio, pushed: Source) -> None:
    (number, _, regions) = shown(studio)[0]
    said = {
        "from_name": "comment",
        "to_name": "text",
        "type": "textarea",
        "value": {"text": ["unsure of \u202eline 3"]},
    }
    studio.submit(number, [*regions[1:], {"id": "c", **said}])
    pull(workspace, studio)
    done = inside("-C", workspace.root, "source", "accept", "quay", "--from", "studio")
    assert "6 as shown" in done.stderr and "1 gone" in done.stderr and "comment: unsure of ·line 3" in done.stderr
    assert len(list(read_jsonl(pushed.segments_path))) == 6
    inside("-C", workspace.root, "source", "accept", "quay", "--from", "segmentation.cura")
    missing = inside("-C", workspace.root, "source", "accept", "quay", "--from", "segmentation.nobody", code=1)
    assert "no project segmentation.nobody was pushed (there: segmentation.cura)" in missing.stderr


def test_the_push_s_own_options_go_with_the_task(workspace: Workspace) -> None:
    wrong = inside("-C", workspace.root, "tasks", "push", "--source", "quay", code=2)
    assert "--task segmentation" in wrong.stderr
