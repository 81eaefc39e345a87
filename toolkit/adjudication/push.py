"""Open questions → the adjudicator's project, one question a task, blind.

The alternatives are lettered in an order that a hash of the question decides; who gave which stays on this side, in
``decisions/<task>/alternatives.jsonl``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.adjudication.store import outcomes, record_path, standing
from toolkit.codebook import Codebook
from toolkit.corpus import store
from toolkit.errors import InputError
from toolkit.fsio import sha256_text, write_jsonl
from toolkit.items import Item, items
from toolkit.labels.store import load_judgements
from toolkit.tasks import LABEL_TASKS, Plan, Project, Server, push_project, serve_images
from toolkit.votes import CONTESTED, NO, YES, Question
from toolkit.workspace import Workspace

_COUNTS = {"en": ("It counts:", "It does not count:"), "zh": ("计入：", "不计入：")}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SAY = {
    YES: {"en": "yes: the label holds", "zh": "是：标签成立"},
    NO: {"en": "no: it does not hold", "zh": "否：标签不成立"},
    CONTESTED: {"en": "contested: both readings stand", "zh": "有争议：两种读法都成立"},
}


def project(workspace: Workspace, task: str, form: str) -> Project:
    """Return the adjudicator's project for a task and form; :class:`InputError` where the settings name no adjudicator."""
    name = workspace.settings.tasks.adjudicator
    if name is None:
        raise InputError(
            f"{workspace.root / 'docposts.toml'}: tasks.adjudicator is not set", hint='name one: adjudicator = "adj-1"'
        )
    key = f"adjudication{'' if form == 'default' else f'-{form}'}.{task}"
    return Project(key, "adjudication", form, name, about=f"adjudication {task}")


def push(workspace: Workspace, server: Server) -> list[Plan]:
    """Push every open question, those about a held image with the image.

    Those decided are there already; those whose votes have changed since are told as orphaned.
    """
    with workspace.lock():
        codebook = workspace.codebooks("adjudication")
        shown = {i.item_id: i for i in items(store.open_version(workspace).tables(), workspace.settings.tasks.layer)}
        evidence = _evidence(workspace, shown)
        found = standing(workspace)
        done = []
        for task in LABEL_TASKS:
            questions = [q for q in (*found.open, *found.adjudicated) if q.task == task and q.item_id in shown]
            letters = {question.id: _letters(question) for question in questions}
            kept = [{"question_id": question_id, "alternatives": named} for question_id, named in letters.items()]
            if kept or record_path(workspace, task).exists():
                write_jsonl(workspace.decisions_dir / task / "alternatives.jsonl", kept)
            for form in codebook.forms:
                own = [q for q in questions if (shown[q.item_id].image is not None) == (form == "image")]
                if own or (workspace.annotations_dir / project(workspace, task, form).key).exists():
                    images, addresses = serve_images(workspace, [shown[question.item_id] for question in own])
                    tasks = [
                        {"data": _data(workspace, q, shown[q.item_id], letters[q.id], evidence, addresses)} for q in own
                    ]
                    of = project(workspace, task, form)
                    done.append(push_project(workspace, server, of, codebook, tasks, images=images))
        return done


def _letters(question: Question) -> dict[str, str]:
    """Return letter → annotator, in an order that says nothing about the names."""
    order = sorted(question.votes, key=lambda name: sha256_text(f"{question.id}\n{name}"))
    return dict(zip(_LETTERS, order, strict=False))


def _evidence(
    workspace: Workspace, shown: Mapping[str, Item]
) -> dict[tuple[str, str, str], list[tuple[int, int, str, str]]]:
    """Return (judgement, field, label) → the places that the judgement rests on, where it was made on today's text."""
    found: dict[tuple[str, str, str], list[tuple[int, int, str, str]]] = {}
    for row in load_judgements(workspace).to_pylist():
        item = shown.get(row["item_id"])
        for span in row["evidence"] if item and sha256_text(item.text) == row["text_sha256"] else []:
            key = (row["judgement_id"], span["field"], span["label"])
            found.setdefault(key, []).append((span["start"], span["end"], span["mode"], row["annotator"]))
    return found


def _data(
    workspace: Workspace,
    question: Question,
    item: Item,
    letters: Mapping[str, str],
    evidence: Mapping[tuple[str, str, str], list[tuple[int, int, str, str]]],
    addresses: Mapping[str, str],
) -> dict[str, Any]:
    language = workspace.settings.tasks.language
    codebook = workspace.codebooks(question.task)
    words = codebook.field(question.field).question.get(language)
    if question.label:
        words = f"{words} — {codebook.label(question.label).shown(language)}?"
    image = {"image": addresses[item.image]} if item.image else {}
    return image | {
        "key": question.id,
        "item_id": question.item_id,
        "item_type": question.item_type,
        "task": question.task,
        "field": question.field,
        "label": question.label or "",
        "question": words,
        "definition": "\n".join(_definition(codebook, question, language)),
        "text": item.text,
        "text_layer": item.layer,
        "alternatives": [
            {
                "alternative": letter,
                "answer": _shown(codebook, question, question.votes[name], language),
                "evidence": _quoted(question, name, item.text, evidence),
            }
            for letter, name in letters.items()
        ],
        "options": [
            {"alias": value, "value": _shown(codebook, question, value, language)}
            for value in outcomes(question.task, question.field, question.label, workspace.codebooks)
        ],
    }


def _definition(codebook: Codebook, question: Question, language: str) -> list[str]:
    """Return what the codebook says of a label, what counts told from what does not; or of each value of a field."""
    say = _COUNTS[language]
    rules = [rule.get(language) for rule in codebook.field(question.field).rules]
    if question.label is None:
        leaves = codebook.leaves(question.field)
        return [*(f"{leaf.shown(language)}: {leaf.definition.get(language)}" for leaf in leaves), *rules]
    label = codebook.label(question.label)
    counts = [f"{say[0]} {rule.get(language)}" for rule in label.include]
    not_so = [f"{say[1]} {rule.get(language)}" for rule in label.exclude]
    return [label.definition.get(language), *counts, *not_so, *rules]


def _shown(codebook: Codebook, question: Question, value: str, language: str) -> str:
    if value in _SAY and (question.label or value == CONTESTED):
        return _SAY[value][language]
    return codebook.label(value).shown(language)


def _quoted(
    question: Question,
    name: str,
    text: str,
    evidence: Mapping[tuple[str, str, str], Iterable[tuple[int, int, str, str]]],
) -> str:
    spans = [
        (start, end, mode)
        for judgement_id in question.judgement_ids
        for start, end, mode, annotator in evidence.get((judgement_id, question.field, question.label or ""), ())
        if annotator == name
    ]
    return " · ".join(f"“{text[start:end]}” ({mode})" for start, end, mode in sorted(spans))
