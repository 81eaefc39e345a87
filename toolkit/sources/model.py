"""What a source is: its metadata, its curated facts, its segments. Files in, checked records out."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from toolkit.settings import Name, Strict
from toolkit.sources.markers import Markers
from toolkit.sources.tabular.model import TableFile

Rights = Literal["redistributable", "quotable", "restricted"]
Selection = Literal["illustrative", "exhaustive", "sampled", "unknown"]
Role = Literal[
    "title",
    "series",
    "heading",
    "analysis",
    "narrative",
    "narrative_name",
    "post",
    "translation",
    "photo_text",
    "translator_note",
    "insertion",
    "gloss",
    "footnote_marker",
    "footnote",
    "hashtag",
    "asset_history",
    "series_link",
    "image",
]
# A date as precisely as it is known.
Date = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?)?)?$")
]
Code = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z][a-z0-9_]*$"))]


class Series(Strict):
    """The series that a report is part of."""

    name: str
    part: int | None = Field(default=None, ge=1)
    total: int | None = Field(default=None, ge=1)


class SourceFile(Strict):
    """What was added: written by ``source add``, never edited."""

    key: str
    name: str
    format: Literal["text", "html", "pdf", "table"]
    raw_sha256: str
    # A table has no text.
    text_sha256: str | None = None
    # Characters that the text could not hold, each U+FFFD in it.
    replaced: int = 0
    # A purge erases the file as obtained of a report, since it holds the post too.
    raw: Literal["erased"] | None = None


class CuratedMeta(Strict):
    """What a curator says of a source: every field may be left out."""

    id: Name | None = None
    title: str | None = Field(default=None, min_length=1)
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: Date | None = None
    url: str | None = None
    archive_url: str | None = None
    series: Series | None = None
    languages: tuple[str, ...] = ()
    licence: str | None = None
    rights: Rights = "restricted"
    actor: str | None = None
    campaign: str | None = None
    attributed_by: str | None = None
    selection: Selection = "unknown"
    platforms: tuple[str, ...] = ()
    translator: str | None = None
    translated: bool | None = None
    fictional: bool = False
    markers: Markers = Markers()


class SourceMeta(CuratedMeta):
    """``source.toml``: what the report is, who may pass on what of it, and who is held to be behind its posts."""

    id: Name
    title: str = Field(min_length=1)
    file: SourceFile
    table: TableFile | None = None


class Segment(Strict):
    """One typed span of a source's text: text[char_start:char_end], code points.

    ``id`` and ``sha256`` (of the span's text) are written at acceptance and kept; ``rule`` and ``confidence`` say which
    rule proposed a span and how sure it is, and are absent where a curator set it.
    """

    role: Role
    char_start: int = Field(ge=0)
    char_end: int = Field(ge=1)
    key: str | None = None
    belongs_to: str | None = None
    footnote: str | None = None
    kind: Literal["verbatim", "translation", "description"] | None = None
    content_start: int | None = None
    part: int | None = None
    total: int | None = None
    series: str | None = None
    lang: str | None = None
    translator: str | None = None
    media: str | None = None
    inferred: tuple[str, ...] = ()
    uncertain_boundary: bool = False
    rule: str | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    id: str | None = None
    sha256: str | None = None

    def record(self) -> dict[str, object]:
        """Return the segment as it is written: attributes that say nothing left out."""
        return self.model_dump(exclude_defaults=True, mode="json")


class AccountEvent(Strict):
    """Something that happened to an account; ``segment`` is the key of the span that says so."""

    kind: Literal["created", "merged", "renamed", "language_switched", "manager_country", "other"]
    date: Date | None = None
    detail: str | None = None
    segment: str | None = None


class Account(Strict):
    """An account or page that the report speaks of."""

    handle: str = Field(min_length=1)
    platform: str = Field(min_length=1)
    names: tuple[str, ...] = ()
    public_figure: bool = False
    state_outlet: bool = False
    event: tuple[AccountEvent, ...] = ()


class PostFact(Strict):
    """What the report says about a post outside its words; ``account`` is a handle of this file."""

    key: str
    account: str | None = None
    platform: str | None = None
    platform_object_id: str | None = None
    posted_at: Date | None = None


class NarrativeFact(Strict):
    """The codebook's ids for a narrative that the report names."""

    key: str
    codes: tuple[Code, ...]


class Quotation(Strict):
    """Who is quoted in a post or a photo text."""

    key: str
    speaker: str = Field(min_length=1)
    role: str | None = None
    manner: Literal["exact", "paraphrase"] = "paraphrase"


class SameAs(Strict):
    """Posts that the curator holds to be one: keys of this source or ids of other sources' posts."""

    posts: tuple[str, ...] = Field(min_length=2)


class CitedSource(Strict):
    """A source that the report cites, by the footnote that names it."""

    title: str = Field(min_length=1)
    footnote: str | None = None


class Facts(Strict):
    """``facts.toml``: what a curator knows of the source beyond its spans."""

    account: tuple[Account, ...] = ()
    post: tuple[PostFact, ...] = ()
    narrative: tuple[NarrativeFact, ...] = ()
    quotation: tuple[Quotation, ...] = ()
    same_as: tuple[SameAs, ...] = ()
    reference: tuple[CitedSource, ...] = ()
