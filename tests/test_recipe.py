"""Recipes: what they hold, what they never hold, and the same posts again from somebody else's copy."""

from __future__ import annotations

import base64
import binascii
import copy
import html
import json
import re
import textwrap
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import inside, told
from tests.conftest import EXAMPLES, ROOT
from toolkit.corpus.build import build
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_jsonl
from toolkit.schema import table
from toolkit.sources import propose, recipe, recipe_make, registry, segments
from toolkit.sources.hydrate import Found, find, hydrate
from toolkit.sources.model import Segment
from toolkit.sources.source import Source
from toolkit.text.fold import fold, normal
from toolkit.workspace import Workspace, new_settings

RECIPE = ROOT / "recipes" / "cotton-the-act.json"
REPORT = EXAMPLES / "reports" / "lantern-quay-3.txt"
MARK = "footnote_marker"


def space(folder: Path) -> Workspace:
    return Workspace.create(folder, new_settings("test", "A test", tasks={"annotators": ["ann"]}))


def added(workspace: Workspace, report: Path, spans: Path, meta: Path | None = None) -> Source:
    source = registry.add(workspace, report, meta=meta)
    segments.accept(workspace, source, spans)
    return source


@pytest.fixture(scope="module")
def lantern(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The fictional report with its accepted spans."""
    workspace = space(tmp_path_factory.mktemp("lantern") / "w")
    return added(workspace, REPORT, REPORT.with_suffix(".segments.jsonl"), REPORT.with_suffix(".source.toml"))


@pytest.fixture(scope="module")
def lantern_recipe(lantern: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "lantern.json"
    path.write_text(recipe_make.make(lantern).dumps(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cotton(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The real report with its accepted spans."""
    workspace = space(tmp_path_factory.mktemp("cotton") / "w")
    report = shared / "sources" / "cotton-the-act.txt"
    spans = shared / "gold" / "cotton-the-act.segments.jsonl"
    return added(workspace, report, spans, RECIPE.with_suffix(".source.toml"))


def spans_of(source: Source) -> list[Segment]:
    return segments.load(source.segments_path, source.text)


def texts(found: list[Segment], text: str) -> dict[str, str]:
    """Return the normal form of what each row of a source says, by its id."""
    return {s.id: normal(segments.passage(s, found, text).text) for s in found if s.id}


# A typesetter of copies: the same words as another page or another file would show them.

SHOWN: dict[str, Callable[[str], str]] = {
    "glued": lambda label: label,
    "spaced": lambda label: f" [{label}]",
    "bracketed": lambda label: f"[{label}]",
    "superscript": lambda label: label.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "absent": lambda label: "",
}
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "...", "\u00a0": " "})


def curly(text: str) -> str:
    text = re.sub(r"(?<![\w.,!?)\]])\"", "“", text).replace('"', "”")
    return re.sub(r"(?<!\w)'(?=\w)", "‘", text).replace("'", "’")


def ligatures(text: str) -> str:
    return text.replace("ffi", "ﬃ").replace("fi", "ﬁ").replace("fl", "ﬂ").replace("ff", "ﬀ")


def marked(source: Source, show: Callable[[str], str], typeset: Callable[[str], str] = str) -> list[str]:
    """Return the paragraphs of a report with its footnote markers shown otherwise."""
    marks = {s.char_start: s for s in spans_of(source) if s.role == MARK}
    lines, place = [], 0
    for line in source.text.split("\n"):
        parts, at = [], place
        for start in sorted(start for start in marks if place <= start < place + len(line)):
            label = marks[start].footnote or source.text[start : marks[start].char_end]
            parts += [typeset(source.text[at:start]), show(label)]
            at = marks[start].char_end
        parts.append(typeset(source.text[at : place + len(line)]))
        place += len(line) + 1
        if line.strip():
            lines.append("".join(parts))
    return lines


