"""The gate on fold files: every item in its fold, and what is nearly the same across folds named on both sides."""

from __future__ import annotations

from toolkit.fsio import read_text
from toolkit.release import folds
from toolkit.release.folder import Folder
from toolkit.release.leakage import near_pairs

SAYS = "fold files hold every item in its fold, and name what is nearly the same in others (compared directly)"


def check(folder: Folder) -> list[str]:
    """Hold the fold files against the rows, and compare texts across folds."""
    posts, photos = folder.rows("posts").to_pylist(), folder.rows("photo_texts").to_pylist()
    campaign = {row["post_id"]: row["campaign"] or "" for row in posts}
    of = {
        "source": {row["post_id"]: row["source_id"] for row in posts} | {r["photo_id"]: r["source_id"] for r in photos},
        "campaign": campaign | {row["photo_id"]: campaign.get(row["post_id"], "") for row in photos},
    }
    texts = [(row["post_id"], row[name]) for row in posts for name in ("text", "translation") if row[name]]
    texts += [(row["photo_id"], row["text"]) for row in photos if row["text"]]
    problems: list[str] = []
    for by in folds.BY:
        wanted = len({fold for fold in of[by].values() if fold}) > 1
        if wanted != (folder.path / folds.path(by)).exists():
            problems.append(f"{folds.path(by)} {'is missing' if wanted else 'has nothing to leave out'}")
        elif wanted:
            problems += _file(folder, by, of[by], texts)
    return problems


def _file(folder: Folder, by: str, of: dict[str, str], texts: list[tuple[str, str]]) -> list[str]:
    where = folds.path(by)
    try:
        said = folds.read(read_text(folder.path / where))
    except ValueError as error:
        return [f"{where}: {error}"]
    if said.keys() != of.keys():
        return [f"{where}: its items are not the release's"]
    problems = [
        f"{where}: {name} is in {said[name][0]!r}, not {fold!r}" for name, fold in of.items() if said[name][0] != fold
    ]
    for one, other, _ in near_pairs([text for _, text in texts], apart=[of[name] for name, _ in texts]):
        for here, there in ((texts[one][0], texts[other][0]), (texts[other][0], texts[one][0])):
            if of[there] and of[there] not in said[here][1]:
                problems.append(f"{where}: {here} is nearly the same as {there}, and does not name {of[there]!r}")
    return problems
