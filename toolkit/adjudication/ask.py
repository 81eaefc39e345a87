"""What an adjudicator is asked: each question as a task's data, in the words of the codebook, with nobody named.

The alternatives are lettered in an order that a hash of the task decides; who gave which stays on this side
(:mod:`toolkit.adjudication.records`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication import policy
from toolkit.adjudication.records import Record, outcomes
from toolkit.adjudication.store import Standing
from toolkit.codebook import Codebook
from toolkit.fsio import sha256_text
from toolkit.ids import digest_id
from toolkit.items import Item
from toolkit.precedents import Precedent, in_guide
from toolkit.settings import AdjudicationSettings
from toolkit.votes import CONTESTED, NO, YES, Question

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_COUNTS = {
    "en": ("Counts:", "Does not count:", "Rule:", "Ruled since:"),
    "zh": ("计入：", "不计入：", "规则：", "后来的裁定："),
}
_SAY = {
    YES: {"en": "yes: the label holds", "zh": "是：标签成立"},
    NO: {"en": "no: it does not hold", "zh": "否：标签不成立"},
    CONTESTED: {"en": "contested: both readings stand", "zh": "有争议：两种读法都成立"},
}
_MODES = {"explicit": {"en": "explicit", "zh": "明示"}, "implied": {"en": "implied", "zh": "隐含"}}
_LAYERS = {
    "original": {"en": "In the original:", "zh": "原文："},
    "translation": {"en": "In translation:", "zh": "译文："},
    "documented": {"en": "As documented:", "zh": "报告所载："},
}
_AGAIN = {"en": "Asked again, because: ", "zh": "再次提出，原因："}


@dataclass(frozen=True)
class Put:
    """A question put to an adjudicator: in which pass, and in which asking (how often it had been reopened)."""

    question: Question
    number: int = 1
    asking: int = 0
    because: str = ""

    @property
    def key(self) -> str:
        """The key of its task. The first time a question is put, that is its own id."""
        if (self.number, self.asking) == (1, 0):
            return self.question.id
        return digest_id("question", self.question.id, "asking", self.asking, "pass", self.number)

    @property
    def letters(self) -> dict[str, str]:
        """Letter → annotator, in an order that says nothing about the names, and another one in each pass."""
        order = sorted(self.question.votes, key=lambda name: sha256_text(f"{self.key}\n{name}"))
        return dict(zip(_names(len(order)), order, strict=True))

    def record(self) -> Record:
        """Return what is noted of it on this side."""
        ids = list(self.question.judgement_ids)
        return {"key": self.key, "question_id": self.question.id, "alternatives": self.letters, "judgement_ids": ids}


def _names(count: int) -> list[str]:
    return [(_LETTERS[n // 26 - 1] if n >= 26 else "") + _LETTERS[n % 26] for n in range(count)]


def to_put(found: Standing, because: Mapping[Any, str]) -> list[Put]:
    """Return everything that adjudicators are asked or have been asked in force, the second passes behind the first.

    ``because``: place → why it was reopened last. Who decides alone sees a question a second time once it was decided.
    """
    places = ((number, number_of, found.found.place(number)) for number, number_of in passes(found))
    return [
        Put(found.found.question(number), number_of, found.reopened[place], because.get(place, ""))
        for number, number_of, place in places
    ]


def passes(found: Standing) -> Iterator[tuple[int, int]]:
    """Yield the number of each question that is put and the pass (1 or 2), the second passes behind the first."""
    # What was decided under an earlier form of the question, before a rename, has its task there.
    asked = [number for number in found.adjudicated.numbers.tolist() if _asked_as_it_is(found, number)]
    others = np.concatenate([found.open.numbers, np.setdiff1d(found.sampled.numbers, found.adjudicated.numbers)])
    chosen = np.unique(np.concatenate([others, np.array(asked, np.int64)]))
    yield from ((int(number), 1) for number in chosen)
    for number in map(int, chosen) if found.settings.twice else ():
        if twice(found.settings, found.found.place(number)) and (found.settings.second or number in found.opinions):
            yield number, 2


def _asked_as_it_is(found: Standing, number: int) -> bool:
    question_id = found.found.question(number).id
    return any(record["question_id"] == question_id for record in found.opinions[number])


def twice(settings: AdjudicationSettings, place: Any) -> bool:
    """Tell whether what is asked about a place is decided twice."""
    return policy.drawn(place, settings.twice, "twice", settings.seed)


@dataclass(frozen=True)
class Shown:
    """What the tasks show beside the questions.

    ``items`` by id; ``others``: item → (layer, text) of the layer that is not labelled; ``evidence``: (judgement, field, label)
    → the spans marked, on today's text; ``precedents`` of each task; ``codebooks`` and the ``language`` of the forms.
    """

    items: Mapping[str, Item]
    others: Mapping[str, tuple[str, str]]
    evidence: Mapping[tuple[str, str, str], list[tuple[int, int, str, str]]]
    precedents: Mapping[str, Sequence[Precedent]]
    codebooks: Any
    language: str
    addresses: Mapping[str, str] = field(default_factory=dict)


def evidence_of(
    judgements: pa.Table, shown: Mapping[str, Item], wanted: Iterable[str]
) -> dict[tuple[str, str, str], list[tuple[int, int, str, str]]]:
    """Return (judgement, field, label) → (start, end, mode, annotator) of judgements, where made on today's text."""
    found: dict[tuple[str, str, str], list[tuple[int, int, str, str]]] = {}
    own = judgements.filter(pc.is_in(judgements["judgement_id"], pa.array(sorted(set(wanted)), pa.string())))
    for row in own.select(["judgement_id", "item_id", "text_sha256", "evidence", "annotator"]).to_pylist():
        item = shown.get(row["item_id"])
        for span in row["evidence"] if item and sha256_text(item.text) == row["text_sha256"] else []:
            key = (row["judgement_id"], span["field"], span["label"])
            found.setdefault(key, []).append((span["start"], span["end"], span["mode"], row["annotator"]))
    return found