def page(source: Source, change: Callable[[str], str] = str) -> str:
    """Return a report as a saved page: paragraphs, linked footnotes in superscript, curly quotes, notes with their numbers."""
    notes = {s.char_start: s.footnote for s in spans_of(source) if s.role == "footnote"}
    linked = marked(
        source,
        lambda n: f'<sup><a class="footnote-anchor" id="footnote-anchor-{n}" href="#footnote-{n}">{n}</a></sup>',
        lambda text: html.escape(curly(change(text)), quote=False),
    )
    starts, place = [], 0
    for line in source.text.split("\n"):
        starts += [place] if line.strip() else []
        place += len(line) + 1
    body = []
    for number, (start, line) in enumerate(zip(starts, linked, strict=True)):
        label = notes.get(start)
        if number == 0:
            body.append(f"<h1>{line}</h1>\n<div class='byline'><span>Somebody</span> · <time>4 May</time></div>")
        elif label:
            back = f'<a id="footnote-{label}" href="#footnote-anchor-{label}" class="footnote-number">{label}</a>'
            body.append(f'<div class="footnote">{back}<div class="footnote-content"><p>{line}</p></div></div>')
        else:
            body.append(f"<p>{textwrap.fill(line, 70)}</p>")
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>A saved page</title></head>"
        f"<body><nav>Home</nav><article>{chr(10).join(body)}</article><footer>Subscribe</footer></body></html>"
    )


# What a recipe holds


def decodings(value: str) -> list[str]:
    """Return a value and what it may be in disguise."""
    found = [value, value[::-1]]
    for decode in (bytes.fromhex, base64.b64decode, base64.urlsafe_b64decode, base64.b32decode, base64.b85decode):
        try:
            raw = decode(value)
        except (ValueError, binascii.Error):
            continue
        found += [raw.decode("utf-8", "ignore"), raw.decode("utf-16", "ignore")]
    return found


def five_grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return set(zip(*(words[at:] for at in range(5)), strict=False))


def test_the_recipe_of_the_real_report_repeats_none_of_it(shared: Path) -> None:
    report = (shared / "sources" / "cotton-the-act.txt").read_text(encoding="utf-8")
    values = json.loads(RECIPE.read_text(encoding="utf-8"))
    title = values["source"]["title"]
    assert title == report.split("\n", 1)[0]
    theirs = five_grams(report) - five_grams(title)
    checked = 0
    for where, value in [*recipe_make.strings(values), *(("key", key) for key in keys_of(values))]:
        for decoded in decodings(value):
            checked += 1
            assert not five_grams(decoded) & theirs, where
    assert checked > 500
    # The whole file as one text, too: no words lie spread over neighbouring values.
    whole = " ".join(value for where, value in recipe_make.strings(values) if where != "source.title")
    assert not five_grams(whole) & theirs


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


def test_the_recipe_of_the_real_report_is_made_of_its_spans(cotton: Source, tmp_path: Path) -> None:
    out = tmp_path / "again.json"
    inside("-C", cotton.folder, "source", "recipe", "cotton-the-act", "-o", out)
    assert out.read_bytes() == RECIPE.read_bytes()
    assert inside("-C", cotton.folder, "source", "recipe", "cotton-the-act").stdout == RECIPE.read_text("utf-8")


def test_every_field_is_declared_and_no_other_is_taken(lantern_recipe: Path, tmp_path: Path) -> None:
    values = json.loads(lantern_recipe.read_text("utf-8"))
    assert recipe.read(lantern_recipe).dumps() == lantern_recipe.read_text("utf-8")
    path = tmp_path / "other.json"
    outer = next(number for number, span in enumerate(values["spans"]) if "inside" in span)
    short = ["short", 0]
    spots: list[list[Any]] = [[], ["source"], ["source", "series"], ["spans", 0], ["spans", outer, "inside", 0]]
    for spot in [*spots, short, [*short, "beside", 0]]:
        changed = copy.deepcopy(values)
        target = changed
        for step in spot:
            target = target[step]
        target["words"] = "a sentence"
        path.write_text(json.dumps(changed), "utf-8")
        with pytest.raises(InputError, match=r"words: unknown key"):
            recipe.read(path)


