"""Pre-annotations: cues of the lexicon, texts read from images, and what became of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.plugins.required import required
from toolkit.codebook import load_codebook
from toolkit.errors import InputError
from toolkit.labelresult import Region
from toolkit.labels.predicted import overlap
from toolkit.predict.cues import Cues
from toolkit.resources import resource

NARRATIVE = load_codebook("narrative")
CARDS = EXAMPLES / "reports" / "salt-lamps" / "salt-lamps_files"


def marked(text: str) -> list[tuple[str, str]]:
    votes, spans = Cues.load().find(NARRATIVE, text)
    assert {span.label for span in spans} <= {vote.label for vote in votes}
    return [(span.label, text[span.start : span.end]) for span in spans]


def test_every_cue_is_of_a_label_and_found_in_its_own_words() -> None:
    cues = Cues.load()
    leaves = {leaf.id for field in NARRATIVE.fields if field.coded for leaf in NARRATIVE.leaves(field.name)}
    assert set(cues.words) <= leaves and "n98" not in cues.words
    for label, words in cues.words.items():
        for word in words:
            assert label in {vote.label for vote in cues.find(NARRATIVE, f"({word})")[0]}, word


def test_cues_stand_where_the_words_are() -> None:
    assert marked("Nobody is FORCED TO WORK here 😀 #Dyke") == [("n11", "FORCED TO WORK")]
    assert marked("所谓“強迫勞動”，幹涉內政") == [("n11", "強迫勞動"), ("n33", "幹涉"), ("n33", "內政")]
    assert marked("They sow discord; interferences and discordant notes are none.") == [("n32", "sow discord")]
    assert marked("Soup and nets.") == []
    assert [vote.label for vote in Cues.load().find(NARRATIVE, "a #tag")[0]] == ["t06"]


def test_a_workspace_may_have_its_own_lexicon(tmp_path: Path) -> None:
    own = tmp_path / "narrative" / "cues.yaml"
    own.parent.mkdir()
    own.write_text('version: "2.0.0"\ncues:\n  n72: ["tidal power"]\n', "utf-8")
    cues = Cues.load(tmp_path)
    assert cues.version == "2.0.0" and [v.label for v in cues.find(NARRATIVE, "Tidal power!")[0]] == ["n72"]
    own.write_text("version: 2\ncues: {}\n", "utf-8")
    with pytest.raises(InputError, match=r"cues\.yaml: version"):
        Cues.load(tmp_path)
    shutil.copy(resource("annotation_configs") / "narrative" / "cues.yaml", own)
    assert Cues.load(tmp_path) == Cues.load()


def test_texts_of_images_are_read_in_three_writings(tmp_path: Path) -> None:
    required("rapidocr_onnxruntime")
    from toolkit.predict.ocr import read_image

    both = read_image(CARDS / "card-who-judges.png")
    assert [(region.text, region.writing) for region in both] == [
        ("Who judges the judge?", "en_latn"),
        ("谁来审判法官？", "zh_hans"),
    ]
    (traditional,) = read_image(CARDS / "poster-no-crime.png")
    assert (traditional.text, traditional.writing) == ("鹽燈無罪", "zh_hant")
    assert all(0 <= side <= 100 for region in both for side in region[:4])
    (tmp_path / "no.png").write_bytes(b"not an image")
    assert read_image(tmp_path / "no.png") == ()


def test_overlap_is_a_share_of_both() -> None:
    one = Region(0, 0, 10, 10, "")
    assert overlap(one, one) == 1 and overlap(one, Region(20, 20, 5, 5, "")) == 0
    assert overlap(one, Region(5, 0, 10, 10, "")) == pytest.approx(1 / 3)
