"""Each gate catches its own corruption, and only it does: manifest, counts and digests are made fresh after each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.releases import cut_folder, photograph, with_image, workspace_of
from tests.releases import failing as failing_of
from tests.test_release_rows import P1, P2, P3, TEXTS, world
from toolkit.errors import InputError
from toolkit.fsio import read_json, read_text, sha256_bytes, sha256_file, sha256_text
from toolkit.ids import normalise
from toolkit.parquet import row_digest, write_table
from toolkit.release.croissant import distribution
from toolkit.release.documents import edition_digest
from toolkit.release.features import release_table
from toolkit.release.folder import Folder
from toolkit.release.gate_croissant import records
from toolkit.release.images import image_of
from toolkit.release.layout import MANIFEST, canonical_pretty, data_digest, list_files
from toolkit.release.loading import load
from toolkit.release.notices import description, dump
from toolkit.release.shards import part_path
from toolkit.release.takedown import public_name
from toolkit.release.verify import GATES, LOADING, verify

Row = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Draft:
    """A release taken apart: rows to be changed, and what is done to the files once it is put together again."""

    folder: Path
    rows: dict[str, dict[str, list[Row]]]
    tables: dict[tuple[str, str], pa.Table] = field(default_factory=dict)
    front: Callable[[dict[str, Any]], object] = lambda _: None
    manifest: Callable[[dict[str, Any]], object] = lambda _: None
    croissant: Callable[[dict[str, Any]], object] = lambda _: None
    last: Callable[[Path], object] = lambda _: None

    def post(self, post_id: str) -> Row:
        return next(row for rows in self.rows["posts"].values() for row in rows if row["post_id"] == post_id)

    def account(self, name: str) -> Row:
        return next(row for row in self.rows["accounts"]["train"] if row["account"] == name)

    def where(self, post_id: str) -> str:
        return next(split for split, rows in self.rows["posts"].items() if any(r["post_id"] == post_id for r in rows))

    def judged(self, number: int) -> Row:
        every = (row for rows in self.rows["judgements"].values() for row in rows)
        return next(row for row in every if row["judgement_id"].endswith(f"{number:012}"))

    def picture(self, data: bytes) -> None:
        """Put another image in the place of the photo text's, under its own name."""
        (row,) = (row for rows in self.rows["photo_texts"].values() for row in rows)
        row |= {"image": image_of(data), "image_hash": sha256_bytes(data)}

    def text(self, post_id: str, text: str) -> None:
        self.post(post_id).update(text=text, exact_hash=sha256_text(normalise(text)))

    def seal(self) -> None:
        """Put it together with fresh numbers, as a careful forger would."""
        said = read_json(self.folder / MANIFEST)
        for config, splits in self.rows.items():
            for split, rows in splits.items():
                path = self.folder / part_path(config, split)
                if (config, split) in self.tables:
                    pq.write_table(self.tables[config, split], path)
                else:
                    write_table(path, release_table(config).from_rows(rows), release_table(config))
        parts = {
            config: {split: pq.read_table(self.folder / part_path(config, split)) for split in splits}
            for config, splits in self.rows.items()
        }
        said["configs"] = {
            config: {split: {"rows": t.num_rows, "row_digest": row_digest(t)} for split, t in splits.items()}
            for config, splits in parts.items()
        }
        _, _, body = read_text(self.folder / "README.md").split("---\n", 2)
        front = Folder(self.folder).front
        for info in front["dataset_info"]:
            sizes = []
            for entry in info["splits"]:
                sizes.append((self.folder / part_path(info["config_name"], entry["name"])).stat().st_size)
                rows_there = parts[info["config_name"]][entry["name"]].num_rows
                entry |= {"num_examples": rows_there, "num_bytes": sizes[-1]}
            info |= {"download_size": sum(sizes), "dataset_size": sum(sizes)}
        self.front(front)
        books = {
            path.relative_to(self.folder).as_posix(): sha256_file(path)
            for path in sorted(self.folder.glob("codebooks/*/codebook.yaml"))
        }
        features = {info["config_name"]: info["features"] for info in front["dataset_info"]}
        digests = {c: {s: e["row_digest"] for s, e in own.items()} for c, own in said["configs"].items()}
        said["digest"] = data_digest(digests, features, books)
        said["edition"] = edition_digest(said["digest"], said["documents"])
        for config in front["configs"]:
            config["description"] = description(said["version"], said["digest"])
        (self.folder / "README.md").write_text(f"---\n{dump(front)}---\n{body}", encoding="utf-8")
        croissant = read_json(self.folder / "croissant.json")
        data = {path: entry for path, entry in list_files(self.folder).items() if path.endswith(".parquet")}
        named = {
            path: entry
            for path, entry in data.items()
            if path in {part_path(c, s) for c, o in parts.items() for s in o}
        }
        croissant["distribution"] = distribution(said["configs"], named)
        self.croissant(croissant)
        (self.folder / "croissant.json").write_text(canonical_pretty(croissant), encoding="utf-8")
        self.last(self.folder)
        said["files"] = list_files(self.folder)
        self.manifest(said)
        (self.folder / MANIFEST).write_text(canonical_pretty(said), encoding="utf-8")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean release of the fictional world, cut once."""
    folder = tmp_path_factory.mktemp("clean")
    return cut_folder(workspace_of(folder / "w"), with_image(world(), folder, photograph()), "0.1.0").path


def draft(clean: Path, to: Path) -> Draft:
    shutil.copytree(clean, to)
    rows = {c: {s: t.to_pylist() for s, t in own.items()} for c, own in Folder(clean).parts.items()}
    return Draft(to, rows)


def failing(folder: Path) -> dict[str, str]:
    """Return gate → detail of the gates that fail."""
    return failing_of(verify(folder, load=False))


def test_a_release_put_together_again_is_clean(clean: Path, tmp_path: Path) -> None:
    same = draft(clean, tmp_path / "r")
    same.seal()
    assert failing(tmp_path / "r") == {} == failing(clean)
    states = {gate.name: gate.state for gate in verify(clean, load=False)}
    assert states == {gate.name: "not run" if gate.name in LOADING else "holds" for gate in GATES}


def corruption(gate: str, detail: str = "") -> Callable[[Callable[[Draft], object]], Callable[[Draft], object]]:
    def keep(change: Callable[[Draft], object]) -> Callable[[Draft], object]:
        CORRUPTIONS.append(pytest.param(gate, detail, change, id=change.__name__))
        return change

    return keep


CORRUPTIONS: list[Any] = []


def set_to(**values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda record: record.update(values)


@corruption("manifest", "notes.txt is not in the manifest")
def a_stray_file(of: Draft) -> None:
    of.manifest = lambda _: (of.folder / "notes.txt").write_text("stray")


@corruption("manifest", "LICENSE.md is missing")
def a_missing_file(of: Draft) -> None:
    of.manifest = lambda _: (of.folder / "LICENSE.md").unlink()


@corruption("manifest", "LICENSE.md was changed")
def an_edited_file(of: Draft) -> None:
    of.manifest = lambda _: (of.folder / "LICENSE.md").write_text("Do what you like.")


@corruption("manifest", "is a link")
def a_link(of: Draft) -> None:
    of.last = lambda folder: (folder / "LICENCE").symlink_to("LICENSE.md")


@corruption("yaml", "stands twice")
def a_key_that_stands_twice(of: Draft) -> None:
    def twice(folder: Path) -> None:
        text = read_text(folder / "README.md")
        (folder / "README.md").write_text(text.replace("license:", "license: other\nlicense:", 1), encoding="utf-8")

    of.last = twice


@corruption("yaml", "0 configs are the default")
def no_default_config(of: Draft) -> None:
    of.front = lambda front: front["configs"][0].pop("default")


@corruption("yaml", "2 configs are the default")
def two_default_configs(of: Draft) -> None:
    of.front = lambda front: front["configs"][1].update(default=True)


@corruption("yaml", "version")
def a_version_that_is_a_number(of: Draft) -> None:
    of.front = lambda front: front["configs"][0].update(version=1.0)


@corruption("yaml", "split")
def a_split_that_is_called_all(of: Draft) -> None:
    def rename(front: dict[str, Any]) -> None:
        front["configs"][0]["data_files"][0]["split"] = "all"
        front["dataset_info"][0]["splits"][0]["name"] = "all"

    of.front = rename


@corruption("parts", "has no rows")
def a_part_without_rows(of: Draft) -> None:
    of.rows["narratives"]["train"] = []


@corruption("codebooks", "the manifest says 9.9.9")
def a_codebook_of_another_version(of: Draft) -> None:
    of.manifest = lambda said: said["codebooks"].update(narrative="9.9.9")


@corruption("globs", "posts/train-00001-of-00002.parquet")
def a_stray_part_that_a_glob_matches(of: Draft) -> None:
    part = of.folder / part_path("posts", "train")
    of.last = lambda folder: shutil.copy(part, folder / "posts" / "train-00001-of-00002.parquet")


@corruption("globs", "leads out of the folder")
def a_path_that_leads_out(of: Draft) -> None:
    of.front = lambda front: front["configs"][0]["data_files"][0].update(path="../r/posts/train-*.parquet")


@corruption("globs", "no config names")
def a_part_that_no_config_names(of: Draft) -> None:
    of.last = lambda folder: shutil.copy(folder / part_path("posts", "train"), folder / "posts" / "more.parquet")


@corruption("schema", "columns are not those declared")
def a_column_more_in_one_split(of: Draft) -> None:
    rows = release_table("posts").from_rows(of.rows["posts"]["test"])
    of.tables["posts", "test"] = rows.append_column("extra", pa.array(["x"] * rows.num_rows))


@corruption("schema", "features")
def labels_in_another_order(of: Draft) -> None:
    def swap(front: dict[str, Any]) -> None:
        feature = next(f for f in front["dataset_info"][0]["features"] if f["name"] == "voice")
        names = feature["list"]["class_label"]["names"]
        names["0"], names["1"] = names["1"], names["0"]

    of.front = swap


@corruption("counts", "row_digest")
def a_row_digest_of_other_rows(of: Draft) -> None:
    of.manifest = lambda said: said["configs"]["posts"]["train"].update(row_digest="0" * 64)


@corruption("counts", "the YAML says 99 rows")
def a_wrong_number_of_examples(of: Draft) -> None:
    of.front = lambda front: front["dataset_info"][0]["splits"][0].update(num_examples=99)


@corruption("counts", "description")
def a_description_of_another_release(of: Draft) -> None:
    def stale(folder: Path) -> None:
        text = read_text(folder / "README.md")
        (folder / "README.md").write_text(text.replace(" sha256:", " sha256:0", 1), encoding="utf-8")

    of.last = stale


@corruption("version", "CITATION.cff says 9.9.9")
def a_citation_of_another_version(of: Draft) -> None:
    path = of.folder / "CITATION.cff"
    of.last = lambda _: path.write_text(read_text(path).replace("version: 1.0.0", "version: 9.9.9"), encoding="utf-8")


@corruption("version", "README.md (judgements) says 1.0.1")
def a_config_of_another_version(of: Draft) -> None:
    of.front = lambda front: next(c for c in front["configs"] if c["config_name"] == "judgements").update(
        version="1.0.1"
    )


@corruption("version", "croissant.json says 1.0.1")
def a_croissant_of_another_version(of: Draft) -> None:
    of.croissant = lambda said: said.update(version="1.0.1")


@corruption("croissant", "rai:dataBias is no key of RAI")
def a_misspelt_key_of_rai(of: Draft) -> None:
    of.croissant = lambda said: said.update({"rai:dataBias": said.pop("rai:dataBiases")})


@corruption("croissant", "distribution is not this release's")
def a_croissant_that_names_a_file_elsewhere(of: Draft) -> None:
    of.croissant = lambda said: said["distribution"][0].update(contentUrl="https://elsewhere.example/posts.parquet")


@corruption("croissant", "recordSet is not this release's")
def a_croissant_of_another_column(of: Draft) -> None:
    of.croissant = lambda said: said["recordSet"][1]["field"][1].update(dataType="cr:Int64")


@corruption("rows", "same narrative_id|values are not unique")
def a_row_that_stands_twice(of: Draft) -> None:
    of.rows["narratives"]["train"] *= 2


@corruption("rows", "is no post of the release")
def a_judgement_of_nothing(of: Draft) -> None:
    of.judged(8)["item_id"] = "post_" + "0" * 32


@corruption("rows", "a list holds an empty value")
def a_hole_in_a_list(of: Draft) -> None:
    of.post(P1)["voice_dist"] = [None]


@corruption("rows", "is not in release_sources")
def a_source_that_is_not_there(of: Draft) -> None:
    of.rows["narratives"]["train"][0].update(source_id="elsewhere", text=None)


@corruption("rows", "is not in release_accounts")
def an_account_that_is_not_there(of: Draft) -> None:
    of.rows["accounts"]["train"] = [row for row in of.rows["accounts"]["train"] if row["state_outlet"]]


@corruption("rows", "account LampDaily: posts is 2, 1 name it")
def an_account_with_a_post_too_many(of: Draft) -> None:
    of.account("LampDaily")["posts"] = 2


@corruption("rows", "account account_00000000000000000000000000000000: posts is 0")
def an_account_that_no_post_names(of: Draft) -> None:
    spare = of.account(of.post(P1)["account"]) | {"account": "account_" + "0" * 32, "posts": 0}
    of.rows["accounts"]["train"].append(spare)


@corruption("hashes", P2)
def a_text_edited_by_hand(of: Draft) -> None:
    of.post(P2)["text"] += " (edited)"


@corruption("evidence", "evidence at")
def evidence_behind_the_end(of: Draft) -> None:
    of.judged(1)["evidence"][0]["end"] = 4000


@corruption("labels", "n10")
def a_label_that_is_a_heading(of: Draft) -> None:
    of.judged(1)["evidence"][0]["label"] = "n10"


@corruption("labels", "voice n71 is not in the codebook")
def a_label_under_another_field(of: Draft) -> None:
    of.judged(4)["labels"].append({"field": "voice", "label": "n71"})


@corruption("votes", "narrative_dist")
def a_vote_too_many(of: Draft) -> None:
    of.post(P1)["narrative_dist"][0]["yes"] = 2


@corruption("votes", "narrative_dist")
def a_judgement_that_was_turned(of: Draft) -> None:
    of.judged(2)["labels"] = [{"field": "narrative", "label": "n12"}, {"field": "voice", "label": "asserts"}]


@corruption("gold", "n11 is in two of")
def a_label_both_gold_and_contested(of: Draft) -> None:
    of.post(P1)["narrative_contested"] = ["n11", "n21"]


@corruption("gold", "nobody gave n63")
def gold_that_nobody_gave(of: Draft) -> None:
    of.post(P1)["narrative"].append("n63")


@corruption("gold", "one must hold")
def a_value_that_vanished(of: Draft) -> None:
    for rows in of.rows["photo_texts"].values():
        rows[0]["function"] = None


@corruption("groups", "split_group")
def a_group_in_two_splits(of: Draft) -> None:
    one, other = (rows[0] for rows in of.rows["posts"].values())
    other["split_group"] = one["split_group"]


@corruption("groups", "stands|is in")
def a_judgement_apart_from_its_item(of: Draft) -> None:
    # Its rows are alone of their item, so that nothing else changes.
    here = of.where(next(row["item_id"] for row in (of.judged(8),)))
    there = next(split for split in of.rows["judgements"] if split != here)
    moved = of.judged(8)
    of.rows["judgements"][here].remove(moved)
    of.rows["judgements"][there].append(moved)


@corruption("texts", "1.00 of their 4-grams")
def a_text_that_stands_in_two_splits(of: Draft) -> None:
    one, other = (next(row for row in rows if row["post_id"] != P1) for rows in of.rows["posts"].values())
    other.update(text=one["text"].upper(), exact_hash=sha256_text(normalise(one["text"].upper())))


@corruption("texts", "4-grams")
def a_translation_that_stands_in_two_splits(of: Draft) -> None:
    apart = next(
        row for s, rows in of.rows["posts"].items() if s != of.where(P3) for row in rows if row["post_id"] != P1
    )
    of.post(P3)["translation"] = apart["text"] + " So!"


@corruption("folds", "folds/source.csv is missing")
def a_fold_file_that_is_gone(of: Draft) -> None:
    of.last = lambda folder: (folder / "folds" / "source.csv").unlink()


@corruption("folds", "is in 'lamps', not 'kites'|is in 'kites', not 'lamps'|not")
def an_item_in_another_fold(of: Draft) -> None:
    def move(folder: Path) -> None:
        path = folder / "folds" / "source.csv"
        lines = read_text(path).splitlines(keepends=True)
        first, *rest = lines[1].split(",")
        path.write_text("".join([lines[0], ",".join([first, "elsewhere", *rest[1:]]), *lines[2:]]), encoding="utf-8")

    of.last = move


@corruption("people", "a live address")
def a_live_address(of: Draft) -> None:
    of.text(P2, TEXTS[P2][1] + " https://sarn.example")


@corruption("people", "an e-mail address")
def an_email_address(of: Draft) -> None:
    of.post(P3)["translation"] += " tide@circle.example"


@corruption("people", "a telephone number")
def a_telephone_number(of: Draft) -> None:
    of.text(P2, TEXTS[P2][1] + " +99 1234 567 890")


@corruption("people", "a private handle")
def a_private_handle(of: Draft) -> None:
    of.text(P2, TEXTS[P2][1] + " @gull_of_sarn")


@corruption("people", "neither a pseudonym nor public")
def an_account_by_its_name(of: Draft) -> None:
    of.account(of.post(P1)["account"])["account"] = "gull_of_sarn"
    of.post(P1)["account"] = "gull_of_sarn"


@corruption("people", "is on 2 items: their judgements can be joined")
def an_annotator_who_can_be_followed(of: Draft) -> None:
    of.judged(4)["annotator"] = of.judged(9)["annotator"]


@corruption("people", "names nobody of that name who agreed")
def an_annotator_who_did_not_agree(of: Draft) -> None:
    of.judged(4)["annotator"] = "annotator_" + "0" * 8


@corruption("people", "has a handle or a name")
def a_private_accounts_handle(of: Draft) -> None:
    of.account(of.post(P1)["account"])["handle"] = "gull_of_sarn"


@corruption("people", "has a handle or a name")
def a_private_accounts_display_name(of: Draft) -> None:
    of.account(of.post(P1)["account"])["names"] = ["Gull of Sarn"]


@corruption("people", "has no pseudonym")
def a_public_account_that_is_not_flagged(of: Draft) -> None:
    of.account("LampDaily").update(state_outlet=False, handle=None, names=[])


@corruption("people", "does not stand under its handle")
def a_pseudonym_called_public(of: Draft) -> None:
    of.account(of.post(P1)["account"])["public_figure"] = True


@corruption("people", "LampDaily.names holds a private handle")
def a_private_handle_in_a_display_name(of: Draft) -> None:
    of.account("LampDaily")["names"] = ["Lamp of @gull_of_sarn"]


@corruption("people", "an e-mail address")
def an_address_beside_the_text(of: Draft) -> None:
    of.post(P2)["hashtags"] = ["tide@circle.example"]


@corruption("people", "a telephone number")
def a_telephone_number_in_a_source(of: Draft) -> None:
    of.rows["sources"]["train"][0]["authors"] = ["Ansel Quill, +99 1234 567 890"]


@corruption("people", "a private handle")
def a_handle_as_actor(of: Draft) -> None:
    of.rows["sources"]["train"][0]["actor"] = "@gull_of_sarn"


@corruption("rows", "release_judgements.annotator: 'Mira Tern' does not have the form")
def an_annotators_name(of: Draft) -> None:
    of.judged(4)["annotator"] = "Mira Tern"


@corruption("rows", "release_posts.posted_at: '2031-04-02T10:11:12Z' does not have the form")
def a_time_of_day(of: Draft) -> None:
    of.post(P2)["posted_at"] = "2031-04-02T10:11:12Z"


@corruption("yaml", "license: cc-by-9.9 is not a word that the Hub knows")
def a_licence_that_nobody_knows(of: Draft) -> None:
    of.front = lambda front: front.update(license="cc-by-9.9")


@corruption("yaml", "language: qq is not a word")
def a_language_that_nobody_knows(of: Draft) -> None:
    of.front = lambda front: front["language"].append("qq")


@corruption("yaml", "language_bcp47: zh-hans is no BCP 47 tag")
def a_tag_in_another_spelling(of: Draft) -> None:
    of.front = lambda front: front.update(language_bcp47=["zh-hans"])


@corruption("yaml", "task_categories: propaganda-detection is not a word")
def a_task_that_the_hub_does_not_know(of: Draft) -> None:
    of.front = lambda front: front.update(task_categories=["propaganda-detection"])


@corruption("yaml", "size_categories is not n<1K, what 5 posts are")
def a_size_that_sounds_better(of: Draft) -> None:
    of.front = lambda front: front.update(size_categories=["10K<n<100K"])


@corruption("schema", "features")
def label_names_of_the_yaml(of: Draft) -> None:
    def unquoted(front: dict[str, Any]) -> None:
        feature = next(f for f in front["dataset_info"][0]["features"] if f["name"] == "voice")
        feature["list"]["class_label"]["names"]["0"] = "no"

    of.front = unquoted


@corruption("takedowns", "public_")
def an_outlet_that_was_taken_down(of: Draft) -> None:
    of.manifest = lambda said: said.update(taken_down=[public_name("lampdaily")])


@corruption("takedowns", P2)
def a_post_that_was_taken_down(of: Draft) -> None:
    of.manifest = lambda said: said.update(taken_down=["post_" + "0" * 32, P2])


@corruption("rights", "restricted")
def a_restricted_report(of: Draft) -> None:
    for row in (row for rows in of.rows["photo_texts"].values() for row in rows):
        row["image"] = None
    row = next(row for row in of.rows["sources"]["train"] if row["source_id"] == "lamps")
    row["rights"] = "restricted"


@corruption("rights", "is called dehydrated and holds words")
def a_dehydrated_row_with_words(of: Draft) -> None:
    row = next(row for row in of.rows["sources"]["train"] if row["source_id"] == of.post(P2)["source_id"])
    row["rights"] = "restricted"
    of.manifest = lambda said: said.update(restricted=True)
    of.post(P2)["dehydrated"] = True


@corruption("rights", "prose")
def prose_of_a_quotable_report(of: Draft) -> None:
    row = next(row for row in of.rows["sources"]["train"] if row["source_id"] == "kites")
    row["rights"] = "quotable"


def rewrite(name: str, old: str, new: str) -> Callable[[Draft], None]:
    def change(of: Draft) -> None:
        def last(folder: Path) -> None:
            text = read_text(folder / name)
            assert old in text
            (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

        of.last = last

    return change


@corruption("card", "README.md: line ")
def a_number_in_the_card(of: Draft) -> None:
    rewrite("README.md", "5 posts (4 with at least one judgement)", "5 posts (5 with at least one judgement)")(of)


@corruption("card", "README.md: line ")
def a_warning_that_is_gone(of: Draft) -> None:
    rewrite("README.md", "**SIMULATED JUDGEMENTS.** 13 of the 13 judgements", "Of the judgements")(of)


@corruption("card", "LICENSE.md: line ")
def another_licence(of: Draft) -> None:
    rewrite("LICENSE.md", "CC-BY-4.0", "CC0-1.0")(of)


@corruption("card", "README.md: line ")
def another_licence_in_the_yaml(of: Draft) -> None:
    of.front = lambda front: front.update(license="cc0-1.0")


@corruption("card", "CITATION.cff: line ")
def another_author(of: Draft) -> None:
    rewrite("CITATION.cff", "The contributors to Lantern | Quay", "Somebody Else")(of)


@corruption("card", "croissant.json: line ")
def another_use_in_the_description(of: Draft) -> None:
    of.croissant = lambda said: said.update({"rai:dataUseCases": "Detection."})


@corruption("card", "codebooks/narrative/guide.en.md: line ")
def a_codebook_that_says_something_else(of: Draft) -> None:
    path = of.folder / "codebooks" / "narrative" / "codebook.yaml"
    text = read_text(path)
    assert 'title: {en: "Narratives' in text
    path.write_text(text.replace('title: {en: "Narratives', 'title: {en: "Other narratives', 1), encoding="utf-8")


@corruption("card", "codebooks/narrative/guide.en.md: line ")
def a_guide_that_annotators_never_saw(of: Draft) -> None:
    rewrite("codebooks/narrative/guide.en.md", "# ", "# Our ")(of)


@corruption("card", "is missing")
def a_guide_that_is_gone(of: Draft) -> None:
    of.last = lambda folder: (folder / "codebooks" / "photo_text" / "guide.zh.md").unlink()


@corruption("card", "figures|README.md: line ")
def an_agreement_that_nobody_measured(of: Draft) -> None:
    of.manifest = lambda said: said["about"].update(annotators=30)


@corruption("agreement", "narrative narrative: items is 50, the judgements give ")
def an_agreement_on_more_than_there_is(of: Draft) -> None:
    row = {"task": "narrative", "field": "narrative", "items": 50, "positives": 5, "percent": 0.9, "alpha": 0.8}
    of.manifest = lambda said: said["about"].update(agreement=[row])


@corruption("counts", "edition")
def an_edition_of_other_documents(of: Draft) -> None:
    of.manifest = lambda said: said["documents"].update({"LICENSE.md": "0" * 64})


@corruption("images", "the image holds metadata")
def an_image_that_says_where_it_was_taken(of: Draft) -> None:
    clean = photograph()
    of.picture(clean[:2] + b"\xff\xfe\x00\x0bOrle quay" + clean[2:])


@corruption("images", "the image is refused: ")
def an_image_that_does_not_decode(of: Draft) -> None:
    of.picture(photograph()[:-300])


@corruption("images", "the image is not the one that its name and its hash say")
def another_image_under_the_same_name(of: Draft) -> None:
    (row,) = (row for rows in of.rows["photo_texts"].values() for row in rows)
    row["image"] |= {"bytes": photograph(quality=40)}


@corruption("images", "an image of lamps, which may not be redistributed")
def an_image_of_a_report_that_may_only_be_quoted(of: Draft) -> None:
    next(row for row in of.rows["sources"]["train"] if row["source_id"] == "lamps")["rights"] = "quotable"


@corruption("images", "the image is not the one that its name and its hash say")
def the_hash_of_another_image(of: Draft) -> None:
    (row,) = (row for rows in of.rows["photo_texts"].values() for row in rows)
    row["image_hash"] = "0" * 64


@corruption("images", "told by a hash, may be redistributed, and is not there")
def an_image_that_was_taken_out(of: Draft) -> None:
    (row,) = (row for rows in of.rows["photo_texts"].values() for row in rows)
    row["image"] = None


@corruption("images", "an image that is called withheld")
def an_image_that_is_withheld(of: Draft) -> None:
    (row,) = (row for rows in of.rows["photo_texts"].values() for row in rows)
    row["image_status"] = "withheld"


@pytest.mark.parametrize(("gate", "detail", "change"), CORRUPTIONS)
def test_only_its_own_gate_catches_it(
    gate: str, detail: str, change: Callable[[Draft], object], clean: Path, tmp_path: Path
) -> None:
    of = draft(clean, tmp_path / "r")
    change(of)
    of.seal()
    found = failing(tmp_path / "r")
    assert list(found) == [gate], found
    assert any(part in found[gate] for part in detail.split("|"))


def test_every_gate_has_a_corruption() -> None:
    assert {param.values[0] for param in CORRUPTIONS} | {*LOADING} == {gate.name for gate in GATES}


def test_the_gate_that_loads_compares_what_it_loaded(clean: Path, tmp_path: Path) -> None:
    of = draft(clean, tmp_path / "r")
    of.manifest = lambda said: said["configs"]["posts"]["train"].update(row_digest="0" * 64)
    of.front = lambda front: front["configs"][2].update(version="1.0.1")
    of.seal()
    assert sorted(load(Folder(tmp_path / "r"))) == [
        "judgements: info.version is 1.0.1, not 1.0.0",
        "posts (batch): the rows loaded are not those of the manifest",
        "posts (stream): the rows loaded are not those of the manifest",
    ]


def test_the_gate_of_records_reads_what_is_there(clean: Path, tmp_path: Path) -> None:
    assert records(Folder(clean)) == []
    of = draft(clean, tmp_path / "a")
    of.croissant = lambda said: said.update(license={"no": "licence"}, name=None)
    of.seal()
    assert records(Folder(tmp_path / "a"))[0].startswith("croissant.json: ")
    of = draft(clean, tmp_path / "b")
    of.croissant = lambda said: said["distribution"][-1].update(includes="posts/test-*.parquet")
    of.seal()
    assert "sources: the records read are not the release's rows" in records(Folder(tmp_path / "b")) or records(
        Folder(tmp_path / "b")
    )[0].startswith("croissant.json: ")


def test_the_gate_that_loads_names_the_loaders_error(clean: Path, tmp_path: Path) -> None:
    of = draft(clean, tmp_path / "r")
    of.front = lambda front: front["configs"][0].update(version="1.0")
    of.seal()
    (problem,) = load(Folder(tmp_path / "r"))
    assert problem.startswith("load_dataset failed: ")


_REACHING = """
import socket, sys
from pathlib import Path
import datasets
datasets.load_dataset = lambda *_, **__: socket.create_connection(("127.0.0.1", 9))
from toolkit.release.loading import main
main(Path(sys.argv[1]), sys.argv[2])
"""


def test_the_gate_that_loads_has_no_network(clean: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _REACHING, str(clean), str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert run.stderr.strip().endswith("OSError: a release must load without the network")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no release folder"):
        verify(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    gates = verify(tmp_path / "empty")
    assert not any(gate.ok for gate in gates)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', "{", "null"])
def test_a_manifest_that_is_none(clean: Path, tmp_path: Path, text: str) -> None:
    shutil.copytree(clean, tmp_path / "r")
    (tmp_path / "r" / MANIFEST).write_text(text, encoding="utf-8")
    assert verify(tmp_path / "r", load=False)[0].failed


@pytest.mark.parametrize("text", ["", "# A card\n", "---\n- a\n---\n", "---\nconfigs: 3\n---\n", "---\n{\n---\n"])
def test_a_card_without_its_yaml(clean: Path, tmp_path: Path, text: str) -> None:
    of = draft(clean, tmp_path / "r")
    of.last = lambda folder: (folder / "README.md").write_text(text, encoding="utf-8")
    of.seal()
    assert list(failing(tmp_path / "r")) == ["yaml"]
