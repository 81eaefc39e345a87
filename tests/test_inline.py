"""Posts quoted within sentences: which words make a quotation a post, and what a curator is told where nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import inside
from tests.conftest import ROOT
from toolkit.sources import registry
from toolkit.sources.propose import proposals
from toolkit.sources.read_text import read
from toolkit.sources.remarks import remarks
from toolkit.sources.segments import checked, passage
from toolkit.workspace import Workspace

SAID = "The dyke of Velmar holds, and the sea knows it."


def posts(line: str, title: str = "A fictional report on the Dyke accounts") -> list[str]:
    """The posts of a report of one paragraph."""
    document = read(f"{title}\n\n{line}\n".encode(), "report.txt")
    found = proposals(document.text, [block.record() for block in document.blocks])
    return [document.text[s.char_start : s.char_end] for s in found if s.role == "post"]


@pytest.mark.parametrize(
    "line",
    [
        "One account posted on X: “{}” It was seen by nobody.",
        'The account @dykefan wrote, "{}"',
        "“{}” one user wrote on 4 May.",
        "“{}” read one of the posts.",
        "Another post, shared 40 times, claimed: “{}”",
        "A comment below the video reads “{}” and has no likes.",
        "The most popular tweet, “{}”, came from a page about gardens.",
        "Replying to the minister, an account that was created in May wrote: “{}”",
        "The page run by the minister’s cousin shared a photo with the caption: “{}”",
        "On Telegram, the channel Dyke Now said: “{}”",
        "The mayor tweeted: “{}”",
        "The mayor wrote on Facebook: “{}”",
        "They used sentences like “{}” (@dykefan, 3 May 2036, 12 likes).",
        "All of it was copied: «{}» — @dykefan, 3 May",
        "Two examples of tweets: ‘{}’",
        "At nine a first account would write, e.g., “{}”",
        "Several accounts replied with “Never!” or “{}”",
        "Un compte a écrit : « {} »",
        "Una cuenta escribió: «{}»",
        "Ein Nutzer schrieb: „{}“",
        "Один аккаунт написал: «{}»",
        "一名网民写道：“{}”",
    ],
)
def test_words_that_somebody_posted_are_a_post(line: str) -> None:
    assert posts(line.format(SAID)) == [SAID]


@pytest.mark.parametrize(
    "line",
    [
        "“{}” said a spokesperson for the page.",
        "The mayor told us: “{}”",
        "Asked about the accounts, the minister replied: “{}”",
        "A researcher who studies such posts wrote in an article: “{}”",
        "The company said in a blog post: “{}”",
        "The platform’s policy on posts reads: “{}”",
        "Ilo Marrek says: “{}”",
        "The Velmar Post wrote: “{}”",
        "The accounts had the slogan “{}” in their pictures.",
        "The bio of one account reads: “{}”",
        "An account shared an article with the title “{}”",
        "We call this pattern “{}”",
        "In her comment to us the mayor said: “{}”",
        "In a private message an account said: “{}”",
        "The posts used phrases like “{}”",
        "“{}” (Statement by the harbour office, 3 May)",
        "The accounts claim that the dyke “holds, and the sea of Velmar knows it well”.",
        "The posts were deleted. “{}” says the law on dykes.",
        "“{}” The accounts posted this sort of thing all day.",
        "Ein Sprecher der Gemeinde schrieb: „{}“",
        "市政府发言人表示：“{}”",
    ],
)
def test_words_of_others_are_none(line: str) -> None:
    assert posts(line.format(SAID)) == []


def test_what_goes_on_like_the_quotation_before_is_one_too() -> None:
    other = "My cousin drowned in paperwork, not in water."
    assert posts(f"One account wrote: “{SAID}” Another answered: “{other}”") == [SAID, other]
    assert posts(f"Typical posts include “{SAID}” and “{other}”") == [SAID, other]
    assert posts(f"The mayor said: “{SAID}” She added: “{other}”") == []
    assert posts(f"One account wrote: “{SAID}” “{other}” said the mayor.") == [SAID]


def test_translations_belong_to_the_post_that_they_stand_behind() -> None:
    original, words = (
        "堤坝很牢固，大海知道这一点，维尔马的人也知道。",
        "The dyke is firm, the sea knows it, Velmar knows it too.",
    )
    for line in (f"One account wrote “{original}” (“{words}”).", f"One account wrote: “{words}” ({original})."):
        document = read(f"A fictional report\n\n{line}\n".encode(), "report.txt")
        found = proposals(document.text, [block.record() for block in document.blocks])
        by_role = {s.role: (document.text[s.char_start : s.char_end], s) for s in found}
        assert (by_role["post"][0], by_role["translation"][0]) == (original, words)
        assert by_role["translation"][1].belongs_to == by_role["post"][1].key
        assert by_role["post"][1].lang == "zh-Hans"


def test_a_bracketed_number_within_is_a_marker_and_no_insertion() -> None:
    text = "A fictional report\n\nOne account wrote: “The dyke [1] of Velmar [the old one] holds, neighbours.”\n"
    document = read(text.encode(), "report.txt")
    found = proposals(document.text, [block.record() for block in document.blocks])
    inner = sorted((s.role, text[s.char_start : s.char_end]) for s in found if s.belongs_to == "post-1")
    assert inner == [("footnote_marker", "[1]"), ("insertion", "[the old one]")]


def test_a_footnote_number_within_is_the_posts_own(workspace: Workspace) -> None:
    line = "One account wrote: “The dyke1 of Velmar holds. #Dyke [the old one] It was built by hand.2” It was.3"
    text = f"A fictional report\n\n{line}\n\nNotes\n\n1. One.\n2. Two.\n3. Three.\n"
    document = read(text.encode(), "report.txt")
    found = proposals(document.text, [block.record() for block in document.blocks])
    post = next(s for s in found if s.role == "post")
    assert passage(post, found, text).text == "The dyke of Velmar holds. #Dyke [the old one] It was built by hand."
    owners = {(s.role, text[s.char_start : s.char_end]): s.belongs_to for s in found if s.role != "footnote"}
    assert owners["footnote_marker", "1"] == owners["footnote_marker", "2"] == post.key
    assert owners["hashtag", "#Dyke"] == owners["insertion", "[the old one]"] == post.key
    assert owners["footnote_marker", "3"] is None


PIECES = st.sampled_from(
    [
        *(
            "One account wrote: ",
            "said the mayor",
            "posted on X",
            " and ",
            ". ",
            ", ",
            " (",
            ")",
            "\n",
            "\n\n",
            " – @lamp, 4 likes",
        ),
        *(
            "“",
            "”",
            '"',
            "«",
            "»",
            "„",
            "‘",
            "’",
            "'",
            "「",
            "」",
            "Translation: ",
            "Post text: ",
            "[Photo text] ",
            "#Dyke ",
        ),
        *(
            "The dyke of Velmar holds, and the sea knows it.",
            "堤坝很牢固大海知道这一点",
            "Плотина крепка, и море знает",
            "1",
            "[note]",
        ),
        *("Notes", "- ", "> ", "Part 2: More", "\u202e", "👩‍🌾", "Figure 3: "),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=40))
def test_proposals_for_any_text_hold(pieces: list[str]) -> None:
    """Whatever a report looks like, its proposals can be accepted: no posts overlap, every owner is there."""
    document = read(f"A title\n{''.join(pieces)}\n".encode(), "report.txt")
    found = proposals(document.text, [block.record() for block in document.blocks])
    assert checked([(str(n), span) for n, span in enumerate(found)], document.text) == found
    for span in found:
        pieces_of = passage(span, found, document.text)
        assert all(
            pieces_of.text[p.start : p.end] == document.text[p.source_start : p.source_end] for p in pieces_of.pieces
        )
    remarks("report", document.text, found)


def test_the_guide_shows_what_is_recognised() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    block = guide.partition("### What is recognised")[2].partition("```text\n")[2].partition("```")[0]
    lines = [(line[:62].rstrip(), line[62:].strip()) for line in block.splitlines()]
    document = read("\n".join(line for line, _ in lines).encode(), "report.txt")
    found = proposals(document.text, [block.record() for block in document.blocks])
    at, shown = 0, 0
    names = {"photo text": "photo_text", "translator's note": "translator_note", "link to": "series_link"}
    for line, said in lines:
        roles = {s.role for s in found if at <= s.char_start < at + len(line)}
        at += len(line) + 1
        if said:
            role = next((r for words, r in names.items() if said.startswith(words)), said.split()[0].strip(",:"))
            shown += 1
            assert role in roles if role != "nothing" else roles == {"analysis"}, (line, roles)
    assert shown == 13


# -- what a curator is told


def test_a_report_without_posts_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    report = tmp_path / "brief.txt"
    report.write_text(f"A fictional brief\n\nThe law of Velmar states: “{SAID}” Nobody posted it.\n\nText – Nothing.\n")
    inside("init", tmp_path / "w")
    inside("-C", tmp_path / "w", "source", "add", report)
    done = inside("-C", tmp_path / "w", "source", "segment", "brief", "--json")
    assert done.stdout.startswith("[")
    for said in (
        "no posts were found",
        "1 longer quotation in lines 3",
        "[markers]",
        "source mark brief",
        "source export brief",
    ):
        assert said in done.stderr
    inside("-C", tmp_path / "w", "source", "review", "brief")
    page = (tmp_path / "w" / "sources" / "brief" / "review.html").read_text(encoding="utf-8")
    assert "<li>no posts were found" in page and "<script" not in page
    meta = tmp_path / "w" / "sources" / "brief" / "source.toml"
    meta.write_text(meta.read_text().replace("post = []", "post = ['Text –']", 1))
    again = inside("-C", tmp_path / "w", "source", "segment", "brief")
    assert "no posts were found" not in again.stderr and "post" in again.stdout


def test_markers_without_notes_and_notes_without_numbers_are_said(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(
        "A fictional report\n\nThe dyke holds.1 It is old.2 It is long.3\n\nNotes\n\nThe old map.\n\nThe new map.\n"
    )
    source = registry.add(workspace, path)
    said = remarks(source.id, source.text, proposals(source.text, source.blocks))
    assert "footnotes: 3 numbers of the text without a note of that number (1, 2, 3)" in said
    assert any(line.startswith("footnotes: 2 notes without a number") for line in said)
    path.write_text(path.read_text() + "\nThe newest map.\n")
    source = registry.add(workspace, path, source_id="more")
    said = remarks(source.id, source.text, proposals(source.text, source.blocks))
    assert "footnotes: 3 notes without a number, given one by their order: check it" in said
