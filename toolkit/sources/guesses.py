"""Whether ``facts.toml`` is a draft that nobody has reviewed: what every status and build asks, without what drafts it."""

from __future__ import annotations

import re

from toolkit.fsio import read_text
from toolkit.settings import parse_toml_text
from toolkit.sources.model import Facts
from toolkit.sources.source import Source


def only_guesses(source: Source) -> int:
    """Return how many entries of a drafted ``facts.toml`` are guesses, where nobody has taken one up; else 0."""
    if not source.facts_path.exists():
        return 0
    text = read_text(source.facts_path)
    now = parse_toml_text(text, Facts, source.facts_path)
    if now.account or now.post or now.quotation or now.same_as or now.reference or any(n.codes for n in now.narrative):
        return 0
    drafted = re.findall(r"(?m)^# \[\[(?!account\.event)[a-z_]+\]\]$", text)
    return len(drafted) + len(now.narrative)
