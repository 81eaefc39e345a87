"""Synthetic posts of any number: neutral, in thirteen languages, with duplicates and near-duplicates that are known.

    python -m benchmarks.posts 1000000 posts.parquet

Words are those of Django's interface in its translations, so that each language is real and the subject is nobody's business.
Of a hundred posts about 27 are exact copies of an earlier one and 8 are near-duplicates (a word in twelve is another). Column
``origin`` is the row that a post was made from, its own where it is new. Seeded: the same number gives the same file.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.accuracy import strings

LANGUAGES = "en es fr de ru uk ar fa ug kk ko ja zh_Hans zh_Hant".split()
_SHARES = (22, 9, 6, 6, 12, 3, 8, 3, 4, 4, 3, 3, 10, 7)
_UNSPACED = ("ja", "zh_Hans", "zh_Hant")
_TAGS = {"ar": "مرفأ", "ru": "гавань", "kk": "айлақ", "ug": "پورت", "zh_Hans": "盐灯", "zh_Hant": "鹽燈"}
_EXACT, _NEAR = 0.27, 0.08
_A_TIME = 50_000
_REMEMBERED = 200_000
SCHEMA = pa.schema(
    [(n, pa.string()) for n in ("id", "text", "account", "time", "language")]
    + [("row", pa.int64()), ("origin", pa.int64())]
)


def words() -> dict[str, list[str]]:
    """Return each language's words."""
    found = {}
    for name in LANGUAGES:
        texts = strings(name if name != "en" else "en_GB") or _english()
        pieces = (
            [t[i : i + 4] for t in texts for i in range(0, len(t), 4)] if name in _UNSPACED else " ".join(texts).split()
        )
        found[name] = [piece for piece in pieces if any(char.isalpha() for char in piece)]
    return found


def _english() -> list[str]:
    return [
        "The evening ferry runs twice a day and the baker sells bread beside the old harbour clock until the lamps are lit"
    ]


def make(count: int, path: Path) -> None:
    """Write ``count`` posts."""
    rng = random.Random(11)
    vocabulary = words()
    earlier: list[tuple[str, str, int]] = []
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for start in range(0, count, _A_TIME):
            rows = [_post(rng, vocabulary, earlier, row) for row in range(start, min(start + _A_TIME, count))]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def _post(
    rng: random.Random, vocabulary: dict[str, list[str]], earlier: list[tuple[str, str, int]], row: int
) -> dict[str, object]:
    kind = rng.random()
    origin = row
    if earlier and kind < _EXACT:
        text, language, origin = rng.choice(earlier)
    elif earlier and kind < _EXACT + _NEAR:
        text, language, origin = rng.choice(earlier)
        pieces = text.split(" ") if language not in _UNSPACED else [text[i : i + 4] for i in range(0, len(text), 4)]
        for _ in range(max(1, len(pieces) // 12)):
            pieces[rng.randrange(len(pieces))] = rng.choice(vocabulary[language])
        text = ("" if language in _UNSPACED else " ").join(pieces)
    else:
        (language,) = rng.choices(LANGUAGES, _SHARES)
        unspaced = language in _UNSPACED
        pieces = rng.choices(vocabulary[language], k=rng.randint(6, 24) if not unspaced else rng.randint(4, 20))
        text = ("" if unspaced else " ").join(pieces)
        if rng.random() < 0.3:
            text += f" #{_TAGS.get(language, 'LanternQuay')}"
        if rng.random() < 0.15:
            text = f"@plover_{rng.randrange(900)} {text}"
        if rng.random() < 0.25:
            text += f" https://quay.example/{row}"
        if rng.random() < 0.05:
            text += " 🌊"
        if len(earlier) < _REMEMBERED:
            earlier.append((text, language, row))
        else:
            earlier[rng.randrange(_REMEMBERED)] = (text, language, row)
    return {
        "id": str(900_000_000_000 + row),
        "text": text,
        "account": f"keeper{rng.randrange(20_000)}",
        "time": f"20{14 + row % 6}-{1 + row % 12:02}-{1 + row % 28:02} 12:{row % 60:02}",
        "language": language.partition("_")[0],
        "row": row,
        "origin": origin,
    }


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]))
