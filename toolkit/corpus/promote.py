"""The step out of 0.x: the latest version's rows as 1.0.0, once everything about them verifies."""

from __future__ import annotations

from toolkit.corpus import build, store
from toolkit.corpus.steps import Version
from toolkit.corpus.verify import verify
from toolkit.errors import ChecksFailed, ConflictError
from toolkit.workspace import Workspace

STABLE = Version(1, 0, 0)


def promote(workspace: Workspace) -> store.CorpusVersion:
    """Publish the latest version's rows as 1.0.0 and return it.

    :class:`ConflictError` where the latest is 1.0.0 or later; :class:`ChecksFailed` where it does not verify.
    """
    with workspace.lock():
        latest = store.open_version(workspace)
        if latest.version >= STABLE:
            raise ConflictError(f"corpus {latest.version} is past 0.x already", hint="docposts corpus log")
        failed = [check for check in verify(workspace, str(latest.version)) if check.ok is False]
        if failed:
            raise ChecksFailed(
                f"corpus {latest.version} does not verify: {failed[0].name}: {failed[0].detail}",
                hint="docposts corpus verify",
            )
        manifest = dict(latest.manifest) | {"version": str(STABLE), "previous": str(latest.version), "step": "promote"}
        made = store.publish(workspace.corpus_dir / str(STABLE), manifest)
        records = [r for r in workspace.ledger.records("corpus") if r["version"] == str(latest.version)]
        for digest in dict.fromkeys(record["input_digest"] for record in records):
            build.enter(workspace, made, digest)
        return made
