"""Parquet: the same rows give the same bytes, and only declared columns go in or come out."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.errors import InputError
from toolkit.fsio import sha256_file
from toolkit.parquet import read_table, row_digest, write_table
from toolkit.schema import table

ROOT = Path(__file__).resolve().parent.parent
MAKE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from toolkit.parquet import row_digest, write_table
from toolkit.fsio import sha256_file
from toolkit.schema import table
rows = table("judgements").from_rows(
    {
        "judgement_id": f"j{n}", "item_id": f"i{n % 7}", "created_at": datetime(2032, 1, 1, 0, n % 60, tzinfo=UTC),
        "seconds": n / 3, "labels": [{"field": "narrative", "label": x} for x in ("n11", "n21", "n22")[: n % 4]],
        "comment": "盐灯 é" * (n % 5),
    } for n in range(5000))
write_table(Path(sys.argv[1]), rows, table("judgements"))
print(sha256_file(Path(sys.argv[1])), row_digest(rows))
"""


def links(count: int) -> pa.Table:
    return table("post_links").from_rows(
        {"post_id": f"post_{n:032x}", "other_id": f"post_{n + 1:032x}", "kind": "exact", "similarity": n / 7}
        for n in range(count)
    )


def test_the_same_rows_give_the_same_bytes_in_every_environment(tmp_path: Path) -> None:
    environments: list[dict[str, str]] = [
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C", "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"},
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "ARROW_NUM_THREADS": "4"},
        {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "OMP_NUM_THREADS": "3"},
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, str(tmp_path / f"{number}.parquet")],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, environment in enumerate(environments)
    ]
    printed = [process.communicate(timeout=120)[0] for process in running]
    assert len(printed[0].split()) == 2
    assert printed == [printed[0]] * len(environments)


def test_how_rows_are_sliced_on_the_way_in_changes_nothing(tmp_path: Path) -> None:
    rows = links(1000)
    sliced = pa.concat_tables([rows.slice(0, 1), rows.slice(1, 600), rows.slice(601)])
    assert sliced.column(0).num_chunks == 3
    write_table(tmp_path / "a.parquet", rows, table("post_links"))
    write_table(tmp_path / "b.parquet", sliced, table("post_links"))
    write_table(tmp_path / "c.parquet", pa.concat_tables([links(1500)]).slice(0, 1000), table("post_links"))
    assert len({sha256_file(tmp_path / f"{name}.parquet") for name in "abc"}) == 1


def test_metadata_of_the_rows_does_not_reach_the_file(tmp_path: Path) -> None:
    rows = links(3)
    write_table(tmp_path / "a.parquet", rows, table("post_links"))
    write_table(tmp_path / "b.parquet", rows.replace_schema_metadata({"at": "now"}), table("post_links"))
    assert sha256_file(tmp_path / "a.parquet") == sha256_file(tmp_path / "b.parquet")


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    rows = links(2500)
    write_table(tmp_path / "a.parquet", rows, table("post_links"))
    assert read_table(tmp_path / "a.parquet", table("post_links")).equals(rows)
    write_table(tmp_path / "none.parquet", table("post_links").empty(), table("post_links"))
    assert read_table(tmp_path / "none.parquet", table("post_links")).num_rows == 0


def test_only_declared_columns_are_written(tmp_path: Path) -> None:
    declared = table("post_links")
    for rows in (
        links(2).drop_columns(["kind"]),
        links(2).append_column("more", pa.array(["a", "b"])),
        links(2).select([*reversed(declared.arrow.names)]),
        links(2).set_column(2, "kind", links(2)["kind"].dictionary_encode()),
    ):
        with pytest.raises(ValueError, match="columns are not those that table post_links declares"):
            write_table(tmp_path / "a.parquet", rows, declared)
    assert list(tmp_path.iterdir()) == []


def test_only_declared_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, links(2), table("post_links"))
    with pytest.raises(InputError, match=r"a\.parquet: columns are not those that table media declares"):
        read_table(path, table("media"))


def test_what_is_no_parquet_file_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, links(500), table("post_links"))
    whole = path.read_bytes()
    for data in (b"", b"PAR1", b"text", whole[:-100], whole[:4] + b"\xff" * (len(whole) - 4)):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"cannot read .*a\.parquet as Parquet"):
            read_table(path, table("post_links"))
    with pytest.raises(InputError, match="cannot read"):
        read_table(tmp_path / "none.parquet", table("post_links"))


def test_a_file_is_plain_parquet_without_pandas_or_our_code(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", links(5), table("post_links"))
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert {*(file.metadata.metadata or {})} <= {b"ARROW:schema"}


def test_row_digests_tell_rows_apart_and_nothing_else() -> None:
    rows = links(3)
    assert row_digest(rows) == row_digest(pa.concat_tables([rows.slice(0, 1), rows.slice(1)]))
    digests = {
        row_digest(changed)
        for changed in (
            rows,
            rows.slice(0, 2),
            rows.take([1, 0, 2]),
            rows.drop_columns(["kind"]),
            rows.set_column(2, "kind", pa.array(["exact", "exact", None])),
            rows.set_column(2, "kind", pa.array(["exact", "exact", ""])),
            rows.set_column(2, "kind", pa.array(["exact", "exact", "None"])),
            rows.slice(0, 0),
        )
    }
    assert len(digests) == 8


def test_row_digests_cover_times_and_nested_values() -> None:
    def digest(**values: Any) -> str:
        at = datetime(2032, 1, 1, tzinfo=UTC)
        return row_digest(table("judgements").from_rows([{"judgement_id": "j", "created_at": at} | values]))

    found = {
        digest(),
        digest(created_at=datetime(2032, 1, 1, 0, 0, 0, 1, UTC)),
        digest(labels=[]),
        digest(labels=[{"field": "narrative", "label": "n11"}]),
        digest(labels=[{"field": "narrative", "label": "n12"}]),
    }
    assert len(found) == 5
    assert digest() == digest()
