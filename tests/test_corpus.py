"""The corpus: the real report, the examples, versions, damage, and near-duplicates."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import EXAMPLES
from tests.killing import calls_made
from toolkit import schema
from toolkit.corpus import fact_rows, inputs, links, near, parts, store
from toolkit.corpus import rows as rows_of
from toolkit.corpus.build import Built, build, is_current
from toolkit.corpus.grams import folded
from toolkit.corpus.steps import Version
from toolkit.demo.examples import reports
from toolkit.errors import ChecksFailed, InputError
from toolkit.fsio import sha256_file
from toolkit.ids import normalise
from toolkit.sources import registry, segments
from toolkit.sources.source import Source
from toolkit.text import analysis
from toolkit.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
Rows = list[dict[str, Any]]


def add_examples(workspace: Workspace, *names: str) -> None:
    for report in reports(EXAMPLES / "reports"):
        if not names or report.path.stem in names:
            source = registry.add(workspace, report.path, meta=report.meta, facts=report.facts)
            segments.accept(workspace, source, report.spans)


def add_text(workspace: Workspace, name: str, *posts: str, facts: str = "") -> Source:
    """Add and accept a report that holds these posts, a line each."""
    path = workspace.root / f"{name}.txt"
    path.write_text(f"Title of {name}\n" + "".join(f"{post}\n" for post in posts), encoding="utf-8")
    source = registry.add(workspace, path)
    lines = "".join(
        f'{{"role": "post", "char_start": {b["char_start"]}, "char_end": {b["char_end"]}, "key": "post-{n}"}}\n'
        for n, b in enumerate(source.blocks)
        if n
    )
    source.segments_path.write_text(lines)
    if facts:
        (source.folder / "facts.toml").write_text(facts)
    return source


def rows(built: Built, name: str) -> Rows:
    found: Rows = built.version.table(name).to_pylist()
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def tree(folder: Path) -> dict[str, str]:
    """Return what a folder holds: paths → hash of the bytes, or where a link leads."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def examples(workspace: Workspace) -> Workspace:
    add_examples(workspace)
    return workspace


# The real report


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, str]:
    """The version built from the real report, its curated spans simply copied in, and its text."""
    from toolkit.workspace import new_settings

    workspace = Workspace.create(tmp_path_factory.mktemp("real") / "workspace", new_settings("real"))
    source = registry.add(workspace, shared / "sources" / "cotton-the-act.txt")
    shutil.copy(shared / "gold" / "cotton-the-act.segments.jsonl", source.segments_path)
    assert '"id"' not in source.segments_path.read_text(encoding="utf-8")
    built = build(workspace)
    assert all(span.id for span in segments.load(source.segments_path, source.text) if span.role in segments.MINTED)
    return built, source.text


def test_the_real_reports_counts(real: tuple[Built, str]) -> None:
    built, _ = real
    counts = {name: entry["rows"] for name, entry in built.version.manifest["tables"].items()}
    assert counts["sources"] == 1
    assert counts["posts"] == counts["text_layers"] == 8
    assert counts["photo_texts"] == 3
    assert counts["narratives"] == 4
    assert Counter(note["kind"] for note in rows(built, "notes")) == {
        "translator_note": 1,
        "insertion": 2,
        "gloss": 6,
        "asset_history": 1,
        "footnote": 2,
    }
    assert Counter(row["kind"] for row in rows(built, "references")) == {"footnote_marker": 6, "series_link": 5}
    (source,) = rows(built, "sources")
    assert (source["series_part"], source["series_total"]) == (3, 6)


