"""Rows of a release from small tables; ``world`` is the fictional corpus that the release tests share."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.codebook import load_codebook
from toolkit.corpus.links import post_links
from toolkit.fsio import sha256_text
from toolkit.ids import normalise
from toolkit.release import rows as release_rows
from toolkit.release.accounts import with_posts
from toolkit.release.features import release_table
from toolkit.release.people import Pseudonyms
from toolkit.schema import table
from toolkit.votes import questions

KEY = bytes(range(32))
Row = dict[str, Any]


def some_id(kind: str, name: str) -> str:
    return f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


P1, P2, P3, P4, P5 = (some_id("post", name) for name in ("p1", "p2", "p3", "p4", "p5"))
PHOTO = some_id("photo", "f1")
ACCOUNT, OUTLET = some_id("account", "gull"), some_id("account", "lamp-daily")
TEXTS = {
    P1: ("kites", "No one is made to carry stones, says @gull_of_sarn on https://sarn.example/wall today.", None),
    P2: ("kites", "Soup, nets and kites: the evening light lies on the water of the old harbour.", None),
    P3: ("lamps", "盐灯没有罪，谁在说谎？", "Salt lamps are no crime; who is it that lies?"),
    P4: ("ferry", "Boat times for Saturday: the first ferry leaves at six, the last one comes back at nine.", None),
    P5: ("ferry", "Write to tide@circle.example or call +99 1234 567 890 if you saw the dyke walkers.", None),
}


@dataclass(frozen=True)
class World:
    """Corpus tables, judgements and decisions as plain rows, to be changed before they become tables."""

    tables: dict[str, list[Row]]
    judgements: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    """Images by their hashes."""

    def corpus(self) -> dict[str, pa.Table]:
        made = {name: table(name).from_rows(rows) for name, rows in self.tables.items()}
        return made | {"post_links": post_links(made["posts"])}

    def judged(self) -> pa.Table:
        shown = {(r["post_id"], r["layer"]): r["text"] for r in self.tables["text_layers"]}
        shown |= {(r["photo_id"], r["kind"]): r["text"] for r in self.tables["photo_texts"]}
        for row in self.judgements:
            row.setdefault("text_sha256", sha256_text(shown.get((row["item_id"], row["text_layer"]), "")))
        return table("judgements").from_rows(self.judgements)

    def decided(self) -> pa.Table:
        return table("decisions").from_rows(self.decisions)

    def with_decisions(self, ruling: dict[tuple[str, str, str | None], str]) -> World:
        """Settle what is unanimous, and of the rest what ``ruling`` names."""
        decisions = []
        for asked in questions(self.judged()):
            outcome = asked.unanimous or ruling.get((asked.item_id, asked.field, asked.label))
            if outcome is not None:
                row = {name: getattr(asked, name) for name in ("item_id", "item_type", "task", "field", "label")}
                method = "unanimous" if asked.unanimous else "adjudicated"
                row |= {"question_id": asked.id, "outcome": outcome, "method": method, "evidence": []}
                row |= {
                    "judgement_ids": list(asked.judgement_ids),
                    "codebook_version": "1.0.0",
                    "provenance": "simulated",
                }
                decisions.append(row)
        return replace(self, decisions=decisions)


def fragment(text: str) -> list[dict[str, int]]:
    return [{"start": 0, "end": len(text), "source_start": 0, "source_end": len(text)}]


def source(name: str, sequence: int, **change: Any) -> Row:
    row = {"source_id": name, "key": f"key-{name}", "sequence": sequence, "title": f"On | {name} *and* <b>more</b>"}
    row |= {"authors": ["Ansel Quill"], "languages": ["en"], "platforms": [], "rights": "redistributable"}
    row |= {
        "selection": "illustrative",
        "fictional": True,
        "format": "text",
        "raw_sha256": "0" * 64,
        "text_sha256": "1" * 64,
    }
    return row | {"characters": 1000, "url": f"https://plover.example/{name}", "actor": "Lantern Quay"} | change


def post(post_id: str, source_id: str, text: str, **change: Any) -> Row:
    han = any("一" <= c <= "鿿" for c in text)
    row: Row = {"post_id": post_id, "source_id": source_id, "place": 0, "text": text, "fragments": fragment(text)}
    row |= {"text_lang": "zh" if han else "en", "is_translation": not han, "script": "Hans" if han else "Latn"}
    row |= {"hashtags": [], "mentions": [], "urls": [], "insertions": [], "footnotes": [], "media": [], "flags": []}
    return row | {"uncertain_boundary": False, "unreviewed": False, "exact_hash": sha256_text(normalise(text))} | change


def layer(post_id: str, source_id: str, name: str, text: str) -> Row:
    row: Row = {"post_id": post_id, "layer": name, "source_id": source_id, "place": 0, "text": text}
    return row | {"fragments": fragment(text), "text_lang": "en", "script": "Latn"}


def judgement(number: int, item_id: str, who: str, labels: dict[str, list[str]], **change: Any) -> Row:
    photo = item_id.startswith("photo_")
    row: Row = {"judgement_id": f"00000000-0000-4000-8000-{number:012}", "item_id": item_id, "annotator": who}
    row |= {"item_type": "photo_text" if photo else "post", "task": "photo_text" if photo else "narrative"}
    at = dt.datetime(2032, 5, 3, 12, number % 60, tzinfo=dt.UTC)
    row |= {"project": "p", "created_at": at, "updated_at": at, "seconds": 60.5, "skipped": False, "image_seen": False}
    row |= {"round": "main", "round_kind": "production", "predictions_shown": False}
    row |= {
        "text_layer": "description" if photo else "translation",
        "codebook_version": "1.0.0",
        "config_sha256": "2" * 64,
    }
    row |= {
        "guide_sha256": "3" * 64,
        "provenance": "simulated",
        "evidence": [],
        "confidence": 2,
        "comment": "secret words",
    }
    row |= {"labels": [{"field": name, "label": label} for name, own in labels.items() for label in own]}
    return row | {"free": [{"field": "speaker", "text": "free words"}], "regions": [], "unanswered": []} | change


def world() -> World:
    posts = [post(item, source_id, text) for item, (source_id, text, _) in TEXTS.items()]
    posts[0] |= {"mentions": ["gull_of_sarn"], "urls": ["hxxps://sarn[.]example/wall"], "account_id": ACCOUNT}
    at = TEXTS[P1][1].index("today")
    posts[0]["insertions"] = [{"start": at, "end": at + 5, "text": "today"}]
    posts[1]["account_id"] = OUTLET
    layers = []
    for item, (source_id, text, translation) in TEXTS.items():
        layers.append(layer(item, source_id, "original" if translation else "translation", text))
        if translation:
            layers.append(layer(item, source_id, "translation", translation))
    text = "A card with a portrait and the words of a harbour spokesman."
    photo = {"photo_id": PHOTO, "source_id": "lamps", "post_id": P3, "place": 0, "kind": "description", "text": text}
    photo |= {
        "fragments": fragment(text),
        "text_lang": "en",
        "script": "Latn",
        "image": "lost",
        "flags": [],
        "unreviewed": False,
    }
    photo |= {"exact_hash": sha256_text(normalise(text))}
    accounts = [
        {"account_id": ACCOUNT, "handle": "gull_of_sarn", "public_figure": False, "state_outlet": False},
        {"account_id": OUTLET, "handle": "LampDaily", "public_figure": False, "state_outlet": True},
    ]
    narrative = {
        "narrative_id": some_id("narrative", "n"),
        "source_id": "kites",
        "place": 0,
        "name": "Sunsets",
        "text": "Prose.",
    }
    tables = {
        "sources": [source("kites", 1), source("lamps", 2, fictional=False), source("ferry", 3)],
        "posts": posts,
        "text_layers": layers,
        "photo_texts": [photo],
        "narratives": [narrative | {"codes": ["n71"]}],
        "accounts": [row | {"source_id": "kites", "platform": "Pagebook", "names": []} for row in accounts],
    }
    tables["accounts"][1]["names"] = ["The Lamp Daily", "Lamp of @gull_of_sarn"]
    event = {"source_id": "kites", "kind": "created", "date": "2031-04-02"}
    tables["account_events"] = [
        event | {"account_id": ACCOUNT, "number": 1},
        event | {"account_id": ACCOUNT, "number": 2, "kind": "renamed", "date": "2030"},
    ]
    start = TEXTS[P1][1].index("today")
    span = {"field": "narrative", "label": "n11", "start": start, "end": start + 5, "mode": "explicit"}
    single = {
        "text_kind": ["description"],
        "carrier": ["quote_card"],
        "function": ["quotation"],
        "device": ["no_device"],
    }
    judgements = [
        judgement(1, P1, "ann-1", {"narrative": ["n11", "n21"], "voice": ["asserts"]}, evidence=[span]),
        judgement(2, P1, "ann-2", {"narrative": ["n11"], "voice": ["asserts"]}),
        judgement(3, P1, "ann-3", {"narrative": ["n11", "n31"], "voice": ["asserts"]}),
        judgement(4, P2, "ann-1", {"narrative": ["n71"]}),
        judgement(5, P2, "ann-2", {"narrative": ["n99"]}),
        judgement(6, P2, "ann-3", {}, skipped=True),
        judgement(7, P3, "ann-1", {"narrative": ["n99"]}),
        judgement(8, P4, "ann-1", {}, skipped=True),
        judgement(9, P5, "ann-1", {"narrative": ["n72"]}),
        judgement(10, P5, "ann-1", {"narrative": ["n73"]}),
        judgement(11, PHOTO, "ann-1", single | {"narrative": ["n12"]}),
        judgement(12, PHOTO, "ann-2", single | {"carrier": ["poster"], "narrative": ["n12"]}),
        judgement(13, PHOTO, "ann-3", single | {"carrier": ["poster"], "device": ["pun"]}),
    ]
    ruling = {(P1, "narrative", "n21"): "contested", (P1, "narrative", "n31"): "no", (PHOTO, "carrier", None): "poster"}
    return World(tables, judgements).with_decisions(ruling)


def made(of: World) -> release_rows.Rows:
    books = {task: load_codebook(task) for task in ("narrative", "photo_text")}
    return release_rows.make(of.corpus(), of.judged(), of.decided(), books, KEY)


def by_id(rows: pa.Table, key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows.to_pylist()}


def test_what_stands_beside_a_text_is_coarse_and_clean() -> None:
    of = world()
    of.tables["posts"][1] |= {"posted_at": "2031-04-02T10:11:12Z", "hashtags": ["quay", "+99 1234 567 890"]}
    of.tables["posts"][2] |= {"posted_at": "2031-04", "actor": "@gull_of_sarn and @LampDaily"}
    of.tables["sources"][0] |= {"authors": ["Ansel Quill (tide@circle.example)"], "title": "On @gull_of_sarn"}
    rows = made(of)
    posts = by_id(rows.rows["posts"], "post_id")
    assert (posts[P2]["posted_at"], posts[P3]["posted_at"], posts[P4]["posted_at"]) == ("2031-04-02", "2031-04", None)
    assert posts[P2]["hashtags"] == ["quay", "[phone]"]
    hidden = Pseudonyms(KEY).handle("gull_of_sarn")
    assert posts[P3]["actor"] == f"@{hidden} and @LampDaily" and "LampDaily" in rows.public
    sources = by_id(rows.rows["sources"], "source_id")
    assert sources["kites"]["authors"] == ["Ansel Quill ([email])"]
    assert sources["kites"]["title"] == posts[P1]["report_title"] == f"On @{hidden}"
    assert sources["kites"]["url"] == "https://plover.example/kites"


def test_labels_of_a_post_are_settled_contested_or_undecided() -> None:
    row = by_id(made(world()).rows["posts"], "post_id")[P1]
    assert row["narrative"] == ["n11"]
    assert (row["narrative_contested"], row["narrative_undecided"]) == (["n21"], [])
    assert row["narrative_dist"] == [
        {"label": "n11", "yes": 3, "of": 3},
        {"label": "n21", "yes": 1, "of": 3},
        {"label": "n31", "yes": 1, "of": 3},
    ]
    assert (row["voice"], row["technique"], row["technique_dist"], row["judgements"]) == (["asserts"], [], [], 3)


def test_a_question_without_a_decision_is_undecided() -> None:
    row = by_id(made(replace(world(), decisions=[])).rows["posts"], "post_id")[P1]
    assert (row["narrative"], row["narrative_undecided"]) == ([], ["n11", "n21", "n31"])


def test_nobody_answering_is_null_and_not_an_empty_list() -> None:
    posts = by_id(made(world()).rows["posts"], "post_id")
    # n99 abstains: of two judgements of P2 one answers. P3 was judged and not answered; P4 only skipped.
    assert (posts[P2]["narrative"], posts[P2]["narrative_dist"]) == (["n71"], [{"label": "n71", "yes": 1, "of": 1}])
    assert (posts[P3]["narrative"], posts[P3]["technique"], posts[P3]["judgements"]) == (None, [], 1)
    assert (posts[P4]["narrative"], posts[P4]["technique"], posts[P4]["judgements"]) == (None, None, 0)


def test_the_latest_of_an_annotators_judgements_counts() -> None:
    assert by_id(made(world()).rows["posts"], "post_id")[P5]["narrative_dist"] == [{"label": "n73", "yes": 1, "of": 1}]


def test_single_choices_of_a_photo_text() -> None:
    (row,) = made(world()).rows["photo_texts"].to_pylist()
    assert (row["text_kind"], row["text_kind_contested"], row["text_kind_undecided"]) == ("description", False, False)
    assert row["carrier"] == "poster"
    assert row["carrier_dist"] == [
        {"label": "quote_card", "votes": 1, "of": 3},
        {"label": "poster", "votes": 2, "of": 3},
    ]
    assert (row["device"], row["device_undecided"]) == (None, True)
    # The narrative field of a photo text that ann-3 left empty; whether that is an answer is the codebook's to say.
    assert row["narrative_dist"][0]["yes"] == 2


def test_flipping_a_vote_changes_the_row_as_predicted() -> None:
    flipped = world()
    flipped.judgements[1]["labels"] = [{"field": "narrative", "label": "n21"}]
    row = by_id(made(flipped).rows["posts"], "post_id")[P1]
    assert row["narrative_dist"][:2] == [{"label": "n11", "yes": 2, "of": 3}, {"label": "n21", "yes": 2, "of": 3}]
    # The decisions weighed other votes: they settle nothing any more.
    assert row["narrative"] == []
    assert row["narrative_undecided"] == ["n11", "n21"] + ["n31"] * ("n31" in row["narrative_undecided"])


def test_people_are_pseudonyms_and_places_follow_the_text() -> None:
    out = made(world())
    row = by_id(out.rows["posts"], "post_id")[P1]
    name = Pseudonyms(KEY).handle("Gull_of_Sarn")
    assert row["text"] == f"No one is made to carry stones, says @{name} on hxxps://sarn[.]example/wall today."
    assert row["mentions"] == [name]
    assert row["account"] == Pseudonyms(KEY).account(ACCOUNT) != ACCOUNT
    assert by_id(out.rows["posts"], "post_id")[P2]["account"] == "LampDaily"
    assert out.public == ("LampDaily",)
    (insertion,) = row["insertions"]
    span = next(filter(None, out.judgements["evidence"].to_pylist()))
    for place in (insertion, *span):
        assert row["text"][place["start"] : place["end"]] == "today"
    assert by_id(out.rows["posts"], "post_id")[P5]["text"].startswith("Write to [email] or call [phone] if")


def test_accounts_are_those_that_posts_name() -> None:
    of, gull = world(), Pseudonyms(KEY).account(ACCOUNT)
    of.tables["posts"][2] |= {"account_id": OUTLET, "posted_at": "2031-11-30T08:00:00Z"}
    # A namesake of the outlet's, who is nobody public, and the outlet's own page elsewhere, which another report speaks of.
    namesake, page, silent = (some_id("account", name) for name in ("namesake", "page", "silent"))
    other = {"handle": "LampDaily", "names": ["Wick"], "public_figure": False, "state_outlet": False}
    of.tables["accounts"] += [
        other | {"account_id": namesake, "source_id": "ferry", "platform": "Chirp"},
        other | {"account_id": page, "source_id": "lamps", "platform": "Babbler", "state_outlet": True, "names": []},
        other | {"account_id": silent, "source_id": "lamps", "platform": "Babbler"},
    ]
    of.tables["posts"][3]["account_id"], of.tables["posts"][4]["account_id"] = namesake, page
    rows = made(of).rows
    found = by_id(with_posts(rows["accounts"], rows["posts"]), "account")
    nobody = Pseudonyms(KEY).account(namesake)
    assert {*found} == {gull, "LampDaily", nobody}
    assert found[gull] == {
        "account": gull,
        "handle": None,
        "names": [],
        "platforms": ["Pagebook"],
        "created": "2031-04",
        "first_known": "2030",
        "public_figure": False,
        "state_outlet": False,
        "posts": 1,
    }
    lamp = found["LampDaily"]
    assert (lamp["handle"], lamp["platforms"], lamp["posts"]) == ("LampDaily", ["Babbler", "Pagebook"], 3)
    assert lamp["names"] == ["The Lamp Daily", f"Lamp of @{Pseudonyms(KEY).handle('gull_of_sarn')}"]
    assert (lamp["created"], lamp["first_known"]) == (None, "2031-11")
    assert (found[nobody]["handle"], found[nobody]["names"], found[nobody]["platforms"]) == (None, [], ["Chirp"])


def test_a_restricted_reports_display_names_stay_behind() -> None:
    of = world()
    books = {task: load_codebook(task) for task in ("narrative", "photo_text")}
    out = release_rows.make(of.corpus(), of.judged(), of.decided(), books, KEY, frozenset({"kites"}))
    outlet = by_id(out.rows["accounts"], "account")["LampDaily"]
    assert (outlet["handle"], outlet["names"]) == ("LampDaily", [])


def test_a_judgement_leaves_without_words_times_and_names() -> None:
    rows = made(world()).judgements.to_pylist()
    columns = set(release_table("judgements").arrow.names)
    assert all(set(row) == columns for row in rows)
    people = {(row["annotator"], row["item_id"]) for row in rows}
    # One name for each person and item, whoever it is: the twelve pairs of them in the thirteen judgements.
    assert len(people) == 12 == len({name for name, _ in people})
    assert all(re.fullmatch("unlinked_[0-9a-f]{16}", name) for name, _ in people)
    assert {row["month"] for row in rows} == {"2032-05"}
    assert "secret words" not in str(rows) and "free words" not in str(rows)
    assert [row["judgement_id"][-2:] for row in rows if row["item_id"] == P5] == ["09", "10"]


def test_only_who_agreed_is_the_same_person_on_two_items() -> None:
    of = world()
    books = {task: load_codebook(task) for task in ("narrative", "photo_text")}
    agreed = frozenset({"ann-2"})
    out = release_rows.make(of.corpus(), of.judged(), of.decided(), books, KEY, linkable=agreed)
    said = {row["judgement_id"]: row["annotator"] for row in of.judgements}
    items: dict[str, set[str]] = {}
    for row in out.judgements.to_pylist():
        items.setdefault(row["annotator"], set()).add(row["item_id"])
        assert row["annotator"].startswith("annotator_") == (said[row["judgement_id"]] in agreed)
    (name,) = out.linkable
    assert items.pop(name) == {row["item_id"] for row in of.judgements if row["annotator"] == "ann-2"}
    assert len(items) > 1 and all(len(own) == 1 for own in items.values())
    # Who said something twice of one item still is one person there, and the votes are the same.
    assert len({row["annotator"] for row in out.judgements.to_pylist() if row["item_id"] == P5}) == 1
    assert out.rows["posts"] == made(of).rows["posts"] and made(of).linkable == ()


def test_the_original_comes_with_its_translation() -> None:
    row = by_id(made(world()).rows["posts"], "post_id")[P3]
    assert (row["text"], row["translation"], row["is_translation"]) == (*TEXTS[P3][1:], False)


def test_what_cannot_be_released_is_counted() -> None:
    of = world()
    of.judgements.append(judgement(50, some_id("post", "gone"), "ann-1", {"narrative": ["n11"]}))
    of.judgements[3]["evidence"] = [{"field": "narrative", "label": "n71", "start": 0, "end": 3, "mode": "explicit"}]
    of.judgements[3]["text_sha256"] = sha256_text("what stood there when it was judged")
    assert made(of).dropped == {
        "judgement of an item that the corpus version does not hold": 1,
        "evidence in an earlier edition of a text": 1,
    }


def test_prose_of_a_quotable_report_stays_behind() -> None:
    of = world()
    of.tables["sources"][0]["rights"] = "quotable"
    (row,) = made(of).rows["narratives"].to_pylist()
    assert (row["name"], row["text"], row["codes"]) == ("Sunsets", None, ["n71"])


def test_every_coded_field_of_the_codebooks_has_its_columns() -> None:
    for config, task in (("posts", "narrative"), ("photo_texts", "photo_text")):
        names = [f.name for f in load_codebook(task).fields if f.coded]
        declared = release_table(config).arrow.names
        assert [name.removesuffix("_dist") for name in declared if name.endswith("_dist")] == names
