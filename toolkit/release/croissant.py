"""``croissant.json``: what the dataset is, for machines (Croissant 1.1, with its vocabulary of responsible AI).

Made from the declarations and the written files; :mod:`toolkit.release.gate_croissant` reads it back with the reference
implementation.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from toolkit.release.features import IMAGE, release_table
from toolkit.release.notices import SPDX

if TYPE_CHECKING:
    from toolkit.release.layout import Contents

FILE = "croissant.json"
CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
PARQUET = "application/x-parquet"
# The standard's own context, which every description repeats.
_CR = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty"),
    *(
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
    ),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator", "source"),
    *("subField", "transform"),
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
} | {name: f"cr:{name}" for name in _CR}
# A misspelt key of this vocabulary validates: only these are ever written.
RAI_KEYS = frozenset(
    f"rai:{name}"
    for name in (
        *("dataCollection", "dataCollectionType", "dataCollectionTimeFrame", "dataCollectionMissingData"),
        *("dataPreprocessingProtocol", "dataAnnotationProtocol", "dataAnnotationPlatform", "dataAnnotationAnalysis"),
        *("annotationsPerItem", "annotatorDemographics", "machineAnnotationTools", "dataUseCases", "dataBiases"),
        *("dataLimitations", "dataSocialImpact", "personalSensitiveInformation", "dataReleaseMaintenancePlan"),
    )
)
_TYPES = {
    "string": "sc:Text",
    "bool": "sc:Boolean",
    "double": "cr:Float64",
    "int8": "cr:Int8",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
}


def describe(contents: Contents, numbers: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the description; ``files`` are path → bytes and sha256 of the data files."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": contents.name,
        "alternateName": contents.title,
        "description": (
            f"{numbers['posts']} posts that {len(numbers['sources'])} reports on influence operations quote, with the labels "
            "that annotators gave them. Quoted posts are chosen examples: not for detection, nor to say how common anything is."
        ),
        "version": contents.version,
        "license": SPDX.get(contents.licence.lower(), contents.licence or "other"),
        "creator": {"@type": "sc:Organization", "name": f"The contributors to {contents.title}"},
        "citeAs": f"{contents.title}, version {contents.version}. See CITATION.cff.",
        "inLanguage": [entry["name"] for entry in numbers["languages"]],
        "isLiveDataset": False,
        **_responsible(contents, numbers),
        "distribution": distribution(contents.parts, files),
        "recordSet": record_sets(contents.parts),
    }


def distribution(configs: Iterable[str], files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the data files, each with its hash, and a set of them for each config."""
    return [*_objects(files), *map(_set, sorted(configs))]