def test_the_real_reports_photo_texts_and_notes(real: tuple[Built, str]) -> None:
    built, _ = real
    photos, notes = rows(built, "photo_texts"), rows(built, "notes")
    assert [photo["kind"] for photo in photos] == ["description", "translation", "translation"]
    (note,) = [note for note in notes if note["kind"] == "translator_note"]
    assert note["belongs_to"] == photos[2]["photo_id"]
    assert not any(photo["text"].startswith("[") for photo in photos)
    assert [note["text"] for note in notes if note["kind"] == "insertion"] == ["sanctioned", "2020"]
    posts = {post["post_id"]: post for post in rows(built, "posts")}
    assert [i["text"] for post in posts.values() for i in post["insertions"]] == ["sanctioned", "2020"]
    for post in posts.values():
        for insertion in post["insertions"]:
            assert post["text"][insertion["start"] : insertion["end"]] == f"[{insertion['text']}]"
    assert {photo["post_id"] for photo in photos} <= posts.keys()


def test_the_real_reports_footnotes(real: tuple[Built, str]) -> None:
    built, _ = real
    notes = {note["note_id"]: note for note in rows(built, "notes")}
    markers = [row for row in rows(built, "references") if row["kind"] == "footnote_marker"]
    assert [marker["label"] for marker in markers] == ["1", "2", "3", "4", "5", "6"]
    assert [marker["label"] for marker in markers if marker["note_id"] is None] == ["1", "2", "4", "6"]
    assert {m["label"]: notes[m["note_id"]]["kind"] for m in markers if m["note_id"]} == {
        "3": "footnote",
        "5": "footnote",
    }
    assert [row["part"] for row in rows(built, "references") if row["kind"] == "series_link"] == [1, 2, 4, 5, 6]


def test_the_real_reports_texts(real: tuple[Built, str]) -> None:
    built, _ = real
    texts = [post["text"] for post in rows(built, "posts")]
    assert any(text.endswith("supply chains.") for text in texts)
    assert any("plot to curb, divide" in text for text in texts)
    everything = texts + [row["text"] for row in rows(built, "photo_texts")]
    assert not any("[photo text]" in text.casefold() for text in everything)
    assert not any(char.isdigit() for text in texts for char in text[-1:])
    assert {post["text_lang"] for post in rows(built, "posts")} == {"en"}
    # Nobody says whether the report translates: it is not guessed.
    assert {post["is_translation"] for post in rows(built, "posts")} == {None}
    assert {row["layer"] for row in rows(built, "text_layers")} == {"documented"}


def test_every_character_of_the_real_reports_texts_maps_back(real: tuple[Built, str]) -> None:
    built, text = real
    for name in ("posts", "photo_texts", "text_layers"):
        for row in rows(built, name):
            pieces = row["fragments"]
            assert "".join(text[p["source_start"] : p["source_end"]] for p in pieces) == row["text"]
            assert [row["text"][p["start"] : p["end"]] for p in pieces] == [
                text[p["source_start"] : p["source_end"]] for p in pieces
            ]
            assert [p["start"] for p in pieces] == [0, *(p["end"] for p in pieces[:-1])]
            assert pieces[-1]["end"] == len(row["text"])


# The examples


def test_the_examples_counts(examples: Workspace) -> None:
    built = build(examples)
    assert built.new
    assert str(built.version.version) == "0.1.0"
    counts = {name: entry["rows"] for name, entry in built.version.manifest["tables"].items()}
    assert counts == {
        "sources": 2, "segments": 127, "posts": 20, "text_layers": 26, "photo_texts": 10, "notes": 21, "quotations": 4,
        "narratives": 7, "accounts": 2, "account_events": 7, "references": 21, "media": 5, "post_links": 3,
        "clusters": 4,
    }  # fmt: skip
    assert {name: len(rows(built, name)) for name in counts} == counts
    places = [(row["source_id"], row["place"]) for row in rows(built, "posts")]
    assert places == sorted(places)


