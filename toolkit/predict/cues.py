"""Narrative cues: a small reviewed lexicon, words by label, and where they stand in a text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolkit.codebook import Codebook
from toolkit.errors import InputError
from toolkit.fsio import read_text
from toolkit.labelresult import Span, Vote
from toolkit.resources import resource
from toolkit.text.script import simplify

_FILE = Path("narrative") / "cues.yaml"


class _Lexicon(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    cues: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Cues:
    """A lexicon: for each label of the narrative codebook the words that call for a look."""

    version: str
    words: dict[str, tuple[str, ...]]

    @classmethod
    def load(cls, own: Path | None = None) -> Cues:
        """Read the lexicon: that of the workspace's codebooks folder where it has one, else the shipped one."""
        path = own / _FILE if own and (own / _FILE).is_file() else resource("annotation_configs") / _FILE
        try:
            raw: Any = yaml.safe_load(read_text(path))
            lexicon = _Lexicon.model_validate(raw)
        except yaml.YAMLError as error:
            raise InputError(f"{path}: not YAML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        return cls(lexicon.version, lexicon.cues)

    def find(self, codebook: Codebook, text: str) -> tuple[tuple[Vote, ...], tuple[Span, ...]]:
        """Return the labels that a text's words call for; those that take evidence with every place, in the text's order.

        Labels that the codebook does not offer are passed over. Chinese is compared as simplified.
        """
        fields = {leaf.id: field for field in codebook.fields if field.coded for leaf in codebook.leaves(field.name)}
        plain = simplify(text)
        # A conversion that changes the length would shift every place behind it.
        plain = (plain if len(plain) == len(text) else text).replace("’", "'")
        votes: list[Vote] = []
        spans: list[Span] = []
        for label, words in self.words.items():
            field = fields.get(label)
            places = [match.span() for word in words for match in _pattern(word).finditer(plain)] if field else []
            if not field or not places:
                continue
            votes.append(Vote(field.name, label))
            if field.evidence:
                spans += [Span(field.name, label, start, end) for start, end in _longest(places)]
        return tuple(votes), tuple(sorted(spans))


@cache
def _pattern(word: str) -> regex.Pattern[str]:
    start = r"(?<!\p{Latin})" if word[0].isascii() and word[0].isalnum() else ""
    end = r"(?!\p{Latin})" if word[-1].isascii() and word[-1].isalnum() else ""
    return regex.compile(start + regex.escape(word, special_only=True) + end, regex.IGNORECASE)


def _longest(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return places without those that lie in another one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(set(places), key=lambda place: (place[0], -place[1])):
        if not found or end > found[-1][1]:
            found.append((start, end))
    return found
