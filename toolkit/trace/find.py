"""A row of the corpus, and a label of it → all that led to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toolkit.adjudication.records import history, reopenings, times
from toolkit.adjudication.store import standing_of
from toolkit.codebook import Codebook
from toolkit.codebook_changes import successor
from toolkit.corpus import show, store
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.items import TASKS
from toolkit.labels.store import as_given, load_judgements
from toolkit.lineage import Lineage
from toolkit.precedents import load as load_precedents
from toolkit.release.coded import coded_fields
from toolkit.release.diff import states
from toolkit.release.folder import Folder
from toolkit.release.rows import KEYS
from toolkit.release.versions import releases
from toolkit.sources import registry
from toolkit.sources.source import Source
from toolkit.tombstones import Tombstone, tombstones
from toolkit.trace.places import Layer, Mark, Stretch, alone, in_report
from toolkit.trace.steps import Known, Step, step
from toolkit.votes import latest
from toolkit.workspace import Workspace

_ITEM = {"posts": "post", "photo_texts": "photo_text"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Trace:
    """A row's way back: its source, its texts in the report, and the steps of each label asked about.

    ``release`` is the last release's version, ``split`` where it has the row (None: it does not hold it), ``released_as`` the
    id of the row that this one supersedes, where it has that. ``answered`` are the annotators who judged the row, ``skipped``
    those who skipped it.
    """

    item_id: str
    item_type: str
    task: str
    corpus: str
    source_id: str
    source: str
    about_source: tuple[tuple[str, str], ...]
    release: str | None
    split: str | None
    released_as: str | None
    answered: tuple[str, ...]
    skipped: tuple[str, ...]
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return asdict(self)


def trace(workspace: Workspace, row_id: str, label: str | None = None) -> Trace:
    """Return the way back of a post or photo text, of one label (or field) where given.

    An id may be cut short where one row alone begins so. :class:`InputError` where the latest corpus version has no such row
    (and what became of it), the codebook no such label, or nobody was asked about it here.
    """
    version = store.open_version(workspace)
    name, row = _row(workspace, version, row_id)
    item_id = str(row[KEYS[name]])
    task = TASKS[_ITEM[name]]  # type: ignore[index]
    codebook = workspace.codebooks(task)
    wanted = _wanted(codebook, label) if label else None

    judgements = load_judgements(workspace)
    # What is settled about an item follows from the judgements of it alone.
    own = judgements.filter(pc.equal(judgements["item_id"], item_id))
    lineage, records, again = Lineage.of(workspace.ledger), history(workspace), reopenings(workspace)
    found = standing_of(own, workspace.settings.adjudication, workspace.codebooks, records, times(again), lineage)
    texts = list(_texts(name, row, show.parts(version, name, item_id)))
    shown = _shown(texts, workspace.settings.tasks.layer)
    items = [item_id, *lineage.before(item_id, carried=True)]
    release, split, held = _held_by_release(workspace, name, items)
    known = Known(
        found=found,
        judgements={each["judgement_id"]: each for each in own.to_pylist()},
        records=records,
        reopenings=again,
        texts={sha256_text(each["text"]): each["text"] for each in texts},
        shown_text=shown["text"],
        codebooks=workspace.codebooks,
        given=as_given(workspace, _made_before(own, codebook)),
        released=_released(release, held, codebook) if release and held else None,
        precedents=load_precedents(workspace.decisions_dir, task),
        items=frozenset(items),
        language=workspace.settings.tasks.language,
    )
    steps = []
    for number in range(len(found.found)):
        _, _, field, given = found.found.place(number)
        if wanted is None or (field, given) == wanted:
            steps.append(step(known, number))
    if wanted and not steps:
        raise InputError(
            f"nobody gave {label} on {item_id}: nothing was asked about it", hint=f"docposts trace {item_id}"
        )
    source = registry.get(workspace, row["source_id"]) if _held(workspace, row) else None
    answers = latest(own)
    return Trace(
        item_id=item_id,
        item_type=_ITEM[name],
        task=task,
        corpus=str(version.version),
        source_id=row["source_id"],
        source=source.meta.title if source else row["source_id"],
        about_source=tuple(_about(source)) if source else (),
        release=release.version if release else None,
        split=split,
        released_as=str(held[KEYS[name]]) if held and held[KEYS[name]] != item_id else None,
        answered=tuple(sorted({each["annotator"] for each in answers if not each["skipped"]})),
        skipped=tuple(sorted({each["annotator"] for each in answers if each["skipped"]})),
        layers=tuple(_layers(texts, source, own, steps, shown)),
        steps=tuple(steps),
    )


def _made_before(judgements: pa.Table, codebook: Codebook) -> set[str]:
    """Return the ids of the judgements that were made under another codebook than today's."""
    earlier = judgements.filter(pc.not_equal(judgements["codebook_version"], codebook.version))
    return set(earlier["judgement_id"].to_pylist())