def test_the_examples_near_duplicates_are_the_two_pairs(examples: Workspace) -> None:
    built = build(examples)
    ids = {
        (source.id, span.key): span.id
        for source in registry.sources(examples)
        for span in segments.load(source.segments_path, source.text)
    }
    found = [(row["post_id"], row["other_id"], row["kind"]) for row in rows(built, "post_links")]
    assert found == [
        (ids["lantern-quay-3", "post-8"], ids["lantern-quay-3", "post-9"], "near_duplicate"),
        (ids["salt-lamps", "post-2"], ids["salt-lamps", "post-3"], "near_duplicate"),
        # The report translates both, nearly alike too.
        (ids["salt-lamps", "post-2"], ids["salt-lamps", "post-3"], "translation"),
    ]
    assert all(row["cluster_id"] == row["post_id"] for row in rows(built, "post_links"))


def test_the_examples_languages_layers_and_images(examples: Workspace) -> None:
    built = build(examples)
    posts = rows(built, "posts")
    assert Counter((row["text_lang"], row["script"]) for row in posts) == {
        ("en", "Latn"): 14,
        ("zh", "Hans"): 4,
        ("zh", "Hant"): 2,
    }
    assert Counter(row["layer"] for row in rows(built, "text_layers")) == {"translation": 17, "original": 9}
    assert Counter(row["image"] for row in rows(built, "photo_texts")) == {"held": 5, "lost": 5}
    simplified = [row["text_simplified"] for row in posts if row["script"] == "Hant"]
    assert simplified[0].startswith("联邦说我们的盐灯")
    tags = [tag for row in posts for tag in row["hashtags"]]
    assert tags.count("萨恩港") == 1
    texts = {source.id: source.text for source in registry.sources(examples)}
    for name in ("posts", "photo_texts", "text_layers"):
        for row in rows(built, name):
            source = texts[row["source_id"]]
            assert "".join(source[p["source_start"] : p["source_end"]] for p in row["fragments"]) == row["text"]


def test_a_plain_parquet_reader_reads_a_version(examples: Workspace) -> None:
    built = build(examples)
    read = pq.ParquetDataset(built.version.folder / "posts").read()
    assert read["post_id"].to_pylist() == built.version.table("posts")["post_id"].to_pylist()


def test_rebuilding_elsewhere_gives_the_same_bytes(examples: Workspace, tmp_path: Path) -> None:
    build(examples)
    other = tmp_path / "elsewhere" / "ws"
    other.mkdir(parents=True)
    for name in ("docposts.toml", "ledger.jsonl", "sources"):
        (shutil.copytree if name == "sources" else shutil.copy)(examples.root / name, other / name)
    code = "import sys; from toolkit.corpus.build import build; from toolkit.workspace import Workspace; from pathlib import Path; build(Workspace.open(Path(sys.argv[1])))"  # noqa: E501
    environment = os.environ | {"PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo", "LC_ALL": "C", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(other)], cwd=ROOT, env=environment, check=True)
    assert tree(other / "corpus") == tree(examples.corpus_dir)
    assert (other / "ledger.jsonl").read_bytes() == (examples.root / "ledger.jsonl").read_bytes()


# Versions


def test_the_same_input_makes_no_new_version(examples: Workspace) -> None:
    first = build(examples)
    before = tree(examples.root)
    again = build(examples)
    assert not again.new
    assert again.version.version == first.version.version
    assert tree(examples.root) == before


def test_a_comment_in_the_metadata_makes_no_new_version(examples: Workspace) -> None:
    build(examples)
    with (examples.sources_dir / "salt-lamps" / "source.toml").open("a") as file:
        file.write("\n# a note to myself\n")
    again = build(examples)
    assert not again.new
    assert [str(version.version) for version in store.versions(examples)] == ["0.1.0"]


def test_a_comment_in_the_metadata_leaves_the_version_current(examples: Workspace) -> None:
    first = build(examples)
    path = examples.sources_dir / "salt-lamps" / "source.toml"
    edit(path, "id = ", "# a curator's remark\nid = ")
    assert not is_current(examples, first.version)
    assert not build(examples).new
    assert is_current(examples, first.version)


