"""Rows of restricted reports leave without words, and get them back from a user's own copy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from tests.command import inside
from tests.releases import by_people, failing, photograph, publish, with_image, workspace_of
from tests.releases import cut_folder as cut
from tests.test_readers import PROSE, figure, page
from tests.test_release_rows import P1, PHOTO, Row, World, fragment, some_id, world
from toolkit.errors import ConflictError, InputError
from toolkit.fsio import read_text, sha256_bytes, sha256_text
from toolkit.ids import mint, normalise
from toolkit.parquet import row_digest
from toolkit.release.folder import Folder
from toolkit.release.gate_people import rights
from toolkit.release.hydrate import hydrate
from toolkit.release.images import NOT_ALLOWED, cleaned, image_of
from toolkit.release.verify import verify

CLOSED = "kites"


IMAGES = [photograph(), photograph(format="PNG"), photograph(quality=40), photograph(format="GIF")]
PHOTOS = [some_id("photo", f"closed {number}") for number in range(len(IMAGES))]


def closed_world(folder: Path) -> World:
    """The world with a closed report, which has four images of its own: the last is none that could be released."""
    of = by_people(world())
    next(row for row in of.tables["sources"] if row["source_id"] == CLOSED)["rights"] = "restricted"
    folder.mkdir(exist_ok=True)
    for place, (name, data) in enumerate(zip(PHOTOS, IMAGES, strict=True), start=1):
        text = f"On board number {place} a heron reads the tide tables aloud to nobody in particular."
        own = {"photo_id": name, "source_id": CLOSED, "post_id": P1, "text": text, "fragments": fragment(text)}
        own["exact_hash"] = sha256_text(normalise(text))
        of.tables["photo_texts"].append(of.tables["photo_texts"][0] | own)
        with_image(of, folder, data, place)
    return with_image(of, folder, photograph(quality=60))


def words(of: World) -> list[str]:
    """Every text of the closed report, and each of its words' runs of five."""
    rows = [*of.tables["posts"], *of.tables["text_layers"], *of.tables["photo_texts"], *of.tables["narratives"]]
    return [row["text"] for row in rows if row["source_id"] == CLOSED]


def everything(folder: Folder) -> str:
    """All that a reader of the release finds, Parquet as JSON."""
    tables = json.dumps([rows.to_pylist() for rows in folder.tables().values()], ensure_ascii=False, default=str)
    texts = [read_text(p) for p in sorted(folder.path.rglob("*")) if p.is_file() and p.suffix != ".parquet"]
    return "\n".join([tables, *texts])


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Folder]:
    folder = tmp_path_factory.mktemp("dry")
    of = closed_world(folder / "images")
    return of, cut(workspace_of(folder / "w"), of, "0.1.0")


def test_no_words_of_a_restricted_report_leave(released: tuple[World, Folder]) -> None:
    of, folder = released
    said = everything(folder)
    assert len(words(of)) >= 3
    for text in words(of):
        assert text not in said
        parts = text.split()
        for at in range(len(parts) - 4):
            assert " ".join(parts[at : at + 5]) not in said
    rows = {row["post_id"]: row for row in folder.rows("posts").to_pylist()}
    for row in of.tables["posts"]:
        own = rows[row["post_id"]]
        assert own["dehydrated"] == (row["source_id"] == CLOSED) == (own["text"] is None)
        assert own["exact_hash"] == sha256_text(normalise(row["text"])) or row["source_id"] != CLOSED
    # Labels stay, and so does where each judgement's evidence lies.
    labelled = [row for row in rows.values() if row["dehydrated"] and row["judgements"]]
    assert labelled and any(row["narrative"] for row in labelled)
    # Of images their hashes stay, where they could be told by them; that of the open report is there.
    shown = {row["photo_id"]: row for row in folder.rows("photo_texts").to_pylist()}
    clean = [sha256_bytes(cleaned(data)) for data in IMAGES[:3]]
    assert [shown[name]["image_hash"] for name in PHOTOS] == [*clean, None]
    assert [name for name, row in shown.items() if row["image"]] == [PHOTO]
    assert shown[PHOTO]["image"]["bytes"] == cleaned(photograph(quality=60))
    pictures = [cleaned(data)[-150:] for data in IMAGES[:3]]
    assert not any(data in path.read_bytes() for data in pictures for path in folder.path.rglob("*.parquet"))
    manifest = folder.manifest
    assert manifest["dropped"][NOT_ALLOWED] == 4
    assert (manifest["dehydrated"], manifest["restricted"], manifest["publishable"]) == ([CLOSED], False, True)
    assert failing(verify(folder.path)) == {}


