"""Facts drafted from the spans: what holds as it stands, what is a guess, what a curator wrote and keeps."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command import inside, told
from tests.conftest import EXAMPLES
from toolkit.corpus.build import build
from toolkit.errors import InputError
from toolkit.fsio import write_atomic
from toolkit.sources import dates, events, facts, guesses, propose, registry, remarks, segments
from toolkit.sources.source import Source
from toolkit.workspace import Workspace

REPORT = EXAMPLES / "reports" / "lantern-quay-3.txt"
SPANS = REPORT.with_suffix(".segments.jsonl")
KITES = """\
Kites Over Tarsk
Everything in this report is invented.
The claims were these:
The ferry is fine - Posts say that the ferry runs.
@kite_club on Chirpyard, 3 May 2032
#Ferry The ferry runs every day, said harbour master Ilo Marrek, and nobody on the quay ever had to wait for it.
@kite_club on Chirpyard, 4 May 2032
#Ferry The ferry runs every day, said harbour master Ilo Marrek, and nobody on the quay has ever had to wait for it.
The page @kite_club was created in March 2030. In 2031 it was renamed “Tarsk Kite Club”, and its managers live in Tarsk.
1. Ona Bel, “Who Runs the Ferry?”, The Skerry Post, 2032.
"""


def completed(text: str) -> dict[str, Any]:
    """The draft with its guesses taken for true."""
    return tomllib.loads(re.sub(r"(?m)^# (?=\[\[|[a-z_]+ = )", "", text))


@pytest.fixture
def kites(workspace: Workspace, tmp_path: Path) -> Source:
    (tmp_path / "kites.txt").write_text(KITES, "utf-8")
    spans = tmp_path / "kites.segments.jsonl"
    text = KITES
    second = text.rindex("#Ferry")
    first = text.index("#Ferry")
    end = text.index("\n", first)
    records = [
        ("narrative", text.index("The ferry is fine"), text.index("\n@kite_club"), '"key": "narrative-1"'),
        ("post", first, end, '"key": "post-1"'),
        ("post", second, text.index("\n", second), '"key": "post-2"'),
        ("asset_history", text.index("The page"), text.index("\n1. Ona"), '"key": "asset-1"'),
        ("footnote", text.index("Ona Bel"), len(text) - 1, '"footnote": "1"'),
    ]
    lines = [
        f'{{"role": "{role}", "char_start": {start}, "char_end": {end}, {more}}}' for role, start, end, more in records
    ]
    spans.write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "meta.toml").write_text('platforms = ["Chirpyard", "Pagebook"]\n')
    source = registry.add(workspace, tmp_path / "kites.txt", meta=tmp_path / "meta.toml")
    segments.accept(workspace, source, spans)
    return source


def test_what_is_drafted(workspace: Workspace, kites: Source) -> None:
    now, drafted = facts.draft(workspace, kites)
    assert drafted == {"account": 1, "narrative": 1, "post": 2, "quotation": 2, "reference": 1, "same_as": 1}
    assert [(f.key, f.codes) for f in now.narrative] == [("narrative-1", ())]
    assert not (now.account or now.post or now.quotation or now.reference or now.same_as)
    assert completed(kites.facts_path.read_text("utf-8")) == {
        "account": [
            {
                "handle": "kite_club",
                "platform": "",
                "names": ["Tarsk Kite Club"],
                "event": [
                    {"kind": "created", "date": "2030-03", "detail": "", "segment": "asset-1"},
                    {"kind": "renamed", "date": "2031", "detail": "", "segment": "asset-1"},
                    {"kind": "manager_country", "detail": "", "segment": "asset-1"},
                ],
            }
        ],
        "narrative": [{"key": "narrative-1", "codes": []}],
        "post": [
            {"key": "post-1", "account": "kite_club", "platform": "Chirpyard", "posted_at": "2032-05-03"},
            {"key": "post-2", "account": "kite_club", "platform": "Chirpyard", "posted_at": "2032-05-04"},
        ],
        "quotation": [{"key": key, "speaker": "", "role": "", "manner": "paraphrase"} for key in ("post-1", "post-2")],
        "reference": [{"title": "Who Runs the Ferry?", "footnote": "1"}],
        "same_as": [{"posts": ["post-1", "post-2"]}],
    }


def test_a_draft_is_built_and_one_taken_for_true_is_asked_to_be_completed(workspace: Workspace, kites: Source) -> None:
    facts.draft(workspace, kites)
    assert build(workspace).version.manifest["version"] == "0.1.0"
    text = kites.facts_path.read_text("utf-8")
    kites.facts_path.write_text(
        text.replace("# [[account]]\n# handle", "[[account]]\nhandle").replace('# platform = ""', 'platform = ""')
    )
    with pytest.raises(InputError, match=r"facts\.toml: account\.0\.platform: .*at least 1 character"):
        build(workspace)


def test_a_curators_words_stay_and_what_they_speak_of_is_not_drafted_again(workspace: Workspace, kites: Source) -> None:
    mine = (
        '# my own\n[[narrative]]\nkey   =  "narrative-1"\ncodes = ["n11"]\n[[same_as]]\nposts = ["post-2", "post-1"]\n'
    )
    kites.facts_path.write_text(mine)
    _, drafted = facts.draft(workspace, kites)
    assert drafted == {"account": 1, "post": 2, "quotation": 2, "reference": 1}
    text = kites.facts_path.read_text("utf-8")
    assert text.startswith(mine)
    assert facts.draft(workspace, kites)[1] == {}
    assert kites.facts_path.read_text("utf-8") == text
    # One entry taken out is drafted again, alone.
    kites.facts_path.write_text(text.replace('# key = "post-2"\n# account', '# key = "post-7"\n# account'), "utf-8")
    assert facts.draft(workspace, kites)[1] == {"post": 1}


def test_a_code_that_the_codebook_lacks_stops_the_build(workspace: Workspace, kites: Source) -> None:
    facts.draft(workspace, kites)
    text = kites.facts_path.read_text("utf-8")
    kites.facts_path.write_text(text.replace("codes = []", 'codes = ["n11", "n05"]'), "utf-8")
    with pytest.raises(InputError, match="narrative narrative-1: 'n05' is no narrative of the codebook"):
        build(workspace)


def test_a_broken_file_is_named_and_left(workspace: Workspace, kites: Source) -> None:
    for broken, says in (("[[post]\n", "not TOML"), ('colour = "red"\n', "colour: unknown key")):
        kites.facts_path.write_text(broken)
        with pytest.raises(InputError, match=says):
            facts.draft(workspace, kites)
        assert kites.facts_path.read_text() == broken


def test_hostile_words_make_no_toml(workspace: Workspace, tmp_path: Path) -> None:
    """Control characters, quotes and line ends of a report are words in the draft, never its syntax."""
    text = 'Title\nThe page “a\\\x7f]] [[post]]” was created in 2030 and renamed\u2028[[post]] "xy" in 2031.\n'
    (tmp_path / "r.txt").write_text(text, "utf-8")
    source = registry.add(workspace, tmp_path / "r.txt")
    line = f'{{"role": "asset_history", "char_start": 6, "char_end": {len(text) - 1}, "key": "asset-1"}}\n'
    write_atomic(source.segments_path, line)
    now, drafted = facts.draft(workspace, source)
    assert drafted == {"account": 1} and now.account == ()
    account = completed(source.facts_path.read_text("utf-8"))["account"][0]
    assert account["names"] == ["a\\\x7f]] [[post]]", "xy"]
    assert [(e["kind"], e["date"]) for e in account["event"]] == [("created", "2030"), ("renamed", "2031")]


def test_the_command(tmp_path: Path) -> None:
    ws = ("-C", tmp_path / "w")
    inside("init", tmp_path / "w", "--annotator", "a")
    inside(*ws, "source", "add", REPORT)
    assert "no spans yet" in inside(*ws, "source", "facts", "lantern-quay-3", code=1).stderr
    inside(*ws, "source", "segment", "lantern-quay-3")
    drafted = told(*ws, "source", "facts", "lantern-quay-3")
    assert drafted["drafted"] == {
        "account": 1,
        "narrative": 4,
        "post": 11,
        "quotation": 3,
        "reference": 3,
        "same_as": 1,
    }
    assert [fact["key"] for fact in drafted["facts"]["narrative"]] == [f"narrative-{n}" for n in range(1, 5)]
    assert "nothing to add" in inside(*ws, "source", "facts", "lantern-quay-3").stderr


@pytest.mark.parametrize("name", ["lantern-quay-3.txt", "salt-lamps/salt-lamps.html"])
def test_the_examples_drafts_hold(workspace: Workspace, name: str) -> None:
    source = registry.add(workspace, EXAMPLES / "reports" / name)
    propose.propose(workspace, source)
    now, drafted = facts.draft(workspace, source)
    text = completed(source.facts_path.read_text("utf-8"))
    assert {kind: len(text[kind]) for kind in text} == drafted
    assert len(now.narrative) == drafted.get("narrative", 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in 2021 and since 2019-08, not 12021", ["2021", "2019-08"]),
        ("on 5 March 2020; March 5th, 2020; Sept. 2020", ["2020-03-05", "2020-03-05", "2020-09"]),
        ("31 June 2020, 40 May 2021", ["2020-06", "2021-05"]),
        ("Article 2020, 2021 posts, page 1999", []),
        ("2020-13-01 and 2020-02-30", ["2020-02-30"]),
        ("am 4. Mai 2036, le 1er août 2036, el 4 de mayo de 2036", ["2036-05-04", "2036-08-01", "2036-05-04"]),
        ("4 мая 2036 года, в марте; 29. april 2036; 04.05.2036", ["2036-05-04", "2036-04-29", "2036-05-04"]),
        ("2036年5月4日，2036年", ["2036-05-04", "2036"]),
        ("version 1.13.2036 of 31.13.2036", []),
    ],
)
def test_dates(text: str, found: list[str]) -> None:
    assert [date.date for date in dates.dates(text)] == found


INLINE = """A fictional report

