"""What a user would write instead: datasets.map row by row, langdetect, OpenCC, datasketch's MinHash and LSH.

python -m benchmarks.naive posts.parquet 5000        the first 5,000 rows
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from typing import Any


def columns(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the build derives of a text, in the plainest way."""
    import langdetect
    import opencc

    text = row["text"]
    langdetect.DetectorFactory.seed = 0
    try:
        language = langdetect.detect(text)
    except langdetect.LangDetectException:
        language = "und"
    chinese = bool(re.search(r"[\u4e00-\u9fff]", text))
    simplified = CONVERTERS.setdefault("t2s", opencc.OpenCC("t2s")).convert(text) if chinese else None
    return {
        "text_lang": language,
        "text_simplified": simplified,
        "hashtags": re.findall(r"#(\w+)", text),
        "mentions": re.findall(r"@(\w+)", text),
        "urls": re.findall(r"https?://\S+", text),
    }


CONVERTERS: dict[str, Any] = {}


def duplicates(texts: list[str]) -> int:
    """Return how many texts have a near-duplicate before them."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.7, num_perm=100)
    found = 0
    for number, text in enumerate(texts):
        sketch = MinHash(num_perm=100)
        for at in range(max(1, len(text) - 3)):
            sketch.update(text[at : at + 4].encode())
        found += bool(index.query(sketch))
        index.insert(number, sketch)
    return found


def main() -> None:
    """Run it and print the seconds that it took, without imports and the start of processes."""
    import datasets

    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_parquet(sys.argv[1]).select(range(int(sys.argv[2])))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = rows.map(columns, num_proc=2, cache_file_name=f"{folder}/cache.arrow")
        duplicates(made["text"])
        made.to_parquet(f"{folder}/posts.parquet")
    print(f"seconds {time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main()