def task_data(put: Put, shown: Shown) -> dict[str, Any]:
    """Return the data of a question's task."""
    question, language = put.question, shown.language
    item, codebook = shown.items[question.item_id], shown.codebooks(question.task)
    words = codebook.field(question.field).question.get(language)
    if question.label:
        words = f"{words} — {codebook.label(question.label).shown(language)}?"
    if put.because:
        words = f"{words}\n{_AGAIN[language]}{put.because}"
    image = {"image": shown.addresses[item.image]} if item.image else {}
    layer, other = shown.others.get(item.item_id, ("", ""))
    return image | {
        "key": put.key,
        "question_id": question.id,
        "pass": put.number,
        "asking": put.asking,
        "item_id": question.item_id,
        "item_type": question.item_type,
        "task": question.task,
        "field": question.field,
        "label": question.label or "",
        "codebook_version": codebook.version,
        "question": words,
        "definition": "\n".join(_definition(codebook, question, language, shown.precedents.get(question.task, ()))),
        "text": item.text,
        "text_layer": item.layer,
        "other_text": f"{_LAYERS.get(layer, {}).get(language, layer)}\n{other}" if other else "",
        "alternatives": [
            {
                "alternative": letter,
                "answer": _shown(codebook, question, question.votes[name], language),
                "evidence": _quoted(question, name, item.text, shown),
            }
            for letter, name in put.letters.items()
        ],
        "spans": list(_spans(put, item.text, shown)),
        "options": [
            {"alias": value, "value": _shown(codebook, question, value, language)}
            for value in outcomes(question.task, question.field, question.label, shown.codebooks)
        ],
    }


def _definition(
    codebook: Codebook, question: Question, language: str, precedents: Sequence[Precedent]
) -> Iterator[str]:
    """Yield what the codebook says of a label, what counts told from what does not; or of each value of a field."""
    counts, not_so, rule, ruled = _COUNTS[language]
    if question.label is None:
        for leaf in codebook.leaves(question.field):
            yield f"{leaf.shown(language)}: {leaf.definition.get(language)}"
    else:
        label = codebook.label(question.label)
        yield label.definition.get(language)
        yield from (f"{counts} {words.get(language)}" for words in label.include)
        yield from (f"{not_so} {words.get(language)}" for words in label.exclude)
    yield from (f"{rule} {words.get(language)}" for words in codebook.field(question.field).rules)
    about = (each for each in in_guide(precedents) if each.about(question.field, question.label))
    yield from (f"{ruled} {each.words(language)}" for each in about)


def _shown(codebook: Codebook, question: Question, value: str, language: str) -> str:
    if value in _SAY and (question.label or value == CONTESTED):
        return _SAY[value][language]
    return codebook.label(value).shown(language)


def _marked(question: Question, shown: Shown) -> Iterator[tuple[int, int, str, str]]:
    for judgement_id in question.judgement_ids:
        yield from shown.evidence.get((judgement_id, question.field, question.label or ""), ())


def _quoted(question: Question, name: str, text: str, shown: Shown) -> str:
    spans = sorted((start, end, mode) for start, end, mode, by in _marked(question, shown) if by == name)
    return " · ".join(f"“{text[start:end]}” ({_MODES[mode][shown.language]})" for start, end, mode in spans)


def _spans(put: Put, text: str, shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield the annotators' spans to choose from, in the text's order; ``by`` are the letters of those who marked them."""
    letter_of = {name: letter for letter, name in put.letters.items()}
    marked: dict[tuple[int, int], set[str]] = {}
    for start, end, _, by in _marked(put.question, shown):
        marked.setdefault((start, end), set()).add(letter_of[by])
    for (start, end), letters in sorted(marked.items()):
        # In the words of a choice Label Studio puts the task's data in the place of $name: a word joiner keeps it from that.
        words = text[start:end].replace("$", "$\u2060")
        yield {"alias": f"{start}:{end}", "value": f"“{words}”", "by": sorted(letters)}
