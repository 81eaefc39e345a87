"""Versions looked at, compared and verified: also where somebody edited one and wrote every digest anew."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import inside, told
from tests.test_corpus import add_examples, add_text
from toolkit.corpus import difference as difference_module
from toolkit.corpus import store
from toolkit.corpus.build import build
from toolkit.corpus.changes import records
from toolkit.corpus.difference import difference
from toolkit.corpus.promote import promote
from toolkit.corpus.query import query
from toolkit.corpus.shares import shares
from toolkit.corpus.show import show
from toolkit.corpus.stats import stats
from toolkit.corpus.verify import Check, verify
from toolkit.errors import ChecksFailed, ConflictError, InputError
from toolkit.fsio import sha256_file, write_atomic
from toolkit.parquet import scan
from toolkit.schema import table
from toolkit.sources import registry, segments
from toolkit.sources.tabular.add import add_table
from toolkit.workspace import Workspace, new_settings

Rows = list[dict[str, Any]]
TABLE = "tweetid,tweet_text,tweet_time,tweet_language\n" + "".join(
    f'{n},"Lamp number {n} #Lamps @keeper",2032-0{n}-01 10:00,en\n' for n in range(1, 6)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three versions: a post edited (0.2.0), then one source added and one removed (0.3.0)."""
    workspace = Workspace.create(tmp_path_factory.mktemp("versions") / "ws", new_settings("test", "A test"))
    add_examples(workspace)
    gone = add_text(workspace, "gone", "A post that will go")
    csv_file = workspace.root / "tweets.csv"
    csv_file.write_text(TABLE, encoding="utf-8")
    add_table(
        workspace, csv_file, columns={"platform_object_id": "tweetid", "text": "tweet_text"}, platform="Chirpyard"
    )
    assert str(build(workspace).version.version) == "0.1.0"
    # One post ends a word earlier: another text, under the id that it has.
    source = registry.get(workspace, "lantern-quay-3")
    spans = segments.load(source.segments_path, source.text)
    edited = next(span for span in spans if span.key == "post-3")
    shorter = edited.char_start + source.text[edited.char_start : edited.char_end].rstrip().rindex(" ")
    changed = [s.model_copy(update={"char_end": shorter, "sha256": None}) if s is edited else s for s in spans]
    segments.save(workspace, source, changed, "test", "curator")
    assert str(build(workspace).version.version) == "0.2.0"
    add_text(workspace, "third", "A post of harbours", "Another of harbours")
    gone.segments_path.unlink()
    assert str(build(workspace).version.version) == "0.3.0"
    return workspace.root


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "ws", symlinks=True)
    return Workspace.open(tmp_path / "ws")


def post_of(workspace: Workspace, source_id: str, key: str) -> str:
    source = registry.get(workspace, source_id)
    return next(str(s.id) for s in segments.load(source.segments_path, source.text) if s.key == key)


def failed(checks: list[Check]) -> set[tuple[str, str]]:
    return {(check.version, check.name) for check in checks if check.ok is False}


def forge(
    workspace: Workspace, name: str, change: Callable[[Rows], None], version: str = "0.3.0", **about: Any
) -> None:
    """Edit rows of a version and write everything anew that vouches for them: part, links, manifest, ledger."""
    found = store.open_version(workspace, version)
    parts: dict[str, list[tuple[str, pa.Table]]] = {}
    for other, entry in found.manifest["tables"].items():
        names = [part["name"] for part in entry["parts"]]
        files = [path for _, path in found.part_files(other)]
        parts[other] = [(part, pq.read_table(path)) for part, path in zip(names, files, strict=True)]
    pieces = []
    for part, rows in parts[name]:
        listed = rows.to_pylist()
        change(listed)
        pieces.append((part, table(name).from_rows(listed)))
    parts[name] = pieces
    manifest = dict(found.manifest) | {"tables": store.write_parts(workspace.corpus_dir / "parts", parts)} | about
    shutil.rmtree(found.folder)
    store.publish(found.folder, manifest)
    digest = sha256_file(found.folder / "manifest.json")
    record = [r for r in workspace.ledger.records("corpus") if r["version"] == version][-1]
    workspace.ledger.append("corpus", **{k: v for k, v in record.items() if k != "event"} | {"manifest": digest})


