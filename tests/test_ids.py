"""Ids: minted once, never twice, never moved by what stands around them."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from toolkit.ids import digest_id, mint, normalise

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(["salt lamp", "salt  lamp", "é", "e\u0301", "", "盐灯", " salt lamp\n", "Salt lamp"])


def minted(texts: list[str], source: str = "key", taken: set[str] | None = None) -> list[str]:
    """Mint an id for each text in turn, as accepting spans does."""
    given_out = set(taken or ())
    found = []
    for text in texts:
        found.append(mint("post", source, text, given_out))
        given_out.add(found[-1])
    return found


@given(st.lists(WORDS | TEXT, max_size=20))
def test_ids_never_collide_within_a_source(texts: list[str]) -> None:
    found = minted(texts)
    assert len(set(found)) == len(texts)
    assert all(re.fullmatch(r"post_[0-9a-f]{32}", post_id) for post_id in found)


@given(st.lists(WORDS, min_size=1, max_size=10), st.data())
def test_an_identical_post_added_in_front_changes_no_earlier_id(texts: list[str], data: st.DataObject) -> None:
    before = minted(texts)
    again = data.draw(st.sampled_from(texts))
    added = mint("post", "key", again, set(before))
    assert added not in before
    # Accepted anew: the ids that were given out stand in the record, the one in front is minted.
    assert minted([again], taken=set(before)) == [added]


@given(st.lists(WORDS | TEXT, max_size=10))
def test_the_same_texts_from_nothing_give_the_same_ids(texts: list[str]) -> None:
    assert minted(texts) == minted(texts)


@given(TEXT, TEXT)
def test_texts_share_ids_only_where_they_are_the_same_words(one: str, other: str) -> None:
    same = normalise(one) == normalise(other)
    assert (minted([one]) == minted([other])) == same


@given(TEXT)
def test_normalising_forgets_white_space_and_composition_only(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert normalise(f"\n {text}\t") == once
    assert normalise(unicodedata.normalize("NFD", text)) == once


def test_kind_and_source_are_part_of_an_id() -> None:
    found = {
        mint("post", "key", "salt", set()),
        mint("photo", "key", "salt", set()).replace("photo", "post"),
        mint("post", "other", "salt", set()),
        mint("post", "key", "Salt", set()),
    }
    assert len(found) == 4


def test_ids_of_version_1_are_what_they_were() -> None:
    """Ids stand in people's curated files: a change here is a new version of the algorithm."""
    assert mint("post", "0123456789abcdef", " The  salt\nlamp ", set()) == PINNED
    assert mint("post", "0123456789abcdef", "The salt lamp", {PINNED}) == PINNED_SECOND


def test_parts_of_a_digest_do_not_run_together() -> None:
    assert digest_id("account", "ab", "c") != digest_id("account", "a", "bc")
    assert digest_id("account", "a", 1) != digest_id("account", "a", "1")
    assert digest_id("account", "a") != digest_id("account", "a", "")


PINNED = "post_83078a1c8055d79bad0b81e151e0415f"
PINNED_SECOND = "post_de7017d1dc005b3002a18416f2e8fd74"
