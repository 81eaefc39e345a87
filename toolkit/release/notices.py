"""The files beside the data: YAML of the card, licence, citation, changelog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from toolkit.release.card import escape, script_languages, size_category, text_languages

if TYPE_CHECKING:
    from toolkit.release.layout import Contents

# Licences by the names that the Hub and CITATION.cff know; any other is `other` with its name.
SPDX = {
    "cc0-1.0": "CC0-1.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0",
    "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
}
# What whoever asks for access reads, and is asked. The Hub shows it; `release push` switches the gate on.
GATE: dict[str, Any] = {
    "extra_gated_heading": "Ask for access",
    "extra_gated_prompt": (
        "The posts are propaganda, quoted as documented: they may deny abuse, insult people and claim what is false. You agree "
        "not to use them to detect operations, to judge accounts or people, or to find the people behind accounts; not to pass "
        "the texts on; and to replace older copies when a later release leaves a post out."
    ),
    "extra_gated_fields": {"Affiliation": "text", "Purpose": "text", "I agree": "checkbox"},
    "extra_gated_button_content": "Ask",
}
DEFAULT_CONFIG = "posts"


def description(version: str, digest: str) -> str:
    """Return the builder's description: it enters the key of the loader's cache, so that other data are never taken for these."""
    return f"release {version} sha256:{digest}"


def front_matter(contents: Contents, digest: str, sizes: Mapping[str, Mapping[str, int]]) -> str:
    """Return the YAML of the card."""
    licence = contents.licence.lower()
    if licence in SPDX:
        about: dict[str, Any] = {"license": licence}
    else:
        about = {"license": "other", "license_name": contents.licence or "other", "license_link": "LICENSE.md"}
    codes = script_languages(contents)
    about |= {"language": list(contents.languages) or text_languages(contents)}
    about |= {"language_bcp47": codes} if codes else {}
    about |= {
        "pretty_name": contents.title,
        "size_categories": [size_category(sum(rows.num_rows for rows in contents.parts["posts"].values()))],
        "task_categories": ["text-classification"],
        "annotations_creators": ["machine-generated" if contents.simulated else "expert-generated"],
        **(GATE if contents.gated else {}),
        "configs": [_config(contents, config, digest) for config in contents.parts],
        "dataset_info": [
            {
                "config_name": config,
                "features": declared,
                "splits": [
                    {"name": split, "num_bytes": sizes[config][split], "num_examples": rows.num_rows}
                    for split, rows in contents.parts[config].items()
                ],
                "download_size": sum(sizes[config].values()),
                "dataset_size": sum(sizes[config].values()),
            }
            for config, declared in contents.features().items()
        ],
    }
    return dump(about)


def _config(contents: Contents, config: str, digest: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"{config}/{split}-*.parquet"} for split in contents.parts[config]]
    default = {"default": True} if config == DEFAULT_CONFIG else {}
    version = {"version": contents.version, "description": description(contents.version, digest)}
    return {"config_name": config, **default, **version, "data_files": files}


class _Plain(yaml.SafeDumper):
    """Writes every value out, without anchors, and quotes what another YAML reader could take for a number or a truth."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(value: Any) -> str:
    """Return YAML in the order given, of what JSON can say."""
    return _dumped(json.dumps(value))


@lru_cache(maxsize=8)
def _dumped(value: str) -> str:
    """Write a value, given as JSON. A cut and its checks write each card's some times over, by Python alone."""
    return yaml.dump(json.loads(value), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def licence(contents: Contents) -> str:
    """Return LICENSE.md."""
    name = SPDX.get(contents.licence.lower(), contents.licence)
    lines = [
        f"# Licence of {escape(contents.title)} {contents.version}",
        "",
        f"Labels, ids, codebooks and the arrangement of this dataset: **{escape(name)}**"
        + ("." if contents.licence.lower() in SPDX else " (ask the contact named in README.md for its terms)."),
        "",
        "The posts and photo texts are quoted from the reports below, which remain their authors'; the rights in the",
        "posts' own words remain with whoever holds them.",
        "",
        "| report | rights | licence |",
        "|---|---|---|",
    ]
    for row in contents.rows("sources").to_pylist():
        lines.append(f"| {escape(row['title'])} | {row['rights']} | {escape(row['licence'] or 'not stated')} |")
    if contents.restricted:
        lines += [
            "",
            "**Texts of restricted reports are included: for private use, not to be published or passed on.**",
        ]
    return "\n".join(lines) + "\n"


def citation(contents: Contents) -> str:
    """Return CITATION.cff."""
    about: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it, and the reports that its posts are quoted from.",
        "type": "dataset",
        "title": contents.title,
        "version": contents.version,
        "authors": [{"name": f"The contributors to {contents.title}"}],
    }
    if contents.licence.lower() in SPDX:
        about["license"] = SPDX[contents.licence.lower()]
    about["references"] = [_reference(row) for row in contents.rows("sources").to_pylist()]
    return dump(about)


def _reference(row: Mapping[str, Any]) -> dict[str, Any]:
    authors = row["authors"] or [row["publisher"] or "unknown"]
    reference = {"type": "report", "title": row["title"], "authors": [{"name": name} for name in authors]}
    if row["publisher"]:
        reference["publisher"] = {"name": row["publisher"]}
    if row["url"] and row["url"].startswith(("http://", "https://")):
        reference["url"] = row["url"]
    return reference


def changelog(title: str, version: str, changes: list[str], before: str | None) -> str:
    """Return CHANGELOG.md: the new entry on top of those of the release before."""
    head = f"# Changes of {escape(title)}\n"
    entry = "\n".join([f"\n## {version}\n", *(f"- {line}" for line in changes)]) + "\n"
    earlier = before[before.index("\n## ") :] if before and "\n## " in before else ""
    return head + entry + earlier