# What an honest store says


def test_every_version_verifies_and_those_of_todays_inputs_are_built_again(workspace: Workspace) -> None:
    checks = verify(workspace)
    assert not failed(checks)
    states = {(check.version, check.name): check.ok for check in checks}
    assert [states[version, "again"] for version in ("0.1.0", "0.2.0", "0.3.0")] == [None, None, True]
    assert {check.name for check in checks if check.version == "0.1.0" and check.ok} == {
        *("files", "ledger", "manifest", "keys", "spans", "ids", "derived")
    }


def test_an_earlier_version_is_built_again_while_its_sources_are_what_they_were(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws", new_settings("test"))
    add_text(workspace, "one", "The first post")
    build(workspace)
    add_text(workspace, "two", "The second post")
    build(workspace)
    again = {check.version: check.ok for check in verify(workspace) if check.name == "again"}
    assert again == {"0.1.0": True, "0.1.1": True}


def test_verifying_writes_nothing(workspace: Workspace) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.name != ".docposts.lock"}
    verify(workspace)
    after = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.name != ".docposts.lock"}
    assert after == before


# Damage, and what hides it


def _flip(workspace: Workspace) -> None:
    _, path = store.open_version(workspace).part_files("posts")[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _lose_part(workspace: Workspace) -> None:
    store.open_version(workspace).part_files("posts")[0][1].unlink()


def _lose_link(workspace: Workspace) -> None:
    next((store.open_version(workspace).folder / "posts").iterdir()).unlink()


def _extra_file(workspace: Workspace) -> None:
    (store.open_version(workspace).folder / "posts" / "9999-extra.parquet").write_bytes(b"")


def _extra_part(workspace: Workspace) -> None:
    (workspace.corpus_dir / "parts" / "extra.parquet").write_bytes(b"")


def _file_for_link(workspace: Workspace) -> None:
    link = next((store.open_version(workspace).folder / "posts").iterdir())
    content = link.read_bytes()
    link.unlink()
    link.write_bytes(content)


def _manifest(workspace: Workspace) -> None:
    path = store.open_version(workspace).folder / "manifest.json"
    write_atomic(path, path.read_text(encoding="utf-8").replace('"unreviewed":[]', '"unreviewed":["third"]'))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_flip, {("0.3.0", "files")}),
        (_lose_part, {("0.3.0", "files")}),
        (_lose_link, {("0.3.0", "files")}),
        (_extra_file, {("0.3.0", "files")}),
        (_extra_part, {("store", "files")}),
        (_file_for_link, {("0.3.0", "files")}),
        (_manifest, {("0.3.0", "ledger")}),
    ],
)
def test_damage_is_found(
    workspace: Workspace, damage: Callable[[Workspace], None], found: set[tuple[str, str]]
) -> None:
    damage(workspace)
    assert failed(verify(workspace, "0.3.0", again=False)) == found


def _set(column: str, value: Any, where: str = "lantern-quay-3") -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for row in rows:
            if row["source_id"] == where:
                row[column] = value(row[column]) if callable(value) else value
                return

    return change


_FORGED: list[tuple[str, Callable[[Rows], None], str]] = [
    ("posts", _set("text", lambda text: text.replace("e", "o", 1)), "spans"),
    ("posts", _set("post_id", "post_" + "0" * 32), "keys"),
    ("posts", _set("text_lang", "fr"), "derived"),
    ("posts", _set("exact_hash", "0" * 64), "derived"),
    ("posts", _set("hashtags", ["Forged"]), "derived"),
    ("posts", _set("account_id", "account_" + "0" * 32), "keys"),
    ("posts", _set("text", "Lamp number 9", "tweets"), "spans"),
    ("posts", _set("flags", ["bidi_control"], "tweets"), "derived"),
    ("posts", _set("post_id", "post_" + "0" * 32, "tweets"), "ids"),
    ("posts", _set("posted_at", "1999-01-01", "tweets"), "spans"),
    ("posts", _set("place", lambda place: place + 1, "tweets"), "spans"),
    ("segments", _set("text", lambda text: text[:-1] + "~"), "spans"),
    ("segments", _set("row_id", "post_" + "0" * 32), "ids"),
    ("text_layers", _set("text", lambda text: text + "!"), "spans"),
    ("photo_texts", _set("place", 3), "spans"),
    ("notes", _set("text", "another note"), "spans"),
    ("narratives", _set("text", "another narrative"), "spans"),
    ("references", _set("text", "9"), "spans"),
    ("sources", _set("text_sha256", "0" * 64), "spans"),
    ("accounts", _set("handle", "another", "salt-lamps"), "ids"),
]