def test_a_clone_without_derived_files_makes_the_version_that_the_ledger_names(examples: Workspace) -> None:
    build(examples)
    edit(
        examples.sources_dir / "salt-lamps" / "source.toml",
        "title = ",
        'archive_url = "https://archive.example/1"\ntitle = ',
    )
    build(examples)
    before = tree(examples.corpus_dir / "0.2.0")
    shutil.rmtree(examples.corpus_dir)
    assert build(examples).version.manifest["version"] == "0.2.0"
    assert tree(examples.corpus_dir / "0.2.0") == before
    shutil.rmtree(examples.corpus_dir)
    edit(examples.sources_dir / "salt-lamps" / "source.toml", "archive.example/1", "archive.example/2")
    manifest = build(examples).version.manifest
    assert (manifest["version"], manifest["previous"], manifest["step"]) == ("0.3.0", "0.2.0", "major")


def test_a_version_with_other_columns_is_compared_not_refused(
    examples: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = schema.table("media")
    fewer = dataclasses.replace(whole, columns=tuple(c for c in whole.columns if c.name != "bytes"))
    declared = schema.table

    def earlier(name: str) -> schema.Table:
        return fewer if name == "media" else declared(name)

    made = fact_rows.media_rows
    with monkeypatch.context() as patch:
        for module in (rows_of, store, parts):
            patch.setattr(module, "table", earlier)
        patch.setattr(
            rows_of, "media_rows", lambda read: [{k: v for k, v in r.items() if k != "bytes"} for r in made(read)]
        )
        assert build(examples).version.table("media").column_names == fewer.arrow.names
    monkeypatch.setattr(inputs, "ROWS_VERSION", inputs.ROWS_VERSION + 1)
    with pytest.raises(InputError, match="columns are not those"):
        store.open_version(examples).table("media")
    built = build(examples)
    assert (built.version.manifest["version"], built.version.manifest["step"]) == ("0.1.1", "minor")


def test_an_edited_title_is_a_major_change_one_place_down(examples: Workspace) -> None:
    build(examples)
    edit(examples.sources_dir / "salt-lamps" / "source.toml", "Nine Posts", "9 Posts")
    built = build(examples)
    assert built.new
    assert str(built.version.version) == "0.2.0"
    assert built.version.manifest["step"] == "major"
    assert built.version.manifest["previous"] == "0.1.0"
    assert {name: dict(c.changed) for name, c in built.changes.items() if c.step} == {"sources": {"title": 1}}


def test_an_added_source_is_a_minor_change_one_place_down(workspace: Workspace) -> None:
    add_examples(workspace, "lantern-quay-3")
    first = build(workspace)
    add_examples(workspace, "salt-lamps")
    built = build(workspace)
    assert str(built.version.version) == "0.1.1"
    assert built.version.manifest["step"] == "minor"
    assert built.changes["posts"][:3] == (9, 0, {})
    for name, entry in first.version.manifest["tables"].items():
        if name not in links.TABLES:
            assert built.version.manifest["tables"][name]["parts"][: len(entry["parts"])] == entry["parts"]
    assert [row["source_id"] for row in rows(built, "sources")] == ["lantern-quay-3", "salt-lamps"]
    assert [str(version.version) for version in store.versions(workspace)] == ["0.1.0", "0.1.1"]
    assert store.open_version(workspace, "0.1.0").table("posts").num_rows == 11
    assert [r["version"] for r in workspace.ledger.records("corpus")] == ["0.1.0", "0.1.1"]


def test_a_removed_span_is_a_major_change(examples: Workspace) -> None:
    build(examples)
    path = examples.sources_dir / "lantern-quay-3" / "segments.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"post-10"' not in line), encoding="utf-8")
    built = build(examples)
    assert str(built.version.version) == "0.2.0"
    assert built.changes["posts"][:2] == (0, 1)


def test_another_derived_value_is_a_patch(examples: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    build(examples)
    monkeypatch.setattr(analysis, "VERSION", analysis.VERSION + 1)
    said = pa.list_(pa.string())
    monkeypatch.setattr(
        analysis, "_flags", lambda texts, _: pa.array([["control"] * text.startswith("Boat") for text in texts], said)
    )
    built = build(examples)
    assert str(built.version.version) == "0.1.1"
    assert built.version.manifest["step"] == "patch"
    assert {name: dict(c.changed) for name, c in built.changes.items() if c.step} == {"posts": {"flags": 1}}


def test_another_algorithm_with_the_same_answers_makes_no_version(
    examples: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(examples)
    monkeypatch.setattr(analysis, "VERSION", analysis.VERSION + 1)
    assert not build(examples).new


@pytest.mark.parametrize(
    ("version", "step", "after"),
    [
        ("0.1.0", "major", "0.2.0"),
        ("0.1.3", "minor", "0.1.4"),
        ("0.1.3", "patch", "0.1.4"),
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
    ],
)
def test_steps(version: str, step: Any, after: str) -> None:
    assert str(Version.parse(version).after(step)) == after


def test_versions_are_ordered_by_number(examples: Workspace) -> None:
    built = build(examples)
    for number in ("0.10.0", "0.9.0"):
        store.publish(examples.corpus_dir / number, {**built.version.manifest, "version": number})
    assert [str(v.version) for v in store.versions(examples)] == ["0.1.0", "0.9.0", "0.10.0"]
    assert str(store.open_version(examples).version) == "0.10.0"


# What is left out, and what is refused


def test_unaccepted_sources_are_listed_and_keep_their_place(workspace: Workspace) -> None:
    waiting = add_text(workspace, "waiting", "Lamps burn on the wall.")
    spans = waiting.segments_path.read_bytes()
    waiting.segments_path.unlink()
    add_text(workspace, "ready", "Kites fly over the quay.")
    built = build(workspace)
    assert built.skipped == {"no accepted spans": ["waiting"]} == built.version.manifest["skipped"]
    assert [(row["source_id"], row["sequence"]) for row in rows(built, "sources")] == [("ready", 2)]
    waiting.segments_path.write_bytes(spans)
    again = build(workspace)
    assert again.skipped == {}
    assert again.version.manifest["step"] == "minor"
    assert [(row["source_id"], row["sequence"]) for row in rows(again, "sources")] == [("waiting", 1), ("ready", 2)]


def test_nothing_accepted_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="no source has accepted spans") as caught:
        build(workspace)
    assert caught.value.hint == "docposts source accept ID"
    with pytest.raises(InputError, match="there is no corpus version yet"):
        store.open_version(workspace)


def test_a_version_that_is_not_there_names_those_that_are(examples: Workspace) -> None:
    build(examples)
    with pytest.raises(InputError, match=r"no corpus version 3\.0\.0 \(there: 0\.1\.0\)"):
        store.open_version(examples, "3.0.0")


def test_a_changed_text_is_refused_and_the_last_version_stays(examples: Workspace) -> None:
    build(examples)
    edit(examples.sources_dir / "lantern-quay-3" / "text.txt", "kites", "Kites")
    with pytest.raises(InputError, match=r"text\.txt was changed after it was frozen"):
        build(examples)
    assert store.open_version(examples).table("posts").num_rows == 20


def test_a_changed_image_is_refused(examples: Workspace) -> None:
    (image, *_) = sorted((examples.sources_dir / "salt-lamps" / "media").iterdir())
    image.write_bytes(image.read_bytes() + b" ")
    with pytest.raises(InputError, match="is not the image that was added"):
        build(examples)
    assert store.versions(examples) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ('[[post]]\nkey = "post-9"\n', "'post-9' is the key of no post"),
        ('[[post]]\nkey = "post-1"\naccount = "lamp"\n', "post post-1: no account 'lamp' is declared"),
        ('[[quotation]]\nkey = "title"\nspeaker = "x"\n', "'title' is the key of no post or photo_text"),
        ('[[same_as]]\nposts = ["post-1", "post-9"]\n', "same_as: 'post-9' is no post's key or id"),
        ('[[same_as]]\nposts = ["post-1"]\n', "same_as.0.posts"),
        ('[[post]]\nkey = "post-1"\nposted_at = "May 2032"\n', "post.0.posted_at"),
        ('colour = "red"\n', "colour: unknown key"),
        ('[[reference]]\ntitle = "A title"\nfootnote = "9"\n', "reference 'A title': there is no footnote '9'"),
    ],
)
def test_facts_that_lead_nowhere_name_file_and_key(workspace: Workspace, facts: str, message: str) -> None:
    add_text(workspace, "report", "Lamps burn on the wall.", facts=facts)
    with pytest.raises(InputError) as caught:
        build(workspace)
    assert "facts.toml: " in caught.value.message
    assert message in caught.value.message
    assert store.versions(workspace) == []


