"""A takedown archive of fictional posts, with the dirt of real ones: made, added, built, measured.

    python benchmarks/takedown.py make 1000000 FILE.csv      writes the table (seeded: the same bytes for the same number)
    python benchmarks/takedown.py read FILE.csv              only reads it with pyarrow: what the rest is held against
    python benchmarks/takedown.py add FILE.csv WORKSPACE     adds it to a new workspace
    python benchmarks/takedown.py build WORKSPACE            builds the corpus

Each of the last three prints seconds, rows a second and the process's peak memory.
"""

from __future__ import annotations

import csv
import hashlib
import random
import resource
import sys
import time
from pathlib import Path

COLUMNS = (
    "tweetid,userid,user_display_name,user_screen_name,user_reported_location,user_profile_description,user_profile_url,"
    "follower_count,following_count,account_creation_date,account_language,tweet_language,tweet_text,tweet_time,"
    "tweet_client_name,in_reply_to_tweetid,in_reply_to_userid,quoted_tweet_tweetid,is_retweet,retweet_userid,"
    "retweet_tweetid,latitude,longitude,quote_count,reply_count,like_count,retweet_count,hashtags,urls,user_mentions,"
    "poll_choices"
).split(",")
_WORDS = {
    "en": "the ferry to Lantern Quay runs twice a day and the baker sells salt lamps beside the old harbour clock".split(),
    "zh": "燈籠 碼頭 的 渡船 每天 兩班 麵包 師傅 在 舊港 的 鐘 旁邊 賣 鹽燈".split(),
    "es": "el barco de la isla sale dos veces al día y la panadera vende lámparas junto al reloj".split(),
}
_DIRT = 1000
"""One row in so many has each kind of dirt."""


def make(count: int, path: Path) -> None:
    """Write ``count`` rows; each kind of dirt stands in one row of a thousand."""
    rng = random.Random(7)
    users = [hashlib.sha256(f"user {i}".encode()).hexdigest() for i in range(5000)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(count):
            lang = rng.choice(["en", "zh", "es"])
            words = rng.choices(_WORDS[lang], k=rng.randint(6, 22))
            user, tag = rng.choice(users), rng.choice(["LanternQuay", "鹽燈", "ferry"])
            day = f"20{rng.randint(14, 19)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            row = dict.fromkeys(COLUMNS, "") | {
                "tweetid": str(900_000_000_000_000_000 + i),
                "userid": user,
                "user_display_name": user,
                "user_screen_name": user,
                "follower_count": str(rng.randint(0, 900)),
                "following_count": str(rng.randint(0, 900)),
                "account_creation_date": "2013-05-01",
                "account_language": lang,
                "tweet_language": lang,
                "tweet_text": " ".join(words) + f" #{tag} https://example.org/{i}",
                "tweet_time": f"{day} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
                "tweet_client_name": "Example Web",
                "is_retweet": "false",
                "like_count": str(rng.randint(0, 50)),
                "hashtags": f"[{tag}, quay]",
                "urls": f"[https://example.org/{i}]",
                "user_mentions": "[]",
            }
            kind = rng.randrange(_DIRT)
            if kind < 200:
                row["tweet_text"] = f'first line\nsecond "{words[0]}" line, {i}'
            elif kind == 200:
                row["tweet_time"] = "yesterday"
            elif kind == 201:
                row["tweetid"] = str(900_000_000_000_000_000 + i // 2)
            elif kind == 202:
                row["tweet_text"] = ""
            elif kind == 203:
                row["tweetid"] = f"9.0{i % 10}E+17"
            values = [row[name] for name in COLUMNS]
            writer.writerow(values[:12] if kind == 204 else values)


def read(path: Path) -> int:
    """Read the table's columns with pyarrow as the adding does, and nothing else."""
    from pyarrow import csv as arrow

    reader = arrow.open_csv(
        path,
        read_options=arrow.ReadOptions(block_size=8 << 20, use_threads=False),
        parse_options=arrow.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda _: "skip"),
        convert_options=arrow.ConvertOptions(include_columns=["tweetid", "userid", "tweet_text", "tweet_time"]),
    )
    return sum(batch.num_rows for batch in reader)


def add(path: Path, root: Path) -> int:
    """Add the table to a new workspace."""
    from toolkit.sources.tabular.add import add_table
    from toolkit.sources.tabular.ingest import counts, summary
    from toolkit.workspace import Workspace, new_settings

    added = add_table(Workspace.create(root, new_settings("bench")), path, preset="takedown-tweets")
    print(*summary(added), sep="\n")
    return counts(added).rows


def build(root: Path) -> int:
    """Build the workspace's corpus."""
    from toolkit.corpus.build import build as build_corpus
    from toolkit.workspace import Workspace

    built = build_corpus(Workspace.open(root))
    print(built.version.version, built.skipped)
    return int(built.version.manifest["tables"]["posts"]["rows"])


def main() -> None:
    """Run one measurement."""
    what, *words = sys.argv[1:]
    if what == "make":
        make(int(words[0]), Path(words[1]))
        return
    started = time.perf_counter()
    rows = {"read": read, "add": add, "build": build}[what](*map(Path, words))
    took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {rows} rows in {took:.1f} s, {rows / took:,.0f} rows/s, peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
