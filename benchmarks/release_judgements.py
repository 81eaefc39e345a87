"""A release with as many judgements as a crowd makes: cut and verified; time and the most memory that was held.

    python -m benchmarks.release_judgements [POSTS] [VOTES] [--pulled] [--again]

Posts are words drawn by a seed, judgements labels drawn by it. Then ``docposts release cut`` and ``verify``, each in a process
of its own, which is watched with those that it starts. The judgements lie in a Parquet file that is read in place of pull
files; ``--pulled``: in pull files, and the commands run as they are. ``--again``: then of each hundred judgements one says
something else, and ``cut``, ``verify`` and ``diff`` run with the first release beside.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import uuid
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import meter
from toolkit.codebook import load_codebook
from toolkit.corpus import store
from toolkit.fsio import sha256_text, write_atomic
from toolkit.ids import normalise
from toolkit.labelresult import Submission, Vote, build_result
from toolkit.release import build, checks
from toolkit.schema import table
from toolkit.workspace import Workspace, new_settings

SOURCES = 40
SYLLABLES = [a + b for a in "b d f g k l m n p r s t v".split() for b in "a e i o u ai".split()]
Row = dict[str, Any]


def corpus(posts: int, seed: int = 0) -> dict[str, list[Row]]:
    """Return the rows of a corpus of fictional words, in sources of equal size."""
    draw = np.random.default_rng(seed)
    sources, rows, layers = [], [], []
    known = table("posts").arrow.names
    for number in range(SOURCES):
        row: Row = {"source_id": f"quay-{number:02}", "key": f"key-{number}", "sequence": number + 1}
        row |= {"title": f"On quay {number}", "authors": [], "languages": ["en"], "platforms": [], "characters": 1000}
        row |= {"rights": "redistributable", "selection": "illustrative", "fictional": True, "format": "text"}
        sources.append(row | {"raw_sha256": "0" * 64, "text_sha256": "1" * 64})
    for number in range(posts):
        words = ["".join(draw.choice(SYLLABLES, 3)) for _ in range(int(draw.integers(8, 24)))]
        text, source = " ".join(words), f"quay-{number * SOURCES // posts:02}"
        fragments = [{"start": 0, "end": len(text), "source_start": 0, "source_end": len(text)}]
        post: Row = {"post_id": f"post_{number:032x}", "source_id": source, "place": 0, "text": text}
        post |= {"fragments": fragments, "text_lang": "en", "is_translation": True, "script": "Latn"}
        post |= {name: [] for name in ("hashtags", "mentions", "urls", "insertions", "footnotes", "media", "flags")}
        post |= {"uncertain_boundary": False, "unreviewed": False, "exact_hash": sha256_text(normalise(text))}
        rows.append({name: post[name] for name in post if name in known})
        layer = {"post_id": post["post_id"], "layer": "translation", "source_id": source, "place": 0, "text": text}
        layers.append(layer | {"fragments": fragments, "text_lang": "en", "script": "Latn"})
    return {"sources": sources, "posts": rows, "text_layers": layers}


def judgements(posts: list[Row], votes: int, seed: int = 0, *, changed: bool = False) -> pa.Table:
    """Return ``votes`` judgements on each post, by as many annotators; ``changed``: one in a hundred says something else."""
    draw = np.random.default_rng(seed)
    leaves = [leaf.id for leaf in load_codebook("narrative").leaves("narrative")]
    count, schema = len(posts) * votes, table("judgements").arrow
    of = np.repeat(np.arange(len(posts)), votes)
    at = pa.array(1_900_000_000_000_000 + np.arange(count) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
    # A label that fits the post, and at times another.
    own = draw.integers(0, len(leaves), len(posts))[of]
    given = np.where(draw.random(count) < 0.8, own, draw.integers(0, len(leaves), count))
    if changed:
        given[::100] = (given[::100] + 1) % len(leaves)
    offsets = pa.array(np.arange(count + 1), pa.int32())
    label = pa.StructArray.from_arrays(
        [pa.array(["narrative"] * count), pa.array(leaves).take(pa.array(given))], names=["field", "label"]
    )
    start, end = pa.array(np.zeros(count), pa.int32()), pa.array(np.full(count, 12), pa.int32())
    hashes = pa.array([sha256_text(row["text"]) for row in posts]).take(pa.array(of))
    made = {
        "judgement_id": pa.array([str(uuid.UUID(int=n)) for n in range(count)]),
        "item_id": pa.array([row["post_id"] for row in posts]).take(pa.array(of)),
        "annotator": pa.array([f"ann-{n}" for n in range(votes)]).take(pa.array(np.tile(np.arange(votes), len(posts)))),
        "created_at": at,
        "updated_at": at,
        "text_sha256": hashes,
        "labels": pa.ListArray.from_arrays(offsets, label),
    }
    fixed = {"item_type": "post", "task": "narrative", "project": "p", "round": "main", "round_kind": "production"}
    fixed |= {"skipped": False, "image_seen": False, "predictions_shown": False, "text_layer": "translation"}
    fixed |= {"codebook_version": "1.0.0", "config_sha256": "2" * 64, "guide_sha256": "3" * 64}
    fixed |= {"provenance": "simulated"}
    columns = []
    for field in schema:
        if field.name == "evidence":
            spans = {"field": label.field("field"), "label": label.field("label"), "start": start, "end": end}
            parts = [
                spans[part.name].cast(part.type) if part.name in spans else pa.array(["explicit"] * count, part.type)
                for part in field.type.value_type
            ]
            kinds = [*field.type.value_type]
            columns.append(pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(parts, fields=kinds)))
        elif field.name in made:
            columns.append(made[field.name].cast(field.type))
        elif field.name in fixed:
            columns.append(pa.repeat(pa.scalar(fixed[field.name], field.type), count))
        elif pa.types.is_list(field.type):
            columns.append(pa.array([[]] * count, field.type))
        else:
            columns.append(pa.nulls(count, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def pulled(workspace: Workspace, posts: list[Row], made: pa.Table) -> None:
    """Write judgements as the pull files of one project an annotator."""
    codebook = load_codebook("narrative")
    answers = {
        leaf.id: build_result(
            codebook,
            Submission(labels=(Vote("narrative", leaf.id), Vote("voice", "asserts")), comment="x", confidence=2),
            form="default",
        )
        for leaf in codebook.leaves("narrative")
    }
    texts = {row["post_id"]: row["text"] for row in posts}
    for name in made["annotator"].unique().to_pylist():
        record = {
            "project": f"narrative.{name}",
            "task": "narrative",
            "form": "default",
            "annotator": name,
            "about": "",
        }
        record |= {"marker": f"quays/narrative.{name}", "project_id": 1, "codebook_version": codebook.version}
        folder = workspace.annotations_dir / record["project"]
        write_atomic(
            folder / "project.json", json.dumps(record | {"config_sha256": "2" * 64, "guide_sha256": "3" * 64})
        )
        own = made.filter(pc.equal(made["annotator"], name)).select(["item_id", "created_at", "labels"])
        with (folder / "pull-0001.jsonl").open("w", encoding="utf-8") as out:
            for number, row in enumerate((r for batch in own.to_batches() for r in batch.to_pylist()), 1):
                item, at = row["item_id"], row["created_at"].isoformat()
                data = {"key": item, "item_id": item, "item_type": "post", "text": texts[item]}
                data |= {"text_layer": "translation", "image_seen": False}
                annotation = {
                    "id": number,
                    "created_at": at,
                    "updated_at": at,
                    "lead_time": 30.5,
                    "was_cancelled": False,
                }
                annotation["result"] = answers[row["labels"][0]["label"]]
                out.write(json.dumps({"task": number, "data": data, "annotations": [annotation]}) + "\n")


def prepare(folder: Path, posts: int, votes: int, *, as_pulled: bool) -> Workspace:
    """Make a workspace with a corpus and judgements."""
    workspace = Workspace.create(folder / "w", new_settings("quays", "Quays", release={"licence": "CC-BY-4.0"}))
    rows = corpus(posts)
    tables = {name: table(name).from_rows(own) for name, own in rows.items()}
    names = ("photo_texts", "narratives", "accounts", "account_events", "post_links", "clusters")
    tables |= {name: table(name).empty() for name in names}
    parts = store.write_parts(workspace.corpus_dir / "parts", {name: [("all", own)] for name, own in tables.items()})
    store.publish(workspace.corpus_dir / "0.1.0", {"version": "0.1.0", "input_digest": "4" * 64, "tables": parts})
    made = judgements(rows["posts"], votes)
    if as_pulled:
        pulled(workspace, rows["posts"], made)
    else:
        pq.write_table(made, folder / "judgements.parquet")
    return workspace


def command(step: str, folder: Path) -> None:
    """Run ``docposts release`` cut or verify; what it says as JSON goes to a file."""
    stored = folder / "judgements.parquet"
    if stored.exists():
        kept = table("judgements").arrow
        for module in (build, checks):
            module.load_judgements = lambda of: of.codebooks.named_on(pq.read_table(stored).cast(kept))  # type: ignore[assignment]
    from toolkit.cli import docposts

    with (folder / f"{step.split(maxsplit=1)[0]}.json").open("w", encoding="utf-8") as out, redirect_stdout(out):
        docposts.main(["-C", str(folder / "w"), "release", *step.split(), "--json"], standalone_mode=False)


def measure(posts: int, votes: int, *, as_pulled: bool, again: bool) -> dict[str, Any]:
    """Cut and verify; return step → time in seconds, processor time, and peak memory in MB."""
    found: dict[str, Any] = {"posts": posts, "judgements": posts * votes, "pulled": as_pulled}
    with tempfile.TemporaryDirectory(prefix="docposts-bench-") as scratch:
        folder = Path(scratch)
        workspace = prepare(folder, posts, votes, as_pulled=as_pulled)
        steps = ["cut", "verify"]
        while steps:
            step = steps.pop(0)
            used = meter.run([sys.executable, "-m", "benchmarks.release_judgements", "--run", step, scratch])
            name = f"{step.split()[0]} again" if step in found or " " in step else step
            found[name] = {"seconds": round(used.seconds), "cpu": round(used.cpu), "peak_mb": round(used.peak)}
            print(name, found[name], file=sys.stderr, flush=True)
            if again and name == "verify":
                made = judgements(corpus(posts)["posts"], votes, changed=True)
                if as_pulled:
                    pulled(workspace, corpus(posts)["posts"], made)
                else:
                    pq.write_table(made, folder / "judgements.parquet")
                del made
                first = next(path.name for path in workspace.releases_dir.iterdir() if path.is_dir())
                steps = ["cut", "verify", f"diff {first}"]
        gates = json.loads((folder / "verify.json").read_text(encoding="utf-8"))
        files = [path for path in workspace.releases_dir.rglob("*") if path.is_file()]
        found |= {"bytes": sum(path.stat().st_size for path in files), "gates": len(gates)}
        found["do not hold"] = [f"{gate['gate']}: {gate['detail']}" for gate in gates if gate["state"] != "holds"]
    return found


def main() -> None:
    """Measure."""
    if sys.argv[1:2] == ["--run"]:
        command(sys.argv[2], Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("posts", nargs="?", type=int, default=5_000)
    parser.add_argument("votes", nargs="?", type=int, default=20)
    parser.add_argument("--pulled", action="store_true")
    parser.add_argument("--again", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.posts, chosen.votes, as_pulled=chosen.pulled, again=chosen.again), indent=1))


if __name__ == "__main__":
    main()