def edited(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda recipe: recipe["spans"][0].update(values)


def outside(values: dict[str, Any]) -> None:
    inner = next(span for span in values["spans"] if "inside" in span)
    inner["inside"][0]["at"] = inner["length"] + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(format=2), "is a recipe of format 2; this docposts reads format 1"),
        (lambda r: r.update(normal_form=2), "normal_form: Input should be 1"),
        (lambda r: r.update(spans=[]), "spans: Tuple should have at least 1 item"),
        (lambda r: r["source"].update(id="../../etc"), r"source\.id: String should match"),
        (edited(sha256="00"), r"spans\.0\.sha256: String should match"),
        (edited(length=3), r"spans\.0: has a hash, though it is shorter than 40 characters"),
        (edited(at=-1), r"spans\.0\.at: Input should be greater"),
        (edited(role="poem"), r"spans\.0\.role: Input should be"),
        (edited(belongs_to="nobody"), r"spans\.0: belongs to 'nobody', which is no span's key"),
        (edited(id=f"post_{'0' * 32}"), r"spans\.0: post_0+ is no id of a title"),
        (edited(content_at=10_000), r"spans\.0: content_at lies outside the span"),
        (lambda r: [span.update(key="one") for span in r["spans"][:2]], "key: one is that of two spans"),
        (lambda r: r["short"][0]["beside"][0].update(span=999), r"short\.0\.beside: there are \d+ spans"),
        (outside, "lies outside the span around it"),
    ],
)
def test_a_recipe_that_does_not_hold_is_refused(
    change: Callable[[dict[str, Any]], object], message: str, lantern_recipe: Path, tmp_path: Path
) -> None:
    values = json.loads(lantern_recipe.read_text("utf-8"))
    change(values)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(values), "utf-8")
    with pytest.raises(InputError, match=message) as caught:
        recipe.read(path)
    assert caught.value.message.startswith(str(path))


