"""Files: whole or not at all, and errors that say where."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit import fsio
from toolkit.errors import InputError, WorkspaceError

ROOT = Path(__file__).resolve().parent.parent


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, from the repository."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_holds_the_bytes_and_the_mode(tmp_path: Path) -> None:
    fsio.write_atomic(tmp_path / "a" / "b.txt", "盐灯\n")
    fsio.write_atomic(tmp_path / "secret", b"\x00\xff", mode=0o600)
    assert (tmp_path / "a" / "b.txt").read_bytes() == "盐灯\n".encode()
    assert (tmp_path / "secret").read_bytes() == b"\x00\xff"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a" / "b.txt").stat().st_mode) == 0o644 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_secret_is_at_no_moment_readable_by_others(tmp_path: Path) -> None:
    with fsio.replacing(tmp_path / "secret", mode=0o600) as beside:
        assert stat.S_IMODE(beside.stat().st_mode) == 0o600


def test_an_exception_in_mid_write_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fsio.write_atomic(path, "old")
    with pytest.raises(ZeroDivisionError), fsio.replacing(path) as beside:
        beside.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_in_mid_write_leaves_the_old_file(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "file"
    fsio.write_atomic(path, "old")
    code = """
import os, pathlib, signal, sys
from toolkit import fsio
die = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "fsync": os.fsync = die
else: pathlib.Path.replace = die
fsio.write_atomic(pathlib.Path(sys.argv[1]), "new" * 100000)
"""
    assert run(code, path, moment).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    fsio.write_atomic(path, "newer")
    assert path.read_text() == "newer"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), fsio.publishing(tmp_path / "version") as new:
        (new / "half").write_text("")
        raise ZeroDivisionError
    assert names(tmp_path) == []
    with fsio.publishing(tmp_path / "version") as new:
        (new / "deep").mkdir()
        (new / "deep" / "file").write_text("whole")
        assert not (tmp_path / "version").exists()
    assert names(tmp_path) == ["version"]
    with pytest.raises(WorkspaceError, match="version"), fsio.publishing(tmp_path / "version") as new:
        (new / "other").write_text("")
    assert names(tmp_path) == ["version"]
    assert (tmp_path / "version" / "deep" / "file").read_text() == "whole"


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    fsio.write_atomic(tmp_path / ("n" * 255), "text")
    assert names(tmp_path) == ["n" * 255]


def _publish(folder: Path) -> None:
    with fsio.publishing(folder):
        pass


def test_where_nothing_can_be_written_is_a_workspace_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for path in (tmp_path / "file" / "below", Path("/proc/none"), tmp_path / ("n" * 256)):
        for write in (lambda p: fsio.write_atomic(p, "x"), lambda p: fsio.append_jsonl(p, {"a": 1}), _publish):
            with pytest.raises(WorkspaceError) as caught:
                write(path)
            assert caught.value.exit_code == 1
            assert caught.value.message.startswith(f"cannot write {path}: ")


def test_a_full_disk_is_a_workspace_error_and_the_old_file_stays(tmp_path: Path) -> None:
    fsio.write_atomic(tmp_path / "text", "old")
    fsio.append_jsonl(tmp_path / "log.jsonl", {"n": 1})
    code = """