def _row(workspace: Workspace, version: store.CorpusVersion, row_id: str) -> tuple[str, dict[str, Any]]:
    if row_id and (found := show.find(version, row_id)):
        return found
    gone = [(stone, item) for stone in tombstones(workspace.ledger) for item in stone.items if item == row_id]
    gone = gone or [(s, i) for s in tombstones(workspace.ledger) for i in s.items if row_id and i.startswith(row_id)]
    if gone:
        raise InputError(_purged(*gone[0]))
    decided = Lineage.of(workspace.ledger).decided
    old = row_id if row_id in decided else next((each for each in decided if row_id and each.startswith(row_id)), None)
    if old:
        new, carries = decided[old]["new"], decided[old]["carries"]
        over = "its judgements count there" if carries else "its judgements do not carry over"
        raise InputError(f"{old} was superseded by {new}: {over}", hint=f"docposts trace {new}")
    earlier = [(each, found) for each in store.versions(workspace) if row_id and (found := show.find(each, row_id))]
    if earlier:
        last, (name, row) = earlier[-1]
        item_id = str(row[KEYS[name]])
        release, split, _ = _held_by_release(workspace, name, [item_id])
        held = f"; release {release.version} holds it, split {split}" if release and split else ""
        raise InputError(
            f"{item_id} was last in corpus {last.version}; {version.version} does not hold it{held}",
            hint=f"what follows it: docposts corpus lineage; what it was: docposts corpus show {item_id}",
        )
    raise InputError(
        f"no corpus version has {row_id!r}",
        hint="docposts corpus query \"SELECT post_id, text FROM posts WHERE text LIKE '%words%'\"",
    )


def _purged(stone: Tombstone, item: str) -> str:
    what = f"with source {stone.id}, " if stone.kind == "source" else ""
    return f"{item} was purged {what}on {stone.on}: nothing that led to its labels is kept"


def _wanted(codebook: Codebook, label: str) -> tuple[str, str | None]:
    """Return the field, and the label in it where it may have several, that a word on the command line means."""
    fields = {field.name: field for field in codebook.fields if field.coded}
    if label in fields and fields[label].kind == "single":
        return label, None
    known = {one.id: one for one in codebook.labels if one.field in fields}
    if label not in known:
        names = [*known, *(name for name, field in fields.items() if field.kind == "single")]
        near = difflib.get_close_matches(label, names, n=3, cutoff=0.5)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(
            f"{label} is no label of the codebook {codebook.task} {codebook.version}{meant}",
            hint=f"docposts codebook render {codebook.task}",
        )
    field = known[label].field
    became, parts = successor(codebook, codebook, label)
    if became is None:
        what = f"split into {', '.join(parts)}" if parts else "retired"
        raise InputError(
            f"{label} was {what} in {codebook.task} {known[label].retired}: nothing stands under it today",
            hint=f"docposts trace ROW {parts[0]}" if parts else "docposts trace ROW",
        )
    return field, became if fields[field].kind == "multi" else None