def test_the_words_come_back_from_a_copy(released: tuple[World, Folder], tmp_path: Path) -> None:
    of, folder = released
    workspace = workspace_of(tmp_path / "own")
    publish(workspace, of, "0.1.0")
    # Two images are in a page of the user's own, one of them with metadata of a camera; one is in a folder, with other files.
    (tmp_path / "scan 1.jpg").write_bytes(photograph(comment=b"Orle quay", exif=Image.Exif()))
    (tmp_path / "scan 2.png").write_bytes(IMAGES[1])
    body = PROSE * 3 + figure("scan 1.jpg") + figure("scan%202.png") + PROSE
    (tmp_path / "kites.html").write_bytes(page(f"<h1>Kites</h1>{body}"))
    inside("-C", workspace.root, "source", "add", tmp_path / "kites.html")
    (tmp_path / "scans" / "deep").mkdir(parents=True)
    (tmp_path / "scans" / "deep" / "x").write_bytes(IMAGES[2])
    (tmp_path / "scans" / "notes.txt").write_text("of no interest")
    scans = ("--images", tmp_path / "scans")
    words_of = ("-C", workspace.root, "release", "hydrate", folder.path, tmp_path / "wet", *scans)
    out = inside(*words_of, "--json")
    wet = Folder(tmp_path / "wet")
    dry_rows = sum(
        rows["dehydrated"].to_pylist().count(True) for rows in (folder.rows("posts"), folder.rows("photo_texts"))
    )
    told = {"folder": str(tmp_path / "wet"), "filled": dry_rows, "missing": {}}
    told |= {"narratives": 1, "narratives_missing": {}, "accounts": 1}
    assert json.loads(out.stdout) == told | {"images": 3, "images_missing": {}}
    # So does what the report says of the narrative, and the names that it gives a public account: those as they stand there.
    (dry,), (own,) = (rows.to_pylist() for rows in (folder.rows("narratives"), wet.rows("narratives")))
    assert (dry["name"], dry["text"]) == (None, None)
    assert own == dry | {"name": "Sunsets", "text": "Prose."}
    known = {row["account"]: row["names"] for row in wet.rows("accounts").to_pylist()}
    assert known["LampDaily"] == ["The Lamp Daily", "Lamp of @gull_of_sarn"]
    assert [names for name, names in known.items() if name != "LampDaily"] == [[]]
    assert not any(row["names"] for row in folder.rows("accounts").to_pylist())
    back = {row["photo_id"]: row["image"] for row in wet.rows("photo_texts").to_pylist()}
    assert [back[name] for name in PHOTOS] == [*(image_of(cleaned(data)) for data in IMAGES[:3]), None]
    assert back[PHOTO] == image_of(cleaned(photograph(quality=60)))
    # One is left behind: it could not be released.
    assert wet.manifest["dropped"][NOT_ALLOWED] == 1
    assert "3 of them are of other reports" in read_text(wet.path / "README.md")
    texts = {row["post_id"]: row["text"] for row in of.tables["posts"] if row["source_id"] == CLOSED}
    found = {row["post_id"]: row["text"] for row in wet.rows("posts").to_pylist() if row["post_id"] in texts}
    assert found == texts
    for config in ("judgements", "sources"):
        assert row_digest(wet.rows(config)) == row_digest(folder.rows(config))
    shown = {(row["post_id"], row["layer"]): row["text"] for row in of.tables["text_layers"]}
    marked = {row["judgement_id"]: row for row in of.judgements}
    for row in wet.rows("judgements").to_pylist():
        if row["item_id"] in texts:
            text = shown[row["item_id"], row["text_layer"]]
            was = marked[row["judgement_id"]]["evidence"]
            assert [text[s["start"] : s["end"]] for s in row["evidence"]] == [text[s["start"] : s["end"]] for s in was]
    assert failing(verify(wet.path)) == {}
    assert (wet.manifest["publishable"], wet.manifest["hydrated"]) == (False, True)
    assert "FOR PRIVATE USE ONLY" in read_text(wet.path / "README.md")
    assert wet.manifest["digest"] != folder.manifest["digest"], "a cache must not take one for the other"


def test_a_text_that_differs_is_named(released: tuple[World, Folder], tmp_path: Path) -> None:
    _, folder = released
    mine = closed_world(tmp_path / "images")
    ours = [row for row in mine.tables["posts"] if row["source_id"] == CLOSED]
    ours[0] |= {"text": ours[0]["text"] + "!", "exact_hash": sha256_text(normalise(ours[0]["text"] + "!"))}
    workspace = workspace_of(tmp_path / "own")
    publish(workspace, mine, "0.1.0")
    words_of: tuple[Any, ...] = ("-C", workspace.root, "release", "hydrate", folder.path)
    out = inside(*words_of, tmp_path / "a", code=3)
    assert f"{ours[0]['post_id']}: another text" in out.stderr
    inside(*words_of, tmp_path / "b", "--partial")
    left = [row["post_id"] for row in Folder(tmp_path / "b").rows("posts").to_pylist() if row["dehydrated"]]
    assert left == [ours[0]["post_id"]]
    assert failing(verify(tmp_path / "b", load=False)) == {}
    out = inside(*words_of, tmp_path / "b", code=1)
    assert "is there already" in out.stderr
    # The words of one row are not there, its image is; and of the images one is another, and of one there is no copy.
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "one.jpg").write_bytes(IMAGES[0])
    (scans / "two.png").write_bytes(photograph(format="PNG", pnginfo=PngImagePlugin.PngInfo())[:-1] + b"!")
    mine.tables["photo_texts"][3]["media"] = None
    mine.tables["photo_texts"][1]["text"] += "!"
    publish(workspace, mine, "0.2.0")
    out = inside(*words_of, tmp_path / "c", "--images", scans, code=3)
    for said in (
        f"{PHOTOS[1]}: another image",
        f"{PHOTOS[2]}: no copy of it",
        "2 rows stay without text, 1 images are others",
    ):
        assert said in out.stderr
    wet = Folder(tmp_path / "c")
    shown = {row["photo_id"]: row for row in wet.rows("photo_texts").to_pylist()}
    assert [shown[name]["image"] for name in PHOTOS] == [image_of(cleaned(IMAGES[0])), None, None, None]
    assert [shown[name]["dehydrated"] for name in PHOTOS] == [True, False, False, False]
    assert failing(verify(wet.path, load=False)) == {} and wet.manifest["dropped"][NOT_ALLOWED] == 3