import pathlib, resource, sys
import pyarrow as pa
from toolkit import fsio, parquet
from toolkit.errors import WorkspaceError
from toolkit.schema import table
folder = pathlib.Path(sys.argv[1])
media = table("media").from_rows(
    [{"source_id": "s", "sha256": f"{n:064x}", "file_name": "f", "mime_type": "m", "bytes": n} for n in range(9000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for write in (
    lambda: fsio.write_atomic(folder / "text", "x" * 3000),
    lambda: fsio.append_jsonl(folder / "log.jsonl", {"n": "x" * 3000}),
    lambda: parquet.write_table(folder / "media.parquet", media, table("media")),
):
    try:
        write()
        print("written")
    except WorkspaceError as error:
        print(error.exit_code, error.message)
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first.startswith(f"1 cannot write {tmp_path / 'text'}: ")
    assert second.startswith(f"1 cannot write {tmp_path / 'log.jsonl'}: ")
    assert third.startswith(f"1 cannot write {tmp_path / 'media.parquet'}: ")
    assert (tmp_path / "text").read_text() == "old"
    assert names(tmp_path) == ["log.jsonl", "text"]
    assert [r for _, r in fsio.read_jsonl(tmp_path / "log.jsonl", appended=True)] == [{"n": 1}]
    fsio.append_jsonl(tmp_path / "log.jsonl", {"n": 2})
    assert [r for _, r in fsio.read_jsonl(tmp_path / "log.jsonl")] == [{"n": 1}, {"n": 2}]


def test_a_missing_file_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match=f"^cannot read {path}: "):
            fsio.read_text(path)


def test_text_that_is_not_utf8_names_byte_and_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"eins\nzwei\n" + "drei é".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        fsio.read_text(path)
    assert caught.value.message == f"{path} is not UTF-8: byte 15 (line 3) is 0xe9"
    (tmp_path / "f.jsonl").write_bytes(b'{"n": 1}\n{"n": 2}\n{"n": "\xe9"}\n')
    records = fsio.read_jsonl(tmp_path / "f.jsonl")
    assert [next(records), next(records)] == [(1, {"n": 1}), (2, {"n": 2})], "a line at a time"
    with pytest.raises(InputError, match=r"f\.jsonl is not UTF-8: byte 25 \(line 3\) is 0xe9"):
        next(records)


def test_text_keeps_its_newlines(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\r\nb\rc\n")
    assert fsio.read_text(tmp_path / "f") == "a\r\nb\rc\n"


def test_json_that_does_not_parse_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text('{\n"a": 1,\n}')
    with pytest.raises(InputError, match=r"f\.json:3: not JSON"):
        fsio.read_json(tmp_path / "f.json")


def test_json_lines_may_hold_every_line_separator_of_unicode(tmp_path: Path) -> None:
    records: list[dict[str, str | None]] = [
        {"text": "a\u2028b\u2029c\x85d\x0b\x0c\x1c\r\ne"},
        {"text": "盐灯", "n": None},
    ]
    fsio.write_jsonl(tmp_path / "f.jsonl", records)
    assert list(fsio.read_jsonl(tmp_path / "f.jsonl")) == [(1, records[0]), (2, records[1])]
    assert "盐灯" in (tmp_path / "f.jsonl").read_text(encoding="utf-8")
    assert "\u2028" in (tmp_path / "f.jsonl").read_text(encoding="utf-8")


def test_blank_lines_count_but_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(b'{"n": 1}\r\n\n  \n{"n": 2}')
    assert list(fsio.read_jsonl(tmp_path / "f.jsonl")) == [(1, {"n": 1}), (4, {"n": 2})]


@pytest.mark.parametrize(
    ("line", "message"),
    [("[1]", "expected a JSON object, found list"), ("null", "found NoneType"), ('{"a": ', "not JSON")],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "f.jsonl").write_text('{"n": 1}\n' + line + '\n{"n": 3}\n')
    with pytest.raises(InputError, match=rf"f\.jsonl:2: .*{message}"):
        list(fsio.read_jsonl(tmp_path / "f.jsonl"))


def test_a_line_that_a_killed_writer_left_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    whole = fsio.json_line({"n": 1}) + fsio.json_line({"n": 2, "text": "盐灯 é"})
    data = whole.encode()
    first = data.index(b"\n") + 1
    for cut in range(first, len(data) - 1):
        path.write_bytes(data[:cut])
        assert [record for _, record in fsio.read_jsonl(path, appended=True)] == [{"n": 1}], cut
        if cut > first:
            with pytest.raises(InputError):
                list(fsio.read_jsonl(path))
        fsio.append_jsonl(path, {"n": 3})
        assert [record for _, record in fsio.read_jsonl(path)] == [{"n": 1}, {"n": 3}], cut


def test_a_last_line_without_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"n": 1}')
    assert [record for _, record in fsio.read_jsonl(path, appended=True)] == [{"n": 1}]
    fsio.append_jsonl(path, {"n": 2})
    assert path.read_text() == '{"n": 1}\n{"n": 2}\n'


def test_an_unfinished_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"n": \n{"n": 2}\n')
    with pytest.raises(InputError, match=r"f\.jsonl:1: not JSON"):
        list(fsio.read_jsonl(tmp_path / "f.jsonl", appended=True))


def test_a_record_that_is_no_json_is_not_half_written(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    fsio.append_jsonl(path, {"n": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        fsio.append_jsonl(path, {"n": float("nan")})
    assert path.read_text() == '{"n": 1}\n'


def test_hashes_and_canonical_json() -> None:
    assert fsio.sha256_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert fsio.sha256_text("盐") == fsio.sha256_bytes("盐".encode())
    assert fsio.canonical_json({"b": [1, None], "a": "盐"}) == '{"a":"盐","b":[1,null]}'
    assert json.loads(fsio.canonical_json({"x": 0.1})) == {"x": 0.1}
