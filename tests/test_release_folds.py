"""Fold files and whole campaigns: who is tested apart from whom."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.releases import cut_folder as cut
from tests.releases import workspace_of
from tests.test_release_rows import P1, P2, P3, world
from toolkit.fsio import read_text
from toolkit.release import folds
from toolkit.release.gather import whole_campaigns
from toolkit.release.splits import Item


def test_folds_of_sources_and_campaigns() -> None:
    items = [Item("a", "s1"), Item("b", "s1"), Item("c", "s2"), Item("d", "s3"), Item("e", "s3", "d")]
    found = folds.files(items, [("a", "c"), ("c", "gone")], {"a": "x", "b": "x", "c": None, "d": "y", "e": "y"})
    assert found["folds/source.csv"] == 'item_id,fold,not_with\na,s1,"[""s2""]"\nb,s1,\nc,s2,"[""s1""]"\nd,s3,\ne,s3,\n'
    # An item without a campaign is in no fold, and still tells which campaign it is like.
    assert found["folds/campaign.csv"] == 'item_id,fold,not_with\na,x,\nb,x,\nc,,"[""x""]"\nd,y,\ne,y,\n'


def test_nothing_to_leave_out() -> None:
    assert folds.files([Item("a", "s"), Item("b", "s")], [], {"a": "x", "b": None}) == {}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_training_item_is_connected_with_the_tested_fold(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 12))
    names = [f"i{n}" for n in range(size)]
    items = [Item(name, f"s {data.draw(st.integers(0, 3))}") for name in names]
    edges = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=8))
    campaigns = {name: data.draw(st.sampled_from([None, "x", 'y "z"', "ü, v"])) for name in names}
    reach = {name: {name} for name in names}
    for _ in names:
        for one, other in edges:
            joined = reach[one] | reach[other]
            for name in joined:
                reach[name] = reach[name] | joined
    for text in folds.files(items, edges, campaigns).values():
        said = folds.read(text)
        assert list(said) == names
        for fold in {fold for fold, _ in said.values() if fold}:
            test = {name for name, (own, _) in said.items() if own == fold}
            train = {name for name, (own, apart) in said.items() if own != fold and fold not in apart}
            assert not any(reach[name] & test for name in train)
            # And nothing is left out without a reason.
            assert all(reach[name] & test for name in set(names) - test - train)


def test_whole_campaigns_stay_in_one_split(tmp_path: Path) -> None:
    assert whole_campaigns({"a": "x", "b": None, "c": "x", "d": "", "e": "x"}) == [("a", "c"), ("c", "e")]
    of = world()
    for row in of.tables["posts"]:
        row["campaign"] = "Low Water" if row["post_id"] in (P1, P2, P3) else None
    apart = cut(workspace_of(tmp_path / "apart"), of, "0.1.0")
    whole = cut(workspace_of(tmp_path / "whole", campaigns_whole=True), of, "0.1.0")

    def places(folder: Path) -> set[str]:
        from toolkit.release.folder import Folder

        parts = Folder(folder).parts["posts"].items()
        return {split for split, rows in parts for name in rows["post_id"].to_pylist() if name in (P1, P2, P3)}

    assert places(apart.path) == {"train", "test"} and len(places(whole.path)) == 1
    # One campaign only: there is nothing to leave out, while there are several sources.
    assert not (whole.path / "folds" / "campaign.csv").exists()
    said = folds.read(read_text(whole.path / "folds" / "source.csv"))
    assert {name: fold for name, (fold, _) in said.items()}.items() >= {
        row["post_id"]: row["source_id"] for row in of.tables["posts"]
    }.items()