def record_sets(configs: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Return the splits, and the records of each config (config → its splits)."""
    return [_splits(configs), *(_records(config, configs) for config in sorted(configs))]


def _responsible(contents: Contents, numbers: Mapping[str, Any]) -> dict[str, Any]:
    simulated = " The judgements of this release are simulated by a program." if contents.simulated else ""
    months = numbers["months"]
    said = {
        "dataCollection": (
            "Posts were taken from published reports on influence operations, which quote them; nothing was collected from "
            "platforms. How each report chose its posts stands in the config sources (selection)."
        ),
        "dataCollectionType": ["Secondary Data Analysis", "Manual Human Curation"],
        "dataAnnotationProtocol": (
            "Codebooks and guides as annotators saw them are in codebooks/. Each judgement is independent; what is not "
            f"unanimous was put to an adjudicator, label by label.{simulated}"
        ),
        "dataAnnotationPlatform": ["Label Studio"],
        "dataAnnotationAnalysis": ["Krippendorff's alpha per label with bootstrap intervals: see README.md."],
        "annotationsPerItem": numbers["per_item"],
        "annotatorDemographics": (
            f"{numbers['annotators']} annotators, described in aggregate only. {contents.annotator_demographics}".rstrip()
        ),
        "dataUseCases": (
            "Studies of documented influence operations, and of how annotators read them. Not for detection, for "
            "judging accounts or people, or for estimating how common a narrative is."
        ),
        "dataBiases": "Posts quoted in reports are chosen by the reports' authors, mostly as examples.",
        "dataLimitations": "Texts are as documented: many are translations, transcriptions of images, or both.",
        "personalSensitiveInformation": (
            "Accounts and mentioned handles are pseudonyms unless they belong to public figures or state outlets; names "
            "that a post writes out remain."
        ),
        "dataReleaseMaintenancePlan": (
            f"Later releases leave out what was taken down; write to {contents.contact or 'the maintainers'}."
        ),
    }
    if months:
        said["dataCollectionTimeFrame"] = sorted({f"{month}-01T00:00:00" for month in (months[0], months[-1])})
    return {f"rai:{name}": value for name, value in said.items()}


def _objects(files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": path,
            "contentSize": f"{entry['bytes']} B",
            "encodingFormat": PARQUET,
            "sha256": entry["sha256"],
        }
        for path, entry in sorted(files.items())
    ]


def _set(config: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{config}-files",
        "name": f"{config}-files",
        "description": f"The Parquet files of {config}, by split.",
        "encodingFormat": PARQUET,
        "includes": f"{config}/*.parquet",
    }


def _splits(configs: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    names = sorted({split for splits in configs.values() for split in splits})
    name = {
        "@type": "cr:Field",
        "@id": "splits/name",
        "name": "name",
        "description": "The split.",
        "dataType": "sc:Text",
    }
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits: whole groups of items, kept in later releases.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [name],
        "data": [{"splits/name": split} for split in names],
    }


def _records(config: str, there: Container[str]) -> dict[str, Any]:
    table = release_table(config)
    named = {column: (other.removeprefix("release_"), key) for column, other, key in table.foreign_keys}
    # A config without rows is left out of a release, and so is what would lead to it.
    references = {column: to for column, to in named.items() if to[0] in there}
    fields = [_split_field(config)]
    for column in table.columns:
        field = _field(config, f"{config}/{column.name}", column.name, column.description, column.arrow)
        other, key = references.get(column.name, (config, ""))
        # The reference implementation takes a reference within one set of records for a cycle.
        if other != config and not pa.types.is_list(column.arrow):
            field["references"] = {"field": {"@id": f"{other}/{key}"}}
        fields.append(field)
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": table.description,
        "key": {"@id": f"{config}/{table.primary_key[0]}"},
        "field": fields,
    }


def _split_field(config: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{config}/split",
        "name": "split",
        "description": "The split that the row is in, from the file's name.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{config}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"^(?:.*{config}/)?([a-z]+)(?:-\d+-of-\d+\.parquet)?$"},
        },
        "references": {"field": {"@id": "splits/name"}},
    }


def _field(config: str, place: str, name: str, description: str, kind: pa.DataType) -> dict[str, Any]:
    field: dict[str, Any] = {"@type": "cr:Field", "@id": place, "name": name, "description": description}
    source = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": place.split("/")[1]}}
    if kind == IMAGE:
        return field | {"dataType": "sc:ImageObject", "source": source | {"transform": {"jsonPath": "bytes"}}}
    if not pa.types.is_list(kind):
        return field | {"dataType": _TYPES[str(kind)], "source": source}
    inner, many = kind.value_type, {"isArray": True, "arrayShape": "-1"}
    if not pa.types.is_struct(inner):
        return field | many | {"dataType": _TYPES[str(inner)], "source": source}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"{place}/{part.name}",
            "name": part.name,
            "description": f"{part.name} of each entry of {name}.",
            "dataType": _TYPES[str(part.type)],
            "source": source | {"transform": {"jsonPath": f"$[*].{part.name}"}},
        }
        for part in inner
    ]
    return field | many | {"subField": parts}
