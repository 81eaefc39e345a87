"""The example data by itself: read from the files alone, with nothing of the toolkit."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
REPORTS = EXAMPLES / "reports"
PAGE = REPORTS / "salt-lamps"
SIMULATED = EXAMPLES / "simulated"
ANNOTATORS = ("ann-1", "ann-2", "ann-3")
TASKS = ("narrative", "photo_text")
SINGLE_CHOICE = ("text_kind", "carrier", "function", "device", "adequacy")
BLOCK_ROLES = {"title", "series", "heading", "analysis", "narrative", "post", "translation", "photo_text", "image"}
BLOCK_ROLES |= {"translator_note", "footnote", "asset_history", "series_link"}
INLINE_ROLES = {"narrative_name", "insertion", "gloss", "footnote_marker", "hashtag"}
REASONS = {"slip", "rule_gap", "translation_ambiguity", "missing_context", "boundary", "both_valid"}
EXCLUSIVE = {"n98", "n99", "no_target"}
NEAR = 0.85

Record = dict[str, Any]
Item = tuple[str, str]
Question = tuple[str, str, str, str, str | None]


def records(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class ArticleText(HTMLParser):
    """The page's article, one line a block, white space collapsed: enough to find the quotes, not the real reader."""

    BLOCKS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "figcaption"})
    SKIPPED = frozenset({"script", "style", "button"})

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.images: list[str] = []
        self._current: list[str] | None = None
        self._in_article = False
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self._in_article = True
        elif tag in self.SKIPPED:
            self._skipping += 1
        elif tag == "img" and self._in_article:
            self.images.append(dict(attrs).get("src") or "")
        elif tag in self.BLOCKS and self._in_article:
            self._current = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._in_article = False
        elif tag in self.SKIPPED:
            self._skipping -= 1
        elif tag in self.BLOCKS and self._current is not None:
            self.lines.append(" ".join("".join(self._current).split()))
            self._current = None

    def handle_data(self, data: str) -> None:
        if self._current is not None and not self._skipping:
            self._current.append(data)


def read_page() -> ArticleText:
    parser = ArticleText()
    parser.feed((PAGE / "salt-lamps.html").read_text(encoding="utf-8"))
    return parser


def resolve(text: str, marks: list[Record]) -> list[Record]:
    """Marks with `char_start`, `char_end` and, for a `content_quote`, `content_start`; asserts that each is found."""
    spans: dict[str, tuple[int, int]] = {}
    resolved: list[Record] = []
    behind = 0
    for mark in marks:
        low, high = spans[mark["within"]] if "within" in mark else (behind, len(text))
        first, _, last = mark["quote"].partition(" … ")
        before = mark.get("after", "")
        start = low - 1
        for _ in range(mark.get("nth", 1)):
            start = text.find(before + first, start + 1, high)
            assert start >= 0, f"not found in order: {mark}"
        start += len(before)
        end = start + len(first)
        if last:
            end = text.find(last, end, high)
            assert end >= 0, f"last words not found: {mark}"
            end += len(last)
        if "within" not in mark:
            behind = end
        if "key" in mark:
            spans[mark["key"]] = (start, end)
        found = {**mark, "char_start": start, "char_end": end}
        if "content_quote" in mark:
            found["content_start"] = text.index(mark["content_quote"], start, end)
        resolved.append(found)
    return resolved


def load_source(source: str) -> tuple[str, list[Record]]:
    if source == "lantern-quay-3":
        text = (REPORTS / "lantern-quay-3.txt").read_bytes().decode("utf-8")
        return text, records(REPORTS / "lantern-quay-3.segments.jsonl")
    text = "\n".join(read_page().lines)
    return text, resolve(text, records(PAGE / "salt-lamps.marks.jsonl"))


SOURCES = {source: load_source(source) for source in ("lantern-quay-3", "salt-lamps")}


def item_texts(role: str) -> dict[Item, str]:
    """Text of each post or photo text: without its marker and without the footnote markers inside it."""
    texts: dict[Item, str] = {}
    for source, (text, segments) in SOURCES.items():
        for segment in segments:
            if segment["role"] != role:
                continue
            start: int = segment.get("content_start") or segment["char_start"]
            end: int = segment["char_end"]
            cuts = {
                place
                for marker in segments
                if marker["role"] == "footnote_marker" and start <= marker["char_start"] < end
                for place in range(marker["char_start"], marker["char_end"])
            }
            texts[source, segment["key"]] = "".join(text[i] for i in range(start, end) if i not in cuts)
    return texts


POSTS = item_texts("post")
ITEMS = {"narrative": POSTS, "photo_text": item_texts("photo_text")}
JUDGEMENTS = {(task, who): records(SIMULATED / f"{task}.{who}.jsonl") for task in TASKS for who in ANNOTATORS}


