"""Who made an annotation, by what Label Studio says of it, and whether anybody else changed it since.

Open-source Label Studio has no roles: every account can label in every project and change what others made. So the author
is compared with whom the project belongs to, and with whoever changed the annotation last.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from toolkit.labels.pullfiles import annotation_shell
from toolkit.settings import Settings
from toolkit.tombstones import annotator_id

DOMAIN = "docposts.invalid"
"""Of the addresses of accounts on the embedded server: reserved, so that no mail can ever reach it."""
_USERNAME = re.compile(r"(\S+@\S+), (\d+)$")


def email_of(annotation: Mapping[str, Any]) -> str | None:
    """Return the e-mail address of the account that made an annotation; None where the server does not say it."""
    found = _USERNAME.search(str(annotation.get("created_username") or ""))
    return found[1] if found else None


def name_of(settings: Settings, email: str) -> str | None:
    """Return whose account it is: by ``label_studio.people``, or, on the embedded server, by the address itself."""
    for name, address in settings.label_studio.people.items():
        if address.lower() == email.lower():
            return name
    local, _, domain = email.partition("@")
    return local if domain == DOMAIN else None


def without_purged(
    settings: Settings, project: Mapping[str, Any], line: dict[str, Any], annotators: Collection[str]
) -> dict[str, Any]:
    """Return a task's line with a shell in place of each annotation by purged ``annotators`` (as tombstones call them)."""

    def left(annotation: dict[str, Any]) -> dict[str, Any]:
        gone = not annotation.get("purged") and annotator_id(author(settings, project, annotation)[0]) in annotators
        return annotation_shell(annotation) if gone else annotation

    return line | {"annotations": [left(each) for each in line["annotations"]]} if annotators else line


def author(settings: Settings, project: Mapping[str, Any], annotation: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the annotator, and what does not hold of it.

    In a project of one's own that is its annotator, and the account must be theirs where it is known whose it is; in a
    shared one whoever's account it is.
    """
    if project.get("imported"):
        return str(annotation["annotator"]), []
    email, own = email_of(annotation), str(project["annotator"])
    name = name_of(settings, email) if email else None
    problems = []
    if own and name is not None and name != own:
        problems.append(f"made by {name}, in the project of {own}")
    if not own and name is None:
        problems.append(f"made by {email or 'nobody known'}, who is none of label_studio.people")
    maker, changer = annotation.get("completed_by"), annotation.get("updated_by")
    if isinstance(maker, int) and isinstance(changer, int) and maker != changer:
        problems.append(f"changed by another account (user {changer}) than its maker's (user {maker})")
    return own or name or email or "unknown", problems
