"""Keys and references over parts: what is found is what the tables say, whatever bits their keys have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.corpus import bits, checks, duck
from toolkit.schema import table

# All keys have one of two groups of bits, or bits of their own.
HASHES = ["hash({}) % 2", "hash({})"]
IDS = st.integers(0, 9).map(lambda n: f"post_{n:032x}")
LINKS = st.lists(st.tuples(IDS, IDS, IDS), max_size=12)


def written(folder: Path, name: str, rows: Sequence[Mapping[str, object]], parts: int = 2) -> list[Path]:
    files = []
    for number in range(parts):
        whole = table(name).from_rows(rows[number::parts])
        files.append(folder / f"{name}-{number}.parquet")
        pq.write_table(whole, files[-1])
    return files


@pytest.mark.parametrize("hashed", HASHES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=st.lists(IDS, max_size=12))
def test_a_key_that_stands_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hashed: str, posts: list[str]
) -> None:
    monkeypatch.setattr(checks, "HASH", hashed)
    monkeypatch.setattr(checks, "_NAMED", 3)
    rows = [{"post_id": one, "cluster_id": one, "size": 2} for one in posts]
    files = {"clusters": written(tmp_path, "clusters", rows)}
    twice = ["clusters.post_id: values are not unique", "clusters: two rows have the same post_id"]
    assert checks.problems(files, {"clusters": len(rows)}) == (
        twice if max(Counter(posts).values(), default=0) > 1 else []
    )
    with duck.connect({"clusters": duck.lazy(files["clusters"], "clusters")}) as connection:
        found: Counter[str] = Counter()
        for some in checks.repeated(connection, "clusters", "post_id", f"post_id <> '{'post_' + '0' * 32}'"):
            found.update(row[0] for row in connection.execute(f"SELECT post_id FROM clusters WHERE {some}").fetchall())
    expected = {one: n for one, n in Counter(posts).items() if n > 1 and not one.endswith("0" * 32)}
    assert {one: found[one] for one in expected} == expected, "all rows of each, and each in one condition"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(IDS, min_size=1, unique=True, max_size=8), links=LINKS)
def test_a_reference_that_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[str], links: list[tuple[str, str, str]]
) -> None:
    monkeypatch.setattr(bits, "_ROWS", 2)
    names = ("post_id", "other_id", "cluster_id")
    rows = [dict(zip(names, link, strict=True)) | {"kind": "exact"} for link in dict.fromkeys(links)]
    posts = tmp_path / "posts.parquet"
    pq.write_table(table("posts").empty().select(["post_id"]).from_pydict({"post_id": members}), posts)
    files = {"post_links": written(tmp_path, "post_links", rows), "posts": [posts]}
    expected = []
    for column, other, _ in table("post_links").foreign_keys:
        assert other == "posts"
        if lost := {str(row[column]) for row in rows} - set(members):
            expected.append(f"post_links.{column}: {min(lost)!r} is not in posts")
    found = checks.problems(files, {"post_links": len(rows), "posts": 0})
    assert [said for said in found if "is not in" in said] == expected
