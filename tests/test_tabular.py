"""Tables as sources: every variant, the known dirt, and that no row vanishes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command import inside, told
from toolkit.corpus.build import build, is_current
from toolkit.corpus.store import open_version
from toolkit.errors import ConflictError, DocpostsError, InputError
from toolkit.fsio import read_jsonl
from toolkit.ids import account_id_of, digest_id
from toolkit.sources import propose, registry, segments
from toolkit.sources.source import Source
from toolkit.sources.tabular import ingest
from toolkit.sources.tabular.add import add_table
from toolkit.sources.tabular.mapping import parse_map
from toolkit.sources.tabular.model import TableFile
from toolkit.sources.tabular.rows import post_id_of
from toolkit.sources.tabular.seen import Seen
from toolkit.sources.tabular.values import language_code, moment, native_id, values_of
from toolkit.workspace import Workspace, new_settings

COLUMNS = (
    "tweetid,userid,user_display_name,user_screen_name,user_reported_location,user_profile_description,user_profile_url,"
    "follower_count,following_count,account_creation_date,account_language,tweet_language,tweet_text,tweet_time,"
    "tweet_client_name,in_reply_to_tweetid,in_reply_to_userid,quoted_tweet_tweetid,is_retweet,retweet_userid,"
    "retweet_tweetid,latitude,longitude,quote_count,reply_count,like_count,retweet_count,hashtags,urls,user_mentions,"
    "poll_choices"
).split(",")
USER = hashlib.sha256(b"a fictional user").hexdigest()
SIMPLE = {"platform_object_id": "id", "text": "text"}


def tweet(number: int, text: str = "The ferry runs twice a day", **cells: str) -> dict[str, str]:
    return {
        "tweetid": str(900_000_000_000_000_000 + number),
        "userid": USER,
        "user_display_name": USER,
        "tweet_language": "en",
        "tweet_text": text,
        "tweet_time": "2019-03-04 05:06",
        "hashtags": "[]",
        "urls": "",
    } | cells


def table(rows: list[dict[str, str]], columns: list[str] = COLUMNS, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def add(workspace: Workspace, name: str, content: str | bytes, **options: Any) -> Source:
    path = workspace.root.parent / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if "preset" not in options:
        options = {"columns": SIMPLE, "platform": "Chirpyard"} | options
    return add_table(workspace, path, **options)


def rows(source: Source) -> list[dict[str, Any]]:
    return [row for batch in ingest.rows(source) for row in batch.to_pylist()]


def rejects(source: Source) -> list[tuple[int, str]]:
    return [(r["row"], r["reason"]) for _, r in read_jsonl(source.folder / "rejects.jsonl")]


def test_takedown_tweets(workspace: Workspace) -> None:
    row = tweet(1, "燈籠 #ferry", hashtags="[ferry, quay]", urls="[https://example.org/a, https://example.org/b]")
    source = add(workspace, "set_tweets_csv_hashed.csv", table([row, tweet(2)]), preset="takedown-tweets")
    first, second = rows(source)
    assert first == {
        "row": 1,
        "post_id": digest_id("post", "twitter", "900000000000000001"),
        "platform": "Twitter",
        "platform_object_id": "900000000000000001",
        "text": "燈籠 #ferry",
        "posted_at": "2019-03-04T05:06Z",
        "account": USER,
        "account_name": USER,
        "lang": "en",
        "hashtags": ["ferry", "quay"],
        "mentions": None,
        "urls": ["https://example.org/a", "https://example.org/b"],
    }
    assert second["row"] == 2
    assert rejects(source) == []
    assert (source.folder / "raw" / "set_tweets_csv_hashed.csv").read_bytes() == table([row, tweet(2)]).encode()
    assert not (source.folder / "text.txt").exists()


def swapped() -> list[str]:
    one, other = COLUMNS.index("in_reply_to_tweetid"), COLUMNS.index("in_reply_to_userid")
    columns = list(COLUMNS)
    columns[one], columns[other] = columns[other], columns[one]
    return columns


@pytest.mark.parametrize(
    ("columns", "lang"), [(swapped(), "en"), ([c for c in COLUMNS if c != "tweet_language"], None)]
)
def test_takedown_variants(workspace: Workspace, columns: list[str], lang: str | None) -> None:
    (row,) = rows(add(workspace, "t.csv", table([tweet(1)], columns), preset="takedown-tweets"))
    assert (row["text"], row.get("lang"), row["account"]) == ("The ferry runs twice a day", lang, USER)


def test_takedown_users(workspace: Workspace) -> None:
    columns = COLUMNS[1:11]
    people = [
        {"userid": USER, "user_display_name": USER, "account_creation_date": "2013-05-01"},
        {"userid": "quay_news", "user_display_name": "Quay News"},
        {"userid": ""},
    ]
    source = add(workspace, "users.csv", table(people, columns), preset="takedown-users")
    assert rejects(source) == [(3, "blank row")]
    version = build(workspace).version
    found = {row["handle"]: row for row in version.table("accounts").to_pylist()}
    assert found[USER]["names"] == []
    assert found["quay_news"]["names"] == ["Quay News"]
    assert found["quay_news"]["account_id"] == account_id_of("twitter", "QUAY_NEWS")
    (event,) = version.table("account_events").to_pylist()
    assert (event["account_id"], event["kind"], event["date"]) == (
        account_id_of("Twitter", USER),
        "created",
        "2013-05-01",
    )
    assert version.table("posts").num_rows == 0


TEXT = 'He said "salt, lamps"\nand left 燈籠'
AS_FILES: dict[str, Any] = {
    "comma.csv": lambda: table([{"id": "007", "text": TEXT}], ["id", "text"]),
    "tab.tsv": lambda: table([{"id": "007", "text": TEXT}], ["id", "text"], "\t"),
    "semicolon.csv": lambda: table([{"id": "007", "text": TEXT}], ["id", "text"], ";"),
    "bom.csv": lambda: table([{"id": "007", "text": TEXT}], ["id", "text"]).encode("utf-8-sig"),
    "utf16.csv": lambda: table([{"id": "007", "text": TEXT}], ["id", "text"]).encode("utf-16"),
    "utf16.jsonl": lambda: (json.dumps({"id": "007", "text": TEXT}) + "\n").encode("utf-16"),
    "packed.csv.gz": lambda: gzip.compress(table([{"id": "007", "text": TEXT}], ["id", "text"]).encode()),
    "packed16.gz": lambda: gzip.compress(table([{"id": "007", "text": TEXT}], ["id", "text"]).encode("utf-16")),
    "rows.jsonl": lambda: json.dumps({"id": "007", "text": TEXT, "other": {"a": [1]}}),
    "rows.jsonl.gz": lambda: gzip.compress(json.dumps({"id": "007", "text": TEXT}).encode()),
    "blanks.csv": lambda: table([{"id ": " 007", "text": TEXT}], ["id ", "text"]),
}


@pytest.mark.parametrize("name", AS_FILES)
def test_every_kind_of_file_gives_the_same_row(workspace: Workspace, name: str) -> None:
    (row,) = rows(add(workspace, name, AS_FILES[name](), source_id="t"))
    # The csv module ends lines of a field as they stand.
    assert (row["platform_object_id"], row["text"]) == ("007", TEXT)
    assert row["post_id"] == post_id_of("chirpyard", "007")


def test_parquet(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "posts.parquet"
    columns = {
        "id": pa.array([9007199254740993, 2], pa.int64()),
        "text": pa.array([TEXT, None], pa.string()).dictionary_encode(),
        "at": pa.array([0, 0], pa.timestamp("us", tz="UTC")),
        "tags": pa.array([["a", "b, c"], []], pa.list_(pa.string())),
    }
    pq.write_table(pa.table(columns), file)
    source = add(
        workspace, file.name, file.read_bytes(), columns=SIMPLE | {"posted_at": "at", "hashtags": "tags"}, platform="X"
    )
    (row,) = rows(source)
    assert (row["platform_object_id"], row["posted_at"]) == ("9007199254740993", "1970-01-01T00:00:00Z")
    assert row["hashtags"] == ["a", "b, c"]
    assert rejects(source) == [(2, "text: empty")]


def test_parquet_ids_that_lost_digits(workspace: Workspace, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1.5], "text": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="'id' holds ids as floating-point numbers"):
        add_table(workspace, tmp_path / "x.parquet", columns=SIMPLE, platform="X")


def test_dirt_is_rejected_by_row_and_reason(workspace: Workspace) -> None:
    lines = [
        tweet(1),
        tweet(2, tweet_time="yesterday"),
        tweet(3, tweet_time="2019-02-30 01:00"),
        tweet(1, "The same id, other words"),
        tweet(4, ""),
        tweet(5, tweetid=""),
        tweet(6, tweetid="9.0E+17"),
        tweet(7, hashtags="[a, b"),
        tweet(8, "first line\nsecond\r\nthird"),
    ]
    text = table(lines) + "1,2,3\r\n\r\n" + table([tweet(9)]).split("\n", 1)[1]
    broken = text.encode() + table([tweet(10, "WRONG")]).split("\n", 1)[1].encode().replace(b"WRONG", b"\xff\xfe")
    source = add(workspace, "t.csv", broken, preset="takedown-tweets")
    assert [row["row"] for row in rows(source)] == [1, 9, 12]
    assert rows(source)[1]["text"] == "first line\nsecond\r\nthird"
    assert rejects(source) == [
        (2, "posted_at: not a date"),
        (3, "posted_at: not a date"),
        (4, "id seen before"),
        (5, "text: empty"),
        (6, "platform_object_id: empty"),
        (7, "platform_object_id: an id rounded by a spreadsheet"),
        (8, "hashtags: a list without its end"),
        (10, "wrong number of columns"),
        (11, "blank row"),
        (13, "not UTF-8"),
    ]
    assert ingest.counts(source).rows == 13


def test_jsonl_dirt(workspace: Workspace) -> None:
    lines = [
        b'{"id": 12345678901234567890123, "text": "a", "tags": ["x", "y"]}',
        b"",
        b"{nonsense",
        b'["a"]',
        b'{"id": "1", "text": {"a": 1}}',
        b'{"id": "2"}',
        b'{"id": "3", "text": "half \\ud83d pair"}',
        b'{"id": "4", "text": "\xff"}',
        b"[" * 100_000,
    ]
    source = add(workspace, "x.jsonl", b"\n".join(lines), columns=SIMPLE | {"hashtags": "tags"})
    assert [(row["platform_object_id"], row["text"]) for row in rows(source)] == [
        ("12345678901234567890123", "a"),
        ("3", "half \ufffd pair"),
    ]
    assert rejects(source) == [
        (2, "blank row"),
        (3, "not JSON"),
        (4, "no JSON object"),
        (5, "text: no plain value"),
        (6, "text: empty"),
        (8, "not UTF-8"),
        (9, "not JSON"),
    ]


def test_long_field_and_nul(workspace: Workspace) -> None:
    long = "燈" * 1_000_000
    content = table([{"id": "1", "text": long}, {"id": "2", "text": "a\0b"}], ["id", "text"])
    first, second = rows(add(workspace, "x.csv", content))
    assert first["text"] == long
    assert second["text"] == "a\0b"
    posts = build(workspace).version.table("posts").to_pylist()
    assert posts[1]["flags"] == ["control"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", r"x\.csv is empty"),
        ("x.csv", b"\xef\xbb\xbf", r"x\.csv is empty"),
        ("x.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("x.csv", b"id,text\n", r"x\.csv: the table has no rows"),
        ("x.csv", b"id,text", r"x\.csv: the table has no rows"),
        (
            "x.csv",
            b"id,text\n1,\n,b\n",
            r"none of the 2 rows fits: 1 × platform_object_id: empty \(first: row 2\); 1 × t",
        ),
        ("x.csv", b"id,words\n1,a\n", r"no column 'text', which is to give text; its columns: id, words"),
        ("x.csv", b"id,text,text\n1,a,b\n", "more than one column 'text'"),
        ("x.csv", b'id,text\n1,"' + b"a" * (20 << 20), "a row is longer than 8 MB"),
        ("x.jsonl", b'{"id": 1, "text": "' + b"a" * (9 << 20) + b'"}', "hold no JSON object"),
        ("x.json", b'[{"id": 1}]', "a JSON array, not JSON lines"),
        ("x.csv.gz", gzip.compress(b"id,text\n" + bytes(range(32, 127)) * 900)[:-90], "cannot be unpacked"),
        ("x.csv", b"\xff\xfei\0d\0,\0t\0e\0x\0t\0\n\0001\0,\0\0\xd8", "is not utf-16"),
        ("x.parquet", b"PAR1nothing", "cannot read .* as Parquet"),
        ("x.parquet.gz", gzip.compress(b"PAR1nothing", mtime=0), "a packed Parquet file"),
    ],
)
def test_bad_files(workspace: Workspace, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        add(workspace, name, content)
    assert ".part" not in str(refused.value)
    assert registry.sources(workspace) == []
    assert not workspace.sources_dir.exists() or not [*workspace.sources_dir.iterdir()]


def test_missing_file(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        add_table(workspace, tmp_path / "none.csv", columns=SIMPLE, platform="X")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "takedown-toots"}, r"no preset 'takedown-toots' \(there are: takedown-tweets, takedown-users\)"),
        ({"preset": "takedown-tweets"}, "no column 'tweetid'"),
        ({"columns": {"text": "text"}}, "no column is mapped to platform_object_id"),
        ({"platform": None}, "which platform are these posts from"),
        ({"columns": SIMPLE | {"created_at": "id"}}, "a table of posts has no field 'created_at'"),
        ({"encoding": "klingon"}, "--encoding 'klingon': no such encoding"),
    ],
)
def test_bad_options(workspace: Workspace, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        add(workspace, "x.csv", "id,text\n1,a\n", **options)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["text"], "expected column=field"),
        (["=text"], "expected column=field"),
        (["a=nothing"], "no field 'nothing'"),
        (["a=text", "b=text"], "two columns for the field text"),
    ],
)
def test_bad_map(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_map(words)


def test_map_takes_the_last_sign() -> None:
    assert parse_map(["a=b=text", "a=b=text"]) == {"text": "a=b"}


def test_declared_encoding(workspace: Workspace) -> None:
    content = "id,text\n1,Café\n".encode("cp1252")
    with pytest.raises(InputError, match="none of the 1 rows fits: 1 × not UTF-8"):
        add(workspace, "x.csv", content)
    (row,) = rows(add(workspace, "x.csv", content, encoding="windows-1252"))
    assert row["text"] == "Café"
    with pytest.raises(InputError, match="byte order mark of utf-16, not of cp1252"):
        add(workspace, "y.csv", "id,text\n1,a\n".encode("utf-16"), encoding="cp1252")


def test_values() -> None:
    assert [
        moment(v) for v in ("2019", "2019-03", "2019-03-04", "2019-03-04T05:06:07.123Z", "2019-03-04 01:00+02:00", "")
    ] == [
        "2019",
        "2019-03",
        "2019-03-04",
        "2019-03-04T05:06:07Z",
        "2019-03-03T23:00Z",
        None,
    ]
    for wrong in ("04/03/2019", "2019-13", "2019-02-30", "0000-01-01", "1551675960", "2019-03-04 25:00", "20190304"):
        with pytest.raises(ValueError, match="not a date"):
            moment(wrong)
    assert values_of("[a, b]", "hashtags") == ["a", "b"]
    assert values_of('["a, b", "#c"]', "hashtags") == ["a, b", "c"]
    assert values_of("['a', 'b']", "mentions") == ["a", "b"]
    assert values_of("[123, 456]", "mentions") == ["123", "456"]
    assert values_of("https://example.org/a,b https://example.org/c", "urls") == [
        "https://example.org/a,b",
        "https://example.org/c",
    ]
    assert values_of(" ", "urls") == values_of("[]", "urls") == []
    assert [language_code(v) for v in ("en", "zh-cn", "in", "und", "", "?")] == ["en", "zh", "id", None, None, None]
    assert native_id(" 0012 ") == "0012"


def test_added_twice(workspace: Workspace) -> None:
    content = "id,text\n1,a\n"
    first = add(workspace, "x.csv", content)
    assert add(workspace, "x.csv", content).folder == first.folder
    assert len([*workspace.ledger.records("source")]) == 1
    with pytest.raises(ConflictError, match="read otherwise"):
        add(workspace, "x.csv", content, platform="Pagebook")
    with pytest.raises(ConflictError, match="is the table of source x"):
        add(workspace, "y.csv", content)
    with pytest.raises(ConflictError, match="made of another file"):
        add(workspace, "x.csv", content + "2,b\n")


def test_rows_are_made_again_the_same(workspace: Workspace) -> None:
    source = add(workspace, "x.csv", table([tweet(n) for n in range(50)] + [tweet(3)]), preset="takedown-tweets")
    files = [source.folder / name for name in ("rows.parquet", "rejects.jsonl")]
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    assert ingest.counts(source).accepted == 50
    assert [file.read_bytes() for file in files] == before
    raw = source.folder / "raw" / "x.csv"
    raw.write_bytes(raw.read_bytes() + b"\n")
    files[0].unlink()
    with pytest.raises(InputError, match="changed after it was added"):
        ingest.counts(source)


def test_corpus(workspace: Workspace) -> None:
    lines = [
        tweet(1, "The ferry to the quay runs twice a day #ferry", hashtags="[]"),
        tweet(2, "Die Fähre fährt zweimal am Tag zur Insel hinüber", tweet_language="und", user_display_name="Quay"),
        tweet(3, "See https://example.org/x", urls="[https://example.org/long/x]", hashtags="[quay]"),
        tweet(4, "The ferry to the quay runs twice a day #ferry", userid="", user_display_name=""),
    ]
    source = add(workspace, "t.csv", table(lines), preset="takedown-tweets")
    built = build(workspace)
    assert built.skipped == {}
    posts = built.version.table("posts").to_pylist()
    assert [row["place"] for row in posts] == [1, 2, 3, 4]
    assert [row["post_id"] for row in posts] == [row["post_id"] for row in rows(source)]
    assert [row["text_lang"] for row in posts] == ["en", "de", "en", "en"]
    assert [row["hashtags"] for row in posts] == [["ferry"], [], ["quay"], ["ferry"]]
    assert posts[2]["urls"] == ["hxxps://example[.]org/long/x"]
    assert [row["account_id"] for row in posts] == [account_id_of("twitter", USER)] * 3 + [None]
    assert all(row["fragments"] == [] and not row["is_translation"] for row in posts)
    (account,) = built.version.table("accounts").to_pylist()
    assert account["names"] == ["Quay"]
    layers = built.version.table("text_layers").to_pylist()
    assert [(row["layer"], row["text"]) for row in layers] == [("original", row["text"]) for row in posts]
    (link,) = built.version.table("post_links").to_pylist()
    assert (link["post_id"], link["other_id"], link["kind"]) == (posts[0]["post_id"], posts[3]["post_id"], "exact")
    (line,) = built.version.table("sources").to_pylist()
    assert (line["format"], line["characters"], line["text_sha256"]) == ("table", None, None)
    assert not build(workspace).new
    assert is_current(workspace, open_version(workspace))


def test_other_mapping_is_another_version(workspace: Workspace) -> None:
    source = add(workspace, "x.csv", "id,text,more\n1,a,b\n")
    build(workspace)
    toml = source.folder / "source.toml"
    toml.write_text(toml.read_text().replace('text = "text"', 'text = "more"'))
    built = build(workspace)
    assert built.new
    assert built.version.table("posts")["text"].to_pylist() == ["b"]


def test_one_post_in_two_tables_is_an_error(workspace: Workspace) -> None:
    add(workspace, "x.csv", "id,text\n1,a\n2,b\n")
    add(workspace, "y.csv", "id,text\n3,a\n2,c\n")
    with pytest.raises(InputError, match=r"1 posts stand in two tables, such as post_\w+: x row 2, y row 2"):
        build(workspace)


def test_every_table_is_searched_for_near_duplicates(workspace: Workspace) -> None:
    words = "the baker sells salt lamps beside the old harbour clock and the ferry"
    add(workspace, "x.csv", "id,text\n" + "".join(f"{n},{words} {n}\n" for n in range(3)) + f"9,{words} 1\n")
    built = build(workspace)
    assert built.skipped == {}
    assert Counter(built.version.table("post_links")["kind"].to_pylist()) == {"exact": 1, "near_duplicate": 3}
    assert built.version.table("clusters")["size"].to_pylist() == [4] * 4


def test_tables_have_no_spans(workspace: Workspace) -> None:
    source = add(workspace, "x.csv", "id,text\n1,a\n")
    with pytest.raises(InputError, match="source x is a table"):
        propose.propose(workspace, source)
    with pytest.raises(InputError, match="source x has no spans to accept"):
        segments.accept(workspace, source)


def test_command(workspace: Workspace, tmp_path: Path) -> None:
    root = workspace.root
    (tmp_path / "t.csv").write_text(table([tweet(1), tweet(2, "")]))
    refused = inside("-C", root, "source", "add", tmp_path / "t.csv", code=1)
    assert "is a table: which of its columns is what?" in refused.stderr
    assert "--preset takedown-tweets" in refused.stderr
    inside("-C", root, "source", "add", tmp_path / "t.csv", "--preset", "takedown-tweets", "--format", "text", code=2)
    added = inside("-C", root, "source", "add", tmp_path / "t.csv", "--preset", "takedown-tweets")
    assert "2 rows: 1 accepted, 1 rejected" in added.stderr
    assert "1 × text: empty (first: row 2)" in added.stderr
    (tmp_path / "m.jsonl").write_text('{"n": 1, "words": "a"}\n')
    inside(
        "-C", root, "source", "add", tmp_path / "m.jsonl", "--map", "n=platform_object_id", "--map", "words=text",
        "--platform", "Chirpyard",
    )  # fmt: skip
    listed = told("-C", root, "source", "list")
    assert [(line["source"], line["posts"], line["state"]) for line in listed] == [
        ("t", 1, "accepted"),
        ("m", 1, "accepted"),
    ]
    inside("-C", root, "source", "segment", "t", code=1)
    inside("-C", root, "corpus", "build")
    assert "2, accepted 2" in inside("-C", root, "status").stdout


def test_seen() -> None:
    seen = Seen()
    names = [hashlib.sha256(str(n).encode()).hexdigest()[:32] for n in range(5000)]
    assert not seen.add(names[:3000]).any()
    assert seen.add([names[0], names[4000], names[4000], names[2999]]).tolist() == [True, False, True, True]
    for name in names[3000:3100]:
        assert seen.add([name]).tolist() == [False]
    assert seen.add(names).sum() == 3101


CELL = st.one_of(
    st.sampled_from(["", "1", "2", "[a, b]", "[a", "2019-03-04 05:06", "9.0E+17", 'a"b', "a\nb", "a,b", "\0", "燈籠"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r"), max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=12),
    short=st.lists(st.integers(0, 12), max_size=3),
    form=st.sampled_from(["csv", "jsonl"]),
)
def test_nothing_vanishes(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, str, str, str]],
    short: list[int],
    form: str,
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    names = ["id", "text", "at", "tags"]
    written = [("0", "one that fits", "", ""), *cells]
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(names)
        for i, row in enumerate(written):
            writer.writerow(row[:2] if i and i in short else row)
        content = out.getvalue()
    else:
        content = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in written)
    columns = SIMPLE | {"posted_at": "at", "hashtags": "tags"}
    made = TableFile(
        kind="csv" if form == "csv" else "jsonl",
        holds="posts",
        delimiter="," if form == "csv" else None,
        platform="Chirpyard",
        columns=columns,
    )
    raw = folder / f"t.{form}"
    raw.write_text(content, encoding="utf-8", newline="")
    counts = ingest.ingest(raw, "0" * 64, made, folder)
    assert counts.rows == len(written) == counts.accepted + sum(counts.rejected.values())
    kept = pq.read_table(folder / "rows.parquet").to_pylist()
    refused = [record["row"] for _, record in read_jsonl(folder / "rejects.jsonl")]
    assert sorted([*(row["row"] for row in kept), *refused]) == [*range(1, len(written) + 1)]
    for row in kept:
        assert row["text"] == written[row["row"] - 1][1]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(8)), other=st.text("abc", max_size=5))
def test_ids_depend_on_platform_and_native_id_alone(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], other: str
) -> None:
    folder = tmp_path_factory.mktemp("ids")
    workspace = Workspace.create(folder / "workspace", new_settings("ids"))
    lines = [{"id": str(n), "text": f"{other} text {n}", "more": other} for n in order]
    source = add(workspace, "x.csv", table(lines, ["more", "text", "id"]))
    assert {row["platform_object_id"]: row["post_id"] for row in rows(source)} == {
        str(n): digest_id("post", "chirpyard", str(n)) for n in range(8)
    }


def test_errors_are_expected_ones(workspace: Workspace) -> None:
    for content in (b"\0" * 100, b"PK\x03\x04abc", b"\x1f\x8b", b"{", b"\n\n", b'"'):
        with pytest.raises(DocpostsError):
            add(workspace, "x.csv", content)


def test_a_quotation_mark_that_is_never_closed_is_told(workspace: Workspace) -> None:
    source = add(workspace, "x.csv", 'id,text\n1,a\n2,"b\n3,c\n')
    assert ingest.counts(source).rows == 2
    assert any("an odd number of quotation marks" in line for line in ingest.summary(source))
    assert not ingest.counts(add(workspace, "y.csv", 'id,text\n5,"a ""b"""\n')).note
