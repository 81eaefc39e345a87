"""The demo's steps. Each looks at what is there and goes on from it, so that a demo stopped anywhere can be run again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from toolkit import rounds, tasks
from toolkit.adjudication import pull as decisions_pull
from toolkit.adjudication import push as decisions_push
from toolkit.adjudication.store import standing
from toolkit.agreement import figures as agreement
from toolkit.corpus.build import build
from toolkit.demo import examples, simulate
from toolkit.errors import ChecksFailed
from toolkit.labels import pull
from toolkit.labels.store import read_judgements
from toolkit.labelstudio import environment
from toolkit.labelstudio.connect import connect, embedded
from toolkit.labelstudio.server import Account
from toolkit.release.build import cut
from toolkit.release.checks import measured
from toolkit.release.verify import GATES, verify
from toolkit.resources import resource
from toolkit.sources import registry, segments
from toolkit.workspace import SETTINGS_FILE, Workspace, new_settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """What a demo made, and where it lies."""

    workspace: Workspace
    corpus: str
    release: Path
    release_version: str
    figures: list[agreement.Figure]
    project_url: str
    accounts: dict[str, Account]


class Steps:
    """Tells what is being done, and how long it took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._number = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Do one step; what it came to is told by calling what is given."""
        self._number += 1
        started, found = time.monotonic(), [""]
        self._say(f"{self._number:2}. {title} …")
        yield lambda result: found.__setitem__(0, result)
        self._say(f"    {found[0]} ({time.monotonic() - started:.1f} s)")


def run(folder: Path, *, example_files: Path | None = None, keep: bool = False, say: Say) -> Made:
    """Take the example reports through the whole loop in ``folder``; ``keep`` leaves Label Studio running.

    :class:`ChecksFailed` where the release does not verify.
    """
    example_files = example_files or resource("examples")
    steps = Steps(say)
    workspace = _workspace(folder, example_files, steps)
    with workspace.lock():
        corpus = _corpus(workspace, example_files, steps)
        server = embedded(workspace)
        keep = keep or server.status().running  # one that was left for annotators stays theirs
        try:
            url, accounts = _studio(workspace, steps)
            figures = _label(workspace, example_files, steps)
            _adjudicate(workspace, example_files, steps)
            release, version = _release(workspace, steps)
            _load(release, steps)
        finally:
            if not keep:
                server.down()
    return Made(workspace, corpus, release, version, figures, url, accounts)


def _workspace(folder: Path, example_files: Path, steps: Steps) -> Workspace:
    with steps.step("a workspace") as tell:
        if (folder / SETTINGS_FILE).exists():
            workspace = Workspace.open(folder)
        else:
            annotators, adjudicator = examples.people(example_files / "simulated")
            people = {"annotators": annotators, "adjudicator": adjudicator}
            release = {"licence": "CC-BY-4.0", "contact": "takedown@documented-posts.example"}
            settings = new_settings("docposts-demo", "The fictional example corpus", tasks=people, release=release)
            workspace = Workspace.create(folder, settings)
        tell(str(workspace.root))
    return workspace


def _corpus(workspace: Workspace, example_files: Path, steps: Steps) -> str:
    with steps.step("the example reports, with their accepted spans") as tell:
        spans = 0
        for report in examples.reports(example_files / "reports"):
            source = registry.add(workspace, report.path, meta=report.meta, facts=report.facts)
            spans += len(segments.accept(workspace, source, report.spans))
        tell(f"{spans} spans")
    with steps.step("a corpus version") as tell:
        built = build(workspace)
        rows = {name: entry["rows"] for name, entry in built.version.manifest["tables"].items()}
        tell(f"corpus {built.version.version}: {rows['posts']} posts, {rows['photo_texts']} photo texts")
    return str(built.version.version)


def _studio(workspace: Workspace, steps: Steps) -> tuple[str, dict[str, Account]]:
    with steps.step("Label Studio's own environment (made once: about 1 GB, one to three minutes)") as tell:
        tell(f"Label Studio {environment.install().version}")
    with steps.step("Label Studio, on this machine alone") as tell:
        server = embedded(workspace)
        people = workspace.settings.people
        address = server.up()
        accounts = server.accounts(people)
        tell(f"{address.url}, accounts for {', '.join(people)}")
    with steps.step("tasks, a project for each annotator") as tell:
        studio = connect(workspace)
        plans, _ = rounds.push(workspace, studio)
        tell(f"{len(plans)} projects, {sum(len(p.create) for p in plans)} tasks pushed, the rest was there")
    first = studio.require_project(tasks.marker(workspace, plans[0].project))
    return studio.project_url(first), accounts


def _label(workspace: Workspace, example_files: Path, steps: Steps) -> list[agreement.Figure]:
    with steps.step("simulated annotators answer, each under their own token") as tell:
        tell(f"{simulate.annotate(workspace, example_files / 'simulated')} submissions")
    with steps.step("judgements back, and how far they agree") as tell:
        pull.pull(workspace, connect(workspace))
        judgements, rejected = read_judgements(workspace)
        figures = agreement.headline(agreement.agreement(judgements, workspace.settings.agreement))
        tell(f"{judgements.num_rows} judgements, {len(rejected)} not counted")
    return figures


def _adjudicate(workspace: Workspace, example_files: Path, steps: Steps) -> None:
    with steps.step("what is unanimous settles itself, label by label; the rest to the adjudicator, blind") as tell:
        plans = decisions_push.push(workspace, connect(workspace))
        methods = standing(workspace).decisions["method"].to_pylist()
        asked = sum(len(plan.create) + len(plan.unchanged) for plan in plans)
        tell(f"{methods.count('unanimous')} unanimous, {asked} asked")
    with steps.step("the simulated adjudicator decides") as tell:
        simulate.decide(workspace, example_files / "simulated")
        decisions_pull.pull(workspace, connect(workspace))
        found = standing(workspace)
        adjudicated = found.decisions["method"].to_pylist().count("adjudicated")
        tell(f"{adjudicated} adjudicated, {len(found.open)} open")


def _release(workspace: Workspace, steps: Steps) -> tuple[Path, str]:
    with steps.step("a release") as tell:
        # As the command does: cut once more, it says the same.
        released = cut(workspace, agreement=partial(measured, workspace))
        tell(f"{released.version} in {released.folder}")
    with steps.step("its checks, loading every config in a fresh cache among them") as tell:
        # What was cut just now was published because they hold; what was there may have been changed since.
        failed = [] if released.new else [gate for gate in verify(released.folder) if gate.failed]
        if failed:
            raise ChecksFailed("the release does not hold: " + "; ".join(f"{g.name}: {g.detail}" for g in failed))
        when = "as it was published" if released.new else "still"
        tell(f"{len(GATES)} of {len(GATES)} hold, {when}")
    return released.folder, str(released.version)


def _load(folder: Path, steps: Steps) -> None:
    """Load each config as a user of the release would, from a cache that holds nothing yet."""
    with steps.step("datasets.load_dataset, each config from a fresh cache") as tell:
        # Read by the library when it is first imported: nothing of a release lies anywhere but in its folder.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
        import datasets

        datasets.disable_progress_bars()
        rows = []
        with TemporaryDirectory(prefix="docposts-demo-") as cache:
            for config in datasets.get_dataset_config_names(str(folder)):
                loaded = datasets.load_dataset(str(folder), config, cache_dir=cache)
                counts = " + ".join(f"{len(part)} {split}" for split, part in loaded.items())
                rows.append(f"{config}: {counts}")
        tell("; ".join(rows))
