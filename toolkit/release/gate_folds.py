"""The gate on fold files: every item in its fold, and what is nearly the same across folds named on both sides."""

from __future__ import annotations

from toolkit.fsio import read_text
from toolkit.release import folds
from toolkit.release.folder import Folder

SAYS = "fold files hold every item in its fold, and name what is nearly the same in others (compared directly)"


def check(folder: Folder) -> list[str]:
    """Hold the fold files against the rows, and compare texts across folds."""
    posts = {row["post_id"]: row for row in folder.each("posts", ["post_id", "source_id", "campaign"])}
    photos = {row["photo_id"]: row for row in folder.each("photo_texts", ["photo_id", "post_id", "source_id"])}
    campaign = {name: row["campaign"] or "" for name, row in posts.items()}
    of = {
        "source": {name: row["source_id"] for name, row in (posts | photos).items()},
        "campaign": campaign | {name: campaign.get(row["post_id"], "") for name, row in photos.items()},
    }
    problems: list[str] = []
    for by in folds.BY:
        wanted = len({fold for fold in of[by].values() if fold}) > 1
        if wanted != (folder.path / folds.path(by)).exists():
            problems.append(f"{folds.path(by)} {'is missing' if wanted else 'has nothing to leave out'}")
        elif wanted:
            problems += _file(folder, by, of[by])
    return problems


def _file(folder: Folder, by: str, of: dict[str, str]) -> list[str]:
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
    for one, other, _ in folder.alike:
        for here, there in ((one.item, other.item), (other.item, one.item)):
            if of[here] != of[there] and of[there] and of[there] not in said[here][1]:
                problems.append(f"{where}: {here} is nearly the same as {there}, and does not name {of[there]!r}")
    return problems
