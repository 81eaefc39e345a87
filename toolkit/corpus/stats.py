"""What a version holds, counted: tables of (value, posts) by source, month, language, script, hashtag, cluster size …"""

from __future__ import annotations

from typing import Any

from toolkit.corpus import duck, links
from toolkit.corpus.store import CorpusVersion

Rows = list[dict[str, Any]]
TOP = 25
"""How many values of an open-ended column are listed."""
_BY = "SELECT {value} AS {name}, count(*) AS posts FROM posts GROUP BY 1 ORDER BY posts DESC, 1 NULLS LAST LIMIT {top}"
_UNNESTED = (
    "SELECT {name}, count(*) AS posts FROM (SELECT unnest(list_distinct({column})) AS {name} FROM posts) "
    "GROUP BY 1 ORDER BY posts DESC, 1 LIMIT {top}"
)
_SQL = {
    "sources": """
        SELECT s.source_id AS source, coalesce(p.posts, 0) AS posts, coalesce(h.photo_texts, 0) AS photo_texts,
               p.first AS first, p.last AS last
        FROM sources s
        LEFT JOIN (SELECT source_id, count(*) AS posts, min(posted_at) AS first, max(posted_at) AS last
                   FROM posts GROUP BY 1) p USING (source_id)
        LEFT JOIN (SELECT source_id, count(*) AS photo_texts FROM photo_texts GROUP BY 1) h USING (source_id)
        ORDER BY s.sequence""",
    "months": """
        SELECT substr(posted_at, 1, 7) AS month, count(*) AS posts FROM posts
        WHERE posted_at IS NOT NULL GROUP BY 1 ORDER BY 1""",
    "dates": """
        SELECT CASE length(posted_at) WHEN 4 THEN 'year' WHEN 7 THEN 'month' WHEN 10 THEN 'day' ELSE 'minute or second' END
               AS known_to, count(*) AS posts
        FROM posts WHERE posted_at IS NOT NULL GROUP BY 1
        UNION ALL SELECT 'not known', count(*) FROM posts WHERE posted_at IS NULL ORDER BY posts DESC, 1""",
    "languages": _BY.format(value="text_lang", name="language", top=TOP),
    "scripts": _BY.format(value="script", name="script", top=TOP),
    "platforms": _BY.format(value="platform", name="platform", top=TOP),
    "campaigns": _BY.format(value="campaign", name="campaign", top=TOP),
    "hashtags": _UNNESTED.format(column="hashtags", name="hashtag", top=TOP),
    "flags": _UNNESTED.format(column="flags", name="flag", top=TOP),
    "lengths": """
        SELECT count(*) AS posts, min(length(text)) AS shortest, quantile_disc(length(text), 0.5) AS median,
               quantile_disc(length(text), 0.9) AS ninth_tenth, max(length(text)) AS longest FROM posts""",
    "narratives": """
        SELECT name AS narrative, source_id AS source FROM narratives ORDER BY 2, place LIMIT 100""",
}


def stats(version: CorpusVersion) -> dict[str, Rows]:
    """Return the counts, table by table; ``tables`` first (rows of every table), ``cluster_sizes`` last.

    ``cluster_sizes``: size of a group of posts that are the same or nearly so → how many groups; 1 is a post alone.
    """
    tables = version.manifest["tables"]
    found: dict[str, Rows] = {"tables": [{"table": name, "rows": entry["rows"]} for name, entry in tables.items()]}
    with duck.open_tables(version) as connection:
        for name, sql in _SQL.items():
            found[name] = duck.ask(connection, sql).read_all().to_pylist()
    found["cluster_sizes"] = _cluster_sizes(version)
    return found


def _cluster_sizes(version: CorpusVersion) -> Rows:
    edges = version.table("post_links")
    pairs = list(zip(edges["post_id"].to_pylist(), edges["other_id"].to_pylist(), strict=True))
    members = list(dict.fromkeys(member for pair in pairs for member in pair))
    alone = version.manifest["tables"]["posts"]["rows"] - len(members)
    sizes: dict[str, int] = {}
    for first in links.components(members, pairs).values() if members else ():
        sizes[first] = sizes.get(first, 0) + 1
    counted: dict[int, int] = {1: alone} if alone else {}
    for size in sizes.values():
        counted[size] = counted.get(size, 0) + 1
    return [{"size": size, "groups": groups} for size, groups in sorted(counted.items())]