def contested_questions() -> Iterator[Question]:
    for task in TASKS:
        for source, key in ITEMS[task]:
            answered = [
                record["labels"]
                for who in ANNOTATORS
                for record in JUDGEMENTS[task, who]
                if (record["source"], record["key"]) == (source, key) and not record.get("skipped")
            ]
            for field in answered[0]:
                votes = [set(labels[field]) for labels in answered]
                if field == "narrative":
                    votes = [vote for vote in votes if vote != {"n99"}]
                if field in SINGLE_CHOICE:
                    if len({min(vote) for vote in votes}) > 1:
                        yield source, key, task, field, None
                else:
                    for label in sorted(set().union(*votes)):
                        if len({label in vote for vote in votes}) > 1:
                            yield source, key, task, field, label


def test_counts_and_roles() -> None:
    assert [sum(source == name for source, _ in POSTS) for name in SOURCES] == [11, 9]
    assert [sum(source == name for source, _ in ITEMS["photo_text"]) for name in SOURCES] == [4, 6]
    assert {segment["role"] for _, segments in SOURCES.values() for segment in segments} == BLOCK_ROLES | INLINE_ROLES


def test_plain_text_file_is_kept_unchanged_by_a_reader() -> None:
    data = (REPORTS / "lantern-quay-3.txt").read_bytes()
    assert b"\r" not in data and not data.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("source", SOURCES)
def test_spans_fit_the_text(source: str) -> None:
    text, segments = SOURCES[source]
    keys = [segment["key"] for segment in segments if "key" in segment]
    assert len(keys) == len(set(keys))
    for segment in segments:
        span = text[segment["char_start"] : segment["char_end"]]
        assert span and span == span.strip() and "\n" not in span, segment
        assert segment.get("belongs_to", keys[0]) in keys
        assert segment["role"] != "footnote_marker" or span == segment["footnote"]
        assert segment["role"] != "hashtag" or re.fullmatch(r"#\w+", span)
        assert segment["role"] != "insertion" or re.fullmatch(r"\[.*\]", span)
    bodies = {segment["footnote"] for segment in segments if segment["role"] == "footnote"}
    markers = {segment["footnote"] for segment in segments if segment["role"] == "footnote_marker"}
    assert bodies < markers, "each report has a footnote with a body and one without"


def test_marks_take_nothing_from_the_page_furniture() -> None:
    text, _ = SOURCES["salt-lamps"]
    page = (PAGE / "salt-lamps.html").read_text(encoding="utf-8")
    for furniture in (
        "Why so many kites?",
        "I have one of these lamps",
        "Share on Chirpyard",
        "Archive of old ledgers",
    ):
        assert furniture in page and furniture not in text


def test_images_are_small_and_held() -> None:
    named = [image for image in read_page().images if not image.startswith("https://")]
    marked = [mark["image"] for mark in records(PAGE / "salt-lamps.marks.jsonl") if "image" in mark]
    assert named == marked and len(named) == 5
    for image in named:
        data = (PAGE / image).read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) < 40_000
    assert {path.name for path in (PAGE / "salt-lamps_files").iterdir()} == {Path(image).name for image in named}


@pytest.mark.parametrize("report", ["lantern-quay-3", "salt-lamps/salt-lamps"])
def test_metadata_and_facts(report: str) -> None:
    meta = tomllib.loads((REPORTS / f"{report}.source.toml").read_text(encoding="utf-8"))
    facts = tomllib.loads((REPORTS / f"{report}.facts.toml").read_text(encoding="utf-8"))
    assert meta["fictional"] is True
    assert meta["url"].split("/")[2].endswith(".example")
    _, segments = SOURCES[meta["id"]]
    keys = {segment.get("key") for segment in segments}
    handles = {account["handle"] for account in facts["account"]}
    for account in facts["account"]:
        assert {event["segment"] for event in account["event"]} <= keys
    assert {narrative["key"] for narrative in facts["narrative"]} == {key for key in keys if "narrative-" in str(key)}
    assert {quotation["key"] for quotation in facts["quotation"]} <= keys
    assert {post["key"] for post in facts["post"]} <= keys
    assert {post["account"] for post in facts["post"] if "account" in post} <= handles


def test_near_duplicates_only_within_a_report() -> None:
    near = {
        (one, other)
        for one, other in combinations(POSTS, 2)
        if difflib.SequenceMatcher(None, POSTS[one], POSTS[other], autojunk=False).ratio() >= NEAR
    }
    assert near == {
        (("lantern-quay-3", "post-8"), ("lantern-quay-3", "post-9")),
        (("salt-lamps", "post-2"), ("salt-lamps", "post-3")),
    }