def test_references_between_tables_are_checked_before_anything_is_published(workspace: Workspace) -> None:
    source = add_text(workspace, "report", "Lamps burn on the wall.")
    span = segments.accept(workspace, source)[0]
    twin = add_text(workspace, "twin", "Lamps burn on the wall.")
    edit(twin.segments_path, '"key"', f'"id": "{span.id}", "key"')
    with pytest.raises(ChecksFailed, match=r"posts\.post_id: values are not unique") as caught:
        build(workspace)
    assert caught.value.exit_code == 3
    assert store.versions(workspace) == []


ACCOUNT = """
[[account]]
handle = "lamp"
platform = "Chirpyard"
[[account.event]]
kind = "created"
"""


def test_two_reports_may_speak_of_one_account(workspace: Workspace) -> None:
    fact = '[[post]]\nkey = "post-1"\naccount = "lamp"\n'
    add_text(workspace, "one", "Lamps burn on the wall.", facts=ACCOUNT + fact)
    add_text(workspace, "two", "Kites fly over the quay.", facts=ACCOUNT.replace('"lamp"', '"Lamp"'))
    built = build(workspace)
    accounts = rows(built, "accounts")
    assert [row["source_id"] for row in accounts] == ["one", "two"]
    assert accounts[0]["account_id"] == accounts[1]["account_id"] == rows(built, "posts")[0]["account_id"]
    assert len(rows(built, "account_events")) == 2


