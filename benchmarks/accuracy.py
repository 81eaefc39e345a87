"""How often language and script are told rightly, on texts that nobody made for it: the translations of Django's interface.

    python -m benchmarks.accuracy          prints a table

Each language's strings come from the compiled catalogues in the installed package (``django``, in the ``dev`` extra): short, of
one subject, placeholders taken out, and those that are not translated left out. Chinese stands there in simplified and in
Taiwan's traditional characters; Hong Kong's are made of the latter by OpenCC.
"""

from __future__ import annotations

import gettext
from collections import Counter
from importlib.resources import files
from pathlib import Path

import opencc
import pyarrow as pa
import regex

from toolkit.text import letters
from toolkit.text.analysis import analyse

# Catalogue → the code that is right.
LANGUAGES = {
    **{name: name for name in "ar az be bg bn ckb cs da de el en es et fa fi fr he hi hu id it ja kk ko ky".split()},
    **{name: name for name in "lt lv mk mn nl pl pt ro ru sk sl sv th tr ug uk ur uz vi zh_Hans zh_Hant".split()},
    "ckb": "ku",
    "zh_Hans": "zh",
    "zh_Hant": "zh",
}
_PLACEHOLDER = regex.compile(r"%(?:\(\w+\))?[sdr]|\{\w*\}|<[^>]+>|&\w+;|https?://\S+")
LETTERS = 24
"""Strings of fewer letters are left out: of them the design says ``und``, where no script settles it."""


def strings(name: str) -> list[str]:
    """Return a catalogue's translated strings, each once, in order."""
    root = Path(str(files("django")))
    found: dict[str, None] = {}
    for path in sorted(root.glob(f"**/locale/{name}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        for source, translated in catalogue.items():
            original = source[0] if isinstance(source, tuple) else source
            text = " ".join(_PLACEHOLDER.sub(" ", translated).split())
            if original and translated != original and text:
                found.setdefault(text)
    counts = letters.survey(list(found)).counts if found else None
    heavy = [2 if code in ("Hani", "Kana", "Hang") else 1 for code in letters.CODES]
    return [t for t, own in zip(found, [] if counts is None else counts @ heavy, strict=True) if own >= LETTERS]


def measure() -> list[dict[str, object]]:
    """Return for each catalogue: how many strings, and the share that language, and script where it is Chinese, is right of."""
    rows: list[dict[str, object]] = []
    for name, right in LANGUAGES.items():
        if texts := strings(name):
            rows.append(_row(name, texts, right, {"zh_Hans": "Hans", "zh_Hant": "Hant"}.get(name)))
    traditional = strings("zh_Hant")
    hong_kong = [opencc.OpenCC("t2hk").convert(text) for text in traditional]
    return [*rows, _row("zh_Hant, as in Hong Kong", hong_kong, "zh", "Hant")]


def _row(name: str, texts: list[str], right: str, script: str | None) -> dict[str, object]:
    found = analyse(pa.array(texts, pa.string()))
    said = Counter(found["text_lang"].to_pylist())
    scripts = Counter(found["script"].to_pylist())
    wrong = ", ".join(f"{code} {count}" for code, count in said.most_common(4) if code != right)
    row: dict[str, object] = {
        "strings": name,
        "number": len(texts),
        "language": said[right] / len(texts),
        "taken for": wrong,
    }
    return row | {
        "script": scripts[script] / len(texts) if script else None,
        "scripts": dict(scripts) if script else None,
    }


def table(rows: list[dict[str, object]]) -> str:
    """Return the table in Markdown."""
    lines = ["| strings | number | language right | taken for | script right |", "|---|---|---|---|---|"]
    for row in rows:
        script = "" if row["script"] is None else f"{row['script']:.3f}"
        lines.append(f"| {row['strings']} | {row['number']} | {row['language']:.3f} | {row['taken for']} | {script} |")
    total = sum(int(str(row["number"])) for row in rows)
    right = sum(float(str(row["language"])) * int(str(row["number"])) for row in rows)
    return "\n".join([*lines, f"| **all** | {total} | **{right / total:.3f}** | | |"])


if __name__ == "__main__":
    print(table(measure()))
