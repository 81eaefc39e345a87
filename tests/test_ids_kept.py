"""Ids are kept: over random sequences of what curators do, no post that they did not touch gets another."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_corpus import edit
from toolkit.corpus.build import build
from toolkit.fsio import read_text, write_atomic, write_jsonl
from toolkit.sources import registry, segments
from toolkit.sources.editing import Quote, mark, unmark
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.workspace import Workspace, new_settings

WORDS = ("The lamps burn", "Soup and nets", "Clean salt", "盐灯亮了")
LINES = 8
Kept = dict[tuple[str, str], str]
"""(Source's key, span's key) → post id."""
reports = st.lists(st.lists(st.sampled_from(WORDS), min_size=LINES, max_size=LINES), min_size=2, max_size=3)
moves = st.lists(
    st.tuples(
        st.sampled_from(["mark", "unmark", "metadata", "rename", "reorder", "anew", "footnote"]),
        st.integers(0, 2),
        st.integers(0, LINES - 1),
    ),
    min_size=1,
    max_size=5,
)


def start(root: Path, texts: list[list[str]]) -> Workspace:
    """Reports whose lines repeat each other's words; every other line is a post."""
    workspace = Workspace.create(root, new_settings("ids"))
    for number, lines in enumerate(texts):
        path = root / f"report-{number}.txt"
        write_atomic(path, f"Report {number}\n" + "".join(f"{words}\n" for words in lines))
        source = registry.add(workspace, path)
        spans = [span_of(source, place) for place in range(1, LINES, 2)]
        segments.save(workspace, source, segments.checked([("test", s) for s in spans], source.text), "test", "me")
    return workspace


def span_of(source: Source, place: int) -> Segment:
    block = source.blocks[place + 1]
    return Segment(role="post", char_start=block["char_start"], char_end=block["char_end"], key=f"line-{place}")


def posts(workspace: Workspace) -> Kept:
    found = {}
    for source in registry.sources(workspace):
        for span in segments.load(source.segments_path, source.text):
            if span.role == "post":
                found[source.file.key, str(span.key)] = str(span.id)
    return found


def move(workspace: Workspace, what: str, which: int, place: int) -> None:
    sources = registry.sources(workspace)
    source = sources[which % len(sources)]
    spans = segments.load(source.segments_path, source.text)
    there = {span.key for span in spans}
    if what == "mark" and f"line-{place}" not in there:
        # Often the same words as an accepted post's, in front of it.
        span = span_of(source, place)
        words = source.text[span.char_start : span.char_end]
        nth = source.text.count(words, 0, span.char_start) + 1
        mark(workspace, source, Quote(words, nth=nth), {"role": "post", "key": span.key})
    elif what == "unmark" and f"line-{place}" in there and len(there) > 1:
        unmark(workspace, source, key=f"line-{place}")
    elif what == "metadata":
        path = source.folder / "source.toml"
        title = re.sub(r"(?m)^title = .*$", f'title = "Another title {place}"', read_text(path))
        write_atomic(path, f"# remark {place}\n{title}")
    elif what == "rename":
        new = f"{source.id}x"
        edit(source.folder / "source.toml", f'id = "{source.id}"', f'id = "{new}"')
        source.folder.rename(source.folder.with_name(new))
        write_atomic(workspace.ledger.path, read_text(workspace.ledger.path).replace(f'"{source.id}"', f'"{new}"'))
    elif what == "reorder":
        lines = read_text(workspace.ledger.path).splitlines(keepends=True)
        write_atomic(workspace.ledger.path, "".join([*lines[which:], *lines[:which]]))
    elif what == "anew":
        # The whole file of spans is given anew, without ids, in another order.
        bare = [span.model_copy(update={"id": None, "sha256": None}).record() for span in reversed(spans)]
        path = workspace.root / "anew.jsonl"
        write_jsonl(path, bare)
        segments.accept(workspace, source, path)
    elif what == "footnote" and f"line-{place}" in there:
        span = span_of(source, place)
        spot = {"role": "footnote_marker", "char_start": span.char_end - 1, "char_end": span.char_end, "footnote": "1"}
        if not any(s.role == "footnote_marker" and s.char_end == span.char_end for s in spans):
            added = [("test", s) for s in (*spans, Segment.model_validate(spot))]
            segments.save(workspace, source, segments.checked(added, source.text), "test", "me")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reports, moves)
def test_no_move_elsewhere_changes_a_posts_id(texts: list[list[str]], steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Two reports of the same words would be one text.
        workspace = start(Path(folder) / "ws", texts)
        before = posts(workspace)
        for step in steps:
            move(workspace, *step)
            after = posts(workspace)
            assert all(after[key] == before[key] for key in after.keys() & before.keys()), step
            assert len(set(after.values())) == len(after)
            before = after
        built = build(workspace)
        assert {*built.version.table("posts")["post_id"].to_pylist()} == {*before.values()}
