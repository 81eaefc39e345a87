"""``facts.toml`` drafted from the spans: what a curator completes, and what the build then checks.

Only what spans say by themselves takes effect as drafted: the report's narratives, with no codes yet. Everything else is
a guess from the words, and stands commented out. What the file says already is left as it is; a draft is added below it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import regex

from toolkit.errors import InputError
from toolkit.fsio import read_text, write_atomic
from toolkit.settings import parse_toml_text
from toolkit.sources import segments
from toolkit.sources.around import platform, posted
from toolkit.sources.events import events
from toolkit.sources.model import Facts, Segment
from toolkit.sources.source import Source
from toolkit.text.entities import mentions
from toolkit.text.fold import normal
from toolkit.workspace import Workspace

_QUOTED = regex.compile(r"[“„«「『\"]([^“”„«»「」『』\"\n]{2,80})[”“»」』\"]")
_SPEECH = (
    "said|says|stated|states|told|announced|denied|denies|warned|warns|claimed|claims|answered|answers|asked|asks|"
    "sagte|sagt|erklärte|betonte|warnte|a déclaré|déclare|affirme|dijo|declaró|afirmó|advirtió|disse|dichiarato|"
    "сказала?|заявила?|сообщила?|подчеркнула?|зазначила?|заявив"
)
_NAME = r"\p{Lu}[\p{L}’'-]+(?: (?:of |the |for |de |von |der )*\p{Lu}[\p{L}’'-]+){0,4}"
_SPEAKER = regex.compile(
    rf"(?:(?P<name>{_NAME}),? (?:has |have |also |hat |ha )?(?:{_SPEECH})\b)|"
    rf"(?:\b(?:[Aa]ccording to (?:the )?|[Ll]aut |[Ss]elon |[Ss]egún |[Пп]о словам )(?P<name>{_NAME}))|"
    r"(?P<name>\p{Han}{2,12}?)(?:表示|指出|强调|強調|宣布|声明|聲明)[:：，,“「]|"
    rf"\b(?:{_SPEECH})\b"
)
_QUOTED_KEYS = regex.compile(r'"([^"\n]+)"')
_WORDS = 70
# As the corpus build links near-duplicates: Jaccard over character 4-grams.
_NEAR = 0.65
_HEAD = """\
# Facts of {source}, drafted from its spans. What stands behind "# " is a guess and has no effect: check it, complete what is
# empty, take the "# " off, or delete it. The corpus build checks the file.
"""


def draft(workspace: Workspace, source: Source) -> tuple[Facts, dict[str, int]]:
    """Add to a source's ``facts.toml`` what it does not speak of yet.

    Returns the file's facts as they hold now, and how many entries of each kind were drafted; none, and nothing written,
    where the file speaks of everything. The spans are the curated ones, else the proposed; :class:`InputError` where
    there are none.
    """
    with workspace.lock():
        path = source.facts_path
        before = read_text(path) if path.exists() else ""
        told = parse_toml_text(before, Facts, path)
        spans = segments.load(_spans_path(source), source.text)
        entries = list(_drafted(source, spans, told, before))
        counts: dict[str, int] = {}
        for kind, _ in entries:
            counts[kind] = counts.get(kind, 0) + 1
        if not entries:
            return told, counts
        head = f"{before.rstrip()}\n" if before.strip() else _HEAD.format(source=source.id)
        text = "\n".join([head, *(entry for _, entry in entries)])
        now = parse_toml_text(text, Facts, path)
        write_atomic(path, text)
        return now, counts


def _spans_path(source: Source) -> Path:
    for path in (source.segments_path, source.proposals_path):
        if path.exists():
            return path
    raise InputError(f"source {source.id} has no spans yet", hint=f"docposts source segment {source.id}")


def _drafted(source: Source, spans: Sequence[Segment], told: Facts, before: str) -> Iterator[tuple[str, str]]:
    """Return (kind, TOML) of each entry to add. What stands commented in the file was drafted before."""

    def keyed(role: str, said: Iterable[str | None]) -> Iterator[tuple[Segment, str]]:
        known = set(said)
        for span in spans:
            if span.role == role and span.key and span.key not in known:
                yield span, _words(source, span)

    for span, words in keyed("asset_history", _keys(before, "account.event", "segment")):
        yield "account", _account(source, span, words)
    for span, _ in keyed("narrative", _keys(before, "narrative")):
        name = next((s for s in spans if s.role == "narrative_name" and s.belongs_to == span.key), span)
        words = _words(source, name, span.key)
        yield "narrative", _entry("narrative", {"key": span.key, "codes": []}, words)
    for span, words in keyed("post", _keys(before, "post")):
        about = posted(source.text, span.char_start, span.char_end, source.meta.platforms)
        yield "post", _commented(_entry("post", {"key": span.key, **about}, words))
    quoted = _keys(before, "quotation")
    for role in ("post", "photo_text"):
        for span, words in keyed(role, quoted):
            if found := _SPEAKER.search(source.text[span.char_start : span.char_end]):
                values = {"key": span.key, "speaker": found["name"] or "", "role": "", "manner": "paraphrase"}
                yield "quotation", _commented(_entry("quotation", values, words))
    cited = _keys(before, "reference", "footnote")
    for span in (s for s in spans if s.role == "footnote" and (not s.footnote or s.footnote not in cited)):
        titles = _QUOTED.findall(source.text[span.char_start : span.char_end])
        # Without a label nothing but its title says that a footnote was drafted before.
        for title in titles or [""] * bool(span.footnote):
            values = {"title": title.strip(" ,.;"), **({"footnote": span.footnote} if span.footnote else {})}
            if span.footnote or values["title"] not in _keys(before, "reference", "title"):
                yield "reference", _commented(_entry("reference", values, _words(source, span)))
    linked = {key for link in told.same_as for key in link.posts} | set(_QUOTED_KEYS.findall(_same_as(before)))
    for one, other in _alike(source, [s for s in spans if s.role == "post" and s.key]):
        if not {one.key, other.key} <= linked:
            words = f"one post, seen twice? {_words(source, one)}"
            yield "same_as", _commented(_entry("same_as", {"posts": [one.key, other.key]}, words))


def _keys(text: str, table: str, name: str = "key") -> set[str]:
    """Return the values of a key in all tables of a name, those that stand commented out as well."""
    found: set[str] = set()
    here = ""
    for line in text.splitlines():
        words = line.lstrip("# \t")
        if words.startswith("["):
            here = words.strip("[] \t")
        elif here == table and (match := regex.match(rf'{name}\s*=\s*"([^"]*)"', words)):
            found.add(match[1])
    return found


def _same_as(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.lstrip("# \t").startswith("posts"))


def _account(source: Source, span: Segment, words: str) -> str:
    """Return an account with its events, as the words of its history suggest them."""
    text = source.text[span.char_start : span.char_end]
    handles = mentions(text)
    values = {
        "handle": handles[0].value if handles else "",
        "platform": platform(text, source.meta.platforms) or "",
        "names": list(dict.fromkeys(name.strip(" ,.") for name in _QUOTED.findall(text))),
    }
    parts = [_entry("account", values, words)]
    for event in events(text):
        at = {"date": event.date} if event.date else {}
        parts.append(_entry("account.event", {"kind": event.kind, **at, "detail": "", "segment": span.key}))
    return _commented("\n".join(parts))


def _alike(source: Source, posts: Sequence[Segment]) -> Iterator[tuple[Segment, Segment]]:
    texts = [normal(source.text[post.char_start : post.char_end]).casefold() for post in posts]
    grams = [{text[at : at + 4] for at in range(max(1, len(text) - 3))} for text in texts]
    for (one, ours), (other, theirs) in combinations(zip(posts, grams, strict=True), 2):
        if len(ours & theirs) >= _NEAR * len(ours | theirs):
            yield one, other


def _entry(table: str, values: dict[str, Any], words: str = "") -> str:
    lines = [f"# {words}"] if words else []
    return "\n".join([*lines, f"[[{table}]]", *(f"{name} = {_value(value)}" for name, value in values.items())]) + "\n"


def _value(value: str | list[str]) -> str:
    """Return a text or a list of texts in TOML: JSON's way of writing them, but that TOML does not hold DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _commented(entry: str) -> str:
    """Return an entry without effect; its comment stays one."""
    return "".join(
        f"{line}\n" if line.startswith("#") or not line else f"# {line}\n" for line in entry.split("\n")[:-1]
    )


def _words(source: Source, span: Segment, name: str | None = None) -> str:
    """Return a span's name and first words, of characters that a TOML comment may hold."""
    words = " ".join(source.text[span.char_start : span.char_end].split())
    short = words if len(words) <= _WORDS else f"{words[:_WORDS].rpartition(' ')[0] or words[:_WORDS]} …"
    return f"{name or span.key or span.role}: " + regex.sub(r"\p{C}", "\ufffd", short)
