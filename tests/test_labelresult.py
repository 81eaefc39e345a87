"""Reading and writing Label Studio results: the browser's own, wrong ones, and every submission there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.required import required
from toolkit.codebook import Codebook, load_codebook
from toolkit.decisionresult import DecisionAnswer, build_decision_result, parse_decision
from toolkit.errors import InputError
from toolkit.labelresult import MODES, Free, Mode, Region, Span, Submission, Vote, build_result, canonical, parse_result

TEXT = "All Velmar stands 😀 behind its dyke.\nShame on the slanderers! #DykeOfVelmar 海堤"
ADJUDICATION = load_codebook("adjudication")
CODEBOOKS = {task: load_codebook(task) for task in ("segmentation", "narrative", "photo_text")}
NARRATIVE = CODEBOOKS["narrative"]


def entry(control: str, kind: str, value: dict[str, Any], *, id: str = "a", to: str = "text") -> dict[str, Any]:
    return {"value": value, "id": id, "from_name": control, "to_name": to, "type": kind, "origin": "manual"}


def test_what_the_browser_stores_is_read() -> None:
    shown = {"start": 0, "end": 19, "text": "All Velmar stands 😀"}
    result = [
        entry("evidence", "labels", {**shown, "labels": ["n81"]}, id="DWuzaYyeIy"),
        entry("mode", "choices", {**shown, "choices": ["implied"]}, id="DWuzaYyeIy"),
        entry("evidence", "labels", {**shown, "labels": ["n81"]}, id="KdoSbAGkMa"),
        entry("technique", "choices", {"choices": ["t06"]}, id="Akb9J-_XQ4"),
        entry("voice", "choices", {"choices": ["asserts", "mocks"]}, id="Q_6M5ObkCn"),
        entry("confidence", "choices", {"choices": ["2"]}, id="XpBQqjm6St"),
        entry("narrative", "taxonomy", {"taxonomy": [["n80", "n82"], ["n90"]]}, id="qxBFnwU5My"),
        entry("comment", "textarea", {"text": ["a note\nin two lines"]}, id="yVrWEZJmWR"),
    ]
    submission, problems = parse_result(NARRATIVE, result, text=TEXT)
    assert problems == []
    assert submission == Submission(
        labels=(
            Vote("narrative", "n81"),
            Vote("narrative", "n82"),
            Vote("narrative", "n90"),
            Vote("technique", "t06"),
            Vote("voice", "asserts"),
            Vote("voice", "mocks"),
        ),
        evidence=(Span("narrative", "n81", 0, 19, "implied"),),
        confidence=2,
        comment="a note\nin two lines",
    )
    assert TEXT[0:19] == "All Velmar stands 😀"


def test_a_transcribed_region_of_an_image_is_read() -> None:
    box = {"x": 19.965, "y": 20.052, "width": 30.034, "height": 30.034, "rotation": 0}
    result = [
        entry("transcription", "textarea", {**box, "text": ["STAND BY"]}, id="i", to="image"),
        entry("region", "rectanglelabels", {**box, "rectanglelabels": ["photo_text"]}, id="i", to="image"),
        entry("region", "rectanglelabels", {**box, "x": 1, "rectanglelabels": ["photo_text"]}, id="j", to="image"),
        entry("speaker", "textarea", {"text": ["Minister Dune"]}, id="k"),
    ]
    submission, problems = parse_result(CODEBOOKS["photo_text"], result, text=TEXT)
    assert submission.regions == (
        Region(19.965, 20.052, 30.034, 30.034, "STAND BY"),
        Region(1.0, 20.052, 30.034, 30.034, ""),
    )
    assert submission.free == (Free("speaker", "Minister Dune"),)
    assert all(problem.endswith("no answer") for problem in problems)


def test_roles_are_spans() -> None:
    result = [
        entry("role", "labels", {"start": 63, "end": 76, "text": "x", "labels": ["hashtag"]}, id="a"),
        entry("role", "labels", {"start": 0, "end": 66, "text": "y", "labels": ["post"]}, id="b"),
    ]
    submission, problems = parse_result(CODEBOOKS["segmentation"], result, text=TEXT)
    assert problems == []
    assert submission.labels == (Vote("role", "post"), Vote("role", "hashtag"))
    assert submission.evidence == (Span("role", "post", 0, 66), Span("role", "hashtag", 63, 76))


OK = [
    entry("narrative", "taxonomy", {"taxonomy": [["n70", "n72"]]}),
    entry("confidence", "choices", {"choices": ["3"]}, id="b"),
]
WRONG: dict[str, list[dict[str, Any]]] = {
    "unknown control 'tone'": [entry("tone", "choices", {"choices": ["x"]})],
    "technique: unknown label 't99'": [entry("technique", "choices", {"choices": ["t99"]})],
    "narrative: unknown label 'n70'": [entry("narrative", "taxonomy", {"taxonomy": [["n70"]]})],
    "evidence: unknown label 'n98'": [entry("evidence", "labels", {"start": 0, "end": 3, "labels": ["n98"]})],
    "evidence: span 70 to 900": [entry("evidence", "labels", {"start": 70, "end": 900, "labels": ["n72"]})],
    "evidence: span 5 to 5": [entry("evidence", "labels", {"start": 5, "end": 5, "labels": ["n72"]})],
    "evidence: span '1' to '4'": [entry("evidence", "labels", {"start": "1", "end": "4", "labels": ["n72"]})],
    "n98 stands alone": [entry("narrative", "taxonomy", {"taxonomy": [["n98"]]})],
    "confidence: unknown level '7'": [entry("confidence", "choices", {"choices": ["7"]})],
    "confidence: more than one answer": [entry("confidence", "choices", {"choices": ["1"]})],
    "n90 needs its claim": [entry("narrative", "taxonomy", {"taxonomy": [["n90"]]})],
    "mode: ['sure'] is not one of": [entry("mode", "choices", {"choices": ["sure"]})],
    "answers no question": [{"type": "relation", "from_id": "a", "to_id": "b"}],
    "no_target stands alone": [entry("target", "choices", {"choices": ["media", "no_target"]})],
}


@pytest.mark.parametrize("problem", WRONG)
def test_what_does_not_hold_is_said(problem: str) -> None:
    assert parse_result(NARRATIVE, OK, text=TEXT)[1] == []
    submission, problems = parse_result(NARRATIVE, OK + WRONG[problem], text=TEXT)
    assert len(problems) == 1 and problem in problems[0]
    assert Vote("narrative", "n72") in submission.labels and submission.confidence == 3


def test_a_single_choice_has_one_answer() -> None:
    result = [entry("carrier", "choices", {"choices": ["poster", "photo"]})]
    _, problems = parse_result(CODEBOOKS["photo_text"], result, text=TEXT)
    assert "carrier: more than one answer: poster, photo" in problems
    assert "device: no answer" in problems


def test_a_submission_of_another_codebook_is_refused() -> None:
    for wrong in (
        Submission(labels=(Vote("narrative", "n77"),)),
        Submission(labels=(Vote("technique", "n11"),)),
        Submission(free=(Free("tone", "x"),)),
    ):
        with pytest.raises(InputError):
            build_result(NARRATIVE, wrong, form="default")


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
modes = st.sampled_from(MODES)
percents = st.floats(0, 100, allow_nan=False)


@st.composite
def submissions(draw: st.DrawFn, codebook: Codebook, form: str) -> Submission:
    fields = [field for field in codebook.fields if field.on(form)]
    votes = [
        Vote(f.name, x.id) for f in fields if not f.spans_only and not f.per_region for x in codebook.leaves(f.name)
    ]
    spans: list[Span] = []
    marks = [Vote(label.field, label.id) for label in codebook.evidence_labels()]
    marks += [Vote(f.name, x.id) for f in fields if f.spans_only for x in codebook.leaves(f.name)]
    for vote in draw(st.lists(st.sampled_from(marks), max_size=6)):
        start = draw(st.integers(0, len(TEXT) - 1))
        end = draw(st.integers(start + 1, len(TEXT)))
        mode: Mode = "explicit" if codebook.field(vote.field).spans_only else draw(modes)
        spans.append(Span(vote.field, vote.label, start, end, mode))
    free = [f.name for f in fields if f.kind == "free" and not f.per_region and f.name != "comment"]
    writings = st.sampled_from([x.id for f in fields if f.per_region for x in codebook.leaves(f.name)] or [""])
    regions = st.builds(Region, percents, percents, percents, percents, words | st.just(""), st.none() | writings)
    return canonical(
        codebook,
        Submission(
            labels=tuple(draw(st.lists(st.sampled_from(votes), max_size=8))) if votes else (),
            evidence=tuple(spans),
            confidence=draw(st.none() | st.sampled_from([1, 2, 3])) if any(f.levels for f in fields) else None,
            free=tuple(Free(name, draw(words)) for name in free if draw(st.booleans())),
            comment=draw(st.none() | words),
            regions=tuple(draw(st.lists(regions, max_size=3))) if any(f.per_region for f in fields) else (),
            unable=draw(st.none() | st.just("distressing")),
        ),
    )


@pytest.mark.parametrize(("task", "form"), [(task, form) for task, book in CODEBOOKS.items() for form in book.forms])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_submission_comes_back_as_it_was(task: str, form: str, data: st.DataObject) -> None:
    codebook = CODEBOOKS[task]
    submission = data.draw(submissions(codebook, form))
    result = build_result(codebook, submission, form=form)
    assert parse_result(codebook, result, text=TEXT)[0] == submission
    shuffled = data.draw(st.permutations([item for item in result if item["from_name"] != "region"]))
    boxes = [item for item in result if item["from_name"] == "region"]
    assert parse_result(codebook, [*shuffled, *boxes], text=TEXT)[0] == submission
    assert canonical(codebook, submission) == submission


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_label_studio_accepts_what_is_written(data: st.DataObject) -> None:
    interface = required("label_studio_sdk.label_interface")
    from toolkit.labelconfig import render_config

    config = interface.LabelInterface(render_config(NARRATIVE))
    result = build_result(NARRATIVE, data.draw(submissions(NARRATIVE, "default")), form="default")
    for item in result:
        if "start" in item["value"]:
            item["value"]["text"] = TEXT[item["value"]["start"] : item["value"]["end"]]
        assert config.validate_region(item)


answers = st.builds(
    DecisionAnswer,
    decision=st.none() | st.sampled_from(["yes", "no", "contested"]),
    reason=st.none() | st.sampled_from(["slip", "rule_gap", "both_valid"]),
    comment=st.none() | words,
    evidence=st.sets(st.tuples(st.integers(0, 30), st.integers(31, len(TEXT)))).map(lambda s: tuple(sorted(s))),
)


@given(answers)
def test_a_decision_comes_back_as_it_was(answer: DecisionAnswer) -> None:
    parsed, problems = parse_decision(
        ADJUDICATION, build_decision_result(answer), TEXT, options=["yes", "no", "contested"]
    )
    assert parsed == answer
    assert len(problems) == (answer.decision is None) + (answer.reason is None)


def test_a_decision_that_does_not_hold_is_said() -> None:
    result = [
        entry("decision", "choices", {"choices": ["maybe"]}),
        entry("reason", "choices", {"choices": ["slip"]}),
        entry("evidence", "labels", {"start": 4, "end": 400, "labels": ["evidence"]}),
        entry("tone", "choices", {"choices": ["x"]}),
    ]
    answer, problems = parse_decision(ADJUDICATION, result, TEXT, options=["yes", "no"])
    assert answer == DecisionAnswer(reason="slip")
    assert [problem.split(":")[0] for problem in problems] == [
        "decision",
        "evidence",
        "unknown control 'tone'",
        "decision",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["n11", "", "explicit", "2", "\u202e"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*"xy", "width", "height", "start", "end", "taxonomy", "choices", "labels", "text", "value"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
CONTROLS = ["narrative", "evidence", "mode", "technique", "confidence", "comment", "region", "transcription", "carrier"]
ENTRY = st.fixed_dictionaries(
    {"from_name": st.sampled_from(CONTROLS) | JSON, "value": JSON | st.dictionaries(st.sampled_from(["choices"]), JSON)}
)


@given(result=st.lists(ENTRY | JSON, max_size=4) | JSON, task=st.sampled_from(["narrative", "photo_text"]))
@settings(max_examples=200, deadline=None)
def test_garbage_is_reported_and_never_a_crash(result: Any, task: str) -> None:
    submission, problems = parse_result(load_codebook(task), result, text="Salt lamps 𠮷 are no crime.")
    assert all(isinstance(problem, str) and problem for problem in problems)
    if not isinstance(result, list) or any(not isinstance(entry, dict) for entry in result):
        assert problems
    decided = parse_decision(ADJUDICATION, result, "Salt lamps 𠮷 are no crime.", options=["yes", "no"])[1]
    assert all(isinstance(problem, str) and problem for problem in decided)
    length = len("Salt lamps 𠮷 are no crime.")
    assert all(0 <= span.start < span.end <= length for span in submission.evidence)