def _texts(name: str, row: Row, parts: Mapping[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield an item's texts, each with its ``layer``: those that annotators may have judged."""
    if name == "photo_texts":
        yield {**row, "layer": row["kind"]}
        return
    layers = parts.get("text_layers", [])
    yield from layers
    if row["text"] not in [layer["text"] for layer in layers]:
        yield {**row, "layer": "documented"}


def _shown(texts: Sequence[dict[str, Any]], layer: str) -> dict[str, Any]:
    return next((each for each in texts if each["layer"] == layer), texts[0])


def _layers(
    texts: Sequence[dict[str, Any]],
    source: Source | None,
    judgements: pa.Table,
    steps: Sequence[Step],
    shown: Row,
) -> Iterator[Layer]:
    """Yield the texts in the report, with the words that votes and decisions rest on."""
    asked = {(one.field, one.label) for one in steps}
    weighed = {vote.judgement_id for one in steps for vote in one.votes}
    single = {one.field for one in steps if one.label is None}
    for each in texts:
        hash_, marks, judged = sha256_text(each["text"]), [], False
        for row in judgements.to_pylist():
            if row["judgement_id"] not in weighed or row["text_sha256"] != hash_:
                continue
            judged = True
            for span in row["evidence"]:
                if (span["field"], span["label"]) in asked or span["field"] in single:
                    marks.append(Mark(span["start"], span["end"], row["annotator"], span["label"]))
        if each is shown:
            marks += [mark for one in steps for mark in _decided(one, each["text"])]
        yield _layer(each, source, marks, judged=judged)


def _decided(one: Step, text: str) -> Iterator[Mark]:
    for said in one.decisions:
        for start, end in said.places if said.in_force else ():
            yield Mark(start, min(end, len(text)), f"decision of {said.by}", one.label or one.field)


def _layer(row: Row, source: Source | None, marks: Sequence[Mark], *, judged: bool) -> Layer:
    lang = row["text_lang"] if row["text_lang"] not in (None, "und") else ""
    if source is None:
        missing = "the report is not in this workspace"
    elif source.is_table:
        return Layer(
            *(row["layer"], lang, f"{source.file.name}, row {row['place']}"), tuple(alone(row["text"], marks)), judged
        )
    else:
        try:
            stretches: list[Stretch] = in_report(row["text"], source.text, row["fragments"], marks)
        except ValueError:
            missing = "the report reads otherwise than when the corpus was built"
        else:
            start, end = row["fragments"][0]["source_start"], row["fragments"][-1]["source_end"]
            line = source.text.count("\n", 0, start) + 1
            where = f"sources/{source.id}/text.txt, line {line}, characters {start} to {end}"
            return Layer(row["layer"], lang, where, tuple(stretches), judged)
    return Layer(row["layer"], lang, "", tuple(alone(row["text"], marks)), judged, missing)


def _held(workspace: Workspace, row: Row) -> bool:
    return (workspace.sources_dir / str(row["source_id"]) / "source.toml").is_file()


def _about(source: Source) -> Iterator[tuple[str, str]]:
    meta = source.meta
    named = {"publisher": meta.publisher, "authors": ", ".join(meta.authors), "published": meta.published}
    named |= {"address": meta.url, "rights": meta.rights}
    yield from ((name, str(value)) for name, value in named.items() if value)


def _held_by_release(
    workspace: Workspace, name: str, ids: Sequence[str]
) -> tuple[Folder | None, str | None, dict[str, Any] | None]:
    """Return the last release, in which split it has one of some rows (None: none of them), and that row, by its order here."""
    made = releases(workspace)
    if not made:
        return None, None, None
    for item_id in ids:
        for split, rows in made[-1].parts.get(name, {}).items():
            for row in rows.filter(pc.equal(rows[KEYS[name]], item_id)).to_pylist():
                return made[-1], split, row
    return made[-1], None, None


def _released(release: Folder, row: Row, codebook: Codebook) -> dict[tuple[str, str | None], str]:
    """Return how a release has the labels of a row, in its own codebook's words."""
    fields = [f for f in coded_fields(release.codebooks.get(codebook.task, codebook)) if f.name in row]
    return {(field.name, label): state for field in fields for label, state in states(row, field).items()}