def test_fictional_notices() -> None:
    for text, _ in SOURCES.values():
        assert any("fictional" in line and "documented-posts" in line for line in text.split("\n")[:3])
    assert "not made by people" in (SIMULATED / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert "fictional" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in SIMULATED.glob("*.jsonl"):
        assert {record["provenance"] for record in records(path)} == {"simulated"}, path.name


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("who", ANNOTATORS)
def test_judgements_cover_every_item_with_exact_evidence(task: str, who: str) -> None:
    lines = JUDGEMENTS[task, who]
    assert [(line["source"], line["key"]) for line in lines] == list(ITEMS[task])
    for line in lines:
        if line.get("skipped"):
            assert line["labels"] == {} and line["evidence"] == []
            continue
        narratives = line["labels"]["narrative"]
        assert narratives
        for labels in line["labels"].values():
            assert len(labels) == 1 or not EXCLUSIVE & set(labels), (line["key"], labels)
        assert {evidence["label"] for evidence in line["evidence"]} == set(narratives) - {"n98", "n99"}
        text = ITEMS[task][line["source"], line["key"]]
        for evidence in line["evidence"]:
            assert text.count(evidence["quote"]) == 1, (line["source"], line["key"], evidence)
            assert evidence["mode"] in ("explicit", "implied")
        assert line["confidence"] in (1, 2, 3) and line["seconds"] > 0
        for region in line.get("transcription", []):
            assert region["text"] and region["x"] + region["width"] <= 100 and region["y"] + region["height"] <= 100


def test_held_images_and_only_they_are_transcribed() -> None:
    held = {("salt-lamps", segment["belongs_to"]) for segment in SOURCES["salt-lamps"][1] if segment["role"] == "image"}
    for who in ANNOTATORS:
        lines = JUDGEMENTS["photo_text", who]
        assert {(line["source"], line["key"]) for line in lines if line["transcription"]} == held


def test_one_judgement_is_a_skip() -> None:
    assert sum(bool(line.get("skipped")) for lines in JUDGEMENTS.values() for line in lines) == 1


def test_decisions_answer_exactly_the_contested_questions() -> None:
    decisions = records(SIMULATED / "decisions.jsonl")
    asked = [(line["source"], line["key"], line["task"], line["field"], line["label"]) for line in decisions]
    contested = list(contested_questions())
    assert 20 <= len(contested) <= 30
    assert sorted(asked, key=repr) == sorted(contested, key=repr)
    for line in decisions:
        assert line["reason"] in REASONS
        if line["label"] is not None:
            assert line["decision"] in ("yes", "no", "contested")
        else:
            chosen = {
                record["labels"][line["field"]][0]
                for who in ANNOTATORS
                for record in JUDGEMENTS[line["task"], who]
                if (record["source"], record["key"]) == (line["source"], line["key"]) and not record.get("skipped")
            }
            assert line["decision"] in {*chosen, "contested"}


def codebook_leaves(task: str) -> set[tuple[str, str]]:
    """(field, label) pairs that a judgement may hold, read without the toolkit's own codebook reader."""
    text = (ROOT / "annotation_configs" / task / "codebook.yaml").read_text(encoding="utf-8")
    parents = set(re.findall(r"^    parent: (\w+)$", text, re.MULTILINE))
    pairs = re.findall(r"^  - id: (\w+)\n    field: (\w+)$", text, re.MULTILINE)
    return {(field, label) for label, field in pairs if label not in parents}


@pytest.mark.parametrize("task", TASKS)
def test_labels_are_leaves_of_the_codebook(task: str) -> None:
    leaves = codebook_leaves("narrative") | codebook_leaves(task)
    for who in ANNOTATORS:
        for line in JUDGEMENTS[task, who]:
            used = {(field, label) for field, labels in line["labels"].items() for label in labels}
            assert used <= leaves, (line["key"], used - leaves)
    for line in records(SIMULATED / "decisions.jsonl"):
        if line["task"] == task and line["decision"] != "contested":
            assert (line["field"], line["label"] or line["decision"]) in leaves


def eight_words(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}


def test_no_sentence_comes_from_the_real_report() -> None:
    shared = Path(os.environ.get("DOCPOSTS_SHARED", ROOT.parent / "shared"))
    real = shared / "sources" / "cotton-the-act.txt"
    if not real.is_file():
        pytest.skip(f"the real report is not here ({real}); set DOCPOSTS_SHARED to the folder that holds sources/")
    theirs = eight_words(real.read_text(encoding="utf-8"))
    assert theirs
    for path in sorted(EXAMPLES.rglob("*")):
        if path.is_file() and path.suffix not in (".png", ".pyc"):
            common = eight_words(path.read_text(encoding="utf-8")) & theirs
            assert not common, (path.name, common)