@pytest.mark.parametrize(("name", "change", "found"), _FORGED)
def test_an_edited_row_is_found_though_every_digest_was_written_anew(
    workspace: Workspace, name: str, change: Callable[[Rows], None], found: str
) -> None:
    forge(workspace, name, change)
    checks = failed(verify(workspace, "0.3.0", again=False))
    assert ("0.3.0", found) in checks
    assert not {("0.3.0", "files"), ("0.3.0", "ledger")} & checks


def test_what_only_the_sources_know_is_found_by_building_again(workspace: Workspace) -> None:
    forge(workspace, "posts", _set("campaign", "another"))
    # The step and number follow from the rows, so that they are forged as well.
    assert ("0.3.0", "again") in failed(verify(workspace, "0.3.0"))


def test_a_wrong_step_is_found(workspace: Workspace) -> None:
    forge(workspace, "posts", lambda rows: None, step="minor")
    assert failed(verify(workspace, "0.3.0", again=False)) == {("0.3.0", "manifest")}


def test_verify_ends_with_3_and_names_what_failed(workspace: Workspace) -> None:
    assert "none failed" in inside("-C", workspace.root, "corpus", "verify", "0.3.0").stderr
    _flip(workspace)
    ended = inside("-C", workspace.root, "corpus", "verify", "--not-again", code=3)
    assert "is damaged" in ended.stdout
    assert "--repair" in ended.stderr


# Differences


def test_a_difference_by_row_and_column(workspace: Workspace, tmp_path: Path) -> None:
    found = told("-C", workspace.root, "corpus", "diff", "0.1.0", "0.2.0")
    tables = {part["table"]: part for part in found["tables"]}
    assert tables.keys() == {"segments", "posts", "text_layers"}
    (row,) = tables["posts"]["rows"]
    edited = post_of(workspace, "lantern-quay-3", "post-3")
    assert row["key"] == {"post_id": edited}
    assert row["change"] == "changed"
    assert {"text", "fragments", "exact_hash"} <= row["columns"].keys()
    before, after = row["columns"]["text"]["before"], row["columns"]["text"]["after"]
    assert before.startswith(after)
    assert before[len(after) :].count(" ") == 1
    assert tables["posts"]["step"] == "major"
    assert (tables["posts"]["added"], tables["posts"]["removed"], tables["posts"]["changed"]) == (0, 0, 1)
    # A span that ends elsewhere is another span: the key of a segment is its place.
    assert (tables["segments"]["added"], tables["segments"]["removed"]) == (1, 1)


