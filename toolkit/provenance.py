"""Telling submissions apart: each judgement's own id, and simulated ones from people's."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from toolkit.errors import InputError

Provenance = Literal["human", "simulated", "imported"]
_SIMULATED = uuid.UUID("6c1f2f0e-9a55-5d7b-8a53-0a4f7a0f5e21")
_JUDGEMENT = uuid.UUID("a2c53c1e-1c0b-5f0e-9f4e-5f7f4f2b6a11")


def import_number(unique_id: str) -> int:
    """Return the ``import_id`` that an annotation submitted with ``unique_id`` carries, made of that UUID's bits.

    Label Studio keeps unique ids apart but shows them in exports only; ``import_id`` (the id that an annotation had
    where it comes from) it gives back. 53 bits: a browser's numbers hold no more. People's own annotations carry none.
    """
    try:
        return uuid.UUID(unique_id).int >> 75
    except ValueError:
        raise InputError(f"{unique_id!r} is no UUID, which an annotation's unique id must be") from None


def simulated_id(project: str, key: str) -> str:
    """Return the ``unique_id`` under which a simulated submission on a task of a project is made."""
    return str(uuid.uuid5(_SIMULATED, f"{project}/{key}"))


def provenance(annotation: dict[str, Any], project: str, key: str) -> Provenance:
    """Return where an annotation came from: a simulated one carries the number of :func:`simulated_id`."""
    said = annotation.get("import_id")
    return "simulated" if said is not None and said == import_number(simulated_id(project, key)) else "human"


def judgement_id(annotation: dict[str, Any], project: str) -> str:
    """Return an annotation's own id, for good: Label Studio on SQLite gives the number of a deleted one out again."""
    return str(uuid.uuid5(_JUDGEMENT, f"{project}/{annotation['id']}/{annotation['created_at']}"))