On 4 May 2032 the account @kite_club wrote on Telegram: “The ferry is older than my grandmother, and slower.” It was read.

“Nobody sails on a Sunday any more, neighbours.” (VKontakte, 5 May 2032)

#Ferry The old ferry sails on Sundays only.
@quay_cat · 6 May 2032 · 12 likes

The minister, Ilo Marrek, said nothing.
"""


def test_who_posted_where_and_when_is_read_from_the_sentence_around_a_post(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "inline.txt").write_text(INLINE, "utf-8")
    source = registry.add(workspace, tmp_path / "inline.txt")
    assert "platforms that the text names: Telegram, VKontakte" in "".join(remarks.of_file(source))
    propose.propose(workspace, source)
    facts.draft(workspace, source)
    found = completed(source.facts_path.read_text("utf-8"))["post"]
    assert found == [
        {"key": "post-1", "account": "kite_club", "platform": "Telegram", "posted_at": "2032-05-04"},
        {"key": "post-2", "account": "", "platform": "VKontakte", "posted_at": "2032-05-05"},
        {"key": "post-3", "account": "quay_cat", "posted_at": "2032-05-06"},
    ]


@pytest.mark.parametrize(
    ("words", "speaker"),
    [
        ("“Nein”, sagte Ilo Marrek.", None),
        ("Ilo Marrek sagte: nein.", "Ilo Marrek"),
        ("Laut Ilo Marrek ist das falsch.", "Ilo Marrek"),
        ("Según Ilo Marrek, no.", "Ilo Marrek"),
        ("Ило Маррек заявил, что нет.", "Ило Маррек"),
        ("渔民会长指出，没有。", "渔民会长"),
    ],
)
def test_speakers_beyond_english(words: str, speaker: str | None, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(f"A title\n\nPost: {words}\n", "utf-8")
    source = registry.add(workspace, tmp_path / "r.txt")
    propose.propose(workspace, source)
    facts.draft(workspace, source)
    assert completed(source.facts_path.read_text("utf-8"))["quotation"][0]["speaker"] == (speaker or "")


def test_a_draft_that_nobody_has_reviewed_is_said(workspace: Workspace, kites: Source) -> None:
    facts.draft(workspace, kites)
    assert guesses.only_guesses(kites) == 8
    built = inside("-C", workspace.root, "corpus", "build").stderr
    assert "facts.toml of kites is a draft that nobody has reviewed: 8 guesses" in built
    assert "facts.toml still a draft: kites" in inside("-C", workspace.root, "status").stdout
    text = kites.facts_path.read_text("utf-8")
    kites.facts_path.write_text(text.replace("codes = []", 'codes = ["n11"]'), "utf-8")
    assert guesses.only_guesses(kites) == 0
    assert "still a draft" not in inside("-C", workspace.root, "status").stdout


@given(
    st.lists(st.sampled_from([*"019-. ", "May ", "in ", "2031", "was renamed ", "was created ", "merged "])).map(
        "".join
    )
)
def test_events_lie_in_the_text_and_no_date_is_two_events(text: str) -> None:
    found = events.events(text)
    assert len({event.kind for event in found}) == len(found)
    assert [event.start for event in found] == sorted(event.start for event in found)
    assert all(0 <= event.start < event.end <= len(text) for event in found)
    assert sum(event.date is not None for event in found) <= len(dates.dates(text))