def test_nothing_to_hydrate_and_nothing_to_hydrate_from(released: tuple[World, Folder], tmp_path: Path) -> None:
    of, folder = released
    empty = {name: rows.slice(0, 0) for name, rows in of.corpus().items()}
    with pytest.raises(InputError, match="none of the"):
        hydrate(folder, empty, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    whole = cut(workspace_of(tmp_path / "w"), world(), "0.1.0")
    with pytest.raises(InputError, match="nothing to hydrate"):
        hydrate(whole, of.corpus(), tmp_path / "none")
    with pytest.raises(ConflictError):
        hydrate(folder, of.corpus(), tmp_path)


def narrative_of(of: World, **changed: Any) -> None:
    """Give the closed report another text, and its narrative other words, perhaps under the id that is made of them."""
    next(row for row in of.tables["sources"] if row["source_id"] == CLOSED)["text_sha256"] = "7" * 64
    of.tables["narratives"][0] |= changed


def test_a_narrative_is_told_by_its_id_or_by_its_report(released: tuple[World, Folder], tmp_path: Path) -> None:
    of, key = closed_world(tmp_path / "images"), "key-1"
    prose = "The Sunsets are late,\nsay the keepers."
    minted = mint("narrative", key, prose, {mint("narrative", key, prose, ())})
    of.tables["sources"][0]["key"] = key
    of.tables["narratives"][0] |= {"narrative_id": minted, "name": "Sunsets", "text": prose}
    folder = cut(workspace_of(tmp_path / "w"), of, "0.1.0")

    def back(number: int) -> tuple[Row, dict[str, str]]:
        done = hydrate(folder, of.corpus(), tmp_path / str(number))
        (row,) = Folder(tmp_path / str(number)).rows("narratives").to_pylist()
        assert done.narratives == (row["name"] is not None) == (not done.narratives_missing)
        assert done.narratives_wrong == [*done.narratives_missing]
        return row, done.narratives_missing

    # The report reads otherwise elsewhere, and white space is another; the id is made of the words.
    narrative_of(of, text=prose.replace("\n", " "))
    assert back(1)[0]["text"] == prose.replace("\n", " ")
    narrative_of(of, name="Sunrises")
    assert back(2)[1] == {minted: "another text"}
    narrative_of(of, name="Sunsets", text="The Sunsets are early, say the keepers.")
    assert back(3)[1] == {minted: "another text"}
    # Words that were corrected under their id: the hash of the whole report tells.
    of.tables["sources"][0]["text_sha256"] = folder.rows("sources").to_pylist()[0]["text_sha256"]
    assert back(4)[0]["text"] == "The Sunsets are early, say the keepers."
    del of.tables["narratives"][0]
    assert back(5)[1] == {minted: "not in the corpus"}


def test_prose_of_a_quotable_report_comes_back_and_may_be_missing(tmp_path: Path) -> None:
    of = by_people(world())
    of.tables["sources"][0]["rights"] = "quotable"
    of.tables["narratives"][0]["text"] = "Prose, at https://quay.example/prose."
    folder = cut(workspace_of(tmp_path / "w"), of, "0.1.0")
    (dry,) = folder.rows("narratives").to_pylist()
    done = hydrate(folder, of.corpus(), tmp_path / "wet")
    (row,) = Folder(tmp_path / "wet").rows("narratives").to_pylist()
    assert row == dry | {"text": "Prose, at https://quay.example/prose."}
    assert (done.narratives, done.filled, done.accounts) == (1, 0, 0)
    assert failing(verify(tmp_path / "wet", load=False)) == {}
    # A manifest that says so makes no open release of it.
    manifest = json.loads(read_text(tmp_path / "wet" / "MANIFEST.json"))
    (tmp_path / "wet" / "MANIFEST.json").write_text(json.dumps(manifest | {"restricted": False}), encoding="utf-8")
    assert any("not redistributable" in problem for problem in rights(Folder(tmp_path / "wet")))
    del of.tables["narratives"][0]
    with pytest.raises(InputError, match="1 narratives"):
        hydrate(folder, of.corpus(), tmp_path / "none")