def test_a_difference_as_text_and_as_parquet(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "changes.parquet"
    shown = inside("-C", workspace.root, "corpus", "diff", "0.2.0", "0.3.0", "-o", out).stdout
    assert "  + post_" in shown
    assert "A post of harbours" in shown
    assert "  - post_" in shown
    assert "A post that will go" in shown
    rows = pq.read_table(out).to_pylist()
    assert pq.read_schema(out).equals(table("changes").arrow)
    assert not table("changes").check(table("changes").from_rows(rows))
    texts = [(r["change"], r["before"], r["after"]) for r in rows if (r["table"], r["column"]) == ("posts", "text")]
    assert sorted(texts, key=str) == sorted(
        [
            ("added", None, '"A post of harbours"'),
            ("added", None, '"Another of harbours"'),
            ("removed", '"A post that will go"', None),
        ],
        key=str,
    )
    moved = [r for r in rows if r["table"] == "sources" and r["change"] == "changed"]
    assert not moved


@pytest.mark.parametrize("at_once", [difference_module.ROWS_A_PASS, 3])
def test_differences_agree_with_a_comparison_row_by_row(
    workspace: Workspace, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROWS_A_PASS", "ROWS_AT_ONCE"):
        monkeypatch.setattr(difference_module, name, at_once)
    one, other = (store.open_version(workspace, version) for version in ("0.1.0", "0.3.0"))
    parts = {part.name: part for part in difference(one, other)}
    for name in other.manifest["tables"]:
        schema = table(name)
        old, new = (
            {json.dumps([row[k] for k in schema.primary_key]): row for row in version.table(name).to_pylist()}
            for version in (one, other)
        )
        expected: set[tuple[str, str, str | None, str | None]]
        expected = {(key, "added", None, None) for key in new.keys() - old.keys()}
        expected |= {(key, "removed", None, None) for key in old.keys() - new.keys()}
        for key in old.keys() & new.keys():
            expected |= {
                (key, "changed", column, json.dumps(new[key][column]))
                for column in new[key]
                if old[key][column] != new[key][column]
            }
        found: set[tuple[str, str, str | None, str | None]] = set()
        changes = [*parts[name].rows()] if name in parts else []
        if name in parts:
            keys = [json.dumps([*row.key.values()]) for row in changes]
            order = {key: [*map(row.get, ("source_id", "place")), key] for key, row in (old | new).items()}
            assert keys == sorted(keys, key=lambda key: [*filter(None, order[key])])
            assert keys[:3] == [json.dumps([*row.key.values()]) for row in parts[name].rows(3)]
            kinds = Counter(row.kind for row in changes)
            assert parts[name].counts == {kind: kinds[kind] for kind in ("added", "removed", "changed")}
            columns = Counter(cell.column for row in changes if row.kind == "changed" for cell in row.cells)
            assert parts[name].changed_columns == columns
        for row in changes:
            key = json.dumps(list(row.key.values()))
            if row.kind == "changed":
                found |= {(key, "changed", cell.column, json.dumps(cell.after)) for cell in row.cells}
                assert len(records(row)) == len(row.cells)
            else:
                found.add((key, row.kind, None, None))
        assert found == expected


def _sides(tmp_path: Path, *sides: list[list[int]]) -> list[Any]:
    """Return datasets of parts that have these ids, each with a text of the side's own."""
    found = []
    for side, parts in enumerate(sides):
        paths = [tmp_path / f"{side}-{number}.parquet" for number in range(len(parts))]
        for path, ids in zip(paths, parts, strict=True):
            pq.write_table(pa.table({"id": pa.array(ids, pa.int64()), "text": [f"{side} {one}" for one in ids]}), path)
        found.append(scan(paths))
    return found


def _parts_of(side: Any) -> list[str]:
    return [] if isinstance(side, pa.Table) else [Path(file).stem for file in side.files]


def test_where_all_rows_differ_a_part_is_read_for_its_own_share_alone(tmp_path: Path) -> None:
    parts = [[10 * part + n for n in range(10)] for part in range(4)]
    before, after = _sides(tmp_path, [*parts, [90, 91]], parts[:3])
    found = shares(before, after, 'hash("id", "text")', 'hash("id")', 20)
    assert [(_parts_of(share.before), _parts_of(share.after)) for share in found] == [
        (["0-0"], ["1-0"]),
        (["0-1"], ["1-1"]),
        (["0-2"], ["1-2"]),
        (["0-3"], []),
        (["0-4"], []),
    ]
    assert [share.suspects.num_rows for share in found if share.suspects] == [10, 10, 10, 10, 2]


def test_rows_with_the_same_bits_are_looked_for_in_all_parts(tmp_path: Path) -> None:
    before, after = _sides(tmp_path, [[1, 2], [3]], [[1, 2], [3, 2]])
    found = shares(before, after, 'hash("id", "text")', 'hash("id")', 4)
    assert [(_parts_of(share.before), _parts_of(share.after)) for share in found] == [
        (["0-0", "0-1"], ["1-0", "1-1"])
    ] * 2
    assert sum(share.suspects.num_rows for share in found if share.suspects) == 3


def test_versions_that_are_the_same_do_not_differ(workspace: Workspace) -> None:
    version = store.open_version(workspace)
    assert difference(version, version) == []


def test_the_first_version_has_none_to_compare_with(workspace: Workspace) -> None:
    ended = inside("-C", workspace.root, "corpus", "diff", "0.1.0", "0.1.0")
    assert "no row differs" in ended.stderr
    with pytest.raises(InputError, match="is the first"):
        store.pair(workspace, None, "0.1.0")


# Promoting


def test_promoting_makes_1_0_0_of_the_same_rows_and_steps_then_move_their_own_place(workspace: Workspace) -> None:
    made = promote(workspace)
    assert str(made.version) == "1.0.0"
    assert made.manifest["tables"] == store.open_version(workspace, "0.3.0").manifest["tables"]
    assert not build(workspace).new
    assert not failed(verify(workspace, "1.0.0"))
    with pytest.raises(ConflictError, match=r"past 0\.x"):
        promote(workspace)
    add_text(workspace, "fourth", "Still another post")
    assert str(build(workspace).version.version) == "1.1.0"
    # A clone without derived files makes the version that the ledger has last for its input.
    shutil.rmtree(workspace.corpus_dir)
    (workspace.sources_dir / "fourth" / "segments.jsonl").unlink()
    assert str(build(workspace).version.version) == "1.0.0"


def test_what_does_not_verify_is_not_promoted(workspace: Workspace) -> None:
    forge(workspace, "posts", _set("text_lang", "fr"))
    with pytest.raises(ChecksFailed, match="does not verify"):
        promote(workspace)
    assert [str(found.version) for found in store.versions(workspace)] == ["0.1.0", "0.2.0", "0.3.0"]


# Looking in


def test_a_post_with_its_place_and_history(workspace: Workspace) -> None:
    edited = post_of(workspace, "lantern-quay-3", "post-3")
    found = show(workspace, edited[:12])
    assert found.row["post_id"] == edited
    source = registry.get(workspace, "lantern-quay-3")
    assert found.place is not None
    assert found.place.before + found.place.text + found.place.after in source.text
    assert [(s.version, s.what) for s in found.history] == [
        ("0.1.0", "added"),
        ("0.2.0", "changed"),
        ("0.3.0", "unchanged"),
    ]
    assert "text" in found.history[1].columns
    alike = show(workspace, post_of(workspace, "salt-lamps", "post-2")).alike
    assert [(other.post_id, other.kind) for other in alike] == [
        (post_of(workspace, "salt-lamps", "post-3"), "near_duplicate, translation")
    ]


def test_a_post_that_is_gone_is_shown_as_of_the_version_that_had_it(workspace: Workspace) -> None:
    version = store.open_version(workspace, "0.1.0")
    gone = next(r["post_id"] for r in version.table("posts").to_pylist() if r["source_id"] == "gone")
    found = show(workspace, gone)
    assert found.version == "0.2.0"
    assert [state.what for state in found.history] == ["added", "unchanged", "removed"]
    printed = inside("-C", workspace.root, "corpus", "show", gone).stdout
    assert "A post that will go" in printed
    assert "removed" in printed


def test_a_row_of_a_table_names_the_row(workspace: Workspace) -> None:
    version = store.open_version(workspace)
    third = [r for r in version.table("posts").to_pylist() if r["source_id"] == "tweets"][2]
    found = told("-C", workspace.root, "corpus", "show", third["post_id"])
    assert found["place"]["where"] == "tweets.csv, row 3"
    assert found["row"]["text"] == "Lamp number 3 #Lamps @keeper"


@pytest.mark.parametrize("item", ["post_", "post_nothing"])
def test_an_id_that_is_none_or_several(workspace: Workspace, item: str) -> None:
    inside("-C", workspace.root, "corpus", "show", item, code=1)


def test_a_query_in_every_form(workspace: Workspace, tmp_path: Path) -> None:
    sql = "SELECT source_id, count(*) AS posts FROM posts WHERE source_id IN ('third', 'tweets') GROUP BY 1 ORDER BY 1"
    assert told("-C", workspace.root, "corpus", "query", sql) == [
        {"source_id": "third", "posts": 2},
        {"source_id": "tweets", "posts": 5},
    ]
    printed = inside("-C", workspace.root, "corpus", "query", sql, "--csv").stdout
    assert printed == "source_id,posts\nthird,2\ntweets,5\n"
    out = tmp_path / "answer.parquet"
    inside("-C", workspace.root, "corpus", "query", sql, "-o", out)
    assert pq.read_table(out).to_pydict() == {"source_id": ["third", "tweets"], "posts": [2, 5]}
    older = "SELECT count(*) AS n FROM posts WHERE source_id = 'gone'"
    assert told("-C", workspace.root, "corpus", "query", older, "--version", "0.1.0") == [{"n": 1}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_parquet('https://example.invalid/x.parquet')",
        "COPY posts TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "CREATE TABLE mine AS SELECT 1",
        "INSERT INTO posts SELECT * FROM posts",
        "DROP VIEW posts",
        "EXPORT DATABASE '{folder}/all'",
        "SELECT 1; SELECT 2",
        "PRAGMA database_list",
        "SELECT * FROM version",
        "SELECT * FROM nothing",
        "SELEC",
        "",
    ],
)
def test_a_query_reaches_the_tables_and_nothing_else(workspace: Workspace, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    before = sorted(tmp_path.iterdir())
    asked = sql.format(file=tmp_path / "secret.csv", folder=tmp_path)
    with pytest.raises(InputError), query(store.open_version(workspace), asked) as answer:
        answer.read_all()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_an_export_is_a_data_package_of_the_same_rows(workspace: Workspace, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    inside("-C", workspace.root, "corpus", "export", out, "--format", form)
    package = json.loads((out / "datapackage.json").read_text(encoding="utf-8"))
    version = store.open_version(workspace)
    assert [r["name"] for r in package["resources"]] == list(version.manifest["tables"])
    for resource in package["resources"]:
        assert resource["hash"] == f"sha256:{sha256_file(out / resource['path'])}"
    expected = version.table("posts").to_pylist()
    if form == "parquet":
        assert pq.read_table(out / "posts.parquet").to_pylist() == expected
    elif form == "jsonl":
        lines = (out / "posts.jsonl").read_text(encoding="utf-8").split("\n")
        assert [json.loads(line) for line in lines if line] == expected
    else:
        read = list(csv.DictReader(io.StringIO((out / "posts.csv").read_text(encoding="utf-8"))))
        assert [row["text"] for row in read] == [row["text"] for row in expected]
        assert [json.loads(row["fragments"]) for row in read] == [row["fragments"] for row in expected]
        assert {row["unreviewed"] for row in read} == {"false"}
    inside("-C", workspace.root, "corpus", "export", out, code=1)


def test_statistics_count_the_rows(workspace: Workspace) -> None:
    version = store.open_version(workspace)
    found = stats(version)
    posts = version.table("posts").to_pylist()
    assert sum(row["posts"] for row in found["sources"]) == len(posts)
    assert {row["language"]: row["posts"] for row in found["languages"]}["zh"] == sum(
        row["text_lang"] == "zh" for row in posts
    )
    assert {row["hashtag"]: row["posts"] for row in found["hashtags"]}["Lamps"] == 5
    assert sum(row["size"] * row["groups"] for row in found["cluster_sizes"]) == len(posts)
    assert sum(row["posts"] for row in found["dates"]) == len(posts)


def test_the_page_of_statistics_loads_nothing_and_is_the_same_each_time(workspace: Workspace, tmp_path: Path) -> None:
    add_text(workspace, "hostile", "#<script>alert(1)</script> $x^2$ #dollar$ \u202eword", "#$\\frac{1}$ again")
    build(workspace)
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    inside("-C", workspace.root, "corpus", "stats", "--html", one)
    inside("-C", workspace.root, "corpus", "stats", "--html", other)
    page = one.read_text(encoding="utf-8")
    assert page == other.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page
    assert page.count("<svg") >= 6
    assert not any(mark in page for mark in (' src="http', "@import", "url(http"))
