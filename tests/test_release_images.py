"""Images in releases: what is cut out of a file, which are released, and that they load."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from tests.releases import cut_world, failing, photograph, with_image, workspace_of
from tests.test_release_rows import P3, PHOTO, world
from toolkit.fsio import read_text, sha256_bytes
from toolkit.ledger import Ledger
from toolkit.parquet import write_table
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.images import NOT_ALLOWED, NOT_CLEAN, cleaned, name_of
from toolkit.release.verify import verify

MARK = b"Orle harbour 59.9N"


def exif(**tags: Any) -> bytes:
    made = Image.Exif()
    made[0x010F], made[0x0110] = "Lantern Works", MARK.decode()
    made.get_ifd(0x8825)[2] = (59.0, 9.0, 0.0)
    for tag, value in tags.items():
        made[int(tag[1:], 16)] = value
    return made.tobytes()


def shown(data: bytes) -> tuple[tuple[int, int], bytes]:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    return image.size, image.tobytes()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 2}])
@pytest.mark.parametrize("turned", [1, 6])
def test_a_jpeg_keeps_its_pixels_and_nothing_else(options: dict[str, Any], turned: int) -> None:
    plain = photograph(**options)
    told = photograph(**options, exif=exif(x0112=turned), comment=MARK, icc_profile=b"\0" * 128 + MARK)
    told += b"\xff\xd8" + MARK
    made = cleaned(told)
    assert MARK not in made and b"Lantern" not in made and cleaned(made) == made
    assert shown(made) == shown(told)
    assert (made == cleaned(plain)) == (turned == 1), "the same pixels are the same bytes, however they were told about"


def test_a_png_keeps_its_pixels_and_nothing_else() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", MARK.decode())
    told = photograph(format="PNG", pnginfo=info, exif=exif(), dpi=(300, 300)) + MARK
    made = cleaned(told)
    assert MARK not in made and cleaned(made) == made == cleaned(photograph(format="PNG"))
    assert shown(made) == shown(told) and name_of(made).endswith(".png")


def bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", photograph(format="WEBP"), photograph()[:200], photograph(format="PNG")[:-30], bomb()]
)
def test_what_cannot_be_cleaned_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"neither|cut short|decode|pixels"):
        cleaned(data)


def test_an_image_is_released_and_loads(tmp_path: Path) -> None:
    of = with_image(world(), tmp_path, photograph(exif=exif(), comment=MARK))
    folder = Folder(cut_world(workspace_of(tmp_path / "w"), of, "0.1.0").folder)
    assert failing(verify(folder.path, load=False)) == {}
    (row,) = folder.rows("photo_texts").to_pylist()
    assert row["image"] == {"bytes": cleaned(photograph()), "path": name_of(cleaned(photograph()))}
    assert "1 of the 1 images" in read_text(folder.path / "README.md")

    import datasets

    for streaming in (False, True):
        every = datasets.load_dataset(
            str(folder.path), "photo_texts", cache_dir=str(tmp_path / f"c{streaming}"), streaming=streaming
        )
        (item,) = (item for rows in every.values() for item in rows)
        assert item["image"].size == (48, 32) and not item["image"].getexif(), "it decodes, and says nothing more"


@pytest.mark.parametrize("rights", ["quotable", "restricted"])
def test_an_image_stays_behind_where_the_rights_are_others(tmp_path: Path, rights: str) -> None:
    of = with_image(world(), tmp_path, photograph())
    of.tables["sources"][1]["rights"] = rights
    folder = Folder(cut_world(workspace_of(tmp_path / "w"), of, "0.1.0").folder)
    (row,) = folder.rows("photo_texts").to_pylist()
    assert (row["image"], row["image_status"], row["dehydrated"]) == (None, "held", rights == "restricted")
    assert row["image_hash"] == sha256_bytes(cleaned(photograph()))
    assert folder.manifest["dropped"][NOT_ALLOWED] == 1
    assert "none is of a report that may be redistributed" in read_text(folder.path / "README.md")


def test_an_image_that_cannot_be_cleaned_stays_behind_and_one_that_was_taken_down_goes(tmp_path: Path) -> None:
    of = with_image(world(), tmp_path, photograph(format="GIF"))
    workspace = workspace_of(tmp_path / "w")
    first = Folder(cut_world(workspace, of, "0.1.0").folder)
    assert first.manifest["dropped"][NOT_CLEAN] == 1 and first.rows("photo_texts")["image"].null_count == 1
    of = with_image(world(), tmp_path, photograph())
    second = Folder(cut_world(workspace, of, "0.2.0").folder)
    assert second.version == "2.0.0" and second.rows("photo_texts")["image"].null_count == 0
    Ledger(workspace.ledger.path).append("takedown", kind="post", id=P3, reason="asked", by="kit")
    third = Folder(cut_world(workspace, of, "0.3.0").folder)
    assert PHOTO not in third.rows("photo_texts")["photo_id"].to_pylist()
    data = cleaned(photograph())[-200:]
    assert any(data in path.read_bytes() for path in second.path.rglob("*.parquet"))
    assert not any(data in path.read_bytes() for path in third.path.rglob("*.parquet"))


def test_a_row_group_holds_few_images(tmp_path: Path) -> None:
    image = {"bytes": photograph(), "path": name_of(photograph())}
    config = release_table("photo_texts")
    write_table(tmp_path / "a.parquet", config.from_rows([{"image": image}] * 250), config)
    about = pq.read_metadata(tmp_path / "a.parquet")
    assert [about.row_group(n).num_rows for n in range(about.num_row_groups)] == [100, 100, 50]
