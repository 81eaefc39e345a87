"""Where a workspace stands: a line for each stage, and the command for the next step."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.adjudication.store import standing
from toolkit.corpus import store
from toolkit.corpus.build import is_current
from toolkit.corpus.steps import Version
from toolkit.labels.store import read_judgements
from toolkit.labelstudio.connect import embedded
from toolkit.precedents import load as load_precedents
from toolkit.release.versions import releases
from toolkit.sources import registry
from toolkit.sources.guesses import only_guesses
from toolkit.tasks import LABEL_TASKS, projects
from toolkit.tombstones import unfinished
from toolkit.workspace import Workspace


@dataclass(frozen=True)
class Status:
    """``stages``: records of stage and state; ``next``: a command."""

    stages: list[dict[str, str]]
    next: str


def status(workspace: Workspace) -> Status:
    """Read the state of every stage from disk; nothing is asked of a server."""
    sources = registry.sources(workspace)
    accepted = [source for source in sources if source.accepted]
    versions = store.versions(workspace)
    current = bool(versions) and is_current(workspace, versions[-1])
    pushed = [project for project in projects(workspace) if project["task"] in LABEL_TASKS]
    judgements, rejected = read_judgements(workspace)
    newest = str(max((Version.parse(project["corpus"]) for project in pushed), default=""))
    settled = standing(workspace)
    gaps = [each for each in load_precedents(workspace.decisions_dir) if each.state == "open"]
    found = releases(workspace)
    server = embedded(workspace).status()
    url = workspace.settings.label_studio.url
    drafts = [source.id for source in sources if only_guesses(source)]
    waiting = [source.id for source in sources if source not in accepted]
    stages = [
        (
            "sources",
            f"{len(sources)}, accepted {len(accepted)}"
            + (f", waiting: {', '.join(waiting)}" if waiting else "")
            + (f", facts.toml still a draft: {', '.join(drafts)}" if drafts else ""),
        ),
        ("corpus", f"{versions[-1].version}{'' if current else ', sources changed since'}" if versions else "none"),
        ("studio", url or (f"runs at {server.url}" if server.running else "embedded, not running")),
        ("tasks", f"{len(pushed)} projects, corpus {newest}" if pushed else "nothing pushed"),
        ("labels", f"{judgements.num_rows} judgements, {len(rejected)} not counted"),
        (
            "adjudicate",
            f"{settled.decisions.num_rows} settled, {len(settled.open)} open, {len(settled.waiting)} waiting for votes,"
            f" {len(settled.outdated)} outdated" + (f", {len(gaps)} precedents to rule on" if gaps else ""),
        ),
        ("release", found[-1].version if found else "none"),
    ]
    start = "docposts studio up" if server.version else "docposts studio install, then docposts studio up"
    reachable = bool(url) or server.running
    cut_off = unfinished(workspace.ledger)
    if cut_off:
        step = (
            f"docposts purge {cut_off.kind} {'NAME' if cut_off.kind == 'annotator' else cut_off.id}, which was cut off"
        )
    elif not sources:
        step = "docposts source add REPORT"
    elif waiting:
        first = next(source for source in sources if source.id == waiting[0])
        look = "review" if first.proposals_path.exists() else "segment"
        step = f"docposts source {look} {first.id}, then docposts source accept {first.id}"
    elif not current:
        step = "docposts corpus build"
    elif not pushed or newest != str(versions[-1].version):
        step = "docposts tasks push" if reachable else start
    elif not judgements.num_rows:
        step = "docposts labels pull, when the annotators have done" if reachable else start
    elif settled.open:
        step = "docposts adjudicate push; the adjudicator decides; docposts adjudicate pull" if reachable else start
    elif gaps and not found:
        step = f"docposts adjudicate precedents rule {gaps[0].id} --ruling … --paragraph …"
    else:
        step = "docposts release verify" if found else "docposts release cut"
    return Status([{"stage": stage, "state": state} for stage, state in stages], step)
