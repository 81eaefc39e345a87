"""What a saved page says of itself: ``<meta>``, JSON-LD, ``<link>``, its headings, where its browser had it from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml.etree import Comment

from toolkit.sources.read_text import SERIES_LINE

_SAVED_FROM = re.compile(r"\s*saved from url=\(\d+\)(\S+)\s*\Z")
_WAYBACK = re.compile(r"https?://web\.archive\.org/web/\d{1,14}(?:[a-z]{2}_)?/(?P<url>https?://\S+)")
_ARCHIVE = re.compile(r"https?://(?:web\.archive\.org/web/\d|archive\.(?:ph|today|is|li|md|fo|vn)/\S)")
_ARTICLE = re.compile(r"(?:News|Blog|Scholarly|Tech|Analysis|Report)?(?:Article|Posting)|Report|WebPage")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def page_metadata(page: Any) -> dict[str, Any]:
    """Return title, authors, publisher, published, url, archive_url, languages and series, those that the page says."""
    metas = {m.get("property") or m.get("name"): m.get("content") for m in page.iter("meta") if m.get("content")}
    things = list(_things(page))
    named = {thing["@id"]: thing for thing in things if isinstance(thing.get("@id"), str)}
    linked = _article(things)
    heading = next((" ".join(h.text_content().split()) for h in page.iter("h1")), None)
    title = heading or metas.get("og:title") or _name(linked.get("headline"), named) or page.findtext(".//title")
    author = linked.get("author")
    authors = [_name(a, named) for a in (author if isinstance(author, list) else [author])]
    published = [linked.get("datePublished"), metas.get("article:published_time"), metas.get("date")]
    language = (page.get("lang") or _name(linked.get("inLanguage"), named) or "").partition("-")[0].lower()
    canonical = next((link.get("href") for link in page.iter("link") if link.get("rel") == "canonical"), None)
    found = {
        "title": " ".join(title.split()) if title else None,
        "authors": [a for a in authors if a] or ([metas["author"]] if metas.get("author") else None),
        "publisher": _name(linked.get("publisher"), named) or metas.get("og:site_name"),
        "published": next((str(at)[:10] for at in published if at and _DATE.fullmatch(str(at)[:10])), None),
        **_addresses(page, canonical or metas.get("og:url")),
        "languages": [language] if re.fullmatch(r"[a-z]{2,3}", language) else None,
        "series": _series_of(page, metas),
    }
    return {key: value for key, value in found.items() if value}


def series_of(line: str) -> dict[str, Any] | None:
    """Return the place in a series that a line gives ("Kite Tales, Part 2/4"), None where it gives none."""
    match = SERIES_LINE.match(line)
    if not match:
        return None
    series: dict[str, Any] = {"name": match["name"], "part": int(match["part"])}
    return series | ({"total": int(match["total"])} if match["total"] else {})


def _series_of(page: Any, metas: dict[Any, str]) -> dict[str, Any] | None:
    """Return the series by the page's subtitle or description: extraction drops the one, and the other is no text."""
    subtitles = [h.text_content() for h in page.iter("h2", "h3", "p") if "subtitle" in (h.get("class") or "")]
    for line in (*subtitles, metas.get("description"), metas.get("og:description")):
        # The first sentence alone: "Kite Tales, Part 2/4. How it began."
        sentence = re.split(r"(?<=\d)\.(?:\s|$)", " ".join((line or "").split()), maxsplit=1)[0]
        if found := series_of(sentence):
            return found
    return None


def _addresses(page: Any, address: str | None) -> dict[str, str | None]:
    """Return the page's address, and that in an archive where it was saved from one."""
    comments = (c.text or "" for c in page.getroottree().iter(Comment))
    saved = next((m[1] for c in comments if (m := _SAVED_FROM.match(c))), None)
    archived = next((a for a in (saved, address) if a and _ARCHIVE.match(a)), None)
    live = next((a for a in (address, saved) if a and not _ARCHIVE.match(a) and a.startswith("http")), None)
    if not live and archived and (match := _WAYBACK.match(archived)):
        live = match["url"]
    return {"url": live or (address if address != archived else None), "archive_url": archived}


def _name(value: Any, named: dict[str, Any]) -> str | None:
    """Return a JSON-LD value that is a text, or the name of a thing that has one, here or where its @id leads."""
    if isinstance(value, dict):
        there = named.get(value["@id"], {}) if isinstance(value.get("@id"), str) else {}
        value = value.get("name") or there.get("name")
    return value if isinstance(value, str) and value.strip() else None


def _article(things: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the thing that is the article: by its type, else what has a headline or a date."""
    dated = [thing for thing in things if thing.get("headline") or thing.get("datePublished")]
    return next((t for t in dated if t.get("headline") and _is_article(t.get("@type"))), dated[0] if dated else {})


def _is_article(kind: Any) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(one, str) and _ARTICLE.fullmatch(one) for one in kinds)


def _things(page: Any) -> Iterator[dict[str, Any]]:
    """Yield the JSON-LD objects of a page: alone, in a list, or in a graph, as WordPress's plugins write them."""
    for script in page.iter("script"):
        if script.get("type") == "application/ld+json":
            try:
                value = json.loads(script.text or "")
            except (ValueError, RecursionError):
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    graph = item.get("@graph")
                    yield from (
                        part for part in (graph if isinstance(graph, list) else [item]) if isinstance(part, dict)
                    )
