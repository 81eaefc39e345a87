"""The tables' declarations, and what their checks catch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from toolkit.resources import resource
from toolkit.schema import Column, Table, table, table_names

CLASSES = {"identity", "content", "derived", "provenance"}
ID = "post_" + "0" * 32


def post(**values: Any) -> dict[str, Any]:
    return {
        "post_id": ID,
        "source_id": "s",
        "place": 0,
        "text": "words",
        "fragments": [{"start": 0, "end": 5, "source_start": 0, "source_end": 5}],
        "text_lang": "en",
        "is_translation": True,
        "script": "Latn",
        "uncertain_boundary": False,
        "unreviewed": False,
        "exact_hash": "0" * 64,
        "hashtags": [],
        "mentions": [],
        "urls": [],
        "insertions": [],
        "footnotes": [],
        "media": [],
        "flags": [],
    } | values


def problems(*rows: dict[str, Any], others: dict[str, pa.Table] | None = None) -> list[str]:
    posts = table("posts")
    return posts.check(posts.from_rows(rows), others)


def test_every_table_is_there_by_its_name() -> None:
    assert table_names() == sorted(path.stem for path in resource("schemas").iterdir())
    assert {"sources", "segments", "posts", "photo_texts", "judgements", "decisions", "release_posts"} <= {
        *table_names()
    }


@pytest.mark.parametrize("name", table_names())
def test_a_declaration_says_what_each_column_is(name: str) -> None:
    declared = json.loads(resource("schemas", f"{name}.json").read_text(encoding="utf-8"))
    loaded = table(name)
    assert loaded.name == declared["name"] == name
    assert loaded.title
    assert loaded.description.endswith(".")
    names = [field["name"] for field in declared["fields"]]
    assert loaded.arrow.names == names
    assert len(set(names)) == len(names)
    for field, column in zip(declared["fields"], loaded.columns, strict=True):
        assert field["title"].strip(), field["name"]
        assert field["description"].strip(), field["name"]
        assert field["class"] in CLASSES, field["name"]
        assert column == Column(
            field["name"],
            field["title"],
            field["description"],
            loaded.arrow.field(field["name"]).type,
            field["class"],
            field.get("constraints", {}),
        )
        assert {*field} <= {"name", "type", "title", "description", "class", "arrow", "constraints"}
        assert {*column.constraints} <= {"required", "unique", "enum", "pattern"}


@pytest.mark.parametrize("name", table_names())
def test_keys_name_columns_that_are_there(name: str) -> None:
    loaded = table(name)
    assert loaded.primary_key
    assert {*loaded.primary_key} <= {*loaded.arrow.names}
    for column, other, there in loaded.foreign_keys:
        assert column in loaded.arrow.names
        assert there in table(other).arrow.names
    by_name = {column.name: column for column in loaded.columns}
    for key in loaded.primary_key:
        assert by_name[key].constraints.get("required"), f"{name}.{key} may be empty, but rows are known by it"


@pytest.mark.parametrize("name", table_names())
def test_a_table_without_rows_holds(name: str) -> None:
    loaded = table(name)
    assert loaded.check(loaded.empty(), {loaded.name: loaded.empty()}) == []
    assert loaded.from_rows([]).schema == loaded.arrow


def test_arrow_types() -> None:
    posts, judgements = table("posts").arrow, table("judgements").arrow
    assert posts.field("place").type == pa.int32()
    assert posts.field("hashtags").type == pa.list_(pa.string())
    assert judgements.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert judgements.field("confidence").type == pa.int8()
    assert posts.field("fragments").type == pa.list_(
        pa.struct(
            [("start", pa.int32()), ("end", pa.int32()), ("source_start", pa.int32()), ("source_end", pa.int32())]
        )
    )


def test_columns_by_class() -> None:
    links = table("post_links")
    assert links.names("identity") == ["post_id", "other_id", "kind"]
    assert links.names("derived") == ["similarity", "cluster_id"]
    assert links.names("derived", "identity") == links.arrow.names


def test_a_row_that_holds_has_no_problems() -> None:
    assert problems(post()) == []
    assert problems(post(), post(post_id="post_" + "1" * 32, hashtags=["a"], flags=["control"])) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (post(text=None), "posts.text: 1 empty values where one is required"),
        (post(post_id="post_1"), "posts.post_id: 'post_1' does not have the form post_[0-9a-f]{32}"),
        (post(post_id=ID + "0"), f"posts.post_id: '{ID}0' does not have the form post_[0-9a-f]{{32}}"),
        (post(post_id=f"a\n{ID}"), "does not have the form"),
        (post(flags=["shiny"]), "posts.flags: 'shiny' is none of bidi_control, zero_width, control, confusable"),
    ],
)
def test_a_value_that_does_not_hold(row: dict[str, Any], problem: str) -> None:
    (found,) = problems(row)
    assert problem in found


def test_the_same_key_twice() -> None:
    assert problems(post(), post(text="other")) == [
        "posts.post_id: values are not unique",
        "posts: two rows have the same post_id",
    ]
    layers = table("text_layers")
    row = {name: post()[name] for name in ("post_id", "source_id", "place", "text", "fragments", "text_lang", "script")}
    rows = [row | {"layer": "original"}, row | {"layer": "translation"}]
    assert layers.check(layers.from_rows(rows)) == []
    assert layers.check(layers.from_rows([*rows, rows[0]])) == ["text_layers: two rows have the same post_id, layer"]


def test_references_that_lead_nowhere() -> None:
    sources, media = table("sources"), table("media")
    known = {
        "sources": sources.from_rows([{"source_id": "s"}]),
        "media": media.from_rows([{"source_id": "s", "sha256": "a" * 64}]),
    }
    assert problems(post(media=["a" * 64]), others=known) == []
    assert problems(post(source_id="t"), others=known) == ["posts.source_id: 't' is not in sources"]
    assert problems(post(media=["a" * 64, "b" * 64]), others=known) == [f"posts.media: {'b' * 64!r} is not in media"]
    assert problems(post(source_id="t")) == []
    account = "account_" + "0" * 32
    assert problems(post(account_id=account), others=known) == []
    known["accounts"] = table("accounts").empty()
    assert problems(post(account_id=account), others=known) == [f"posts.account_id: {account!r} is not in accounts"]
    assert problems(post(account_id=None), others=known) == []


def test_columns_that_are_not_those_declared() -> None:
    links = table("post_links")
    empty = links.empty()
    assert links.check(empty.drop_columns(["kind"])) == ["post_links: columns are not those of its schema: lacks kind"]
    assert links.check(empty.append_column("more", pa.array([], pa.string()))) == [
        "post_links: columns are not those of its schema: has more"
    ]
    narrow = empty.set_column(3, "similarity", pa.array([], pa.float32()))
    assert links.check(narrow) == ["post_links: columns are not those of its schema: similarity is float, not double"]
    swapped = empty.select([*reversed(links.arrow.names)])
    assert links.check(swapped) == ["post_links: columns are not those of its schema: another order"]


def test_a_column_that_is_not_declared_is_a_defect() -> None:
    with pytest.raises(KeyError, match="table posts declares no column colour"):
        table("posts").from_rows([post(colour="red")])


def test_values_keep_their_types() -> None:
    at = datetime(2032, 5, 3, 12, 0, 0, 123456, UTC)
    (row,) = table("judgements").from_rows([{"judgement_id": "j", "created_at": at, "confidence": 3}]).to_pylist()
    assert row["created_at"] == at
    assert row["confidence"] == 3
    assert row["labels"] is None


def test_a_unique_column_may_be_empty() -> None:
    column = Column("c", "C", "C.", pa.string(), "content", {"unique": True})
    key = Column("k", "K", "K.", pa.int64(), "identity", {"required": True})
    loose = Table("loose", "Loose", "Loose.", (key, column), ("k",), ())
    rows: list[dict[str, Any]] = [{"k": 1, "c": None}, {"k": 2, "c": None}, {"k": 3, "c": "a"}]
    assert loose.check(loose.from_rows(rows)) == []
    assert loose.check(loose.from_rows([*rows, {"k": 4, "c": "a"}])) == ["loose.c: values are not unique"]
