"""Create Label Studio accounts in process: ``accounts.py STUDIO_DIR``, with the server running or not.

Standard input: JSON ``[{"email", "password", "first_name", "role"}]``; the one whose role is ``owner`` comes first and
owns the organization. Standard output: JSON ``{email: personal access token}``. Running it again for an account that
exists sets that account's password and gives it one more token. (Over HTTP an account cannot be given a password.)
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import bootstrap


def _account(entry: dict[str, str]) -> str:
    from jwt_auth.models import LSAPIToken
    from organizations.models import Organization
    from users.models import User

    user = User.objects.filter(email=entry["email"]).first()
    if user is None:
        user = User.objects.create_user(entry["email"], entry["password"], first_name=entry["first_name"])
    elif not user.check_password(entry["password"]):
        user.set_password(entry["password"])
        user.save(update_fields=["password"])
    organization = Organization.objects.order_by("id").first()
    if organization is None:
        if entry["role"] != "owner":
            raise SystemExit("the owner's account comes first: there is no organization yet")
        organization = Organization.create_organization(created_by=user, title="documented posts")
    if not organization.has_user(user):
        organization.add_user(user)
    if user.active_organization_id != organization.id:
        user.active_organization = organization
        user.save(update_fields=["active_organization"])
    return str(LSAPIToken.for_user(user).get_full_jwt())


def main() -> None:
    """Create the accounts and print their tokens."""
    # Standard output carries the tokens and nothing else: what Label Studio prints goes to standard error.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    entries: list[dict[str, str]] = json.load(sys.stdin)
    bootstrap.load(Path(sys.argv[1]) / "data")
    bootstrap.migrate()
    from django.db import transaction

    tokens: dict[str, Any] = {}
    with transaction.atomic():
        for entry in entries:
            tokens[entry["email"]] = _account(entry)
    with answer:
        json.dump(tokens, answer)


if __name__ == "__main__":
    main()