def test_a_handle_of_two_platforms_is_that_of_the_posts_platform(workspace: Workspace) -> None:
    both = ACCOUNT + ACCOUNT.replace("Chirpyard", "Pagebook")
    fact = '[[post]]\nkey = "post-1"\naccount = "lamp"\n'
    source = add_text(workspace, "one", "Lamps burn on the wall.", facts=both + fact)
    with pytest.raises(InputError, match="account 'lamp'"):
        build(workspace)
    (source.folder / "facts.toml").write_text(both + fact + 'platform = "Pagebook"\n')
    built = build(workspace)
    (post,) = rows(built, "posts")
    (account,) = [row for row in rows(built, "accounts") if row["platform"] == "Pagebook"]
    assert post["account_id"] == account["account_id"]


def test_curated_links_may_be_given_twice(workspace: Workspace) -> None:
    one = add_text(workspace, "one", "Lamps burn on the wall.", facts='[[same_as]]\nposts = ["post-1", "post-1"]\n')
    first = segments.accept(workspace, one)[0].id
    facts = f'[[same_as]]\nposts = ["post-1", "{first}"]\n[[same_as]]\nposts = ["{first}", "post-1"]\n'
    add_text(workspace, "two", "Kites fly over the quay.", facts=facts)
    built = build(workspace)
    assert [(row["post_id"] == first, row["kind"]) for row in rows(built, "post_links")] == [(True, "same_as")]


# Damage, and builds that are killed


