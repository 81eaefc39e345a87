"""How a release's Parquet lies on disk: what stores and readers gain from it, and not only that it can be read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.release_resend import photo_texts, posts, resent, written


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    folder, rows = tmp_path_factory.mktemp("parquet"), posts(20_000)
    return {"before": written("posts", rows, folder), "after": written("posts", one_less(rows), folder)}


def one_less(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows.slice(0, 10), rows.slice(11)])


def test_one_row_less_leaves_most_of_the_content_as_it_was(files: dict[str, tuple[bytes, bytes]]) -> None:
    """Without content-defined chunking all pages behind the row are others, and the whole file is sent again."""
    released, plain = (resent(before, after) for before, after in zip(files["before"], files["after"], strict=True))
    assert len(files["after"][0]) > 1_000_000
    assert released < 0.6 and plain > 0.9, (released, plain)


def test_one_image_less_leaves_the_other_images_as_they_were(tmp_path: Path) -> None:
    """Each is a page by itself: with several on a page, or an image on two, each behind it is cut another way."""
    rows = photo_texts(120)
    before, after = (written("photo_texts", some, tmp_path)[0] for some in (rows, one_less(rows)))
    pages = pq.ParquetFile(tmp_path / "released.parquet").metadata
    assert (pages.num_row_groups, pages.num_rows) == (2, 119)
    # Beside it what stands in both groups: one more row in the first, and one fewer in the second.
    assert resent(before, after) < 0.1


def test_pages_have_an_index_and_row_groups_are_large(files: dict[str, tuple[bytes, bytes]], tmp_path: Path) -> None:
    (tmp_path / "part.parquet").write_bytes(files["before"][0])
    about = pq.ParquetFile(tmp_path / "part.parquet").metadata
    group = about.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    assert all(column.has_offset_index and column.has_column_index for column in columns if column.num_values)
    assert {column.compression for column in columns} == {"ZSTD"}
    assert (about.num_row_groups, about.num_rows) == (1, 20_000)