@pytest.mark.parametrize("words", ["", "not json", "[]", '"text"', "null", '{"format": 1'])
def test_what_is_no_recipe_is_refused(words: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(words, "utf-8")
    with pytest.raises(InputError, match=r"recipe\.json"):
        recipe.read(path)


def test_no_recipe_that_would_give_words_away(tmp_path: Path) -> None:
    post = "The lamps on the long wall burn every evening for nobody at all."
    report = tmp_path / "lamps.txt"
    report.write_text(f"Lamps of the outer skerries tonight\n{post}\n", "utf-8")
    marks = tmp_path / "marks.jsonl"
    marks.write_text(json.dumps({"role": "post", "quote": post, "key": "p"}) + "\n", "utf-8")
    meta = tmp_path / "meta.toml"
    for line, leaks in [
        ('campaign = "Wall burn"', None),
        ('title = "Lamps of the outer skerries tonight"', None),
        ('campaign = "On the long wall burn!"', "campaign"),
        ('authors = ["A", "the LONG wall burn every"]', r"authors\.1"),
    ]:
        meta.write_text(line, "utf-8")
        source = added(space(tmp_path / str(len(line))), report, marks, meta)
        if leaks is None:
            recipe_make.make(source)
        else:
            with pytest.raises(InputError, match=rf"the recipe's source\.{leaks} would repeat the report"):
                recipe_make.make(source)


def test_words_of_a_script_without_blanks_are_counted_in_characters() -> None:
    report = "灯火在长墙上每夜燃烧无人观看也无人熄灭"
    assert recipe_make.repeats("长墙上每夜", report, "") is None
    assert recipe_make.repeats("在长墙上每夜燃烧无人", report, "") == " ".join("在长墙上每夜燃烧无人")
    assert recipe_make.repeats("在长墙上每夜燃烧无人", report, report) is None


def test_no_recipe_of_a_source_without_accepted_spans(tmp_path: Path, workspace: Workspace) -> None:
    registry.add(workspace, REPORT)
    error = inside("-C", workspace.root, "source", "recipe", "lantern-quay-3", code=1).stderr
    assert "has no accepted spans to make a recipe of" in error
    assert "docposts source accept lantern-quay-3" in error


# The same posts from another copy


def test_the_report_itself_gives_its_spans_back(cotton: Source, workspace: Workspace) -> None:
    printed = told("-C", workspace.root, "source", "hydrate", "cotton-the-act", cotton.folder / "text.txt")
    assert printed["missing"] == []
    assert printed["notes"] == []
    assert (
        workspace.sources_dir / "cotton-the-act" / "segments.jsonl"
    ).read_bytes() == cotton.segments_path.read_bytes()


def rows_of(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = build(workspace).version.table(name).to_pylist()
    return rows


def test_a_saved_page_of_the_real_report_gives_its_posts(cotton: Source, workspace: Workspace, tmp_path: Path) -> None:
    saved = tmp_path / "article.html"
    saved.write_text(page(cotton), "utf-8")
    done = inside("-C", workspace.root, "source", "hydrate", RECIPE, saved)
    assert "missing:" not in done.stderr
    mine = registry.get(workspace, "cotton-the-act")
    assert mine.file.format == "html"
    assert mine.text != cotton.text
    assert texts(spans_of(mine), mine.text) == texts(spans_of(cotton), cotton.text)
    assert [(s.role, s.key, s.id) for s in spans_of(mine)] == [(s.role, s.key, s.id) for s in spans_of(cotton)]
    theirs = Workspace.open(cotton.folder)
    for name in ("posts", "photo_texts", "notes", "narratives"):
        key = next(iter(table(name).primary_key))
        here, there = rows_of(workspace, name), rows_of(theirs, name)
        assert [row[key] for row in here] == [row[key] for row in there]
        assert [normal(row["text"]) for row in here] == [normal(row["text"]) for row in there]
    assert len(rows_of(workspace, "posts")) == 8
    assert [r["hashtags"] for r in rows_of(workspace, "posts")] == [r["hashtags"] for r in rows_of(theirs, "posts")]


def test_with_one_post_altered_seven_come_back(cotton: Source, tmp_path: Path) -> None:
    posts = [s for s in spans_of(cotton) if s.role == "post"]
    assert len(posts) == 8
    for number, post in enumerate(posts):
        words = cotton.text[post.char_start : post.char_end]
        at = words.index(" ", len(words) // 2)
        altered = cotton.text.replace(words, f"{words[:at]} not{words[at:]}")
        copied = tmp_path / f"{number}.txt"
        copied.write_text(altered, "utf-8")
        workspace = space(tmp_path / str(number))
        done = inside("-C", workspace.root, "source", "hydrate", RECIPE, copied, code=3)
        assert f"missing: post {post.key} ({post.id}): not in the copy" in done.stderr
        back = spans_of(registry.get(workspace, "cotton-the-act"))
        assert [s.id for s in back if s.role == "post"] == [p.id for p in posts if p.id != post.id]
        assert len(rows_of(workspace, "posts")) == 7
    done = inside("-C", space(tmp_path / "partial").root, "source", "hydrate", RECIPE, copied, "--partial")
    assert "missing: post" in done.stderr


@pytest.mark.parametrize("words", [" Indeed so.", " #More", ", they say"])
def test_a_post_with_more_words_is_another_one(words: str, cotton: Source, tmp_path: Path) -> None:
    post = next(s for s in spans_of(cotton) if s.key == "post-17")
    altered = cotton.text[: post.char_end] + words + cotton.text[post.char_end :]
    (missing,) = find(recipe.read(RECIPE), altered).missing
    assert (missing.key, missing.reason) == ("post-17", "its paragraph has other words beside it")
    altered = cotton.text[: post.char_start] + words.strip() + " " + cotton.text[post.char_start :]
    (missing,) = find(recipe.read(RECIPE), altered).missing
    assert missing.key == "post-17"


def test_without_a_copy_nothing_comes_back(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(REPORT.read_text("utf-8"), "utf-8")
    for copied in (other, RECIPE):
        error = inside("-C", workspace.root, "source", "hydrate", RECIPE, copied, code=1).stderr
        assert f"{copied}: no post, photo text, note or narrative of {RECIPE} stands in it" in error
        assert "is it a copy of “Cotton the Act" in error
    assert not list(workspace.sources_dir.glob("*"))
    assert not list(workspace.ledger.records("source"))
    missing = tmp_path / "nowhere.txt"
    assert f"cannot read {missing}" in inside("-C", workspace.root, "source", "hydrate", RECIPE, missing, code=1).stderr


def joined(source: Source) -> str:
    return " ".join(marked(source, SHOWN["glued"])) + "\n"


def wrapped(source: Source) -> str:
    return "\n\n".join(textwrap.fill(line, 72) for line in marked(source, SHOWN["spaced"])) + "\n"


@pytest.mark.parametrize("make", [joined, wrapped])
def test_paragraphs_may_be_broken_or_joined(make: Callable[[Source], str], lantern: Source) -> None:
    text = make(lantern)
    found = find(recipe_make.make(lantern), text)
    assert found.missing == []
    assert texts(found.segments, text) == texts(spans_of(lantern), lantern.text)


@pytest.mark.parametrize("shown", SHOWN)
def test_footnotes_may_be_shown_in_any_way(shown: str, lantern: Source) -> None:
    text = "\n".join(marked(lantern, SHOWN[shown])) + "\n"
    found = find(recipe_make.make(lantern), text)
    assert found.missing == []
    want = spans_of(lantern)
    assert texts(found.segments, text) == texts(want, lantern.text)
    labels = [s.footnote for s in want if s.role == MARK]
    assert [s.footnote for s in found.segments if s.role == MARK] == ([] if shown == "absent" else labels)
    assert bool(found.notes) == (shown == "absent")
    if shown == "spaced":
        # Neither the brackets nor the blank before them stay behind.
        whole = [segments.passage(s, found.segments, text).text for s in found.segments if s.role == "post"]
        assert whole == [segments.passage(s, want, lantern.text).text for s in want if s.role == "post"]


@pytest.mark.parametrize("shown", ["glued", "spaced", "bracketed", "superscript"])
def test_markers_that_the_recipe_does_not_have_are_no_words(shown: str, lantern: Source, tmp_path: Path) -> None:
    plain = tmp_path / "lantern.txt"
    plain.write_text("\n".join(marked(lantern, SHOWN["absent"])) + "\n", "utf-8")
    bare = find(recipe_make.make(lantern), plain.read_text("utf-8"))
    spans = tmp_path / "spans.jsonl"
    spans.write_text("".join(json.dumps(s.record()) + "\n" for s in bare.segments), "utf-8")
    source = added(space(tmp_path / "w"), plain, spans)
    text = "\n".join(marked(lantern, SHOWN[shown])) + "\n"
    found = find(recipe_make.make(source), text)
    assert found.missing == []
    assert texts(found.segments, text) == texts(spans_of(lantern), lantern.text)


TWICE = """A short report on lamps
The first post says that lamps are never lit on the wall.
The same words, said more than once on the quay of lamps.
Between the two a paragraph of prose explains nothing much.
The same words, said more than once on the quay of lamps.
The last post says that lamps are always lit on the wall.
"""


@pytest.fixture
def twice(tmp_path: Path, workspace: Workspace) -> Source:
    report = tmp_path / "twice.txt"
    report.write_text(TWICE, "utf-8")
    place, lines = 0, []
    for number, line in enumerate(TWICE.split("\n")[:-1]):
        role = "title" if number == 0 else "analysis" if number == 3 else "post"
        entry = {"role": role, "char_start": place, "char_end": place + len(line), "key": f"{role}-{number}"}
        lines.append(json.dumps(entry))
        place += len(line) + 1
    spans = tmp_path / "spans.jsonl"
    spans.write_text("\n".join(lines) + "\n", "utf-8")
    return added(workspace, report, spans)


def placed(found: Found) -> dict[str | None, int]:
    return {s.key: s.char_start for s in found.segments}


def test_equal_paragraphs_come_back_in_their_order(twice: Source) -> None:
    made = recipe_make.make(twice)
    found = find(made, TWICE)
    assert (found.missing, found.notes) == ([], [])
    assert placed(found) == {s.key: s.char_start for s in spans_of(twice)}
    assert len({s.id for s in found.segments if s.role == "post"}) == 4
    same = TWICE.split("\n")[2]
    # One of the two is gone: its neighbours tell which.
    found = find(made, TWICE.replace(same, "Other words.", 1))
    assert [m.key for m in found.missing] == ["post-2"]
    found = find(made, TWICE[::-1].replace(same[::-1], "Other words."[::-1], 1)[::-1])
    assert [m.key for m in found.missing] == ["post-4"]


def test_words_that_stand_more_often_than_in_the_report_are_told(twice: Source) -> None:
    made = recipe_make.make(twice)
    same = TWICE.split("\n")[2]
    # A teaser before the title is told from the post by its place; a copy beside it is not.
    found = find(made, f"{same}\n{TWICE}")
    assert found.missing == []
    assert not any("more or less often" in note for note in found.notes)
    found = find(made, TWICE.replace(same, f"{same}\n{same}", 1))
    assert found.missing == []
    assert [note for note in found.notes if "more or less often" in note and "post-2" in note]


def test_a_child_of_a_missing_span_stands_alone(
    lantern: Source, lantern_recipe: Path, workspace: Workspace, tmp_path: Path
) -> None:
    spans = spans_of(lantern)
    photo = next(s for s in spans if s.role == "photo_text" and s.belongs_to)
    post = next(s for s in spans if s.key == photo.belongs_to)
    copied = tmp_path / "copy.txt"
    copied.write_text(lantern.text[: post.char_end - 20] + "…" + lantern.text[post.char_end :], "utf-8")
    made = hydrate(workspace, lantern_recipe, copied)
    assert post.key in {m.key for m in made.found.missing}
    assert next(s for s in made.found.segments if s.id == photo.id).belongs_to is None
    assert any(f"{post.key}, to which it belongs, is not" in note for note in made.found.notes)
    spans_of(made.source)


def test_short_spans_and_dashes_at_an_edge(tmp_path: Path, workspace: Workspace) -> None:
    post = "— Lamps – are they lit? Nobody on the whole of the quay knows it —"
    report = tmp_path / "dashes.txt"
    report.write_text(f"A title of the report on lamps, on quays and on walls\n#Lit!\n{post}\nNo.2\n", "utf-8")
    text = report.read_text("utf-8")
    spans = tmp_path / "spans.jsonl"
    at = {
        words: text.index(words)
        for words in ("#Lit!", post, "No.", "A title of the report on lamps, on quays and on walls")
    }
    entries: list[dict[str, Any]] = [
        {"role": "post", "char_start": start, "char_end": start + len(words), "key": f"p{n}"}
        for n, (words, start) in enumerate(at.items())
    ]
    entries[2]["char_end"] += 1
    entries.append({"role": "footnote_marker", "char_start": at["No."] + 3, "char_end": at["No."] + 4, "footnote": "2"})
    spans.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    source = added(workspace, report, spans)
    made = recipe_make.make(source)
    assert [s.key for s in made.short if s.key] == ["p0", "p2"]
    other = text.replace("—", "--").replace("–", "-").replace("#Lit!", "#Lit ! ")
    found = find(made, other)
    assert found.missing == []
    words = {s.key: other[s.char_start : s.char_end] for s in found.segments if s.key}
    assert words["p1"] == post.replace("—", "--").replace("–", "-")
    assert words["p0"] == "#Lit !"
    assert words["p2"] == "No.2"
    assert [s.footnote for s in found.segments if s.role == MARK] == ["2"]
    for altered in ("#Lift!", "#Lit! More", "More #Lit!"):
        assert [m.key for m in find(made, text.replace("#Lit!", altered)).missing] == ["p0"]


def test_hydrating_again_changes_nothing(
    lantern: Source, lantern_recipe: Path, workspace: Workspace, tmp_path: Path
) -> None:
    copied = tmp_path / "copy.txt"
    copied.write_text(wrapped(lantern), "utf-8")
    first = hydrate(workspace, lantern_recipe, copied)
    before = first.source.segments_path.read_bytes()
    assert hydrate(workspace, lantern_recipe, copied).found.segments == first.found.segments
    assert first.source.segments_path.read_bytes() == before
    with pytest.raises(ConflictError, match="is this report already: each of its posts would be there twice"):
        hydrate(workspace, lantern_recipe, REPORT, source_id="twin")
    first.source.segments_path.write_bytes(before[: before.index(b"\n") + 1])
    with pytest.raises(ConflictError, match="has other spans already"):
        hydrate(workspace, lantern_recipe, copied)


def test_metadata_come_along(lantern: Source, lantern_recipe: Path, workspace: Workspace) -> None:
    made = hydrate(workspace, lantern_recipe, REPORT, source_id="mine")
    same = {"id", "file"}
    assert made.source.meta.model_dump(exclude=same) == lantern.meta.model_dump(exclude=same)
    assert made.source.id == "mine"


# Properties


@settings(deadline=None, max_examples=60)
@given(
    shown=st.sampled_from(sorted(SHOWN)),
    quotes=st.sampled_from([str, curly, lambda text: text.translate(PLAIN)]),
    form=st.sampled_from(["NFC", "NFD", "NFKC"]),
    tied=st.booleans(),
    blanks=st.lists(st.sampled_from([" ", "  ", "\u00a0", " \u200b", "\u2009", " \u00ad"]), min_size=1, max_size=5),
    layout=st.sampled_from(["lines", "wrapped", "narrow", "joined"]),
)
def test_a_copy_typeset_otherwise_gives_every_span(
    lantern: Source,
    shown: str,
    quotes: Callable[[str], str],
    form: Any,
    tied: bool,
    blanks: list[str],
    layout: str,
) -> None:
    def typeset(text: str) -> str:
        text = unicodedata.normalize(form, quotes(text))
        pieces = (ligatures(text) if tied else text).split(" ")
        return "".join(word + blanks[n % len(blanks)] for n, word in enumerate(pieces[:-1])) + pieces[-1]

    lines = marked(lantern, SHOWN[shown], typeset)
    if layout in ("wrapped", "narrow"):
        lines = [textwrap.fill(line, 80 if layout == "wrapped" else 24, break_long_words=False) for line in lines]
    text = (" " if layout == "joined" else "\n\n").join(lines) + "\n"
    found = find(recipe_make.make(lantern), text)
    assert found.missing == []
    assert texts(found.segments, text) == texts(spans_of(lantern), lantern.text)
    children = {"hashtag", "insertion", "gloss", "narrative_name", "title", "series"}
    for role in children:
        want = [normal(lantern.text[s.char_start : s.char_end]) for s in spans_of(lantern) if s.role == role]
        assert [normal(text[s.char_start : s.char_end]) for s in found.segments if s.role == role] == want


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_the_normal_form_is_one(text: str) -> None:
    folded = fold(text)
    assert len(folded.origin) == len(folded.text)
    assert list(folded.origin) == sorted(folded.origin)
    assert normal(folded.text) == folded.text
    for form in ("NFC", "NFD"):
        assert normal(unicodedata.normalize(form, text)) == folded.text
    assert normal(text.replace(" ", "\n")) == normal(text.replace(" ", "")) == folded.text
    assert all(text[at] for at in folded.origin)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_one_changed_letter_is_found(lantern: Source, data: st.DataObject) -> None:
    posts = [s for s in spans_of(lantern) if s.role == "post"]
    post = data.draw(st.sampled_from(posts))
    letters = [at for at in range(post.char_start, post.char_end) if lantern.text[at].isalpha()]
    at = data.draw(st.sampled_from(letters))
    other = data.draw(st.sampled_from("xXé灯"))
    if normal(lantern.text[at]) == normal(other):
        return
    altered = lantern.text[:at] + other + lantern.text[at + 1 :]
    found = find(recipe_make.make(lantern), altered)
    assert post.id in {missing.id for missing in found.missing}
    assert {m.id for m in found.missing if m.role == "post"} == {post.id}


def test_the_examples_page_gives_its_spans_from_itself(workspace: Workspace, tmp_path: Path) -> None:
    folder = EXAMPLES / "reports" / "salt-lamps"
    source = added(
        workspace, folder / "salt-lamps.html", folder / "salt-lamps.marks.jsonl", folder / "salt-lamps.source.toml"
    )
    made = tmp_path / "salt.json"
    inside("-C", workspace.root, "source", "recipe", source.id, "-o", made)
    there = space(tmp_path / "there")
    inside("-C", there.root, "source", "hydrate", made, folder / "salt-lamps.html")
    back = registry.get(there, source.id)
    assert [r for _, r in read_jsonl(back.segments_path)] == [r for _, r in read_jsonl(source.segments_path)]
    text = tmp_path / "salt.txt"
    text.write_text(source.text, "utf-8")
    assert find(recipe.read(made), source.text).missing == []


def test_of_posts_quoted_in_one_paragraph_the_altered_one_alone_is_missing(tmp_path: Path) -> None:
    """Each is known by its own words, whatever the sentences around it say."""
    report = ROOT / "tests" / "reports" / "inline-sentences.txt"
    workspace = Workspace.create(tmp_path / "own", new_settings("own", "Own"))
    source = registry.add(workspace, report)
    propose.propose(workspace, source)
    own = {span.key: span.id for span in segments.accept(workspace, source) if span.role == "post"}
    (tmp_path / "recipe.json").write_text(recipe_make.make(source).dumps(), "utf-8")
    words = report.read_text("utf-8").replace("“", '"').replace("”", '"')
    (tmp_path / "copy.txt").write_text(words.replace("life jackets", "lamps"), "utf-8")
    other = Workspace.create(tmp_path / "other", new_settings("other", "Other"))
    made = hydrate(other, tmp_path / "recipe.json", tmp_path / "copy.txt").found
    posts = {span.key: span.id for span in made.segments if span.role == "post"}
    assert posts == {key: value for key, value in own.items() if key != "post-2"} and len(posts) == 4
    assert [(missing.role, missing.key) for missing in made.missing] == [("post", "post-2")]