def damaged_part(workspace: Workspace, name: str = "posts") -> Path:
    part = store.open_version(workspace).manifest["tables"][name]["parts"][0]
    return workspace.corpus_dir / "parts" / f"{part['sha256']}.parquet"


@pytest.mark.parametrize("damage", ["gone", "empty", "flipped"])
def test_a_damaged_part_is_named_and_repaired(examples: Workspace, damage: str) -> None:
    build(examples)
    before = tree(examples.root)
    part = damaged_part(examples)
    if damage == "gone":
        part.unlink()
    else:
        data = part.read_bytes()
        part.write_bytes(b"" if damage == "empty" else data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(InputError, match="the part is missing or damaged") as caught:
        store.open_version(examples).tables()
    assert str(part) in caught.value.message
    assert caught.value.hint == "docposts corpus build --repair writes it again"
    mended = build(examples, repair=True)
    assert not mended.new
    assert tree(examples.root) == before
    assert store.open_version(examples).table("posts").num_rows == 20


def test_repairing_what_is_whole_changes_nothing(examples: Workspace) -> None:
    build(examples)
    before = tree(examples.root)
    assert not build(examples, repair=True).new
    assert tree(examples.root) == before


def test_a_part_that_the_sources_no_longer_give_does_not_block_the_next_version(examples: Workspace) -> None:
    build(examples)
    damaged_part(examples, "sources").unlink()
    edit(examples.sources_dir / "lantern-quay-3" / "source.toml", "Praised Itself", "Praised Only Itself")
    with pytest.raises(InputError, match="missing or damaged"):
        build(examples)
    built = build(examples, repair=True)
    assert built.new
    assert str(built.version.version) == "0.2.0"
    assert rows(built, "sources")[0]["title"].startswith("The Dyke That Praised Only Itself")


def build_in(root: Path) -> None:
    build(Workspace.open(root))


def test_a_killed_build_leaves_the_last_version_and_a_rerun_ends_well(workspace: Workspace, tmp_path: Path) -> None:
    """Killed at 7 moments spread over all that is flushed to disk, from the first part to the ledger."""
    add_examples(workspace, "lantern-quay-3")
    build(workspace)
    add_examples(workspace, "salt-lamps")
    start = tmp_path / "start"
    shutil.copytree(workspace.root, start, symlinks=True)

    flushes = calls_made(("fsync",), build_in, workspace.root)
    assert flushes
    expected = tree(workspace.corpus_dir)
    moments = random.Random(3).sample(range(2, flushes - 3), 3)
    for moment in [1, *moments, flushes - 2, flushes - 1, flushes]:
        root = tmp_path / f"killed-{moment}"
        shutil.copytree(start, root, symlinks=True)
        assert calls_made(("fsync",), build_in, root, kill=moment) is None, moment
        killed = Workspace.open(root)
        found = store.versions(killed)
        assert [str(v.version) for v in found] in (["0.1.0"], ["0.1.0", "0.1.1"])
        assert found[0].table("posts").num_rows == 11
        assert {name: table.num_rows for name, table in found[-1].tables().items()} == {
            name: entry["rows"] for name, entry in found[-1].manifest["tables"].items()
        }
        built = build(killed)
        assert str(built.version.version) == "0.1.1"
        left = {path: value for path, value in tree(killed.corpus_dir).items() if not hidden(path)}
        assert left == expected, moment
        assert [r["version"] for r in killed.ledger.records("corpus")] == ["0.1.0", "0.1.1"]


def hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


# Near-duplicates

WHO = "The ferry|A fisherman|My aunt|The baker|Our teacher|The old captain|A visitor|The lamp maker|The choir|A student"
DID = (
    "mended a net|painted a door|sold warm bread|told a long story|carried salt|counted the gulls|sang twice|read aloud"
)
WHERE = "by the quay|behind the school|on the north wall|under the bell tower|near pier nine|in the market hall"
WHEN = "before sunrise|late on Sunday|after the storm|during the fair|when the tide was low|all through the winter"


def neutral_texts(count: int) -> dict[str, str]:
    """Return invented sentences in groups: some alone, some with a word or two exchanged, added or left out."""
    rng = random.Random(11)
    who, did, where, when = (part.split("|") for part in (WHO, DID, WHERE, WHEN))
    texts: list[str] = []
    while len(texts) < count:
        sentences = [
            f"{rng.choice(who)} {rng.choice(did)} {rng.choice(where)} {rng.choice(when)}."
            for _ in range(rng.randint(2, 5))
        ]
        text = " ".join(sentences)
        texts.append(text)
        for _ in range(rng.choice([0, 0, 1, 2])):
            words = text.split()
            for _ in range(rng.randint(1, 4)):
                words[rng.randrange(len(words))] = rng.choice(["quietly", "kite", "soup", "again", "seven", ""])
            texts.append(" ".join(word for word in words if word))
    unique = list(dict.fromkeys(texts))[:count]
    return {f"t{number}": text for number, text in enumerate(unique)}


def four_grams(text: str) -> set[str]:
    folded = normalise(text).casefold()
    return {folded[i : i + 4] for i in range(max(1, len(folded) - 3))}


def test_near_duplicates_against_brute_force() -> None:
    texts = neutral_texts(300)
    assert len(texts) == 300
    sets = {key: four_grams(text) for key, text in texts.items()}
    overlap = {(a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in combinations(texts, 2)}
    found = near_pairs(texts)
    for pair, score in found.items():
        assert overlap[pair] >= near.THRESHOLD
        assert score == round(overlap[pair], 4)
    close = {pair for pair, score in overlap.items() if score >= 0.7}
    assert len(close) >= 50
    assert len(close & found.keys()) / len(close) >= 0.99
    assert near_pairs(texts) == found


def near_pairs(texts: dict[str, str]) -> dict[tuple[str, str], float]:
    keys = list(texts)
    return {(keys[p.one], keys[p.other]): p.share for p in near.near_pairs([folded(t) for t in texts.values()])}


def test_near_duplicates_do_not_depend_on_the_order_of_the_texts() -> None:
    texts = neutral_texts(120)
    shuffled = dict(random.Random(5).sample(list(texts.items()), len(texts)))
    assert {frozenset(pair) for pair in near_pairs(texts)} == {frozenset(pair) for pair in near_pairs(shuffled)}


def posts_table(*texts: str) -> pa.Table:
    from toolkit.corpus.rows import with_derived

    return with_derived("posts", [{"post_id": post_id(n), "text": text} for n, text in enumerate(texts)])


def post_id(number: int) -> str:
    return f"post_{number:032x}"


def test_exact_copies_are_one_cluster_with_what_is_near_them() -> None:
    lamp = "The lamp burns on the wall by the sea every evening, and nobody blows it out."
    found = links.post_links(posts_table(lamp, "Boats leave at six.", f" {lamp}\n", lamp.replace("every", "each")))
    assert [tuple(row.values())[:3] for row in found.to_pylist()] == [
        (post_id(0), post_id(2), "exact"),
        (post_id(0), post_id(3), "near_duplicate"),
    ]
    assert {*found["cluster_id"].to_pylist()} == {post_id(0)}
    assert found["similarity"].to_pylist()[0] == 1.0


def test_texts_shorter_than_a_gram() -> None:
    assert links.post_links(posts_table("ok", "no", "", "盐灯")).num_rows == 0
    assert [row["kind"] for row in links.post_links(posts_table("OK", "ok")).to_pylist()] == ["near_duplicate"]
    assert [row["kind"] for row in links.post_links(posts_table("ok", "ok")).to_pylist()] == ["exact"]


def test_components_are_named_by_their_first_member() -> None:
    assert links.components(["a", "b", "c", "d"], [("d", "b"), ("c", "d")]) == {"a": "a", "b": "b", "c": "b", "d": "b"}
    assert links.components([], []) == {}
